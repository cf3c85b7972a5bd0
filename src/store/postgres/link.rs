//! Ties to trackers, and what a credential has spent. Written as part of [`super::commit`], except the spending.

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::PostgresFailure;
use crate::domain::IssueId;
use crate::domain::tracker::BudgetWindow;
use crate::store::fields::{CommentLinkFields, LinkFields};
use crate::store::row::{CommentLinkRow, LinkRow, TieRow, comment_link_columns, link_columns};

/// What is linked, or was, stays tied to what it is tied to, unless the writer knows where it moved from. What lists said is told
/// by [`super::sync`] alone, once the row is there.
const WRITE_LINKS: &str = "-- write_links
insert into links (
    issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, pushed, moved_from, origin, turns,
    heard, missing_at
)
select
    issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, pushed, moved_from, origin, turns,
    heard, missing_at
from unnest($1::incoming_link[])
order by issue_id, backend
on conflict (issue_id, backend) do update set
    position = excluded.position, place = excluded.place, state = excluded.state, intended_at = excluded.intended_at,
    remote_id = excluded.remote_id, remote_key = excluded.remote_key, url = excluded.url, pushed = excluded.pushed,
    moved_from = excluded.moved_from, origin = excluded.origin, turns = excluded.turns
where links.state not in ('linked', 'gone') or links.remote_id in (excluded.remote_id, excluded.moved_from)";

const WRITE_COMMENT_LINKS: &str = "-- write_comment_links
insert into comment_links (issue_id, backend, subject, part, state, intended_at, remote_id, pushed, base, origin)
select * from jsonb_to_recordset($1) as link (
    issue_id uuid, backend text, subject uuid, part smallint, state text, intended_at timestamptz, remote_id text, pushed text,
    base text, origin text
)
order by issue_id, backend, subject, part
on conflict (issue_id, backend, subject, part) do update set
    state = excluded.state, intended_at = excluded.intended_at, remote_id = excluded.remote_id, pushed = excluded.pushed,
    base = excluded.base, origin = excluded.origin";

const DELETE_COMMENT_LINKS: &str = "-- delete_comment_links
delete from comment_links using jsonb_to_recordset($1) as gone (issue_id uuid, backend text, subject uuid, part smallint)
where comment_links.issue_id = gone.issue_id and comment_links.backend = gone.backend
    and comment_links.subject = gone.subject and comment_links.part = gone.part";

const LINKS: &str =
    concat!("-- links\nselect ", link_columns!(), " from links where issue_id = any($1) order by issue_id, position, backend");

const TIES: &str = "-- ties
select issue_id, backend, state, remote_key from links where issue_id = any($1)";

const TIES_NAMED: &str = "-- ties_named
select issue_id, backend, state, remote_key from links where remote_key = any($2) and backend = $1";

const COMMENT_LINKS: &str = concat!(
    "-- comment_links\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = $1 and backend = $2 and subject = any($3) order by subject, part"
);

const OPEN_BUDGET: &str = "-- open_budget
insert into budgets (name) values ($1) on conflict do nothing";

const LOCK_BUDGET: &str = "-- lock_budget
select name from budgets where name = $1 for update";

/// The spending that fills a window up: once it is older than the window there is room again.
const FILLS: &str = "-- fills
select at from spendings where budget = $1 and at > $2 order by at desc offset $3 limit 1";

const SPEND: &str = "-- spend
with forgotten as (
    delete from spendings where budget = $1 and at <= $3
)
insert into spendings (budget, at) values ($1, $2)";

const SPENT: &str = "-- spent
select count(*) from spendings where budget = $1 and at > $2";

const WAITING: &str = "-- waiting
select count(*) from (select from messages where target = $1 and dead_at is null limit $2) as waiting";

pub(super) async fn write(
    connection: &mut PgConnection,
    links: Vec<LinkFields<'_>>,
    comments: &[CommentLinkFields<'_>],
) -> Result<(), sqlx::Error> {
    if !links.is_empty() {
        sqlx::query(WRITE_LINKS).bind(links).execute(&mut *connection).await?;
    }
    let (set, gone): (Vec<_>, Vec<_>) = comments.iter().partition(|link| link.stays());
    for (statement, rows) in [(WRITE_COMMENT_LINKS, set), (DELETE_COMMENT_LINKS, gone)] {
        if !rows.is_empty() {
            sqlx::query(statement).bind(Json(rows)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

pub(super) async fn links(connection: &mut PgConnection, issues: &[Uuid]) -> Result<Vec<LinkRow>, sqlx::Error> {
    sqlx::query_as(LINKS).bind(issues).fetch_all(connection).await
}

pub(super) async fn ties(connection: &mut PgConnection, issues: &[Uuid]) -> Result<Vec<TieRow>, sqlx::Error> {
    sqlx::query_as(TIES).bind(issues).fetch_all(connection).await
}

pub(super) async fn ties_named(connection: &mut PgConnection, backend: &str, keys: &[String]) -> Result<Vec<TieRow>, sqlx::Error> {
    sqlx::query_as(TIES_NAMED).bind(backend).bind(keys).fetch_all(connection).await
}

pub(super) async fn comment_links(
    connection: &mut PgConnection,
    issue: IssueId,
    backend: &str,
    subjects: &[Uuid],
) -> Result<Vec<CommentLinkRow>, sqlx::Error> {
    sqlx::query_as(COMMENT_LINKS).bind(issue.0).bind(backend).bind(subjects).fetch_all(connection).await
}

pub(super) async fn spend(
    connection: &mut PgConnection,
    budget: &str,
    windows: &[BudgetWindow],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, PostgresFailure> {
    let mut transaction = connection.begin().await?;
    sqlx::query(OPEN_BUDGET).bind(budget).execute(&mut *transaction).await?;
    sqlx::query(LOCK_BUDGET).bind(budget).execute(&mut *transaction).await?;
    let mut until: Option<DateTime<Utc>> = None;
    for window in windows {
        let filling = sqlx::query_scalar(FILLS).bind(budget).bind(now - window.length).bind(i64::from(window.writes) - 1);
        let filled: Option<DateTime<Utc>> = filling.fetch_optional(&mut *transaction).await?;
        until = until.max(filled.map(|at| at + window.length));
    }
    if until.is_none() {
        let longest = windows.iter().map(|window| window.length).max().unwrap_or_default();
        sqlx::query(SPEND).bind(budget).bind(now).bind(now - longest).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(until)
}

pub(super) async fn spent(connection: &mut PgConnection, budget: &str, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(SPENT).bind(budget).bind(since).fetch_one(connection).await
}

pub(super) async fn waiting(connection: &mut PgConnection, target: &str, most: u32) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(WAITING).bind(target).bind(i64::from(most)).fetch_one(connection).await
}
