# shellcheck shell=bash
# shellcheck disable=SC2153 # CONNECTIONS is set in lib/bench.sh
# Reading one issue by its id among many, beside pgbench selecting a row by its primary key.

part_read() {
    local connections kind
    fresh_database
    sql "$DATABASE" "$(<tests/bench.d/lib/schema.sql)"
    sql "$DATABASE" "
        insert into issues (title, description, state, priority, kind, labels, assignees, due_on, target_repo, backend, source_type, source_id,
            triggering_event_id, activity_definition_id, review, version, created_at, updated_at, dedupe_key)
        select 'Flag stale SBOM in service ' || n, repeat('The software bill of materials is old. ', 10), 'open', 'medium', 'task',
            '[\"sbom\",\"automation\",\"supply-chain\"]', '[]', current_date + 14, 'activity-core', 'sqlite', 'rule', 'flag-stale-sbom',
            'nightly-run-' || n, '7f0c2b9e-6f0d-4a53-9d53-0d3f6a1c9b11', 'none', 1, now(), now(), sha256(int8send(n))
        from generate_series(1, $ISSUES) n"
    sql "$DATABASE" 'vacuum analyze'
    for connections in "${CONNECTIONS[@]}"; do
        pgbench_point tests/bench.d/lib/select.sql "$connections"
        remember "select.$connections" "$RATE"
        row read "pgbench, select by primary key" "$connections" "$RATE" "$P50" "$P99" "$ERRORS"
    done
    for kind in postgres sqlite; do
        start_service "$kind"
        fill "$kind"
        for connections in "${CONNECTIONS[@]}"; do
            look_around
            load get "$connections" "$WARMUP_SECONDS" "BENCH_IDS=$SCRATCH/ids"
            load get "$connections" "$SECONDS_PER_POINT" "BENCH_IDS=$SCRATCH/ids"
            remember "get.$kind.$connections" "$RATE"
            row read "GET /issues/{id} on $kind" "$connections" "$RATE" "$P50" "$P99" "$ERRORS" \
                "$(ratio "get.$kind.$connections" "select.$connections") x pgbench, $EACH"
        done
        stop_service
    done
}

# Through the service itself, so that the rows are what it writes; at most two minutes of it.
fill() {
    local stored=0 deadline=$((SECONDS + 120))
    rm -f "$SCRATCH/ids"
    while ((stored < ISSUES && SECONDS < deadline)); do
        load post 64 2 "BENCH_IDS=$SCRATCH/ids"
        stored=$(stored_issues "$1")
    done
    settle
    [[ $1 != postgres ]] || sql "$DATABASE" 'vacuum analyze'
    figure read "issues to read from, $1" "$stored"
}
