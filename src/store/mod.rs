//! The port to durable storage: one trait, two dialects in its children, one conformance suite (`tests/it/store`).
//!
//! The only room with SQL in it. Every statement is written in its dialect's own folder; row types are shared.
//! To add a method: its contract here, a statement per dialect, its tests in the conformance suite.

mod batch;
mod fields;
pub mod group;
mod lookup;
mod migrate;
pub mod postgres;
pub mod queue;
mod record;
mod reindex;
mod row;
pub mod sqlite;
pub mod wake;
mod warm;

use std::ops::RangeInclusive;

use async_trait::async_trait;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::queue::{LeaseRequest, LeasedMessages, MessageFilter, MessageRelease, QueueDepth};
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::domain::find::facet::{FacetQuery, ShownFacetValue};
use crate::domain::find::{FoundIssue, IssueLookup, IssueQuery, ListFilter, SearchMatch};
use crate::domain::sync::{
    Binding, BindingSource, BindingState, Conflict, ConflictFilter, NewDelivery, StoredDelivery, SyncCursor, SyncRunRecord,
};
use crate::domain::tracker::{BudgetWindow, CommentLink, Link, LinkSummary, Project};
use crate::domain::{
    Attempt, Change, Comment, CommentId, DedupeKey, Event, Fingerprint, Issue, IssueId, IssueNumber, IssueRef, Message, Notice,
};

