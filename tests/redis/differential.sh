# SPDX-License-Identifier: BSD-3-Clause
# Random commands to two servers, one by its socket, the other by the ring: every reply,
# the order of keyspace events, the data, what the AOFs are loaded to and a replica are
# the same. The program is differential/differential.c; what may differ is in compare.h.
#
#   SEED=N          of the first episode; one that fails is printed, and made short
#   COMMANDS=N      20,000 of them, which is some 10 s
#   SECONDS_LONG=N  for this long instead
family=differential
. tests/redis/lib.sh
seed=${SEED:-1}
port=$(free_port)
start a --appendonly yes
start b --appendonly yes --port "$port" --repl-diskless-sync-delay 0
start r --replicaof "127.0.0.1 $port"
until_true sh -c "redis-cli -s '$dir/r.sock' info replication | grep -q master_link_status:up" ||
	not_ok 'the replica comes online'
differ() { "$B/tests/redis/differential/differential" "$@" "$dir/a.sock" "$dir/b.sock" "$shm/b" "$dir/r.sock"; }

[ -z "${SECONDS_LONG:-}" ] || set -- --seconds "$SECONDS_LONG"
differ --seed "$seed" --commands "${COMMANDS:-20000}" --shrink 20 "$@" >"$dir/out" 2>&1
rc=$?
last=$(tail -1 "$dir/out")
[ $rc = 0 ] && ok "the same by socket and by ring: ${last#\# }" || {
	not_ok "by socket and by ring: exit $rc"
	cut -c1-2000 "$dir/out" | tail -60
	tail -5 "$dir/b.log" | sed 's/^/# /'
}

# It sees what it is for: a server whose LPUSH appends answers as it should, and its data
# tells; one without INCR answers otherwise. A few commands are left of each episode.
finds() {
	what=$1
	shift
	start bad --appendonly yes "$@"
	"$B/tests/redis/differential/differential" --seed "$seed" --length 300 --commands 3000 --shrink 5 --stop \
		"$dir/a.sock" "$dir/bad.sock" "$shm/bad" >"$dir/out" 2>&1
	same "$what: is seen" "$?, $(grep -c 'A: ' "$dir/out")" '1, 2'
	n=$(grep -c '^#   \[' "$dir/out")
	[ "$n" -gt 0 ] && [ "$n" -lt 10 ] && ok "$what: by $n commands" || not_ok "$what: by $n commands"
	stop bad
	rm -rf "$dir/bad.d"
}
finds 'LPUSH appends' --rename-command LPUSH X --rename-command RPUSH LPUSH --rename-command X RPUSH
has 'and these name what did it' "$(grep '^#   \[' "$dir/out" | tr a-z A-Z)" PUSH
finds 'no INCR' --rename-command INCR ''
