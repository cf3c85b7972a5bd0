//! Azure DevOps: two projects of one organisation whose work items share their numbers, states of
//! the Scrum process, a query that refuses too many results and omits a work item for the next
//! three queries after its creation.

mod query;

use std::time::Duration;

use base64::Engine as _;
use chrono::{DateTime, SecondsFormat, Utc};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Map, Value, json};

use super::bonds::{Bonds, Seen};
use super::person::PRIORITIES;
use super::{Reply, Request, SimComment, SimEdit, SimIssue, Vendor};

/// The largest page, for any requested size.
const CAP: usize = 4;
/// With more a query is refused; it leaves nothing out in silence.
const QUERY_CAP: usize = 20_000;
const BOT: &str = "issue-bot";
const ORGANISATION: &str = "acme";
const PROJECTS: &[&str] = &["Fabrikam Fiber", "P2", "P3", "P4", "P5", "Last"];
const PEOPLE: &[&str] = &["ann@example.org", "bob@example.org", "cleo@example.org"];
const STATES: &[(&str, &str)] = &[("To Do", "Proposed"), ("In Progress", "InProgress"), ("Done", "Completed"), ("Removed", "Removed")];
const DUE: &str = "Microsoft.VSTS.Scheduling.DueDate";

#[derive(Clone)]
struct AzureDevops {
    items: Vec<Item>,
    next_id: i64,
    bonds: Bonds,
}

#[derive(Clone)]
struct Item {
    id: i64,
    /// Deleted, or not visible any more: the same to a client.
    away: bool,
    rev: i64,
    project: &'static str,
    fields: Map<String, Value>,
    created: DateTime<Utc>,
    changed: DateTime<Utc>,
    comments: Vec<Comment>,
    /// Queries that still do not see it.
    hidden: u32,
}

#[derive(Clone)]
struct Comment {
    id: i64,
    author: String,
    text: String,
    created: DateTime<Utc>,
    modified: DateTime<Utc>,
}

pub(super) fn azure_devops() -> Box<dyn Vendor> {
    Box::new(AzureDevops { items: Vec::new(), next_id: 0, bonds: Bonds::default() })
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"$id": "1", "message": message, "typeKey": "SomeException", "errorCode": 0}))
}

fn many(items: &[Value]) -> Value {
    json!({"count": items.len(), "value": items})
}

/// A page by how many were asked for, and the token of the next one.
fn page(request: &Request, items: Vec<Value>) -> (Vec<Value>, Option<String>) {
    let start = request.query("continuationToken").map_or(0, |token| token.parse::<usize>().expect("a token of ours"));
    let cap = request.cap(CAP);
    let most = request.query("$top").map_or(cap, |top| top.parse::<usize>().unwrap()).min(cap);
    let next = (start + most < items.len()).then(|| (start + most).to_string());
    (items.into_iter().skip(start).take(most).collect(), next)
}

impl AzureDevops {
    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn show(item: &Item) -> Value {
        let mut fields = item.fields.clone();
        fields.insert("System.Id".to_owned(), json!(item.id));
        fields.insert("System.TeamProject".to_owned(), json!(item.project));
        fields.insert("System.WorkItemType".to_owned(), json!("Task"));
        fields.insert("System.CommentCount".to_owned(), json!(item.comments.len()));
        fields.insert("System.CreatedDate".to_owned(), json!(moment(item.created)));
        fields.insert("System.ChangedDate".to_owned(), json!(moment(item.changed)));
        if let Some(name) = item.fields.get("System.AssignedTo") {
            fields.insert("System.AssignedTo".to_owned(), json!({"displayName": name, "uniqueName": name, "id": "7"}));
        }
        json!({"id": item.id, "rev": item.rev, "fields": fields, "url": format!("https://dev.azure.example/_apis/wit/workItems/{}", item.id)})
    }

