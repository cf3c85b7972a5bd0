//! The metrics in rules, panels and documentation, against the metrics of a running service.

use std::collections::BTreeSet;

use super::tools::text;
use crate::support::database::Database;
use crate::support::hub::{Hub, Mood};
use crate::support::nats::{Nats, within};
use crate::support::server::{Server, task};

/// Every metric of a service that has met everything: each kind of series has been counted at least once.
async fn told() -> BTreeSet<String> {
    let (db, hub, nats) = (Database::sqlite().await, Hub::start().await, Nats::shared().await);
    let own = nats.variables();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.extend([("STATE_HUB_URL", hub.url.as_str()), ("ISSUE_CORE__WORKER__SAMPLE", "1s")]);
    // A tracker without any traffic: its metrics exist from the start.
    let tracker =
        [("KIND", "gitea"), ("BASE_URL", "http://127.0.0.1:1"), ("TOKEN", "t"), ("OWNER", "acme"), ("TIMEOUT", "1s"), ("BUDGET", "80/1m")];
    let tracker = tracker.map(|(field, value)| (format!("ISSUE_CORE__BACKENDS__T__{field}"), value));
    variables.extend(tracker.iter().map(|(name, value)| (name.as_str(), *value)));
    let binding = [("BACKEND", "t"), ("OWNER", "acme"), ("REPO", "tools")];
    let binding = binding.map(|(field, value)| (format!("ISSUE_CORE__BINDINGS__B__{field}"), value));
    variables.extend(binding.iter().map(|(name, value)| (name.as_str(), *value)));
    let server = Server::start_with(&db.url(), &variables);
    assert!(server.post("/issues/", &task("t", "told")).send().await.unwrap().status().is_success());
    hub.until_told(1).await;
    nats.publish("activity-core", &[], task("t", "from nats").to_string()).await;
    hub.until_told(2).await;
    // Something has to wait while the queue is measured.
    hub.mood(Mood::Refusing(503, None));
    assert!(server.post("/issues/", &task("t", "waits")).send().await.unwrap().status().is_success());
    within(async {
        loop {
            let text = server.client.get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
            if text.contains("issue_core_messages{")
                && text.contains("issue_core_backend_paused{")
                && text.contains("issue_core_sync_behind")
            {
                return text.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned())).collect();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
}

/// The metrics that a text names. Of a histogram the name without its ending counts.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.ends_with('_'));
    let metrics = words.filter(|word| word.starts_with("issue_core_") || word.starts_with("process_"));
    let whole = |word: &str| ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned();
    metrics.map(whole).collect()
}

/// What stands in the expressions of a JSON or YAML document.
fn expressions(value: &serde_norway::Value, found: &mut String) {
    match value {
        serde_norway::Value::Mapping(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    (Some("expr" | "query"), Some(text)) => found.extend([text, "\n"]),
                    _ => expressions(value, found),
                }
            }
        }
        serde_norway::Value::Sequence(items) => items.iter().for_each(|item| expressions(item, found)),
        serde_norway::Value::Tagged(tagged) => expressions(&tagged.value, found),
        serde_norway::Value::Null | serde_norway::Value::Bool(_) | serde_norway::Value::Number(_) | serde_norway::Value::String(_) => {}
    }
}

#[tokio::test]
async fn every_metric_that_a_rule_a_panel_or_the_documentation_names_is_served_by_a_running_service() {
    let told = told().await;
    for file in ["prometheusrule.yaml", "dashboard.json"] {
        let mut text_of = String::new();
        expressions(&serde_norway::from_str(&text(&format!("k8s/components/monitoring/{file}"))).unwrap(), &mut text_of);
        let named = named(&text_of);
        assert!(named.len() > 8, "the expressions of {file} were not found: {named:?}");
        let missing: Vec<_> = named.difference(&told).collect();
        assert!(missing.is_empty(), "{file} names what nobody tells: {missing:?}");
    }
    let ours: BTreeSet<_> = told.iter().filter(|name| name.starts_with("issue_core_")).cloned().collect();
    let documented: BTreeSet<_> =
        named(&text("docs/observability.md")).into_iter().filter(|name| name.starts_with("issue_core_")).collect();
    assert_eq!(ours, documented, "told by the service, and listed in docs/observability.md");
}

#[test]
fn every_panel_of_the_dashboard_asks_the_chosen_source_and_has_a_place_of_its_own() {
    let dashboard: serde_json::Value = serde_json::from_str(&text("k8s/components/monitoring/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for (x, y) in (place("x")..place("x") + place("w")).flat_map(|x| (place("y")..place("y") + place("h")).map(move |y| (x, y))) {
            assert!(x < 24 && taken.insert((x, y)), "{} lies over another panel", panel["title"]);
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}
