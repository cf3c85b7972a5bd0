-- What lists stand on; the reasons are given in the Postgres migration.
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
