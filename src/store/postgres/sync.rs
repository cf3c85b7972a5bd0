//! Keeping two sides in agreement: bindings and their leases, deliveries of trackers, conflicts. What belongs to a change is checked
//! and written as part of [`super::commit`]; everything else is one statement, made here and run by the few lines at the end.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::query::{Query, QueryAs};
use sqlx::types::Json;
use tokio::time::timeout;
use uuid::Uuid;

use super::PostgresStore;
use crate::domain::IssueId;
use crate::domain::sync::{ConflictFilter, ConflictState, NewDelivery};
use crate::domain::tracker::Project;
use crate::store::batch::CommitBatch;
use crate::store::row::{
    BoundRow, CommentLinkRow, ConflictRow, HookRow, LinkRow, binding_columns, comment_link_columns, conflict_columns, link_columns,
};
use crate::store::{BindingEnd, BindingLease, PutBinding, StoreError};

type Arguments = <Postgres as sqlx::Database>::Arguments;

/// The bindings whose leases must hold.
const LOCK_BINDINGS: &str = "-- lock_bindings
select name, lease_token from bindings where name = any($1) order by name for update";

/// The conflicts that were decided on, and those of the issues to delete.
const LOCK_CONFLICTS: &str = "-- lock_conflicts
select id, edition from conflicts where id = any($1) or issue_id = any($2) order by id for update";

const HEAR: &str = "-- hear
with told as (
    select links.issue_id, links.backend, said.heard, said.missing_at
    from jsonb_to_recordset($1) as said (issue_id uuid, backend text, heard text, missing_at timestamptz)
    join links on links.issue_id = said.issue_id and links.backend = said.backend
    order by links.issue_id, links.backend for update of links
)
update links set heard = coalesce(told.heard, links.heard), missing_at = told.missing_at
from told where links.issue_id = told.issue_id and links.backend = told.backend";

const WRITE_CONFLICTS: &str = concat!(
    "-- write_conflicts\ninsert into conflicts (",
    conflict_columns!(),
    ")
select * from jsonb_to_recordset($1) as conflict (
    id uuid, issue_id uuid, backend text, field text, comment uuid, base jsonb, ours jsonb, theirs jsonb, state text,
    resolution text, why text, opened_at timestamptz, resolved_at timestamptz, resolved_by text, edition bigint
)
order by id
on conflict (id) do update set
    base = excluded.base, ours = excluded.ours, theirs = excluded.theirs, state = excluded.state,
    resolution = excluded.resolution, why = excluded.why, resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, edition = excluded.edition"
);

const FOLLOW_HOOKS: &str = "-- follow_hooks
with done as (
    select hooks.id, followed.at from jsonb_to_recordset($1) as followed (id bigint, at timestamptz)
    join hooks on hooks.id = followed.id order by hooks.id for update of hooks
)
update hooks set followed_at = done.at from done where hooks.id = done.id and hooks.followed_at is null";

const PROGRESS: &str = "-- progress
update bindings set cursor = far.cursor from jsonb_to_recordset($1) as far (name text, cursor jsonb)
where bindings.name = far.name";

/// One walk down the index for each id: a plan made while the table is small would look at every tie of the backend instead.
const LINKS_TO: &str = concat!(
    "-- links_to\nselect ",
    link_columns!(),
    " from unnest($3::text[]) as wanted (id) cross join lateral (
    select * from links where links.backend = $1 and links.remote_id = wanted.id and links.place = $2 offset 0
) as links"
);

/// From the start is after the nil id, as for comments.
const LINKS_OF_PLACE: &str = concat!(
    "-- links_of_place\nselect ",
    link_columns!(),
    " from links where backend = $1 and place = $2 and state = 'linked' and issue_id > $3 order by issue_id limit $4"
);

/// Ordered, so that it walks the index and stops.
const COUNT_LINKS: &str = "-- count_links
select count(*) from (
    select from links where backend = $1 and place = $2 and state = 'linked' order by issue_id limit $3
) as linked";

const COMMENT_LINKS_OF: &str = concat!(
    "-- comment_links_of\nselect ",
    comment_link_columns!(),
    " from comment_links where issue_id = $1 and backend = $2 order by subject, part"
);

