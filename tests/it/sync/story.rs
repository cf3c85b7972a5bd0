//! A random order of changes by people and agents in a bound project, with failures in between; the
//! same seed repeats it. Every text is a unique word, so that the test can follow it.
//!
//! What people write in the tracker they write while nothing is under way: what is written there between our reading and our writing may
//! be lost where the tracker has no lock (docs/sync.md). What is written here is written at any time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use issue_core::domain::tracker::TrackerKind;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{all_here, binding, hook, path};
use crate::backend::rig::{Rig, eventually, get};
use crate::support::server::Server;
use crate::support::sim::{Chance, Sim, SimEdit, SimIssue};

pub(super) struct Story {
    pub(super) chance: Chance,
    pub(super) sim: Sim,
    pub(super) kind: TrackerKind,
    /// One person can be assigned there.
    pub(super) single: bool,
    words: u64,
    /// Every line that was written into a text, and into a comment.
    pub(super) written: Vec<String>,
    pub(super) said: Vec<String>,
    /// The lines of comments that an author had seen and removed.
    pub(super) taken_away: BTreeSet<String>,
    /// Every label that no concurrent write could overwrite, and those that were removed.
    pub(super) labelled: Vec<String>,
    pub(super) unlabelled: BTreeSet<String>,
    /// The assignees that were added and removed: the issue's id on that side, and the name there.
    pub(super) put_on: Vec<(String, String)>,
    pub(super) taken_off: Vec<(String, String)>,
    /// The deliveries that the tracker has not sent yet, and those that it has sent.
    untold: Vec<(String, String)>,
    told: Vec<(String, String)>,
}

/// Ours of the people that both sides know; the one between them in the tracker is a stranger.
pub(super) const KNOWN: [&str; 2] = ["anna", "cleo"];
const DAYS: [&str; 3] = ["2027-01-05", "2027-02-06", "2027-03-07"];
/// In the order in which they count where an issue has several.
pub(super) const PRIORITIES: [&str; 3] = ["high", "medium", "low"];
pub(super) const KINDS: [&str; 4] = ["task", "bug", "feature", "chore"];

impl Story {
    pub(super) fn new(seed: u64, sim: &Sim) -> Self {
        let (kind, options) = sim.vendor(|vendor| (vendor.kind(), vendor.options()));
        let single = match kind {
            TrackerKind::Jira | TrackerKind::Linear | TrackerKind::AzureDevops => true,
            TrackerKind::GitLab => !options.contains(&("assignees", "many".to_owned())),
            TrackerKind::GitHub | TrackerKind::Gitea | TrackerKind::Forgejo => false,
        };
        Self {
            chance: Chance::new(seed),
            sim: sim.clone(),
            kind,
            single,
            words: 0,
            written: Vec::new(),
            said: Vec::new(),
            taken_away: BTreeSet::new(),
            labelled: Vec::new(),
            unlabelled: BTreeSet::new(),
            put_on: Vec::new(),
            taken_off: Vec::new(),
            untold: Vec::new(),
            told: Vec::new(),
        }
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("w{:03}", self.words)
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        if among.is_empty() {
            return None;
        }
        let at = self.chance.below(among.len() as u64);
        among.get(usize::try_from(at).unwrap()).cloned()
    }

