-- One task, one statement, one transaction, in the service's own tables: the issue, its words, and the message about it, with every index that
-- lists and searches stand on. Not its history, its labels' lists and the counts.
-- The words come ready, as the service sends them: finding them would cost as much as writing them.
\set n random(1, 2000000000)
\set m random(1, 2000000000)
with issue as (
    insert into issues (id, title, description, state, priority, kind, labels, assignees, due_on, target_repo, backend, source_type, source_id,
        triggering_event_id, activity_definition_id, review, version, created_at, updated_at, dedupe_key)
    values ((lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 1, 20))::uuid,
        'Flag stale SBOM in service ' || :n, 'The software bill of materials of this service is older than ninety days.

Regenerate it with the release workflow, check the new advisories it brings up, and close this issue when the report is green. Found by the nightly inventory; the rule is documented in the handbook under supply chain, section four.',
        'open', 'medium', 'task', '["sbom","automation","supply-chain"]', '[]', current_date + 14, 'activity-core', 'postgres', 'rule',
        'flag-stale-sbom', 'nightly-run-' || :n || '-' || :m, '7f0c2b9e-6f0d-4a53-9d53-0d3f6a1c9b11', 'none', 1, now(), now(),
        sha256(int8send(:n) || int8send(:m)))
    on conflict (dedupe_key) do nothing
    returning id, number, created_at
), words as (
    insert into issue_texts (number, words) select number, (:n || ':6 advisories:29 and:33 bill:9 brings:31 by:43 chain:56 check:26 close:34 days:19 documented:50 flag:1 found:42 four:58 green:41
        handbook:53 in:4,51 inventory:46 is:15,40,49 issue:36 it:21,30 materials:11 new:28 nightly:45 ninety:18 of:10,12 older:16
        regenerate:20 release:24 report:39 rule:48 sbom:3 section:57 service:5,14 software:8 stale:2 supply:55 than:17
        the:7,23,27,38,44,47,52 this:13,35 under:54 up:32 when:37 with:22 workflow:25')::tsvector
    from issue
)
insert into messages (kind, target, issue_id, event_seq, due_at) select 'dispatch', 'router', id, 1, created_at from issue;
