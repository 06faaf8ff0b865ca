#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bench_hedb_batch.sh - analytics on encrypted columns, against the same statement on plain
# types in the same cluster: same settings, no jit, no parallel workers but where the row
# says so, medians of BENCH_RUNS (5). Results are compared before anything is timed.
#
#     micro    filters, aggregates, GROUP BY, ORDER BY, top-N, CREATE INDEX, hash join,
#              prepared point lookup: BENCH_ROWS (1000000) rows of enc_int4 and enc_int8
#     tpch     the 22 queries at BENCH_TPCH_SF (0.1), COPY in, table size
#     memory   the largest that ops_server has been during all that ran
#
# Each row stands twice: as it is, and `_scalar`, with hedb not preloaded and
# hedb.enable_batch off, which is only reported; BENCH_SCALAR=no leaves these out.
# BENCH_ONLY names some parts. A statement that fails, differs or takes longer than
# BENCH_TIMEOUT (120 s) is named on standard error, and the bench fails in the end.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../pg/cluster.sh"
. "$here/pglib.sh"
. "$here/../../sql/tpch/tpch.sh"
only=${BENCH_ONLY:-micro tpch memory}
runs=${BENCH_RUNS:-5}
rows=${BENCH_ROWS:-1000000}
sf=${BENCH_TPCH_SF:-0.1}
failed=0
suffix=

fail() {
	echo "$*" >&2
	failed=1
}

# times SCHEMA RUNS BEFORE STATEMENT AFTER: milliseconds of each run; one more runs first
times() {
	local i
	{
		for i in $(seq 0 "$2"); do
			echo "$3"
			[ "$i" = 0 ] || echo '\timing on'
			echo "$4"
			echo '\timing off'
			echo "$5"
		done
	} >"$base/timed.sql"
	tpch_sql "$1" -o /dev/null -f "$base/timed.sql" >"$base/times" 2>"$base/error" || return 1
	sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$base/times"
}

# rows_of SCHEMA STATEMENT: char(n) shows its padding, which enc_text has none of
rows_of() {
	tpch_sql "$1" -c "$2" 2>"$base/error" | sed 's/ *|/|/g; s/ *$//'
	return "${PIPESTATUS[0]}"
}

# compare ID WHAT MUST AIM STATEMENT [CHECK [BEFORE AFTER]]: both sides of one statement.
# The plain side is measured again for the scalar row: a machine may change meanwhile.
compare() {
	local id=$1$suffix a b p e must=$3 aim=$4 ps es
	[ -z "$suffix" ] || must=null aim=null
	a=$(rows_of plain "${6:-$5}") && b=$(rows_of enc "${6:-$5}") ||
		{ fail "$id: $(head -2 "$base/error" | cut -c1-200)"; return 1; }
	if [ "$a" != "$b" ] && [ "$(sort <<<"$a")" != "$(sort <<<"$b")" ]; then
		fail "$id: $(diff <(sort <<<"$a") <(sort <<<"$b") | head -3 | cut -c1-200)"
		return 1
	fi
	ps=$(times plain "$runs" "${7:-}" "$5" "${8:-}") && es=$(times enc "$runs" "${7:-}" "$5" "${8:-}") ||
		{ fail "$id: $(head -2 "$base/error")"; return 1; }
	read -r p _ <<<"$(stats $ps)"
	read -r e spread <<<"$(stats $es)"
	ratio=$(awk "BEGIN { printf \"%.4g\", $e / $p }")
	emit "$id" "$2" "$e" ms "$p" "$ratio" "$must" "$aim" lower "$runs" "$spread"
}

# ---- micro ----

