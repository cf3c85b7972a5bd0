-- What lists, searches and counts stand on; the reasons are given in the Postgres migration.
create index issues_created_at_idx on issues (created_at, number);
create index issues_updated_at_idx on issues (updated_at, number);
create index issues_due_on_idx on issues (due_on, number);
create index issues_target_repo_idx on issues (target_repo, created_at, number);
create index issues_source_id_idx on issues (source_id, created_at, number);
create index issues_activity_definition_id_idx on issues (activity_definition_id, created_at, number);
create index issues_triggering_event_id_idx on issues (triggering_event_id, created_at, number);
create index issues_urgency_idx on issues (
    state, (case priority when 'high' then 1 when 'medium' then 2 else 3 end), (coalesce(due_on, '9999-12-31')), created_at, number
);
-- A value that is asked for is known to be not null, and only that: SQLite does not look into a parameter for more.
create index issues_milestone_idx on issues (milestone, created_at, number) where milestone is not null;
create index issues_closed_at_idx on issues (closed_at, number) where closed_at is not null;
create index issues_archived_idx on issues (created_at, number) where archived_at is not null;
create index issues_state_idx on issues (state, created_at, number);
create index issues_review_idx on issues (review, created_at, number);

create table issue_tags (
    facet text not null,
    key text not null,
    created_at text not null,
    number integer not null,
    primary key (facet, key, created_at, number)
) strict, without rowid;

-- Only the index is kept; the row number is the issue's. The words come in cut and in lower case, with a space between
-- them: this tokenizer splits nothing but ASCII, and takes every other character as a letter.
create virtual table issue_texts using fts5 (words, tokenize = 'ascii', content = '', contentless_delete = 1);

-- The writer is alone: no shards, but the same rows.
create table facet_counts (
    facet text not null,
    key text not null,
    name text not null,
    active integer not null,
    closed integer not null,
    primary key (facet, key, name)
) strict, without rowid;
