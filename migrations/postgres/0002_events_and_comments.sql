-- What happened to an issue, and what was said about it.
--
-- No foreign key to issues: each would look up and lock the issue's row once more for every event written, on the path
-- that every task takes, to guard against something that cannot happen. Rows are written only by `commit`, in the
-- transaction that writes their issue, and deleted only there, with their issue.
create table events (
    issue_id uuid not null,
    seq bigint not null,
    id uuid not null,
    kind text not null,
    actor text not null,
    at timestamptz not null,
    trace text,
    detail jsonb not null,
    primary key (issue_id, seq)
);

create table comments (
    id uuid primary key,
    issue_id uuid not null,
    author text not null,
    body text not null,
    created_at timestamptz not null,
    edited_at timestamptz
);

create index comments_issue_id_id_idx on comments (issue_id, id);
