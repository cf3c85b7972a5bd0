//! The bindings of the settings, written into the store where every replica finds them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Settings;
use crate::domain::sync::Binding;

pub(super) fn of(settings: &Settings) -> Vec<Binding> {
    settings.bindings.iter().map(|(name, binding)| binding.binding(name)).collect()
}

/// Tries until it is done: without it nothing is followed, but everything else goes on.
pub(super) async fn take(app: &App, configured: &[Binding], stop: &CancellationToken) {
    const PAUSE: Duration = Duration::from_secs(1);
    if app.trackers.is_empty() {
        return;
    }
    while let Err(error) = app.store_configured_bindings(configured).await {
        tracing::warn!(%error, "the bindings of the settings could not be written for now");
        if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}
