//! `/labels`, `/milestones`, `/assignees`, `/repos` and `/stats`.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(counts_follow_what_happens_to_issues, facets_are_read_page_by_page_and_refuse_what_they_do_not_know,);

async fn json(server: &Server, path: &str) -> Value {
    let answer = server.get(path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

async fn counts_follow_what_happens_to_issues(db: Database) {
    let server = Server::start(&db.url());
    let body = json!({"title": "t", "labels": ["SBOM"], "assignees": ["zoe"], "milestone": "v1", "target_repo": "core"});
    for _ in 0..4 {
        server.post("/issues/", &body).send().await.unwrap();
    }
    server.post("/issues/1/close", &json!({})).send().await.unwrap();
    server.request(reqwest::Method::DELETE, "/issues/2").send().await.unwrap();
    server.request(reqwest::Method::PATCH, "/issues/3").json(&json!({"labels": ["sbom", "late"], "milestone": null})).send().await.unwrap();
    let value = |name: &str, active: i64, closed: i64| json!({"name": name, "total": active + closed, "active": active, "closed": closed});
    assert_eq!(json(&server, "/labels").await, json!({"items": [value("late", 1, 0), value("SBOM", 2, 1)], "next_cursor": null}));
    assert_eq!(json(&server, "/assignees").await["items"], json!([value("zoe", 2, 1)]));
    assert_eq!(json(&server, "/milestones").await["items"], json!([value("v1", 1, 1)]));
    assert_eq!(json(&server, "/repos").await["items"], json!([value("core", 2, 1)]));
    let stats = json(&server, "/stats").await;
    assert_eq!(stats["states"], json!([value("open", 2, 0), value("closed", 0, 1)]));
    assert_eq!(stats["backends"], json!([value(db.dialect(), 2, 1)]));
    assert_eq!(stats["archived"], 1);
    let ages: i64 = stats["ages"].as_array().unwrap().iter().map(|age| age["active"].as_i64().unwrap()).sum();
    assert_eq!(ages, 2);
}

async fn facets_are_read_page_by_page_and_refuse_what_they_do_not_know(db: Database) {
    let server = Server::start(&db.url());
    for labels in [json!(["a", "B", "c"]), json!(["b"]), json!(["Über"])] {
        server.post("/issues/", &json!({"title": "t", "labels": labels})).send().await.unwrap();
    }
    let names =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<String>();
    let first = json(&server, "/labels?limit=2").await;
    let second = json(&server, &format!("/labels?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((names(&first), names(&second)), ("aB".to_owned(), "cÜber".to_owned()));
    assert_eq!(names(&json(&server, "/labels?prefix=%C3%9CB").await), "Über");
    assert_eq!(names(&json(&server, "/labels?sort=count&limit=1").await), "B");
    for (path, pointer) in [("/labels?q=x", "q"), ("/repos?limit=0", "limit"), ("/assignees?sort=age", "sort"), ("/stats?x=1", "x")] {
        assert_problem(server.get(path).send().await.unwrap(), "invalid", Some(pointer)).await;
    }
}
