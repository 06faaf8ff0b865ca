# SPDX-License-Identifier: BSD-3-Clause
# cxl-proxy --backend: a ring served by a redis-server without a module. What clients get
# is what the module gives; whoever dies, lies or stops, the others do not notice.
family=backend
. tests/redis/lib.sh

# serve REGION [options]: a proxy that serves it.
serve() {
	_region=$1
	shift
	"$B/cxl-proxy" --region "$shm/$_region" "$@" 2>>"$dir/$_region.proxy" &
	eval "pid_$_region=$!"
	pids="$pids $!"
	until_true served "$_region" "$!" || { not_ok "a proxy serves $_region"; tail -3 "$dir/$_region.proxy"; exit 1; }
}
# back REGION SERVER [options]: by the socket of a server of ours.
back() {
	_server=$2 _of=$1
	shift 2
	serve "$_of" --backend "unix:$dir/$_server.sock" "$@"
}
served() { "$B/hedbctl" region show "$shm/$1" 2>/dev/null | grep -q "^service kv .* pid $2 "; }
up() { start_bare "$@"; until_true answers "$1" || { not_ok "server $1 starts"; exit 1; }; }
hostile() { timeout 60 "$B/tests/redis/hostile" "$shm/b" "$@" 2>&1; }
refusals() { grep -c refused "$dir/b.proxy"; }
idle() { "$B/hedbctl" region show "$shm/b" | grep -q '^service kv .* claimed 0 '; }

alone() { "$B/hedbctl" region show "$shm/b" | grep -q '^service kv .* claimed [01] '; }

# A client whose requests come when we say so: talk begins it, said N is its Nth answer.
talk() {
	rm -f "$dir/in"
	mkfifo "$dir/in"
	verbs b <"$dir/in" >"$dir/said" &
	asker=$!
	pids="$pids $asker"
	exec 3>"$dir/in"
}
said() {
	until_true sh -c "[ \$(wc -l <'$dir/said') -ge $1 ]"
	sed -n "$1p" "$dir/said"
}
hang_up() {
	exec 3>&-
	wait "$asker"
}

start a
up p
back b p
has 'it says what it serves' "$(cat "$dir/b.proxy")" "unix:$dir/p.sock serves \"kv\" in region $shm/b (new): 16 channels with rings of 65536 bytes"
same 'one server a region' "$(timeout 10 "$B/cxl-proxy" --backend "unix:$dir/p.sock" --region "$shm/b" 2>&1; echo "= $?")" \
	"cxl-proxy: \"kv\" is served by pid $(pid_of b) already; stop it first
= 1"

# ---- what the module answers, and this, are the same ----

cat >"$dir/commands" <<'EOF'
ping
set k v
get k
get none
set k w nx
set k w xx get
set none w xx
set t v ex 100
ttl t
set t w keepttl
ttl t
set t w px 100000 get
set t v exat 1
exists t
set t v ex 0
set t v ex 10 keepttl
set t v nx xx
incrby n 5
incrby n -7
incrby k 1
incrby n 9223372036854775807
incrby n 9223372036854775807
exists k n k none
del k none n
del none
rpush l a b c
get l
set l x get
incrby l 1
exists l
lrange l 0 -1
hset h f v
hgetall h
mget l none
nosuch
nosuch a 'b c'
get
lpush
eval 'return {1,2,{3,{},{4,"x",{"y"}}},false}' 0
eval 'return redis.error_reply("MY error")' 0
eval 'return redis.status_reply("fine")' 0
eval 'return string.rep("x",100000)' 0
eval 'local t={} for i=1,3000 do t[i]=i end return t' 0
set e ''
get e
set "k\x00\r\n" "v\x00\r\n"
get "k\x00\r\n"
"ping\x00"
ping hello
auth x
auth x y
object encoding e
xadd s 1-1 a b
xread streams s 0
xread count 1 block 0 streams s 0
xread streams block 0
XREAD COUNT 1 BLOCK 1 STREAMS s $
xreadgroup group g c block 1 streams s >
EOF
printf '%s\n' asking blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client debug \
	discard exec failover hello module monitor multi psubscribe psync punsubscribe quit readonly \
	readwrite replconf reset select shutdown ssubscribe subscribe sunsubscribe sync unsubscribe \
	unwatch wait watch 'CLIENT LIST' Multi 'debug sleep 1' 'blpop l 1' 'subscribe c' 'wait 0 0' \
	'select 1' 'xread "block\x00x" 1 streams s $' >>"$dir/commands"
