//! Keeping two sides in agreement: bindings and their leases, deliveries of trackers, conflicts. What belongs to a change is checked
//! and written as part of [`super::commit`]; everything else is one statement, made here and run by the few lines at the end.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::types::Json;
use uuid::Uuid;

use super::commit::{each, json};
use super::{SqliteStore, finish};
use crate::domain::IssueId;
use crate::domain::sync::{ConflictFilter, ConflictState, NewDelivery};
use crate::domain::tracker::Project;
use crate::store::batch::CommitBatch;
use crate::store::fields::moment_text;
use crate::store::row::{
    BoundRow, CommentLinkRow, ConflictRow, HookRow, LinkRow, binding_columns, comment_link_columns, conflict_columns, link_columns,
};
use crate::store::{BindingEnd, BindingLease, PutBinding, StoreError};

type Arguments = <Sqlite as sqlx::Database>::Arguments;

/// The bindings whose leases must hold.
const LEASES: &str = "-- leases
select name, lease_token from bindings where name in (select value from json_each(?1))";

/// The conflicts that were decided on.
const EDITIONS: &str = "-- editions
select id, edition from conflicts where id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_CONFLICTS_OF: &str = "-- delete_conflicts_of
delete from conflicts where issue_id in (select unhex(value, '-') from json_each(?1))";

const HEAR: &str = "-- hear
update links set heard = coalesce(value ->> 'heard', links.heard), missing_at = value ->> 'missing_at'
from json_each(?1)
where links.issue_id = unhex(value ->> 'issue_id', '-') and links.backend = value ->> 'backend'";

const WRITE_CONFLICTS: &str = concat!(
    "-- write_conflicts\ninsert into conflicts (",
    conflict_columns!(),
    ")
select
    unhex(value ->> 'id', '-'), unhex(value ->> 'issue_id', '-'), value ->> 'backend', value ->> 'field',
    unhex(value ->> 'comment', '-'), value -> 'base', value -> 'ours', value -> 'theirs', value ->> 'state',
    value ->> 'resolution', value ->> 'why', value ->> 'opened_at', value ->> 'resolved_at', value ->> 'resolved_by',
    value ->> 'edition'
from json_each(?1) where true
on conflict (id) do update set
    base = excluded.base, ours = excluded.ours, theirs = excluded.theirs, state = excluded.state,
    resolution = excluded.resolution, why = excluded.why, resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, edition = excluded.edition"
);

const FOLLOW_HOOKS: &str = "-- follow_hooks
update hooks set followed_at = value ->> 'at' from json_each(?1)
where hooks.id = value ->> 'id' and hooks.followed_at is null";

const PROGRESS: &str = "-- progress
update bindings set cursor = value -> 'cursor' from json_each(?1) where bindings.name = value ->> 'name'";

/// The place is taken apart and put together as it was when it was written.
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

const COMMENT_LINKS_OF: &str = concat!(
    "-- comment_links_of\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = ?1 and backend = ?2 order by subject, part"
);

/// One short walk down an index for each issue.
const ASKED_FOR: &str = "-- asked_for
select unhex(wanted.value, '-') from json_each(?2) as wanted
where (
    select messages.id from messages
    where messages.issue_id = unhex(wanted.value, '-') and target = ?1 and event_seq = 0 and dead_at is null and lease_token is null
    order by messages.id limit 1
) is not null";

const BINDINGS: &str = concat!("-- bindings\nselect ", binding_columns!(), " from bindings order by name");

const OPEN_BINDING: &str = concat!(
    "-- open_binding
insert into bindings (name, rules, source, edition, cursor, due_at) values (?1, ?2, ?3, 1, '{}', ?4)
on conflict (name) do nothing
returning ",
    binding_columns!()
);

const CHANGE_BINDING: &str = concat!(
    "-- change_binding
update bindings set rules = ?2, source = ?3, edition = edition + 1
where name = ?1 and (?4 is null or edition = ?4) and (rules <> ?2 or source <> ?3)
returning ",
    binding_columns!()
);

const BINDING: &str = concat!("-- binding\nselect ", binding_columns!(), " from bindings where name = ?1 and (?2 is null or edition = ?2)");

