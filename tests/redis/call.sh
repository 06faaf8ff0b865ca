# SPDX-License-Identifier: BSD-3-Clause
# Every other command through CALL: types, errors, RESP2 and RESP3, replies and requests
# longer than the ring.
family=call
. tests/redis/lib.sh
start a
start b

cat >"$dir/commands" <<'X'
rpush list a b c
lrange list 0 -1
lrange none 0 -1
hset hash f1 v1 f2 v2
hgetall hash
sadd set only
smembers set
zadd z 1.5 a 2 b
zrange z 0 -1 withscores
zscore z a
mset a 1 b 2 c 3
mget a none c
incrbyfloat a 0.25
getrange b 0 0
setrange b 5 x
expireat a 99999999999
expiretime a
object encoding list
xadd s 1-1 f v
xrange s - +
xread count 1 streams s 0
eval "return {1,'two',{3,{4}},redis.status_reply('fine')}" 0
eval "return redis.call('incr','n')" 0
eval "return redis.error_reply('MY error')" 0
eval "return redis.call('nope')" 0
nosuchcommand a b
get
lpush
hget list f
set a 1 what
config get maxmemory-policy
command count
sort list alpha desc
geoadd g 13.361389 38.115556 Palermo
geopos g Palermo none
bitfield bf set u8 0 255 get u8 0
rename none other
dbsize
X
same 'replies in RESP2' "$("$B/cxl-cli" --region "$shm/a" --no-raw <"$dir/commands" 2>&1)" \
	"$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" 2>&1)"
same 'same data' "$(tcp a debug digest)" "$(tcp b debug digest)"
same 'raw output' "$("$B/cxl-cli" --region "$shm/a" --raw <"$dir/commands" 2>&1)" \
	"$(redis-cli -s "$dir/b.sock" --raw <"$dir/commands" 2>&1)"
grep -v '^incr\|^rpush\|^eval\|^xadd' "$dir/commands" >"$dir/commands3"
same 'replies in RESP3' "$("$B/cxl-cli" --region "$shm/a" --no-raw -3 <"$dir/commands3" 2>&1)" \
	"$(redis-cli -3 -s "$dir/b.sock" --no-raw <"$dir/commands3" 2>&1)"

for c in multi exec watch subscribe 'psubscribe x' monitor 'select' 'blpop k 1' \
	'xread block 1 streams s 0' 'client pause 1' 'wait 0 0' shutdown 'module list' reset; do
	has "$c is refused" "$(ring a $c)" 'is not available over the ring: use cxl-proxy'
done
has 'BLOCK as far as Redis reads it' "$(echo 'xread "block\x00x" 1 streams s $' | ring a)" 'is not available over the ring: use cxl-proxy'
has 'a name with a line end, of a command that is refused' \
	"$(ring a "$(printf 'no\r\nsuch')" block)" '(error) ERR no  such is not available over the ring: use cxl-proxy'
same 'AUTH by the cli' "$(ring a auth wrong)" "$(tcp b auth wrong)"

# A message of 3 MB through rings of 64 KiB, both ways.
head -c 3000000 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$dir/big"
same 'a request longer than the ring' \
	"$("$B/cxl-cli" --region "$shm/a" -x set big <"$dir/big")" OK
ring_raw a get big >"$dir/got"
same 'a reply longer than the ring' "$(head -c 6000000 "$dir/got" | cksum)" "$(cksum <"$dir/big")"
same 'the same over TCP' "$(tcp_raw a get big | head -c 6000000 | cksum)" "$(cksum <"$dir/big")"
printf 'get big\n' | verbs a | tail -c 6000002 | head -c 6000000 | cksum >"$dir/got"
same 'a long value by GET' "$(cat "$dir/got")" "$(cksum <"$dir/big")"

awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%s%s", i ? " " : "rpush many ", "element-" i; print "" }' >"$dir/many"
same '20000 arguments' "$("$B/cxl-cli" --region "$shm/a" <"$dir/many")" 20000
same '20000 elements' "$(ring_raw a lrange many 0 -1 | cksum)" "$(tcp_raw a lrange many 0 -1 | cksum)"

# While one client takes a long reply, others are served.
(ring_raw a get big >/dev/null) &
same 'others beside a long reply' "$(ring a get b)" "$(tcp a get b)"
wait $!

same 'too long a request' "$(tcp a config set proto-max-bulk-len 1mb)" OK
# the limit is read when a channel opens
has 'a channel is refused for it' "$("$B/cxl-cli" --region "$shm/a" -x set big2 <"$dir/big" 2>&1)" refused
has 'the log says so' "$(grep refused "$dir/a.log")" 'longer than proto-max-bulk-len'
same 'others go on' "$(ring a ping)" PONG
tcp a config set proto-max-bulk-len 512mb >/dev/null

# A blocked TCP client is woken by a ring write.
(redis-cli -s "$dir/a.sock" blpop queue 5 >"$dir/popped") &
sleep 0.2
ring a rpush queue item >/dev/null
wait $!
same 'BLPOP over TCP gets what the ring pushed' "$(cat "$dir/popped" | tr '\n' ' ')" 'queue item '

# Client-side caching: TCP clients hear of ring writes. WATCH as well.
tcp a set tracked 1 >/dev/null
(printf 'client id\nsubscribe __redis__:invalidate\n'; sleep 1.2) |
	redis-cli -s "$dir/a.sock" >"$dir/tracking" 2>&1 &
pids="$pids $!"
until_true grep -q subscribe "$dir/tracking"
(printf "client tracking on redirect $(head -1 "$dir/tracking")\nget tracked\n"; sleep 1) |
	redis-cli -s "$dir/a.sock" >/dev/null 2>&1 &
sleep 0.3
echo 'set tracked 2' | verbs a >/dev/null
until_true grep -q tracked "$dir/tracking"
has 'invalidation for a tracking client' "$(cat "$dir/tracking")" tracked
(printf 'watch watched\nmulti\nset won 1\n'; sleep 0.5; printf 'exec\nget won\n') |
	redis-cli -s "$dir/a.sock" --no-raw >"$dir/watch" 2>&1 &
sleep 0.2
echo 'set watched 2' | verbs a >/dev/null
wait $!
same 'WATCH sees a ring write' "$(tail -2 "$dir/watch" | tr '\n' ' ')" '(nil) (nil) '

# The reply ring fills while a long request is half received.
tcp a set k "$(printf %044d 7)" >/dev/null
same 'a long request behind unread replies' "$("$B/tests/redis/unread" "$shm/a" 940 1040 2>&1 | tail -1)" 100
same 'it arrived whole' "$(tcp_raw a strlen long)" 100000