n=$(wc -l <"$dir/commands")
for mode in '' --pipelined; do
	tcp a flushall >/dev/null
	tcp p flushall >/dev/null
	verbs a $mode <"$dir/commands" >"$dir/wanted"
	verbs b $mode <"$dir/commands" >"$dir/got"
	same "$n requests by their own frames $mode: as the module" "$(cat "$dir/got")" "$(cat "$dir/wanted")"
done
[ "$(wc -l <"$dir/wanted")" -ge 3000 ] && ok 'and these were answers' || not_ok "only $(wc -l <"$dir/wanted") lines"
# `auth` is AUTH for cxl-cli, not a CALL; it says the same.
for mode in --no-raw '-3 --no-raw' '-3 --raw'; do
	for x in a b; do
		tcp a flushall >/dev/null
		tcp p flushall >/dev/null
		timeout 20 "$B/cxl-cli" --region "$shm/$x" $mode <"$dir/commands" >"$dir/$x.out" 2>&1
	done
	same "by CALL, $mode: as the module" "$(cat "$dir/b.out")" "$(cat "$dir/a.out")"
done

# Every command that this Redis has, without arguments: what needs a connection is refused by
# both. Left out: what differs by itself, and what forks.
tcp_raw p command list | grep -vxE 'info|time|lastsave|save|bgsave|bgrewriteaof|role|lolwut|command' | sort >"$dir/every"
tcp a flushall >/dev/null
tcp p flushall >/dev/null
for x in a b; do
	while read -r name; do
		echo "$name: $(ring $x "$name" | cut -c1-300)"
	done <"$dir/every" >"$dir/$x.out"
done
same "every command without arguments ($(wc -l <"$dir/every")): as the module" "$(cat "$dir/b.out")" "$(cat "$dir/a.out")"
n=$(grep -c 'is not available over the ring: use cxl-proxy' "$dir/a.out")
[ "$n" -ge 30 ] && ok "$n of them are refused" || not_ok "only $n are refused"

for x in a b; do
	"$B/cxl-cli" --region "$shm/$x" --no-raw 2>&1 <<-'EOF' >"$dir/$x.out"
	set d zero
	select 3
	get d
	set d three
	select 15
	set d fifteen
	select 16
	get d
	select 3
	get d
	select 0
	get d
	EOF
	{
		ring $x -n 15 get d
		ring $x -n 16 get d
		ring $x -3 -n 3 get d
		ring $x -n 3 keys d
		tcp $(echo $x | tr b p) -n 15 keys d
	} >>"$dir/$x.out"
done
same 'databases: as the module' "$(cat "$dir/b.out")" "$(cat "$dir/a.out")"
same 'and these were four' "$(grep -c three "$dir/b.out")" 2

has 'cxl-cli --stat, without figures that only the module has' "$(timeout 10 "$B/cxl-cli" --region "$shm/b" --stat -r 1)" ' -        -              -'
same 'cxl-cli --latency' "$(timeout 10 "$B/cxl-cli" --region "$shm/b" --latency -r 1 -i 0.2 | grep -c samples)" 1

# ---- long, and many ----

