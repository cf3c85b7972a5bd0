//! Applies a tracker's changes to our issue. They are facts, not requests, so the rules forbid
//! almost none of them.

use super::{Cause, Decision, in_turn, step};
use crate::domain::base::id::{CommentId, IssueId};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::vocabulary::{CloseReason, StateName};
use crate::domain::change::{Change, IssueWrite};
use crate::domain::event::{Event, EventDetail, EventKind};
use crate::domain::filing::dedupe::Dedupe;
use crate::domain::issue::comment::Comment;
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::relation::{IssueRelation, Relation, RelationEnd};
use crate::domain::issue::{Issue, State};
use crate::domain::sync::{Conflict, ConflictNote};
use crate::domain::tracker::{Link, LinkNote};

/// What is pulled: the fields with the values that our issue shall have, and the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteChanges {
    pub words: EditIssue,
    pub state: Option<(StateName, Option<CloseReason>)>,
    /// Conflicts that get an event.
    pub clashes: Vec<ConflictNote>,
}

/// One event for the fields, one for the state, one for each conflict; `None` where nothing
/// changes. `backend` is the origin of the change: the event is not sent back to it.
#[must_use]
pub fn apply_remote(issue: &Issue, backend: &str, absorption: RemoteChanges, cause: &Cause, stamp: Stamp) -> Option<Change> {
    let mut steps = ChangeSteps { change: None, issue: issue.clone(), cause, stamp, backend };
    let mut wished = issue.clone();
    absorption.words.apply(&mut wished);
    if wished != *issue {
        steps.take(EventKind::Edited, |issue, _| *issue = wished);
    }
    if let Some((state, reason)) = absorption.state
        && let Some((kind, next)) = moved(&steps.issue.state, state, reason, backend, stamp)
    {
        steps.take(kind, |issue, detail| {
            if matches!(next, State::Closed { .. }) {
                issue.claim = None;
            }
            detail.reason = match &next {
                State::Blocked { reason, .. } => Some(reason.clone()),
                State::Closed { reason, .. } => Some(reason.to_string()),
                State::Open | State::InProgress => None,
            };
            issue.state = next;
        });
    }
    steps.tell(absorption.clashes);
    steps.change
}

/// A comment that was changed in the tracker: the text that our comment shall have, if it changes,
/// and the conflicts that get an event.
#[must_use]
pub fn edit_remote_comment(
    issue: &Issue,
    backend: &str,
    comment: &Comment,
    body: Option<String>,
    conflicts: Vec<ConflictNote>,
    cause: &Cause,
    stamp: Stamp,
) -> Change {
    let mut steps = ChangeSteps { change: None, issue: issue.clone(), cause, stamp, backend };
    if let Some(Ok(Some(edit))) = body.map(|body| super::edit_comment(issue, comment, body, cause, stamp)) {
        steps.add(edit);
    }
    steps.tell(conflicts);
    steps.change.unwrap_or_else(|| Change::of(IssueWrite::None))
}

/// A comment that was taken away there.
#[must_use]
pub fn delete_remote_comment(issue: &Issue, backend: &str, comment: CommentId, cause: &Cause, stamp: Stamp) -> Change {
    let mut steps = ChangeSteps { change: None, issue: issue.clone(), cause, stamp, backend };
    if let Ok(Some(deletion)) = super::delete_comment(issue, comment, cause, stamp) {
        steps.add(deletion);
    }
    steps.change.unwrap_or_else(|| Change::of(IssueWrite::None))
}

/// An issue of the tracker's that is not here yet: its first event says where it comes from.
#[must_use]
pub fn adopt(issue: Issue, link: Link, dedupe: Dedupe, cause: &Cause, stamp: Stamp) -> Change {
    let (backend, key) = (&link.backend, link.remote.as_ref().map(|at| at.key.clone()).unwrap_or_default());
    let mut detail = EventDetail::of(&issue);
    detail.from = Some(backend.clone());
    detail.link = Some(LinkNote { backend: backend.clone(), key, url: issue.url.clone(), found_again: false });
    let event = Event {
        issue_id: issue.id,
        seq: 1,
        id: stamp.nth(1),
        kind: EventKind::Created,
        actor: cause.actor.clone(),
        at: stamp.now,
        trace: cause.trace.clone(),
        detail,
    };
    let write = IssueWrite::Insert { issue: Box::new(issue), dedupe: Some(dedupe) };
    Change { events: vec![event], links: vec![link], ..Change::of(write) }
}

