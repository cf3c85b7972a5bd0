//! What a failure outside means for the message that met it.

use std::time::Duration;

/// Whether the same work may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The other side is in trouble, or does not let us in: any message would have failed. `after` is its own wish (`Retry-After`).
    Retry { after: Option<Duration> },
    /// The other side understood and refused this message: sending it again cannot help.
    Fail,
}
