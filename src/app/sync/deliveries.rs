//! Processes stored webhook deliveries: each becomes a push that reconciles, an adoption, or an
//! audit.

use chrono::TimeDelta;

use super::{SyncRun, SyncStop};
use crate::app::AppError;
use crate::backend::{BackendError, CLOCK_SKEW, ErrorKind};
use crate::domain::base::text::fold;
use crate::domain::sync::{DeliveriesDone, DeliverySubject, DeliverySubjectKind, StoredDelivery};
use crate::domain::tracker::{Project, ProjectField, RemoteIssue, RemoteRef};

/// Deliveries followed together.
const HINTS: u32 = 100;

/// How seldom a tracker is asked for deliveries that failed.
const AGAIN: TimeDelta = TimeDelta::hours(1);

impl SyncRun<'_> {
    /// Requests a redelivery of failed deliveries. The sync run finds the lost changes anyway, so a
    /// failure is only logged.
    pub(super) async fn request_again(&mut self) {
        let hook = &self.tracker.webhook;
        let Some(url) = hook.url.as_deref().filter(|_| !hook.secrets().is_empty()) else { return };
        let now = self.app.clock.now();
        let before = self.bound.cursor.redelivered_at;
        if before.is_some_and(|at| now < at + AGAIN) {
            return;
        }
        // The moments of deliveries are by the tracker's clock.
        let since = before.unwrap_or(now - AGAIN) - CLOCK_SKEW;
        self.bound.cursor.redelivered_at = Some(now);
        let name = &self.bound.binding.name;
        match self.tracker.backend.redeliver(&self.bound.binding.place, url, since).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(binding.name = name, count, "deliveries that had failed were asked for again"),
            Err(error) => tracing::warn!(binding.name = name, %error, "deliveries that failed could not be asked for again"),
        }
    }

    pub(super) async fn follow_deliveries(&mut self) -> Result<(), SyncStop> {
        loop {
            let hooks = self.app.store.kept_deliveries(&self.tracker.name, HINTS).await.map_err(AppError::from)?;
            let more = hooks.len() == HINTS as usize;
            let ours = self.ours(hooks).await?;
            if ours.is_empty() {
                return Ok(());
            }
            self.follow(ours).await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// The deliveries about the project of this binding, and those about no project with a binding.
    async fn ours(&self, hooks: Vec<StoredDelivery>) -> Result<Vec<StoredDelivery>, SyncStop> {
        let others: Vec<Project> = if hooks.is_empty() {
            Vec::new()
        } else {
            let all = self.app.store.bindings().await.map_err(AppError::from)?;
            let others = all.into_iter().map(|bound| bound.binding).filter(|other| other.backend == self.tracker.name && other.pulls());
            others.filter(|other| other.name != self.bound.binding.name).map(|other| other.place).collect()
        };
        let ours = |hook: &StoredDelivery| self.is_linked_here(&hook.hint) || !others.iter().any(|project| is_about(&hook.hint, project));
        Ok(hooks.into_iter().filter(ours).collect())
    }

    fn is_linked_here(&self, hint: &DeliverySubject) -> bool {
        is_about(hint, &self.bound.binding.place) || self.bound.cursor.called.as_ref().is_some_and(|called| is_about(hint, called))
    }

    async fn follow(&mut self, hooks: Vec<StoredDelivery>) -> Result<(), SyncStop> {
        let project = self.bound.binding.place.clone();
        let (about, done): (Vec<&StoredDelivery>, Vec<i64>) =
            (hooks.iter().filter(|hook| self.is_linked_here(&hook.hint)).collect(), hooks.iter().map(|hook| hook.id).collect());
        self.bound.cursor.audit_wanted |= about.iter().any(|hook| hook.hint.kind == DeliverySubjectKind::Deleted);
        let mut ids: Vec<String> = about.iter().map(|hook| hook.hint.remote_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let links = self.app.store.links_to(&self.tracker.name, &project, &ids).await.map_err(AppError::from)?;
        let linked = |id: &String| links.iter().any(|link| link.remote.as_ref().is_some_and(|at| at.id == *id));
        let mut remotes: Vec<RemoteIssue> = Vec::new();
        for id in ids.iter().filter(|id| !linked(id)) {
            let at = RemoteRef { place: project.clone(), id: id.clone(), key: String::new(), url: None };
            let read = match self.tracker.backend.read(&at).await {
                Ok(read) => read,
                // Refused for this one issue: it must not hold up the others. The next list shows it, if it is to be seen at all.
                Err(BackendError { trouble: ErrorKind::Denied | ErrorKind::Fail, message }) => {
                    tracing::warn!(
                        binding.name = self.bound.binding.name,
                        error = message,
                        "an issue that a delivery is about cannot be read"
                    );
                    None
                }
                Err(error) => return Err(error.into()),
            };
            let home = read.map(|remote| RemoteIssue { at: RemoteRef { place: self.bound.home(remote.at.place), ..remote.at }, ..remote });
            remotes.extend(home.filter(|remote| remote.at.place == project));
        }
        let mut planning = self.plan(&remotes).await?;
        planning.asked.extend(links.iter().map(|link| link.issue_id));
        let mut changes = self.changes(planning).await?;
        if let Some(last) = changes.last_mut() {
            last.hooks_done = Some(DeliveriesDone { ids: done, at: self.app.clock.now() });
        }
        self.write(changes).await
    }
}

/// Whether a delivery may be about that project: a part that it does not name matches.
fn is_about(hint: &DeliverySubject, project: &Project) -> bool {
    ProjectField::ALL.iter().all(|field| hint.place.get(*field).is_empty() || fold(hint.place.get(*field)) == fold(project.get(*field)))
}
