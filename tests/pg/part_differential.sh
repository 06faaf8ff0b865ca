# SPDX-License-Identifier: BSD-3-Clause
# part_differential.sh - runs differential.pl. Sourced by run.
SEED=${SEED:-$(date +%j%H%M)}
COUNT=${COUNT:-10000}

out=$(
	. "$here/cluster.sh"
	cluster_begin && zone_start && pg_begin "hedb.client_credential = '$credential'" || exit 1
	psql -Xqc 'CREATE EXTENSION hedb'
	perl "$here/differential.pl" "$SEED" "$COUNT" | psql -Xq 2>&1
)
echo "$out" | sed 's/^/# /'
echo "$out" | grep -q "^summary $COUNT 0 "
check "differential: $COUNT expressions, seed $SEED (summary: all, different, errors, NULL)" $?
