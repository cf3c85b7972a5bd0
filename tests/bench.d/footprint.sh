# shellcheck shell=bash
# What it costs to have it: time to ready, memory idle and under load.

part_footprint() {
    local kind i starts
    for kind in postgres sqlite; do
        start_service "$kind"
        figure footprint "first start on $kind, with migrations" "$(milliseconds "$READY_US") ms to ready"
        starts=()
        for ((i = 0; i < 7; i++)); do
            stop_service
            start_service "$kind" again
            starts+=("$READY_US")
        done
        figure footprint "start on $kind" "$(milliseconds "$(median "${starts[@]}")") ms to ready (median of ${#starts[@]})"
        sleep 5
        figure footprint "memory idle on $kind" "$(megabytes "$(memory VmRSS)")"
        load post 64 "$SECONDS_PER_POINT"
        figure footprint "memory after POST at 64 on $kind" "$(megabytes "$(memory VmRSS)"), at most $(megabytes "$(memory VmHWM)")"
        stop_service
    done
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
