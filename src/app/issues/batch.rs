//! Files many tasks at once: each item is judged by itself, and one bad item does not sink the others.
//!
//! Within a chunk the dedupe keys decide as they do between requests, so a task that is in a batch twice is one issue.

use std::collections::HashMap;

use crate::app::issues::create::{DryRunOutcome, PreparedTask, check_key, parsed, replay};
use crate::app::{AcceptedTask, App, AppError, Caller, Scope, TaskPlan};
use crate::domain::base::input::Input;
use crate::domain::base::text::typed;
use crate::domain::decide::Cause;
use crate::domain::issue::relation;
use crate::domain::{Change, CreateIssue, Dedupe, DedupeKey, Faults, Fingerprint, GivenKeys, IssueId, TaskSpec};
use crate::store::{FiledIssue, StoreError};

/// The most tasks one request may carry.
pub const MAX_BATCH: usize = 1000;

/// How many are written in one transaction.
const CHUNK: usize = 250;

/// One task of a batch.
#[derive(Debug, Default)]
pub struct BatchTask {
    pub spec: TaskSpec,
    /// Does for the item what the header does for a single post.
    pub idempotency_key: Input<String>,
}

/// A batch as an entrance hands it over. An item that could not even be read carries its faults.
#[derive(Debug)]
pub struct TaskBatch<'a> {
    pub caller: &'a Caller,
    pub tasks: Vec<Result<BatchTask, Faults>>,
    /// The W3C `traceparent` to remember with the events.
    pub trace: Option<String>,
}

/// What became of one item, or would become of it.
#[derive(Debug)]
pub enum BatchItemOutcome {
    Filed(AcceptedTask),
    Rehearsed(DryRunOutcome),
    /// Only in a dry run: the same task stands at that position of this batch already.
    SameAs(usize),
    /// Its own fault, or the store's; the others are not touched by it.
    Failed(AppError),
}

/// Where a sound task stands in the batch, and how it is recognised.
struct BatchSlot {
    at: usize,
    id: IssueId,
    dedupe: Option<Dedupe>,
    plan: Option<TaskPlan>,
}

/// The items decided so far, and the tasks still to be written.
type SortedOut = (Vec<Option<BatchItemOutcome>>, Vec<(usize, PreparedTask)>);

impl App {
    /// Files what is sound, in the order given. Fails as a whole only when the store failed before anything was filed.
    pub async fn create_batch(&self, batch: TaskBatch<'_>) -> Result<Vec<BatchItemOutcome>, AppError> {
        let (mut items, sound) = self.prepare_batch(batch).await?;
        let mut sound = sound.into_iter();
        let mut gone: Option<StoreError> = None;
        loop {
            let (places, changes) = split(sound.by_ref().take(CHUNK));
            if changes.is_empty() {
                break;
            }
            // Once the store is away, the rest would only wait for it again.
            let written = match gone.clone() {
                Some(error) => Err(error),
                None => self.commits.commit_batch(changes).await,
            };
            gone = written.as_ref().err().cloned();
            let outcomes = written.unwrap_or_else(|error| places.iter().map(|_| Err(error.clone())).collect());
            for (place, outcome) in places.into_iter().zip(outcomes) {
                let accepted = outcome
                    .map_err(AppError::from)
                    .and_then(|done| self.accepted(place.id, place.dedupe.as_ref(), place.plan.as_ref(), done));
                items[place.at] = Some(accepted.map_or_else(BatchItemOutcome::Failed, BatchItemOutcome::Filed));
            }
        }
        let items = judged(items)?;
        self.count(&items);
        Ok(items)
    }

    /// What [`App::create_batch`] would do; nothing is written.
    pub async fn dry_run_batch(&self, batch: TaskBatch<'_>) -> Result<Vec<BatchItemOutcome>, AppError> {
        let (mut items, sound) = self.prepare_batch(batch).await?;
        let (places, _) = split(sound.into_iter());
        let keys: Vec<DedupeKey> = places.iter().filter_map(|place| Some(place.dedupe?.key)).collect();
        let filed = self.store.filed_under(&keys).await?;
        let filed: HashMap<DedupeKey, FiledIssue> = keys.into_iter().zip(filed).filter_map(|(key, filed)| Some((key, filed?))).collect();
        let mut seen = HashMap::new();
        for place in places {
            items[place.at] = Some(match &place.dedupe {
                None => BatchItemOutcome::Rehearsed(self.dry_run_outcome(place.plan)),
                Some(dedupe) => self.dry_run_item(place.at, dedupe, place.plan, &filed, &mut seen),
            });
        }
        judged(items)
    }

