//! Custom resources, judged by the packages that hold their types and checks (`tests/tools/vendors`).
//!
//! The manifests become a program: each resource is a literal of its type. The compiler refuses what the type does not know, is missing
//! or has another type; the program asks each resource for its own check, of patterns and ranges. To add a kind of another group: the
//! group's package in `tests/tools/vendors/package.json`, and its line in [`PACKAGES`].

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::tools::{OVERLAYS, objects};
use crate::support::vendors;

const PACKAGES: [(&str, &str); 3] = [
    ("external-secrets.io/v1", "@kubernetes-models/external-secrets"),
    ("monitoring.coreos.com/v1", "@kubernetes-models/prometheus-operator"),
    ("postgresql.cnpg.io/v1", "@kubernetes-models/cloudnative-pg"),
];

/// Every custom resource of every overlay.
pub fn all() -> Vec<Value> {
    let objects = OVERLAYS.into_iter().flat_map(objects).map(|object| serde_json::to_value(object).unwrap());
    objects.filter(|object| is_custom(object["apiVersion"].as_str().unwrap())).collect()
}

/// Kubernetes' own groups have no dot or end in `k8s.io`; the gateways alone are resources of that name.
fn is_custom(api_version: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group.contains('.') && (!group.ends_with(".k8s.io") || group.starts_with("gateway."))
}

/// The program that makes these resources and asks each for its check.
pub fn program(resources: &[Value]) -> String {
    let lines = resources.iter().enumerate().map(|(n, resource)| {
        let (version, kind) = (resource["apiVersion"].as_str().unwrap(), resource["kind"].as_str().unwrap());
        let package = PACKAGES.iter().find(|(known, _)| *known == version);
        let (_, package) = package.unwrap_or_else(|| panic!("no package of tests/tools/vendors is named for {version} {kind}"));
        let mut given = resource.clone();
        given.as_object_mut().unwrap().retain(|name, _| name != "apiVersion" && name != "kind");
        format!("import {{ {kind} as Kind{n} }} from \"{package}/{version}/{kind}\";\nnew Kind{n}({given}).validate();\n")
    });
    lines.collect()
}

/// Compiles and runs a program; the first of the two steps that fails is the last.
pub fn run(program: &str) -> Output {
    let shop: TempDir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(vendors::packages(), shop.path().join("node_modules")).unwrap();
    std::fs::write(shop.path().join("resources.mts"), program).unwrap();
    let mut tsc = Command::new(vendors::packages().join(".bin/tsc"));
    tsc.args(["--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--outDir", "out"]);
    let compiled = tsc.arg("resources.mts").current_dir(&shop).output().unwrap();
    if !compiled.status.success() {
        return compiled;
    }
    Command::new("node").arg("out/resources.mjs").current_dir(&shop).output().unwrap()
}
