//! One issue in a form that both sides share: what the tracker can carry of the local issue, and
//! our values of the remote one.
//!
//! Two equal issues have equal forms, even if the tracker's renderer changed a text. Texts are bare
//! (no footer, nothing invisible) and canonical (the tracker's own form, which `canon` gives). A
//! field that the tracker does not carry is as in the base.

use crate::domain::base::text;
use crate::domain::base::text::{TextRule, fold, one_line};
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, StateName};
use crate::domain::issue::Issue;
use crate::domain::issue::relation::{MAX_RELATIONS, TrackerKey};
use crate::domain::tracker::{
    AssigneeSupport, BackendTerms, CarriedAs, Draft, LabelNames, MilestoneSupport, RelationTargets, RemoteIssue, RemoteRelation, fit,
    without_our_footer,
};

/// A comment of ours without its footer and without the line that names its author.
#[must_use]
pub fn without_our_signature(text: &str, author: &str) -> String {
    let text = without_our_footer(text);
    let head = format!("**{author}:**");
    text.strip_prefix(&head).map_or_else(|| text.clone(), |rest| rest.trim_start_matches('\n').to_owned())
}

/// The author and the text of a comment of ours, if the line that names the author is still there.
#[must_use]
pub fn quoted_author(text: &str) -> Option<(String, String)> {
    let text = without_our_footer(text);
    let (author, said) = text.strip_prefix("**")?.split_once(":**")?;
    let named = !author.is_empty() && !author.contains('\n');
    named.then(|| (author.to_owned(), said.trim_start_matches('\n').to_owned()))
}

/// As much of a text as can be held here.
pub(super) fn holdable(text: &str, rule: TextRule) -> String {
    text.chars().filter(|c| *c != '\0').take(rule.max).collect()
}

/// The base in the form that is compared. Older links keep it in the form that was sent.
#[must_use]
pub fn comparable_base(base: &Draft, canon: &dyn Fn(&str) -> String) -> Draft {
    Draft { title: one_line(&base.title), body: canon(&without_our_footer(&base.body)), ..base.clone() }
}

/// Ours, as far as the tracker can carry it.
#[must_use]
pub fn comparable_local(issue: &Issue, terms: &BackendTerms, around: &RelationTargets, canon: &dyn Fn(&str) -> String) -> Draft {
    let draft = fit(issue, terms, around).draft;
    Draft { title: one_line(&draft.title), body: canon(&without_our_footer(&draft.body)), ..draft }
}

/// The remote side. `base` fills in the fields that the tracker does not return.
#[must_use]
pub fn comparable_remote(remote: &RemoteIssue, base: &Draft, terms: &BackendTerms, canon: &dyn Fn(&str) -> String) -> Draft {
    let can = &terms.capabilities;
    let closed = remote.state == StateName::Closed;
    Draft {
        title: holdable(&one_line(&remote.title), text::TITLE),
        body: canon(&without_our_footer(&holdable(&remote.body, text::DESCRIPTION))),
        state: remote.state,
        close_reason: can.close_reasons.then(|| remote.close_reason.or(closed.then_some(CloseReason::Completed))).flatten(),
        priority: remote.priority.unwrap_or_else(|| unsaid(can.priority, base.priority, || plain_priority(&terms.names))),
        kind: remote.kind.unwrap_or_else(|| unsaid(can.kind, base.kind, || plain_kind(&terms.names))),
        labels: if can.labels {
            remote.labels.iter().filter(|label| text::LABEL.check(label).as_ref() == Ok(*label)).cloned().collect()
        } else {
            base.labels.clone()
        },
        assignees: people(remote, base, terms),
        milestone: if can.milestones == MilestoneSupport::Not {
            base.milestone.clone()
        } else {
            remote.milestone.clone().filter(|name| text::MILESTONE.check(name).is_ok())
        },
        due_on: if can.due_dates { remote.due_on } else { base.due_on },
        relations: relations(remote, base, terms),
    }
}

/// The relations that our store can hold, among those the tracker carries; the others are as in the
/// base.
fn relations(remote: &RemoteIssue, base: &Draft, terms: &BackendTerms) -> Vec<RemoteRelation> {
    let Some(told) = &remote.relations else { return base.relations.clone() };
    let carried = |one: &&RemoteRelation| terms.capabilities.relations.contains(&one.relation);
    let others = base.relations.iter().filter(|one| !carried(one));
    let held = told.iter().filter(carried).filter(|one| TrackerKey::can_hold(&one.key)).take(MAX_RELATIONS);
    held.chain(others).cloned().collect()
}

/// What the silence of a tracker means: without a label for it, the word that goes without saying; else nothing at all.
fn unsaid<T>(carried: CarriedAs, base: T, plain: impl FnOnce() -> T) -> T {
    match carried {
        CarriedAs::ByLabel => plain(),
        CarriedAs::Natively | CarriedAs::Not => base,
    }
}

fn plain_priority(names: &LabelNames) -> Priority {
    Priority::ALL.iter().copied().find(|word| names.priority(*word).is_empty()).unwrap_or(Priority::Medium)
}

fn plain_kind(names: &LabelNames) -> Kind {
    Kind::ALL.iter().copied().find(|word| names.kind(*word).is_empty()).unwrap_or(Kind::Task)
}

/// The tracker's assignees that `users` maps. While an unmapped one is among them, no assignee
/// counts as removed.
fn people(remote: &RemoteIssue, base: &Draft, terms: &BackendTerms) -> Vec<String> {
    let known = |name: &&String| terms.users.local_name(name).is_some();
    let (mut people, strangers): (Vec<String>, Vec<String>) = remote.assignees.iter().cloned().partition(|name| known(&name));
    match terms.capabilities.assignees {
        AssigneeSupport::Not => return base.assignees.clone(),
        AssigneeSupport::One if !strangers.is_empty() => return base.assignees.clone(),
        AssigneeSupport::One | AssigneeSupport::Many => {}
    }
    if !strangers.is_empty() {
        for name in &base.assignees {
            if !people.iter().any(|other| fold(other) == fold(name)) {
                people.push(name.clone());
            }
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_we_put_into_a_text_is_no_part_of_it() {
        let id = Uuid::from_u128(7);
        assert_eq!(without_our_footer(&format!("why  \r\nhow\n\n---\nissue-core:{id} · rule x")), "why\nhow");
        assert_eq!(without_our_footer(&format!("---\nissue-core:{id}")), "");
        assert_eq!(without_our_footer(&format!("why\n\n***\n\nissue-core:{id}\n\nand a word below")), "why\n\n\n\nand a word below");
        assert_eq!(without_our_footer("ask @\u{200b}ann"), "ask @ann");
        assert_eq!(without_our_footer("a\n\n---\nissue-core: the service"), "a\n\n---\nissue-core: the service", "no footer of ours");
        assert_eq!(without_our_signature(&format!("**ann:**\n\nyes\n\n---\nissue-core:{id}"), "ann"), "yes");
        assert_eq!(without_our_signature("**bob:** no", "ann"), "**bob:** no");
        let said = |text: &str| quoted_author(text);
        assert_eq!(said(&format!("**ann:**\n\nyes: **x:**\n\n---\nissue-core:{id}")), Some(("ann".to_owned(), "yes: **x:**".to_owned())));
        assert_eq!((said("yes **ann:** no"), said("**yes\nann:** no"), said("")), (None, None, None));
    }
}
