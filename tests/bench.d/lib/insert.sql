-- One task, one statement, one transaction: the issue and the message about it, in tables as wide as the real ones.
\set n random(1, 2000000000)
\set m random(1, 2000000000)
with issue as (
    insert into issues (title, description, state, priority, kind, labels, assignees, due_on, target_repo, backend, source_type, source_id,
        triggering_event_id, activity_definition_id, review, version, created_at, updated_at, dedupe_key)
    values ('Flag stale SBOM in service ' || :n, 'The software bill of materials of this service is older than ninety days.

Regenerate it with the release workflow, check the new advisories it brings up, and close this issue when the report is green. Found by the nightly inventory; the rule is documented in the handbook under supply chain, section four.',
        'open', 'medium', 'task', '["sbom","automation","supply-chain"]', '[]', current_date + 14, 'activity-core', 'sqlite', 'rule',
        'flag-stale-sbom', 'nightly-run-' || :n || '-' || :m, '7f0c2b9e-6f0d-4a53-9d53-0d3f6a1c9b11', 'none', 1, now(), now(),
        sha256(int8send(:n) || int8send(:m)))
    returning id
)
insert into messages (kind, target, issue_id, event_seq, due_at)
select 'dispatch', 'router', id, 1, now() from issue;
