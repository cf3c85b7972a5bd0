//! Jira's links between issues, and the parent. A link is of a type, which goes by its name, and leads from one issue to another: the one
//! it comes from sees the other one as its outward issue.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::settings::JiraSettings;
use super::{JiraBackend, gone, wire};
use crate::backend::BackendError;
use crate::backend::client::{TrackerCall, segment};
use crate::backend::relations::{missing, unless_refused};
use crate::domain::base::text::fold;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{RemoteRef, RemoteRelation, SetChange, has};

/// What is read of an issue beside its fields.
pub(super) const FIELDS: &str = "issuelinks,parent";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct JiraLink {
    id: String,
    #[serde(rename = "type")]
    kind: JiraLinkKind,
    /// Where it comes from, if that is not the issue that was read.
    #[serde(default, rename = "inwardIssue")]
    inward: Option<JiraLinkEnd>,
    /// Where it leads.
    #[serde(default, rename = "outwardIssue")]
    outward: Option<JiraLinkEnd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct JiraLinkKind {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JiraLinkEnd {
    key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NewJiraLink<'a> {
    #[serde(rename = "type")]
    kind: JiraLinkKind,
    #[serde(rename = "inwardIssue")]
    from: JiraKey<'a>,
    #[serde(rename = "outwardIssue")]
    to: JiraKey<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct JiraKey<'a> {
    key: &'a str,
}

/// The types that every Jira comes with, and whether the link leads away from the issue that has the relation.
const TYPES: &[(Relation, &str, bool)] = &[
    (Relation::Blocks, "Blocks", true),
    (Relation::BlockedBy, "Blocks", false),
    (Relation::Relates, "Relates", true),
    (Relation::Relates, "Relates", false),
    (Relation::Duplicates, "Duplicate", true),
];

impl JiraLink {
    fn read(&self) -> Option<RemoteRelation> {
        let (end, away) = self.outward.as_ref().map(|end| (end, true)).or_else(|| Some((self.inward.as_ref()?, false)))?;
        let (relation, ..) = TYPES.iter().find(|(_, name, leads)| fold(name) == fold(&self.kind.name) && *leads == away)?;
        Some(RemoteRelation { relation: *relation, key: end.key.clone() })
    }
}

/// Each once, for any number of links that say it. `None`: the answer contains no links.
pub(super) fn told(links: Option<&[JiraLink]>, parent: Option<&JiraLinkEnd>, settings: &JiraSettings) -> Option<Vec<RemoteRelation>> {
    let parent = parent.map(|parent| RemoteRelation { relation: Relation::Parent, key: parent.key.clone() });
    let mut told: Vec<RemoteRelation> = Vec::new();
    for relation in links?.iter().filter_map(JiraLink::read).chain(parent) {
        if settings.capabilities.relations.contains(&relation.relation) && !has(&told, &relation) {
            told.push(relation);
        }
    }
    Some(told)
}

/// `None` for the parent, which is no link.
fn new_link<'a>(own: &'a str, relation: &'a RemoteRelation) -> Option<NewJiraLink<'a>> {
    let (_, name, away) = TYPES.iter().find(|(known, ..)| *known == relation.relation)?;
    let (from, to) = if *away { (own, relation.key.as_str()) } else { (relation.key.as_str(), own) };
    Some(NewJiraLink { kind: JiraLinkKind { name: (*name).to_owned() }, from: JiraKey { key: from }, to: JiraKey { key: to } })
}

impl JiraBackend {
    pub(super) async fn relate(&self, at: &RemoteRef, change: &SetChange<RemoteRelation>) -> Result<(), BackendError> {
        let issue = self.read_issue(&at.id).await?.ok_or_else(|| gone(at))?;
        let fields = issue.fields;
        // Links are switched off in Jira.
        let Some(there) = told(fields.links.as_deref(), fields.parent.as_ref(), &self.settings) else { return Ok(()) };
        for link in fields.links.iter().flatten() {
            if let Some(relation) = link.read().filter(|relation| has(&change.remove, relation)) {
                let call = TrackerCall::delete(self.path(&format!("/issueLink/{}", segment(&link.id))));
                unless_refused(&relation, self.write(call).await)?;
            }
        }
        if let Some(parent) = there.iter().find(|relation| relation.relation == Relation::Parent && has(&change.remove, relation)) {
            let none = [("parent", vec![json!({"set": {"none": true}})])].into();
            unless_refused(parent, self.edit_parent(at, wire::Write { update: none, ..wire::Write::default() }).await)?;
        }
        for relation in missing(change, &there) {
            let done = if let Some(link) = new_link(&issue.key, relation) {
                self.write(TrackerCall::post(self.path("/issueLink")).json(&link)).await
            } else {
                let fields = [("parent".to_owned(), json!({"key": relation.key}))].into_iter().collect();
                self.edit_parent(at, wire::Write { fields, ..wire::Write::default() }).await
            };
            unless_refused(relation, done)?;
        }
        Ok(())
    }

    async fn edit_parent(&self, at: &RemoteRef, write: wire::Write) -> Result<(), BackendError> {
        self.write(TrackerCall::put(self.issue(&at.id)).json(&write)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, end: &str, key: &str) -> JiraLink {
        serde_json::from_value(json!({"id": "1", "type": {"name": name, "inward": "x", "outward": "y"}, end: {"id": "2", "key": key}}))
            .unwrap()
    }

    #[test]
    fn a_link_is_read_from_the_side_it_is_seen_from() {
        let read = |name, end| link(name, end, "OPS-7").read().map(|relation| relation.relation);
        assert_eq!(read("Blocks", "outwardIssue"), Some(Relation::Blocks));
        assert_eq!(read("blocks", "inwardIssue"), Some(Relation::BlockedBy));
        assert_eq!(read("Duplicate", "outwardIssue"), Some(Relation::Duplicates));
        assert_eq!((read("Duplicate", "inwardIssue"), read("Cloners", "outwardIssue")), (None, None));
        assert_eq!((read("Relates", "inwardIssue"), read("Relates", "outwardIssue")), (Some(Relation::Relates), Some(Relation::Relates)));
    }

    #[test]
    fn what_blocks_is_where_the_link_comes_from() {
        let ends = |relation| {
            let relation = RemoteRelation { relation, key: "OPS-7".to_owned() };
            let link = serde_json::to_value(new_link("OPS-1", &relation)).unwrap();
            (link["inwardIssue"]["key"].as_str().map(str::to_owned), link["outwardIssue"]["key"].as_str().map(str::to_owned))
        };
        let (own, other) = (Some("OPS-1".to_owned()), Some("OPS-7".to_owned()));
        assert_eq!(ends(Relation::Blocks), (own.clone(), other.clone()));
        assert_eq!(ends(Relation::BlockedBy), (other, own));
        assert_eq!(ends(Relation::Parent), (None, None));
    }
}