/// It is gone from its tracker: out of sight here too, and kept.
#[must_use]
pub fn remote_gone(issue: &Issue, backend: &str, cause: &Cause, stamp: Stamp) -> Change {
    step(issue, EventKind::RemoteGone, cause, stamp, |issue, detail| {
        detail.from = Some(backend.to_owned());
        issue.archived_at = issue.archived_at.or(Some(stamp.now));
        issue.claim = None;
    })
}

/// It was taken for a new one where another of ours had moved to: closed as a duplicate of that one, and out of sight.
#[must_use]
pub fn archive_duplicate(duplicate: &Issue, of: IssueId, backend: &str, cause: &Cause, stamp: Stamp) -> Option<Change> {
    let mut steps = ChangeSteps { change: None, issue: duplicate.clone(), cause, stamp, backend };
    if !matches!(duplicate.state, State::Closed { .. }) {
        steps.take(EventKind::Closed, |issue, detail| {
            detail.reason = Some(CloseReason::Duplicate.to_string());
            issue.state = State::Closed { reason: CloseReason::Duplicate, at: stamp.now };
            let duplicates = IssueRelation { relation: Relation::Duplicates, to: RelationEnd::Issue(of) };
            if !issue.relations.contains(&duplicates) {
                issue.relations.push(duplicates);
            }
        });
    }
    if duplicate.archived_at.is_none() {
        steps.take(EventKind::Archived, |issue, _| {
            issue.archived_at = Some(stamp.now);
            issue.claim = None;
        });
    }
    steps.change
}

/// An operator or a rule resolved the conflict.
fn settled(issue: &Issue, conflict: &Conflict, cause: &Cause, stamp: Stamp) -> Change {
    step(issue, EventKind::SyncSettled, cause, stamp, |_, detail| {
        detail.conflict = Some(ConflictNote {
            id: conflict.id,
            backend: conflict.backend.clone(),
            field: conflict.field,
            resolution: conflict.resolution,
            why: conflict.why.clone(),
        });
    })
}

/// Resolves a conflict with a text of the operator. Both are one change, so that no sync run meets
/// the new text as another conflict.
pub fn resolve(issue: &Issue, conflict: &Conflict, words: Option<EditIssue>, cause: &Cause, stamp: Stamp) -> Decision {
    let write = |issue: &Issue, stamp| words.map_or(Ok(None), |words| super::edit(issue, words, cause, stamp));
    in_turn(issue, stamp, write, |issue, stamp| Ok(Some(settled(issue, conflict, cause, stamp))))
}

/// A comment written there, here too.
#[must_use]
pub fn add_remote_comment(issue: &Issue, backend: &str, comment: &Comment, kind: EventKind, cause: &Cause, stamp: Stamp) -> Change {
    step(issue, kind, cause, stamp, |_, detail| {
        detail.comment_id = Some(comment.id);
        detail.from = Some(backend.to_owned());
    })
}

struct ChangeSteps<'a> {
    change: Option<Change>,
    issue: Issue,
    cause: &'a Cause,
    stamp: Stamp,
    backend: &'a str,
}

impl ChangeSteps<'_> {
    fn take(&mut self, kind: EventKind, mutate: impl FnOnce(&mut Issue, &mut EventDetail)) {
        self.add(step(&self.issue, kind, self.cause, self.stamp, mutate));
    }

    fn tell(&mut self, conflicts: Vec<ConflictNote>) {
        for note in conflicts {
            self.take(EventKind::SyncConflict, |_, detail| detail.conflict = Some(note));
        }
    }

    fn add(&mut self, mut next: Change) {
        /// Ids that one step gives away.
        const IDS: u32 = 8;
        for event in &mut next.events {
            event.detail.from = Some(self.backend.to_owned());
        }
        self.stamp = self.stamp.from_nth(IDS);
        if let Some(issue) = next.issue() {
            self.issue = issue.clone();
        }
        self.change = Some(match self.change.take() {
            Some(before) => before.followed_by(next),
            None => next,
        });
    }
}

