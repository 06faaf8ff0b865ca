#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_tunnel.sh - what encryption without shared memory costs, and the ring beside it: GET and
# SET through cxl-tunnel, one outstanding and pipelined at each side's best batch.
#
# The way through it: unix socket, client end, TCP on loopback, server end, unix socket. Keys and
# values as in bench_redis.sh; cxl-bench is the client on both sides and checks each reply.
#
# REQUESTS of a pipelined run (500000).
. "$(dirname "$0")/lib.sh"
requests=${REQUESTS:-500000}

server stock
ring_server ring 16
tunnel_up "$dir/stock.sock"
ring --tests set --sequential --pipeline 64 >/dev/null || exit 1
unix --tests set --sequential --pipeline 64 >/dev/null || exit 1

# piped SIDE TEST PIPELINE REQUESTS
piped() { $1 --pipeline "$3" --depth $(($3 * 4)) --tests "$2" --requests "$4" | field rps; }
best() { for p in 64 128 256 512 1024; do echo "$(piped "$1" "$2" $p 200000) $p"; done | sort -n | tail -1 | cut -d' ' -f2; }
for t in get set; do
	for side in ring tunnel tcp; do eval "${side}_p_$t=$(best $side $t)"; done
done

i=0
while [ $i -lt "$rounds" ]; do
	for t in get set; do
		for side in ring tunnel tcp unix; do $side --tests $t --latency --requests 20000 >"$dir/$side.one"; done
		for p in 50 99.9; do
			for side in ring tcp unix; do
				pair tunnel_${side}_${t}_p$p "$(field p${p}_us <"$dir/$side.one")" "$(field p${p}_us <"$dir/tunnel.one")"
			done
		done
		eval "rp=\$ring_p_$t sp=\$tunnel_p_$t cp=\$tcp_p_$t"
		r=$(piped ring $t "$rp" "$requests")
		s=$(piped tunnel $t "$sp" "$requests")
		c=$(piped tcp $t "$cp" "$requests")
		pair tunnel_ring_${t}_pipelined "$r" "$s"
		pair tunnel_tcp_${t}_pipelined "$c" "$s"
	done
	i=$((i + 1))
done
for t in get set; do
	T=$(echo $t | tr a-z A-Z)
	eval "rp=\$ring_p_$t sp=\$tunnel_p_$t cp=\$tcp_p_$t"
	for p in 50 99.9; do
		report tunnel_ring_${t}_p$p "$T, one outstanding, p$p: ring beside cxl-tunnel" us less null null
		report tunnel_tcp_${t}_p$p "$T, one outstanding, p$p: TCP beside cxl-tunnel" us less null null
		report tunnel_unix_${t}_p$p "$T, one outstanding, p$p: unix socket beside cxl-tunnel" us less null null
	done
	report tunnel_ring_${t}_pipelined "$T, pipelined: ring -P $rp beside cxl-tunnel -P $sp" req/s more null null
	report tunnel_tcp_${t}_pipelined "$T, pipelined: TCP -P $cp beside cxl-tunnel -P $sp" req/s more null null
done
