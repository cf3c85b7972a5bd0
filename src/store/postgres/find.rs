//! Lists, searches and counts: statements put together from what was asked, every value a parameter.
//!
//! They run on connections of their own (see `options.rs`): planned for their values each time, and by an index. To add a
//! filter: its condition in [`conditions`], an index if it may be rare, its line in the test of the plans.

use sqlx::postgres::{PgConnection, Postgres};
use sqlx::query_builder::QueryBuilder;

use super::sql;
use crate::domain::find::facet::{Facet, FacetOrder, FacetQuery};
use crate::domain::find::search::{SearchTerm, TextQuery};
use crate::domain::find::{
    Archived, AssigneeFilter, CursorKey, IssueLookup, IssueQuery, ListFilter, LookupBy, OPENING, Order, PAGE_BYTES, Sort, TimeRange, rank,
};
use crate::domain::{Kind, ReviewState, SourceType, StateName};
use crate::store::lookup::{GatheredPage, IndexRun, ListStart, TagSet, WordSample, lead, obvious_lead, order_by, parts, tag_sets, words};
use crate::store::row::{FacetRow, FoundRow, MatchRow, issue_columns};

type Sql = QueryBuilder<Postgres>;

/// As in the index `issues_urgency_idx`, to the letter.
const RANK: &str = "(case {t}priority when 'high' then 1 when 'medium' then 2 else 3 end)";
const DUE: &str = "(coalesce({t}due_on, date '9999-12-31'))";

pub(super) async fn list(connection: &mut PgConnection, query: &IssueQuery) -> Result<GatheredPage, sqlx::Error> {
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

/// What a filter says about labels, people and words, and where to begin.
struct PostgresTagFilter {
    sets: Vec<TagSet>,
    lead: ListStart,
    /// So few issues have the words that all of them are fetched.
    rare_words: bool,
}

impl PostgresTagFilter {
    async fn of(connection: &mut PgConnection, filter: &ListFilter, sort: Sort) -> Result<Self, sqlx::Error> {
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
        let sizes: Vec<(String, String, i64)> = sqlx::query_as(sql::TAG_SIZES).bind(facets).bind(keys).fetch_all(connection).await?;
        let lead = lead(&sets, sort, &sizes);
        Ok(Self { sets, lead, rare_words: false })
    }

    /// The table whose columns give the order, and whose rows the others are asked about.
    const fn table(&self) -> &'static str {
        match self.lead {
            ListStart::Tag(_) => "t0.",
            ListStart::Issues | ListStart::Few(_) => "i.",
        }
    }
}

/// The planner takes all words that it keeps no figure of for equally frequent; the newest issues know better.
async fn are_rare(connection: &mut PgConnection, text: &TextQuery) -> Result<bool, sqlx::Error> {
    let asked = sqlx::query_as(sql::NEWEST_WITH).bind(tsquery(text)).bind(WordSample::SIZE);
    let (all, looked_at, have) = asked.fetch_one(connection).await?;
    Ok(WordSample { all, looked_at, have }.is_rare())
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

fn from(sql: &mut Sql, filter: &ListFilter, tags: &PostgresTagFilter) {
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

fn conditions(sql: &mut Sql, filter: &ListFilter, tags: &PostgresTagFilter, states: &[StateName]) {
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

/// Words hold letters and digits only: the quotes are for whoever reads the statement.
fn tsquery(text: &TextQuery) -> String {
    let term = |term: &SearchTerm| {
        let words: Vec<String> = term.words.iter().map(|word| format!("'{word}'")).collect();
        format!("({}{})", words.join(" <-> "), if term.prefix { ":*" } else { "" })
    };
    text.terms.iter().map(term).collect::<Vec<_>>().join(" & ")
}

pub(super) async fn matches(
    connection: &mut PgConnection,
    filter: &ListFilter,
    newest: Option<i64>,
    most: u32,
) -> Result<Vec<MatchRow>, sqlx::Error> {
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

pub(super) async fn count(connection: &mut PgConnection, filter: &ListFilter, most: u32) -> Result<i64, sqlx::Error> {
    let tags = PostgresTagFilter::of(connection, filter, Sort::Number).await?;
    let mut sql = Sql::new("-- count\nselect count(*) from (select 1 from ");
    from(&mut sql, filter, &tags);
    conditions(&mut sql, filter, &tags, &filter.states);
    sql.push(format_args!(" limit {most}) counted"));
    sql.build_query_scalar().fetch_one(connection).await
}

pub(super) async fn facet(connection: &mut PgConnection, query: &FacetQuery) -> Result<Vec<FacetRow>, sqlx::Error> {
    let statement = match query.by {
        FacetOrder::Name => sql::FACET_BY_NAME,
        FacetOrder::Count => sql::FACET_BY_COUNT,
    };
    let asked = sqlx::query_as(statement).bind(query.facet.as_str()).bind(&query.after).bind(&query.prefix).bind(query.end());
    asked.bind(i64::from(query.limit)).fetch_all(connection).await
}

pub(super) async fn lookup(connection: &mut PgConnection, asked: &IssueLookup) -> Result<Vec<FoundRow>, sqlx::Error> {
    let statement = match asked.by {
        LookupBy::TriggeringEvent => sql::LOOKUP_EVENTS,
        LookupBy::ActivityDefinition => sql::LOOKUP_DEFINITIONS,
        LookupBy::TrackerKey => sql::LOOKUP_TRACKER_KEYS,
    };
    sqlx::query_as(statement).bind(&asked.ids).bind(i64::from(asked.per_id)).bind(i64::from(asked.most)).fetch_all(connection).await
}
