# SPDX-License-Identifier: BSD-3-Clause
#
# tpch.sh - TPC-H in the schemas `plain` and `enc` of one database; to be sourced.
#
#     tpch_create SCHEMA         tables
#     tpch_load SCHEMA SCALE     rows: COPY, or hedb-load into encrypted columns
#     tpch_index SCHEMA          indexes, VACUUM ANALYZE
#     tpch_query SCHEMA N        rows of query N, fields with | in between
#     tpch_same N                whether it has the same rows in both; says where not
#
# Needs libpq's variables to reach the database, HEDB_REGION and HEDB_CREDENTIAL, and
# psql, tpch-gen and hedb-load in PATH. TPCH_SEED (4), TPCH_PROGRESS=yes for a line on
# standard error; TPCH_FRACTION, of query 11, is set by tpch_load.

tpch_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tpch_tables='region nation supplier part partsupp customer orders lineitem'
tpch_queries='01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22'

# In client mode: plaintext constants are encrypted, results decrypted. Settings of a test
# come by PGOPTIONS.
tpch_sql() {
	local schema=$1
	shift
	PGOPTIONS="-c search_path=$schema,public -c hedb.mode=client ${PGOPTIONS:-}" \
		psql -XAtq -v ON_ERROR_STOP=1 -v fraction="${TPCH_FRACTION:-0.0001}" "$@"
}

tpch_create() {
	local file=plain
	[ "$1" = plain ] || file=encrypted
	psql -XAtq -v ON_ERROR_STOP=1 -c "CREATE SCHEMA $1"
	tpch_sql "$1" -f "$tpch_dir/$file.sql"
}

tpch_load() {
	local table progress=
	[ -z "${TPCH_PROGRESS:-}" ] || progress=--progress
	tpch_scale "$2"
	for table in $tpch_tables; do
		tpch_load_table "$1" "$2" "$table" $progress || return 1
	done
}

# Query 11's share of the whole goes down as the scale goes up.
tpch_scale() { TPCH_FRACTION=$(awk "BEGIN { printf \"%.10f\", 0.0001 / $1 }"); }

tpch_load_table() {
	local schema=$1 scale=$2 table=$3
	shift 3
	[ "$schema" = plain ] || [ $# = 0 ] || set -- "$@" --label "$table, encrypted"
	(
		set -o pipefail
		tpch-gen --scale "$scale" --seed "${TPCH_SEED:-4}" "$@" "$table" |
			if [ "$schema" = plain ]; then
				psql -Xq -v ON_ERROR_STOP=1 -c "\\copy plain.$table from pstdin"
			else
				hedb-load --quiet "$schema.$table"
			fi
	)
}

tpch_index() {
	tpch_sql "$1" -f "$tpch_dir/indexes.sql"
	local table
	for table in $tpch_tables; do
		tpch_sql "$1" -c "VACUUM ANALYZE $table"
	done
}

# char(n) shows its padding, which enc_text has none of
tpch_query() {
	tpch_sql "$1" -f "$tpch_dir/queries/$2.sql" | sed 's/ *|/|/g; s/ *$//'
	return "${PIPESTATUS[0]}"
}

# Row by row. Rows that the query's ORDER BY leaves in any order may come in any.
tpch_same() {
	local a b
	a=$(tpch_query plain "$1") && b=$(tpch_query enc "$1") || return 1
	[ "$a" != "$b" ] || return 0
	diff <(sort <<<"$a") <(sort <<<"$b") >&2
}
