//! Issues in lines and columns, the same in every command.

use console::Style;

use super::api::ApiPage;
use super::error::CliError;
use super::names::parsed;
use super::screen::Screen;
use super::table::{TableCell, one_line, table};
use super::when::{day, relative};
use super::wire::{Issue, Relation};

pub(super) fn state_style(state: &str) -> Style {
    match state {
        "open" => Style::new().green(),
        "in_progress" => Style::new().cyan(),
        "blocked" => Style::new().red(),
        _ => Style::new().dim(),
    }
}

pub(super) fn priority_style(priority: &str) -> Style {
    match priority {
        "high" => Style::new().red().bold(),
        "low" => Style::new().dim(),
        _ => Style::new(),
    }
}

/// A list of issues, in the requested format.
pub(super) fn issues(screen: &Screen, list: &ApiPage) -> Result<(), CliError> {
    let rows: Vec<Issue> = if screen.is_for_people() { parsed(&list.items)? } else { Vec::new() };
    screen.list(list, || {
        if rows.is_empty() {
            return String::new();
        }
        let titles = ["#", "STATE", "PRIO", "TITLE", "LABELS", "REPO", "UPDATED"];
        table(&titles, &rows.iter().map(|issue| row(screen, issue)).collect::<Vec<_>>(), 3, screen.width())
    })?;
    if rows.is_empty() {
        screen.note("nothing found");
    }
    if let Some(total) = list.total {
        screen.note(&format!("{} of {total}", list.items.len()));
    } else if list.next_cursor.is_some() {
        screen.note("there are more: --limit shows them");
    }
    Ok(())
}

fn row(screen: &Screen, issue: &Issue) -> Vec<TableCell> {
    let state = if issue.archived_at.is_some() { "archived" } else { &issue.state };
    let dim = Style::new().dim();
    vec![
        TableCell::styled(issue.number.to_string(), Style::new().yellow()),
        TableCell::styled(state, state_style(state)),
        TableCell::styled(issue.priority.clone(), priority_style(&issue.priority)),
        TableCell::new(issue.title.clone()),
        TableCell::styled(issue.labels.join(", "), Style::new().magenta()),
        TableCell::styled(issue.target_repo.clone().unwrap_or_default(), dim.clone()),
        TableCell::styled(relative(issue.updated_at, screen.now), dim),
    ]
}

/// The one line about an issue after a change.
pub(super) fn short(issue: &Issue) -> String {
    let number = Style::new().yellow().apply_to(format!("#{}", issue.number));
    format!("{number} {} {}", state_style(&issue.state).apply_to(&issue.state), one_line(&issue.title))
}

/// Everything about one issue but its texts.
pub(super) fn head(screen: &Screen, issue: &Issue) -> String {
    let bold = Style::new().bold();
    let mut lines =
        vec![format!("{} {}", Style::new().yellow().apply_to(format!("#{}", issue.number)), bold.apply_to(one_line(&issue.title)))];
    let state = state_style(&issue.state).apply_to(&issue.state);
    let priority = priority_style(&issue.priority).apply_to(&issue.priority);
    lines.push(format!("{state} · {priority} · {} · filed {}", issue.kind, relative(issue.created_at, screen.now)));
    let mut fact = |name: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| {
            let name = console::pad_str(name, 10, console::Alignment::Left, None);
            format!("{} {}", Style::new().dim().apply_to(name), one_line(&value))
        }));
    };
    let ago = |moment| relative(moment, screen.now);
    fact("blocked", issue.blocked_reason.clone());
    fact("closed", issue.close_reason.clone().zip(issue.closed_at).map(|(reason, at)| format!("{reason}, {}", ago(at))));
    fact("archived", issue.archived_at.map(ago));
    fact("claimed by", issue.claimed_by.clone().zip(issue.claimed_until).map(|(who, until)| format!("{who}, runs out {}", ago(until))));
    fact("review", Some(issue.review.clone()).filter(|review| review != "none"));
    fact("because", issue.review_reason.clone());
    fact("labels", Some(issue.labels.join(", ")));
    fact("assigned", Some(issue.assignees.join(", ")));
    fact("milestone", issue.milestone.clone());
    fact("due", issue.due_on.map(|date| day(date, screen.now)));
    for Relation { kind, to, number } in &issue.relations {
        fact(&kind.replace('_', " "), Some(number.map_or_else(|| to.clone(), |number| format!("#{number}"))));
    }
    fact("repo", issue.target_repo.clone());
    fact("source", issue.source_id.clone());
    fact("url", issue.url.clone());
    fact("id", Some(issue.id.clone()));
    lines.join("\n") + "\n"
}
