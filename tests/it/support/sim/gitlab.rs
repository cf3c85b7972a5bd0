//! GitLab: projects of two groups, one of them within another; issues by iid, people and milestones
//! by number, labels by name with commas between them, short pages for any requested size. The free
//! edition keeps one person only.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Value, json};

use super::bonds::Bonds;
use super::{Reply, Request, SimComment, SimEdit, SimIssue, Vendor};

/// The largest pages, for any requested size: of issues, and of everything else.
const ISSUES: usize = 6;
const CAP: usize = 3;
const BOT: &str = "issue-bot";
const GROUP: &str = "acme/platform";
/// Their numbers are 51, 52, 53.
const PEOPLE: &[&str] = &["ann", "bob", "cleo"];

#[derive(Clone)]
struct GitLab {
    paid: bool,
    projects: Vec<SimProject>,
    next_id: i64,
    /// By the numbers among all issues.
    bonds: Bonds,
}

#[derive(Clone)]
struct SimProject {
    /// The issue's number given last.
    last: i64,
    group: &'static str,
    path: &'static str,
    milestones: Vec<(i64, String)>,
    issues: Vec<Issue>,
}

#[derive(Clone)]
struct Issue {
    iid: i64,
    /// Among all issues there are.
    id: i64,
    moved_to: Option<i64>,
    forbidden: bool,
    title: String,
    description: String,
    closed: bool,
    labels: Vec<String>,
    assignees: Vec<i64>,
    milestone: Option<i64>,
    due: Option<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    notes: Vec<Note>,
}

#[derive(Clone)]
struct Note {
    id: i64,
    author: String,
    body: String,
    system: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

pub(super) fn paid() -> Box<dyn Vendor> {
    Box::new(GitLab::new(true))
}

pub(super) fn free() -> Box<dyn Vendor> {
    Box::new(GitLab::new(false))
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message}))
}

fn invalid(field: &str, why: &str) -> Reply {
    Reply::json(400, &json!({"message": {field: [why]}}))
}

/// A list as GitLab takes it: names with commas between them.
fn words(value: &Value) -> Vec<String> {
    value.as_str().unwrap_or_default().split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn numbers(value: &Value) -> Vec<i64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_i64).filter(|id| *id != 0).collect()
}

fn person(id: i64) -> Option<&'static str> {
    usize::try_from(id - 51).ok().and_then(|n| PEOPLE.get(n)).copied()
}

fn shown_person(id: i64) -> Value {
    json!({"id": id, "username": person(id), "state": "active"})
}

/// A page, with the address of the next one. Keysets go on behind the last number.
fn listed(request: &Request, all: Vec<Value>) -> Reply {
    listed_as(request, all, Value::clone)
}

fn listed_as<T>(request: &Request, all: Vec<T>, show: impl Fn(&T) -> Value) -> Reply {
    let number = |name: &str, default: usize| request.query(name).and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(default);
    let (page, size) =
        (number("page", 1), number("per_page", 20).min(request.cap(if request.path.ends_with("/issues") { ISSUES } else { CAP })));
    let keyset = request.query("pagination") == Some("keyset");
    let behind = request.query("id_after").and_then(|id| id.parse::<i64>().ok()).unwrap_or_default();
    let all: Vec<T> = all.into_iter().filter(|item| !keyset || show(item)["id"].as_i64().unwrap() > behind).collect();
    let skipped = if keyset { 0 } else { (page - 1) * size };
    let more = all.len() > skipped + size;
    let part: Vec<Value> = all.iter().skip(skipped).take(size).map(show).collect();
    let next = if keyset {
        ("id_after", part.last().map_or_else(String::new, |last| last["id"].to_string()))
    } else {
        ("page", (page + 1).to_string())
    };
    let rest: Vec<String> =
        request.query.iter().filter(|(name, _)| name != next.0).map(|(name, value)| format!("{name}={value}")).collect();
    let address = format!("https://gitlab.example.org{}?{}", request.path, rest.join("&"));
    let next = if more { format!("<{address}&{}={}>; rel=\"next\", ", next.0, next.1) } else { String::new() };
    Reply::json(200, &Value::Array(part)).with("link", format!("{next}<{address}>; rel=\"first\""))
}

