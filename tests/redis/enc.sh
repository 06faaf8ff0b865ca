# SPDX-License-Identifier: BSD-3-Clause
# ENC.* with a real ops_server: what each command computes, its errors, atomicity, replicas,
# AOF and RDB, ring sessions, and a zone that stops, dies and comes back. ENC.REKEY: rekey.sh.
family=enc
. tests/redis/lib.sh
. tests/redis/lib_zone.sh

zone_files
zone_start

# ---- hedbctl: plaintext in, plaintext out ----
for v in 'int4 0' 'int4 -2147483648' 'int8 9223372036854775807' 'numeric 0' 'numeric -12.50' \
	'numeric 123456789012345678901234567890.000000001' 'numeric 0.0001' 'numeric -0.00001' 'numeric 10000' 'numeric NaN' \
	'text hello world' 'text ' 'enc_int4 7' 'bool t' 'float4 0.1' 'float8 -1.5e-300' 'bytea \x00ff' 'date 0044-03-15 BC' \
	'timestamp 2000-01-01 00:00:00.5' 'interval 1 year 2 mons 3 days 04:05:06.7' \
	'uuid 00112233-4455-6677-8899-aabbccddeeff'; do
	same "encrypt and decrypt $v" "$(e "${v%% *}" "${v#* }" | decrypt)" "${v#* }"
done
same 'values of different types' "$( (e text hello; e int4 1; e text world; e bool f) | decrypt | paste -sd,)" 'hello,1,world,f'
same 'blanks around a number' "$(e int8 ' 17 ' | decrypt)" 17
has 'a number that is none' "$(e int4 1x)" 'invalid input syntax for type integer: "1x"'
has 'a number out of range' "$(e int4 2147483648)" 'value "2147483648" is out of range for type integer'
has 'text that is none' "$(e text "$(printf 'a\377')")" 'invalid byte sequence for encoding "UTF8": 0xff'
has 'a type that is none' "$(e varchar hello)" 'hedbctl encrypt TYPE'
has 'a decimal that is none' "$(e numeric 1.2.3)" 'invalid input syntax for type numeric'
has 'no base64' "$(echo '!' | decrypt)" 'not base64'
has 'base64 of something else' "$(echo AAAA | decrypt)" 'not an encrypted value'
has 'without a credential' "$(echo 1 | "$B/hedbctl" encrypt int4 "$zone" 2>&1)" 'hedbctl encrypt TYPE'

# ---- no zone ----
start bare
one=$(e int4 1)
six=$(e int4 6)
has 'no zone is configured' "$(tcp bare enc.incrby k "$one")" 'ERR no zone is configured: set cxlring.zone-path'
same 'ENC.SET needs none' "$(tcp bare enc.set k "$one")" OK
tcp bare config set cxlring.zone-path "$shm/none" >/dev/null
has 'a zone that is not there' "$(tcp bare enc.incrby k "$one")" 'ZONEDOWN'
same 'nothing changed' "$(t bare enc.get k)" 1
tcp bare config set cxlring.zone-path "$zone" >/dev/null
same 'a zone from now on' "$(t bare enc.incrby k "$one")" 2
stop bare
# One channel for two servers.
"$B/hedbctl" region format "$shm/narrow" --ops-channels 1 >/dev/null
"$B/ops_server" --region "$shm/narrow" --keys "$dir/keys" >>"$dir/ops.log" 2>&1 &
pids="$pids $!"
for s in bare other; do start $s --cxlring.zone-path "$shm/narrow" --cxlring.zone-timeout-ms 5000; done
same 'the first one has the channel' "$(t bare enc.incrby k "$one")" 1
tcp other config set cxlring.zone-timeout-ms 300 >/dev/null
same 'the second one finds none' "$(tcp other enc.incrby k "$one")" '(error) ZONEDOWN all 1 channels of "ops" have a live owner'
stop bare
tcp other config set cxlring.zone-timeout-ms 20000 >/dev/null
same 'until it is free' "$(t other enc.incrby k "$one")" 1
stop other

# Each by itself: ENC.ZADD needs both, and must not stop half-way.
for c in zadd zrem; do
	start bare --cxlring.zone-path "$zone" --rename-command $c other
	if [ $c = zrem ]; then
		same 'ZREM renamed: members are added' "$(tcp bare enc.zadd s "$one" me "$one" you)" '(integer) 2'
		digest=$(tcp bare debug digest)
		has 'ZREM renamed: none moves' "$(tcp bare enc.zadd s "$one" new "$(e int4 2)" me)" "ERR unknown command 'ZREM'"
		same 'ZREM renamed: nothing changed' "$(tcp bare debug digest)" "$digest"
	else
		has 'ZADD renamed' "$(tcp bare enc.zadd s "$one" me)" "ERR unknown command 'ZADD'"
	fi
	stop bare
done

port=$(free_port)
start a --port "$port" --cxlring.zone-path "$zone" --appendonly yes
start r --replicaof "127.0.0.1 $port" --cxlring.zone-path "$zone" --repl-diskless-sync-delay 0
until_true sh -c "redis-cli -s '$dir/r.sock' info replication | grep -q 'master_link_status:up'" ||
	not_ok 'the replica comes online'

# ---- values ----
v=$(e int4 41)
same 'ENC.SET text' "$(tcp a enc.set x "$v")" OK
same 'ENC.GET gives it back' "$(tcp_raw a enc.get x)" "$v"
same 'GET has its bytes' "$(tcp_raw a get x | head -c 32 | base64 -w 0)" "$v"
same 'ENC.SET bytes' "$(echo "$v" | base64 -d | redis-cli -s "$dir/a.sock" -x enc.set raw)" OK
same 'they are the same' "$(tcp_raw a enc.get raw)" "$v"
same 'ENC.GET of nothing' "$(tcp a enc.get nothing)" '(nil)'
same 'ENC.SET NX' "$(tcp a enc.set x "$one" NX)" '(nil)'
same 'ENC.SET GET' "$(tcp_raw a enc.set x "$one" GET)" "$v"
tcp a enc.set x "$v" EX 1000 >/dev/null
same 'ENC.SET EX' "$(tcp a ttl x | tr -d '()' | awk '{ print ($2 > 990) }')" 1
has 'ENC.SET and a wrong option' "$(tcp a enc.set x "$v" FOO)" 'syntax error'
for bad in hello '' QQ== "$(echo "$v" | base64 -d | head -c 31 | base64 -w 0)" "$(head -c 32 /dev/zero | base64 -w 0)"; do
	has "ENC.SET of no value" "$(tcp a enc.set x "$bad")" 'ERR'
done
has 'it is as before' "$(tcp_raw a enc.get x)" "$v"
tcp a set plain hello >/dev/null
tcp a rpush list 1 >/dev/null
has 'ENC.GET of plaintext' "$(tcp a enc.get plain)" 'ERR not an encrypted value'
has 'ENC.GET of a list' "$(tcp a enc.get list)" WRONGTYPE

tcp a config set notify-keyspace-events m\$lKE >/dev/null
tcp a config resetstat >/dev/null
(echo 'psubscribe __keyevent@0__:keymiss'; sleep 2) | redis-cli -s "$dir/a.sock" >"$dir/misses" 2>&1 &
pids="$pids $!"
until_true grep -q subscribe "$dir/misses"
for c in 'get nothing' 'get list' 'sum x nothing' 'cmp nothing x' 'cmp list x'; do tcp a enc.$c; done >/dev/null
same 'what is missing is missed once' "$(info a stats keyspace_hits) $(info a stats keyspace_misses)" '5 3'
until_true sh -c "[ \$(grep -c '^nothing' '$dir/misses') -ge 3 ]"
same 'and keymiss told once' "$(grep -c '^nothing' "$dir/misses")" 3
tcp a config set notify-keyspace-events '' >/dev/null

# ---- one operation ----
same 'INCRBY' "$(t a enc.incrby x "$one")" 42
same 'the expiry stays' "$(tcp a ttl x | tr -d '()' | awk '{ print ($2 > 900) }')" 1
same 'INCRBY of a new key' "$(t a enc.incrby new "$one")" 1
[ "$(tcp_raw a enc.get new)" != "$one" ] && ok 'it is sealed anew' || not_ok 'it is sealed anew'
for t in int4 int8 numeric; do
	tcp a enc.set "a:$t" "$(e $t 12)" >/dev/null
	tcp a enc.set "b:$t" "$(e $t 30)" >/dev/null
	same "$t: ADD" "$(t a enc.add d "a:$t" "b:$t")" 42
	same "$t: is stored" "$(t a enc.get d)" 42
	same "$t: CMP" "$(tcp a enc.cmp "a:$t" "b:$t") $(tcp a enc.cmp "b:$t" "a:$t") $(tcp a enc.cmp "a:$t" "a:$t")" \
		'(integer) -1 (integer) 1 (integer) 0'
	same "$t: INCRBY" "$(t a enc.incrby "a:$t" "$(e $t -12)")" 0
	tcp a enc.set "a:$t" "$(e $t 12)" >/dev/null
	same "$t: SUM AVG MIN MAX" "$(for f in sum avg min max; do t a enc.$f "a:$t" "b:$t" "a:$t" nothing; done | tr '\n' ' ')" \
		'54 18.0000000000000000 12 30 '
	same "$t: SUB" "$(t a enc.sub d "a:$t" "b:$t")" -18
	same "$t: MUL" "$(t a enc.mul d "a:$t" "b:$t")" 360
done
same 'int4 and int8 meet' "$(t a enc.add d a:int4 b:int8)" 42
same 'int8 and numeric meet' "$(tcp a enc.cmp a:int8 b:numeric)" '(integer) -1'
tcp a enc.set t1 "$(e text banana)" >/dev/null
tcp a enc.set t2 "$(e text apple)" >/dev/null
same 'text: CMP' "$(tcp a enc.cmp t1 t2)" '(integer) 1'
same 'text: MIN MAX' "$(t a enc.min t1 t2) $(t a enc.max t1 t2)" 'apple banana'
tcp a set d "$(e int4 1)" EX 1000 >/dev/null
tcp a enc.add d a:int4 b:int4 >/dev/null
same 'a destination is a new value' "$(tcp a ttl d)" '(integer) -1'
same 'ADD where all three are one' "$(tcp a enc.set d "$(e int4 4)" >/dev/null; t a enc.add d d d)" 8
same 'all are missing' "$(tcp a enc.sum no nothing)" '(nil)'
same 'CMP with nothing' "$(tcp a enc.cmp a:int4 nothing)" '(nil)'
tcp a -n 3 enc.set x "$(e int4 5)" >/dev/null
same 'another database' "$(t a -n 3 enc.incrby x "$one") $(t a enc.get x)" '6 42'
same 'RESP3' "$(tcp a -3 enc.cmp a:int4 nothing)" '(nil)'

# ---- errors change nothing ----
tcp a enc.set most "$(e int4 2147483647)" >/dev/null
tcp a enc.set most8 "$(e int8 9223372036854775807)" >/dev/null
e numeric "$(awk 'BEGIN { for (i = 0; i < 131072; i++) printf "9" }')" | base64 -d >"$dir/nines"
redis-cli -s "$dir/a.sock" -x enc.set nines <"$dir/nines" >/dev/null
echo "$one" | base64 -d >"$dir/one"
{ head -c 2 "$dir/one"; printf '\377\376'; tail -c +5 "$dir/one"; } | redis-cli -s "$dir/a.sock" -x enc.set nokey >/dev/null
tcp a enc.set forged "$(e int4 1 | sed 's/^\(.\{30\}\)..../\1AAAA/')" >/dev/null
digest=$(tcp a debug digest)
has 'overflow' "$(tcp a enc.incrby most "$one")" '(error) ERR integer out of range'
has 'overflow of an int8' "$(tcp a enc.incrby most8 "$(e int8 1)")" '(error) ERR bigint out of range'
has 'overflow of a numeric' "$(tcp a enc.add d nines nines)" '(error) ERR value overflows numeric format'
has 'a key that is not in the keyring' "$(tcp a enc.incrby nokey "$one")" '(error) ERR encrypted value names a key that the keyring does not hold'
has 'overflow of a product' "$(tcp a enc.mul d most most)" '(error) ERR integer out of range'
has 'a missing operand' "$(tcp a enc.add d a:int4 nothing)" 'ERR no such key'
has 'a forged value' "$(tcp a enc.add d forged a:int4)" 'ERR encrypted value is forged, damaged, or from another keyring'
has 'a forged one among many' "$(tcp a enc.sum a:int4 forged)" 'ERR encrypted value is forged'
has 'INCRBY by nonsense' "$(tcp a enc.incrby x nonsense)" 'ERR not an encrypted value'
has 'INCRBY of a list' "$(tcp a enc.incrby list "$one")" WRONGTYPE
has 'INCRBY of plaintext' "$(tcp a enc.incrby plain "$one")" 'ERR not an encrypted value'
has 'INCRBY would change the type' "$(tcp a enc.incrby a:int4 "$(e int8 1)")" 'ERR enc_int4 and enc_int8 do not go together'
has 'text and int4' "$(tcp a enc.cmp t1 a:int4)" 'ERR enc_text and enc_int4 do not go together'
has 'no product of texts' "$(tcp a enc.mul d t1 t2)" 'ERR there is no such operation of enc_text'
has 'no sum of texts' "$(tcp a enc.sum t1 t2)" 'ERR there is no such operation of enc_text'
has 'types that differ' "$(tcp a enc.sum a:int4 a:int8)" 'different types'
has 'SUM of a list' "$(tcp a enc.sum a:int4 list)" WRONGTYPE
for c in 'enc.set x' 'enc.get' 'enc.incrby x' 'enc.add a b' 'enc.cmp a' 'enc.sum' 'enc.zadd s 1' 'enc.zrange s 0'; do
	has "arity of $c" "$(tcp a $c)" 'wrong number of arguments'
done
has 'in MULTI' "$(printf 'multi\nenc.incrby x %s\nexec\n' "$one" | redis-cli -s "$dir/a.sock" 2>&1)" \
	'ERR this command waits for the zone, which MULTI, scripts and functions cannot do'
has 'in a script' "$(tcp a eval "return redis.call('enc.incrby', 'x', ARGV[1])" 1 x "$one")" 'waits for the zone'
same 'what needs no zone may be in MULTI' "$(printf 'multi\nenc.get x\nexec\n' | redis-cli -s "$dir/a.sock" 2>&1 | tail -1)" "$(tcp_raw a enc.get x)"
same 'nothing changed' "$(tcp a debug digest)" "$digest"

# ---- keys and users ----
same 'keys of ADD' "$(tcp a command getkeys enc.add d a b | tr '\n' ' ')" '1) "d" 2) "a" 3) "b" '
same 'keys of SUM' "$(tcp a command getkeys enc.sum a b c d | wc -l)" 4
same 'keys of ZADD' "$(tcp a command getkeys enc.zadd s 1 m)" '1) "s"'
tcp a acl setuser few on '>pw' '%R~a:*' '%RW~d' +enc.add +enc.incrby +enc.sum >/dev/null
few() { tcp_raw a --user few --pass pw --no-auth-warning "$@"; }
same 'ACL: may read and write' "$(few enc.add d a:int4 a:int4 | decrypt)" 24
has 'ACL: may not write what it reads' "$(few enc.incrby a:int4 "$one")" NOPERM
has 'ACL: may not read others' "$(few enc.sum a:int4 x)" NOPERM
tcp a acl setuser few +@read +@write >/dev/null
has 'ACL: a category gives none' "$(few enc.cmp a:int4 a:int4)" NOPERM
tcp a acl setuser few +@all -@write -@read >/dev/null
same 'ACL: nor takes one away' "$(few enc.cmp a:int4 a:int4)" 0
tcp a acl setuser few -enc.cmp >/dev/null
has 'ACL: a name does' "$(few enc.cmp a:int4 a:int4)" NOPERM
tcp a acl setuser few -@all +enc.add +enc.incrby +enc.sum >/dev/null
has 'ACL: may not run others' "$(few enc.cmp a:int4 a:int4)" NOPERM
few_ring() { "$B/cxl-cli" --region "$shm/a" --user few --pass pw --raw "$@" 2>&1; }
same 'ring, ACL: may' "$(few_ring enc.add d a:int4 a:int4 | decrypt)" 24
has 'ring, ACL: may not' "$(few_ring enc.incrby a:int4 "$one")" NOPERM
tcp a config set notify-keyspace-events KEA >/dev/null
(echo 'subscribe __keyspace@0__:x'; sleep 2) | redis-cli -s "$dir/a.sock" >"$dir/events" 2>&1 &
pids="$pids $!"
until_true grep -q subscribe "$dir/events"
tcp a enc.incrby x "$one" >/dev/null
until_true grep -q '^set' "$dir/events" && ok 'keyspace event' || not_ok 'keyspace event'
tcp a config set maxmemory 1 >/dev/null
has 'over maxmemory' "$(tcp a enc.incrby x "$one")" OOM
has 'over maxmemory: ring' "$(ring a enc.incrby x "$one")" OOM
same 'reads go on' "$(t a enc.get x)" 43
tcp a config set maxmemory 0 >/dev/null

# ---- many keys ----
awk 'BEGIN { for (i = 1; i <= 5000; i++) print i }' | encrypt int4 |
	awk '{ print "enc.set n:" NR, $1 }' | redis-cli -s "$dir/a.sock" >/dev/null
n() { awk -v f="$1" -v n="$2" 'BEGIN { printf "enc.%s", f; for (i = 1; i <= n; i++) printf " n:%d", i; print "" }' |
	redis-cli -s "$dir/a.sock" | decrypt; }
same 'SUM of 1000' "$(n sum 1000)" 500500
same 'SUM of 5000: more than one request' "$(n sum 5000)" 12502500
same 'AVG of 5000' "$(n avg 5000)" 2500.5000000000000000
same 'MIN and MAX of 5000' "$(n min 5000) $(n max 5000)" '1 5000'

# ---- sorted sets ----
# zadds KEY PER < lines of score and member: PER members a command
zadds() {
	awk '{ print $1 }' "$dir/pairs" | encrypt int4 | paste -d ' ' - "$dir/pairs" |
		awk -v key="$1" -v per="$2" '{ line = line " " $1 " " $3 } NR % per == 0 { print "enc.zadd " key line; line = "" }
			END { if (line) print "enc.zadd " key line }' | redis-cli -s "$dir/a.sock" >"$dir/added"
}
sorted() { LC_ALL=C sort -k1,1n -k2,2 "$dir/pairs" | awk '{ print $2 }'; }
awk 'BEGIN { srand(7); for (i = 0; i < 300; i++) print int(rand() * 100) - 50, "m" i }' >"$dir/pairs"
zadds s 1
same 'ZADD one by one' "$(tcp_raw a enc.zrange s 0 -1)" "$(sorted)"
same 'all were new' "$(sort -u "$dir/added")" 1
zadds many 50
same 'ZADD fifty at a time' "$(tcp_raw a enc.zrange many 0 -1)" "$(sorted)"
same 'ZCARD' "$(tcp a enc.zcard s)" '(integer) 300'
same 'REV' "$(tcp_raw a enc.zrange s 0 -1 REV)" "$(sorted | tac)"
same 'a range' "$(tcp_raw a enc.zrange s 10 19)" "$(sorted | sed -n 11,20p)"
same 'from the end' "$(tcp_raw a enc.zrange s -3 -1)" "$(sorted | tail -3)"
same 'REV, from the end' "$(tcp_raw a enc.zrange s -3 -1 REV)" "$(sorted | head -3 | tac)"
same 'beyond the end' "$(tcp a enc.zrange s 300 400)" '(empty array)'
same 'with scores' "$(tcp_raw a enc.zrange s 0 -1 WITHSCORES | sed -n 'n;p' | decrypt)" "$(LC_ALL=C sort -k1,1n "$dir/pairs" | awk '{ print $1 }')"
by() { tcp_raw a enc.zrangebyscore s "$@"; }
from() { LC_ALL=C sort -k1,1n -k2,2 "$dir/pairs" | awk "\$1 $1 && \$1 $2 { print \$2 }"; }
same 'by score' "$(by "$(e int4 -10)" "$(e int4 10)")" "$(from '>= -10' '<= 10')"
same 'by score, open' "$(by "($(e int4 -10)" "($(e int4 10)")" "$(from '> -10' '< 10')"
same 'by score, no lower end' "$(by - "$(e int4 0)")" "$(from '>= -99' '<= 0')"
same 'by score, no upper end' "$(by "$(e int4 0)" +inf)" "$(from '>= 0' '<= 99')"
same 'by score, all' "$(by -inf +)" "$(sorted)"
same 'by score, LIMIT' "$(by - + LIMIT 5 4)" "$(sorted | sed -n 6,9p)"
same 'by score, none' "$(tcp a enc.zrangebyscore s "$(e int4 10)" "$(e int4 -10)")" '(empty array)'
same 'by score, of nothing' "$(tcp a enc.zrangebyscore nothing "$one" +)" '(empty array)'
same 'ZSCORE' "$(t a enc.zscore s m7)" "$(awk '$2 == "m7" { print $1 }' "$dir/pairs")"
same 'ZSCORE of nobody' "$(tcp a enc.zscore s nobody)" '(nil)'
same 'ZREM' "$(tcp a enc.zrem s m7 nobody m8)" '(integer) 2'
grep -v ' m[78]$' "$dir/pairs" >"$dir/fewer"
mv "$dir/fewer" "$dir/pairs"
same 'they are gone' "$(tcp_raw a enc.zrange s 0 -1)" "$(sorted)"
awk '{ print 1000 - NR * 7 % 300, $2 }' "$dir/pairs" >"$dir/moved"
mv "$dir/moved" "$dir/pairs"
tcp a pexpire s 10000000 >/dev/null
zadds s 40
same 'all of them move' "$(tcp_raw a enc.zrange s 0 -1)" "$(sorted)"
same 'none was new' "$(sort -u "$dir/added")" 0
tcp a enc.zadd alone "$one" me >/dev/null
tcp a pexpireat alone 9999999999999 >/dev/null
same 'the only one moves' "$(tcp a enc.zadd alone "$one" me) $(tcp a pexpiretime alone)" '(integer) 0 (integer) 9999999999999'
same 'the expiry stays' "$(tcp a pttl s | tr -d '()' | awk '{ print ($2 > 9000000) }')" 1
# Always between the same two: labels run out, and are spread.
awk 'BEGIN { print 0, "low"; for (i = 400; i > 0; i--) print i, "d" i; for (i = 401; i < 500; i++) print i, "u" i }' >"$dir/pairs"
zadds down 1
same 'descending, then ascending' "$(tcp_raw a enc.zrange down 0 -1)" "$(sorted)"
awk 'BEGIN { print 0, "low"; print 9999, "high"; for (i = 1; i <= 640; i++) print (i % 2 ? i : 2000 - i), "b" i }' >"$dir/pairs"
zadds between 64
same 'many between two' "$(tcp_raw a enc.zrange between 0 -1)" "$(sorted)"
awk 'BEGIN { for (i = 0; i < 200; i++) print (i % 2 ? 1000 + i : 3000 - i), "z" i }' >"$dir/pairs"
zadds zip 20
same 'from both ends to the middle' "$(tcp_raw a enc.zrange zip 0 -1)" "$(sorted)"
has 'ZADD: the type of the others' "$(tcp a enc.zadd s "$(e int8 1)" big)" 'ERR the score is not of the type of those in the set'
has 'ZADD: types that differ' "$(tcp a enc.zadd s "$one" a "$(e int8 1)" b)" 'different types'
has 'ZADD of a forged score' "$(tcp a enc.zadd fresh "$(tcp_raw a enc.get forged)" f)" 'forged'
has 'ZADD to a string' "$(tcp a enc.zadd x "$one" m)" WRONGTYPE
tcp a zadd ordinary 1 a 2 b >/dev/null
has 'ZADD to an ordinary set' "$(tcp a enc.zadd ordinary "$one" m)" 'not made by ENC.ZADD'
has 'ZRANGE of an ordinary set' "$(tcp a enc.zrange ordinary 0 -1)" 'not made by ENC.ZADD'
has 'ZADD of half a pair' "$(tcp a enc.zadd s "$one" m "$one")" 'syntax error'
same 'text as a score' "$(for w in pear apple fig; do tcp a enc.zadd words "$(e text $w)" $w; done >/dev/null; tcp_raw a enc.zrange words 0 -1 | tr '\n' ' ')" 'apple fig pear '
for i in 's 3' 'alone 2' 'novel 1'; do
	before=$(info a cxlring cxlring_zone_requests)
	tcp a enc.zadd "${i% *}" "$six" another >/dev/null
	same "requests for a place in ${i% *}: rounds, and one to seal" "$(($(info a cxlring cxlring_zone_requests) - before))" "${i#* }"
done
has 'ZADD: too many at a time' "$(tcp a enc.zadd novel $(i=0; while [ $i -le 64 ]; do echo "$one m$i"; i=$((i + 1)); done))" 'at most 64 members'
has 'a bound in bytes may not be open' "$({ printf '('; cat "$dir/one"; } | redis-cli -s "$dir/a.sock" -x enc.zrangebyscore novel - 2>&1)" 'has to be in text form'
same 'the last of a member counts' "$(tcp a enc.zadd twice "$(e int4 9)" a "$(e int4 5)" b "$one" a) $(tcp_raw a enc.zrange twice 0 -1 | tr '\n' ' ')" '(integer) 2 a b '

# ---- ring sessions ----
same 'ring: INCRBY' "$(ring_raw a enc.incrby ring "$one" | decrypt)" 1
awk -v v="$one" 'BEGIN { for (i = 1; i <= 300; i++) { print "enc.incrby r:" i % 7, v; if (i % 50 == 0) print "enc.sum r:0 r:1 r:2 r:3 r:4 r:5 r:6"; if (i % 30 == 0) print "ping " i } }' |
	"$B/tests/redis/verbs" "$shm/a" --pipelined >"$dir/ring" 2>&1
same 'ring, pipelined: replies in order' "$(sed 's/"//g' "$dir/ring" | awk 'length($1) < 5')" "$(awk 'BEGIN { for (i = 30; i <= 300; i += 30) print i }')"
same 'ring, pipelined: SUM sees what is before it' "$(sed 's/"//g' "$dir/ring" | awk 'length($1) > 46' | decrypt | tr '\n' ' ')" '50 100 150 200 250 300 '
same 'ring: errors and immediate replies' "$(printf 'enc.cmp a:int4 b:int4\nenc.cmp a:int4\nenc.get x\nenc.cmp b:int4 a:int4\nenc.cmp a:int4 nothing\n' | "$B/tests/redis/verbs" "$shm/a" --pipelined | cut -c1-30 | tr -d '"' | sed "s|^$(tcp_raw a enc.get x | cut -c1-29).*|value|" | tr '\n' ';')" \
	'(integer) -1;(error) ERR wrong number of ar;value;(integer) 1;(nil);'
before=$(info a cxlring cxlring_zone_requests)
freeze
awk -v v="$one" 'BEGIN { for (i = 0; i < 64; i++) print "enc.incrby p:" i, v }' | "$B/tests/redis/verbs" "$shm/a" --pipelined >"$dir/ring" 2>&1 &
w=$!
until_true under_way a 64 && ok 'ring, pipelined: 64 are under way' || not_ok 'ring, pipelined: 64 are under way'
has 'ring, pipelined: CXLRING.CLIENTS says so' "$(tcp_raw a cxlring.clients)" ' state=zone '
thaw
wait $w
n=$(($(info a cxlring cxlring_zone_requests) - before))
[ $n -lt 10 ] && ok "they are answered by $n requests" || not_ok "they are answered by $n requests"
awk -v v="$one" 'BEGIN { for (i = 0; i < 2000; i++) print "enc.incrby p:" i % 50, v }' | "$B/tests/redis/verbs" "$shm/a" --pipelined >"$dir/ring" 2>&1
same 'and each counts once' "$(t a enc.sum $(seq -f 'p:%.0f' 0 63))" 2064
has 'ring: in a script' "$(ring a eval "return redis.call('enc.incrby', 'x', ARGV[1])" 1 x "$one")" 'waits for the zone'
same 'ring: another database' "$("$B/cxl-cli" --region "$shm/a" --raw -n 3 enc.incrby x "$one" | decrypt)" 7

# ---- cluster mode ----
start c --cluster-enabled yes --port "$(free_port)" --cxlring.zone-path "$zone"
tcp c cluster addslotsrange 0 16000 >/dev/null
until_true sh -c "redis-cli -s '$dir/c.sock' config set cluster-require-full-coverage no && redis-cli -s '$dir/c.sock' cluster info | grep -q state:ok"
same 'cluster: a key of this node' "$(t c enc.incrby '{a}x' "$one") $(ring_raw c enc.incrby '{a}x' "$one" | decrypt)" '1 2'
has 'cluster: keys of two slots' "$(tcp c enc.cmp '{a}x' '{b}x')" CROSSSLOT
has 'cluster: a slot of nobody' "$(tcp c enc.incrby "$(i=0; while :; do [ "$(tcp_raw c cluster keyslot k$i)" -le 16000 ] || break; i=$((i + 1)); done; echo k$i)" "$one")" CLUSTERDOWN
stop c

# ---- many clients, one counter ----
redis-benchmark -s "$dir/a.sock" -c 40 -n 4000 -q enc.incrby counter "$one" >/dev/null 2>&1 &
b=$!
for i in 1 2 3 4; do
	awk -v v="$one" 'BEGIN { for (i = 0; i < 250; i++) print "enc.incrby counter", v }' | "$B/tests/redis/verbs" "$shm/a" --pipelined >"$dir/ring$i" 2>&1 &
	eval "w$i=$!"
done
wait $b $w1 $w2 $w3 $w4
same '44 clients count to 5000' "$(t a enc.get counter)" 5000
redis-benchmark -s "$dir/a.sock" -c 20 -n 3000 -r 10 -q enc.incrby spread:__rand_int__ "$one" >/dev/null 2>&1
same '20 clients, ten counters' "$(t a enc.sum $(tcp_raw a keys 'spread:*'))" 3000

# ---- replica, AOF, RDB ----
until_true caught_up a r
same 'the replica has the same' "$(tcp r debug digest)" "$(tcp a debug digest)"
same 'and was told results only' "$(tcp_raw r info commandstats | grep -c cmdstat_enc)" 0
same 'the replica computes, too' "$(tcp_raw r enc.sum a:int4 b:int4 | decrypt) $(tcp_raw r enc.zrange words 0 0)" '42 apple'
has 'and takes no writes' "$(tcp r enc.incrby x "$one")" READONLY
digest=$(tcp a debug digest)
tcp a debug reload >/dev/null
same 'RDB' "$(tcp a debug digest)" "$digest"
tcp a debug loadaof >/dev/null
same 'AOF' "$(tcp a debug digest)" "$digest"
tcp a bgrewriteaof >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q 'aof_rewrite_in_progress:0'"
tcp a enc.incrby x "$one" >/dev/null
digest=$(tcp a debug digest)
stop a KILL
start a --port "$port" --cxlring.zone-path "$zone" --appendonly yes
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q '^loading:0'"
same 'AOF after kill -9' "$(tcp a debug digest)" "$digest"

# ---- what changes while the zone computes ----
tcp a config set cxlring.zone-timeout-ms 20000 >/dev/null
e int4 1000 | base64 -d >"$dir/thousand"
freeze
later a enc.incrby x "$one"
until_true under_way a 1
redis-cli -s "$dir/a.sock" -x set x <"$dir/thousand" >/dev/null
thaw
wait $later
same 'a plain SET meanwhile counts' "$(tr -d '"' <"$dir/later" | decrypt)" 1001
redone() { [ "$(info a cxlring cxlring_enc_redone)" -ge "$1" ]; }
tcp a enc.set x "$(e int4 5)" >/dev/null
freeze
later a enc.incrby x "$one"
until_true under_way a 1
tcp a del x >/dev/null
thaw
wait $later
same 'so does a DEL' "$(tr -d '"' <"$dir/later" | decrypt)" 1
tcp a enc.zadd z "$(e int4 5)" five "$(e int4 9)" nine >/dev/null
freeze
later a enc.zadd z "$six" six
until_true under_way a 1
tcp a enc.zrem z five >/dev/null
thaw
wait $later
same 'a neighbour goes' "$(cat "$dir/later") $(tcp_raw a enc.zrange z 0 -1 | tr '\n' ' ')" '(integer) 1 six nine '
freeze
later a enc.incrby x "$one"
until_true under_way a 1
tcp a set x text >/dev/null
thaw
wait $later
has 'and what is no value any more' "$(cat "$dir/later")" 'ERR not an encrypted value'
tcp a enc.zadd only "$one" me >/dev/null
tcp a pexpireat only 9999999999999 >/dev/null
digest=$(tcp a debug digest)
freeze
later a enc.zadd only "$six" me "$one" you
until_true under_way a 1
tcp a config set maxmemory 1 >/dev/null
thaw
wait $later
has 'over maxmemory by now' "$(cat "$dir/later")" OOM
tcp a config set maxmemory 0 >/dev/null
same 'nobody moved' "$(tcp a debug digest) $(tcp a pexpiretime only)" "$digest (integer) 9999999999999"
tcp a enc.set x "$one" >/dev/null
freeze
later a enc.incrby x "$one"
until_true under_way a 1
tcp a client pause 1500 write >/dev/null
thaw
sleep 0.5
same 'CLIENT PAUSE holds the write' "$(cat "$dir/later")" ''
wait $later
same 'and lets it go' "$(tr -d '"' <"$dir/later" | decrypt)" 2
# Another value, forged for that, in each turn of the loop: enough of them wait in the socket when others have
# the processors. It is looked at before what the zone says.
hot=$(echo "$one" | cut -c1-16)__rand_int__$(echo "$one" | cut -c29-)
tcp a enc.set hot "$one" >/dev/null
redis-benchmark -s "$dir/a.sock" -c 20 -P 64 -n 100000000 -r 1000000000 -q enc.set hot "$hot" >/dev/null 2>&1 &
b=$!
pids="$pids $b"
tryagain() { tcp a enc.incrby hot "$one" | grep '^(error) TRYAGAIN the keys are changed by others'; }
until_true tryagain && ok 'others are faster all the time' || not_ok "others are faster all the time: $(tcp a enc.incrby hot "$one")"
kill $b
wait $b 2>/dev/null
freeze
later a enc.incrby x "$one"
until_true under_way a 1
tcp a replicaof 127.0.0.1 1 >/dev/null
thaw
wait $later
has 'a replica by now' "$(cat "$dir/later")" UNBLOCKED
tcp a replicaof no one >/dev/null
same 'did not write' "$(t a enc.get x)" 2
freeze
redis-cli -s "$dir/a.sock" enc.incrby x "$one" >/dev/null 2>&1 &
later=$!
until_true under_way a 1
kill -9 $later
wait $later 2>/dev/null
mkfifo "$dir/fifo"
"$B/tests/redis/verbs" "$shm/a" <"$dir/fifo" >/dev/null 2>&1 &
w=$!
exec 9>"$dir/fifo"
echo "enc.incrby x $one" >&9
until_true under_way a 2 && ok 'a second waits at the same key' || not_ok 'a second waits at the same key'
has 'MODULE UNLOAD is refused' "$(tcp a module unload cxlring)" ERR
kill -9 $w
exec 9>&-
wait $w 2>/dev/null
thaw
until_true under_way a 0 && ok 'clients that leave take nothing with them' || not_ok 'clients that leave'
same 'what they asked for is done' "$(t a enc.get x)" 4

# ---- the zone dies ----
digest=$(tcp a debug digest)
freeze
later a enc.incrby x "$one"
until_true under_way a 1
(echo "enc.sum x counter"; sleep 0.2) | "$B/cxl-cli" --region "$shm/a" --timeout 60000 --raw >"$dir/ringlater" 2>&1 &
w=$!
i=0
while [ $i -lt 100 ]; do tcp a ping; i=$((i + 1)); done | sort | uniq -c | awk '{ $1 = $1; print }' >"$dir/pings"
same 'a hundred PINGs meanwhile' "$(cat "$dir/pings")" '100 PONG'
same 'the ring is served, too' "$(ring a ping)" PONG
until_true under_way a 2 && ok 'both still wait' || not_ok 'both still wait'
kill -9 "$zone_pid"; wait "$zone_pid" 2>/dev/null
zone_start
wait $later
wait $w
same 'a successor answers' "$(tr -d '"' <"$dir/later" | decrypt)" 5
same 'the ring as well, of what was there when it asked' "$(decrypt <"$dir/ringlater")" 5004
tcp a config set cxlring.zone-timeout-ms 300 >/dev/null
zone_kill
digest=$(tcp a debug digest)
has 'no zone: INCRBY' "$(tcp a enc.incrby x "$one")" 'ZONEDOWN no answer from ops_server within'
has 'no zone: SUM' "$(tcp a enc.sum x counter)" ZONEDOWN
has 'no zone: ZADD' "$(tcp a enc.zadd s "$one" somebody)" ZONEDOWN
has 'no zone: ring' "$(ring a enc.incrby x "$one")" ZONEDOWN
same 'no zone: several fail together' "$(for i in 1 2 3 4 5 6; do tcp a enc.incrby x "$one" & done | grep -c ZONEDOWN)" 6
same 'nothing changed' "$(tcp a debug digest)" "$digest"
same 'what needs none goes on' "$(tcp_raw a enc.zrange words 0 0)" apple
zone_start
same 'and it is back' "$(t a enc.incrby x "$one")" 6

# Again and again, under load; each that was answered counts once.
tcp a config set cxlring.zone-timeout-ms 10000 >/dev/null
for i in 1 2 3; do
	awk -v v="$one" 'BEGIN { for (i = 0; i < 2000; i++) print "enc.incrby load", v }' | redis-cli -s "$dir/a.sock" >"$dir/load$i" 2>&1 &
	eval "w$i=$!"
done
for i in 1 2 3; do
	until_true sh -c "[ \$(cat '$dir'/load* | wc -l) -gt $((i * 300)) ]"
	zone_kill
	sleep 0.2
	zone_start
done
wait $w1 $w2 $w3
same 'killed thrice under load: no error' "$(cat "$dir"/load[123] | grep -c '^[go]')" 6000
same 'and each counts once' "$(t a enc.get load)" 6000
[ "$(info a cxlring cxlring_zone_retries)" -ge 1 ] && ok 'requests were sent again' || not_ok 'requests were sent again'

# ---- unload ----
same 'MODULE UNLOAD' "$(tcp a module unload cxlring)" OK
same 'the data is still there' "$(tcp a zcard words) $(tcp a strlen x)" '(integer) 6 (integer) 32'
same 'MODULE LOAD' "$(tcp a module loadex "$B/cxlring.so" CONFIG cxlring.path "$shm/a" CONFIG cxlring.zone-path "$zone")" OK
same 'and on it goes' "$(t a enc.incrby x "$one")" 7
same 'the zone has no more channels than are in use' "$("$B/hedbctl" region show "$zone" | sed -n 's/.*service ops channels [0-9]* claimed \([0-9]*\).*/\1/p')" 2
freeze
later a enc.incrby x "$one"
until_true under_way a 1
tcp a shutdown nosave >/dev/null
until_true sh -c "! kill -0 $(pid_of a)" && ok 'SHUTDOWN amid an operation' || not_ok 'SHUTDOWN amid an operation'
wait "$(pid_of a)"
same 'in good order' "$?" 0
thaw
claimed() { "$B/hedbctl" region show "$zone" | grep -q "service ops channels [0-9]* claimed $1 "; }
until_true claimed 1 && ok 'and its channel is free' || not_ok 'and its channel is free'
