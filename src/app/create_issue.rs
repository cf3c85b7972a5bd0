//! Files a task, once however often it is posted; or says what filing it would do.

use super::{App, AppError, Caller, Scope};
use crate::domain::decide::{self, Cause};
use crate::domain::{Change, CreateIssue, Dedupe, Faults, Fingerprint, Given, Issue, IssueId, IssueNumber, TaskSpec};
use crate::store::Outcome;

/// One creation as an entrance hands it over.
#[derive(Debug)]
pub struct Request<'a> {
    pub caller: &'a Caller,
    pub spec: TaskSpec,
    pub given: Given<'a>,
    /// The W3C `traceparent` to remember with the event.
    pub trace: Option<String>,
}

/// The issue that now stands for the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub id: IssueId,
    pub number: IssueNumber,
    pub url: Option<String>,
    pub backend: String,
    /// The task had been filed before; this is the first answer again.
    pub replayed: bool,
}

/// What filing a task would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsal {
    /// It would become a new issue, held by this backend.
    Create { backend: String },
    /// It was filed before: this issue would be answered.
    Duplicate(Accepted),
}

/// How a new task would be recognised when it is posted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    IdempotencyKey,
    NaturalKey,
    None,
}

/// How long an `Idempotency-Key` may be.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// A task that is sound, ready to be written.
pub(super) struct Prepared {
    pub(super) id: IssueId,
    pub(super) dedupe: Option<Dedupe>,
    pub(super) change: Change,
}

impl App {
    /// Validates, decides and commits. The answer never waits for a tracker.
    pub async fn create_issue(&self, request: Request<'_>) -> Result<Accepted, AppError> {
        let result = self.try_create(request).await;
        let outcome = match &result {
            Ok(Accepted { replayed: false, .. }) => "created",
            Ok(Accepted { replayed: true, .. }) => "duplicate",
            Err(AppError::Invalid(_)) => "invalid",
            Err(AppError::KeyReused | AppError::Forbidden { .. } | AppError::Refused(_)) => "refused",
            Err(
                AppError::Unauthenticated
                | AppError::NotFound { .. }
                | AppError::RateLimited { .. }
                | AppError::PreconditionFailed { .. }
                | AppError::Contended
                | AppError::Overloaded
                | AppError::Store(_),
            ) => "failed",
        };
        self.metrics.ingested.with_label_values(&[outcome]).inc();
        result
    }

    /// Everything [`App::create_issue`] would check, and what it would find; nothing is written.
    pub async fn rehearse_create(&self, request: Request<'_>) -> Result<(Rehearsal, Rung), AppError> {
        let Prepared { dedupe, .. } = self.prepare_one(request)?;
        let keys: Vec<_> = dedupe.iter().map(|dedupe| dedupe.key).collect();
        let filed = self.store.filed(&keys).await?.into_iter().next().flatten();
        let rehearsal = match filed {
            None => Rehearsal::Create { backend: self.destination().to_owned() },
            Some(filed) => Rehearsal::Duplicate(replay(filed.issue, filed.fingerprint, dedupe.as_ref())?),
        };
        Ok((rehearsal, Rung::of(dedupe.as_ref())))
    }

    async fn try_create(&self, request: Request<'_>) -> Result<Accepted, AppError> {
        let Prepared { id, dedupe, change } = self.prepare_one(request)?;
        self.accepted(id, dedupe.as_ref(), self.commits.commit(change).await?)
    }

    fn prepare_one(&self, request: Request<'_>) -> Result<Prepared, AppError> {
        request.caller.need(Scope::Ingest)?;
        let cause = Cause { actor: request.caller.name.clone(), trace: request.trace };
        let mut faults = Faults::default();
        check_key(request.given.idempotency_key, "Idempotency-Key", "invalid_header", &mut faults);
        Ok(self.prepare(request.spec, request.given, faults, &cause)?)
    }

    /// The gate of meaning, the key ladder and the decision, for one task. `faults` are those found in it before.
    pub(super) fn prepare(&self, spec: TaskSpec, given: Given<'_>, mut faults: Faults, cause: &Cause) -> Result<Prepared, Faults> {
        let command = match CreateIssue::parse(spec) {
            Ok(command) => faults.into_result(command)?,
            Err(more) => {
                faults.extend(more);
                return Err(faults);
            }
        };
        let dedupe = Dedupe::of(&command, &cause.actor, given);
        let stamp = self.clock.stamp();
        let change = decide::create(command, self.destination(), dedupe, cause, stamp);
        Ok(Prepared { id: IssueId(stamp.id), dedupe, change })
    }

    /// The kind of backend that will hold a new task: the store itself.
    pub(super) fn destination(&self) -> &'static str {
        self.store.name()
    }

    /// The answer to an insert.
    pub(super) fn accepted(&self, id: IssueId, dedupe: Option<&Dedupe>, outcome: Outcome) -> Result<Accepted, AppError> {
        match outcome {
            Outcome::Inserted(number) => Ok(Accepted { id, number, url: None, backend: self.destination().to_owned(), replayed: false }),
            Outcome::Duplicate { issue, fingerprint } => replay(*issue, fingerprint, dedupe),
            Outcome::Written | Outcome::Stale | Outcome::ClaimLost => unreachable!("an insert is inserted or a duplicate"),
        }
    }
}

impl Rung {
    pub(super) fn of(dedupe: Option<&Dedupe>) -> Self {
        match dedupe {
            None => Self::None,
            Some(Dedupe { fingerprint: Some(_), .. }) => Self::IdempotencyKey,
            Some(Dedupe { fingerprint: None, .. }) => Self::NaturalKey,
        }
    }
}

/// The first answer again, unless the key belongs to another body.
pub(super) fn replay(issue: Issue, first: Option<Fingerprint>, dedupe: Option<&Dedupe>) -> Result<Accepted, AppError> {
    if first != dedupe.and_then(|dedupe| dedupe.fingerprint) {
        return Err(AppError::KeyReused);
    }
    Ok(Accepted { id: issue.id, number: issue.number, url: issue.url, backend: issue.backend, replayed: true })
}

/// A key is kept as a hash, but travels in headers, logs and other people's databases.
pub(super) fn check_key(key: Option<&str>, place: &str, code: &'static str, faults: &mut Faults) {
    let sound = |key: &str| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if key.is_some_and(|key| !sound(key)) {
        faults.add(place, code, format!("must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"));
    }
}
