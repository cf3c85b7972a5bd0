-- The hot table: one row per task, written once and then updated in place. Column for column the Postgres one.
--
-- Words and lists are text, ids and hashes blobs, moments text of a fixed width in UTC with microseconds
-- (2026-06-16T07:00:00.000000Z), so that comparing the text compares the time.
create table issues (
    -- autoincrement: a number is never given twice, not even after its issue was deleted.
    number integer primary key autoincrement,
    id blob not null unique,
    title text not null,
    description text not null,
    state text not null,
    blocked_reason text,
    blocked_at text,
    blocked_was_started integer,
    close_reason text,
    closed_at text,
    priority text not null,
    kind text not null,
    labels text not null,
    assignees text not null,
    milestone text,
    due_on text,
    target_repo text,
    backend text not null,
    url text,
    source_type text,
    source_id text,
    triggering_event_id text,
    activity_definition_id text,
    review text not null,
    review_reason text,
    claimed_by text,
    claimed_until text,
    version integer not null,
    created_at text not null,
    updated_at text not null,
    archived_at text,
    -- A SHA-256. Unique, so that a repeat can never become a second issue, whoever races whom.
    dedupe_key blob unique,
    -- What the first body said; only where a repeat must say the same.
    fingerprint blob
) strict;
