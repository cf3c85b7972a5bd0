-- What happened to an issue, and what was said about it. No foreign keys, for the reason given in the Postgres migration.
create table events (
    issue_id blob not null,
    seq integer not null,
    id blob not null,
    kind text not null,
    actor text not null,
    at text not null,
    trace text,
    detail text not null,
    primary key (issue_id, seq)
) strict;

create table comments (
    id blob primary key not null,
    issue_id blob not null,
    author text not null,
    body text not null,
    created_at text not null,
    edited_at text
) strict;

create index comments_issue_id_id_idx on comments (issue_id, id);
