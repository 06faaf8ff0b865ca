#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_redis.sh - Redis over the ring beside stock Redis over its unix socket.
#
# One JSON line for each figure. Every round measures both sides right after each other,
# so that a busy machine spoils both. `ratio` is the median of the rounds' ratios and says
# how many times better the ring is, whatever the unit: so `better` is "higher". A figure
# without a baseline is its own ratio, and all of these are the better the lower.
# `spread` is the distance of the quartiles over the median.
# Load: 200,000 random keys, 3-byte values, one client thread, every ring reply checked.
# The sides' batch sizes are the best of a short sweep each.
#
# ROUNDS (5), REQUESTS of a pipelined run (1000000).
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
rounds=${ROUNDS:-5}
requests=${REQUESTS:-1000000}
keys=200000
dir=$(mktemp -d "$B/kvb.XXXXXX") || exit 1
shm=$(mktemp -d /dev/shm/kvb.XXXXXX 2>/dev/null) || shm=$dir
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir" "$shm"' EXIT
trap 'exit 1' INT TERM

server() {
	name=$1
	shift
	redis-server --port "$@" --unixsocket "$dir/$name.sock" --dir "$dir" --save '' \
		--logfile "$dir/$name.log" >/dev/null 2>&1 &
	pids="$pids $!"
	eval "pid_$name=$!"
	i=0
	until redis-cli -s "$dir/$name.sock" ping >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat "$dir/$name.log" >&2; exit 1; }
		sleep 0.05
	done
}

port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 30000))
server stock 0
server ring "$port" --loadmodule "$B/cxlring.so" "$shm/r"

# field NAME < json
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" | tail -1; }
ring() { "$B/cxl-bench" --region "$shm/r" --json --keys $keys --value-size 3 --server-pid "$pid_ring" --no-fill "$@"; }
unix() { "$B/cxl-bench" --target unix --socket "$dir/stock.sock" --json --keys $keys --value-size 3 --server-pid "$pid_stock" --no-fill "$@"; }
cpu() { cut -d' ' -f1 "/proc/$1/task/$1/schedstat"; }
# stock TEST PIPELINE REQUESTS: requests per second, then us of the server per request
stock() {
	c0=$(cpu "$pid_stock")
	rps=$(redis-benchmark -s "$dir/stock.sock" -r $keys -n "$3" -P "$2" -c "${4:-1}" -t "$1" --csv 2>/dev/null |
		tail -1 | tr -d '"' | cut -d, -f2)
	echo "$rps $(awk "BEGIN { print ($(cpu "$pid_stock") - $c0) / 1000 / $3 }")"
}

ring --tests set --sequential --pipeline 64 --requests $keys >/dev/null || exit 1
unix --tests set --sequential --pipeline 64 --requests $keys >/dev/null || exit 1

# The best batch for each side and operation.
best() {
	for p in 16 64 128 256 512; do
		case $1 in
		stock) for c in 1 4; do echo "$(stock "$2" $p 300000 $c) $p $c"; done ;;
		ring) echo "$(ring --tests "$2" --pipeline $p --max-inflight $((p * 4)) --requests 500000 | field rps) 0 $p 1" ;;
		esac
	done | sort -n | tail -1 | cut -d' ' -f3-
}
for t in get set; do
	set -- $(best stock $t)
	eval "stock_p_$t=$1 stock_c_$t=$2"
	set -- $(best ring $t)
	eval "ring_p_$t=$1"
done

i=0
while [ $i -lt "$rounds" ]; do
	a=$(ring --tests get --latency --requests 200000 | field p50_us)
	unix --tests set --sequential --pipeline 64 --requests $keys >/dev/null # others wrote
	b=$(unix --tests get --latency --requests 50000 | field p50_us)
	echo "$a $b" >>"$dir/kv_get_depth1_p50"
	a=$(ring --tests set --latency --requests 200000 | field p50_us)
	b=$(unix --tests set --latency --requests 50000 | field p50_us)
	echo "$a $b" >>"$dir/kv_set_depth1_p50"
	for t in get set; do
		eval "sp=\$stock_p_$t sc=\$stock_c_$t rp=\$ring_p_$t"
		ring --tests $t --pipeline "$rp" --max-inflight $((rp * 4)) --requests "$requests" >"$dir/out"
		set -- $(stock $t "$sp" "$requests" "$sc")
		echo "$(field rps <"$dir/out") $1" >>"$dir/kv_${t}_pipelined"
		echo "$(field server_us <"$dir/out") $2" >>"$dir/kv_${t}_server_cpu"
	done
	i=$((i + 1))
done

# TCP beside a saturating ring.
"$B/cxl-bench" --region "$shm/r" --tests set,get --requests 1000000000 --keys $keys --pipeline 256 --max-inflight 1024 --no-fill >/dev/null 2>&1 &
load=$!
sleep 0.3
for i in 1 2 3; do
	p99=$(redis-benchmark -p "$port" -c 1 -n 3000 -t ping_mbulk --csv 2>/dev/null | tail -1 | tr -d '"' | cut -d, -f7)
	echo "$p99 0" >>"$dir/kv_tcp_ping_p99"
done
kill -INT $load
wait $load

# One idle ring client: share of a core over 3 s.
(sleep 4) | "$B/cxl-cli" --region "$shm/r" >/dev/null 2>&1 &
sleep 0.5
c0=$(cpu "$pid_ring")
sleep 3
echo "$(awk "BEGIN { print ($(cpu "$pid_ring") - $c0) / 3e7 }") 0" >"$dir/kv_idle_cpu"

# report ID WHAT UNIT less|more MUST AIM: which of value and baseline is the better one
report() {
	awk -v id="$1" -v what="$2" -v unit="$3" -v kind="$4" -v must="$5" -v aim="$6" '
	function median(v, n,   i, j, t) {
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	{ n++; a[n] = $1; b[n] = $2; r[n] = $2 > 0 ? (kind == "more" ? $1 / $2 : $2 / $1) : 0 }
	END {
		m = median(a, n); ratio = median(r, n)
		lo = a[int((n + 3) / 4)]; hi = a[int((3 * n + 3) / 4)]
		base = median(b, n)
		printf "{\"id\":\"%s\",\"what\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",", id, what, m, unit
		printf "\"baseline\":%s,\"ratio\":%.4g,", base ? sprintf("%.6g", base) : "null", base ? ratio : m
		printf "\"must\":%s,\"aim\":%s,\"better\":\"%s\",", must, aim, base ? "higher" : "lower"
		printf "\"runs\":%d,\"spread\":%.3f}\n", n, m ? (hi - lo) / m : 0
	}' "$dir/$1"
}
report kv_get_depth1_p50 'GET, one outstanding: ring beside unix socket' us less 5 9
report kv_set_depth1_p50 'SET, one outstanding: ring beside unix socket' us less null null
report kv_get_pipelined "GET, pipelined: ring -P $ring_p_get beside redis-benchmark -P $stock_p_get -c $stock_c_get" req/s more 1.0 1.25
report kv_set_pipelined "SET, pipelined: ring -P $ring_p_set beside redis-benchmark -P $stock_p_set -c $stock_c_set" req/s more 1.0 1.15
report kv_get_server_cpu 'server CPU of a pipelined GET' us/op less null null
report kv_set_server_cpu 'server CPU of a pipelined SET' us/op less null null
report kv_tcp_ping_p99 'PING over TCP beside a saturating ring, p99' ms less null 2
report kv_idle_cpu 'server with one idle ring client' percent less 1 0.1
