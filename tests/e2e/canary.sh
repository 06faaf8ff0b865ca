#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# canary.sh - scope: what never leaves the privacy zone and its clients. Known plaintexts, data
# keys and private keys are looked for wherever the integrity zone keeps anything, after
# PostgreSQL and Redis have worked with the encrypted values: the region, the memory of all of
# their processes, data files, WAL, logs, core dumps, pg_stats, a dump, AOF, RDB.
#
# A scan that finds nothing says something only when it can find: of each place there is a
# control, the same scan where the secret has to be (ops_server's memory for keys, client mode
# and plain columns, keys and channels for the rest).
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../pg/cluster.sh"
count=0
verdict() { # verdict WHAT STATUS [TEXT]
	count=$((count + 1))
	[ "$2" = 0 ] && echo "ok $count - canary: $1" && return
	echo "not ok $count - canary: $1"
	printf '%s\n' "${3-}" | sed 's/^/# /' | head -20
}
skip() {
	count=$((count + 1))
	echo "ok $count - canary: $1 # SKIP $2"
}

redis=
end() {
	[ -z "$redis" ] || kill -9 "$redis" 2>/dev/null
	cluster_end
}
cluster_begin || exit 1
trap end EXIT
cp "$root/build/hedb-load" "$root/build/cxl-cli" "$root/build/cxlring.so" "$base/bin/"

# absent WHAT TARGET...: none of the canaries; present WHAT NAME TARGET...: that one
absent() {
	local what=$1 out rc
	shift
	out=$(python3 "$here/scan.py" "$base/canaries" "$@" 2>&1)
	rc=$?
	[ $rc = 0 ] && [ -z "$out" ]
	verdict "nothing in $what" $? "exit $rc $out"
}
present() {
	local what=$1 name=$2 out
	shift 2
	out=$(python3 "$here/scan.py" "$base/canaries" "$@" 2>&1) && grep -q "^$name " <<<"$out"
	verdict "the control finds $name in $what" $? "$out"
}
q() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
pids_of() { # pids_of POSTMASTER: and its children
	echo "$1"
	cat "/proc/$1/task/$1/children" | tr ' ' '\n' | grep .
}
postmaster() { head -1 "$base/data/postmaster.pid"; }

# ---- who there is ----
mkdir "$base/ca" "$base/redis"
[ -z "$user" ] || chown "$user" "$base/ca" "$base/redis"
ca() { as_user hedbctl ca "$@" >/dev/null; }
ca init "$base/ca/zone"
for who in 'vault server:ops' 'pg db' 'owner client' 'cache server:kv,db' 'app kv:*'; do
	ca issue "$base/ca/zone" "${who% *}" --role "${who#* }"
done
files() { echo --cert "$base/ca/zone/$1.pem" --key "$base/ca/zone/$1.key" --ca "$base/ca/zone/ca.pem"; }
owner="--secure $(files owner)"
seal() { printf '%s\n' "$2" | as_user hedbctl encrypt "$1" "$region" $owner; }

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
digits() { od -An -N64 -tu1 /dev/urandom | tr -d ' \n' | tr -d 0 | cut -c1-"$1"; }
text=canary-$(random 12) note=canary-$(random 12) big=$(digits 18) money=$(digits 16).$(digits 12)
{
	echo "text text $text"
	echo "note text $note"
	echo "big int8 $big"
	echo "money numeric $money"
	i=0
	for key in $("$root/build/tests/e2e/keybytes" "$base/keys"); do
		echo "key$((i += 1)) hex $key"
	done
	for who in vault owner app; do
		echo "$who.key pem $base/ca/zone/$who.key"
	done
	echo "ca.key pem $base/ca/zone/ca.key"
} >"$base/canaries"
grep -q '^key1 hex ' "$base/canaries"
verdict 'there are keys to look for' $? "$(cut -c1-30 "$base/canaries")"

ulimit -c unlimited # of what is killed here; ops_server sets its own to nothing
zone_start_as() {
	CXL_SECURE=1 CXL_CERT=$base/ca/zone/owner.pem CXL_KEY=$base/ca/zone/owner.key CXL_CA=$base/ca/zone/ca.pem \
		zone_start --secure "$1" $(files vault)
}
zone_start_as required || { verdict 'ops_server starts' 1; exit 1; }
pg_begin 'log_statement = all' 'log_min_messages = debug2' 'log_min_duration_statement = 0' \
	'log_connections = on' 'track_activity_query_size = 64kB' 'wal_level = logical' 'shared_buffers = 16MB' \
	"shared_preload_libraries = 'hedb'" "hedb.secure = on" "hedb.cert_file = '$base/ca/zone/pg.pem'" \
	"hedb.key_file = '$base/ca/zone/pg.key'" "hedb.ca_file = '$base/ca/zone/ca.pem'" ||
	{ verdict 'PostgreSQL starts' 1; exit 1; }
