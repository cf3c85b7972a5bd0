//! The catalogue against the failures of the use cases: every code is listed, with the text that is answered.

use std::collections::BTreeSet;
use std::time::Duration;

use super::catalogue::{all, find};
use super::*;
use crate::app::{DeliveryRejected, every_failure};

#[test]
fn every_failure_of_a_use_case_is_answered_as_the_catalogue_lists_it() {
    for failure in every_failure() {
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
