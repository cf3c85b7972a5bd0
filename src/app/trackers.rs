//! The configured trackers, the routes to them, and the losses and the expected time of a new task.
//!
//! To add a tracker nothing is to be done here: `boot` makes the list.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{AcceptedTask, App, AppError};
use crate::backend::{Backend, Secret};
use crate::domain::tracker::{
    BackendTerms, BudgetWindow, LOCAL, LossNote, Project, ProjectTemplate, RelationTargets, RouteDecision, RouteNote, RouteTable,
    TrackerKind, expected, fit, route,
};
use crate::domain::{Issue, IssueRef};

/// One tracker with everything that is known of it.
pub struct Tracker {
    /// The configured name: the target of its messages.
    pub name: String,
    pub backend: Arc<dyn Backend>,
    pub terms: BackendTerms,
    pub secret: Secret,
    pub webhook: WebhookSetup,
    pub budget: Option<CreationBudget>,
    /// The longest one of its calls may take.
    pub timeout: Duration,
    /// The time after a lost answer from which a missing issue counts as not created.
    pub doubt: Duration,
    /// Where issues go that no route says more about.
    pub template: ProjectTemplate,
    /// When something was expected there, and when that was worked out.
    pub estimate: Mutex<Option<(DateTime<Utc>, DateTime<Utc>)>>,
}

/// How the tracker sends us webhook deliveries.
#[derive(Debug, Clone, Default)]
pub struct WebhookSetup {
    pub secret: Secret,
    /// The one before, while the tracker changes from it.
    pub previous: Secret,
    /// Where it reaches us, if that is known.
    pub url: Option<String>,
}

impl WebhookSetup {
    /// The secrets of valid signatures; none: every delivery is refused.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretString> {
        [&self.secret, &self.previous].into_iter().filter_map(|secret| secret.get().0).collect()
    }
}

/// How much may be created with a credential, by all replicas together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationBudget {
    /// Trackers with one credential share one.
    pub name: String,
    pub windows: Vec<BudgetWindow>,
}

/// How long an answer waits for a tracker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerWaits {
    pub usual: Duration,
    pub most: Duration,
}

/// All of them. The default has none: everything stays in the store.
#[derive(Default)]
pub struct Trackers {
    list: BTreeMap<String, Arc<Tracker>>,
    routing: RouteTable,
}

/// Where a task goes, and what of it does not arrive whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlan {
    pub routed: RouteDecision,
    /// The kind that the issue reports.
    pub backend: String,
    pub losses: Vec<LossNote>,
}

impl Trackers {
    #[must_use]
    pub fn new(list: Vec<Tracker>, routing: RouteTable) -> Self {
        Self { list: list.into_iter().map(|tracker| (tracker.name.clone(), Arc::new(tracker))).collect(), routing }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tracker>> {
        self.list.values()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Tracker>> {
        self.list.get(name)
    }

    /// Where the issue goes. `store` is what an issue of the store alone reports.
    #[must_use]
    pub fn plan(&self, issue: &Issue, store: &str) -> TaskPlan {
        let routed = route(issue, &self.routing);
        let backend = self.kind(routed.first()).map_or_else(|| store.to_owned(), |kind| kind.as_str().to_owned());
        let mut losses = Vec::new();
        for tracker in routed.to.iter().filter_map(|to| self.get(&to.backend)) {
            // The related issues' links are not read here: a caller that files a task does not wait
            // for that.
            let lost = fit(issue, &tracker.terms, &RelationTargets::of(&tracker.name)).losses;
            losses.extend(lost.into_iter().map(|loss| LossNote { backend: tracker.name.clone(), loss }));
        }
        TaskPlan { routed, backend, losses }
    }

    #[must_use]
    pub fn kind(&self, name: &str) -> Option<TrackerKind> {
        self.get(name).map(|tracker| tracker.backend.kind())
    }
}

impl TaskPlan {
    /// As the history keeps it.
    #[must_use]
    pub fn note(&self) -> RouteNote {
        RouteNote {
            rule: self.routed.rule.clone(),
            why: self.routed.why().to_owned(),
            to: self.routed.to.clone(),
            losses: self.losses.clone(),
        }
    }

    /// Whether anything goes anywhere.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.routed.to.iter().any(|to| to.backend != LOCAL)
    }
}

impl Tracker {
    /// The project for checks: the template without the parts that depend on the task.
    #[must_use]
    pub fn place(&self) -> Option<Project> {
        ProjectTemplate::default().fill(&self.template, self.backend.needs(), None).ok()
    }
}

impl App {
    /// Where a task goes; `None` while there is nowhere to go.
    pub(super) fn plan(&self, issue: &Issue) -> Option<TaskPlan> {
        (!self.trackers.is_empty()).then(|| self.trackers.plan(issue, self.store.name()))
    }

    /// The expected creation time of a task that goes there now, if the budget delays it. Read at
    /// most once a second, because a caller must not pay for it.
    pub(super) async fn expected(&self, plan: Option<&TaskPlan>) -> Option<DateTime<Utc>> {
        const FRESH: Duration = Duration::from_secs(1);
        const MOST: u32 = 10_000;
        let tracker = self.trackers.get(plan?.routed.first())?;
        let budget = tracker.budget.as_ref()?;
        let now = self.clock.now();
        let known = *tracker.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match known {
            Some((asked, at)) if now < asked + FRESH => at,
            Some(_) | None => {
                let waiting = self.store.count_waiting(&tracker.name, MOST).await.ok()?;
                let at = expected(&self.spent(budget).await.ok()?, waiting, now);
                *tracker.estimate.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, at));
                at
            }
        };
        Some(at).filter(|at| *at > now)
    }

    /// How much of each window was used lately.
    pub(super) async fn spent(&self, budget: &CreationBudget) -> Result<Vec<(BudgetWindow, u64)>, AppError> {
        let now = self.clock.now();
        let mut spent = Vec::with_capacity(budget.windows.len());
        for window in &budget.windows {
            spent.push((*window, self.store.budget_spent(&budget.name, now - window.length).await?));
        }
        Ok(spent)
    }

    /// The answer once the issue is in its tracker; or as it is, if that takes longer than the
    /// caller's patience (or else the setting) allows.
    pub async fn waited(&self, accepted: AcceptedTask, patience: Option<Duration>) -> AcceptedTask {
        const LOOK: Duration = Duration::from_millis(50);
        let most = patience.unwrap_or(self.waits.usual).min(self.waits.most);
        if !accepted.on_its_way || most.is_zero() {
            return accepted;
        }
        let look = async {
            loop {
                // Another process may push the issue, so the store is polled.
                if let Ok(Some(Issue { url: Some(url), .. })) = self.reads.issue(IssueRef::Id(accepted.id)).await {
                    return url;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(most, look).await {
            Ok(url) => AcceptedTask { url: Some(url), on_its_way: false, expected_at: None, ..accepted },
            Err(_) => accepted,
        }
    }
}
