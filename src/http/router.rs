//! Every route, in one table; what stands around them, in one stack.

use std::sync::Arc;

use axum::routing::get;
use axum::{Router, middleware};
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _, SizeAbove};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cors::cors;
use super::document::Head;
use super::problem::Problem;
use super::request_layer::{RequestLayer, observe};
use super::{
    HttpOptions, backends, batch, bindings, claims, comments, conflicts, docs, facets, issues, lifecycle, list, many, messages, operate,
    records, reviews, timeline, webhooks,
};
use crate::app::App;

/// Every route that is part of the API, as its handlers describe it.
pub fn described() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Head::openapi()).merge(documented()).merge(batches()).merge(deliveries()).merge(probes()).into_openapi()
}

/// The routes everybody works with.
fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list::list, issues::create))
        .routes(routes!(many::lookup))
        .routes(routes!(many::next))
        .routes(routes!(many::edit))
        .routes(routes!(facets::labels))
        .routes(routes!(facets::milestones))
        .routes(routes!(facets::assignees))
        .routes(routes!(facets::repos))
        .routes(routes!(facets::stats))
        .routes(routes!(issues::show))
        .routes(routes!(issues::edit))
        .routes(routes!(issues::delete))
        .routes(routes!(issues::restore))
        .routes(routes!(lifecycle::close))
        .routes(routes!(lifecycle::reopen))
        .routes(routes!(lifecycle::start))
        .routes(routes!(lifecycle::block))
        .routes(routes!(lifecycle::unblock))
        .routes(routes!(timeline::list))
        .routes(routes!(claims::claim))
        .routes(routes!(claims::release))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::approve))
        .routes(routes!(reviews::reject))
        .routes(routes!(comments::list))
        .routes(routes!(comments::add))
        .routes(routes!(comments::show))
        .routes(routes!(comments::edit))
        .routes(routes!(comments::delete))
        .routes(routes!(backends::list))
        .routes(routes!(backends::show))
        .routes(routes!(backends::check))
        .routes(routes!(webhooks::register))
        .routes(routes!(backends::workspaces))
        .routes(routes!(backends::resources))
        .routes(routes!(bindings::list))
        .routes(routes!(bindings::show))
        .routes(routes!(bindings::put))
        .routes(routes!(bindings::delete))
        .routes(routes!(bindings::pause))
        .routes(routes!(bindings::resume))
        .routes(routes!(bindings::sync))
        .routes(routes!(conflicts::list))
        .routes(routes!(conflicts::show))
        .routes(routes!(conflicts::resolve))
        .routes(routes!(messages::list))
        .routes(routes!(messages::retry))
        .routes(routes!(messages::retry_all))
        .routes(routes!(messages::discard))
        .routes(routes!(docs::openapi))
}

/// Those that take more in and longer.
fn batches() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(batch::create_batch)).routes(routes!(records::export)).routes(routes!(records::import))
}

/// What trackers send by themselves: their signature is the key.
fn deliveries() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(webhooks::receive))
}

/// Those that must answer when nothing else does: no key, no bound on how many are asked at once.
fn probes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(operate::health)).routes(routes!(operate::ready)).routes(routes!(operate::metrics))
}

/// Paths that answer like a documented one: the contract's spelling, with a slash at the end; and the page.
fn aliases() -> Router<Arc<App>> {
    Router::new()
        .route("/issues/", get(list::list).post(issues::create))
        .route("/docs", get(docs::to_page))
        .route("/docs/", get(docs::page))
        .route("/docs/{file}", get(docs::file))
}

/// The probes' other names.
fn probe_aliases() -> Router<Arc<App>> {
    Router::new().route("/health", get(operate::health)).route("/livez", get(operate::health))
}

/// The whole HTTP entrance.
pub fn router(app: &Arc<App>, options: &HttpOptions) -> Router {
    let room = Some(Arc::new(Semaphore::new(options.max_in_flight)));
    let group = |routes, terms, room| around(routes, RequestLayer { app: Arc::clone(app), terms, room });
    let compressed = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(options.compress_above).and(DefaultPredicate::default()));

    let ordinary = Router::from(documented()).merge(aliases()).fallback(async || Problem::no_route()).layer(compressed.clone());
    let batches = Router::from(batches()).layer(compressed);
    let deliveries = group(Router::from(deliveries()), options.webhooks, room.clone());
    let routes = group(ordinary, options.ordinary, room.clone()).merge(group(batches, options.batch, room)).merge(deliveries).merge(group(
        Router::from(probes()).merge(probe_aliases()),
        options.ordinary,
        None,
    ));
    // Outermost, so that a page of another origin can read refusals too.
    if options.cors_origins.is_empty() { routes } else { routes.layer(cors(&options.cors_origins)) }
}

/// Probes and metrics, for a process that has no other entrance.
pub fn probes_alone(app: &Arc<App>, options: &HttpOptions) -> Router {
    let routes = Router::from(probes()).merge(probe_aliases()).fallback(async || Problem::no_route());
    around(routes, RequestLayer { app: Arc::clone(app), terms: options.ordinary, room: None })
}

/// What stands around routes that are bounded alike.
pub fn around(routes: Router<Arc<App>>, around: RequestLayer) -> Router {
    let app = Arc::clone(&around.app);
    routes
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(middleware::from_fn_with_state(around, observe))
        .with_state(app)
}
