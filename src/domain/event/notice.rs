//! An event as sinks receive it.

use crate::domain::base::id::IssueNumber;
use crate::domain::event::Event;
use crate::domain::issue::TaskOrigin;

/// An event with those facts of its issue that never change.
///
/// Every value that may change later comes from the event's own `detail.snapshot`, as it was then.
/// So the tenth attempt sends the same text as the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub event: Event,
    pub number: IssueNumber,
    pub target_repo: Option<String>,
    pub origin: TaskOrigin,
}
