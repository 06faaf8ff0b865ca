# SPDX-License-Identifier: BSD-3-Clause
# part_regress.sh - PGXS's install into a private PostgreSQL, and its installcheck there:
# pg_regress over sql/. With $san, of a build with these sanitizers. Sourced by run.

# One line of pg_regress becomes one of ours; make's exit status is one more, for it says
# that every file ran.
while IFS= read -r line; do
	case $line in
	'test '*' ... ok '*) check "$p: $(awk '{ print $2 }' <<<"$line")" 0 ;;
	'test '*' ... '*) check "$p: $(awk '{ print $2 }' <<<"$line")" 1 ;;
	*) echo "# $line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	cluster_begin && zone_start || exit 1
	unset MAKEFLAGS MAKELEVEL
	pgxs="make -C $root/pg-extension PG_CONFIG=$bin/pg_config"
	# only what install puts there counts
	rm "$("$bin/pg_config" --pkglibdir)"/hedb* \
		"$("$bin/pg_config" --sharedir)"/extension/hedb*
	if [ -n "${san:-}" ]; then
		san_install && san_begin || exit 1
	else
		$pgxs install >"$base/log/install" 2>&1 || { cat "$base/log/install"; exit 1; }
		pg_begin "hedb.client_credential = '$credential'" || exit 1
	fi
	mkdir "$base/out"
	$pgxs installcheck EXTRA_REGRESS_OPTS="--outputdir=$base/out" 2>&1
	status=$?
	cat "$base/out/regression.diffs" 2>/dev/null
	grep -A 20 'AddressSanitizer\|runtime error:' "$base/log/postgres" && status=1
	[ -z "${ACCEPT:-}" ] || cp "$base"/out/results/*.out "$here/expected/"
	exit $status
)
wait $!
check "$p: make install and make installcheck" $?