make_micro() {
	tpch_sql public >/dev/null <<-SQL
		CREATE SCHEMA plain;
		CREATE SCHEMA enc;
		CREATE TABLE plain.t (id int, a int4, b int4, c int4, g int4, k int8);
		CREATE TABLE enc.t (id int, a enc_int4, b enc_int4, c enc_int4, g enc_int4, k enc_int8);
		CREATE TABLE plain.u (k int8, v int);
		CREATE TABLE enc.u (k enc_int8, v int);
		ALTER TABLE enc.t ALTER g SET (n_distinct = 2000), ALTER k SET (n_distinct = 100000),
			ALTER a SET (n_distinct = -0.6), ALTER b SET (n_distinct = -0.6);
		ALTER TABLE enc.u ALTER k SET (n_distinct = -1);
		\copy (SELECT i, (i * 7919::int8) % 1000003, (i * 104729::int8) % 1000003, (i * 15485863::int8) % 2000003, (i * 31::int8) % 2000, (i * 613::int8) % 100000 FROM generate_series(1, $rows) i) TO '$base/t.txt'
		\copy (SELECT (i * 7::int8) % 100000, i FROM generate_series(1, 100000) i) TO '$base/u.txt'
		\copy plain.t FROM '$base/t.txt'
		\copy plain.u FROM '$base/u.txt'
	SQL
	hedb-load --quiet enc.t "$base/t.txt" && hedb-load --quiet enc.u "$base/u.txt" || return 1
	tpch_sql public <<-SQL
		CREATE TABLE plain.t100k AS SELECT * FROM plain.t WHERE id <= 100000;
		CREATE TABLE enc.t100k AS SELECT * FROM enc.t WHERE id <= 100000;
		VACUUM ANALYZE plain.t, plain.u, plain.t100k, enc.t, enc.u, enc.t100k;
		CHECKPOINT;
	SQL
}

run_micro() {
	local f
	compare hedb_filter_100k 'count(*) where a + b > c, 100k rows' 3 2.2 \
		'SELECT count(*) FROM t100k WHERE a + b > c;'
	compare hedb_filter_1m "count(*) where a + b > c, $rows rows" 3 2.2 \
		'SELECT count(*) FROM t WHERE a + b > c;'
	for f in sum avg min max; do
		compare "hedb_$f" "$f(a), $rows rows" 3 2.2 "SELECT $f(a) FROM t;"
	done
	compare hedb_count_distinct "count(distinct a), $rows rows" 3 2.2 \
		'SELECT count(DISTINCT a) FROM t;'
	compare hedb_group_by "GROUP BY 2,000 groups, $rows rows" 4 2 \
		'SELECT count(*) FROM (SELECT g, count(*) AS n, sum(a) AS s FROM t GROUP BY g OFFSET 0) x;' \
		'SELECT g, count(*), sum(a) FROM t GROUP BY g ORDER BY g;'
	compare hedb_order_by "ORDER BY a, $rows rows" 4 2 \
		"SELECT a FROM t ORDER BY a OFFSET $((rows - 1));" \
		'SELECT a, id FROM t100k ORDER BY a, id OFFSET 99000;'
	compare hedb_top_n "ORDER BY a LIMIT 10, $rows rows" 4 2 'SELECT a FROM t ORDER BY a LIMIT 10;'
	compare hedb_join "hash join on enc_int8, $rows x 100k rows" 4 2 \
		'SELECT count(*), sum(u.v) FROM t JOIN u ON t.k = u.k;'
	compare hedb_create_index "CREATE INDEX, $rows rows" 5 2 'CREATE INDEX i ON t (a);' \
		'SELECT count(*) FROM t WHERE a = 4711;' '' 'DROP INDEX i;'
	run_lookup
}

# tps SCHEMA KEY: of a prepared lookup by index, the key as this schema's type has it
tps() {
	PGOPTIONS="-c search_path=$1,public ${PGOPTIONS:-}" pgbench -n -M prepared -c 1 -T 3 \
		-D "key=$2" -f "$base/lookup.sql" test 2>>"$base/error" | sed -n 's/^tps = \([0-9.]*\) .*/\1/p'
}

