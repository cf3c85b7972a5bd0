//! What is in a project: by a query for numbers, and a batch of work items for the numbers.
//!
//! Queries run on the database, by number and by moment, but Azure DevOps does not promise that it
//! is never an outdated copy. So when the search for a creation finds nothing, one batch reads the
//! numbers around the last known one directly. Pages begin behind the last number: a change
//! meanwhile moves no issue and hides none.

use chrono::{DateTime, Utc};

use super::{AzureDevopsBackend, BATCH, PAGES, VERSION, convert, wire, wit};
use crate::backend::client::TrackerCall;
use crate::backend::{BackendError, CLOCK_SKEW, ChangesPage, ListAsk};
use crate::domain::tracker::{Marker, Project, RemoteIssue};

pub(super) async fn by_marker(
    tracker: &AzureDevopsBackend,
    project: &Project,
    marker: &Marker,
    since: DateTime<Utc>,
) -> Result<Option<RemoteIssue>, BackendError> {
    // Asked first: what becomes visible after it is in the listing, and what does not is around it.
    let top = newest(tracker, project).await?;
    let created = format!("[System.CreatedDate] >= {}", convert::since(since - CLOCK_SKEW));
    let mut last = 0;
    for _ in 0..PAGES {
        let ids = numbers(tracker, project, &created, last).await?;
        let Some(end) = ids.last() else { return among(tracker, project, marker, &around(top)).await };
        last = *end;
        if let Some(found) = among(tracker, project, marker, &ids).await? {
            return Ok(Some(found));
        }
    }
    Err(BackendError::unreadable("work items", "the list does not end"))
}

/// The last number that a query shows, of any project.
async fn newest(tracker: &AzureDevopsBackend, project: &Project) -> Result<i64, BackendError> {
    let query = "SELECT [System.Id] FROM WorkItems WHERE [System.Id] > 0 ORDER BY [System.Id] DESC".to_owned();
    Ok(ask(tracker, project, query, 1).await?.first().copied().unwrap_or_default())
}

/// As many numbers as one batch takes, half of them behind it: one may be given before another and be written after it.
fn around(top: i64) -> Vec<i64> {
    let half = i64::try_from(BATCH / 2).unwrap_or_default();
    let first = (top - half + 1).max(1);
    (first..first + 2 * half).collect()
}

async fn among(tracker: &AzureDevopsBackend, project: &Project, marker: &Marker, ids: &[i64]) -> Result<Option<RemoteIssue>, BackendError> {
    let items = batch(tracker, project, ids).await?;
    let ours = |item: &&wire::WorkItem| marker.is_in(&convert::our_text(item, &tracker.settings));
    match items.iter().filter(ours).min_by_key(|item| item.id) {
        Some(item) => tracker.remote(item, project).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn list(tracker: &AzureDevopsBackend, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
    let changed =
        ask.since.map_or_else(|| "[System.Id] > 0".to_owned(), |since| format!("[System.ChangedDate] >= {}", convert::since(since)));
    let last = ask.page.and_then(|page| page.parse().ok()).unwrap_or_default();
    let ids = numbers(tracker, project, &changed, last).await?;
    let mut items = Vec::with_capacity(ids.len());
    for item in batch(tracker, project, &ids).await? {
        items.push(tracker.remote(&item, project).await?);
    }
    // Too many are an error to a query: one that gives fewer than it was asked for has given all.
    let next = ids.last().filter(|_| ids.len() >= tracker.page_size).map(ToString::to_string);
    Ok(ChangesPage { items, next, ..ChangesPage::default() })
}

/// A page of the project's numbers behind the last one.
async fn numbers(tracker: &AzureDevopsBackend, project: &Project, condition: &str, last: i64) -> Result<Vec<i64>, BackendError> {
    let query = format!(
        "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND {condition} AND [System.Id] > {last} ORDER BY [System.Id]"
    );
    ask(tracker, project, query, tracker.page_size).await
}

async fn ask(tracker: &AzureDevopsBackend, project: &Project, query: String, most: usize) -> Result<Vec<i64>, BackendError> {
    let call = TrackerCall::post(format!("{}/wiql", wit(project)))
        .reads()
        .query("timePrecision", "true")
        .query("$top", most.to_string())
        .query("api-version", VERSION)
        .json(&wire::Query { query });
    let found: wire::Found = tracker.get(call, "the numbers of work items").await?;
    Ok(found.items.into_iter().map(|item| item.id).collect())
}

/// Those of the numbers that are there and can be seen.
async fn batch(tracker: &AzureDevopsBackend, project: &Project, ids: &[i64]) -> Result<Vec<wire::WorkItem>, BackendError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let fields = convert::fields(&tracker.settings);
    let body = wire::Batch { ids, fields: &fields, on_missing: "omit" };
    let call = TrackerCall::post(format!("{}/workitemsbatch", wit(project))).reads().query("api-version", VERSION).json(&body);
    let found: wire::Many<Option<wire::WorkItem>> = tracker.get(call, "work items").await?;
    Ok(found.value.into_iter().flatten().collect())
}
