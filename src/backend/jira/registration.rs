//! Our webhook at a site: one for all projects, named in its filter.

use secrecy::SecretString;

use super::settings::JiraEdition;
use super::{JiraBackend, delivery, wire};
use crate::backend::client::{TrackerCall, read_json, segment};
use crate::backend::delivery::by_hand;
use crate::backend::{BackendError, ErrorKind, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "let an administrator of Jira add it under System, WebHooks: the secret of webhook_secret, the events issue created, updated, \
    deleted and comment created, updated, deleted, for the projects that are bound";

/// Only a login as a person may use it: scoped tokens do not cover this part of the API.
const PATH: &str = "/rest/webhooks/1.0/webhook";

impl JiraBackend {
    pub(super) async fn hook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        if self.settings.edition == JiraEdition::DataCenter {
            return Err(BackendError::new(ErrorKind::Fail, format!("Data Center takes no webhook with a secret from outside; {BY_HAND}")));
        }
        let path = format!("{}{PATH}", self.settings.root.trim_end_matches("/rest/api/3"));
        let all: Vec<delivery::JiraHook> = self.get(TrackerCall::get(&path), "webhooks").await.map_err(|error| by_hand(error, BY_HAND))?;
        let mut mine = all.into_iter().filter(|hook| hook.url == url);
        let Some(first) = mine.next() else {
            let wanted = delivery::wanted(url, secret, delivery::filter(None, &project.project));
            let answer = self.line.send(TrackerCall::post(&path).json(&wanted)).await?;
            if let Some(error) = wire::refusal(&answer) {
                return Err(by_hand(error, BY_HAND));
            }
            let made: delivery::JiraHook = read_json(&answer, "the new webhook")?;
            return Ok(HookMade { ids: vec![made.id().to_owned()], made: true });
        };
        let wanted = delivery::wanted(url, secret, delivery::filter(Some(first.filter()), &project.project));
        let at = |hook: &delivery::JiraHook| format!("{path}/{}", segment(hook.id()));
        self.write(TrackerCall::put(at(&first)).json(&wanted)).await.map_err(|error| by_hand(error, BY_HAND))?;
        for hook in mine {
            self.write(TrackerCall::delete(at(&hook))).await.map_err(|error| by_hand(error, BY_HAND))?;
        }
        Ok(HookMade { ids: vec![first.id().to_owned()], made: false })
    }
}
