#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_size.sh - GETs of values from 64 bytes to 1 MiB: how much of what two processes can
# copy through shared memory (bench_copy.c). 8 MiB of values; the ring's replies are
# compared byte by byte as well. Rings of 4 MiB, as suits such values: of 64 KiB, the default,
# a value of 64 KiB goes through in parts, each of which waits for the reader.
. "$(dirname "$0")/lib.sh"
total=$((8 << 20))
ring_server ring 4 --proto-max-bulk-len 64mb --cxlring.ring-size 4mb
keys_of() { echo $((total / $1)); }

for size in 64 1024 4096 16384 65536 262144 1048576; do
	n=$(keys_of $size)
	redis-cli -s "$dir/ring.sock" flushall >/dev/null
	pipeline=$((size < 4096 ? 64 : size < 65536 ? 8 : 1))
	run ring --region "$shm/ring" --keys "$n" --value-size $size --tests set --sequential --pipeline $pipeline >/dev/null || exit 1
	i=0
	while [ $i -lt "$rounds" ]; do
		rps=$(run ring --region "$shm/ring" --keys "$n" --value-size $size --tests get --no-fill \
			--pipeline $pipeline --depth $((pipeline * 8)) --seconds 0.5 | field rps)
		copy=$("$B/tests/bench/bench_copy" $size $total | field mb_s) || exit 1
		pair kv_get_bytes_$size "$(awk "BEGIN { print $rps * $size / 1e6 }")" "$copy"
		i=$((i + 1))
	done
	[ $size = 65536 ] && limits='0.5 0.8' || limits='null null'
	report kv_get_bytes_$size "GET of $size bytes beside copying as many" MB/s more $limits
done
