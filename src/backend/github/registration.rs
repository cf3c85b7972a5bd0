//! Our webhook at a repository: created, corrected, and its failed deliveries requested again.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{GitHubBackend, delivery, repo, wire};
use crate::backend::client::TrackerCall;
use crate::backend::delivery::by_hand;
use crate::backend::paging::PAGES;
use crate::backend::{BackendError, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "give the token admin:repo_hook (an app: webhooks, read and write), or add it in the repository's settings: \
    content type application/json, the secret of webhook_secret, the events issues and issue comments";

/// So many are sent again at once at most.
const MOST: usize = 200;

impl GitHubBackend {
    pub(super) async fn hook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let mine = self.our_hooks(project, url).await.map_err(|error| by_hand(error, BY_HAND))?;
        let path = format!("{}/hooks", repo(project));
        let Some((first, rest)) = mine.split_first() else {
            let made: delivery::GitHubHook = self
                .write_for(TrackerCall::post(&path).json(&delivery::wanted_new(url, secret)), "the new webhook")
                .await
                .map_err(|error| by_hand(error, BY_HAND))?;
            return Ok(HookMade { ids: vec![made.id.to_string()], made: true });
        };
        let call = TrackerCall::patch(format!("{path}/{}", first.id)).json(&delivery::wanted(url, secret));
        self.write(call).await.map_err(|error| by_hand(error, BY_HAND))?;
        for hook in rest {
            self.take_away(TrackerCall::delete(format!("{path}/{}", hook.id))).await?;
        }
        Ok(HookMade { ids: vec![first.id.to_string()], made: false })
    }

    async fn our_hooks(&self, project: &Project, url: &str) -> Result<Vec<delivery::GitHubHook>, BackendError> {
        let all: Vec<delivery::GitHubHook> =
            self.until(&format!("{}/hooks", repo(project)), self.first(&[]), "webhooks", |_| false).await?;
        Ok(all.into_iter().filter(|hook| hook.config.url.as_deref() == Some(url)).collect())
    }

    /// GitHub repeats nothing by itself, and keeps what it sent for three days.
    pub(super) async fn send_again(&self, project: &Project, url: &str, since: DateTime<Utc>) -> Result<u64, BackendError> {
        let mut sent = 0;
        for hook in self.our_hooks(project, url).await? {
            let path = format!("{}/hooks/{}/deliveries", repo(project), hook.id);
            let attempts = self.attempts(&path, since).await?;
            for id in delivery::failed(&attempts).into_iter().take(MOST) {
                let answer = self.send(TrackerCall::post(format!("{path}/{id}/attempts"))).await?;
                // One that is no longer kept cannot be sent again.
                if ![404, 422].contains(&answer.status) {
                    wire::refusal(&answer).map_or(Ok(()), Err)?;
                    sent += 1;
                }
            }
        }
        Ok(sent)
    }

    /// Newest first, down to the moment.
    async fn attempts(&self, path: &str, since: DateTime<Utc>) -> Result<Vec<delivery::GitHubDeliveryAttempt>, BackendError> {
        let (mut all, mut query): (Vec<delivery::GitHubDeliveryAttempt>, _) = (Vec::new(), self.first(&[]));
        for _ in 0..PAGES {
            let (items, next): (Vec<delivery::GitHubDeliveryAttempt>, _) = self.page(path, &query, "deliveries").await?;
            let done = items.iter().any(|attempt| attempt.delivered_at < since);
            all.extend(items.into_iter().filter(|attempt| attempt.delivered_at >= since));
            match next.filter(|_| !done) {
                Some(next) => query = next,
                None => break,
            }
        }
        Ok(all)
    }
}