/// One short walk down an index for each issue.
const ASKED_FOR: &str = "-- asked_for
select wanted.id from unnest($2::uuid[]) as wanted (id)
where (
    select messages.id from messages
    where messages.issue_id = wanted.id and target = $1 and event_seq = 0 and dead_at is null and lease_token is null
    order by messages.id limit 1
) is not null";

const BINDINGS: &str = concat!("-- bindings\nselect ", binding_columns!(), " from bindings order by name");

const OPEN_BINDING: &str = concat!(
    "-- open_binding
insert into bindings (name, rules, source, edition, cursor, due_at) values ($1, $2, $3, 1, '{}', $4)
on conflict (name) do nothing
returning ",
    binding_columns!()
);

const CHANGE_BINDING: &str = concat!(
    "-- change_binding
update bindings set rules = $2, source = $3, edition = edition + 1
where name = $1 and ($4::bigint is null or edition = $4) and (rules <> $2 or source <> $3)
returning ",
    binding_columns!()
);

const BINDING: &str =
    concat!("-- binding\nselect ", binding_columns!(), " from bindings where name = $1 and ($2::bigint is null or edition = $2)");

const PAUSE_BINDING: &str = concat!(
    "-- pause_binding
update bindings set paused = $2, hurried = hurried or not $2, due_at = case when $2 then due_at else $3 end
where name = $1
returning ",
    binding_columns!()
);

const HURRY_BINDING: &str = concat!(
    "-- hurry_binding
update bindings set
    hurried = true, audit_wanted = audit_wanted or $2, brake_off = brake_off or $3, due_at = least(due_at, $4)
where name = $1
returning ",
    binding_columns!()
);

const DELETE_BINDING: &str = "-- delete_binding
delete from bindings where name = $1 and ($2::bigint is null or edition = $2)";

/// The wishes that came in the meantime go to whoever takes it. Who has it already and asks for longer finds them the next time.
const LEASE_BINDING: &str = concat!(
    r#"-- lease_binding
with free as (
    select name, lease_token is distinct from $3 as anew from bindings
    where name = $1 and not paused and (due_at <= $2 or $5) and (leased_until is null or leased_until <= $2 or lease_token = $3)
    for update skip locked
)
update bindings set
    lease_token = $3, leased_until = $4,
    cursor = cursor
        || case when anew and audit_wanted then '{"audit_wanted": true}'::jsonb else '{}' end
        || case when anew and brake_off then '{"brake_off": true}'::jsonb else '{}' end,
    hurried = hurried and not anew, audit_wanted = audit_wanted and not anew, brake_off = brake_off and not anew
from free where bindings.name = free.name
returning "#,
    binding_columns!()
);

const RELEASE_BINDING: &str = "-- release_binding
update bindings set
    cursor = $3, last = coalesce($4, last), due_at = case when hurried then least(due_at, $5) else $5 end, hurried = false,
    lease_token = null, leased_until = null
where name = $1 and lease_token = $2";

const KEEP_HOOK: &str = "-- keep_hook
insert into hooks (backend, delivery, event, received_at, body, hint_kind, hint_place, hint_remote_id, followed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (backend, delivery) do nothing";

const HOOKS: &str = "-- hooks
select id, backend, received_at, hint_kind, hint_place, hint_remote_id from hooks
where backend = $1 and followed_at is null order by id limit $2";

/// An array, so that however many there may be they are looked up by their ids.
const PURGE_HOOKS: &str = "-- purge_hooks
delete from hooks where id = any(array(select id from hooks where received_at < $1 order by received_at limit $2))";

/// There is one for each field as a rule, and one for a comment now and then.
const UNRESOLVED: &str = concat!(
    "-- unresolved\nselect ",
    conflict_columns!(),
    " from conflicts where issue_id = $1 and backend = $2 and state <> 'resolved' order by id limit 1000"
);

/// One of these for each question, so that each finds its index.
macro_rules! conflicts_where {
    ($name:literal, $asked:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect ",
            conflict_columns!(),
            " from conflicts where id < $1 and ",
            $asked,
            " and ($2::uuid is null or issue_id = $2) and ($3::text is null or state = $3) and ($4::text is null or backend = $4)",
            " order by id desc limit $5"
        )
    };
}

