# SPDX-License-Identifier: BSD-3-Clause
# part_tap.sh - runs t/$p.pl, a TAP test on PostgreSQL::Test::Cluster, as the unprivileged
# user. Sourced by run.

# One ok or not ok of the script becomes one of ours; its exit status is one more, for it
# says that the plan was kept.
while IFS= read -r line; do
	case $line in
	'ok '*) check "$p: ${line#* - }" 0 ;;
	'not ok '*) check "$p: ${line#* - }" 1 ;;
	'# '*) echo "$line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	tree_begin
	pgxs=$(dirname "$(pg_config --pgxs)")/..
	cp -r "$here/t" "$base/t"
	mkdir "$base/tmp_check" && ln -s ../log "$base/tmp_check/log"
	[ -z "$user" ] || chown -R "$user" "$base/tmp_check"
	as_user env PERL5LIB="$pgxs/test/perl" PG_REGRESS="$pgxs/test/regress/pg_regress" \
		TESTDIR="$base" TMPDIR="$base" perl "$base/t/$p.pl" 2>&1
)
wait $!
check "$p: every test ran" $?
