//! The account of the credential, what it can see, and what it lacks.

use super::{GitHubBackend, repo, wire};
use crate::backend::client::{TrackerCall, read_json};
use crate::backend::paging::{self, Query};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::tracker::Project;

impl GitHubBackend {
    /// What the credential may see: repositories name their owners too.
    fn repositories(&self) -> &'static str {
        if self.app.is_some() { "/installation/repositories" } else { "/user/repos" }
    }

    pub(super) async fn repository_page(&self, query: &Query) -> Result<(Vec<wire::Repository>, Option<Query>), BackendError> {
        let answer = self.send(paging::asked(TrackerCall::get(self.repositories()), query)).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let (wire::Repositories::Plain(items) | wire::Repositories::Wrapped { repositories: items }) = read_json(&answer, "repositories")?;
        let next = paging::next(&answer, query, items.len() >= self.page_size);
        Ok((items, next))
    }

    /// The account of the credential; the inner `Err` says what is wrong with it.
    pub(super) async fn account(&self) -> Result<Result<Option<String>, String>, BackendError> {
        let answer = match &self.app {
            Some(app) => match app.send(&self.line, TrackerCall::get("/app")).await {
                Ok(answer) => answer,
                Err(error) if error.trouble == ErrorKind::Paused => return Ok(Err(error.message)),
                Err(error) => return Err(error),
            },
            None => self.line.send(TrackerCall::get("/user")).await?,
        };
        match wire::refusal(&answer) {
            Some(error) if error.trouble == ErrorKind::Paused && self.app.is_some() => {
                Ok(Err("the app is refused: check app_id and its private key".to_owned()))
            }
            Some(error) if error.trouble == ErrorKind::Paused => {
                Ok(Err("the token is refused: make a new one that may read and write issues".to_owned()))
            }
            // The token of an installation, behind a proxy, has no user.
            Some(error) if error.trouble == ErrorKind::Denied => Ok(Ok(None)),
            Some(error) => Err(error),
            None if self.app.is_some() => Ok(Ok(Some(format!("{}[bot]", read_json::<wire::Itself>(&answer, "the app")?.slug)))),
            None => Ok(Ok(Some(read_json::<wire::User>(&answer, "the account")?.login))),
        }
    }

    pub(super) async fn missing_in(&self, project: &Project) -> Result<Vec<String>, BackendError> {
        let found: Option<wire::Repository> = match self.read_at(TrackerCall::get(repo(project)), "the repository").await {
            Err(error) if error.trouble == ErrorKind::Denied => return Ok(vec![format!("{project} may not be read: {error}")]),
            read => read?,
        };
        let Some(found) = found else {
            return Ok(vec![format!("{project} is not there, or the credential may not see it: let it into the repository")]);
        };
        let mut missing = Vec::new();
        if found.archived == Some(true) {
            missing.push(format!("{project} is archived: nothing can be filed there"));
        }
        if found.has_issues == Some(false) {
            missing.push(format!("{project} has no issues: switch them on in its settings"));
        }
        // An installation's permissions are those of the app, and this answer does not contain
        // them.
        if self.app.is_none() && found.permissions.is_some_and(|may| !may.push) {
            missing.push(format!(
                "the account may not write to {project}: labels and people would be left out in silence; give it write access"
            ));
        }
        Ok(missing)
    }
}
