# SPDX-License-Identifier: BSD-3-Clause
# cxl-cli as a program: what it prints is what redis-cli prints, byte for byte; at a
# terminal; its options. What a command does over the ring is in call.sh and acl.sh.
family=cli
. tests/redis/lib.sh
start a
redis_cli="redis-cli -s $dir/a.sock" cxl_cli="$B/cxl-cli --region $shm/a"

# alike WHAT: the files wanted and got are equal; `same` would not see all bytes.
alike() {
	if [ -s "$dir/wanted" ] && cmp -s "$dir/wanted" "$dir/got"; then
		ok "$1"
	else
		not_ok "$1"
		diff -a "$dir/got" "$dir/wanted" | head -20 | cut -c1-160 | sed 's/^/# /'
	fi
}

# Replies of every type. Not here, for their own reasons:
#   HELLO, SELECT, CLIENT, WAIT, DEBUG PROTOCOL and what else needs a connection, and ACL
#   WHOAMI: docs/protocol-kv.md; RESP3's types come from scripts instead
#   NaN and big numbers in RESP3: redis-cli 7.0 cannot print them; ours are tested below
#   HELP: redis-cli's own, not a command
#   what changes by itself (INFO, TIME) or has no order (ACL CAT, larger sets)
commands() {
	c ping
	c ping 'he"llo'
	c echo quit
	c set s plain
	c set q "say \"hi\" and 'bye' \\ end"
	c set n "$(printf 'two\nlines\ttab\r\n.')"
	c set b "$(printf '\001\002\033\177\200\377\b\a\v.')"
	c set u 'üñí€'
	c set e ''
	for k in s q n b u e none; do
		c get $k
	done
	c strlen b
	c dump s
	c incr i
	c decrby i 100
	c incrbyfloat f 3.25
	c append s ' more'
	c mget s none i
	c rpush l a b 'c d' ''
	c lrange l 0 -1
	c lrange l 5 9
	c rpush long 1 2 3 4 5 6 7 8 9 10 11 12
	c lrange long 0 -1
	c lpop long 3
	c lpop none
	c lpop none 2
	c sadd si 3 1 2
	c smembers si
	c smembers none
	c sismember si 1
	c hset h a 1 b 2 'c "d"' 3
	c hget h a
	c hmget h a none b
	c hgetall h
	c hgetall none
	c zadd z 1 one 2.5 two inf many -inf few
	c zadd z incr 1.25 two
	c zscore z two
	c zscore z none
	c zrange z 0 -1 withscores
	c zpopmin z
	c zmpop 1 z max count 2
	c zmpop 1 none max
	c xadd st 1-1 k v k2 v2
	c xadd st 1-2 k v
	c xrange st - +
	c xread streams st 0
	c xinfo stream st
	c geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
	c geopos g Palermo none Catania
	c geodist g Palermo Catania km
	c setbit bits 7 1
	c bitfield bits get u8 0 overflow fail incrby u2 100 1
	c lcs q s idx
	c sort l alpha desc
	c type s
	c exists s none
	c expire s 100
	c ttl none
	c object encoding s
	c object help
	c config get maxmemory
	c config get none
	c command count
	c command info get nosuch
	c command docs get
	c command getkeys set a b
	c acl getuser default
	c slowlog help
	c role
	c pubsub channels
	c function list
	c scan 0 match none
	c latency doctor
	c latency graph x
	c memory doctor x
	c cluster info
	c nosuch
	c nosuch a 'b c'
	c ''
	c get
	c get a b
	c set s x ex 0
	c lpush s x
	c incr q
	c auth x
	c auth x y
	c eval 'return {1,2,{3,{},{4,"x",{"y"}}},false}' 0
	c eval 'return {{{{1}}}}' 0
	c eval 'return {{},{}}' 0
	c eval 'return {}' 0
	c eval 'return {{{1,2},{3,4}},{{5,6},7}}' 0
	c eval 'return redis.status_reply("fine")' 0
	c eval 'return redis.error_reply("MY error")' 0
	c eval 'return {1,redis.error_reply("MY error"),redis.status_reply("fine")}' 0
	c eval 'error("boom")' 0
	c eval 'return string.rep(ARGV[1],100000)' 0 'big '
	c eval 'local t={} for i=1,1200 do t[i]=i end return t' 0
	c eval 'local t={} for i=1,60 do t[i]={i,"x"} end return t' 0
	for v in true false '{double=3.25}' '{double=1e300*1e300}' '{double=-1e300*1e300}' \
		'{double=-0.0}' '{double=1e100}' '{double=0.1}' '{map={}}' '{map={a=1}}' \
		'{map={a={map={b={map={c=2}}}}}}' '{map={a={1,2,{3,4}}}}' '{set={}}' '{set={x=true}}' \
		'{{set={x=true}},{map={y={set={z=true}}}}}' '{{map={a={}}},{map={a={{}}}}}' \
		'{verbatim_string={string="a \"text\"\nof two lines",format="txt"}}' \
		'{1,{double=0.5},true,false,{verbatim_string={string="v",format="mkd"}}}' \
		'redis.call("hgetall","h")' '{{redis.call("hgetall","h")}}' \
		'redis.call("zrange","z",0,-1,"withscores")'; do
		c eval "redis.setresp(3); return $v" 0
	done
}

