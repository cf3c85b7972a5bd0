# shellcheck shell=bash
# Finding issues among ten thousand, a hundred thousand and a million: lists, labels, searches, facets. On each store the same
# database grows; the note says how many times slower the 95th percentile is than among the fewest.
#
#   BENCH_FIND_SIZES="10000 100000 1000000"
#   BENCH_FIND_CONNECTIONS=4
#
# Two of them grow with what they find, and not with what there is: "search, one in 1,000" reads and ranks every match, up to 1,000 of
# them, and "none of a label" looks at every issue with the rare label and finds none without the common one. Among a million both have
# a hundred times more to look at than among ten thousand.

FIND_PATHS=(
    "newest first|/issues/?limit=10"
    "most urgent open ones|/issues/?state=open&sort=priority&limit=10"
    "of one repository|/issues/?target_repo=repo-7&limit=10"
    "label, rare|/issues/?label=rare&limit=10"
    "label, middling|/issues/?label=middling&limit=10"
    "label, common|/issues/?label=common&limit=10"
    "two labels|/issues/?label=common&label=area-7&limit=10"
    "none of a label|/issues/?label_none=common&label=rare&limit=10"
    "search, five matches|/issues/?q=zebra&limit=10"
    "search, one in 1,000|/issues/?q=quagga&limit=10"
    "search, all|/issues/?q=stale&limit=10"
    "search, phrase|/issues/?q=%22nightly+inventory%22&limit=10"
    "search, all, newest first|/issues/?q=stale&sort=created&limit=10"
    "labels with counts|/labels?limit=10"
    "repositories with counts|/repos?limit=10"
    "statistics|/stats"
    "total of a label|/issues/?label=common&limit=1&total=true"
)

part_find() {
    local kind size
    local -a sizes
    read -ra sizes <<<"${BENCH_FIND_SIZES:-10000 100000 1000000}"
    for kind in postgres sqlite; do
        start_service "$kind"
        for size in "${sizes[@]}"; do
            file_up_to "$kind" "$size"
            find_points "$kind" "$size" "${sizes[0]}"
        done
        stop_service
    done
}

# Through the service itself, so that the rows are what it writes.
file_up_to() {
    local kind=$1 size=$2 stored started=$SECONDS
    stored=$(stored_issues "$kind")
    while ((stored < size)); do
        load file 64 $(((size - stored) / 20000 + 1)) "BENCH_FIRST=$stored"
        ((ERRORS == 0)) || die "filing failed: $ERRORS errors"
        stored=$(stored_issues "$kind")
    done
    settle
    [[ $kind != postgres ]] || sql "$DATABASE" 'vacuum analyze'
    figure find "issues on $kind" "$stored, filed in $((SECONDS - started)) s"
}

find_points() {
    local kind=$1 size=$2 fewest=$3 entry name path note connections=${BENCH_FIND_CONNECTIONS:-4}
    for entry in "${FIND_PATHS[@]}"; do
        name=${entry%%|*} path=${entry#*|}
        load find "$connections" 1 "BENCH_PATH=$path"
        load find "$connections" "$((SECONDS_PER_POINT / 2))" "BENCH_PATH=$path"
        remember "find.$kind.$name.$size" "$P95"
        note="p95 $(milliseconds "$P95") ms"
        [[ $size == "$fewest" ]] || note+=", $(ratio "find.$kind.$name.$size" "find.$kind.$name.$fewest") x that among $fewest"
        row "find $size" "$name ($kind)" "$connections" "$RATE" "$P50" "$P99" "$ERRORS" "$note"
    done
}
