//! Lists, searches and counts: statements put together from what was asked, every value a parameter.
//!
//! They run on connections of their own (see `options.rs`): planned for their values each time, and by an index. To add a
//! filter: its condition in [`filter::conditions`], an index if it may be rare, its line in the test of the plans.

mod filter;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::query_builder::QueryBuilder;
use tokio::time::timeout;

use self::filter::{PostgresTagFilter, conditions, from};
use super::statement::rows;
use super::{NAME, PostgresStore};
use crate::domain::StateName;
use crate::domain::find::facet::{FacetOrder, FacetQuery, ShownFacetValue, shown};
use crate::domain::find::{
    CursorKey, FoundIssue, IssueLookup, IssueQuery, ListFilter, LookupBy, OPENING, Order, PAGE_BYTES, SearchMatch, Sort,
};
use crate::store::lookup::{self, GatheredPage, IndexRun, order_by, parts, readable};
use crate::store::row::{FacetRow, FoundRow, MatchRow, issue_columns};
use crate::store::{FindStore, IssuePage, StoreError};

type Sql = QueryBuilder<Postgres>;

/// As in the index `issues_urgency_idx`, to the letter.
const RANK: &str = "(case {t}priority when 'high' then 1 when 'medium' then 2 else 3 end)";
const DUE: &str = "(coalesce({t}due_on, date '9999-12-31'))";

macro_rules! facet {
    ($name:literal, $order:literal) => {
        concat!(
            "-- ",
            $name,
            "
select key, name, sum(active)::bigint as active, sum(closed)::bigint as closed from facet_counts
where facet = $1 and key in (
    select key from facet_counts where facet = $1 and key > $2 and key >= $3 and key < $4
    group by key having sum(active + closed) > 0 order by ",
            $order,
            " limit $5
)
group by key, name order by key, name"
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
select asked.place - 1 as place, found.* from unnest($1::text[]) with ordinality as asked (id, place)
cross join lateral (
    select id, number, title, state, target_repo, backend, url, source_type, source_id, triggering_event_id,
        activity_definition_id, created_at
    from issues where issues.",
            $column,
            " = asked.id order by created_at desc, number desc limit $2
) found
order by asked.place, found.created_at desc, found.number desc limit $3"
        )
    };
}

const LOOKUP_EVENTS: &str = lookup!("lookup_events", "triggering_event_id");

const LOOKUP_DEFINITIONS: &str = lookup!("lookup_definitions", "activity_definition_id");

/// With the backend's name before it or without. Any text before the first colon may be such a
/// name.
const LOOKUP_TRACKER_KEYS: &str = "-- lookup_tracker_keys
select asked.place - 1 as place, found.* from unnest($1::text[]) with ordinality as asked (id, place)
cross join lateral (
    select id, number, title, state, target_repo, backend, url, source_type, source_id, triggering_event_id,
        activity_definition_id, created_at
    from issues where issues.id in (
        select links.issue_id from links
        where links.remote_key in (asked.id, substr(asked.id, strpos(asked.id, ':') + 1))
            and asked.id in (links.remote_key, links.backend || ':' || links.remote_key)
    )
    order by created_at desc, number desc limit $2
) found
order by asked.place, found.created_at desc, found.number desc limit $3";

#[async_trait]
impl FindStore for PostgresStore {
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, list(&mut connection, query)).await;
        readable(NAME, self.finish(connection, answer)?.page())
    }

    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, matches(&mut connection, filter, newest, most)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, count(&mut connection, filter, most)).await;
        Ok(self.finish(connection, answer)?.unsigned_abs())
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError> {
        let statement = match query.by {
            FacetOrder::Name => FACET_BY_NAME,
            FacetOrder::Count => FACET_BY_COUNT,
        };
        let values = rows::<FacetRow>(statement).bind(query.facet.as_str()).bind(&query.after).bind(&query.prefix).bind(query.end());
        Ok(shown(self.find_all(values.bind(i64::from(query.limit))).await?, query.by))
    }

    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError> {
        let statement = match asked.by {
            LookupBy::TriggeringEvent => LOOKUP_EVENTS,
            LookupBy::ActivityDefinition => LOOKUP_DEFINITIONS,
            LookupBy::TrackerKey => LOOKUP_TRACKER_KEYS,
        };
        let (per_id, most) = (i64::from(asked.per_id), i64::from(asked.most));
        self.find_all(rows::<FoundRow>(statement).bind(&asked.ids).bind(per_id).bind(most)).await
    }
}

