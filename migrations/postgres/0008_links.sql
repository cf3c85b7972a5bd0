-- What lies in which tracker, and what was sent there; and how much a credential has written lately.
--
-- A link is written before anything is sent, so that a process that dies in between leaves a trace to be followed up.
create table links (
    issue_id uuid not null,
    -- The backend's configured name.
    backend text not null,
    position smallint not null,
    place jsonb not null,
    state text not null,
    intended_at timestamptz,
    remote_id text,
    remote_key text,
    url text,
    -- What was sent last: an update carries only what differs from it.
    pushed jsonb,
    primary key (issue_id, backend)
);

-- Comments there: ours, and the parts of a text that one body could not hold.
create table comment_links (
    issue_id uuid not null,
    backend text not null,
    -- The comment's id, or the issue's for a part of its body.
    subject uuid not null,
    part smallint not null,
    state text not null,
    intended_at timestamptz,
    remote_id text,
    -- A digest of the text that was sent last.
    pushed text,
    primary key (issue_id, backend, subject, part)
);

-- Every creating write of the last hour or so. The row of a budget is the lock under which its spendings are counted.
create table budgets (
    name text primary key
);

create table spendings (
    budget text not null,
    at timestamptz not null,
    -- Two may fall on one moment.
    id bigint generated always as identity,
    primary key (budget, at, id)
);
