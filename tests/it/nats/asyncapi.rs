//! The published description of the subjects is what the code does.

use std::collections::BTreeSet;

use issue_core::domain::EventKind;
use issue_core::sink::nats::subject;
use serde_json::Value;

use super::{id, start};
use crate::support::database::Database;
use crate::support::nats::Nats;

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/asyncapi.yaml");
    serde_norway::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().cloned().collect()
}

fn words(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Follows `$ref`.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolved(document, document.pointer(&pointer[1..]).unwrap_or_else(|| panic!("{pointer} leads nowhere"))),
        None => value,
    }
}

/// Calls back with every object.
fn walk<'a>(value: &'a Value, seen: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Object(fields) => {
            seen(value);
            fields.values().for_each(|field| walk(field, seen));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_example_has_the_fields_of_its_schema() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    walk(&document, &mut |value| _ = resolved(&document, value));
    let mut examples = 0;
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        for part in ["payload", "headers"] {
            let schema = resolved(&document, &message[part]);
            for example in message["examples"].as_array().unwrap().iter().filter(|example| !example[part].is_null()) {
                if schema["properties"].is_null() {
                    continue;
                }
                examples += 1;
                let (given, known) = (keys(&example[part]), keys(&schema["properties"]));
                assert!(given.is_subset(&known), "{name} {part}: {given:?} is more than {known:?}");
                if part == "payload" {
                    assert!(words(&schema["required"]).is_subset(&given), "{name}: {given:?} lacks something");
                }
            }
        }
    }
    assert!(examples >= 8, "{examples}");
}

#[test]
fn the_subjects_of_events_are_those_of_the_code() {
    let document = document();
    let addresses = document["channels"].as_object().unwrap().values().filter_map(|channel| channel["address"].as_str());
    let documented: BTreeSet<_> = addresses.filter(|address| address.starts_with("org.")).map(str::to_owned).collect();
    let told: BTreeSet<_> = EventKind::ALL.iter().map(|kind| subject("org.issuecore", *kind)).collect();
    assert_eq!(documented, told);
    let kinds = words(&document["components"]["schemas"]["Attributes"]["properties"]["event"]["enum"]);
    assert_eq!(kinds, EventKind::WORDS.iter().map(|word| (*word).to_owned()).collect());
}

/// Every key that an example of the document sends comes out again, and every answer and header is in the document.
#[tokio::test]
async fn the_examples_work_and_what_comes_back_is_documented() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[]);
    let (inbox, mut answers) = nats.inbox().await;
    for example in document["components"]["messages"]["Task"]["examples"].as_array().unwrap() {
        let payload = &example["payload"];
        nats.publish("activity-core", &[("Reply-To", &inbox)], payload.to_string()).await;
        let (answer, _) = answers.next().await;
        assert_eq!(keys(&answer), words(&schemas["Accepted"]["required"]));
        let issue: Value = server.get(&format!("/issues/{}", id(&answer))).send().await.unwrap().json().await.unwrap();
        for (field, value) in payload.as_object().unwrap() {
            match field.as_str() {
                "due_in_days" => {}
                "review_required" => assert_eq!(issue["review"], "pending"),
                _ => assert_eq!(&issue[field], value, "{field}"),
            }
        }
    }
    nats.publish("other", &[("Reply-To", &inbox)], r#"{"title":"","target_repo":"b"}"#).await;
    let (refused, _) = answers.next().await;
    assert_eq!(keys(&refused), keys(&schemas["Refused"]["properties"]));
    let dead = nats.dead().await.next().await;
    let headers: BTreeSet<_> = dead.headers.as_ref().unwrap().iter().map(|(name, _)| name.to_string()).collect();
    assert!(headers.is_subset(&keys(&schemas["DeadHeaders"]["properties"])), "{headers:?}");
    assert!(words(&schemas["DeadHeaders"]["required"]).is_subset(&headers), "{headers:?}");
}
