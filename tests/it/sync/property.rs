//! Random edits on both sides, in random order, with lost answers, late lists, crashes and restarts: afterwards both sides are equal,
//! nothing that anybody wrote is lost without a record, and one more sync writes nothing.
//!
//! Everything that is written is a word of its own, so that it can be followed. `SYNC_SEED=7` looks elsewhere.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{all_here, bound, caught_up, path, settled};
use crate::backend::rig::{get, until_quiet};
use crate::support::database::{self, Dialect};
use crate::support::server::Server;
use crate::support::sim::{self, Chance, Sim, SimEdit, SimIssue};

const STEPS: u64 = 14;

#[expect(clippy::disallowed_methods, reason = "a knob of the suite, not a setting of the product")]
fn seed() -> u64 {
    std::env::var("SYNC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[tokio::test]
async fn whatever_both_sides_do_they_agree_in_the_end_and_nothing_is_lost() {
    let first = seed();
    for (n, vendor) in (0u64..).zip(sim::ALL) {
        let dialect = [Dialect::Postgres, Dialect::Sqlite][usize::try_from(n % 2).unwrap()];
        let strategy = ["external_wins", "local_wins", "newer"][usize::try_from(n % 3).unwrap()];
        let seed = first + n;
        database::run(dialect, async |db| {
            let rig = bound(db, vendor(), &[("STRATEGY", strategy)]).await;
            let mut server = rig.start();
            let mut story = Story { chance: Chance::new(seed), sim: rig.sims[0].clone(), words: 0, written: Vec::new(), said: Vec::new() };
            let what = format!("{}, {strategy}, seed {seed}", vendor().kind());
            println!("{what}");
            for _ in 0..STEPS {
                if story.chance.below(8) == 0 {
                    // Killed in the middle of whatever it does, and started anew on the same store.
                    drop(server);
                    server = rig.start();
                }
                story.step(&server).await;
            }
            story.sim.moody(None);
            story.sim.late(0);
            caught_up(&server).await;
            story.check(&server, &what).await;
        })
        .await;
    }
}

struct Story {
    chance: Chance,
    sim: Sim,
    words: u64,
    /// Every line somebody wrote into a text, and everything that was said.
    written: Vec<String>,
    said: Vec<String>,
}

impl Story {
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

    async fn step(&mut self, server: &Server) {
        match self.chance.below(12) {
            0 | 1 => {
                let word = self.word();
                let body = json!({"title": format!("task {word}"), "description": word, "target_repo": "activity-core"});
                self.written.push(word);
                let answer = server.post("/issues/", &body).send().await.unwrap();
                assert!(answer.status().is_success());
            }
            2 | 3 => {
                let word = self.word();
                self.written.push(word.clone());
                let now = issue_core::boot::now();
                self.sim.vendor(|vendor| vendor.plant(&format!("found {word}"), &word, false, now));
            }
            4 | 5 => self.edits_here(server).await,
            6 | 7 => self.edits_there(),
            8 => self.says_here(server).await,
            9 => self.says_there(),
            10 => {
                let seed = self.chance.below(1000);
                let moody = self.chance.below(2) == 0;
                self.sim.moody(moody.then_some(seed));
                let late = usize::try_from(self.chance.below(3)).unwrap();
                self.sim.late(late);
            }
            _ => {
                server.post("/bindings/main/sync", &json!({"audit": self.chance.below(2) == 0})).send().await.unwrap();
                if self.chance.below(2) == 0 {
                    until_quiet(server).await;
                }
            }
        }
    }

    async fn edits_here(&mut self, server: &Server) {
        let all: Vec<Value> = all_here(server).await.into_iter().filter(|issue| issue["archived_at"].is_null()).collect();
        let Some(issue) = self.pick(&all) else { return };
        let (word, line) = (self.word(), self.word());
        let edit = match self.chance.below(3) {
            0 => json!({"title": format!("named {word}")}),
            1 => {
                let mut labels: Vec<Value> = issue["labels"].as_array().unwrap().clone();
                labels.push(json!(word));
                json!({"labels": labels})
            }
            _ => json!({"description": self.with_line(issue["description"].as_str().unwrap(), &line)}),
        };
        let edition = format!("\"{}\"", issue["version"]);
        let answer = server.request(Method::PATCH, &path(&issue)).header("If-Match", edition).json(&edit).send().await.unwrap();
        if answer.status().is_success() && edit.get("description").is_some() {
            self.written.push(line);
        }
        if self.chance.below(4) == 0 {
            let verb = if issue["state"] == "closed" { "reopen" } else { "close" };
            server.post(&format!("{}/{verb}", path(&issue)), &json!({})).send().await.unwrap();
        }
    }

    fn edits_there(&mut self) {
        let Some(issue) = self.pick(&self.sim.issues()) else { return };
        let (word, line) = (self.word(), self.word());
        let edit = match self.chance.below(4) {
            0 => SimEdit { title: Some(format!("called {word}")), ..SimEdit::default() },
            1 => SimEdit { add_label: Some(word), ..SimEdit::default() },
            2 => SimEdit { closed: Some(!issue.closed), ..SimEdit::default() },
            _ => {
                let body = self.with_line(&issue.body, &line);
                self.written.push(line);
                SimEdit { body: Some(body), ..SimEdit::default() }
            }
        };
        self.sim.person_edits(&issue.id, &edit);
    }

    async fn says_here(&mut self, server: &Server) {
        let all: Vec<Value> = all_here(server).await.into_iter().filter(|issue| issue["archived_at"].is_null()).collect();
        let Some(issue) = self.pick(&all) else { return };
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
    }

    /// The words of a text, each on a line of its own, with one more somewhere among them.
    fn with_line(&mut self, text: &str, line: &str) -> String {
        let mut lines = words(text);
        let at = usize::try_from(self.chance.below(lines.len() as u64 + 1)).unwrap();
        lines.insert(at, line.to_owned());
        lines.join("\n\n")
    }

    async fn check(&self, server: &Server, what: &str) {
        let there = self.sim.issues();
        let all = all_here(server).await;
        assert_eq!(all.len(), there.len(), "{what}: as many here as there\n{all:#?}\n{there:#?}");
        let (mut texts, mut comments) = (BTreeSet::new(), Vec::new());
        for issue in &all {
            let twins: Vec<&SimIssue> = there.iter().filter(|twin| issue["title"] == twin.title.as_str()).collect();
            assert_eq!(twins.len(), 1, "{what}: {issue:#}\n{there:#?}");
            let twin = twins[0];
            assert_eq!(issue["state"] == "closed", twin.closed, "{what}: {issue:#}\n{twin:#?}");
            assert_eq!(words(issue["description"].as_str().unwrap()), words(&twin.body), "{what}: {issue:#}\n{twin:#?}");
            let labels: BTreeSet<String> =
                issue["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_lowercase()).collect();
            let theirs: BTreeSet<String> =
                twin.labels.iter().map(|label| label.to_lowercase()).filter(|label| label.starts_with('w')).collect();
            assert_eq!(labels, theirs, "{what}: {issue:#}\n{twin:#?}");
            let said = get(server, &format!("{}/comments?limit=200", path(issue))).await;
            let mut ours: Vec<String> =
                said["items"].as_array().unwrap().iter().flat_map(|comment| words(comment["body"].as_str().unwrap())).collect();
            let mut theirs: Vec<String> = twin.comments.iter().flat_map(|comment| words(&comment.text)).collect();
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs, "{what}: {issue:#}\n{twin:#?}");
            texts.extend(words(issue["description"].as_str().unwrap()));
            comments.extend(ours);
        }
        let conflicts = get(server, "/conflicts?limit=200").await.to_string();
        for word in &self.written {
            assert!(texts.contains(word) || conflicts.contains(word.as_str()), "{what}: {word} is lost\n{conflicts}\n{all:#?}");
        }
        let mut said = self.said.clone();
        said.sort();
        comments.sort();
        assert_eq!(comments, said, "{what}: everything that was said, each once");

        self.sim.skew(chrono::TimeDelta::minutes(5));
        settled(server).await;
        let (before, seen) = (all, self.sim.recorded().len());
        super::synced(server).await;
        assert_eq!(before, all_here(server).await, "{what}: one more sync writes nothing here");
        let asked = self.sim.recorded()[seen..].to_vec();
        assert!(self.sim.vendor(|vendor| asked.iter().all(|asked| !vendor.writes(&asked.request))), "{what}: nor there");
    }
}

/// The words of ours in a text, in their order, whatever stands around them.
fn words(text: &str) -> Vec<String> {
    let is_word = |word: &&str| word.len() == 4 && word.starts_with('w') && word[1..].bytes().all(|b| b.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_word).map(str::to_owned).collect()
}
