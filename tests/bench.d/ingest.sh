# shellcheck shell=bash
# shellcheck disable=SC2153 # CONNECTIONS is set in lib/bench.sh
# Filing tasks: POST /issues/ on Postgres and on SQLite, beside pgbench writing one task per transaction, in three ways: the issue, its words and
# its message into the service's own tables, with all indexes of lists and searches; the issue and its message alone, in a table with three
# indexes; and every row that the service writes. Which ratio says what: docs/decisions.md.

part_ingest() {
    local connections kind
    for connections in "${CONNECTIONS[@]}"; do
        fresh_database
        sql "$DATABASE" "$(<tests/bench.d/lib/schema.sql)"
        pgbench_point tests/bench.d/lib/insert.sql "$connections"
        remember "lean.$connections" "$RATE"
        row ingest "pgbench, three indexes" "$connections" "$RATE" "$P50" "$P99" "$ERRORS"
        pgbench_in_service_tables task "pgbench, one task per transaction" "$connections"
        pgbench_in_service_tables whole "pgbench, every row of a task" "$connections"
        for kind in postgres sqlite; do
            start_service "$kind"
            ingest_point "$kind" "$connections"
            stop_service
            [[ -z $beside ]] || ingest_beside "$kind" "$connections"
        done
    done
}

# pgbench_in_service_tables SCRIPT WORK CONNECTIONS
pgbench_in_service_tables() {
    # The service makes its tables.
    start_service postgres
    stop_service
    pgbench_point "tests/bench.d/lib/$1.sql" "$3"
    remember "$1.$3" "$RATE"
    row ingest "$2" "$3" "$RATE" "$P50" "$P99" "$ERRORS"
}

# ingest_beside KIND CONNECTIONS: the same point with the second binary, and the ratio of the first to it.
ingest_beside() {
    local binary=$beside which=" (second)" first
    first=$(recall "post.$1.$2")
    start_service "$1"
    ingest_point "$1" "$2"
    stop_service
    remember "beside.$1.$2" "$RATE"
    remember "post.$1.$2" "$first"
    figure ingest "first binary to second, $1, $2 conn" "x $(ratio "post.$1.$2" "beside.$1.$2")"
}

ingest_point() {
    local kind=$1 connections=$2 before stored
    load post "$connections" "$WARMUP_SECONDS"
    sql postgres checkpoint
    before=$(stored_issues "$kind")
    load post "$connections" "$SECONDS_PER_POINT"
    remember "post.$kind.$connections" "$RATE"
    row ingest "POST /issues/ on $kind${which:-}" "$connections" "$RATE" "$P50" "$P99" "$ERRORS" \
        "x pgbench: $(for other in task lean whole; do printf '%s %s, ' "$(ratio "post.$kind.$connections" "$other.$connections")" "$other"; done)$EACH"
    # Every answer stands for a row. There may be a few more: those answered just after wrk had stopped counting.
    stored=$(($(stored_issues "$kind") - before))
    if ((stored < REQUESTS - ERRORS || stored > REQUESTS + connections)); then
        figure ingest "WRONG" "$REQUESTS answers, $ERRORS errors, but $stored issues stored"
    fi
}