head -c 9000000 /dev/urandom >"$dir/big"
same 'a long value in' "$(timeout 30 "$B/cxl-cli" --region "$shm/b" -x set big <"$dir/big")" OK
same 'and out by CALL' "$(ring_raw b get big | head -c 9000000 | cksum)" "$(cksum <"$dir/big")"
same 'and by GET' "$(echo get big | verbs b | cksum)" "$(ring b get big | cksum)"
same 'many of them at once' "$(yes 'get big' | head -20 | verbs b --pipelined | sort -u | cksum)" "$(ring b get big | cksum)"
bench() { timeout 60 "$B/cxl-bench" --region "$shm/b" --keys 1000 "$@" 2>&1; }
same 'cxl-bench gets what it wrote' "$(bench --requests 20000 --threads 8 --pipeline 32 --tests set,get,incr,del,exists,mixed,ping | grep -c 'requests per second')" 7
same 'and values longer than a ring' "$(bench --requests 300 --threads 3 --pipeline 8 --value-size 200K --tests mixed | grep -c 'requests per second')" 1

# ---- clients ----

tcp p set key v >/dev/null
head -c 100000 /dev/zero | tr '\0' b | redis-cli -s "$dir/p.sock" -x set big >/dev/null
(while :; do hostile check good 200 || echo bad; done >"$dir/good" 2>&1) &
good=$!
pids="$pids $good"
same 'frames that make no sense' "$(hostile frames 21 | grep -vc ': refused')" 0
same 'one line for each' "$(refusals)" 21
i=0
while [ $i -lt 40 ]; do
	hostile bytes $i >/dev/null
	hostile head $i >/dev/null
	i=$((i + 1))
done
i=0
while [ $i -lt 30 ]; do
	hostile die "t$i" 400 >/dev/null 2>&1
	hostile check "after$i" 30 >>"$dir/after"
	i=$((i + 1))
done
same 'random bytes, impossible positions, deaths: the next owner gets its own replies' "$(sort -u "$dir/after")" '0 bad'
for seed in 1 2; do
	n=$(refusals)
	spoilt=$(timeout 120 "$B/tests/redis/mutate" "$shm/b" $seed 2000 2>&1)
	has "spoiled requests, seed $seed" "$spoilt" ' answered, '
	same 'one line for each refusal' "$(($(refusals) - n)) refused" "${spoilt#* answered, }"
done
kill "$good" 2>/dev/null
wait "$good" 2>/dev/null
sleep 0.2
same 'the client of good will saw nothing' "$(sort -u "$dir/good")" '0 bad'
until_true idle && ok 'every channel came back' || not_ok "$("$B/hedbctl" region show "$shm/b")"
hostile noread 800 >"$dir/noread" &
noread=$!
sleep 0.2
same 'others beside one that does not read' "$(hostile check beside 500)" '0 bad'
cpu() { awk '{ print $14 + $15 }' "/proc/$(pid_of b)/stat"; }
c0=$(cpu)
sleep 0.4
c1=$(cpu)
[ $((c1 - c0)) -le 12 ] && ok 'and the proxy waits without spinning' || not_ok "it burned $((c1 - c0)) of 40 ticks"
wait $noread
has 'it gets all its replies when it reads' "$(cat "$dir/noread")" '0 unanswered'
for s in idle unpublished half in-flight deaf stuck refused; do
	same "clients killed $s give their channel back" "$(timeout 60 "$B/tests/redis/deaths" "$shm/b" $s 40 2>&1)" '40 of 40'
done
connections() { tcp_raw p info clients | tr -d '\r' | sed -n 's/^connected_clients://p'; }
few() { [ "$(connections)" -le 1 ]; }
until_true few && ok 'and their connections' || not_ok "$(connections) connections are open"

# ---- the Redis goes and comes ----

