-- The hot table: one row per task, written once and then updated in place.
--
-- Every index costs ingest, so it has three: its identity, its short number, and its identity among repeats. What belongs
-- to a state lives in columns of its own, null in every other state. Words are spelt as in domain/vocabulary.rs; they are
-- checked there, so that a new word needs no migration.
create table issues (
    id uuid primary key,
    number bigint generated always as identity unique,
    title text not null,
    description text not null,
    state text not null,
    blocked_reason text,
    blocked_at timestamptz,
    blocked_was_started boolean,
    close_reason text,
    closed_at timestamptz,
    priority text not null,
    kind text not null,
    -- jsonb, not text[]: the same row is read from SQLite, which has no arrays.
    labels jsonb not null,
    assignees jsonb not null,
    milestone text,
    due_on date,
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
    claimed_until timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    -- A SHA-256. Unique, so that a repeat can never become a second issue, whoever races whom.
    dedupe_key bytea unique,
    -- What the first body said; only where a repeat must say the same.
    fingerprint bytea
);
