//! Traces leave for a collector when an endpoint is set, and continue the caller's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use crate::support::database::Database;
use crate::support::server::{Server, task};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Takes OTLP/HTTP exports and hands on each body.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (exports, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if exports.send((head, body)).is_err() {
                return;
            }
        }
    });
    (endpoint, received)
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn spans_of_a_request_reach_the_collector_in_the_callers_trace() {
    let (endpoint, received) = collector();
    let db = Database::sqlite().await;
    let mut server = Server::start_with(&db.url(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_SERVICE_NAME", "issue-core-test")]);
    let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
    let answer = server.post("/issues/", &task("t", "e")).header("traceparent", traceparent).send().await.unwrap();
    assert!(answer.status().is_success());
    // Stopping sends what still waits.
    server.signal("TERM");
    assert!(server.wait().success());
    let (head, body) = received.recv().unwrap();
    assert!(head.starts_with("POST /v1/traces"), "{head}");
    let trace_id: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&TRACE_ID[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert!(holds(&body, &trace_id), "the caller's trace id is not in the export");
    assert!(holds(&body, b"POST /issues/") && holds(&body, b"issue-core-test"));
}

#[tokio::test]
async fn a_dead_collector_delays_neither_requests_nor_the_end() {
    let db = Database::sqlite().await;
    // Nothing listens on the discard port of this machine.
    let mut server = Server::start_with(&db.url(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    assert!(server.post("/issues/", &task("t", "e")).send().await.unwrap().status().is_success());
    server.signal("TERM");
    assert!(server.wait().success());
}
