//! How schemas and examples are completed: what serde does but utoipa does not write down, and an example wherever none was given.

use serde_json::{Map, Value, json};

use super::super::schema;
use super::for_each_operation;

/// utoipa writes `security(())` as "a key, or none"; what is meant is "none".
pub fn open_means_no_key(operation: &mut Map<String, Value>) {
    if operation.get("security") == Some(&json!([{}])) {
        operation.insert("security".to_owned(), json!([]));
    }
}

/// utoipa writes an `Option` as "or null". A parameter is there or it is not; only within JSON there is a `null`.
pub fn parameters_are_left_out_not_null(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    parameters.into_iter().flatten().filter_map(|parameter| parameter.get_mut("schema")).for_each(without_null);
}

fn without_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let part = schema["oneOf"].as_array().and_then(|parts| parts.iter().find(|part| !may_be_null(part))).cloned();
    if let Some(part) = part {
        *schema = part;
    }
}

/// utoipa writes the parameters of a generic type out where they are used. The items of a list are a type with a name: clients that are
/// generated from the document get one class for it, not one per list.
pub fn items_have_names(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let known = schemas.clone();
    for property in schemas.values_mut().filter_map(|schema| schema.get_mut("properties")?.as_object_mut()).flat_map(Map::values_mut) {
        let Some(items) = property.get_mut("items") else { continue };
        let named = known.iter().find(|(_, schema)| items["type"] == "object" && *schema == items);
        if let Some((name, _)) = named {
            *items = json!({ "$ref": format!("#/components/schemas/{name}") });
        }
    }
}

/// The schemas of `schema.rs` that something refers to; utoipa itself forgets those of parameters.
pub fn add_named_schemas(document: &mut Value) {
    let known: Map<String, Value> = schema::all().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())).collect();
    let mut next = references("schemas", document);
    while let Some(name) = next.pop() {
        let known = known.get(&name).filter(|_| document["components"]["schemas"][&name].is_null());
        if let Some(schema) = known {
            next.extend(references("schemas", schema));
            document["components"]["schemas"][&name] = schema.clone();
        }
    }
}

/// Serde writes an untagged enum without its form, and one form may be a part of another: a reader
/// takes the first that fits.
pub fn the_first_that_fits(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        if let Some(forms) = schema.remove("oneOf") {
            schema.insert("anyOf".to_owned(), forms);
        }
    }
}

/// What must never be true of a body, as `schema.rs` lists it, becomes its `not`.
pub fn what_must_never_be(document: &mut Value) {
    for (name, never) in schema::never() {
        document["components"]["schemas"][name]["not"] = json!({ "anyOf": never });
    }
}

/// An object that was made of parameters: like them its fields are left out, not `null`; and a parameter that may be repeated may as
/// well be given once, as a value instead of a list.
pub fn filters_are_like_parameters(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for schema in schemas.values_mut().filter_map(Value::as_object_mut).filter_map(|schema| schema.remove("x-parameters").map(|_| schema)) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(Map::values_mut) {
            without_null(property);
            if property["type"] == "array" {
                *property = json!({ "oneOf": [property["items"], property] });
            }
        }
    }
}

/// Serde writes an `Option` that is `None` as `null`, so in an answer the field is always there; in a request it may be left out.
pub fn answers_hold_every_field(document: &mut Value) {
    let asked = schemas_of_requests(document);
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !asked.contains(name)) {
        let nullable: Vec<_> = schema["properties"].as_object().into_iter().flatten().filter(|(_, schema)| may_be_null(schema)).collect();
        let mut required: Vec<_> = schema["required"].as_array().into_iter().flatten().cloned().collect();
        required.extend(nullable.into_iter().map(|(name, _)| json!(name)));
        required.sort_by_key(ToString::to_string);
        required.dedup();
        if !required.is_empty() {
            schema["required"] = required.into();
        }
    }
}

fn may_be_null(schema: &Value) -> bool {
    let any_of = |key: &str| schema[key].as_array().into_iter().flatten();
    any_of("type").any(|kind| kind == "null") || any_of("oneOf").any(may_be_null) || schema["type"] == "null"
}

/// The names of all schemas that a request body leads to.
pub fn schemas_of_requests(document: &mut Value) -> Vec<String> {
    let mut bodies = Vec::new();
    for_each_operation(document, |_, _, operation| bodies.extend(operation.get("requestBody").cloned()));
    let (mut found, mut next) = (Vec::new(), references("schemas", &Value::Array(bodies)));
    while let Some(name) = next.pop() {
        if !found.contains(&name) {
            next.extend(references("schemas", &document["components"]["schemas"][&name]));
            found.push(name);
        }
    }
    found
}

/// The names of all components of a sort that a value refers to.
pub fn references(sort: &str, value: &Value) -> Vec<String> {
    let within = |values: &mut dyn Iterator<Item = &Value>| values.flat_map(|value| references(sort, value)).collect::<Vec<_>>();
    match value {
        Value::Object(map) => {
            let name = || map.get("$ref")?.as_str()?.strip_prefix("#/components/")?.strip_prefix(sort)?.strip_prefix('/');
            name().map(str::to_owned).into_iter().chain(within(&mut map.values())).collect()
        }
        Value::Array(items) => within(&mut items.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Gives every JSON body without an example one that is made from its schema.
pub fn add_examples(document: &mut Value) {
    let whole = document.clone();
    for_each_operation(document, |_, _, operation| {
        for (key, value) in operation.iter_mut() {
            match key.as_str() {
                "requestBody" => exemplify(&whole, BodyDirection::Request, value),
                "responses" => value
                    .as_object_mut()
                    .into_iter()
                    .flat_map(Map::values_mut)
                    .for_each(|answer| exemplify(&whole, BodyDirection::Answer, answer)),
                _ => {}
            }
        }
    });
}

/// A request shows what may be said; an answer leaves `null` what only some issues have, or it would contradict itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyDirection {
    Request,
    Answer,
}

fn exemplify(document: &Value, direction: BodyDirection, body: &mut Value) {
    let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) else { return };
    for media_type in content.values_mut().filter(|media_type| media_type["example"].is_null() && media_type["examples"].is_null()) {
        media_type["example"] = sample(document, direction, &media_type["schema"]);
    }
}

/// A value of that schema: its own example, or one put together from its parts.
fn sample(document: &Value, direction: BodyDirection, schema: &Value) -> Value {
    let target = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    let schema = target.unwrap_or(schema);
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)).or_else(|| schema["enum"].get(0)) {
        return example.clone();
    }
    let parts = || ["oneOf", "allOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
    if may_be_null(schema) && (direction == BodyDirection::Answer || parts().next().is_none()) {
        return Value::Null;
    }
    if let Some(part) = parts().find(|part| !may_be_null(part)) {
        return sample(document, direction, part);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("object"), _) => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties.map(|(name, schema)| (name.clone(), sample(document, direction, schema))).collect::<Map<_, _>>().into()
        }
        (Some("array"), _) => json!([sample(document, direction, &schema["items"])]),
        (Some("integer" | "number"), _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
        (Some("boolean"), _) => json!(false),
        (Some("string"), Some("uuid")) => json!("0190163d-8694-739b-aea5-966c26f8ad91"),
        (Some("string"), Some("date")) => json!("2026-06-30"),
        (Some("string"), Some("date-time")) => json!("2026-06-16T07:00:00Z"),
        (Some("string"), _) => json!("text"),
        (_, _) => json!({}),
    }
}
