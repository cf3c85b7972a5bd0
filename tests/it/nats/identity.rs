//! How NATS knows us, and we it: certificates both ways, and a credentials file, over real servers that insist on them.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::{KeyPair, KeyPairType};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::start;
use crate::support::database::Database;
use crate::support::nats::{Nats, NatsServer};

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(directory).args(arguments.split(' ')).output().expect("openssl is there");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `NAME.pem` and `NAME.key`: an authority of its own.
fn authority(directory: &Path, name: &str) {
    openssl(
        directory,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ),
    );
}

/// `NAME.pem` and `NAME.key`, signed by `by`, good for this machine.
fn certificate(directory: &Path, name: &str, by: &str) {
    std::fs::write(directory.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        directory,
        &format!("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"),
    );
    openssl(
        directory,
        &format!("x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days 2 -extfile san -out {name}.pem"),
    );
}

#[tokio::test]
async fn certificates_are_shown_and_checked_both_ways() {
    let files = TempDir::new().unwrap();
    authority(files.path(), "ours");
    authority(files.path(), "strange");
    certificate(files.path(), "server", "ours");
    certificate(files.path(), "client", "ours");
    let path = |name: &str| files.path().join(name).display().to_string();
    let (certificate, key, ca) = (path("server.pem"), path("server.key"), path("ours.pem"));
    let mut broker =
        NatsServer::prepare(&format!("tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {ca:?}, verify: true }}"));
    broker.start();
    let (db, corner) = (Database::sqlite().await, Nats::shared().await);
    let url = broker.url().replace("nats://", "tls://");
    let known = [("NATS_URL", url.as_str()), ("ISSUE_CORE__NATS__TLS_CA_FILE", &ca)];
    let (client, client_key) = (path("client.pem"), path("client.key"));
    let identity = [("ISSUE_CORE__NATS__TLS_CERT_FILE", client.as_str()), ("ISSUE_CORE__NATS__TLS_KEY_FILE", &client_key)];

    let server = start(&db, &corner, &[known, identity].concat());
    server.logged("taking tasks from NATS").await;

    let stranger = path("strange.pem");
    let fooled = [("NATS_URL", url.as_str()), ("ISSUE_CORE__NATS__TLS_CA_FILE", &stranger)];
    let wary = start(&db, &corner, &[fooled, identity].concat());
    let line = wary.logged("no connection to NATS").await;
    assert!(line.contains("check nats.tls_ca_file"), "{line}");
    assert!(wary.get("/readyz").send().await.unwrap().status().is_success(), "a NATS that is not ours does not stop the service");
    assert!(!wary.log().iter().any(|line| line.contains("taking tasks from NATS")));
}

/// A token as NATS signs them.
fn token(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"jti": name, "iat": 1, "iss": issuer.public_key(), "name": name, "sub": subject.public_key(), "nats": nats});
    let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn account(issuer: &KeyPair, subject: &KeyPair, name: &str) -> String {
    let storage = if name == "system" { 0 } else { -1 };
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": storage, "disk_storage": storage, "streams": storage, "consumer": storage});
    token(issuer, subject, name, &json!({"limits": limits, "type": "account", "version": 2}))
}

fn credentials(jwt: &str, seed: &str) -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

#[tokio::test]
async fn a_credentials_file_lets_us_in_and_a_strangers_does_not() {
    let pair = |kind, n| KeyPair::new_from_raw(kind, [n; 32]).unwrap();
    let (operator, system) = (pair(KeyPairType::Operator, 1), pair(KeyPairType::Account, 2));
    let (tasks, user, strange) = (pair(KeyPairType::Account, 3), pair(KeyPairType::User, 4), pair(KeyPairType::Account, 5));
    let signed_by = |account: &KeyPair| {
        let rights = json!({"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2});
        credentials(&token(account, &user, "issue-core", &rights), &user.seed().unwrap())
    };
    let mut broker = NatsServer::prepare(&format!(
        "operator: {:?}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload {{ {}: {:?}, {}: {:?} }}",
        token(&operator, &operator, "operator", &json!({"type": "operator", "version": 2})),
        system.public_key(),
        system.public_key(),
        account(&operator, &system, "system"),
        tasks.public_key(),
        account(&operator, &tasks, "tasks"),
    ));
    broker.start();
    let files = TempDir::new().unwrap();
    let file = |name: &str, text: String| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (ours, theirs) = (file("ours.creds", signed_by(&tasks)), file("theirs.creds", signed_by(&strange)));
    let (db, corner, url) = (Database::sqlite().await, Nats::shared().await, broker.url());
    let with = |path: &str| start(&db, &corner, &[("NATS_URL", &url), ("ISSUE_CORE__NATS__CREDENTIALS_FILE", path)]);

    with(&ours).logged("taking tasks from NATS").await;
    let line = with(&theirs).logged("refuses our login").await;
    assert!(line.contains("nats.credentials_file"), "{line}");
}
