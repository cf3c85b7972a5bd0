//! Entrance 1: HTTP. `router.rs` lists every route; a file per resource holds its DTOs and handlers; `problem.rs` is the
//! only place that knows which failure has which status.
//!
//! A handler reads its input, calls one use case, shapes the answer. To add a route: `docs/contributing.md`.

mod body;
mod caller;
mod claims;
mod comments;
mod docs;
pub mod document;
mod etag;
mod facets;
mod issue_response;
mod issues;
mod lifecycle;
mod list;
mod many;
mod messages;
mod observe;
mod operate;
mod page;
mod path;
mod problem;
mod query;
mod reviews;
mod router;
mod schema;
mod timeline;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// What this entrance must know of the settings.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions {
    pub body_limit: usize,
    pub request_timeout: Duration,
    /// A change of something that was read must say what was read.
    pub require_if_match: bool,
}

/// Only probes and metrics, for a process that has no other entrance.
pub async fn serve_probes(listener: TcpListener, app: Arc<App>, options: HttpOptions, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, router::probes(app, options)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Answers requests until `stop`; then takes no new ones and ends when those in flight are answered.
pub async fn serve(listener: TcpListener, app: Arc<App>, options: HttpOptions, stop: CancellationToken) -> std::io::Result<()> {
    // Answers are small: waiting to fill a packet would only delay them.
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, router::router(app, options)).with_graceful_shutdown(stop.cancelled_owned()).await
}
