//! What a filter says, as a part of a statement: the tables it reads and the conditions on their rows.

use sqlx::postgres::{PgConnection, Postgres};

use super::{RANK, Sql};
use crate::domain::find::facet::Facet;
use crate::domain::find::search::{SearchTerm, TextQuery};
use crate::domain::find::{Archived, AssigneeFilter, ListFilter, Sort, TimeRange, rank};
use crate::domain::{Kind, ReviewState, SourceType, StateName};
use crate::store::lookup::{ListStart, TagSet, WordSample, lead, obvious_lead, tag_sets, words};

const TAG_SIZES: &str = "-- tag_sizes
select facet, key, sum(active + closed)::bigint from facet_counts
where (facet, key) in (select * from unnest($1::text[], $2::text[])) group by facet, key";

/// How many issues there are, roughly; how many of the newest were sampled; and how many of those
/// have the words.
const NEWEST_WITH: &str = "-- newest_with
select coalesce(max(number), 0), count(*), count(*) filter (where words @@ $1::text::tsquery)
from (select number, words from issue_texts order by number desc limit $2) newest";

/// What a filter says about labels, people and words, and where to begin.
pub(super) struct PostgresTagFilter {
    sets: Vec<TagSet>,
    lead: ListStart,
    /// So few issues have the words that all of them are fetched.
    rare_words: bool,
}

impl PostgresTagFilter {
    pub(super) async fn of(connection: &mut PgConnection, filter: &ListFilter, sort: Sort) -> Result<Self, sqlx::Error> {
        let sets = tag_sets(filter);
        if let Some(text) = &filter.text
            && are_rare(connection, text).await?
        {
            return Ok(Self { sets, lead: ListStart::Issues, rare_words: true });
        }
        if let Some(lead) = obvious_lead(&sets, sort) {
            return Ok(Self { sets, lead, rare_words: false });
        }
        let facets: Vec<&str> = sets.iter().flat_map(|set| set.keys.iter().map(|_| set.facet.as_str())).collect();
        let keys: Vec<&String> = sets.iter().flat_map(|set| &set.keys).collect();
        let sizes: Vec<(String, String, i64)> = sqlx::query_as(TAG_SIZES).bind(facets).bind(keys).fetch_all(connection).await?;
        let lead = lead(&sets, sort, &sizes);
        Ok(Self { sets, lead, rare_words: false })
    }

    /// The table whose columns give the order; the other tables are joined to its rows.
    pub(super) const fn table(&self) -> &'static str {
        match self.lead {
            ListStart::Tag(_) => "t0.",
            ListStart::Issues | ListStart::Few(_) => "i.",
        }
    }
}

/// The planner assumes one frequency for all words without statistics; the sample of the newest
/// issues is better.
async fn are_rare(connection: &mut PgConnection, text: &TextQuery) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query_as(NEWEST_WITH).bind(tsquery(text)).bind(WordSample::SIZE);
    let (all, looked_at, have) = asked.fetch_one(connection).await?;
    Ok(WordSample { all, looked_at, have }.is_rare())
}

pub(super) fn from(sql: &mut Sql, filter: &ListFilter, tags: &PostgresTagFilter) {
    if let ListStart::Tag(n) = tags.lead {
        let TagSet { facet, keys } = &tags.sets[n];
        // By the number alone: it is the issue, and both planners know that.
        sql.push("issue_tags t0 join issues i on i.number = t0.number");
        sql.push(format_args!(" and t0.facet = '{facet}' and t0.key = ")).push_bind(keys[0].clone());
    } else {
        sql.push("issues i");
    }
    if let Some(text) = filter.text.as_ref().filter(|_| !tags.rare_words) {
        sql.push(" join issue_texts w on w.number = i.number and w.words @@ ").push_bind(tsquery(text)).push("::text::tsquery");
    }
}

