//! An issue with everything that hangs on it: what moves it from one store to another without a loss.
//!
//! [`ExportLine`] is its written form, one line of an export. The order of its fields is part of the form: the same issue is written the
//! same way by every store. To add a field of an issue: its field here, where it comes from and where it goes.

use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::base::fault::Faults;
use crate::domain::base::id::{CommentId, IssueId, IssueNumber};
use crate::domain::base::text;
use crate::domain::base::text::TextRule;
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, ReviewState, SourceType, StateName};
use crate::domain::event::{Event, EventDetail, EventKind};
use crate::domain::filing::dedupe::{Dedupe, DedupeKey, Fingerprint};
use crate::domain::issue::comment::Comment;
use crate::domain::issue::relation;
use crate::domain::issue::relation::IssueRelation;
use crate::domain::issue::{Claim, Issue, Review, State, TaskOrigin};

type Moment = DateTime<Utc>;

/// Everything a store keeps of one issue, but the messages that still wait and the attempts made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueRecord {
    pub issue: Issue,
    pub dedupe: Option<Dedupe>,
    /// From the first to the newest.
    pub events: Vec<Event>,
    /// Oldest first.
    pub comments: Vec<Comment>,
}

/// What became of a record that was offered to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is there now, as it was written.
    Written,
    /// It was there already, in the same version.
    Present,
    /// The issue is there in another version.
    Differs { version: i64 },
    /// Something that must be its own belongs to another issue: its number, its identity among repeats, a comment's id.
    Clashes { over: &'static str },
}

