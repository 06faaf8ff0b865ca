# SPDX-License-Identifier: BSD-3-Clause
# part_queries.sh - runs queries.pl. SEED and COUNT say which queries and how many, ONLY=N
# that just that one runs, and is shown with its plans. Sourced by run.

summary=
while IFS= read -r line; do
	case $line in
	'summary '*) summary=$line ;;
	*) echo "# $line" ;;
	esac
done < <(
	. "$here/cluster.sh"
	cluster_begin
	as_user rm -f "$region" # workers have channels of their own
	as_user hedbctl region format "$region" --ops-channels 32 --ops-ring 256K >/dev/null
	zone_start && pg_begin "hedb.client_credential = '$credential'" \
		"shared_preload_libraries = 'hedb'" 'max_worker_processes = 16' || exit 1
	psql -Xqc 'CREATE EXTENSION hedb'
	perl "$here/queries.pl" "${SEED:-1}" "${COUNT:-150}" ${ONLY:+"$ONLY"} 2>&1
)
read -r _ all different errors empty timeouts slow <<<"$summary"
[ "${different:-1}" = 0 ]
check "queries: ${all:-0} twins, seed ${SEED:-1} (${errors:-} errors, ${empty:-} empty)" $?
[ $(((${timeouts:-1} + ${slow:-1}) * 5)) -le "${all:-0}" ]
check "queries: ${timeouts:-} were too long, ${slow:-} for the encrypted side alone" $?
if [ -z "${ONLY:-}" ]; then
	[ "${all:-0}" = "${COUNT:-150}" ] && [ $((errors * 4)) -le "$all" ] && [ $((empty * 2)) -le "$all" ]
	check "queries: most have rows" $?
fi
