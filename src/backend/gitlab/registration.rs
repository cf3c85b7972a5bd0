//! Our webhook at a project.

use secrecy::SecretString;

use super::{GitLabBackend, delivery, project, wire};
use crate::backend::client::TrackerCall;
use crate::backend::delivery::by_hand;
use crate::backend::{BackendError, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "make the token's account a maintainer of the project, or add it in the project's settings: the secret of webhook_secret as \
    the secret token (one that begins with whsec_: as the signing token), issues, confidential issues, comments and confidential comments";

impl GitLabBackend {
    pub(super) async fn hook(&self, place: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let (path, wanted) = (format!("{}/hooks", project(place)), delivery::wanted(url, secret));
        let all: Vec<delivery::GitLabHook> =
            self.until(&path, self.first(&[]), "webhooks", |_| false).await.map_err(|error| by_hand(error, BY_HAND))?;
        let mut mine = all.into_iter().filter(|hook| hook.url.as_deref() == Some(url));
        let Some(first) = mine.next() else {
            let made: delivery::GitLabHook =
                self.write_for(TrackerCall::post(&path).json(&wanted), "the new webhook").await.map_err(|error| by_hand(error, BY_HAND))?;
            return Ok(HookMade { ids: vec![made.id.to_string()], made: true });
        };
        self.write_hook(TrackerCall::put(format!("{path}/{}", first.id)).json(&wanted)).await?;
        for hook in mine {
            self.write_hook(TrackerCall::delete(format!("{path}/{}", hook.id))).await?;
        }
        Ok(HookMade { ids: vec![first.id.to_string()], made: false })
    }

    async fn write_hook(&self, call: TrackerCall) -> Result<(), BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or(Ok(()), |error| Err(by_hand(error, BY_HAND)))
    }
}
