-- Durable intents, each for one target, deleted in the transaction that records their result. The table stays small: what
-- waits, and what was given up (dead_at).
create table messages (
    -- Says in which order messages were written for one issue. Not a log position: numbers are not committed in order.
    id bigint generated always as identity primary key,
    kind text not null,
    target text not null,
    issue_id uuid not null,
    event_seq bigint not null,
    attempt integer not null default 0,
    due_at timestamptz not null,
    -- Set while somebody works on it; only who holds the token may settle it.
    lease_token uuid,
    trace text,
    last_error text,
    created_at timestamptz not null default now(),
    dead_at timestamptz
);

create index messages_target_due_at_idx on messages (target, due_at) where dead_at is null;
create index messages_issue_id_target_id_idx on messages (issue_id, target, id);