redis_begin() {
	(cd "$base/redis" && exec setpriv ${user:+--reuid "$user" --regid "$(id -g "$user")" --clear-groups} \
		redis-server --port 0 --unixsocket "$base/redis/sock" --dir "$base/redis" --appendonly yes --save '' \
		--logfile "$base/redis/log" --loglevel debug --slowlog-log-slower-than 0 --loadmodule "$base/bin/cxlring.so" \
		"$shm/kv" --cxlring.secure sealed --cxlring.zone-path "$region" --cxlring.zone-secure yes \
		--cxlring.cert-file "$base/ca/zone/cache.pem" --cxlring.key-file "$base/ca/zone/cache.key" \
		--cxlring.ca-file "$base/ca/zone/ca.pem" >/dev/null 2>&1 9>&-) & # 9: a session ends with it
	redis=$!
	for _ in $(seq 100); do
		redis-cli -s "$base/redis/sock" ping >/dev/null 2>&1 && return
		sleep 0.1
	done
	verdict 'Redis starts' 1 "$(tail -3 "$base/redis/log")"
	exit 1
}
redis() { redis-cli -s "$base/redis/sock" "$@"; }
redis_begin

# ---- the work ----
export HEDB_REGION=$region
q -c 'CREATE EXTENSION hedb' -c 'CREATE TABLE t (id int, s enc_text, i enc_int8, n enc_numeric)'
{
	for i in $(seq 300); do printf '%s\trow %s\t%s\t%s.25\n' $i $i $i $i; done
	for i in $(seq 301 400); do printf '%s\t%s\t%s\t%s\n' $i "$text" "$big" "$money"; done
} | as_user env PGHOST="$base" PGUSER=postgres PGDATABASE=test hedb-load --quiet $owner --region "$region" t 2>"$base/log/load"
verdict 'the owner loads rows' $? "$(cat "$base/log/load")"
looked=$(seal text "$text") bigger=$(seal int8 "$big") paid=$(seal numeric "$money") said=$(seal text "$note")
[ -n "$looked" ] && [ -n "$bigger" ] && [ -n "$paid" ]
verdict 'and encrypts what is looked for' $?
q -c "CREATE INDEX ON t (s)" -c "CREATE INDEX ON t USING hash (i)" -c 'ANALYZE t' -c "INSERT INTO t VALUES (401, '$said', '$bigger', '$paid')" \
	-c "UPDATE t SET n = n + n WHERE id = 350" -c 'VACUUM FULL t' -c CHECKPOINT
same=$(q -c "SELECT count(*) FROM t WHERE s = '$looked' AND i = '$bigger'" -c "SELECT count(*) FROM t WHERE n * n > n AND s || s > s" \
	-c "SELECT count(*) FROM (SELECT i, sum(n), min(s), max(s) FROM t GROUP BY i ORDER BY i OFFSET 0) x" \
	-c "SET enable_seqscan = off" -c "SELECT count(*) FROM t WHERE s = '$looked'" \
	-c "SELECT count(*) FROM t a JOIN t b ON a.i = b.i WHERE a.id = 301" | tr '\n' ' ')
[ "$same" = '100 401 301 100 101 ' ]
verdict 'PostgreSQL finds the rows that there are' $? "$same"
q -c 'SELECT * FROM pg_stats' -c 'SELECT * FROM pg_statistic' >"$base/stats"
pg_dump test >"$base/dump"
as_user env PGHOST="$base" PGUSER=postgres PGDATABASE=test hedb-load --quiet $owner --region "$region" \
	--query "SELECT s, i, n FROM t WHERE id = 301" >"$base/read" 2>&1
[ "$(tr '\t' ' ' <"$base/read")" = "$text $big $money" ]
verdict 'and the owner reads them' $? "$(cat "$base/read")"
rm "$base/read"
redis enc.set s "$looked" >/dev/null
redis enc.set n "$paid" >/dev/null
redis enc.incrby n "$paid" >/dev/null
redis enc.zadd z "$bigger" one "$(seal int8 5)" two >/dev/null
redis save >/dev/null
[ "$(redis enc.zrange z 0 -1 | tr '\n' ' ')$(redis enc.cmp s s)" = 'two one 0' ]
verdict 'Redis computes with them' $? "$(redis enc.zrange z 0 -1) $(redis enc.cmp s s)"

# A session that still has all of it under its hands.
mkfifo "$base/in"
psql -XAtq <"$base/in" >"$base/out" 2>&1 &
session=$!
exec 9>"$base/in"
cat >&9 <<-SQL
	BEGIN;
	DECLARE c CURSOR FOR SELECT s, i, n FROM t WHERE s = '$looked' ORDER BY n;
	FETCH 20 FROM c;
	SELECT count(*) FROM t WHERE n > '$paid'::enc_numeric - '$paid'::enc_numeric;
	SELECT pg_backend_pid(), 'ready';
SQL
ready() { grep '|ready$' "$base/out" | tail -1 | cut -d'|' -f1; }
await() { for _ in $(seq 200); do [ -n "$(ready)" ] && return; sleep 0.1; done; }
await

