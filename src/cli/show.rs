//! `issue show`: one issue with its description and what was said about it.

use std::fmt::Write as _;

use clap::Args;
use console::Style;

use super::error::CliError;
use super::markdown::render;
use super::names::{find, parsed};
use super::reach::CommandSession;
use super::table::one_line;
use super::wire::{Comment, Issue};
use super::{look, when};

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Number, id, the beginning of an id, or a tracker's key
    issue: String,
}

impl ShowArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        const MOST: usize = 200;
        let answer = find(&session.api, &self.issue).await?;
        let screen = &session.screen;
        if !screen.is_for_people() {
            return screen.one(&answer.raw()?, String::new);
        }
        let issue: Issue = answer.json()?;
        let comments = session.api.items(&format!("/issues/{}/comments", issue.id), &Vec::new(), MOST).await?;
        let width = screen.width().unwrap_or(100);
        // Writing into a String does not fail.
        let mut text = look::head(screen, &issue);
        if !issue.description.trim().is_empty() {
            _ = write!(text, "\n{}\n", render(&issue.description, width));
        }
        for Comment { author, body, created_at, edited_at } in parsed(&comments.items)? {
            let edited = if edited_at.is_some() { ", edited" } else { "" };
            let head = format!("── {}, {}{edited}", one_line(&author), when::relative(created_at, screen.now));
            _ = write!(text, "\n{}\n{}\n", Style::new().dim().apply_to(head), render(&body, width));
        }
        if comments.next_cursor.is_some() {
            _ = write!(text, "\nThere are more than {MOST} comments; `issue timeline {}` has them all.\n", issue.number);
        }
        screen.page(&text)
    }
}
