#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bench_pg.sh - hedb against plain PostgreSQL and against the ring it stands on.
#
#     hedb_scalar_lt    count(*) where a < b, per row, against the ring's round trip
#     hedb_tpcb_cN      pgbench's builtin TPC-B with enc_int4 balances, against int4, N
#                       clients; hedb_tpcb_prepared_cN the same with -M prepared
#     hedb_idle         processor time of everything while 16 backends are idle
#
# One JSON line each. BENCH_SCALE (32), BENCH_SECONDS (5) per run, BENCH_RUNS (3),
# BENCH_CLIENTS ("1 4 16 64"), BENCH_PREPARED ("1 16") and BENCH_ONLY ("scalar tpcb idle") make it shorter.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../pg/cluster.sh"
. "$here/pglib.sh"
scale=${BENCH_SCALE:-32}
seconds=${BENCH_SECONDS:-5}
runs=${BENCH_RUNS:-3}
clients=${BENCH_CLIENTS:-1 4 16 64}
prepared=${BENCH_PREPARED-1 16}
only=${BENCH_ONLY:-scalar tpcb idle}

# median of the means of seven stretches of 100,000 round trips
ping_ns() {
	local i
	for i in 1 2 3 4 5 6 7; do
		as_user hedbctl ping "$region" --count 100000 | sed 's/.*mean \([0-9.]*\) .*/\1/'
	done | sort -g | sed -n 4p
}

