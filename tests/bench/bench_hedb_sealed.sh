#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bench_hedb_sealed.sh - what sealing costs batch queries: the same statement on the same
# encrypted table, one session on a sealed channel and one on a plain channel of the same
# ops_server, in turns; BENCH_ROUNDS (7) of BENCH_RUNS (3) each. Results are compared before
# anything is timed. Tables as in bench_hedb_batch.sh: BENCH_ROWS (1000000) of enc_int4 and
# enc_int8; no jit, no parallel workers.
#
# A row's time by single values stands beside it; a handshake's is bench_hedb_handshake.sh's.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../pg/cluster.sh"
. "$here/pglib.sh"
rounds=${BENCH_ROUNDS:-7}
runs=${BENCH_RUNS:-3}
rows=${BENCH_ROWS:-1000000}
failed=0

fail() {
	echo "$*" >&2
	failed=1
}

# as on|off psql's arguments: a session whose channel is sealed, or plain
more=
as() {
	local secure=$1
	shift
	PGOPTIONS="-c hedb.secure=$secure $more" sql "$@"
}

# best on|off STATEMENT: milliseconds of the best of `runs`, one more before them
best() {
	local i
	for i in $(seq 0 "$runs"); do
		[ "$i" = 1 ] && echo '\timing on'
		echo "$2"
	done | as "$1" -o /dev/null -f - | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -g | head -1
}

all=
# compare ID WHAT STATEMENT [MUST AIM]
compare() {
	local i e p ratio spread ratios=() plain=() sealed=()
	p=$(as off -c "$3") && e=$(as on -c "$3") || { fail "$1: no answer"; return; }
	[ "$p" = "$e" ] && [ -n "$e" ] || { fail "$1: $e instead of $p"; return; }
	for i in $(seq "$rounds"); do
		e=$(best on "$3") p=$(best off "$3")
		[ -n "$e" ] && [ -n "$p" ] || { fail "$1: no time"; return; }
		sealed+=("$e") plain+=("$p") ratios+=("$(awk "BEGIN { print $e / $p }")")
	done
	read -r ratio spread <<<"$(stats "${ratios[@]}")"
	emit "$1" "$2" "$(stats "${sealed[@]}" | cut -d' ' -f1)" ms "$(stats "${plain[@]}" | cut -d' ' -f1)" \
		"$ratio" "${4:-null}" "${5:-null}" lower "$rounds" "$spread"
	[ -z "${4:-}" ] || all="$all $ratio"
}

cluster_begin
cp "$root/build/hedb-load" "$base/bin/"
as_user rm -f "$region"
as_user hedbctl region format "$region" --kv-channels 1 --ops-channels 16 --ops-ring "${BENCH_RING:-512K}" >/dev/null
as_user hedbctl ca init "$base/ca" >/dev/null
as_user hedbctl ca issue "$base/ca" zone --role server:ops >/dev/null
as_user hedbctl ca issue "$base/ca" client --role db >/dev/null
zone_start --secure sealed --cert "$base/ca/zone.pem" --key "$base/ca/zone.key" --ca "$base/ca/ca.pem"
pg_begin 'shared_buffers = 2GB' 'work_mem = 64MB' 'maintenance_work_mem = 256MB' 'max_wal_size = 8GB' \
	'checkpoint_timeout = 30min' 'autovacuum = off' 'jit = off' 'max_parallel_workers_per_gather = 0' \
	'max_parallel_maintenance_workers = 0' "shared_preload_libraries = 'hedb'" \
	"hedb.cert_file = '$base/ca/client.pem'" "hedb.key_file = '$base/ca/client.key'" \
	"hedb.ca_file = '$base/ca/ca.pem'" "statement_timeout = '${BENCH_TIMEOUT:-120}s'" || exit 1
export HEDB_REGION=$region HEDB_CREDENTIAL=$credential
sql <<-SQL || exit 1
	CREATE EXTENSION hedb;
	CREATE TABLE t (id int, a enc_int4, b enc_int4, c enc_int4, g enc_int4, k enc_int8);
	CREATE TABLE u (k enc_int8, v int);
	ALTER TABLE t ALTER g SET (n_distinct = 2000), ALTER k SET (n_distinct = 100000), ALTER a SET (n_distinct = -0.6);
	ALTER TABLE u ALTER k SET (n_distinct = -1);
	\\copy (SELECT i, (i * 7919::int8) % 1000003, (i * 104729::int8) % 1000003, (i * 15485863::int8) % 2000003, (i * 31::int8) % 2000, (i * 613::int8) % 100000 FROM generate_series(1, $rows) i) TO '$base/t.txt'
	\\copy (SELECT (i * 7::int8) % 100000, i FROM generate_series(1, 100000) i) TO '$base/u.txt'
SQL
hedb-load --quiet t "$base/t.txt" && hedb-load --quiet u "$base/u.txt" || exit 1
sql -c 'VACUUM ANALYZE t, u' -c CHECKPOINT

compare hedb_sealed_filter "count(*) where a + b > c, $rows rows: sealed channel beside plain" \
	'SELECT count(*) FROM t WHERE a + b > c;' 1.1 1.03
compare hedb_sealed_sum "sum(a), the count of it, $rows rows: sealed beside plain" \
	'SELECT count(*) FROM (SELECT sum(a) AS s FROM t HAVING sum(a) > min(b)) x;' 1.1 1.03
compare hedb_sealed_group_by "GROUP BY 2,000 groups, $rows rows: sealed beside plain" \
	'SELECT count(*) FROM (SELECT g, count(*) AS n, sum(a) AS s FROM t GROUP BY g OFFSET 0) x;' 1.1 1.03
compare hedb_sealed_order_by "ORDER BY a, $rows rows: sealed beside plain" \
	"SELECT id FROM t ORDER BY a, id OFFSET $((rows - 1));" 1.1 1.03
compare hedb_sealed_join "hash join on enc_int8, $rows x 100k rows: sealed beside plain" \
	'SELECT count(*), sum(u.v) FROM t JOIN u ON t.k = u.k;' 1.1 1.03
ratio=$(printf '%s\n' $all | awk '{ s += log($1) } END { printf "%.4g", exp(s / NR) }')
emit hedb_sealed_batch 'batch queries, geometric mean: sealed channel beside plain' "$ratio" x null "$ratio" 1.1 1.03 lower "$rounds" 0
more='-c hedb.enable_batch=off'
compare hedb_sealed_scalar 'count(*) where a < b, one value at a time, 100k rows: sealed beside plain' \
	'SELECT count(*) FROM t WHERE id <= 100000 AND a < b;'
exit $failed
