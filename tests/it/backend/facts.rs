//! Our own descriptions of vendors' APIs (`tests/fixtures/api`), read into the form of `OpenAPI` in which [`super::description`] judges.
//!
//! A file maps each request that we send, as `METHOD /path`, to what it may contain:
//!
//! - `query`: the names of its parameters; `name!` is required.
//! - `body`: the type of its body, and `as`, the media type, where it is not `application/json`.
//!
//! A type is one of the [`WORDS`], the allowed words with `|` between them, `[type]` for a list, or
//! a map of fields for an object. `field!` is required, and `*` stands for any other field. A
//! question mark behind a type allows null.

use serde_json::{Map, Value, json};

use crate::support::sim;

/// The types without parts.
const WORDS: &[&str] = &["string", "integer", "number", "boolean", "any"];

/// The longest list of choices.
const MOST_CHOICES: usize = 8;

/// One document in the form of `OpenAPI` out of these files; of a request that stands in several the last one's facts count.
pub(super) fn read(texts: impl IntoIterator<Item = String>) -> Value {
    let files = texts.into_iter().map(|text| serde_norway::from_str::<Map<String, Value>>(&text).unwrap());
    let requests: Map<String, Value> = files.flatten().collect();
    let mut paths = Map::new();
    for (request, facts) in &requests {
        let (method, path) = request.split_once(' ').unwrap_or_else(|| panic!("{request} is no METHOD /path"));
        let known = ["query", "body", "as"];
        let stray = facts.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
        assert_eq!(stray, None, "{request}");
        let query = facts["query"].as_array().into_iter().flatten().map(|name| {
            let (name, required) = marked(name.as_str().unwrap());
            json!({"in": "query", "name": name, "required": required})
        });
        let mut operation = json!({"parameters": query.collect::<Vec<_>>()});
        if !facts["body"].is_null() {
            let media_type = facts["as"].as_str().unwrap_or("application/json");
            operation["requestBody"] = json!({"content": {media_type: {"schema": schema(&facts["body"])}}});
        }
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method.to_lowercase()] = operation;
    }
    json!({"paths": paths})
}

/// A name, and whether it is required.
fn marked(name: &str) -> (&str, bool) {
    name.strip_suffix('!').map_or((name, false), |name| (name, true))
}

fn schema(facts: &Value) -> Value {
    match facts {
        Value::String(word) => {
            let (word, nullable) = word.strip_suffix('?').map_or((word.as_str(), false), |word| (word, true));
            let mut schema = match word.split('|').map(str::trim).collect::<Vec<_>>().as_slice() {
                ["any"] => json!({}),
                [word] if WORDS.contains(word) => json!({"type": word}),
                [word] => json!({"type": "string", "enum": [word]}),
                words => json!({"type": "string", "enum": words}),
            };
            schema["nullable"] = nullable.into();
            schema
        }
        Value::Array(items) => json!({"type": "array", "items": schema(items.first().expect("a list has the type of its items"))}),
        Value::Object(fields) => {
            let others = fields.get("*").map_or(Value::Bool(false), schema);
            let named = || fields.iter().filter(|(name, _)| *name != "*");
            let required: Vec<&str> =
                named().map(|(name, _)| marked(name)).filter(|(_, required)| *required).map(|(name, _)| name).collect();
            let properties: Map<String, Value> = named().map(|(name, part)| (marked(name).0.to_owned(), schema(part))).collect();
            json!({"type": "object", "required": required, "properties": properties, "additionalProperties": others})
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => panic!("{facts} is no type"),
    }
}

/// Requests that contain everything the document allows, each choice in one of them.
pub(super) fn samples(document: &Value) -> Vec<sim::Request> {
    let mut samples = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.split('/').map(|part| part.split_once('{').map_or(part.to_owned(), |(before, _)| format!("{before}1")));
        let path = path.collect::<Vec<_>>().join("/");
        for (method, operation) in item.as_object().unwrap() {
            let query = operation["parameters"].as_array().into_iter().flatten();
            let query: Vec<_> = query.map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), "1".to_owned())).collect();
            let content = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
            for n in 0..content.map_or(1, |_| MOST_CHOICES) {
                let headers = content.map(|(media_type, _)| ("content-type".to_owned(), media_type.clone())).into_iter().collect();
                let body = content.map(|(_, body)| sample(&body["schema"], n).to_string().into_bytes()).unwrap_or_default();
                let (method, path, query) = (method.to_uppercase(), path.clone(), query.clone());
                samples.push(sim::Request { method, path, query, headers, body, cap: None });
            }
        }
    }
    samples
}

/// A value with every field, and of every list of choices the one at `n`.
fn sample(schema: &Value, n: usize) -> Value {
    match schema["type"].as_str() {
        Some("string") => schema["enum"].as_array().map_or_else(|| "1".into(), |words| words[n % words.len()].clone()),
        Some("integer" | "number") => 1.into(),
        Some("boolean") => true.into(),
        Some("array") => json!([sample(&schema["items"], n)]),
        Some("object") => schema["properties"].as_object().unwrap().iter().map(|(name, part)| (name.clone(), sample(part, n))).collect(),
        _ => json!({}),
    }
}
