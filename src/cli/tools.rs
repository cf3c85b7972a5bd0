//! The tools an agent has: their names, what they take, and what of the API each of them asks.
//!
//! To add one: its line in [`all`], its arm in [`call`].

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use super::api::{ApiPage, IssueApi, UrlQuery, with_query};
use super::error::CliError;
use super::names::{find, resolve};

/// More issues than these are only rehearsed, unless the agent says that it means it.
const FEW: usize = 3;

type Arguments = Map<String, Value>;

/// What each tool is for, and its input as a JSON schema.
pub(super) fn all() -> Vec<Tool> {
    let issue = json!({ "type": "string", "description": "Number, id, or the beginning of an id" });
    let issues = json!({ "type": "array", "items": issue, "minItems": 1, "maxItems": 1000 });
    let text = |description: &str| json!({ "type": "string", "description": description });
    let texts = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let priority = json!({ "enum": ["high", "medium", "low"] });
    let lease = json!({ "type": "integer", "minimum": 1, "maximum": 86_400, "description": "After it any caller may claim the issue; 900 if absent" });
    let relations = json!({ "type": "array", "maxItems": 100, "description": "How it stands to other issues", "items": {
        "type": "object", "required": ["relation", "to"], "properties": {
            "relation": { "enum": ["blocks", "blocked_by", "relates", "duplicates", "parent"] },
            "to": { "type": "string", "description": "Number, id, or BACKEND:key for an issue in a tracker" },
        },
    } });
    let rehearse = json!({ "type": "boolean", "description": "Only say what would change. Not given: true for more than three issues" });
    let holder = text("Your own name, which others see as the holder");
    let many = |more: &Value| {
        let mut input = json!({ "issues": issues, "dry_run": rehearse });
        input.as_object_mut().into_iter().for_each(|input| input.extend(more.as_object().cloned().unwrap_or_default()));
        input
    };
    vec![
        tool(
            "list_issues",
            "List or search issues, newest first",
            true,
            &[],
            &json!({
                "state": { "type": "array", "items": { "enum": ["open", "in_progress", "blocked", "closed"] } },
                "label": texts("With each of these"), "assignee": texts("Assigned to one of these"), "target_repo": texts("About one of these"),
                "priority": { "type": "array", "items": priority }, "q": text("Words that all must occur"),
                "limit": { "type": "integer", "minimum": 1, "maximum": 200 },
            }),
        ),
        tool("show_issue", "Show an issue with what was said about it", true, &["issue"], &json!({ "issue": issue })),
        tool(
            "create_issue",
            "File a task. With an idempotency key, repeated requests file it once",
            false,
            &["title"],
            &json!({
                "title": text("One line"), "description": text("Markdown"), "priority": priority, "labels": texts("Any words"),
                "assignees": texts("Names"), "target_repo": text("A repository without its owner"), "due_on": text("A day like 2026-06-30"),
                "relations": relations,
                "idempotency_key": text("A key of your own for this task"), "dry_run": { "type": "boolean" },
            }),
        ),
        tool(
            "comment_on_issue",
            "Say something about an issue",
            false,
            &["issue", "text"],
            &json!({ "issue": issue, "text": text("Markdown") }),
        ),
        tool(
            "claim_issue",
            "Take an issue, or renew your claim",
            false,
            &["issue"],
            &json!({ "issue": issue, "holder": holder, "lease_seconds": lease }),
        ),
        tool(
            "next_issue",
            "Claim the most urgent open issue without a holder",
            false,
            &[],
            &json!({
                "holder": holder, "lease_seconds": lease, "label": texts("With each of these"), "target_repo": texts("About one of these"),
            }),
        ),
        tool("start_issues", "Say that work on issues has begun", false, &["issues"], &many(&json!({}))),
        tool(
            "block_issues",
            "Say that work on issues cannot go on, and why",
            false,
            &["issues", "reason"],
            &many(&json!({ "reason": text("Why") })),
        ),
        tool(
            "close_issues",
            "Close issues",
            false,
            &["issues"],
            &many(&json!({
                "reason": { "enum": ["completed", "not_planned", "duplicate"] }, "comment": text("A last word on each, written together with the closing"),
            })),
        ),
    ]
}

fn tool(name: &'static str, description: &'static str, reads: bool, required: &[&str], properties: &Value) -> Tool {
    let schema = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let schema: JsonObject = schema.as_object().cloned().unwrap_or_default();
    Tool::new(name, description, Arc::new(schema)).with_annotations(ToolAnnotations::new().read_only(reads).destructive(false))
}

