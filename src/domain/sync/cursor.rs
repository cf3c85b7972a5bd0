//! How far a binding is: what was read of the tracker's list, and what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::Project;

vocabulary! {
    /// What a pass is for.
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
    /// Where the passes for changes begin; none before the first one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The newest change seen in the pass under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
    /// The page that is read next; none at the beginning of a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// What the tracker called the answer of a pass that found nothing new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What the tracker calls the place by now, where it was renamed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Project>,
    /// When everything was last listed to its end, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audited_at: Option<DateTime<Utc>>,
    /// An audit is wished for before its time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub audit_wanted: bool,
    /// However much is missing, it is believed, once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub brake_off: bool,
    /// When a pass was completed last, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When the tracker was last asked for deliveries that failed, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redelivered_at: Option<DateTime<Utc>>,
    /// When the pass under way began, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<DateTime<Utc>>,
    /// What the pass under way came to so far.
    pub counts: SyncCounts,
}

/// What a pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncCounts {
    pub requests: u64,
    pub listed: u64,
    pub adopted: u64,
    /// Those here already that are to be brought into agreement.
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

/// A pass that ended.
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

/// How far a pass is, written in the transaction with what its page brought. Nothing is written when the lease was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncProgress {
    pub binding: String,
    /// The proof that the binding is ours.
    pub token: Uuid,
    pub cursor: SyncCursor,
}
