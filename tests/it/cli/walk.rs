//! A walk in a real terminal: a person's input, and every screen after it, compared with
//! `screens/`.
//!
//! After an intended change write them again: `WRITE_SCREENS=1 tests/run walk`, and read the
//! difference.

use std::path::Path;
use std::process::Command;

use super::{Shell, server};
use crate::support::database::Database;

const WALK: &[(&str, &str)] = &[
    (
        "create",
        "issue create 'Flag stale SBOM' -p high -l sbom -r activity-core -d $'# Why\\n\\nThe *list* is older than `90` days:\\n\\n- api\\n- web'",
    ),
    (
        "create_second",
        "issue create 'A second task with a title that is a good deal longer than any column can be, so that it must be cut' -p low",
    ),
    ("list", "issue list"),
    ("show", "issue show 1"),
    ("claim", "issue claim 1 --holder robin"),
    ("comment", "issue comment 1 'Looks **bad**'"),
    ("close", "issue close 1 --comment 'Done in 1.5'"),
    ("show_closed", "issue show 1"),
    ("list_all", "issue list --all"),
    ("mistyped", "issue shwo 1; issue show 9"),
];

/// A terminal of its own, gone at the end.
struct Terminal<'a> {
    shell: &'a Shell,
    socket: String,
}

impl<'a> Terminal<'a> {
    fn open(shell: &'a Shell) -> Self {
        let terminal = Self { shell, socket: shell.path("tmux").display().to_string() };
        let mut command = shell.command();
        let key = command.get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ");
        let prelude = format!("PS1='$ '; PATH={}:$PATH; issue() {{ command issue {key} \"$@\"; }}", shell.path("").display());
        std::fs::write(shell.path("rc"), prelude).unwrap();
        command = terminal.tmux();
        let bash = ["bash", "--noprofile", "--rcfile", "rc", "-i"];
        let started = command.args(["-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "30"]).args(bash).status().unwrap();
        assert!(started.success());
        terminal
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        let own = self.shell.command();
        tmux.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "screen-256color");
        tmux.env("LC_ALL", "C.UTF-8").current_dir(self.shell.path("")).args(["-u", "-S", &self.socket]);
        tmux
    }

    /// Types a line and waits until it is done; what stands on the screen then.
    fn type_line(&self, line: &str) -> String {
        let line = format!("clear; {line}; tmux -S {} wait-for -S done", self.socket);
        assert!(self.tmux().args(["send-keys", "-l", &line]).status().unwrap().success());
        assert!(self.tmux().args(["send-keys", "Enter"]).status().unwrap().success());
        assert!(self.tmux().args(["wait-for", "done"]).status().unwrap().success());
        self.screen(&[])
    }

    fn screen(&self, how: &[&str]) -> String {
        let output = self.tmux().args(["capture-pane", "-p"]).args(how).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        _ = self.tmux().arg("kill-server").status();
    }
}

/// Without the parts that differ from run to run: ids, and minutes that elapse on a busy machine.
fn settled(screen: &str) -> String {
    let word = |word: &str| if word.len() == 36 && word.matches('-').count() == 4 { "<id>".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ").trim_end().to_owned();
    let text = screen.trim_end().trim_end_matches('$').lines().map(line).collect::<Vec<_>>().join("\n");
    text.trim_end().replace("1 min ago", "just now").replace("in 14 min", "in 15 min") + "\n"
}

fn walk(shell: &Shell) {
    let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli/screens");
    let terminal = Terminal::open(shell);
    let mut differ = Vec::new();
    for (name, line) in WALK {
        let seen = settled(&terminal.type_line(line));
        let file = screens.join(format!("{name}.txt"));
        if shell.writes_screens() {
            std::fs::write(&file, &seen).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if seen != expected {
            differ.push(format!("{name}: {line}\n--- expected\n{expected}--- seen\n{seen}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    terminal.type_line("issue list --all");
    let coloured = terminal.screen(&["-e"]);
    assert!(
        coloured.contains("\u{1b}[32mopen") && coloured.contains("\u{1b}[31m"),
        "states and priorities have their colours: {coloured:?}"
    );
    terminal.type_line("NO_COLOR=1 issue list --all");
    assert!(!terminal.screen(&["-e"]).contains("\u{1b}[32mopen"));
    terminal.type_line("PAGER='cat >paged' issue show 1; for n in $(seq 40); do issue create \"t $n\" -q >/dev/null; done");
    assert!(!shell.path("paged").exists(), "what fits is not paged");
    terminal.type_line("PAGER='cat >paged' issue list");
    assert_eq!(std::fs::read_to_string(shell.path("paged")).unwrap().lines().count(), 42);
}

#[tokio::test]
async fn a_walk_through_the_embedded_store_looks_as_it_should() {
    let database = Database::sqlite().await;
    walk(&Shell::embedded(&database));
}

#[tokio::test]
async fn a_walk_on_a_server_looks_the_same() {
    let database = Database::sqlite().await;
    let server = server(&database);
    walk(&Shell::remote(&server));
}
