//! `/issues/{id}`: editing, deleting, restoring.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{act, etag, file, file_with, get, kinds, problem, refused};
use crate::support::database::Database;
use crate::support::server::{KEY, Server, binary, task};

crate::support::on_both_stores!(
    a_merge_patch_changes_what_it_names_and_clears_with_null,
    every_fault_of_a_patch_is_listed_at_once,
    only_a_merge_patch_is_a_patch,
    many_edits_at_once_on_two_replicas_all_land,
    of_many_edits_of_one_edition_exactly_one_lands,
    a_deleted_issue_is_kept_shown_refuses_changes_and_comes_back,
    for_good_means_gone_with_everything_and_only_for_an_admin,
);

async fn a_merge_patch_changes_what_it_names_and_clears_with_null(db: Database) {
    let server = Server::start(&db.url());
    let mut body = task("before", "e");
    body["milestone"] = json!("m1");
    body["due_in_days"] = json!(3);
    let issue = file_with(&server, body).await;
    let patch = |body: Value| server.request(Method::PATCH, &issue).json(&body).send();

    let all = json!({"title": " after\n all ", "description": "d", "priority": "low", "kind": "bug", "labels": ["x", "X", "y"],
        "assignees": ["ann"], "milestone": "m2", "due_on": "2030-01-31"});
    let answer = patch(all).await.unwrap();
    assert_eq!((answer.status(), etag(&answer).as_str()), (StatusCode::OK, "\"2\""));
    let changed: Value = answer.json().await.unwrap();
    let expected = json!({"title": "after all", "description": "d", "priority": "low", "kind": "bug", "labels": ["x", "y"],
        "assignees": ["ann"], "milestone": "m2", "due_on": "2030-01-31", "target_repo": "activity-core", "state": "open", "version": 2});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&changed[field], value, "{field}");
    }
    assert_eq!(get(&server, &issue).await, changed, "what was answered is what is stored");

    let nothing = patch(json!({"title": "after all", "labels": ["x", "y"]})).await.unwrap();
    assert_eq!(etag(&nothing), "\"2\"", "an edit that changes nothing is no event");
    let cleared: Value = patch(json!({"description": null, "labels": null, "assignees": null, "milestone": null, "due_on": null}))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&cleared["description"], &cleared["labels"], &cleared["assignees"]), (&json!(""), &json!([]), &json!([])));
    assert_eq!((&cleared["milestone"], &cleared["due_on"], &cleared["title"]), (&json!(null), &json!(null), &json!("after all")));
    assert_eq!(kinds(&server, &issue).await, ["created", "edited", "edited"]);
}

async fn every_fault_of_a_patch_is_listed_at_once(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let body = json!({"title": null, "priority": "urgent", "labels": [1], "state": "closed", "tilte": "x", "milestone": "m"});
    let answer = server.request(Method::PATCH, &issue).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let document: Value = answer.json().await.unwrap();
    let told: Vec<_> =
        document["errors"].as_array().unwrap().iter().map(|fault| (fault["pointer"].clone(), fault["code"].clone())).collect();
    let expected = [
        ("/title", "not_nullable"),
        ("/priority", "unknown_word"),
        ("/labels/0", "wrong_type"),
        ("/state", "read_only"),
        ("/tilte", "unknown_field"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| (json!(pointer), json!(code))));
    assert!(document["errors"][3]["message"].as_str().unwrap().contains("POST /issues/{id}"), "{document}");
    assert_eq!(get(&server, &issue).await["milestone"], json!(null), "nothing of it was done");
}

async fn only_a_merge_patch_is_a_patch(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let patch = |kind: &'static str| {
        server.request(Method::PATCH, &issue).header("content-type", kind).body(format!("{{\"title\":\"as {kind}\"}}")).send()
    };
    for good in ["application/merge-patch+json", "application/json; charset=utf-8"] {
        assert_eq!(patch(good).await.unwrap().status(), StatusCode::OK, "{good}");
    }
    for bad in ["application/json-patch+json", "text/plain"] {
        let answer = patch(bad).await.unwrap();
        assert!(answer.headers()["accept-patch"].to_str().unwrap().contains("merge-patch"));
        assert_eq!(problem(answer).await, (415, "unsupported_media_type".to_owned()), "{bad}");
    }
    for missing in ["/issues/999999", "/issues/01901640-0000-7000-8000-000000000000", "/issues/gitea:1"] {
        let answer = server.request(Method::PATCH, missing).json(&json!({"title": "x"})).send().await.unwrap();
        assert_eq!(problem(answer).await, (404, "not_found".to_owned()), "{missing}");
    }
}

