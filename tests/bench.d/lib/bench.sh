# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the driver and the parts share these variables with this file
# What the parts of tests/bench share. A part is a file NAME.sh beside this folder with a function part_NAME. It measures and calls
#
#   row GROUP WORK CONNECTIONS RATE P50_US P99_US ERRORS [NOTE]      a rate
#   figure GROUP WHAT VALUE                                            anything else
#   remember KEY VALUE / recall KEY / ratio KEY KEY                    to compare with a point measured before
#
# Every point of the service and of pgbench starts from a fresh database and a checkpoint, one server at a time, so that neither the
# size of a table nor somebody's background work is in another's figure.

SECONDS_PER_POINT=${BENCH_SECONDS:-8}
WARMUP_SECONDS=${BENCH_WARMUP:-2}
read -ra CONNECTIONS <<<"${BENCH_CONNECTIONS:-1 8 64 256}"
ISSUES=${BENCH_ISSUES:-100000}
declare -A REMEMBERED=()
TABLE=()

# --- output ----------------------------------------------------------------------------------------------------------

heading() { printf '\n== %s\n' "$1"; }

# Each line at once, for whoever waits, and all of them together at the end.
emit() {
    printf '%s\n' "$1"
    TABLE+=("$1")
}

print_table() {
    printf '\n== all together\n'
    printf '%s\n' "${TABLE[@]}"
}

milliseconds() { awk -v us="$1" 'BEGIN { printf us < 10000 ? "%.2f" : "%.1f", us / 1000 }'; }

row() {
    local line
    printf -v line '%-10s %-34s %4s conn %9s /s   p50 %8s ms   p99 %8s ms   errors %s   %s' \
        "$1" "$2" "$3" "$4" "$(milliseconds "$5")" "$(milliseconds "$6")" "$7" "${8:-}"
    # A figure taken while somebody else was using the machine says so: compare it only with its neighbours, and with care.
    ((OTHERS < 10)) || line+="   (others held $OTHERS % of the processors)"
    emit "${line%"${line##*[! ]}"}"
}

figure() {
    local line
    printf -v line '%-10s %-44s %s' "$1" "$2" "$3"
    emit "$line"
}

remember() { REMEMBERED[$1]=$2; }
recall() { echo "${REMEMBERED[$1]:-}"; }
ratio() { awk -v a="$(recall "$1")" -v b="$(recall "$2")" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "?" }'; }

machine_facts() {
    heading machine
    figure machine cores "$(nproc) of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    figure machine kernel "$(uname -sr)"
    figure machine memory "$(awk '/^MemTotal/ { printf "%.1f GB", $2 / 1048576 }' /proc/meminfo)"
    figure machine postgres "$("$(postgres_bin)/postgres" --version | cut -d' ' -f3-), fsync $(sql postgres 'show fsync'), synchronous_commit $(sql postgres 'show synchronous_commit')"
    figure machine "data directory on" "$(stat -f -c %T "$SCRATCH")"
    figure machine binary "$(stat -c %s "$binary" | awk '{ printf "%.1f MB", $1 / 1e6 }')"
    figure machine "per point" "$SECONDS_PER_POINT s after $WARMUP_SECONDS s of warm-up; load, service and database share the cores"
}

# How busy the processors are while nothing of ours runs, in percent.
OTHERS=0
look_around() {
    local before after
    read -ra before </proc/stat
    sleep 0.5
    read -ra after </proc/stat
    # user nice system idle iowait irq softirq steal
    OTHERS=$(awk -v before="${before[*]:1:8}" -v after="${after[*]:1:8}" 'BEGIN {
        split(before, b); n = split(after, a)
        for (i = 1; i <= n; i++) { all += a[i] - b[i]; if (i == 4 || i == 5) free += a[i] - b[i] }
        printf "%d", (all > 0 ? 100 * (all - free) / all : 0) }')
}

# --- Postgres and pgbench --------------------------------------------------------------------------------------------

sql() { "$(postgres_bin)/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d "$1" -c "$2"; }

# fresh_database: sets DATABASE to the name of an empty one. The one before it goes, as only one is ever in use.
fresh_database() {
    [[ -z ${DATABASE:-} ]] || sql postgres "drop database $DATABASE with (force)"
    DATABASE=bench_$((++DATABASES))
    sql postgres "create database $DATABASE"
}
DATABASES=0

# pgbench_point SCRIPT CONNECTIONS: sets RATE, P50, P99 (microseconds) and ERRORS. -M prepared: the service prepares its statements, too.
pgbench_point() {
    local script=$1 clients=$2 jobs=1 out=$SCRATCH/pgbench.out tool
    tool=$(postgres_bin)/pgbench
    ((clients < 8)) || jobs=2
    local command=("$tool" -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -n -M prepared -c "$clients" -j "$jobs" -f "$script"
        -D "rows=$ISSUES")
    look_around
    run_job "${command[@]}" -T "$WARMUP_SECONDS" "$DATABASE" >/dev/null 2>"$out.err" || die "pgbench: $(tail -n 5 "$out.err")"
    sql postgres checkpoint
    # One transaction in ten is logged for the percentiles: enough of them, and too few to slow it down.
    rm -f "$out".log.*
    run_job "${command[@]}" -T "$SECONDS_PER_POINT" -l --log-prefix="$out.log" --sampling-rate=0.1 "$DATABASE" >"$out" 2>"$out.err" ||
        die "pgbench: $(tail -n 5 "$out.err")"
    RATE=$(sed -nE 's/^tps = ([0-9]+).*/\1/p' "$out")
    ERRORS=$(sed -nE 's/^number of failed transactions: ([0-9]+).*/\1/p' "$out")
    ERRORS=${ERRORS:-0} # Postgres 14 does not count them: there it ends at the first
    read -r P50 P99 < <(cut -d' ' -f3 "$out".log.* | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * .5) + 1], v[int(NR * .99) + 1] }')
}

