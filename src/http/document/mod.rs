//! The OpenAPI document. It is generated from the handlers. Rules add here what all operations have
//! in common, by the parts that an operation has. So a new route is described in full without a
//! line in this folder. The route declares what no rule can see (`declared.rs`).
//!
//! `openapi/openapi.json` is its committed copy: `issue-core openapi --output openapi/openapi.json` writes it, a test compares.
//! To add a rule: `errors.rs` for what may be refused, `shape.rs` for how the schemas and examples are completed.

mod declared;
mod errors;
mod headers;
mod shape;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

pub use self::declared::{AsksTracker, NamesIssues, SignedByTracker};
use super::problem;
use super::router;

/// Whether an operation is for callers with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyNeed {
    Required,
    Open,
}

/// The parts that belong to no handler.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "issue-core",
        description = "An organisation's single landing zone for tasks: each task is filed once, kept, and put into the right tracker.\n\n\
            Every failure is an RFC 9457 problem document with a stable `code`, a `trace_id`, and, where a request has faults, all of \
            them at once.",
        contact(name = "The operators of this service"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "The server this document came from")),
    security(("bearer" = []), ("apiKey" = [])),
    components(schemas(problem::ProblemDocument<'static>)),
    modifiers(&Keys),
    tags(
        (name = "issues", description = "File, find and work on issues"),
        (name = "find", description = "What there is, and how much of it"),
        (name = "claims", description = "Take issues to work on, one holder at a time"),
        (name = "reviews", description = "Decide about tasks before they go anywhere"),
        (name = "comments", description = "Say something about an issue"),
        (name = "backends", description = "The trackers, and where issues can be filed in them"),
        (name = "sync", description = "Which places of trackers are kept in agreement with the store, and where they clashed"),
        (name = "webhooks", description = "What the trackers tell by themselves"),
        (name = "messages", description = "What is done outside: State Hub and others"),
        (name = "operate", description = "Probes and numbers for operators, and this document"),
    )
)]
pub struct Head;

/// The two ways to present a key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The key as a bearer token. Not needed where no key is configured (on a loopback address)."));
        let header = ApiKeyValue::with_description("X-API-Key", "The same key in a header of its own.");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    // Its types are plain data: there is nothing in them that JSON cannot say.
    let mut document = serde_json::to_value(router::described()).unwrap_or_default();
    let keyed = document["security"].as_array().is_some_and(|ways| !ways.is_empty());
    for_each_operation(&mut document, |method, _, operation| {
        shape::open_means_no_key(operation);
        shape::parameters_are_left_out_not_null(operation);
        let open = !keyed || operation.get("security") == Some(&json!([]));
        let key = if open { KeyNeed::Open } else { KeyNeed::Required };
        errors::add_to(method, key, operation);
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        answers.into_iter().flat_map(Map::values_mut).for_each(|answer| headers::add_to(key, answer));
    });
    document["components"]["headers"] = headers::components();
    document["components"]["responses"] = errors::components(&shape::references("responses", &document["paths"]));
    shape::add_named_schemas(&mut document);
    shape::items_have_names(&mut document);
    shape::filters_are_like_parameters(&mut document);
    shape::the_first_that_fits(&mut document);
    shape::what_must_never_be(&mut document);
    shape::answers_hold_every_field(&mut document);
    shape::add_examples(&mut document);
    document
}

/// The document as it is committed and printed.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn for_each_operation(document: &mut Value, mut visit: impl FnMut(&str, &str, &mut Map<String, Value>)) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        let Some(item) = item.as_object_mut() else { continue };
        for (method, operation) in item.iter_mut().filter_map(|(method, operation)| Some((method, operation.as_object_mut()?))) {
            visit(method, path, operation);
        }
    }
}

/// An empty object where nothing was.
fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Value {
    map.entry(key).or_insert_with(|| json!({}))
}