# The client encrypts what it looks for: its key is ciphertext, as the row itself is.
run_lookup() {
	local key plain=() enc=() ratio=() i p e r s must=3 aim=1.5
	[ -z "$suffix" ] || must=null aim=null
	tpch_sql public -c 'CREATE INDEX look ON plain.t (a)' -c 'CREATE INDEX look ON enc.t (a)' \
		-c 'VACUUM plain.t, enc.t' 2>"$base/error" || { fail "hedb_point_lookup$suffix: $(head -1 "$base/error")"; return; }
	echo 'SELECT id FROM t WHERE a = :key;' >"$base/lookup.sql"
	key=$(psql -XAtqc "SELECT a FROM enc.t WHERE id = $((rows / 2))")
	p=$(psql -XAtqc "SELECT a FROM plain.t WHERE id = $((rows / 2))")
	for i in $(seq "$runs"); do
		plain+=("$(tps plain "$p")") enc+=("$(tps enc "$key")")
		[ -n "${enc[-1]}" ] || { fail "hedb_point_lookup$suffix: $(tail -1 "$base/error")"; return; }
		ratio+=("$(awk "BEGIN { print ${plain[-1]} / ${enc[-1]} }")")
	done
	read -r p _ <<<"$(stats "${plain[@]}")"
	read -r e _ <<<"$(stats "${enc[@]}")"
	read -r r s <<<"$(stats "${ratio[@]}")"
	emit "hedb_point_lookup$suffix" 'prepared lookup by index, 1 client' "$e" tps "$p" "$r" \
		$must $aim lower "$runs" "$s"
	tpch_sql public -c 'DROP INDEX plain.look, enc.look'
}

# ---- TPC-H ----

seconds() { date +%s.%N; }

# Rows into tables without indexes: COPY's text into plain ones, the same by hedb-load, and
# as ciphertext that was made before.
bench_copy() {
	local plain=() load=() cipher=() i t p e c s
	tpch-gen --scale "$sf" lineitem >"$base/lineitem.txt"
	hedb-load --quiet --stdout enc.lineitem "$base/lineitem.txt" >"$base/lineitem.bin" ||
		{ fail hedb_copy_in; return; }
	for i in $(seq "$runs"); do
		psql -Xqc 'TRUNCATE plain.lineitem, enc.lineitem' -c CHECKPOINT
		t=$(seconds)
		psql -Xqc "\\copy plain.lineitem FROM '$base/lineitem.txt'"
		plain+=("$(awk "BEGIN { print $(seconds) - $t }")")
		t=$(seconds)
		psql -Xqc "\\copy enc.lineitem FROM '$base/lineitem.bin' (FORMAT binary)"
		cipher+=("$(awk "BEGIN { print $(seconds) - $t }")")
		psql -Xqc 'TRUNCATE enc.lineitem' -c CHECKPOINT
		t=$(seconds)
		hedb-load --quiet enc.lineitem "$base/lineitem.txt" || { fail hedb_copy_in; return; }
		load+=("$(awk "BEGIN { print $(seconds) - $t }")")
	done
	rm "$base/lineitem.txt" "$base/lineitem.bin"
	read -r p _ <<<"$(stats "${plain[@]}")"
	read -r c s <<<"$(stats "${cipher[@]}")"
	emit hedb_copy_in "COPY in of encrypted lineitem, SF $sf, ciphertext from a file" "$c" s "$p" \
		"$(awk "BEGIN { print $c / $p }")" 2 1.3 lower "$runs" "$s"
	read -r e s <<<"$(stats "${load[@]}")"
	emit hedb_load_in "the same from plaintext, by hedb-load" "$e" s "$p" \
		"$(awk "BEGIN { print $e / $p }")" null null lower "$runs" "$s"
	read -r e p <<<"$(psql -XAtqF ' ' -c "SELECT pg_table_size('enc.lineitem'),
		pg_table_size('plain.lineitem')")"
	emit hedb_table_size 'lineitem, all but the keys encrypted' "$e" bytes "$p" \
		"$(awk "BEGIN { print $e / $p }")" 3.6 3.0 lower 1 0
	psql -Xqc 'DROP SCHEMA plain, enc CASCADE' 2>/dev/null
}

make_tpch() {
	local schema
	for schema in plain enc; do
		tpch_create $schema || return 1
	done
	bench_copy
	for schema in plain enc; do
		tpch_create $schema && tpch_load $schema "$sf" && tpch_index $schema || return 1
	done
	psql -Xqc CHECKPOINT
}

