//! Linear: one workspace with teams, each with workflow states of its own, labels of teams and of
//! the workspace, people by id, pages of at most 3 for any requested size. It answers operations by
//! their names; another test checks their texts against the schema.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Map, Value, json};

use super::bonds::{Bonds, Seen};
use super::person::PRIORITIES;
use super::{Reply, Request, SimComment, SimEdit, SimIssue, Vendor};

/// The largest page, for any requested size.
const CAP: usize = 3;
const BOT: &str = "issue-bot";
const PEOPLE: &[&str] = &["ann", "bob", "cleo"];
const TEAMS: &[&str] = &["OPS", "A2", "A3", "A4", "LAST"];
/// Of every team, under its key: name, type, position.
const STATES: &[(&str, &str, f64)] = &[
    ("Duplicate", "canceled", 5.0),
    ("Canceled", "canceled", 6.0),
    ("In Review", "started", 3.0),
    ("Todo", "unstarted", 1.0),
    ("In Progress", "started", 2.0),
    ("Done", "completed", 4.0),
    ("Backlog", "backlog", 0.0),
];
const BORN: usize = 6;

#[derive(Clone, Default)]
struct Linear {
    labels: Vec<Label>,
    issues: Vec<Issue>,
    next_id: u64,
    bonds: Bonds,
}

#[derive(Clone)]
struct Label {
    id: String,
    name: String,
    team: Option<usize>,
    group: bool,
}

#[derive(Clone)]
struct Issue {
    id: String,
    trashed: bool,
    forbidden: bool,
    number: usize,
    team: usize,
    title: String,
    description: String,
    priority: i64,
    state: usize,
    labels: Vec<String>,
    assignee: Option<usize>,
    due: Option<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    comments: Vec<Comment>,
}

