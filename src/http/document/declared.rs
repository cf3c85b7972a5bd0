//! What a route declares of its problems, because nothing in its parameters shows it. A handler names one of these types among the
//! `responses` of its `utoipa::path`, after its successes.
//!
//! The content of the responses stands in `errors.rs`. To add a declaration: a type here, and its line there with `IfDeclared`.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::Response;
use utoipa::openapi::{Ref, RefOr};

use super::errors::{STATE_FORBIDS, TRACKER_AWAY, WRONG_SIGNATURE};

/// The caller waits while a tracker is asked: 502 if the tracker does not answer.
pub struct AsksTracker;

/// The key is a tracker's signature: 401 if the signature is wrong.
pub struct SignedByTracker;

/// The body names issues, and their state may forbid the request: 409.
pub struct NamesIssues;

impl IntoResponses for AsksTracker {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shared("502", TRACKER_AWAY)
    }
}

impl IntoResponses for SignedByTracker {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shared("401", WRONG_SIGNATURE)
    }
}

impl IntoResponses for NamesIssues {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shared("409", STATE_FORBIDS)
    }
}

fn shared(status: &str, name: &str) -> BTreeMap<String, RefOr<Response>> {
    BTreeMap::from([(status.to_owned(), Ref::from_response_name(name).into())])
}
