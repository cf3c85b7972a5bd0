//! GitHub: repositories of two owners, labels by name, milestones by number, issues and pull
//! requests in one list, short pages for any requested size, and `Link` headers that lead to
//! another host.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Value, json};

use super::bonds::Bonds;
use super::{Reply, Request, SECRET, SimComment, SimEdit, SimIssue, Vendor};

/// The largest pages, for any requested size: of issues, and of everything else.
const ISSUES: usize = 6;
const CAP: usize = 3;
const OWNER: &str = "acme";
const BOT: &str = "issue-bot";
const PEOPLE: &[&str] = &["ann", "bob", "cleo"];

/// As `options` of a backend that is a GitHub App.
pub(crate) const APP: [(&str, &str); 2] = [("app_id", "12345"), ("installation_id", "678")];
/// So many requests are accepted with one token of an installation.
const TOKEN_LIVES: usize = 3;

#[derive(Clone)]
struct GitHub {
    app: bool,
    tokens: usize,
    passed: usize,
    repos: Vec<Repo>,
    next_id: i64,
    /// By the numbers among all issues.
    bonds: Bonds,
}

#[derive(Clone)]
struct Repo {
    owner: &'static str,
    name: &'static str,
    milestones: Vec<String>,
    issues: Vec<Issue>,
    /// The number given last.
    last: usize,
    /// Numbers of what was deleted, and of what was transferred, with where it is now.
    gone: Vec<(usize, Option<(usize, usize)>)>,
}

#[derive(Clone)]
struct Issue {
    /// Among all issues there are.
    id: i64,
    number: usize,
    forbidden: bool,
    title: String,
    body: String,
    closed: bool,
    reason: Option<String>,
    labels: Vec<String>,
    assignees: Vec<String>,
    milestone: Option<usize>,
    pull_request: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
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

pub(super) fn github() -> Box<dyn Vendor> {
    Box::new(GitHub::new(false))
}

/// One that accepts only an app. The suite does not run on it: its secret is a private key.
pub(crate) fn app() -> Box<dyn Vendor> {
    Box::new(GitHub::new(true))
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message, "documentation_url": "https://docs.github.com/rest"}))
}

