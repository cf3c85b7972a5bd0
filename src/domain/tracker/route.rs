//! Which trackers a task goes to, and why. Pure: the same task and the same rules give the same answer.
//!
//! The rules are tried in their order; the first match decides. A rule whose project cannot be
//! filled for this task (its template needs a `target_repo` that the task lacks) does not match. A
//! task that no rule matches goes to the default. If the default cannot take it, it stays in the
//! store alone.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::glob::Glob;
use super::project::{Project, ProjectField, ProjectTemplate};
use crate::domain::base::vocabulary::{Kind, Priority, SourceType};
use crate::domain::issue::Issue;

/// The store alone: a backend like the others, always there.
pub const LOCAL: &str = "local";

/// What a rule asks of a task. An empty list asks nothing; of the others each must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteCondition {
    /// One of these.
    pub target_repo: Vec<Glob>,
    /// For each of these the task has a label.
    pub labels: Vec<Glob>,
    pub priority: Vec<Priority>,
    pub kind: Vec<Kind>,
    pub source_type: Vec<SourceType>,
    /// One of these.
    pub source_id: Vec<Glob>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRule {
    pub name: String,
    pub when: RouteCondition,
    /// Names of backends; the first is the one that is reported, the others are mirrors.
    pub to: Vec<String>,
    /// What it says of the project; the other parts come from the backend's own settings.
    pub place: ProjectTemplate,
}

/// The default projects of one backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectDefaults {
    pub template: ProjectTemplate,
    /// The parts without which nothing can be filed there.
    pub needs: Vec<ProjectField>,
}

/// Everything that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    pub rules: Vec<RouteRule>,
    /// Where tasks go that no rule takes.
    pub default: Vec<String>,
    /// The backends there are, by name. [`LOCAL`] is not among them.
    pub grounds: BTreeMap<String, ProjectDefaults>,
}

/// Which rule decided. Kept with the issue's first event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    Rule(String),
    Default,
    /// Neither a rule nor the default could take it.
    Nothing,
}

/// One backend and its project; no project for [`LOCAL`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDestination {
    pub backend: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Project>,
}

/// A rule that was asked, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsideredRule {
    pub rule: RuleName,
    pub matched: bool,
    /// For a match all that held, else the first thing that did not.
    pub because: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDecision {
    pub rule: RuleName,
    /// Never empty; the first is the one that is reported.
    pub to: Vec<RouteDestination>,
    /// Every rule asked, in order; the last one decided.
    pub considered: Vec<ConsideredRule>,
}

impl RouteDecision {
    /// Why the rule that decided took it.
    #[must_use]
    pub fn why(&self) -> &str {
        self.considered.last().map_or("", |last| &last.because)
    }

    #[must_use]
    pub fn first(&self) -> &str {
        self.to.first().map_or(LOCAL, |to| &to.backend)
    }
}

impl std::fmt::Display for RuleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

/// Where the task goes.
#[must_use]
pub fn route(issue: &Issue, routing: &RouteTable) -> RouteDecision {
    let mut considered = Vec::new();
    for rule in &routing.rules {
        let verdict = rule.when.holds(issue).and_then(|because| Ok((because, routing.fill(&rule.to, &rule.place, issue)?)));
        let name = RuleName::Rule(rule.name.clone());
        match verdict {
            Ok((because, to)) => return decided(name, to, because, considered),
            Err(because) => considered.push(ConsideredRule { rule: name, matched: false, because }),
        }
    }
    match routing.fill(&routing.default, &ProjectTemplate::default(), issue) {
        Ok(to) if !to.is_empty() => decided(RuleName::Default, to, "no rule matched".to_owned(), considered),
        Ok(_) => decided(RuleName::Nothing, Vec::new(), "there is no rule and no default".to_owned(), considered),
        Err(because) => {
            considered.push(ConsideredRule { rule: RuleName::Default, matched: false, because });
            decided(RuleName::Nothing, Vec::new(), "what nothing else can take stays in the store".to_owned(), considered)
        }
    }
}

fn decided(rule: RuleName, mut to: Vec<RouteDestination>, because: String, mut considered: Vec<ConsideredRule>) -> RouteDecision {
    if to.is_empty() {
        to.push(RouteDestination { backend: LOCAL.to_owned(), place: None });
    }
    considered.push(ConsideredRule { rule: rule.clone(), matched: true, because });
    RouteDecision { rule, to, considered }
}

impl RouteTable {
    fn fill(&self, to: &[String], project: &ProjectTemplate, issue: &Issue) -> Result<Vec<RouteDestination>, String> {
        let destination = |backend: &String| {
            // The settings are checked: what is not there is the store itself.
            let Some(ground) = self.grounds.get(backend) else { return Ok(RouteDestination { backend: LOCAL.to_owned(), place: None }) };
            let filled = project.fill(&ground.template, &ground.needs, issue.target_repo.as_deref());
            let project = filled.map_err(|missing| format!("{backend}: {missing}"))?;
            Ok(RouteDestination { backend: backend.clone(), place: Some(project) })
        };
        to.iter().map(destination).collect()
    }
}

impl RouteCondition {
    /// What held, or the first thing that did not.
    pub fn holds(&self, issue: &Issue) -> Result<String, String> {
        let mut held = Vec::new();
        one_of("target_repo", &self.target_repo, issue.target_repo.as_deref(), Glob::matches, &mut held)?;
        for glob in &self.labels {
            let found = issue.labels.iter().find(|label| glob.matches(label)).ok_or_else(|| format!("no label matches {glob}"))?;
            held.push(format!("label {found} matches {glob}"));
        }
        one_of("priority", &self.priority, Some(&issue.priority), |word, given| word == given, &mut held)?;
        one_of("kind", &self.kind, Some(&issue.kind), |word, given| word == given, &mut held)?;
        one_of("source_type", &self.source_type, issue.origin.source_type.as_ref(), |word, given| word == given, &mut held)?;
        one_of("source_id", &self.source_id, issue.origin.source_id.as_deref(), Glob::matches, &mut held)?;
        if held.is_empty() { Ok("it takes everything".to_owned()) } else { Ok(held.join(", ")) }
    }
}

fn one_of<W: std::fmt::Display, V: std::fmt::Display + ?Sized>(
    field: &str,
    wanted: &[W],
    given: Option<&V>,
    matches: impl Fn(&W, &V) -> bool,
    held: &mut Vec<String>,
) -> Result<(), String> {
    if wanted.is_empty() {
        return Ok(());
    }
    let list = || wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let given = given.ok_or_else(|| format!("there is no {field}; it must match {}", list()))?;
    let found = wanted.iter().find(|word| matches(word, given)).ok_or_else(|| format!("{field} {given} does not match {}", list()))?;
    held.push(if found.to_string() == given.to_string() {
        format!("{field} is {given}")
    } else {
        format!("{field} {given} matches {found}")
    });
    Ok(())
}
