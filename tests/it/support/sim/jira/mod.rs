//! Jira, Cloud and Data Center: projects with a workflow that leads to the end in three moves, a required field, pages capped at 4 (of a search at 20),
//! and a search that does not know of an issue for the next three searches after it was made.

mod texts;

use std::time::Duration;

use base64::Engine as _;
use chrono::{DateTime, Utc};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Map, Value, json};

use super::bonds::Bonds;
use super::person::PRIORITIES;
use super::{Reply, Request, SimComment, SimEdit, SimIssue, Vendor};

const CAP: usize = 4;
const SEARCH_CAP: usize = 20;
const BOT: &str = "issue-bot";
const USER: &str = "bot@acme.example";
const PROJECTS: &[&str] = &["OPS", "A2", "A3", "A4", "A5", "LAST"];
/// Name, category, and where it leads.
const WORKFLOW: &[(&str, &str, &[&str])] = &[
    ("To Do", "new", &["In Progress"]),
    ("In Progress", "indeterminate", &["To Do", "In Review"]),
    ("In Review", "indeterminate", &["In Progress", "Done"]),
    ("Done", "done", &["In Progress"]),
];
const SCREEN: &[&str] =
    &["project", "issuetype", "summary", "description", "labels", "priority", "assignee", "fixVersions", "duedate", "customfield_10010"];

#[derive(Clone)]
struct Jira {
    cloud: bool,
    issues: Vec<Issue>,
    next_comment: u64,
    bonds: Bonds,
}

#[derive(Clone)]
struct Issue {
    id: u64,
    /// Deleted, or not visible any more: the same to a client.
    away: bool,
    project: &'static str,
    number: u64,
    fields: Map<String, Value>,
    status: usize,
    /// The resolution, which the last move asks for.
    resolution: Option<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    comments: Vec<Comment>,
    /// Searches that still do not see it.
    hidden: u32,
}

/// By id; none takes it away.
struct NewParent(Option<String>);

#[derive(Clone)]
struct Comment {
    id: u64,
    author: String,
    body: Value,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

pub(super) fn cloud() -> Box<dyn Vendor> {
    Box::new(Jira { cloud: true, issues: Vec::new(), next_comment: 500, bonds: Bonds::default() })
}

pub(super) fn data_center() -> Box<dyn Vendor> {
    Box::new(Jira { cloud: false, issues: Vec::new(), next_comment: 500, bonds: Bonds::default() })
}

fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"errorMessages": [message], "errors": {}}))
}

fn field_refused(field: &str, why: &str) -> Reply {
    Reply::json(400, &json!({"errorMessages": [], "errors": {field: why}}))
}

fn status(at: usize) -> Value {
    let (name, category, _) = WORKFLOW[at];
    json!({"id": (10_000 + at).to_string(), "name": name, "statusCategory": {"id": at, "key": category, "name": category}})
}

fn range(request: &Request, total: usize, cap: usize) -> (usize, std::ops::Range<usize>) {
    let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
    let start = number("startAt").unwrap_or(0).min(total);
    (start, start..(start + number("maxResults").unwrap_or(50).min(request.cap(cap))).min(total))
}

