//! Reading. Each function is one statement and one round trip; nothing here writes or locks.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::domain::{CommentId, IssueId, IssueNumber};
use crate::store::row::{CommentRow, EventRow, IssueRow, KeyedRow, issue_columns};

/// Two index scans, not `or`: an empty list costs nothing, and the plan does not depend on what the table looked like.
const ISSUES: &str = concat!(
    "-- issues\nselect ",
    issue_columns!(),
    " from issues where id = any($1) union all select ",
    issue_columns!(),
    " from issues where number = any($2)"
);

const NUMBERS: &str = "-- numbers
select id, number from issues where id = any($1) union select id, number from issues where number = any($2)";

const ISSUES_BY_KEYS: &str =
    concat!("-- issues_by_keys\nselect ", issue_columns!(), ", dedupe_key, fingerprint from issues where dedupe_key = any($1)");

const EVENTS: &str = "-- events
select issue_id, seq, id, kind, actor, at, trace, detail from events
where issue_id = $1 and seq > $2 order by seq limit $3";

/// From the start is after the nil id: a parameter that may be null would keep the index from being entered in the middle.
const COMMENTS: &str = "-- comments
select id, issue_id, author, body, created_at, edited_at from comments
where issue_id = $1 and id > $2 order by id limit $3";

const COMMENT: &str = "-- comment
select id, issue_id, author, body, created_at, edited_at from comments where id = $1";

const COMMENTS_NAMED: &str = "-- comments_named
select id, issue_id, author, body, created_at, edited_at from comments where id = any($1)";

const PENDING_REVIEWS: &str = concat!(
    "-- pending_reviews\nselect ",
    issue_columns!(),
    " from issues where review = 'pending' and archived_at is null and number > $1 order by number limit $2"
);

const SCHEMA: &str = "-- schema
select version, description from _sqlx_migrations where success";

pub(super) async fn issues(connection: &mut PgConnection, ids: &[Uuid], numbers: &[i64]) -> Result<Vec<IssueRow>, sqlx::Error> {
    sqlx::query_as(ISSUES).bind(ids).bind(numbers).fetch_all(connection).await
}

pub(super) async fn numbers(connection: &mut PgConnection, ids: &[Uuid], numbers: &[i64]) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    sqlx::query_as(NUMBERS).bind(ids).bind(numbers).fetch_all(connection).await
}

pub(super) async fn by_keys(connection: &mut PgConnection, keys: &[[u8; 32]]) -> Result<Vec<KeyedRow>, sqlx::Error> {
    sqlx::query_as(ISSUES_BY_KEYS).bind(keys).fetch_all(connection).await
}

pub(super) async fn events(connection: &mut PgConnection, issue: IssueId, after: i64, limit: u32) -> Result<Vec<EventRow>, sqlx::Error> {
    sqlx::query_as(EVENTS).bind(issue.0).bind(after).bind(i64::from(limit)).fetch_all(connection).await
}

pub(super) async fn comments(
    connection: &mut PgConnection,
    issue: IssueId,
    after: Option<CommentId>,
    limit: u32,
) -> Result<Vec<CommentRow>, sqlx::Error> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    sqlx::query_as(COMMENTS).bind(issue.0).bind(after).bind(i64::from(limit)).fetch_all(connection).await
}

pub(super) async fn comment(connection: &mut PgConnection, id: CommentId) -> Result<Option<CommentRow>, sqlx::Error> {
    sqlx::query_as(COMMENT).bind(id.0).fetch_optional(connection).await
}

pub(super) async fn comments_named(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<CommentRow>, sqlx::Error> {
    sqlx::query_as(COMMENTS_NAMED).bind(ids).fetch_all(connection).await
}

pub(super) async fn pending_reviews(
    connection: &mut PgConnection,
    after: Option<IssueNumber>,
    limit: u32,
) -> Result<Vec<IssueRow>, sqlx::Error> {
    let after = after.map_or(0, |number| number.0);
    sqlx::query_as(PENDING_REVIEWS).bind(after).bind(i64::from(limit)).fetch_all(connection).await
}

pub(super) async fn schema(connection: &mut PgConnection) -> Result<Vec<(i64, String)>, sqlx::Error> {
    sqlx::query_as(SCHEMA).fetch_all(connection).await
}
