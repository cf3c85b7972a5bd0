//! `/issues/{id}/claim` and `/release`.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{act, file, file_with, get, kinds, refused};
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    twenty_agents_racing_on_two_replicas_never_hold_the_same_issue,
    a_claim_is_renewed_by_its_holder_and_given_back,
    a_claim_that_has_run_out_is_anybodys,
    what_cannot_be_worked_on_cannot_be_claimed,
);

async fn twenty_agents_racing_on_two_replicas_never_hold_the_same_issue(db: Database) {
    let servers = [Server::start(&db.url()), Server::start(&db.url())];
    let issue = file(&servers[0], "t").await;
    let claims = (0..20).map(|n| servers[n % 2].post(&format!("{issue}/claim"), &json!({"holder": format!("agent-{n}")})).send());
    let mut holders = Vec::new();
    for (n, answer) in join_all(claims).await.into_iter().enumerate() {
        let answer = answer.unwrap();
        match answer.status() {
            StatusCode::OK => holders.push(format!("agent-{n}")),
            StatusCode::CONFLICT => assert_eq!(answer.json::<Value>().await.unwrap()["code"], "claimed"),
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }
    assert_eq!(holders.len(), 1, "{holders:?}");
    assert_eq!(get(&servers[1], &issue).await["claimed_by"], holders[0]);
    assert_eq!(kinds(&servers[0], &issue).await, ["created", "claimed"]);
}

async fn a_claim_is_renewed_by_its_holder_and_given_back(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let (claim, release) = (format!("{issue}/claim"), format!("{issue}/release"));
    let first = act(&server, &claim, json!({})).await;
    assert_eq!(first["claimed_by"], "default", "the name of the key");
    let renewed = act(&server, &claim, json!({"holder": "default", "lease_seconds": 86400})).await;
    assert!(renewed["claimed_until"].as_str() > first["claimed_until"].as_str(), "{renewed}");
    assert_eq!(refused(&server, &claim, json!({"holder": "other"})).await, (409, "claimed".to_owned()));
    assert_eq!(refused(&server, &release, json!({"holder": "other"})).await, (409, "claimed".to_owned()));
    let released = act(&server, &release, json!({})).await;
    assert_eq!((&released["claimed_by"], &released["claimed_until"]), (&json!(null), &json!(null)));
    assert_eq!(act(&server, &release, json!({"holder": "other"})).await, released, "releasing what nobody holds is no news");
    for lease in [json!(0), json!(86401), json!("60"), json!(1.5)] {
        assert_eq!(refused(&server, &claim, json!({"lease_seconds": lease})).await, (422, "invalid".to_owned()), "{lease}");
    }
}

async fn a_claim_that_has_run_out_is_anybodys(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let claim = format!("{issue}/claim");
    act(&server, &claim, json!({"holder": "a", "lease_seconds": 1})).await;
    assert_eq!(refused(&server, &claim, json!({"holder": "b"})).await, (409, "claimed".to_owned()));
    // The lease ends by the clock of the service: asked until it has.
    let taken = loop {
        let answer = server.post(&claim, &json!({"holder": "b"})).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            break answer.json::<Value>().await.unwrap();
        }
        assert_eq!(answer.status(), StatusCode::CONFLICT);
    };
    assert_eq!(taken["claimed_by"], "b");
    assert_eq!(refused(&server, &claim, json!({"holder": "a"})).await, (409, "claimed".to_owned()));
}

async fn what_cannot_be_worked_on_cannot_be_claimed(db: Database) {
    let server = Server::start(&db.url());
    let pending = file_with(&server, json!({"title": "t", "review_required": true})).await;
    assert_eq!(refused(&server, &format!("{pending}/claim"), json!({})).await, (409, "review_pending".to_owned()));
    let issue = file(&server, "t").await;
    act(&server, &format!("{issue}/claim"), json!({"holder": "a"})).await;
    let closed = act(&server, &format!("{issue}/close"), json!({})).await;
    assert_eq!(closed["claimed_by"], json!(null), "a claim ends with the issue");
    assert_eq!(refused(&server, &format!("{issue}/claim"), json!({})).await, (409, "issue_closed".to_owned()));
}
