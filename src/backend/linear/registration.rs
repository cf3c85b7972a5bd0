//! Our webhook for a team.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{LinearBackend, no_team, query, wire};
use crate::backend::delivery::by_hand;
use crate::backend::{BackendError, ErrorKind, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "use the key of an administrator of the workspace, or add it in Linear's settings under API: the secret it shows goes \
    into webhook_secret, data change events: issues and comments";

#[derive(Debug, Deserialize)]
struct LinearHooks {
    webhooks: wire::Page<LinearHook>,
}

#[derive(Debug, Deserialize)]
struct LinearHook {
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    team: Option<LinearHookTeam>,
}

#[derive(Debug, Deserialize)]
struct LinearHookTeam {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinearHookCreate {
    webhook_create: LinearHookMade,
}

#[derive(Debug, Deserialize)]
struct LinearHookMade {
    webhook: LinearHook,
}

impl LinearBackend {
    pub(super) async fn hook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let team = self.team(&project.project).await?.ok_or_else(|| BackendError::new(ErrorKind::Fail, no_team(project)))?;
        let all = self.all_hooks().await.map_err(|error| by_hand(error, BY_HAND))?;
        let ours = |hook: &LinearHook| hook.url.as_deref() == Some(url) && hook.team.as_ref().is_some_and(|of| of.id == team.id);
        let mut mine = all.into_iter().filter(ours);
        let (secret, types) = (secret.expose_secret(), ["Issue", "Comment"]);
        let Some(first) = mine.next() else {
            let input =
                json!({"url": url, "teamId": team.id, "secret": secret, "resourceTypes": types, "enabled": true, "label": "issue-core"});
            let answer = self.change(&query::WEBHOOK_CREATE, json!({"input": input})).await?;
            let made: LinearHookCreate = wire::data(&answer, "the new webhook").map_err(|error| by_hand(error, BY_HAND))?;
            return Ok(HookMade { ids: vec![made.webhook_create.webhook.id], made: true });
        };
        let input = json!({"url": url, "secret": secret, "resourceTypes": types, "enabled": true});
        self.change_hook(&query::WEBHOOK_UPDATE, json!({"id": first.id, "input": input})).await?;
        for hook in mine {
            self.change_hook(&query::WEBHOOK_DELETE, json!({"id": hook.id})).await?;
        }
        Ok(HookMade { ids: vec![first.id], made: false })
    }

    async fn all_hooks(&self) -> Result<Vec<LinearHook>, BackendError> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        for _ in 0..super::PAGES {
            let page: LinearHooks = self.get(&query::WEBHOOKS, json!({"first": self.page_size, "after": after})).await?;
            all.extend(page.webhooks.nodes);
            after = page.webhooks.page_info.next()?;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(BackendError::unreadable("webhooks", "the list does not end"))
    }

    async fn change_hook(&self, operation: &query::GraphqlOperation, variables: serde_json::Value) -> Result<(), BackendError> {
        let answer = self.change(operation, variables).await?;
        wire::refusal(&answer).map_or(Ok(()), |error| Err(by_hand(error, BY_HAND)))
    }
}
