//! From the settings' keys to the ring that checks callers, at the start and whenever a key file changes.
//!
//! The files are read again every now and then, by content: a mounted secret is replaced behind a link, which leaves times and
//! inodes an unreliable witness. What cannot be read changes nothing.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Caller, Keyring, Scope, ValidKeys};
use crate::config::{AuthSettings, KeySource, read_keys};

/// The ring for the keys as they are now; one that lets everybody in where no key is configured.
pub(super) fn ring(auth: &AuthSettings) -> Result<Keyring, String> {
    if !auth.is_keyed() {
        return Ok(Keyring::default());
    }
    let sources = auth.sources();
    Ok(Keyring::guarded_by(keys(&sources, &read_keys(&sources)?)))
}

fn keys(sources: &[KeySource], read: &[Vec<SecretString>]) -> ValidKeys {
    const USUAL: [Scope; 3] = [Scope::Ingest, Scope::Read, Scope::Write];
    let mut keys = ValidKeys::default();
    for (source, secrets) in sources.iter().zip(read) {
        let name = source.name.as_deref().unwrap_or(Keyring::DEFAULT_NAME);
        let scopes = source.scopes.as_deref().unwrap_or(&USUAL);
        for secret in secrets {
            keys.add(secret, Caller::new(name, scopes));
        }
    }
    keys
}

/// Follows the key files until `stop`, if there are any.
pub(super) fn watch(auth: &AuthSettings, app: &Arc<App>, tasks: &TaskTracker, stop: &CancellationToken) {
    let sources: Arc<[KeySource]> = auth.sources().into();
    if !sources.iter().any(KeySource::is_file) {
        return;
    }
    let mut ticks = interval(auth.reload_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (app, stop) = (Arc::downgrade(app), stop.clone());
    tasks.spawn(async move {
        let mut known = None;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(app) = app.upgrade() else { return };
            reload(&app, &sources, &mut known).await;
        }
    });
}

/// The last content of the files, logged once and not at every poll.
type Known = Option<Result<ValidKeys, String>>;

async fn reload(app: &App, sources: &Arc<[KeySource]>, known: &mut Known) {
    let files = Arc::clone(sources);
    // A file may lie on a disk that hangs.
    let read = tokio::task::spawn_blocking(move || read_keys(&files)).await.unwrap_or_else(|error| Err(error.to_string()));
    let found = read.map(|read| keys(sources, &read));
    if known.as_ref() == Some(&found) {
        return;
    }
    match &found {
        Err(reason) => tracing::error!(%reason, "the key files cannot be used; the keys stay as they were"),
        Ok(keys) => {
            app.keyring.replace(keys.clone());
            // The first poll finds the keys that the ring was just built from.
            if known.is_some() {
                tracing::info!(keys = keys.len(), "the key files were read again");
            }
        }
    }
    *known = Some(found);
}
