//! Gitea and Forgejo: two repositories of one owner, labels and milestones by number, pages of at
//! most 3 for any requested size.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Value, json};

use super::{Reply, Request, SimComment, SimEdit, SimIssue, Vendor};

/// The largest page, for any requested size.
const CAP: usize = 3;

#[derive(Clone)]
struct Gitea {
    kind: TrackerKind,
    /// From 1.26 on a text has an edition. Forgejo has none.
    editions: bool,
    repos: Vec<Repo>,
    next_id: i64,
}

#[derive(Clone, Default)]
struct Repo {
    name: &'static str,
    /// What it is called since, where it is called otherwise.
    renamed: Option<&'static str>,
    /// The number given last.
    last: i64,
    labels: Vec<(i64, String)>,
    milestones: Vec<(i64, String)>,
    issues: Vec<Issue>,
}

#[derive(Clone)]
struct Issue {
    number: i64,
    forbidden: bool,
    title: String,
    body: String,
    closed: bool,
    labels: Vec<i64>,
    assignees: Vec<String>,
    milestone: Option<i64>,
    due: Option<String>,
    pull_request: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    edition: i64,
    comments: Vec<Comment>,
}

#[derive(Clone)]
struct Comment {
    id: i64,
    author: String,
    body: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

pub(super) fn gitea() -> Box<dyn Vendor> {
    Box::new(Gitea::new(TrackerKind::Gitea, true))
}

pub(super) fn forgejo() -> Box<dyn Vendor> {
    Box::new(Gitea::new(TrackerKind::Forgejo, false))
}

const OWNER: &str = "acme";
const BOT: &str = "issue-bot";
const PEOPLE: &[&str] = &["ann", "bob", "cleo"];

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message, "url": "https://docs.example.org/api/swagger"}))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Gitea {
    fn new(kind: TrackerKind, editions: bool) -> Self {
        let repo = |name| Repo { name, ..Repo::default() };
        Self { kind, editions, repos: ["tools", "a2", "a3", "a4", "last"].map(repo).into(), next_id: 100 }
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn show(&self, repo: &Repo, issue: &Issue) -> Value {
        let label = |id: &i64| {
            repo.labels.iter().find(|(other, _)| other == id).map(|(id, name)| json!({"id": id, "name": name, "color": "8b949e"}))
        };
        let mut shown = json!({
            "id": 1000 + issue.number, "number": issue.number, "title": issue.title, "body": issue.body,
            "state": if issue.closed { "closed" } else { "open" }, "labels": issue.labels.iter().filter_map(label).collect::<Vec<_>>(),
            "assignees": if issue.assignees.is_empty() { Value::Null } else { issue.assignees.iter().map(|login| json!({"id": 5, "login": login})).collect() },
            "milestone": issue.milestone.and_then(|id| repo.milestones.iter().find(|(other, _)| *other == id)).map(|(id, title)| json!({"id": id, "title": title})),
            "due_date": issue.due, "created_at": moment(issue.created), "updated_at": moment(issue.updated), "comments": issue.comments.len(),
            "html_url": format!("https://git.example.org/{OWNER}/{}/issues/{}", repo.renamed.unwrap_or(repo.name), issue.number),
            "repository": {"id": 7, "owner": OWNER, "name": repo.renamed.unwrap_or(repo.name), "full_name": format!("{OWNER}/{}", repo.name)},
            "pull_request": issue.pull_request.then(|| json!({"merged": false})),
        });
        if self.editions {
            shown["content_version"] = json!(issue.edition);
        }
        shown
    }

    fn show_repo(&self, at: usize) -> Value {
        let name = self.repos[at].name;
        // The last one belongs to another owner.
        let owner = if name == "last" { "other" } else { OWNER };
        json!({"id": 70 + at, "name": name, "full_name": format!("{owner}/{name}"), "html_url": format!("https://git.example.org/{owner}/{name}"),
            "owner": {"id": if owner == OWNER { 7 } else { 8 }, "login": owner}, "archived": false, "has_issues": true,
            "permissions": {"admin": false, "push": true, "pull": true}})
    }

    /// A page as the server gives it, with the total.
    fn paged(request: &Request, items: &[Value]) -> Reply {
        Self::paged_as(request, items, Clone::clone)
    }

    fn paged_as<T>(request: &Request, items: &[T], show: impl Fn(&T) -> Value) -> Reply {
        let number =
            |name: &str, default: usize| request.query(name).and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(default);
        let (page, limit) = (number("page", 1), number("limit", request.cap(CAP)).min(request.cap(CAP)));
        let total = items.len();
        let part: Vec<Value> = items.iter().skip((page - 1) * limit).take(limit).map(show).collect();
        Reply::json(200, &Value::Array(part)).with("x-total-count", total.to_string())
    }

    fn in_repo(&mut self, at: usize, rest: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", []) => Reply::json(200, &self.show_repo(at)),
            ("GET", ["labels"]) => {
                let all = self.repos[at].labels.iter().map(|(id, name)| json!({"id": id, "name": name, "color": "8b949e"}));
                Self::paged(request, &all.collect::<Vec<_>>())
            }
            ("POST", ["labels"]) => {
                let (Some(name), Some(_)) = (body["name"].as_str(), body["color"].as_str()) else {
                    return refused(422, "[Color]: Required");
                };
                let id = self.id();
                self.repos[at].labels.push((id, name.to_owned()));
                Reply::json(201, &json!({"id": id, "name": name, "color": body["color"]}))
            }
            ("GET", ["milestones"]) => {
                let all = self.repos[at].milestones.iter().map(|(id, title)| json!({"id": id, "title": title, "state": "open"}));
                Self::paged(request, &all.collect::<Vec<_>>())
            }
            ("POST", ["milestones"]) => {
                let Some(title) = body["title"].as_str() else { return refused(422, "no title") };
                let id = self.id();
                self.repos[at].milestones.push((id, title.to_owned()));
                Reply::json(201, &json!({"id": id, "title": title}))
            }
            ("GET", ["issues"]) => self.list(at, request),
            ("POST", ["issues"]) => self.create(at, &body, now),
            (_, ["issues", "comments", id]) => self.comment(at, id, &request.method, &body, now),
            (method, ["issues", number, tail @ ..]) => {
                let Some(project) = self.repos[at].issues.iter().position(|issue| issue.number.to_string() == *number) else {
                    return refused(404, "The target couldn't be found.");
                };
                if self.repos[at].issues[project].forbidden {
                    return refused(403, "token does not have at least one of required scope(s): [read:issue]");
                }
                self.on_issue(at, project, method, tail, request, now)
            }
            _ => refused(404, "no such route"),
        }
    }

    fn list(&self, at: usize, request: &Request) -> Reply {
        let repo = &self.repos[at];
        let since = request.query("since").map(|text| text.parse::<DateTime<Utc>>().expect("since is a moment"));
        let wanted = |issue: &&Issue| {
            since.is_none_or(|since| issue.updated >= since)
                && (request.query("state") == Some("all") || !issue.closed)
                && (request.query("type") != Some("issues") || !issue.pull_request)
                && !issue.forbidden
        };
        // Newest first, as the server does.
        Self::paged_as(request, &repo.issues.iter().rev().filter(wanted).collect::<Vec<_>>(), |issue| self.show(repo, issue))
    }

    fn create(&mut self, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let Some(title) = body["title"].as_str().filter(|title| !title.is_empty() && title.chars().count() <= 255) else {
            return refused(422, "[Title]: Required");
        };
        let people = texts(&body["assignees"]);
        if let Some(unknown) = people.iter().find(|login| !PEOPLE.contains(&login.as_str())) {
            return refused(422, &format!("Assignee does not exist: [name: {unknown}]"));
        }
        let labels: Vec<i64> = body["labels"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        if labels.len() != body["labels"].as_array().map_or(0, Vec::len)
            || labels.iter().any(|id| !self.repos[at].labels.iter().any(|(known, _)| known == id))
        {
            return refused(422, "labels are numbers of labels that are there");
        }
        self.repos[at].last += 1;
        let number = self.repos[at].last;
        let issue = Issue {
            number,
            forbidden: false,
            title: title.to_owned(),
            body: body["body"].as_str().unwrap_or_default().to_owned(),
            closed: body["closed"] == true,
            labels,
            assignees: people,
            milestone: body["milestone"].as_i64().filter(|id| *id > 0),
            due: body["due_date"].as_str().map(|text| format!("{}T23:59:59Z", &text[..10])),
            pull_request: false,
            created: now,
            updated: now,
            edition: 0,
            comments: Vec::new(),
        };
        self.repos[at].issues.push(issue);
        let repo = &self.repos[at];
        Reply::json(201, &self.show(repo, repo.issues.last().unwrap()))
    }

    fn on_issue(&mut self, at: usize, project: usize, method: &str, tail: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let body = request.json();
        match (method, tail) {
            ("GET", []) => Reply::json(200, &self.show(&self.repos[at], &self.repos[at].issues[project])),
            ("PATCH", []) => self.edit(at, project, &body, now),
            ("GET", ["labels"]) => {
                let shown = self.show(&self.repos[at], &self.repos[at].issues[project]);
                Reply::json(200, &shown["labels"])
            }
            ("POST", ["labels"]) => {
                let issue = &mut self.repos[at].issues[project];
                for id in body["labels"].as_array().into_iter().flatten().filter_map(Value::as_i64) {
                    if !issue.labels.contains(&id) {
                        issue.labels.push(id);
                    }
                }
                issue.updated = now;
                Reply::json(200, &json!([]))
            }
            ("DELETE", ["labels", id]) => {
                let issue = &mut self.repos[at].issues[project];
                issue.labels.retain(|label| label.to_string() != *id);
                issue.updated = now;
                Reply::empty(204)
            }
            ("GET", ["comments"]) => {
                let since = request.query("since").map(|text| text.parse::<DateTime<Utc>>().expect("since is a moment"));
                let all =
                    self.repos[at].issues[project].comments.iter().filter(|comment| since.is_none_or(|since| comment.updated >= since));
                Reply::json(200, &all.map(shown_comment).collect())
            }
            ("POST", ["comments"]) => {
                let Some(text) = body["body"].as_str().filter(|text| !text.is_empty()) else { return refused(422, "[Body]: Required") };
                let comment = Comment { id: self.id(), author: BOT.to_owned(), body: text.to_owned(), created: now, updated: now };
                let shown = shown_comment(&comment);
                self.repos[at].issues[project].comments.push(comment);
                self.repos[at].issues[project].updated = now;
                Reply::json(201, &shown)
            }
            _ => refused(404, "no such route"),
        }
    }

    fn edit(&mut self, at: usize, project: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let editions = self.editions;
        let issue = &mut self.repos[at].issues[project];
        if editions && body["content_version"].as_i64().is_some_and(|edition| edition != issue.edition) {
            return refused(409, "the content was changed in between");
        }
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        if let Some(text) = body["body"].as_str() {
            text.clone_into(&mut issue.body);
            issue.edition += 1;
        }
        match body["state"].as_str() {
            Some("closed") => issue.closed = true,
            Some("open") => issue.closed = false,
            Some(other) => return refused(422, &format!("unknown state {other}")),
            None => {}
        }
        if body["assignees"].is_array() {
            issue.assignees = texts(&body["assignees"]);
        }
        match body["milestone"].as_i64() {
            Some(0) => issue.milestone = None,
            Some(id) => issue.milestone = Some(id),
            None => {}
        }
        if let Some(due) = body["due_date"].as_str() {
            issue.due = Some(format!("{}T23:59:59Z", &due[..10]));
        }
        if body["unset_due_date"] == true {
            issue.due = None;
        }
        issue.updated = now;
        let repo = &self.repos[at];
        Reply::json(201, &self.show(repo, &repo.issues[project]))
    }

    fn comment(&mut self, at: usize, id: &str, method: &str, body: &Value, now: DateTime<Utc>) -> Reply {
        let comments = self.repos[at].issues.iter_mut().find_map(|issue| {
            let found = issue.comments.iter().position(|comment| comment.id.to_string() == id)?;
            Some((&mut issue.comments, found))
        });
        let Some((comments, found)) = comments else { return refused(404, "no such comment") };
        match method {
            "DELETE" => {
                comments.remove(found);
                Reply::empty(204)
            }
            "PATCH" => {
                body["body"].as_str().unwrap_or_default().clone_into(&mut comments[found].body);
                comments[found].updated = now;
                Reply::json(200, &shown_comment(&comments[found]))
            }
            _ => refused(405, "no such method"),
        }
    }
}

fn shown_comment(comment: &Comment) -> Value {
    json!({"id": comment.id, "body": comment.body, "user": {"id": 1, "login": comment.author}, "created_at": moment(comment.created),
        "updated_at": moment(comment.updated), "html_url": format!("https://git.example.org/c/{}", comment.id)})
}

impl Vendor for Gitea {
    fn kind(&self) -> TrackerKind {
        self.kind
    }

    fn place(&self) -> Project {
        Project { owner: OWNER.to_owned(), repo: "tools".to_owned(), project: String::new() }
    }

    fn credential(&self, request: &Request) -> Option<String> {
        request.header("authorization")?.strip_prefix("token ").map(str::to_owned)
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["api", "v1", "user"]) => Reply::json(200, &json!({"id": 1, "login": "issue-bot"})),
            ("GET", ["api", "v1", "user", "repos"]) => {
                Self::paged(request, &(0..self.repos.len()).map(|at| self.show_repo(at)).collect::<Vec<_>>())
            }
            (_, ["api", "v1", "repos", owner, repo, rest @ ..]) => {
                let found = self.repos.iter().position(|known| known.renamed.unwrap_or(known.name) == *repo).filter(|_| *owner == OWNER);
                let before = self.repos.iter().find(|known| known.renamed.is_some() && known.name == *repo);
                if let Some(now) = before.and_then(|known| known.renamed) {
                    let query: Vec<String> =
                        request.query.iter().map(|(name, value)| format!("{name}={}", value.replace(':', "%3A"))).collect();
                    let path = [&["", "api", "v1", "repos", OWNER, now], rest].concat().join("/");
                    return Reply::empty(307).with("location", format!("{path}?{}", query.join("&")).trim_end_matches('?'));
                }
                match found {
                    Some(at) => self.in_repo(at, rest, request, now),
                    None => refused(404, "The target couldn't be found."),
                }
            }
            _ => refused(404, "no such route"),
        }
    }

    fn creates_issue(&self, request: &Request) -> bool {
        request.method == "POST" && request.path.ends_with("/issues")
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        vec![(refused(429, "too many").with("retry-after", "7"), Duration::from_secs(7))]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let repo = &self.repos[0];
        let name = |id: &i64| repo.labels.iter().find(|(other, _)| other == id).map(|(_, name)| name.clone());
        let seen = |issue: &Issue| SimIssue {
            id: issue.number.to_string(),
            title: issue.title.clone(),
            body: issue.body.clone(),
            closed: issue.closed,
            priority: None,
            labels: issue.labels.iter().filter_map(name).collect(),
            people: issue.assignees.clone(),
            milestone: issue
                .milestone
                .and_then(|id| repo.milestones.iter().find(|(other, _)| *other == id))
                .map(|(_, title)| title.clone()),
            due: issue.due.as_ref().map(|due| due[..10].to_owned()),
            comments: issue
                .comments
                .iter()
                .map(|comment| SimComment { id: comment.id.to_string(), author: comment.author.clone(), text: comment.body.clone() })
                .collect(),
        };
        repo.issues.iter().filter(|issue| !issue.pull_request).map(seen).collect()
    }

    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>) {
        self.create(0, &json!({"title": title, "body": body}), now);
        self.repos[0].issues.last_mut().unwrap().pull_request = pull_request;
    }

    fn meddle(&mut self, id: &str, label: &str, person: &str) {
        let number = self.id();
        self.repos[0].labels.push((number, label.to_owned()));
        let issue = self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        issue.labels.push(number);
        issue.assignees.push(person.to_owned());
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let known = edit.add_label.as_ref().map(|name| {
            let known = self.repos[0].labels.iter().find(|(_, known)| known == name).map(|(id, _)| *id);
            (known.unwrap_or_else(|| self.id()), name.clone())
        });
        let milestone = edit.milestone.as_ref().map(|name| {
            let known = |name: &String| self.repos[0].milestones.iter().find(|(_, known)| known == name).map(|(id, _)| *id);
            name.as_ref().map(|name| (known(name).unwrap_or(self.next_id + 1), name.clone()))
        });
        self.next_id += 1;
        let repo = &mut self.repos[0];
        if let Some(Some(milestone)) = &milestone
            && !repo.milestones.contains(milestone)
        {
            repo.milestones.push(milestone.clone());
        }
        if let Some((label, name)) = known.clone().filter(|(label, _)| !repo.labels.iter().any(|(other, _)| other == label)) {
            repo.labels.push((label, name));
        }
        let gone = edit.remove_label.as_ref().and_then(|name| repo.labels.iter().find(|(_, known)| known == name)).map(|(id, _)| *id);
        let issue = repo.issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        if let Some(title) = &edit.title {
            issue.title.clone_from(title);
        }
        if let Some(body) = &edit.body {
            issue.body.clone_from(body);
            issue.edition += 1;
        }
        issue.closed = edit.closed.unwrap_or(issue.closed);
        issue.labels.retain(|label| Some(*label) != gone);
        issue.labels.extend(known.map(|(label, _)| label).filter(|label| !issue.labels.contains(label)).into_iter().collect::<Vec<_>>());
        issue.assignees.retain(|name| !edit.nobody && Some(name) != edit.remove_person.as_ref());
        issue.milestone = milestone.map_or(issue.milestone, |milestone| milestone.map(|(id, _)| id));
        if let Some(due) = &edit.due {
            issue.due = due.as_ref().map(|day| format!("{day}T23:59:59Z"));
        }
        issue.assignees.extend(edit.person.iter().filter(|person| !issue.assignees.contains(person)).cloned().collect::<Vec<_>>());
        issue.updated = now;
    }

    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        let comment = Comment { id: self.id(), author: author.to_owned(), body: text.to_owned(), created: now, updated: now };
        let issue = self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        issue.updated = now;
        issue.comments.push(comment);
        issue.comments.last().unwrap().id.to_string()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let issue = self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        issue.updated = now;
        let at = issue.comments.iter().position(|known| known.id.to_string() == comment).unwrap();
        match text {
            Some(text) => (issue.comments[at].body, issue.comments[at].updated) = (text.to_owned(), now),
            None => _ = issue.comments.remove(at),
        }
    }

    fn removes(&mut self, id: &str) {
        self.repos[0].issues.retain(|issue| issue.number.to_string() != id);
    }

    /// Issues stay in their repository: it is called otherwise.
    fn moves(&mut self, id: &str, _now: DateTime<Utc>) -> (Project, String) {
        self.repos[0].renamed = Some("tools-2");
        (Project { repo: "tools-2".to_owned(), ..self.place() }, id.to_owned())
    }

    fn forbid(&mut self, id: &str) -> bool {
        let issue = self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        issue.forbidden = true;
        true
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        PEOPLE
    }

    fn facts(&self) -> &'static [&'static str] {
        if self.kind == TrackerKind::Forgejo { &["api/gitea.yaml", "api/forgejo.yaml"] } else { &["api/gitea.yaml"] }
    }

    fn description(&self) -> Option<&'static str> {
        Some(if self.kind == TrackerKind::Forgejo { "forgejo-11.0.3.json" } else { "gitea-1.25.3.json" })
    }
}
