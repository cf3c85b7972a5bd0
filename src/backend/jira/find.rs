//! What is in a project: the listing of changes, and how a creation is found again although the search may not know of it yet.
//!
//! The database numbers the issues of a project one after the other, and an issue read by its key
//! comes from the database. So the gaps of the index can be found: every number from the last issue
//! that is surely older up to the end of the numbers is either in the index or is read by its key.
//! Numbers are left out where a creation failed or an issue was deleted, so the end is only
//! believed after some numbers with nothing behind them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeZone as _, Utc};

use super::{JiraBackend, JiraEdition, PAGES, convert, wire};
use crate::backend::client::TrackerCall;
use crate::backend::{BackendError, CLOCK_SKEW, ChangesPage, ErrorKind, ListAsk};
use crate::domain::tracker::{Marker, Project, RemoteIssue};

/// So many numbers with nothing behind them are the end: where each is a request of its own, and where a hundred are one.
const GAP: u64 = 4;
const GAP_BATCHED: u64 = 100;

/// Issues that one batch gives.
const BATCH: usize = 100;

/// Of the issues that are older for sure; one moved in from elsewhere has a number that is too high, not all of them.
const OLDER: usize = 10;

/// Numbers that are read at a time, at most.
const PROBES: usize = 500;

pub(super) async fn by_marker(
    jira: &JiraBackend,
    place: &Project,
    marker: &Marker,
    since: DateTime<Utc>,
) -> Result<Option<RemoteIssue>, BackendError> {
    let from = (since - CLOCK_SKEW).timestamp_millis();
    let project = convert::quoted(&place.project);
    let recent = all(jira, &format!("project = {project} AND created >= {from} ORDER BY key ASC")).await?;
    let ours = |issue: &wire::Issue| {
        // One that cannot be read is none of ours: ours are whole.
        convert::remote(issue.clone(), place, &jira.settings).ok().filter(|remote| marker.is_in(&remote.body))
    };
    if let Some(found) =
        recent.iter().filter_map(|issue| Some((convert::number(&issue.key)?, ours(issue)?))).min_by_key(|(number, _)| *number)
    {
        return Ok(Some(found.1));
    }
    let (older, _) = jira.search(&format!("project = {project} AND created < {from} ORDER BY created DESC"), None, OLDER).await?;
    let floor = older.iter().filter_map(|issue| convert::number(&issue.key)).min().unwrap_or_default();
    let known: BTreeSet<u64> = recent.iter().chain(&older).filter_map(|issue| convert::number(&issue.key)).collect();
    let unknown = unknown(jira, place, floor, &known).await?;
    Ok(unknown.iter().find_map(ours))
}

/// Every issue above the floor that the index does not show, and those behind the last one that it shows.
async fn unknown(jira: &JiraBackend, project: &Project, floor: u64, known: &BTreeSet<u64>) -> Result<Vec<wire::Issue>, BackendError> {
    let gap = match jira.settings.edition {
        JiraEdition::Cloud => GAP_BATCHED,
        JiraEdition::DataCenter => GAP,
    };
    let mut top = known.last().copied().unwrap_or_default().max(floor);
    let mut checked = floor;
    let mut found = Vec::new();
    while checked < top + gap {
        let numbers: Vec<u64> = (checked + 1..=top + gap).filter(|number| !known.contains(number)).take(PROBES + 1).collect();
        if numbers.len() > PROBES {
            let why =
                format!("more than {PROBES} numbers of {project} are neither in the search nor too old; a later attempt searches again");
            return Err(BackendError::new(ErrorKind::Retry { after: None }, why));
        }
        checked = top + gap;
        let issues = read(jira, project, &numbers).await?;
        top = issues.iter().filter_map(|issue| convert::number(&issue.key)).filter(|number| *number <= checked).fold(top, u64::max);
        found.extend(issues);
    }
    Ok(found)
}

/// Those of the numbers that are there and can be seen, from the database.
async fn read(jira: &JiraBackend, project: &Project, numbers: &[u64]) -> Result<Vec<wire::Issue>, BackendError> {
    let keys: Vec<String> = numbers.iter().map(|number| format!("{}-{number}", project.project)).collect();
    let mut found = Vec::new();
    match jira.settings.edition {
        JiraEdition::Cloud => {
            let fields = jira.fields();
            for keys in keys.chunks(BATCH) {
                let body = wire::Fetch { issues: keys, fields: fields.split(',').collect() };
                let call = TrackerCall::post(jira.path("/issue/bulkfetch")).reads().json(&body);
                found.extend(jira.get::<wire::Found>(call, "issues").await?.issues);
            }
        }
        JiraEdition::DataCenter => {
            for key in &keys {
                found.extend(jira.read_issue(key).await?);
            }
        }
    }
    Ok(found)
}

