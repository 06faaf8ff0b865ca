#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_redis.sh - Redis over the ring beside stock Redis over its unix socket.
# Load: 200,000 random keys, 64-byte values; every reply that cxl-bench times is checked.
# The sides' batch sizes are the best of a short sweep each.
#
# REQUESTS of a pipelined run (1000000).
. "$(dirname "$0")/lib.sh"
requests=${REQUESTS:-1000000}

server stock
ring_server ring 16
ring --tests set --sequential --pipeline 64 >/dev/null || exit 1
unix --tests set --sequential --pipeline 64 >/dev/null || exit 1

# stock TEST PIPELINE CLIENTS REQUESTS: requests per second, us of the server each
stock() {
	_c0=$(cpu "$pid_stock")
	_rps=$(redis_benchmark "$dir/stock.sock" "$1" "$4" -d 64 -P "$2" -c "$3")
	echo "$_rps $(awk "BEGIN { print ($(cpu "$pid_stock") - $_c0) / 1000 / $4 }")"
}
piped() { ring --pipeline "$2" --depth $(($2 * 4)) --tests "$1" --server-pid "$pid_ring" --requests "$3"; }

# The best batch for each side and operation.
best() {
	for p in 64 128 256 512 1024; do
		case $1 in
		stock) for c in 1 4; do echo "$(stock "$2" $p $c 400000) $p $c"; done ;;
		ring) echo "$(piped "$2" $p 500000 | field rps) 0 $p 1" ;;
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
	unix --tests set --sequential --pipeline 64 >/dev/null # redis-benchmark wrote others
	for t in get set; do
		ring --tests $t --latency --requests 200000 >"$dir/a"
		unix --tests $t --latency --requests 60000 >"$dir/b"
		pair kv_${t}_depth1_p50 "$(field p50_us <"$dir/a")" "$(field p50_us <"$dir/b")"
		pair kv_${t}_depth1_p999 "$(field p99.9_us <"$dir/a")" "$(field p99.9_us <"$dir/b")"
	done
	for t in get set; do
		eval "sp=\$stock_p_$t sc=\$stock_c_$t rp=\$ring_p_$t"
		piped $t "$rp" "$requests" >"$dir/a"
		set -- $(stock $t "$sp" "$sc" "$requests")
		pair kv_${t}_pipelined "$(field rps <"$dir/a")" "$1"
		pair kv_${t}_server_cpu "$(field server_us <"$dir/a")" "$2"
	done
	i=$((i + 1))
done

# TCP beside a saturating ring.
"$B/cxl-bench" --region "$shm/ring" --tests get --seconds 60 --keys $keys --pipeline 256 --depth 1024 --no-fill >/dev/null 2>&1 &
load=$!
pids="$pids $load"
sleep 0.3
for i in 1 2 3; do
	p99=$(redis-benchmark -p "$port_ring" -c 1 -n 3000 -t ping_mbulk --csv 2>/dev/null | tail -1 | tr -d '"' | cut -d, -f7)
	pair kv_tcp_ping_p99 "$p99"
done
kill -INT $load
wait $load

report kv_get_depth1_p50 'GET, one outstanding, p50: ring beside unix socket' us less 6 9
report kv_get_depth1_p999 'GET, one outstanding, p99.9: ring beside unix socket' us less 5 10
report kv_set_depth1_p50 'SET, one outstanding, p50: ring beside unix socket' us less null null
report kv_set_depth1_p999 'SET, one outstanding, p99.9: ring beside unix socket' us less null null
report kv_get_pipelined "GET, pipelined: ring -P $ring_p_get beside redis-benchmark -P $stock_p_get -c $stock_c_get" req/s more 1.25 1.5
report kv_set_pipelined "SET, pipelined: ring -P $ring_p_set beside redis-benchmark -P $stock_p_set -c $stock_c_set" req/s more 1.15 1.5
report kv_get_server_cpu 'server CPU of a pipelined GET' us/op less null null
report kv_set_server_cpu 'server CPU of a pipelined SET' us/op less null null
report kv_tcp_ping_p99 'PING over TCP beside a saturating ring, p99' ms less null 2
