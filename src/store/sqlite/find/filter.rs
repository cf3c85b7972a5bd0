//! What a filter says, as a part of a statement: the tables it reads and the conditions on their rows.
//!
//! SQLite knows little of how frequent a value is, so the conditions help it: a column with few different words begins with `+`,
//! which keeps its index out of lists in another order.

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;

use super::Sql;
use crate::domain::find::facet::Facet;
use crate::domain::find::search::{SearchTerm, TextQuery};
use crate::domain::find::{Archived, AssigneeFilter, ListFilter, Sort, TimeRange};
use crate::domain::{Kind, Priority, ReviewState, SourceType, StateName};
use crate::store::fields::moment_text;
use crate::store::lookup::{ListStart, TagSet, WordSample, lead, obvious_lead, tag_sets, words};

const TAG_SIZES: &str = "-- tag_sizes
select facet, key, sum(active + closed) from facet_counts
where (facet, key) in (select value ->> 0, value ->> 1 from json_each(?1)) group by facet, key";

/// How many issues there are, roughly; how many of the newest are sampled; and how many of those
/// have the words.
const NEWEST_WITH: &str = "-- newest_with
select number, min(number, ?2), (select count(*) from issue_texts where words match ?1 and rowid > number - ?2)
from (select coalesce(max(number), 0) as number from issues)";

/// What a filter says about labels, people and words, and where to begin.
pub(super) struct SqliteTagFilter {
    sets: Vec<TagSet>,
    lead: ListStart,
    /// So many issues have the words that each row of the list is checked for them, in the order of
    /// the list.
    common_words: bool,
}

impl SqliteTagFilter {
    pub(super) async fn of(connection: &mut SqliteConnection, filter: &ListFilter, sort: Sort) -> Result<Self, sqlx::Error> {
        let sets = tag_sets(filter);
        let common_words = match &filter.text {
            // The words are kept in the order of the numbers.
            Some(text) if !matches!(sort, Sort::Relevance | Sort::Number) => !are_rare(connection, text).await?,
            Some(_) | None => false,
        };
        if let Some(lead) = obvious_lead(&sets, sort) {
            return Ok(Self { sets, lead, common_words });
        }
        let asked: Vec<(&str, &String)> = sets.iter().flat_map(|set| set.keys.iter().map(|key| (set.facet.as_str(), key))).collect();
        let sizes: Vec<(String, String, i64)> = sqlx::query_as(TAG_SIZES).bind(Json(asked)).fetch_all(connection).await?;
        let lead = lead(&sets, sort, &sizes);
        Ok(Self { sets, lead, common_words })
    }

    /// The table whose columns give the order; the other tables are joined to its rows.
    pub(super) const fn table(&self) -> &'static str {
        match self.lead {
            ListStart::Tag(_) => "t0.",
            ListStart::Issues | ListStart::Few(_) => "i.",
        }
    }
}

async fn are_rare(connection: &mut SqliteConnection, text: &TextQuery) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query_as(NEWEST_WITH).bind(fts_query(text)).bind(WordSample::SIZE);
    let (all, looked_at, have) = asked.fetch_one(connection).await?;
    Ok(WordSample { all, looked_at, have }.is_rare())
}

pub(super) fn from(sql: &mut Sql, filter: &ListFilter, tags: &SqliteTagFilter) {
    if let ListStart::Tag(n) = tags.lead {
        let TagSet { facet, keys } = &tags.sets[n];
        // By the number alone: it is the issue, and both planners know that.
        sql.push("issue_tags t0 cross join issues i on i.number = t0.number");
        sql.push(format_args!(" and t0.facet = '{facet}' and t0.key = ")).push_bind(keys[0].clone());
    } else {
        sql.push("issues i");
    }
    if let Some(text) = filter.text.as_ref().filter(|_| !tags.common_words) {
        sql.push(" join issue_texts w on w.rowid = i.number and w.words match ").push_bind(fts_query(text));
    }
}

