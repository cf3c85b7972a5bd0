//! How issues stand to each other: filed, edited and shown, with every way to name the other one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{act, file, file_with, get, kinds, problem, refused};
use crate::support::database::Database;
use crate::support::server::{Server, binary, task};

crate::support::on_both_stores!(
    relations_are_filed_edited_and_shown,
    every_fault_is_listed_at_once_and_a_missing_issue_is_a_refusal_that_leaves_nothing_behind,
    a_task_with_an_unknown_relation_spoils_no_other_of_its_batch,
    a_repeat_is_recognised_by_its_relations_too,
    a_task_is_approved_with_its_relations,
);

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

async fn patched(server: &Server, issue: &str, relations: Value) -> Value {
    let answer = server.request(Method::PATCH, issue).json(&json!({"relations": relations})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn relations_are_filed_edited_and_shown(db: Database) {
    let server = Server::start(&db.url());
    let (one, two) = (file(&server, "one").await, file(&server, "two").await);
    let mut body = task("three", "e");
    body["relations"] = json!([
        {"relation": "blocks", "to": "1"}, {"relation": "blocks", "to": id(&one)}, {"relation": "blocked_by", "to": "#1"},
        {"relation": "parent", "to": id(&two).to_uppercase()}, {"relation": "relates", "to": " gitea: acme/tools#12 "},
    ]);
    let three = file_with(&server, body).await;
    let shown = json!([
        {"relation": "blocks", "to": id(&one), "number": 1}, {"relation": "blocked_by", "to": id(&one), "number": 1},
        {"relation": "parent", "to": id(&two), "number": 2}, {"relation": "relates", "to": "gitea:acme/tools#12"},
    ]);
    let issue = get(&server, &three).await;
    assert_eq!(issue["relations"], shown, "each once");
    assert_eq!(get(&server, &one).await["relations"], json!([]), "the other one need not know of it");
    let listed = get(&server, "/issues?sort=number&order=asc").await["items"].clone();
    assert_eq!((&listed[0]["relations"], &listed[2]["relations"][0]), (&json!([]), &json!({"relation": "blocks", "to": id(&one)})));

    // What was shown may be sent back, and is no change.
    assert_eq!(patched(&server, &three, shown).await["version"], 1);
    let edited = patched(&server, &three, json!([{"relation": "duplicates", "to": "2"}])).await;
    assert_eq!((&edited["version"], &edited["relations"]), (&json!(2), &json!([{"relation": "duplicates", "to": id(&two)}])));
    let told = get(&server, &format!("{three}/timeline")).await["items"].clone();
    let change = told.as_array().unwrap().iter().find(|event| event["kind"] == "edited").unwrap()["changes"][0].clone();
    assert_eq!((&change["field"], &change["to"]), (&json!("relations"), &json!([format!("duplicates {}", id(&two))])));
    assert_eq!(change["from"].as_array().unwrap().len(), 4);

    // One that was removed for good leaves a reference without a number.
    let mut command = binary();
    command.arg("serve").env("DATABASE_URL", db.url());
    let admin = Server::spawn(command);
    assert_eq!(admin.request(Method::DELETE, &format!("{two}?permanent=true")).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&server, &three).await["relations"], json!([{"relation": "duplicates", "to": id(&two)}]));
    assert_eq!(patched(&server, &three, Value::Null).await["relations"], json!([]));
}

async fn every_fault_is_listed_at_once_and_a_missing_issue_is_a_refusal_that_leaves_nothing_behind(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "one").await;
    let faulty = json!({"title": "", "relations": [{"relation": "likes", "to": "OPS-7"}, {"relation": "parent", "to": "1"}, 7]});
    let expected = [
        ("/title", "blank"),
        ("/relations/0/relation", "unknown_word"),
        ("/relations/0/to", "not_a_reference"),
        ("/relations/2", "wrong_type"),
    ];
    let posted = server.post("/issues/", &faulty).send().await.unwrap();
    let edited = server.request(Method::PATCH, &issue).json(&faulty).send().await.unwrap();
    for answer in [posted, edited] {
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let errors = answer.json::<Value>().await.unwrap()["errors"].clone();
        let told: Vec<_> = errors.as_array().unwrap().iter().map(|fault| (fault["pointer"].clone(), fault["code"].clone())).collect();
        assert_eq!(told, expected.map(|(pointer, code)| (json!(pointer), json!(code))));
    }

    let nobody = "01901640-0000-7000-8000-000000000000";
    let unknown = json!({"title": "two", "relations": [{"relation": "blocks", "to": "99"}, {"relation": "blocks", "to": "1"},
        {"relation": "relates", "to": nobody}]});
    let posted = server.post("/issues/", &unknown).send().await.unwrap();
    let rehearsed = server.post("/issues/?dry_run=true", &unknown).send().await.unwrap();
    let edited = server.request(Method::PATCH, &issue).json(&unknown).send().await.unwrap();
    for answer in [posted, rehearsed, edited] {
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "unknown_issue");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("/relations/0/to: there is no issue 99")
                && detail.contains(&format!("/relations/2/to: there is no issue {nobody}"))
        );
        assert!(!detail.contains("/relations/1"), "{detail}");
    }
    let parents = json!({"title": "x", "relations": [{"relation": "parent", "to": "1"}, {"relation": "parent", "to": "gitea:x"}]});
    assert_eq!(problem(server.post("/issues/", &parents).send().await.unwrap()).await, (409, "two_parents".to_owned()));
    let to_itself = server.request(Method::PATCH, &issue).json(&json!({"title": "x", "relations": [{"relation": "relates", "to": "1"}]}));
    assert_eq!(problem(to_itself.send().await.unwrap()).await, (409, "relation_to_itself".to_owned()));
    assert_eq!((db.count("issues").await, kinds(&server, &issue).await), (1, vec!["created".to_owned()]));
    assert_eq!(get(&server, &issue).await["title"], "one");
}

