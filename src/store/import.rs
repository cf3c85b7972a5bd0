//! Records on their way in: which of them may be written, worked out without a database. The same for both dialects.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::row::{CommentRow, EventRow, IssueRow, UnreadableRow, columns};
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::domain::{Comment, Dedupe, DedupeKey, Event, Fingerprint, Issue};

/// What stands where a record wants to be.
#[derive(Debug, Default)]
pub(super) struct StandingIds {
    pub(super) issues: Vec<StandingRow>,
    pub(super) comments: Vec<Uuid>,
}

#[derive(Debug)]
pub(super) struct StandingRow {
    id: Uuid,
    number: i64,
    version: i64,
    dedupe_key: Option<Vec<u8>>,
}

columns! { StandingRow { id, number, version, dedupe_key } }

/// An issue with its identity among repeats, if it has one.
#[derive(Debug)]
pub(super) struct RecordRow {
    issue: IssueRow,
    dedupe_key: Option<Vec<u8>>,
    fingerprint: Option<Vec<u8>>,
}

columns! { RecordRow { ..issue, dedupe_key, fingerprint } }

/// The ids, numbers and keys that records want for themselves, and their comments' ids.
pub(super) struct WantedIds {
    pub(super) ids: Vec<Uuid>,
    pub(super) numbers: Vec<i64>,
    pub(super) keys: Vec<[u8; 32]>,
    pub(super) comments: Vec<Uuid>,
}

impl WantedIds {
    pub(super) fn of(records: &[IssueRecord]) -> Self {
        Self {
            ids: records.iter().map(|record| record.issue.id.0).collect(),
            numbers: records.iter().map(|record| record.issue.number.0).collect(),
            keys: records.iter().filter_map(|record| record.dedupe).map(|dedupe| dedupe.key.0).collect(),
            comments: records.iter().flat_map(|record| &record.comments).map(|comment| comment.id.0).collect(),
        }
    }
}

/// What becomes of each record; of two that want the same, the first gets it.
pub(super) fn plan(records: &[IssueRecord], standing: StandingIds) -> Vec<ImportOutcome> {
    let mut versions: HashMap<Uuid, i64> = standing.issues.iter().map(|row| (row.id, row.version)).collect();
    let mut numbers: HashSet<i64> = standing.issues.iter().map(|row| row.number).collect();
    let mut keys: HashSet<Vec<u8>> = standing.issues.into_iter().filter_map(|row| row.dedupe_key).collect();
    let mut comments: HashSet<Uuid> = standing.comments.into_iter().collect();
    let mut decide = |record: &IssueRecord| {
        let IssueRecord { issue, dedupe, comments: said, .. } = record;
        if let Some(version) = versions.get(&issue.id.0) {
            return if *version == issue.version { ImportOutcome::Present } else { ImportOutcome::Differs { version: *version } };
        }
        let key = dedupe.map(|dedupe| dedupe.key.0.to_vec());
        let mut own = HashSet::new();
        if numbers.contains(&issue.number.0) {
            return ImportOutcome::Clashes { over: "number" };
        }
        if key.as_ref().is_some_and(|key| keys.contains(key)) {
            return ImportOutcome::Clashes { over: "dedupe" };
        }
        if said.iter().any(|comment| comments.contains(&comment.id.0) || !own.insert(comment.id.0)) {
            return ImportOutcome::Clashes { over: "comments" };
        }
        versions.insert(issue.id.0, issue.version);
        numbers.insert(issue.number.0);
        keys.extend(key);
        comments.extend(own);
        ImportOutcome::Written
    };
    records.iter().map(&mut decide).collect()
}

/// Those that are written.
pub(super) fn written<'a>(records: &'a [IssueRecord], taken: &[ImportOutcome]) -> Vec<&'a IssueRecord> {
    records.iter().zip(taken).filter(|(_, taken)| **taken == ImportOutcome::Written).map(|(record, _)| record).collect()
}

/// Rows of one page put together again.
pub(super) fn gathered(
    issues: Vec<RecordRow>,
    events: Vec<EventRow>,
    comments: Vec<CommentRow>,
) -> Result<Vec<IssueRecord>, UnreadableRow> {
    let mut of: HashMap<Uuid, (Vec<Event>, Vec<Comment>)> = HashMap::new();
    for event in events {
        let event = Event::try_from(event)?;
        of.entry(event.issue_id.0).or_default().0.push(event);
    }
    for comment in comments {
        let comment = Comment::from(comment);
        of.entry(comment.issue_id.0).or_default().1.push(comment);
    }
    let one = |row: RecordRow| {
        let hash = |column, bytes: Option<Vec<u8>>| bytes.map(|bytes| row.issue.hash(column, bytes)).transpose();
        let (key, fingerprint) = (hash("dedupe_key", row.dedupe_key)?, hash("fingerprint", row.fingerprint)?);
        let dedupe = key.map(|key| Dedupe { key: DedupeKey(key), fingerprint: fingerprint.map(Fingerprint) });
        let issue = Issue::try_from(row.issue)?;
        let (events, comments) = of.remove(&issue.id.0).unwrap_or_default();
        Ok(IssueRecord { issue, dedupe, events, comments })
    };
    issues.into_iter().map(one).collect()
}

impl RecordRow {
    pub(super) const fn id(&self) -> Uuid {
        self.issue.id
    }
}