impl GitLab {
    fn new(paid: bool) -> Self {
        let project = |(group, path)| SimProject { last: 0, group, path, milestones: Vec::new(), issues: Vec::new() };
        let projects = [(GROUP, "tools"), (GROUP, "a2"), (GROUP, "a3"), (GROUP, "a4"), ("other", "last")];
        Self { paid, projects: projects.map(project).into(), next_id: 100, bonds: Bonds::default() }
    }

    fn seen(&mut self, id: &str) -> &mut Issue {
        self.projects[0].issues.iter_mut().find(|issue| issue.iid.to_string() == id).unwrap()
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn show(project: &SimProject, issue: &Issue) -> Value {
        let milestone = issue.milestone.and_then(|id| project.milestones.iter().find(|(known, _)| *known == id));
        json!({
            "id": issue.id, "iid": issue.iid, "title": issue.title, "description": issue.description, "labels": issue.labels,
            "state": if issue.closed { "closed" } else { "opened" }, "assignees": issue.assignees.iter().copied().map(shown_person).collect::<Vec<_>>(),
            "milestone": milestone.map(|(id, title)| json!({"id": id, "iid": 1, "title": title})), "due_date": issue.due,
            "created_at": moment(issue.created), "updated_at": moment(issue.updated), "issue_type": "issue",
            "user_notes_count": issue.notes.iter().filter(|note| !note.system).count(), "moved_to_id": issue.moved_to,
            "references": {"full": format!("{}/{}#{}", project.group, project.path, issue.iid)},
            "web_url": format!("https://gitlab.example.org/{}/{}/-/issues/{}", project.group, project.path, issue.iid),
        })
    }

    fn show_project(&self, at: usize) -> Value {
        let project = &self.projects[at];
        let url = format!("https://gitlab.example.org/{}", project.group);
        let group = json!({"id": if project.group == GROUP { 7 } else { 8 }, "name": "G", "path": "g", "full_path": project.group, "kind": "group", "web_url": url});
        json!({"id": 70 + at, "name": project.path.to_uppercase(), "path": project.path, "path_with_namespace": format!("{}/{}", project.group, project.path),
            "web_url": format!("{url}/{}", project.path), "namespace": group, "archived": false, "issues_enabled": true,
            "permissions": {"project_access": null, "group_access": {"access_level": 30}}})
    }

    fn in_project(&mut self, at: usize, rest: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", []) => Reply::json(200, &self.show_project(at)),
            ("GET", ["milestones"]) => {
                let wanted = |title: &str| request.query("title").is_none_or(|asked| asked == title);
                let all = self.projects[at].milestones.iter().filter(|(_, title)| wanted(title));
                listed(request, all.map(|(id, title)| json!({"id": id, "title": title})).collect())
            }
            ("POST", ["milestones"]) => {
                let Some(title) = body["title"].as_str() else { return refused(400, "title is missing") };
                if self.projects[at].milestones.iter().any(|(_, known)| known == title) {
                    return invalid("title", "already being used for another group or project milestone.");
                }
                let id = self.id();
                self.projects[at].milestones.push((id, title.to_owned()));
                Reply::json(201, &json!({"id": id, "title": title}))
            }
            ("GET", ["issues"]) => self.list(at, request),
            ("POST", ["issues"]) => self.create(at, &body, now),
            (method, ["issues", iid, tail @ ..]) => {
                let Some(project) = self.projects[at].issues.iter().position(|issue| !issue.forbidden && issue.iid.to_string() == *iid)
                else {
                    return refused(404, "404 Issue Not Found");
                };
                match (method, tail) {
                    ("GET", []) => Reply::json(200, &Self::show(&self.projects[at], &self.projects[at].issues[project])),
                    ("PUT", []) => self.edit(at, project, &body, now),
                    (method, ["links", tail @ ..]) => self.on_links(at, project, method, tail, &body, now),
                    (method, ["notes", tail @ ..]) => self.on_notes(at, project, method, tail, request, now),
                    _ => refused(404, "404 Not Found"),
                }
            }
            _ => refused(404, "404 Not Found"),
        }
    }