impl Jira {
    fn people(&self) -> &'static [&'static str] {
        if self.cloud { &["5b10a2844c20165700ede21g", "5b10ac8d82e05b22cc7d4ef5", "712020-3c"] } else { &["ann", "bob", "cleo"] }
    }

    fn person_key(&self) -> &'static str {
        if self.cloud { "accountId" } else { "name" }
    }

    /// The refusal of a value; otherwise the value as the server keeps it.
    fn taken(&self, field: &str, value: &Value) -> Result<Value, Reply> {
        let wrong = |why: &str| Err(field_refused(field, why));
        match field {
            "summary" => match value.as_str() {
                Some(text) if !text.trim().is_empty() && text.chars().count() <= 255 && !text.contains('\n') => Ok(value.clone()),
                _ => wrong("You must specify a summary of the issue."),
            },
            "description" => self.text_taken(value).map_or_else(|why| wrong(&why), Ok),
            "labels" => match value.as_array().into_iter().flatten().find(|label| !label.as_str().is_some_and(label_is_fine)) {
                Some(label) => wrong(&format!("The label '{label}' contains spaces which is invalid.")),
                None => Ok(value.clone()),
            },
            "priority" if ["Highest", "High", "Medium", "Low", "Lowest"].iter().any(|name| value["name"] == *name) => Ok(value.clone()),
            "priority" => wrong("The priority selected is invalid."),
            "assignee" if value.is_null() => Ok(Value::Null),
            "assignee" => match value[self.person_key()].as_str() {
                Some(name) if self.people().contains(&name) => Ok(json!({self.person_key(): name, "displayName": name})),
                _ => wrong("User cannot be assigned issues."),
            },
            "fixVersions" => {
                let known = value.as_array().is_some_and(|all| all.iter().all(|version| version["id"] == "7001"));
                if known { Ok(json!([{"id": "7001", "name": "v1"}])) } else { wrong("Version id is not valid") }
            }
            "duedate" if value.is_null() || value.as_str().is_some_and(|day| day.parse::<chrono::NaiveDate>().is_ok()) => Ok(value.clone()),
            "duedate" => wrong("Error parsing date string"),
            "customfield_10010" | "issuetype" | "project" => Ok(value.clone()),
            _ => wrong(&format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown.")),
        }
    }

    fn text_taken(&self, value: &Value) -> Result<Value, String> {
        if !self.cloud {
            return value
                .as_str()
                .filter(|text| text.len() <= 32_767)
                .map(|_| value.clone())
                .ok_or_else(|| "Operation value must be a string".to_owned());
        }
        texts::valid(value)?;
        Ok(value.clone())
    }

    fn create(&mut self, body: &Value, now: DateTime<Utc>, hidden: u32) -> Reply {
        let given = body["fields"].as_object().cloned().unwrap_or_default();
        let Some(project) = PROJECTS.iter().find(|key| given.get("project").is_some_and(|project| project["key"] == **key)) else {
            return field_refused("project", "valid project is required");
        };
        if given.get("issuetype").is_none_or(|kind| kind["name"] != "Task") {
            return field_refused("issuetype", "Specify a valid issue type");
        }
        for (field, name) in [("summary", "Summary"), ("customfield_10010", "Team")] {
            if !given.contains_key(field) {
                return field_refused(field, &format!("{name} is required."));
            }
        }
        let mut fields = Map::new();
        for (field, value) in &given {
            match self.taken(field, value) {
                Ok(value) => _ = fields.insert(field.clone(), value),
                Err(reply) => return reply,
            }
        }
        let id = 10_001 + self.issues.len() as u64;
        // Numbers are left out now and then, as by creations that failed.
        let number = self.last(project) + 1 + u64::from(id % 10 == 1);
        let key = format!("{project}-{number}");
        self.issues.push(Issue {
            id,
            away: false,
            project,
            number,
            fields,
            status: 0,
            resolution: None,
            created: now,
            updated: now,
            comments: Vec::new(),
            hidden,
        });
        Reply::json(201, &json!({"id": id.to_string(), "key": key, "self": format!("https://acme.example/rest/api/3/issue/{id}")}))
    }

    fn show(issue: &Issue) -> Value {
        let mut fields = issue.fields.clone();
        fields.insert("status".to_owned(), status(issue.status));
        fields.insert("created".to_owned(), json!(moment(issue.created)));
        fields.insert("updated".to_owned(), json!(moment(issue.updated)));
        json!({"id": issue.id.to_string(), "key": format!("{}-{}", issue.project, issue.number), "fields": fields})
    }

    fn search(&mut self, request: &Request) -> Reply {
        let Some((conditions, order)) = request.query("jql").and_then(|jql| jql.split_once(" ORDER BY ")) else {
            return refused(400, "an unbounded query");
        };
        let number = |text: &str| text.parse::<i64>().expect("a moment in milliseconds");
        let holds = |issue: &Issue, condition: &str| match condition.split_once(' ') {
            Some(("project", rest)) => rest == format!("= \"{}\"", issue.project),
            Some(("created", rest)) if rest.starts_with(">= ") => issue.created.timestamp_millis() >= number(&rest[3..]),
            Some(("created", rest)) if rest.starts_with("< ") => issue.created.timestamp_millis() < number(&rest[2..]),
            Some(("updated", rest)) if rest.starts_with(">= ") => issue.updated.timestamp_millis() >= number(&rest[3..]),
            _ => panic!("the simulator does not understand {condition:?}"),
        };
        let mut found: Vec<&Issue> = self
            .issues
            .iter()
            .filter(|issue| !issue.away && issue.hidden == 0 && conditions.split(" AND ").all(|condition| holds(issue, condition)))
            .collect();
        match order {
            "key ASC" => found.sort_by_key(|issue| issue.number),
            "created DESC" => found.sort_by_key(|issue| std::cmp::Reverse(issue.created)),
            "updated ASC, key ASC" => found.sort_by_key(|issue| (issue.updated, issue.number)),
            other => panic!("the simulator does not know the order {other:?}"),
        }
        let total = found.len();
        let shown = |range: std::ops::Range<usize>| -> Vec<Value> { found[range].iter().map(|issue| Self::show(issue)).collect() };
        if !self.cloud {
            let (start, range) = range(request, total, SEARCH_CAP);
            let page = json!({"startAt": start, "maxResults": range.len(), "total": total, "issues": shown(range)});
            self.issues.iter_mut().for_each(|issue| issue.hidden = issue.hidden.saturating_sub(1));
            return Reply::json(200, &page);
        }
        let start =
            request.query("nextPageToken").map_or(0, |token| token.strip_prefix("token-").expect("a token of ours").parse().unwrap());
        let end = (start + request.cap(SEARCH_CAP)).min(total);
        let mut page = json!({"issues": shown(start..end), "isLast": end == total});
        self.issues.iter_mut().for_each(|issue| issue.hidden = issue.hidden.saturating_sub(1));
        if end < total {
            page["nextPageToken"] = json!(format!("token-{end}"));
        }
        Reply::json(200, &page)
    }

    /// The number in a project given last.
    fn last(&self, project: &str) -> u64 {
        self.issues.iter().rev().find(|issue| issue.project == project).map_or(0, |issue| issue.number)
    }

    /// A text as a person types it, in the form that is kept.
    fn typed(&self, text: &str) -> Value {
        if self.cloud { texts::document(text) } else { json!(text) }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let named = |issue: &Issue| issue.id.to_string() == name || format!("{}-{}", issue.project, issue.number) == name;
        self.issues.iter().position(|issue| !issue.away && named(issue))
    }

    fn edit(&mut self, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let parent = match self.parent_taken(at, body) {
            Ok(parent) => parent,
            Err(reply) => return reply,
        };
        let mut fields = self.issues[at].fields.clone();
        for (field, value) in body["fields"].as_object().into_iter().flatten().filter(|(field, _)| *field != "parent") {
            match self.taken(field, value) {
                Ok(value) => _ = fields.insert(field.clone(), value),
                Err(reply) => return reply,
            }
        }
        for (field, steps) in body["update"].as_object().into_iter().flatten().filter(|(field, _)| *field != "parent") {
            if body["fields"].get(field).is_some() {
                return field_refused(field, "Field cannot be in both fields and update");
            }
            let mut set = fields.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
            for step in steps.as_array().into_iter().flatten() {
                let (add, gone) = (step.get("add"), step.get("remove"));
                for value in add.into_iter().chain(gone) {
                    if let Err(reply) = self.taken(field, &json!([value])) {
                        return reply;
                    }
                }
                let same = |known: &Value, value: &Value| known == value || known["id"].is_string() && known["id"] == value["id"];
                set.retain(|known| !add.into_iter().chain(gone).any(|value| same(known, value)));
                set.extend(add.cloned().map(|value| if field == "fixVersions" { json!({"id": value["id"], "name": "v1"}) } else { value }));
            }
            fields.insert(field.clone(), Value::Array(set));
        }
        self.issues[at].fields = fields;
        self.issues[at].updated = now;
        if let Some(NewParent(parent)) = parent {
            self.bonds.set_parent(&self.issues[at].id.to_string(), parent.as_deref());
        }
        Reply::empty(204)
    }

    /// The parent that is asked for, if one is.
    fn parent_taken(&self, at: usize, body: &Value) -> Result<Option<NewParent>, Reply> {
        if body["update"]["parent"] == json!([{"set": {"none": true}}]) && self.cloud {
            return Ok(Some(NewParent(None)));
        }
        let (asked, steps) = (&body["fields"]["parent"], &body["update"]["parent"]);
        if asked.is_null() && steps.is_null() {
            return Ok(None);
        }
        let found = asked["key"].as_str().and_then(|key| self.position(key)).filter(|other| *other != at && self.cloud);
        let wrong = || field_refused("parent", "Could not find issue by id or key.");
        found.map(|other| Some(NewParent(Some(self.issues[other].id.to_string())))).ok_or_else(wrong)
    }

    /// With its links, and its parent.
    fn show_whole(&self, at: usize, request: &Request) -> Value {
        let (mut shown, own) = (Self::show(&self.issues[at]), self.issues[at].id.to_string());
        let asked = |field: &str| request.query("fields").is_some_and(|fields| fields.split(',').any(|asked| asked == field));
        let key = |other: &str| self.position(other).map(|at| format!("{}-{}", self.issues[at].project, self.issues[at].number));
        let link = |seen: super::bonds::Seen| {
            let (name, inward, outward) = match seen.relation {
                Relation::Blocks => ("Blocks", "is blocked by", "blocks"),
                Relation::Relates => ("Relates", "relates to", "relates to"),
                Relation::Duplicates => ("Duplicate", "is duplicated by", "duplicates"),
                Relation::BlockedBy | Relation::Parent => return None,
            };
            let end = if seen.forwards { "outwardIssue" } else { "inwardIssue" };
            let kind = json!({"id": "10000", "name": name, "inward": inward, "outward": outward});
            Some(json!({"id": seen.id.to_string(), "type": kind, end: {"id": seen.other, "key": key(&seen.other)?}}))
        };
        if asked("issuelinks") {
            shown["fields"]["issuelinks"] = self.bonds.seen(&own).into_iter().filter_map(link).collect();
        }
        if let Some(parent) = self.bonds.parent(&own).as_deref().and_then(key).filter(|_| asked("parent")) {
            shown["fields"]["parent"] = json!({"id": "1", "key": parent});
        }
        shown
    }

    /// If the link is there already, the answer is that of a new one.
    fn link(&mut self, body: &Value, now: DateTime<Utc>) -> Reply {
        let relation = match body["type"]["name"].as_str() {
            Some("Blocks") => Relation::Blocks,
            Some("Relates") => Relation::Relates,
            Some("Duplicate") => Relation::Duplicates,
            _ => return refused(404, "No issue link type with this name found."),
        };
        let end = |name: &str| body[name]["key"].as_str().and_then(|key| self.position(key));
        let (Some(from), Some(to)) = (end("inwardIssue"), end("outwardIssue")) else {
            return refused(404, "Issue does not exist or you do not have permission to see it.");
        };
        if from == to {
            return refused(400, "You cannot link an issue to itself.");
        }
        let id = |at: usize| self.issues[at].id.to_string();
        let (from_id, to_id) = (id(from), id(to));
        self.bonds.add(&from_id, relation, &to_id);
        (self.issues[from].updated, self.issues[to].updated) = (now, now);
        Reply::empty(201)
    }

    fn transitions(&self, at: usize, request: &Request) -> Reply {
        let expanded = request.query("expand") == Some("transitions.fields");
        let offered = WORKFLOW[self.issues[at].status].2.iter().map(|name| {
            let to = WORKFLOW.iter().position(|(other, ..)| other == name).unwrap();
            let screen = json!({"resolution": {"required": true, "hasDefaultValue": false, "name": "Resolution", "allowedValues": [{"name": "Won't Do"}, {"name": "Done"}]}});
            json!({"id": (11 + to).to_string(), "name": format!("to {name}"), "to": status(to), "fields": if expanded && *name == "Done" { screen } else { json!({}) }})
        });
        Reply::json(200, &json!({"transitions": offered.collect::<Vec<_>>()}))
    }

    fn transition(&mut self, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let target = body["transition"]["id"].as_str().and_then(|id| id.parse::<usize>().ok()).and_then(|id| id.checked_sub(11));
        let issue = &mut self.issues[at];
        let Some(target) = target.filter(|to| WORKFLOW.get(*to).is_some_and(|(name, ..)| WORKFLOW[issue.status].2.contains(name))) else {
            return refused(
                400,
                "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.",
            );
        };
        let resolution = body["fields"]["resolution"]["name"].as_str().filter(|name| ["Done", "Won't Do"].contains(name));
        if WORKFLOW[target].0 == "Done" && resolution.is_none() {
            return field_refused("resolution", "Resolution is required.");
        }
        issue.resolution = resolution.map(str::to_owned);
        issue.status = target;
        issue.updated = now;
        Reply::empty(204)
    }

    fn show_comment(&self, comment: &Comment) -> Value {
        json!({"id": comment.id.to_string(), "body": comment.body, "author": {self.person_key(): "bot", "displayName": comment.author},
            "created": moment(comment.created), "updated": moment(comment.updated)})
    }

    fn comments(&mut self, at: usize, request: &Request, now: DateTime<Utc>) -> Reply {
        if request.method == "GET" {
            let all = &self.issues[at].comments;
            let (start, range) = range(request, all.len(), CAP);
            let page: Vec<Value> = all[range].iter().map(|comment| self.show_comment(comment)).collect();
            return Reply::json(200, &json!({"startAt": start, "maxResults": CAP, "total": all.len(), "comments": page}));
        }
        let body = match self.text_taken(&request.json()["body"]) {
            Ok(body) => body,
            Err(why) => return field_refused("comment", &why),
        };
        self.next_comment += 1;
        let comment = Comment { id: self.next_comment, author: BOT.to_owned(), body, created: now, updated: now };
        let shown = self.show_comment(&comment);
        self.issues[at].comments.push(comment);
        self.issues[at].updated = now;
        Reply::json(201, &shown)
    }

    fn on_comment(&mut self, at: usize, id: &str, request: &Request, now: DateTime<Utc>) -> Reply {
        let Some(found) = self.issues[at].comments.iter().position(|comment| comment.id.to_string() == id) else {
            return refused(404, &format!("Can not find a comment for the id: {id}."));
        };
        if request.method == "DELETE" {
            self.issues[at].comments.remove(found);
            return Reply::empty(204);
        }
        match self.text_taken(&request.json()["body"]) {
            Ok(body) => {
                let comment = &mut self.issues[at].comments[found];
                (comment.body, comment.updated) = (body, now);
                Reply::json(200, &self.show_comment(&self.issues[at].comments[found]))
            }
            Err(why) => field_refused("comment", &why),
        }
    }

    fn on_issue(&mut self, name: &str, tail: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let Some(at) = self.position(name) else { return refused(404, "Issue does not exist or you do not have permission to see it.") };
        match (request.method.as_str(), tail) {
            ("GET", []) => Reply::json(200, &self.show_whole(at, request)),
            ("PUT", []) => self.edit(at, &request.json(), now),
            ("GET", ["transitions"]) => self.transitions(at, request),
            ("POST", ["transitions"]) => self.transition(at, &request.json(), now),
            ("GET" | "POST", ["comment"]) => self.comments(at, request, now),
            ("PUT" | "DELETE", ["comment", id]) => self.on_comment(at, id, request, now),
            _ => refused(404, "no such route"),
        }
    }

    fn create_meta(&self, project: &str, tail: &[&str], request: &Request) -> Reply {
        if !PROJECTS.contains(&project) {
            return refused(404, "No project could be found with that key.");
        }
        let (name, items): (_, Vec<Value>) = match tail {
            ["issuetypes"] => ("issueTypes", vec![json!({"id": "1", "name": "Epic"}), json!({"id": "3", "name": "Task"})]),
            ["issuetypes", "3"] => {
                let required = ["summary", "project", "issuetype", "customfield_10010"];
                let field = |id: &&str| json!({"fieldId": id, "key": id, "name": id, "required": (required.contains(id)), "hasDefaultValue": false});
                ("fields", SCREEN.iter().map(field).collect())
            }
            _ => return refused(404, "no such type"),
        };
        let (start, range) = range(request, items.len(), CAP);
        let name = if self.cloud { name } else { "values" };
        Reply::json(200, &json!({"startAt": start, "maxResults": CAP, "total": items.len(), name: items[range]}))
    }

    fn project(at: usize) -> Value {
        json!({"id": (20_000 + at).to_string(), "key": PROJECTS[at], "name": format!("Project {}", PROJECTS[at]), "archived": false})
    }

    fn bulk(&self, body: &Value) -> Reply {
        let keys: Vec<&str> = body["issueIdsOrKeys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if keys.is_empty() || keys.len() > 100 {
            return refused(400, "between 1 and 100 issues can be fetched");
        }
        let found: Vec<Value> = keys.iter().filter_map(|key| self.position(key)).map(|at| Self::show(&self.issues[at])).collect();
        Reply::json(200, &json!({"issues": found, "issueErrors": []}))
    }
}

