//! `issue-core healthcheck`, the image's own probe.

use std::process::Output;

use crate::support::database::Database;
use crate::support::server::{Server, binary};

fn ask(arguments: &[&str], port: u16) -> Output {
    let mut command = binary();
    // As in the image: on every address, with a key.
    command.env("ISSUE_CORE__SERVER__BIND", format!("0.0.0.0:{port}")).env("ISSUE_CORE_API_KEY", "key");
    command.arg("healthcheck").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn it_ends_with_0_while_the_service_is_well_and_with_1_and_the_reason_when_it_is_gone() {
    let db = Database::sqlite().await;
    let mut server = Server::start(&db.url());
    let port = server.port();
    for arguments in [[].as_slice(), &["--ready"], &["--address", &format!("127.0.0.1:{port}")]] {
        let output = ask(arguments, port);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "it says nothing while all is well");
    }
    server.kill();
    let output = ask(&[], port);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&format!("http://127.0.0.1:{port}/livez: ")), "{}", said(&output));
}

#[tokio::test]
async fn a_service_that_drains_is_alive_but_not_ready() {
    let db = Database::sqlite().await;
    let mut server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__DRAIN_DELAY", "2s")]);
    server.signal("TERM");
    server.logged("shutting down").await;
    let unready = loop {
        let output = ask(&["--ready"], server.port());
        if !output.status.success() {
            break output;
        }
    };
    assert!(said(&unready).contains("status 503") && said(&unready).contains("shutting down"), "{}", said(&unready));
    assert!(ask(&[], server.port()).status.success(), "alive while draining");
    assert!(server.wait().success());
}
