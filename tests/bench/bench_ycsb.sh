#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_ycsb.sh - YCSB's core workloads A to F and a create-read-update-delete-scan mix, by
# one program over the ring and over Redis's unix socket: the same operations, threads and
# records (100,000 of ten fields of 100 bytes), one operation a thread at a time.
#
# THREADS (1 4), SECONDS_EACH of a run (1).
. "$(dirname "$0")/lib.sh"
server stock
ring_server ring 16
seconds=${SECONDS_EACH:-1}
ycsb=tests/bench/ycsb

# workload TARGET FILE PHASE options...
workload() {
	_target=$1 _file=$2 _phase=$3
	shift 3
	case $_target in
	ring) set -- --region "$shm/ring" "$@" ;;
	unix) set -- --target unix --socket "$dir/stock.sock" "$@" ;;
	esac
	run "$_target" --workload "$ycsb/$_file" --phase "$_phase" --latency "$@"
}
load() {
	for s in ring stock; do redis-cli -s "$dir/$s.sock" flushall >/dev/null; done
	for t in ring unix; do workload $t workloada load --depth 64 >"$dir/load" || exit 1; done
}
total() { grep '"op":"run"' | field rps; }

for w in a b c f d e _crudscan; do
	load
	for n in ${THREADS:-1 4}; do
		i=0
		while [ $i -lt "$rounds" ]; do
			for t in ring unix; do
				workload $t workload$w run -p operationcount=1000000000 --seconds "$seconds" --threads "$n" >"$dir/$t" || exit 1
			done
			pair "ycsb_${w#_}_$n" "$(total <"$dir/ring")" "$(total <"$dir/unix")"
			i=$((i + 1))
		done
		case $w$n in
		[abcf]*) must=4 aim=8 ;;
		*) must=null aim=null ;;
		esac
		report "ycsb_${w#_}_$n" "YCSB $(echo "${w#_}" | tr a-z A-Z), threads $n: ring beside unix socket" ops/s more $must $aim
	done
done