fn label_is_fine(label: &str) -> bool {
    !label.is_empty() && label.chars().count() <= 255 && !label.contains(char::is_whitespace)
}

impl Vendor for Jira {
    fn kind(&self) -> TrackerKind {
        TrackerKind::Jira
    }

    fn place(&self) -> Project {
        Project { project: "OPS".to_owned(), ..Project::default() }
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = vec![("fields", json!({"customfield_10010": {"value": "Ops"}}).to_string())];
        if self.cloud {
            options.push(("user", USER.to_owned()));
        } else {
            options.push(("deployment", "data_center".to_owned()));
        }
        options
    }

    fn credential(&self, request: &Request) -> Option<String> {
        let shown = request.header("authorization")?;
        if !self.cloud {
            return shown.strip_prefix("Bearer ").map(str::to_owned);
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(shown.strip_prefix("Basic ")?).ok()?;
        String::from_utf8(decoded).ok()?.strip_prefix(&format!("{USER}:")).map(str::to_owned)
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let edition = if self.cloud { "3" } else { "2" };
        let ["rest", "api", version, rest @ ..] = &parts[..] else { return refused(404, "no such route") };
        if *version != edition {
            return refused(404, "no such version");
        }
        match (request.method.as_str(), rest) {
            ("GET", ["myself"]) => Reply::json(200, &json!({self.person_key(): "bot", "displayName": "issue-bot"})),
            ("GET", ["serverInfo"]) => Reply::json(200, &json!({"baseUrl": "https://acme.example", "serverTitle": "Acme"})),
            ("GET", ["search", "jql"]) if self.cloud => self.search(request),
            ("GET", ["search"]) if !self.cloud => self.search(request),
            ("GET", ["project", "search"]) if self.cloud => {
                let (start, range) = range(request, PROJECTS.len(), CAP);
                let values: Vec<Value> = range.map(Self::project).collect();
                Reply::json(200, &json!({"startAt": start, "total": PROJECTS.len(), "values": values}))
            }
            ("GET", ["project"]) if !self.cloud => Reply::json(200, &(0..PROJECTS.len()).map(Self::project).collect()),
            ("GET", ["project", key, "versions"]) if PROJECTS.contains(key) => {
                Reply::json(200, &json!([{"id": "7000", "name": "v0", "archived": true}, {"id": "7001", "name": "v1", "archived": false}]))
            }
            ("POST", ["issue"]) => self.create(&request.json(), now, 3),
            ("POST", ["issueLink"]) => self.link(&request.json(), now),
            ("DELETE", ["issueLink", id]) => {
                let gone = id.parse().is_ok_and(|id| self.bonds.remove(id));
                if gone { Reply::empty(204) } else { refused(404, "No issue link with this id exists.") }
            }
            ("POST", ["issue", "bulkfetch"]) if self.cloud => self.bulk(&request.json()),
            ("GET", ["issue", "createmeta", project, tail @ ..]) => self.create_meta(project, tail, request),
            (_, ["issue", name, tail @ ..]) => self.on_issue(name, tail, request, now),
            _ => refused(404, "no such route"),
        }
    }

    fn creates_issue(&self, request: &Request) -> bool {
        request.method == "POST" && request.path.ends_with("/issue")
    }

    fn writes(&self, request: &Request) -> bool {
        request.method != "GET" && !request.path.ends_with("/bulkfetch")
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        let too_much = || Reply::json(429, &json!({"errorMessages": ["Rate limit exceeded."]}));
        if !self.cloud {
            return vec![(too_much().with("retry-after", "7"), Duration::from_secs(7))];
        }
        let until = too_much().with("ratelimit-reason", "jira-quota-tenant-based").with("x-ratelimit-reset", "2026-06-16T07:01Z");
        vec![
            (too_much().with("retry-after", "7").with("ratelimit-reason", "jira-burst-based"), Duration::from_secs(7)),
            (until.with("date", "Tue, 16 Jun 2026 07:00:10 GMT"), Duration::from_secs(50)),
        ]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let text = |value: &Value| texts::plain(value);
        let seen = |issue: &Issue| SimIssue {
            id: issue.id.to_string(),
            title: issue.fields["summary"].as_str().unwrap().to_owned(),
            body: issue.fields.get("description").map(text).unwrap_or_default(),
            closed: WORKFLOW[issue.status].1 == "done",
            priority: issue.fields.get("priority").and_then(|priority| priority["name"].as_str()).map(|name| match name {
                "Highest" | "High" => PRIORITIES[0],
                "Medium" => PRIORITIES[1],
                _ => PRIORITIES[2],
            }),
            labels: issue
                .fields
                .get("labels")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            people: issue.fields.get("assignee").and_then(|user| user[self.person_key()].as_str()).map(str::to_owned).into_iter().collect(),
            milestone: issue.fields.get("fixVersions").and_then(|versions| versions[0]["name"].as_str()).map(str::to_owned),
            due: issue.fields.get("duedate").and_then(Value::as_str).map(str::to_owned),
            comments: issue
                .comments
                .iter()
                .map(|comment| SimComment { id: comment.id.to_string(), author: comment.author.clone(), text: text(&comment.body) })
                .collect(),
        };
        self.issues.iter().filter(|issue| issue.project == "OPS" && !issue.away).map(seen).collect()
    }

    /// There are no pull requests here.
    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>) {
        if !pull_request {
            let description = self.typed(body);
            let fields = json!({"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": title, "description": description, "customfield_10010": "x"});
            assert_eq!(self.create(&json!({"fields": fields}), now, 0).status, 201);
        }
    }

