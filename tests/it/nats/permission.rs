//! A NATS that does not let us do something: the log says what is missing, for which subject, and what to do about it.

use serde_json::json;

use super::{CREATED, start, until_metric};
use crate::support::database::Database;
use crate::support::nats::{Nats, NatsServer, header, within};
use crate::support::server::binary;

/// `root` may do everything; `timid` may not make streams and consumers; `deaf` may not publish to the dead subject; `exact` may do
/// what docs/nats.md lists, and nothing else.
const USERS: &str = r#"
authorization { users: [
  { user: root, password: root }
  { user: timid, password: timid, permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.>", "$JS.API.CONSUMER.CREATE.>"] } } }
  { user: deaf, password: deaf, permissions: { publish: { deny: ["*.act.tasks.dead.>"] } } }
  { user: exact, password: exact, permissions: {
    subscribe: ["_INBOX.>"]
    publish: ["$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*", "$JS.API.CONSUMER.CREATE.*.>", "$JS.API.CONSUMER.INFO.*.*",
      "$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.ACK.*.>", "*.act.tasks.dead.>", "_INBOX.>", "*.org.issuecore.>"] } }
] }
"#;

#[tokio::test]
async fn what_we_may_not_create_is_named_and_used_once_an_operator_made_it() {
    let db = Database::sqlite().await;
    let mut broker = NatsServer::prepare(USERS);
    broker.start();
    let nats = Nats::at_as(&broker, "root").await;
    let as_timid = broker.url_as("timid");
    let server = start(&db, &nats, &[("NATS_URL", &as_timid)]);
    let stream = nats.tasks_stream();
    let line = server.logged(&format!("STREAM.CREATE.{stream}")).await;
    for part in ["WARN", "does not let our user publish to", "create a stream", "nats.create_streams = false"] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    nats.make_tasks_stream().await;
    let line = server.logged(&format!("CONSUMER.CREATE.{stream}.issue-core")).await;
    assert!(line.contains("create a consumer"), "{line}");
    // A user with the permission creates it; and from there on all is well.
    let as_root = broker.url_as("root");
    let helper = start(&db, &nats, &[("NATS_URL", &as_root)]);
    helper.logged("taking tasks from NATS").await;
    drop(helper);
    server.logged("taking tasks from NATS").await;
    nats.publish("activity-core", &[], json!({"title": "t"}).to_string()).await;
    until_metric(&server, CREATED, 1.0).await;
}

#[tokio::test]
async fn the_permissions_that_are_documented_are_enough() {
    let db = Database::sqlite().await;
    let mut broker = NatsServer::prepare(USERS);
    broker.start();
    let nats = Nats::at_as(&broker, "root").await;
    let as_exact = broker.url_as("exact");
    let server = start(&db, &nats, &[("NATS_URL", &as_exact)]);
    server.logged("taking tasks from NATS").await;
    let (inbox, mut answers) = nats.inbox().await;
    nats.publish("activity-core", &[("Reply-To", &inbox)], json!({"title": "t"}).to_string()).await;
    assert!(answers.next().await.0["issue_id"].is_string());
    nats.publish("activity-core", &[("Reply-To", &inbox)], "{").await;
    assert_eq!(answers.next().await.0["code"], "malformed");
    assert_eq!(header(&nats.dead().await.next().await, "Issue-Core-Code"), "malformed");
    nats.until_settled().await;
    let refused = server.log().into_iter().find(|line| line.contains("does not let our user"));
    assert_eq!(refused, None);
}

#[tokio::test]
async fn a_stream_that_may_not_be_made_or_does_not_fit_is_reported_with_what_to_do() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    let server = start(&db, &nats, &[("ISSUE_CORE__NATS__CREATE_STREAMS", "false")]);
    server.logged(&format!("NATS has no stream {}", nats.tasks_stream())).await;
    server.logged(&format!("NATS has no stream {}", nats.events_stream())).await;
    nats.make_stream(nats.tasks_stream(), vec![format!("{}.create.>", nats.tasks_prefix())]).await;
    let line = server.logged("does not keep").await;
    assert!(line.contains(&format!("{}.dead.>", nats.tasks_prefix())), "{line}");

    let nats = Nats::shared().await;
    nats.make_stream(format!("THEIRS_{}", nats.name), vec![format!("{}.>", nats.tasks_prefix())]).await;
    let server = start(&db, &nats, &[]);
    server.logged("in another stream already: set nats.tasks_stream").await;
}

#[tokio::test]
async fn a_dead_subject_we_may_not_publish_to_is_named_and_nothing_is_lost() {
    let db = Database::sqlite().await;
    let mut broker = NatsServer::prepare(USERS);
    broker.start();
    let nats = Nats::at_as(&broker, "root").await;
    nats.make_tasks_stream().await;
    let as_deaf = broker.url_as("deaf");
    let mut server = start(&db, &nats, &[("NATS_URL", &as_deaf), ("ISSUE_CORE__NATS__TIMEOUT", "1s")]);
    nats.publish("activity-core", &[], "{").await;
    let line = server.logged("does not let our user publish").await;
    assert!(line.contains(&format!("{}.dead.activity-core", nats.tasks_prefix())), "{line}");
    server.logged("the dead subject does not take the message").await;
    server.kill();
    let _server = start(&db, &nats, &[]);
    assert_eq!(header(&nats.dead().await.next().await, "Issue-Core-Code"), "malformed");
}

#[tokio::test]
async fn a_wrong_login_is_reported_and_does_not_stop_the_service() {
    let db = Database::sqlite().await;
    let mut broker = NatsServer::prepare(USERS);
    broker.start();
    let nats = Nats::at_as(&broker, "root").await;
    within(nats.client.flush()).await.unwrap();
    let own = [("ISSUE_CORE__NATS__USER", "root"), ("ISSUE_CORE__NATS__PASSWORD", "wrong")];
    let bare = broker.url();
    let server = start(&db, &nats, &[&own[..], &[("NATS_URL", &bare)]].concat());
    let line = server.logged("refuses our login").await;
    assert!(line.contains("nats.password") && !line.contains("wrong"), "{line}");
    assert!(server.get("/readyz").send().await.unwrap().status().is_success());

    let right = start(&db, &nats, &[("ISSUE_CORE__NATS__USER", "root"), ("ISSUE_CORE__NATS__PASSWORD", "root"), ("NATS_URL", &bare)]);
    right.logged("taking tasks from NATS").await;
}

#[test]
fn a_file_that_cannot_be_read_is_reported_at_the_start_with_its_setting() {
    let home = tempfile::tempdir().unwrap();
    let start = |setting: &str, path: &str| {
        let mut command = binary();
        command.arg("serve").env("HOME", home.path()).env("NATS_URL", "nats://127.0.0.1:1");
        let output = command.env(setting, path).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = start("ISSUE_CORE__NATS__CREDENTIALS_FILE", "/nowhere/creds");
    assert!(error.contains("nats.credentials_file: cannot read /nowhere/creds"), "{error}");
    let garbage = home.path().join("creds");
    std::fs::write(&garbage, "not credentials").unwrap();
    let error = start("ISSUE_CORE__NATS__CREDENTIALS_FILE", garbage.to_str().unwrap());
    assert!(error.contains("is not a credentials file"), "{error}");
    let error = start("ISSUE_CORE__NATS__TLS_CA_FILE", "/nowhere/ca.pem");
    assert!(error.contains("nats.tls_ca_file: cannot read /nowhere/ca.pem"), "{error}");
}
