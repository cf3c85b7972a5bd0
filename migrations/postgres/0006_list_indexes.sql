-- What lists stand on. Every index is paid for by each task filed, so:
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
