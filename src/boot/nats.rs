//! The connection to NATS and the entrance over it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ProcessRole;
use crate::app::{App, Caller, Keyring, Scope};
use crate::config::Settings;
use crate::nats::{self, LinkError, NatsLink};

/// The connection, which the sink and the entrance share; none while there is no URL or nothing to do with it.
pub(super) async fn link(settings: &Settings) -> Result<Option<NatsLink>, LinkError> {
    let nats = &settings.nats;
    if nats.url.is_none() || !(nats.publish || nats.consume) {
        return Ok(None);
    }
    Ok(Some(NatsLink::open(nats).await?))
}

/// The stream of events is everybody's care; tasks are taken where requests are.
pub(super) fn start(settings: &Settings, role: ProcessRole, link: NatsLink, app: &Arc<App>, tasks: &TaskTracker, stop: &CancellationToken) {
    let mut nats = settings.nats.clone();
    nats.consume &= matches!(role, ProcessRole::Serve { .. });
    let caller = Caller::new(caller(settings), [Scope::Ingest]);
    let (app, inner, stop) = (app.clone(), tasks.clone(), stop.clone());
    tasks.spawn(async move {
        if stop.run_until_cancelled(app.until_migrated()).await.is_some() {
            nats::serve(link, app, nats, caller, inner, stop).await;
        }
    });
}

/// The caller of tasks from NATS: by default the caller of an HTTP request with the one key, or
/// without any.
fn caller(settings: &Settings) -> &str {
    let over_http = if settings.auth.is_keyed() { Keyring::DEFAULT_NAME } else { Keyring::ANONYMOUS };
    settings.nats.caller.as_deref().unwrap_or(over_http)
}
