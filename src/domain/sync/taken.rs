//! From the tracker's values to ours: the fields taken from a remote issue, and a remote issue as
//! an issue of ours.

use chrono::{DateTime, Utc};

use super::binding::Binding;
use super::comparable::holdable;
use super::merge::{TakenFields, TakenText};
use crate::domain::base::id::{IssueId, IssueNumber};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::text;
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::{CloseReason, StateName};
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::{Issue, Review, State, TaskOrigin};
use crate::domain::tracker::without_our_footer;
use crate::domain::tracker::{BackendTerms, Draft, RelationTargets, RemoteIssue, SetChange, TrackerKind, beyond_first, label_there};

/// What the issue is to say from now on. `body` is the remote one, as it is.
#[must_use]
pub fn words(issue: &Issue, take: &TakenFields, body: &str, terms: &BackendTerms, around: &RelationTargets) -> EditIssue {
    let whole = |text: String| {
        let rest = beyond_first(issue, terms);
        holdable(&if rest.is_empty() { text } else { format!("{text}\n{rest}") }, text::DESCRIPTION)
    };
    EditIssue {
        title: take.title.clone(),
        description: take.description.as_ref().map(|text| match text {
            TakenText::Theirs => whole(without_our_footer(body)),
            TakenText::Merged(text) => whole(text.clone()),
        }),
        priority: take.priority,
        kind: take.kind,
        labels: take.labels.as_ref().map(|change| labels(issue, change, terms)),
        assignees: take.assignees.as_ref().map(|change| people(issue, change, terms)),
        milestone: take.milestone.clone(),
        due_on: take.due_on,
        relations: take.relations.as_ref().map(|change| around.apply_change(&issue.relations, change, issue.id)),
    }
}

fn labels(issue: &Issue, change: &SetChange, terms: &BackendTerms) -> Vec<String> {
    let gone = |label: &String| {
        let there = label_there(label, &terms.capabilities);
        change.remove.iter().any(|other| fold(other) == fold(&there))
    };
    let mut labels: Vec<String> = issue.labels.iter().filter(|label| !gone(label)).cloned().collect();
    for label in &change.add {
        if !labels.iter().any(|other| fold(other) == fold(label)) {
            labels.push(label.clone());
        }
    }
    labels.truncate(text::MAX_LABELS);
    labels
}

fn people(issue: &Issue, change: &SetChange, terms: &BackendTerms) -> Vec<String> {
    let named = |names: &[String], theirs: &str| names.iter().any(|other| fold(other) == fold(theirs));
    let gone = |ours: &String| terms.users.remote_name(ours).is_some_and(|theirs| named(&change.remove, theirs));
    let mut people: Vec<String> = issue.assignees.iter().filter(|name| !gone(name)).cloned().collect();
    for name in change.add.iter().filter_map(|theirs| terms.users.local_name(theirs)) {
        if !people.iter().any(|other| fold(other) == fold(name)) {
            people.push(name.to_owned());
        }
    }
    people.truncate(text::MAX_ASSIGNEES);
    people
}

/// An adopted issue: a remote issue as one of ours. `face` is its comparable form.
#[must_use]
pub fn adopted(
    remote: &RemoteIssue,
    face: &Draft,
    binding: &Binding,
    kind: TrackerKind,
    terms: &BackendTerms,
    around: &RelationTargets,
    stamp: Stamp,
) -> Issue {
    let related = SetChange { add: face.relations.clone(), remove: Vec::new() };
    Issue {
        id: IssueId(stamp.id),
        number: IssueNumber::UNASSIGNED,
        title: if face.title.is_empty() { remote.at.key.clone() } else { face.title.clone() },
        description: holdable(&without_our_footer(&remote.body), text::DESCRIPTION),
        state: state(face, kind, stamp.now),
        priority: face.priority,
        kind: face.kind,
        labels: face.labels.iter().take(text::MAX_LABELS).cloned().collect(),
        assignees: face
            .assignees
            .iter()
            .filter_map(|name| terms.users.local_name(name))
            .take(text::MAX_ASSIGNEES)
            .map(str::to_owned)
            .collect(),
        milestone: face.milestone.clone(),
        due_on: face.due_on,
        relations: around.apply_change(&[], &related, IssueId(stamp.id)),
        target_repo: binding.target_repo.clone(),
        backend: kind.as_str().to_owned(),
        url: remote.at.url.clone(),
        origin: TaskOrigin::default(),
        review: Review::None,
        claim: None,
        version: 1,
        // When it was created in the tracker, for readers. No rule uses it.
        created_at: remote.created_at.min(stamp.now),
        updated_at: stamp.now,
        archived_at: None,
    }
}

fn state(face: &Draft, kind: TrackerKind, now: DateTime<Utc>) -> State {
    match face.state {
        StateName::Open => State::Open,
        StateName::InProgress => State::InProgress,
        StateName::Blocked => State::Blocked { reason: format!("blocked in {kind}"), since: now, was_started: false },
        StateName::Closed => State::Closed { reason: face.close_reason.unwrap_or(CloseReason::Completed), at: now },
    }
}
