# SPDX-License-Identifier: BSD-3-Clause
# Commands by the key API do all that the commands do: replies, data, events, hits and
# misses, WATCH, tracking, AOF, replica. A second server is asked over its socket.
family=fast
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port" --appendonly yes --notify-keyspace-events KEA
start b --notify-keyspace-events KEA
start r --replicaof "127.0.0.1 $port"
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'state=online'" ||
	not_ok 'the replica comes online'

listen() {
	redis-cli -s "$dir/$1.sock" psubscribe '__keyevent*' >"$dir/events.$1" 2>&1 &
	pids="$pids $!"
	until_true grep -q psubscribe "$dir/events.$1"
}
listen a
listen b

cat >"$dir/commands" <<'X'
hset h f v
HSET h f w g x
hSeT h f 1
hset h
hset h f
hset h f v g
hset h a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11 l 12 m 13 n 14
hset h a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11 l 12 m 13 n 14 o 15 p 16
hset "" "" ""
hget "" ""
hget h f
hget h none
hget none f
hget h
hget h f g
hmget h f g none f
hmget none f g
hlen h
hlen none
hexists h f
hexists h none
hexists none f
hsetnx h f other
hsetnx h new 1
hsetnx fresh f 1
hincrby h n 5
hincrby h n -7
hincrby h n 9223372036854775807
hincrby h n x
hincrby h n " 1"
hincrby h n 1.5
hincrby fresh2 n 12
hset h text abc
hincrby h text 1
hincrby h n 00
object encoding h
hset long f 0123456789012345678901234567890123456789012345678901234567890123456789
object encoding long
hget long f
hdel h none
hdel h f g
hdel fresh f f
exists fresh
hdel fresh2 n other
exists fresh2
hdel none f
set s 12345
set t "a text that is longer than a short string may be, raw"
strlen s
strlen t
strlen none
hget s f
hset s f v
hdel s f
hlen s
hexists s f
hsetnx s f v
hincrby s f 1
hmget s f
strlen h
get h
get s
GET t
Set s 7
object encoding s
ttl s
ttl none
pttl none
pttl s
expire s 1000
ttl s
expire s 1000 nx
expire none 1000
expire s x
expire s 99999999999999999
expire t -1
exists t
set t again
expire t 0
exists t
pexpire s 1000000
ttl s
persist s
persist s
persist none
ttl s
rpush l a b c
expire l 100
sadd set a b
zadd z 1 a
xadd x 1-1 f v
del l set z x none
del s s h
unlink long none long
set u 1
unlink u
del
unlink
set k1 v
set k2 v
set k3 v
del k1 k2 k3 k4
hset big a 1
eval "for i=1,200 do redis.call('hset','big',i,i) end return redis.call('hlen','big')" 0
del big
eval "for i=1,200 do redis.call('hset','big',i,i) end return redis.call('hlen','big')" 0
unlink big
hset keep a 1 b 2
expire keep 500
dbsize
X
hits() { echo "$(($(info "$1" stats keyspace_hits))) $(info "$1" stats keyspace_misses)"; }
before_a=$(hits a) before_b=$(hits b)
same 'the numbers start equal' "$before_a" "$before_b"
same 'replies' "$("$B/cxl-cli" --region "$shm/a" --no-raw <"$dir/commands" 2>&1)" \
	"$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" 2>&1)"
same 'data' "$(tcp a debug digest)" "$(tcp b debug digest)"
# The connection's first GET of a short value counts twice: docs/protocol-kv.md.
same 'hits and misses' "$(hits a)" "$(hits b | { read -r h m; echo "$((h + 1)) $m"; })"
until_true sh -c "grep -q dbsize '$dir/events.a' || [ \"\$(wc -l <'$dir/events.a')\" = \"\$(wc -l <'$dir/events.b')\" ]"
same 'keyspace events' "$(cksum <"$dir/events.a")" "$(cksum <"$dir/events.b")"
grep '^hmget\|^hget\|^hset' "$dir/commands" >"$dir/commands3"
tcp a flushall >/dev/null
tcp b flushall >/dev/null
same 'replies in RESP3' "$("$B/cxl-cli" --region "$shm/a" --no-raw -3 <"$dir/commands3" 2>&1)" \
	"$(redis-cli -3 -s "$dir/b.sock" --no-raw <"$dir/commands3" 2>&1)"
for c in hset hget hmget hincrby hsetnx hdel hlen hexists del unlink strlen ttl pttl expire pexpire persist; do
	[ "$(info a cxlring "cxlring_fast_$c")" -gt 0 ] 2>/dev/null || echo $c
