//! Whether this process should be sent work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::store::StoreError;

/// How long the store may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often to check whether the schema is up to date, while it is not.
const PAUSE: Duration = Duration::from_secs(1);

/// Ready until the drain begins, unless the schema must be migrated first.
#[derive(Debug, Default)]
pub struct Readiness {
    draining: AtomicBool,
    waiting: AtomicBool,
}

impl Readiness {
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Nothing may be begun: it would meet a schema that it does not know.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Why no work should be sent here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadyReason {
    #[error("shutting down")]
    Draining,
    #[error("{0}")]
    Store(String),
}

impl App {
    /// Not draining, and the store answers with the schema this binary was built for.
    pub async fn ready(&self) -> Result<(), UnreadyReason> {
        if self.readiness.is_draining() {
            return Err(UnreadyReason::Draining);
        }
        match tokio::time::timeout(PATIENCE, self.check_store()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(UnreadyReason::Store(error.to_string())),
            Err(_) => Err(UnreadyReason::Store(format!("the store did not answer within {PATIENCE:?}"))),
        }
    }

    /// Asks the store, and keeps in mind what its schema lacks.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        let checked = self.store.check().await;
        match &checked {
            Ok(()) => self.missing(0),
            Err(StoreError::SchemaTooOld { found, known }) => self.missing(known - found),
            // Nothing new is known of the schema.
            Err(StoreError::Unavailable { .. } | StoreError::SchemaTooNew { .. } | StoreError::Broken { .. }) => {}
        }
        checked
    }

    fn missing(&self, migrations: i64) {
        self.metrics.migrations_pending.set(migrations);
        self.readiness.waiting.store(migrations > 0, Ordering::Relaxed);
    }

    /// Waits until the operator has run `issue-core migrate`, if the schema needs it. No work
    /// begins on an outdated schema.
    pub async fn until_migrated(&self) {
        while self.readiness.is_waiting() {
            tokio::time::sleep(PAUSE).await;
            _ = self.check_store().await;
        }
    }
}
