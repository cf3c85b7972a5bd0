//! GitHub's dependencies between issues, and the parent of a sub-issue. A dependency belongs to the issue that is blocked, a sub-issue to its
//! parent: what is written goes there. The other one is named by its number among all issues there are, so it may have to be read.
//!
//! An Enterprise server may be too old for dependencies: then relations are unknown, and those to
//! be added are left out.

use serde::{Deserialize, Serialize};

use super::{GitHubBackend, convert, issue, wire};
use crate::backend::client::{TrackerCall, segment};
use crate::backend::relations::{missing, unless_refused};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{RemoteRef, RemoteRelation, SetChange, has};

/// The other one of a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct DependencyIssue {
    id: i64,
    number: i64,
    #[serde(default)]
    repository_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct BlockerRequest {
    issue_id: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct SubIssue {
    sub_issue_id: i64,
    /// There is one parent only.
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_parent: Option<bool>,
}

impl DependencyIssue {
    fn read(&self, relation: Relation, at: &RemoteRef) -> RemoteRelation {
        let told = self.repository_url.as_deref().and_then(|url| convert::place_of(url, &at.place));
        let project = told.unwrap_or_else(|| at.place.clone());
        RemoteRelation { relation, key: convert::key(&project.owner, &project.repo, self.number) }
    }
}

/// Where the issue of that name is. `None` for what is no name of an issue.
fn path(key: &str) -> Option<String> {
    let (project, number) = key.split_once('#')?;
    let (owner, repo) = project.split_once('/')?;
    let number: u64 = number.parse().ok()?;
    let named = !owner.is_empty() && !repo.is_empty() && !repo.contains('/');
    named.then(|| format!("/repos/{}/{}/issues/{number}", segment(owner), segment(repo)))
}

/// The issue itself contains it.
pub(super) fn parent(issue: &wire::Issue) -> Option<RemoteRelation> {
    let mut parts = issue.parent_issue_url.as_deref()?.rsplit('/');
    let (number, _, repo, owner) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(RemoteRelation { relation: Relation::Parent, key: convert::key(owner, repo, number) })
}

/// The known relations of an issue, each with the number of the other one, where that is known.
struct KnownGitHubRelations {
    own: i64,
    all: Vec<(RemoteRelation, Option<i64>)>,
    /// Whether the server has dependencies.
    dependencies: bool,
}

impl GitHubBackend {
    /// `None`: the server does not return them.
    pub(super) async fn relations(
        &self,
        at: &RemoteRef,
        parent: Option<RemoteRelation>,
    ) -> Result<Option<Vec<RemoteRelation>>, BackendError> {
        let Some(dependencies) = self.dependencies(at).await? else { return Ok(None) };
        Ok(Some(dependencies.into_iter().map(|(relation, _)| relation).chain(parent).collect()))
    }

    async fn dependencies(&self, at: &RemoteRef) -> Result<Option<Vec<(RemoteRelation, i64)>>, BackendError> {
        let mut all = Vec::new();
        for (relation, name) in [(Relation::BlockedBy, "blocked_by"), (Relation::Blocks, "blocking")] {
            let path = format!("{}/dependencies/{name}", issue(at));
            match self.until(&path, self.first(&[]), "dependencies", |_: &DependencyIssue| false).await {
                Ok(others) => all.extend(others.into_iter().map(|other| (other.read(relation, at), other.id))),
                Err(error) if error.trouble == ErrorKind::Denied => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(all))
    }

    pub(super) async fn relate(&self, at: &RemoteRef, change: &SetChange<RemoteRelation>) -> Result<(), BackendError> {
        let found: Option<wire::Issue> = self.read_at(TrackerCall::get(issue(at)), "the issue").await?;
        let gone = || BackendError::new(ErrorKind::Denied, format!("{} is not there, or not to be seen with this credential", at.key));
        let found = found.ok_or_else(gone)?;
        // As old as that, it has no relations either.
        let Some(own) = found.id else { return Ok(()) };
        let dependencies = self.dependencies(at).await?;
        let known = KnownGitHubRelations {
            own,
            dependencies: dependencies.is_some(),
            all: dependencies
                .into_iter()
                .flatten()
                .map(|(relation, id)| (relation, Some(id)))
                .chain(parent(&found).map(|parent| (parent, None)))
                .collect(),
        };
        for (relation, id) in known.all.iter().filter(|(relation, _)| has(&change.remove, relation)) {
            if let Some(call) = taken_out(at, known.own, relation, *id) {
                unless_refused(relation, self.take_away(call).await)?;
            }
        }
        let there: Vec<RemoteRelation> = known.all.iter().map(|(relation, _)| relation.clone()).collect();
        for relation in missing(change, &there).filter(|relation| known.dependencies || relation.relation == Relation::Parent) {
            let Some(call) = unless_refused(relation, self.put_in(at, known.own, relation).await)?.flatten() else { continue };
            unless_refused(relation, self.write(call).await)?;
        }
        Ok(())
    }

    /// `None`: the other one is not there.
    async fn put_in(&self, at: &RemoteRef, own: i64, relation: &RemoteRelation) -> Result<Option<TrackerCall>, BackendError> {
        let Some(other) = path(&relation.key) else { return Ok(None) };
        Ok(match relation.relation {
            Relation::Blocks => Some(TrackerCall::post(format!("{other}/dependencies/blocked_by")).json(&BlockerRequest { issue_id: own })),
            Relation::BlockedBy => {
                let found: Option<DependencyIssue> = self.read_at(TrackerCall::get(other), "the issue that blocks").await?;
                let call = |id| TrackerCall::post(format!("{}/dependencies/blocked_by", issue(at))).json(&BlockerRequest { issue_id: id });
                found.map(|found| call(found.id))
            }
            Relation::Parent => {
                let child = SubIssue { sub_issue_id: own, replace_parent: Some(true) };
                Some(TrackerCall::post(format!("{other}/sub_issues")).json(&child))
            }
            Relation::Relates | Relation::Duplicates => None,
        })
    }
}

/// `id` is the number of the other one.
fn taken_out(at: &RemoteRef, own: i64, relation: &RemoteRelation, id: Option<i64>) -> Option<TrackerCall> {
    let other = path(&relation.key)?;
    match relation.relation {
        Relation::Blocks => Some(TrackerCall::delete(format!("{other}/dependencies/blocked_by/{own}"))),
        Relation::BlockedBy => Some(TrackerCall::delete(format!("{}/dependencies/blocked_by/{}", issue(at), id?))),
        Relation::Parent => {
            let child = SubIssue { sub_issue_id: own, replace_parent: None };
            Some(TrackerCall::delete(format!("{other}/sub_issue")).json(&child))
        }
        Relation::Relates | Relation::Duplicates => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_repository_and_a_number_and_anything_else_leads_nowhere() {
        assert_eq!(path("acme/tools#12").as_deref(), Some("/repos/acme/tools/issues/12"));
        for bad in ["", "#12", "tools#12", "acme/#1", "/tools#1", "a/b/c#1", "acme/tools", "acme/tools#", "acme/tools#-1", "acme/tools#1/x"]
        {
            assert_eq!(path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_parent_is_read_of_its_address() {
        let issue = |parent: serde_json::Value| {
            let now = "2026-11-21T04:00:00Z";
            let issue = serde_json::json!({"number": 1, "title": "x", "state": "open", "created_at": now, "updated_at": now, "parent_issue_url": parent});
            serde_json::from_value::<wire::Issue>(issue).unwrap()
        };
        let wanted = RemoteRelation { relation: Relation::Parent, key: "acme/docs#7".to_owned() };
        assert_eq!(parent(&issue("https://ghe.example.org/api/v3/repos/acme/docs/issues/7".into())), Some(wanted));
        assert_eq!((parent(&issue(serde_json::Value::Null)), parent(&issue("x".into()))), (None, None));
    }
}
