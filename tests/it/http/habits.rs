//! What every answer has, and what a connection that misbehaves gets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use issue_core::config::LoadedSettings;
use issue_core::http::{RequestLayer, RequestLimits, around};
use issue_core::store::sqlite::SqliteStore;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{KEY, Server, task};

/// A connection of our own, to do with it what no client does.
struct Raw(TcpStream);

impl Raw {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    fn send(&mut self, text: &str) -> &mut Self {
        self.0.write_all(text.as_bytes()).unwrap();
        self
    }

    /// A post of a body that is `length` long, of which only `part` is sent.
    fn half_post(server: &Server, part: &str, length: usize) -> Self {
        let mut raw = Self::open(server);
        raw.send(&format!(
            "POST /issues/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{part}"
        ));
        raw
    }

    /// Everything up to the moment the other side closes.
    fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "still open, and nothing comes");
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The next answer's head; its body must be short enough to come along.
    fn answer(&mut self) -> String {
        let mut bytes = [0; 4096];
        let read = self.0.read(&mut bytes).unwrap();
        String::from_utf8(bytes[..read].to_vec()).unwrap()
    }
}

async fn in_flight(server: &Server) -> i64 {
    let text = server.client.get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
    text.lines().find_map(|line| line.strip_prefix("issue_core_http_requests_in_flight ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_answer_carries_its_ids_and_says_nothing_of_the_server() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let answer = server.post("/issues/", &task("t", "e")).header("X-Request-Id", "run-17/3").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "run-17/3");
    let answer = server.get("/issues/1").header("X-Request-Id", "not plain \"").send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(headers["x-request-id"].len(), 32);
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "private, no-cache");
    assert!(!headers.contains_key("server") && !headers.contains_key("x-powered-by"));
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for path in ["/issues/1", "/nothing", "/healthz"] {
        let answer = server.get(path).header("traceparent", traceparent).send().await.unwrap();
        let told = answer.headers()["traceresponse"].to_str().unwrap();
        assert!(told.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{path}: {told}");
        assert!(answer.headers().contains_key("x-request-id") && answer.headers().contains_key("x-content-type-options"), "{path}");
    }
}

#[tokio::test]
async fn head_answers_like_get_without_a_body_and_405_names_what_is_allowed() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    server.post("/issues/", &task("t", "e")).send().await.unwrap();
    for path in ["/issues/1", "/issues/2", "/healthz", "/metrics", "/nothing"] {
        let mut raw = Raw::open(&server);
        raw.send(&format!("HEAD {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\nconnection: close\r\n\r\n"));
        let answer = raw.rest();
        let shown = server.get(path).send().await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {}", shown.status())), "{answer}");
        assert!(answer.ends_with("\r\n\r\n") && answer.contains("content-length: "), "{answer}");
    }
    for (method, path, allowed) in
        [(Method::DELETE, "/healthz", "GET"), (Method::PUT, "/issues/batch", "POST"), (Method::OPTIONS, "/issues/", "POST")]
    {
        let answer = server.request(method, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(answer.headers()["allow"].to_str().unwrap().contains(allowed), "{path}");
        assert_problem(answer, "method_not_allowed", None).await;
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_accept_it_and_small_ones_are_not() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let mut large = task("large", "e");
    large["description"] = json!("compressible ".repeat(1000));
    server.post("/issues/", &large).send().await.unwrap();
    server.post("/issues/", &task("small", "e")).send().await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a client that shows what was sent")]
    let client = Client::builder().no_gzip().build().unwrap();
    let show = async |number: u8, accept: &str| {
        let request = client.get(format!("{}/issues/{number}", server.base)).bearer_auth(KEY).header("accept-encoding", accept);
        request.send().await.unwrap()
    };
    let packed = show(1, "gzip").await;
    assert_eq!((&packed.headers()["content-encoding"], &packed.headers()["etag"]), (&"gzip".parse().unwrap(), &"\"1\"".parse().unwrap()));
    assert!(packed.headers()["vary"].to_str().unwrap().to_lowercase().contains("accept-encoding"));
    assert!(packed.bytes().await.unwrap().len() < 2000);
    let plain = show(1, "identity").await;
    assert!(!plain.headers().contains_key("content-encoding"));
    assert!(plain.bytes().await.unwrap().len() > 13_000);
    assert!(!show(2, "gzip").await.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn bodies_that_are_encoded_cut_off_or_too_slow_are_distinguished() {
    let db = Database::sqlite().await;
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__BODY_TIMEOUT", "200ms")]);
    let encoded = server.post("/issues/", &task("t", "e")).header("content-encoding", "gzip").send().await.unwrap();
    assert_eq!(encoded.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(encoded.headers()["accept-encoding"], "identity");
    assert_problem(encoded, "unsupported_encoding", None).await;
    let slow = Raw::half_post(&server, "{\"title\":", 100).rest();
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("body_timeout"), "{slow}");
    let mut cut = Raw::half_post(&server, "{\"title\":", 100);
    cut.0.shutdown(Shutdown::Write).unwrap();
    let cut = cut.rest();
    assert!(cut.is_empty() || (cut.starts_with("HTTP/1.1 400") && cut.contains("malformed")), "{cut}");
    let mut refused = Raw::open(&server);
    refused.send(&format!(
        "POST /issues/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9999999\r\n\r\n"
    ));
    assert!(refused.answer().starts_with("HTTP/1.1 413"), "told before a byte of it was sent");
    assert_eq!(db.count("issues").await, 0);
}

#[tokio::test]
async fn what_is_no_http_is_answered_and_the_next_request_is_fine() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let huge = format!("GET / HTTP/1.1\r\nhost: x\r\nx-huge: {}\r\n\r\n", "a".repeat(100 << 10));
    for (bytes, status) in [("NOT HTTP\r\n\r\n", "400"), ("GET /\u{7f} HTTP/1.1\r\nhost: x\r\n\r\n", "400"), (huge.as_str(), "431")] {
        let mut raw = Raw::open(&server);
        _ = raw.0.write_all(bytes.as_bytes());
        let answer = raw.rest();
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    for path in ["/issues/%", "/issues/%ZZ", "/issues/%FF", "/%2e%2e/etc", "/issues/?dry_run=%FF", "//issues", "/issues/1/"] {
        let mut raw = Raw::open(&server);
        raw.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\nconnection: close\r\n\r\n"));
        let answer = raw.rest();
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/problem+json"), "{path}: {answer}");
    }
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn under_overload_the_next_request_is_shed_and_probes_are_not() {
    let db = Database::sqlite().await;
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__MAX_IN_FLIGHT", "8")]);
    let body = task("held", "e").to_string();
    let mut held: Vec<Raw> = (0..8).map(|_| Raw::half_post(&server, &body[..10], body.len())).collect();
    // The request that reads the number is in flight too.
    while in_flight(&server).await < 9 {}
    let shed = server.post("/issues/", &task("next", "e")).send().await.unwrap();
    assert_eq!(shed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shed.headers()["retry-after"], "1");
    assert_problem(shed, "overloaded", None).await;
    let batch = server.post("/issues/batch", &json!({"tasks": []})).send().await.unwrap();
    assert_eq!(batch.status(), StatusCode::SERVICE_UNAVAILABLE);
    for probe in ["/healthz", "/health", "/readyz", "/metrics"] {
        assert_eq!(server.get(probe).send().await.unwrap().status(), StatusCode::OK, "{probe}");
    }
    // Those that were let in are served to the end, and then there is room again.
    for raw in &mut held {
        raw.send(&body[10..]);
    }
    for raw in &mut held {
        assert!(raw.answer().starts_with("HTTP/1.1 20"));
    }
    assert_eq!(server.post("/issues/", &task("next", "e")).send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_head_is_closed_and_so_is_an_idle_one() {
    let db = Database::sqlite().await;
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__HEADER_TIMEOUT", "200ms")]);
    assert_eq!(Raw::open(&server).rest(), "", "nothing sent at all");
    assert_eq!(Raw::open(&server).send("GET /healthz HTTP/1.1\r\nhost: x\r\n").rest(), "", "a head without its end");
    drop(server);
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__IDLE_TIMEOUT", "300ms")]);
    let mut raw = Raw::open(&server);
    raw.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(raw.answer().starts_with("HTTP/1.1 200"));
    raw.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(raw.answer().starts_with("HTTP/1.1 200"), "kept alive");
    assert_eq!(raw.rest(), "", "closed when nothing more came");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_their_turn() {
    let db = Database::sqlite().await;
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__MAX_CONNECTIONS", "2")]);
    let mut held: Vec<Raw> = (0..2).map(|_| Raw::open(&server)).collect();
    for raw in &mut held {
        raw.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(raw.answer().starts_with("HTTP/1.1 200"));
    }
    let mut third = Raw::open(&server);
    third.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    third.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(third.0.read(&mut [0; 16]).is_err(), "there is no room yet");
    third.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    held.pop();
    assert!(third.answer().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn while_draining_a_kept_connection_is_served_and_then_closed() {
    let db = Database::sqlite().await;
    let mut server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__DRAIN_DELAY", "1s")]);
    let mut raw = Raw::open(&server);
    raw.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!raw.answer().contains("connection: close"));
    server.signal("TERM");
    while server.get("/readyz").send().await.unwrap().status() == StatusCode::OK {}
    raw.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let last = raw.rest();
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    assert!(server.wait().success());
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_where_configured() {
    let db = Database::sqlite().await;
    let preflight = async |server: &Server, origin: &str| {
        let request = server.client.request(Method::OPTIONS, format!("{}/issues/", server.base)).header("origin", origin);
        request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type, idempotency-key")
            .send()
            .await
            .unwrap()
    };
    let shut = Server::start(&db.url());
    let answer = preflight(&shut, "https://tasks.example.org").await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__CORS_ORIGINS", "https://tasks.example.org,http://localhost:3000")]);
    let answer = preflight(&server, "https://tasks.example.org").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://tasks.example.org");
    assert!(answer.headers()["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    assert!(!preflight(&server, "https://evil.example.org").await.headers().contains_key("access-control-allow-origin"));
    let refusal = server.client.get(format!("{}/issues/1", server.base)).header("origin", "http://localhost:3000").send().await.unwrap();
    assert_eq!(refusal.headers()["access-control-allow-origin"], "http://localhost:3000");
    assert!(refusal.headers()["access-control-expose-headers"].to_str().unwrap().contains("etag"));
    assert_problem(refusal, "unauthenticated", None).await;
}

#[tokio::test]
async fn a_panic_and_a_slow_handler_are_problems_and_affect_no_other_request() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("issues.db")).await.unwrap();
    let settings = LoadedSettings::from_environment(None).unwrap().settings;
    let tasks = TaskTracker::new();
    let app = Arc::new(issue_core::boot::assemble(&settings, Arc::new(store), Vec::new(), &tasks).unwrap());
    let routes = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
        .route("/slow", get(std::future::pending::<&'static str>))
        .route("/fine", get(async || "fine"));
    let terms = RequestLimits {
        body_limit: 1024,
        body_timeout: Duration::from_secs(1),
        timeout: Duration::from_millis(50),
        require_if_match: false,
    };
    // Room for one: a request that panics or is cut off must give its permit back.
    let room = Some(Arc::new(tokio::sync::Semaphore::new(1)));
    let routes = around(routes, RequestLayer { app: app.clone(), terms, room });
    for (path, status, code) in [("/panic", 500, Some("internal")), ("/slow", 504, Some("timeout")), ("/fine", 200, None)] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let body = axum::body::to_bytes(answer.into_body(), 4096).await.unwrap();
        if let Some(code) = code {
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["code"], code);
            assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
            assert!(!problem.to_string().contains("on purpose"), "the inside stays inside");
        }
    }
    assert_eq!(app.metrics.http_in_flight.get(), 0);
}