    fn list(&self, at: usize, request: &Request) -> Reply {
        let moment = |name: &str| request.query(name).map(|text| text.parse::<DateTime<Utc>>().expect("a moment"));
        let (created, updated) = (moment("created_after"), moment("updated_after"));
        let by_change = request.query("order_by") == Some("updated_at");
        let wanted = |issue: &&Issue| {
            !issue.forbidden && created.is_none_or(|after| issue.created >= after) && updated.is_none_or(|after| issue.updated >= after)
        };
        let mut found: Vec<&Issue> = self.projects[at].issues.iter().filter(wanted).collect();
        found.sort_by_key(|issue| (if by_change { issue.updated } else { issue.created }, issue.iid));
        if request.query("sort") != Some("asc") {
            found.reverse();
        }
        listed_as(request, found, |issue| Self::show(&self.projects[at], issue))
    }

    fn create(&mut self, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let Some(title) = body["title"].as_str().filter(|title| !title.is_empty()) else { return refused(400, "title is missing") };
        if title.chars().count() > 255 {
            return invalid("title", "is too long (maximum is 255 characters)");
        }
        if !body["labels"].is_null() && !body["labels"].is_string() {
            return refused(400, "labels is invalid");
        }
        let now = now.trunc_subsecs(3);
        let id = self.id();
        self.projects[at].last += 1;
        let iid = self.projects[at].last;
        let issue = Issue {
            iid,
            id,
            moved_to: None,
            forbidden: false,
            title: title.to_owned(),
            description: body["description"].as_str().unwrap_or_default().to_owned(),
            closed: false,
            labels: words(&body["labels"]),
            assignees: self.allowed(numbers(&body["assignee_ids"])),
            milestone: body["milestone_id"].as_i64().filter(|id| *id != 0),
            due: body["due_date"].as_str().filter(|day| !day.is_empty()).map(str::to_owned),
            created: now,
            updated: now,
            notes: Vec::new(),
        };
        self.projects[at].issues.push(issue);
        let project = &self.projects[at];
        Reply::json(201, &Self::show(project, project.issues.last().unwrap()))
    }

    /// Unknown numbers are passed over, and so are all but one where it is not paid for.
    fn allowed(&self, ids: Vec<i64>) -> Vec<i64> {
        ids.into_iter().filter(|id| person(*id).is_some()).take(if self.paid { 10 } else { 1 }).collect()
    }

    fn edit(&mut self, at: usize, place: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        if body.as_object().is_none_or(serde_json::Map::is_empty) {
            return refused(400, "at least one parameter must be provided");
        }
        let people = body["assignee_ids"].is_array().then(|| self.allowed(numbers(&body["assignee_ids"])));
        let id = self.id();
        let now = now.trunc_subsecs(3);
        let issue = &mut self.projects[at].issues[place];
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        if let Some(text) = body["description"].as_str() {
            text.clone_into(&mut issue.description);
        }
        match body["state_event"].as_str() {
            Some("close") => issue.closed = true,
            Some("reopen") => issue.closed = false,
            Some(_) => return refused(400, "state_event does not have a valid value"),
            None => {}
        }
        if body["state_event"].is_string() {
            issue.notes.push(Note { id, author: BOT.to_owned(), body: "closed".to_owned(), system: true, created: now, updated: now });
        }
        let (added, removed) = (words(&body["add_labels"]), words(&body["remove_labels"]));
        issue.labels.retain(|label| !removed.contains(label));
        for label in added {
            if !issue.labels.contains(&label) {
                issue.labels.push(label);
            }
        }
        if let Some(people) = people {
            issue.assignees = people;
        }
        if let Some(id) = body["milestone_id"].as_i64() {
            issue.milestone = Some(id).filter(|id| *id != 0);
        }
        if let Some(day) = body["due_date"].as_str() {
            issue.due = Some(day.to_owned()).filter(|day| !day.is_empty());
        }
        issue.updated = now;
        let project = &self.projects[at];
        Reply::json(200, &Self::show(project, &project.issues[place]))
    }