talk
echo 'set k 1' >&3
same 'a client' "$(said 1)" OK
stop p KILL
echo 'incrby k 1' >&3
has 'the Redis is killed: it is told so' "$(said 2)" '(error) ERR the Redis behind this ring is gone: '
echo 'lpush l x' >&3
has 'by CALL as well' "$(said 3)" '(error) ERR the Redis behind this ring is gone: '
up p 3>&-
sleep 0.2
echo 'set k 2' >&3
same 'it is back, and the client goes on' "$(said 4)" OK
hang_up
same 'on the channel that it had' "$? $(wc -l <"$dir/said")" '0 4'

tcp p setrange big 300000000 x >/dev/null
# Stopped somewhere in the reply; a client that was through already is followed by another.
echo 'get big' >"$dir/get"
amid() {
	"$B/tests/redis/verbs" "$shm/b" <"$dir/get" >"$dir/said" 2>&1 &
	long=$!
	pids="$pids $long"
	while kill -STOP $long 2>/dev/null; do
		_rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$long/status")
		[ "${_rss:-30000000}" -gt 20000 ] && break # it has none when it has ended
		kill -CONT $long
		sleep 0.01
	done
	[ "${_rss:-30000000}" -lt 250000 ] && return
	kill -CONT $long 2>/dev/null
	wait $long
	return 1
}
i=0
until amid || [ $i -ge 20 ]; do i=$((i + 1)); done
stop p KILL
kill -CONT $long
wait $long
has 'killed amid a long reply: no end is made up for it' "$(cat "$dir/said" "$dir/b.proxy" | cut -c1-200)" 'failed: the server refused the channel'
has 'and the log says why' "$(tail -1 "$dir/b.proxy")" 'in the middle of a long reply'
up p

# Under load, many times: errors, and never an answer that is another's.
i=0
while [ $i -lt 5 ]; do
	bench --requests 1000000 --threads 4 --pipeline 16 --tests get >"$dir/bench.$i" 2>&1 &
	bencher=$!
	sleep 0.3
	stop p KILL
	wait $bencher
	up p
	i=$((i + 1))
done
same 'killed five times under load: the clients hear it' "$(cat "$dir"/bench.? | grep -c 'the Redis behind this ring is gone')" 5
sleep 0.2
same 'and then it serves' "$(hostile check after 100)" '0 bad'
tcp p config set timeout 1 >/dev/null
talk
echo 'set idle 1' >&3
said 1 >/dev/null
until_true few && ok 'the Redis closes idle connections' || not_ok "$(connections) connections are open"
echo 'get idle' >&3
same 'one is made anew, unnoticed' "$(said 2)" '"1"'
hang_up
kill -STOP "$(pid_of p)"
same 'a Redis that stands still: the client gives up by itself' "$(timeout 10 "$B/cxl-cli" --region "$shm/b" --timeout 300 get idle 2>&1)" 'Error: no answer within 300 ms'
kill -CONT "$(pid_of p)"
same 'and when it goes on, so do the clients' "$(ring b get idle)" '"1"'

# ---- this process goes and comes ----

echo "eval 'local t0 = redis.call(\"time\") repeat local t = redis.call(\"time\") until (t[1] - t0[1]) * 1000000 + t[2] - t0[2] > 800000 return 1' 0" >"$dir/slow"
verbs b <"$dir/slow" >"$dir/said" &
asker=$!
sleep 0.3
stop b KILL
wait $asker
same 'killed amid a request: the client hears it' "$? $(cut -c1-28 "$dir/said")" '3 failed: the server went away'
back b p
same 'another one serves the region' "$(ring b get idle)" '"1"'
sockets() { ls "$shm" | grep -c "^b\..*bell"; }
same 'no socket is left of the last one' "$(sockets)" 1
stop b
same 'SIGTERM ends it' "$? $(sockets)" '0 0'
has 'nobody serves then' "$(ring b ping)" 'Could not connect to Redis through the ring: '

# ---- users ----