async fn list(connection: &mut PgConnection, query: &IssueQuery) -> Result<GatheredPage, sqlx::Error> {
    let tags = PostgresTagFilter::of(connection, &query.filter, query.sort).await?;
    let mut gathered = GatheredPage::default();
    for part in parts(query) {
        let mut sql = page(query, &tags, *part, gathered.wanted(query.limit));
        if !gathered.take(sql.build_query_as().fetch_all(&mut *connection).await?, query.limit) {
            break;
        }
    }
    Ok(gathered)
}

fn page(query: &IssueQuery, tags: &PostgresTagFilter, part: IndexRun, wanted: u32) -> Sql {
    let outer = order_by(query, keys(query.sort), "");
    let mut sql = Sql::new(concat!("-- list\nselect ", issue_columns!(), ", fetched from (select page.*, count(*) over () as fetched, "));
    sql.push(format_args!("sum(octet_length(description)) over (order by {outer} rows unbounded preceding) as bytes from ("));
    let fan_out = query.sort == Sort::Priority && query.filter.states.len() != 1;
    if fan_out {
        // Each state has its own order of urgency in the index; the first of each hold the first of all.
        sql.push("select each.* from (");
        let states = if query.filter.states.is_empty() { StateName::ALL } else { &query.filter.states };
        for (n, state) in states.iter().enumerate() {
            sql.push(if n == 0 { "(" } else { ") union all (" });
            inner(&mut sql, query, tags, part, &[*state], wanted);
        }
        sql.push(format_args!(")) each order by {outer} limit {wanted}"));
    } else {
        inner(&mut sql, query, tags, part, &query.filter.states, wanted);
    }
    sql.push(format_args!(") page) bounded where bytes - octet_length(description) < {PAGE_BYTES} order by {outer}"));
    sql
}

fn inner(sql: &mut Sql, query: &IssueQuery, tags: &PostgresTagFilter, part: IndexRun, states: &[StateName], wanted: u32) {
    sql.push("select i.* from ");
    from(sql, &query.filter, tags);
    conditions(sql, &query.filter, tags, states);
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
        CursorKey::Created(at, number) | CursorKey::Updated(at, number) => _ = sql.push_bind(at).push(", ").push_bind(number),
        CursorKey::Due(due, number) => _ = sql.push_bind(due).push(", ").push_bind(number),
        CursorKey::Priority(urgency, number) => {
            sql.push_bind(i32::from(urgency.rank)).push(", ").push_bind(urgency.due).push(", ");
            sql.push_bind(urgency.created).push(", ").push_bind(number);
        }
        CursorKey::Number(_) | CursorKey::Relevance { .. } => {}
    }
    sql.push(")");
}

async fn matches(connection: &mut PgConnection, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<MatchRow>, sqlx::Error> {
    let tags = PostgresTagFilter::of(connection, filter, Sort::Relevance).await?;
    let mut sql = Sql::new(format!(
        "-- matches\nselect i.number, i.title, left(i.description, {OPENING}) as opening, octet_length(i.description)::bigint as bytes from "
    ));
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states);
    if let Some(newest) = newest {
        sql.push(" and i.number <= ").push_bind(newest);
    }
    sql.push(format_args!(" order by i.number desc limit {most}"));
    sql.build_query_as().fetch_all(connection).await
}

async fn count(connection: &mut PgConnection, filter: &ListFilter, most: u32) -> Result<i64, sqlx::Error> {
    let tags = PostgresTagFilter::of(connection, filter, Sort::Number).await?;
    let mut sql = Sql::new("-- count\nselect count(*) from (select 1 from ");
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states);
    sql.push(format_args!(" limit {most}) counted"));
    sql.build_query_scalar().fetch_one(connection).await
}
