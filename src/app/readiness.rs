//! Whether this process should be sent work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::App;

/// How long the store may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// Goes one way: ready until the drain begins.
#[derive(Debug, Default)]
pub struct Readiness {
    draining: AtomicBool,
}

impl Readiness {
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// Why no work should be sent here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    #[error("shutting down")]
    Draining,
    #[error("{0}")]
    Store(String),
}

impl App {
    /// Not draining, and the store answers with the schema this binary was built for.
    pub async fn ready(&self) -> Result<(), Unready> {
        if self.readiness.is_draining() {
            return Err(Unready::Draining);
        }
        match tokio::time::timeout(PATIENCE, self.store.check()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Unready::Store(error.to_string())),
            Err(_) => Err(Unready::Store(format!("the store did not answer within {PATIENCE:?}"))),
        }
    }
}