fn invalid(field: &str, code: &str) -> Reply {
    Reply::json(422, &json!({"message": "Validation Failed", "errors": [{"resource": "Issue", "field": field, "code": code}]}))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A page, and where the next one is: behind a cursor, as GitHub goes on in long lists.
fn paged<T>(request: &Request, all: Vec<T>, show: impl Fn(T) -> Value) -> (Vec<Value>, Option<String>) {
    let number = |name: &str, default: usize| request.query(name).and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(default);
    let (page, size) =
        (number("page", 1), number("per_page", 30).min(request.cap(if request.path.ends_with("/issues") { ISSUES } else { CAP })));
    let behind = request.query("after").map(|cursor| cursor.strip_prefix("Y3Vy=").and_then(|n| n.parse().ok()).expect("a cursor of ours"));
    let start: usize = behind.unwrap_or((page - 1) * size);
    let more = all.len() > start + size;
    let part: Vec<Value> = all.into_iter().skip(start).take(size).map(show).collect();
    let rest = request.query.iter().filter(|(name, _)| !["page", "after"].contains(&name.as_str()));
    let rest: Vec<String> = rest.map(|(name, value)| format!("{name}={}", value.replace(':', "%3A"))).collect();
    let at = format!("https://api.github.com/repositories/70{}?{}", request.path, rest.join("&"));
    let next = more.then(|| format!("<{at}&after=Y3Vy%3D{}&page={}>; rel=\"next\"", start + size, page + 1));
    let back = (start > 0).then(|| format!("<{at}&before=Y3Vy%3D{start}&page={}>; rel=\"prev\"", page.saturating_sub(1)));
    let links: Vec<String> = [back, next].into_iter().flatten().collect();
    (part, (!links.is_empty()).then(|| links.join(", ")))
}

fn listed(request: &Request, all: Vec<Value>) -> Reply {
    listed_as(request, all, |item| item)
}

fn listed_as<T>(request: &Request, all: Vec<T>, show: impl Fn(T) -> Value) -> Reply {
    let (part, link) = paged(request, all, show);
    let reply = Reply::json(200, &Value::Array(part));
    link.into_iter().fold(reply, |reply, link| reply.with("link", link))
}

fn since(request: &Request) -> Option<DateTime<Utc>> {
    request.query("since").map(|text| text.parse::<DateTime<Utc>>().expect("since is a moment"))
}

impl GitHub {
    fn new(app: bool) -> Self {
        let repo = |(owner, name)| Repo { owner, name, milestones: Vec::new(), issues: Vec::new(), last: 0, gone: Vec::new() };
        let repos = [(OWNER, "tools"), (OWNER, "a2"), (OWNER, "a3"), (OWNER, "a4"), ("other", "last")];
        Self { app, tokens: 0, passed: 0, repos: repos.map(repo).into(), next_id: 100, bonds: Bonds::default() }
    }

    fn seen(&mut self, id: &str) -> &mut Issue {
        self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap()
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn show(repo: &Repo, issue: &Issue) -> Value {
        let people: Vec<Value> = issue.assignees.iter().map(|login| json!({"id": 5, "login": login})).collect();
        let labels: Vec<Value> = issue.labels.iter().map(|name| json!({"id": 3, "name": name, "color": "ededed"})).collect();
        let milestone = issue.milestone.map(|number| json!({"number": number, "title": repo.milestones[number - 1]}));
        let mut shown = json!({
            "id": issue.id, "number": issue.number, "title": issue.title, "body": issue.body, "labels": labels, "assignees": people,
            "state": if issue.closed { "closed" } else { "open" }, "state_reason": issue.reason, "milestone": milestone,
            "created_at": moment(issue.created), "updated_at": moment(issue.updated), "comments": issue.comments.len(),
            "repository_url": format!("https://api.github.com/repos/{}/{}", repo.owner, repo.name),
            "html_url": format!("https://github.com/{}/{}/issues/{}", repo.owner, repo.name, issue.number),
        });
        if issue.pull_request {
            shown["pull_request"] = json!({"url": "https://api.github.com/repos/acme/tools/pulls/1"});
        }
        shown
    }

    fn show_repo(&self, at: usize) -> Value {
        let repo = &self.repos[at];
        let url = format!("https://github.com/{}", repo.owner);
        json!({"id": 70 + at, "name": repo.name, "full_name": format!("{}/{}", repo.owner, repo.name), "html_url": format!("{url}/{}", repo.name),
            "owner": {"id": if repo.owner == OWNER { 7 } else { 8 }, "login": repo.owner, "html_url": url}, "archived": false, "has_issues": true,
            "permissions": {"admin": false, "maintain": false, "push": true, "triage": true, "pull": true}})
    }

    fn in_repo(&mut self, at: usize, rest: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", []) => Reply::json(200, &self.show_repo(at)),
            ("GET", ["milestones"]) => {
                let all = self.repos[at]
                    .milestones
                    .iter()
                    .enumerate()
                    .map(|(n, title)| json!({"number": n + 1, "title": title, "state": "open"}));
                listed(request, all.collect())
            }
            ("POST", ["milestones"]) => {
                let Some(title) = body["title"].as_str() else { return invalid("title", "missing_field") };
                let milestones = &mut self.repos[at].milestones;
                if milestones.iter().any(|known| known == title) {
                    return invalid("title", "already_exists");
                }
                milestones.push(title.to_owned());
                Reply::json(201, &json!({"number": milestones.len(), "title": title, "state": "open"}))
            }
            ("GET", ["issues"]) => self.list(at, request),
            ("POST", ["issues"]) => self.create(at, &body, now),
            (_, ["issues", "comments", id]) => self.comment(at, id, &request.method, &body, now),
            (method, ["issues", number, tail @ ..]) => {
                let Some(project) = self.repos[at].issues.iter().position(|issue| issue.number.to_string() == *number) else {
                    return self.gone(at, number, tail, request);
                };
                if self.repos[at].issues[project].forbidden {
                    return refused(403, "Resource not accessible by integration");
                }
                self.on_issue(at, project, method, tail, request, now)
            }
            _ => refused(404, "Not Found"),
        }
    }

    /// The answer for a missing or deleted issue.
    fn gone(&self, at: usize, number: &str, tail: &[&str], request: &Request) -> Reply {
        match self.repos[at].gone.iter().find(|(gone, _)| gone.to_string() == number) {
            Some((_, Some((repo, now)))) => {
                let path = [&["repositories", &(70 + repo).to_string(), "issues", &now.to_string()], tail].concat().join("/");
                let host = request.header("host").unwrap_or_default();
                refused(301, "Moved Permanently").with("location", format!("http://{host}/{path}"))
            }
            Some((_, None)) => refused(410, "This issue was deleted"),
            None => refused(404, "Not Found"),
        }
    }

    fn list(&self, at: usize, request: &Request) -> Reply {
        let (repo, since) = (&self.repos[at], since(request));
        let by_change = request.query("sort") == Some("updated");
        let wanted = |issue: &&Issue| {
            !issue.forbidden && since.is_none_or(|since| issue.updated >= since) && (request.query("state") == Some("all") || !issue.closed)
        };
        let mut found: Vec<&Issue> = repo.issues.iter().filter(wanted).collect();
        found.sort_by_key(|issue| (if by_change { issue.updated } else { issue.created }, issue.number));
        if request.query("direction") != Some("asc") {
            found.reverse();
        }
        listed_as(request, found, |issue| Self::show(repo, issue))
    }

    fn create(&mut self, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let Some(title) = body["title"].as_str().filter(|title| !title.is_empty() && title.chars().count() <= 256) else {
            return invalid("title", "missing_field");
        };
        let text = body["body"].as_str().unwrap_or_default();
        if text.chars().count() > 65_536 {
            return invalid("body", "custom");
        }
        let people = texts(&body["assignees"]);
        if people.iter().any(|login| !PEOPLE.contains(&login.as_str())) {
            return invalid("assignees", "invalid");
        }
        let milestone = body["milestone"].as_u64().and_then(|number| usize::try_from(number).ok());
        if milestone.is_some_and(|number| number == 0 || number > self.repos[at].milestones.len()) {
            return invalid("milestone", "invalid");
        }
        let now = now.trunc_subsecs(0);
        self.repos[at].last += 1;
        let issue = Issue {
            id: self.id(),
            number: self.repos[at].last,
            forbidden: false,
            title: title.to_owned(),
            body: text.to_owned(),
            closed: false,
            reason: None,
            labels: texts(&body["labels"]),
            assignees: people,
            milestone,
            pull_request: false,
            created: now,
            updated: now,
            comments: Vec::new(),
        };
        self.repos[at].issues.push(issue);
        let repo = &self.repos[at];
        Reply::json(201, &Self::show(repo, repo.issues.last().unwrap()))
    }

    fn on_issue(&mut self, at: usize, project: usize, method: &str, tail: &[&str], request: &Request, now: DateTime<Utc>) -> Reply {
        let (body, now) = (request.json(), now.trunc_subsecs(0));
        if method != "GET" {
            self.repos[at].issues[project].updated = now;
        }
        let id = self.id();
        let issue = &mut self.repos[at].issues[project];
        match (method, tail) {
            ("GET", []) => return Reply::json(200, &self.show_whole(at, project)),
            (_, ["dependencies", ..] | ["sub_issue" | "sub_issues"]) => return self.on_relations(at, project, method, tail, request),
            ("PATCH", []) => return self.edit(at, project, &body),
            ("POST", ["labels"]) => {
                for label in texts(&body["labels"]) {
                    if !issue.labels.contains(&label) {
                        issue.labels.push(label);
                    }
                }
            }
            ("DELETE", ["labels", name]) => {
                let before = issue.labels.len();
                issue.labels.retain(|label| label.to_lowercase() != name.to_lowercase());
                if issue.labels.len() == before {
                    return refused(404, "Label does not exist");
                }
            }
            ("POST", ["assignees"]) => {
                // A user who cannot be assigned is ignored.
                for login in texts(&body["assignees"]) {
                    if PEOPLE.contains(&login.as_str()) && !issue.assignees.contains(&login) {
                        issue.assignees.push(login);
                    }
                }
            }
            ("DELETE", ["assignees"]) => {
                let gone = texts(&body["assignees"]);
                issue.assignees.retain(|login| !gone.contains(login));
            }
            ("GET", ["comments"]) => {
                let since = since(request);
                let all = issue.comments.iter().filter(|comment| since.is_none_or(|since| comment.updated >= since));
                return listed(request, all.map(shown_comment).collect());
            }
            ("POST", ["comments"]) => {
                let Some(text) = body["body"].as_str().filter(|text| !text.is_empty()) else { return invalid("body", "missing_field") };
                let comment = Comment { id, author: BOT.to_owned(), body: text.to_owned(), created: now, updated: now };
                let shown = shown_comment(&comment);
                issue.comments.push(comment);
                return Reply::json(201, &shown);
            }
            _ => return refused(404, "Not Found"),
        }
        let repo = &self.repos[at];
        Reply::json(200, &Self::show(repo, &repo.issues[project]))
    }

    fn edit(&mut self, at: usize, project: usize, body: &Value) -> Reply {
        let milestones = self.repos[at].milestones.len();
        let issue = &mut self.repos[at].issues[project];
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        if let Some(text) = body["body"].as_str() {
            text.clone_into(&mut issue.body);
        }
        let closed = match body["state"].as_str() {
            Some("closed") => true,
            Some("open") => false,
            Some(_) => return invalid("state", "invalid"),
            None => issue.closed,
        };
        if closed != issue.closed {
            // The reason is passed over unless the state changes.
            let reason = body["state_reason"].as_str().map(str::to_owned);
            issue.reason = Some(reason.unwrap_or_else(|| if closed { "completed" } else { "reopened" }.to_owned()));
            issue.closed = closed;
        }
        if let Some(milestone) = body.get("milestone") {
            let number = milestone.as_u64().and_then(|number| usize::try_from(number).ok());
            if !milestone.is_null() && !number.is_some_and(|number| (1..=milestones).contains(&number)) {
                return invalid("milestone", "invalid");
            }
            issue.milestone = number;
        }
        let repo = &self.repos[at];
        Reply::json(200, &Self::show(repo, &repo.issues[project]))
    }

    fn comment(&mut self, at: usize, id: &str, method: &str, body: &Value, now: DateTime<Utc>) -> Reply {
        let comments = self.repos[at].issues.iter_mut().find_map(|issue| {
            let found = issue.comments.iter().position(|comment| comment.id.to_string() == id)?;
            Some((&mut issue.comments, found))
        });
        let Some((comments, found)) = comments else { return refused(404, "Not Found") };
        match method {
            "DELETE" => {
                comments.remove(found);
                Reply::empty(204)
            }
            "PATCH" => {
                body["body"].as_str().unwrap_or_default().clone_into(&mut comments[found].body);
                comments[found].updated = now.trunc_subsecs(0);
                Reply::json(200, &shown_comment(&comments[found]))
            }
            _ => refused(404, "Not Found"),
        }
    }

    /// The app itself, as its signed word says, and only for what an app may ask.
    fn is_the_app(&self, request: &Request, word: &str) -> bool {
        let claims = word.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let (now, moment) =
            (issue_core::clock::Clock::System.stamp().now.timestamp(), |name: &str| claims[name].as_i64().unwrap_or_default());
        self.app
            && request.path.starts_with("/app")
            && word.split('.').count() == 3
            && claims["iss"] == APP[0].1
            && moment("iat") <= now
            && now < moment("exp")
            && moment("exp") - moment("iat") <= 600
    }
}

/// Dependencies belong to the issue that is blocked, sub-issues to their parent.
impl GitHub {
    fn position(&self, id: &str) -> Option<(usize, usize)> {
        let within = |repo: &Repo| repo.issues.iter().position(|issue| !issue.forbidden && issue.id.to_string() == id);
        self.repos.iter().enumerate().find_map(|(at, repo)| Some((at, within(repo)?)))
    }

    fn show_id(&self, id: &str) -> Option<Value> {
        self.position(id).map(|(at, project)| Self::show(&self.repos[at], &self.repos[at].issues[project]))
    }

    fn show_whole(&self, at: usize, project: usize) -> Value {
        let issue = &self.repos[at].issues[project];
        let mut shown = Self::show(&self.repos[at], issue);
        if let Some((at, project)) = self.bonds.parent(&issue.id.to_string()).and_then(|id| self.position(&id)) {
            let (repo, number) = (&self.repos[at], self.repos[at].issues[project].number);
            shown["parent_issue_url"] = json!(format!("https://api.github.com/repos/{}/{}/issues/{number}", repo.owner, repo.name));
        }
        shown
    }

    fn on_relations(&mut self, at: usize, project: usize, method: &str, tail: &[&str], request: &Request) -> Reply {
        let own = self.repos[at].issues[project].id.to_string();
        let named = |field: &str| request.json()[field].as_i64().map(|id| id.to_string());
        let known = |id: Option<String>| id.filter(|id| self.position(id).is_some());
        match (method, tail) {
            ("GET", ["dependencies", which @ ("blocked_by" | "blocking")]) => {
                let seen = self.bonds.seen(&own).into_iter();
                let wanted = seen.filter(|seen| seen.relation == Relation::Blocks && seen.forwards == (*which == "blocking"));
                listed(request, wanted.filter_map(|seen| self.show_id(&seen.other)).collect())
            }
            ("POST", ["dependencies", "blocked_by"]) => match known(named("issue_id")) {
                Some(other) if other != own && self.bonds.add(&own, Relation::BlockedBy, &other).is_some() => {
                    Reply::json(201, &self.show_whole(at, project))
                }
                Some(_) => invalid("issue_id", "invalid"),
                None => refused(404, "Not Found"),
            },
            ("DELETE", ["dependencies", "blocked_by", id]) => match self.bonds.find(&own, Relation::BlockedBy, id) {
                Some(bond) => {
                    self.bonds.remove(bond);
                    Reply::json(200, &self.show_whole(at, project))
                }
                None => refused(404, "Not Found"),
            },
            ("POST", ["sub_issues"]) => match known(named("sub_issue_id")) {
                Some(child) if child == own => invalid("sub_issue_id", "invalid"),
                Some(child) if self.bonds.parent(&child).is_some() && request.json()["replace_parent"] != true => {
                    refused(422, "Sub issue may only have one parent")
                }
                Some(child) => {
                    self.bonds.set_parent(&child, Some(&own));
                    Reply::json(201, &self.show_whole(at, project))
                }
                None => refused(404, "Not Found"),
            },
            ("DELETE", ["sub_issue"]) => match known(named("sub_issue_id")).filter(|child| self.bonds.parent(child).as_ref() == Some(&own))
            {
                Some(child) => {
                    self.bonds.set_parent(&child, None);
                    Reply::json(200, &self.show_whole(at, project))
                }
                None => refused(404, "Not Found"),
            },
            _ => refused(404, "Not Found"),
        }
    }
}

fn shown_comment(comment: &Comment) -> Value {
    json!({"id": comment.id, "body": comment.body, "user": {"id": 1, "login": comment.author}, "created_at": moment(comment.created),
        "updated_at": moment(comment.updated), "html_url": format!("https://github.com/acme/tools/issues/1#issuecomment-{}", comment.id)})
}

impl Vendor for GitHub {
    fn kind(&self) -> TrackerKind {
        TrackerKind::GitHub
    }

    fn place(&self) -> Project {
        Project { owner: OWNER.to_owned(), repo: "tools".to_owned(), project: String::new() }
    }

    fn credential(&self, request: &Request) -> Option<String> {
        let shown = request.header("authorization")?.strip_prefix("Bearer ")?;
        if !self.app {
            return Some(shown.to_owned());
        }
        let token = shown == format!("ghs_{}", self.tokens) && self.passed < TOKEN_LIVES;
        (token || self.is_the_app(request, shown)).then(|| SECRET.to_owned())
    }

    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        if request.header("user-agent").is_none() {
            return refused(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.");
        }
        if !request.path.starts_with("/app") {
            self.passed += 1;
        }
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["app", "installations", id, "access_tokens"]) if *id == APP[1].1 => {
                (self.tokens, self.passed) = (self.tokens + 1, 0);
                Reply::json(
                    201,
                    &json!({"token": format!("ghs_{}", self.tokens), "expires_at": moment(now + TimeDelta::hours(1)), "permissions": {"issues": "write"}}),
                )
            }
            ("GET", ["app"]) if self.app => Reply::json(200, &json!({"id": 12345, "slug": "acme-tasks"})),
            ("GET", ["user"]) if !self.app => Reply::json(200, &json!({"id": 1, "login": "issue-bot"})),
            ("GET", ["user", "repos"]) if !self.app => listed(request, (0..self.repos.len()).map(|at| self.show_repo(at)).collect()),
            ("GET", ["installation", "repositories"]) if self.app => {
                let (part, link) = paged(request, (0..self.repos.len()).collect(), |at| self.show_repo(at));
                let reply = Reply::json(200, &json!({"total_count": self.repos.len(), "repositories": part}));
                link.into_iter().fold(reply, |reply, link| reply.with("link", link))
            }
            (_, ["repositories", id, rest @ ..]) => match id.parse::<usize>().ok().and_then(|id| id.checked_sub(70)) {
                Some(at) if at < self.repos.len() => self.in_repo(at, rest, request, now),
                Some(_) | None => refused(404, "Not Found"),
            },
            (_, ["repos", owner, repo, rest @ ..]) => {
                match self.repos.iter().position(|known| known.name == *repo && known.owner == *owner) {
                    Some(at) => self.in_repo(at, rest, request, now),
                    None => refused(404, "Not Found"),
                }
            }
            _ => refused(404, "Not Found"),
        }
    }

    fn creates_issue(&self, request: &Request) -> bool {
        request.method == "POST" && request.path.ends_with("/issues")
    }

    fn limits(&self) -> Vec<(Reply, Duration)> {
        let primary = |status| {
            refused(status, "API rate limit exceeded for user ID 1.")
                .with("x-ratelimit-limit", "5000")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", "1795233690")
                .with("date", "Sat, 21 Nov 2026 04:00:00 GMT")
        };
        let secondary = || refused(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.");
        vec![
            (primary(403), Duration::from_secs(90)),
            (primary(429), Duration::from_secs(90)),
            (secondary().with("retry-after", "7"), Duration::from_secs(7)),
            (secondary(), Duration::from_mins(1)),
        ]
    }

    fn issues(&self) -> Vec<SimIssue> {
        let repo = &self.repos[0];
        let seen = |issue: &Issue| SimIssue {
            id: issue.number.to_string(),
            title: issue.title.clone(),
            body: issue.body.clone(),
            closed: issue.closed,
            priority: None,
            labels: issue.labels.clone(),
            people: issue.assignees.clone(),
            milestone: issue.milestone.map(|number| repo.milestones[number - 1].clone()),
            due: None,
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
        let issue = self.repos[0].issues.iter_mut().find(|issue| issue.number.to_string() == id).unwrap();
        issue.labels.push(label.to_owned());
        issue.assignees.push(person.to_owned());
    }

    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>) {
        let milestones = &mut self.repos[0].milestones;
        let milestone = edit.milestone.as_ref().map(|name| {
            let name = name.as_ref()?;
            if !milestones.contains(name) {
                milestones.push(name.clone());
            }
            milestones.iter().position(|known| known == name).map(|at| at + 1)
        });
        let issue = self.seen(id);
        issue.milestone = milestone.unwrap_or(issue.milestone);
        issue.assignees.retain(|name| !edit.nobody && Some(name) != edit.remove_person.as_ref());
        if let Some(title) = &edit.title {
            issue.title.clone_from(title);
        }
        if let Some(body) = &edit.body {
            issue.body.clone_from(body);
        }
        if let Some(closed) = edit.closed.filter(|closed| *closed != issue.closed) {
            issue.closed = closed;
            issue.reason = Some(if closed { "completed" } else { "reopened" }.to_owned());
        }
        issue.labels.retain(|label| Some(label) != edit.remove_label.as_ref());
        issue.labels.extend(edit.add_label.iter().filter(|label| !issue.labels.contains(label)).cloned().collect::<Vec<_>>());
        issue.assignees.extend(edit.person.iter().filter(|person| !issue.assignees.contains(person)).cloned().collect::<Vec<_>>());
        issue.updated = now.trunc_subsecs(0);
    }

    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String {
        let now = now.trunc_subsecs(0);
        let comment = Comment { id: self.id(), author: author.to_owned(), body: text.to_owned(), created: now, updated: now };
        let issue = self.seen(id);
        issue.updated = now;
        issue.comments.push(comment);
        issue.comments.last().unwrap().id.to_string()
    }

    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>) {
        let (issue, now) = (self.seen(id), now.trunc_subsecs(0));
        issue.updated = now;
        let at = issue.comments.iter().position(|known| known.id.to_string() == comment).unwrap();
        match text {
            Some(text) => (issue.comments[at].body, issue.comments[at].updated) = (text.to_owned(), now),
            None => _ = issue.comments.remove(at),
        }
    }

    fn person_relates(&mut self, id: &str, relation: Relation, other: &str, there: bool, now: DateTime<Utc>) {
        let other = self.seen(other).id.to_string();
        let issue = self.seen(id);
        issue.updated = now.trunc_subsecs(0);
        let own = issue.id.to_string();
        self.bonds.person(&own, relation, &other, there);
    }

    fn removes(&mut self, id: &str) {
        let at = self.repos[0].issues.iter().position(|issue| issue.number.to_string() == id).unwrap();
        let issue = self.repos[0].issues.remove(at);
        self.repos[0].gone.push((issue.number, None));
    }

    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String) {
        let at = self.repos[0].issues.iter().position(|issue| issue.number.to_string() == id).unwrap();
        let mut issue = self.repos[0].issues.remove(at);
        self.repos[1].last += 1;
        let number = self.repos[1].last;
        self.repos[0].gone.push((issue.number, Some((1, number))));
        (issue.number, issue.updated, issue.milestone) = (number, now.trunc_subsecs(0), None);
        self.repos[1].issues.push(issue);
        (Project { repo: self.repos[1].name.to_owned(), ..self.place() }, number.to_string())
    }

    fn forbid(&mut self, id: &str) -> bool {
        self.seen(id).forbidden = true;
        true
    }

    fn has_etags(&self) -> bool {
        true
    }

    fn may_be_late(&self, request: &Request) -> bool {
        request.method == "GET" && request.path.ends_with("/issues") && request.query("sort") == Some("updated")
    }

    fn copy(&self) -> Box<dyn Vendor> {
        Box::new(self.clone())
    }

    fn people(&self) -> &'static [&'static str] {
        PEOPLE
    }

    fn facts(&self) -> &'static [&'static str] {
        &["@octokit/openapi/generated/api.github.com.json"]
    }

    fn description(&self) -> Option<&'static str> {
        Some("github-rest.json")
    }

    fn undescribed(&self) -> &'static [&'static str] {
        &["/user/repos", "?after"]
    }
}