#[derive(Clone)]
struct Comment {
    id: String,
    author: String,
    body: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

pub(super) fn linear() -> Box<dyn Vendor> {
    let mut linear = Linear::default();
    // One of everybody, one of another team, and one that only holds others.
    for (name, team, group) in [("sbom", None, false), ("needs a key", Some(1), false), ("v1", None, true)] {
        let id = linear.id();
        linear.labels.push(Label { id, name: name.to_owned(), team, group });
    }
    Box::new(linear)
}

/// What the server refuses, as it refuses it.
struct Refused(u16, &'static str, String);

type Answered = Result<Value, Refused>;

fn missing(what: &str) -> Refused {
    Refused(200, "INPUT_ERROR", format!("Entity not found: {what} - Could not find referenced {what}."))
}

fn invalid(why: impl Into<String>) -> Refused {
    Refused(400, "INPUT_ERROR", format!("Argument Validation Error: {}", why.into()))
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn team_id(team: usize) -> String {
    format!("team-{}", TEAMS[team])
}

fn shown_team(team: usize) -> Value {
    json!({"id": team_id(team), "key": TEAMS[team], "name": format!("Team {}", TEAMS[team]), "retiredAt": null})
}

fn state_id(team: usize, state: usize) -> String {
    format!("state-{}-{state}", TEAMS[team])
}

fn shown_state(team: usize, state: usize) -> Value {
    let (name, kind, position) = STATES[state];
    json!({"id": state_id(team, state), "name": name, "type": kind, "position": position})
}

fn shown_person(person: usize) -> Value {
    let name = PEOPLE[person];
    json!({"id": format!("user-{name}"), "displayName": name, "email": format!("{name}@example.org"), "active": true})
}

fn shown_comment(comment: &Comment) -> Value {
    json!({"id": comment.id, "body": comment.body, "url": format!("https://linear.app/acme/issue/OPS-1#comment-{}", comment.id),
        "createdAt": moment(comment.created), "updatedAt": moment(comment.updated), "user": {"id": "u1", "displayName": comment.author, "email": "bot@example.org"}})
}

fn organisation() -> Value {
    json!({"id": "org-1", "name": "Acme", "urlKey": "acme"})
}

/// A page of a list, which goes on behind a cursor.
fn connection(all: Vec<Value>, variables: &Value) -> Answered {
    connected(all, variables, |item| item)
}

fn connected<T>(all: Vec<T>, variables: &Value, show: impl Fn(T) -> Value) -> Answered {
    let first = variables["first"].as_u64().ok_or_else(|| invalid("first is a number"))?;
    let start = match variables["after"].as_str() {
        None => 0,
        Some(cursor) => cursor.strip_prefix("c").and_then(|n| n.parse().ok()).ok_or_else(|| invalid("after is no cursor"))?,
    };
    let size = usize::try_from(first).unwrap().min(variables["cap"].as_u64().map_or(CAP, |cap| usize::try_from(cap).unwrap()));
    let more = all.len() > start + size;
    let nodes: Vec<Value> = all.into_iter().skip(start).take(size).map(show).collect();
    let end = (!nodes.is_empty()).then(|| format!("c{}", start + nodes.len()));
    Ok(json!({"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": end}}))
}

/// The editor keeps a tree: lists come back with stars, for any original mark.
fn kept(text: &str) -> String {
    let mut code = false;
    let line = |line: &str| {
        code ^= line.trim_start().starts_with("```");
        let indent = line.len() - line.trim_start().len();
        match line[indent..].strip_prefix("- ").filter(|_| !code) {
            Some(item) => format!("{}* {item}", &line[..indent]),
            None => line.to_owned(),
        }
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_version_4(id: &str) -> bool {
    uuid::Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 4)
}

/// The operation's name, whether it changes something, and its variables.
fn operation(request: &Request) -> (String, bool, Value) {
    let body = request.json();
    let text = body["query"].as_str().unwrap_or_default();
    (body["operationName"].as_str().unwrap_or_default().to_owned(), text.starts_with("mutation"), body["variables"].clone())
}

impl Linear {
    fn id(&mut self) -> String {
        self.next_id += 1;
        uuid::Uuid::from_u64_pair(0x4000, 0x8000_0000_0000_0000 + self.next_id).to_string()
    }

    fn show(&self, issue: &Issue) -> Value {
        let label = |id: &String| self.labels.iter().find(|label| label.id == *id).map(|label| json!({"id": id, "name": label.name}));
        json!({
            "id": issue.id, "identifier": format!("{}-{}", TEAMS[issue.team], issue.number), "title": issue.title, "description": issue.description,
            "url": format!("https://linear.app/acme/issue/{}-{}/x", TEAMS[issue.team], issue.number), "priority": issue.priority, "dueDate": issue.due,
            "createdAt": moment(issue.created), "updatedAt": moment(issue.updated), "trashed": issue.trashed.then_some(true), "team": shown_team(issue.team),
            "state": shown_state(issue.team, issue.state), "assignee": issue.assignee.map(shown_person),
            "labels": {"nodes": issue.labels.iter().filter_map(label).collect::<Vec<_>>()},
            "comments": {"nodes": issue.comments.iter().map(|comment| comment.updated).max().map(|at| json!({"updatedAt": moment(at)})).into_iter().collect::<Vec<_>>()},
        })
    }

    /// The next one of a team.
    fn number(&self, team: usize) -> usize {
        self.issues.iter().rev().find(|issue| issue.team == team).map_or(0, |issue| issue.number) + 1
    }

    fn issue(&mut self, id: &Value) -> Result<&mut Issue, Refused> {
        self.issues.iter_mut().find(|issue| issue.id == *id).ok_or_else(|| missing("Issue"))
    }

    fn answered(&mut self, name: &str, variables: &Value, now: DateTime<Utc>) -> Answered {
        let input = &variables["input"];
        Ok(match name {
            "Viewer" => json!({"viewer": {"id": "u1", "displayName": "issue-bot", "email": "bot@example.org"}}),
            "Organisation" => json!({"organization": organisation()}),
            "Teams" => {
                json!({"organization": organisation(), "teams": connection((0..TEAMS.len()).map(shown_team).collect(), variables)?})
            }
            "Team" => {
                let found: Vec<Value> = (0..TEAMS.len()).filter(|team| variables["key"] == TEAMS[*team]).map(shown_team).collect();
                json!({"teams": {"nodes": found}})
            }
            "States" => {
                let team = Self::team(&variables["team"])?;
                json!({"workflowStates": {"nodes": (0..STATES.len()).map(|state| shown_state(team, state)).collect::<Vec<_>>()}})
            }
            "Labels" => self.labels_named(&variables["filter"])?,
            "LabelCreate" => self.create_label(input)?,
            "Person" => {
                let asked = variables["name"].as_str().unwrap_or_default().to_lowercase();
                let named = |person: &usize| [PEOPLE[*person].to_owned(), format!("{}@example.org", PEOPLE[*person])].contains(&asked);
                json!({"users": {"nodes": (0..PEOPLE.len()).filter(named).map(shown_person).collect::<Vec<_>>()}})
            }
            "IssueCreate" => self.create(input, now)?,
            "IssueUpdate" => self.update(&variables["id"], input, now)?,
            "Issue" | "Ground" => {
                let found = self.issues.iter().find(|issue| issue.id == variables["id"]).ok_or_else(|| missing("Issue"))?;
                if found.forbidden {
                    return Err(Refused(200, "FORBIDDEN", "You do not have access to this issue.".to_owned()));
                }
                let mut shown = self.show(found);
                if name == "Issue" {
                    shown.as_object_mut().unwrap().extend(self.related(&found.id, variables)?);
                }
                json!({"issue": shown})
            }
            "Relations" => {
                let id = self.issue(&variables["id"])?.id.clone();
                json!({"issue": Value::Object(self.related(&id, variables)?)})
            }
            "RelationCreate" => self.relate(input, now)?,
            "RelationDelete" => {
                let id = variables["id"].as_str().and_then(|id| id.strip_prefix("relation-")?.parse().ok());
                if !id.is_some_and(|id| self.bonds.remove(id)) {
                    return Err(missing("IssueRelation"));
                }
                json!({"issueRelationDelete": {"success": true}})
            }
            "Issues" => self.list(variables)?,
            "Comment" => {
                let mut all = self.issues.iter().flat_map(|issue| &issue.comments);
                let found = all.find(|comment| comment.id == variables["id"]).ok_or_else(|| missing("Comment"))?;
                json!({"comment": shown_comment(found)})
            }
            "Comments" => {
                // Newest first.
                let all = self.issue(&variables["id"])?.comments.iter().rev().map(shown_comment).collect();
                json!({"issue": {"comments": connection(all, variables)?}})
            }
            "CommentCreate" => self.create_comment(input, now)?,
            "CommentUpdate" => {
                let body = input["body"].as_str().ok_or_else(|| invalid("body"))?.to_owned();
                let comment = self.comment(&variables["id"])?;
                (comment.body, comment.updated) = (kept(&body), now);
                json!({"commentUpdate": {"success": true}})
            }
            "CommentDelete" => {
                let id = self.comment(&variables["id"])?.id.clone();
                let issue = self.issues.iter_mut().find(|issue| issue.comments.iter().any(|comment| comment.id == id)).unwrap();
                issue.updated = now.trunc_subsecs(3);
                self.issues.iter_mut().for_each(|issue| issue.comments.retain(|comment| comment.id != variables["id"]));
                json!({"commentDelete": {"success": true}})
            }
            other => return Err(Refused(400, "GRAPHQL_VALIDATION_FAILED", format!("no operation {other}"))),
        })
    }

    /// By its id, or by what people call it.
    fn named(&self, name: &Value) -> Result<String, Refused> {
        let found = self.issues.iter().find(|issue| issue.id == *name || format!("{}-{}", TEAMS[issue.team], issue.number) == *name);
        found.map(|issue| issue.id.clone()).ok_or_else(|| missing("Issue"))
    }

    fn related(&self, id: &str, variables: &Value) -> Result<Map<String, Value>, Refused> {
        let end = |id: &String| {
            self.issues
                .iter()
                .find(|issue| issue.id == *id)
                .map(|issue| json!({"identifier": format!("{}-{}", TEAMS[issue.team], issue.number)}))
        };
        let kind = |relation: Relation| match relation {
            Relation::Blocks => Some("blocks"),
            Relation::Relates => Some("related"),
            Relation::Duplicates => Some("duplicate"),
            Relation::BlockedBy | Relation::Parent => None,
        };
        let list = |forwards: bool, after: &str| {
            let other = if forwards { "relatedIssue" } else { "issue" };
            let shown =
                |seen: &Seen| Some(json!({"id": format!("relation-{}", seen.id), "type": kind(seen.relation)?, other: end(&seen.other)?}));
            let all = self.bonds.seen(id).iter().filter(|seen| seen.forwards == forwards).filter_map(shown).collect();
            connection(all, &json!({"first": variables["first"], "after": variables[after], "cap": variables["cap"]}))
        };
        let parent = self.bonds.parent(id).as_ref().and_then(end);
        let fields = [("parent", json!(parent)), ("relations", list(true, "after")?), ("inverseRelations", list(false, "inverseAfter")?)];
        Ok(fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }

    fn relate(&mut self, input: &Value, now: DateTime<Utc>) -> Answered {
        let (from, to) = (self.named(&input["issueId"])?, self.named(&input["relatedIssueId"])?);
        let relation = match input["type"].as_str() {
            Some("blocks") => Relation::Blocks,
            Some("related") => Relation::Relates,
            Some("duplicate") => Relation::Duplicates,
            _ => return Err(invalid("type must be a valid enum value")),
        };
        if from == to {
            return Err(invalid("an issue cannot be related to itself"));
        }
        if self.bonds.add(&from, relation, &to).is_none() {
            return Err(invalid("the relation exists"));
        }
        for id in [&from, &to] {
            self.issue(&json!(id))?.updated = now.trunc_subsecs(3);
        }
        Ok(json!({"issueRelationCreate": {"success": true}}))
    }

    fn team(id: &Value) -> Result<usize, Refused> {
        (0..TEAMS.len()).find(|team| *id == team_id(*team)).ok_or_else(|| missing("Team"))
    }

    /// `{and: [{or: [{team: {id: {eq}}}, {team: {null: true}}]}, {or: [{name: {eqIgnoreCase}}, …]}]}`
    fn labels_named(&self, filter: &Value) -> Answered {
        let team = Self::team(&filter["and"][0]["or"][0]["team"]["id"]["eq"])?;
        let everybodys = filter["and"][0]["or"][1]["team"]["null"] == true;
        let asked = filter["and"][1]["or"].as_array().ok_or_else(|| invalid("no names"))?;
        let named = |label: &&Label| {
            let is =
                |name: &Value| name["name"]["eqIgnoreCase"].as_str().is_some_and(|name| name.to_lowercase() == label.name.to_lowercase());
            asked.iter().any(is) && (label.team == Some(team) || label.team.is_none() && everybodys)
        };
        let found: Vec<Value> =
            self.labels.iter().filter(named).map(|label| json!({"id": label.id, "name": label.name, "isGroup": label.group})).collect();
        Ok(json!({"issueLabels": {"nodes": found}}))
    }

    fn create_label(&mut self, input: &Value) -> Answered {
        let team = Self::team(&input["teamId"])?;
        let name = input["name"].as_str().ok_or_else(|| invalid("name"))?.to_owned();
        let same = |label: &Label| label.name.to_lowercase() == name.to_lowercase() && label.team.is_none_or(|other| other == team);
        if self.labels.iter().any(same) {
            return Err(invalid("duplicate label name"));
        }
        let id = self.id();
        let shown = json!({"id": id, "name": name, "isGroup": false});
        self.labels.push(Label { id, name, team: Some(team), group: false });
        Ok(json!({"issueLabelCreate": {"success": true, "issueLabel": shown}}))
    }

    /// Of labels only ids are taken, and only what can be put on an issue of the team.
    fn label_ids(&self, team: usize, ids: &Value) -> Result<Vec<String>, Refused> {
        let ids = texts(ids);
        let fits =
            |id: &String| self.labels.iter().any(|label| label.id == *id && !label.group && label.team.is_none_or(|other| other == team));
        if ids.iter().all(fits) { Ok(ids) } else { Err(invalid("labelIds are ids of labels of the team")) }
    }

    fn state(team: usize, id: &Value) -> Result<usize, Refused> {
        (0..STATES.len()).find(|state| *id == state_id(team, *state)).ok_or_else(|| invalid("stateId is a state of the team"))
    }

    fn person(id: &Value) -> Result<Option<usize>, Refused> {
        if id.is_null() {
            return Ok(None);
        }
        let found = (0..PEOPLE.len()).find(|person| *id == shown_person(*person)["id"]);
        found.map(Some).ok_or_else(|| invalid("assigneeId is somebody's id"))
    }

    fn create(&mut self, input: &Value, now: DateTime<Utc>) -> Answered {
        let team = Self::team(&input["teamId"])?;
        let id = match input["id"].as_str() {
            Some(id) if !is_version_4(id) => return Err(invalid("id must be a UUID of version 4")),
            Some(id) => id.to_owned(),
            None => self.id(),
        };
        if self.issues.iter().any(|issue| issue.id == id) {
            return Err(Refused(400, "INPUT_ERROR", format!("conflict on insert of Issue: entity with id {id} already exists")));
        }
        let title = input["title"].as_str().filter(|title| !title.is_empty()).ok_or_else(|| invalid("title"))?.to_owned();
        let state = &input["stateId"];
        let state = if state.is_null() { BORN } else { Self::state(team, state)? };
        let now = now.trunc_subsecs(3);
        let number = self.number(team);
        let issue = Issue {
            number,
            team,
            title,
            trashed: false,
            forbidden: false,
            description: kept(input["description"].as_str().unwrap_or_default()),
            priority: input["priority"].as_i64().unwrap_or_default(),
            state,
            labels: self.label_ids(team, &input["labelIds"])?,
            assignee: Self::person(&input["assigneeId"])?,
            due: input["dueDate"].as_str().map(str::to_owned),
            created: now,
            updated: now,
            comments: Vec::new(),
            id,
        };
        let shown = self.show(&issue);
        self.issues.push(issue);
        Ok(json!({"issueCreate": {"success": true, "issue": shown}}))
    }

    fn update(&mut self, id: &Value, input: &Value, now: DateTime<Utc>) -> Answered {
        let team = self.issue(id)?.team;
        let (added, removed) = (self.label_ids(team, &input["addedLabelIds"])?, texts(&input["removedLabelIds"]));
        let own = self.issue(id)?.id.clone();
        if let Some(parent) = input.get("parentId") {
            let parent = if parent.is_null() { None } else { Some(self.named(parent)?) };
            if parent.as_ref() == Some(&own) {
                return Err(invalid("an issue cannot be its own parent"));
            }
            self.bonds.set_parent(&own, parent.as_deref());
        }
        let none = Map::new();
        let sent = input.as_object().unwrap_or(&none);
        let issue = self.issue(id)?;
        issue.labels.retain(|label| !removed.contains(label));
        issue.labels.extend(added);
        for (name, value) in sent {
            match (name.as_str(), value) {
                ("title", Value::String(text)) => issue.title.clone_from(text),
                ("description", Value::String(text)) => issue.description = kept(text),
                ("priority", Value::Number(number)) => issue.priority = number.as_i64().ok_or_else(|| invalid("priority"))?,
                ("stateId", value) => issue.state = Self::state(team, value)?,
                ("assigneeId", value) => issue.assignee = Self::person(value)?,
                ("dueDate", value) => issue.due = value.as_str().map(str::to_owned),
                ("addedLabelIds" | "removedLabelIds", Value::Array(_)) | ("parentId", _) => {}
                (name, value) => return Err(Refused(400, "GRAPHQL_VALIDATION_FAILED", format!("{name}: {value}"))),
            }
        }
        issue.updated = now.trunc_subsecs(3);
        Ok(json!({"issueUpdate": {"success": true}}))
    }

    fn list(&self, variables: &Value) -> Answered {
        let (key, since) = (&variables["filter"]["team"]["key"]["eq"], &variables["filter"]["or"][0]["updatedAt"]["gte"]);
        assert_eq!(since, &variables["filter"]["or"][1]["comments"]["some"]["updatedAt"]["gte"], "comments change by themselves");
        let since = since.as_str().map(|text| text.parse::<DateTime<Utc>>().map_err(|_| invalid("no moment"))).transpose()?;
        let wanted = |issue: &&Issue| {
            *key == TEAMS[issue.team]
                && !issue.forbidden
                && since.is_none_or(|since| issue.updated >= since || issue.comments.iter().any(|comment| comment.updated >= since))
        };
        let mut found: Vec<&Issue> = self.issues.iter().filter(wanted).collect();
        found.sort_by_key(|issue| issue.updated);
        Ok(json!({"issues": connected(found, variables, |issue| self.show(issue))?}))
    }

    fn comment(&mut self, id: &Value) -> Result<&mut Comment, Refused> {
        self.issues.iter_mut().flat_map(|issue| &mut issue.comments).find(|comment| comment.id == *id).ok_or_else(|| missing("Comment"))
    }

    fn create_comment(&mut self, input: &Value, now: DateTime<Utc>) -> Answered {
        let body = input["body"].as_str().filter(|body| !body.is_empty()).ok_or_else(|| invalid("body"))?.to_owned();
        let id = match input["id"].as_str() {
            Some(id) if !is_version_4(id) => return Err(invalid("id must be a UUID of version 4")),
            Some(id) => id.to_owned(),
            None => self.id(),
        };
        if self.comment(&json!(id)).is_ok() {
            return Err(Refused(400, "INPUT_ERROR", format!("conflict on insert of Comment: entity with id {id} already exists")));
        }
        let now = now.trunc_subsecs(3);
        let comment = Comment { id, author: BOT.to_owned(), body: kept(&body), created: now, updated: now };
        let shown = shown_comment(&comment);
        self.issue(&input["issueId"])?.comments.push(comment);
        Ok(json!({"commentCreate": {"success": true, "comment": shown}}))
    }
}

impl Vendor for Linear {
    fn kind(&self) -> TrackerKind {
        TrackerKind::Linear
    }

    fn place(&self) -> Project {
        Project { owner: String::new(), repo: String::new(), project: TEAMS[0].to_owned() }
    }

    fn credential(&self, request: &Request) -> Option<String> {
        request.header("authorization").map(str::to_owned)
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        if (request.method.as_str(), request.path.as_str()) != ("POST", "/graphql") {
            return Reply::json(404, &json!({"message": "Not Found"}));
        }
        let (name, _, mut variables) = operation(request);
        if let Some(cap) = request.cap {
            variables["cap"] = json!(cap);
        }
        match self.answered(&name, &variables, now) {
            Ok(data) => Reply::json(200, &json!({"data": data})),
            Err(Refused(status, code, message)) => {
                let extensions = json!({"code": code, "type": "invalid input", "userError": true, "userPresentableMessage": message});
                Reply::json(status, &json!({"errors": [{"message": message, "path": [name], "extensions": extensions}], "data": null}))
            }
        }
    }

    fn creates_issue(&self, request: &Request) -> bool {
        operation(request).0 == "IssueCreate"
    }

    fn writes(&self, request: &Request) -> bool {
        operation(request).1
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        let error = json!({"errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED", "type": "ratelimited", "statusCode": 429}}]});
        let limited = || Reply::json(400, &error);
        let reset = limited()
            .with("x-ratelimit-requests-limit", "2500")
            .with("x-ratelimit-requests-remaining", "0")
            .with("x-ratelimit-requests-reset", "1795233690000")
            .with("x-ratelimit-complexity-remaining", "248230")
            .with("date", "Sat, 21 Nov 2026 04:00:00 GMT");
        vec![(reset, Duration::from_secs(90)), (limited(), Duration::from_mins(1))]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let label = |id: &String| self.labels.iter().find(|label| label.id == *id).map(|label| label.name.clone());
        let seen = |issue: &Issue| SimIssue {
            id: issue.id.clone(),
            title: issue.title.clone(),
            body: issue.description.clone(),
            closed: ["completed", "canceled"].contains(&STATES[issue.state].1),
            priority: usize::try_from(issue.priority)
                .ok()
                .and_then(|n| PRIORITIES.get(n.max(2).checked_sub(2)?))
                .copied()
                .filter(|_| issue.priority > 0),
            labels: issue.labels.iter().filter_map(label).collect(),
            people: issue.assignee.map(|person| PEOPLE[person].to_owned()).into_iter().collect(),
            milestone: None,
            due: issue.due.clone(),
            comments: issue
                .comments
                .iter()
                .map(|comment| SimComment { id: comment.id.clone(), author: comment.author.clone(), text: comment.body.clone() })
                .collect(),
        };
        self.issues.iter().filter(|issue| issue.team == 0 && !issue.trashed).map(seen).collect()
    }

    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>) {
        if !pull_request {
            let made = self.create(&json!({"teamId": team_id(0), "title": title, "description": body}), now);
            assert!(made.is_ok());
        }
    }

