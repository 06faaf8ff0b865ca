# SPDX-License-Identifier: BSD-3-Clause
# pglib.sh - sourced by the benches of hedb: medians, and figures as JSON lines.

# stats NUMBER...: median, and spread as (max - min) / median
stats() {
	printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 }
		END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "%.6g %.3f", m, m ? (v[NR] - v[1]) / m : 0 }'
}

# emit ID WHAT VALUE UNIT BASELINE RATIO MUST AIM BETTER RUNS SPREAD
emit() {
	printf '{"id":"%s","what":"%s","value":%s,"unit":"%s","baseline":%s,"ratio":%s,' "${@:1:6}"
	printf '"must":%s,"aim":%s,"better":"%s","runs":%s,"spread":%s}\n' "${@:7:5}"
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
