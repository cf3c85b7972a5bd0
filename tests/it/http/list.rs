//! `GET /issues/`: what the store's suite does not see, the parameters, the pages and their links, and the ranking.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    pages_follow_their_links_to_the_end,
    filters_combine_and_what_is_not_one_is_refused,
    a_search_ranks_the_title_first_and_pages_through,
    a_total_is_counted_on_request_and_a_reader_who_has_the_page_is_spared,
    a_comment_is_found_at_once_and_an_edit_too,
);

async fn file(server: &Server, body: Value) -> Value {
    let answer = server.post("/issues/", &body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

async fn titles(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/issues/{query}")).send().await.unwrap();
    let status = answer.status();
    let list: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{list}");
    list["items"].as_array().unwrap().iter().map(|issue| issue["title"].as_str().unwrap().to_owned()).collect()
}

async fn pages_follow_their_links_to_the_end(db: Database) {
    let server = Server::start(&db.url());
    for n in 0..7 {
        file(&server, json!({"title": format!("{n}"), "labels": ["A & b"], "due_in_days": if n % 2 == 0 { Some(n) } else { None }})).await;
    }
    for (query, expected) in
        [("?label=a%20%26%20b&limit=3", "6543210"), ("?limit=3&sort=due", "0246135"), ("?limit=3&sort=due&order=desc", "6420531")]
    {
        let (mut path, mut seen) = (format!("/issues{query}"), String::new());
        loop {
            let answer = server.get(&path).send().await.unwrap();
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let page: Value = answer.json().await.unwrap();
            for issue in page["items"].as_array().unwrap() {
                seen.push_str(issue["title"].as_str().unwrap());
            }
            let Some(link) = link else {
                assert_eq!(page["next_cursor"], Value::Null);
                break;
            };
            link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().clone_into(&mut path);
        }
        assert_eq!(seen, expected, "{query}");
    }
}

async fn filters_combine_and_what_is_not_one_is_refused(db: Database) {
    let server = Server::start(&db.url());
    file(&server, json!({"title": "a", "labels": ["x", "y"], "priority": "high", "target_repo": "r"})).await;
    file(&server, json!({"title": "b", "labels": ["X"], "priority": "low", "assignees": ["zoe"]})).await;
    file(&server, json!({"title": "c", "triggering_event_id": "nightly-2026-06-16T07:00:00+00:00"})).await;
    server.post("/issues/1/close", &json!({})).send().await.unwrap();
    assert_eq!(titles(&server, "?label=X").await, ["b", "a"]);
    assert_eq!(titles(&server, "?label=x&label=y").await, ["a"]);
    assert_eq!(titles(&server, "?label_none=y&state=open,closed&sort=number&order=asc").await, ["b", "c"]);
    assert_eq!(titles(&server, "?state=closed&target_repo=r&priority=high&unassigned=true").await, ["a"]);
    assert_eq!(titles(&server, "?triggering_event_id=nightly-2026-06-16T07:00:00%2B00:00").await, ["c"]);
    assert_eq!(titles(&server, "?created_from=2020-01-01&created_before=2021-01-01").await, Vec::<String>::new());
    let refused = |query: &str| server.get(&format!("/issues/{query}")).send();
    for (query, pointer) in
        [("?stat=open", "stat"), ("?state=opne", "state"), ("?limit=201", "limit"), ("?cursor=x", "cursor"), ("?sort=relevance", "sort")]
    {
        let answer = refused(query).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_problem(answer, "invalid", Some(pointer)).await;
    }
    let page: Value = server.get("/issues/?limit=1").send().await.unwrap().json().await.unwrap();
    let elsewhere = format!("?limit=1&state=open&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_problem(refused(&elsewhere).await.unwrap(), "invalid", Some("cursor")).await;
}

async fn a_search_ranks_the_title_first_and_pages_through(db: Database) {
    let server = Server::start(&db.url());
    let late = format!("{} sbom", "filler ".repeat(100));
    file(&server, json!({"title": "title has the SBOM"})).await;
    file(&server, json!({"title": "opening", "description": "an sbom, early"})).await;
    file(&server, json!({"title": "late", "description": late})).await;
    file(&server, json!({"title": "second sbom in a title"})).await;
    file(&server, json!({"title": "nothing"})).await;
    let expected = ["second sbom in a title", "title has the SBOM", "opening", "late"];
    assert_eq!(titles(&server, "?q=sbom").await, expected);
    assert_eq!(titles(&server, "?q=sbom&sort=number&order=asc").await, ["title has the SBOM", "opening", "late", "second sbom in a title"]);
    assert_eq!(titles(&server, "?q=sbo*").await.len(), 4);
    assert_eq!(titles(&server, "?q=%22sbom%20in%22").await, ["second sbom in a title"]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value = server.get(&format!("/issues/?q=sbom&limit=3{cursor}")).send().await.unwrap().json().await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|issue| issue["title"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What is filed meanwhile does not push anything onto the next page.
        file(&server, json!({"title": "newer sbom"})).await;
    }
    assert_eq!(seen, expected);
}

async fn a_total_is_counted_on_request_and_a_reader_who_has_the_page_is_spared(db: Database) {
    let server = Server::start(&db.url());
    for n in 0..5 {
        file(&server, json!({"title": "t", "labels": ["l"], "kind": if n == 0 { "bug" } else { "task" }})).await;
    }
    let total = async |query: &str| {
        let list: Value = server.get(&format!("/issues/{query}")).send().await.unwrap().json().await.unwrap();
        (list["total"].clone(), list["total_is_exact"].clone())
    };
    assert_eq!(total("").await, (Value::Null, Value::Null));
    for (query, count) in
        [("?total=true", 5), ("?total=true&label=L&limit=1", 5), ("?total=true&kind=bug", 1), ("?total=true&state=closed", 0)]
    {
        assert_eq!(total(query).await, (json!(count), json!(true)), "{query}");
    }
    let first = server.get("/issues/").send().await.unwrap();
    let again = server.get("/issues/").header("If-None-Match", first.headers()["etag"].clone()).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

async fn a_comment_is_found_at_once_and_an_edit_too(db: Database) {
    let server = Server::start(&db.url());
    file(&server, json!({"title": "first title"})).await;
    let said = server.post("/issues/1/comments", &json!({"body": "looks like Überlauf"})).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::CREATED);
    assert_eq!(titles(&server, "?q=überlauf%20title").await, ["first title"]);
    let edit = server.request(reqwest::Method::PATCH, "/issues/1").json(&json!({"title": "other words"}));
    assert_eq!(edit.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(titles(&server, "?q=first").await, Vec::<String>::new());
    assert_eq!(titles(&server, "?q=other%20%C3%9Cberlauf").await, ["other words"]);
}