stop p
up p --requirepass sesame
back b p
root() { redis-cli -s "$dir/p.sock" --no-auth-warning -a sesame "$@"; }
has 'a password is asked for' "$(ring b get k)" 'NOAUTH Authentication required.'
has 'of verbs as well' "$(echo 'get k' | verbs b)" 'NOAUTH Authentication required.'
has 'and in RESP3' "$(ring b -3 get k)" 'NOAUTH Authentication required.'
same 'it is taken' "$(ring b --pass sesame set k v)" OK
has 'or not' "$(ring b --pass wrong set k v)" WRONGPASS
same 'AUTH amid others' "$(printf 'get k\nauth wrong\nget k\nauth sesame\nget k\n' | verbs b | cut -c1-16)" \
	"$(printf '(error) NOAUTH A\n(error) WRONGPAS\n(error) NOAUTH A\nOK\n"v"')"
n=$(refusals)
head -c 100000 /dev/zero | tr '\0' x >"$dir/x"
timeout 10 "$B/cxl-cli" --region "$shm/b" -x set long <"$dir/x" >/dev/null 2>&1
same 'a long request before AUTH is refused' "$(($(refusals) - n))" 1
same 'and after it is not' "$(timeout 10 "$B/cxl-cli" --region "$shm/b" --pass sesame -x set long <"$dir/x")" OK
stop b
back b p --max-request 50000
n=$(refusals)
timeout 10 "$B/cxl-cli" --region "$shm/b" --pass sesame -x set longer <"$dir/x" >/dev/null 2>&1
same 'none is longer than --max-request' "$(($(refusals) - n)) $(root exists longer)" '1 0'
same 'and a shorter one is taken' "$(head -c 40000 "$dir/x" | timeout 10 "$B/cxl-cli" --region "$shm/b" --pass sesame -x set longer)" OK
stop b
back b p
root acl setuser bob on '>pw' '~b*' +@all -config >/dev/null
same 'a user has what is his' "$(ring b --user bob --pass pw set b1 v)" OK
has 'and not the rest' "$(ring b --user bob --pass pw set k v)" NOPERM

talk
echo 'auth bob pw' >&3
same 'a session of his' "$(said 1)" OK
root client kill user bob >/dev/null
sleep 0.2
echo 'acl whoami' >&3
same 'is still his on a new connection' "$(said 2)" '"bob"'
root acl setuser bob resetpass '>other' >/dev/null
root client kill user bob >/dev/null
sleep 0.2
echo 'get b1' >&3
has "and nobody's when his password is another" "$(said 3)" 'NOAUTH Authentication required.'
echo 'auth bob other' >&3
same 'until he gives it' "$(said 4)" OK
echo 'get b1' >&3
same 'and goes on' "$(said 5)" '"v"'
hang_up

stop b
(umask 027; echo sesame >"$dir/password")
back b p --backend-password-file "$dir/password"
same 'a password for all connections' "$(ring b get k)" '"v"'
same 'which is no argument that others can see' "$(tr '\0' ' ' <"/proc/$(pid_of b)/cmdline" | grep -c sesame)" 0
stop b
echo wrong >"$dir/password"
back b p --backend-password-file "$dir/password"
has 'that is wrong' "$(ring b get k)" 'ERR the Redis behind this ring is gone: it does not let cxl-proxy in: WRONGPASS'
stop b
echo other >"$dir/password"
back b p --backend-user bob --backend-password-file "$dir/password"
same 'and a user' "$(ring b acl whoami)" '"bob"'
no_password() { timeout 10 "$B/cxl-proxy" --region "$shm/x" --backend unix:/x --backend-password-file "$dir/none" 2>&1; echo "= $?"; }
: >"$dir/none"
chmod 640 "$dir/none"
same 'no password in the file' "$(no_password)" "cxl-proxy: no password in $dir/none: it is empty
= 1"
head -c 5000 /dev/zero | tr '\0' x >"$dir/none"
same 'a password longer than is taken, of which it took the beginning' "$(no_password)" \
	"cxl-proxy: no password in $dir/none: its first line is too long
