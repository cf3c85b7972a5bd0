//! Why a use case did not do what was asked. Knows nothing of HTTP; each entrance translates.

use std::time::Duration;

use super::Scope;
use crate::backend::DeliveryRejected;
use crate::domain::Faults;
use crate::domain::decide::Refusal;
use crate::store::StoreError;
use crate::store::group::GroupError;

/// The failure of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("a valid key is required")]
    Unauthenticated,
    #[error("this key lacks the scope {scope}")]
    Forbidden { scope: Scope },
    #[error("{0}")]
    Invalid(#[from] Faults),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("there is no {what}")]
    NotFound { what: String },
    #[error("this Idempotency-Key was already used for a different request; use a new key, or send the first request again unchanged")]
    KeyReused,
    #[error("this key has used up its requests; the next one is allowed in {} ms", retry_after.as_millis())]
    RateLimited { retry_after: Duration },
    #[error("it has changed since you read it: its ETag is now \"{current}\"; read it again and decide again")]
    PreconditionFailed { current: String },
    #[error("others keep changing this issue at the same moment; nothing was written, try again shortly")]
    Contended,
    #[error("{name} does not answer: {reason}")]
    BackendAway { name: String, reason: String },
    #[error("{name} refuses: {reason}")]
    BackendRefused { name: String, reason: String },
    #[error("{0}")]
    Unheard(#[from] DeliveryRejected),
    #[error("too many writes are waiting; try again shortly")]
    Overloaded,
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl AppError {
    /// A stable word for machines. `docs/problems.md` lists them all.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::Invalid(_) => "invalid",
            Self::Refused(refusal) => refusal.code,
            Self::NotFound { .. } => "not_found",
            Self::KeyReused => "idempotency_key_reused",
            Self::RateLimited { .. } => "rate_limited",
            Self::PreconditionFailed { .. } => "precondition_failed",
            Self::Contended => "contended",
            Self::BackendAway { .. } => "backend_unavailable",
            Self::BackendRefused { .. } => "backend_refused",
            Self::Unheard(DeliveryRejected::Refused | DeliveryRejected::Stale) => "webhook_refused",
            Self::Unheard(DeliveryRejected::Malformed(_)) => "malformed",
            Self::Overloaded => "overloaded",
            Self::Store(error) if error.is_transient() => "store_unavailable",
            Self::Store(_) => "internal",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Overloaded | Self::Contended | Self::BackendAway { .. } => true,
            Self::Store(error) => error.is_transient(),
            Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::Invalid(_)
            | Self::Refused(_)
            | Self::NotFound { .. }
            | Self::PreconditionFailed { .. }
            | Self::BackendRefused { .. }
            | Self::Unheard(_)
            | Self::KeyReused => false,
        }
    }

    /// The text that a caller may read: never the inside of the store.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::Store(error) if error.is_transient() => "the store does not answer; the request may be repeated".to_owned(),
            Self::Store(_) => "something broke here; the operators find the details under the trace id".to_owned(),
            Self::Invalid(_) => "the request has faults; each is listed with its place".to_owned(),
            Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::Refused(_)
            | Self::NotFound { .. }
            | Self::KeyReused
            | Self::RateLimited { .. }
            | Self::PreconditionFailed { .. }
            | Self::Contended
            | Self::BackendAway { .. }
            | Self::BackendRefused { .. }
            | Self::Unheard(_)
            | Self::Overloaded => self.to_string(),
        }
    }
}

impl From<GroupError> for AppError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Overloaded => Self::Overloaded,
            GroupError::Store(error) => Self::Store(error),
        }
    }
}
