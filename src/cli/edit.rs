//! `issue edit`: changes fields by options, or title and description in the editor. It never
//! overwrites an unseen change.

use clap::Args;
use serde_json::{Map, Value, json};

use super::acts::ActTargets;
use super::api::ApiAnswer;
use super::changes::ChangeArgs;
use super::editor::{edit, title_and_description};
use super::error::CliError;
use super::fields::input;
use super::names;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct EditArgs {
    #[command(flatten)]
    targets: ActTargets,
    #[command(flatten)]
    changes: ChangeArgs,
}

impl EditArgs {
    pub(super) async fn run(mut self, session: &CommandSession) -> Result<(), CliError> {
        if self.changes.description.as_deref() == Some("-") {
            self.changes.description = Some(input()?);
        }
        let wished = self.changes.wished();
        if wished.is_empty() && !self.changes.has_lists() {
            return self.in_editor(session).await;
        }
        let change = async |id: &str| self.change(session, &wished, id).await;
        if !self.targets.dry_run {
            return self.targets.each(session, change).await;
        }
        for name in &self.targets.issues {
            let issue: Issue = names::find(&session.api, name).await?.json()?;
            session.screen.print(&format!("#{} would get {}\n", issue.number, self.changes.patch(&wished, &issue)))?;
        }
        Ok(())
    }

    /// Decides on the issue's present version; after a concurrent change, again.
    async fn change(&self, session: &CommandSession, wished: &Map<String, Value>, id: &str) -> Result<ApiAnswer, CliError> {
        const TRIES: u32 = 5;
        let path = format!("/issues/{id}");
        for _ in 1..TRIES {
            let issue: Issue = session.api.get(&path).await?.json()?;
            let body = self.changes.patch(wished, &issue).to_string().into_bytes();
            match session.api.call("PATCH", &path, Some(body), Some(issue.version)).await {
                Err(CliError::Problem(problem)) if problem.status == 412 => {}
                answer => return answer,
            }
        }
        Err(CliError::Failed(format!("others keep changing {id}; it was left as it is")))
    }

    async fn in_editor(&self, session: &CommandSession) -> Result<(), CliError> {
        let [name] = self.targets.issues.as_slice() else {
            return Err(CliError::usage("say what to change: --title, --priority, --add-label and so on (see `issue edit --help`)"));
        };
        let answer = names::find(&session.api, name).await?;
        let issue: Issue = answer.json()?;
        let before = format!("{}\n\n{}", issue.title, issue.description);
        let after = edit(before.trim_end(), "The first line is the title, the rest the description.", &session.surroundings)?;
        if after == before.trim() || after.is_empty() {
            return Err(CliError::Declined);
        }
        let (title, description) = title_and_description(&after);
        let body = json!({ "title": title, "description": description }).to_string().into_bytes();
        let answer = session.api.call("PATCH", &format!("/issues/{}", issue.id), Some(body), Some(issue.version)).await?;
        let changed: Issue = answer.json()?;
        session.screen.one(&answer.raw()?, || super::look::short(&changed) + "\n")
    }
}
