-- What lists by label, searches and counts stand on, written in the transaction that writes their issue.

-- Labels and assignees, ignoring case. The moment is the issue's, so that a list by label is read off in order.
create table issue_tags (
    facet text not null,
    key text collate "C" not null,
    created_at timestamptz not null,
    number bigint not null,
    primary key (facet, key, created_at, number)
);

-- The words of each issue with its comments, cut by the service (domain/search.rs), with their positions.
create table issue_texts (
    number bigint primary key,
    words tsvector not null
);

-- A long pending list makes one task in thousands wait for all of it.
create index issue_texts_words_idx on issue_texts using gin (words) with (gin_pending_list_limit = 256);

-- How many issues have each value, kept by every commit, exact at all times. A commit adds to the rows of its own
-- connection's shard, so that two committers seldom wait for each other; readers sum the shards up.
create table facet_counts (
    facet text not null,
    key text collate "C" not null,
    name text collate "C" not null,
    shard smallint not null,
    active bigint not null,
    closed bigint not null,
    primary key (facet, key, name, shard)
) with (fillfactor = 50);
