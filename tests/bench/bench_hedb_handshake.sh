#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# bench_hedb_handshake.sh - how long who comes to ops_server waits for a sealed channel, with
# certificates at both ends, and for its first reply, which is checked: ROUNDS (5) of HANDSHAKES
# (100) one after the other, nobody else there. The figures are medians of the rounds' medians,
# and of all handshakes the longest.
. "$(dirname "$0")/lib.sh"

region=$shm/region ca=$dir/ca
"$B/hedbctl" region format "$region" --kv-channels 1 --ops-channels 4 >/dev/null &&
	"$B/hedbctl" key create "$dir/keys" >/dev/null && "$B/hedbctl" ca init "$ca" >/dev/null &&
	"$B/hedbctl" ca issue "$ca" zone --role server:ops >/dev/null &&
	"$B/hedbctl" ca issue "$ca" client --role db >/dev/null || exit 1
"$B/ops_server" --region "$region" --keys "$dir/keys" --secure required --cert "$ca/zone.pem" \
	--key "$ca/zone.key" --ca "$ca/ca.pem" >"$dir/log" 2>&1 &
pids="$pids $!"
sealed() { "$B/hedbctl" "$@" --secure --cert "$ca/client.pem" --key "$ca/client.key" --ca "$ca/ca.pem"; }
i=0
until sealed ping "$region" --count 1 >/dev/null 2>&1; do
	i=$((i + 1))
	[ $i -lt 100 ] || { cat "$dir/log" >&2; exit 1; }
	sleep 0.05
done

i=0
while [ $i -lt "$rounds" ]; do
	"$B/tests/bench/bench_handshake" "$region" ops "$ca" "${HANDSHAKES:-100}" >"$dir/h" || exit 1
	pair hedb_sealed_handshake "$(field p50_ms <"$dir/h")"
	pair hedb_sealed_handshake_reply "$(field reply_p50_ms <"$dir/h")"
	field reply_max_ms <"$dir/h" >>"$dir/longest"
	i=$((i + 1))
done
pair hedb_sealed_handshake_max "$(sort -g "$dir/longest" | tail -1)"

report hedb_sealed_handshake 'a handshake with ops_server, from a free channel to a sealed one' ms less 60 null
report hedb_sealed_handshake_reply 'the same, to the first reply' ms less 60 null
report hedb_sealed_handshake_max 'the longest of all rounds, to the first reply' ms less null null
