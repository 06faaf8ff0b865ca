# SPDX-License-Identifier: BSD-3-Clause
# part_tap.sh - the tests in t/, on PostgreSQL::Test::Cluster. Sourced by run.

perl_lib=$(dirname "$(pg_config --pgxs)")/../test/perl
perl_lib=$(cd "$perl_lib" 2>/dev/null && pwd)

# tap NAME: run t/NAME.pl as the unprivileged user, on a region with 128 channels
tap() {
	. "$here/cluster.sh"
	CLUSTER_REGION_OPTIONS='--ops-channels 128'
	cluster_begin
	cp -r "$here/t" "$base/t" && chmod -R a+rX "$base/t"
	[ -z "$user" ] || chown "$user" "$base/t"
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_user env HEDB_TEST_DIR="$base" HEDB_TEST_REGION="$region" \
		HEDB_TEST_CREDENTIAL="$credential" PERL5LIB="$perl_lib" \
		PG_REGRESS="$(pg_config --pkglibdir)/pgxs/src/test/regress/pg_regress" \
		PG_TEST_PORT_DIR="$base/log" TESTDIR="$base/t" \
		top_builddir="$base" perl "$base/t/$1.pl" 2>"$base/log/$1"
	status=$?
	[ "$status" = 0 ] || { tail -n 30 "$base/log/$1" | sed 's/^/# /'; }
	return $status
}

for t in zone dump; do
	[ -e "$here/t/$t.pl" ] || continue
	out=$(tap $t)
	status=$?
	while read -r line; do
		case $line in
		'ok '*) check "$t: ${line#ok * - }" 0 ;;
		'not ok '*) check "$t: ${line#not ok * - }" 1 ;;
		*) [ "$status" = 0 ] || echo "# $line" ;;
		esac
	done <<<"$out"
	check "$t: ran to its end" $status
done
