# shellcheck shell=bash
# shellcheck disable=SC2153 # SECONDS_PER_POINT is set in lib/bench.sh
# Telling a State Hub that answers in 1 ms: a backlog worked off, the same beside a reader that holds a transaction open, and how
# soon a message is taken after its task was filed.

part_deliver() {
    local hub
    build_hub
    start_server hub TERM "$hub_binary" 1
    for ((try = 0; try < 100; try++)); do
        hub=$(head -n 1 "$SCRATCH/hub.log" 2>/dev/null)
        [[ -z $hub ]] || break
        sleep 0.1
    done
    [[ -n $hub ]] || die "the stand-in for State Hub did not start"
    SERVICE_ENV=("STATE_HUB_URL=$hub")
    backlog_point "a backlog worked off"
    remember deliver.plain "$RATE"
    backlog_point "the same beside an idle transaction" held
    remember deliver.held "$RATE"
    figure deliver "beside an idle transaction" "$(ratio deliver.held deliver.plain) of the rate without one"
    pickup_point
    SERVICE_ENV=()
}

build_hub() {
    run_job cargo build --profile "$profile" --locked --example bench-hub
    hub_binary=$(realpath "$built/examples/bench-hub")
}

# Each message becomes one for the hub, so that for every event there are two messages and one call.
backlog_point() {
    local what=$1 events=${BENCH_MESSAGES:-100000} wal started took left reader=
    start_service postgres
    stop_service
    sql "$DATABASE" "
        insert into issues (id, title, description, state, priority, kind, labels, assignees, target_repo, backend, review, version,
            created_at, updated_at)
        select ('0190163d-8694-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Flag stale SBOM in service ' || n, '', 'open', 'medium',
            'task', '[]', '[]', 'activity-core', 'postgres', 'none', 1, now(), now()
        from generate_series(1, $events) n;
        insert into events (issue_id, seq, id, kind, actor, at, detail)
        select id, 1, gen_random_uuid(), 'created', 'bench', now(), jsonb_build_object('snapshot', jsonb_build_object('title', title, 'backend', backend))
        from issues;
        insert into messages (kind, target, issue_id, event_seq, due_at) select 'dispatch', 'dispatch', id, 1, clock_timestamp() from issues"
    sql "$DATABASE" 'vacuum analyze'
    sql postgres checkpoint
    if [[ ${2:-} == held ]]; then
        start_server reader TERM "$(postgres_bin)/psql" -X -q -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d "$DATABASE" \
            -c 'begin isolation level repeatable read' -c 'select count(*) from messages' -c 'select pg_sleep(600)'
        reader=$SERVER_PID
    fi
    wal=$(sql postgres 'select pg_current_wal_insert_lsn()')
    started=${EPOCHREALTIME/[.,]/}
    start_service postgres again
    while left=$(sql "$DATABASE" 'select count(*) from (select from messages limit 1) as left_over') && ((left > 0)); do
        sleep 0.2
    done
    took=$((${EPOCHREALTIME/[.,]/} - started))
    RATE=$((events * 1000000 / took))
    figure deliver "$what" "$RATE events told a second ($events events, $((2 * events)) messages)"
    figure deliver "  write-ahead log for each" "$(sql postgres "select (pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '$wal') / $events)::int") bytes"
    figure deliver "  dead rows for each" "$(sql "$DATABASE" "select round((n_tup_upd + n_tup_del)::numeric / $events, 2) || ' made, ' || n_dead_tup || ' still there, ' || n_tup_hot_upd || ' of ' || n_tup_upd || ' updates in place' from pg_stat_user_tables where relname = 'messages'")"
    figure deliver "  calls" "$(sql "$DATABASE" "select count(*) || ' delivered, ' || count(distinct message_id) || ' different, p50 ' || round((percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)) * 1000)::numeric, 2) || ' ms' from deliveries where outcome = 'delivered'")"
    stop_service
    [[ -z $reader ]] || stop_server "$reader"
}

# As the service itself counts it, from the moment the task was filed (before its commit) to the moment a worker had the message.
pickup_point() {
    start_service postgres
    load post 1 "$SECONDS_PER_POINT"
    settle
    metrics=$(curl -sS "http://127.0.0.1:$SERVICE_PORT/metrics")
    for target in dispatch state_hub; do
        figure deliver "$target: taken within 25 ms" "$(awk -v target="target=\"$target\"" '
            /^issue_core_message_pickup_seconds/ && index($0, target) {
                if (index($0, "_bucket") && index($0, "le=\"0.025\"")) within = $2
                if (index($0, "_count")) all = $2
            }
            END { printf "%.2f %% of %d, while %s tasks a second were filed", 100 * within / all, all, rate }' rate="$RATE" <<<"$metrics")"
    done
    stop_service
}
