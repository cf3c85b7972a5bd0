//! Webhook deliveries: a delivery as it arrives, and what it is about. Pure, and the same for all
//! trackers.
//!
//! The `delivery.rs` in a vendor's folder knows its signatures and bodies: it verifies first
//! ([`super::signature`]), reads then ([`WebhookDelivery::json`]), and answers with what the
//! delivery is about, never with its content.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::http::header::HeaderMap;
use super::{BackendError, ErrorKind, signature};
use crate::domain::sync::{DeliverySubject, DeliverySubjectKind};
use crate::domain::tracker::Project;

/// One delivery. Nothing of it is believed yet.
#[derive(Debug, Clone, Copy)]
pub struct WebhookDelivery<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// A delivery that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDelivery {
    /// The vendor's name of the delivery, or a digest of its body.
    pub delivery: String,
    /// The vendor's word for what happened.
    pub event: String,
    /// None: it is about nothing that is followed here.
    pub hint: Option<DeliverySubject>,
}

/// Why a delivery was rejected. The text may be shown to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryRejected {
    /// No signature, or not one of ours.
    #[error("the delivery is not signed with the secret of this webhook")]
    Refused,
    /// Signed by us, too long ago or too far ahead.
    #[error("the delivery was signed too long ago, or by a clock that is wrong; send it anew")]
    Stale,
    /// Let in, and nothing to make sense of.
    #[error("the body is not what this tracker sends: {0}")]
    Malformed(&'static str),
}

/// A webhook that is registered with a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookMade {
    /// What the tracker calls it; several where it needs one for each event.
    pub ids: Vec<String>,
    /// Whether there was none with this address before.
    pub made: bool,
}

/// How far a signed moment may be from now, where the vendor says nothing else (Standard Webhooks).
pub const WINDOW: Duration = Duration::from_mins(5);

/// Longer names are not the vendor's.
const LONGEST: usize = 200;

impl<'a> WebhookDelivery<'a> {
    /// A header that is text and not empty.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Its name by that header; without it, or if the name is not plausible, a digest of the body.
    #[must_use]
    pub fn name(&self, header: &str) -> String {
        let given = self.header(header).filter(|name| name.len() <= LONGEST);
        given.map_or_else(|| signature::digest(self.body), str::to_owned)
    }

    /// The vendor's word for the event, by that header.
    #[must_use]
    pub fn event(&self, header: &str) -> String {
        word(self.header(header).unwrap_or_default())
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DeliveryRejected> {
        serde_json::from_slice(self.body).map_err(|_| DeliveryRejected::Malformed("it must be its JSON; see the webhook's content type"))
    }

    /// Lets in what has that header, where it is signed so.
    pub fn let_in(&self, header: &str, is_ours: impl FnOnce(&str) -> bool) -> Result<(), DeliveryRejected> {
        self.header(header).filter(|shown| is_ours(shown)).map(|_| ()).ok_or(DeliveryRejected::Refused)
    }

    /// Lets in what is signed in that header: the body's HMAC-SHA256 in hexadecimal, behind the prefix.
    pub fn let_in_hex(&self, header: &str, prefix: &str, secrets: &[SecretString]) -> Result<(), DeliveryRejected> {
        self.let_in(header, |shown| shown.strip_prefix(prefix).is_some_and(|hex| signature::is_signed_hex(secrets, self.body, hex)))
    }

    /// Whether a moment that was signed is near enough.
    pub fn fresh(&self, signed: Option<DateTime<Utc>>, window: Duration) -> Result<(), DeliveryRejected> {
        let near = signed.is_some_and(|signed| (self.now - signed).abs().to_std().is_ok_and(|away| away <= window));
        if near { Ok(()) } else { Err(DeliveryRejected::Stale) }
    }
}

/// The form of a text in a column of short words.
#[must_use]
pub fn word(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
    if plain.is_empty() { "unknown".to_owned() } else { plain }
}

/// The delivery's subject, if the delivery names its issue.
#[must_use]
pub fn hint(kind: DeliverySubjectKind, project: Project, remote_id: Option<String>) -> Option<DeliverySubject> {
    remote_id.filter(|id| !id.is_empty() && id.len() <= LONGEST).map(|remote_id| DeliverySubject { kind, place: project, remote_id })
}

/// A credential that files issues may lack the permission to create webhooks: then an operator does
/// it by hand.
#[must_use]
pub fn by_hand(error: BackendError, how: &str) -> BackendError {
    match error.trouble {
        ErrorKind::Denied | ErrorKind::Fail => {
            BackendError::new(ErrorKind::Fail, format!("the webhook cannot be made with this credential ({}); {how}", error.message))
        }
        ErrorKind::Retry { .. } | ErrorKind::Limited { .. } | ErrorKind::Paused | ErrorKind::Stale | ErrorKind::Unknown => error,
    }
}
