//! Every route, in one table; what stands around them, in one stack.

use std::any::Any;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::document::Head;
use super::observe::observe;
use super::problem::Problem;
use super::{HttpOptions, claims, comments, docs, facets, issues, lifecycle, list, many, messages, operate, reviews, timeline};
use crate::app::App;

/// Every route that is part of the API, with its description.
pub fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Head::openapi())
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
        .routes(routes!(messages::list))
        .routes(routes!(messages::retry))
        .routes(routes!(messages::retry_all))
        .routes(routes!(messages::discard))
        .routes(routes!(operate::health))
        .routes(routes!(operate::ready))
        .routes(routes!(operate::metrics))
        .routes(routes!(docs::openapi))
}

/// Paths that answer like a documented one (the contract's spelling with a slash at the end, the probes' other names), and the page.
fn aliases() -> Router<Arc<App>> {
    Router::new()
        .route("/issues/", get(list::list).post(issues::create))
        .route("/health", get(operate::health))
        .route("/livez", get(operate::health))
        .route("/docs", get(docs::to_page))
        .route("/docs/", get(docs::page))
        .route("/docs/{file}", get(docs::file))
}

/// The whole HTTP entrance.
pub fn router(app: Arc<App>, options: HttpOptions) -> Router {
    let (routes, _) = documented().split_for_parts();
    surround(routes.merge(aliases()), app, options)
}

/// Probes and metrics alone.
pub fn probes(app: Arc<App>, options: HttpOptions) -> Router {
    let routes = Router::new()
        .route("/healthz", get(operate::health))
        .route("/health", get(operate::health))
        .route("/livez", get(operate::health))
        .route("/readyz", get(operate::ready))
        .route("/metrics", get(operate::metrics));
    surround(routes, app, options)
}

fn surround(routes: Router<Arc<App>>, app: Arc<App>, options: HttpOptions) -> Router {
    routes
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| answer_panic(&*panic)))
        .layer(DefaultBodyLimit::max(options.body_limit))
        .layer(middleware::from_fn_with_state((app.clone(), options), observe))
        .with_state(app)
}

fn answer_panic(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = message.unwrap_or("without a message"), "a handler panicked");
    Problem::panicked().into_response()
}
