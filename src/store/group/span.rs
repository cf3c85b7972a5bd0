//! What a trace shows of the database: how long one call waited for the round trip it shares, and for its end.
//!
//! Names and attributes are OpenTelemetry's conventions for database clients. The spans are at the level debug: recorded where
//! traces are exported, free elsewhere.

use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug_span};

use super::GroupError;
use crate::store::StoreError;

/// A change on its way into the transaction it shares with others.
pub(super) fn commit(store: &'static str) -> Span {
    debug_span!(
        "db.commit",
        otel.name = "commit",
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = system(store),
        db.operation.name = "commit",
        error.type = Empty,
    )
}

/// An issue read by its id, with those that others read at the same time.
pub(super) fn select(store: &'static str) -> Span {
    debug_span!(
        "db.select",
        otel.name = "select issues",
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = system(store),
        db.operation.name = "select",
        db.collection.name = "issues",
        error.type = Empty,
    )
}

/// The call under its span, which says how it failed.
pub(super) async fn traced<T>(span: Span, call: impl Future<Output = Result<T, GroupError>>) -> Result<T, GroupError> {
    let answer = call.instrument(span.clone()).await;
    if let Err(error) = &answer {
        span.record("otel.status_code", "error");
        span.record("error.type", kind(error));
    }
    answer
}

/// The conventions' word for the database.
fn system(store: &'static str) -> &'static str {
    if store == "postgres" { "postgresql" } else { store }
}

const fn kind(error: &GroupError) -> &'static str {
    match error {
        GroupError::Overloaded => "overloaded",
        GroupError::Store(StoreError::Unavailable { .. }) => "unavailable",
        GroupError::Store(StoreError::SchemaTooNew { .. } | StoreError::SchemaTooOld { .. }) => "schema",
        GroupError::Store(StoreError::Broken { .. }) => "broken",
    }
}
