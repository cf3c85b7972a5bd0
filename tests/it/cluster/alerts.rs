//! The alerts: sound, firing when they must and not otherwise, and each with its chapter in the runbook.

use serde_norway::Value;
use tempfile::TempDir;

use super::tools::{promtool, root, succeed, text};

/// The rules as Prometheus reads them, with their tests beside them.
fn bench() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), serde_norway::to_string(&rules()).unwrap()).unwrap();
    let tests = root().join("k8s/components/monitoring/tests/alerts.yaml");
    std::fs::copy(tests, folder.path().join("alerts.yaml")).unwrap();
    folder
}

fn rules() -> Value {
    let resource: Value = serde_norway::from_str(&text("k8s/components/monitoring/prometheusrule.yaml")).unwrap();
    resource["spec"].clone()
}

fn alerts() -> Vec<Value> {
    let rules = rules();
    let groups = rules["groups"].as_sequence().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_sequence().unwrap().clone()).collect()
}

#[test]
fn promtool_takes_the_rules_and_every_alert_fires_when_it_must_and_only_then() {
    let bench = bench();
    succeed(promtool().args(["check", "rules", "rules.yaml"]).current_dir(bench.path()));
    succeed(promtool().args(["test", "rules", "alerts.yaml"]).current_dir(bench.path()));
}

#[test]
fn every_alert_has_a_test_of_its_firing_and_one_of_its_silence() {
    let tests: Value = serde_norway::from_str(&text("k8s/components/monitoring/tests/alerts.yaml")).unwrap();
    let names: Vec<&str> = tests["tests"].as_sequence().unwrap().iter().map(|test| test["name"].as_str().unwrap()).collect();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        for kind in ["fires", "is quiet"] {
            assert!(names.contains(&format!("{name} {kind}").as_str()), "{name} {kind}");
        }
    }
}

#[test]
fn every_alert_leads_to_its_chapter_of_the_runbook() {
    let runbook = text("docs/runbook.md");
    let alerts = alerts();
    assert!(alerts.len() > 10, "the alerts were not found");
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        let link = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert_eq!(link, format!("docs/runbook.md#{}", name.to_lowercase()));
        assert!(runbook.lines().any(|line| line == format!("### {name}")), "docs/runbook.md has no chapter {name}");
    }
}