= 1"
chmod 644 "$dir/none"
same 'a password that everybody can read' "$(no_password)" \
	"cxl-proxy: no password in $dir/none: it is open to others; chmod o= it
= 1"

# ---- streams, through the other end on the same region ----

stop b
echo sesame >"$dir/password"
back b p --backend-password-file "$dir/password"
"$B/cxl-proxy" --region "$shm/b" --unix "$dir/far.sock" 2>"$dir/far.err" &
far=$!
pids="$pids $far"
until_true test -S "$dir/far.sock"
via() { timeout 20 redis-cli -s "$dir/far.sock" --no-raw "$@" 2>&1; }
same 'MULTI, EXEC, SELECT' "$(printf 'set n 1\nmulti\nincr n\nincr n\nexec\nselect 3\nset x y\ndbsize\n' | via | tr '\n' ' ')" \
	"$(printf 'set m 1\nmulti\nincr m\nincr m\nexec\nselect 4\nset x y\ndbsize\n' | root --no-raw | tr '\n' ' ')"
same 'RESP3' "$(timeout 20 redis-cli -3 -s "$dir/far.sock" --no-raw hgetall none)" '(empty hash)'
via subscribe news >"$dir/news" 2>&1 </dev/null &
reader=$!
pids="$pids $reader"
heard() { via publish news hello | grep -q 'integer) 1'; }
until_true heard
until_true grep -q hello "$dir/news" && ok 'a subscription' || not_ok "$(cat "$dir/news")"
kill $reader
wait $reader 2>/dev/null
timeout 60 redis-benchmark -s "$dir/far.sock" -c 8 -n 20000 -P 16 -d 3000 -t set,get -q >"$dir/bench" 2>&1
same 'many at once' "$(tr '\r' '\n' <"$dir/bench" | grep -c p50)" 2
od -An -v -tx1 <"$dir/big" | tr -d ' \n' >"$dir/hex"
same 'a long value in' "$(timeout 20 redis-cli -s "$dir/far.sock" -x set hex <"$dir/hex")" OK
same 'and out' "$(timeout 20 redis-cli -s "$dir/far.sock" get hex | head -c 18000000 | cksum)" "$(cksum <"$dir/hex")"
same 'one that sends no more is answered, and closed' "$(printf 'set half 1\r\nincr half\r\n' | timeout 20 perl -e '
	use Socket;
	use IO::Handle;
	my $s;
	socket($s, AF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un(shift)) or die;
	$s->autoflush(1);
	print $s $_ while <STDIN>;
	shutdown($s, 1);
	print while <$s>;' "$dir/far.sock" | tr -d '\r')" "$(printf '+OK\n:2')"
until_true alone && ok 'every stream gave its channel back' || not_ok "$("$B/hedbctl" region show "$shm/b")"
via blpop never 0 >"$dir/popped" 2>&1 </dev/null &
blocked=$!
pids="$pids $blocked"
waits() { root info clients | grep -q blocked_clients:1; }
until_true waits
stop p KILL
wait $blocked
has 'the Redis dies: the stream ends' "$(cat "$dir/popped")" 'Server closed the connection'
same 'and no other begins' "$(via ping | grep -c PONG)" 0
up p --requirepass sesame
sleep 0.2
same 'until it is back' "$(via ping)" PONG
kill $far
wait $far

# ---- over TCP and TLS ----

port=$(free_port) tls=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" -days 2 \
	-subj /CN=localhost -addext 'subjectAltName=DNS:localhost' >/dev/null 2>&1
stop b
stop p
up p --port "$port" --tls-port "$tls" --tls-cert-file "$dir/cert.pem" --tls-key-file "$dir/key.pem" \
	--tls-ca-cert-file "$dir/cert.pem" --tls-auth-clients no