    fn meddle(&mut self, id: &str, label: &str, person: &str) {
        let label_id = self.id();
        self.labels.push(Label { id: label_id.clone(), name: label.to_owned(), team: Some(0), group: false });
        let issue = self.issues.iter_mut().find(|issue| issue.id == id).unwrap();
        issue.labels.push(label_id);
        issue.assignee = PEOPLE.iter().position(|known| *known == person);
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let named =
            |labels: &[Label], name: &str| labels.iter().find(|label| label.name == name && !label.group).map(|label| label.id.clone());
        let gone = edit.remove_label.as_ref().and_then(|name| named(&self.labels, name));
        let label = edit.add_label.as_ref().map(|name| {
            named(&self.labels, name).unwrap_or_else(|| {
                let id = self.id();
                self.labels.push(Label { id: id.clone(), name: name.clone(), team: Some(0), group: false });
                id
            })
        });
        let issue = self.issues.iter_mut().find(|issue| issue.id == id).unwrap();
        if let Some(title) = &edit.title {
            issue.title.clone_from(title);
        }
        if let Some(body) = &edit.body {
            issue.description = kept(body);
        }
        if let Some(closed) = edit.closed {
            issue.state = STATES.iter().position(|(name, ..)| *name == if closed { "Done" } else { "Todo" }).unwrap();
        }
        issue.labels.retain(|label| Some(label) != gone.as_ref());
        issue.labels.extend(label.filter(|label| !issue.labels.contains(label)).into_iter().collect::<Vec<_>>());
        if edit.nobody {
            issue.assignee = None;
        }
        issue.due = edit.due.clone().unwrap_or_else(|| issue.due.clone());
        if let Some(at) = edit.priority.and_then(|word| PRIORITIES.iter().position(|known| *known == word)) {
            issue.priority = i64::try_from(at).unwrap() + 2;
        }
        if let Some(name) = &edit.person {
            issue.assignee = PEOPLE.iter().position(|known| known == name);
        }
        issue.updated = now.trunc_subsecs(3);
    }

