//! Lists, searches and counts: statements put together from what was asked, every value a parameter.
//!
//! SQLite knows little of how frequent a value is, so the statements help it: a column with few different words begins with
//! `+`, which keeps its index out of lists in another order. To add a filter: its condition in [`conditions`].

use serde::Serialize;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::types::Json;

use super::sql;
use crate::domain::find::facet::{Facet, FacetOrder, FacetQuery};
use crate::domain::find::search::{SearchTerm, TextQuery};
use crate::domain::find::{
    Archived, AssigneeFilter, CursorKey, IssueLookup, IssueQuery, ListFilter, LookupBy, OPENING, Order, PAGE_BYTES, Sort, TimeRange,
};
use crate::domain::{Kind, Priority, ReviewState, SourceType, StateName};
use crate::store::fields::moment_text;
use crate::store::lookup::{GatheredPage, IndexRun, ListStart, TagSet, WordSample, lead, obvious_lead, order_by, parts, tag_sets, words};
use crate::store::row::{FacetRow, FoundRow, MatchRow, issue_columns};

type Sql = QueryBuilder<Sqlite>;

/// As in the index `issues_urgency_idx`, to the letter.
const RANK: &str = "(case {t}priority when 'high' then 1 when 'medium' then 2 else 3 end)";
const DUE: &str = "(coalesce({t}due_on, '9999-12-31'))";

pub(super) async fn list(connection: &mut SqliteConnection, query: &IssueQuery) -> Result<GatheredPage, sqlx::Error> {
    let tags = SqliteTagFilter::of(connection, &query.filter, query.sort).await?;
    let mut gathered = GatheredPage::default();
    for part in parts(query) {
        let mut sql = page(query, &tags, *part, gathered.wanted(query.limit));
        if !gathered.take(sql.build_query_as().fetch_all(&mut *connection).await?, query.limit) {
            break;
        }
    }
    Ok(gathered)
}

/// What a filter says about labels, people and words, and where to begin.
struct SqliteTagFilter {
    sets: Vec<TagSet>,
    lead: ListStart,
    /// So many issues have the words that each is asked for them, in the order of the list.
    common_words: bool,
}

impl SqliteTagFilter {
    async fn of(connection: &mut SqliteConnection, filter: &ListFilter, sort: Sort) -> Result<Self, sqlx::Error> {
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
        let sizes: Vec<(String, String, i64)> = sqlx::query_as(sql::TAG_SIZES).bind(Json(asked)).fetch_all(connection).await?;
        let lead = lead(&sets, sort, &sizes);
        Ok(Self { sets, lead, common_words })
    }

    /// The table whose columns give the order, and whose rows the others are asked about.
    const fn table(&self) -> &'static str {
        match self.lead {
            ListStart::Tag(_) => "t0.",
            ListStart::Issues | ListStart::Few(_) => "i.",
        }
    }
}

async fn are_rare(connection: &mut SqliteConnection, text: &TextQuery) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query_as(sql::NEWEST_WITH).bind(fts_query(text)).bind(WordSample::SIZE);
    let (all, looked_at, have) = asked.fetch_one(connection).await?;
    Ok(WordSample { all, looked_at, have }.is_rare())
}

fn page(query: &IssueQuery, tags: &SqliteTagFilter, part: IndexRun, wanted: u32) -> Sql {
    let outer = order_by(query, keys(query.sort), "");
    let mut sql = Sql::new(concat!("-- list\nselect ", issue_columns!(), ", fetched from (select page.*, count(*) over () as fetched, "));
    sql.push(format_args!("sum(octet_length(description)) over (order by {outer} rows unbounded preceding) as bytes from ("));
    let fan_out = query.sort == Sort::Priority && query.filter.states.len() != 1;
    if fan_out {
        // Each state has its own order of urgency in the index; the first of each hold the first of all.
        sql.push("select * from (");
        let states = if query.filter.states.is_empty() { StateName::ALL } else { &query.filter.states };
        for (n, state) in states.iter().enumerate() {
            sql.push(if n == 0 { "select * from (" } else { ") union all select * from (" });
            inner(&mut sql, query, tags, part, &[*state], wanted);
        }
        sql.push(format_args!(")) order by {outer} limit {wanted}"));
    } else {
        inner(&mut sql, query, tags, part, &query.filter.states, wanted);
    }
    sql.push(format_args!(") page) where bytes - octet_length(description) < {PAGE_BYTES} order by {outer}"));
    sql
}

