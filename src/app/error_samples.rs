//! One failure of each sort, for tests of all failures. A new variant does not compile before it
//! has a line here.

use std::time::Duration;

use super::{AppError, Scope};
use crate::backend::DeliveryRejected;
use crate::domain::Faults;
use crate::domain::decide::Refusal;
use crate::store::StoreError;

/// One failure of each sort, with the values of the examples in `http/problem/catalogue`.
pub fn every_failure() -> Vec<AppError> {
    let gitea = || "gitea".to_owned();
    vec![
        AppError::Unauthenticated,
        AppError::Forbidden { scope: Scope::Write },
        AppError::Invalid(Faults::one("/priority", "unknown_word", "must be one of high, medium, low")),
        AppError::Refused(Refusal { code: "issue_closed", message: "issue #42 is closed; reopen it first".to_owned() }),
        AppError::NotFound { what: "issue 42".to_owned() },
        AppError::KeyReused,
        AppError::RateLimited { retry_after: Duration::from_secs(1) },
        AppError::PreconditionFailed { current: "4".to_owned() },
        AppError::Contended,
        AppError::BackendAway { name: gitea(), reason: "no answer in time".to_owned() },
        AppError::BackendRefused { name: gitea(), reason: "this user may not add webhooks".to_owned() },
        AppError::Unheard(DeliveryRejected::Refused),
        AppError::Unheard(DeliveryRejected::Stale),
        AppError::Unheard(DeliveryRejected::Malformed("no event")),
        AppError::Overloaded,
        AppError::Store(StoreError::Unavailable { store: "sqlite", reason: "locked".to_owned() }),
        AppError::Store(StoreError::Broken { store: "sqlite", reason: "malformed".to_owned() }),
    ]
}

/// A new variant does not compile before it has a line here.
fn position(error: &AppError) -> usize {
    match error {
        AppError::Unauthenticated => 0,
        AppError::Forbidden { .. } => 1,
        AppError::Invalid(_) => 2,
        AppError::Refused(_) => 3,
        AppError::NotFound { .. } => 4,
        AppError::KeyReused => 5,
        AppError::RateLimited { .. } => 6,
        AppError::PreconditionFailed { .. } => 7,
        AppError::Contended => 8,
        AppError::BackendAway { .. } => 9,
        AppError::BackendRefused { .. } => 10,
        AppError::Unheard(DeliveryRejected::Refused) => 11,
        AppError::Unheard(DeliveryRejected::Stale) => 12,
        AppError::Unheard(DeliveryRejected::Malformed(_)) => 13,
        AppError::Overloaded => 14,
        AppError::Store(StoreError::Unavailable { .. }) => 15,
        AppError::Store(StoreError::Broken { .. } | StoreError::SchemaTooNew { .. } | StoreError::SchemaTooOld { .. }) => 16,
    }
}

#[test]
fn there_is_one_sample_of_each_sort() {
    assert_eq!(every_failure().iter().map(position).collect::<Vec<_>>(), (0..=16).collect::<Vec<_>>());
}
