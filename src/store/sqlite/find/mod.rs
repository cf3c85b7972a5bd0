//! Lists, searches and counts: statements put together from what was asked, every value a parameter.
//!
//! To add a filter: its condition in [`filter::conditions`].

mod filter;

use async_trait::async_trait;
use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::types::Json;

use self::filter::{SqliteTagFilter, conditions, from};
use super::statement::rows;
use super::{NAME, SqliteStore, finish};
use crate::domain::StateName;
use crate::domain::find::facet::{FacetOrder, FacetQuery, ShownFacetValue, shown};
use crate::domain::find::{
    CursorKey, FoundIssue, IssueLookup, IssueQuery, ListFilter, LookupBy, OPENING, Order, PAGE_BYTES, SearchMatch, Sort,
};
use crate::store::fields::moment_text;
use crate::store::lookup::{self, GatheredPage, IndexRun, order_by, parts, readable};
use crate::store::row::{FacetRow, FoundRow, MatchRow, issue_columns};
use crate::store::{FindStore, IssuePage, StoreError};

type Sql = QueryBuilder<Sqlite>;

/// As in the index `issues_urgency_idx`, to the letter.
const RANK: &str = "(case {t}priority when 'high' then 1 when 'medium' then 2 else 3 end)";
const DUE: &str = "(coalesce({t}due_on, '9999-12-31'))";

macro_rules! facet {
    ($name:literal, $order:literal) => {
        concat!(
            "-- ",
            $name,
            "
select key, name, active, closed from facet_counts
where facet = ?1 and key in (
    select key from facet_counts where facet = ?1 and key > ?2 and key >= ?3 and key < ?4
    group by key having sum(active + closed) > 0 order by ",
            $order,
            " limit ?5
)
order by key, name"
        )
    };
}

const FACET_BY_NAME: &str = facet!("facet_by_name", "key");

const FACET_BY_COUNT: &str = facet!("facet_by_count", "sum(active + closed) desc, key");

/// Each id is one short walk down an index, which the number of issues does not matter to.
macro_rules! lookup {
    ($name:literal, $column:literal) => {
        concat!(
            "-- ",
            $name,
            "
select asked.key as place, issues.id, number, title, state, target_repo, backend, url, source_type, source_id,
    triggering_event_id, activity_definition_id, created_at
from json_each(?1) asked
join issues on issues.number in (
    select found.number from issues found where found.",
            $column,
            " = asked.value order by found.created_at desc, found.number desc limit ?2
)
order by asked.key, created_at desc, number desc limit ?3"
        )
    };
}

const LOOKUP_EVENTS: &str = lookup!("lookup_events", "triggering_event_id");

const LOOKUP_DEFINITIONS: &str = lookup!("lookup_definitions", "activity_definition_id");

/// With the backend's name before it or without. Any text before the first colon may be such a
/// name.
const LOOKUP_TRACKER_KEYS: &str = "-- lookup_tracker_keys
select asked.key as place, issues.id, number, title, state, target_repo, backend, url, source_type, source_id,
    triggering_event_id, activity_definition_id, created_at
from json_each(?1) asked
join issues on issues.number in (
    select found.number from links cross join issues found on found.id = links.issue_id
    where links.remote_key in (asked.value, substr(asked.value, instr(asked.value, ':') + 1))
        and asked.value in (links.remote_key, links.backend || ':' || links.remote_key)
    order by found.created_at desc, found.number desc limit ?2
)
order by asked.key, created_at desc, number desc limit ?3";

#[async_trait]
impl FindStore for SqliteStore {
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError> {
        let mut connection = self.reader().await?;
        let gathered = list(&mut connection, query).await;
        readable(NAME, finish(connection, gathered)?.page())
    }

    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError> {
        let mut connection = self.reader().await?;
        let found = matches(&mut connection, filter, newest, most).await;
        lookup::all(NAME, finish(connection, found)?)
    }

    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let count = count(&mut connection, filter, most).await;
        Ok(finish(connection, count)?.unsigned_abs())
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError> {
        let statement = match query.by {
            FacetOrder::Name => FACET_BY_NAME,
            FacetOrder::Count => FACET_BY_COUNT,
        };
        let values = rows::<FacetRow>(statement).bind(query.facet.as_str()).bind(&query.after).bind(&query.prefix).bind(query.end());
        Ok(shown(self.all(values.bind(query.limit)).await?, query.by))
    }

    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError> {
        let statement = match asked.by {
            LookupBy::TriggeringEvent => LOOKUP_EVENTS,
            LookupBy::ActivityDefinition => LOOKUP_DEFINITIONS,
            LookupBy::TrackerKey => LOOKUP_TRACKER_KEYS,
        };
        self.all(rows::<FoundRow>(statement).bind(Json(&asked.ids)).bind(asked.per_id).bind(asked.most)).await
    }
}

async fn list(connection: &mut SqliteConnection, query: &IssueQuery) -> Result<GatheredPage, sqlx::Error> {
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

async fn matches(
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

async fn count(connection: &mut SqliteConnection, filter: &ListFilter, most: u32) -> Result<i64, sqlx::Error> {
    let tags = SqliteTagFilter::of(connection, filter, Sort::Number).await?;
    let mut sql = Sql::new("-- count\nselect count(*) from (select 1 from ");
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states, Sort::Created);
    sql.push(format_args!(" limit {most})"));
    sql.build_query_scalar().fetch_one(connection).await
}
