//! Issues, their events and their comments. Writing them is part of [`super::commit`].

use async_trait::async_trait;
use sqlx::types::Json;
use uuid::Uuid;

use super::statement::{SqliteRows, rows};
use super::{NAME, SqliteStore};
use crate::domain::{Comment, CommentId, DedupeKey, Event, Issue, IssueId, IssueNumber, IssueRef};
use crate::store::fields::hex_text;
use crate::store::lookup::{self, readable};
use crate::store::row::{CommentRow, EventRow, IssueRow, KeyedRow, issue_columns};
use crate::store::{FiledIssue, IssueStore, StoreError};

const ISSUES: &str = concat!(
    "-- issues\nselect ",
    issue_columns!(),
    " from issues where id in (select unhex(value, '-') from json_each(?1)) union all select ",
    issue_columns!(),
    " from issues where number in (select value from json_each(?2))"
);

const NUMBERS: &str = "-- numbers
select id, number from issues where id in (select unhex(value, '-') from json_each(?1))
union select id, number from issues where number in (select value from json_each(?2))";

const ISSUES_BY_KEYS: &str = concat!(
    "-- issues_by_keys\nselect ",
    issue_columns!(),
    ", dedupe_key, fingerprint from issues where dedupe_key in (select unhex(value) from json_each(?1))"
);

const EVENTS: &str = "-- events
select issue_id, seq, id, kind, actor, at, trace, detail from events
where issue_id = ?1 and seq > ?2 order by seq limit ?3";

/// From the start is after the nil id: a parameter that may be null would keep the index from being entered in the middle.
const COMMENTS: &str = "-- comments
select id, issue_id, author, body, created_at, edited_at from comments
where issue_id = ?1 and id > ?2 order by id limit ?3";

const COMMENT: &str = "-- comment
select id, issue_id, author, body, created_at, edited_at from comments where id = ?1";

const COMMENTS_NAMED: &str = "-- comments_named
select id, issue_id, author, body, created_at, edited_at from comments
where id in (select unhex(value, '-') from json_each(?1))";

/// Names the index: by itself the planner may walk the whole table in the order of its numbers.
const PENDING_REVIEWS: &str = concat!(
    "-- pending_reviews\nselect ",
    issue_columns!(),
    " from issues indexed by issues_pending_review_idx",
    " where review = 'pending' and archived_at is null and number > ?1 order by number limit ?2"
);

/// The issues of these ids and of these numbers.
pub(super) fn by_refs<'q>(ids: &'q [Uuid], numbers: &'q [i64]) -> SqliteRows<'q, IssueRow> {
    rows(ISSUES).bind(Json(ids)).bind(Json(numbers))
}

/// The issues that stand under these keys.
pub(super) fn by_keys(keys: &[[u8; 32]]) -> SqliteRows<'static, KeyedRow> {
    let keys: Vec<String> = keys.iter().map(|key| hex_text(key)).collect();
    rows(ISSUES_BY_KEYS).bind(Json(keys))
}

#[async_trait]
impl IssueStore for SqliteStore {
    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, numbers) = lookup::split(refs);
        let found = self.all(by_refs(&ids, &numbers)).await?;
        readable(NAME, lookup::arrange(refs, found))
    }

    async fn numbers(&self, refs: &[IssueRef]) -> Result<Vec<(IssueId, IssueNumber)>, StoreError> {
        let (ids, numbers) = lookup::split(refs);
        let found = self.all(rows::<(Uuid, i64)>(NUMBERS).bind(Json(ids)).bind(Json(numbers))).await?;
        Ok(lookup::numbered(found))
    }

    async fn filed_under(&self, keys: &[DedupeKey]) -> Result<Vec<Option<FiledIssue>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let raw: Vec<[u8; 32]> = keys.iter().map(|key| key.0).collect();
        let found = self.all(by_keys(&raw)).await?;
        readable(NAME, lookup::arrange_filed(keys, found))
    }

    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.all(rows::<EventRow>(EVENTS).bind(issue.0).bind(after_seq).bind(limit)).await
    }

    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        self.all(rows::<CommentRow>(COMMENTS).bind(issue.0).bind(after).bind(limit)).await
    }

    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError> {
        self.one(rows::<CommentRow>(COMMENT).bind(id.0)).await
    }

    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.all(rows::<CommentRow>(COMMENTS_NAMED).bind(Json(ids))).await
    }

    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError> {
        let after = after.map_or(0, |number| number.0);
        self.all(rows::<IssueRow>(PENDING_REVIEWS).bind(after).bind(limit)).await
    }
}