async fn a_task_with_an_unknown_relation_spoils_no_other_of_its_batch(db: Database) {
    let server = Server::start(&db.url());
    let one = file(&server, "one").await;
    let related = |title: &str, to: &str| json!({"title": title, "relations": [{"relation": "blocks", "to": to}]});
    let tasks = json!({"tasks": [related("a", "1"), related("b", "99"), {"title": "c"}, related("d", "nobody"), related("e", id(&one))]});
    let answer = act(&server, "/issues/batch", tasks).await;
    let statuses: Vec<&Value> = answer["items"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, ["created", "refused", "created", "invalid", "created"]);
    assert_eq!(
        (&answer["items"][1]["code"], &answer["items"][3]["errors"][0]["pointer"]),
        (&json!("unknown_issue"), &json!("/tasks/3/relations/0/to"))
    );
    for n in [0, 4] {
        let path = format!("/issues/{}", answer["items"][n]["issue_id"].as_str().unwrap());
        assert_eq!(get(&server, &path).await["relations"][0]["to"], id(&one));
    }
}

async fn a_repeat_is_recognised_by_its_relations_too(db: Database) {
    let server = Server::start(&db.url());
    file(&server, "one").await;
    let post = async |relations: Value| {
        let body = json!({"title": "t", "relations": relations});
        server.post("/issues/", &body).header("Idempotency-Key", "k").send().await.unwrap()
    };
    let blocks = || json!([{"relation": "blocks", "to": "1"}]);
    assert_eq!(post(blocks()).await.status(), StatusCode::CREATED);
    assert_eq!(post(blocks()).await.status(), StatusCode::OK);
    for other in [json!([]), json!([{"relation": "relates", "to": "1"}])] {
        assert_eq!(problem(post(other).await).await, (422, "idempotency_key_reused".to_owned()));
    }
}

async fn a_task_is_approved_with_its_relations(db: Database) {
    let server = Server::start(&db.url());
    file(&server, "one").await;
    let issue = file_with(&server, json!({"title": "two", "review_required": true})).await;
    let approve = format!("{issue}/review/approve");
    let edit = |to: &str| json!({"edit": {"relations": [{"relation": "blocked_by", "to": to}]}});
    let answer = server.post(&approve, &edit("9")).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("/edit/relations/0/to: there is no issue 9"));
    assert_eq!(refused(&server, &approve, edit("2")).await, (409, "relation_to_itself".to_owned()));
    let approved = act(&server, &approve, edit("1")).await;
    assert_eq!((&approved["review"], &approved["relations"][0]["relation"]), (&json!("approved"), &json!("blocked_by")));
}
