//! As much of the query language as is asked for.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{AzureDevops, Item, QUERY_CAP, Reply, Request, refused};

pub(super) fn answer(tracker: &mut AzureDevops, project: &str, request: &Request) -> Reply {
    let body = request.json();
    let Some(query) = body["query"].as_str().and_then(|query| query.strip_prefix("SELECT [System.Id] FROM WorkItems WHERE ")) else {
        return refused(400, "TF51006: The query statement is missing a SELECT clause.");
    };
    if query.contains('\'') && request.query("timePrecision") != Some("true") {
        return refused(400, "TF51005: You cannot supply a time with the date when running a query using date precision.");
    }
    let (conditions, order) = query.split_once(" ORDER BY [System.Id]").expect("an order");
    let mut found: Vec<i64> = tracker
        .items
        .iter()
        .filter(|item| !item.away && item.hidden == 0 && conditions.split(" AND ").all(|condition| holds(item, condition, project)))
        .map(|item| item.id)
        .collect();
    if order.trim() == "DESC" {
        found.reverse();
    }
    tracker.items.iter_mut().for_each(|item| item.hidden = item.hidden.saturating_sub(1));
    found.truncate(request.query("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX));
    if found.len() > QUERY_CAP {
        return refused(
            400,
            "VS402337: The number of work items returned exceeds the size limit of 20000. Change the query to return fewer items.",
        );
    }
    let items: Vec<Value> = found.into_iter().map(|id| json!({"id": id, "url": "https://dev.azure.example"})).collect();
    Reply::json(200, &json!({"queryType": "flat", "queryResultType": "workItem", "workItems": items}))
}

fn holds(item: &Item, condition: &str, project: &str) -> bool {
    let moment = |text: &str| text.trim_matches('\'').parse::<DateTime<Utc>>().expect("a moment");
    let (field, rest) = condition.split_once(' ').unwrap();
    let (sign, value) = rest.split_once(' ').unwrap();
    match (field, sign) {
        ("[System.TeamProject]", "=") => value == "@project" && item.project == project,
        ("[System.CreatedDate]", ">=") => item.created >= moment(value),
        ("[System.ChangedDate]", ">=") => item.changed >= moment(value),
        ("[System.Id]", ">") => item.id > value.parse().unwrap(),
        _ => panic!("the simulator does not understand {condition:?}"),
    }
}