# Each as arguments of a program of its own, with its exit status.
as_arguments() {
	tcp a flushall >/dev/null
	cli=$*
	c() { printf '> %.80s\n' "$*"; $cli "$@" 2>&1 </dev/null; echo "= $?"; }
	commands
}
for mode in '' --no-raw '-3 --no-raw' --json '-2 --json'; do
	as_arguments $redis_cli $mode >"$dir/wanted"
	as_arguments $cxl_cli $mode >"$dir/got"
	alike "as redis-cli: arguments ${mode:-to a pipe}"
done

# All in one stream, quoted; then what only lines can be.
c() {
	for w in "$@"; do
		w=$(printf %s. "$w" | sed 's/[\\"]/\\&/g' | sed ':a;N;$!ba;s/\n/\\n/g')
		printf '"%s" ' "${w%.}"
	done
	echo
}
commands >"$dir/lines"
cat >>"$dir/lines" <<'X'
set "a\x41\n" "b\tc\x00d\"" ex 1000
get 'aA\n'
get "aA\n"
set 'it\'s' "\q"
get "it's"
 	ping   "a"  	'b'
ECHO a"b c"
echo ''

   
x" y
'a'b
"a
'
'a\'
3 echo again
0 ping
-1 ping
5
3 3 ping
99999999999999999999 ping
2 clear
# ping
clear
quit
ping
X
for mode in '' --raw --no-raw -3 '-3 --no-raw' --json; do
	for cli in redis cxl; do
		tcp a flushall >/dev/null
		eval '$'${cli}_cli' $mode <"$dir/lines"' >"$dir/$cli" 2>&1
		echo "= $?" >>"$dir/$cli"
	done
	sed 's/^Invalid redis-cli repeat/Invalid repeat/' "$dir/redis" >"$dir/wanted"
	mv "$dir/cxl" "$dir/got"
	alike "as redis-cli: lines from standard input${mode:+, $mode}"
done
printf 'ping\necho end' | $redis_cli >"$dir/wanted"
printf 'ping\necho end' | $cxl_cli >"$dir/got"
alike 'a last line without an end'
slow='local t0 = redis.call("time") repeat local t = redis.call("time")
	until (t[1] - t0[1]) * 1000000 + t[2] - t0[2] > 600000 return 1'
for mode in --raw --no-raw; do
	echo "eval '$slow' 0" | tr '\n' ' ' >"$dir/slow"
	$redis_cli $mode <"$dir/slow" | sed 's/^([0-9.]*s)/(seconds)/' >"$dir/wanted"
	$cxl_cli $mode <"$dir/slow" | sed 's/^([0-9.]*s)/(seconds)/' >"$dir/got"
	alike "how long a slow command took, $mode"
