#!/bin/sh
# The whole system for real, under run/: ops_server, a private PostgreSQL with hedb,
# redis-server with cxlring.so. Private sockets, no system service touched.
#   demo.sh        install, build, start, show; leaves all of it running
#   demo.sh stop   end exactly what was started
set -eu
cd "$(dirname "$0")/.."
root=$PWD
run=$root/run
B=build

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
note() { printf '   %s\n' "$*"; }
die() {
	echo "demo: $*" >&2
	exit 1
}

# End a process that we started: its pid file also holds its start time, so that a pid
# that somebody else has by now is left alone.
end() {
	[ -f "$run/$1.pid" ] || return 0
	read -r pid began <"$run/$1.pid" || true
	if [ "$(ps -o lstart= -p "${pid:-0}" 2>/dev/null | tr -d ' ')" = "$began" ]; then
		kill "-${2:-TERM}" "$pid" 2>/dev/null || true
		i=0
		while kill -0 "$pid" 2>/dev/null && [ $i -lt 100 ]; do
			sleep 0.1
			i=$((i + 1))
		done
	fi
	rm -f "$run/$1.pid"
}

stop() {
	[ -e "$run" ] || return 0
	end redis
	end postgres INT
	end ops_server
	[ ! -f "$run/region.path" ] || rm -f "$(cat "$run/region.path")"
	# run/ may be a link to a directory that the other user can reach
	if [ -L "$run" ]; then rm -rf "$(readlink "$run")"; fi
	rm -rf "$run"
}

if [ "${1:-}" = stop ]; then
	stop
	echo "stopped; nothing of it is left"
	exit 0
fi

say "Packages and build"
sh deploy/setup.sh
make -j"$(nproc)" all >/dev/null || die "the build failed; see: make"
stop

# PostgreSQL refuses to run as root: everything runs as the packages' user then.
umask 077
if [ "$(id -u)" = 0 ]; then
	user=postgres
	as() { runuser -u "$user" -- "$@"; }
else
	user=$(id -un)
	as() { "$@"; }
fi
mkdir -p "$run"
chown "$user" "$run"
# That user must reach it, and a socket's path has 107 bytes: else elsewhere, linked.
if ! as test -w "$run" || [ "${#run}" -gt 70 ]; then
	rmdir "$run"
	elsewhere=$(mktemp -d "${TMPDIR:-/tmp}/hedb-demo.XXXXXX")
	chown "$user" "$elsewhere"
	ln -s "$elsewhere" "$run"
	at=$elsewhere
else
	at=$run
fi
as mkdir -p "$at/bin" "$at/sock" "$at/redis" "$at/log"
for f in ops_server hedbctl hedb-load cxl-cli cxl-bench cxlring.so; do
	install -m 755 -o "$user" "$B/$f" "$at/bin/$f"
done
pg=$(sh deploy/private-pg.sh "$at/pg") || die "the private PostgreSQL cannot be made"
PATH=$at/bin:$pg:$PATH
region=$(as mktemp -u "/dev/shm/hedb-demo.XXXXXX")
echo "$region" >"$at/region.path"

# Remember pid and start time.
remember() { echo "$2 $(ps -o lstart= -p "$2" | tr -d ' ')" >"$at/$1.pid"; }

# Wait until a command works.
await() {
	i=0
	until "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 200 ] || die "no answer: $*; see $at/log"
		sleep 0.1
	done
}

start_ops_server() {
	as "$at/bin/ops_server" --region "$region" --keys "$at/keys" \
		--credential "$at/credential" 2>>"$at/log/ops_server.log" &
	await as "$at/bin/hedbctl" ping "$region" --count 1
	# with runuser in between the server is its child
	remember ops_server "$(as "$at/bin/hedbctl" status "$region" | sed -n 's/^pid //p')"
}

