-- What lists by label, searches and counts stand on, written in the transaction that writes their issue.
-- The reasons are given in the Postgres migration.
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
