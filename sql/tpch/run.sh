#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# run.sh - TPC-H in a private cluster: `make tpch SF=0.1`.
#
# Makes a cluster with ops_server, loads both schemas, runs the 22 queries on both,
# compares their rows and prints their times. On a terminal psql follows, in the encrypted
# schema and client mode; when it ends, all of it goes away.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/pg/cluster.sh"
. "$here/tpch.sh"
scale=${1:-0.1}
began=$SECONDS
different=0

# elapsed COMMAND...: its output; milliseconds on descriptor 3
elapsed() {
	local t=${EPOCHREALTIME/./}
	"$@"
	local status=$?
	echo $(((${EPOCHREALTIME/./} - t) / 1000)) >"$base/ms"
	return $status
}

run_query() {
	local p e same=yes
	elapsed tpch_query plain "$1" >"$base/plain.rows" 2>"$base/error" && p=$(cat "$base/ms") &&
		elapsed tpch_query enc "$1" >"$base/enc.rows" 2>"$base/error" && e=$(cat "$base/ms") || {
		different=1
		printf 'Q%s  %s\n' "$1" "$(head -1 "$base/error")"
		return
	}
	diff <(sort "$base/plain.rows") <(sort "$base/enc.rows") >/dev/null || same=NO different=1
	printf 'Q%s %8d %8d %8.2f %8d %s\n' "$1" "$p" "$e" "$(awk "BEGIN { print $e / $p }")" \
		"$(wc -l <"$base/plain.rows")" "$same"
}

[ ! -t 2 ] || TPCH_PROGRESS=yes
cluster_begin
cp "$root/build/hedb-load" "$root/build/tpch-gen" "$base/bin/"
as_user rm -f "$region"
as_user hedbctl region format "$region" --kv-channels 1 --ops-channels 16 --ops-ring 512K >/dev/null
zone_start
pg_begin "hedb.client_credential = '$credential'" 'shared_buffers = 1GB' 'max_wal_size = 8GB' \
	'work_mem = 64MB' 'maintenance_work_mem = 256MB' 'jit = off' 'autovacuum = off' \
	"shared_preload_libraries = 'hedb'" || exit 1
export HEDB_REGION=$region HEDB_CREDENTIAL=$credential
psql -Xqc 'CREATE EXTENSION hedb'
for schema in plain enc; do
	tpch_create $schema && tpch_load $schema "$scale" || exit 1
	echo "$schema: loaded after $((SECONDS - began)) s"
	tpch_index $schema || exit 1
	echo "$schema: indexed and analysed after $((SECONDS - began)) s"
done
echo '    plain ms   enc ms    ratio     rows same'
for query in $tpch_queries; do
	run_query "$query"
done
if [ -t 0 ] && [ -t 1 ]; then
	echo "the rows are in the schemas plain and enc; ops_server's region is $region"
	PGOPTIONS='-c search_path=enc,public -c hedb.mode=client' psql
fi
exit $different