done

# What redis-cli 7.0 ends at.
same 'a big number' "$(ring a -3 eval 'redis.setresp(3); return {{big_number="123456789012345678901234567890"},1}' 0)" \
	"$(printf '1) 123456789012345678901234567890\n2) (integer) 1')"
has 'a double that is no number' "$(ring a -3 eval 'redis.setresp(3); return {double=0/0}' 0)" nan

# -x, -e, -r
: >"$dir/empty"
printf 'a\000b\n' >"$dir/zero"
for x in empty zero lines; do
	for cli in redis cxl; do
		tcp a flushall >/dev/null
		eval cli_x='$'${cli}_cli
		{
			$cli_x -x set k
			$cli_x get k
			$cli_x -x -r 3 append k
			$cli_x -x
			echo "= $?"
		} <"$dir/$x" >"$dir/$cli" 2>&1
	done
	mv "$dir/redis" "$dir/wanted"
	mv "$dir/cxl" "$dir/got"
	alike "-x, $x"
done
for cli in redis cxl; do
	tcp a flushall >/dev/null
	eval cli_x='$'${cli}_cli
	for x in 'incr n' incr '-e incr n' '-e incr' '-e get none' '-e nosuch' '-e --no-raw incr' \
		'-r 3 incr n' '-r 3 incr' '-r 3 -e incr' '-r 0 incr n' '-r 2 -i 0.01 --no-raw incr n' \
		'-e eval return{redis.error_reply("inside")} 0'; do
		echo "> $x"
		$cli_x $x 2>"$dir/err" </dev/null
		echo "= $?"
		sed 's/^/stderr: /' "$dir/err"
	done >"$dir/$cli"
done
mv "$dir/redis" "$dir/wanted"
mv "$dir/cxl" "$dir/got"
alike '-e and -r'
# redis-cli takes no notice of -e there
printf 'incr line\nincr\nincr line\n' | $cxl_cli -e >"$dir/out" 2>&1
same '-e ends a stream of commands at the first error' "$? $(cat "$dir/out") $(tcp_raw a get line)" \
	"$(printf "1 1\nERR wrong number of arguments for 'incr' command 1")"
$cxl_cli -r -1 -i 0.01 incr ever >/dev/null 2>&1 &
forever=$!
pids="$pids $forever"
many() { [ "$(tcp_raw a get ever)" -ge 20 ]; }
until_true many && ok '-r -1 is for ever' || not_ok '-r -1 ended'
kill $forever
wait $forever 2>/dev/null

refuses cxl-cli -r 'whole number from -1 to 9223372036854775807' -2 1.5 9223372036854775808
refuses cxl-cli -i 'number of seconds from 0 to 86400' -1 86401 1e3 . 1.2.3 nan inf
refuses cxl-cli --timeout 'whole number from 1 to 2147483647' 0 -1 2147483648
refuses cxl-cli --offset 'whole number from 0 to 9223372036854775807' -1
refuses cxl-cli --map-size 'whole number from 0 to 9223372036854775807' -1
same 'numbers that are in range' "$(ring a -r 2 -i .01 --timeout 2147483647 --offset 0 --map-size 0 ping)" "$(printf 'PONG\nPONG')"

# --eval
echo 'return {KEYS[1], KEYS[2], ARGV[1], ARGV[2], #KEYS, #ARGV}' >"$dir/script.lua"
for cli in redis cxl; do
	eval cli_x='$'${cli}_cli
	for x in '' k1 'k1 k2' ', a1' 'k1 , a1' 'k1 k2 , a1 a2' 'k1 , a1 , a3'; do
		$cli_x --no-raw --eval "$dir/script.lua" $x </dev/null 2>&1
		echo "= $?"
	done >"$dir/$cli"
done
mv "$dir/redis" "$dir/wanted"
mv "$dir/cxl" "$dir/got"
alike 'as redis-cli: --eval'
same '--eval of no file' "$($cxl_cli --eval "$dir/none" 2>&1; echo "= $?")" "Can't open file '$dir/none': No such file or directory
= 1"