done >"$dir/slow"
same 'each of them took the fast path' "$(tr '\n' ' ' <"$dir/slow")" ''

# HGETALL out of the hash's own table: what the same server says over its socket, in the same
# order, while the table grows, moves to a larger one and shrinks.
awk 'BEGIN {
	long = sprintf("%0100d", 7)
	for (i = 0; i < 1500; i++) print "hset grows f" i " " (i % 3 ? i : long)
	for (i = 0; i < 1490; i++) print "hdel grows f" (i * 7) % 1500
}' >"$dir/grow"
redis-cli -s "$dir/a.sock" hset one f "$(printf '%0100d' 1)" >/dev/null
redis-cli -s "$dir/a.sock" eval "
	local function of(n) return string.rep('x', n) end
	redis.call('hset', 'lengths', '', '', of(31), of(32), of(32), of(255), of(255), of(256), of(256), of(65535), of(65536), of(70000))
	return redis.call('object', 'encoding', 'lengths')" 0 >"$dir/encoding"
same 'such a hash has a table' "$(cat "$dir/encoding")" hashtable
all_of() {
	for _k in "$@"; do
		"$B/cxl-cli" --region "$shm/a" --no-raw hgetall "$_k"
		"$B/cxl-cli" --region "$shm/a" --no-raw -3 hgetall "$_k"
	done | cksum
	for _k in "$@"; do
		redis-cli -s "$dir/a.sock" --no-raw hgetall "$_k"
		redis-cli -3 -s "$dir/a.sock" --no-raw hgetall "$_k"
	done | cksum
}
: >"$dir/got"
for n in 1 2 5 9 17 33 64 65 66 127 129 130 200 257 258 513 514 700 1000 1025 1030 1500 1501 1700 2000 2500 2800 2900 2950 2990; do
	at=${at:-0}
	sed -n "$((at + 1)),${n}p" "$dir/grow" | redis-cli -s "$dir/a.sock" >/dev/null
	at=$n
	set -- $(all_of grows)
	[ "$1 $2" = "$3 $4" ] || echo "after $n writes" >>"$dir/got"
done
same 'HGETALL while the table changes' "$(cat "$dir/got")" ''
set -- $(all_of one lengths none)
same 'HGETALL of all lengths, of one field, of none' "$1 $2" "$3 $4"
[ "$(info a cxlring cxlring_fast_hgetall)" -ge 60 ] && ok 'and that was the fast path' ||
	not_ok "hgetall: $(info a cxlring cxlring_fast_hgetall) times by the fast path"
for s in a b; do
	tcp $s debug set-active-expire 0 >/dev/null
	tcp $s hset dies f "$(printf '%0100d' 1)" >/dev/null
	tcp $s pexpire dies 1 >/dev/null
done
sleep 0.01
before_a=$(hits a) before_b=$(hits b)
same 'an expired hash is empty' "$(ring a hgetall dies)" "$(tcp b hgetall dies)"
ring a hgetall lengths >/dev/null
tcp b hgetall dies >/dev/null
set -- $before_a $(hits a) $before_b $(hits b)
same 'a hit and a miss are counted' "$(($3 - $1)) $(($4 - $2)), two misses $(($8 - $6))" '1 1, two misses 2'
same 'and it is gone' "$(tcp a exists dies)" '(integer) 0'
same 'HGETALL of a string' "$(tcp a set s 1 >/dev/null; ring a hgetall s 2>&1)" \
	"$(tcp b set s 1 >/dev/null; tcp b hgetall s)"
tcp a del grows one lengths s >/dev/null
tcp b del s >/dev/null
for s in a b; do tcp $s debug set-active-expire 1 >/dev/null; done

# The verb DEL, too, and many at once. cxl-cli sends CALLs, verbs DEL by its frame.
printf 'set d1 1\nhset d2 f v\ndel d1 d2 d1 none\nexists d1 d2\n' | verbs a >"$dir/got"
same 'DEL by its frame' "$(tr '\n' ' ' <"$dir/got")" 'OK (integer) 1 (integer) 2 (integer) 0 '

