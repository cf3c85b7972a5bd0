//! Our webhook for a team.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{Linear, no_team, query, wire};
use crate::backend::hook::by_hand;
use crate::backend::{BackendError, HookMade, Trouble};
use crate::domain::tracker::Place;

const BY_HAND: &str = "use the key of an administrator of the workspace, or add it in Linear's settings under API: the secret it shows goes \
    into webhook_secret, data change events: issues and comments";

#[derive(Debug, Deserialize)]
struct Hooks {
    webhooks: wire::Page<Hook>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    team: Option<Team>,
}

#[derive(Debug, Deserialize)]
struct Team {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    webhook_create: Made,
}

#[derive(Debug, Deserialize)]
struct Made {
    webhook: Hook,
}

impl Linear {
    pub(super) async fn hook(&self, place: &Place, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let team = self.team(&place.project).await?.ok_or_else(|| BackendError::new(Trouble::Fail, no_team(place)))?;
        let all = self.all_hooks().await.map_err(|error| by_hand(error, BY_HAND))?;
        let ours = |hook: &Hook| hook.url.as_deref() == Some(url) && hook.team.as_ref().is_some_and(|of| of.id == team.id);
        let mut mine = all.into_iter().filter(ours);
        let (secret, types) = (secret.expose_secret(), ["Issue", "Comment"]);
        let Some(first) = mine.next() else {
            let input =
                json!({"url": url, "teamId": team.id, "secret": secret, "resourceTypes": types, "enabled": true, "label": "issue-core"});
            let answer = self.change(&query::WEBHOOK_CREATE, json!({"input": input})).await?;
            let made: Create = wire::data(&answer, "the new webhook", true).map_err(|error| by_hand(error, BY_HAND))?;
            return Ok(HookMade { ids: vec![made.webhook_create.webhook.id], made: true });
        };
        let input = json!({"url": url, "secret": secret, "resourceTypes": types, "enabled": true});
        self.change_hook(&query::WEBHOOK_UPDATE, json!({"id": first.id, "input": input})).await?;
        for hook in mine {
            self.change_hook(&query::WEBHOOK_DELETE, json!({"id": hook.id})).await?;
        }
        Ok(HookMade { ids: vec![first.id], made: false })
    }

    async fn all_hooks(&self) -> Result<Vec<Hook>, BackendError> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        for _ in 0..super::PAGES {
            let page: Hooks = self.get(&query::WEBHOOKS, json!({"first": self.page_size, "after": after})).await?;
            all.extend(page.webhooks.nodes);
            after = page.webhooks.page_info.next()?;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(BackendError::unreadable("webhooks", "the list does not end"))
    }

    async fn change_hook(&self, operation: &query::Operation, variables: serde_json::Value) -> Result<(), BackendError> {
        let answer = self.change(operation, variables).await?;
        wire::refusal(&answer, true).map_or(Ok(()), |error| Err(by_hand(error, BY_HAND)))
    }
}
