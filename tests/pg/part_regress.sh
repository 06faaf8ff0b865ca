# SPDX-License-Identifier: BSD-3-Clause
# part_regress.sh - pg_regress over sql/. Sourced by run.
regress_tests="setup enc_int4 enc_int8 enc_text enc_numeric aggregates indexes modes misc"

out=$(
	. "$here/cluster.sh"
	cluster_begin && zone_start && pg_begin "hedb.client_credential = '$credential'" || exit 1
	mkdir "$base/out" && cp -r "$here/sql" "$here/expected" "$base/out/" && chmod -R a+rwX "$base/out"
	[ -z "$user" ] || chown -R "$user" "$base/out"
	"$(pg_config --pkglibdir)/pgxs/src/test/regress/pg_regress" --inputdir="$base/out" \
		--outputdir="$base/out" --bindir="$bin" --host="$base" --user=postgres \
		--dbname=contrib_regression $regress_tests 2>&1 || cat "$base/out/regression.diffs"
	[ -z "${ACCEPT:-}" ] || cp "$base"/out/results/*.out "$here/expected/"
)
echo "$out" | sed 's/^/# /' | grep -v 'ok  '
for t in $regress_tests; do
	echo "$out" | grep -q "^test $t  *\.\.\. ok"
	check "regress: $t" $?
done
