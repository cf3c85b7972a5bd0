-- The queue at work: leases, what operators look for, and the history of attempts.
alter table messages add column leased_until text;

drop index messages_target_due_at_idx;
create index messages_target_due_at_id_idx on messages (target, due_at, id) where dead_at is null;
create index messages_dead_idx on messages (id) where dead_at is not null;
create index messages_retrying_idx on messages (id) where dead_at is null and last_error is not null;

-- Every attempt, in the transaction that records its result. Append-only; the oldest are dropped in order of their id.
create table deliveries (
    id integer primary key autoincrement,
    message_id integer not null,
    kind text not null,
    target text not null,
    issue_id blob not null,
    event_seq integer not null,
    attempt integer not null,
    outcome text not null,
    error text,
    started_at text not null,
    ended_at text not null,
    trace text
) strict;

create index deliveries_issue_id_event_seq_id_idx on deliveries (issue_id, event_seq, id);
