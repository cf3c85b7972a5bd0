-- Rows on their way in: one array of these for each table, taken apart by one `unnest`. An array for each column costs the server
-- several times as much, before anything is written, and most of what one task alone costs.
--
-- The programs that know these types send them value by value, so they are never altered: a column more is a new type beside the old
-- one, and the old one goes when no released binary sends it (see src/store/migrate.rs).
create type incoming_issue as (
    id uuid,
    title text,
    description text,
    state text,
    blocked_reason text,
    blocked_at timestamptz,
    blocked_was_started boolean,
    close_reason text,
    closed_at timestamptz,
    priority text,
    kind text,
    labels jsonb,
    assignees jsonb,
    milestone text,
    due_on date,
    target_repo text,
    backend text,
    url text,
    source_type text,
    source_id text,
    triggering_event_id text,
    activity_definition_id text,
    review text,
    review_reason text,
    claimed_by text,
    claimed_until timestamptz,
    version bigint,
    created_at timestamptz,
    updated_at timestamptz,
    archived_at timestamptz,
    dedupe_key bytea,
    fingerprint bytea,
    relations jsonb
);

create type incoming_event as (
    issue_id uuid,
    seq bigint,
    id uuid,
    kind text,
    actor text,
    at timestamptz,
    trace text,
    detail jsonb
);

create type incoming_comment as (
    id uuid,
    issue_id uuid,
    author text,
    body text,
    created_at timestamptz,
    edited_at timestamptz
);

create type incoming_message as (
    kind text,
    target text,
    issue_id uuid,
    event_seq bigint,
    due_at timestamptz,
    trace text
);

create type incoming_link as (
    issue_id uuid,
    backend text,
    position smallint,
    place jsonb,
    state text,
    intended_at timestamptz,
    remote_id text,
    remote_key text,
    url text,
    pushed jsonb,
    moved_from text,
    origin text,
    turns jsonb,
    heard text,
    missing_at timestamptz
);
