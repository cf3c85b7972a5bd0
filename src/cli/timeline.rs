//! `issue timeline`: every event of an issue, and the attempts to deliver its messages.

use clap::Args;
use console::Style;
use serde_json::Value;

use super::error::CliError;
use super::names::{parsed, resolve};
use super::reach::CommandSession;
use super::table::one_line;
use super::when::relative;
use super::wire::Happened;

#[derive(Debug, Args)]
pub(super) struct TimelineArgs {
    /// Number, id, the beginning of an id, or a tracker's key
    issue: String,
    /// At most as many events
    #[arg(short = 'n', long, default_value_t = 1000)]
    limit: usize,
}

impl TimelineArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let id = resolve(&session.api, &self.issue).await?;
        let list = session.api.items(&format!("/issues/{id}/timeline"), &Vec::new(), self.limit.max(1)).await?;
        let events: Vec<Happened> = parsed(&list.items)?;
        session.screen.list(&list, || events.iter().map(|event| told(event, session.screen.now)).collect())
    }
}

fn told(event: &Happened, now: chrono::DateTime<chrono::Utc>) -> String {
    let dim = Style::new().dim();
    let kind = Style::new().bold().apply_to(&event.kind);
    let mut text = format!("{kind} by {}, {}\n", one_line(&event.actor), dim.apply_to(relative(event.at, now)));
    let mut line = |line: String| text.extend(["    ", &line, "\n"]);
    for change in &event.changes {
        line(format!("{}: {} → {}", change.field, value(&change.from), value(&change.to)));
    }
    event.reason.iter().for_each(|reason| line(one_line(reason)));
    event.comment.iter().for_each(|comment| line(format!("“{}”", cut(&one_line(comment)))));
    for delivery in &event.deliveries {
        let error = delivery.error.as_deref().map(|error| format!(": {}", one_line(error))).unwrap_or_default();
        line(dim.apply_to(format!("{} {} at attempt {}{error}", delivery.target, delivery.outcome, delivery.attempt)).to_string());
    }
    text
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => cut(&one_line(text)),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(one_line).collect::<Vec<_>>().join(", "),
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn cut(text: &str) -> String {
    console::truncate_str(text, 80, "…").into_owned()
}
