//! Receives webhook deliveries: verified, stored unchanged, answered. A sync worker processes them.

use crate::app::{App, AppError};
use crate::backend::http::header::HeaderMap;
use crate::backend::{ParsedDelivery, WebhookDelivery};
use crate::domain::sync::NewDelivery;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryReceipt {
    /// Kept; it will be followed.
    Accepted,
    /// It was here before.
    Repeated,
    /// Kept; it is about nothing that is followed here.
    Ignored,
}

impl App {
    /// `name` is the backend's. A sender without a valid signature learns nothing about the
    /// backends, and nothing of it is stored.
    pub async fn receive_webhook(&self, name: &str, headers: &HeaderMap, body: &[u8]) -> Result<DeliveryReceipt, AppError> {
        let tracker =
            self.trackers.get(name).map(|tracker| (tracker, tracker.webhook.secrets())).filter(|(_, secrets)| !secrets.is_empty());
        let Some((tracker, secrets)) = tracker else { return Err(AppError::NotFound { what: format!("webhook for a backend {name}") }) };
        let received_at = self.clock.now();
        let ParsedDelivery { delivery, event, hint } =
            tracker.backend.hear(&WebhookDelivery { headers, body, now: received_at }, &secrets)?;
        let followed = hint.is_some();
        let hook = NewDelivery { backend: tracker.name.clone(), delivery, event, received_at, body: body.to_vec(), hint };
        if !self.store.keep_delivery(&hook).await? {
            return Ok(DeliveryReceipt::Repeated);
        }
        if !followed {
            return Ok(DeliveryReceipt::Ignored);
        }
        self.wake.ring("sync");
        Ok(DeliveryReceipt::Accepted)
    }

    /// Forgets deliveries older than that, page by page.
    pub async fn purge_webhooks(&self, age: std::time::Duration) -> Result<(), AppError> {
        const PAGE: u32 = 1000;
        let before = self.clock.now() - age;
        while self.store.purge_kept_deliveries(before, PAGE).await? == u64::from(PAGE) {}
        Ok(())
    }
}
