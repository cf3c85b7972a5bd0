# shellcheck shell=bash
# Private servers and clean endings, for tests/run, tests/bench and .ci/run. To be sourced; by itself it starts nothing.
#
#   begin DIRECTORY            a usable environment, a scratch directory in there, the traps; everything below needs it
#   ensure postgres cc ...     every named tool is there, installed (root) or asked for (anyone else)
#   start_postgres fast        sets POSTGRES_URL and POSTGRES_PORT; `durable` is the same with fsync on
#   start_nats                 sets NATS_SERVER_URL
#   start_server NAME SIGNAL COMMAND...   anything else that has to be gone at the end
#   run_job COMMAND...         a command that an interrupt ends, with all it started
#
# Two runs side by side share nothing: the directory is fresh and every port is free at the moment it is bound.

readonly POSTGRES_OLDEST=14 NODE_OLDEST=18

# PROGRAM is set by the script that sources this.
say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# --- the machine -----------------------------------------------------------------------------------------------------

prepare_environment() {
    # Under `env -i` bash has a PATH for itself only; and an ordinary user's PATH on Debian lacks sbin, where nats-server lives.
    export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
    if [[ -z ${HOME:-} ]]; then
        HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
        export HOME=${HOME:-/}
    fi
    if ! command -v cargo >/dev/null; then
        if [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
            export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
        elif [[ -x /usr/local/cargo/bin/cargo ]]; then # where the official Rust images keep it
            export PATH="/usr/local/cargo/bin:$PATH" CARGO_HOME=${CARGO_HOME:-/usr/local/cargo} RUSTUP_HOME=${RUSTUP_HOME:-/usr/local/rustup}
        fi
    fi
    # libpq reads these; a stray one would point our clients at somebody's real database.
    unset "${!PG@}"
}

# The newest Postgres that is recent enough. TEST_POSTGRES_BIN=/usr/lib/postgresql/16/bin chooses one.
postgres_bin() {
    local dir version best=0 found=
    for dir in ${TEST_POSTGRES_BIN:+"$TEST_POSTGRES_BIN"} /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /none/postgres)")"; do
        [[ -x $dir/postgres && -x $dir/initdb ]] || continue
        version=$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
        if ((version >= POSTGRES_OLDEST && version > best)); then
            best=$version found=$dir
        fi
        [[ $dir == "${TEST_POSTGRES_BIN:-}" ]] && break
    done
    [[ -n $found ]] && echo "$found"
}

have() {
    case $1 in
    # ring, mimalloc and the bundled SQLite are C: a compiler alone, without the C library's headers, is not enough.
    cc) printf '#include <stdio.h>\nint main(void){return 0;}\n' | cc -x c - -o /dev/null 2>/dev/null ;;
    certificates) [[ -s /etc/ssl/certs/ca-certificates.crt || -n ${SSL_CERT_FILE:-} ]] ;;
    postgres) postgres_bin >/dev/null ;;
    pgbench) [[ -x $(postgres_bin)/pgbench ]] ;;
    node) node -e "process.exit(parseInt(process.versions.node) >= $NODE_OLDEST ? 0 : 1)" 2>/dev/null ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

packages_for() {
    case $1 in
    cc) echo gcc libc6-dev ;;
    certificates) echo ca-certificates ;;
    postgres) echo postgresql ;;
    pgbench) echo postgresql postgresql-contrib ;;
    node) echo nodejs ;;
    flock) echo util-linux ;;
    *) echo "$1" ;;
    esac
}

missing_packages() {
    local tool
    for tool in "$@"; do
        # shellcheck disable=SC2046 # several packages for one tool are several words
        have "$tool" || printf '%s\n' $(packages_for "$tool")
    done | sort -u
}

# A missing tool is a failure with its name, never a skipped test.
ensure() {
    local tool packages
    if [[ " $* " == *" cargo "* ]] && ! have cargo; then
        die "cargo is missing: install Rust (the version in Cargo.toml or newer) from https://rustup.rs"
    fi
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]})) || return 0
    command -v apt-get >/dev/null || die "these Debian packages, or what is in them, are missing: ${packages[*]}"
    ((EUID == 0)) || die "missing packages: ${packages[*]}; install them with: sudo apt-get update && sudo apt-get install ${packages[*]}"
    install_packages "$@"
    for tool in "$@"; do
        have "$tool" || die "$tool is still missing after installing: ${packages[*]}"
    done
}

