-- What lists, searches and counts stand on. Every index is paid for by each task filed, so:
--
-- * An index on `issues` ends with (created_at, number), the usual order of a list, and so gives a page without sorting.
-- * What most tasks lack, or have in common, is left out of its index (`where …`): it costs nothing on the way in.
-- * What a task has any number of (labels, assignees) lies in a narrow table of its own, not in an array with a GIN index.
create index issues_created_at_idx on issues (created_at, number);
create index issues_updated_at_idx on issues (updated_at, number);
create index issues_due_on_idx on issues (due_on, number);
create index issues_target_repo_idx on issues (target_repo, created_at, number);
create index issues_source_id_idx on issues (source_id, created_at, number);
create index issues_activity_definition_id_idx on issues (activity_definition_id, created_at, number);
-- An event emits some hundred tasks at most: they are sorted when asked for, and their equal keys are stored once.
create index issues_triggering_event_id_idx on issues (triggering_event_id);
-- The order of urgency within a state: what to do next, and the rare states. Spelt as in the queries, or it is not used.
create index issues_urgency_idx on issues (
    state, (case priority when 'high' then 1 when 'medium' then 2 else 3 end), (coalesce(due_on, date '9999-12-31')), created_at, number
);
create index issues_milestone_idx on issues (milestone, created_at, number) where milestone is not null;
create index issues_kind_idx on issues (kind, created_at, number) where kind <> 'task';
create index issues_backend_idx on issues (backend, created_at, number) where backend <> 'postgres';
create index issues_review_idx on issues (review, created_at, number) where review <> 'none';
create index issues_closed_at_idx on issues (closed_at, number) where closed_at is not null;
create index issues_archived_idx on issues (created_at, number) where archived_at is not null;

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