    /// The fields after a patch, or why it is refused: all of it or nothing.
    fn patched(project: &str, mut fields: Map<String, Value>, rev: Option<i64>, steps: &Value) -> Result<Map<String, Value>, Reply> {
        let Some(steps) = steps.as_array().filter(|steps| !steps.is_empty()) else {
            return Err(refused(400, "You must pass a valid patch document in the body of the request."));
        };
        for step in steps {
            let (op, target, value) = (step["op"].as_str().unwrap_or_default(), step["path"].as_str().unwrap_or_default(), &step["value"]);
            match (op, target) {
                ("test", "/rev") if rev.is_some_and(|rev| *value == rev) => {}
                ("test", "/rev") => return Err(refused(412, "VS403351: Test Operation for path /rev failed.")),
                ("add" | "replace", target) if target.starts_with("/fields/") => {
                    let field = &target["/fields/".len()..];
                    let kept = Self::taken(project, field, value, rev.is_none())?;
                    fields.remove(field);
                    fields.extend(kept.map(|value| (field.to_owned(), value)));
                }
                _ => return Err(refused(400, &format!("the operation {step} is not known"))),
            }
        }
        Ok(fields)
    }

    /// What is kept of a value; none where it empties the field.
    fn taken(project: &str, field: &str, value: &Value, new: bool) -> Result<Option<Value>, Reply> {
        let text = value.as_str();
        let wrong = |why: &str| Err(refused(400, &format!("TF401320: Rule Error for field {field}. {why}")));
        match field {
            "System.Title" if text.is_some_and(|text| !text.is_empty() && text.chars().count() <= 255) => Ok(Some(value.clone())),
            "System.Description" if text.is_some() => Ok(Some(value.clone())),
            "System.Tags" => {
                let mut tags: Vec<&str> = text.unwrap_or_default().split([';', ',']).map(str::trim).filter(|tag| !tag.is_empty()).collect();
                tags.sort_unstable();
                tags.dedup();
                Ok((!tags.is_empty()).then(|| json!(tags.join("; "))))
            }
            "Microsoft.VSTS.Common.Priority" if value.as_i64().is_some_and(|n| (1..=4).contains(&n)) => Ok(Some(value.clone())),
            "System.AssignedTo" if text == Some("") => Ok(None),
            "System.AssignedTo" if text.is_some_and(|name| PEOPLE.contains(&name)) => Ok(Some(value.clone())),
            "System.IterationPath" if [project.to_owned(), format!("{project}\\v1")].iter().any(|path| text == Some(path)) => {
                Ok(Some(value.clone()))
            }
            "System.IterationPath" => Err(refused(400, "TF401347: Invalid tree name given for work item")),
            // A new one begins where its type begins.
            "System.State" if STATES.iter().any(|(name, _)| text == Some(name)) && (!new || text == Some("To Do")) => {
                Ok(Some(value.clone()))
            }
            DUE if text == Some("") => Ok(None),
            DUE if text.is_some_and(|text| text.parse::<DateTime<Utc>>().is_ok()) => Ok(Some(value.clone())),
            "System.Title" | "System.Description" | "System.State" | "System.AssignedTo" | "Microsoft.VSTS.Common.Priority" | DUE => {
                wrong("Error code: InvalidNotOldValue.")
            }
            _ => Err(refused(400, &format!("TF51535: Cannot find field {field}."))),
        }
    }

    fn create(&mut self, project: &'static str, patch: &Value, now: DateTime<Utc>, hidden: u32) -> Reply {
        let mut fields = Map::new();
        fields.insert("System.State".to_owned(), json!("To Do"));
        fields.insert("System.IterationPath".to_owned(), json!(project));
        fields.insert("Microsoft.VSTS.Common.Priority".to_owned(), json!(2));
        let fields = match Self::patched(project, fields, None, patch) {
            Ok(fields) if fields.contains_key("System.Title") => fields,
            Ok(_) => return refused(400, "TF401320: Rule Error for field Title. Error code: Required."),
            Err(reply) => return reply,
        };
        // Others take numbers too.
        self.id();
        let id = self.id();
        self.items.push(Item { id, away: false, rev: 1, project, fields, created: now, changed: now, comments: Vec::new(), hidden });
        Reply::json(200, &Self::show(self.items.last().unwrap()))
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.items.iter().position(|item| !item.away && item.id.to_string() == id)
    }

