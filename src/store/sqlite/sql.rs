//! The statements of [`super::commit`] about issues and what hangs on them, apart from the code that runs them. Each opens with its name.
//!
//! Rows come in as one JSON array of objects, keyed by column: one statement for each kind of
//! write, for a batch of any size. `->>` gives a JSON string as text, a number as integer, null as
//! null; ids and hashes are hex in the JSON.

use crate::store::row::written_columns;

/// New issues, each key that is there already left out. The writer is alone, so nothing can come between.
pub(super) const INSERT_ISSUES: &str = concat!(
    "-- insert_issues\ninsert into issues (",
    written_columns!(),
    ")
select
    unhex(value ->> 'id', '-'), value ->> 'title', value ->> 'description', value ->> 'state', value ->> 'blocked_reason',
    value ->> 'blocked_at', value ->> 'blocked_was_started', value ->> 'close_reason', value ->> 'closed_at',
    value ->> 'priority', value ->> 'kind', value -> 'labels', value -> 'assignees', value ->> 'milestone',
    value ->> 'due_on', value ->> 'target_repo', value ->> 'backend', value ->> 'url', value ->> 'source_type',
    value ->> 'source_id', value ->> 'triggering_event_id', value ->> 'activity_definition_id', value ->> 'review',
    value ->> 'review_reason', value ->> 'claimed_by', value ->> 'claimed_until', value ->> 'version',
    value ->> 'created_at', value ->> 'updated_at', value ->> 'archived_at',
    unhex(value ->> 'dedupe_key'), unhex(value ->> 'fingerprint'), value ->> 'relations'
from json_each(?1)
where not exists (select 1 from issues where issues.dedupe_key = unhex(value ->> 'dedupe_key'))
order by key
returning id, number"
);

pub(super) const INSERT_EVENTS: &str = "-- insert_events
insert into events (issue_id, seq, id, kind, actor, at, trace, detail)
select
    unhex(value ->> 'issue_id', '-'), value ->> 'seq', unhex(value ->> 'id', '-'), value ->> 'kind', value ->> 'actor',
    value ->> 'at', value ->> 'trace', value -> 'detail'
from json_each(?1)
order by key";

pub(super) const INSERT_COMMENTS: &str = "-- insert_comments
insert into comments (id, issue_id, author, body, created_at, edited_at)
select
    unhex(value ->> 'id', '-'), unhex(value ->> 'issue_id', '-'), value ->> 'author', value ->> 'body',
    value ->> 'created_at', value ->> 'edited_at'
from json_each(?1)
order by key";

pub(super) const INSERT_MESSAGES: &str = "-- insert_messages
insert into messages (kind, target, issue_id, event_seq, due_at, trace)
select
    value ->> 'kind', value ->> 'target', unhex(value ->> 'issue_id', '-'), value ->> 'event_seq', value ->> 'due_at',
    value ->> 'trace'
from json_each(?1)
order by key";

pub(super) const CLAIMS: &str = "-- claims
select id, lease_token from messages where id in (select value from json_each(?1))";

/// Everything but what is given once: the number, the time and the identity among repeats.
pub(super) const UPDATE_ISSUES: &str = "-- update_issues
update issues set
    title = value ->> 'title', description = value ->> 'description', state = value ->> 'state',
    blocked_reason = value ->> 'blocked_reason', blocked_at = value ->> 'blocked_at',
    blocked_was_started = value ->> 'blocked_was_started', close_reason = value ->> 'close_reason',
    closed_at = value ->> 'closed_at', priority = value ->> 'priority', kind = value ->> 'kind',
    labels = value -> 'labels', assignees = value -> 'assignees', milestone = value ->> 'milestone',
    due_on = value ->> 'due_on', target_repo = value ->> 'target_repo', backend = value ->> 'backend',
    url = value ->> 'url', source_type = value ->> 'source_type', source_id = value ->> 'source_id',
    triggering_event_id = value ->> 'triggering_event_id', activity_definition_id = value ->> 'activity_definition_id',
    review = value ->> 'review', review_reason = value ->> 'review_reason',
    claimed_by = value ->> 'claimed_by', claimed_until = value ->> 'claimed_until',
    version = value ->> 'version', updated_at = value ->> 'updated_at', archived_at = value ->> 'archived_at',
    relations = value ->> 'relations'
from json_each(?1)
where issues.id = unhex(value ->> 'id', '-')";

pub(super) const DELETE_ISSUES: &str = "-- delete_issues
delete from issues where id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_EVENTS_OF: &str = "-- delete_events_of
delete from events where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_COMMENTS_OF: &str = "-- delete_comments_of
delete from comments where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) const DELETE_MESSAGES_OF: &str = "-- delete_messages_of
delete from messages where issue_id in (select unhex(value, '-') from json_each(?1))";

pub(super) const EDIT_COMMENTS: &str = "-- edit_comments
update comments set body = value ->> 'body', edited_at = value ->> 'edited_at'
from json_each(?1)
where comments.id = unhex(value ->> 'id', '-') and comments.issue_id = unhex(value ->> 'issue_id', '-')";

pub(super) const DELETE_COMMENTS: &str = "-- delete_comments
delete from comments where id in (select unhex(value, '-') from json_each(?1))";

/// The comments that are searched with their issue, oldest first; the rest of a very long one is cut off anyway.
pub(super) const REMARKS: &str = "-- remarks
select issue_id, body from (
    select issue_id, id, substr(body, 1, 100000) as body, row_number() over (partition by issue_id order by id) as place
    from comments where issue_id in (select unhex(value, '-') from json_each(?1))
)
where place <= 500 order by issue_id, id";

pub(super) const INSERT_TEXTS: &str = "-- insert_texts
insert into issue_texts (rowid, words) select value ->> 0, value ->> 1 from json_each(?1)";

pub(super) const DELETE_TEXTS: &str = "-- delete_texts
delete from issue_texts where rowid in (select value from json_each(?1))";

pub(super) const INSERT_TAGS: &str = "-- insert_tags
insert into issue_tags (facet, key, created_at, number)
select value ->> 'facet', value ->> 'key', value ->> 'created_at', value ->> 'number' from json_each(?1)";

pub(super) const DELETE_TAGS: &str = "-- delete_tags
delete from issue_tags where (facet, key, created_at, number) in (
    select value ->> 'facet', value ->> 'key', value ->> 'created_at', value ->> 'number' from json_each(?1)
)";

pub(super) const COUNT: &str = "-- count
insert into facet_counts (facet, key, name, active, closed)
select value ->> 'facet', value ->> 'key', value ->> 'name', value ->> 'active', value ->> 'closed' from json_each(?1)
where true
on conflict (facet, key, name) do update set active = active + excluded.active, closed = closed + excluded.closed";
