//! Every command about issues, on both stores and on a server: the same answers, the same exit codes.

use serde_json::{Value, json};

use super::{Shell, both_ways};
use crate::support::database::Database;

crate::support::on_both_stores!(
    a_task_goes_through_its_whole_life,
    lists_and_templates,
    an_issue_is_named_in_many_ways,
    issues_are_related_and_shown_so,
    exit_codes_are_kept,
    many_at_once
);

async fn a_task_goes_through_its_whole_life(db: Database) {
    both_ways(db, async |issue| {
        let filed = issue.json(&["create", "Flag stale SBOM", "-p", "high", "-l", "sbom", "-r", "activity-core", "-d", "Why\n\nso"]);
        let id = filed["issue_id"].as_str().unwrap();
        let shown = issue.json(&["show", "1"]);
        assert_eq!((&shown["id"], &shown["priority"], &shown["description"]), (&json!(id), &json!("high"), &json!("Why\n\nso")));
        assert_eq!(issue.json(&["claim", "#1", "--holder", "agent-7", "--lease", "2h"])["claimed_by"], "agent-7");
        assert_eq!(issue.json(&["release", "1", "--holder", "agent-7"])["claimed_by"], Value::Null);
        assert_eq!(issue.json(&["next", "--label", "sbom"])["claimed_by"], "robin");
        assert_eq!(issue.run(&["next"]).code, 3, "nothing is left");
        assert_eq!(issue.json(&["start", "1"])["state"], "in_progress");
        assert_eq!(issue.json(&["block", "1", "--reason", "waits for access"])["blocked_reason"], "waits for access");
        assert_eq!(issue.json(&["unblock", "1"])["state"], "in_progress");
        assert_eq!(issue.json(&["comment", "1", "Looks **bad**"])["author"], "robin");
        let edited = issue.json(&["edit", "1", "--title", "Flag it", "--add-label", "x", "--remove-label", "SBOM", "--due", "2030-01-02"]);
        assert_eq!((&edited["title"], &edited["labels"], &edited["due_on"]), (&json!("Flag it"), &json!(["x"]), &json!("2030-01-02")));
        assert_eq!(issue.json(&["edit", "1", "--due", "", "--assign", "Zoe"])["due_on"], Value::Null);
        let closed = issue.json(&["close", "1", "--reason", "not_planned", "--comment", "never mind"]);
        assert_eq!((&closed["state"], &closed["close_reason"]), (&json!("closed"), &json!("not_planned")));
        assert_eq!(issue.json(&["reopen", "1"])["state"], "open");
        let kinds: Vec<String> = issue.json(&["timeline", "1"])["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds.first().map(String::as_str), Some("created"));
        assert!(kinds.ends_with(&["comment_added".to_owned(), "closed".to_owned(), "reopened".to_owned()]), "{kinds:?}");
        assert_ne!(issue.json(&["delete", "1"])["archived_at"], Value::Null);
        assert_eq!(issue.json(&["restore", "1"])["archived_at"], Value::Null);
        let text = issue.ok(&["show", "1"]);
        assert!(text.contains("never mind") && text.contains("Looks bad") && text.contains("assigned   Zoe"), "{text}");
        assert_eq!(issue.run(&["delete", "1", "--permanent"]).code, 2, "nobody can be asked here");
        assert_eq!(issue.run(&["delete", "1", "--permanent", "--yes"]).code, 0);
        assert_eq!(issue.run(&["show", "1"]).code, 3);
    })
    .await;
}

async fn lists_and_templates(db: Database) {
    both_ways(db, async |issue| {
        for n in 1..=3 {
            issue.ok(&["create", &format!("task {n}"), "-l", &format!("l{n}")]);
        }
        let task = issue.feed(&["create", "-"], "From a pipe\n\nwith a body\n");
        assert!(task.out.starts_with("created #4"), "{task:?}");
        let spec = json!({ "title": "As JSON", "target_repo": "r", "review_required": true }).to_string();
        let filed: Value = serde_json::from_str(&issue.feed(&["create", "-", "--json"], &spec).out).unwrap();
        assert!(filed["issue_id"].is_string());
        assert_eq!(issue.json(&["create", "dry", "--dry-run"])["status"], "created");
        let again = ["create", "once", "--idempotency-key", "k", "-q"];
        assert_eq!(issue.ok(&again), issue.ok(&again));
        issue.ok(&["close", "1"]);
        assert_eq!(issue.ok(&["list", "--format", "{{number}} {{title}}", "-l", "l2"]), "2 task 2\n");
        assert_eq!(issue.ok(&["list", "-A", "-q"]).lines().count(), 6);
        assert_eq!(issue.json(&["list", "--total"])["total"], 5);
        assert_eq!(issue.json(&["list", "-n", "2", "--sort", "number", "--order", "asc"])["items"][1]["number"], 3);
        assert_eq!(issue.json(&["search", "from a", "pip*"])["items"][0]["number"], 4);
        assert_eq!(issue.json(&["labels", "--prefix", "l"])["items"].as_array().unwrap().len(), 3);
        assert_eq!(issue.json(&["review", "list"])["items"][0]["number"], 5);
        assert_eq!(issue.json(&["review", "approve", "5"])["review"], "approved");
        assert_eq!(issue.json(&["stats"])["states"].as_array().unwrap().len(), 2);
        assert_eq!(issue.json(&["messages", "list"])["items"], json!([]), "nobody is configured who would be told");
        assert_eq!(issue.run(&["list", "--format", "{{nummer}}"]).code, 2);
        let table = issue.ok(&["list"]);
        assert!(table.starts_with('#') && !table.contains('\u{1b}'), "columns, and no colour into a pipe: {table}");
    })
    .await;
}

async fn an_issue_is_named_in_many_ways(db: Database) {
    both_ways(db, async |issue| {
        let first = issue.json(&["create", "Renew the certificate"])["issue_id"].as_str().unwrap().to_owned();
        let second = issue.json(&["create", "Something else"])["issue_id"].as_str().unwrap().to_owned();
        let same = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
        for name in ["1", "#1", &first, &first.to_uppercase(), &first[..=same], &first[..30]] {
            assert_eq!(issue.json(&["show", name])["number"], 1, "{name}");
        }
        let several = issue.run(&["show", &first[..same]]);
        assert!(several.code == 2 && several.err.contains("more than one") && several.err.contains("#2"), "{several:?}");
        let mistyped = format!("{}{}", &first[..34], if first.ends_with("ff") { "00" } else { "ff" });
        let cases = [
            ("7", "newest is #2"),
            ("certificate", "#1 Renew"),
            ("gitea:o/r#12", "linked"),
            ("PROJ-7", "linked"),
            (&mistyped, "did you mean"),
        ];
        for (name, hint) in cases {
            let said = issue.run(&["show", name]);
            assert!(said.code == 3 && said.err.contains(hint), "{name}: {said:?}");
        }
    })
    .await;
}

async fn issues_are_related_and_shown_so(db: Database) {
    both_ways(db, async |issue| {
        issue.ok(&["create", "one"]);
        issue.ok(&["create", "two", "--relate", "blocked-by=1", "--relate", "parent=1"]);
        let shown = issue.ok(&["show", "2"]);
        assert!(shown.contains("blocked by #1\n") && shown.contains("parent     #1\n"), "{shown}");
        issue.ok(&["create", "three"]);
        issue.ok(&["edit", "2", "--relate", "parent=#3", "--relate", "relates=t0:acme/tools#7", "--unrelate", "blocked_by=1"]);
        let shown = issue.ok(&["show", "2"]);
        assert!(shown.contains("parent     #3\nrelates    t0:acme/tools#7\n") && !shown.contains("#1"), "{shown}");
        issue.ok(&["edit", "2", "--unrelate", "relates=T0:acme/tools#7"]);
        assert_eq!(issue.json(&["show", "2"])["relations"].as_array().unwrap().len(), 1);
        assert!(issue.ok(&["timeline", "2"]).contains("relations: blocked_by "));
        let cases: [(&str, i32, &str); 3] =
            [("blocks", 2, "like blocks=42"), ("likes=1", 2, "must be one of blocks"), ("blocks=77", 4, "there is no issue 77")];
        for (relation, code, hint) in cases {
            let said = issue.run(&["edit", "1", "--relate", relation]);
            assert!(said.code == code && said.err.contains(hint), "{relation}: {said:?}");
        }
    })
    .await;
}

async fn exit_codes_are_kept(db: Database) {
    both_ways(db, async |issue| {
        issue.ok(&["create", "a"]);
        issue.ok(&["close", "1"]);
        let cases: &[(&[&str], i32, &str)] = &[
            (&["shw", "1"], 2, "'show'"),
            (&["create", "a", "-p", "urgent"], 2, "priority must be one of high, medium, low"),
            (&["create", ""], 2, "title"),
            (&["create"], 2, "no terminal"),
            (&["list", "--state", "done"], 2, "must be one of"),
            (&["show", "9"], 3, "there is no issue"),
            (&["start", "1"], 4, "reopen it first"),
            (&["start", "1", "9"], 7, "2 of 2 failed"),
            (&["list", "--url", "http://127.0.0.1:1"], 6, "cannot connect"),
            (&["list", "--url", "ftp://x"], 2, "http://"),
            (&["list", "--url", "http://me:secret@x"], 2, "--key-file"),
            (&["list", "--context", "nowhere"], 2, "there is no context"),
        ];
        for (arguments, code, hint) in cases {
            let said = issue.run(arguments);
            assert!(said.code == *code && said.err.contains(hint) && said.out.is_empty(), "{arguments:?}: {said:?}");
        }
    })
    .await;
}

async fn many_at_once(db: Database) {
    both_ways(db, async |issue| {
        for n in 1..=4 {
            issue.ok(&["create", &format!("task {n}")]);
        }
        issue.ok(&["close", "4"]);
        let rehearsed = issue.run(&["start", "1", "2", "4", "--dry-run"]);
        assert_eq!(rehearsed.out, "#1 would be changed\n#2 would be changed\n#4 would be refused: issue #4 is closed; reopen it first\n");
        assert_eq!((rehearsed.code, states(issue)), (7, "open open open closed".to_owned()));
        assert_eq!(issue.run(&["start", "1", "2", "4"]).code, 7, "the others go on");
        assert_eq!(states(issue), "in_progress in_progress open closed");
        assert!(issue.ok(&["edit", "1", "3", "--add-label", "x", "--dry-run"]).contains("#3 would get {\"labels\":[\"x\"]}"));
        assert!(issue.ok(&["delete", "1", "--dry-run"]).contains("would be archived"));
        assert_eq!(issue.ok(&["edit", "1", "3", "--add-label", "x"]).lines().count(), 2);
        assert_eq!(issue.ok(&["list", "-l", "x", "-q"]).lines().count(), 2);
    })
    .await;
}

fn states(issue: &Shell) -> String {
    issue.ok(&["list", "-A", "--sort", "number", "--order", "asc", "--format", "{{state}}"]).lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_shell_and_the_manual_are_served() {
    let issue = Shell::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(issue.ok(&["completions", shell]).contains("timeline"), "{shell}");
    }
    issue.ok(&["man", "pages"]);
    let pages = std::fs::read_dir(issue.path("pages")).unwrap().count();
    assert!(pages > 35, "{pages} pages");
    assert!(std::fs::read_to_string(issue.path("pages/issue-review-approve.1")).unwrap().contains("approve"));
    for command in ["list", "create", "serve", "doctor"] {
        assert!(issue.ok(&[command, "--help"]).contains("Usage: issue "), "{command}");
    }
}