    fn on_notes(&mut self, at: usize, project: usize, method: &str, tail: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let (body, now, id) = (request.json(), now.trunc_subsecs(3), self.id());
        let issue = &mut self.projects[at].issues[project];
        let text = body["body"].as_str().filter(|text| !text.is_empty());
        match (method, tail, text) {
            ("GET", [], _) => {
                let mut all: Vec<Value> = issue.notes.iter().map(shown_note).collect();
                if request.query("sort") != Some("asc") {
                    all.reverse();
                }
                listed(request, all)
            }
            ("POST", [], Some(text)) => {
                issue.notes.push(Note { id, author: BOT.to_owned(), body: text.to_owned(), system: false, created: now, updated: now });
                issue.updated = now;
                Reply::json(201, &shown_note(issue.notes.last().unwrap()))
            }
            ("POST", [], None) => refused(400, "body is missing"),
            (_, [id], text) => {
                let Some(found) = issue.notes.iter().position(|note| note.id.to_string() == *id) else {
                    return refused(404, "404 Note Not Found");
                };
                match (method, text) {
                    ("PUT", Some(text)) => {
                        text.clone_into(&mut issue.notes[found].body);
                        issue.notes[found].updated = now;
                        Reply::json(200, &shown_note(&issue.notes[found]))
                    }
                    ("DELETE", _) => {
                        issue.notes.remove(found);
                        Reply::empty(204)
                    }
                    _ => refused(405, "405 Method Not Allowed"),
                }
            }
            _ => refused(404, "404 Not Found"),
        }
    }
}

/// Links, of which there is one between two issues at most; blocking needs a paid plan. Their list
/// has no pages.
impl GitLab {
    /// By its number among all: the project, and where in it.
    fn position(&self, id: &str) -> Option<(usize, usize)> {
        let within = |project: &SimProject| project.issues.iter().position(|issue| !issue.forbidden && issue.id.to_string() == id);
        self.projects.iter().enumerate().find_map(|(at, project)| Some((at, within(project)?)))
    }

    fn on_links(&mut self, at: usize, project: usize, method: &str, tail: &[&str], body: &Value, now: DateTime<Utc>) -> Reply {
        let own = self.projects[at].issues[project].id.to_string();
        match (method, tail) {
            ("GET", []) => Reply::json(200, &self.bonds.seen(&own).iter().filter_map(|seen| self.show_link(seen)).collect()),
            ("POST", []) => self.link(at, project, body, now),
            ("DELETE", [id]) => {
                let known = self.bonds.seen(&own).iter().any(|seen| seen.id.to_string() == *id);
                if !known {
                    return refused(404, "404 Not Found");
                }
                self.bonds.remove(id.parse().unwrap());
                self.projects[at].issues[project].updated = now.trunc_subsecs(3);
                Reply::json(200, &json!({"link_type": "relates_to"}))
            }
            _ => refused(404, "404 Not Found"),
        }
    }

    fn show_link(&self, seen: &super::bonds::Seen) -> Option<Value> {
        let (at, project) = self.position(&seen.other)?;
        let name = match (seen.relation, seen.forwards) {
            (Relation::Blocks, true) => "blocks",
            (Relation::Blocks, false) => "is_blocked_by",
            _ => "relates_to",
        };
        let mut shown = Self::show(&self.projects[at], &self.projects[at].issues[project]);
        (shown["issue_link_id"], shown["link_type"]) = (json!(seen.id), json!(name));
        Some(shown)
    }

    fn link(&mut self, at: usize, place: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let number = body["target_issue_iid"].as_i64();
        let target = body["target_project_id"].as_str();
        let project = self.projects.iter().find(|known| target == Some(&format!("{}/{}", known.group, known.path)));
        let Some(other) = project.and_then(|project| project.issues.iter().find(|issue| !issue.forbidden && Some(issue.iid) == number))
        else {
            return refused(404, "404 Not found");
        };
        let (own, other) = (self.projects[at].issues[place].id.to_string(), other.id.to_string());
        let relation = match body["link_type"].as_str() {
            None | Some("relates_to") => Relation::Relates,
            Some("blocks" | "is_blocked_by") if !self.paid => {
                return refused(403, "Blocked issues not available for current license");
            }
            Some("blocks") => Relation::Blocks,
            Some("is_blocked_by") => Relation::BlockedBy,
            Some(_) => return refused(400, "link_type does not have a valid value"),
        };
        if own == other || self.bonds.seen(&own).iter().any(|seen| seen.other == other) {
            return refused(409, "Issue(s) already assigned");
        }
        self.bonds.add(&own, relation, &other);
        for id in [&own, &other] {
            let (at, place) = self.position(id).unwrap();
            self.projects[at].issues[place].updated = now.trunc_subsecs(3);
        }
        Reply::json(201, &json!({"source_issue": {"id": 1}, "target_issue": {"id": 2}, "link_type": body["link_type"]}))
    }
}

