//! `issue comment`: says something about an issue.

use clap::Args;
use serde_json::json;

use super::editor::edit;
use super::error::CliError;
use super::fields::input;
use super::names::resolve;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct CommentArgs {
    /// Number, id, the beginning of an id, or a tracker's key
    issue: String,
    /// What to say; `-` reads it from standard input; without it the editor opens
    text: Option<String>,
}

impl CommentArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let id = resolve(&session.api, &self.issue).await?;
        let text = match self.text.as_deref() {
            Some("-") => input()?,
            Some(text) => text.to_owned(),
            None => edit("", &format!("What do you say about issue {}?", self.issue), &session.surroundings)?,
        };
        if text.trim().is_empty() {
            return Err(CliError::Declined);
        }
        let answer = session.api.post(&format!("/issues/{id}/comments"), &json!({ "body": text })).await?;
        session.screen.one(&answer.raw()?, || format!("commented on {}\n", self.issue))
    }
}
