-- pgbench's own tables: as wide as the service's, with the indexes that the guarantees need (identity, no repeats) and no more.
create table issues (
    number bigint generated always as identity primary key,
    -- In the order of time, as UUIDv7 is: random ones would be unfair to pgbench.
    id uuid not null unique default (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 1, 20))::uuid,
    title text not null,
    description text not null,
    state text not null,
    priority text not null,
    kind text not null,
    labels jsonb not null,
    assignees jsonb not null,
    due_on date,
    target_repo text,
    backend text not null,
    source_type text,
    source_id text,
    triggering_event_id text,
    activity_definition_id text,
    review text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    dedupe_key bytea unique
);
create table messages (
    id bigint generated always as identity primary key,
    kind text not null,
    target text not null,
    issue_id uuid not null,
    event_seq bigint not null,
    attempt integer not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null default now()
);