say "Starting ops_server, PostgreSQL and Redis as user $user"
as "$at/bin/hedbctl" region format "$region"
as "$at/bin/hedbctl" key create "$at/keys"
as "$at/bin/hedbctl" key credential "$at/credential"
start_ops_server

as "$pg/initdb" -D "$at/data" -A trust -U "$user" -E UTF8 --locale=C.UTF-8 -N \
	>"$at/log/initdb.log" 2>&1 || die "initdb: see $at/log/initdb.log"
cat >>"$at/data/postgresql.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$at/sock'
max_connections = 250
shared_buffers = 128MB
hedb.region = '$region'
hedb.client_credential = '$at/credential'
EOF
as "$pg/pg_ctl" -D "$at/data" -l "$at/log/postgres.log" -w start >/dev/null ||
	die "PostgreSQL: see $at/log/postgres.log"
remember postgres "$(head -n 1 "$at/data/postmaster.pid")"

port=
for try in $(seq 1 50); do
	port=$((20000 + ($$ * 7 + try * 131) % 20000))
	as redis-server --port "$port" --bind 127.0.0.1 --unixsocket "$at/sock/redis.sock" \
		--dir "$at/redis" --daemonize no --save '' --appendonly yes \
		--loadmodule "$at/bin/cxlring.so" "$region" --cxlring.zone-path "$region" \
		>"$at/log/redis.log" 2>&1 &
	sleep 0.5
	# by its own socket: on the port somebody else's server might answer
	if as redis-cli -s "$at/sock/redis.sock" ping 2>/dev/null | grep -q PONG; then break; fi
	port=
	grep -q 'Address already in use' "$at/log/redis.log" || break
done
[ -n "$port" ] || die "Redis: see $at/log/redis.log"
remember redis "$(as redis-cli -p "$port" info server | tr -d '\r' | sed -n 's/^process_id://p')"

cat >"$at/env" <<EOF
export PGHOST='$at/sock' PGPORT=5432 PGDATABASE=demo PGUSER='$user'
export REDIS_SOCKET='$at/sock/redis.sock' REDIS_PORT=$port
export HEDB_REGION='$region' HEDB_CREDENTIAL='$at/credential' CXLRING_REGION='$region'
export PATH='$at/bin:$pg':"\$PATH"
EOF
. "$at/env"
as createdb demo

psql_() { as psql -X -q -v ON_ERROR_STOP=1 "$@"; }

say "1. The first encrypted query"
psql_ -a <<'EOF'
CREATE EXTENSION hedb;
SELECT enable_client_mode();
SELECT '1024'::enc_int4 * '4096'::enc_int4 AS product;
CREATE TABLE salary (name text, amount enc_int4);
INSERT INTO salary VALUES ('first', '1024'), ('second', '4096');
SELECT name, amount, amount > '2000' AS above FROM salary;
EOF
note "The same rows as the administrator sees them, in a session in server mode:"
psql_ -c "SELECT name, left(amount::text, 48) || ' ...' AS amount FROM salary"

say "2. pgbench's TPC-B, encrypted balances, 4 clients, 10 s; ops_server dies once"
as pgbench -i -q -s 1 >/dev/null 2>&1
psql_ <<'EOF'
ALTER DATABASE demo SET hedb.mode = 'client';
EOF
psql_ <<'EOF'
ALTER TABLE pgbench_accounts ALTER abalance TYPE enc_int4 USING abalance::enc_int4;
ALTER TABLE pgbench_branches ALTER bbalance TYPE enc_int4 USING bbalance::enc_int4;
ALTER TABLE pgbench_tellers ALTER tbalance TYPE enc_int4 USING tbalance::enc_int4;
ALTER TABLE pgbench_history ALTER delta TYPE enc_int4 USING delta::enc_int4;
EOF
as pgbench -n -c 4 -j 2 -T 10 -M prepared >"$at/log/pgbench.log" 2>&1 &
bench=$!
sleep 4
note "kill -9 ops_server, and start it again a second later"
end ops_server KILL
sleep 1
start_ops_server
wait "$bench" || die "pgbench failed: see $at/log/pgbench.log"
grep -E 'number of transactions actually|failed|tps' "$at/log/pgbench.log" | sed 's/^/   /'
committed=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$at/log/pgbench.log")
psql_ <<EOF
SELECT a.sum AS accounts, b.sum AS branches, t.sum AS tellers, h.sum AS history,
       h.n AS history_rows, $committed AS committed
  FROM (SELECT sum(abalance) FROM pgbench_accounts) a,
       (SELECT sum(bbalance) FROM pgbench_branches) b,
       (SELECT sum(tbalance) FROM pgbench_tellers) t,
       (SELECT sum(delta), count(*) AS n FROM pgbench_history) h;
