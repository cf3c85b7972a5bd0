//! Entrance 1: HTTP. `router.rs` lists every route; a file per resource holds its DTOs and
//! handlers; only `problem/` maps failures to statuses.
//!
//! A handler reads its input, calls one use case, shapes the answer. To add a route: `docs/contributing.md`.

mod backends;
mod batch;
mod bindings;
mod body;
mod caller;
mod change;
mod claims;
mod comments;
mod conflicts;
mod cors;
mod docs;
pub mod document;
mod dry_run;
mod etag;
mod facets;
mod issue_response;
mod issues;
mod lifecycle;
mod list;
mod listen;
mod local;
mod many;
mod messages;
mod operate;
mod page;
mod path;
mod prefer;
mod problem;
mod query;
mod records;
mod request_id;
mod request_layer;
mod reviews;
mod router;
mod routes;
mod schema;
mod span;
mod task_body;
mod timeline;
mod webhooks;

use std::time::Duration;

pub use listen::{ConnectionLimits, serve};
pub use local::LocalRoutes;
pub use problem::catalogue;
pub use request_layer::RequestLayer;
pub use router::{around, probes_alone, router};

/// What this entrance must know of the settings.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    pub ordinary: RequestLimits,
    /// For `POST /issues/batch`.
    pub batch: RequestLimits,
    /// For `POST /webhooks/{backend}`.
    pub webhooks: RequestLimits,
    pub max_in_flight: usize,
    pub compress_above: u64,
    pub cors_origins: Vec<String>,
    pub connections: ConnectionLimits,
}

/// What one request may cost, and must say.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    pub body_limit: usize,
    /// For the body to arrive whole.
    pub body_timeout: Duration,
    /// For the whole request.
    pub timeout: Duration,
    /// A change of something that was read must say what was read.
    pub require_if_match: bool,
}
