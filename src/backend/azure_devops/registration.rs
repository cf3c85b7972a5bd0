//! Our service hooks at a project: one for each event.

use secrecy::SecretString;

use super::{AzureDevopsBackend, VERSION, delivery, wire};
use crate::backend::client::{TrackerCall, read_json, segment};
use crate::backend::delivery::by_hand;
use crate::backend::{BackendError, ErrorKind, HookMade};
use crate::domain::tracker::Project;

const BY_HAND: &str = "let an administrator of the project add service hooks (web hooks) for work items created, updated, commented on, deleted and \
    restored, with basic authentication: webhook_user and webhook_secret";

impl AzureDevopsBackend {
    pub(super) async fn hook(&self, place: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        let organisation = segment(&place.owner);
        let call = TrackerCall::get(format!("/{organisation}/_apis/projects/{}", segment(&place.project))).query("api-version", VERSION);
        let project: delivery::SubscriptionProject =
            self.get_if_there(call, "the project").await.map_err(|error| by_hand(error, BY_HAND))?.ok_or_else(|| {
                BackendError::new(ErrorKind::Fail, format!("the project {place} is not there, or the token may not see it"))
            })?;
        let path = format!("/{organisation}/_apis/hooks/subscriptions");
        let known = self.subscriptions(&path).await.map_err(|error| by_hand(error, BY_HAND))?;
        let mut made = HookMade { ids: Vec::new(), made: false };
        for event in delivery::EVENTS {
            let ours = |one: &&delivery::Subscription| {
                one.event_type == *event && one.consumer_inputs.url == url && one.publisher_inputs.project_id == project.id
            };
            let wanted = delivery::wanted(event, &project.id, url, &self.webhook_user, secret);
            let mut ours = known.iter().filter(ours);
            let there = ours.next();
            made.made |= there.is_none();
            let call = there.map_or_else(|| TrackerCall::post(&path), |one| TrackerCall::put(format!("{path}/{}", segment(&one.id))));
            let answer = self.line.send(call.query("api-version", VERSION).json(&wanted)).await?;
            if let Some(error) = wire::refusal(&answer) {
                return Err(by_hand(error, BY_HAND));
            }
            made.ids.push(read_json::<delivery::Subscription>(&answer, "the service hook")?.id);
            for more in ours {
                let answer =
                    self.line.send(TrackerCall::delete(format!("{path}/{}", segment(&more.id))).query("api-version", VERSION)).await?;
                wire::refusal(&answer).map_or(Ok(()), |error| Err(by_hand(error, BY_HAND)))?;
            }
        }
        Ok(made)
    }

    async fn subscriptions(&self, path: &str) -> Result<Vec<delivery::Subscription>, BackendError> {
        let call = TrackerCall::get(path).query("api-version", VERSION).query("publisherId", "tfs").query("consumerId", "webHooks");
        Ok(self.get::<wire::Many<delivery::Subscription>>(call, "service hooks").await?.value)
    }
}
