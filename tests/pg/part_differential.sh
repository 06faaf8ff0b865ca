# SPDX-License-Identifier: BSD-3-Clause
# part_differential.sh - runs differential.pl. Sourced by run.
seed=${SEED:-1}
count=${COUNT:-10000}

total=0
while IFS= read -r line; do
	case $line in
	'summary '*)
		read -r _ kind all different errors nulls <<<"$line"
		total=$((total + all))
		[ "$different" = 0 ]
		check "differential: $kind, $all twins, seed $seed ($errors errors, $nulls NULLs)" $?
		[ $(((errors + nulls) * 4)) -lt $((all * 3)) ]
		check "differential: $kind, most have a value" $?
		;;
	*) echo "# $line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	cluster_begin && zone_start && pg_begin "hedb.client_credential = '$credential'" || exit 1
	psql -Xqc 'CREATE EXTENSION hedb'
	perl "$here/differential.pl" "$seed" "$count" | psql -Xq 2>&1
)
[ $total -gt 0 ] && [ $total = $((count + count / 2)) ]
check "differential: all $total ran" $?
