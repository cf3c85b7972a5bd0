//! The content of a trace, as OpenTelemetry's own decoder reads it: its names, its attributes, and
//! the relations of its spans.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::tools::{own, python, text};
use crate::support::database::{Database, Dialect, run};
use crate::support::hub::{Hub, Mood};
use crate::support::nats::{Nats, within};
use crate::support::server::{Server, task};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A receiver of traces. Ends when dropped.
struct Receiver {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    endpoint: String,
}

impl Receiver {
    fn start() -> Self {
        let mut child = python("python").arg(own("otlp.py")).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap();
        Self { child, lines, endpoint: format!("http://127.0.0.1:{port}") }
    }

    /// Every span it received. Only when no process sends any more.
    fn spans(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        let spans: Vec<Value> = self.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert!(spans.iter().all(|span| span.get("fault").is_none()), "{spans:?}");
        spans
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The spans of that name, in the order of their beginning.
fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = spans.iter().filter(|span| span["name"] == name).collect();
    found.sort_by_key(|span| span["start"].as_u64());
    assert!(!found.is_empty(), "no span {name:?} in {:?}", spans.iter().map(|span| &span["name"]).collect::<Vec<_>>());
    found
}

fn child_of<'a>(spans: &'a [Value], parent: &Value, name: &str) -> &'a Value {
    let found = named(spans, name).into_iter().find(|span| span["parent"] == parent["id"] && span["trace"] == parent["trace"]);
    found.unwrap_or_else(|| panic!("{name:?} is no child of {parent}"))
}

fn assert_attributes(span: &Value, wanted: &Value) {
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&span["attributes"][name], value, "{name} of {span}");
    }
}

/// A task is filed over HTTP and one over NATS; State Hub receives both, after a failed first
/// attempt.
async fn story(db: Database) -> (Vec<Value>, Hub) {
    let (receiver, hub, nats) = (Receiver::start(), Hub::start().await, Nats::shared().await);
    let own = nats.variables();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.extend([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint.as_str()),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1,k8s.pod.name=pod-1"),
        ("STATE_HUB_URL", hub.url.as_str()),
        ("ISSUE_CORE__WORKER__RETRY_BASE", "10ms"),
    ]);
    hub.mood(Mood::Refusing(503, None));
    let mut server = Server::start_with(&db.url(), &variables);
    let filed = server.post("/issues/", &task("t", "over http")).header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    assert!(filed.send().await.unwrap().status().is_success());
    hub.until_called(1).await;
    hub.mood(Mood::Well);
    hub.until_told(1).await;
    nats.publish("activity-core", &[], task("t", "over nats").to_string()).await;
    hub.until_told(2).await;
    within(async {
        while nats.told().await < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(server.get("/issues/1").send().await.unwrap().status(), 200);
    assert_eq!(server.get("/issues/77").send().await.unwrap().status(), 404);
    // Stopping sends what still waits.
    server.signal("TERM");
    assert!(server.wait().success(), "{:?}", server.log());
    (receiver.spans(), hub)
}

#[tokio::test]
async fn a_trace_leads_from_the_callers_request_over_the_commit_to_the_hub_and_every_name_in_it_is_explained() {
    run(Dialect::Postgres, |db| async move {
        let (spans, hub) = story(db).await;

        // The request, in its caller's trace, and the wait for its transaction.
        let request = named(&spans, "POST /issues/")[0];
        assert_eq!((&request["trace"], &request["parent"], &request["kind"]), (&json!(TRACE), &json!(CALLER), &json!("server")));
        assert_attributes(
            request,
            &json!({"http.request.method": "POST", "http.route": "/issues/", "url.path": "/issues/", "url.scheme": "http",
                "http.response.status_code": 201, "network.protocol.version": "1.1", "server.address": "127.0.0.1"}),
        );
        let commit = child_of(&spans, request, "commit");
        assert_eq!((&commit["kind"], &commit["status"]), (&json!("client"), &json!("unset")));
        assert_attributes(commit, &json!({"db.system.name": "postgresql", "db.operation.name": "commit"}));

        // What follows from it begins a trace of its own, and is linked with it.
        let link = json!([{"trace": TRACE, "id": request["id"]}]);
        let of_request = |name: &str| named(&spans, name).into_iter().filter(|span| span["links"] == link).collect::<Vec<_>>();
        let work = of_request("publish state_hub");
        let (failed, told) = (work[0], *work.last().unwrap());
        assert_eq!((&failed["status"], &told["status"]), (&json!("error"), &json!("unset")), "the first attempt was in vain");
        assert_attributes(
            told,
            &json!({"messaging.system": "issue-core", "messaging.operation.type": "process", "messaging.destination.name": "state_hub"}),
        );
        let call = child_of(&spans, told, "POST");
        assert_eq!(call["kind"], "client");
        assert_attributes(
            call,
            &json!({"http.request.method": "POST", "http.response.status_code": 201, "server.address": "127.0.0.1",
                "url.full": format!("{}/progress/", hub.url)}),
        );
        assert_attributes(child_of(&spans, failed, "POST"), &json!({"http.response.status_code": 503, "error.type": "503"}));
        child_of(&spans, told, "commit");
        assert_eq!(hub.told()[0].headers["traceparent"].split('-').nth(1), Some(TRACE), "the hub's own spans join the story");

        // NATS: the event sent, and the task received.
        let send = spans.iter().find(|span| span["kind"] == "producer").expect("nothing was sent to NATS");
        assert!(send["name"].as_str().unwrap().ends_with(".task.created"), "{send}");
        assert_attributes(send, &json!({"messaging.system": "nats", "messaging.operation.type": "send"}));
        let received =
            spans.iter().find(|span| span["name"].as_str().unwrap().ends_with(".create.{target_repo}")).expect("no task from NATS");
        assert_eq!(received["kind"], "consumer");
        assert_attributes(received, &json!({"messaging.system": "nats", "messaging.operation.type": "process"}));
        child_of(&spans, received, "commit");

        // A refusal is the caller's fault and no error of ours.
        assert!(named(&spans, "GET /issues/{id}").iter().any(|span| span["attributes"]["http.response.status_code"] == 404));
        assert!(named(&spans, "GET /issues/{id}").iter().all(|span| span["status"] == "unset"));

        let explained = text("docs/observability.md");
        for span in &spans {
            assert_eq!(span["resource"]["service.name"], "issue-core");
            assert_eq!(span["resource"]["service.instance.id"], "pod-1");
            for name in span["foreign"].as_array().unwrap() {
                let name = name.as_str().unwrap();
                assert!(
                    explained.contains(&format!("`{name}`")),
                    "neither OpenTelemetry's conventions nor docs/observability.md know {name}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one_that_is_recorded() {
    let receiver = Receiver::start();
    let db = Database::sqlite().await;
    let mut server = Server::start_with(&db.url(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint)]);
    let answer = server.post("/issues/", &task("t", "e")).send().await.unwrap();
    let told = answer.headers()["traceresponse"].to_str().unwrap().split('-').nth(1).unwrap().to_owned();
    server.signal("TERM");
    assert!(server.wait().success());
    let spans = receiver.spans();
    let request = named(&spans, "POST /issues/")[0];
    assert_eq!((&request["trace"], &request["parent"]), (&json!(told), &json!("")), "the answer names the trace that was recorded");
}