    fn on_item(&mut self, id: &str, request: &Request, now: DateTime<Utc>) -> Reply {
        let Some(at) = self.position(id) else {
            return refused(404, &format!("TF401232: Work item {id} does not exist, or you do not have permissions to read it."));
        };
        match request.method.as_str() {
            "GET" => Reply::json(200, &self.show_whole(at, request)),
            "PATCH" => {
                let steps = request.json().as_array().cloned().unwrap_or_default();
                let is_link = |step: &Value| step["path"].as_str().is_some_and(|path| path.starts_with("/relations/"));
                let (links, rest): (Vec<Value>, Vec<Value>) = steps.into_iter().partition(is_link);
                let item = &self.items[at];
                let fields = match Self::patched(item.project, item.fields.clone(), Some(item.rev), &Value::Array(rest)) {
                    Ok(fields) => fields,
                    Err(reply) => return reply,
                };
                match self.linked(id, &links) {
                    Ok(bonds) => self.bonds = bonds,
                    Err(reply) => return reply,
                }
                let item = &mut self.items[at];
                (item.fields, item.rev, item.changed) = (fields, item.rev + 1, now);
                Reply::json(200, &self.show_whole(at, request))
            }
            _ => refused(405, "no such method"),
        }
    }

    /// With its relations, where they are asked for and there are any.
    fn show_whole(&self, at: usize, request: &Request) -> Value {
        let (mut shown, own) = (Self::show(&self.items[at]), self.items[at].id.to_string());
        let url = |other: &str| format!("https://dev.azure.example/acme/_apis/wit/workItems/{other}");
        let link = |seen: &Seen| json!({"rel": rel(seen), "url": url(&seen.other), "attributes": {"isLocked": false}});
        let links: Vec<Value> = self.bonds.seen(&own).iter().map(link).collect();
        if request.query("$expand") == Some("relations") && !links.is_empty() {
            shown["relations"] = Value::Array(links);
        }
        shown
    }

    /// The relations after those steps of a patch, or why it is refused.
    fn linked(&self, own: &str, steps: &[Value]) -> Result<Bonds, Reply> {
        let mut bonds = self.bonds.clone();
        for step in steps {
            let project = step["path"].as_str().and_then(|path| path.strip_prefix("/relations/")).unwrap_or_default();
            let seen = bonds.seen(own);
            match step["op"].as_str() {
                Some("remove") => match project.parse::<usize>().ok().and_then(|project| seen.get(project)) {
                    Some(known) => _ = bonds.remove(known.id),
                    None => return Err(refused(400, "VS403680: The relation to be removed is not there.")),
                },
                Some("add") if project == "-" => {
                    let other = step["value"]["url"].as_str().and_then(|url| url.rsplit_once("/_apis/wit/workItems/")).map(|(_, id)| id);
                    let Some(other) = other.filter(|id| self.position(id).is_some()) else {
                        return Err(refused(404, "TF401232: The work item to link to does not exist."));
                    };
                    let all = [true, false].into_iter().flat_map(|forwards| {
                        [Relation::Blocks, Relation::Relates, Relation::Duplicates, Relation::Parent].map(|relation| (relation, forwards))
                    });
                    let named = |(relation, forwards): &(Relation, bool)| {
                        rel(&Seen { id: 0, relation: *relation, forwards: *forwards, other: String::new() }) == step["value"]["rel"]
                    };
                    let Some((relation, forwards)) = all.into_iter().find(named) else { return Err(refused(400, "no such relation")) };
                    let (from, to) = if forwards { (own, other) } else { (other, own) };
                    if relation == Relation::Parent && bonds.parent(from).is_some() {
                        return Err(refused(400, "TF201036: A work item can have only one parent link."));
                    }
                    if own == other || bonds.add(from, relation, to).is_none() {
                        return Err(refused(400, "RelationAlreadyExists, or a work item that is linked to itself"));
                    }
                }
                Some(_) | None => return Err(refused(400, &format!("the operation {step} is not known"))),
            }
        }
        Ok(bonds)
    }

