# SPDX-License-Identifier: BSD-3-Clause
#
# cluster.sh - a private PostgreSQL with hedb and an ops_server, for tests and benches.
# To be sourced. All of it lives in one temporary directory and one under /dev/shm, which
# go away at exit; sockets instead of ports, so parallel runs do not meet.
#
#     tree_begin                  directories, programs, PostgreSQL with hedb
#     cluster_begin               all that, and keys, credential, region
#     zone_start [OPTION...]      ops_server; sets zone_pid
#     zone_stop [SIGNAL]
#     pg_begin [LINE...]          initdb, postgresql.conf lines, start, database `test`
#     as_user COMMAND...          as the unprivileged user that owns all this
#
# Sets: base (directory), bin (PostgreSQL's programs), region, credential, PGHOST.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
user=
zone_pid=

as_user() {
	if [ -n "$user" ]; then
		setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
	else
		"$@"
	fi
}

cluster_end() {
	status=$?
	trap - EXIT
	set +e
	[ -d "$base/data" ] && as_user "$bin/pg_ctl" -D "$base/data" -m immediate stop >/dev/null 2>&1
	zone_stop KILL
	[ "$status" = 0 ] || [ -z "${CLUSTER_KEEP:-}" ] || cp -r "$base/log" "$CLUSTER_KEEP"
	rm -rf "$base" "$shm"
	exit $status
}

tree_begin() {
	base=$(mktemp -d "${TMPDIR:-/tmp}/hedb.XXXXXX")
	shm=$(mktemp -d /dev/shm/hedb.XXXXXX)
	if [ "$(id -u)" = 0 ]; then
		user=$(id -un postgres 2>/dev/null || id -un nobody)
		chown "$user" "$base" "$shm"
	fi
	chmod 755 "$base"
	trap cluster_end EXIT
	trap 'exit 1' INT TERM
	mkdir "$base/bin" "$base/log"
	cp "$root/build/ops_server" "$root/build/hedbctl" "$base/bin/"
	[ -z "$user" ] || chown "$user" "$base/log"
	bin=$("$root/deploy/private-pg.sh" "$base/pg")
	PATH=$bin:$base/bin:$PATH
	cd "$base"
}

cluster_begin() {
	tree_begin
	region=$shm/region
	credential=$base/credential
	as_user hedbctl region format "$region" >/dev/null
	as_user hedbctl key create "$base/keys" >/dev/null
	as_user hedbctl key credential "$credential" >/dev/null
	export PGHOST=$base PGPORT=5432 PGUSER=postgres PGDATABASE=test
}

# $zone_up: what succeeds once it is there; without, a ping
zone_start() {
	set -- --region "$region" --keys "$base/keys" --credential "$credential" "$@"
	( # exec: $! has to be the server itself
		first= # may go first, as the service may; a container's root cannot raise the limit
		ulimit -r 1 2>/dev/null || first='--inh-caps +sys_nice --ambient-caps +sys_nice'
		set -- "$base/bin/ops_server" "$@"
		[ -z "$user" ] ||
			set -- setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups $first "$@"
		exec "$@" >>"$base/log/ops_server" 2>&1
	) &
	zone_pid=$!
	for _ in $(seq 100); do
		as_user ${zone_up:-hedbctl ping "$region" --count 1} >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	echo "ops_server does not start:" >&2
	tail -5 "$base/log/ops_server" >&2
	return 1
}

zone_stop() {
	[ -n "$zone_pid" ] || return 0
	kill "-${1:-TERM}" "$zone_pid" 2>/dev/null
	wait "$zone_pid" 2>/dev/null
	zone_pid=
	return 0
}

pg_begin() {
	as_user "$bin/initdb" -D "$base/data" -U postgres -E UTF8 --locale=C.UTF-8 -A trust -N \
		>"$base/log/initdb" 2>&1
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$base'"
		echo "fsync = off"
		echo "hedb.region = '$region'"
		echo "log_line_prefix = '%m [%p] '"
		printf '%s\n' "$@"
	} | as_user tee -a "$base/data/postgresql.conf" >/dev/null
	as_user "$bin/pg_ctl" -D "$base/data" -l "$base/log/postgres" -w start >/dev/null ||
		{ tail -20 "$base/log/postgres" >&2; return 1; }
	createdb test
}
