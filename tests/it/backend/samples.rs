//! Samples of deliveries: GitHub's out of its package, our own of the other vendors, and more of the vendors' where they are at hand.

use std::path::Path;

use serde_json::Value;

use crate::support::vendors;

pub(super) struct Sample {
    pub(super) name: String,
    pub(super) event: Option<String>,
    pub(super) body: Vec<u8>,
    /// The subject of the delivery, if the sample is one of ours; `hints.txt` has the subjects of
    /// the vendors' samples.
    pub(super) says: Option<String>,
}

/// Every sample of that vendor.
pub(super) fn all(vendor: &str) -> Vec<Sample> {
    let samples = if vendor == "github" { packaged() } else { own(vendor) };
    let more = vendors::specs().map(|folder| beside(vendor, &folder.join("webhooks")));
    samples.into_iter().chain(more.into_iter().flatten()).collect()
}

/// Our own, of every vendor that has no package of them.
fn own(vendor: &str) -> Vec<Sample> {
    let mut all: serde_norway::Value = serde_norway::from_str(&vendors::fixture("deliveries.yaml")).unwrap();
    all.apply_merge().unwrap();
    let all = serde_json::to_value(all).unwrap();
    let samples = all[vendor].as_object().unwrap_or_else(|| panic!("tests/fixtures/deliveries.yaml has nothing of {vendor}")).iter();
    let sample = |(name, sample): (&String, &Value)| Sample {
        name: format!("{vendor}/{name}"),
        event: sample["event"].as_str().map(str::to_owned),
        body: sample["body"].to_string().into_bytes(),
        says: Some(sample["says"].as_str().unwrap().to_owned()),
    };
    samples.map(sample).collect()
}

/// GitHub's, of the events about issues and of some that hooks receive beside them.
fn packaged() -> Vec<Sample> {
    const EVENTS: [&str; 6] = ["issue_comment", "issues", "label", "milestone", "ping", "repository"];
    let events: Vec<Value> = serde_json::from_str(&vendors::packaged("@octokit/webhooks-examples/api.github.com/index.json")).unwrap();
    let mut samples = Vec::new();
    for name in EVENTS {
        let event = events.iter().find(|event| event["name"] == name).unwrap_or_else(|| panic!("the package has no {name}"));
        samples.extend(event["examples"].as_array().unwrap().iter().map(|body| Sample {
            name: format!("github/{name}.{}.json", body["action"].as_str().unwrap_or("event")),
            event: Some(name.to_owned()),
            body: body.to_string().into_bytes(),
            says: None,
        }));
    }
    samples
}

/// More of the vendors' own, in a folder that may be absent.
fn beside(vendor: &str, folder: &Path) -> Vec<Sample> {
    let sources: Vec<Value> = serde_json::from_str(&vendors::text(&folder.join("SOURCES.json"))).unwrap();
    let event = |name: &str| {
        let source = sources.iter().find(|source| source["file"] == name)?;
        source["headers"].as_object()?.values().next()?.as_str().map(str::to_owned)
    };
    let files = std::fs::read_dir(folder.join(vendor)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter(|name| name.strip_suffix(".json").is_some()).map(|name| format!("{vendor}/{name}")).collect();
    names.sort();
    assert!(names.len() > 2, "{vendor}: the samples were not found");
    let body = |name: &str| vendors::text(&folder.join(name)).into_bytes();
    names.into_iter().map(|name| Sample { event: event(&name), body: body(&name), name, says: None }).collect()
}
