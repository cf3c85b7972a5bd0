//! What a tracker's answer makes of an issue: it is there now.

use super::{Cause, step};
use crate::domain::base::stamp::Stamp;
use crate::domain::change::Change;
use crate::domain::event::EventKind;
use crate::domain::issue::Issue;
use crate::domain::tracker::{Link, LinkNote, TrackerKind};

/// The event and the link. The issue reports its first tracker as its own; a mirror changes nothing
/// of the issue.
#[must_use]
pub fn link(issue: &Issue, link: Link, kind: TrackerKind, found_again: bool, cause: &Cause, stamp: Stamp) -> Change {
    let remote = link.remote.as_ref();
    let url = remote.and_then(|remote| remote.url.clone());
    let key = remote.map(|remote| remote.key.clone()).unwrap_or_default();
    let mut change = step(issue, EventKind::Linked, cause, stamp, |issue, detail| {
        if link.position == 0 {
            kind.as_str().clone_into(&mut issue.backend);
            issue.url.clone_from(&url);
        }
        detail.link = Some(LinkNote { backend: link.backend.clone(), key, url: url.clone(), found_again });
    });
    change.links.push(link);
    change
}