const CONFLICTS: &str = conflicts_where!("conflicts", "true");
const CONFLICTS_OF_ISSUE: &str = conflicts_where!("conflicts_of_issue", "issue_id = $2");
const CONFLICTS_IN_STATE: &str = conflicts_where!("conflicts_in_state", "state = $3");
const CONFLICTS_WITH: &str = conflicts_where!("conflicts_with", "backend = $4");
const CONFLICTS_WITH_IN_STATE: &str = conflicts_where!("conflicts_with_in_state", "backend = $4 and state = $3");

const CONFLICT: &str = concat!("-- conflict\nselect ", conflict_columns!(), " from conflicts where id = $1");

const OPEN_CONFLICTS: &str = "-- open_conflicts
select backend, count(*) from conflicts where state = 'open' group by backend order by backend";

/// Whose bindings they are, and which editions there are: whoever is wrong about it is out before anything is written.
pub(super) async fn check(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let names = batch.leased_bindings();
    if !names.is_empty() {
        let held: Vec<(String, Option<Uuid>)> = sqlx::query_as(LOCK_BINDINGS).bind(names).fetch_all(&mut *connection).await?;
        batch.check_leases(&held);
    }
    let (decided_on, deleting) = (batch.conflicts_decided_on(), batch.wished_deletes());
    if !decided_on.is_empty() || !deleting.is_empty() {
        let locking = sqlx::query_as(LOCK_CONFLICTS).bind(decided_on).bind(deleting);
        let editions: Vec<(Uuid, i64)> = locking.fetch_all(&mut *connection).await?;
        batch.check_editions(&editions);
    }
    Ok(())
}

pub(super) async fn write(connection: &mut PgConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    each(connection, HEAR, &batch.heard()).await?;
    each(connection, WRITE_CONFLICTS, &batch.conflicts()).await?;
    each(connection, FOLLOW_HOOKS, &batch.hooks_done()).await?;
    each(connection, PROGRESS, &batch.progress()).await
}

/// Runs a statement over rows, if there are any.
async fn each<T: Serialize + Sync>(connection: &mut PgConnection, statement: &'static str, rows: &[T]) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(Json(rows)).execute(connection).await?;
    }
    Ok(())
}

type Rows<'q, R> = QueryAs<'q, Postgres, R, Arguments>;
type Write<'q> = Query<'q, Postgres, Arguments>;

pub(super) fn links_to<'q>(backend: &'q str, place: &'q Project, remote_ids: &'q [String]) -> Rows<'q, LinkRow> {
    sqlx::query_as(LINKS_TO).bind(backend).bind(Json(place)).bind(remote_ids)
}

pub(super) fn links_of_place<'q>(backend: &'q str, place: &'q Project, after: Option<IssueId>, limit: u32) -> Rows<'q, LinkRow> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    sqlx::query_as(LINKS_OF_PLACE).bind(backend).bind(Json(place)).bind(after).bind(i64::from(limit))
}

pub(super) fn count_links<'q>(backend: &'q str, place: &'q Project, most: u32) -> Rows<'q, (i64,)> {
    sqlx::query_as(COUNT_LINKS).bind(backend).bind(Json(place)).bind(i64::from(most))
}

pub(super) fn comment_links_of(issue: IssueId, backend: &str) -> Rows<'_, CommentLinkRow> {
    sqlx::query_as(COMMENT_LINKS_OF).bind(issue.0).bind(backend)
}

pub(super) fn asked_for<'q>(target: &'q str, issues: &[IssueId]) -> Rows<'q, (Uuid,)> {
    let ids: Vec<Uuid> = issues.iter().map(|id| id.0).collect();
    sqlx::query_as(ASKED_FOR).bind(target).bind(ids)
}

pub(super) fn bindings() -> Rows<'static, BoundRow> {
    sqlx::query_as(BINDINGS)
}

