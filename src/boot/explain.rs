//! Explains the route of a task as text, without starting anything.

use std::fmt::Write as _;

use super::{BootError, DatabaseUrl, backends};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::{CreateIssue, TaskSpec};

/// Every rule that was asked with its verdict, where the task goes, and what is not carried whole.
pub fn explain_route(settings: &Settings, spec: TaskSpec) -> Result<String, BootError> {
    let trackers = backends::trackers(settings)?;
    let command = CreateIssue::parse(spec).map_err(|faults| {
        let told: Vec<String> = faults.into_vec().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
        BootError::Task(told.join("; "))
    })?;
    let store = DatabaseUrl::of(&settings.database).dialect();
    let issue = command.into_issue(Vec::new(), store, Clock::System.stamp());
    let plan = trackers.plan(&issue, store);
    let mut text = String::new();
    for considered in &plan.routed.considered {
        let mark = if considered.matched { "takes it" } else { "passes  " };
        _ = writeln!(text, "{:20} {mark}  {}", considered.rule.to_string(), considered.because);
    }
    for to in &plan.routed.to {
        let kind = trackers.kind(&to.backend).map_or(store, crate::domain::tracker::TrackerKind::as_str);
        let project = to.place.as_ref().map(|project| format!(", {project}")).unwrap_or_default();
        _ = writeln!(text, "→ {} ({kind}{project})", to.backend);
    }
    for lost in &plan.losses {
        _ = writeln!(text, "  {} {} in {}: {}", lost.loss.field, lost.loss.loss, lost.backend, lost.loss.why);
    }
    Ok(text)
}
