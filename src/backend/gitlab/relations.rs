//! GitLab's links between issues (`/issues/:iid/links`). There is one between two issues at most, and what it is called is seen from the issue
//! that is asked. Their list has no pages.

use serde::{Deserialize, Serialize};

use super::{GitLabBackend, convert, issue, wire};
use crate::backend::BackendError;
use crate::backend::client::{TrackerCall, read_json};
use crate::backend::relations::{missing, unless_refused};
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{Project, RemoteRef, RemoteRelation, SetChange, has};

/// An issue, and how it is linked with the one that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct LinkedGitLabIssue {
    issue_link_id: i64,
    link_type: String,
    references: wire::References,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NewGitLabLink {
    target_project_id: String,
    target_issue_iid: i64,
    link_type: &'static str,
}

const NAMES: &[(Relation, &str)] =
    &[(Relation::Relates, "relates_to"), (Relation::Blocks, "blocks"), (Relation::BlockedBy, "is_blocked_by")];

impl LinkedGitLabIssue {
    fn read(&self) -> Option<RemoteRelation> {
        let (relation, _) = NAMES.iter().find(|(_, name)| *name == self.link_type)?;
        Some(RemoteRelation { relation: *relation, key: self.references.full.clone() })
    }
}

/// `None` for what cannot be a link there: it is no name of an issue, or GitLab has no such relation.
fn new_link(relation: &RemoteRelation, project: &Project) -> Option<NewGitLabLink> {
    let (_, link_type) = NAMES.iter().find(|(known, _)| *known == relation.relation)?;
    let (project, iid) = convert::referenced(&relation.key, project)?;
    Some(NewGitLabLink { target_project_id: format!("{}/{}", project.owner, project.repo), target_issue_iid: iid, link_type })
}

fn links(at: &RemoteRef) -> String {
    format!("{}/links", issue(at))
}

impl GitLabBackend {
    /// `None`: this server does not return them.
    pub(super) async fn relations(&self, at: &RemoteRef) -> Result<Option<Vec<RemoteRelation>>, BackendError> {
        let answer = self.line.send(TrackerCall::get(links(at))).await?;
        if [403, 404].contains(&answer.status) {
            return Ok(None);
        }
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let there: Vec<LinkedGitLabIssue> = read_json(&answer, "links")?;
        let ours = |relation: &RemoteRelation| self.capabilities.relations.contains(&relation.relation);
        Ok(Some(there.iter().filter_map(LinkedGitLabIssue::read).filter(ours).collect()))
    }

    pub(super) async fn relate(&self, at: &RemoteRef, change: &SetChange<RemoteRelation>) -> Result<(), BackendError> {
        let answer = self.line.send(TrackerCall::get(links(at))).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let linked: Vec<LinkedGitLabIssue> = read_json(&answer, "links")?;
        let there: Vec<RemoteRelation> = linked.iter().filter_map(LinkedGitLabIssue::read).collect();
        for link in &linked {
            if let Some(relation) = link.read().filter(|relation| has(&change.remove, relation)) {
                let answer = self.line.send(TrackerCall::delete(format!("{}/{}", links(at), link.issue_link_id))).await?;
                unless_refused(&relation, wire::refusal(&answer).map_or(Ok(()), Err))?;
            }
        }
        for relation in missing(change, &there) {
            let Some(link) = new_link(relation, &at.place) else { continue };
            let answer = self.line.send(TrackerCall::post(links(at)).json(&link)).await?;
            unless_refused(relation, wire::refusal(&answer).map_or(Ok(()), Err))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_project_and_a_number_and_anything_else_is_no_link() {
        let project = Project { owner: "acme".to_owned(), repo: "tools".to_owned(), project: String::new() };
        let link = |relation, key: &str| new_link(&RemoteRelation { relation, key: key.to_owned() }, &project);
        let wanted = NewGitLabLink { target_project_id: "acme/platform/docs".to_owned(), target_issue_iid: 12, link_type: "is_blocked_by" };
        assert_eq!(link(Relation::BlockedBy, "acme/platform/docs#12"), Some(wanted));
        for bad in ["", "#12", "docs#12", "acme/docs", "acme/docs#x"] {
            assert_eq!(link(Relation::Blocks, bad), None, "{bad:?}");
        }
        assert_eq!((link(Relation::Parent, "acme/docs#1"), link(Relation::Duplicates, "acme/docs#1")), (None, None));
    }

    #[test]
    fn a_link_of_a_kind_that_is_not_known_is_passed_over() {
        let linked = |kind: &str| LinkedGitLabIssue {
            issue_link_id: 1,
            link_type: kind.to_owned(),
            references: wire::References { full: "acme/docs#1".to_owned() },
        };
        assert_eq!(linked("blocks").read(), Some(RemoteRelation { relation: Relation::Blocks, key: "acme/docs#1".to_owned() }));
        assert_eq!(linked("clones").read(), None);
    }
}