# suite ID MUST AIM WORST_MUST WORST_AIM WHAT: all queries; their geometric mean and the worst
suite() {
	local q ratios=() ratio missing= must aim
	for q in $tpch_queries; do
		must=null aim=null
		[ "$1$q" != hedb_tpch01 ] || must=1.0 aim=0.5
		[ "$1$q" != hedb_tpch06 ] || must=4 aim=2.5
		if compare "$1_q$q" "TPC-H Q$q, SF $sf$6" $must $aim "$(sed "s/:fraction/$TPCH_FRACTION/" \
			"$tpch_dir/queries/$q.sql")"; then
			ratios+=("$ratio")
		else
			missing="$missing Q$q"
		fi
	done
	if [ -n "$missing" ]; then
		fail "$1$suffix: no mean, for these did not run:$missing"
		return
	fi
	[ -z "$suffix" ] || set -- "$1" null null null null "$6"
	ratio=$(printf '%s\n' "${ratios[@]}" | awk '{ s += log($1) } END { printf "%.4g", exp(s / NR) }')
	emit "$1_geomean$suffix" "TPC-H SF $sf, geometric mean of 22$6" "$ratio" x null "$ratio" "$2" "$3" \
		lower "$runs" 0
	ratio=$(printf '%s\n' "${ratios[@]}" | sort -g | tail -1)
	emit "$1_worst$suffix" "TPC-H SF $sf, the worst query$6" "$ratio" x null "$ratio" "$4" "$5" \
		lower "$runs" 0
}

run_tpch() {
	suite hedb_tpch 2.3 1.5 8 4 ''
	[ -z "$suffix" ] || return 0
	PGOPTIONS="$PGOPTIONS -c max_parallel_workers_per_gather=2" \
		suite hedb_tpch_parallel 2.3 1.5 null null ', 2 parallel workers'
}

# ---- all of it ----

run_memory() {
	local kib
	kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$zone_pid/status")
	[ -n "$kib" ] || { fail 'hedb_zone_memory: ops_server is gone'; return; }
	[ -n "$suffix" ] || emit hedb_zone_memory 'ops_server, largest resident size during all of it' \
		"$((kib / 1024))" MiB null "$((kib / 1024))" 128 64 lower 1 0
}

# Larger rings and fewer channels than by default: requests here are batches.
cluster_begin
cp "$root/build/hedb-load" "$root/build/tpch-gen" "$base/bin/"
as_user rm -f "$region"
as_user hedbctl region format "$region" --kv-channels 1 --ops-channels 16 \
	--ops-ring "${BENCH_RING:-512K}" >/dev/null
zone_start ${BENCH_ZONE_OPTIONS:-}
pg_begin "hedb.client_credential = '$credential'" 'shared_buffers = 2GB' 'work_mem = 64MB' \
	'maintenance_work_mem = 256MB' 'max_wal_size = 8GB' 'checkpoint_timeout = 30min' \
	'autovacuum = off' 'jit = off' 'max_parallel_workers_per_gather = 0' \
	'max_parallel_maintenance_workers = 0' "shared_preload_libraries = 'hedb'" \
	"statement_timeout = '${BENCH_TIMEOUT:-120}s'" ${BENCH_PG_OPTIONS:+"$BENCH_PG_OPTIONS"} || exit 1
export HEDB_REGION=$region HEDB_CREDENTIAL=$credential PGOPTIONS=${PGOPTIONS:-}
psql -Xqc 'CREATE EXTENSION hedb'
tpch_scale "$sf"

# restart LINE: another setting
restart() {
	sed -i '/^shared_preload_libraries/d' "$base/data/postgresql.conf"
	echo "shared_preload_libraries = '$1'" >>"$base/data/postgresql.conf"
	as_user "$bin/pg_ctl" -D "$base/data" -l "$base/log/postgres" -w restart >/dev/null
}

for part in $only; do
	[ "$part" = memory ] || "make_$part" || exit 1
	"run_$part"
	[ "$part" != memory ] || continue
	if [ "${BENCH_SCALAR:-yes}" = yes ]; then
		restart '' && suffix=_scalar runs=1
		PGOPTIONS="$PGOPTIONS -c hedb.enable_batch=off" "run_$part" 2> >(grep -v '^WARNING: .*enable_batch\|^DETAIL:.*reserved prefix' >&2)
		restart hedb && suffix='' runs=${BENCH_RUNS:-5}
	fi
	psql -Xqc 'DROP SCHEMA plain, enc CASCADE' 2>/dev/null
done
exit $failed
