-- Both directions: what a tie remembers of the other side, which places are kept in agreement and how far that is, what trackers tell
-- by themselves, and the clashes that were met.
--
-- Only adds. A binary that knows nothing of it writes ties as before: they are ours, and were never heard of.
alter table links
    -- What the API called it before it moved.
    add column moved_from text,
    add column origin text not null default 'ours',
    -- Which fields went which way lately.
    add column turns jsonb,
    -- What lists said of it: by the tracker's clock, and by ours.
    add column heard text,
    add column missing_at timestamptz;

create index links_backend_remote_id_idx on links (backend, remote_id);
-- What people call it, whichever tracker they mean.
create index links_remote_key_idx on links (remote_key) where remote_key is not null;
-- A place from end to end, in pieces.
create index links_place_idx on links (backend, place, issue_id) where state = 'linked';

alter table comment_links
    -- What both sides last agreed on.
    add column base text,
    add column origin text not null default 'ours';

-- Few rows. Who works on one holds the lease; nothing of how far it is gets written without its token.
create table bindings (
    name text primary key,
    rules jsonb not null,
    source text not null,
    paused boolean not null default false,
    edition bigint not null,
    cursor jsonb not null,
    -- The last pass that ended.
    last jsonb,
    due_at timestamptz not null,
    lease_token uuid,
    leased_until timestamptz,
    -- Wishes that came in the meantime. Beside the cursor, which belongs to whoever holds the lease and would be written over them.
    hurried boolean not null default false,
    audit_wanted boolean not null default false,
    brake_off boolean not null default false
);

-- Deliveries as they came. What they hint at is followed once, then they are kept for a while to be looked into.
create table hooks (
    id bigint generated always as identity primary key,
    backend text not null,
    delivery text not null,
    event text not null,
    received_at timestamptz not null,
    body bytea not null,
    -- All three or none of them.
    hint_kind text,
    hint_place jsonb,
    hint_remote_id text,
    -- At once, where there is nothing to follow.
    followed_at timestamptz
);

create unique index hooks_backend_delivery_idx on hooks (backend, delivery);
create index hooks_waiting_idx on hooks (backend, id) where followed_at is null;
create index hooks_received_at_idx on hooks (received_at);

-- Ids grow with time: newest first is by id.
create table conflicts (
    id uuid primary key,
    issue_id uuid not null,
    backend text not null,
    field text not null,
    -- The comment's id, where it is about one.
    comment uuid,
    base jsonb,
    ours jsonb,
    theirs jsonb,
    state text not null,
    resolution text,
    why text not null,
    opened_at timestamptz not null,
    resolved_at timestamptz,
    resolved_by text,
    edition bigint not null
);

create index conflicts_unresolved_idx on conflicts (issue_id, backend) where state <> 'resolved';
create index conflicts_issue_id_id_idx on conflicts (issue_id, id);
create index conflicts_state_id_idx on conflicts (state, id);
create index conflicts_backend_id_idx on conflicts (backend, id);
create index conflicts_backend_state_id_idx on conflicts (backend, state, id);
