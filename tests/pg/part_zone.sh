# SPDX-License-Identifier: BSD-3-Clause
# part_zone.sh - ops_server absent, killed, stopped; channels; cancelling. Sourced by run.

# result NAME STATUS: told to the parent, which counts
result() { echo "result $2 $1"; }
q() { psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -c "$@" 2>&1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# took MIN MAX: milliseconds since $t0 lie in between
took() {
	local ms=$(($(now_ms) - t0))
	[ "$ms" -ge "$1" ] && [ "$ms" -le "$2" ] || { echo "took $ms ms, not $1..$2" >&2; return 1; }
}

one='SELECT count(*) FROM t WHERE a < b'

zone_absent() {
	t0=$(now_ms)
	q "SET hedb.timeout = 500; $one" | grep -q 08006 && took 400 3000
	result "absent: 08006 after hedb.timeout" $?
	[ "$(q 'SELECT count(*) FROM t')" = 1000 ]
	result "absent: plain columns and ciphertext are still there" $?
	[ "$(q 'SELECT length(a::text) FROM t LIMIT 1')" = 48 ]
	result "absent: output in server mode needs no zone" $?
	q 'ANALYZE t' && q 'VACUUM t'
	result "absent: analyze and vacuum need no zone" $?
	q "$one" >"$base/waited" &
	local waiting=$!
	sleep 1
	zone_start >&2
	wait $waiting
	[ "$(cat "$base/waited")" = 499 ]
	result "absent: a query waits for the server to come" $?
}

zone_killed() {
	cat >"$base/load.sql" <<-'SQL'
		SELECT 1 / (count(*) = 499)::int FROM t WHERE a < b;
		SELECT 1 / (sum(a) = 500500::enc_int8)::int FROM t;
		SELECT 1 / (count(*) = 1)::int FROM t WHERE a + b = 1001 AND b = 500;
	SQL
	PGOPTIONS='-c hedb.mode=client' pgbench -n -c 4 -j 2 -T 8 -f "$base/load.sql" \
		>"$base/log/killed" 2>&1 &
	local load=$! kills=0
	while kill -0 $load 2>/dev/null; do
		sleep 0.7
		zone_stop KILL 2>/dev/null
		kills=$((kills + 1))
		zone_start >&2
	done
	wait $load && ! grep -q 'ERROR\|aborted' "$base/log/killed"
	result "killed $kills times under load: no error, no wrong result" $?
	sed -n 's/^number of transactions actually processed/# killed: transactions/p' "$base/log/killed"
}

zone_stopped() {
	kill -STOP "$zone_pid"
	t0=$(now_ms)
	q "SET hedb.timeout = 700; $one" | grep -q 08006 && took 600 3000
	result "stopped: 08006 after hedb.timeout" $?
	(sleep 1; kill -CONT "$zone_pid") &
	[ "$(q "$one")" = 499 ]
	result "stopped and continued: the query goes on" $?
	wait $!
	# one backend: times out, then works again, and late replies are not taken for new ones
	kill -STOP "$zone_pid"
	(sleep 1; kill -CONT "$zone_pid") &
	[ "$(psql -XAtq 2>/dev/null <<-SQL
		SET hedb.timeout = 300;
		SELECT count(*) FROM t WHERE a < b;
		SET hedb.timeout = 10000;
		SELECT count(*) FROM t WHERE a >= b;
	SQL
	)" = 501 ]
	result "stopped: the same backend recovers" $?
	wait $!
}

# start_waiter [SQL]: a backend that waits for a stopped zone without a time limit
start_waiter() {
	PGAPPNAME=waiter psql -XAtq -v VERBOSITY=sqlstate -c 'SET hedb.timeout = 0' \
		-c 'SET enable_seqscan = off' -c "${1:-$one}" >"$base/waiter" 2>&1 &
	waiter=$!
	for _ in $(seq 50); do
		sleep 0.1
		[ "$(q "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waiter'
			AND wait_event_type = 'Extension'")" = 1 ] && return 0
	done
	return 1
}

zone_interrupts() {
	local who="FROM pg_stat_activity WHERE application_name = 'waiter'"

	kill -STOP "$zone_pid"
	t0=$(now_ms)
	q "SET hedb.timeout = 0; SET statement_timeout = 500; $one" | grep -q 57014 && took 400 1500
	result "statement_timeout while waiting" $?
	start_waiter
	t0=$(now_ms)
	q "SELECT pg_cancel_backend(pid) $who" >&2
	wait $waiter
	grep -q 57014 "$base/waiter" && took 0 1000
	result "cancel while waiting" $?
	# comparisons in an index run under a page's lock
	start_waiter "SELECT id FROM t JOIN k USING (a) WHERE id < 3"
	t0=$(now_ms)
	q "SELECT pg_cancel_backend(pid) $who" >&2
	wait $waiter
	grep -q 57014 "$base/waiter" && took 0 1000
	result "cancel while comparing in an index" $?
	start_waiter "INSERT INTO k SELECT a FROM t WHERE id = 900"
	t0=$(now_ms)
	q "SELECT pg_terminate_backend(pid) $who" >&2
	wait $waiter
	grep -q 57P01 "$base/waiter" && took 0 1000
	result "terminate while comparing in an index" $?
	start_waiter
	t0=$(now_ms)
	q "SELECT pg_terminate_backend(pid) $who" >&2
	wait $waiter
	grep -q 57P01 "$base/waiter" && took 0 1000
	result "terminate while waiting" $?
	start_waiter
	t0=$(now_ms)
	as_user "$bin/pg_ctl" -D "$base/data" -m fast -t 10 stop >&2 && took 0 5000
	result "fast shutdown while waiting" $?
	wait $waiter
	kill -CONT "$zone_pid"
	as_user "$bin/pg_ctl" -D "$base/data" -l "$base/log/postgres" -w start >&2
	[ "$(q "$one")" = 499 ]
	result "all well afterwards" $?
}

zone_backend_killed() {
	PGAPPNAME=victim psql -XAtq -c "$one" -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 &
	local victim=$!
	sleep 1
	kill -9 "$(q "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")"
	wait $victim
	for _ in $(seq 50); do
		sleep 0.2
		[ "$(q "$one")" = 499 ] && break
	done
	[ "$(q "$one")" = 499 ]
	result "a backend killed with -9: the cluster and its channel recover" $?
	[ "$(as_user hedbctl region show "$region" | grep -c 'victim')" = 0 ]
	result "its channel is free again" $?
}

# 200 connections of one-operation transactions on 128 channels
zone_many() {
	echo 'SELECT count(*) FROM t WHERE id < 4 AND a < b;' >"$base/short.sql"
	printf 'BEGIN;\nSELECT count(*) FROM t WHERE id < 4 AND a < b;\nSELECT pg_sleep(2);\nEND;\n' \
		>"$base/hold.sql"
	pgbench -n -c 200 -j 4 -t 20 -f "$base/short.sql" >"$base/log/many" 2>&1 &&
		! grep -q aborted "$base/log/many"
	result "200 connections, 128 channels, short transactions" $?
	pgbench -n -c 200 -j 4 -t 1 -f "$base/hold.sql" >"$base/log/hold" 2>&1 &&
		! grep -q aborted "$base/log/hold"
	result "200 connections holding channels: the others wait" $?
	PGOPTIONS='-c hedb.channel_wait=error' \
		pgbench -n -c 200 -j 4 -t 1 -f "$base/hold.sql" >"$base/log/error" 2>&1
	grep -q 'channels of "ops" have a live owner' "$base/log/error" &&
		grep -q 'transactions actually processed: \(128\|12[0-9]\)/' "$base/log/error"
	result "channel_wait = error: a clear error for those beyond 128" $?
	grep 'actually processed' "$base/log/error" | sed 's/^/# error mode: /'
	[ "$(q "$one")" = 499 ]
	result "channels are free afterwards" $?
}

zone_one_cpu() {
	taskset -apc 0 "$zone_pid" >&2
	t0=$(now_ms)
	[ "$(taskset -c 0 psql -XAtq -c "SET hedb.timeout = 60000" \
		-c "COPY (SELECT pg_backend_pid()) TO PROGRAM 'xargs taskset -apc 0 >/dev/null'" \
		-c "$one" -c "SELECT sum(a)::text <> '' FROM t")" = $'499\nt' ] && took 0 20000
	result "client and server on one processor: slow, never stuck" $?
	echo "# one processor: $(($(now_ms) - t0)) ms for 1,000 comparisons and a sum"
	taskset -apc 0-$(($(nproc) - 1)) "$zone_pid" >&2
}

out=$(
	exec 2>"${CLUSTER_KEEP:-/tmp}/zone.$$.err"
	. "$here/cluster.sh"
	CLUSTER_REGION_OPTIONS='--ops-channels 128'
	cluster_begin
	pg_begin "hedb.client_credential = '$credential'" 'max_connections = 260' \
		'max_parallel_workers_per_gather = 0' || exit 1
	zone_start --workers 2
	q 'CREATE EXTENSION hedb' >&2
	q "CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a,
		enc_int4_encrypt(1001 - g) AS b FROM generate_series(1, 1000) g" >&2
	q 'UPDATE t SET b = a WHERE id = 500' >&2
	q 'CREATE TABLE k (a enc_int4 PRIMARY KEY)' >&2
	q 'INSERT INTO k SELECT a FROM t WHERE id < 800' >&2
	zone_stop
	zone_absent
	zone_killed
	zone_stopped
	zone_interrupts
	zone_backend_killed
	zone_many
	zone_one_cpu
)
while read -r word status name; do
	case $word in
	result) check "zone: $name" "$status" ;;
	'#') echo "# $status $name" ;;
	esac
done <<<"$out"
[ "$(grep -c ^result <<<"$out")" = 23 ]
check "zone: every test ran" $?
rm -f "${CLUSTER_KEEP:-/tmp}/zone.$$.err"
