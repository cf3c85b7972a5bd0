//! The catalogue against the failures of the use cases: every code is listed, with the text that is answered.

use std::collections::BTreeSet;
use std::time::Duration;

use super::catalogue::{all, find};
use super::*;
use crate::app::Scope;
use crate::backend::DeliveryRejected;
use crate::domain::Faults;
use crate::domain::decide::Refusal;
use crate::store::StoreError;

/// One failure of each sort, as the catalogue's examples describe them. [`position`] makes this list complete.
fn failures() -> Vec<AppError> {
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

/// A new variant does not compile before it has its place here.
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
fn every_failure_of_a_use_case_is_answered_as_the_catalogue_lists_it() {
    let failures = failures();
    assert_eq!(failures.iter().map(position).collect::<Vec<_>>(), (0..=16).collect::<Vec<_>>(), "one of each sort, in order");
    for failure in failures {
        let code = failure.code();
        let kind = find(code).unwrap_or_else(|| panic!("{code} is not in the catalogue"));
        let varies = matches!(&failure, AppError::Unheard(DeliveryRejected::Stale | DeliveryRejected::Malformed(_)));
        assert!(varies || failure.public() == kind.detail, "{code} answers {:?}, the catalogue says {:?}", failure.public(), kind.detail);
        let response = Problem::from(failure).render("");
        assert_eq!(response.status(), kind.status, "{code}");
        for header in kind.headers {
            assert_eq!(response.headers()[header.name], header.value, "{code}");
        }
    }
}

#[test]
fn every_kind_is_listed_once_and_whole() {
    let mut codes = BTreeSet::new();
    for kind in all() {
        assert!(codes.insert(kind.code), "{} is listed twice", kind.code);
        assert!(kind.status.is_client_error() || kind.status.is_server_error(), "{}", kind.code);
        let texts = [kind.title, kind.description, kind.detail, kind.remedy];
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains('|')), "{}: a text is missing, or breaks the table", kind.code);
        assert_eq!(kind.headers().count(), kind.headers.len(), "{}: a header cannot be sent", kind.code);
    }
}

#[test]
fn a_wait_of_its_own_stands_in_place_of_the_listed_one_rounded_up() {
    let response = Problem::from(AppError::RateLimited { retry_after: Duration::from_millis(1001) }).render("");
    let waits: Vec<_> = response.headers().get_all(header::RETRY_AFTER).iter().collect();
    assert_eq!(waits, ["2"]);
}
