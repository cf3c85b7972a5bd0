//! Files a task, once even if it is posted many times; or answers what filing it would do.

use chrono::{DateTime, Utc};

use super::relations::{Known, resolved};
use crate::app::{App, AppError, Caller, Scope, TaskPlan};
use crate::domain::decide::{self, Cause};
use crate::domain::issue::relation;
use crate::domain::tracker::{LOCAL, LossKind, LossNote};
use crate::domain::{Change, CreateIssue, Dedupe, Faults, Fingerprint, GivenKeys, Issue, IssueId, IssueNumber, TaskSpec};
use crate::store::CommitOutcome;

/// One creation as an entrance hands it over.
#[derive(Debug)]
pub struct TaskSubmission<'a> {
    pub caller: &'a Caller,
    pub spec: TaskSpec,
    pub given: GivenKeys<'a>,
    /// The W3C `traceparent` to remember with the event.
    pub trace: Option<String>,
    /// Rather refused than not carried whole.
    pub strict: bool,
}

/// The issue that now stands for the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTask {
    pub id: IssueId,
    pub number: IssueNumber,
    pub url: Option<String>,
    pub backend: String,
    /// The task had been filed before; this is the first answer again.
    pub replayed: bool,
    /// What of it a tracker does not carry whole.
    pub losses: Vec<LossNote>,
    /// When it is expected there, where a credential's share of writes makes it wait.
    pub expected_at: Option<DateTime<Utc>>,
    /// It is on its way to a tracker, and not there yet.
    pub on_its_way: bool,
}

/// What filing a task would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DryRunOutcome {
    /// It would become a new issue, held by this backend; and where it would go, where there are trackers.
    Create { backend: String, plan: Option<TaskPlan> },
    /// It was filed before: this issue would be answered.
    Duplicate(AcceptedTask),
}

/// How a new task would be recognised when it is posted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DedupeSource {
    IdempotencyKey,
    NaturalKey,
    None,
}

/// How long an `Idempotency-Key` may be.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// A task that is sound, ready to be written.
pub(in crate::app) struct PreparedTask {
    pub(in crate::app) id: IssueId,
    pub(in crate::app) dedupe: Option<Dedupe>,
    pub(in crate::app) change: Change,
    pub(in crate::app) plan: Option<TaskPlan>,
}

impl App {
    /// Validates, decides and commits. The answer never waits for a tracker.
    pub async fn create_issue(&self, request: TaskSubmission<'_>) -> Result<AcceptedTask, AppError> {
        let result = self.try_create(request).await;
        let outcome = match &result {
            Ok(AcceptedTask { replayed: false, .. }) => "created",
            Ok(AcceptedTask { replayed: true, .. }) => "duplicate",
            Err(AppError::Invalid(_)) => "invalid",
            Err(AppError::KeyReused | AppError::Forbidden { .. } | AppError::Refused(_)) => "refused",
            Err(
                AppError::Unauthenticated
                | AppError::NotFound { .. }
                | AppError::RateLimited { .. }
                | AppError::PreconditionFailed { .. }
                | AppError::Contended
                | AppError::BackendAway { .. }
                | AppError::BackendRefused { .. }
                | AppError::Unheard(_)
                | AppError::Overloaded
                | AppError::Store(_),
            ) => "failed",
        };
        self.metrics.ingested.with_label_values(&[outcome]).inc();
        result
    }

    /// Everything [`App::create_issue`] would check, and what it would find; nothing is written.
    pub async fn dry_run_create(&self, request: TaskSubmission<'_>) -> Result<(DryRunOutcome, DedupeSource), AppError> {
        let PreparedTask { dedupe, plan, .. } = self.prepare_one(request).await?;
        let keys: Vec<_> = dedupe.iter().map(|dedupe| dedupe.key).collect();
        let filed = self.store.filed_under(&keys).await?.into_iter().next().flatten();
        let rehearsal = match filed {
            None => self.dry_run_outcome(plan),
            Some(filed) => DryRunOutcome::Duplicate(replay(filed.issue, filed.fingerprint, dedupe.as_ref())?),
        };
        Ok((rehearsal, DedupeSource::of(dedupe.as_ref())))
    }

    async fn try_create(&self, request: TaskSubmission<'_>) -> Result<AcceptedTask, AppError> {
        let PreparedTask { id, dedupe, change, plan } = self.prepare_one(request).await?;
        let outcome = self.commits.commit(change).await?;
        let accepted = self.accepted(id, dedupe.as_ref(), plan.as_ref(), outcome)?;
        let expected_at = if accepted.on_its_way { self.expected(plan.as_ref()).await } else { None };
        Ok(AcceptedTask { expected_at, ..accepted })
    }

