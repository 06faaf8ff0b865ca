# SPDX-License-Identifier: BSD-3-Clause
# GET SET DEL EXISTS INCRBY PING by their frames, beside the same over a socket.
family=strings
. tests/redis/lib.sh
start a
start b

# Both run the same commands; what they print and what they hold has to be equal.
differ() {
	cat >"$dir/commands"
	got=$(verbs a <"$dir/commands")
	wanted=$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" 2>&1)
	same "$1" "$got" "$wanted"
	same "$1: same data" "$(tcp a debug digest)" "$(tcp b debug digest)"
}

differ 'PING, GET, SET' <<'X'
ping
get none
set a 1
get a
set a "two words"
get a
set empty ""
get empty
set "" emptykey
get ""
set bin "\x00\x01\xff\r\n"
get bin
exists a none a bin
del a none bin
exists a
X

far=$(($(date +%s) + 100000))
differ 'options of SET' <<X
set k v NX
set k w NX
set k w XX
set none w XX
get none
set k x GET
set none2 x GET
get none2
set k x2 XX GET
set none3 x XX GET
set k n NX GET
set k n2 EXAT $far
expiretime k
set k n3 KEEPTTL
expiretime k
set k n4
ttl k
set k n5 PXAT ${far}123
pexpiretime k
set k n6 GET EXAT $far
expiretime k
set k n7 KEEPTTL GET
expiretime k
set k v EX 0
set k v EX -1
set k v PX -5
set k v EX 9223372036854775807
set k v NX XX
set k v EX 10 PX 10
set k v KEEPTTL EX 10
set k v KEEPTTL EXAT $far
get k
set t v EX 100
ttl t
set t v PX 100000
ttl t
persist t
X

differ 'INCRBY and its errors' <<'X'
incrby n 5
incrby n -7
get n
incrby n 9223372036854775807
incrby n 9223372036854775807
set s abc
incrby s 1
set s " 1"
incrby s 1
set s 9223372036854775807
incrby s 1
set s 10
incrby s 1
get s
set x 5 EX 1000
incrby x 1
ttl x
X

differ 'wrong types' <<'X'
rpush l a b
get l
incrby l 1
set l v GET
type l
set l now-a-string
get l
rpush l2 a
set l2 v XX
type l2
hset h f v
exists h l2
del h
X

for n in 1 43 44 45 63 64 255 256 4095 4096; do
	v=$(head -c "$n" /dev/zero | tr '\0' x)
	echo "set size $v"
	echo "get size"
	echo "strlen size"
	echo "append size y"
	echo "set size $v$v"
	echo "get size"
done >"$dir/sizes"
differ 'values of many sizes, growing and shrinking' <"$dir/sizes"

# Thousands of random commands over few keys: types, overwrites, expiries far away.
awk -v far="$far" 'BEGIN {
	srand(7)
	split("NX XX GET KEEPTTL", o)
	for (i = 0; i < 6000; i++) {
		k = "k" int(rand() * 12); r = rand()
		v = rand() < 0.3 ? int(rand() * 1e6) : substr("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-----", 1, 1 + int(rand() * 60))
		if (r < 0.3) print "get " k
		else if (r < 0.5) print "set " k " " v
		else if (r < 0.6) print "set " k " " v " " o[1 + int(rand() * 4)]
		else if (r < 0.65) print "set " k " " v " EXAT " far + int(rand() * 1000)
		else if (r < 0.75) print "incrby " k " " int(rand() * 2000) - 1000
		else if (r < 0.8) print "del " k " k" int(rand() * 12)
		else if (r < 0.85) print "exists " k " k" int(rand() * 12)
		else if (r < 0.88) print "expiretime " k
		else if (r < 0.91) print "append " k " z"
		else if (r < 0.94) print "hset " k " f " v
		else if (r < 0.96) print "strlen " k
		else if (r < 0.98) print "type " k
		else print "getdel " k
	}
}' >"$dir/random"
differ '6000 random commands' <"$dir/random"

tcp a config set cxlring.fast-path no >/dev/null
tcp a flushall >/dev/null
tcp b flushall >/dev/null
differ '6000 random commands without the fast path' <"$dir/random"