# At a terminal.
tcp a flushall >/dev/null
mkdir "$dir/home"
at_terminal() { HOME=$dir/home perl tests/redis/pty.pl "$@"; }
for cli in redis cxl; do
	eval cli_x='$'${cli}_cli
	for x in 'set k v' 'get k' 'hgetall none' nosuch 'config get maxmemory' 'latency doctor'; do
		at_terminal '' $cli_x $x </dev/null
	done >"$dir/$cli"
done
mv "$dir/redis" "$dir/wanted"
mv "$dir/cxl" "$dir/got"
alike 'at a terminal replies are formatted'

at_terminal 'a> ' $cxl_cli >"$dir/got" <<'X'
set k "v 1"\r
get k\r
\e[A\r
\e[A\e[A\r
rpush l a b\r
lrange l 0 -1\r
3 incr n\r
get "x\r
\r
\x04
X
cat >"$dir/wanted" <<'X'
a> set k "v 1"
OK
a> get k
"v 1"
a> get k
"v 1"
a> get k
"v 1"
a> rpush l a b
(integer) 2
a> lrange l 0 -1
1) "a"
2) "b"
a> 3 incr n
(integer) 1
(integer) 2
(integer) 3
a> get "x
Invalid argument(s)
a> 
a> 
= 0
X
alike 'prompt, replies, history, a quote that does not end, Ctrl-D'
printf '%s\n' 'set k "v 1"' 'get k' 'get k' 'get k' 'rpush l a b' 'lrange l 0 -1' '3 incr n' 'get "x' >"$dir/wanted"
cp "$dir/home/.cxlcli_history" "$dir/got"
alike 'the history is in $HOME'
same 'and nobody else reads it' "$(stat -c %a "$dir/home/.cxlcli_history")" 600

# Lines with a password, however they are written; what is only like it stays.
at_terminal 'a> ' $cxl_cli >"$dir/out" <<'X'
get author\r
auth hunter2\r
AUTH bob hunter2\r
  auth hunter2\r
"auth" hunter2\r
'AUTH' "hunter2\r
acl setuser bob >hunter2\r
config set requirepass hunter2 masterauth\r
config set masterauth hunter2 requirepass\r
hello 3 auth bob hunter2\r
migrate 127.0.0.1 1 k 0 1 AUTH2 bob hunter2\r
\e[A\e[A\r
\e[A\e[A\r
\x04
X
printf '%s\n' 'get "x' 'get author' 'get "x' 'get author' >"$dir/wanted"
tail -n 4 "$dir/home/.cxlcli_history" >"$dir/got"
alike 'no line with a password is kept, in memory or in the file'
grep -i hunter "$dir/home/.cxlcli_history" >"$dir/out" && not_ok "a password: $(cat "$dir/out")" || ok 'no password in the file'

printf '%s\n' '\e[A\r' 'exit\r' | at_terminal 'a> ' $cxl_cli >"$dir/got"
printf '%s\n' 'a> get author' '(nil)' 'a> exit' '= 0' >"$dir/wanted"
alike 'the next start has the history; exit ends it'
echo 'QUIT\r' | at_terminal 'a> ' $cxl_cli >"$dir/got"
printf '%s\n' 'a> QUIT' '= 0' >"$dir/wanted"
alike 'quit ends it'

# Figures that go on.
tcp a flushall >/dev/null
figures() { sed 's/[0-9][0-9]*\.[0-9]/N/g; s/([0-9][0-9]* samples)/(S samples)/'; }
line='min: N, max: N, avg: N, p50: N, p99: N us (S samples)'
samples() { sed -n "$1s/.*(\([0-9]*\) samples)/\1/p" "$dir/out"; }
timeout 20 $cxl_cli --latency -r 3 -i 0.2 >"$dir/out"
same '--latency: as many lines as asked for' "$? $(figures <"$dir/out")" "0 $(printf '%s\n%s\n%s' "$line" "$line" "$line")"
[ "$(samples 1)" -lt "$(samples 2)" ] && [ "$(samples 2)" -lt "$(samples 3)" ] &&
	ok 'each of all samples so far' || not_ok "samples: $(samples 1), $(samples 2), $(samples 3)"
awk -F '[:,( ]+' '{ exit !($2 <= $6 && $6 <= $4 && $2 <= $8 && $8 <= $10 && $10 <= $4) }' "$dir/out" &&
	ok 'least, mean, median and most are in order' || not_ok "$(cat "$dir/out")"
timeout 20 $cxl_cli --latency-history -r 2 -i 0.4 >"$dir/out"
[ "$(samples 1)" -le 41 ] && [ "$(samples 2)" -le 41 ] && [ "$(samples 2)" -gt 0 ] &&
	ok '--latency-history: each of its own interval' || not_ok "samples: $(samples 1), $(samples 2)"
at_terminal '' timeout --foreground -s INT 0.5 $cxl_cli --latency </dev/null | tr '\r' '\n' | sed 's/^\x1b\[K//' | figures | grep -v '^=' >"$dir/out"
same 'at a terminal one line is written anew' "$(sed '/^$/d' "$dir/out" | sort -u)" "$line"
[ "$(grep -c min "$dir/out")" -ge 2 ] && ok 'several times' || not_ok "$(cat "$dir/out")"
$cxl_cli --latency -i 60 >"$dir/out" 2>&1 &
live=$!
pids="$pids $live"
sleep 0.3
kill -TERM $live
wait $live
same 'a signal ends it, with a last line' "$? $(figures <"$dir/out")" "0 $line"

timeout 20 $cxl_cli --stat -r 3 -i 0.5 >"$dir/out" 2>&1 &
live=$!
lines_of() { [ "$(wc -l <"$dir/out")" -ge "$1" ]; }
until_true lines_of 3
i=0
while [ $i -lt 200 ]; do echo "set stat$i $i"; i=$((i + 1)); done | $cxl_cli >/dev/null
wait $live
same '--stat: a header and as many lines' "$? $(grep -c '^[0-9]' "$dir/out") $(grep -c '^keys' "$dir/out")" '0 3 1'
column() { grep '^[0-9]' "$dir/out" | sed -n "$1p" | tr -s ' ' | cut -d ' ' -f "$2"; }
same 'keys, before and after' "$(column 1 1) $(column 3 1)" '0 200'
n=$(($(column 3 8) - $(column 1 8)))
[ $n -ge 200 ] && [ $n -le 210 ] && ok 'requests over the ring' || not_ok "$n requests: $(cat "$dir/out")"
rates=$(($(column 2 9) + $(column 3 9)))
[ $rates -ge 200 ] && [ $rates -le 800 ] && ok 'and how many a second' || not_ok "$rates a second: $(cat "$dir/out")"
timeout 20 $cxl_cli --stat -r 25 -i 0.01 >"$dir/out" 2>&1
same 'the header comes again' "$(grep -c '^[0-9]' "$dir/out") $(grep -c '^keys' "$dir/out")" '25 2'

timeout 20 $cxl_cli --stat ping >"$dir/out" 2>&1
same 'figures and a command are too much' "$? $(head -1 "$dir/out")" '2 usage: cxl-cli [options] [command [argument ...]]'
tcp a config set requirepass sesame >/dev/null
for x in --latency --stat; do
	same "$x before AUTH" "$(timeout 20 $cxl_cli $x 2>&1; echo "= $?")" 'Error: NOAUTH Authentication required.
= 1'
	same "$x after it" "$(timeout 20 $cxl_cli --pass sesame $x -r 1 -i 0.1 2>&1 | tail -1 | grep -c '[0-9]')" 1
done
stop a
same '--latency without a server' "$(timeout 20 $cxl_cli --latency 2>&1 >/dev/null | cut -c1-44)" 'Could not connect to Redis through the ring:'
