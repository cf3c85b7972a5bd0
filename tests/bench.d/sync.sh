# shellcheck shell=bash
# Following a tracker that takes 5 ms for a page: a first sync of everything there is, then one edit there, and what that costs.

part_sync() {
    local tracker count=${BENCH_REMOTE_ISSUES:-10000}
    run_job cargo build --profile "$profile" --locked --example bench-tracker
    start_server tracker TERM "$(realpath "$built/examples/bench-tracker")" "$count" 5
    for ((try = 0; try < 100; try++)); do
        tracker=$(head -n 1 "$SCRATCH/tracker.log" 2>/dev/null)
        [[ -z $tracker ]] || break
        sleep 0.1
    done
    [[ -n $tracker ]] || die "the stand-in for a tracker did not start"
    SERVICE_ENV=(
        ISSUE_CORE__BACKENDS__HUB__KIND=github "ISSUE_CORE__BACKENDS__HUB__BASE_URL=$tracker" ISSUE_CORE__BACKENDS__HUB__TOKEN=bench
        ISSUE_CORE__BACKENDS__HUB__PAGE_SIZE=100
        ISSUE_CORE__BINDINGS__HUB__BACKEND=hub ISSUE_CORE__BINDINGS__HUB__OWNER=acme ISSUE_CORE__BINDINGS__HUB__REPO=tools
        ISSUE_CORE__BINDINGS__HUB__ADOPT=true ISSUE_CORE__BINDINGS__HUB__EVERY=1h
    )
    local kind
    for kind in postgres sqlite; do
        curl -sS "$tracker/traffic" >/dev/null
        start_service "$kind"
        cold_point "$kind"
        edit_point "$kind"
        stop_service
    done
    SERVICE_ENV=()
}

binding() { curl -sS -H "Authorization: Bearer $BENCH_KEY" "http://127.0.0.1:$SERVICE_PORT/bindings/hub" "$@"; }


binding_post() { curl -sS -o /dev/null -X POST -H "Authorization: Bearer $BENCH_KEY" -H 'content-type: application/json' -d '{}' "http://127.0.0.1:$SERVICE_PORT/bindings/hub/$1"; }

cold_point() {
    local ended=
    for ((try = 0; try < 240; try++)); do
        ended=$(binding | tr -d ' \n' | grep -o '"ended_at":"[^"]*"' || true)
        [[ -z $ended ]] || break
        sleep 0.5
    done
    binding | tr -d ' \n' | awk -v kind="$1" '
        function moment(name,   text) {
            if (!match($0, "\"" name "\":\"[^\"]*\"")) return 0
            text = substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
            split(substr(text, 12), at, /[:Z]/)
            return at[1] * 3600 + at[2] * 60 + at[3]
        }
        function number(name) { return match($0, "\"" name "\":[0-9]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
        { sub(/.*"last_run":/, ""); took = moment("ended_at") - moment("began_at"); n = number("adopted")
          printf "%s|%d issues in %.2f s: %d a second\n", kind, n, took, n / took }' >"$SCRATCH/cold.txt"
    figure sync "a first sync into $1" "$(cut -d'|' -f2 "$SCRATCH/cold.txt")"
    figure sync "  asked of the tracker" "$(curl -sS "$tracker/traffic")"
}

edit_point() {
    local title
    sleep 1
    curl -sS "$tracker/traffic" >/dev/null
    curl -sS -X POST "$tracker/edit/5000" >/dev/null
    binding_post sync
    for ((try = 0; try < 200; try++)); do
        title=$(curl -sS -H "Authorization: Bearer $BENCH_KEY" "http://127.0.0.1:$SERVICE_PORT/issues?limit=1&sort=updated" | grep -o 'again' | head -n 1 || true)
        [[ -z $title ]] || break
        sleep 0.05
    done
    sleep 0.5
    figure sync "one edit there, on $1" "$(curl -sS "$tracker/traffic")${title:+, arrived}"
}