/// Each of the three is a transaction by itself; between them it can at most be changed once more, which is told then.
pub(super) async fn put_binding(store: &PostgresStore, wish: &PutBinding<'_>) -> Result<Option<BoundRow>, StoreError> {
    let PutBinding { binding, source, read_edition, now } = *wish;
    let (name, source) = (&binding.name, source.as_str());
    if read_edition.is_none_or(|edition| edition == 0) {
        let opening = sqlx::query_as(OPEN_BINDING).bind(name).bind(Json(binding)).bind(source).bind(now);
        let opened = store.one(opening).await?;
        if opened.is_some() || read_edition.is_some() {
            return Ok(opened);
        }
    }
    let changing = sqlx::query_as(CHANGE_BINDING).bind(name).bind(Json(binding)).bind(source).bind(read_edition);
    match store.one(changing).await? {
        Some(changed) => Ok(Some(changed)),
        None => store.one(sqlx::query_as(BINDING).bind(name).bind(read_edition)).await,
    }
}

pub(super) fn pause_binding(name: &str, paused: bool, now: DateTime<Utc>) -> Rows<'_, BoundRow> {
    sqlx::query_as(PAUSE_BINDING).bind(name).bind(paused).bind(now)
}

pub(super) fn hurry_binding(name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Rows<'_, BoundRow> {
    sqlx::query_as(HURRY_BINDING).bind(name).bind(audit).bind(brake_off).bind(now)
}

pub(super) fn delete_binding(name: &str, read_edition: Option<i64>) -> Write<'_> {
    sqlx::query(DELETE_BINDING).bind(name).bind(read_edition)
}

pub(super) fn lease_binding(name: &str, lease: BindingLease) -> Rows<'_, BoundRow> {
    let BindingLease { now, until, token, now_or_later } = lease;
    sqlx::query_as(LEASE_BINDING).bind(name).bind(now).bind(token).bind(until).bind(now_or_later)
}

pub(super) fn release_binding<'q>(name: &'q str, token: Uuid, end: &'q BindingEnd) -> Write<'q> {
    sqlx::query(RELEASE_BINDING).bind(name).bind(token).bind(Json(&end.cursor)).bind(end.last.as_ref().map(Json)).bind(end.due_at)
}

/// What hints at nothing waits for nobody.
pub(super) fn keep_hook(hook: &NewDelivery) -> Write<'_> {
    let hint = hook.hint.as_ref();
    let followed_at = if hint.is_none() { Some(hook.received_at) } else { None };
    sqlx::query(KEEP_HOOK)
        .bind(&hook.backend)
        .bind(&hook.delivery)
        .bind(&hook.event)
        .bind(hook.received_at)
        .bind(&hook.body)
        .bind(hint.map(|hint| hint.kind.as_str()))
        .bind(hint.map(|hint| Json(&hint.place)))
        .bind(hint.map(|hint| &hint.remote_id))
        .bind(followed_at)
}

pub(super) fn hooks(backend: &str, limit: u32) -> Rows<'_, HookRow> {
    sqlx::query_as(HOOKS).bind(backend).bind(i64::from(limit))
}

pub(super) fn purge_hooks(before: DateTime<Utc>, limit: u32) -> Write<'static> {
    sqlx::query(PURGE_HOOKS).bind(before).bind(i64::from(limit))
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
        .bind(i64::from(limit))
}

pub(super) fn conflict(id: Uuid) -> Rows<'static, ConflictRow> {
    sqlx::query_as(CONFLICT).bind(id)
}

pub(super) fn open_conflicts() -> Rows<'static, (String, i64)> {
    sqlx::query_as(OPEN_CONFLICTS)
}

impl PostgresStore {
    pub(super) async fn all<R>(&self, query: Rows<'_, R>) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, query.fetch_all(&mut *connection)).await;
        self.finish(connection, answer)
    }

    /// As [`Self::all`], for a list in an order: planned anew, and by an index.
    pub(super) async fn find_all<R>(&self, query: Rows<'_, R>) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, query.fetch_all(&mut *connection)).await;
        self.finish(connection, answer)
    }

    pub(super) async fn one<R>(&self, query: Rows<'_, R>) -> Result<Option<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(self.all(query).await?.pop())
    }

    /// Answers how many rows it touched.
    pub(super) async fn execute(&self, query: Write<'_>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, query.execute(&mut *connection)).await;
        Ok(self.finish(connection, answer)?.rows_affected())
    }
}