/// The state to come, and what that is called; `None` where it stands so already.
fn moved(now: &State, to: StateName, reason: Option<CloseReason>, backend: &str, stamp: Stamp) -> Option<(EventKind, State)> {
    let next = match to {
        StateName::Open => State::Open,
        StateName::InProgress => State::InProgress,
        StateName::Blocked => {
            State::Blocked { reason: format!("blocked in {backend}"), since: stamp.now, was_started: matches!(now, State::InProgress) }
        }
        StateName::Closed => State::Closed { reason: reason.unwrap_or(CloseReason::Completed), at: stamp.now },
    };
    let kind = match (now, &next) {
        (State::Closed { reason: old, .. }, State::Closed { reason: new, .. }) if old == new => return None,
        (State::Open, State::Open) | (State::InProgress, State::InProgress) | (State::Blocked { .. }, State::Blocked { .. }) => {
            return None;
        }
        (_, State::Closed { .. }) => EventKind::Closed,
        (State::Closed { .. }, _) => EventKind::Reopened,
        (_, State::Blocked { .. }) => EventKind::Blocked,
        (_, State::InProgress) => EventKind::Started,
        (State::Blocked { .. }, State::Open) => EventKind::Unblocked,
        (State::InProgress, State::Open) => EventKind::Edited,
    };
    Some((kind, next))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use uuid::Uuid;

    use super::*;
    use crate::domain::issue::create::CreateIssue;
    use crate::domain::request::create::TaskSpec;

    fn stamp(n: u128) -> Stamp {
        Stamp { now: DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(n).unwrap()), id: Uuid::from_u128(n << 64) }
    }

    fn issue() -> Issue {
        let command = CreateIssue::parse(TaskSpec { title: "t".to_owned().into(), ..TaskSpec::default() }).unwrap();
        command.into_issue(Vec::new(), "gitea", stamp(1))
    }

    fn cause() -> Cause {
        Cause { actor: "gitea".to_owned(), trace: None }
    }

    #[test]
    fn a_duplicate_that_is_archived_names_its_original_once() {
        let of = IssueId(Uuid::from_u128(9));
        let duplicates = IssueRelation { relation: Relation::Duplicates, to: RelationEnd::Issue(of) };
        let duplicate = Issue { relations: vec![duplicates.clone()], ..issue() };
        let change = archive_duplicate(&duplicate, of, "t0", &cause(), stamp(2)).unwrap();
        assert_eq!(change.issue().unwrap().relations, [duplicates]);
    }

    #[test]
    fn fields_and_state_are_separate_events_that_name_their_backend() {
        let words = EditIssue { title: Some("u".to_owned()), ..EditIssue::default() };
        let absorption = RemoteChanges { words, state: Some((StateName::Closed, Some(CloseReason::NotPlanned))), clashes: Vec::new() };
        let change = apply_remote(&issue(), "t0", absorption.clone(), &cause(), stamp(2)).unwrap();
        let kinds: Vec<EventKind> = change.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Edited, EventKind::Closed]);
        assert!(change.events.iter().all(|event| event.detail.from.as_deref() == Some("t0")));
        let after = change.issue().unwrap();
        assert_eq!((after.title.as_str(), after.version), ("u", 3));
        assert_eq!(apply_remote(after, "t0", absorption, &cause(), stamp(3)), None, "what stands already is nothing");
    }

    #[test]
    fn a_tracker_may_move_an_issue_from_any_state_to_any_other() {
        for from in StateName::ALL {
            for to in StateName::ALL {
                let to_state = |state| RemoteChanges { state: Some((state, None)), ..RemoteChanges::default() };
                let first = apply_remote(&issue(), "t0", to_state(*from), &cause(), stamp(2));
                let start = first.as_ref().and_then(Change::issue).cloned().unwrap_or_else(issue);
                let after = apply_remote(&start, "t0", to_state(*to), &cause(), stamp(3));
                assert_eq!(after.is_some(), from != to);
                assert_eq!(after.as_ref().and_then(Change::issue).map_or(start.state.name(), |issue| issue.state.name()), *to);
            }
        }
    }
}
