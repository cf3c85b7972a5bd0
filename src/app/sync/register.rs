//! Registers our webhook in a tracker.

use crate::app::show_backends::away;
use crate::app::{App, AppError, Caller, Scope, Tracker};
use crate::backend::{ErrorKind, HookMade};
use crate::domain::tracker::{Project, ProjectField};
use crate::domain::{Faults, WebhookSpec};

impl App {
    /// The project as users write it (`acme/tools`, `OPS`); without one, the backend's own.
    pub async fn register_webhook(&self, caller: &Caller, name: &str, spec: WebhookSpec) -> Result<HookMade, AppError> {
        caller.need(Scope::Admin)?;
        let project = spec.parse()?;
        let tracker = self.tracker(name)?;
        let missing = |what: String| AppError::NotFound { what };
        let secret = tracker.webhook.secret.get().0;
        let secret = secret.ok_or_else(|| missing(format!("webhook secret of {name}: set backends.{name}.webhook_secret_file")))?;
        let url = tracker.webhook.url.as_ref();
        let url = url.ok_or_else(|| missing("address under which trackers reach this service: set webhooks.public_url".to_owned()))?;
        let project = match project {
            Some(text) => read(&text, tracker.backend.needs()),
            None => tracker.place(),
        };
        let project = project.ok_or_else(|| Faults::one("/place", "missing", wanted(tracker)))?;
        tracker.backend.add_webhook(&project, url, &secret).await.map_err(|error| match error.trouble {
            ErrorKind::Fail | ErrorKind::Denied | ErrorKind::Paused | ErrorKind::Stale => {
                AppError::BackendRefused { name: name.to_owned(), reason: error.message }
            }
            ErrorKind::Retry { .. } | ErrorKind::Limited { .. } | ErrorKind::Unknown => away(name, error),
        })
    }
}

fn wanted(tracker: &Tracker) -> String {
    let parts: Vec<&str> = tracker.backend.needs().iter().map(|field| field.as_str()).collect();
    format!("name the project, as {}", parts.join("/"))
}

/// The last part is what has no slashes; an owner may be a group within groups.
fn read(text: &str, needs: &[ProjectField]) -> Option<Project> {
    let mut project = Project::default();
    let mut rest = Some(text);
    for field in needs.iter().rev() {
        let (before, part) = match rest?.rsplit_once('/') {
            Some((before, part)) if *field != needs[0] => (Some(before), part),
            _ => (None, rest?),
        };
        rest = before;
        match field {
            ProjectField::Owner => part.clone_into(&mut project.owner),
            ProjectField::Repo => part.clone_into(&mut project.repo),
            ProjectField::Project => part.clone_into(&mut project.project),
        }
    }
    needs.iter().all(|field| !project.get(*field).trim().is_empty()).then_some(project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_read_as_people_write_it() {
        let read = |text: &str, needs: &[ProjectField]| read(text, needs).map(|place| (place.owner, place.repo, place.project));
        let is = |owner: &str, repo: &str, project: &str| Some((owner.to_owned(), repo.to_owned(), project.to_owned()));
        assert_eq!(read("acme/tools", &[ProjectField::Owner, ProjectField::Repo]), is("acme", "tools", ""));
        assert_eq!(read("acme/platform/tools", &[ProjectField::Owner, ProjectField::Repo]), is("acme/platform", "tools", ""));
        assert_eq!(read("acme/Fabrikam Fiber", &[ProjectField::Owner, ProjectField::Project]), is("acme", "", "Fabrikam Fiber"));
        assert_eq!(read("OPS", &[ProjectField::Project]), is("", "", "OPS"));
        for wrong in ["", "tools", "/tools", "acme/"] {
            assert_eq!(read(wrong, &[ProjectField::Owner, ProjectField::Repo]), None, "{wrong}");
        }
    }
}