    fn dry_run_item(
        &self,
        at: usize,
        dedupe: &Dedupe,
        plan: Option<TaskPlan>,
        filed: &HashMap<DedupeKey, FiledIssue>,
        seen: &mut HashMap<DedupeKey, (usize, Option<Fingerprint>)>,
    ) -> BatchItemOutcome {
        if let Some(FiledIssue { issue, fingerprint }) = filed.get(&dedupe.key) {
            let replayed = replay(issue.clone(), *fingerprint, Some(dedupe));
            return replayed
                .map_or_else(BatchItemOutcome::Failed, |accepted| BatchItemOutcome::Rehearsed(DryRunOutcome::Duplicate(accepted)));
        }
        match seen.get(&dedupe.key) {
            Some((_, first)) if *first != dedupe.fingerprint => BatchItemOutcome::Failed(AppError::KeyReused),
            Some((first, _)) => BatchItemOutcome::SameAs(*first),
            None => {
                seen.insert(dedupe.key, (at, dedupe.fingerprint));
                BatchItemOutcome::Rehearsed(self.dry_run_outcome(plan))
            }
        }
    }

    async fn prepare_batch(&self, batch: TaskBatch<'_>) -> Result<SortedOut, AppError> {
        batch.caller.need(Scope::Ingest)?;
        let cause = Cause { actor: batch.caller.name.clone(), trace: batch.trace };
        let mut items = Vec::with_capacity(batch.tasks.len());
        let mut sound = Vec::with_capacity(batch.tasks.len());
        let tasks: Vec<_> = batch.tasks.into_iter().map(|task| task.and_then(read)).collect();
        let named = tasks.iter().flatten().flat_map(|(command, _)| relation::named(&command.relations));
        let known = self.named(named.collect()).await?;
        for (at, task) in tasks.into_iter().enumerate() {
            let prepared = task.map_err(AppError::from).and_then(|(command, key)| {
                let given = GivenKeys { idempotency_key: key.as_deref(), message_id: None };
                self.prepare(command, given, &known, &cause)
            });
            match prepared {
                Ok(prepared) => {
                    sound.push((at, prepared));
                    items.push(None);
                }
                Err(error) => items.push(Some(BatchItemOutcome::Failed(error))),
            }
        }
        Ok((items, sound))
    }

    fn count(&self, items: &[BatchItemOutcome]) {
        for item in items {
            let outcome = match item {
                BatchItemOutcome::Filed(accepted) if accepted.replayed => "duplicate",
                BatchItemOutcome::Filed(_) => "created",
                BatchItemOutcome::Failed(AppError::Invalid(_)) => "invalid",
                BatchItemOutcome::Failed(AppError::KeyReused | AppError::Refused(_)) => "refused",
                BatchItemOutcome::Failed(_) => "failed",
                BatchItemOutcome::Rehearsed(_) | BatchItemOutcome::SameAs(_) => continue,
            };
            self.metrics.ingested.with_label_values(&[outcome]).inc();
        }
    }
}

/// One item with the key it is recognised by.
fn read(task: BatchTask) -> Result<(CreateIssue, Option<String>), Faults> {
    let mut faults = Faults::default();
    let key = typed(task.idempotency_key, "/idempotency_key", &mut faults);
    check_key(key.as_deref(), "/idempotency_key", "invalid_key", &mut faults);
    Ok((parsed(task.spec, faults)?, key))
}

fn split(prepared: impl Iterator<Item = (usize, PreparedTask)>) -> (Vec<BatchSlot>, Vec<Change>) {
    prepared.map(|(at, PreparedTask { id, dedupe, change, plan })| (BatchSlot { at, id, dedupe, plan }, change)).unzip()
}

/// Every item with its verdict; or the store's error, when it kept all of them from being filed.
fn judged(items: Vec<Option<BatchItemOutcome>>) -> Result<Vec<BatchItemOutcome>, AppError> {
    let items: Vec<BatchItemOutcome> = items.into_iter().flatten().collect();
    let lost =
        |item: &BatchItemOutcome| if let BatchItemOutcome::Failed(AppError::Store(error)) = item { Some(error.clone()) } else { None };
    match items.iter().find_map(lost) {
        Some(error) if !items.iter().any(|item| matches!(item, BatchItemOutcome::Filed(_))) => Err(error.into()),
        Some(_) | None => Ok(items),
    }
}
