//! What a failure outside means for the message that met it.

use std::time::Duration;

/// Whether the same work may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The target fails, or refuses our credential: any message would have failed. `after` is the
    /// wait it asks for (`Retry-After`).
    Retry { after: Option<Duration> },
    /// The other side understood and refused this message: sending it again cannot help.
    Fail,
}