serve t --backend "localhost:$port" --channels 3 --ring-size 8K
same 'TCP, by name' "$(ring t set k tcp; ring t get k)" "$(printf 'OK\n"tcp"')"
has 'channels and rings as they were asked for' "$(cat "$dir/t.proxy")" '3 channels with rings of 8192 bytes'
there_and_back() {
	timeout 30 "$B/cxl-cli" --region "$shm/$1" -x set big <"$dir/big"
	ring_raw "$1" get big | head -c 9000000 | cmp - "$dir/big" && echo same
}
same 'long values through small rings' "$(there_and_back t)" "$(printf 'OK\nsame')"
serve v --backend "127.0.0.1:$tls" --backend-tls --cacert "$dir/cert.pem"
has 'TLS: a certificate of another name' "$(ring v get k)" 'ERR the Redis behind this ring is gone: TLS: IP address mismatch'
serve w --backend "localhost:$tls" --backend-tls
has 'TLS: a certificate that nobody vouches for' "$(ring w get k)" 'ERR the Redis behind this ring is gone: TLS: self-signed certificate'
serve u --backend "localhost:$tls" --backend-tls --cacert "$dir/cert.pem"
same 'TLS' "$(ring u get k)" '"tcp"'
same 'TLS: long values' "$(there_and_back u)" "$(printf 'OK\nsame')"
same 'TLS: many at once' "$(timeout 60 "$B/cxl-bench" --region "$shm/u" --keys 1000 --requests 10000 --threads 4 --pipeline 32 2>&1 | grep -c 'requests per second')" 2
(ulimit -Sn 64 && exec "$B/cxl-proxy" --region "$shm/m" --backend "localhost:$port" --channels 300 2>>"$dir/m.proxy") &
pids="$pids $!"
until_true served m "$!"
same 'more clients than files that may be open at first' "$(timeout 60 "$B/cxl-bench" --region "$shm/m" --keys 100 --requests 5000 --clients 200 --threads 2 2>&1 | grep -c 'requests per second')" 2
serve n --backend "127.0.0.1:$(free_port)"
has 'nobody listens there' "$(ring n get k)" 'ERR the Redis behind this ring is gone: Connection refused'
tcp p config set maxclients 1 >/dev/null
redis-cli -s "$dir/p.sock" subscribe c >/dev/null 2>&1 </dev/null &
only=$!
pids="$pids $only"
sleep 0.3
has 'too many clients' "$(ring t get k)" 'ERR max number of clients reached'
kill $only

refuses cxl-proxy --offset 'whole number from 0 to 9223372036854775807' -1
refuses cxl-proxy --map-size 'whole number from 0 to 9223372036854775807' -1
refuses cxl-proxy --channels 'whole number from 1 to 65535' 0 65536
refuses cxl-proxy --ring-size 'whole number from 4096 to 1073741824' 4095 2G
refuses cxl-proxy --spin-us 'whole number from 0 to 100000' -1
refuses cxl-proxy --max-request 'whole number from 1024 to 4294967296' 1
for x in nowhere unix: :6379 host: host:x '[]:80' 'host:80 '; do
	same "--backend \"$x\"" "$(timeout 10 "$B/cxl-proxy" --region "$shm/x" --backend "$x" 2>&1; echo "= $?")" \
		"cxl-proxy: --backend takes HOST:PORT or unix:PATH, not \"$x\"
= 1"
done
timeout 10 "$B/cxl-proxy" --region "$shm/x" --backend unix:/x --unix "$dir/y" 2>/dev/null
same 'one end at a time' $? 2
# It went on as the default user, and without TLS.
for x in '--backend-user bob' '--cacert /etc/ssl/certs/ca-certificates.crt'; do
	has "$x alone" "$(timeout 10 "$B/cxl-proxy" --region "$shm/x" --backend "localhost:$port" $x 2>&1; echo "= $?")" "${x%% *} needs --backend-"
done
same 'no region was made for these' "$(ls "$shm" | grep -c '^x')" 0