    fn meddle(&mut self, id: &str, label: &str, person: &str) {
        let at = self.position(id).unwrap();
        let mut labels = self.issues[at].fields.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
        labels.push(json!(label));
        self.issues[at].fields.insert("labels".to_owned(), Value::Array(labels));
        let person = json!({self.person_key(): person});
        self.issues[at].fields.insert("assignee".to_owned(), person);
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let (at, body) = (self.position(id).unwrap(), edit.body.as_ref().map(|body| self.typed(body)));
        let person = edit.person.as_ref().map(|name| json!({self.person_key(): name, "displayName": name}));
        let issue = &mut self.issues[at];
        let mut labels = issue.fields.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
        labels.retain(|label| label.as_str() != edit.remove_label.as_deref());
        labels.extend(edit.add_label.iter().map(|label| json!(label)).filter(|label| !labels.contains(label)).collect::<Vec<_>>());
        issue.fields.insert("labels".to_owned(), Value::Array(labels));
        let priority = edit.priority.map(|word| json!({"name": format!("{}{}", word[..1].to_uppercase(), &word[1..])}));
        let version =
            edit.milestone.as_ref().map(|name| name.as_ref().map_or_else(|| json!([]), |name| json!([{"id": "7001", "name": name}])));
        let texts = [
            ("summary", edit.title.as_ref().map(|title| json!(title))),
            ("description", body),
            ("assignee", person.or_else(|| edit.nobody.then_some(Value::Null))),
            ("priority", priority),
            ("fixVersions", version),
            ("duedate", edit.due.as_ref().map(|day| json!(day))),
        ];
        issue.fields.extend(texts.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))));
        if let Some(closed) = edit.closed {
            (issue.status, issue.resolution) = if closed { (3, Some("Done".to_owned())) } else { (0, None) };
        }
        issue.updated = now;
    }

    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        self.next_comment += 1;
        let comment = Comment { id: self.next_comment, author: author.to_owned(), body: self.typed(text), created: now, updated: now };
        let at = self.position(id).unwrap();
        self.issues[at].comments.push(comment);
        self.issues[at].updated = now;
        self.next_comment.to_string()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let (at, text) = (self.position(id).unwrap(), text.map(|text| self.typed(text)));
        let issue = &mut self.issues[at];
        issue.updated = now;
        let at = issue.comments.iter().position(|known| known.id.to_string() == comment).unwrap();
        match text {
            Some(text) => (issue.comments[at].body, issue.comments[at].updated) = (text, now),
            None => _ = issue.comments.remove(at),
        }
    }

    fn person_relates(&mut self, id: &str, relation: Relation, other: &str, there: bool, now: DateTime<Utc>) {
        self.bonds.person(id, relation, other, there);
        let at = self.position(id).unwrap();
        self.issues[at].updated = now;
    }

    fn removes(&mut self, id: &str) {
        let at = self.position(id).unwrap();
        self.issues[at].away = true;
    }

    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String) {
        let (at, number) = (self.position(id).unwrap(), self.last(PROJECTS[1]) + 1);
        let issue = &mut self.issues[at];
        (issue.project, issue.number, issue.updated) = (PROJECTS[1], number, now);
        (Project { project: PROJECTS[1].to_owned(), ..Project::default() }, id.to_owned())
    }

    /// It is said not to be there.
    fn forbid(&mut self, id: &str) -> bool {
        self.removes(id);
        false
    }

    fn may_be_late(&self, request: &Request) -> bool {
        request.query("jql").is_some_and(|jql| jql.contains("ORDER BY updated"))
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        Jira::people(self)
    }

    fn facts(&self) -> &'static [&'static str] {
        if self.cloud { &["api/jira-cloud.yaml"] } else { &["api/jira-data-center.yaml"] }
    }

    fn description(&self) -> Option<&'static str> {
        self.cloud.then_some("jira-cloud-v3.json")
    }

    /// It leaves out webhooks, and how a link is taken away, which the vendor has had from the first version on.
    fn is_described(&self, request: &Request) -> bool {
        let takes_a_link_away = request.method == "DELETE" && request.path.contains("/issueLink/");
        !takes_a_link_away && !request.path.starts_with("/rest/webhooks/")
    }
}