    fn comments(&mut self, id: &str, tail: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let Some(at) = self.position(id) else { return refused(404, "TF401232: Work item does not exist") };
        let text = request.json()["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match (request.method.as_str(), tail) {
            ("GET", []) => {
                assert_eq!(request.query("order"), Some("asc"), "the newest come first unless asked otherwise");
                let all: Vec<Value> = self.items[at].comments.iter().map(shown).collect();
                let total = all.len();
                let (page, next) = page(request, all);
                let mut body = json!({"totalCount": total, "count": page.len(), "comments": page});
                if let Some(next) = next {
                    body["continuationToken"] = json!(next);
                }
                Reply::json(200, &body)
            }
            ("POST", []) => {
                let Some(text) = text else { return refused(400, "a comment needs a text") };
                let comment = Comment { id: self.id(), author: BOT.to_owned(), text, created: now, modified: now };
                let body = shown(&comment);
                let item = &mut self.items[at];
                item.comments.push(comment);
                (item.rev, item.changed) = (item.rev + 1, now);
                Reply::json(200, &body)
            }
            (method, [comment]) => {
                let comments = &mut self.items[at].comments;
                let Some(found) = comments.iter().position(|known| known.id.to_string() == *comment) else {
                    return refused(404, "no such comment");
                };
                match (method, text) {
                    ("DELETE", _) => {
                        comments.remove(found);
                        Reply::empty(204)
                    }
                    ("PATCH", Some(text)) => {
                        (comments[found].text, comments[found].modified) = (text, now);
                        Reply::json(200, &shown(&comments[found]))
                    }
                    _ => refused(405, "no such method"),
                }
            }
            _ => refused(404, "no such route"),
        }
    }

    fn batch(&self, body: &Value) -> Reply {
        let ids: Vec<i64> = body["ids"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        if ids.is_empty() || ids.len() > 200 || body["errorPolicy"] != "omit" {
            return refused(400, "between 1 and 200 work items can be read, and those that are not there are to be left out");
        }
        let wanted: Vec<&str> = body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let show = |id: &i64| {
            let found = self.items.binary_search_by_key(id, |item| item.id).ok()?;
            let mut shown = Some(&self.items[found]).filter(|item| !item.away).map(Self::show)?;
            shown["fields"].as_object_mut().unwrap().retain(|name, _| wanted.contains(&name.as_str()));
            Some(shown)
        };
        Reply::json(200, &many(&ids.iter().map(|id| show(id).unwrap_or(Value::Null)).collect::<Vec<_>>()))
    }

    fn in_project(&mut self, project: &'static str, rest: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", ["workitemtypes"]) => {
                let field = |name: &&str| json!({"referenceName": name, "name": name, "alwaysRequired": *name == "System.Title"});
                let fields: Vec<Value> = ["System.Title", "System.Description", "System.State", DUE].iter().map(field).collect();
                Reply::json(200, &many(&[json!({"name": "Bug", "fields": []}), json!({"name": "Task", "fields": fields})]))
            }
            ("GET", ["workitemtypes", "Task", "states"]) => {
                let all: Vec<Value> =
                    STATES.iter().map(|(name, category)| json!({"name": name, "category": category, "color": "b2b2b2"})).collect();
                Reply::json(200, &many(&all))
            }
            ("GET", ["classificationnodes", "Iterations", "v1"]) => Reply::json(
                200,
                &json!({"id": 7, "name": "v1", "structureType": "iteration", "path": format!("\\{project}\\Iteration\\v1")}),
            ),
            ("GET", ["classificationnodes", "Iterations", ..]) => refused(404, "VS402485: The iteration does not exist."),
            ("POST", ["wiql"]) => query::answer(self, project, request),
            ("POST", ["workitemsbatch"]) => self.batch(&request.json()),
            ("POST" | "PATCH", ["workitems", ..]) if request.header("content-type") != Some("application/json-patch+json") => {
                refused(415, "application/json-patch+json is expected")
            }
            ("POST", ["workitems", "$Task"]) => self.create(project, &request.json(), now, 3),
            ("POST", ["workitems", _]) => refused(404, "VS402323: Work item type does not exist in project."),
            ("GET", ["workitems", id]) if self.position(id).is_some_and(|at| self.items[at].project != project) => {
                refused(404, "TF401232: Work item does not exist in this project.")
            }
            (_, ["workitems", id]) => self.on_item(id, request, now),
            (_, ["workItems", id, "comments", tail @ ..]) => self.comments(id, tail, request, now),
            _ => refused(404, "no such route"),
        }
    }
}

