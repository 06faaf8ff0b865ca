# SPDX-License-Identifier: BSD-3-Clause
# says.sh - what parts in shell compare with; sourced by them. One line each, without numbers.

# equal NAME GOT WANTED
equal() {
	[ "$2" = "$3" ] && { echo "ok - $1"; return; }
	echo "not ok - $1"
	diff <(echo "$3") <(echo "$2") | head -20 | sed 's/^/# /'
}

# has NAME GOT PART
has() {
	case $2 in
	*"$3"*) echo "ok - $1" ;;
	*) echo "not ok - $1"; echo "$2" | head -5 | sed 's/^/# /' ;;
	esac
}

# q ARGUMENT...: of psql; rows alone, and errors among them
q() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }

# ---- sealed channels ----

# certificate NAME ROLES: in $base, PostgreSQL's user may read it
certificate() { as_user hedbctl ca issue "$base/ca/zone" "$1" --role "$2" >/dev/null; }

# cancelled NAME [STATEMENT]: what one that waits for the manager says when it is cancelled, and in how long
cancelled() {
	q -c "SET application_name = 'waits'" -c "${2:-SELECT count(*) FROM t WHERE a < a + a}" >"$base/waits" &
	asker=$!
	for _ in $(seq 100); do
		[ "$(q -c "SELECT wait_event_type FROM pg_stat_activity WHERE application_name = 'waits'
			AND state = 'active'")" = Extension ] && break
		sleep 0.02
	done
	t0=$(date +%s%N)
	q -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'" >/dev/null
	wait $asker
	took=$((($(date +%s%N) - t0) / 1000000))
	has "$1" "$(cat "$base/waits")" 'canceling statement due to user request'
	equal "$1, at once" "$([ $took -lt 2000 ] || echo "$took ms")" ''
}