pub(super) fn conditions(sql: &mut Sql, filter: &ListFilter, tags: &SqliteTagFilter, states: &[StateName], sort: Sort) {
    sql.push(match filter.archived {
        Archived::No => " where i.archived_at is null",
        Archived::Only => " where i.archived_at is not null",
        Archived::Any => " where true",
    });
    let in_order = matches!(sort, Sort::Created | Sort::Priority);
    let common_review = filter.reviews.contains(&ReviewState::None) && sort != Sort::Created;
    one_of(sql, if in_order { "i.state" } else { "+i.state" }, &words(states, StateName::as_str));
    one_of(sql, "i.priority", &words(&filter.priorities, Priority::as_str));
    one_of(sql, "i.kind", &words(&filter.kinds, Kind::as_str));
    one_of(sql, "i.source_type", &words(&filter.source_types, SourceType::as_str));
    one_of(sql, if common_review { "+i.review" } else { "i.review" }, &words(&filter.reviews, ReviewState::as_str));
    one_of(sql, "i.milestone", &filter.milestones);
    one_of(sql, "i.target_repo", &filter.target_repos);
    one_of(sql, "i.backend", &filter.backends);
    one_of(sql, "i.source_id", &filter.source_ids);
    one_of(sql, "i.triggering_event_id", &filter.triggering_event_ids);
    one_of(sql, "i.activity_definition_id", &filter.activity_definition_ids);
    span(sql, "i.created_at", filter.created, moment_text);
    span(sql, "i.updated_at", filter.updated, moment_text);
    span(sql, "i.closed_at", filter.closed, moment_text);
    span(sql, "i.due_on", filter.due, |date| date.to_string());
    if let Some(prefix) = filter.id_prefix {
        sql.push(" and i.number in (select number from issues where id >= ").push_bind(prefix.first);
        sql.push(" and id <= ").push_bind(prefix.last).push(")");
    }
    if let Some(now) = filter.unclaimed_at {
        sql.push(" and (i.claimed_until is null or i.claimed_until <= ").push_bind(moment_text(now)).push(")");
    }
    if let Some(text) = filter.text.as_ref().filter(|_| tags.common_words) {
        sql.push(" and exists (select 1 from issue_texts w where w.rowid = i.number and w.words match ")
            .push_bind(fts_query(text))
            .push(")");
    }
    for (n, set) in tags.sets.iter().enumerate() {
        match tags.lead {
            ListStart::Tag(lead) if lead == n => {}
            ListStart::Few(lead) if lead == n => few(sql, set),
            ListStart::Issues | ListStart::Tag(_) | ListStart::Few(_) => some_tag(sql, "exists", set.facet, &set.keys, tags.table()),
        }
    }
    if !filter.labels_none.is_empty() {
        some_tag(sql, "not exists", Facet::Label, &filter.labels_none, tags.table());
    }
    if filter.assigned == AssigneeFilter::Nobody {
        sql.push(" and i.assignees = '[]'");
    }
}

/// One value is compared with `=`: only then does an index give the order of what follows it.
fn one_of(sql: &mut Sql, column: &str, values: &[String]) {
    match values {
        [] => {}
        [only] => _ = sql.push(format_args!(" and {column} = ")).push_bind(only.clone()),
        several => {
            sql.push(format_args!(" and {column} in "));
            each_of(sql, several);
        }
    }
}

fn each_of<T: Serialize>(sql: &mut Sql, values: &[T]) {
    sql.push("(select value from json_each(").push_bind(serde_json::to_string(values).unwrap_or_default()).push("))");
}

fn span<T>(sql: &mut Sql, column: &str, span: TimeRange<T>, text: impl Fn(T) -> String) {
    if let Some(from) = span.from {
        sql.push(format_args!(" and {column} >= ")).push_bind(text(from));
    }
    if let Some(before) = span.before {
        sql.push(format_args!(" and {column} < ")).push_bind(text(before));
    }
}

/// Few issues, every one of them.
fn few(sql: &mut Sql, TagSet { facet, keys }: &TagSet) {
    sql.push(format_args!(" and i.number in (select t.number from issue_tags t where t.facet = '{facet}' and t.key in "));
    each_of(sql, keys);
    sql.push(")");
}

/// Asked about each row.
fn some_tag(sql: &mut Sql, exists: &str, facet: Facet, keys: &[String], of: &str) {
    sql.push(format_args!(" and {exists} (select 1 from issue_tags t where t.facet = '{facet}' and t.key in "));
    each_of(sql, keys);
    sql.push(format_args!(" and t.created_at = {of}created_at and t.number = {of}number)"));
}

/// In the language of FTS5. Words hold letters and digits only, so no quote can end a string early.
fn fts_query(text: &TextQuery) -> String {
    let term = |term: &SearchTerm| format!("\"{}\"{}", term.words.join(" "), if term.prefix { " *" } else { "" });
    text.terms.iter().map(term).collect::<Vec<_>>().join(" AND ")
}
