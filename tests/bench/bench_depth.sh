#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_depth.sh - every transport at equal depth, and the set-ups of the published
# prototype (SET 1.02 and 1.26 M/s, GET 1.85 and 1.61 M/s at 200,000 and 500,000 requests of each of
# 4 threads, 5,000 in flight each, where it gives 0.2 M/s for redis-benchmark -c 4 --threads 4).
#
# What is under way is `depth` requests of one client; a quarter of them go together.
. "$(dirname "$0")/lib.sh"
server stock
seal_files
ring_server ring 16 $seal_server
"$B/cxl-proxy" --region "$shm/ring" --unix "$dir/proxy.sock" >/dev/null 2>&1 &
pids="$pids $!"
tunnel_up "$dir/stock.sock"
proxy() { run proxy --target unix --socket "$dir/proxy.sock" --keys $keys --no-fill "$@"; }
for s in ring unix; do
	$s --tests set --sequential --pipeline 64 >/dev/null || exit 1
done

i=0
while [ $i -lt "$rounds" ]; do
	for d in 1 4 16 64 256 1024; do
		for t in get set; do
			r=$(ring --tests $t --latency --seconds 0.4 --depth $d | field rps)
			u=$(unix --tests $t --latency --seconds 0.4 --depth $d | field rps)
			c=$(tcp --tests $t --latency --seconds 0.4 --depth $d | field rps)
			s=$(tunnel --tests $t --latency --seconds 0.4 --depth $d | field rps)
			e=$(sealed --tests $t --latency --seconds 0.4 --depth $d | field rps)
			proxy --tests $t --latency --seconds 0.4 --depth $d >/dev/null
			pair kv_${t}_depth$d "$r" "$u"
			pair kv_${t}_depth${d}_tcp "$r" "$c"
			pair kv_${t}_depth${d}_tunnel "$r" "$s"
			pair redis_sealed_${t}_depth$d "$e" "$r"
		done
	done
	i=$((i + 1))
done
for t in get set; do
	T=$(echo $t | tr a-z A-Z)
	for d in 1 4 16 64 256 1024; do
		report kv_${t}_depth$d "$T, depth $d: ring beside unix socket" req/s more null null
		report kv_${t}_depth${d}_tcp "$T, depth $d: ring beside TCP" req/s more null null
		report kv_${t}_depth${d}_tunnel "$T, depth $d: ring beside cxl-tunnel" req/s more null null
		report redis_sealed_${t}_depth$d "$T, depth $d: sealed ring beside plain ring" req/s more null null
	done
done

# The published load: 7-byte values, requests of each thread.
for s in ring unix; do
	$s --tests set --sequential --pipeline 64 --value-size 7 >/dev/null || exit 1
done
i=0
while [ $i -lt "$rounds" ]; do
	for n in 200 500; do
		for t in set get; do
			set -- --tests $t --requests $((n * 4000)) --threads 4 --pipeline 512 --depth 5000 --value-size 7
			r=$(ring "$@" | field rps)
			pair published_${t}_${n}k "$r" "$(redis-benchmark -p "$port_stock" -r $keys -c 4 --threads 4 \
				-n 100000 -t $t -d 7 --csv 2>/dev/null | tail -1 | tr -d '"' | cut -d, -f2)"
			unix --tests set --sequential --pipeline 64 --value-size 7 >/dev/null # redis-benchmark wrote others
			pair published_${t}_${n}k_unix "$r" "$(unix "$@" | field rps)"
			pair published_${t}_${n}k_tcp "$r" "$(tcp "$@" | field rps)"
		done
	done
	i=$((i + 1))
done
for n in 200 500; do
	for t in set get; do
		T=$(echo $t | tr a-z A-Z)
		report published_${t}_${n}k "$T, 4 x ${n}k, 4 x 5000 under way, beside redis-benchmark -c 4 --threads 4" req/s more null null
		report published_${t}_${n}k_unix "$T, 4 x ${n}k: ring beside unix socket, both 4 x 5000" req/s more null null
		report published_${t}_${n}k_tcp "$T, 4 x ${n}k: ring beside TCP, both 4 x 5000" req/s more null null
	done
done