    /// Milestones that are there; a tracker that makes none has one.
    fn milestone(&mut self) -> Option<&'static str> {
        let makes = ![TrackerKind::Jira, TrackerKind::AzureDevops].contains(&self.kind);
        let names: &[Option<&str>] = if makes { &[Some("v1"), Some("v2"), None] } else { &[Some("v1"), None] };
        self.pick(names).flatten()
    }

    fn day(&mut self) -> Option<&'static str> {
        let day = self.pick(&DAYS);
        day.filter(|_| self.chance.below(4) > 0)
    }

    pub(super) async fn step(&mut self, rig: &Rig, server: &Server) {
        match self.chance.below(26) {
            0 | 1 => self.files(server).await,
            2 | 3 => {
                let word = self.word();
                self.written.push(word.clone());
                let now = issue_core::boot::now();
                self.sim.vendor(|vendor| vendor.plant(&format!("found {word}"), &word, false, now));
            }
            4..=7 => self.edits_here(server).await,
            8..=10 => self.edits_there(rig, server).await,
            11 => self.says_here(server).await,
            12 => self.says_there(),
            13 => self.edits_comment_here(server).await,
            14 => self.edits_comment_there(rig, server).await,
            15 => self.deletes_comment_here(server).await,
            16 => self.deletes_comment_there(rig, server).await,
            17 => {
                let seed = self.chance.below(1000);
                let moody = self.chance.below(2) == 0;
                self.sim.moody(moody.then_some(seed));
                let late = usize::try_from(self.chance.below(3)).unwrap();
                self.sim.late(late);
            }
            18 | 19 => self.tells(server).await,
            20..=23 => self.edits_both(rig, server).await,
            _ => {
                server.post("/bindings/main/sync", &json!({"audit": self.chance.below(2) == 0})).send().await.unwrap();
                if self.chance.below(2) == 0 {
                    at_rest(rig, server).await;
                }
            }
        }
    }

    async fn files(&mut self, server: &Server) {
        let word = self.word();
        let mut body = json!({"title": format!("task {word}"), "description": word, "target_repo": "activity-core"});
        body["priority"] = json!(self.pick(&PRIORITIES));
        body["kind"] = json!(self.pick(&KINDS));
        body["milestone"] = json!(self.milestone());
        body["due_on"] = json!(self.day());
        let person = self.pick(&KNOWN).filter(|_| self.chance.below(2) == 0);
        body["assignees"] = json!(person.as_slice());
        self.written.push(word);
        let answer = server.post("/issues/", &body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let id = answer.json::<Value>().await.unwrap()["issue_id"].as_str().unwrap().to_owned();
        self.put_on.extend(person.map(|name| (id, name.to_owned())));
    }

    async fn some_issue(&mut self, server: &Server) -> Option<Value> {
        let all: Vec<Value> = all_here(server).await.into_iter().filter(|issue| issue["archived_at"].is_null()).collect();
        self.pick(&all)
    }

    async fn edits_here(&mut self, server: &Server) {
        let Some(issue) = self.some_issue(server).await else { return };
        let (word, line, id) = (self.word(), self.word(), issue["id"].as_str().unwrap().to_owned());
        let labels = issue["labels"].as_array().unwrap().clone();
        let mut people: Vec<String> = issue["assignees"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let (mut on, mut off) = (None, None);
        let edit = match self.chance.below(10) {
            0 => json!({"title": format!("named {word}")}),
            1 => json!({"labels": labels.into_iter().chain([json!(word)]).collect::<Vec<_>>()}),
            2 => {
                self.unlabelled.extend(labels.first().and_then(Value::as_str).map(str::to_owned));
                json!({"labels": labels.into_iter().skip(1).collect::<Vec<_>>()})
            }
            3 => json!({"milestone": self.milestone()}),
            4 => json!({"due_on": self.day()}),
            5 => json!({"priority": self.pick(&PRIORITIES)}),
            6 => json!({"kind": self.pick(&KINDS)}),
            7 => {
                let name = self.pick(&KNOWN).unwrap().to_owned();
                if let Some(at) = people.iter().position(|known| *known == name) {
                    off = Some(people.remove(at));
                } else {
                    people.push(name.clone());
                    on = Some(name);
                }
                json!({"assignees": people})
            }
            _ => json!({"description": self.with_line(issue["description"].as_str().unwrap(), &line)}),
        };
        if is_edited(server, &issue, &edit).await {
            self.written.extend(edit.get("description").map(|_| line));
            self.put_on.extend(on.map(|name| (id.clone(), name)));
            self.taken_off.extend(off.map(|name| (id, name)));
        }
        if self.chance.below(4) == 0 {
            let verb = if issue["state"] == "closed" { "reopen" } else { "close" };
            server.post(&format!("{}/{verb}", path(&issue)), &json!({})).send().await.unwrap();
        }
    }

    async fn edits_there(&mut self, rig: &Rig, server: &Server) {
        let which = self.chance.below(10);
        // A text, or a person: neither is to be written over unseen.
        if which > 6 {
            at_rest(rig, server).await;
        }
        let Some(issue) = self.pick(&self.sim.issues()) else { return };
        let (word, line) = (self.word(), self.word());
        let mut edit = SimEdit::default();
        match which {
            0 => edit.title = Some(format!("called {word}")),
            1 => edit.add_label = Some(word),
            2 => {
                edit.remove_label = issue.labels.iter().find(|label| is_word(label)).cloned();
                self.unlabelled.extend(edit.remove_label.clone());
            }
            3 => edit.closed = Some(!issue.closed),
            4 => edit.milestone = Some(self.milestone().map(str::to_owned)),
            5 => edit.due = Some(self.day().map(str::to_owned)),
            6 => self.words_of_labels(&issue, &mut edit),
            7 => self.people(&issue, &mut edit),
            _ => {
                edit.body = Some(self.with_line(&issue.body, &line));
                self.written.push(line);
            }
        }
        self.sim.person_edits(&issue.id, &edit);
        self.has_to_tell(&issue.id);
    }

    /// The same of one issue is changed on both sides, and neither knows of the other.
    async fn edits_both(&mut self, rig: &Rig, server: &Server) {
        at_rest(rig, server).await;
        let Some(issue) = self.some_issue(server).await else { return };
        let Some(remote) = self.sim.issues().into_iter().find(|remote| issue["title"] == remote.title.as_str()) else { return };
        let (ours, theirs) = (self.word(), self.word());
        let mut there = SimEdit::default();
        let here = match self.chance.below(5) {
            0 => {
                there.title = Some(format!("called {theirs}"));
                json!({"title": format!("named {ours}")})
            }
            1 => {
                self.labelled.extend([ours.clone(), theirs.clone()]);
                there.add_label = Some(theirs);
                json!({"labels": issue["labels"].as_array().unwrap().iter().cloned().chain([json!(ours)]).collect::<Vec<_>>()})
            }
            2 => {
                there.milestone = Some(self.milestone().map(str::to_owned));
                json!({"milestone": self.milestone()})
            }
            _ => {
                there.body = Some(self.with_line(&remote.body, &theirs));
                self.written.push(theirs);
                let description = self.with_line(issue["description"].as_str().unwrap(), &ours);
                self.written.push(ours);
                json!({"description": description})
            }
        };
        self.sim.person_edits(&remote.id, &there);
        self.has_to_tell(&remote.id);
        assert!(is_edited(server, &issue, &here).await, "nobody else edits it");
    }

    /// Priority or kind, as this tracker has them.
    fn words_of_labels(&mut self, issue: &SimIssue, edit: &mut SimEdit) {
        let natively = [TrackerKind::Jira, TrackerKind::Linear, TrackerKind::AzureDevops].contains(&self.kind);
        let priority = self.chance.below(2) == 0;
        if priority && natively {
            edit.priority = self.pick(&PRIORITIES);
            return;
        }
        let (prefix, word) = if priority { ("priority:", self.pick(&PRIORITIES)) } else { ("type:", self.pick(&KINDS)) };
        let label = format!("{prefix}{}", word.unwrap());
        edit.remove_label = issue.labels.iter().find(|known| known.starts_with(prefix) && **known != label).cloned();
        edit.add_label = (!issue.labels.contains(&label)).then_some(label);
    }

    fn people(&mut self, issue: &SimIssue, edit: &mut SimEdit) {
        let people = self.sim.vendor(|vendor| vendor.people());
        let name = self.pick(people).unwrap().to_owned();
        if issue.people.contains(&name) {
            self.taken_off.push((issue.id.clone(), name.clone()));
            (edit.nobody, edit.remove_person) = (issue.people.len() == 1, Some(name));
        } else {
            self.put_on.push((issue.id.clone(), name.clone()));
            edit.person = Some(name);
        }
    }

    async fn says_here(&mut self, server: &Server) {
        let Some(issue) = self.some_issue(server).await else { return };
        let word = self.word();
        let answer = server.post(&format!("{}/comments", path(&issue)), &json!({"body": word})).send().await.unwrap();
        assert!(answer.status().is_success());
        self.said.push(word);
    }

    fn says_there(&mut self) {
        let Some(issue) = self.pick(&self.sim.issues()) else { return };
        let word = self.word();
        let person = self.sim.vendor(|vendor| vendor.people()[0]);
        self.sim.person_comments(&issue.id, person, &word);
        self.said.push(word);
        self.has_to_tell(&issue.id);
    }

    /// A comment here with its path and its edition.
    async fn some_comment(&mut self, server: &Server) -> Option<(String, String, Value)> {
        let mut all = Vec::new();
        for issue in all_here(server).await.into_iter().filter(|issue| issue["archived_at"].is_null()) {
            let said = get(server, &format!("{}/comments?limit=200", path(&issue))).await;
            all.extend(
                said["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|comment| format!("{}/comments/{}", path(&issue), comment["id"].as_str().unwrap())),
            );
        }
        let at = self.pick(&all)?;
        let answer = server.get(&at).send().await.unwrap();
        let edition = answer.headers().get("etag")?.to_str().unwrap().to_owned();
        Some((at, edition, answer.json().await.unwrap()))
    }

    async fn edits_comment_here(&mut self, server: &Server) {
        let Some((at, edition, comment)) = self.some_comment(server).await else { return };
        let line = self.word();
        let body = self.with_line(comment["body"].as_str().unwrap(), &line);
        let answer = server.request(Method::PATCH, &at).header("If-Match", edition).json(&json!({"body": body})).send().await.unwrap();
        if is_done(&answer) {
            self.said.push(line);
        }
    }

    async fn deletes_comment_here(&mut self, server: &Server) {
        let Some((at, edition, comment)) = self.some_comment(server).await else { return };
        let answer = server.request(Method::DELETE, &at).header("If-Match", edition).send().await.unwrap();
        if is_done(&answer) {
            self.taken_away.extend(words(comment["body"].as_str().unwrap()));
        }
    }

    async fn edits_comment_there(&mut self, rig: &Rig, server: &Server) {
        at_rest(rig, server).await;
        let all: Vec<(String, String, String)> = self.comments_there();
        let Some((issue, id, text)) = self.pick(&all) else { return };
        let line = self.word();
        let text = self.with_line(&text, &line);
        self.sim.person_edits_comment(&issue, &id, &text);
        self.said.push(line);
        self.has_to_tell(&issue);
    }

    async fn deletes_comment_there(&mut self, rig: &Rig, server: &Server) {
        at_rest(rig, server).await;
        let all = self.comments_there();
        let Some((issue, id, text)) = self.pick(&all) else { return };
        self.sim.person_deletes_comment(&issue, &id);
        self.taken_away.extend(words(&text));
        self.has_to_tell(&issue);
    }

    fn comments_there(&self) -> Vec<(String, String, String)> {
        let of = |issue: SimIssue| issue.comments.into_iter().map(move |comment| (issue.id.clone(), comment.id, comment.text));
        self.sim.issues().into_iter().flat_map(of).collect()
    }

    /// The words of a text, each on a line of its own, with one more somewhere among them.
    fn with_line(&mut self, text: &str, line: &str) -> String {
        let mut lines = words(text);
        let at = usize::try_from(self.chance.below(lines.len() as u64 + 1)).unwrap();
        lines.insert(at, line.to_owned());
        lines.join("\n\n")
    }

    fn has_to_tell(&mut self, issue: &str) {
        let delivery = format!("d{}", self.untold.len() + self.told.len());
        self.untold.push((delivery, issue.to_owned()));
    }

    /// Sends any of the pending deliveries, or an earlier one once more; or one is lost on its way.
    async fn tells(&mut self, server: &Server) {
        let again = self.told.clone();
        let (delivery, issue) = match self.chance.below(4) {
            0 => self.pick(&again),
            _ if self.untold.is_empty() => None,
            _ => {
                let at = usize::try_from(self.chance.below(self.untold.len() as u64)).unwrap();
                let next = self.untold.remove(at);
                self.told.push(next.clone());
                Some(next)
            }
        }
        .unwrap_or_default();
        if !delivery.is_empty() && self.chance.below(4) > 0 {
            assert!(hook::tells(server, &self.sim, &delivery, &issue).await, "{}", self.kind);
        }
    }

    /// For this tracker, comments are no change of an issue; a person touches each issue once more.
    pub(super) fn touches_what_does_not_tell(&mut self) {
        if self.kind == TrackerKind::Linear {
            for issue in self.sim.issues() {
                let word = self.word();
                self.sim.person_edits(&issue.id, &SimEdit { add_label: Some(word), ..SimEdit::default() });
            }
        }
    }
}

/// Nothing is under way, and nothing begins by itself.
pub(super) async fn at_rest(rig: &Rig, server: &Server) {
    let rests = async || {
        let binding = binding(server).await;
        let due: Option<DateTime<Utc>> = binding["due_at"].as_str().and_then(|at| at.parse().ok());
        binding["state"] != "running"
            && due.is_some_and(|at| at > issue_core::boot::now())
            && rig.db.number("select count(*) from hooks where followed_at is null").await == 0
            && get(server, "/messages").await["items"].as_array().is_some_and(Vec::is_empty)
    };
    eventually("nothing is under way", rests).await;
}

/// Done; not after a concurrent change.
fn is_done(answer: &Response) -> bool {
    let refused = [StatusCode::PRECONDITION_FAILED, StatusCode::NOT_FOUND].contains(&answer.status());
    assert!(refused || answer.status().is_success(), "{answer:?}");
    !refused
}

fn is_word(text: &str) -> bool {
    text.len() == 4 && text.starts_with('w') && text[1..].bytes().all(|b| b.is_ascii_digit())
}

/// Our words in a text, in their order, with any text around them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_word(word)).map(str::to_owned).collect()
}

/// Unless a concurrent change was first.
async fn is_edited(server: &Server, issue: &Value, edit: &Value) -> bool {
    let edition = format!("\"{}\"", issue["version"]);
    let answer = server.request(Method::PATCH, &path(issue)).header("If-Match", edition).json(edit).send().await.unwrap();
    answer.status().is_success()
}
