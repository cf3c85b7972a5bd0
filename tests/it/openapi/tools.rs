//! The outside tools. `tests/tools` pins them; they are installed on first use, and a missing one is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the tests.
pub fn own(name: &str) -> PathBuf {
    root().join("tests/tools").join(name)
}

/// The committed document.
pub fn committed() -> PathBuf {
    root().join("openapi/openapi.json")
}

/// Where the tools of that set are.
pub fn install(set: &str) -> PathBuf {
    let output = Command::new(own("install")).arg(set).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "tests/tools/install failed; above it says why");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| install("openapi"))
}

/// A program out of a Python package. It leaves no compiled files beside ours.
pub fn python(name: &str) -> Command {
    let mut program = Command::new(home().join("python/bin").join(name));
    program.env("PYTHONDONTWRITEBYTECODE", "1");
    program
}

/// A program out of a Node package.
pub fn node(name: &str) -> Command {
    Command::new(home().join("node_modules/.bin").join(name))
}

/// A directory in which Node finds the packages, with copies of some of our own files.
pub fn workshop(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(home().join("node_modules"), dir.path().join("node_modules")).unwrap();
    for name in files {
        std::fs::copy(own(name), dir.path().join(name)).unwrap();
    }
    dir
}

/// Runs it to its end; if it fails, the test does, with everything it said.
pub fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed ({}):\n{said}", output.status);
    said
}
