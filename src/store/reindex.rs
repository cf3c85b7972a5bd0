//! What lists, searches and counts must learn from one commit, worked out without a database.
//!
//! Tags, words and counts are written in the transaction that writes their issue, so no list is ever behind. To add a
//! count: a [`Facet`](crate::domain::find::facet::Facet) and its value in `domain/facet.rs`; nothing here changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::batch::{CommitBatch, added};
use super::fields::moment_text;
use crate::domain::export::record::IssueRecord;
use crate::domain::find::facet::{FacetCount, FacetCounts, FacetValue, tags, tally};
use crate::domain::find::search::SearchDocument;
use crate::domain::{Change, Issue, IssueWrite};

/// Issues as they were before the commit.
pub(super) type Before = BTreeMap<Uuid, Issue>;

/// What has to be written once everything else is.
#[derive(Debug, Default)]
pub(super) struct ReindexPlan<'a> {
    pub(super) tags_gone: Vec<TagFields>,
    pub(super) tags_new: Vec<TagFields>,
    pub(super) texts_gone: Vec<i64>,
    pub(super) texts_new: Vec<IndexedText<'a>>,
    pub(super) counts: Vec<CountFields>,
}

/// A tag of an issue that has its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct TagFields {
    pub(super) facet: &'static str,
    pub(super) key: String,
    #[serde(serialize_with = "moment")]
    pub(super) created_at: DateTime<Utc>,
    pub(super) number: i64,
}

/// The words of an issue whose text or comments changed.
#[derive(Debug)]
pub(super) struct IndexedText<'a> {
    pub(super) issue: &'a Issue,
    pub(super) number: i64,
    /// The comments written with a new issue; `None` where they have to be read.
    comments: Option<Vec<&'a str>>,
}

/// A row of `facet_counts` and what is added to it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CountFields {
    pub(super) facet: &'static str,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) active: i64,
    pub(super) closed: i64,
}

impl<'a> ReindexPlan<'a> {
    pub(super) fn of(batch: &CommitBatch<'a>, before: &'a Before) -> Self {
        let mut reindex = Self::default();
        let mut counts = FacetCounts::new();
        for (change, number) in batch.survivors_with_numbers() {
            match &change.write {
                IssueWrite::Insert { issue, .. } => {
                    tally(&mut counts, issue, 1);
                    reindex.tags_new.extend(tag_fields(issue, issue.created_at, number));
                    let comments = Some(comments(change));
                    reindex.texts_new.push(IndexedText { issue, number, comments });
                }
                IssueWrite::Update { issue, .. } => {
                    let Some(old) = before.get(&issue.id.0) else { continue };
                    tally(&mut counts, old, -1);
                    tally(&mut counts, issue, 1);
                    reindex.update(change, old, issue);
                }
                IssueWrite::Delete { id, .. } => {
                    let Some(old) = before.get(&id.0) else { continue };
                    tally(&mut counts, old, -1);
                    reindex.tags_gone.extend(tag_fields(old, old.created_at, old.number.0));
                    reindex.texts_gone.push(old.number.0);
                }
                IssueWrite::None => {}
            }
        }
        reindex.counts = counts.into_iter().filter(|(_, count)| !count.is_zero()).map(|(value, count)| count_row(value, count)).collect();
        reindex
    }

    /// For records that are all new, with numbers of their own.
    pub(super) fn of_records(records: &[&'a IssueRecord]) -> Self {
        let mut reindex = Self::default();
        let mut counts = FacetCounts::new();
        for IssueRecord { issue, comments, .. } in records {
            let number = issue.number.0;
            tally(&mut counts, issue, 1);
            reindex.tags_new.extend(tag_fields(issue, issue.created_at, number));
            let comments = Some(comments.iter().map(|comment| comment.body.as_str()).collect());
            reindex.texts_new.push(IndexedText { issue, number, comments });
        }
        reindex.counts = counts.into_iter().filter(|(_, count)| !count.is_zero()).map(|(value, count)| count_row(value, count)).collect();
        reindex
    }

    fn update(&mut self, change: &Change, old: &'a Issue, new: &'a Issue) {
        // Number and creation are given once: what the row has counts.
        let had = tag_fields(old, old.created_at, old.number.0);
        let has = tag_fields(new, old.created_at, old.number.0);
        self.tags_gone.extend(had.difference(&has).cloned());
        self.tags_new.extend(has.difference(&had).cloned());
        if !change.comments.is_empty() || (&old.title, &old.description) != (&new.title, &new.description) {
            self.texts_new.push(IndexedText { issue: new, number: old.number.0, comments: None });
        }
    }

    /// The issues whose comments have to be read before their words can be written.
    pub(super) fn remarked(&self) -> Vec<Uuid> {
        self.texts_new.iter().filter(|text| text.comments.is_none()).map(|text| text.issue.id.0).collect()
    }

    /// The issues whose words are there already, and are written anew.
    pub(super) fn rewritten(&self) -> impl Iterator<Item = i64> + '_ {
        self.texts_new.iter().filter(|text| text.comments.is_none()).map(|text| text.number)
    }

    /// The words of each issue, with the comments that were read, oldest first.
    pub(super) fn documents(&self, read: &[(Uuid, String)]) -> Vec<(i64, SearchDocument)> {
        let mut bodies: BTreeMap<Uuid, Vec<&str>> = BTreeMap::new();
        for (issue, body) in read {
            bodies.entry(*issue).or_default().push(body);
        }
        let none = Vec::new();
        let words = |text: &IndexedText<'_>| {
            let comments = text.comments.as_ref().or_else(|| bodies.get(&text.issue.id.0)).unwrap_or(&none);
            (text.number, SearchDocument::new(&text.issue.title, &text.issue.description, comments.iter().copied()))
        };
        self.texts_new.iter().map(words).collect()
    }
}

/// The words of a new issue.
pub(super) fn document(change: &Change, issue: &Issue) -> SearchDocument {
    SearchDocument::new(&issue.title, &issue.description, comments(change))
}

/// A set: a list of labels with two spellings of one is one tag.
pub(super) fn tag_fields(issue: &Issue, created_at: DateTime<Utc>, number: i64) -> BTreeSet<TagFields> {
    tags(issue).map(|value| TagFields { facet: value.facet.as_str(), key: value.key.into_owned(), created_at, number }).collect()
}

fn comments(change: &Change) -> Vec<&str> {
    change.comments.iter().filter_map(added).map(|comment| comment.body.as_str()).collect()
}

/// What is added to a row of `facet_counts`.
pub(super) fn count_row(value: FacetValue<'_>, count: FacetCount) -> CountFields {
    CountFields {
        facet: value.facet.as_str(),
        key: value.key.into_owned(),
        name: value.name.into_owned(),
        active: count.active,
        closed: count.closed,
    }
}

fn moment<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment_text(*moment))
}
