-- Both directions: what a tie remembers of the other side, which places are kept in agreement and how far that is, what trackers tell
-- by themselves, and the clashes that were met.
--
-- Only adds. A binary that knows nothing of it writes ties as before: they are ours, and were never heard of.

-- What the API called it before it moved.
alter table links add column moved_from text;
alter table links add column origin text not null default 'ours';
-- Which fields went which way lately.
alter table links add column turns text;
-- What lists said of it: by the tracker's clock, and by ours.
alter table links add column heard text;
alter table links add column missing_at text;

create index links_backend_remote_id_idx on links (backend, remote_id);
-- What people call it, whichever tracker they mean.
create index links_remote_key_idx on links (remote_key) where remote_key is not null;
-- A place from end to end, in pieces.
create index links_place_idx on links (backend, place, issue_id) where state = 'linked';

-- What both sides last agreed on.
alter table comment_links add column base text;
alter table comment_links add column origin text not null default 'ours';

-- Few rows. Who works on one holds the lease; nothing of how far it is gets written without its token.
create table bindings (
    name text primary key not null,
    rules text not null,
    source text not null,
    paused integer not null default 0,
    edition integer not null,
    cursor text not null,
    -- The last pass that ended.
    last text,
    due_at text not null,
    lease_token blob,
    leased_until text,
    -- Wishes that came in the meantime. Beside the cursor, which belongs to whoever holds the lease and would be written over them.
    hurried integer not null default 0,
    audit_wanted integer not null default 0,
    brake_off integer not null default 0
) strict, without rowid;

-- Deliveries as they came. What they hint at is followed once, then they are kept for a while to be looked into.
create table hooks (
    id integer primary key autoincrement,
    backend text not null,
    delivery text not null,
    event text not null,
    received_at text not null,
    body blob not null,
    -- All three or none of them.
    hint_kind text,
    hint_place text,
    hint_remote_id text,
    -- At once, where there is nothing to follow.
    followed_at text
) strict;

create unique index hooks_backend_delivery_idx on hooks (backend, delivery);
create index hooks_waiting_idx on hooks (backend, id) where followed_at is null;
create index hooks_received_at_idx on hooks (received_at);

-- Ids grow with time: newest first is by id.
create table conflicts (
    id blob primary key not null,
    issue_id blob not null,
    backend text not null,
    field text not null,
    -- The comment's id, where it is about one.
    comment blob,
    base text,
    ours text,
    theirs text,
    state text not null,
    resolution text,
    why text not null,
    opened_at text not null,
    resolved_at text,
    resolved_by text,
    edition integer not null
) strict, without rowid;

create index conflicts_unresolved_idx on conflicts (issue_id, backend) where state <> 'resolved';
create index conflicts_issue_id_id_idx on conflicts (issue_id, id);
create index conflicts_state_id_idx on conflicts (state, id);
create index conflicts_backend_id_idx on conflicts (backend, id);
create index conflicts_backend_state_id_idx on conflicts (backend, state, id);
