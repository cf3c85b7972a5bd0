-- What lies in which tracker, and what was sent there; and how much a credential has written lately.
--
-- A link is written before anything is sent, so that a process that dies in between leaves a trace to be followed up.
create table links (
    issue_id blob not null,
    -- The backend's configured name.
    backend text not null,
    position integer not null,
    place text not null,
    state text not null,
    intended_at text,
    remote_id text,
    remote_key text,
    url text,
    -- What was sent last: an update carries only what differs from it.
    pushed text,
    primary key (issue_id, backend)
) strict, without rowid;

-- Comments there: ours, and the parts of a text that one body could not hold.
create table comment_links (
    issue_id blob not null,
    backend text not null,
    -- The comment's id, or the issue's for a part of its body.
    subject blob not null,
    part integer not null,
    state text not null,
    intended_at text,
    remote_id text,
    -- A digest of the text that was sent last.
    pushed text,
    primary key (issue_id, backend, subject, part)
) strict, without rowid;

-- Every creating write of the last hour or so. One writer at a time counts them, so no lock is needed.
create table spendings (
    id integer primary key autoincrement,
    budget text not null,
    at text not null
) strict;

create index spendings_budget_at_idx on spendings (budget, at);
