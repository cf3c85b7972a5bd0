//! Ties to trackers, and what a credential has spent. Written as part of [`super::commit`], except the spending.

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::IssueId;
use crate::domain::tracker::BudgetWindow;
use crate::store::fields::{CommentLinkFields, LinkFields, moment_text};
use crate::store::row::{CommentLinkRow, LinkRow, TieRow, comment_link_columns, link_columns};

/// What is linked, or was, stays tied to what it is tied to, unless the writer knows where it moved from. What lists said is told
/// by [`super::sync`] alone, once the row is there.
const WRITE_LINKS: &str = "-- write_links
insert into links (
    issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, pushed, moved_from, origin, turns,
    heard, missing_at
)
select
    unhex(value ->> 'issue_id', '-'), value ->> 'backend', value ->> 'position', value -> 'place', value ->> 'state',
    value ->> 'intended_at', value ->> 'remote_id', value ->> 'remote_key', value ->> 'url', nullif(value -> 'pushed', 'null'),
    value ->> 'moved_from', value ->> 'origin', nullif(value -> 'turns', 'null'), value ->> 'heard', value ->> 'missing_at'
from json_each(?1) where true
on conflict (issue_id, backend) do update set
    position = excluded.position, place = excluded.place, state = excluded.state, intended_at = excluded.intended_at,
    remote_id = excluded.remote_id, remote_key = excluded.remote_key, url = excluded.url, pushed = excluded.pushed,
    moved_from = excluded.moved_from, origin = excluded.origin, turns = excluded.turns
where links.state not in ('linked', 'gone') or links.remote_id in (excluded.remote_id, excluded.moved_from)";

const WRITE_COMMENT_LINKS: &str = "-- write_comment_links
insert into comment_links (issue_id, backend, subject, part, state, intended_at, remote_id, pushed, base, origin)
select
    unhex(value ->> 'issue_id', '-'), value ->> 'backend', unhex(value ->> 'subject', '-'), value ->> 'part', value ->> 'state',
    value ->> 'intended_at', value ->> 'remote_id', value ->> 'pushed', value ->> 'base', value ->> 'origin'
from json_each(?1) where true
on conflict (issue_id, backend, subject, part) do update set
    state = excluded.state, intended_at = excluded.intended_at, remote_id = excluded.remote_id, pushed = excluded.pushed,
    base = excluded.base, origin = excluded.origin";

const DELETE_COMMENT_LINKS: &str = "-- delete_comment_links
delete from comment_links where (issue_id, backend, subject, part) in (
    select unhex(value ->> 'issue_id', '-'), value ->> 'backend', unhex(value ->> 'subject', '-'), value ->> 'part' from json_each(?1)
)";

const LINKS: &str = concat!(
    "-- links\nselect ",
    link_columns!(),
    " from links where issue_id in (select unhex(value, '-') from json_each(?1)) order by issue_id, position, backend"
);

const TIES: &str = "-- ties
select issue_id, backend, state, remote_key from links where issue_id in (select unhex(value, '-') from json_each(?1))";

const TIES_NAMED: &str = "-- ties_named
select issue_id, backend, state, remote_key from links
where remote_key in (select value from json_each(?2)) and backend = ?1";

const COMMENT_LINKS: &str = concat!(
    "-- comment_links\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = ?1 and backend = ?2 and subject in (select unhex(value, '-') from json_each(?3)) \
     order by subject, part"
);

/// The spending that fills a window up: once it is older than the window there is room again.
const FILLS: &str = "-- fills
select at from spendings where budget = ?1 and at > ?2 order by at desc limit 1 offset ?3";

const FORGET_SPENDINGS: &str = "-- forget_spendings
delete from spendings where budget = ?1 and at <= ?2";

const SPEND: &str = "-- spend
insert into spendings (budget, at) values (?1, ?2)";

const SPENT: &str = "-- spent
select count(*) from spendings where budget = ?1 and at > ?2";

const WAITING: &str = "-- waiting
select count(*) from (select 1 from messages where target = ?1 and dead_at is null limit ?2)";

pub(super) const DELETE_LINKS_OF: &str = "-- delete_links_of
delete from links where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_COMMENT_LINKS_OF: &str = "-- delete_comment_links_of
delete from comment_links where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) async fn write(
    connection: &mut SqliteConnection,
    links: &[LinkFields<'_>],
    comments: &[CommentLinkFields<'_>],
) -> Result<(), sqlx::Error> {
    if !links.is_empty() {
        sqlx::query(WRITE_LINKS).bind(Json(links)).execute(&mut *connection).await?;
    }
    let (set, gone): (Vec<_>, Vec<_>) = comments.iter().partition(|link| link.stays());
    for (statement, rows) in [(WRITE_COMMENT_LINKS, set), (DELETE_COMMENT_LINKS, gone)] {
        if !rows.is_empty() {
            sqlx::query(statement).bind(Json(rows)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

pub(super) async fn links(connection: &mut SqliteConnection, issues: &[Uuid]) -> Result<Vec<LinkRow>, sqlx::Error> {
    sqlx::query_as(LINKS).bind(Json(issues)).fetch_all(connection).await
}

pub(super) async fn ties(connection: &mut SqliteConnection, issues: &[Uuid]) -> Result<Vec<TieRow>, sqlx::Error> {
    sqlx::query_as(TIES).bind(Json(issues)).fetch_all(connection).await
}

pub(super) async fn ties_named(connection: &mut SqliteConnection, backend: &str, keys: &[String]) -> Result<Vec<TieRow>, sqlx::Error> {
    sqlx::query_as(TIES_NAMED).bind(backend).bind(Json(keys)).fetch_all(connection).await
}

pub(super) async fn comment_links(
    connection: &mut SqliteConnection,
    issue: IssueId,
    backend: &str,
    subjects: &[Uuid],
) -> Result<Vec<CommentLinkRow>, sqlx::Error> {
    sqlx::query_as(COMMENT_LINKS).bind(issue.0).bind(backend).bind(Json(subjects)).fetch_all(connection).await
}

pub(super) async fn spend(
    connection: &mut SqliteConnection,
    budget: &str,
    windows: &[BudgetWindow],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    let mut until: Option<DateTime<Utc>> = None;
    for window in windows {
        let filling = sqlx::query_scalar(FILLS).bind(budget).bind(moment_text(now - window.length)).bind(i64::from(window.writes) - 1);
        let filled: Option<DateTime<Utc>> = filling.fetch_optional(&mut *transaction).await?;
        until = until.max(filled.map(|at| at + window.length));
    }
    if until.is_none() {
        let longest = windows.iter().map(|window| window.length).max().unwrap_or_default();
        sqlx::query(FORGET_SPENDINGS).bind(budget).bind(moment_text(now - longest)).execute(&mut *transaction).await?;
        sqlx::query(SPEND).bind(budget).bind(moment_text(now)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(until)
}

pub(super) async fn spent(connection: &mut SqliteConnection, budget: &str, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(SPENT).bind(budget).bind(moment_text(since)).fetch_one(connection).await
}

pub(super) async fn waiting(connection: &mut SqliteConnection, target: &str, most: u32) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(WAITING).bind(target).bind(i64::from(most)).fetch_one(connection).await
}
