# shellcheck shell=bash
# How long `issue list` takes from its start to its end, on the embedded store: the promise is under 20 ms among 10,000 issues.

part_cli() {
    local issues=10000 runs=20 i before after times=() stored=0 home=$SCRATCH/cli
    start_service sqlite
    while ((stored < issues)); do
        load post 64 1
        stored=$(stored_issues sqlite)
    done
    settle
    stop_service
    mkdir -p "$home"
    ln -sf "$binary" "$home/issue"
    local command=(env -i "PATH=$PATH" "HOME=$home" "DATABASE_URL=sqlite:$SCRATCH/service.sqlite" "$home/issue")
    # Once before it counts, so that the file is in memory, as a file that is worked with is.
    "${command[@]}" list >/dev/null || die "issue list failed"
    look_around
    for ((i = 0; i < runs; i++)); do
        before=${EPOCHREALTIME/[.,]/}
        "${command[@]}" list >/dev/null
        after=${EPOCHREALTIME/[.,]/}
        times+=($((after - before)))
    done
    figure cli "issue list among $stored issues" "$(milliseconds "$(median "${times[@]}")") ms (median of $runs; the promise is under 20)"
}
