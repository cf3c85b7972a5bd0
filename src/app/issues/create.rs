//! Files a task, once even if it is posted many times; or answers what filing it would do.

use chrono::{DateTime, Utc};

use crate::app::issues::prepare::{ParsedTask, PreparedTask, TaskIdentity, check_key, parsed};
use crate::app::{App, AppError, Caller, Scope, TaskPlan};
use crate::domain::tracker::{LOCAL, LossKind, LossNote};
use crate::domain::{Dedupe, Faults, Fingerprint, GivenKeys, Issue, IssueId, IssueNumber, TaskSpec};
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

impl App {
    /// Validates, decides and commits. The answer never waits for a tracker.
    pub async fn create_issue(&self, request: TaskSubmission<'_>) -> Result<AcceptedTask, AppError> {
        let filed = async {
            let PreparedTask { change, identity } = self.prepare_task(request).await?;
            let outcome = self.commits.commit(change).await?;
            let accepted = self.accepted(&identity, outcome)?;
            let expected_at = if accepted.on_its_way { self.expected(identity.plan.as_ref()).await } else { None };
            Ok(AcceptedTask { expected_at, ..accepted })
        };
        let result = filed.await;
        self.count_filing(result.as_ref());
        result
    }

    /// Everything [`App::create_issue`] would check, and what it would find; nothing is written.
    pub async fn dry_run_create(&self, request: TaskSubmission<'_>) -> Result<(DryRunOutcome, DedupeSource), AppError> {
        let TaskIdentity { dedupe, plan, .. } = self.prepare_task(request).await?.identity;
        let keys: Vec<_> = dedupe.iter().map(|dedupe| dedupe.key).collect();
        let filed = self.store.filed_under(&keys).await?.into_iter().next().flatten();
        let rehearsal = match filed {
            None => self.dry_run_outcome(plan),
            Some(filed) => DryRunOutcome::Duplicate(replay(filed.issue, filed.fingerprint, dedupe.as_ref())?),
        };
        Ok((rehearsal, DedupeSource::of(dedupe.as_ref())))
    }

    async fn prepare_task(&self, request: TaskSubmission<'_>) -> Result<PreparedTask, AppError> {
        let TaskSubmission { caller, spec, given, trace, strict } = request;
        caller.need(Scope::Ingest)?;
        let mut faults = Faults::default();
        check_key(given.idempotency_key, "Idempotency-Key", "invalid_header", &mut faults);
        let task = parsed(spec, faults).map(|command| ParsedTask { command, given });
        let Some(prepared) = self.prepare_tasks(caller, trace, vec![task]).await?.pop() else {
            unreachable!("one task in is one task out")
        };
        let prepared = prepared?;
        match &prepared.identity.plan {
            Some(plan) if strict && !plan.losses.is_empty() => Err(refused(&plan.losses).into()),
            Some(_) | None => Ok(prepared),
        }
    }

    /// Counts what became of one task that was to be filed.
    pub(in crate::app) fn count_filing(&self, filed: Result<&AcceptedTask, &AppError>) {
        let outcome = match filed {
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
    }

    pub(in crate::app) fn dry_run_outcome(&self, plan: Option<TaskPlan>) -> DryRunOutcome {
        DryRunOutcome::Create { backend: plan.as_ref().map_or(self.store.name(), |plan| &plan.backend).to_owned(), plan }
    }

    /// The answer to an insert.
    pub(in crate::app) fn accepted(&self, identity: &TaskIdentity, outcome: CommitOutcome) -> Result<AcceptedTask, AppError> {
        let TaskIdentity { id, dedupe, plan } = identity;
        let (plan, dedupe) = (plan.as_ref(), dedupe.as_ref());
        match outcome {
            CommitOutcome::Inserted(number) => Ok(AcceptedTask {
                id: *id,
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
