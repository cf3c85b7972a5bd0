//! `/issues/{id}/timeline`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{act, file, get, problem};
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    the_timeline_shows_the_actor_time_cause_and_request_of_each_event,
    the_timeline_is_paged_without_gaps_also_where_events_are_heavy,
);

async fn the_timeline_shows_the_actor_time_cause_and_request_of_each_event(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "before").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let edit = server.request(Method::PATCH, &issue).header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    edit.json(&json!({"title": "after", "labels": ["x"]})).send().await.unwrap();
    act(&server, &format!("{issue}/block"), json!({"reason": "waits"})).await;
    act(&server, &format!("{issue}/close"), json!({"comment": "Never mind."})).await;

    let timeline = get(&server, &format!("{issue}/timeline")).await;
    let entries = timeline["items"].as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry["seq"].clone(), entry["kind"].clone())).collect();
    let expected = [(1, "created"), (2, "edited"), (3, "blocked"), (4, "comment_added"), (5, "closed")];
    assert_eq!(told, expected.map(|(seq, kind)| (json!(seq), json!(kind))));
    assert!(entries.iter().all(|entry| entry["actor"] == "default" && entry["at"].is_string() && entry["event_id"].is_string()));
    assert!(entries.iter().all(|entry| entry["trace_id"].as_str().unwrap().len() == 32));
    assert_eq!(entries[1]["trace_id"], trace);
    let changes = json!([
        {"field": "title", "from": "before", "to": "after"},
        {"field": "labels", "from": [], "to": ["x"]},
    ]);
    assert_eq!(entries[1]["changes"], changes);
    assert_eq!((&entries[2]["reason"], &entries[4]["reason"]), (&json!("waits"), &json!("completed")));
    assert_eq!(entries[3]["comment"], "Never mind.");

    let comment = format!("{issue}/comments/{}", entries[3]["comment_id"].as_str().unwrap());
    server.request(Method::DELETE, &comment).send().await.unwrap();
    let timeline = get(&server, &format!("{issue}/timeline")).await;
    assert_eq!(timeline["items"][3]["comment"], json!(null), "what was said is gone");
    assert_eq!(timeline["items"][5]["kind"], "comment_deleted");
    let nowhere = server.get("/issues/999999/timeline").send().await.unwrap();
    assert_eq!(problem(nowhere).await, (404, "not_found".to_owned()));
}

async fn the_timeline_is_paged_without_gaps_also_where_events_are_heavy(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    for n in 0..30 {
        let text = format!("{n}").repeat(200_000);
        server.request(Method::PATCH, &issue).json(&json!({"description": text})).send().await.unwrap();
    }
    let (mut seqs, mut pages, mut path) = (Vec::new(), 0, format!("{issue}/timeline?limit=200"));
    loop {
        let page: Value = get(&server, &path).await;
        pages += 1;
        seqs.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{issue}/timeline?limit=200&cursor={cursor}");
    }
    assert_eq!(seqs, (1..=31).collect::<Vec<_>>());
    assert!(pages > 1, "a page of megabytes ends early");
}
