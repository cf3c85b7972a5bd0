//! How far a binding is: what was read of the tracker's list, and what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::Project;

vocabulary! {
    /// The kind of a sync run.
    Pass {
        /// What changed since the last one; everything, the first time.
        Changes = "changes",
        /// Everything, to find what is gone. Begins again when it is interrupted.
        Audit = "audit",
    }
}

/// Where the next page is read. Moments are the tracker's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncCursor {
    /// Where the sync runs for changes begin; none before the first one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The newest change seen in the current sync run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
    /// The page that is read next; none at the beginning of a sync run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The `ETag` of the tracker's answer to a sync run that found nothing new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The project's present name in the tracker, if it was renamed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Project>,
    /// When everything was last listed to its end, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audited_at: Option<DateTime<Utc>>,
    /// An audit is requested before its time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub audit_wanted: bool,
    /// The deletion limit is off for one sync run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub brake_off: bool,
    /// When the last sync run was completed, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When the tracker was last asked for deliveries that failed, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redelivered_at: Option<DateTime<Utc>>,
    /// When the current sync run began, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<DateTime<Utc>>,
    /// The counts of the current sync run so far.
    pub counts: SyncCounts,
}

/// The counts of a sync run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncCounts {
    pub requests: u64,
    pub listed: u64,
    pub adopted: u64,
    /// Linked issues that are to be reconciled.
    pub changed: u64,
    pub unchanged: u64,
    /// Not adopted, by the filters.
    pub passed_over: u64,
    /// Absent from a whole list.
    pub missing: u64,
}

impl SyncCounts {
    pub fn add(&mut self, more: Self) {
        let Self { requests, listed, adopted, changed, unchanged, passed_over, missing } = more;
        self.requests += requests;
        self.listed += listed;
        self.adopted += adopted;
        self.changed += changed;
        self.unchanged += unchanged;
        self.passed_over += passed_over;
        self.missing += missing;
    }
}

/// A sync run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRunRecord {
    pub pass: Pass,
    pub began_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// Why it broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub counts: SyncCounts,
}

/// The progress of a sync run, written in one transaction with the results of its page. If the
/// lease is lost, nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncProgress {
    pub binding: String,
    /// The proof that the binding is ours.
    pub token: Uuid,
    pub cursor: SyncCursor,
}
