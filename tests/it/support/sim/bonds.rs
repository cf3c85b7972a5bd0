//! Relations between issues, as a simulator keeps them: each once, seen from both of its issues. How a vendor shows them and what it
//! refuses is the vendor's file.

use issue_core::domain::issue::relation::Relation;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bond {
    id: u64,
    relation: Relation,
    from: String,
    to: String,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Bonds {
    all: Vec<Bond>,
    last: u64,
}

/// One of them, as it is seen from one of its issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub id: u64,
    /// `blocked_by` is `blocks`, seen backwards.
    pub relation: Relation,
    pub forwards: bool,
    pub other: String,
}

/// The way round in which it is kept.
fn forwards<'a>(from: &'a str, relation: Relation, to: &'a str) -> (&'a str, Relation, &'a str) {
    match relation {
        Relation::BlockedBy => (to, Relation::Blocks, from),
        Relation::Blocks | Relation::Relates | Relation::Duplicates | Relation::Parent => (from, relation, to),
    }
}

impl Bonds {
    /// `None` where it is there already.
    pub(super) fn add(&mut self, from: &str, relation: Relation, to: &str) -> Option<u64> {
        if self.find(from, relation, to).is_some() {
            return None;
        }
        let (from, relation, to) = forwards(from, relation, to);
        self.last += 1;
        self.all.push(Bond { id: self.last, relation, from: from.to_owned(), to: to.to_owned() });
        Some(self.last)
    }

    pub(super) fn find(&self, from: &str, relation: Relation, to: &str) -> Option<u64> {
        let (from, relation, to) = forwards(from, relation, to);
        let same = |bond: &&Bond| {
            let turned = relation == Relation::Relates && bond.from == to && bond.to == from;
            bond.relation == relation && (bond.from == from && bond.to == to || turned)
        };
        self.all.iter().find(same).map(|bond| bond.id)
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.all.len();
        self.all.retain(|bond| bond.id != id);
        self.all.len() < before
    }

    /// The new parent replaces the old one; `None` removes it.
    pub(super) fn set_parent(&mut self, of: &str, parent: Option<&str>) {
        self.all.retain(|bond| bond.relation != Relation::Parent || bond.from != of);
        if let Some(parent) = parent {
            self.add(of, Relation::Parent, parent);
        }
    }

    pub(super) fn parent(&self, of: &str) -> Option<String> {
        self.seen(of).into_iter().find(|seen| seen.relation == Relation::Parent && seen.forwards).map(|seen| seen.other)
    }

    /// A person adds or removes it.
    pub(super) fn person(&mut self, from: &str, relation: Relation, to: &str, there: bool) {
        match (self.find(from, relation, to), there) {
            (Some(id), false) => _ = self.remove(id),
            (None, true) if relation == Relation::Parent => self.set_parent(from, Some(to)),
            (None, true) => _ = self.add(from, relation, to),
            (Some(_), true) | (None, false) => {}
        }
    }

    pub(super) fn seen(&self, from: &str) -> Vec<Seen> {
        let side = |bond: &Bond| {
            let other = if bond.from == from { &bond.to } else { &bond.from };
            Seen { id: bond.id, relation: bond.relation, forwards: bond.from == from, other: other.clone() }
        };
        self.all.iter().filter(|bond| bond.from == from || bond.to == from).map(side).collect()
    }
}