/// Runs a tool; what it answers is the API's own JSON.
pub(super) async fn call(api: &IssueApi, name: &str, mut arguments: Arguments) -> Result<Value, CliError> {
    match name {
        "list_issues" => list(api, &arguments).await,
        "show_issue" => show(api, &text(&arguments, "issue")?).await,
        "create_issue" => create(api, arguments).await,
        "comment_on_issue" => {
            let id = resolve(api, &text(&arguments, "issue")?).await?;
            api.post(&format!("/issues/{id}/comments"), &json!({ "body": arguments.get("text") })).await?.json()
        }
        "claim_issue" => {
            let id = resolve(api, &text(&arguments, "issue")?).await?;
            arguments.remove("issue");
            api.post(&format!("/issues/{id}/claim"), &Value::Object(arguments)).await?.json()
        }
        "next_issue" => next(api, arguments).await,
        "start_issues" => change(api, "/start", arguments, json!({ "state": "in_progress" })).await,
        "block_issues" => {
            let rehearsal = json!({ "state": "blocked", "blocked_reason": arguments.get("reason") });
            change(api, "/block", arguments, rehearsal).await
        }
        _ => {
            let rehearsal = json!({ "state": "closed", "close_reason": arguments.get("reason") });
            change(api, "/close", arguments, rehearsal).await
        }
    }
}

async fn list(api: &IssueApi, arguments: &Arguments) -> Result<Value, CliError> {
    const NAMES: [&str; 7] = ["state", "label", "assignee", "target_repo", "priority", "q", "limit"];
    let mut query = UrlQuery::new();
    for name in NAMES {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match arguments.get(name) {
            Some(Value::Array(values)) => query.extend(values.iter().map(|value| (name, plain(value)))),
            Some(value) => query.push((name, plain(value))),
            None => {}
        }
    }
    api.get(&with_query("/issues", &query)).await?.json()
}

async fn show(api: &IssueApi, name: &str) -> Result<Value, CliError> {
    let issue: Value = find(api, name).await?.json()?;
    let comments: ApiPage = api.items(&format!("/issues/{}/comments", issue["number"]), &UrlQuery::new(), 200).await?;
    Ok(json!({ "issue": issue, "comments": comments.items, "more_comments": comments.next_cursor.is_some() }))
}

async fn create(api: &IssueApi, mut task: Arguments) -> Result<Value, CliError> {
    let key = task.remove("idempotency_key").and_then(|key| key.as_str().map(str::to_owned));
    let path = if task.remove("dry_run") == Some(Value::Bool(true)) { "/issues?dry_run=true" } else { "/issues" };
    api.file(path, Value::Object(task).to_string().into_bytes(), key.as_deref()).await?.json()
}

async fn next(api: &IssueApi, mut arguments: Arguments) -> Result<Value, CliError> {
    let filter: Arguments = ["label", "target_repo"].into_iter().filter_map(|name| arguments.remove_entry(name)).collect();
    arguments.insert("filter".to_owned(), filter.into());
    let answer = api.post("/issues/next", &Value::Object(arguments)).await?;
    if answer.status == 204 {
        Ok(json!({ "issue": null, "detail": "nothing is left to claim" }))
    } else {
        Ok(json!({ "issue": answer.json::<Value>()? }))
    }
}

/// A change of issues: of few of them at once, of many only after a dry run that the agent has
/// seen.
async fn change(api: &IssueApi, act: &str, mut arguments: Arguments, rehearsal: Value) -> Result<Value, CliError> {
    let names = arguments.remove("issues").unwrap_or_default();
    let names: Vec<String> = serde_json::from_value(names).map_err(|_| CliError::usage("issues must be a list of names"))?;
    let dry_run = arguments.remove("dry_run").and_then(|wish| wish.as_bool()).unwrap_or(names.len() > FEW);
    let mut ids = Vec::new();
    for name in &names {
        ids.push(resolve(api, name).await?);
    }
    if dry_run {
        let given = rehearsal.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let rehearsal: Arguments = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        return api.post("/issues/bulk", &json!({ "ids": ids, "change": rehearsal, "dry_run": true })).await?.json();
    }
    let mut items = Vec::new();
    for (name, id) in names.iter().zip(&ids) {
        items.push(match api.act("POST", id, act, Some(Value::Object(arguments.clone()))).await {
            Ok(answer) => json!({ "name": name, "issue": answer.json::<Value>()? }),
            Err(error) => json!({ "name": name, "error": error.to_string() }),
        });
    }
    Ok(json!({ "dry_run": false, "items": items }))
}

fn text(arguments: &Arguments, name: &str) -> Result<String, CliError> {
    match arguments.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(CliError::usage(format!("{name} must be a text"))),
    }
}
