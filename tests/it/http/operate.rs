//! Probes, metrics, unknown routes, start and stop: what operators meet.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{Server, binary, task};

crate::support::on_both_stores!(probes_and_metrics_answer_without_a_key, sigterm_fails_readiness_first_and_lets_requests_finish);

async fn probes_and_metrics_answer_without_a_key(db: Database) {
    let server = Server::start(&db.url());
    for path in ["/healthz", "/health", "/livez", "/readyz"] {
        let answer = server.client.get(format!("{}{path}", server.base)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "ok");
    }
    server.post("/issues/", &task("t", "e")).send().await.unwrap();
    server.post("/issues/", &task("t", "e")).send().await.unwrap();
    let text = server.client.get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
    for line in [
        "issue_core_ingested_total{outcome=\"created\"} 1",
        "issue_core_ingested_total{outcome=\"duplicate\"} 1",
        "issue_core_http_requests_total{method=\"POST\",route=\"/issues/\",status=\"201\"} 1",
        "issue_core_build_info{revision=",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

async fn sigterm_fails_readiness_first_and_lets_requests_finish(db: Database) {
    let mut server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__DRAIN_DELAY", "1s")]);
    // A request that is half sent when the signal comes.
    let body = task("slow sender", "e").to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let head = format!(
        "POST /issues/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-key\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    server.signal("TERM");
    let unready = loop {
        let answer = server.get("/readyz").send().await.unwrap();
        if answer.status() != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_problem(unready, "not_ready", None).await;
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK, "alive while draining");
    // Once no new connection is taken, the one in flight still gets its answer.
    while TcpStream::connect(("127.0.0.1", server.port())).is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(server.wait().success());
    assert_eq!(db.count("issues").await, 1);
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_problems_too() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let answer = server.get("/nothing/here").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_problem(answer, "no_such_route", None).await;
    let answer = server.request(Method::PUT, "/issues/").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers()["allow"].to_str().unwrap().contains("POST"));
    assert_problem(answer, "method_not_allowed", None).await;
    for name in ["42", "0190163d-8694-739b-aea5-966c26f8ad91", "no-such-name", "%00"] {
        let answer = server.get(&format!("/issues/{name}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        assert_problem(answer, "not_found", None).await;
    }
}

#[tokio::test]
async fn the_callers_trace_is_continued_into_problem_documents() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let problem: Value = server.get("/issues/7").header("traceparent", traceparent).send().await.unwrap().json().await.unwrap();
    assert_eq!(problem["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn with_no_setting_at_all_the_printed_curl_line_files_a_task_and_a_restart_keeps_it() {
    let home = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = binary();
        command.arg("serve").env("HOME", home.path());
        Server::spawn(command)
    };
    let mut server = start();
    let data = server.banner.iter().find(|line| line.trim_start().starts_with("data")).unwrap();
    assert!(data.contains(home.path().to_str().unwrap()), "{data}");
    assert!(server.banner.iter().any(|line| line.contains("not required")));
    let curl = server.banner.last().unwrap().trim_start().strip_prefix("try").unwrap().to_owned();
    let pasted = Command::new("sh").args(["-c", &curl]).output().unwrap();
    let answer: Value = serde_json::from_slice(&pasted.stdout).unwrap();
    let path = format!("/issues/{}", answer["issue_id"].as_str().unwrap());
    server.kill();
    let server = start();
    let issue: Value = server.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!(issue["title"], "My first task");
}

#[test]
fn off_loopback_without_a_key_it_refuses_to_start_and_says_what_to_do() {
    let output = binary().arg("serve").env("ISSUE_CORE__SERVER__BIND", "0.0.0.0:0").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("server.bind (variable ISSUE_CORE__SERVER__BIND)") && error.contains("set ISSUE_CORE_API_KEY"), "{error}");
}

#[test]
fn without_a_key_the_log_warns_and_off_a_terminal_it_is_json() {
    let home = tempfile::tempdir().unwrap();
    let mut child = binary().arg("serve").env("HOME", home.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let warning = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).expect("JSON")).find(|line| line["level"] == "WARN");
    assert!(warning.unwrap()["message"].as_str().unwrap().contains("ISSUE_CORE_API_KEY"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn config_show_prints_every_setting_with_its_origin_and_no_secret() {
    let output = binary().args(["config", "show"]).env("ISSUE_CORE_API_KEY", "hush-hush").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("# variable ISSUE_CORE_API_KEY") && text.contains("# default") && !text.contains("hush"), "{text}");
}
