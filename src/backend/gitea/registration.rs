//! Our webhook at a repository.

use secrecy::SecretString;

use super::{GiteaBackend, delivery, repo, wire};
use crate::backend::client::{TrackerCall, read_json};
use crate::backend::delivery::by_hand;
use crate::backend::{BackendError, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "make the token's account an owner of the repository and give the token write:repository, or add it in the repository's \
    settings: POST, application/json, the secret of webhook_secret, every event of issues";

impl GiteaBackend {
    /// A secret cannot be changed by every version, so there is a new one, and then the others go.
    pub(super) async fn hook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let path = format!("{}/hooks", repo(project));
        let all: Vec<delivery::GiteaHook> = self.all(TrackerCall::get(&path), "webhooks").await.map_err(|error| by_hand(error, BY_HAND))?;
        let answer = self.line.send(TrackerCall::post(&path).json(&delivery::wanted(self.kind, url, secret))).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(by_hand(error, BY_HAND));
        }
        let new: delivery::GiteaHook = read_json(&answer, "the new webhook")?;
        let old: Vec<_> = all.iter().filter(|hook| hook.id != new.id && hook.config.url.as_deref() == Some(url)).collect();
        for hook in &old {
            let answer = self.line.send(TrackerCall::delete(format!("{path}/{}", hook.id))).await?;
            if answer.status != 404 {
                wire::refusal(&answer).map_or(Ok(()), Err)?;
            }
        }
        Ok(HookMade { ids: vec![new.id.to_string()], made: old.is_empty() })
    }
}
