# shellcheck shell=bash
# The steps of a check loop and its summary, for .ci/run and .ci/full. To be sourced after tests/lib/servers.sh.
#
#   begin_steps MINUTES        the time that the loop may take
#   step NAME COMMAND...       one step; a failure ends the loop at once, or at its end where GO_ON=yes
#   not_checked NAME REASON    a check that this machine cannot make; the summary names it apart from what passed
#   finish                     the summary and the verdict
#
# A loop may be a step of another loop: the outer summary then names what the inner one did not check.

PASSED=()
FAILED=()

begin_steps() {
    LIMIT_MINUTES=$1
    STARTED=$SECONDS
    begin "${TMPDIR:-/tmp}"
    # tests/run writes the tests that did not run into the same file.
    export NOT_RUN_LIST=${NOT_RUN_LIST:-$SCRATCH/not-run}
    touch "$NOT_RUN_LIST"
}

step() {
    local name=$1 before=$SECONDS
    shift
    say "$name"
    if run_job "$@"; then
        say "$name took $((SECONDS - before)) s"
        PASSED+=("$name")
    else
        say "FAILED: $name"
        FAILED+=("$name")
        [[ ${GO_ON:-} == yes ]] || finish
    fi
}

not_checked() {
    say "$1: NOT checked: $2"
    echo "$1: $2" >>"$NOT_RUN_LIST"
}

finish() {
    local took=$((SECONDS - STARTED)) verdict=passed line absent=()
    mapfile -t absent <"$NOT_RUN_LIST"
    say "passed: $(join_names "${PASSED[@]}")"
    for line in "${absent[@]}"; do say "NOT CHECKED: $line"; done
    for line in "${FAILED[@]}"; do say "FAILED: $line"; done
    ((took <= LIMIT_MINUTES * 60)) || say "this loop has to take less than $LIMIT_MINUTES minutes; make it shorter"
    ((${#FAILED[@]} == 0)) || verdict=FAILED
    ((${#absent[@]} == 0)) || verdict+=", NOT CHECKED: ${#absent[@]} (see above)"
    printf '%s: %s, in %d min %02d s, at %s\n' "$PROGRAM" "$verdict" $((took / 60)) $((took % 60)) "$(commit_name)"
    exit $((${#FAILED[@]} > 0))
}

join_names() {
    local text
    printf -v text '%s, ' "$@"
    echo "${text%, }"
}

# The commit that was checked. Files that differ from it are said.
commit_name() {
    local name changed=
    name=$(git rev-parse --short HEAD 2>/dev/null) || name="no commit"
    [[ -z $(git status --porcelain 2>/dev/null) ]] || changed=" with changes that are not committed"
    echo "$name$changed"
}