async fn many_edits_at_once_on_two_replicas_all_land(db: Database) {
    let servers = [Server::start(&db.url()), Server::start(&db.url())];
    let issue = file(&servers[0], "t").await;
    let fields = ["title", "description", "milestone", "labels", "assignees"];
    let edits = (0..20).map(|n| {
        let value = json!(format!("v{n}"));
        let field = fields[n % fields.len()];
        let value = if ["labels", "assignees"].contains(&field) { json!([value]) } else { value };
        servers[n % 2].request(Method::PATCH, &issue).json(&json!({field: value})).send()
    });
    for answer in join_all(edits).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let shown = get(&servers[0], &issue).await;
    assert_eq!(shown["version"], 21, "each edit is one event");
    assert_eq!(db.count("events").await, 21);
    for field in fields {
        assert!(shown[field].to_string().contains('v'), "no edit was overwritten by another field's: {shown}");
    }
}

async fn of_many_edits_of_one_edition_exactly_one_lands(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let edits =
        (0..20).map(|n| server.request(Method::PATCH, &issue).header("If-Match", "\"1\"").json(&json!({"title": format!("t{n}")})).send());
    let answers = join_all(edits).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.as_ref().unwrap().status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 19, "{statuses:?}");
    assert_eq!(get(&server, &issue).await["version"], 2);
}

async fn a_deleted_issue_is_kept_shown_refuses_changes_and_comes_back(db: Database) {
    let server = Server::start(&db.url());
    let issue = file_with(&server, task("t", "e")).await;
    for _ in 0..2 {
        let answer = server.request(Method::DELETE, &issue).send().await.unwrap();
        assert_eq!((answer.status(), etag(&answer).as_str()), (StatusCode::OK, "\"2\""), "deleting twice is deleting once");
        assert!(answer.json::<Value>().await.unwrap()["archived_at"].is_string());
    }
    assert!(get(&server, &issue).await["archived_at"].is_string());
    let edit = server.request(Method::PATCH, &issue).json(&json!({"title": "x"})).send().await.unwrap();
    assert_eq!(problem(edit).await, (409, "issue_archived".to_owned()));
    assert_eq!(refused(&server, &format!("{issue}/close"), json!({})).await, (409, "issue_archived".to_owned()));
    assert_eq!(server.post("/issues/", &task("t", "e")).send().await.unwrap().status(), StatusCode::OK, "its task is still known");

    let restored = act(&server, &format!("{issue}/restore"), json!({})).await;
    assert_eq!((&restored["archived_at"], &restored["version"]), (&json!(null), &json!(3)));
    assert_eq!(kinds(&server, &issue).await, ["created", "archived", "restored"]);
    let misspelt = server.request(Method::DELETE, &format!("{issue}?permanet=true")).send().await.unwrap();
    assert_eq!(misspelt.status(), StatusCode::UNPROCESSABLE_ENTITY, "a misspelt wish is not another wish");
}

async fn for_good_means_gone_with_everything_and_only_for_an_admin(db: Database) {
    let server = Server::start(&db.url());
    let issue = file_with(&server, task("t", "e")).await;
    act(&server, &format!("{issue}/close"), json!({"comment": "bye"})).await;
    let permanent = format!("{issue}?permanent=true");
    let without_scope = server.request(Method::DELETE, &permanent).send().await.unwrap();
    assert_eq!(problem(without_scope).await, (403, "forbidden".to_owned()));

    // Without any key configured everybody on this machine has every scope.
    let mut command = binary();
    command.arg("serve").env("DATABASE_URL", db.url());
    let admin = Server::spawn(command);
    let stale = admin.request(Method::DELETE, &permanent).header("If-Match", "\"1\"").send().await.unwrap();
    assert_eq!(problem(stale).await, (412, "precondition_failed".to_owned()));
    let gone = admin.request(Method::DELETE, &permanent).header("If-Match", "\"3\"").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let shown = server.get(&issue).send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::NOT_FOUND);
    for table in ["issues", "events", "comments", "messages"] {
        assert_eq!(db.count(table).await, 0, "{table}");
    }
    let again = server.client.post(format!("{}/issues/", server.base)).bearer_auth(KEY).json(&task("t", "e")).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::CREATED, "the task is a new one");
}
