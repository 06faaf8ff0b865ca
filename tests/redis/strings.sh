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