/// Durable storage. Every method may be called from many tasks and many replicas at once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The dialect's name (`sqlite`, `postgres`): also the backend that holds an issue kept in the store alone.
    fn name(&self) -> &'static str;

    /// Writes each change whole or not at all, all of them in one transaction, and tells what became of each, in order.
    ///
    /// - A change that is not written (duplicate, stale, claim lost) leaves no trace and does not disturb the others.
    /// - Uniqueness is the database's own: any number of callers committing one [`DedupeKey`]
    ///   at once, in one call or in many, get one [`CommitOutcome::Inserted`]; the others get [`CommitOutcome::Duplicate`].
    /// - Two updates of one issue in one call: the first is written, the later ones are [`CommitOutcome::Stale`].
    /// - When it answers with an error nothing is known: the transaction may have been committed or not. Trying an
    ///   insert with a dedupe key again is safe.
    async fn commit(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError>;

    /// The issues named, in the order asked, `None` for each that does not exist. Archived ones are found too.
    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError>;

    /// The id and the number of each of these issues that is there, in no particular order.
    async fn numbers(&self, refs: &[IssueRef]) -> Result<Vec<(IssueId, IssueNumber)>, StoreError>;

    /// What was filed under each key, in the order asked, `None` where the key is free.
    async fn filed_under(&self, keys: &[DedupeKey]) -> Result<Vec<Option<FiledIssue>>, StoreError>;

    /// An issue's events with `seq > after_seq`, oldest first, at most `limit`.
    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// An issue's comments after the one named (ids sort by age), oldest first, at most `limit`.
    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError>;

    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError>;

    /// The comments named that exist, in no particular order.
    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError>;

    /// The issues that wait for review and are not archived, with numbers above the one named, oldest first, at most `limit`.
    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError>;

    /// The messages of an issue that still wait, oldest first, at most `limit`.
    async fn messages_of(&self, issue: IssueId, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// Leases messages of one target that are due, oldest first, whole heads of lanes in order: a message is leased only
    /// together with, or after the end of, every message before it in its lane that is not dead. Waits for no lock.
    ///
    /// - Each lease counts as an attempt and runs out by itself; then the message can be leased again.
    /// - Those that are due but not first in their lane are put off until the first one may be done, and are due again
    ///   the moment it is settled, so that a dead target's backlog is not looked at again and again.
    async fn lease_messages(&self, wish: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError>;

    /// Gives leases back after work that did not succeed. Those whose token is stale are left alone.
    async fn release(&self, releases: &[MessageRelease]) -> Result<(), StoreError>;

    /// What is told outside about each of these events, in the order asked; `None` where its issue was deleted meanwhile.
    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError>;

    /// Messages after the one of that id, oldest first, at most `limit`.
    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError>;

    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError>;

    /// Makes a message due now, a dead one alive, and its attempts none. One that is leased is left alone.
    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Takes a message away, leased or not, and keeps why in the history. `false`: it is not there.
    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// How much waits, by kind, target and state. Reads every message: for a sampler, not for a request.
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError>;

    /// The attempts made for these events of an issue, in their order, of each event the newest `most`.
    async fn attempts_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Attempt>, StoreError>;

    /// Forgets the oldest attempts that ended before that moment, at most `limit`; answers how many.
    async fn purge_attempts(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Tells the other processes on this database that messages were written. Only a hint, and nothing where there are none.
    async fn notify_processes(&self) -> Result<(), StoreError>;

    /// Calls `heard` for every call of another process (and once at the start, for what was missed), until it fails.
    /// Where no other process can call it never ends.
    async fn listen(&self, heard: &(dyn Fn() + Sync)) -> Result<(), StoreError>;

    /// The ties to trackers of these issues, by issue and position.
    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError>;

    /// The ties of these issues to whatever trackers, without what was sent over them, in no particular order.
    async fn link_summaries(&self, issues: &[IssueId]) -> Result<Vec<LinkSummary>, StoreError>;

    /// The ties to one tracker under the names that people there use; gone ones too, in no particular order.
    async fn link_summaries_by_key(&self, backend: &str, keys: &[String]) -> Result<Vec<LinkSummary>, StoreError>;

    /// The ties of these comments (and parts of the issue's text) to comments in one tracker.
    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError>;

    /// Takes one write out of a budget that all replicas share, or tells from when on there is one to take. However many ask
    /// at once, no stretch of any window's length holds more than it allows.
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// What was taken out of a budget since then.
    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError>;

    /// How many messages wait for a target; counting stops at `most`.
    async fn count_waiting(&self, target: &str, most: u32) -> Result<u64, StoreError>;

    /// The ties to these issues of one place, by what the API there calls them; gone ones too, in no particular order.
    async fn links_to(&self, backend: &str, place: &Project, remote_ids: &[String]) -> Result<Vec<Link>, StoreError>;

    /// The ties to one place that are [`LinkState::Linked`](crate::domain::tracker::LinkState), by issue, after the one named, at most `limit`.
    async fn links_of_place(&self, backend: &str, place: &Project, after: Option<IssueId>, limit: u32) -> Result<Vec<Link>, StoreError>;

    /// How many ties to one place are linked; counting stops at `most`.
    async fn count_links(&self, backend: &str, place: &Project, most: u32) -> Result<u64, StoreError>;

    /// Every tie of an issue's comments to comments in one tracker.
    async fn comment_links_of(&self, issue: IssueId, backend: &str) -> Result<Vec<CommentLink>, StoreError>;

    /// Of these issues, those with a message about the tracker's side ([`NewMessage::REMOTE`](crate::domain::NewMessage::REMOTE)) for that
    /// target that waits and is not leased: one more would say nothing new.
    async fn queued_pushes(&self, target: &str, issues: &[IssueId]) -> Result<Vec<IssueId>, StoreError>;

    /// Every binding, by name. There are few.
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError>;

    /// Writes the rules of a binding, and nothing of how far it is: a new one is due at once. Only over `read_edition`, where one is given
    /// (0: only if it is not there); `None` otherwise. The same rules again change nothing.
    async fn put_binding(&self, wish: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError>;

    /// Pauses a binding, or lets it go on at once. `None`: it is not there.
    async fn pause_binding(&self, name: &str, paused: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError>;

    /// Makes a binding due now; with `audit`, a whole list is next; with `brake_off`, whatever it says is missing is believed once.
    /// `None`: it is not there.
    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError>;

    /// Takes a binding away, in `read_edition` only where one is given; the issues and their ties stay. `false`: it was not there, or not
    /// so.
    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError>;

    /// Leases the binding, where it is due (or `now_or_later`), not paused, and nobody else's at `now`. Waits for no lock.
    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError>;

    /// Gives it back with what came of it. A stale token changes nothing.
    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError>;

    /// Keeps a delivery; `false`: one of that name is kept already.
    async fn keep_delivery(&self, hook: &NewDelivery) -> Result<bool, StoreError>;

    /// The deliveries for a backend that were not followed yet, oldest first, at most `limit`.
    async fn kept_deliveries(&self, backend: &str, limit: u32) -> Result<Vec<StoredDelivery>, StoreError>;

    /// Forgets deliveries that came before that moment, at most `limit`; answers how many.
    async fn purge_kept_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// The conflicts that are not resolved yet of an issue with one tracker.
    async fn unresolved_conflicts(&self, issue: IssueId, backend: &str) -> Result<Vec<Conflict>, StoreError>;

    /// Conflicts older than the one named, newest first, at most `limit`.
    async fn conflicts(&self, filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<Conflict>, StoreError>;

    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError>;

    /// How many conflicts are open, by backend.
    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError>;

    /// One page in the order asked, of at most `query.limit` issues, ended early before its descriptions outgrow
    /// [`PAGE_BYTES`](crate::domain::find::PAGE_BYTES). Not for [`Sort::Relevance`](crate::domain::find::Sort), which
    /// nothing but [`Self::matches`] can tell: that order is taken as by number.
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError>;

    /// The newest matches of a filter with a text, by number, at most `most` of them; none newer than `newest`.
    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError>;

    /// How many issues the filter admits; counting stops at `most`.
    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError>;

    /// The values of a facet with their counts, which are exact at all times.
    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError>;

    /// What was filed for each of the ids, in their order, newest first.
    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError>;

    /// The issues numbered above the one named with all that hangs on them, by number, at most `limit`; archived ones too.
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError>;

    /// Writes records as they are, those that are not there yet, all in one transaction, and tells what became of each, in order.
    /// Nobody is told of them outside: they are history. Doing it again changes nothing. Without `write` it only tells.
    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError>;

    /// The store answers, and its schema is one that this binary can work with: its own, or a newer one that only adds.
    async fn check(&self) -> Result<(), StoreError>;

    /// How many connections there are at this moment, by pool. Asks nobody.
    fn connections(&self) -> Vec<PoolConnections>;

    /// Lets go of every connection. Calls after it fail.
    async fn close(&self);
}

/// The rules of a binding, about to be written.
#[derive(Debug, Clone, Copy)]
pub struct PutBinding<'a> {
    pub binding: &'a Binding,
    pub source: BindingSource,
    pub read_edition: Option<i64>,
    pub now: DateTime<Utc>,
}

/// A wish for a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindingLease {
    pub now: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub token: Uuid,
    /// Deliveries wait for it: whether it is due does not matter.
    pub now_or_later: bool,
}

/// How the work on a binding ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingEnd {
    pub cursor: SyncCursor,
    /// `None`: as it was (only deliveries were followed).
    pub last: Option<SyncRunRecord>,
    pub due_at: DateTime<Utc>,
}

/// One pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConnections {
    pub pool: &'static str,
    pub open: u32,
    /// Of the open ones, those that nobody uses.
    pub idle: usize,
    pub most: u32,
}

/// What stands under a dedupe key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledIssue {
    pub issue: Issue,
    /// What the first body said, where a repeat must say the same.
    pub fingerprint: Option<Fingerprint>,
}

/// Issues in the order asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuePage {
    pub issues: Vec<Issue>,
    /// There are others after the last of them.
    pub more: bool,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// A new issue is stored under this number.
    Inserted(IssueNumber),
    /// The dedupe key was there already: the issue it belongs to, and what the first body said.
    Duplicate { issue: Box<Issue>, fingerprint: Option<Fingerprint> },
    /// Written (every change that inserts no issue).
    Written,
    /// The issue has moved on since it was read, or is gone. Read it again and decide again.
    Stale,
    /// The message it settles is no longer ours; somebody else has it or has done it.
    ClaimLost,
}

/// What can go wrong in a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nothing wrong with the request: the database is away, overloaded, or gave up on a deadlock. Trying again may help.
    #[error("the {store} store is not available: {reason}")]
    Unavailable { store: &'static str, reason: String },
    /// The database was migrated by a newer binary, which took away what this one needs.
    #[error(
        "the database has schema version {found}, and lacks what this binary ({known}) needs: run the newer binary, or restore a backup made before the upgrade"
    )]
    SchemaTooNew { found: i64, known: i64 },
    /// The database lacks migrations that this binary needs.
    #[error(
        "the database has schema version {found}, this binary needs {known}: run `issue-core migrate`, or set database.migrate_on_start = true"
    )]
    SchemaTooOld { found: i64, known: i64 },
    /// The database holds something that this binary cannot read, or refused a statement: a defect, retrying will not help.
    #[error("the {store} store failed: {reason}")]
    Broken { store: &'static str, reason: String },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::SchemaTooNew { .. } | Self::SchemaTooOld { .. } | Self::Broken { .. } => false,
        }
    }
}
