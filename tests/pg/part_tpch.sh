# SPDX-License-Identifier: BSD-3-Clause
# part_tpch.sh - TPC-H at a small scale, plain and encrypted: every query has the same rows.
# TPCH_SF (0.01). Sourced by run.

while IFS= read -r line; do
	case $line in
	'ok - '*) check "$p: ${line#ok - }" 0 ;;
	'not ok - '*) check "$p: ${line#not ok - }" 1 ;;
	*) echo "# $line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	. "$here/../../sql/tpch/tpch.sh"
	cluster_begin && zone_start && pg_begin "hedb.client_credential = '$credential'" \
		"shared_preload_libraries = 'hedb'" "statement_timeout = '120s'" || exit 1
	cp "$root/build/hedb-load" "$root/build/tpch-gen" "$base/bin/"
	export HEDB_REGION=$region HEDB_CREDENTIAL=$credential
	psql -Xqc 'CREATE EXTENSION hedb'
	for schema in plain enc; do
		tpch_create $schema && tpch_load $schema "${TPCH_SF:-0.01}" && tpch_index $schema || exit 1
	done
	for query in $tpch_queries; do
		if tpch_same $query 2>"$base/error"; then
			echo "ok - query $query has the same rows"
		else
			echo "not ok - query $query has the same rows"
			head -5 "$base/error"
		fi
	done
	# one without rows, or with an empty sum, would compare nothing
	empty=
	for query in $tpch_queries; do
		[ -n "$(tpch_query plain $query)" ] || empty="$empty $query"
	done
	echo "${empty:+not }ok - every query has rows$empty"
)
wait $!
check "$p: tables are made and loaded" $?
