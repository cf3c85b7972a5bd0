//! What is told outside about an event.

use crate::domain::base::id::IssueNumber;
use crate::domain::event::Event;
use crate::domain::issue::TaskOrigin;

/// An event with those facts of its issue that never change.
///
/// Whatever may change later is in the event's own `detail.snapshot`, as it was then. So a notice read again for the
/// tenth attempt says word for word what it said at the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub event: Event,
    pub number: IssueNumber,
    pub target_repo: Option<String>,
    pub origin: TaskOrigin,
}
