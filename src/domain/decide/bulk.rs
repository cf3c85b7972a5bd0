//! One change for many issues: what it means for each of them.

use super::{Cause, Decision, Refusal, block, close, edit, in_turn, reopen, start, unblock};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::text;
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::CloseReason;
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::{Issue, State};

/// What changes in each issue; a field that is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkChange {
    pub labels: SetWish,
    pub assignees: SetWish,
    /// The inner `None` clears it.
    pub milestone: Option<Option<String>>,
    pub state: Option<StateWish>,
}

/// How a set is to change: to these, or by these. Ignores case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetWish {
    pub all: Option<Vec<String>>,
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// The state that an issue shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateWish {
    Open,
    InProgress,
    Blocked(String),
    Closed(CloseReason),
}

impl SetWish {
    fn apply(&self, has: &[String]) -> Option<Vec<String>> {
        if let Some(all) = &self.all {
            return Some(all.clone());
        }
        if self.add.is_empty() && self.remove.is_empty() {
            return None;
        }
        let among = |texts: &[String], text: &str| texts.iter().any(|other| fold(other) == fold(text));
        let mut set: Vec<String> = has.iter().filter(|text| !among(&self.remove, text)).cloned().collect();
        for text in &self.add {
            if !among(&set, text) {
                set.push(text.clone());
            }
        }
        Some(set)
    }
}

/// The fields first, then the state: both or neither.
pub fn change_one_of_many(issue: &Issue, request: &BulkChange, cause: &Cause, stamp: Stamp) -> Decision {
    let labels = bounded(request.labels.apply(&issue.labels), text::MAX_LABELS, "labels", issue)?;
    let assignees = bounded(request.assignees.apply(&issue.assignees), text::MAX_ASSIGNEES, "assignees", issue)?;
    let words = EditIssue { labels, assignees, milestone: request.milestone.clone(), ..EditIssue::default() };
    let wants_words = words != EditIssue::default();
    in_turn(
        issue,
        stamp,
        |issue, stamp| if wants_words { edit(issue, words, cause, stamp) } else { Ok(None) },
        |issue, stamp| request.state.as_ref().map_or(Ok(None), |state| move_to(issue, state, cause, stamp)),
    )
}

fn bounded(set: Option<Vec<String>>, most: usize, what: &str, issue: &Issue) -> Result<Option<Vec<String>>, Refusal> {
    match set {
        Some(set) if set.len() > most => {
            Err(Refusal::new("too_many", format!("issue #{} would have {} {what}; {most} is the most", issue.number, set.len())))
        }
        set => Ok(set),
    }
}

fn move_to(issue: &Issue, state: &StateWish, cause: &Cause, stamp: Stamp) -> Decision {
    match (state, &issue.state) {
        (StateWish::Open, State::InProgress | State::Blocked { was_started: true, .. }) => {
            Err(Refusal::new("issue_started", format!("work on issue #{} has begun; it cannot go back to open", issue.number)))
        }
        (StateWish::Open, State::Closed { .. }) => reopen(issue, cause, stamp),
        (StateWish::Open, State::Open | State::Blocked { .. }) => unblock(issue, cause, stamp),
        (StateWish::InProgress, _) => start(issue, cause, stamp),
        (StateWish::Blocked(reason), _) => block(issue, reason.clone(), cause, stamp),
        (StateWish::Closed(reason), _) => close(issue, *reason, cause, stamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_change_to_these_or_by_these_and_ignore_case() {
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let by = |add: &[&str], remove: &[&str]| SetWish { all: None, add: set(add), remove: set(remove) };
        assert_eq!(by(&["B", "c"], &["A"]).apply(&set(&["a", "b"])), Some(set(&["b", "c"])));
        assert_eq!(by(&[], &[]).apply(&set(&["a"])), None);
        assert_eq!(SetWish { all: Some(Vec::new()), ..SetWish::default() }.apply(&set(&["a"])), Some(Vec::new()));
    }
}
