//! Linear's relations between issues, and the parent. A relation belongs to the issue it leads from; the other one has it among its
//! inverse ones. Wherever an id is asked for, Linear takes what people call the issue.

use serde::Deserialize;
use serde_json::json;

use super::query::{self, GraphqlOperation};
use super::wire::{self, Page};
use super::{LinearBackend, PAGES};
use crate::backend::BackendError;
use crate::backend::relations::{missing, unless_refused};
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{Project, RemoteIssue, RemoteRef, RemoteRelation, SetChange, has};

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct OneRelated {
    issue: LinearRelatedIssue,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinearRelatedIssue {
    #[serde(default)]
    parent: Option<LinearRelationName>,
    relations: Page<LinearRelationInput>,
    inverse_relations: Page<LinearRelationInput>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct LinearRelationName {
    identifier: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct LinearRelationInput {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// The other one: of an inverse relation the issue that it leads from.
    #[serde(rename = "relatedIssue", alias = "issue")]
    other: LinearRelationName,
}

/// A relation, and what it goes by; the parent goes by nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownLinearRelation {
    id: Option<String>,
    relation: RemoteRelation,
}

const TYPES: &[(Relation, &str)] = &[(Relation::Blocks, "blocks"), (Relation::Relates, "related"), (Relation::Duplicates, "duplicate")];

impl LinearRelationInput {
    fn kind(&self) -> Option<Relation> {
        TYPES.iter().find(|(_, name)| *name == self.kind).map(|(relation, _)| *relation)
    }

    /// The relation as the issue has it that it leads from.
    fn read(self) -> Option<KnownLinearRelation> {
        let relation = self.kind()?;
        Some(self.known(relation))
    }

    /// The relation as the issue has it that it leads to.
    fn read_inverse(self) -> Option<KnownLinearRelation> {
        let relation = match self.kind()? {
            Relation::Blocks => Relation::BlockedBy,
            // The other issue is the duplicate.
            Relation::Duplicates => return None,
            other @ (Relation::BlockedBy | Relation::Relates | Relation::Parent) => other,
        };
        Some(self.known(relation))
    }

    fn known(self, relation: Relation) -> KnownLinearRelation {
        KnownLinearRelation { id: Some(self.id), relation: RemoteRelation { relation, key: self.other.identifier } }
    }
}

/// Each once: two issues can be related both ways.
fn told(known: Vec<KnownLinearRelation>) -> Vec<RemoteRelation> {
    let mut told: Vec<RemoteRelation> = Vec::new();
    for known in known {
        if !has(&told, &known.relation) {
            told.push(known.relation);
        }
    }
    told
}

/// Whether an issue in Linear's bin counts as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bin {
    Searched,
    Left,
}

impl LinearBackend {
    /// The issue with its relations; `None` if it is in the bin.
    pub(super) async fn whole(&self, id: &str, project: &Project) -> Result<Option<RemoteIssue>, BackendError> {
        self.fetch_whole(id, project, Bin::Left).await
    }

    /// The issue with its relations, also from the bin.
    pub(super) async fn whole_or_binned(&self, id: &str, project: &Project) -> Result<Option<RemoteIssue>, BackendError> {
        self.fetch_whole(id, project, Bin::Searched).await
    }

    async fn fetch_whole(&self, id: &str, project: &Project, bin: Bin) -> Result<Option<RemoteIssue>, BackendError> {
        let answer = self.ask(&query::ISSUE, json!({"id": id, "first": self.page_size})).await?;
        if wire::is_gone(&answer) {
            return Ok(None);
        }
        let found: wire::OneIssue = wire::data(&answer, query::ISSUE.name)?;
        if found.issue.trashed == Some(true) && bin == Bin::Left {
            return Ok(None);
        }
        let first: OneRelated = wire::data(&answer, query::ISSUE.name)?;
        let relations = told(self.all(id, first.issue).await?);
        Ok(Some(RemoteIssue { relations: Some(relations), ..self.remote(found.issue, project) }))
    }

    /// Two lists, read side by side: one that has ended is asked behind its end, where there is nothing.
    async fn all(&self, id: &str, first: LinearRelatedIssue) -> Result<Vec<KnownLinearRelation>, BackendError> {
        let parent = first.parent.clone().map(|parent| RemoteRelation { relation: Relation::Parent, key: parent.identifier });
        let mut all: Vec<KnownLinearRelation> = parent.map(|relation| KnownLinearRelation { id: None, relation }).into_iter().collect();
        let (mut page, mut after, mut inverse_after) = (first, None, None);
        for _ in 0..PAGES {
            let LinearRelatedIssue { relations, inverse_relations, .. } = page;
            all.extend(relations.nodes.into_iter().filter_map(LinearRelationInput::read));
            all.extend(inverse_relations.nodes.into_iter().filter_map(LinearRelationInput::read_inverse));
            after = relations.page_info.end_cursor.clone().or(after);
            inverse_after = inverse_relations.page_info.end_cursor.clone().or(inverse_after);
            let more = [relations.page_info.next()?, inverse_relations.page_info.next()?];
            if more == [None, None] {
                return Ok(all);
            }
            let variables = json!({"id": id, "first": self.page_size, "after": after, "inverseAfter": inverse_after});
            page = self.get::<OneRelated>(&query::RELATIONS, variables).await?.issue;
        }
        Err(BackendError::unreadable("relations", "the list does not end"))
    }

    pub(super) async fn relate(&self, at: &RemoteRef, change: &SetChange<RemoteRelation>) -> Result<(), BackendError> {
        let first: OneRelated = self.get(&query::RELATIONS, json!({"id": at.id, "first": self.page_size})).await?;
        let known = self.all(&at.id, first.issue).await?;
        for gone in known.iter().filter(|known| has(&change.remove, &known.relation)) {
            let (operation, variables) = match &gone.id {
                Some(id) => (&query::RELATION_DELETE, json!({"id": id})),
                None => parent(at, None),
            };
            unless_refused(&gone.relation, self.done(operation, variables).await)?;
        }
        for relation in missing(change, &told(known)) {
            let (operation, variables) = new(at, relation);
            unless_refused(relation, self.done(operation, variables).await)?;
        }
        Ok(())
    }

    async fn done(&self, operation: &GraphqlOperation, variables: serde_json::Value) -> Result<(), BackendError> {
        let answer = self.change(operation, variables).await?;
        wire::refusal(&answer).map_or(Ok(()), Err)
    }
}

fn parent(at: &RemoteRef, key: Option<&str>) -> (&'static GraphqlOperation, serde_json::Value) {
    (&query::ISSUE_UPDATE, json!({"id": at.id, "input": {"parentId": key}}))
}

fn new(at: &RemoteRef, relation: &RemoteRelation) -> (&'static GraphqlOperation, serde_json::Value) {
    let (from, to, kind) = match relation.relation {
        Relation::Parent => return parent(at, Some(&relation.key)),
        Relation::BlockedBy => (&relation.key, &at.id, "blocks"),
        Relation::Blocks => (&at.id, &relation.key, "blocks"),
        Relation::Relates => (&at.id, &relation.key, "related"),
        Relation::Duplicates => (&at.id, &relation.key, "duplicate"),
    };
    (&query::RELATION_CREATE, json!({"input": {"issueId": from, "relatedIssueId": to, "type": kind}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_read_from_the_side_it_is_seen_from() {
        let read = |kind: &str, other: &str, inverse| {
            let bond: LinearRelationInput =
                serde_json::from_value(json!({"id": "r1", "type": kind, other: {"identifier": "OPS-7"}})).unwrap();
            let known = if inverse { bond.read_inverse() } else { bond.read() };
            known.map(|known| known.relation.relation)
        };
        assert_eq!(read("blocks", "relatedIssue", false), Some(Relation::Blocks));
        assert_eq!(read("blocks", "issue", true), Some(Relation::BlockedBy));
        assert_eq!(
            (read("related", "issue", true), read("related", "relatedIssue", false)),
            (Some(Relation::Relates), Some(Relation::Relates))
        );
        assert_eq!((read("duplicate", "relatedIssue", false), read("duplicate", "issue", true)), (Some(Relation::Duplicates), None));
        assert_eq!(read("similar", "relatedIssue", false), None);
    }
}
