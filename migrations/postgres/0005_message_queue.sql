-- The queue at work: leases, what operators look for, and the history of attempts.
--
-- A lease touches no indexed column, so that taking a message stays within its page (fillfactor leaves the room) and is
-- cleaned up there without vacuum.
alter table messages add column leased_until timestamptz;
alter table messages set (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);

drop index messages_target_due_at_idx;
create index messages_target_due_at_id_idx on messages (target, due_at, id) where dead_at is null;
create index messages_dead_idx on messages (id) where dead_at is not null;
create index messages_retrying_idx on messages (id) where dead_at is null and last_error is not null;

-- Every attempt, in the transaction that records its result. Append-only; the oldest are dropped in order of their id.
create table deliveries (
    id bigint generated always as identity primary key,
    message_id bigint not null,
    kind text not null,
    target text not null,
    issue_id uuid not null,
    event_seq bigint not null,
    attempt integer not null,
    outcome text not null,
    error text,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    trace text
);

create index deliveries_issue_id_event_seq_id_idx on deliveries (issue_id, event_seq, id);