async fn all(jira: &JiraBackend, jql: &str) -> Result<Vec<wire::Issue>, BackendError> {
    let mut all = Vec::new();
    let mut page = None;
    for _ in 0..PAGES {
        let (issues, next) = jira.search(jql, page.as_deref(), jira.page_size).await?;
        all.extend(issues);
        page = next;
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(BackendError::unreadable("issues", "the list does not end"))
}

/// Oldest change first. Cloud's token stays where it was; where there is none, an issue that changes meanwhile moves to the end and
/// the others move up, so the next page begins at the moment where the last one ended, not at a number.
pub(super) async fn list(jira: &JiraBackend, place: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
    let project = convert::quoted(&place.project);
    let jql = |from: Option<i64>| {
        let from = from.map(|from| format!(" AND updated >= {from}")).unwrap_or_default();
        format!("project = {project}{from} ORDER BY updated ASC, key ASC")
    };
    let since = ask.since.map(|since| since.timestamp_millis());
    let (issues, next) = match jira.settings.edition {
        JiraEdition::Cloud => jira.search(&jql(since), ask.page, jira.page_size).await?,
        JiraEdition::DataCenter => {
            let at = JiraBookmark::read(ask.page);
            let from = at.map_or(since, |at| Some(at.second * 1000));
            let skip = at.map_or(0, |at| at.seen);
            let (issues, more) = jira.search(&jql(from), Some(&skip.to_string()), jira.page_size).await?;
            let next = more.and_then(|_| JiraBookmark::behind(&issues, at)).map(|at| format!("{}:{}", at.second, at.seen));
            (issues, next)
        }
    };
    let items = issues.into_iter().map(|issue| jira.remote(issue, place));
    Ok(ChangesPage { items: items.collect::<Result<_, _>>()?, next, ..ChangesPage::default() })
}

/// Where a page ended: the second (as fine as the index keeps moments), and how many of that second were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct JiraBookmark {
    second: i64,
    seen: usize,
}

impl JiraBookmark {
    fn read(page: Option<&str>) -> Option<Self> {
        let (second, seen) = page?.split_once(':')?;
        let at = Self { second: second.parse().ok()?, seen: seen.parse().ok()? };
        Utc.timestamp_opt(at.second, 0).single().map(|_| at)
    }

    fn behind(issues: &[wire::Issue], before: Option<Self>) -> Option<Self> {
        let second = |issue: &wire::Issue| convert::time(issue.fields.updated.as_deref()).ok().map(|time| time.timestamp());
        let last = second(issues.last()?)?;
        let seen = issues.iter().rev().take_while(|issue| second(issue) == Some(last)).count();
        let carried = before.filter(|before| before.second == last && seen == issues.len()).map_or(0, |before| before.seen);
        Some(Self { second: last, seen: seen + carried })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issues(updated: &[&str]) -> Vec<wire::Issue> {
        let issue = |updated: &&str| serde_json::from_value(json!({"id": "1", "key": "A-1", "fields": {"updated": updated}})).unwrap();
        updated.iter().map(issue).collect()
    }

    #[test]
    fn a_page_goes_on_at_the_second_where_the_last_one_ended() {
        let (first, second) = ("2026-06-16T07:00:00.900+0000", "2026-06-16T07:00:01.100+0000");
        let at = JiraBookmark::behind(&issues(&[first, second, second]), None).unwrap();
        assert_eq!(at.seen, 2);
        let again = JiraBookmark::behind(&issues(&[second, second, second]), Some(at)).unwrap();
        assert_eq!((again.second, again.seen), (at.second, 5), "a whole page of one second");
        assert_eq!(JiraBookmark::read(Some(&format!("{}:{}", again.second, again.seen))), Some(again));
        for bad in ["", "x", "1", "1:x", "9999999999999999:1"] {
            assert_eq!(JiraBookmark::read(Some(bad)), None, "{bad:?}");
        }
    }
}
