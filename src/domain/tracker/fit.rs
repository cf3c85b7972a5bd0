//! From an issue to what one tracker can hold of it, and what is lost on the way. The only function that makes drafts.

use super::capability::{AssigneeSupport, Capabilities, CarriedAs, MilestoneSupport};
use super::defuse::{TextRules, defused, harmful, parts};
use super::draft::Draft;
use super::footer::{FOOTER_MOST, Marker, footer_line, with_footer};
use super::label_names::{LabelNames, UserMap};
use super::loss::{Loss, LossField, LossKind, LossList};
use super::relation_targets::RelationTargets;
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::StateName;
use crate::domain::issue::comment::Comment;
use crate::domain::issue::{Issue, State};

/// How one backend is set up, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendTerms {
    pub capabilities: Capabilities,
    pub names: LabelNames,
    pub users: UserMap,
    pub text: TextRules,
}

/// What goes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FittedDraft {
    pub draft: Draft,
    /// What of the body did not fit into it: the texts of further comments, each with its marker, the first of them part 2.
    pub rest: Vec<String>,
    pub losses: Vec<Loss>,
}

/// What the tracker is asked to hold of the issue, where those are that it relates to. Depends on nothing that changes by itself, so
/// that the same issue gives the same draft.
#[must_use]
pub fn fit(issue: &Issue, terms: &BackendTerms, around: &RelationTargets) -> FittedDraft {
    let mut losses = LossList(Vec::new());
    let can = &terms.capabilities;
    let (body, rest) = body(issue, terms, &mut losses);
    let (relations, unrelated) = around.fit(&issue.relations, can.relations);
    let draft = Draft {
        title: title(issue, can, &mut losses),
        body,
        state: state(issue, terms, &mut losses),
        close_reason: match &issue.state {
            State::Closed { reason, .. } => Some(*reason).filter(|_| can.close_reasons),
            State::Open | State::InProgress | State::Blocked { .. } => None,
        },
        priority: issue.priority,
        kind: issue.kind,
        labels: labels(issue, terms, &mut losses),
        assignees: assignees(issue, terms, &mut losses),
        milestone: milestone(issue, can, &mut losses),
        due_on: issue.due_on.filter(|_| can.due_dates),
        relations,
    };
    losses.0.extend(unrelated);
    if issue.due_on.is_some() && !can.due_dates {
        losses.add(LossField::DueOn, LossKind::Dropped, "this tracker has no due dates");
    }
    if let State::Closed { reason, .. } = &issue.state
        && !can.close_reasons
        && *reason != crate::domain::CloseReason::Completed
    {
        losses.add(LossField::CloseReason, LossKind::Dropped, "this tracker knows only closed");
    }
    words(issue, terms, &mut losses);
    FittedDraft { draft, rest, losses: losses.0 }
}

/// A comment as the tracker shall hold it: its author, its text and the marker, in as many parts as
/// it takes.
#[must_use]
pub fn fit_comment(comment: &Comment, terms: &BackendTerms) -> Vec<String> {
    let text = format!("**{}:**\n\n{}", defused(&comment.author, terms.text), defused(&comment.body, terms.text));
    let cut = parts(&text, terms.text.limit, FOOTER_MOST);
    let marked = |(n, part): (usize, &&str)| with_footer(part, Marker::new(comment.id.0, part_number(n)).as_str());
    cut.iter().enumerate().map(marked).collect()
}

fn title(issue: &Issue, can: &Capabilities, losses: &mut LossList) -> String {
    if issue.title.chars().count() <= can.title_limit {
        return issue.title.clone();
    }
    losses.add(LossField::Title, LossKind::Degraded, format!("cut to {} characters", can.title_limit));
    issue.title.chars().take(can.title_limit.saturating_sub(1)).chain(['…']).collect()
}

fn body(issue: &Issue, terms: &BackendTerms, losses: &mut LossList) -> (String, Vec<String>) {
    let text = defused(&issue.description, terms.text);
    let mut cut = parts(&text, terms.text.limit, FOOTER_MOST).into_iter().enumerate();
    let first = cut.next().map_or("", |(_, part)| part);
    let rest: Vec<String> = cut.map(|(n, part)| with_footer(part, Marker::new(issue.id.0, part_number(n)).as_str())).collect();
    if !rest.is_empty() && terms.capabilities.comments {
        losses.add(LossField::Description, LossKind::Degraded, format!("too long for one text: it goes on in {} comments", rest.len()));
    } else if !rest.is_empty() {
        losses.add(LossField::Description, LossKind::Degraded, "too long: cut, and this tracker takes no comments");
    }
    (with_footer(first, &footer_line(issue, terms.text)), if terms.capabilities.comments { rest } else { Vec::new() })
}

