//! The caller: `Authorization: Bearer <key>`, or `X-API-Key: <key>`; and its rate limit.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::problem::Problem;
use super::request_layer::CountedAs;
use crate::app::access::rate_limit::granted;
use crate::app::{App, Caller};

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let caller = app.keyring.authenticate(presented_key(&parts.headers))?;
        if let Some(allowance) = app.rate_limit.count(&caller) {
            if let Some(CountedAs(counted)) = parts.extensions.get() {
                _ = counted.set(allowance);
            }
            granted(allowance)?;
        }
        Ok(caller)
    }
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}
