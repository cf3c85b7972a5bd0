//! Deliveries to the real binary: kept and answered at once, known when they come again, and nothing left of what is not ours.

use std::time::Instant;

use issue_core::clock::Clock;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::rig::{Rig, eventually};
use super::webhooks::{HOOK_SECRET, Scheme};
use crate::support::database::Database;
use crate::support::server::{KEY, Server, binary};
use crate::support::sim::{self, Vendor};

const NEXT_SECRET: &str = "the-next-secret-of-the-webhook";

fn vendor(kind: &str) -> Box<dyn Vendor> {
    sim::ALL.iter().map(|vendor| vendor()).find(|vendor| vendor.kind().as_str() == kind).unwrap()
}

/// A service with a Gitea and a Linear, both with a secret.
async fn rig() -> Rig {
    let mut rig = Rig::new(Database::sqlite().await, vec![vendor("gitea"), vendor("linear")]).await;
    for name in ["T0", "T1"] {
        rig.set(&format!("ISSUE_CORE__BACKENDS__{name}__WEBHOOK_SECRET"), HOOK_SECRET);
    }
    rig.set("ISSUE_CORE__WEBHOOKS__BODY_LIMIT", "2048");
    rig.set("ISSUE_CORE__WEBHOOKS__PUBLIC_URL", "https://issues.example.org/");
    rig
}

/// What Gitea sends about an issue.
fn about(number: i64) -> Vec<u8> {
    let body = json!({"action": "edited", "number": number, "issue": {"number": number, "title": "x", "pull_request": null},
        "repository": {"name": "tools", "owner": {"login": "acme"}}});
    body.to_string().into_bytes()
}

struct Post<'a> {
    server: &'a Server,
    backend: &'a str,
    scheme: Scheme,
    secret: &'a str,
    kind: &'a str,
}

impl Post<'_> {
    fn sent(&self, id: &str, body: Vec<u8>) -> RequestBuilder {
        let headers = self.scheme.sign(self.secret, &body, Clock::System.now());
        self.bare(id, body).headers(headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect())
    }

    /// Without a signature.
    fn bare(&self, id: &str, body: Vec<u8>) -> RequestBuilder {
        let client: &Client = &self.server.client;
        let post = client.post(format!("{}/webhooks/{}", self.server.base, self.backend)).header("content-type", self.kind);
        post.header("x-gitea-event", "issues").header("x-gitea-delivery", id).body(body)
    }
}

fn gitea(server: &Server) -> Post<'_> {
    Post { server, backend: "t0", scheme: Scheme::Gitea, secret: HOOK_SECRET, kind: "application/json" }
}

