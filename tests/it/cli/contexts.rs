//! Which server a command calls, and which key it sends there.

use super::{Shell, server};
use crate::support::database::Database;
use crate::support::server::KEY;

#[tokio::test]
async fn contexts_are_kept_with_their_key_files_and_local_is_the_embedded_store() {
    let database = Database::sqlite().await;
    let server = server(&database);
    let issue = Shell::new();
    issue.ok(&["create", "mine alone"]);
    let key = issue.path("prod.key");
    std::fs::rename(issue.key_file(KEY), &key).unwrap();
    issue.ok(&["context", "add", "prod", &server.base, "--key-file", "prod.key"]);
    assert!(issue.ok(&["context", "list"]).contains("*  local"), "the embedded store is in use");
    assert_eq!(issue.run(&["context", "use", "prd"]).code, 2);
    issue.ok(&["context", "use", "prod"]);
    issue.ok(&["create", "everybody's"]);
    assert_eq!(issue.ok(&["list", "--format", "{{title}}"]), "everybody's\n");
    assert_eq!(issue.ok(&["--context", "local", "list", "--format", "{{title}}"]), "mine alone\n");
    issue.ok(&["context", "use", "local"]);
    assert_eq!(issue.ok(&["list", "--format", "{{title}}"]), "mine alone\n");
    assert!(issue.ok(&["doctor", "--context", "prod"]).contains("ok    it is ready for work"));
    let file = std::fs::read_to_string(issue.path(".config/issue-core/contexts.toml")).unwrap();
    assert!(!file.contains(KEY) && file.contains("prod.key"), "{file}");
}

#[tokio::test]
async fn a_key_goes_only_where_it_was_meant_to_go() {
    let database = Database::sqlite().await;
    let server = server(&database);
    let issue = Shell::new().with("ISSUE_CORE_API_KEY", KEY);
    assert_eq!(issue.run(&["list", "--url", &server.base]).code, 0, "both were named together");
    issue.ok(&["context", "add", "other", &server.base]);
    let said = issue.run(&["list", "--context", "other"]);
    assert!(said.code == 5 && said.err.contains("--key-file"), "a context gets its own key or none: {said:?}");
    let open = issue.key_file(KEY);
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let said = issue.run(&["list", "--url", &server.base]);
    assert!(said.code == 2 && said.err.contains("chmod 600"), "{said:?}");
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let issue = Shell::new();
    let well = issue.run(&["doctor"]);
    assert!(well.code == 0 && !well.out.contains("WRONG"), "{well:?}");
    let said = issue.run(&["doctor", "--url", "http://127.0.0.1:1"]);
    assert!(said.code == 1 && said.out.contains("WRONG") && said.out.contains("cannot connect"), "{said:?}");
    let said = Shell::new().with("ISSUE_CORE__SERVER__BODY_LIMIT", "much").run(&["doctor"]);
    assert!(said.code == 1 && said.out.contains("server.body_limit"), "{said:?}");
}
