//! What holds for every operation and every schema of the document, whichever route is added.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::problem::catalogue;
use super::super::schema;
use super::*;

fn operations() -> Vec<(String, String, Map<String, Value>)> {
    let mut found = Vec::new();
    for_each_operation(&mut document(), |method, path, operation| found.push((method.to_owned(), path.to_owned(), operation.clone())));
    assert!(found.len() > 4, "the routes were not found");
    found
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_a_known_tag_and_a_success() {
    let document = document();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} is there twice");
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.len() < 80), "{method} {path} needs a short summary");
        let own = operation["tags"].as_array().unwrap();
        assert!(own.len() == 1 && tags.contains(&&own[0]), "{method} {path} needs one tag of {tags:?}");
        let successes = operation["responses"].as_object().unwrap().keys().filter(|status| status.starts_with('2')).count();
        assert!(successes > 0, "{method} {path} never succeeds");
    }
}

#[test]
fn every_json_body_has_an_example() {
    for (method, path, operation) in operations() {
        let answers = operation["responses"].as_object().unwrap().values();
        for content in answers.chain(operation.get("requestBody")).filter_map(|body| body["content"].as_object()) {
            for (media_type, body) in content {
                assert!(!body["example"].is_null() || !body["examples"].is_null(), "{method} {path}: {media_type} has no example");
            }
        }
    }
}

/// The rule of `errors.rs`, once more as a sentence: what an operation has decides what it may refuse.
#[test]
fn what_an_operation_has_decides_which_problems_it_may_answer_with() {
    let statuses = |method: &str, operation: Value| {
        let mut operation = operation.as_object().unwrap().clone();
        let key = if operation.contains_key("security") { KeyNeed::Open } else { KeyNeed::Required };
        errors::add_to(method, key, &mut operation);
        operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect::<Vec<u16>>()
    };
    let parameter = |name: &str, place: &str| json!({ "parameters": [{ "name": name, "in": place }] });
    assert_eq!(statuses("get", json!({ "security": [] })), [500, 503, 504]);
    assert_eq!(statuses("get", json!({})), [401, 403, 429, 500, 503, 504]);
    assert_eq!(statuses("get", parameter("b", "path")), [400, 401, 403, 404, 429, 500, 503, 504]);
    assert_eq!(statuses("get", parameter("q", "query")), [400, 401, 403, 422, 429, 500, 503, 504]);
    assert_eq!(statuses("post", json!({ "requestBody": {} })), [400, 401, 403, 413, 415, 422, 429, 500, 503, 504]);
    assert_eq!(statuses("post", parameter("b", "path")), [400, 401, 403, 404, 409, 429, 500, 503, 504]);
    assert_eq!(statuses("post", parameter("If-Match", "header")), [401, 403, 412, 422, 428, 429, 500, 503, 504]);
    let own = json!({ "responses": { "500": { "description": "own" } }, "security": [] });
    let mut operation = own.as_object().unwrap().clone();
    errors::add_to("get", KeyNeed::Required, &mut operation);
    assert_eq!(operation["responses"]["500"]["description"], "own", "what a handler says stays");
}

#[test]
fn every_problem_is_described_once_and_every_reference_finds_its_target() {
    let document = document();
    for (method, path, operation) in operations() {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let reference = answer["$ref"].as_str().map(|text| text.strip_prefix('#').unwrap());
            let answer = reference.map_or(answer, |reference| document.pointer(reference).unwrap_or_else(|| panic!("no {reference}")));
            let problem = answer["content"]["application/problem+json"]["example"].clone();
            let refused = status.parse::<u16>().unwrap() >= 400;
            assert!(!refused || problem["status"] == json!(status.parse::<u16>().unwrap()), "{method} {path} {status}");
        }
    }
}

#[test]
fn what_must_never_be_is_said_of_bodies_that_there_are() {
    let document = document();
    for (name, _) in schema::never() {
        assert_eq!(document["components"]["schemas"][name]["type"], "object", "{name} in schema.rs is no schema any more");
    }
}

/// Indexing a JSON value that may be changed writes `null` where nothing was.
#[test]
fn nothing_in_the_document_is_null_but_examples() {
    fn check(place: &str, value: &Value) {
        assert!(!value.is_null(), "{place} is null");
        for (key, value) in
            value.as_object().into_iter().flatten().filter(|(key, _)| !["example", "examples", "default"].contains(&key.as_str()))
        {
            check(&format!("{place}/{key}"), value);
        }
        value.as_array().into_iter().flatten().for_each(|item| check(place, item));
    }
    check("", &document());
}

/// Its path parameters make an operation one that may answer 404, so each must be described.
#[test]
fn every_name_in_a_path_is_a_parameter_of_the_operation() {
    for (method, path, operation) in operations() {
        let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let described = parameters.filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(described, path.matches('{').count(), "{method} {path}");
    }
}

/// The use cases behind them: they alone make `AppError::BackendAway`, or check a signature.
#[test]
fn only_routes_that_wait_for_a_tracker_or_check_its_signature_declare_so() {
    let referring = |name: &str| {
        let found = operations().into_iter().filter(|(_, _, operation)| {
            let shared = json!({ "$ref": format!("#/components/responses/{name}") });
            operation["responses"].as_object().unwrap().values().any(|answer| *answer == shared)
        });
        found.map(|(_, _, operation)| operation["operationId"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(referring(errors::TRACKER_AWAY), named(&["list_resources", "list_workspaces", "register_webhook", "sync_binding"]));
    assert_eq!(referring(errors::WRONG_SIGNATURE), named(&["receive_webhook"]));
    assert!(referring(errors::STATE_FORBIDS).contains("create_issue"), "a new issue may name others");
}

/// What no operation answers with: no operation has that path or method, or the connection is too slow for every one of them.
const OF_NO_OPERATION: &[&str] = &["no_such_route", "method_not_allowed", "body_timeout"];

#[test]
fn every_problem_of_the_catalogue_is_in_one_response_and_all_of_a_response_have_its_status() {
    for kind in catalogue::all().filter(|kind| !OF_NO_OPERATION.contains(&kind.code)) {
        let refusal = catalogue::REFUSALS.iter().any(|refusal| refusal.code == kind.code);
        let holds = |shared: &&errors::SharedResponse| shared.kinds.iter().any(|held| held.code == kind.code);
        let found: Vec<u16> = errors::RESPONSES.iter().filter(holds).map(errors::SharedResponse::status).collect();
        let by_refusal = refusal && kind.status == 409;
        assert!(found == [kind.status.as_u16()] || found.is_empty() && by_refusal, "{}: {found:?}", kind.code);
    }
}

/// A text without a limit is refused by the domain at some length, and a caller should know before.
#[test]
fn every_text_in_a_request_says_what_it_may_be() {
    fn check(place: &str, schema: &Value) {
        let typed = |name: &str| schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.contains(&json!(name)));
        let says = ["enum", "format", "pattern", "maxLength"].iter().any(|key| !schema[key].is_null());
        assert!(!typed("string") || says, "{place} takes any text: name its rule from http/schema.rs as value_type");
        assert!(!typed("array") || !schema["maxItems"].is_null(), "{place} takes any number of items: give it max_items");
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            check(&format!("{place}.{name}"), property);
        }
        for part in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten().chain(schema.get("items")) {
            check(place, part);
        }
    }
    let mut document = document();
    let asked = shape::schemas_of_requests(&mut document);
    assert!(asked.iter().any(|name| name == "CreateIssueRequest"));
    for name in asked {
        check(&name, &document["components"]["schemas"][&name]);
    }
}