fn inner(sql: &mut Sql, query: &IssueQuery, tags: &SqliteTagFilter, part: IndexRun, states: &[StateName], wanted: u32) {
    sql.push("select i.* from ");
    from(sql, &query.filter, tags);
    conditions(sql, &query.filter, tags, states, query.sort);
    match part {
        IndexRun::Whole => {}
        IndexRun::WithDueDate => _ = sql.push(" and i.due_on is not null"),
        IndexRun::WithoutDueDate => _ = sql.push(" and i.due_on is null"),
    }
    let lead = if query.sort == Sort::Created { tags.table() } else { "i." };
    after(sql, query, part, lead);
    sql.push(format_args!(" order by {} limit {wanted}", order_by(query, keys(query.sort), lead)));
}

fn keys(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Created => &["{t}created_at", "{t}number"],
        Sort::Updated => &["{t}updated_at", "{t}number"],
        Sort::Due => &["{t}due_on", "{t}number"],
        Sort::Priority => &[RANK, DUE, "{t}created_at", "{t}number"],
        Sort::Number | Sort::Relevance => &["{t}number"],
    }
}

fn after(sql: &mut Sql, query: &IssueQuery, part: IndexRun, lead: &str) {
    let Some(place) = query.after else { return };
    if part == IndexRun::WithoutDueDate && !matches!(place, CursorKey::Due(None, _)) {
        return;
    }
    let sign = match query.order {
        Order::Ascending => ">",
        Order::Descending => "<",
    };
    if let CursorKey::Due(None, number) | CursorKey::Number(number) | CursorKey::Relevance { number, .. } = place {
        sql.push(format_args!(" and i.number {sign} ")).push_bind(number);
        return;
    }
    sql.push(format_args!(" and ({}) {sign} (", keys(query.sort).join(", ").replace("{t}", lead)));
    match place {
        CursorKey::Created(at, number) | CursorKey::Updated(at, number) => _ = sql.push_bind(moment_text(at)).push(", ").push_bind(number),
        CursorKey::Due(due, number) => _ = sql.push_bind(due.map(|due| due.to_string())).push(", ").push_bind(number),
        CursorKey::Priority(urgency, number) => {
            sql.push_bind(urgency.rank).push(", ").push_bind(urgency.due.to_string()).push(", ");
            sql.push_bind(moment_text(urgency.created)).push(", ").push_bind(number);
        }
        CursorKey::Number(_) | CursorKey::Relevance { .. } => {}
    }
    sql.push(")");
}

fn from(sql: &mut Sql, filter: &ListFilter, tags: &SqliteTagFilter) {
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

fn conditions(sql: &mut Sql, filter: &ListFilter, tags: &SqliteTagFilter, states: &[StateName], sort: Sort) {
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

pub(super) async fn matches(
    connection: &mut SqliteConnection,
    filter: &ListFilter,
    newest: Option<i64>,
    most: u32,
) -> Result<Vec<MatchRow>, sqlx::Error> {
    let tags = SqliteTagFilter::of(connection, filter, Sort::Relevance).await?;
    let mut sql = Sql::new(format!(
        "-- matches\nselect i.number, i.title, substr(i.description, 1, {OPENING}) as opening, octet_length(i.description) as bytes from "
    ));
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states, Sort::Relevance);
    if let Some(newest) = newest {
        sql.push(" and w.rowid <= ").push_bind(newest);
    }
    sql.push(format_args!(" order by w.rowid desc limit {most}"));
    sql.build_query_as().fetch_all(connection).await
}

pub(super) async fn count(connection: &mut SqliteConnection, filter: &ListFilter, most: u32) -> Result<i64, sqlx::Error> {
    let tags = SqliteTagFilter::of(connection, filter, Sort::Number).await?;
    let mut sql = Sql::new("-- count\nselect count(*) from (select 1 from ");
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states, Sort::Created);
    sql.push(format_args!(" limit {most})"));
    sql.build_query_scalar().fetch_one(connection).await
}

pub(super) async fn facet(connection: &mut SqliteConnection, query: &FacetQuery) -> Result<Vec<FacetRow>, sqlx::Error> {
    let statement = match query.by {
        FacetOrder::Name => sql::FACET_BY_NAME,
        FacetOrder::Count => sql::FACET_BY_COUNT,
    };
    let asked = sqlx::query_as(statement).bind(query.facet.as_str()).bind(&query.after).bind(&query.prefix).bind(query.end());
    asked.bind(query.limit).fetch_all(connection).await
}

pub(super) async fn lookup(connection: &mut SqliteConnection, asked: &IssueLookup) -> Result<Vec<FoundRow>, sqlx::Error> {
    let statement = match asked.by {
        LookupBy::TriggeringEvent => sql::LOOKUP_EVENTS,
        LookupBy::ActivityDefinition => sql::LOOKUP_DEFINITIONS,
        LookupBy::TrackerKey => sql::LOOKUP_TRACKER_KEYS,
    };
    sqlx::query_as(statement).bind(Json(&asked.ids)).bind(asked.per_id).bind(asked.most).fetch_all(connection).await
}
