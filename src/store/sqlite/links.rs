//! Links to trackers. Writing them is part of [`super::commit`].

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::SqliteStore;
use super::json::each;
use super::statement::rows;
use crate::domain::IssueId;
use crate::domain::tracker::{CommentLink, Link, LinkSummary, Project};
use crate::store::fields::{CommentLinkFields, LinkFields};
use crate::store::lookup::counted;
use crate::store::row::{CommentLinkRow, LinkRow, TieRow, comment_link_columns, link_columns};
use crate::store::{LinkStore, StoreError};

/// A link keeps its remote issue, unless the writer knows from which id it moved. Only [`HEAR`]
/// writes the sightings, once the row exists.
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

pub(super) const HEAR: &str = "-- hear
update links set heard = coalesce(value ->> 'heard', links.heard), missing_at = value ->> 'missing_at'
from json_each(?1)
where links.issue_id = unhex(value ->> 'issue_id', '-') and links.backend = value ->> 'backend'";

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

/// `->` rewrites the project's JSON in the form of the stored column, so that equal projects are
/// equal texts.
const LINKS_TO: &str = concat!(
    "-- links_to\nselect ",
    link_columns!(),
    " from links where backend = ?1 and remote_id in (select value from json_each(?3)) and place = (?2 -> '$')"
);

/// From the start is after the nil id, as for comments.
const LINKS_OF_PLACE: &str = concat!(
    "-- links_of_place\nselect ",
    link_columns!(),
    " from links where backend = ?1 and place = (?2 -> '$') and state = 'linked' and issue_id > ?3 order by issue_id limit ?4"
);

const COUNT_LINKS: &str = "-- count_links
select count(*) from (select 1 from links where backend = ?1 and place = (?2 -> '$') and state = 'linked' limit ?3)";

const COMMENT_LINKS: &str = concat!(
    "-- comment_links\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = ?1 and backend = ?2 and subject in (select unhex(value, '-') from json_each(?3)) \
     order by subject, part"
);

const COMMENT_LINKS_OF: &str = concat!(
    "-- comment_links_of\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = ?1 and backend = ?2 order by subject, part"
);

pub(super) const DELETE_LINKS_OF: &str = "-- delete_links_of
delete from links where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_COMMENT_LINKS_OF: &str = "-- delete_comment_links_of
delete from comment_links where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) async fn write(
    connection: &mut SqliteConnection,
    links: &[LinkFields<'_>],
    comments: &[CommentLinkFields<'_>],
) -> Result<(), sqlx::Error> {
    each(connection, WRITE_LINKS, links).await?;
    let (set, gone): (Vec<_>, Vec<_>) = comments.iter().partition(|link| link.stays());
    each(connection, WRITE_COMMENT_LINKS, &set).await?;
    each(connection, DELETE_COMMENT_LINKS, &gone).await
}

#[async_trait]
impl LinkStore for SqliteStore {
    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError> {
        let ids: Vec<Uuid> = issues.iter().map(|id| id.0).collect();
        self.all(rows::<LinkRow>(LINKS).bind(Json(ids))).await
    }

    async fn link_summaries(&self, issues: &[IssueId]) -> Result<Vec<LinkSummary>, StoreError> {
        let ids: Vec<Uuid> = issues.iter().map(|id| id.0).collect();
        self.all(rows::<TieRow>(TIES).bind(Json(ids))).await
    }

    async fn link_summaries_by_key(&self, backend: &str, keys: &[String]) -> Result<Vec<LinkSummary>, StoreError> {
        self.all(rows::<TieRow>(TIES_NAMED).bind(backend).bind(Json(keys))).await
    }

    async fn links_to(&self, backend: &str, project: &Project, remote_ids: &[String]) -> Result<Vec<Link>, StoreError> {
        self.all(rows::<LinkRow>(LINKS_TO).bind(backend).bind(Json(project)).bind(Json(remote_ids))).await
    }

    async fn links_of_place(&self, backend: &str, project: &Project, after: Option<IssueId>, limit: u32) -> Result<Vec<Link>, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        self.all(rows::<LinkRow>(LINKS_OF_PLACE).bind(backend).bind(Json(project)).bind(after).bind(limit)).await
    }

    async fn count_links(&self, backend: &str, project: &Project, most: u32) -> Result<u64, StoreError> {
        Ok(counted(self.one(rows::<(i64,)>(COUNT_LINKS).bind(backend).bind(Json(project)).bind(most)).await?))
    }

    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError> {
        self.all(rows::<CommentLinkRow>(COMMENT_LINKS).bind(issue.0).bind(backend).bind(Json(subjects))).await
    }

    async fn comment_links_of(&self, issue: IssueId, backend: &str) -> Result<Vec<CommentLink>, StoreError> {
        self.all(rows::<CommentLinkRow>(COMMENT_LINKS_OF).bind(issue.0).bind(backend)).await
    }
}
