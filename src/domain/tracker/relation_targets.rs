//! The related issues in one tracker: from our relations to the tracker's, and back.
//!
//! The caller reads the links; nothing is looked up here. A link that was not read is unknown: it
//! is not sent and not reported as a loss.

use std::collections::HashMap;

use super::link::LinkState;
use super::loss::{Loss, LossField, LossKind};
use super::set::{RemoteRelation, SetChange, has};
use crate::domain::base::id::IssueId;
use crate::domain::base::text::fold;
use crate::domain::issue::relation::{IssueRelation, Relation, RelationEnd, TrackerKey, put};

/// A link without its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSummary {
    pub issue_id: IssueId,
    pub backend: String,
    pub state: LinkState,
    pub key: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationTargets {
    backend: String,
    there: HashMap<IssueId, TargetState>,
    /// By the names there, in lower case.
    ours: HashMap<String, IssueId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TargetState {
    There(String),
    /// It goes there, and is not there yet.
    OnItsWay,
    Not,
}

impl RelationTargets {
    /// Of that backend, nothing else being known.
    #[must_use]
    pub fn of(backend: &str) -> Self {
        Self { backend: backend.to_owned(), ..Self::default() }
    }

    /// Adds links of issues, to any backend.
    pub fn learn(&mut self, links: &[LinkSummary]) {
        for link in links {
            if link.backend != self.backend {
                self.there.entry(link.issue_id).or_insert(TargetState::Not);
                continue;
            }
            let project = match (link.state, &link.key) {
                (LinkState::Linked, Some(key)) => {
                    self.ours.insert(fold(key), link.issue_id);
                    TargetState::There(key.clone())
                }
                (LinkState::Routed | LinkState::Intended | LinkState::Unknown, _) => TargetState::OnItsWay,
                (LinkState::Linked | LinkState::Gone, _) => TargetState::Not,
            };
            self.there.insert(link.issue_id, project);
        }
    }

    /// The issue has no link: it may get one, or it stays in our store.
    pub fn note_unlinked(&mut self, issue: IssueId, leaves: bool) {
        self.there.insert(issue, if leaves { TargetState::OnItsWay } else { TargetState::Not });
    }

    /// Whether anything is known of that issue.
    #[must_use]
    pub fn knows(&self, issue: IssueId) -> bool {
        self.there.contains_key(&issue)
    }

    /// The remote names that match no issue of ours.
    #[must_use]
    pub fn unknown_keys(&self, relations: &[RemoteRelation]) -> Vec<String> {
        relations.iter().map(|relation| &relation.key).filter(|key| !self.ours.contains_key(&fold(key))).cloned().collect()
    }

    /// Whether one of these goes to an issue that is still on its way there.
    #[must_use]
    pub fn waits(&self, relations: &[IssueRelation], can: &[Relation]) -> bool {
        let on_its_way = |id| self.there.get(&id) == Some(&TargetState::OnItsWay);
        relations.iter().filter(|one| can.contains(&one.relation)).filter_map(|one| one.to.issue()).any(on_its_way)
    }

    /// Those that the tracker is asked to hold, and what of them it does not.
    pub(super) fn fit(&self, relations: &[IssueRelation], can: &[Relation]) -> (Vec<RemoteRelation>, Option<Loss>) {
        /// A loss names no more issues than this.
        const TOLD: usize = 5;
        let (mut there, mut lost): (Vec<RemoteRelation>, Vec<String>) = (Vec::new(), Vec::new());
        for related in relations {
            let why = if can.contains(&related.relation) {
                if let Some(one) = self.remote(related) {
                    if !has(&there, &one) {
                        there.push(one);
                    }
                    continue;
                }
                match &related.to {
                    RelationEnd::Issue(id) if self.there.get(id) == Some(&TargetState::Not) => "that issue is not in this tracker",
                    // It is sent once it is there.
                    RelationEnd::Issue(_) => continue,
                    RelationEnd::Elsewhere(_) => "that is in another tracker",
                }
            } else {
                "this tracker has no such relation"
            };
            lost.push(format!("{} {}: {why}", related.relation, related.to));
        }
        if lost.len() > TOLD {
            let more = lost.len() - TOLD;
            lost.truncate(TOLD);
            lost.push(format!("and {more} more"));
        }
        let how = if there.is_empty() { LossKind::Dropped } else { LossKind::Degraded };
        let told = (!lost.is_empty()).then(|| Loss { field: LossField::Relations, loss: how, why: lost.join("; ") });
        (there, told)
    }

    /// The relation by the tracker's name of the issue, if that is known.
    fn remote(&self, IssueRelation { relation, to }: &IssueRelation) -> Option<RemoteRelation> {
        let key = match to {
            RelationEnd::Elsewhere(TrackerKey { backend, key }) if *backend == self.backend => key,
            RelationEnd::Elsewhere(_) => return None,
            RelationEnd::Issue(id) => match self.there.get(id)? {
                TargetState::There(key) => key,
                TargetState::OnItsWay | TargetState::Not => return None,
            },
        };
        Some(RemoteRelation { relation: *relation, key: key.clone() })
    }

    /// Ours with what was put in and taken out there. What the tracker cannot hold of ours is not touched.
    #[must_use]
    pub fn apply_change(&self, ours: &[IssueRelation], change: &SetChange<RemoteRelation>, own: IssueId) -> Vec<IssueRelation> {
        let gone = |related: &&IssueRelation| self.remote(related).is_some_and(|there| has(&change.remove, &there));
        let mut after: Vec<IssueRelation> = ours.iter().filter(|related| !gone(related)).cloned().collect();
        for RemoteRelation { relation, key } in &change.add {
            let known = self.ours.get(&fold(key)).map(|id| RelationEnd::Issue(*id));
            let to = known.or_else(|| TrackerKey::new(&self.backend, key).map(RelationEnd::Elsewhere));
            if let Some(to) = to.filter(|to| to.issue() != Some(own)) {
                put(&mut after, IssueRelation { relation: *relation, to });
            }
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> IssueId {
        IssueId(Uuid::from_u128(n))
    }

    fn tie(n: u128, backend: &str, state: LinkState, key: &str) -> LinkSummary {
        LinkSummary { issue_id: id(n), backend: backend.to_owned(), state, key: Some(key.to_owned()).filter(|key| !key.is_empty()) }
    }

    fn around() -> RelationTargets {
        let mut around = RelationTargets::of("t0");
        around.learn(&[
            tie(1, "t0", LinkState::Linked, "Acme/tools#1"),
            tie(1, "t1", LinkState::Linked, "OPS-1"),
            tie(2, "t0", LinkState::Routed, ""),
            tie(3, "t1", LinkState::Linked, "OPS-3"),
            tie(4, "t0", LinkState::Gone, "acme/tools#4"),
        ]);
        around.note_unlinked(id(5), true);
        around.note_unlinked(id(6), false);
        around
    }

    fn ours(relation: Relation, n: u128) -> IssueRelation {
        IssueRelation { relation, to: RelationEnd::Issue(id(n)) }
    }

    fn elsewhere(relation: Relation, key: &str) -> IssueRelation {
        IssueRelation { relation, to: RelationEnd::Elsewhere(key.parse().unwrap()) }
    }

    fn theirs(relation: Relation, key: &str) -> RemoteRelation {
        RemoteRelation { relation, key: key.to_owned() }
    }

    #[test]
    fn relations_in_the_tracker_are_sent_and_others_are_losses_unless_on_their_way() {
        let (blocks, parent) = (Relation::Blocks, Relation::Parent);
        let relations = [
            ours(blocks, 1),
            elsewhere(blocks, "t0:acme/TOOLS#1"),
            elsewhere(blocks, "t0:acme/tools#77"),
            ours(blocks, 2),
            ours(blocks, 5),
            ours(blocks, 99),
            ours(blocks, 3),
            ours(blocks, 4),
            ours(blocks, 6),
            elsewhere(blocks, "t1:OPS-9"),
            ours(parent, 1),
        ];
        let (there, loss) = around().fit(&relations, &[Relation::Blocks]);
        assert_eq!(there, [theirs(blocks, "Acme/tools#1"), theirs(blocks, "acme/tools#77")]);
        let loss = loss.unwrap();
        assert_eq!((loss.field, loss.loss, loss.why.split("; ").count()), (LossField::Relations, LossKind::Degraded, 5), "{loss:?}");
        assert!(loss.why.contains("t1:OPS-9: that is in another tracker") && loss.why.contains("parent"), "{loss:?}");
        let (there, loss) = around().fit(&relations[..1], &[]);
        assert_eq!((there, loss.unwrap().loss), (vec![], LossKind::Dropped));
        assert_eq!(around().fit(&relations[..6], &[Relation::Blocks]).1, None);
    }

    #[test]
    fn what_goes_there_is_waited_for_where_it_can_be_held() {
        let waits = |related| around().waits(&[related], &[Relation::Blocks]);
        assert!(waits(ours(Relation::Blocks, 2)) && waits(ours(Relation::Blocks, 5)));
        for n in [1, 3, 4, 6, 99] {
            assert!(!waits(ours(Relation::Blocks, n)), "{n}");
        }
        assert!(!waits(ours(Relation::Parent, 2)));
    }

    #[test]
    fn what_is_put_in_and_taken_out_there_is_here_and_nothing_else_is_touched() {
        let (blocks, parent) = (Relation::Blocks, Relation::Parent);
        let before =
            [ours(blocks, 1), ours(blocks, 3), elsewhere(blocks, "t1:OPS-9"), elsewhere(blocks, "t0:acme/tools#77"), ours(parent, 3)];
        let change = SetChange {
            add: vec![theirs(parent, "acme/tools#1"), theirs(blocks, "acme/tools#8"), theirs(blocks, "Acme/Tools#77")],
            remove: vec![theirs(blocks, "acme/tools#1"), theirs(blocks, "acme/tools#99")],
        };
        let after = around().apply_change(&before, &change, id(7));
        let expected = [
            ours(blocks, 3),
            elsewhere(blocks, "t1:OPS-9"),
            elsewhere(blocks, "t0:acme/tools#77"),
            ours(parent, 1),
            elsewhere(blocks, "t0:acme/tools#8"),
        ];
        assert_eq!(after, expected);
        assert_eq!(
            around().apply_change(&[], &SetChange { add: vec![theirs(blocks, "acme/tools#1")], remove: vec![] }, id(1)),
            [],
            "not to itself"
        );
        assert_eq!(around().unknown_keys(&change.add), ["acme/tools#8", "Acme/Tools#77"]);
    }
}
