//! Files many tasks at once: each item is judged by itself, and one bad item does not sink the others.
//!
//! Within a chunk the dedupe keys decide as they do between requests, so a task that is in a batch twice is one issue.

use std::collections::HashMap;

use crate::app::issues::create::{DryRunOutcome, replay};
use crate::app::issues::prepare::{ParsedTask, PreparedTask, TaskIdentity, check_key, parsed};
use crate::app::{AcceptedTask, App, AppError, Caller, Scope, TaskPlan};
use crate::domain::base::input::Input;
use crate::domain::base::text::typed;
use crate::domain::{Change, CreateIssue, Dedupe, DedupeKey, Faults, Fingerprint, GivenKeys, TaskSpec};
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
    identity: TaskIdentity,
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
            let (slots, changes) = split(sound.by_ref().take(CHUNK));
            if changes.is_empty() {
                break;
            }
            // Once the store is away, the rest would only wait for it again.
            let written = match gone.clone() {
                Some(error) => Err(error),
                None => self.commits.commit_batch(changes).await,
            };
            gone = written.as_ref().err().cloned();
            let outcomes = written.unwrap_or_else(|error| slots.iter().map(|_| Err(error.clone())).collect());
            for (slot, outcome) in slots.into_iter().zip(outcomes) {
                let accepted = outcome.map_err(AppError::from).and_then(|done| self.accepted(&slot.identity, done));
                items[slot.at] = Some(accepted.map_or_else(BatchItemOutcome::Failed, BatchItemOutcome::Filed));
            }
        }
        let items = judged(items)?;
        self.count(&items);
        Ok(items)
    }

    /// What [`App::create_batch`] would do; nothing is written.
    pub async fn dry_run_batch(&self, batch: TaskBatch<'_>) -> Result<Vec<BatchItemOutcome>, AppError> {
        let (mut items, sound) = self.prepare_batch(batch).await?;
        let (slots, _) = split(sound.into_iter());
        let keys: Vec<DedupeKey> = slots.iter().filter_map(|slot| Some(slot.identity.dedupe?.key)).collect();
        let filed = self.store.filed_under(&keys).await?;
        let filed: HashMap<DedupeKey, FiledIssue> = keys.into_iter().zip(filed).filter_map(|(key, filed)| Some((key, filed?))).collect();
        let mut seen = HashMap::new();
        for BatchSlot { at, identity: TaskIdentity { dedupe, plan, .. } } in slots {
            items[at] = Some(match &dedupe {
                None => BatchItemOutcome::Rehearsed(self.dry_run_outcome(plan)),
                Some(dedupe) => self.dry_run_item(at, dedupe, plan, &filed, &mut seen),
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
        let (keys, commands): (Vec<_>, Vec<_>) = batch.tasks.into_iter().map(key_and_command).unzip();
        let tasks = commands.into_iter().zip(&keys).map(|(command, key)| {
            let given = GivenKeys { idempotency_key: key.as_deref(), message_id: None };
            command.map(|command| ParsedTask { command, given })
        });
        let prepared = self.prepare_tasks(batch.caller, batch.trace, tasks.collect()).await?;
        let mut items = Vec::with_capacity(prepared.len());
        let mut sound = Vec::with_capacity(prepared.len());
        for (at, task) in prepared.into_iter().enumerate() {
            match task {
                Ok(task) => {
                    sound.push((at, task));
                    items.push(None);
                }
                Err(error) => items.push(Some(BatchItemOutcome::Failed(error))),
            }
        }
        Ok((items, sound))
    }

    fn count(&self, items: &[BatchItemOutcome]) {
        for item in items {
            match item {
                BatchItemOutcome::Filed(accepted) => self.count_filing(Ok(accepted)),
                BatchItemOutcome::Failed(error) => self.count_filing(Err(error)),
                BatchItemOutcome::Rehearsed(_) | BatchItemOutcome::SameAs(_) => {}
            }
        }
    }
}

/// The key that one item is recognised by, and its command.
fn key_and_command(task: Result<BatchTask, Faults>) -> (Option<String>, Result<CreateIssue, Faults>) {
    let task = match task {
        Ok(task) => task,
        Err(faults) => return (None, Err(faults)),
    };
    let mut faults = Faults::default();
    let key = typed(task.idempotency_key, "/idempotency_key", &mut faults);
    check_key(key.as_deref(), "/idempotency_key", "invalid_key", &mut faults);
    (key, parsed(task.spec, faults))
}

fn split(prepared: impl Iterator<Item = (usize, PreparedTask)>) -> (Vec<BatchSlot>, Vec<Change>) {
    prepared.map(|(at, PreparedTask { change, identity })| (BatchSlot { at, identity }, change)).unzip()
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
