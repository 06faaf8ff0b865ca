# SPDX-License-Identifier: BSD-3-Clause
# Each request names its database: the same commands over the ring and over a socket that
# SELECTs leave the same data in the same databases, in the AOF and on a replica as well.
family=databases
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port" --appendonly yes
start b
start r --replicaof "127.0.0.1 $port"
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'state=online'" ||
	not_ok 'the replica comes online'

# What the socket says to SELECT itself the verbs do not print.
differ() {
	cat >"$dir/commands"
	wanted=$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" 2>&1)
	same "$1" "$("$B/cxl-cli" --region "$shm/a" --no-raw <"$dir/commands" 2>&1)" "$wanted"
	same "$1: same data" "$(tcp a debug digest)" "$(tcp b debug digest)"
}

differ 'cxl-cli: SELECT and what follows' <<'X'
set k zero
select 1
get k
set k one
rpush l a b
select 15
dbsize
set k fifteen
exists k
copy k k2 DB 3
move k2 4
select 16
get k
select -1
select 70000
select one
select 0x1
get k
select 1
lrange l 0 -1
incrby n 5
del k none
swapdb 1 2
dbsize
select 2
keys l*
scan 0 match l* count 100
randomkey x
flushdb
dbsize
select 0
get k
object encoding k
X
same 'cxl-cli -n' "$(ring a -n 15 get k) $(ring a -n 15 dbsize)" '"fifteen" (integer) 1'
has 'cxl-cli -n 16' "$(ring a -n 16 get k)" '(error) ERR DB index is out of range'
refuses cxl-cli -n 'whole number from 0 to 65535' -1 65536

# Bursts that change the database in the middle: batches of SETs and GETs must not mix.
awk 'BEGIN {
	srand(7)
	for (i = 0; i < 6000; i++) {
		if (i % 5 == 0) print "select " int(rand() * 4)
		k = "k" int(rand() * 40)
		o = int(rand() * 6)
		if (o < 2) print "set " k " v" i
		else if (o < 4) print "get " k
		else if (o == 4) print "del " k
		else print "incrby n 1"
	}
}' >"$dir/commands"
redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" | grep -v '^OK$' >"$dir/wanted"
verbs a --pipelined <"$dir/commands" | grep -v '^OK$' >"$dir/got"
same 'pipelined over four databases' "$(cksum <"$dir/got")" "$(cksum <"$dir/wanted")"
same 'the same data' "$(tcp a debug digest)" "$(tcp b debug digest)"

# A restricted user's calls are of the database, too; and the loop's own context is not
# left in it: an event of another database's client comes next.
tcp a acl setuser u on nopass '~*' '+@all' -debug >/dev/null
printf 'auth u x\nselect 5\nset mine 5\nget mine\nselect 0\nget mine\nselect 6\nset mine 6\n' |
	verbs a >"$dir/got"
same 'a restricted user' "$(tr '\n' ' ' <"$dir/got")" 'OK OK "5" (nil) OK '
same 'what it wrote' "$(tcp a -n 5 get mine) $(tcp a -n 6 get mine) $(tcp a get mine)" '"5" "6" (nil)'
ring a -n 5 del mine >/dev/null
ring a -n 6 del mine >/dev/null
same 'keyspace events name the database' "$(
	tcp a config set notify-keyspace-events KEA >/dev/null
	(redis-cli -s "$dir/a.sock" psubscribe '*' & echo $! >"$dir/sub"; wait) >"$dir/events" 2>&1 &
	until_true grep -q psubscribe "$dir/events"
	ring a -n 9 set event x >/dev/null
	until_true grep -q __keyevent "$dir/events"
	kill "$(cat "$dir/sub")"
	grep -o '__keyspace.*' "$dir/events"
)" '__keyspace@9__:event'

until_true caught_up a r
want=$(tcp a debug digest)
same 'the replica has the same' "$(tcp r debug digest)" "$want"
tcp a debug loadaof >/dev/null
same 'and the AOF' "$(tcp a debug digest)" "$want"

start c --databases 1
has 'one database: another is refused' "$(ring c -n 1 get k)" '(error) ERR DB index is out of range'
start d --cluster-enabled yes
has 'in a cluster' "$(ring d -n 1 get k)" '(error) ERR SELECT is not allowed in cluster mode'
