//! The outside tools of these tests, and the manifests they judge.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_norway::Value;
use tempfile::TempDir;

pub use crate::openapi::tools::{install, own, succeed};

pub const OVERLAYS: [&str; 3] = ["dev", "ha", "railiance"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| install("cluster"))
}

/// A program of the general Python environment.
pub fn python(name: &str) -> Command {
    Command::new(home().join("python/bin").join(name))
}

/// The policy linter.
pub fn checkov() -> Command {
    Command::new(home().join("policy/bin/checkov"))
}

pub fn promtool() -> Command {
    Command::new(home().join("bin/promtool"))
}

/// A file of the project as text.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every overlay, rendered once: a folder with a file for each.
pub fn rendered() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // So that a missing kubectl is named.
        home();
        // The policy linter skips hidden folders, as temporary folders are by default.
        let folder = tempfile::Builder::new().prefix("manifests").tempdir().unwrap();
        for overlay in OVERLAYS {
            let manifests = succeed(Command::new("kubectl").arg("kustomize").arg(root().join("k8s/overlays").join(overlay)));
            std::fs::write(folder.path().join(overlay).with_extension("yaml"), manifests).unwrap();
        }
        folder
    });
    folder.path()
}

/// The objects of one overlay.
pub fn objects(overlay: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(rendered().join(overlay).with_extension("yaml")).unwrap();
    let documents = serde_norway::Deserializer::from_str(&text);
    documents.map(|document| serde::Deserialize::deserialize(document).unwrap()).collect()
}

/// The one object of that kind and name.
pub fn object(overlay: &str, kind: &str, name: &str) -> Value {
    let mut found = objects(overlay).into_iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    let object = found.next().unwrap_or_else(|| panic!("{overlay} has no {kind} {name}"));
    assert!(found.next().is_none(), "{overlay} has {kind} {name} twice");
    object
}