# The same with many requests under way, which run as MSET and MGET.
tcp a config set cxlring.fast-path yes >/dev/null
tcp a flushall >/dev/null
tcp b flushall >/dev/null
got=$(verbs a --pipelined <"$dir/random")
same '6000 random commands, pipelined' "$got" "$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/random" 2>&1)"
same '6000 random commands, pipelined: same data' "$(tcp a debug digest)" "$(tcp b debug digest)"

# A read is no write: encodings and memory stay, one GET at a time and pipelined.
tcp a flushall >/dev/null
awk 'BEGIN { for (i = 0; i < 500; i++) { print "set int:" i " " i * 7; print "set emb:" i " value-" i; print "set raw:" i " a-value-that-is-too-long-to-lie-with-its-object:" i } }' >"$dir/fill"
verbs a --pipelined <"$dir/fill" >/dev/null
printf 'set edge44 %044d\nset edge45 %045d\nset empty ""\nappend short ab\n' 7 7 | verbs a >/dev/null
encodings() {
	awk 'BEGIN { for (i = 0; i < 500; i += 9) { print "object encoding int:" i; print "object encoding emb:" i; print "object encoding raw:" i }
		print "object encoding edge44"; print "object encoding edge45"; print "object encoding empty"; print "object encoding short" }' |
		redis-cli -s "$dir/a.sock" | tr '\n' ' '
}
before=$(encodings)
memory=$(tcp_raw a eval "local n = 0 for _, k in ipairs(redis.call('keys', '*')) do n = n + redis.call('memory', 'usage', k) end return n" 0)
sed 's/^set \([^ ]*\) .*/get \1/' "$dir/fill" >"$dir/gets"
printf 'get edge44\nget edge45\nget empty\nget short\n' >>"$dir/gets"
wanted=$(redis-cli -s "$dir/a.sock" --no-raw <"$dir/gets" | cksum)
same 'values, one at a time' "$(verbs a <"$dir/gets" | cksum)" "$wanted"
same 'values, pipelined' "$(verbs a --pipelined <"$dir/gets" | cksum)" "$wanted"
grep int: "$dir/gets" >"$dir/ints"
same 'values, short ones alone' "$(verbs a --pipelined <"$dir/ints" | cksum)" "$(redis-cli -s "$dir/a.sock" --no-raw <"$dir/ints" | cksum)"
has 'there were encodings to lose' "$before" 'int embstr raw int embstr raw'
same 'OBJECT ENCODING after all these GETs' "$(encodings)" "$before"
same 'memory as before' "$(tcp_raw a eval "local n = 0 for _, k in ipairs(redis.call('keys', '*')) do n = n + redis.call('memory', 'usage', k) end return n" 0)" "$memory"

# A number set in any way is stored as one.
printf 'set n1 123\nset n2 456 EX 1000\nset n3 7 KEEPTTL\nsetex n4 100 89\npsetex n5 10000 90\nsetnx n6 1\ngetset n7 2\nmset n8 3\nset n9 -5 GET\n' >"$dir/numbers"
verbs a <"$dir/numbers" >/dev/null
same 'numbers are stored as numbers' "$(for i in 1 2 3 4 5 6 7 8 9; do echo "object encoding n$i"; done | redis-cli -s "$dir/a.sock" | sort | uniq -c | tr -s ' ')" ' 9 int'

# Among short values: what is missing, and what is no string.
printf 'set k 1\nrpush l a\n' | verbs a >/dev/null
printf 'get k\nget k\nget none\nget l\nget k\nget none\n' >"$dir/gets"
tcp a config resetstat >/dev/null
same 'nil and WRONGTYPE in a batch' "$(verbs a --pipelined <"$dir/gets")" \
	"$(printf '"1"\n"1"\n(nil)\n(error) WRONGTYPE Operation against a key holding the wrong kind of value\n"1"\n(nil)')"
# The first GET of a client that meets a short value is looked up twice.
same 'misses are counted once' "$(info a stats keyspace_hits) $(info a stats keyspace_misses)" '5 2'
