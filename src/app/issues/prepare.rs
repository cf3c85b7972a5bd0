//! From tasks as an entrance hands them over to changes that are ready to be written: the gates, the relations, the key and the route.
//!
//! One task and a batch come the same way. Nothing is written here.

use crate::app::issues::create::MAX_IDEMPOTENCY_KEY;
use crate::app::issues::relations::resolved;
use crate::app::{App, AppError, Caller, Scope, TaskPlan};
use crate::domain::decide::{self, Cause, NewIssue};
use crate::domain::issue::relation;
use crate::domain::{Change, CreateIssue, Dedupe, Faults, GivenKeys, IssueId, TaskSpec};

/// A task without faults, with the keys that came beside it.
pub(in crate::app) struct ParsedTask<'a> {
    pub(in crate::app) command: CreateIssue,
    pub(in crate::app) given: GivenKeys<'a>,
}

/// A task that is ready to be written.
pub(in crate::app) struct PreparedTask {
    pub(in crate::app) change: Change,
    pub(in crate::app) identity: TaskIdentity,
}

/// What the answer needs to know of a task once its change is on its way to the store.
pub(in crate::app) struct TaskIdentity {
    pub(in crate::app) id: IssueId,
    pub(in crate::app) dedupe: Option<Dedupe>,
    pub(in crate::app) plan: Option<TaskPlan>,
}

impl App {
    /// Decides every task that has no fault. All tasks together need one read, and none where no task names another issue.
    pub(in crate::app) async fn prepare_tasks(
        &self,
        caller: &Caller,
        trace: Option<String>,
        tasks: Vec<Result<ParsedTask<'_>, Faults>>,
    ) -> Result<Vec<Result<PreparedTask, AppError>>, AppError> {
        caller.need(Scope::Ingest)?;
        let cause = Cause { actor: caller.name.clone(), trace };
        let named = tasks.iter().flatten().flat_map(|task| relation::named(&task.command.relations));
        let known = self.named(named.collect()).await?;
        let prepare = |ParsedTask { command, given }: ParsedTask<'_>| {
            let relations = resolved(&command.relations, &known, "")?;
            let dedupe = Dedupe::of(&command, &cause.actor, given);
            let stamp = self.clock.stamp();
            let mut issue = command.into_issue(relations, self.store.name(), stamp);
            let plan = self.plan(&issue);
            if let Some(plan) = &plan {
                issue.backend.clone_from(&plan.backend);
            }
            let identity = TaskIdentity { id: issue.id, dedupe, plan };
            let route = identity.plan.as_ref().map(TaskPlan::note);
            let change = decide::create(NewIssue { issue, dedupe, route }, &cause, stamp);
            Ok(PreparedTask { change, identity })
        };
        Ok(tasks.into_iter().map(|task| prepare(task?)).collect())
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

/// A key is kept as a hash, but travels in headers, logs and other people's databases.
pub(in crate::app) fn check_key(key: Option<&str>, pointer: &str, code: &'static str, faults: &mut Faults) {
    let sound = |key: &str| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if key.is_some_and(|key| !sound(key)) {
        faults.add(pointer, code, format!("must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"));
    }
}