fn rel(seen: &Seen) -> &'static str {
    match (seen.relation, seen.forwards) {
        (Relation::Blocks, true) => "System.LinkTypes.Dependency-Forward",
        (Relation::Blocks, false) => "System.LinkTypes.Dependency-Reverse",
        (Relation::Duplicates, true) => "System.LinkTypes.Duplicate-Reverse",
        (Relation::Duplicates, false) => "System.LinkTypes.Duplicate-Forward",
        (Relation::Parent, true) => "System.LinkTypes.Hierarchy-Reverse",
        (Relation::Parent, false) => "System.LinkTypes.Hierarchy-Forward",
        (Relation::Relates | Relation::BlockedBy, _) => "System.LinkTypes.Related",
    }
}

fn shown(comment: &Comment) -> Value {
    json!({"id": comment.id, "text": comment.text, "createdBy": {"displayName": comment.author, "uniqueName": "bot@example.org"}, "format": "html",
        "createdDate": moment(comment.created), "modifiedDate": moment(comment.modified)})
}

/// A text as a person types it: empty lines stand between paragraphs.
fn typed(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts: Vec<String> = escaped.split("\n\n").map(|part| part.trim_end().replace('\n', "<br>")).collect();
    format!("<div>{}</div>", parts.join("</div><div>"))
}

