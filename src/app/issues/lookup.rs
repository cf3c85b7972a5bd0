//! What was filed for a trigger or a definition, so that a caller can compare its own log with what is here.

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::find::{FoundIssue, IssueLookup, LookupBy};
use crate::domain::request::query::LookupSpec;

/// How many issues are shown for one id, and in one answer.
const PER_ID: u32 = 100;
const MOST: u32 = 10_000;

/// One id, and what was filed for it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupMatch {
    pub id: String,
    pub issues: Vec<FoundIssue>,
    /// There are others, or there may be: list them with the id as a filter.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupReport {
    pub triggering_events: Vec<LookupMatch>,
    pub activity_definitions: Vec<LookupMatch>,
    pub tracker_keys: Vec<LookupMatch>,
}

impl App {
    pub async fn lookup_issues(&self, caller: &Caller, spec: LookupSpec) -> Result<LookupReport, AppError> {
        caller.need(Scope::Read)?;
        let asked = spec.parse()?;
        Ok(LookupReport {
            triggering_events: self.look_up(LookupBy::TriggeringEvent, asked.triggering_events).await?,
            activity_definitions: self.look_up(LookupBy::ActivityDefinition, asked.activity_definitions).await?,
            tracker_keys: self.look_up(LookupBy::TrackerKey, asked.tracker_keys).await?,
        })
    }

    async fn look_up(&self, by: LookupBy, ids: Vec<String>) -> Result<Vec<LookupMatch>, AppError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let lookup = IssueLookup { by, ids, per_id: PER_ID + 1, most: MOST };
        let found = self.store.lookup(&lookup).await?;
        Ok(answers(lookup.ids, found))
    }
}

fn answers(ids: Vec<String>, found: Vec<FoundIssue>) -> Vec<LookupMatch> {
    // Where the answer was cut off, nothing is known of the ids from there on.
    let cut = (found.len() == MOST as usize).then(|| found.last().map_or(0, |last| last.place));
    let known = |place: usize| cut.is_none_or(|cut| place < cut);
    let mut answers: Vec<LookupMatch> =
        ids.into_iter().enumerate().map(|(place, id)| LookupMatch { id, issues: Vec::new(), more: !known(place) }).collect();
    for issue in found {
        let Some(answer) = answers.get_mut(issue.place) else { continue };
        if answer.issues.len() < PER_ID as usize {
            answer.issues.push(issue);
        } else {
            answer.more = true;
        }
    }
    answers
}
