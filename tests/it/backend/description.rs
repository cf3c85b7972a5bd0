//! Every request of every tracker against a description of its API: a path that is there, queries it knows, a body that is valid.
//!
//! Every clone has one: our own ([`super::facts`]), or GitHub's out of its package. The vendors' files are a second, stricter check where
//! they are at hand ([`vendors::specs`]); what our own says must also be within them.

use issue_core::domain::tracker::TrackerKind;
use serde_json::{Map, Value};

use super::{Bench, contract, facts, relations, webhooks};
use crate::support::sim::{self, Vendor};
use crate::support::vendors;

/// The one tracker that has no REST: [`super::graphql`] judges it.
const ELSEWHERE: TrackerKind = TrackerKind::Linear;

#[tokio::test]
async fn every_request_is_valid_by_the_vendors_own_description() {
    for vendor in sim::ALL.iter().filter(|vendor| vendor().kind() != ELSEWHERE) {
        let bench = Bench::new(vendor(), false).await;
        let descriptions = descriptions(&*vendor());
        contract::an_update_changes_what_changed_and_can_be_sent_again(&bench).await;
        contract::every_state_is_reached_and_read_back(&bench).await;
        contract::discovery_shows_where_to_file(&bench).await;
        contract::a_check_answers_the_account_and_what_is_missing(&bench).await;
        assert_valid(&bench, &descriptions);
        let bench = Bench::new(vendor(), false).await;
        contract::comments_are_added_found_edited_and_taken_away(&bench).await;
        relations::each_relation_is_put_in_read_from_both_sides_and_taken_out(&bench).await;
        relations::another_parent_takes_the_place_of_the_first(&bench).await;
        assert_valid(&bench, &descriptions);
        assert_within(&*vendor(), &descriptions);
    }
}

/// Where the vendor's file covers webhooks: that of Jira leaves them out, and Azure DevOps has another for them.
const WITH_WEBHOOKS: &[TrackerKind] = &[TrackerKind::GitHub, TrackerKind::GitLab, TrackerKind::Gitea, TrackerKind::Forgejo];

#[tokio::test]
async fn registering_a_webhook_is_valid_by_the_vendors_own_description() {
    for vendor in sim::ALL.iter().filter(|vendor| vendor().kind() != ELSEWHERE) {
        let bench = Bench::new(vendor(), false).await;
        let mut descriptions = descriptions(&*vendor());
        descriptions.retain(|description| description.is_own || WITH_WEBHOOKS.contains(&vendor().kind()));
        webhooks::registering_again_leaves_one_webhook_with_the_new_secret(&bench).await;
        if webhooks::takes_none(&bench) {
            assert!(bench.sim.recorded().is_empty(), "{}", bench.what);
            continue;
        }
        assert_valid(&bench, &descriptions);
    }
}

/// What this tracker's requests are judged by.
fn descriptions(vendor: &dyn Vendor) -> Vec<Description> {
    let mut descriptions = vec![match vendor.facts() {
        [] => panic!("{} has no description", vendor.kind()),
        [package] if package.starts_with('@') => vendors_own(&vendors::packaged(package), vendor),
        own => Description { root: facts::read(own.iter().map(|file| vendors::fixture(file))), is_own: true, left_out: &[] },
    }];
    let file = vendors::specs().zip(vendor.description()).map(|(folder, file)| folder.join(file));
    descriptions.extend(file.map(|file| vendors_own(&vendors::text(&file), vendor)));
    descriptions
}

fn vendors_own(text: &str, vendor: &dyn Vendor) -> Description {
    Description { root: serde_json::from_str(text).unwrap(), is_own: false, left_out: vendor.undescribed() }
}

/// Everything that was sent is valid by each of the descriptions.
fn assert_valid(bench: &Bench, descriptions: &[Description]) {
    assert!(!descriptions.is_empty(), "{}", bench.what);
    let recorded = bench.sim.recorded();
    for description in descriptions {
        description.assert_refuses_nonsense(&bench.what);
        let covered = |request: &sim::Request| description.is_own || bench.sim.vendor(|vendor| vendor.is_described(request));
        let mut judged = 0;
        for recorded in recorded.iter().filter(|recorded| covered(&recorded.request)) {
            let faults = description.faults(&recorded.request);
            assert!(faults.is_empty(), "{}: {} {}: {faults:?}", bench.what, recorded.request.method, recorded.request.path);
            judged += 1;
        }
        assert!(judged > 3, "{}: {judged} requests were judged", bench.what);
    }
}

/// Everything that our own description allows is valid by the vendor's, as far as that goes.
fn assert_within(vendor: &dyn Vendor, descriptions: &[Description]) {
    let [own, others @ ..] = descriptions else { panic!("there is always one") };
    let samples = if own.is_own { facts::samples(&own.root) } else { Vec::new() };
    for request in samples.iter().filter(|request| vendor.is_described(request)) {
        for other in others {
            let faults = other.faults(request);
            let body = String::from_utf8_lossy(&request.body);
            assert!(faults.is_empty(), "our description of {}: {} {} {body}: {faults:?}", vendor.kind(), request.method, request.path);
        }
    }
}