# ---- nothing ----
absent 'the region' "$region"
absent "the memory of PostgreSQL's processes" $(pids_of "$(postmaster)")
absent "the memory of the session's backend" "$(ready)"
absent 'data files, WAL' "$base/data"
absent 'logs' "$base/log"
absent 'pg_stats, a dump' "$base/stats" "$base/dump"
absent "Redis's memory" "$redis"
absent "Redis's files: AOF, RDB, log" "$base/redis"
absent "Redis's region" "$shm/kv"
[ -s "$base/redis/dump.rdb" ] && [ -n "$(ls "$base"/redis/appendonlydir/*.aof)" ]
verdict 'of which there are both' $?

# ---- core dumps ----
dumps=no
case $(cat /proc/sys/kernel/core_pattern) in
core*) dumps=yes ;;
esac
# crash WHAT PID FOLDER: a core of it in there
crash() {
	kill -SEGV "$2"
	for _ in $(seq 200); do
		[ -z "$(find "$3" -maxdepth 1 -name 'core*' -size +0)" ] || [ -d "/proc/$2" ] || break
		sleep 0.05
	done
}
core_of() { find "$1" -maxdepth 1 -name 'core*' -size +0 | head -1; }
if [ $dumps = yes ]; then
	crash backend "$(ready)" "$base/data"
	absent 'the core dump of a backend' "$(core_of "$base/data")"
	rm -f "$base"/data/core*
	crash Redis "$redis" "$base/redis"
	wait "$redis" 2>/dev/null
	absent "Redis's core dump, and its log of the crash" "$base/redis"
	rm -f "$base"/redis/core*
	redis_begin
else
	skip 'core dumps' 'the kernel gives them to a program'
fi
exec 9>&-
wait "$session" 2>/dev/null

# ---- the controls ----
present "ops_server's memory" key1 "$zone_pid"
present "ops_server's memory" vault.key "$zone_pid"
[ -n "$user" ] && not=$(as_user python3 "$here/scan.py" "$base/canaries" "$zone_pid" 2>&1)
[ -z "$user" ] || grep -q 'Permission denied' <<<"${not:-}"
verdict 'which its own user cannot read' $? "${not:-}"
# A key file is sealed, if only under a key of zero bytes; so the key itself, in a file.
sed -n 's/^key1 hex //p' "$base/canaries" |
	python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >"$base/redis/key"
present 'a file' key1 "$base/redis/key"
rm "$base/redis/key"
absent 'a key file' "$base/keys"
if [ $dumps = yes ]; then
	kill -SEGV "$zone_pid"
	wait "$zone_pid" 2>/dev/null
	[ -z "$(core_of "$base")" ]
	verdict 'ops_server leaves no core dump' $? "$(ls "$base")"
else
	zone_stop KILL
fi

# In client mode over a plain channel, and columns that are not encrypted.
zone_start_as sealed || { verdict 'ops_server starts again' 1; exit 1; }
for _ in $(seq 100); do q -c 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done # recovered from its crash
: >"$base/out"
psql -XAtq <"$base/in" >"$base/out" 2>&1 &
session=$!
exec 9>"$base/in"
cat >&9 <<-SQL
	CREATE TABLE open AS SELECT '$text' AS s, '$big'::int8 AS i FROM generate_series(1, 100);
	ANALYZE open;
	CHECKPOINT;
	SET hedb.secure = off;
	SET hedb.client_credential = '$credential';
	SET hedb.mode = client;
	SELECT s, i, n FROM t WHERE s = '$text' LIMIT 3;
	SELECT pg_backend_pid(), 'ready';
SQL
await
grep -q "^$text|$big|" "$base/out"
verdict 'a session in client mode reads plaintext' $? "$(cut -c1-200 "$base/out" | head -5)"
present 'the region' text "$region"
present 'the memory of a backend' text "$(ready)"
present 'the memory of a backend' money "$(ready)"
present 'a data file' big "$base/data/base"
present 'WAL' text "$base/data/pg_wal"
present 'the log' text "$base/log"
q -c "SELECT * FROM pg_stats WHERE tablename = 'open'" >"$base/stats"
present pg_stats text "$base/stats"
redis set open "$text" >/dev/null
redis save >/dev/null
present "Redis's memory" text "$redis"
present AOF text "$base/redis/appendonlydir"
present RDB text "$base/redis/dump.rdb"
mkfifo "$base/kv.in"
as_user cxl-cli --region "$shm/kv" <"$base/kv.in" >"$base/kv.out" 2>&1 &
kv=$!
exec 8>"$base/kv.in"
echo "SET kv $text" >&8
for _ in $(seq 100); do grep -q OK "$base/kv.out" && break; sleep 0.05; done
present "Redis's region, of a plain client" text "$shm/kv"
exec 8>&-
wait "$kv"
if [ $dumps = yes ]; then
	crash backend "$(ready)" "$base/data"
	present 'the core dump of a backend' text "$(core_of "$base/data")"
	rm -f "$base"/data/core*
	crash Redis "$redis" "$base/redis"
	wait "$redis" 2>/dev/null
	redis=
	present "Redis's core dump" text "$(core_of "$base/redis")"
fi
exec 9>&-
wait "$session" 2>/dev/null
exit 0