fn part_number(n: usize) -> u16 {
    u16::try_from(n + 1).unwrap_or(u16::MAX)
}

fn state(issue: &Issue, terms: &BackendTerms, losses: &mut LossList) -> StateName {
    let name = issue.state.name();
    let special = matches!(name, StateName::InProgress | StateName::Blocked);
    let can = &terms.capabilities;
    let carried = match can.states {
        CarriedAs::Natively => true,
        CarriedAs::ByLabel => can.labels && !terms.names.state(name).is_empty(),
        CarriedAs::Not => false,
    };
    if special && !carried {
        losses.add(LossField::State, LossKind::Degraded, format!("{name} is shown as open"));
        return StateName::Open;
    }
    name
}

/// Priority and kind: the tracker has a field for each, a label, or nothing.
fn words(issue: &Issue, terms: &BackendTerms, losses: &mut LossList) {
    let fields = [
        (LossField::Priority, terms.capabilities.priority, terms.names.priority(issue.priority)),
        (LossField::Kind, terms.capabilities.kind, terms.names.kind(issue.kind)),
    ];
    for (field, carried, label) in fields {
        match carried {
            CarriedAs::Natively => {}
            CarriedAs::ByLabel if !label.is_empty() && terms.capabilities.labels => {}
            // An empty name is how the settings say that this word goes without saying.
            CarriedAs::ByLabel if label.is_empty() => {}
            CarriedAs::ByLabel | CarriedAs::Not => losses.add(field, LossKind::Dropped, "this tracker has no place for it"),
        }
    }
}

fn labels(issue: &Issue, terms: &BackendTerms, losses: &mut LossList) -> Vec<String> {
    let can = &terms.capabilities;
    if !can.labels {
        if !issue.labels.is_empty() {
            losses.add(LossField::Labels, LossKind::Dropped, "this tracker has no labels");
        }
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    let mut changed = Vec::new();
    for label in &issue.labels {
        if terms.names.is_reserved(label, can) {
            changed.push(format!("{label:?} stands for a state, a priority or a kind and follows that"));
            continue;
        }
        let fitting = label_there(label, can);
        if fitting != *label {
            changed.push(format!("{label:?} is written {fitting:?}"));
        }
        if !kept.iter().any(|other| fold(other) == fold(&fitting)) {
            kept.push(fitting);
        }
    }
    if !changed.is_empty() {
        losses.add(LossField::Labels, LossKind::Degraded, changed.join("; "));
    }
    kept
}

/// A label as the tracker writes it.
#[must_use]
pub fn label_there(label: &str, can: &Capabilities) -> String {
    label.chars().map(|c| if can.label_bars.contains(&c) { '-' } else { c }).take(can.label_limit.unwrap_or(usize::MAX)).collect()
}

/// What of the description lies in further comments there.
#[must_use]
pub fn beyond_first(issue: &Issue, terms: &BackendTerms) -> String {
    let text = defused(&issue.description, terms.text);
    let rest: String = parts(&text, terms.text.limit, FOOTER_MOST).into_iter().skip(1).collect();
    harmful(&rest)
}

fn assignees(issue: &Issue, terms: &BackendTerms, losses: &mut LossList) -> Vec<String> {
    let (known, unknown): (Vec<&String>, Vec<&String>) = issue.assignees.iter().partition(|name| terms.users.remote_name(name).is_some());
    let mut theirs: Vec<String> = known.iter().filter_map(|name| terms.users.remote_name(name)).map(str::to_owned).collect();
    let all = issue.assignees.len();
    match terms.capabilities.assignees {
        AssigneeSupport::Many => {}
        AssigneeSupport::One => theirs.truncate(1),
        AssigneeSupport::Not => theirs.clear(),
    }
    if theirs.len() < all {
        let loss = if theirs.is_empty() { LossKind::Dropped } else { LossKind::Degraded };
        let why = match terms.capabilities.assignees {
            AssigneeSupport::Not => "this tracker has no assignees".to_owned(),
            AssigneeSupport::One if unknown.is_empty() => "this tracker has one assignee: the first".to_owned(),
            AssigneeSupport::One | AssigneeSupport::Many => {
                let names: Vec<&str> = unknown.iter().map(|name| name.as_str()).collect();
                format!("no user there is known as {}: add them to the backend's users", names.join(", "))
            }
        };
        losses.add(LossField::Assignees, loss, why);
    }
    theirs
}

fn milestone(issue: &Issue, can: &Capabilities, losses: &mut LossList) -> Option<String> {
    let milestone = issue.milestone.as_ref()?;
    match can.milestones {
        MilestoneSupport::Made | MilestoneSupport::Existing => Some(milestone.clone()),
        MilestoneSupport::Not => {
            losses.add(LossField::Milestone, LossKind::Dropped, "this tracker has no milestones");
            None
        }
    }
}
