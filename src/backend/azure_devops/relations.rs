//! Azure DevOps' links between work items. They lie in the work item, among those to commits and
//! pages. A new link is added at the end of the list. A link is removed by its position, on the
//! edition in which it has that position. A link names the other work item by its number alone.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{AzureDevopsBackend, BATCH, VERSION, convert, wire};
use crate::backend::BackendError;
use crate::backend::client::{TrackerCall, segment};
use crate::backend::relations::unless_refused;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{Project, RemoteRef, RemoteRelation, SetChange};

/// What the other one is to this one: forwards leads to the successor, the duplicate and the child.
const NAMES: &[(Relation, &str)] = &[
    (Relation::Blocks, "System.LinkTypes.Dependency-Forward"),
    (Relation::BlockedBy, "System.LinkTypes.Dependency-Reverse"),
    (Relation::Relates, "System.LinkTypes.Related"),
    (Relation::Duplicates, "System.LinkTypes.Duplicate-Reverse"),
    (Relation::Parent, "System.LinkTypes.Hierarchy-Reverse"),
];

/// A relation by the number of the other one.
type Numbered = (Relation, i64);

fn read(link: &wire::Link) -> Option<Numbered> {
    let (relation, _) = NAMES.iter().find(|(_, name)| *name == link.rel)?;
    Some((*relation, link.url.rsplit('/').next()?.parse().ok()?))
}

/// `None` for what is no name of a work item.
fn numbered(relation: &RemoteRelation) -> Option<Numbered> {
    Some((relation.relation, relation.key.rsplit_once('#')?.1.parse().ok()?))
}

/// Only if the edition is still the one with these positions.
fn on(there: &wire::WorkItem) -> wire::Step {
    wire::Step { op: "test", path: "/rev".to_owned(), value: json!(there.rev) }
}

/// The last one first: so the others keep their positions.
fn without(there: &wire::WorkItem, gone: impl Fn(Numbered) -> bool) -> Vec<wire::Step> {
    let projects = there.relations.iter().enumerate().rev().filter(|(_, link)| read(link).is_some_and(&gone));
    projects.map(|(project, _)| wire::Step { op: "remove", path: format!("/relations/{project}"), value: Value::Null }).collect()
}

/// One more link. There is one parent: a new one replaces it.
fn with(there: &wire::WorkItem, (relation, number): Numbered, items: &str) -> Vec<wire::Step> {
    let Some((_, rel)) = NAMES.iter().find(|(known, _)| *known == relation) else { return Vec::new() };
    let value = json!({"rel": rel, "url": format!("{items}/{number}")});
    let mut steps = vec![on(there)];
    steps.extend(without(there, |(known, _)| relation == Relation::Parent && known == relation));
    steps.push(wire::Step { op: "add", path: "/relations/-".to_owned(), value });
    steps
}

impl AzureDevopsBackend {
    /// Named by the project that each is in now. One that is not to be seen has no name.
    pub(super) async fn relations(&self, item: &wire::WorkItem, place: &Project) -> Result<Vec<RemoteRelation>, BackendError> {
        let linked: Vec<Numbered> = item.relations.iter().filter_map(read).collect();
        let mut numbers: Vec<i64> = linked.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut projects = HashMap::new();
        for numbers in numbers.chunks(BATCH) {
            for other in self.projects(place, numbers).await? {
                projects.insert(other.id, convert::place_of(&other, place).project);
            }
        }
        let named = |(relation, number): Numbered| {
            projects.get(&number).map(|project| RemoteRelation { relation, key: convert::key(project, number) })
        };
        Ok(linked.into_iter().filter_map(named).collect())
    }

    /// In any project: the request names none.
    async fn projects(&self, project: &Project, ids: &[i64]) -> Result<Vec<wire::WorkItem>, BackendError> {
        let body = wire::Batch { ids, fields: &[convert::PROJECT], on_missing: "omit" };
        let path = format!("/{}/_apis/wit/workitemsbatch", segment(&project.owner));
        let call = TrackerCall::post(path).reads().query("api-version", VERSION).json(&body);
        let found: wire::Many<Option<wire::WorkItem>> = self.get(call, "related work items").await?;
        Ok(found.value.into_iter().flatten().collect())
    }

    /// `there` is the work item as it is now.
    pub(super) async fn relate(
        &self,
        at: &RemoteRef,
        change: &SetChange<RemoteRelation>,
        mut there: wire::WorkItem,
        version: Option<&str>,
    ) -> Result<(), BackendError> {
        let gone: Vec<Numbered> = change.remove.iter().filter_map(numbered).collect();
        let removals = without(&there, |known| gone.contains(&known));
        if let Some(relation) = change.remove.first().filter(|_| !removals.is_empty()) {
            let patch: Vec<wire::Step> = [on(&there)].into_iter().chain(removals).collect();
            if let Some(now) = unless_refused(relation, self.patch(at, &patch, version).await)? {
                there = now;
            }
        }
        let items = format!("{}/{}/_apis/wit/workItems", self.settings.api, segment(&at.place.owner));
        for relation in &change.add {
            let Some(new) = numbered(relation).filter(|new| !there.relations.iter().filter_map(read).any(|known| known == *new)) else {
                continue;
            };
            if let Some(now) = unless_refused(relation, self.patch(at, &with(&there, new, &items), version).await)? {
                there = now;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(links: &[(&str, &str)]) -> wire::WorkItem {
        let links: Vec<Value> = links.iter().map(|(rel, to)| json!({"rel": rel, "url": to, "attributes": {"isLocked": false}})).collect();
        serde_json::from_value(json!({"id": 7, "rev": 3, "relations": links})).unwrap()
    }

    const PARENT: &str = "System.LinkTypes.Hierarchy-Reverse";

    #[test]
    fn links_to_anything_but_work_items_are_passed_over_and_keep_their_places() {
        let there = item(&[
            ("System.LinkTypes.Dependency-Reverse", "https://dev.azure.com/acme/_apis/wit/workItems/12"),
            ("ArtifactLink", "vstfs:///Git/Commit/1"),
            ("Hyperlink", "https://example.org/12"),
            (PARENT, "https://dev.azure.com/acme/5e4c/_apis/wit/workItems/9"),
        ]);
        let known: Vec<Numbered> = there.relations.iter().filter_map(read).collect();
        assert_eq!(known, [(Relation::BlockedBy, 12), (Relation::Parent, 9)]);
        let paths: Vec<String> = without(&there, |_| true).into_iter().map(|step| step.path).collect();
        assert_eq!(paths, ["/relations/3", "/relations/0"]);
    }

    #[test]
    fn a_new_parent_takes_the_place_of_the_old_one_in_one_patch() {
        let there = item(&[(PARENT, "https://dev.azure.com/acme/_apis/wit/workItems/9")]);
        let patch = serde_json::to_value(with(&there, (Relation::Parent, 12), "https://dev.azure.com/acme/_apis/wit/workItems")).unwrap();
        let wanted = json!([
            {"op": "test", "path": "/rev", "value": 3},
            {"op": "remove", "path": "/relations/0"},
            {"op": "add", "path": "/relations/-", "value": {"rel": PARENT, "url": "https://dev.azure.com/acme/_apis/wit/workItems/12"}},
        ]);
        assert_eq!(patch, wanted);
        assert_eq!(with(&there, (Relation::Relates, 12), "").len(), 2, "any other stays");
    }
}
