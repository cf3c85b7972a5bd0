//! The port to trackers: one trait, a folder for each tracker, one contract suite
//! (`tests/it/backend`) for all of them.
//!
//! A backend translates and sends; when, in which order, how often and what is to be sent is not its business. `http.rs` holds the
//! one HTTP client, `client.rs` the client of one tracker (transport, secret, what failures mean). To add a tracker:
//! `docs/adding-a-tracker.md`.

pub mod azure_devops;
pub mod canonical;
pub mod changes;
pub mod client;
pub mod delivery;
pub mod gitea;
pub mod github;
pub mod gitlab;
pub mod http;
pub mod jira;
pub mod linear;
pub mod paging;
mod prose;
pub mod relations;
pub mod secret;
pub mod signature;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::domain::tracker::{
    Capabilities, Draft, DraftEdit, LabelNames, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage, RemoteRef,
    TrackerKind, UserMap,
};

pub use changes::{ChangesPage, ListAsk};
use client::TrackerCall;
pub use client::{LineOptions, TrackerClient, Transport};
pub use delivery::{DeliveryRejected, HookMade, ParsedDelivery, WebhookDelivery};
use http::LONGEST_WAIT;
pub use secret::Secret;

/// One tracker, as it is configured. Called from many tasks at once; for one issue by one of them, in order.
///
/// What holds for every method:
/// - It ends by itself, within the time limits of its [`TrackerClient`].
/// - It sends what it was asked to and nothing else; it retries nothing, remembers nothing that
///   another replica would have to know, and never waits: a limit is an error whose [`ErrorKind`]
///   gives the wait.
/// - An error says truly whether anything may have happened in the tracker ([`ErrorKind::Unknown`])
///   or surely not (all others). A request that was not wholly sent, or was answered with a
///   refusal, has surely done nothing; one without a whole answer may have.
/// - Every read before the one request that writes (label numbers, a missing label, transitions,
///   user ids) fails as a read does: surely nothing has happened.
/// - No error text and no log line holds a secret, or an address with one.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    fn kind(&self) -> TrackerKind;

    /// The truth, for this configuration. Never changes while the process runs.
    fn capabilities(&self) -> &Capabilities;

    /// The parts of a project's name without which nothing can be filed.
    fn needs(&self) -> &'static [ProjectField];

    /// A text as the tracker would return it. A form that the tracker changes or does not keep is
    /// the same afterwards, and nothing else is. For issues and comments alike.
    ///
    /// Pure; twice is once; and of a text that was sent and of what is read back of it the form is the same.
    fn canonical(&self, text: &str) -> String {
        canonical::plain(text)
    }

    /// How far the tracker's clock is ahead of ours, by its last answer; zero if no answer
    /// contained a time.
    fn clock_ahead(&self) -> TimeDelta;

    /// Prepares the creation of one issue: looks up labels, milestones, people and ids, and makes what an issue can only name
    /// once it exists. Creates no issue. The worker calls it before it writes the intent, so that nothing stands between the
    /// intent and the creating request.
    ///
    /// `draft.body` holds the marker already. Where the tracker takes an id of ours, the id is the marker's
    /// ([`Capabilities::idempotent_create`]). A lost answer is a retry, never [`ErrorKind::Unknown`]: no issue was created.
    async fn prepare(&self, project: &Project, draft: &Draft, marker: &Marker) -> Result<PreparedIssue, BackendError>;

    /// Sends the one creating request of `prepared`, at once, and nothing else.
    ///
    /// The creating request leaves out what it cannot carry (a closed state, say). [`CreatedRemote::carried`] is the draft as the
    /// tracker took it, and the difference is sent as an update. Relations are always left out: each is a request of its own.
    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError>;

    /// The issue with that marker among those created at or after `since`, if it is there.
    ///
    /// By a *consistent* read: a created issue is found, however short the time since. A listing by
    /// creation or by id, all of its pages, never a search index. `since` is by our clock: go back
    /// by [`CLOCK_SKEW`] more. Pull requests are left out. An answer that may be incomplete (a page
    /// that broke off) is an error, never `None`.
    async fn find_by_marker(&self, project: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError>;

    /// The issue as it is now, wherever it is now: `at` of the answer is where it was moved to,
    /// renamed or transferred (which may be another project). `None` if the tracker says that it is
    /// not there (404, 410, in the bin); some say so too of issues that the credential may not see.
    /// A refusal that is no absence is [`ErrorKind::Denied`].
    ///
    /// The answer contains all relations, if [`Capabilities::relations`] has any; each seen from
    /// this issue, from either side. They are absent only if this server does not return them (an
    /// older one, or they are switched off).
    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError>;

    /// Changes what differs, field by field, and leaves everything else out of its requests. May take several requests; sending the
    /// same edit again, after any part of it, must come to the same. Sets (labels, people) are changed by what is added and removed.
    /// A remote issue that is gone, or no longer to be seen, is [`ErrorKind::Denied`].
    ///
    /// Relations are sent last, each by itself, removals before additions. One that is there
    /// already, or gone already, is fine. One that the tracker refuses (the other issue is not
    /// there, the two may not be related) is skipped and delays nothing
    /// ([`relations::unless_refused`]): the next read shows that it is not there. A new parent
    /// replaces the old one.
    ///
    /// With a `version` (that of a [`RemoteIssue`] read before) nothing is overwritten that was written since: then it is [`ErrorKind::Stale`].
    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, version: Option<&str>) -> Result<(), BackendError>;

    /// Adds one comment, with one request. `body` holds the marker.
    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError>;

    /// As [`Self::find_by_marker`], among the comments of the issue.
    async fn find_comment(&self, at: &RemoteRef, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError>;

    /// Gives a comment another text; `false` where it is no longer there. Asked only with [`Capabilities::comment_edits`].
    async fn edit_comment(&self, at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError>;

    /// Takes a comment away; one that is gone already is fine. Asked only with [`Capabilities::comment_deletes`].
    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError>;

    /// The issues of a project that were changed at or after a moment, a page at a time, pull
    /// requests left out. Oldest change first where the tracker can (not Gitea, Forgejo and Azure
    /// DevOps: there only the whole list shows the progress). An issue that stays unchanged while
    /// all pages are read is never missed; an issue may come twice. A change of an issue's comments
    /// is one of the issue.
    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError>;

    /// The comments of an issue, oldest first, a page at a time.
    async fn comments(&self, at: &RemoteRef, page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError>;

    /// Whether the tracker accepts the credential, its account, and the missing permissions; for
    /// the project, if one is given. A refused credential is an answer here, not an error.
    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError>;

    /// What the credential can see, a page at a time: organisations, groups, sites, teams.
    async fn workspaces(&self, page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError>;

    /// The repositories or projects of a workspace, a page at a time. [`ErrorKind::Fail`] where there is no such workspace.
    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError>;

    /// What a delivery to our webhook is about. Pure: nothing is asked, nothing is remembered.
    ///
    /// First it is verified, by this vendor's own scheme, against any of the secrets (an empty one
    /// fits nothing, and without a secret every delivery is rejected); the comparison takes the
    /// same time for any signature. If the vendor signs a moment, it must be near `delivery.now`.
    /// Only then is it read. The project and the id of a subject are those of a [`RemoteRef`];
    /// parts of the project that the delivery does not name are empty. Pull requests, pings and
    /// other deliveries without an issue have no subject.
    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected>;

    /// Registers a webhook: the tracker sends every change of issues and comments of the project to
    /// that address, signed with that secret. Afterwards there is one webhook with this address
    /// (for each event, if the vendor wants it so), whatever there was, and its secret is this one.
    /// If this credential may not do it, or the tracker has no API for it: [`ErrorKind::Fail`],
    /// with what to do by hand.
    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError>;

    /// Has the tracker send again what it could not deliver to that address since then; answers how much. 0 where it repeats by
    /// itself, or not at all.
    async fn redeliver(&self, project: &Project, url: &str, since: DateTime<Utc>) -> Result<u64, BackendError> {
        _ = (project, url, since);
        Ok(0)
    }
}

/// Clocks may differ by so much before a search for a creation fails.
pub const CLOCK_SKEW: Duration = Duration::from_mins(10);

/// An issue that is ready to be created: its one request, with every id in place.
#[derive(Debug, Clone)]
pub struct PreparedIssue {
    call: TrackerCall,
    project: Project,
    /// What of the draft the request carries.
    carried: Draft,
}

/// What a creation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedRemote {
    pub at: RemoteRef,
    /// What of the draft the creating request carried.
    pub carried: Draft,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The account of the credential, as the tracker calls it.
    pub account: Option<String>,
    /// What must be mended, each in a sentence that says what to do. Empty: all is well.
    pub missing: Vec<String>,
}

/// An owner of resources. A value that the tracker does not return is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Names it for good, in [`Backend::resources`] too; survives a renaming where the tracker has such a thing.
    pub id: String,
    pub name: String,
    pub handle: Option<String>,
    pub url: Option<String>,
}

/// Something that holds issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: String,
    pub name: String,
    /// What a route names to file there.
    pub place: Project,
    /// What people call it: `acme/tools`, `OPS`.
    pub display_key: Option<String>,
    pub url: Option<String>,
    /// Of the workspace it belongs to.
    pub workspace_handle: Option<String>,
    pub workspace_url: Option<String>,
    /// Whether issues can be filed there (not archived, issues switched on, permission to write),
    /// if the tracker says so.
    pub writable: Option<bool>,
}

