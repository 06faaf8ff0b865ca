#!/bin/sh
# Each fuzz target for a fixed number of inputs from a fixed seed, or for FUZZ_SECONDS.
# Inputs that found something new are kept in $B/fuzz/, so that `make fuzz` goes on where
# it stopped; one that broke something is written there too and named.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
failed=0
for f in "$B"/tests/fuzz/fuzz_*; do
	[ -x "$f" ] || continue
	name=$(basename "$f")
	case $name in *.*) continue ;; esac
	corpus=$B/fuzz/$name
	mkdir -p "$corpus"
	if [ -n "${FUZZ_SECONDS:-}" ]; then
		how="-max_total_time=$FUZZ_SECONDS"
	else
		how="-runs=${FUZZ_RUNS:-100000} -seed=1 -max_total_time=60"
	fi
	if timeout $((${FUZZ_SECONDS:-60} + 60)) "$f" $how -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$B/fuzz/$name-" -print_final_stats=1 "$corpus" \
		>"$B/fuzz/$name.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$B/fuzz/$name.log")
		echo "ok - $name: $runs inputs"
	else
		echo "not ok - $name: see $B/fuzz/$name.log"
		tail -n 25 "$B/fuzz/$name.log" | sed 's/^/# /'
		failed=1
	fi
done
exit $failed
