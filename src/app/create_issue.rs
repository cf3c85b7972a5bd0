//! Files a task, once however often it is posted.

use super::{App, AppError, Caller, Scope};
use crate::domain::decide::{self, Cause};
use crate::domain::{CreateIssue, Dedupe, Faults, IssueId, IssueNumber, TaskSpec};
use crate::store::Outcome;

/// One creation as an entrance hands it over.
#[derive(Debug)]
pub struct Request<'a> {
    pub caller: &'a Caller,
    pub spec: TaskSpec,
    pub idempotency_key: Option<&'a str>,
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

/// How long an `Idempotency-Key` may be.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

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
                | AppError::PreconditionFailed { .. }
                | AppError::Contended
                | AppError::Overloaded
                | AppError::Store(_),
            ) => "failed",
        };
        self.metrics.ingested.with_label_values(&[outcome]).inc();
        result
    }

    async fn try_create(&self, request: Request<'_>) -> Result<Accepted, AppError> {
        request.caller.need(Scope::Ingest)?;
        check_key(request.idempotency_key)?;
        let command = CreateIssue::parse(request.spec)?;
        let dedupe = Dedupe::of(&command, &request.caller.name, request.idempotency_key);
        let cause = Cause { actor: request.caller.name.clone(), trace: request.trace };
        let stamp = self.clock.stamp();
        let id = IssueId(stamp.id);
        let change = decide::create(command, self.store.name(), dedupe, &cause, stamp);
        match self.commits.commit(change).await? {
            Outcome::Inserted(number) => Ok(Accepted { id, number, url: None, backend: self.store.name().to_owned(), replayed: false }),
            Outcome::Duplicate { fingerprint, .. } if fingerprint != dedupe.and_then(|dedupe| dedupe.fingerprint) => {
                Err(AppError::KeyReused)
            }
            Outcome::Duplicate { issue, .. } => {
                Ok(Accepted { id: issue.id, number: issue.number, url: issue.url, backend: issue.backend, replayed: true })
            }
            Outcome::Written | Outcome::Stale | Outcome::ClaimLost => unreachable!("an insert is inserted or a duplicate"),
        }
    }
}

fn check_key(key: Option<&str>) -> Result<(), Faults> {
    let Some(key) = key else { return Ok(()) };
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || !key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let message = format!("must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters");
        return Err(Faults::one("Idempotency-Key", "invalid_header", message));
    }
    Ok(())
}