const PAUSE_BINDING: &str = concat!(
    "-- pause_binding
update bindings set paused = ?2, hurried = hurried or not ?2, due_at = case when ?2 then due_at else ?3 end
where name = ?1
returning ",
    binding_columns!()
);

const HURRY_BINDING: &str = concat!(
    "-- hurry_binding
update bindings set
    hurried = true, audit_wanted = audit_wanted or ?2, brake_off = brake_off or ?3, due_at = min(due_at, ?4)
where name = ?1
returning ",
    binding_columns!()
);

const DELETE_BINDING: &str = "-- delete_binding
delete from bindings where name = ?1 and (?2 is null or edition = ?2)";

/// The wishes that came in the meantime go to whoever takes it. Who has it already and asks for longer finds them the next time.
const LEASE_BINDING: &str = concat!(
    r#"-- lease_binding
update bindings set
    lease_token = ?3, leased_until = ?4,
    cursor = json_patch(
        json_patch(cursor, iif(lease_token is not ?3 and audit_wanted, '{"audit_wanted":true}', '{}')),
        iif(lease_token is not ?3 and brake_off, '{"brake_off":true}', '{}')
    ),
    hurried = hurried and lease_token is ?3, audit_wanted = audit_wanted and lease_token is ?3,
    brake_off = brake_off and lease_token is ?3
where name = ?1 and not paused and (due_at <= ?2 or ?5) and (leased_until is null or leased_until <= ?2 or lease_token = ?3)
returning "#,
    binding_columns!()
);

const RELEASE_BINDING: &str = "-- release_binding
update bindings set
    cursor = ?3, last = coalesce(?4, last), due_at = case when hurried then min(due_at, ?5) else ?5 end, hurried = false,
    lease_token = null, leased_until = null
where name = ?1 and lease_token = ?2";

const KEEP_HOOK: &str = "-- keep_hook
insert into hooks (backend, delivery, event, received_at, body, hint_kind, hint_place, hint_remote_id, followed_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
on conflict (backend, delivery) do nothing";

const HOOKS: &str = "-- hooks
select id, backend, received_at, hint_kind, hint_place, hint_remote_id from hooks
where backend = ?1 and followed_at is null order by id limit ?2";

const PURGE_HOOKS: &str = "-- purge_hooks
delete from hooks where id in (select id from hooks where received_at < ?1 order by received_at limit ?2)";

/// There is one for each field as a rule, and one for a comment now and then.
const UNRESOLVED: &str = concat!(
    "-- unresolved\nselect ",
    conflict_columns!(),
    " from conflicts where issue_id = ?1 and backend = ?2 and state <> 'resolved' order by id limit 1000"
);

/// One of these for each question, so that each finds its index.
macro_rules! conflicts_where {
    ($name:literal, $asked:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect ",
            conflict_columns!(),
            " from conflicts where id < ?1 and ",
            $asked,
            " and (?2 is null or issue_id = ?2) and (?3 is null or state = ?3) and (?4 is null or backend = ?4)",
            " order by id desc limit ?5"
        )
    };
}

const CONFLICTS: &str = conflicts_where!("conflicts", "true");
const CONFLICTS_OF_ISSUE: &str = conflicts_where!("conflicts_of_issue", "issue_id = ?2");
const CONFLICTS_IN_STATE: &str = conflicts_where!("conflicts_in_state", "state = ?3");
const CONFLICTS_WITH: &str = conflicts_where!("conflicts_with", "backend = ?4");
const CONFLICTS_WITH_IN_STATE: &str = conflicts_where!("conflicts_with_in_state", "backend = ?4 and state = ?3");

const CONFLICT: &str = concat!("-- conflict\nselect ", conflict_columns!(), " from conflicts where id = ?1");

const OPEN_CONFLICTS: &str = "-- open_conflicts
select backend, count(*) from conflicts where state = 'open' group by backend order by backend";

