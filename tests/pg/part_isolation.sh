# SPDX-License-Identifier: BSD-3-Clause
# part_isolation.sh - specs/ by pg_isolation_regress: several sessions step by step, on
# plain tables and on encrypted ones, whose output must be the same. Sourced by run.

while IFS= read -r line; do
	case $line in
	'schema '*) schema=${line#* } ;;
	'test '*' ... ok '*) check "isolation: $schema: $(awk '{ print $2 }' <<<"$line")" 0 ;;
	'test '*' ... '*) check "isolation: $schema: $(awk '{ print $2 }' <<<"$line")" 1 ;;
	*) echo "# $line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	cluster_begin && zone_start || exit 1
	pg_begin "hedb.client_credential = '$credential'" "session_preload_libraries = 'hedb'" || exit 1
	specs=$(cd "$here/specs" && ls ./*.spec | sed 's|.*/\(.*\)\.spec|\1|')
	isolation=$(dirname "$(pg_config --pgxs)")/../test/isolation
	mkdir "$base/out"
	cd "$base/out" # it asks for the version in a shell, and finds isolationtester beside itself
	status=0
	for schema in plain enc; do
		echo "schema $schema"
		[ -z "${ACCEPT:-}" ] || (cd "$here/expected" && touch $(printf '%s.out ' $specs))
		PGOPTIONS="-c search_path=$schema,public" "$isolation/pg_isolation_regress" --bindir="$bin" \
			--inputdir="$here" --outputdir="$base/out" --load-extension=hedb --host="$PGHOST" \
			$specs 2>&1 || status=1
		cat "$base/out/regression.diffs" 2>/dev/null
		# what plain tables do is what is expected
		[ -z "${ACCEPT:-}" ] || [ $schema = enc ] || cp "$base"/out/results/*.out "$here/expected/"
	done
	exit $status
)
wait $!
check "isolation: plain and encrypted tables alike" $?
