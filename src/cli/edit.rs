//! `issue edit`: changes what is said on the line, or title and description in the editor. Nobody's change is overwritten unseen.

use clap::Args;
use serde_json::{Map, Value, json};

use super::acts::Targets;
use super::api::Answer;
use super::create::input;
use super::editor::{edit, title_and_description};
use super::error::CliError;
use super::names;
use super::reach::Session;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    targets: Targets,
    #[arg(short, long)]
    title: Option<String>,
    /// `-` reads it from standard input
    #[arg(short, long)]
    description: Option<String>,
    #[arg(short, long)]
    priority: Option<String>,
    #[arg(short, long)]
    kind: Option<String>,
    #[arg(short, long, value_name = "LABEL")]
    add_label: Vec<String>,
    #[arg(short, long, value_name = "LABEL")]
    remove_label: Vec<String>,
    #[arg(long, value_name = "NAME")]
    assign: Vec<String>,
    #[arg(long, value_name = "NAME")]
    unassign: Vec<String>,
    /// An empty one takes it away
    #[arg(short, long)]
    milestone: Option<String>,
    /// A day like 2026-06-30; an empty one takes it away
    #[arg(long, value_name = "DAY")]
    due: Option<String>,
}

impl Edit {
    pub(super) async fn run(mut self, session: &Session) -> Result<(), CliError> {
        if self.description.as_deref() == Some("-") {
            self.description = Some(input()?);
        }
        let wished = self.wished();
        if wished.is_empty() && !self.changes_lists() {
            return self.in_editor(session).await;
        }
        let change = async |id: &str| self.change(session, &wished, id).await;
        if !self.targets.dry_run {
            return self.targets.each(session, change).await;
        }
        for name in &self.targets.issues {
            let issue: Issue = names::find(&session.api, name).await?.json()?;
            session.screen.print(&format!("#{} would get {}\n", issue.number, self.patch(&wished, &issue)))?;
        }
        Ok(())
    }

    fn changes_lists(&self) -> bool {
        [&self.add_label, &self.remove_label, &self.assign, &self.unassign].iter().any(|list| !list.is_empty())
    }

    /// What is wished whatever the issue looks like now.
    fn wished(&self) -> Map<String, Value> {
        let texts = [("title", &self.title), ("description", &self.description), ("priority", &self.priority), ("kind", &self.kind)];
        let clearable = [("milestone", &self.milestone), ("due_on", &self.due)];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value.clone()?))));
        let clearable = clearable.into_iter().filter_map(|(name, value)| {
            let value = value.clone()?;
            Some((name, if value.is_empty() { Value::Null } else { value.into() }))
        });
        texts.chain(clearable).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn patch(&self, wished: &Map<String, Value>, issue: &Issue) -> Value {
        let mut patch = wished.clone();
        let lists =
            [("labels", &issue.labels, &self.add_label, &self.remove_label), ("assignees", &issue.assignees, &self.assign, &self.unassign)];
        for (name, have, add, remove) in lists {
            if !add.is_empty() || !remove.is_empty() {
                let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
                let mut list: Vec<&String> = have.iter().filter(|one| !remove.iter().any(|gone| same(gone, one))).collect();
                list.extend(add.iter().filter(|new| !have.iter().any(|one| same(one, new))));
                patch.insert(name.to_owned(), json!(list));
            }
        }
        patch.into()
    }

    /// Decided on what the issue is now; if somebody was quicker, once more.
    async fn change(&self, session: &Session, wished: &Map<String, Value>, id: &str) -> Result<Answer, CliError> {
        const TRIES: u32 = 5;
        let path = format!("/issues/{id}");
        for _ in 1..TRIES {
            let issue: Issue = session.api.get(&path).await?.json()?;
            let body = self.patch(wished, &issue).to_string().into_bytes();
            match session.api.call("PATCH", &path, Some(body), Some(issue.version)).await {
                Err(CliError::Problem(problem)) if problem.status == 412 => {}
                answer => return answer,
            }
        }
        Err(CliError::Failed(format!("others keep changing {id}; it was left as it is")))
    }

    async fn in_editor(&self, session: &Session) -> Result<(), CliError> {
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
        session.screen.one(&*answer.raw()?, || super::look::short(&changed) + "\n")
    }
}
