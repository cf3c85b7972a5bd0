//! The ids of labels and milestones, by name. One lock and one cache for each project, so that no project waits for another.
//!
//! Gitea accepts two labels of one name. Within this process only one call at a time makes what is missing in a project. Two
//! replicas may still make the same label, so the list is read again after making one, and the oldest of a name is taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{GiteaBackend, convert, repo, wire};
use crate::backend::BackendError;
use crate::backend::client::TrackerCall;
use crate::domain::base::text::fold;
use crate::domain::tracker::Project;

/// More projects than this are not remembered: the oldest knowledge is the cheapest to read again.
const MAX_PROJECTS: usize = 1_000;

/// The labels of a project as the last listing gave them.
type KnownLabels = Vec<wire::Label>;

#[derive(Debug, Default)]
pub(super) struct ProjectIds(Lock<HashMap<String, Arc<Mutex<KnownLabels>>>>);

impl ProjectIds {
    /// The knowledge of one project. Others wait for it while it is held, and no other project does.
    async fn of(&self, project: &Project) -> OwnedMutexGuard<KnownLabels> {
        let key = fold(&format!("{}/{}", project.owner, project.repo));
        let known = {
            let mut projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if projects.len() >= MAX_PROJECTS && !projects.contains_key(&key) {
                projects.retain(|_, known| Arc::strong_count(known) > 1);
            }
            Arc::clone(projects.entry(key).or_default())
        };
        known.lock_owned().await
    }

    /// Forgets a project's ids: one of them was gone.
    pub(super) async fn forget(&self, project: &Project) {
        self.of(project).await.clear();
    }
}

impl GiteaBackend {
    pub(super) async fn label_ids(&self, project: &Project, names: &[String]) -> Result<Vec<i64>, BackendError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = self.ids.of(project).await;
        if let Some(ids) = all_ids(&known, names) {
            return Ok(ids);
        }
        let path = format!("{}/labels", repo(project));
        *known = self.all(TrackerCall::get(&path), "labels").await?;
        let missing: Vec<&String> = names.iter().filter(|name| id_of(&known, name).is_none()).collect();
        for name in &missing {
            let call = TrackerCall::post(&path).json(&wire::NewLabel { name, color: convert::COLOUR });
            self.make::<wire::Label>(call, "the label").await?;
        }
        if !missing.is_empty() {
            *known = self.all(TrackerCall::get(&path), "labels").await?;
        }
        all_ids(&known, names).ok_or_else(|| BackendError::unreadable("labels", "a label that was just made is not listed"))
    }

    pub(super) async fn milestone_id(&self, project: &Project, title: &str) -> Result<i64, BackendError> {
        let _known = self.ids.of(project).await;
        let path = format!("{}/milestones", repo(project));
        let listed: Vec<wire::Milestone> =
            self.all(TrackerCall::get(&path).query("state", "all").query("name", title), "milestones").await?;
        if let Some(milestone) = listed.into_iter().find(|milestone| fold(&milestone.title) == fold(title)) {
            return Ok(milestone.id);
        }
        let call = TrackerCall::post(&path).json(&wire::NewMilestone { title });
        Ok(self.make::<wire::Milestone>(call, "the milestone").await?.id)
    }
}

fn all_ids(known: &[wire::Label], names: &[String]) -> Option<Vec<i64>> {
    names.iter().map(|name| id_of(known, name)).collect()
}

/// The oldest of that name: where there are two, every replica takes the same.
pub(super) fn id_of(labels: &[wire::Label], name: &str) -> Option<i64> {
    labels.iter().filter(|label| fold(&label.name) == fold(name)).map(|label| label.id).min()
}