/// Whose bindings they are, and which editions there are: whoever is wrong about it is out before anything is written.
pub(super) async fn check(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let names = batch.leased_bindings();
    if !names.is_empty() {
        let held: Vec<(String, Option<Uuid>)> = sqlx::query_as(LEASES).bind(json(&names)?).fetch_all(&mut *connection).await?;
        batch.check_leases(&held);
    }
    let decided_on = batch.conflicts_decided_on();
    if !decided_on.is_empty() {
        let editions: Vec<(Uuid, i64)> = sqlx::query_as(EDITIONS).bind(json(&decided_on)?).fetch_all(&mut *connection).await?;
        batch.check_editions(&editions);
    }
    Ok(())
}

pub(super) async fn write(connection: &mut SqliteConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    each(connection, HEAR, &batch.heard()).await?;
    each(connection, WRITE_CONFLICTS, &batch.conflicts()).await?;
    each(connection, FOLLOW_HOOKS, &batch.hooks_done()).await?;
    each(connection, PROGRESS, &batch.progress()).await
}

type Rows<'q, R> = QueryAs<'q, Sqlite, R, Arguments>;
type Write<'q> = Query<'q, Sqlite, Arguments>;

pub(super) fn links_to<'q>(backend: &'q str, place: &'q Project, remote_ids: &'q [String]) -> Rows<'q, LinkRow> {
    sqlx::query_as(LINKS_TO).bind(backend).bind(Json(place)).bind(Json(remote_ids))
}

pub(super) fn links_of_place<'q>(backend: &'q str, place: &'q Project, after: Option<IssueId>, limit: u32) -> Rows<'q, LinkRow> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    sqlx::query_as(LINKS_OF_PLACE).bind(backend).bind(Json(place)).bind(after).bind(limit)
}

pub(super) fn count_links<'q>(backend: &'q str, place: &'q Project, most: u32) -> Rows<'q, (i64,)> {
    sqlx::query_as(COUNT_LINKS).bind(backend).bind(Json(place)).bind(most)
}

pub(super) fn comment_links_of(issue: IssueId, backend: &str) -> Rows<'_, CommentLinkRow> {
    sqlx::query_as(COMMENT_LINKS_OF).bind(issue.0).bind(backend)
}

pub(super) fn asked_for<'q>(target: &'q str, issues: &[IssueId]) -> Rows<'q, (Uuid,)> {
    let ids: Vec<Uuid> = issues.iter().map(|id| id.0).collect();
    sqlx::query_as(ASKED_FOR).bind(target).bind(Json(ids))
}

pub(super) fn bindings() -> Rows<'static, BoundRow> {
    sqlx::query_as(BINDINGS)
}

/// Each of the three is a transaction by itself; between them it can at most be changed once more, which is told then.
pub(super) async fn put_binding(store: &SqliteStore, wish: &PutBinding<'_>) -> Result<Option<BoundRow>, StoreError> {
    let PutBinding { binding, source, read_edition, now } = *wish;
    let (name, source) = (&binding.name, source.as_str());
    if read_edition.is_none_or(|edition| edition == 0) {
        let opening = sqlx::query_as(OPEN_BINDING).bind(name).bind(Json(binding)).bind(source).bind(moment_text(now));
        let opened = store.write_one(opening).await?;
        if opened.is_some() || read_edition.is_some() {
            return Ok(opened);
        }
    }
    let changing = sqlx::query_as(CHANGE_BINDING).bind(name).bind(Json(binding)).bind(source).bind(read_edition);
    match store.write_one(changing).await? {
        Some(changed) => Ok(Some(changed)),
        None => store.read_one(sqlx::query_as(BINDING).bind(name).bind(read_edition)).await,
    }
}

pub(super) fn pause_binding(name: &str, paused: bool, now: DateTime<Utc>) -> Rows<'_, BoundRow> {
    sqlx::query_as(PAUSE_BINDING).bind(name).bind(paused).bind(moment_text(now))
}

pub(super) fn hurry_binding(name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Rows<'_, BoundRow> {
    sqlx::query_as(HURRY_BINDING).bind(name).bind(audit).bind(brake_off).bind(moment_text(now))
}

pub(super) fn delete_binding(name: &str, read_edition: Option<i64>) -> Write<'_> {
    sqlx::query(DELETE_BINDING).bind(name).bind(read_edition)
}