pub(super) fn conditions(sql: &mut Sql, filter: &ListFilter, tags: &PostgresTagFilter, states: &[StateName]) {
    sql.push(match filter.archived {
        Archived::No => " where i.archived_at is null",
        Archived::Only => " where i.archived_at is not null",
        Archived::Any => " where true",
    });
    let text = |words: &[String]| words.to_vec();
    // The order of urgency is kept by state: with all of them named, it finds a rare priority.
    let states = if states.is_empty() && !filter.priorities.is_empty() { StateName::ALL } else { states };
    one_of(sql, "i.state", words(states, StateName::as_str));
    one_of(sql, "i.kind", words(&filter.kinds, Kind::as_str));
    one_of(sql, "i.source_type", words(&filter.source_types, SourceType::as_str));
    one_of(sql, "i.review", words(&filter.reviews, ReviewState::as_str));
    one_of(sql, "i.milestone", text(&filter.milestones));
    one_of(sql, "i.target_repo", text(&filter.target_repos));
    one_of(sql, "i.backend", text(&filter.backends));
    one_of(sql, "i.source_id", text(&filter.source_ids));
    one_of(sql, "i.triggering_event_id", text(&filter.triggering_event_ids));
    one_of(sql, "i.activity_definition_id", text(&filter.activity_definition_ids));
    if !filter.priorities.is_empty() {
        let ranks: Vec<i32> = filter.priorities.iter().map(|priority| i32::from(rank(*priority))).collect();
        sql.push(format_args!(" and {} = any(", RANK.replace("{t}", "i."))).push_bind(ranks).push(")");
    }
    span(sql, "i.created_at", filter.created);
    span(sql, "i.updated_at", filter.updated);
    span(sql, "i.closed_at", filter.closed);
    span(sql, "i.due_on", filter.due);
    if let Some(prefix) = filter.id_prefix {
        sql.push(" and i.id >= ").push_bind(prefix.first).push(" and i.id <= ").push_bind(prefix.last);
    }
    if let Some(now) = filter.unclaimed_at {
        sql.push(" and (i.claimed_until is null or i.claimed_until <= ").push_bind(now).push(")");
    }
    if let Some(text) = filter.text.as_ref().filter(|_| tags.rare_words) {
        sql.push(" and i.number = any(array(select number from issue_texts where words @@ ").push_bind(tsquery(text));
        sql.push("::text::tsquery))");
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
fn one_of(sql: &mut Sql, column: &str, mut values: Vec<String>) {
    if values.len() > 1 {
        sql.push(format_args!(" and {column} = any(")).push_bind(values).push(")");
    } else if let Some(only) = values.pop() {
        sql.push(format_args!(" and {column} = ")).push_bind(only);
    }
}

fn span<T>(sql: &mut Sql, column: &str, span: TimeRange<T>)
where
    T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    if let Some(from) = span.from {
        sql.push(format_args!(" and {column} >= ")).push_bind(from);
    }
    if let Some(before) = span.before {
        sql.push(format_args!(" and {column} < ")).push_bind(before);
    }
}

/// Few issues, every one of them.
fn few(sql: &mut Sql, TagSet { facet, keys }: &TagSet) {
    sql.push(format_args!(" and i.number = any(array(select t.number from issue_tags t where t.facet = '{facet}' and t.key = any("));
    sql.push_bind(keys.clone()).push(")))");
}

/// Asked about each row: `offset 0` keeps the planner from turning it into a join with all the rows of the tag.
fn some_tag(sql: &mut Sql, exists: &str, facet: Facet, keys: &[String], of: &str) {
    sql.push(format_args!(" and {exists} (select 1 from issue_tags t where t.facet = '{facet}' and t.key = any("));
    sql.push_bind(keys.to_vec()).push(format_args!(") and t.created_at = {of}created_at and t.number = {of}number offset 0)"));
}

/// Words hold letters and digits only: the quotes are for readers of the statement.
fn tsquery(text: &TextQuery) -> String {
    let term = |term: &SearchTerm| {
        let words: Vec<String> = term.words.iter().map(|word| format!("'{word}'")).collect();
        format!("({}{})", words.join(" <-> "), if term.prefix { ":*" } else { "" })
    };
    text.terms.iter().map(term).collect::<Vec<_>>().join(" & ")
}