struct Description {
    root: Value,
    /// Whether it is one of ours, which leaves nothing out.
    is_own: bool,
    /// Paths and queries that it does not describe: see [`sim::Vendor::undescribed`].
    left_out: &'static [&'static str],
}

impl Description {
    /// A check must refuse nonsense.
    fn assert_refuses_nonsense(&self, what: &str) {
        let nowhere = sim::Request {
            method: "POST".to_owned(),
            path: "/no/such/path".to_owned(),
            query: Vec::new(),
            headers: std::collections::HashMap::new(),
            body: Vec::new(),
            cap: None,
        };
        assert!(!self.faults(&nowhere).is_empty(), "{what}");
        let wrong = serde_json::json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
        for bad in [serde_json::json!({}), serde_json::json!({"a": "x"}), serde_json::json!([])] {
            let mut faults = Vec::new();
            self.check(&wrong, &bad, "", &mut faults);
            assert!(!faults.is_empty(), "{what}: {bad}");
        }
    }

    fn faults(&self, request: &sim::Request) -> Vec<String> {
        let mut faults = Vec::new();
        let Some((shared, operation)) = self.operation(request) else {
            faults.extend((!self.left_out.contains(&request.path.as_str())).then(|| "there is no such operation".to_owned()));
            return faults;
        };
        let parameters: Vec<&Value> = [&operation["parameters"], shared]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .collect();
        let known = |name: &str| {
            parameters.iter().any(|parameter| {
                parameter["in"] == "query"
                    && parameter["name"]
                        .as_str()
                        .is_some_and(|known| known == name || known.trim_end_matches("[]") == name.trim_end_matches("[]"))
            })
        };
        let left_out = |name: &str| self.left_out.iter().any(|left| left.strip_prefix('?') == Some(name));
        let unknown = request.query.iter().filter(|(name, _)| !known(name) && !left_out(name));
        faults.extend(unknown.map(|(name, _)| format!("the query {name} is not known")));
        let required = parameters.iter().filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let missing = required.filter_map(|parameter| parameter["name"].as_str()).filter(|name| request.query(name).is_none());
        faults.extend(missing.map(|name| format!("the query {name} is missing")));
        let swagger = parameters.iter().find(|parameter| parameter["in"] == "body").map(|parameter| &parameter["schema"]);
        let content = self.resolved(&operation["requestBody"])["content"].as_object();
        let media_type = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let schema = swagger.or_else(|| content.and_then(|content| content.get(&media_type)).map(|content| &content["schema"]));
        match schema {
            Some(schema) if !request.body.is_empty() => self.check(schema, &request.json(), "", &mut faults),
            None if !request.body.is_empty() => faults.push(format!("no body of {media_type} is expected")),
            Some(_) | None => {}
        }
        faults
    }

    /// The operation with the parameters of its path.
    fn operation(&self, request: &sim::Request) -> Option<(&Value, &Value)> {
        let given: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let method = request.method.to_lowercase();
        let fits = |template: &str| {
            let parts: Vec<&str> = template.trim_matches('/').split('/').collect();
            parts.len() == given.len()
                && parts.iter().zip(&given).all(|(part, given)| part.contains('{') || part.eq_ignore_ascii_case(given))
        };
        let mut found: Vec<(&String, &Value)> =
            self.root["paths"].as_object()?.iter().filter(|(template, item)| fits(template) && item.get(&method).is_some()).collect();
        // The most literal one.
        found.sort_by_key(|(template, _)| template.matches('{').count());
        found.first().map(|(_, item)| (&item["parameters"], &item[&method]))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(pointer) = value["$ref"].as_str() else { return value };
        self.root.pointer(pointer.trim_start_matches('#')).map_or(value, |found| self.resolved(found))
    }

    /// As much of JSON Schema as these descriptions use. An unknown key is a fault: vendors drop them in silence.
    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.resolved(schema);
        if value.is_null() && (schema["nullable"] == true || schema["type"].as_array().is_some_and(|types| types.contains(&"null".into())))
        {
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, at, faults);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(options) = schema[choice].as_array() {
                let fits = |option: &Value| {
                    let mut inner = Vec::new();
                    self.check(option, value, at, &mut inner);
                    inner.is_empty()
                };
                if !options.iter().any(fits) {
                    faults.push(format!("{at}: fits none of {choice}"));
                }
            }
        }
        if let Some(kind) = schema["type"].as_str() {
            let fits = match kind {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                _ => true,
            };
            if !fits {
                faults.push(format!("{at}: {value} is no {kind}"));
                return;
            }
        }
        if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
            faults.push(format!("{at}: {value} is none of {words:?}"));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(&schema["items"], item, &format!("{at}/{n}"), faults);
        }
        if let (Some(value), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            self.check_object(schema, properties, value, at, faults);
        }
    }

    fn check_object(
        &self,
        schema: &Value,
        properties: &Map<String, Value>,
        value: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !value.contains_key(name) {
                faults.push(format!("{at}/{name} is missing"));
            }
        }
        for (name, part) in value {
            match properties.get(name) {
                Some(schema) => self.check(schema, part, &format!("{at}/{name}"), faults),
                // Newer than the description.
                None if name == "content_version" => {}
                None if schema["additionalProperties"].is_object() || schema["additionalProperties"] == true => {}
                None => faults.push(format!("{at}/{name} is not known")),
            }
        }
    }
}