    /// The issue does not change by it.
    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        let now = now.trunc_subsecs(3);
        let comment = Comment { id: self.id(), author: author.to_owned(), body: kept(text), created: now, updated: now };
        let issue = self.issues.iter_mut().find(|issue| issue.id == id).unwrap();
        issue.comments.push(comment);
        issue.comments.last().unwrap().id.clone()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let now = now.trunc_subsecs(3);
        let issue = self.issues.iter_mut().find(|issue| issue.id == id).unwrap();
        let at = issue.comments.iter().position(|known| known.id == comment).unwrap();
        if let Some(text) = text {
            (issue.comments[at].body, issue.comments[at].updated) = (kept(text), now);
        } else {
            issue.comments.remove(at);
            issue.updated = now;
        }
    }

    fn person_relates(&mut self, id: &str, relation: Relation, other: &str, there: bool, now: DateTime<Utc>) {
        self.bonds.person(id, relation, other, there);
        self.issues.iter_mut().find(|issue| issue.id == id).unwrap().updated = now.trunc_subsecs(3);
    }

    /// Into the bin.
    fn removes(&mut self, id: &str) {
        self.issues.iter_mut().find(|issue| issue.id == id).unwrap().trashed = true;
    }

    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String) {
        let number = self.number(1);
        let issue = self.issues.iter_mut().find(|issue| issue.id == id).unwrap();
        (issue.team, issue.number, issue.updated) = (1, number, now.trunc_subsecs(3));
        (Project { project: TEAMS[1].to_owned(), ..self.place() }, id.to_owned())
    }

    fn forbid(&mut self, id: &str) -> bool {
        self.issues.iter_mut().find(|issue| issue.id == id).unwrap().forbidden = true;
        true
    }

    fn may_be_late(&self, request: &Request) -> bool {
        operation(request).0 == "Issues"
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        PEOPLE
    }

    /// Linear describes itself in another language: `backend/graphql.rs` reads it.
    fn facts(&self) -> &'static [&'static str] {
        &[]
    }

    fn description(&self) -> Option<&'static str> {
        None
    }
}