# Holding a lock on dpkg's own directory: two runs side by side install one after the other, and the second finds nothing left
# to do. An interrupt is heard only after it: packages left half configured would be in everybody's way.
install_packages() {
    (
        flock 9
        trap '' INT TERM HUP
        local packages cluster_conf='' log
        mapfile -t packages < <(missing_packages "$@")
        ((${#packages[@]})) || exit 0
        say "installing ${packages[*]}"
        # Debian's postgresql makes and starts a server of its own on port 5432; nobody asked for one. This drop-in is its
        # documented switch; it goes away again, so that a Postgres installed later by hand behaves as usual.
        if [[ " ${packages[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
            cluster_conf=/etc/postgresql-common/createcluster.d/issue-core-tests.conf
            mkdir -p "${cluster_conf%/*}"
            echo "create_main_cluster = false" >"$cluster_conf"
        fi
        log=$(mktemp)
        if ! apt_get update >"$log" 2>&1; then
            # Lists that are there already may do.
            say "apt-get update failed, trying with the package lists as they are"
        fi
        if ! apt_get install --yes --no-install-recommends "${packages[@]}" >>"$log" 2>&1; then
            cat "$log" >&2
            rm -f "$log" ${cluster_conf:+"$cluster_conf"}
            exit 1
        fi
        rm -f "$log" ${cluster_conf:+"$cluster_conf"}
        # The same for nats-server, where systemd started it.
        if [[ " ${packages[*]} " == *" nats-server "* && -d /run/systemd/system ]]; then
            systemctl disable --quiet --now nats-server || true
        fi
    ) 9</var/lib/dpkg || die "installing packages failed"
}

apt_get() {
    # Without the inherited lock (9>&-): a daemon started by a package must not hold it for ever.
    DEBIAN_FRONTEND=noninteractive setsid apt-get --quiet=2 -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
        "$@" </dev/null 9>&-
}

# --- beginning and end -----------------------------------------------------------------------------------------------

SCRATCH=
JOB=
SERVER_PIDS=()
SERVER_SIGNALS=()

# begin PARENT: makes SCRATCH in that directory, and has everything removed at the end, however it comes.
begin() {
    prepare_environment
    local parent=$1 signal
    trap cleanup EXIT
    for signal in INT TERM HUP PIPE; do
        # shellcheck disable=SC2064 # the name is wanted now
        trap "interrupted $signal" "$signal"
    done
    SCRATCH=$(mktemp -d "$parent/issue-core-XXXXXXXX")
    # mktemp's 0700 would keep the servers' own user out.
    chmod 711 "$SCRATCH"
    if ! as_server_user test -x "$SCRATCH" && [[ $parent != /tmp ]]; then
        rmdir "$SCRATCH" # that user may not pass through the parent
        SCRATCH=$(mktemp -d /tmp/issue-core-XXXXXXXX)
        chmod 711 "$SCRATCH"
    fi
}

interrupted() {
    trap - EXIT
    cleanup
    # Dying of the same signal tells the caller the truth.
    trap - "$1"
    kill -s "$1" $$
}

cleanup() {
    local status=$?
    set +e
    trap '' INT TERM HUP PIPE # one ending is enough, and it has to be finished
    if [[ -n $JOB ]]; then
        end_group "$JOB" TERM
        JOB=
    fi
    stop_servers
    [[ -n $SCRATCH ]] && rm -rf -- "$SCRATCH"
    SCRATCH=
    return "$status"
}

# Is anybody in this process group still running? Asked of /proc, as `kill -0` also finds the dead that nobody has collected,
# and in a container that may be for ever.
group_alive() {
    local stat line fields
    for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$stat" || continue
        read -ra fields <<<"${line##*) }" # state, parent, group
        [[ ${fields[2]} != "$1" || ${fields[0]} == [ZX] ]] || return 0
    done
    return 1
}

# Signals a process group, waits up to ten seconds for all of it to be gone, then kills what is left.
end_group() {
    local i
    kill -s "$2" -- "-$1" 2>/dev/null || return 0
    for ((i = 0; i < 200; i++)); do
        group_alive "$1" || return 0
        sleep 0.05
    done
    kill -s KILL -- "-$1" 2>/dev/null || return 0
}

# Not in the foreground: bash would hear a signal only after the command's end. In a session and group of its own: an interrupt ends
# the tests and the servers they started, and nothing else. With default signals: bash starts background commands deaf to Ctrl-C,
# and a test of ours would inherit that.
run_job() {
    local status=0
    setsid env --default-signal=INT,QUIT "$@" </dev/null &
    JOB=$!
    wait "$JOB" || status=$?
    # What a job left behind is not to outlive it.
    end_group "$JOB" TERM
    JOB=
    return "$status"
}

# --- servers ---------------------------------------------------------------------------------------------------------

# Postgres refuses to be root. Its package brings the user; a Postgres from elsewhere has to do with nobody.
server_user() { id -un postgres 2>/dev/null || echo nobody; }

# Sets PREFIX: what to put before a command so that it runs as that user when we are root, else as ourselves, in either case without
# our environment.
server_prefix() {
    PREFIX=(env -i "PATH=$PATH" LC_ALL=C.UTF-8 "HOME=${SCRATCH:-/}")
    if ((EUID == 0)); then
        local user
        user=$(server_user)
        PREFIX=(setpriv "--reuid=$user" "--regid=$(id -gn "$user")" --clear-groups "${PREFIX[@]}")
    fi
}

as_server_user() {
    local PREFIX
    server_prefix
    # From a directory this user may be in.
    (cd / && exec "${PREFIX[@]}" "$@")
}

# start_server NAME SIGNAL COMMAND...: in the background, output in $SCRATCH/NAME.log, ended with SIGNAL; SERVER_PID is its id.
# The kernel ends it also when this script is killed so hard that it cannot (--pdeathsig). With UNPRIVILEGED=1 as the server user.
start_server() {
    local name=$1 signal=$2 PREFIX=(env)
    shift 2
    [[ -z ${UNPRIVILEGED:-} ]] || server_prefix
    (
        cd "$SCRATCH" || exit
        exec setsid "${PREFIX[@]}" setpriv "--pdeathsig=$signal" -- "$@"
    ) </dev/null >>"$SCRATCH/$name.log" 2>&1 &
    SERVER_PID=$!
    SERVER_PIDS+=("$SERVER_PID")
    SERVER_SIGNALS+=("$signal")
}

stop_servers() {
    local i
    for ((i = ${#SERVER_PIDS[@]} - 1; i >= 0; i--)); do
        end_group "${SERVER_PIDS[i]}" "${SERVER_SIGNALS[i]}"
    done
    SERVER_PIDS=() SERVER_SIGNALS=()
}

# stop_server PID: one of them, now.
stop_server() {
    local i
    for i in "${!SERVER_PIDS[@]}"; do
        if [[ ${SERVER_PIDS[i]} == "$1" ]]; then
            end_group "$1" "${SERVER_SIGNALS[i]}"
            unset "SERVER_PIDS[i]" "SERVER_SIGNALS[i]"
        fi
    done
    SERVER_PIDS=("${SERVER_PIDS[@]}") SERVER_SIGNALS=("${SERVER_SIGNALS[@]}")
}

# start_postgres fast|durable [SETTING=VALUE...]
# `fast` gives up durability (fsync off): right for tests, whose data is thrown away; wrong for a measurement.
start_postgres() {
    local kind=$1 bin dir=$SCRATCH/postgres settings=() setting port i
    shift
    [[ $kind == durable ]] || settings=(-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0)
    for setting in "$@"; do settings+=(-c "$setting"); done
    bin=$(postgres_bin)
    mkdir "$dir"
    ((EUID != 0)) || chown "$(server_user):" "$dir"
    # Everybody on this machine's loopback may connect as postgres: an empty server that lives for minutes.
    as_server_user "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync \
        >"$SCRATCH/initdb.log" 2>&1 || die "initdb failed: $(tail -n 20 "$SCRATCH/initdb.log")"
    for ((i = 0; i < 50; i++)); do
        # Below the range the kernel hands out to clients. Postgres cannot be asked to take any free port: try, and try another.
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        : >"$SCRATCH/postgres.log"
        UNPRIVILEGED=1 start_server postgres QUIT "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
            -c max_connections=600 "${settings[@]}"
        # "ready" in our own data directory: a connection to the port could be answered by somebody else's server.
        while kill -0 "$SERVER_PID" 2>/dev/null; do
            if [[ $(sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null) == ready* ]]; then
                # shellcheck disable=SC2034 # for whoever sources this
                POSTGRES_PORT=$port POSTGRES_PID=$SERVER_PID POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
                return
            fi
            sleep 0.05
        done
        stop_server "$SERVER_PID"
        grep -q 'could not bind' "$SCRATCH/postgres.log" || break
    done
    die "Postgres did not start: $(tail -n 20 "$SCRATCH/postgres.log")"
}

# start_nats: with JetStream. It takes any free port itself and writes down which.
start_nats() {
    local dir=$SCRATCH/nats
    mkdir "$dir"
    ((EUID != 0)) || chown "$(server_user):" "$dir"
    UNPRIVILEGED=1 start_server nats TERM nats-server --addr 127.0.0.1 --port -1 --jetstream --store_dir "$dir/store" --ports_file_dir "$dir"
    while kill -0 "$SERVER_PID" 2>/dev/null; do
        # shellcheck disable=SC2034 # for whoever sources this
        NATS_SERVER_URL=$(sed -nE 's|.*"(nats://[^"]*)".*|\1|p' "$dir"/*.ports 2>/dev/null) || true
        [[ -n $NATS_SERVER_URL ]] && return
        sleep 0.05
    done
    die "nats-server did not start: $(tail -n 20 "$SCRATCH/nats.log")"
}