/// A record as it is written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    id: Uuid,
    number: i64,
    title: String,
    description: String,
    state: StateName,
    blocked: Option<BlockedRecord>,
    closed: Option<ClosedRecord>,
    priority: Priority,
    kind: Kind,
    labels: Vec<String>,
    assignees: Vec<String>,
    milestone: Option<String>,
    due_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    relations: Vec<IssueRelation>,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<SourceType>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    review: ReviewState,
    review_reason: Option<String>,
    claim: Option<ClaimRecord>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    archived_at: Option<Moment>,
    dedupe: Option<DedupeRecord>,
    events: Vec<EventRecord>,
    comments: Vec<CommentRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockedRecord {
    reason: String,
    since: Moment,
    was_started: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedRecord {
    reason: CloseReason,
    at: Moment,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimRecord {
    holder: String,
    until: Moment,
}

/// Two SHA-256, in hex.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DedupeRecord {
    key: String,
    fingerprint: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRecord {
    seq: i64,
    id: Uuid,
    kind: EventKind,
    actor: String,
    at: Moment,
    trace: Option<String>,
    detail: EventDetail,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentRecord {
    id: Uuid,
    author: String,
    body: String,
    created_at: Moment,
    edited_at: Option<Moment>,
}

impl IssueRecord {
    /// Roughly its size in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let events: usize = self.events.iter().map(|event| 200 + event.weight()).sum();
        let comments: usize = self.comments.iter().map(|comment| 200 + comment.body.len()).sum();
        1000 + self.issue.description.len() + events + comments
    }
}

impl From<IssueRecord> for ExportLine {
    fn from(IssueRecord { issue, dedupe, events, comments }: IssueRecord) -> Self {
        let state = issue.state.name();
        let (blocked, closed) = match issue.state {
            State::Open | State::InProgress => (None, None),
            State::Blocked { reason, since, was_started } => (Some(BlockedRecord { reason, since, was_started }), None),
            State::Closed { reason, at } => (None, Some(ClosedRecord { reason, at })),
        };
        let review = issue.review.state();
        let review_reason = match issue.review {
            Review::Rejected { reason } => Some(reason),
            Review::None | Review::Pending | Review::Approved => None,
        };
        Self {
            id: issue.id.0,
            number: issue.number.0,
            title: issue.title,
            description: issue.description,
            state,
            blocked,
            closed,
            priority: issue.priority,
            kind: issue.kind,
            labels: issue.labels,
            assignees: issue.assignees,
            milestone: issue.milestone,
            due_on: issue.due_on,
            relations: issue.relations,
            target_repo: issue.target_repo,
            backend: issue.backend,
            url: issue.url,
            source_type: issue.origin.source_type,
            source_id: issue.origin.source_id,
            triggering_event_id: issue.origin.triggering_event_id,
            activity_definition_id: issue.origin.activity_definition_id,
            review,
            review_reason,
            claim: issue.claim.map(|Claim { holder, until }| ClaimRecord { holder, until }),
            version: issue.version,
            created_at: issue.created_at,
            updated_at: issue.updated_at,
            archived_at: issue.archived_at,
            dedupe: dedupe
                .map(|Dedupe { key, fingerprint }| DedupeRecord { key: hex(&key.0), fingerprint: fingerprint.map(|print| hex(&print.0)) }),
            events: events.into_iter().map(EventRecord::from).collect(),
            comments: comments.into_iter().map(CommentRecord::from).collect(),
        }
    }
}

impl From<Event> for EventRecord {
    fn from(Event { issue_id: _, seq, id, kind, actor, at, trace, detail }: Event) -> Self {
        Self { seq, id, kind, actor, at, trace, detail }
    }
}

impl From<Comment> for CommentRecord {
    fn from(Comment { id, issue_id: _, author, body, created_at, edited_at }: Comment) -> Self {
        Self { id: id.0, author, body, created_at, edited_at }
    }
}

impl ExportLine {
    /// The record, if a store could have written it; else everything that is wrong with it.
    pub fn read(self) -> Result<IssueRecord, Faults> {
        let mut check = RecordFaults::default();
        check.texts(&self);
        check.moments(&self);
        check.history(&self);
        let state = check.state(self.state, self.blocked, self.closed);
        let review = check.review(self.review, self.review_reason);
        let dedupe = self.dedupe.and_then(|identity| check.identity(&identity));
        let id = IssueId(self.id);
        let events = self.events.into_iter().map(|event| event.of(id)).collect();
        let comments = self.comments.into_iter().map(|comment| comment.of(id)).collect();
        let issue = Issue {
            id,
            number: IssueNumber(self.number),
            title: self.title,
            description: self.description,
            state,
            priority: self.priority,
            kind: self.kind,
            labels: self.labels,
            assignees: self.assignees,
            milestone: self.milestone,
            due_on: self.due_on,
            relations: self.relations,
            target_repo: self.target_repo,
            backend: self.backend,
            url: self.url,
            origin: TaskOrigin {
                source_type: self.source_type,
                source_id: self.source_id,
                triggering_event_id: self.triggering_event_id,
                activity_definition_id: self.activity_definition_id,
            },
            review,
            claim: self.claim.map(|ClaimRecord { holder, until }| Claim { holder, until }),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived_at: self.archived_at,
        };
        check.0.into_result(IssueRecord { issue, dedupe, events, comments })
    }
}

impl EventRecord {
    fn of(self, issue_id: IssueId) -> Event {
        let Self { seq, id, kind, actor, at, trace, detail } = self;
        Event { issue_id, seq, id, kind, actor, at, trace, detail }
    }
}

impl CommentRecord {
    fn of(self, issue_id: IssueId) -> Comment {
        let Self { id, author, body, created_at, edited_at } = self;
        Comment { id: CommentId(id), issue_id, author, body, created_at, edited_at }
    }
}

/// The faults found so far.
#[derive(Default)]
struct RecordFaults(Faults);

impl RecordFaults {
    fn text(&mut self, place: &str, rule: TextRule, text: &str) {
        if let Err((code, message)) = rule.check(text) {
            self.0.add(place, code, message);
        }
    }

    fn texts(&mut self, line: &ExportLine) {
        self.text("/title", text::TITLE, &line.title);
        self.text("/description", text::DESCRIPTION, &line.description);
        let lists = [
            ("/labels", &line.labels, text::LABEL, text::MAX_LABELS),
            ("/assignees", &line.assignees, text::ASSIGNEE, text::MAX_ASSIGNEES),
        ];
        for (place, list, rule, most) in lists {
            if list.len() > most {
                self.0.add(place, "too_many", format!("must hold at most {most}"));
            }
            for item in list {
                self.text(place, rule, item);
            }
        }
        let optional = [
            ("/milestone", text::MILESTONE, &line.milestone),
            ("/target_repo", text::TARGET_REPO, &line.target_repo),
            ("/url", text::REASON, &line.url),
            ("/source_id", text::TRACE_FIELD, &line.source_id),
            ("/triggering_event_id", text::TRACE_FIELD, &line.triggering_event_id),
            ("/activity_definition_id", text::TRACE_FIELD, &line.activity_definition_id),
            ("/review_reason", text::REASON, &line.review_reason),
        ];
        for (place, rule, text) in optional {
            if let Some(text) = text {
                self.text(place, rule, text);
            }
        }
        self.text("/backend", text::LABEL, &line.backend);
        if let Err((code, message)) = relation::check(&line.relations, IssueId(line.id)) {
            self.0.add("/relations", code, message);
        }
        if let Some(blocked) = &line.blocked {
            self.text("/blocked/reason", text::REASON, &blocked.reason);
        }
        if let Some(claim) = &line.claim {
            self.text("/claim/holder", text::HOLDER, &claim.holder);
        }
        for comment in &line.comments {
            self.text("/comments/author", text::REASON, &comment.author);
            self.text("/comments/body", text::COMMENT, &comment.body);
        }
    }

    /// What every store keeps: whole microseconds, in years of four digits.
    fn moments(&mut self, line: &ExportLine) {
        let own = [Some(line.created_at), Some(line.updated_at), line.archived_at, line.closed.as_ref().map(|closed| closed.at)];
        let more = [line.blocked.as_ref().map(|blocked| blocked.since), line.claim.as_ref().map(|claim| claim.until)];
        let events = line.events.iter().map(|event| Some(event.at));
        let comments = line.comments.iter().flat_map(|comment| [Some(comment.created_at), comment.edited_at]);
        let kept = |moment: &Moment| moment.trunc_subsecs(6) == *moment && (0..=9999).contains(&moment.year());
        if !own.into_iter().chain(more).chain(events).chain(comments).flatten().all(|moment| kept(&moment)) {
            self.0.add("", "not_a_moment", "every moment must be of whole microseconds, in a year of four digits");
        }
        if line.due_on.is_some_and(|day| !(0..=9999).contains(&day.year())) {
            self.0.add("/due_on", "not_a_date", "must be a date like 2026-06-30");
        }
    }

    fn history(&mut self, line: &ExportLine) {
        if line.number < 1 {
            self.0.add("/number", "out_of_range", "must be at least 1");
        }
        if !line.events.iter().map(|event| event.seq).eq(1..=line.version) {
            self.0.add("/events", "contradiction", "must be counted from 1 to the version without gaps");
        }
        for event in &line.events {
            self.text("/events/actor", text::REASON, &event.actor);
            if let Some(trace) = &event.trace {
                self.text("/events/trace", text::TRACE_FIELD, trace);
            }
            if serde_json::to_value(&event.detail).is_ok_and(|detail| has_nul(&detail)) {
                self.0.add("/events/detail", "control_character", "must not contain the NUL character");
            }
        }
    }

    fn state(&mut self, name: StateName, blocked: Option<BlockedRecord>, closed: Option<ClosedRecord>) -> State {
        match (name, blocked, closed) {
            (StateName::Open, None, None) => State::Open,
            (StateName::InProgress, None, None) => State::InProgress,
            (StateName::Blocked, Some(BlockedRecord { reason, since, was_started }), None) => State::Blocked { reason, since, was_started },
            (StateName::Closed, None, Some(ClosedRecord { reason, at })) => State::Closed { reason, at },
            (StateName::Open | StateName::InProgress | StateName::Blocked | StateName::Closed, _, _) => {
                self.0.add(
                    "/state",
                    "contradiction",
                    "blocked must be there in the state blocked, closed in the state closed, and neither otherwise",
                );
                State::Open
            }
        }
    }

    fn review(&mut self, state: ReviewState, reason: Option<String>) -> Review {
        match (state, reason) {
            (ReviewState::None, None) => Review::None,
            (ReviewState::Pending, None) => Review::Pending,
            (ReviewState::Approved, None) => Review::Approved,
            (ReviewState::Rejected, Some(reason)) => Review::Rejected { reason },
            (ReviewState::None | ReviewState::Pending | ReviewState::Approved | ReviewState::Rejected, _) => {
                self.0.add("/review_reason", "contradiction", "must be there with the review rejected, and only then");
                Review::None
            }
        }
    }

    fn identity(&mut self, identity: &DedupeRecord) -> Option<Dedupe> {
        let fingerprint = identity.fingerprint.as_deref().map(unhex);
        match (unhex(&identity.key), fingerprint) {
            (Some(key), None) => Some(Dedupe { key: DedupeKey(key), fingerprint: None }),
            (Some(key), Some(Some(print))) => Some(Dedupe { key: DedupeKey(key), fingerprint: Some(Fingerprint(print)) }),
            (None, _) | (Some(_), Some(None)) => {
                self.0.add("/dedupe", "malformed", "must be 64 hexadecimal digits each");
                None
            }
        }
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}
