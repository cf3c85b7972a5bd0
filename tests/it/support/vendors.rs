//! Vendors' own files that tests judge by: those of the packages that `tests/tools/vendors` pins, and a folder beside the project.
//!
//! The packages are installed on first use; a missing one is a failure. The folder holds more of the vendors' files and may be absent:
//! every check also runs on descriptions of our own, in `tests/fixtures`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::openapi::tools;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the packages are installed.
pub(crate) fn packages() -> PathBuf {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| tools::install("vendors")).join("node_modules")
}

/// A file of a package, for example `@octokit/openapi/index.js`.
pub(crate) fn packaged(path: &str) -> String {
    text(&packages().join(path))
}

/// A description of our own.
pub(crate) fn fixture(path: &str) -> String {
    text(&root().join("tests/fixtures").join(path))
}

/// A file that must be there.
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{} is missing, and this test judges by it: {error}", path.display()))
}

/// The vendors' descriptions of their APIs, and samples of their deliveries.
pub(crate) fn specs() -> Option<PathBuf> {
    beside("VENDOR_SPECS", "../shared/specs")
}

/// Schemas of custom resources.
pub(crate) fn crd_schemas() -> Option<PathBuf> {
    beside("CRD_SCHEMAS", "../shared/k8s-schemas")
}

/// The folder that the variable names, else the usual one where it exists. With an empty variable there is none.
fn beside(variable: &str, usual: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "how the tests are told where the folder is")]
    let named = std::env::var_os(variable);
    let Some(named) = named else { return Some(root().join(usual)).filter(|folder| folder.is_dir()) };
    let folder = Some(PathBuf::from(named)).filter(|folder| !folder.as_os_str().is_empty());
    assert!(folder.as_ref().is_none_or(|folder| folder.is_dir()), "{variable} names {folder:?}, which is no folder");
    folder
}
