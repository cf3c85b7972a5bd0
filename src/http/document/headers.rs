//! The headers that every answer carries: added here once, because no handler sets them.

use serde_json::{Map, Value, json};

use super::{KeyNeed, object};

/// Name, name among the components, which operations' answers carry it (`Open`: all), description and example.
const HEADERS: &[(&str, &str, KeyNeed, &str, &str)] = &[
    (
        "X-Request-Id",
        "RequestId",
        KeyNeed::Open,
        "The request's own id, or the one it was given; it is in the logs too",
        "0190163d-8694-739b-aea5-966c26f8ad91",
    ),
    ("RateLimit-Policy", "RateLimitPolicy", KeyNeed::Required, "What the key may send, where it has a rate", "\"key\";q=50;w=1"),
    ("RateLimit", "RateLimit", KeyNeed::Required, "What is left of it, and until when", "\"key\";r=49;t=1"),
];

/// Names the headers at one answer.
pub(super) fn add_to(key: KeyNeed, answer: &mut Value) {
    let Some(answer) = answer.as_object_mut().filter(|answer| !answer.contains_key("$ref")) else { return };
    let headers = object(answer, "headers");
    for (name, component, of, _, _) in HEADERS {
        if *of == KeyNeed::Open || *of == key {
            headers[*name] = json!({ "$ref": format!("#/components/headers/{component}") });
        }
    }
}

/// What those names refer to.
pub fn components() -> Value {
    let header = |description, example| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    let named = HEADERS.iter().map(|(_, component, _, description, example)| ((*component).to_owned(), header(*description, *example)));
    named.collect::<Map<_, _>>().into()
}
