//! `/reviews` and `/issues/{id}/review/…`.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{act, file, file_with, get, kinds, problem, refused};
use crate::support::database::Database;
use crate::support::server::{KEY, Server};

crate::support::on_both_stores!(
    what_waits_is_listed_oldest_first_page_by_page,
    an_approval_takes_the_issue_out_of_the_queue_once,
    an_edit_and_its_approval_happen_together_or_not_at_all,
    a_rejection_closes_and_reopening_asks_again,
);

async fn pending(server: &Server, title: &str) -> String {
    file_with(server, json!({"title": title, "review_required": true})).await
}

async fn titles(server: &Server) -> Vec<Value> {
    get(server, "/reviews").await["items"].as_array().unwrap().iter().map(|issue| issue["title"].clone()).collect()
}

async fn what_waits_is_listed_oldest_first_page_by_page(db: Database) {
    let server = Server::start(&db.url());
    let mut paths = Vec::new();
    for n in 0..5 {
        file(&server, "needs none").await;
        paths.push(pending(&server, &format!("r{n}")).await);
    }
    let (mut seen, mut path) = (Vec::new(), "/reviews?limit=2".to_owned());
    loop {
        let answer = server.get(&path).send().await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Value = answer.json().await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|issue| issue["title"].as_str().unwrap().to_owned()));
        assert_eq!(link.is_some(), page["next_cursor"].is_string());
        let Some(link) = link else { break };
        path = String::from(link.strip_prefix('<').unwrap().split('>').next().unwrap());
        assert!(link.ends_with("; rel=\"next\"") && path.contains(page["next_cursor"].as_str().unwrap()), "{link}");
    }
    assert_eq!(seen, ["r0", "r1", "r2", "r3", "r4"]);

    server.request(reqwest::Method::DELETE, &paths[1]).send().await.unwrap();
    act(&server, &format!("{}/review/approve", paths[2]), json!({})).await;
    assert_eq!(titles(&server).await, ["r0", "r3", "r4"], "archived ones and decided ones do not wait");
    for bad in ["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "cursor=x", "cursor=", "state=open"] {
        let answer = server.get(&format!("/reviews?{bad}")).send().await.unwrap();
        assert_eq!(problem(answer).await, (422, "invalid".to_owned()), "{bad}");
    }
    let keyless = server.client.get(format!("{}/reviews", server.base)).send().await.unwrap();
    assert_eq!(keyless.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        server.client.get(format!("{}/reviews", server.base)).header("x-api-key", KEY).send().await.unwrap().status(),
        StatusCode::OK
    );
}

async fn an_approval_takes_the_issue_out_of_the_queue_once(db: Database) {
    let server = Server::start(&db.url());
    let issue = pending(&server, "t").await;
    assert_eq!(kinds(&server, &issue).await, ["created", "review_requested"]);
    assert_eq!(refused(&server, &format!("{issue}/start"), json!({})).await, (409, "review_pending".to_owned()));
    let approve = format!("{issue}/review/approve");
    let approved = act(&server, &approve, json!({})).await;
    assert_eq!((&approved["review"], &approved["state"], &approved["version"]), (&json!("approved"), &json!("open"), &json!(3)));
    assert_eq!(act(&server, &approve, json!({})).await, approved);
    assert_eq!(refused(&server, &format!("{issue}/review/reject"), json!({"reason": "late"})).await, (409, "not_pending".to_owned()));
    let ordinary = file(&server, "t").await;
    assert_eq!(refused(&server, &format!("{ordinary}/review/approve"), json!({})).await, (409, "not_pending".to_owned()));
}

async fn an_edit_and_its_approval_happen_together_or_not_at_all(db: Database) {
    let server = Server::start(&db.url());
    let issue = pending(&server, "before").await;
    let approve = |tag: &str, body: Value| server.post(&format!("{issue}/review/approve"), &body).header("If-Match", tag).send();
    let stale = approve("\"1\"", json!({"edit": {"title": "after"}})).await.unwrap();
    assert_eq!(problem(stale).await, (412, "precondition_failed".to_owned()));
    for (body, pointer) in [
        (json!({"edit": {"title": null}}), "/edit/title"),
        (json!({"edit": {"review": "approved"}}), "/edit/review"),
        (json!({"edit": "title"}), "/edit"),
        (json!({"title": "after"}), "/title"),
    ] {
        let document: Value = approve("\"2\"", body).await.unwrap().json().await.unwrap();
        assert_eq!(document["errors"][0]["pointer"], pointer, "{document}");
    }
    let approved = approve("\"2\"", json!({"edit": {"title": "after", "labels": ["seen"]}})).await.unwrap();
    assert_eq!(approved.status(), StatusCode::OK);
    let approved: Value = approved.json().await.unwrap();
    assert_eq!((&approved["title"], &approved["review"], &approved["version"]), (&json!("after"), &json!("approved"), &json!(4)));
    assert_eq!(get(&server, &issue).await, approved);
    assert_eq!(kinds(&server, &issue).await, ["created", "review_requested", "edited", "review_approved"]);

    let ordinary = file(&server, "before").await;
    let body = json!({"edit": {"title": "after"}});
    assert_eq!(refused(&server, &format!("{ordinary}/review/approve"), body).await, (409, "not_pending".to_owned()));
    assert_eq!(get(&server, &ordinary).await["title"], "before");
}

async fn a_rejection_closes_and_reopening_asks_again(db: Database) {
    let server = Server::start(&db.url());
    let issue = pending(&server, "t").await;
    let reject = format!("{issue}/review/reject");
    assert_eq!(refused(&server, &reject, json!({})).await, (422, "invalid".to_owned()), "a rejection has a reason");
    let rejected = act(&server, &reject, json!({"reason": "not ours"})).await;
    assert_eq!((&rejected["review"], &rejected["review_reason"]), (&json!("rejected"), &json!("not ours")));
    assert_eq!((&rejected["state"], &rejected["close_reason"]), (&json!("closed"), &json!("not_planned")));
    assert_eq!(titles(&server).await, [] as [Value; 0]);
    let reopened = act(&server, &format!("{issue}/reopen"), json!({})).await;
    assert_eq!((&reopened["review"], &reopened["state"]), (&json!("pending"), &json!("open")));
    assert_eq!(titles(&server).await, ["t"]);
    assert_eq!(kinds(&server, &issue).await, ["created", "review_requested", "review_rejected", "reopened", "review_requested"]);
}