/// Without tags, as a person sees it.
fn plain(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push('\n');
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

impl Vendor for AzureDevops {
    fn kind(&self) -> TrackerKind {
        TrackerKind::AzureDevops
    }

    fn place(&self) -> Project {
        Project { owner: ORGANISATION.to_owned(), project: PROJECTS[0].to_owned(), ..Project::default() }
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        vec![("organization", ORGANISATION.to_owned()), ("due_field", DUE.to_owned())]
    }

    /// Without a user, the token as the password.
    fn credential(&self, request: &Request) -> Option<String> {
        let decoded = base64::engine::general_purpose::STANDARD.decode(request.header("authorization")?.strip_prefix("Basic ")?).ok()?;
        String::from_utf8(decoded).ok()?.strip_prefix(':').map(str::to_owned)
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let preview = request.path.contains("/comments") || request.path.ends_with("/connectionData");
        let version = request.query("api-version").unwrap_or_default();
        if !version.starts_with("7.1") || preview != version.contains("preview") {
            return refused(400, "VssVersionNotSpecified: no api-version was supplied, or not the one that there is");
        }
        match (request.method.as_str(), &parts[..]) {
            ("GET", [ORGANISATION, "_apis", "connectionData"]) => {
                Reply::json(200, &json!({"authenticatedUser": {"id": "7", "providerDisplayName": "issue-bot"}, "instanceId": "8"}))
            }
            ("GET", [ORGANISATION, "_apis", "projects"]) => {
                let all = PROJECTS.iter().map(|name| json!({"id": format!("id-of-{name}"), "name": name, "state": "wellFormed"})).collect();
                let (page, next) = page(request, all);
                let reply = Reply::json(200, &many(&page));
                if let Some(next) = next { reply.with("x-ms-continuationtoken", next) } else { reply }
            }
            ("POST", [ORGANISATION, "_apis", "wit", "workitemsbatch"]) => self.batch(&request.json()),
            ("GET", [ORGANISATION, "_apis", "wit", "workitems", id]) => self.on_item(id, request, now),
            (_, [ORGANISATION, project, "_apis", "wit", rest @ ..]) => match PROJECTS.iter().find(|known| known == &project) {
                Some(project) => self.in_project(project, rest, request, now),
                None => refused(404, "TF200016: The following project does not exist."),
            },
            _ => refused(404, "no such route"),
        }
    }

    fn creates_issue(&self, request: &Request) -> bool {
        request.method == "POST" && request.path.contains("/workitems/$")
    }

    fn writes(&self, request: &Request) -> bool {
        request.method != "GET" && !["/wiql", "/workitemsbatch"].iter().any(|end| request.path.ends_with(end))
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        let reply =
            refused(429, "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Concurrency'");
        vec![(reply.with("retry-after", "7"), Duration::from_secs(7))]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let word = |item: &Item, field: &str| item.fields.get(field).and_then(Value::as_str).map(str::to_owned);
        let seen = |item: &Item| SimIssue {
            id: item.id.to_string(),
            title: word(item, "System.Title").unwrap(),
            body: plain(&word(item, "System.Description").unwrap_or_default()),
            closed: ["Done", "Removed"].contains(&word(item, "System.State").unwrap().as_str()),
            priority: item.fields["Microsoft.VSTS.Common.Priority"].as_u64().map(|n| PRIORITIES[usize::try_from(n).unwrap().min(3) - 1]),
            labels: word(item, "System.Tags").unwrap_or_default().split("; ").filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            people: word(item, "System.AssignedTo").into_iter().collect(),
            milestone: word(item, "System.IterationPath").and_then(|path| Some(path.split_once('\\')?.1.to_owned())),
            due: word(item, DUE).map(|due| due[..10].to_owned()),
            comments: item
                .comments
                .iter()
                .map(|comment| SimComment { id: comment.id.to_string(), author: comment.author.clone(), text: plain(&comment.text) })
                .collect(),
        };
        self.items.iter().filter(|item| item.project == PROJECTS[0] && !item.away).map(seen).collect()
    }

    /// There are no pull requests among work items.
    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>) {
        if !pull_request {
            let lines = typed(body);
            let patch = json!([{"op": "add", "path": "/fields/System.Title", "value": title}, {"op": "add", "path": "/fields/System.Description", "value": lines}]);
            assert_eq!(self.create(PROJECTS[0], &patch, now, 0).status, 200);
        }
    }

    fn meddle(&mut self, id: &str, label: &str, person: &str) {
        let at = self.position(id).unwrap();
        let item = &mut self.items[at];
        let tags = item.fields.get("System.Tags").and_then(Value::as_str).unwrap_or_default().to_owned();
        let patch = json!([{"op": "add", "path": "/fields/System.Tags", "value": format!("{tags}; {label}")}, {"op": "add", "path": "/fields/System.AssignedTo", "value": person}]);
        item.fields = Self::patched(item.project, item.fields.clone(), Some(item.rev), &patch).unwrap_or_else(|_| panic!("{patch}"));
        item.rev += 1;
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let at = self.position(id).unwrap();
        let item = &mut self.items[at];
        let tags = item.fields.get("System.Tags").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut tags: Vec<&str> = tags.split("; ").filter(|tag| Some(*tag) != edit.remove_label.as_deref()).collect();
        tags.extend(edit.add_label.as_deref());
        let mut steps = vec![("System.Tags", json!(tags.join("; ")))];
        steps.extend(edit.title.as_ref().map(|title| ("System.Title", json!(title))));
        steps.extend(edit.body.as_ref().map(|body| ("System.Description", json!(typed(body)))));
        steps.extend(edit.closed.map(|closed| ("System.State", json!(if closed { "Done" } else { "To Do" }))));
        steps.extend(edit.nobody.then(|| ("System.AssignedTo", json!(""))));
        steps.extend(edit.milestone.as_ref().map(|name| {
            let path = name.as_ref().map_or_else(|| item.project.to_owned(), |name| format!("{}\\{name}", item.project));
            ("System.IterationPath", json!(path))
        }));
        steps.extend(edit.due.as_ref().map(|day| (DUE, json!(day.as_ref().map(|day| format!("{day}T00:00:00Z")).unwrap_or_default()))));
        steps.extend(edit.priority.and_then(|word| {
            let at = PRIORITIES.iter().position(|known| *known == word)?;
            Some(("Microsoft.VSTS.Common.Priority", json!(at + 1)))
        }));
        steps.extend(edit.person.as_ref().map(|person| ("System.AssignedTo", json!(person))));
        let patch: Vec<Value> =
            steps.into_iter().map(|(field, value)| json!({"op": "add", "path": format!("/fields/{field}"), "value": value})).collect();
        let patch = Value::Array(patch);
        item.fields = Self::patched(item.project, item.fields.clone(), Some(item.rev), &patch).unwrap_or_else(|_| panic!("{patch}"));
        (item.rev, item.changed) = (item.rev + 1, now);
    }

    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        let comment = Comment { id: self.id(), author: author.to_owned(), text: typed(text), created: now, modified: now };
        let (at, id) = (self.position(id).unwrap(), comment.id);
        let item = &mut self.items[at];
        item.comments.push(comment);
        (item.rev, item.changed) = (item.rev + 1, now);
        id.to_string()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let at = self.position(id).unwrap();
        let item = &mut self.items[at];
        (item.rev, item.changed) = (item.rev + 1, now);
        let at = item.comments.iter().position(|known| known.id.to_string() == comment).unwrap();
        match text {
            Some(text) => (item.comments[at].text, item.comments[at].modified) = (typed(text), now),
            None => _ = item.comments.remove(at),
        }
    }

    fn person_relates(&mut self, id: &str, relation: Relation, other: &str, there: bool, now: DateTime<Utc>) {
        self.bonds.person(id, relation, other, there);
        let at = self.position(id).unwrap();
        let item = &mut self.items[at];
        (item.rev, item.changed) = (item.rev + 1, now);
    }

    fn removes(&mut self, id: &str) {
        let at = self.position(id).unwrap();
        self.items[at].away = true;
    }

    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String) {
        let at = self.position(id).unwrap();
        let item = &mut self.items[at];
        (item.project, item.rev, item.changed) = (PROJECTS[1], item.rev + 1, now);
        item.fields.insert("System.IterationPath".to_owned(), json!(PROJECTS[1]));
        (Project { project: PROJECTS[1].to_owned(), ..self.place() }, id.to_owned())
    }

    /// It is said not to be there.
    fn forbid(&mut self, id: &str) -> bool {
        self.removes(id);
        false
    }

    fn may_be_late(&self, request: &Request) -> bool {
        let query = request.json()["query"].as_str().unwrap_or_default().to_owned();
        request.path.ends_with("/wiql") && query.contains("[System.ChangedDate]")
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        PEOPLE
    }

    fn facts(&self) -> &'static [&'static str] {
        &["api/azure-devops.yaml"]
    }

    fn description(&self) -> Option<&'static str> {
        Some("ado-wit-7.1.json")
    }

    /// The description covers work items alone, has queries under a team only, batches under a
    /// project only (our requests name none), and of two ways to read comments the one that has no
    /// pages.
    fn is_described(&self, request: &Request) -> bool {
        let listing = request.method == "GET" && request.path.ends_with("/comments");
        let batch = request.path.ends_with("/_apis/wit/workitemsbatch");
        request.path.contains("/_apis/wit/") && !request.path.ends_with("/wiql") && !batch && !listing
    }
}