fn shown_note(note: &Note) -> Value {
    json!({"id": note.id, "body": note.body, "author": {"id": 1, "username": note.author}, "system": note.system,
        "created_at": moment(note.created), "updated_at": moment(note.updated)})
}

impl Vendor for GitLab {
    fn kind(&self) -> TrackerKind {
        TrackerKind::GitLab
    }

    fn place(&self) -> Project {
        Project { owner: GROUP.to_owned(), repo: "tools".to_owned(), project: String::new() }
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        if self.paid { vec![("assignees", "many".to_owned())] } else { Vec::new() }
    }

    fn credential(&self, request: &Request) -> Option<String> {
        request.header("authorization")?.strip_prefix("Bearer ").map(str::to_owned)
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["api", "v4", "user"]) => Reply::json(200, &json!({"id": 1, "username": "issue-bot"})),
            ("GET", ["api", "v4", "users"]) => {
                let wanted = |id: &i64| {
                    request.query("username").is_some_and(|name| person(*id).is_some_and(|known| known.eq_ignore_ascii_case(name)))
                };
                listed(request, (51..54).filter(wanted).map(shown_person).collect())
            }
            ("GET", ["api", "v4", "projects"]) => {
                assert_eq!(request.query("membership"), Some("true"), "else it is every public project there is");
                listed(request, (0..self.projects.len()).map(|at| self.show_project(at)).collect())
            }
            ("POST", ["api", "graphql"]) => {
                let body = request.json();
                assert!(body["query"].as_str().is_some_and(|query| query.contains("issue(id: $id) { reference(full: true) }")));
                let id = body["variables"]["id"].as_str().and_then(|id| id.strip_prefix("gid://gitlab/Issue/"));
                let mut all = self.projects.iter().flat_map(|project| project.issues.iter().map(move |issue| (project, issue)));
                let found = all.find(|(_, issue)| !issue.forbidden && id.is_some_and(|id| issue.id.to_string() == id));
                let told = found.map(|(project, issue)| json!({"reference": format!("{}/{}#{}", project.group, project.path, issue.iid)}));
                Reply::json(200, &json!({"data": {"issue": told}}))
            }
            (_, ["api", "v4", "projects", path, rest @ ..]) => {
                match self.projects.iter().position(|known| format!("{}/{}", known.group, known.path) == *path) {
                    Some(at) => self.in_project(at, rest, request, now),
                    None => refused(404, "404 Project Not Found"),
                }
            }
            _ => refused(404, "404 Not Found"),
        }
    }

    fn writes(&self, request: &Request) -> bool {
        request.method != "GET" && request.path != "/api/graphql"
    }

    fn creates_issue(&self, request: &Request) -> bool {
        request.method == "POST" && request.path.ends_with("/issues")
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        let reset = Reply::empty(429).with("ratelimit-reset", "1795233690").with("date", "Sat, 21 Nov 2026 04:00:00 GMT");
        vec![
            (refused(429, "Retry later").with("retry-after", "7"), Duration::from_secs(7)),
            (reset, Duration::from_secs(90)),
            (
                Reply::json(429, &json!({"message": {"error": "This endpoint has been requested too many times. Try again later."}})),
                Duration::from_mins(1),
            ),
        ]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let project = &self.projects[0];
        let title = |id: i64| project.milestones.iter().find(|(known, _)| *known == id).map(|(_, title)| title.clone());
        let seen = |issue: &Issue| SimIssue {
            id: issue.iid.to_string(),
            title: issue.title.clone(),
            body: issue.description.clone(),
            closed: issue.closed,
            priority: None,
            labels: issue.labels.clone(),
            people: issue.assignees.iter().filter_map(|id| person(*id)).map(str::to_owned).collect(),
            milestone: issue.milestone.and_then(title),
            due: issue.due.clone(),
            comments: issue
                .notes
                .iter()
                .filter(|note| !note.system)
                .map(|note| SimComment { id: note.id.to_string(), author: note.author.clone(), text: note.body.clone() })
                .collect(),
        };
        project.issues.iter().filter(|issue| issue.moved_to.is_none()).map(seen).collect()
    }

    /// Merge requests have a list of their own.
    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>) {
        if !pull_request {
            self.create(0, &json!({"title": title, "description": body}), now);
        }
    }

    fn meddle(&mut self, id: &str, label: &str, name: &str) {
        let issue = self.projects[0].issues.iter_mut().find(|issue| issue.iid.to_string() == id).unwrap();
        issue.labels.push(label.to_owned());
        issue.assignees.extend((51..54).filter(|id| person(*id) == Some(name)));
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let (paid, system, now) = (self.paid, self.id(), now.trunc_subsecs(3));
        let number = self.id();
        let milestones = &mut self.projects[0].milestones;
        let milestone = edit.milestone.as_ref().map(|name| {
            let name = name.as_ref()?;
            if !milestones.iter().any(|(_, known)| known == name) {
                milestones.push((number, name.clone()));
            }
            milestones.iter().find(|(_, known)| known == name).map(|(id, _)| *id)
        });
        let issue = self.seen(id);
        issue.milestone = milestone.unwrap_or(issue.milestone);
        issue.due = edit.due.clone().unwrap_or_else(|| issue.due.clone());
        issue.assignees.retain(|who| !edit.nobody && person(*who) != edit.remove_person.as_deref());
        if let Some(title) = &edit.title {
            issue.title.clone_from(title);
        }
        if let Some(body) = &edit.body {
            issue.description.clone_from(body);
        }
        issue.closed = edit.closed.unwrap_or(issue.closed);
        issue.labels.retain(|label| Some(label) != edit.remove_label.as_ref());
        issue.labels.extend(edit.add_label.iter().filter(|label| !issue.labels.contains(label)).cloned().collect::<Vec<_>>());
        if let Some(who) = edit.person.as_ref().and_then(|name| (51..54).find(|id| person(*id) == Some(name))) {
            issue.assignees.retain(|known| paid && *known != who);
            issue.assignees.push(who);
        }
        issue.notes.push(Note {
            id: system,
            author: PEOPLE[0].to_owned(),
            body: "changed the description".to_owned(),
            system: true,
            created: now,
            updated: now,
        });
        issue.updated = now;
    }

    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        let now = now.trunc_subsecs(3);
        let note = Note { id: self.id(), author: author.to_owned(), body: text.to_owned(), system: false, created: now, updated: now };
        let issue = self.seen(id);
        issue.updated = now;
        issue.notes.push(note);
        issue.notes.last().unwrap().id.to_string()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let (issue, now) = (self.seen(id), now.trunc_subsecs(3));
        issue.updated = now;
        let at = issue.notes.iter().position(|known| known.id.to_string() == comment).unwrap();
        match text {
            Some(text) => (issue.notes[at].body, issue.notes[at].updated) = (text.to_owned(), now),
            None => _ = issue.notes.remove(at),
        }
    }

    fn person_relates(&mut self, id: &str, relation: Relation, other: &str, there: bool, now: DateTime<Utc>) {
        let other = self.seen(other).id.to_string();
        let issue = self.seen(id);
        issue.updated = now.trunc_subsecs(3);
        let own = issue.id.to_string();
        self.bonds.person(&own, relation, &other, there);
    }

    fn removes(&mut self, id: &str) {
        self.projects[0].issues.retain(|issue| issue.iid.to_string() != id);
    }

    /// What is left of it is closed.
    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String) {
        let (number, now) = (self.id(), now.trunc_subsecs(3));
        let left = self.seen(id);
        let mut moved = left.clone();
        (left.closed, left.moved_to, left.updated) = (true, Some(number), now);
        self.projects[1].last += 1;
        (moved.id, moved.iid, moved.updated, moved.milestone) = (number, self.projects[1].last, now, None);
        let iid = moved.iid.to_string();
        self.projects[1].issues.push(moved);
        (Project { repo: self.projects[1].path.to_owned(), ..self.place() }, iid)
    }

    /// It is said not to be there.
    fn forbid(&mut self, id: &str) -> bool {
        self.seen(id).forbidden = true;
        false
    }

    fn has_etags(&self) -> bool {
        true
    }

    fn may_be_late(&self, request: &Request) -> bool {
        request.method == "GET" && request.path.ends_with("/issues") && request.query("order_by") == Some("updated_at")
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        PEOPLE
    }

    fn facts(&self) -> &'static [&'static str] {
        &["api/gitlab.yaml"]
    }

    fn description(&self) -> Option<&'static str> {
        Some("gitlab-15.2-docs.json")
    }

    fn undescribed(&self) -> &'static [&'static str] {
        &["/api/v4/projects", "/api/v4/users", "/api/graphql", "?page", "?per_page"]
    }
}
