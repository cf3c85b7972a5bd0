# shellcheck shell=bash
# shellcheck disable=SC2153 # CONNECTIONS is set in lib/bench.sh
# Filing tasks: POST /issues/ on Postgres and on SQLite, beside pgbench writing one task per transaction: the issue
# and its message alone, in a table with three indexes; and every row that the service writes, in its own tables.

part_ingest() {
    local connections kind
    for connections in "${CONNECTIONS[@]}"; do
        fresh_database
        sql "$DATABASE" "$(<tests/bench.d/lib/schema.sql)"
        pgbench_point tests/bench.d/lib/insert.sql "$connections"
        remember "insert.$connections" "$RATE"
        row ingest "pgbench, one task per transaction" "$connections" "$RATE" "$P50" "$P99" "$ERRORS"
        # What the same rows cost when each task is a transaction of its own, with all that lists, searches and counts stand on.
        start_service postgres
        stop_service
        pgbench_point tests/bench.d/lib/whole.sql "$connections"
        remember "whole.$connections" "$RATE"
        row ingest "pgbench, every row of a task" "$connections" "$RATE" "$P50" "$P99" "$ERRORS"
        for kind in postgres sqlite; do
            start_service "$kind"
            ingest_point "$kind" "$connections"
            stop_service
        done
    done
}

ingest_point() {
    local kind=$1 connections=$2 before stored
    load post "$connections" "$WARMUP_SECONDS"
    sql postgres checkpoint
    before=$(stored_issues "$kind")
    load post "$connections" "$SECONDS_PER_POINT"
    remember "post.$kind.$connections" "$RATE"
    row ingest "POST /issues/ on $kind" "$connections" "$RATE" "$P50" "$P99" "$ERRORS" \
        "$(ratio "post.$kind.$connections" "insert.$connections") x pgbench, $(ratio "post.$kind.$connections" "whole.$connections") x every row, $EACH"
    # Every answer stands for a row. There may be a few more: those answered just after wrk had stopped counting.
    stored=$(($(stored_issues "$kind") - before))
    if ((stored < REQUESTS - ERRORS || stored > REQUESTS + connections)); then
        figure ingest "WRONG" "$REQUESTS answers, $ERRORS errors, but $stored issues stored"
    fi
}
