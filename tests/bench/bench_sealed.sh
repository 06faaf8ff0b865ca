#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_sealed.sh - what sealing costs Redis's clients: sealed ring beside plain ring, both of
# one server and right after each other; and beside cxl-tunnel, which is what sealing costs
# without shared memory. Keys and values as in bench_redis.sh; cxl-bench checks each reply.
# The sides' batch sizes are the best of a short sweep each.
#
# REQUESTS of a pipelined run (1000000), HANDSHAKES of a round (40).
. "$(dirname "$0")/lib.sh"
requests=${REQUESTS:-1000000}

server stock
seal_files
ring_server ring 16 $seal_server
tunnel_up "$dir/stock.sock"
ring --tests set --sequential --pipeline 64 >/dev/null || exit 1
unix --tests set --sequential --pipeline 64 >/dev/null || exit 1

# piped SIDE TEST PIPELINE REQUESTS
piped() { $1 --pipeline "$3" --depth $(($3 * 4)) --tests "$2" --requests "$4" --server-pid "$pid_ring"; }
best() { for p in 64 128 256 512 1024; do echo "$(piped "$1" "$2" $p 300000 | field rps) $p"; done | sort -n | tail -1 | cut -d' ' -f2; }
for t in get set; do
	for side in ring sealed tunnel; do eval "${side}_p_$t=$(best $side $t)"; done
done

i=0
while [ $i -lt "$rounds" ]; do
	for t in get set; do
		sealed --tests $t --latency --requests 200000 >"$dir/e"
		ring --tests $t --latency --requests 200000 >"$dir/r"
		tunnel --tests $t --latency --requests 20000 >"$dir/t"
		e=$(field p50_us <"$dir/e") r=$(field p50_us <"$dir/r")
		pair redis_sealed_${t}_p50 "$e" "$r"
		pair redis_sealed_${t}_p999 "$(field p99.9_us <"$dir/e")" "$(field p99.9_us <"$dir/r")"
		pair redis_sealed_${t}_more "$(awk "BEGIN { print $e - $r }")"
		pair redis_sealed_tunnel_${t}_p50 "$e" "$(field p50_us <"$dir/t")"
		eval "rp=\$ring_p_$t ep=\$sealed_p_$t tp=\$tunnel_p_$t"
		piped sealed $t "$ep" "$requests" >"$dir/e"
		piped ring $t "$rp" "$requests" >"$dir/r"
		piped tunnel $t "$tp" "$((requests / 2))" >"$dir/t"
		pair redis_sealed_${t}_pipelined "$(field rps <"$dir/e")" "$(field rps <"$dir/r")"
		pair redis_sealed_${t}_server_cpu "$(field server_us <"$dir/e")" "$(field server_us <"$dir/r")"
		pair redis_sealed_tunnel_${t}_pipelined "$(field rps <"$dir/e")" "$(field rps <"$dir/t")"
	done
	i=$((i + 1))
done

# Values of 64 KiB in rings of 4 MiB, as in bench_size.sh.
ring_server long 4 $seal_server --cxlring.ring-size 4mb
long() { run long --region "$shm/long" --keys 128 --value-size 65536 "$@"; }
long --tests set --sequential --pipeline 1 >/dev/null || exit 1
i=0
while [ $i -lt "$rounds" ]; do
	for t in get set; do
		set -- --tests $t --no-fill --pipeline 1 --depth 8 --seconds 0.7
		e=$(long "$@" $seal_client | field rps) r=$(long "$@" | field rps)
		pair redis_sealed_${t}_64k "$(awk "BEGIN { print $e * 65536 / 1e6 }")" "$(awk "BEGIN { print $r * 65536 / 1e6 }")"
	done
	"$B/tests/bench/bench_handshake" "$shm/ring" kv "$seal_ca" "${HANDSHAKES:-40}" >"$dir/h" || exit 1
	pair redis_sealed_handshake "$(field p50_ms <"$dir/h")"
	pair redis_sealed_handshake_max "$(field max_ms <"$dir/h")"
	i=$((i + 1))
done
n=$(redis-cli -s "$dir/ring.sock" info cxlring | tr -d '\r' | sed -n 's/^cxlring_handshakes://p')
[ "$n" -gt $((rounds * 5)) ] || { echo "$n channels were sealed, which is too few" >&2; exit 1; }

for t in get set; do
	T=$(echo $t | tr a-z A-Z)
	eval "rp=\$ring_p_$t ep=\$sealed_p_$t tp=\$tunnel_p_$t"
	[ $t = get ] && more='0.6 0.2' piped='0.6 0.85' long='0.5 0.75' one='8 null' many='3 null'
	[ $t = get ] || more='null null' piped='null null' long='null null' one='null null' many='null null'
	report redis_sealed_${t}_more "$T, one outstanding, p50: what the sealed ring takes longer than the plain one" us less $more
	report redis_sealed_${t}_p50 "$T, one outstanding, p50: sealed ring beside plain ring" us less null null
	report redis_sealed_${t}_p999 "$T, one outstanding, p99.9: sealed ring beside plain ring" us less null null
	report redis_sealed_${t}_pipelined "$T, pipelined: sealed ring -P $ep beside plain ring -P $rp" req/s more $piped
	report redis_sealed_${t}_server_cpu "server CPU of a pipelined $T: sealed beside plain" us/op less null null
	report redis_sealed_${t}_64k "$T of 64 KiB values: sealed ring beside plain ring" MB/s more $long
	report redis_sealed_tunnel_${t}_p50 "$T, one outstanding, p50: sealed ring beside cxl-tunnel" us less $one
	report redis_sealed_tunnel_${t}_pipelined "$T, pipelined: sealed ring -P $ep beside cxl-tunnel -P $tp" req/s more $many
done
report redis_sealed_handshake 'a handshake of certificates, from a free channel to a sealed one' ms less 60 null
report redis_sealed_handshake_max 'the longest of a round' ms less null null
