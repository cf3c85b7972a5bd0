//! The command line, as a person or a program meets it: the real binary under its short name, on a store of its own and on a server.

mod commands;
mod contexts;
mod mcp;
mod records;
mod sync;
mod together;
mod walk;

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::database::Database;
use crate::support::server::Server;

/// A name of its own for the history, the same on both ways.
const KEYS: &str = r#"[{"name":"robin","key":"robins-own-key","scopes":["ingest","read","write","admin"]}]"#;

/// A user's command line: a home of its own, and its environment variables.
pub(super) struct Shell {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Shell {
    pub(super) fn embedded(database: &Database) -> Self {
        Self::new().with("DATABASE_URL", &database.url())
    }

    /// With the key in a file, as a person should keep it.
    pub(super) fn remote(server: &Server) -> Self {
        let shell = Self::new().with("ISSUE_CORE_URL", &server.base);
        shell.key_file("robins-own-key");
        shell
    }

    pub(super) fn new() -> Self {
        let home = TempDir::new().unwrap();
        symlink(env!("CARGO_BIN_EXE_issue-core"), home.path().join("issue")).unwrap();
        let own = home.path().display().to_string();
        Self { home, variables: Vec::new() }.with("HOME", &own).with("USER", "robin").with("PATH", "/usr/bin:/bin")
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn key_file(&self, key: &str) -> PathBuf {
        let path = self.path("key");
        std::fs::write(&path, key).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// Whether the walk's screens are to be written anew.
    #[expect(clippy::disallowed_methods, reason = "a switch of the suite itself")]
    pub(super) fn writes_screens(&self) -> bool {
        std::env::var_os("WRITE_SCREENS").is_some() && self.home.path().exists()
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.path("issue"));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value))).current_dir(self.home.path());
        if Path::exists(&self.path("key")) {
            command.arg("--key-file").arg(self.path("key"));
        }
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.feed(arguments, "")
    }

    /// With a text on standard input.
    pub(super) fn feed(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command();
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // Beside, because a command may write before it has read all.
        let writer = std::thread::spawn(move || _ = stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it prints; it must end well.
    pub(super) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], arguments].concat())).unwrap()
    }
}

/// A server on which the shells' key is robin's.
pub(super) fn server(database: &Database) -> Server {
    Server::start_with(&database.url(), &[("ISSUE_CORE__AUTH__KEYS", KEYS)])
}

/// Runs a test on the store opened in-process, and on a server over a database of the same kind.
pub(super) async fn both_ways(database: Database, case: impl AsyncFn(&Shell)) {
    let embedded = Shell::embedded(&database);
    case(&embedded).await;
    let rest = Database::sqlite().await;
    let server = server(&rest);
    case(&Shell::remote(&server)).await;
}