/// Why it failed, and what the caller should do. The message is for operators and is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    pub trouble: ErrorKind,
    pub message: String,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The tracker fails or cannot be reached; surely nothing has happened. `after` is the wait it
    /// asks for.
    Retry { after: Option<Duration> },
    /// Too much for the credential: everything with it waits that long, and no attempt is spent. Surely nothing has happened.
    Limited { after: Duration },
    /// The credential was refused: everything with it waits until the secret changes, and no attempt is spent.
    Paused,
    /// Refused because of something outside the request, which an operator can fix: a permission, a
    /// project that is not there, an archived repository. The tracker is well; this one is tried
    /// again later. Surely nothing has happened.
    Denied,
    /// Another client wrote there since the version given: read again, decide again. Only of
    /// [`Backend::update`].
    Stale,
    /// Understood and refused: the same request will never be taken. Surely nothing has happened.
    Fail,
    /// Sent, and the answer was lost: it may have happened. Only of requests that write.
    Unknown,
}

impl ErrorKind {
    fn bounded(self) -> Self {
        match self {
            Self::Retry { after } => Self::Retry { after: after.map(|wait| wait.min(LONGEST_WAIT)) },
            Self::Limited { after } => Self::Limited { after: after.min(LONGEST_WAIT) },
            Self::Paused | Self::Denied | Self::Stale | Self::Fail | Self::Unknown => self,
        }
    }
}

impl BackendError {
    /// No tracker's request to wait counts for more than [`LONGEST_WAIT`].
    pub fn new(trouble: ErrorKind, message: impl Into<String>) -> Self {
        Self { trouble: trouble.bounded(), message: message.into() }
    }

    /// An answer that cannot be read, where the request was a read.
    pub fn unreadable(what: &str, why: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::Retry { after: None }, format!("the answer about {what} cannot be read: {why}"))
    }
}

/// What every tracker is built from. Made by `boot` out of `[backends.NAME]`.
#[derive(Debug, Clone)]
pub struct BackendOptions {
    /// The configured name, for messages.
    pub name: String,
    pub kind: TrackerKind,
    pub line: TrackerClient,
    pub names: LabelNames,
    pub users: UserMap,
    /// `[backends.NAME.options]`: what only this kind knows. Read with [`Self::option`]; unknown ones are refused by `boot`.
    pub options: std::collections::BTreeMap<String, String>,
    /// How many items to ask for in a page; the server may give fewer.
    pub page_size: u32,
    /// The user name of our webhooks' logins, if the vendor has no signature but a login.
    pub webhook_user: String,
}

impl BackendOptions {
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}
