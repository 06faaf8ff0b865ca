# SPDX-License-Identifier: BSD-3-Clause
# part_tpch.sh - TPC-H at a small scale, plain and encrypted: every query has the same rows,
# in batches, by parallel workers, row by row. TPCH_SF (0.01). Sourced by run.

each_check < <(
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
	same_rows() { # HOW OPTION...
		local how=$1 query
		shift
		for query in $tpch_queries; do
			if PGOPTIONS="$*" tpch_same $query 2>"$base/error"; then
				echo "ok - query $query has the same rows, $how"
			else
				echo "not ok - query $query has the same rows, $how"
				head -5 "$base/error"
			fi
		done
	}
	# plans WHAT OPTION...: of how many queries the plan has that
	plans() {
		local what=$1 query
		shift
		for query in $tpch_queries; do
			{ echo EXPLAIN; sed '/^--/d' "$tpch_dir/queries/$query.sql"; } |
				PGOPTIONS="$*" tpch_sql enc -f - | grep -qF "$what" && echo "$query"
		done | wc -l
	}
	parallel='-c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c parallel_tuple_cost=0
		-c min_parallel_table_scan_size=0 -c min_parallel_index_scan_size=0'
	same_rows 'in batches'
	n=$(plans 'Custom Scan (Zone')
	[ "$n" -ge 20 ] || echo -n 'not '
	echo "ok - plans have Zone nodes: $n"
	same_rows 'by parallel workers' $parallel
	n=$(plans Gather $parallel)
	[ "$n" -ge 15 ] || echo -n 'not '
	echo "ok - plans have parallel workers: $n"
	same_rows 'in little memory' -c work_mem=64kB -c hedb.batch=7
	same_rows 'by merges and nested loops' -c enable_hashjoin=off -c enable_hashagg=off
	same_rows 'row by row' -c hedb.enable_batch=off
	# one without rows, or with an empty sum, would compare nothing
	empty=
	for query in $tpch_queries; do
		[ -n "$(tpch_query plain $query)" ] || empty="$empty $query"
	done
	echo "${empty:+not }ok - every query has rows$empty"
)
wait $!
check "$p: tables are made and loaded" $?