EOF
same=$(psql_ -At <<EOF
SELECT (SELECT sum(abalance) FROM pgbench_accounts) = h.sum
   AND (SELECT sum(bbalance) FROM pgbench_branches) = h.sum
   AND (SELECT sum(tbalance) FROM pgbench_tellers) = h.sum
   AND h.n = $committed
  FROM (SELECT sum(delta), count(*) AS n FROM pgbench_history) h;
EOF
)
[ "$same" = t ] || die "the four sums or the count disagree"
note "The four sums agree, and every committed transaction is in the history once."

say "3. Redis over shared memory"
show() {
	printf '   %s\n      ' "$*"
	as "$@"
}
show cxl-cli SET greeting "over the ring"
show redis-cli -p "$port" GET greeting
show redis-cli -p "$port" SET visits 41
show cxl-cli INCRBY visits 1
show cxl-cli GET visits
show redis-cli -p "$port" GET visits

note "Values of the encrypted column, added up by Redis, which cannot read them:"
sets=$(psql_ -At -c "SET hedb.mode = 'server'" \
	-c "SELECT 'ENC.SET salary:' || name || ' ' || amount::text FROM salary") || die "no ciphertext"
echo "$sets" | as redis-cli -p "$port" >/dev/null
sum=$(as cxl-cli --raw ENC.SUM salary:first salary:second)
note "ENC.SUM salary:first salary:second"
note "   $sum"
note "hedbctl decrypt"
plain=$(echo "$sum" | as hedbctl decrypt "$region" --credential "$at/credential") || die "no sum"
note "   $plain"
[ "$plain" = 5120 ] || die "1024 and 4096 are 5120"

say "4. Ring, unix socket and TCP, measured just now"
measure() { # target, requests outstanding, requests
	as cxl-bench --target "$1" --socket "$at/sock/redis.sock" --port "$port" --tests set,get \
		--keys 20000 --value-size 64 --requests "$3" --pipeline "$2" --latency --json ||
		die "measuring $1 failed"
}
field() { sed -n "s/.*\"op\": *\"$1\".*\"$2\": *\([0-9.]*\).*/\1/p"; }
printf '   %-6s %14s %14s %14s %14s\n' "" "GET p50 us" "GET /s, one" "GET /s, 64" "SET /s, 64"
for target in ring unix tcp; do
	one=$(measure $target 1 30000)
	many=$(measure $target 64 300000)
	printf '   %-6s %14s %14s %14s %14s\n' $target "$(echo "$one" | field get p50_us)" \
		"$(echo "$one" | field get rps)" "$(echo "$many" | field get rps)" \
		"$(echo "$many" | field set rps)"
done
note "(64-byte values, 20,000 keys, one client; this machine was doing other things as well)"

say "It is all running"
note "Connect:  . run/env"
note "          psql                       (then: SELECT enable_client_mode();)"
note "          cxl-cli                    redis-cli -p $port"
note "          hedbctl status             logs in run/log"
if [ "$user" != "$(id -un)" ]; then
	note "Those files belong to $user: runuser -u $user -- psql, or as root."
fi
note "End it:   make stop"