    async fn prepare_one(&self, request: TaskSubmission<'_>) -> Result<PreparedTask, AppError> {
        request.caller.need(Scope::Ingest)?;
        let cause = Cause { actor: request.caller.name.clone(), trace: request.trace };
        let mut faults = Faults::default();
        check_key(request.given.idempotency_key, "Idempotency-Key", "invalid_header", &mut faults);
        let command = parsed(request.spec, faults)?;
        let known = self.named(relation::named(&command.relations).collect()).await?;
        let prepared = self.prepare(command, request.given, &known, &cause)?;
        match &prepared.plan {
            Some(plan) if request.strict && !plan.losses.is_empty() => Err(refused(&plan.losses).into()),
            Some(_) | None => Ok(prepared),
        }
    }

    /// The key ladder and the decision, for one task, by what is known of the issues it names.
    pub(in crate::app) fn prepare(
        &self,
        command: CreateIssue,
        given: GivenKeys<'_>,
        known: &Known,
        cause: &Cause,
    ) -> Result<PreparedTask, AppError> {
        let dedupe = Dedupe::of(&command, &cause.actor, given);
        let relations = resolved(&command.relations, known, "")?;
        let stamp = self.clock.stamp();
        let change = decide::related(decide::create(command, self.store.name(), dedupe, cause, stamp), relations);
        let plan = change.issue().and_then(|issue| self.plan(issue));
        let change = match &plan {
            Some(plan) => decide::routed(change, &plan.backend, plan.note()),
            None => change,
        };
        Ok(PreparedTask { id: IssueId(stamp.id), dedupe, change, plan })
    }

    pub(in crate::app) fn dry_run_outcome(&self, plan: Option<TaskPlan>) -> DryRunOutcome {
        DryRunOutcome::Create { backend: plan.as_ref().map_or(self.store.name(), |plan| &plan.backend).to_owned(), plan }
    }

    /// The answer to an insert.
    pub(in crate::app) fn accepted(
        &self,
        id: IssueId,
        dedupe: Option<&Dedupe>,
        plan: Option<&TaskPlan>,
        outcome: CommitOutcome,
    ) -> Result<AcceptedTask, AppError> {
        match outcome {
            CommitOutcome::Inserted(number) => Ok(AcceptedTask {
                id,
                number,
                url: None,
                backend: plan.map_or(self.store.name(), |plan| &plan.backend).to_owned(),
                replayed: false,
                losses: plan.map(|plan| plan.losses.clone()).unwrap_or_default(),
                expected_at: None,
                on_its_way: plan.is_some_and(|plan| plan.routed.first() != LOCAL),
            }),
            CommitOutcome::Duplicate { issue, fingerprint } => {
                let plan = self.plan(&issue);
                let on_its_way = issue.url.is_none() && issue.backend != self.store.name() && issue.may_leave();
                let losses = plan.map(|plan| plan.losses).unwrap_or_default();
                Ok(AcceptedTask { losses, on_its_way, ..replay(*issue, fingerprint, dedupe)? })
            }
            CommitOutcome::Written | CommitOutcome::Stale | CommitOutcome::ClaimLost => {
                unreachable!("an insert is inserted or a duplicate")
            }
        }
    }
}

impl DedupeSource {
    pub(in crate::app) fn of(dedupe: Option<&Dedupe>) -> Self {
        match dedupe {
            None => Self::None,
            Some(Dedupe { fingerprint: Some(_), .. }) => Self::IdempotencyKey,
            Some(Dedupe { fingerprint: None, .. }) => Self::NaturalKey,
        }
    }
}

/// The gate of meaning, for one task. `faults` are those found in it before.
pub(in crate::app) fn parsed(spec: TaskSpec, mut faults: Faults) -> Result<CreateIssue, Faults> {
    match CreateIssue::parse(spec) {
        Ok(command) => faults.into_result(command),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// The first answer again, unless the key belongs to another body.
pub(in crate::app) fn replay(issue: Issue, first: Option<Fingerprint>, dedupe: Option<&Dedupe>) -> Result<AcceptedTask, AppError> {
    if first != dedupe.and_then(|dedupe| dedupe.fingerprint) {
        return Err(AppError::KeyReused);
    }
    Ok(AcceptedTask {
        id: issue.id,
        number: issue.number,
        url: issue.url,
        backend: issue.backend,
        replayed: true,
        losses: Vec::new(),
        expected_at: None,
        on_its_way: false,
    })
}

/// Every loss as a fault at its field.
fn refused(losses: &[LossNote]) -> Faults {
    let mut faults = Faults::default();
    for LossNote { backend, loss } in losses {
        let code = match loss.loss {
            LossKind::Degraded => "degraded",
            LossKind::Dropped => "dropped",
        };
        faults.add(format!("/{}", loss.field), code, format!("{backend}: {}", loss.why));
    }
    faults
}

/// A key is kept as a hash, but travels in headers, logs and other people's databases.
pub(in crate::app) fn check_key(key: Option<&str>, place: &str, code: &'static str, faults: &mut Faults) {
    let sound = |key: &str| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if key.is_some_and(|key| !sound(key)) {
        faults.add(place, code, format!("must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"));
    }
}
