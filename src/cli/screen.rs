//! How answers are shown: to a person in a terminal, to a program as JSON, as ids, or through a template of its own.
//!
//! Everything for the reader goes to standard output, everything about the work (notes, questions, progress) to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use clap::Args;
use console::Term;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value;
use serde_json::value::RawValue;

use super::api::ApiPage;
use super::error::CliError;
use crate::boot;
use crate::config::CommandEnvironment;

/// How to show it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OutputLook {
    /// Print the API's own JSON
    #[arg(long, global = true, conflicts_with_all = ["format", "quiet"], help_heading = "Output")]
    pub(super) json: bool,
    /// Print each item through this template, like '{{number}} {{title}}'
    #[arg(long, global = true, value_name = "TEMPLATE", conflicts_with = "quiet", help_heading = "Output")]
    format: Option<String>,
    /// Print ids only
    #[arg(short, long, global = true, help_heading = "Output")]
    quiet: bool,
    /// Never start a pager
    #[arg(long, global = true, help_heading = "Output")]
    no_pager: bool,
}

pub(super) struct Screen {
    look: OutputLook,
    /// Of the terminal, where there is one.
    size: Option<(usize, usize)>,
    pager: Option<String>,
    pub(super) now: DateTime<Utc>,
}

impl Screen {
    pub(super) fn new(look: OutputLook, surroundings: &CommandEnvironment) -> Self {
        let size = Term::stdout().size_checked().filter(|_| std::io::stdout().is_terminal());
        console::set_colors_enabled(size.is_some() && !surroundings.plain);
        console::set_colors_enabled_stderr(std::io::stderr().is_terminal() && !surroundings.plain);
        let pager = surroundings.pager.clone().unwrap_or_else(|| "less -FRX".to_owned());
        let pager = Some(pager).filter(|pager| !look.no_pager && !pager.trim().is_empty());
        Self { look, size: size.map(|(rows, columns)| (rows.into(), columns.into())), pager, now: boot::now() }
    }

    /// Columns to fit into; piped, there is no end to a line.
    pub(super) fn width(&self) -> Option<usize> {
        self.size.map(|(_, columns)| columns)
    }

    pub(super) fn is_for_people(&self) -> bool {
        !self.look.json && !self.look.quiet && self.look.format.is_none()
    }

    /// One thing out of the API.
    pub(super) fn one(&self, raw: &RawValue, human: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.look.json { self.print(&format!("{}\n", raw.get())) } else { self.each(&[raw], human) }
    }

    /// A list out of the API, in its own shape.
    pub(super) fn list(&self, list: &ApiPage, human: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.look.json {
            let whole = serde_json::to_string(list).map_err(|error| CliError::Failed(error.to_string()))?;
            return self.print(&(whole + "\n"));
        }
        self.each(&list.items.iter().map(AsRef::as_ref).collect::<Vec<_>>(), human)
    }

    fn each(&self, items: &[&RawValue], human: impl FnOnce() -> String) -> Result<(), CliError> {
        if let Some(template) = &self.look.format {
            return self.print(&formatted(template, items)?);
        }
        if self.look.quiet {
            return self.print(&items.iter().map(|raw| id(raw) + "\n").collect::<String>());
        }
        self.page(&human())
    }

    /// For a person at a terminal: long texts through the pager.
    pub(super) fn page(&self, text: &str) -> Result<(), CliError> {
        match (&self.pager, self.size) {
            (Some(pager), Some((rows, _))) if text.lines().count() > rows => {
                let child = Command::new("sh").args(["-c", pager]).stdin(Stdio::piped()).spawn();
                let Ok(mut child) = child else { return self.print(text) };
                // A reader may quit the pager early. That is no failure.
                _ = child.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
                _ = child.wait();
                Ok(())
            }
            _ => self.print(text),
        }
    }

    #[expect(clippy::unused_self, reason = "a command that prints has a screen")]
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
    }

    /// What was done, for people only.
    pub(super) fn note(&self, text: &str) {
        if self.is_for_people() {
            eprintln!("{text}");
        }
    }

    /// Asks before something that is hard to undo. Without a terminal the answer must be given beforehand.
    #[expect(clippy::unused_self, reason = "a command that asks has a screen")]
    pub(super) fn confirm(&self, question: &str, yes: bool) -> Result<(), CliError> {
        if yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(CliError::usage(format!("{question} No terminal is there to confirm it: add --yes")));
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) { Ok(()) } else { Err(CliError::Declined) }
    }
}

/// The name of a record: an issue's id, a label's name, a message's number.
fn id(raw: &RawValue) -> String {
    let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let named = ["id", "issue_id", "name", "event_id"].iter().find_map(|key| value.get(key)).cloned().unwrap_or(value);
    named.as_str().map_or_else(|| named.to_string(), str::to_owned)
}

fn formatted(template: &str, items: &[&RawValue]) -> Result<String, CliError> {
    let wrong = |error: minijinja::Error| CliError::usage(format!("--format: {error}"));
    let template = template.replace("\\n", "\n").replace("\\t", "\t");
    let mut environment = Environment::new();
    // A misspelt field is an error, not an empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let template = environment.template_from_str(&template).map_err(wrong)?;
    let mut text = String::new();
    for raw in items {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        text.push_str(&template.render(Serde(&value)).map_err(wrong)?);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_for_each_item_and_a_misspelt_field_is_reported() {
        let raw = RawValue::from_string(r#"{"number":7,"title":"<a>","labels":["x","y"],"due_on":null}"#.into()).unwrap();
        let text = formatted("{{number}}\\t{{title}} {{labels|join(',')}}{{due_on or ''}}", &[&*raw, &*raw]).unwrap();
        assert_eq!(text, "7\t<a> x,y\n7\t<a> x,y\n");
        assert!(formatted("{{nummer}}", &[&*raw]).is_err() && formatted("{{", &[&*raw]).is_err());
    }
}