pub(super) fn lease_binding(name: &str, lease: BindingLease) -> Rows<'_, BoundRow> {
    let BindingLease { now, until, token, now_or_later } = lease;
    sqlx::query_as(LEASE_BINDING).bind(name).bind(moment_text(now)).bind(token).bind(moment_text(until)).bind(now_or_later)
}

pub(super) fn release_binding<'q>(name: &'q str, token: Uuid, end: &'q BindingEnd) -> Write<'q> {
    sqlx::query(RELEASE_BINDING)
        .bind(name)
        .bind(token)
        .bind(Json(&end.cursor))
        .bind(end.last.as_ref().map(Json))
        .bind(moment_text(end.due_at))
}

/// What hints at nothing waits for nobody.
pub(super) fn keep_hook(hook: &NewDelivery) -> Write<'_> {
    let hint = hook.hint.as_ref();
    let followed_at = if hint.is_none() { Some(moment_text(hook.received_at)) } else { None };
    sqlx::query(KEEP_HOOK)
        .bind(&hook.backend)
        .bind(&hook.delivery)
        .bind(&hook.event)
        .bind(moment_text(hook.received_at))
        .bind(&hook.body)
        .bind(hint.map(|hint| hint.kind.as_str()))
        .bind(hint.map(|hint| Json(&hint.place)))
        .bind(hint.map(|hint| &hint.remote_id))
        .bind(followed_at)
}

pub(super) fn hooks(backend: &str, limit: u32) -> Rows<'_, HookRow> {
    sqlx::query_as(HOOKS).bind(backend).bind(limit)
}

pub(super) fn purge_hooks(before: DateTime<Utc>, limit: u32) -> Write<'static> {
    sqlx::query(PURGE_HOOKS).bind(moment_text(before)).bind(limit)
}

pub(super) fn unresolved(issue: IssueId, backend: &str) -> Rows<'_, ConflictRow> {
    sqlx::query_as(UNRESOLVED).bind(issue.0).bind(backend)
}

/// From the newest is before the last id there can be.
pub(super) fn conflicts(filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Rows<'_, ConflictRow> {
    let ConflictFilter { state, issue, backend } = filter;
    let statement = match (issue, state, backend) {
        (Some(_), _, _) => CONFLICTS_OF_ISSUE,
        (None, Some(_), Some(_)) => CONFLICTS_WITH_IN_STATE,
        (None, Some(_), None) => CONFLICTS_IN_STATE,
        (None, None, Some(_)) => CONFLICTS_WITH,
        (None, None, None) => CONFLICTS,
    };
    sqlx::query_as(statement)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(issue.map(|id| id.0))
        .bind(state.map(ConflictState::as_str))
        .bind(backend.as_deref())
        .bind(limit)
}

pub(super) fn conflict(id: Uuid) -> Rows<'static, ConflictRow> {
    sqlx::query_as(CONFLICT).bind(id)
}

pub(super) fn open_conflicts() -> Rows<'static, (String, i64)> {
    sqlx::query_as(OPEN_CONFLICTS)
}

impl SqliteStore {
    pub(super) async fn read_all<R>(&self, query: Rows<'_, R>) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let mut connection = self.reader().await?;
        let rows = query.fetch_all(&mut *connection).await;
        finish(connection, rows)
    }

    pub(super) async fn read_one<R>(&self, query: Rows<'_, R>) -> Result<Option<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        Ok(self.read_all(query).await?.pop())
    }

    /// To its end, although there is one row at most: before that the write is not done.
    pub(super) async fn write_one<R>(&self, query: Rows<'_, R>) -> Result<Option<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let mut connection = self.writer().await?;
        let rows = query.fetch_all(&mut *connection).await;
        Ok(finish(connection, rows)?.pop())
    }

    /// Answers how many rows it touched.
    pub(super) async fn execute(&self, query: Write<'_>) -> Result<u64, StoreError> {
        let mut connection = self.writer().await?;
        let answer = query.execute(&mut *connection).await;
        Ok(finish(connection, answer)?.rows_affected())
    }
}
