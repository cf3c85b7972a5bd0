-- Durable intents, each for one target, deleted in the transaction that records their result.
create table messages (
    -- autoincrement: a token of a message long gone must not meet a new message under the old id.
    id integer primary key autoincrement,
    kind text not null,
    target text not null,
    issue_id blob not null,
    event_seq integer not null,
    attempt integer not null default 0,
    due_at text not null,
    -- Set while somebody works on it; only who holds the token may settle it.
    lease_token blob,
    trace text,
    last_error text,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    dead_at text
) strict;

create index messages_target_due_at_idx on messages (target, due_at) where dead_at is null;
create index messages_issue_id_target_id_idx on messages (issue_id, target, id);
