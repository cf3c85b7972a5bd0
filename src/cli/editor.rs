//! Longer texts in the person's own editor, on a terminal only.

use std::io::{IsTerminal as _, Write as _};
use std::process::Command;

use super::error::CliError;
use crate::config::CommandEnvironment;

const LINE: &str = "<!-- Everything below this line is ignored. -->";

/// The text as it was left. Nothing left means: never mind.
pub(super) fn edit(text: &str, help: &str, surroundings: &CommandEnvironment) -> Result<String, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage("there is no terminal for an editor here: say on the line what is wanted, or give - to read it"));
    }
    let mut file = tempfile::Builder::new().prefix("issue-").suffix(".md").tempfile()?;
    write!(file, "{text}\n{LINE}\n{help}\n")?;
    file.flush()?;
    let editor = surroundings.editor.as_deref().unwrap_or("vi");
    // Through the shell, as git does: the editor may come with arguments.
    let status = Command::new("sh").args(["-c", &format!("{editor} \"$1\""), editor]).arg(file.path()).status()?;
    if !status.success() {
        return Err(CliError::Failed(format!("the editor ({editor}) ended with {status}; nothing was changed")));
    }
    let left = std::fs::read_to_string(file.path())?;
    Ok(left.split(LINE).next().unwrap_or_default().trim().to_owned())
}

/// The first line is the title, the rest the description.
pub(super) fn title_and_description(text: &str) -> (String, String) {
    let (title, description) = text.trim_start().split_once('\n').unwrap_or((text.trim(), ""));
    (title.trim().to_owned(), description.trim_matches('\n').to_owned())
}