async fn answer(post: RequestBuilder) -> (u16, Value) {
    let answer = post.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_signed_delivery_is_kept_at_once_and_known_when_it_comes_again() {
    let rig = rig().await;
    let server = rig.start();
    let post = gitea(&server);
    assert_eq!(answer(post.sent("a", about(1))).await, (202, json!({"status": "accepted"})));
    assert_eq!(answer(post.sent("a", about(1))).await, (202, json!({"status": "repeated"})));
    let nothing = br#"{"ref": "refs/heads/main", "repository": {"name": "tools", "owner": {"login": "acme"}}}"#.to_vec();
    assert_eq!(answer(post.sent("b", nothing)).await, (202, json!({"status": "ignored"})));
    let mut best = u128::MAX;
    for n in 0..20 {
        let started = Instant::now();
        assert_eq!(answer(post.sent(&format!("n{n}"), about(n))).await.0, 202);
        best = best.min(started.elapsed().as_millis());
    }
    assert!(best < 50, "the best of twenty took {best} ms");
    assert_eq!(rig.db.count("hooks").await, 22);
}

#[tokio::test]
async fn what_is_forged_broken_stale_or_of_another_kind_leaves_nothing_behind() {
    let rig = rig().await;
    let server = rig.start();
    let post = gitea(&server);
    let forged = Post { secret: "another-secret-of-a-webhook", ..gitea(&server) };
    let form = Post { kind: "application/x-www-form-urlencoded", ..gitea(&server) };
    let (said, issue) = (|code: &'static str| move |body: &Value| body["code"] == code, about(1));
    let signature = Scheme::Gitea.sign(HOOK_SECRET, &issue, Clock::System.now())[0].1.clone();
    let of_another = post.bare("c", about(2)).header("x-gitea-signature", &signature);
    let truncated = post.bare("d", issue[..issue.len() / 2].to_vec()).header("x-gitea-signature", &signature);
    let old = json!({"action": "update", "type": "Issue", "data": {"id": "x"}, "webhookTimestamp": 1_700_000_000_000_i64})
        .to_string()
        .into_bytes();
    let linear = Post { backend: "t1", scheme: Scheme::Linear, ..gitea(&server) };
    for (what, post, status, code) in [
        ("forged", forged.sent("a", issue.clone()), 401, "webhook_refused"),
        ("not signed", post.bare("b", issue.clone()), 401, "webhook_refused"),
        ("another body", of_another, 401, "webhook_refused"),
        ("truncated", truncated, 401, "webhook_refused"),
        ("stale", linear.sent("e", old), 401, "webhook_refused"),
        ("form-encoded", form.sent("f", [b"payload=", &*issue].concat()), 415, "unsupported_media_type"),
        ("no JSON", post.sent("g", b"payload=1".to_vec()), 400, "malformed"),
        ("too large", post.sent("h", vec![b' '; 4096]), 413, "too_large"),
        ("nobody's", Post { backend: "nobody", ..gitea(&server) }.sent("i", issue.clone()), 404, "not_found"),
        ("the store's", Post { backend: "local", ..gitea(&server) }.sent("j", issue.clone()), 404, "not_found"),
    ] {
        let (had, body) = answer(post).await;
        assert!(had == status && said(code)(&body), "{what}: {had} {body}");
        assert!(!body.to_string().contains(HOOK_SECRET), "{what}");
    }
    assert_eq!(rig.db.count("hooks").await, 0);
}

#[tokio::test]
async fn a_backend_without_a_secret_takes_nothing_in() {
    let mut rig = Rig::new(Database::sqlite().await, vec![vendor("gitea")]).await;
    with_operator(&mut rig);
    let server = rig.start();
    let (status, body) = answer(Post { secret: "", ..gitea(&server) }.sent("a", about(1))).await;
    assert_eq!((status, body["code"].as_str()), (404, Some("not_found")));
    let (code, said) = command(&server, OPERATOR, &["t0"]);
    assert!(code == Some(3) && said.contains("webhook_secret"), "{code:?} {said}");
    assert_eq!(rig.db.count("hooks").await, 0);
}

#[tokio::test]
async fn a_secret_is_read_again_when_its_file_changes_and_the_one_before_may_stay() {
    let mut rig = Rig::new(Database::sqlite().await, vec![vendor("gitea")]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), HOOK_SECRET).unwrap();
    rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET_FILE", file.path().to_str().unwrap());
    rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET_PREVIOUS", "the-one-from-long-before");
    rig.set("ISSUE_CORE__AUTH__RELOAD_INTERVAL", "20ms");
    let server = rig.start();
    assert_eq!(answer(gitea(&server).sent("a", about(1))).await.0, 202);
    std::fs::write(file.path(), NEXT_SECRET).unwrap();
    let next = Post { secret: NEXT_SECRET, ..gitea(&server) };
    eventually("the next secret is taken", || async { answer(next.sent("b", about(1))).await.0 == 202 }).await;
    assert_eq!(answer(gitea(&server).sent("c", about(1))).await.0, 401);
    assert_eq!(answer(Post { secret: "the-one-from-long-before", ..gitea(&server) }.sent("d", about(1))).await.0, 202);
}

const OPERATOR: &str = "operators-key-0123456789";

/// The usual key has every scope but admin.
fn with_operator(rig: &mut Rig) {
    let key = json!([{"name": "operator", "key": OPERATOR, "scopes": ["admin", "read"]}]);
    rig.set("ISSUE_CORE__AUTH__KEYS", &key.to_string());
}

/// `issue-core backend webhook` with these arguments: its exit code and what it says.
fn command(server: &Server, key: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = binary();
    command.args(["--url", &server.base, "backend", "webhook"]).args(arguments).env("ISSUE_CORE_API_KEY", key);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_registers_the_webhook_once() {
    let mut rig = rig().await;
    with_operator(&mut rig);
    let server = rig.start();
    assert_eq!(command(&server, KEY, &["t0"]).0, Some(5));
    let (code, said) = command(&server, OPERATOR, &["t0"]);
    assert!(code == Some(0) && said.contains("registered"), "{code:?} {said}");
    let (code, said) = command(&server, OPERATOR, &["t0", "--place", "acme/tools"]);
    assert!(code == Some(0) && said.contains("was there"), "{code:?} {said}");
    let hooks = rig.sims[0].hooks(|hooks| hooks.list.clone());
    assert_eq!(hooks.iter().map(|hook| hook.url.as_str()).collect::<Vec<_>>(), ["https://issues.example.org/webhooks/t0"]);
    assert_eq!(hooks[0].secret, HOOK_SECRET);
    let (code, said) = command(&server, OPERATOR, &["t0", "--place", "tools"]);
    assert!(code == Some(2) && said.contains("owner/repo"), "{code:?} {said}");
    rig.sims[0].hooks(|hooks| hooks.forbidden = true);
    let (code, said) = command(&server, OPERATOR, &["t0"]);
    assert!(code == Some(4) && said.contains("repository's settings"), "{code:?} {said}");
    assert_eq!(command(&server, OPERATOR, &["nobody"]).0, Some(3));
}