# --- the service -----------------------------------------------------------------------------------------------------

# What the service is told beside the usual, as NAME=VALUE.
SERVICE_ENV=()

# start_service postgres|sqlite [again]: on an empty store, or on the one of last time. Sets SERVICE_PID, SERVICE_PORT and READY_US,
# the time from the start of the process to its first "ready".
start_service() {
    local kind=$1 url=$SCRATCH/service.sqlite try
    if [[ ${2:-} != again ]]; then
        if [[ $kind == postgres ]]; then
            fresh_database
        else
            rm -f "$url" "$url"-*
        fi
    fi
    if [[ $kind == postgres ]]; then
        url=postgres://postgres@127.0.0.1:$POSTGRES_PORT/$DATABASE
    else
        url=sqlite:$url
    fi
    for ((try = 0; try < 20; try++)); do
        SERVICE_PORT=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        # Somebody else's server would answer in its place.
        ! http_ready "$SERVICE_PORT" || continue
        rm -f "$SCRATCH/started"
        : >"$SCRATCH/service.log"
        # The inner bash notes the time just before it becomes the service.
        # shellcheck disable=SC2016 # meant for the inner bash
        start_server service TERM bash -c 'echo "$EPOCHREALTIME" >"$0"; exec "$@"' "$SCRATCH/started" \
            env -i "PATH=$PATH" "HOME=$SCRATCH" "DATABASE_URL=$url" "ISSUE_CORE_API_KEY=$BENCH_KEY" \
            "ISSUE_CORE__SERVER__BIND=127.0.0.1:$SERVICE_PORT" ISSUE_CORE__LOG__FILTER=warn "${SERVICE_ENV[@]}" "$binary" serve
        SERVICE_PID=$SERVER_PID
        if await_ready; then
            look_around
            return
        fi
        grep -qi 'in use' "$SCRATCH/service.log" || break
    done
    die "the service did not start: $(tail -n 20 "$SCRATCH/service.log")"
}

stop_service() {
    stop_server "$SERVICE_PID"
}