# Pipelined bursts of all of these, mixed with SETs and GETs that go in batches.
awk 'BEGIN {
	srand(11)
	for (i = 0; i < 8000; i++) {
		k = int(rand() * 30); f = "f" int(rand() * 5); o = int(rand() * 12)
		if (o == 0) print "set s" k " v" i
		else if (o == 1) print "get s" k
		else if (o == 2) print "hset h" k " " f " " i
		else if (o == 3) print "hget h" k " " f
		else if (o == 4) print "hdel h" k " " f
		else if (o == 5) print "hincrby c" k " " f " " i
		else if (o == 6) print "del s" k " h" (k + 1) % 30
		else if (o == 7) print "expire s" k " 10000"
		else if (o == 8) print "persist s" k
		else if (o == 9) print "strlen s" k
		else if (o == 10) print "hmget h" k " f1 f2 " f
		else print "hsetnx h" k " " f " " i
	}
}' >"$dir/commands"
redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" >"$dir/wanted"
verbs a --pipelined <"$dir/commands" >"$dir/got"
tcp b del d1 d2 >/dev/null
same 'pipelined' "$(cksum <"$dir/got")" "$(cksum <"$dir/wanted")"
ring a hset keep a 1 b 2 >/dev/null
tcp b hset keep a 1 b 2 >/dev/null
same 'the same data' "$(tcp a debug digest)" "$(tcp b debug digest)"

# WATCH sees a ring's write.
mkfifo "$dir/in"
redis-cli -s "$dir/a.sock" --no-raw <"$dir/in" >"$dir/watch" 2>&1 &
pids="$pids $!"
exec 3>"$dir/in"
i=0
for c in 'hset keep a 2' 'expire keep 77' 'persist keep' 'hincrby keep b 1' 'hsetnx keep new 1' 'hdel keep a' 'del keep'; do
	ring a hset keep a 1 >/dev/null
	case $c in persist*) ring a expire keep 99 >/dev/null ;; hsetnx*) ring a hdel keep new >/dev/null ;; esac
	printf 'watch keep\n' >&3
	i=$((i + 1))
	until_true sh -c "[ \$(grep -c OK '$dir/watch') -ge $((i * 2 - 1)) ]"
	ring a $c >/dev/null
	printf 'multi\nping\nexec\n' >&3
	until_true sh -c "[ \$(grep -c nil '$dir/watch') -ge $i ]" || break
done
exec 3>&-
same 'WATCH sees each kind of write' "$i $(grep -c nil "$dir/watch")" '7 7'

# Tracking: a client that keeps copies is told.
ring a hset tracked f 1 >/dev/null
(printf 'hello 3\nclient tracking on\nhget tracked f\n'; sleep 1; printf 'ping\n') | redis-cli --show-pushes yes -s "$dir/a.sock" >"$dir/tracked" 2>&1 &
t=$!
until_true grep -q '^"*1"*$' "$dir/tracked"
ring a hset tracked f 2 >/dev/null
wait $t
has 'tracking: an invalidation comes' "$(tr '\n' ' ' <"$dir/tracked")" 'invalidate'

until_true caught_up a r
want=$(tcp a debug digest)
same 'the replica has the same' "$(tcp r debug digest)" "$want"
tcp a debug loadaof >/dev/null
same 'and the AOF' "$(tcp a debug digest)" "$want"
ring a set moment x >/dev/null
ring a expire moment 1000 >/dev/null
until_true caught_up a r
same 'a replica expires at the same moment' "$(tcp r pexpiretime moment)" "$(tcp a pexpiretime moment)"

# A name that was taken away, or is another command's now, is not the command.
start c --rename-command HGET '' --rename-command TTL hgett --rename-command STRLEN TTL
tcp c hset h f v >/dev/null
has 'a command that was taken away' "$(ring c hget h f)" "unknown command 'hget'"
tcp c set s abc >/dev/null
same 'a name that is another command now' "$(ring c ttl s) $(ring c hgett s)" '(integer) 3 (integer) -1'

# Memory is full and nothing may be evicted: what takes memory is refused, the rest goes on.
start d --maxmemory-policy noeviction
tcp d hset h f v >/dev/null
tcp d rpush l a >/dev/null
tcp d config set maxmemory 1 >/dev/null
oom="(error) OOM command not allowed when used memory > 'maxmemory'."
for c in 'set s v' 'hset h g w' 'rpush l b' 'hincrby h n 1'; do
	same "memory is full: $c" "$(ring d $c)" "$oom"
done
for c in 'get s' 'hget h f' 'lrange l 0 -1' 'ttl h' 'expire h 100' 'hdel h none' 'lpop l' 'del h'; do
	got=$(ring d $c)
	case $got in *OOM*) not_ok "memory is full: $c goes on: $got" ;; *) ok "memory is full: $c goes on" ;; esac
done
