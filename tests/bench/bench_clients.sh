#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_clients.sh - many clients of one server: threads, channels, processes, the proxy,
# a slower memory, and none that does anything.
. "$(dirname "$0")/lib.sh"
server stock
ring_server ring 80
export CXL_SHM_DELAY_NS=150 # both ends of this one wait so long for each frame
ring_server far 16
unset CXL_SHM_DELAY_NS
ring_far() { CXL_SHM_DELAY_NS=150 run far --region "$shm/far" --keys $keys --no-fill "$@"; }
for s in ring unix ring_far; do
	$s --tests set --sequential --pipeline 64 >/dev/null || exit 1
done
"$B/cxl-proxy" --region "$shm/ring" --unix "$dir/proxy.sock" >/dev/null 2>&1 &
pids="$pids $!"
rps() { field rps; }

i=0
while [ $i -lt "$rounds" ]; do
	for t in get set; do
		one=$(ring --tests $t --pipeline 256 --depth 1024 --seconds 0.5 | rps)
		four=$(ring --tests $t --pipeline 256 --depth 1024 --seconds 0.5 --threads 4 | rps)
		far=$(ring_far --tests $t --pipeline 256 --depth 1024 --seconds 0.5 | rps)
		pair kv_${t}_4_threads "$four" "$one"
		pair kv_${t}_delay150 "$far" "$one"
	done
	# The stronger of two drivers: this one, and redis-benchmark.
	a=$(unix --tests get --clients 64 --seconds 0.5 | rps)
	b=$(redis_benchmark "$dir/stock.sock" get 50000 -c 64)
	sockets=$(larger "$a" "$b")
	pair kv_get_64_channels "$(ring --tests get --clients 64 --seconds 0.5 | rps)" "$sockets"
	processes=$(ring --tests get --fork --threads 64 --seconds 0.5 | rps)
	pair kv_get_64_processes "$processes" "$(unix --tests get --fork --threads 64 --seconds 0.5 | rps)"
	pair kv_get_64_processes_one "$processes" "$sockets"
	for t in get set; do
		a=$(redis_benchmark "$dir/proxy.sock" $t 300000 -P 64 -d 64)
		b=$(redis_benchmark "$dir/stock.sock" $t 300000 -P 64 -d 64)
		pair kv_proxy_$t "$a" "$b"
	done
	# redis-benchmark wrote other values
	ring --tests set --sequential --pipeline 64 >/dev/null
	unix --tests set --sequential --pipeline 64 >/dev/null
	i=$((i + 1))
done

# 64 clients that do nothing, since they are stopped: share of a core over 5 s, three times.
"$B/cxl-bench" --region "$shm/ring" --clients 64 --tests ping --rate 1000 --seconds 600 >/dev/null 2>&1 &
idle=$!
pids="$pids $idle"
sleep 1
kill -STOP $idle
sleep 1
open=$(redis-cli -s "$dir/ring.sock" info cxlring | tr -d '\r' | sed -n 's/^cxlring_channels_open://p')
[ "$open" = 64 ] || { echo "$open channels are open, not 64" >&2; exit 1; }
for i in 1 2 3; do
	c0=$(cpu "$pid_ring")
	sleep 5
	pair kv_idle_cpu "$(awk "BEGIN { print ($(cpu "$pid_ring") - $c0) / 5e7 }")"
done
kill -9 $idle

for t in get set; do
	T=$(echo $t | tr a-z A-Z)
	report kv_${t}_4_threads "$T, pipelined: 4 client threads beside 1" req/s more 0.9 1.0
	report kv_${t}_delay150 "$T, pipelined: CXL_SHM_DELAY_NS=150 beside none" req/s more 0.6 0.85
	report kv_proxy_$t "$T, redis-benchmark -P 64: through cxl-proxy beside direct" req/s more 0.5 0.8
done
report kv_get_64_channels 'GET, 64 channels of one process beside 64 sockets of one' req/s more 3 6
report kv_get_64_processes 'GET, 64 processes: rings beside unix sockets' req/s more 1.2 2
report kv_get_64_processes_one 'GET, 64 processes by rings beside 64 sockets of one' req/s more null null
report kv_idle_cpu 'server with 64 idle ring clients' percent less 0.5 0.1