# Asked without starting a process, or the asking would take longer than the start.
http_ready() {
    local status=
    {
        exec 7<>"/dev/tcp/127.0.0.1/$1"
    } 2>/dev/null || return 1
    printf 'GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n' >&7 2>/dev/null && read -r -t 5 status <&7
    exec 7>&-
    [[ $status == "HTTP/1.1 200"* ]]
}

await_ready() {
    local now before deadline=$((SECONDS + 30))
    while ((SECONDS < deadline)) && kill -0 "$SERVICE_PID" 2>/dev/null; do
        if http_ready "$SERVICE_PORT"; then
            now=${EPOCHREALTIME/[.,]/}
            before=$(<"$SCRATCH/started")
            # shellcheck disable=SC2034 # for the parts
            READY_US=$((now - ${before/[.,]/}))
            return 0
        fi
    done
    return 1
}

# load SCRIPT CONNECTIONS SECONDS [NAME=VALUE...]: wrk with a script from this directory; sets RATE, P50, P95, P99, ERRORS, REQUESTS, and EACH, the
# processor time of the service for one request: the figure that a busy machine disturbs least.
load() {
    local script=$1 connections=$2 seconds=$3 out=$SCRATCH/wrk.out line ticks
    shift 3
    ticks=$(processor_ticks)
    # One thread: it is far from busy at these rates, and a second would take the cores from the service.
    run_job env "LUA_PATH=tests/bench.d/lib/?.lua;;" "BENCH_LOAD_CONNECTIONS=$connections" "BENCH_RUN=$((++LOADS))" "$@" \
        wrk --threads 1 --connections "$connections" --duration "${seconds}s" --timeout 30s \
        --script "tests/bench.d/lib/$script.lua" "http://127.0.0.1:$SERVICE_PORT" >"$out" 2>&1 || die "wrk: $(tail -n 5 "$out")"
    line=$(grep '^RESULT ' "$out") || die "wrk: $(tail -n 5 "$out")"
    REQUESTS=$(value requests "$line") RATE=$(value rate "$line") P50=$(value p50 "$line") P95=$(value p95 "$line") P99=$(value p99 "$line")
    # shellcheck disable=SC2034 # for the parts
    ERRORS=$(value errors "$line")
    kill -0 "$SERVICE_PID" 2>/dev/null || die "the service ended under load: $(tail -n 20 "$SCRATCH/service.log")"
    EACH=$(awk -v ticks=$(($(processor_ticks) - ticks)) -v requests="$REQUESTS" 'BEGIN { printf "%.0f us of cpu each", (requests > 0 ? ticks * 1e4 / requests : 0) }')
    [[ $(value exact "$line") == yes ]] || say "note: wrk's percentiles could not be corrected exactly: $line"
}
LOADS=0

value() { sed -E "s/.* $1=([^ ]*).*/\1/" <<<"$2"; }

# How many issues the store of the running service holds, asked of the database itself.
stored_issues() {
    if [[ $1 == postgres ]]; then
        sql "$DATABASE" 'select count(*) from issues'
    else
        sqlite3 "$SCRATCH/service.sqlite" 'select count(*) from issues'
    fi
}

# Resident memory in kB: now (VmRSS) or at its highest (VmHWM).
memory() { awk -v what="$1:" '$1 == what { print $2 }' "/proc/$SERVICE_PID/status"; }
megabytes() { awk -v kb="$1" 'BEGIN { printf "%.1f MB", kb / 1024 }'; }

# Processor time of the service so far, in clock ticks (a hundredth of a second).
processor_ticks() {
    local line fields
    read -r line <"/proc/$SERVICE_PID/stat"
    read -ra fields <<<"${line##*) }"
    echo $((fields[11] + fields[12]))
}

# Waits, up to two minutes, until the service has nothing left to do in the background.
settle() {
    local before after deadline=$((SECONDS + 120))
    while ((SECONDS < deadline)); do
        before=$(processor_ticks)
        sleep 1
        after=$(processor_ticks)
        ((after - before > 3)) || return 0
    done
    say "note: the service is still busy after two minutes; going on"
}
