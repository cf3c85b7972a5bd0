//! What is known of the trackers, and what they can be asked: how they are, whether we are let in, where issues can be filed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::trackers::Tracker;
use super::{App, AppError, Caller, Scope};
use crate::backend::{BackendError, CheckReport, ErrorKind, Resource, Workspace};
use crate::domain::MessageKind;
use crate::domain::queue::breaker::BreakerState;
use crate::domain::tracker::{BudgetWindow, LOCAL, RemotePage, TrackerKind};

/// How one tracker is, as this process sees it.
pub struct BackendState {
    pub name: String,
    /// `None` for the store itself.
    pub tracker: Option<Arc<Tracker>>,
    pub kind: String,
    pub breaker: BreakerState,
    /// The credential was refused: nothing is sent until the secret changes.
    pub paused: bool,
    /// Nothing is sent before then: a limit, or the budget.
    pub rests_until: Option<DateTime<Utc>>,
    /// Messages that wait, up to a bound.
    pub waiting: u64,
    /// What was used of each window of the budget.
    pub spent: Vec<(BudgetWindow, u64)>,
}

/// Counting stops there.
const MOST: u32 = 10_000;

impl App {
    /// The store first, then by name.
    pub async fn backends(&self, caller: &Caller) -> Result<Vec<BackendState>, AppError> {
        caller.need(Scope::Read)?;
        let mut states = vec![self.local()];
        for tracker in self.trackers.iter() {
            states.push(self.state_of(tracker).await?);
        }
        Ok(states)
    }

    pub async fn backend(&self, caller: &Caller, name: &str) -> Result<BackendState, AppError> {
        caller.need(Scope::Read)?;
        if name == LOCAL {
            return Ok(self.local());
        }
        self.state_of(self.tracker(name)?).await
    }

    /// Calls the tracker itself. A tracker that cannot be reached, or that refuses the credential,
    /// is an answer too.
    pub async fn check_backend(&self, caller: &Caller, name: &str) -> Result<CheckReport, AppError> {
        caller.need(Scope::Admin)?;
        if name == LOCAL {
            self.store.check().await?;
            return Ok(CheckReport::default());
        }
        let tracker = self.tracker(name)?;
        let project = tracker.place();
        let checked = tracker.backend.check(project.as_ref()).await;
        Ok(checked.unwrap_or_else(|error| CheckReport { account: None, missing: vec![error.message] }))
    }

    pub async fn workspaces(&self, caller: &Caller, name: &str, page: Option<&str>) -> Result<RemotePage<Workspace>, AppError> {
        caller.need(Scope::Read)?;
        if name == LOCAL {
            return Ok(RemotePage { items: Vec::new(), next: None });
        }
        self.tracker(name)?.backend.workspaces(page).await.map_err(|error| away(name, error))
    }

    /// With the workspace they belong to, where it is known.
    pub async fn resources(
        &self,
        caller: &Caller,
        name: &str,
        workspace: &str,
        page: Option<&str>,
    ) -> Result<RemotePage<Resource>, AppError> {
        caller.need(Scope::Read)?;
        let backend = &self.tracker(name)?.backend;
        match backend.resources(workspace, page).await {
            Ok(listing) => Ok(listing),
            Err(BackendError { trouble: ErrorKind::Fail | ErrorKind::Denied, .. }) => {
                Err(AppError::NotFound { what: format!("workspace {workspace} in {name}, or not to be seen with its credential") })
            }
            Err(error) => Err(away(name, error)),
        }
    }

    pub(super) fn tracker(&self, name: &str) -> Result<&Arc<Tracker>, AppError> {
        self.trackers.get(name).ok_or_else(|| AppError::NotFound { what: format!("backend {name}") })
    }

    fn local(&self) -> BackendState {
        BackendState {
            name: LOCAL.to_owned(),
            tracker: None,
            kind: self.store.name().to_owned(),
            breaker: BreakerState::Closed,
            paused: false,
            rests_until: None,
            waiting: 0,
            spent: Vec::new(),
        }
    }

    async fn state_of(&self, tracker: &Arc<Tracker>) -> Result<BackendState, AppError> {
        let now = self.clock.now();
        let target = self.targets.iter().find(|target| target.kind == MessageKind::Push && target.target == tracker.name);
        let spent = match &tracker.budget {
            Some(budget) => self.spent(budget).await?,
            None => Vec::new(),
        };
        Ok(BackendState {
            name: tracker.name.clone(),
            kind: TrackerKind::as_str(tracker.backend.kind()).to_owned(),
            breaker: target.map_or(BreakerState::Closed, |target| target.breaker_state()),
            paused: target.is_some_and(|target| target.is_paused(now)),
            rests_until: target.and_then(|target| target.rests_until(now)),
            waiting: self.store.count_waiting(&tracker.name, MOST).await?,
            spent,
            tracker: Some(Arc::clone(tracker)),
        })
    }
}

pub(super) fn away(name: &str, error: BackendError) -> AppError {
    AppError::BackendAway { name: name.to_owned(), reason: error.message }
}