# A scan's time per row is a mean, with the interruptions that a p50 leaves out; so the
# round trip's is as well: medians of seven stretches of 100,000, in turn, seven times.
bench_scalar() {
	local row=() rtt=() ratio=() i ping ns r b s
	sql >/dev/null <<-'SQL'
		CREATE TABLE r AS SELECT enc_int4_encrypt(g) AS a, enc_int4_encrypt((g * 7919) % 100003) AS b
			FROM generate_series(1, 100000) g;
		VACUUM ANALYZE r;
		CREATE FUNCTION scan_ns(n int) RETURNS SETOF float8 LANGUAGE plpgsql AS $$
		DECLARE t timestamptz;
		BEGIN
			FOR i IN 1 .. n LOOP
				t := clock_timestamp();
				PERFORM count(*) FROM r WHERE a < b;
				RETURN NEXT extract(epoch FROM clock_timestamp() - t) * 1e9 / 100000;
			END LOOP;
		END $$;
	SQL
	for i in $(seq 7); do
		ping=$(ping_ns)
		ns=$(sql -c 'SET max_parallel_workers_per_gather = 0' -c 'SELECT percentile_cont(0.5)
			WITHIN GROUP (ORDER BY s) FROM scan_ns(7) s' | tail -1)
		row+=("$ns") rtt+=("$ping") ratio+=("$(echo "$ns $ping" | awk '{ print $1 / $2 }')")
	done
	read -r ns _ <<<"$(stats "${row[@]}")"
	read -r b _ <<<"$(stats "${rtt[@]}")"
	read -r r s <<<"$(stats "${ratio[@]}")"
	emit hedb_scalar_lt "count(*) where a < b, per row, to a ping" "$ns" ns "$b" "$r" 2.5 1.5 \
		lower 7 "$s"
}

# tps MODE CLIENTS DATABASE
tps() {
	pgbench -n -M "$1" -c "$2" -j "$(($2 < 2 ? 1 : 2))" -T "$seconds" "$3" 2>>"$base/log/pgbench" |
		sed -n 's/^tps = \([0-9.]*\) .*/\1/p'
}

# tpcb ID MODE CLIENTS: plain and encrypted in turn
tpcb() {
	local plain=() enc=() ratio=() i p e r s
	for i in $(seq "$runs"); do
		p=$(tps "$2" "$3" plain)
		e=$(tps "$2" "$3" enc)
		[ -n "$p" ] && [ -n "$e" ] || { tail "$base/log/pgbench" >&2; return 1; }
		plain+=("$p") enc+=("$e") ratio+=("$(echo "$e $p" | awk '{ print $1 / $2 }')")
	done
	read -r p _ <<<"$(stats "${plain[@]}")"
	read -r e _ <<<"$(stats "${enc[@]}")"
	read -r r s <<<"$(stats "${ratio[@]}")"
	set -- "$@" 0.60 0.85
	[ "$1" != hedb_tpcb_c16 ] || set -- "$1" "$2" "$3" 0.70 0.90
	emit "$1" "pgbench TPC-B -M $2, scale $scale, clients $3, to int4" "$e" tps "$p" "$r" \
		"$4" "$5" higher "$runs" "$s"
}

bench_tpcb() {
	local c i
	createdb plain
	createdb enc
	pgbench -i -q -s "$scale" plain >/dev/null 2>&1
	pgbench -i -q -s "$scale" enc >/dev/null 2>&1
	sql -d enc -c 'CREATE EXTENSION hedb' \
		-c 'ALTER TABLE pgbench_accounts ALTER abalance TYPE enc_int4 USING enc_int4_encrypt(abalance)' \
		-c 'ALTER TABLE pgbench_branches ALTER bbalance TYPE enc_int4 USING enc_int4_encrypt(bbalance)' \
		-c 'ALTER TABLE pgbench_tellers ALTER tbalance TYPE enc_int4 USING enc_int4_encrypt(tbalance)' \
		-c 'ALTER TABLE pgbench_history ALTER delta TYPE enc_int4 USING enc_int4_encrypt(delta)' \
		-c 'ALTER DATABASE enc SET hedb.mode = client'
	for i in plain enc; do
		sql -d $i -c 'VACUUM ANALYZE' -c 'CHECKPOINT'
	done
	for i in simple extended prepared; do # the script as it is, in all three protocols
		pgbench -n -M $i -c 2 -t 50 enc >"$base/log/$i" 2>&1 || { cat "$base/log/$i" >&2; return 1; }
		pgbench -n -M $i -c 2 -t 50 plain >/dev/null 2>&1
	done
	for c in $clients; do
		tpcb "hedb_tpcb_c$c" simple "$c" || return 1
	done
	for c in $prepared; do
		tpcb "hedb_tpcb_prepared_c$c" prepared "$c" || return 1
	done
	[ "$(sql -d enc -c "SELECT (SELECT sum(abalance) FROM pgbench_accounts) =
		(SELECT sum(bbalance) FROM pgbench_branches)")" = t ] ||
		{ echo "balances differ" >&2; return 1; }
}

# Clock ticks that a process and its threads used
cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

bench_idle() {
	local pids=() psqls=() i before=0 after=0 v
	for i in $(seq 16); do
		mkfifo "$base/idle$i"
		psql -XAtq <"$base/idle$i" >/dev/null 2>&1 &
		psqls+=($!)
		exec {fd}>"$base/idle$i"
		echo 'SELECT enc_int4_decrypt(enc_int4_encrypt(1));' >&$fd
	done
	sleep 2
	pids=("$zone_pid" $(sql -c "SELECT pid FROM pg_stat_activity WHERE datname = 'test'
		AND pid <> pg_backend_pid()"))
	[ ${#pids[@]} = 17 ] || echo "idle: ${#pids[@]} processes, not 17" >&2
	for i in "${pids[@]}"; do before=$((before + $(cpu_ticks "$i"))); done
	sleep 10
	for i in "${pids[@]}"; do after=$((after + $(cpu_ticks "$i"))); done
	v=$(echo "$before $after $(getconf CLK_TCK)" | awk '{ print ($2 - $1) / $3 / 10 * 100 }')
	emit hedb_idle "ops_server and 16 idle backends, % of a core" "$v" % null "$v" 1 0.1 lower 1 0
	kill "${psqls[@]}" 2>/dev/null
}

cluster_begin
zone_start ${BENCH_ZONE_OPTIONS:-}
pg_begin "hedb.client_credential = '$credential'" 'shared_buffers = 1GB' 'max_connections = 100' \
	'synchronous_commit = off' 'max_wal_size = 8GB' 'checkpoint_timeout = 30min' \
	'autovacuum = off' ${BENCH_PG_OPTIONS:+"$BENCH_PG_OPTIONS"} || exit 1
sql -c 'CREATE EXTENSION hedb'
for part in $only; do
	"bench_$part" || exit 1
done
