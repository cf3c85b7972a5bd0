//! The source files of `src/`, or of a sample written in a test.

use std::fs;
use std::path::{Path, PathBuf};

/// A file: its path below `src/`, with slashes, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module the file holds, from the crate's root. The binary is a crate of its own and counts as the room `main`.
    pub fn module(&self) -> Vec<String> {
        let mut names: Vec<String> = self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if names.last().is_some_and(|last| last == "mod") || names == ["lib"] {
            names.pop();
        }
        names
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below `src/`, in the order of their paths.
pub fn files() -> Vec<SourceFile> {
    let src = root().join("src");
    let mut paths = Vec::new();
    collect(&src, &mut paths);
    assert!(paths.len() > 20, "the sources were not found in {}", src.display());
    paths.sort();
    let read = |path: PathBuf| {
        let below = path.strip_prefix(&src).unwrap().components().map(|part| part.as_os_str().to_str().unwrap()).collect::<Vec<_>>();
        SourceFile::new(&below.join("/"), &fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_file_holds_the_module_of_its_path() {
    let module = |path| SourceFile::new(path, "").module().join("::");
    assert_eq!(module("domain/mod.rs"), "domain");
    assert_eq!(module("domain/sync/merge.rs"), "domain::sync::merge");
    assert_eq!(module("boot.rs"), "boot");
    assert_eq!((module("lib.rs"), module("main.rs")), (String::new(), "main".to_owned()));
}
