//! The statements of [`super::commit`] about issues and what hangs on them, apart from the code that runs them. Each opens with its name, so that the server's
//! own statistics and slow log can be read.
//!
//! Writes take arrays: one statement for each kind of write, for a batch of any size.

use crate::store::row::issue_columns;

/// Children of issues that were there before.
pub(super) const INSERT_CHILDREN: &str = "-- insert_children
with new_events as (
    insert into events (issue_id, seq, id, kind, actor, at, trace, detail)
    select issue_id, seq, id, kind, actor, at, trace, detail from unnest($1::incoming_event[])
), new_comments as (
    insert into comments (id, issue_id, author, body, created_at, edited_at)
    select id, issue_id, author, body, created_at, edited_at from unnest($2::incoming_comment[])
)
insert into messages (kind, target, issue_id, event_seq, due_at, trace)
select kind, target, issue_id, event_seq, due_at, trace from unnest($3::incoming_message[]) with ordinality order by ordinality";

/// The messages to settle, and those of the issues to delete: all message locks are taken first, and in one order.
pub(super) const LOCK_MESSAGES: &str = "-- lock_messages
select id, lease_token from messages where id = any($1) or issue_id = any($2) order by id for update";

pub(super) const LOCK_ISSUES: &str =
    concat!("-- lock_issues\nselect ", issue_columns!(), " from issues where id = any($1) order by id for update");

/// Everything but what is given once: the number, the time and the identity among repeats.
pub(super) const UPDATE_ISSUES: &str = "-- update_issues
update issues set
    title = changed.title, description = changed.description, state = changed.state,
    blocked_reason = changed.blocked_reason, blocked_at = changed.blocked_at,
    blocked_was_started = changed.blocked_was_started, close_reason = changed.close_reason,
    closed_at = changed.closed_at, priority = changed.priority, kind = changed.kind, labels = changed.labels,
    assignees = changed.assignees, milestone = changed.milestone, due_on = changed.due_on,
    target_repo = changed.target_repo, backend = changed.backend, url = changed.url,
    source_type = changed.source_type, source_id = changed.source_id,
    triggering_event_id = changed.triggering_event_id, activity_definition_id = changed.activity_definition_id,
    review = changed.review, review_reason = changed.review_reason,
    claimed_by = changed.claimed_by, claimed_until = changed.claimed_until,
    version = changed.version, updated_at = changed.updated_at, archived_at = changed.archived_at,
    relations = changed.relations
from unnest($1::incoming_issue[]) as changed
where issues.id = changed.id";

/// An issue with all that hangs on it.
pub(super) const DELETE_ISSUES: &str = "-- delete_issues
with gone_events as (
    delete from events where issue_id = any($1)
), gone_comments as (
    delete from comments where issue_id = any($1)
), gone_messages as (
    delete from messages where issue_id = any($1)
), gone_links as (
    delete from links where issue_id = any($1)
), gone_comment_links as (
    delete from comment_links where issue_id = any($1)
), gone_conflicts as (
    delete from conflicts where issue_id = any($1)
)
delete from issues where id = any($1)";

pub(super) const EDIT_COMMENTS: &str = "-- edit_comments
update comments set body = edited.body, edited_at = edited.edited_at
from unnest($1::incoming_comment[]) as edited
where comments.id = edited.id and comments.issue_id = edited.issue_id";

pub(super) const DELETE_COMMENTS: &str = "-- delete_comments
delete from comments where id = any($1)";

/// Deletes the finished messages, records their outcomes in the history, and makes the next ones of
/// their lanes due.
pub(super) const SETTLE_MESSAGES: &str = "-- settle_messages
with done as (
    select * from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as done (id, started_at, at)
), gone as (
    delete from messages using done where messages.id = done.id
    returning messages.id, kind, target, issue_id, event_seq, attempt, trace, done.started_at, done.at
), told as (
    insert into deliveries (message_id, kind, target, issue_id, event_seq, attempt, outcome, started_at, ended_at, trace)
    select id, kind, target, issue_id, event_seq, attempt, 'delivered', started_at, at, trace
    from gone where started_at is not null order by id
), followers as (
    select follower.id, gone.at from gone cross join lateral (
        select id from messages
        where issue_id = gone.issue_id and target = gone.target and id > gone.id and dead_at is null and due_at > gone.at
            and id <> all ($1)
        order by id limit $4 for update skip locked
    ) as follower
)
update messages set due_at = followers.at from followers where messages.id = followers.id";

/// The comments that are searched with their issue, oldest first; the rest of a very long one is cut off anyway.
pub(super) const REMARKS: &str = "-- remarks
select wanted.id, remark.body
from unnest($1::uuid[]) as wanted (id)
cross join lateral (
    select comments.id, left(comments.body, 100000) as body from comments
    where comments.issue_id = wanted.id order by comments.id limit 500
) remark
order by wanted.id, remark.id";

pub(super) const WRITE_TEXTS: &str = "-- write_texts
insert into issue_texts (number, words)
select number, words from unnest($1::bigint[], $2::tsvector[]) as text (number, words)
on conflict (number) do update set words = excluded.words";

pub(super) const DELETE_TEXTS: &str = "-- delete_texts
delete from issue_texts where number = any($1)";

pub(super) const INSERT_TAGS: &str = "-- insert_tags
insert into issue_tags (facet, key, created_at, number)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[])";

pub(super) const DELETE_TAGS: &str = "-- delete_tags
delete from issue_tags
using unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[]) as gone (facet, key, created_at, number)
where issue_tags.facet = gone.facet and issue_tags.key = gone.key
    and issue_tags.created_at = gone.created_at and issue_tags.number = gone.number";

/// Last of all, and in the order they come in: these rows are shared with other sessions, and locked until the commit.
pub(super) const COUNT: &str = "-- count
insert into facet_counts as counts (facet, key, name, shard, active, closed)
select facet, key, name, pg_backend_pid() % 8, active, closed
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    with ordinality as value (facet, key, name, active, closed, place)
order by place
on conflict (facet, key, name, shard)
do update set active = counts.active + excluded.active, closed = counts.closed + excluded.closed";
