# SPDX-License-Identifier: BSD-3-Clause
# Streams and cxl-proxy: whatever needs a connection of its own, over the ring.
family=proxy
. tests/redis/lib.sh
start a --busy-reply-threshold 100

proxy=$dir/proxy.sock
"$B/cxl-proxy" --region "$shm/a" --unix "$proxy" 2>"$dir/proxy.err" &
proxy_pid=$!
pids="$pids $proxy_pid"
i=0
until [ -S "$proxy" ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
via() { timeout 20 redis-cli -s "$proxy" --no-raw "$@" 2>&1; }

same 'a command' "$(via ping)" PONG
same 'MULTI, EXEC, SELECT' "$(printf 'set n 1\nmulti\nincr n\nincr n\nexec\nselect 3\nset x y\ndbsize\n' | via | tr '\n' ' ')" \
	"$(printf 'set m 1\nmulti\nincr m\nincr m\nexec\nselect 4\nset x y\ndbsize\n' | redis-cli -s "$dir/a.sock" --no-raw | tr '\n' ' ')"
same 'RESP3' "$(timeout 20 redis-cli -3 -s "$proxy" --no-raw hset h a b)" "$(timeout 20 redis-cli -3 -s "$dir/a.sock" --no-raw hset h2 a b)"
same 'HELLO' "$(via hello 3 | grep -c proto)" 1

(via blpop queue 20 >"$dir/popped") &
blocked=$!
i=0
until [ "$(tcp_raw a info clients | tr -d '\r' | sed -n 's/^blocked_clients://p')" = 1 ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
tcp a rpush queue job >/dev/null
wait $blocked
has 'a blocking pop' "$(cat "$dir/popped")" '"job"'

# 8 MB in, and out again, through rings of 64 KiB, beside others.
head -c 8000000 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$dir/big"
same 'a long value in' "$(timeout 20 redis-cli -s "$proxy" -x set big <"$dir/big")" OK
same 'and out' "$(timeout 20 redis-cli -s "$proxy" get big | head -c 16000000 | cksum)" "$(cksum <"$dir/big")"
timeout 60 redis-benchmark -s "$proxy" -c 8 -n 20000 -P 16 -t set,get -q >"$dir/bench" 2>&1
same 'many at once' "$(tr '\r' '\n' <"$dir/bench" | grep -c p50)" 2

i=0
until [ "$(info a cxlring cxlring_channels_open)" = 0 ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
same 'every channel came back' "$(info a cxlring cxlring_channels_open)" 0

# Written to two connections, one after the other. It was one in three the wrong way round;
# directly, by Redis's own epoll, it is one in seven.
wrong=$(timeout 60 "$B/tests/redis/order" "$proxy" 5000 2>&1)
[ "$wrong" -lt 50 ] 2>/dev/null && ok 'two connections, in the order of writing' || not_ok "two connections, in the order of writing: $wrong of 5000"
# The same with more than a stream has served in one go, to a Redis that is busy now and then.
redis-cli -s "$dir/a.sock" -r 1000000 debug sleep 0.005 >/dev/null 2>&1 &
sleeper=$!
pids="$pids $sleeper"
wrong=$(timeout 60 "$B/tests/redis/order" "$proxy" 200 200 2>&1)
[ "$wrong" -lt 4 ] 2>/dev/null && ok 'two hundred commands to the first' || not_ok "two hundred commands to the first: $wrong of 200"
kill "$sleeper"
wait "$sleeper" 2>/dev/null

# A script that takes long: a new stream is told so, and can end it, as over TCP.
(timeout 60 redis-cli -s "$dir/a.sock" eval 'while true do end' 0 >/dev/null 2>&1) &
script=$!
sleep 1
has 'BUSY' "$(via get n)" BUSY
same 'SCRIPT KILL through the ring' "$(via script kill)" OK
tcp a ping >/dev/null
wait $script

same 'QUIT' "$(via quit)" OK
redis-cli -s "$proxy" subscribe news >"$dir/news" 2>&1 </dev/null &
reader=$!
i=0
until [ "$(tcp_raw a pubsub numsub news | tail -1)" = 1 ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
tcp a publish news hello >/dev/null
i=0
until grep -q hello "$dir/news" || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
has 'a subscription' "$(cat "$dir/news")" hello
kill -9 $reader
wait $reader 2>/dev/null
i=0
until [ "$(info a cxlring cxlring_channels_open)" = 0 ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.05; done
same 'a killed subscriber gives its channel back' "$(info a cxlring cxlring_channels_open)" 0

# The session's user is the connection's. Nobody becomes somebody without the secret.
same 'BECOME without a secret' "$(via cxlring.become 00000000000000000000000000000000 | cut -c1-17)" '(error) WRONGPASS'
tcp a config set requirepass sesame >/dev/null
has 'a password is asked for' "$(via get n)" NOAUTH
same 'and taken' "$(timeout 20 redis-cli -s "$proxy" --no-raw --no-auth-warning -a sesame get n)" '"3"'

tcp a --no-auth-warning -a sesame config set requirepass '' >/dev/null

# ---- what drivers do, and what they suffer ----
socket() { timeout 60 perl tests/redis/socket.pl "$proxy" "$@" 2>&1; }
all_back() { [ "$(info a cxlring cxlring_channels_open)" = 0 ]; }

# It was answered nothing: the end of its bytes was taken for the end of the connection.
same 'a half-closed connection is answered, then closed' "$(socket half)" '+OK $1 1 end'

tcp a set n 7 >/dev/null
(socket push n "$dir/read" >"$dir/push") &
reader=$!
until_true [ -e "$dir/read" ]
tcp a set n 8 >/dev/null
wait $reader
same 'a push message of RESP3' "$(cat "$dir/push")" '>2 $10 invalidate *1 $1 n '

awk 'BEGIN { for (i = 0; i < 200000; i++) printf "*3\r\n$6\r\nINCRBY\r\n$1\r\np\r\n$1\r\n3\r\n" }' |
	timeout 60 redis-cli -s "$proxy" --pipe >"$dir/pipe" 2>&1
same 'a pipeline of 200,000' "$(grep -c 'errors: 0, replies: 200000' "$dir/pipe") $(tcp_raw a get p)" '1 600000'

# 80 MB that nobody reads hold nobody up, and arrive when they are read.
mkfifo "$dir/go"
(socket slow big 5 80000065 <"$dir/go" >"$dir/slow") &
reader=$!
exec 3>"$dir/go"
until_true sh -c "redis-cli -s '$dir/a.sock' client list | grep -q 'omem=[1-9][0-9]\{6,\}.*cmd=get'"
same 'beside a client that does not read' "$(via set beside 1; via get beside)" 'OK
"1"'
echo >&3
exec 3>&-
wait $reader
same 'which then reads all of it' "$(cat "$dir/slow")" 80000065

until_true all_back
many=$(socket many 64)
same 'more clients than channels: those who get none are told' "$many" \
	'16 +PONG
48 -ERR max number of clients reached: all channels of "kv" have a live owner, end'
# At once: channels that were just left come free in a moment, and the proxy waits for that.
same 'and when these have gone' "$(socket many 16)" '16 +PONG'

(socket hold "$dir/held" >"$dir/end") &
reader=$!
until_true [ -e "$dir/held" ]
until_true sh -c "redis-cli -s '$dir/a.sock' info clients | grep -q blocked_clients:1"
stop a KILL
wait $reader
same 'a server that is killed: its connections end, and are not reset' "$(cat "$dir/end")" end
has 'new ones are told' "$(via ping)" 'ERR no Redis behind this proxy'
# Each kept a thread for as long as it sent something now and then.
(socket trickle 300 8 >"$dir/trickle") &
reader=$!
i=0 most=0
while kill -0 $reader 2>/dev/null && [ $i -lt 200 ]; do
	n=$(ls "/proc/$proxy_pid/task" | wc -l)
	[ "$n" -le $most ] || most=$n
	i=$((i + 1))
	sleep 0.05
done
wait $reader
same 'and go, though they do not stop talking' "$(cat "$dir/trickle")" 300
[ "$most" -gt 3 ] && [ "$most" -le 140 ] && ok 'with not more threads than may be' || not_ok "$most threads"
start a
same 'and are served when it is back' "$(via ping)" PONG

# Redis knows of no TCP here: who watches over hosts that are gone? Timer 2 is that.
port=$(free_port)
"$B/cxl-proxy" --region "$shm/a" --listen "127.0.0.1:$port" 2>>"$dir/proxy.err" &
tcp_proxy=$!
pids="$pids $tcp_proxy"
until_true redis-cli -p "$port" ping
redis-cli -p "$port" blpop never 0 >/dev/null 2>&1 </dev/null &
reader=$!
pids="$pids $reader"
until_true sh -c "redis-cli -s '$dir/a.sock' info clients | grep -q blocked_clients:1"
same 'a TCP connection is kept alive' "$(awk -v at="0100007F:$(printf %04X "$port")" '$2 == at && $4 == "01" { print substr($6, 1, 2) }' /proc/net/tcp)" 02
kill $reader $tcp_proxy
wait $reader $tcp_proxy 2>/dev/null

# To Redis a stream comes from its own host, so its protected mode let everybody in.
host=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$')
if [ -n "$host" ]; then
	"$B/cxl-proxy" --region "$shm/a" --listen ":$port" 2>>"$dir/proxy.err" &
	tcp_proxy=$!
	pids="$pids $tcp_proxy"
	until_true redis-cli -p "$port" ping
	from() { timeout 10 redis-cli -h "$1" -p "$port" --no-auth-warning "$2" "$3" ping 2>&1 | cut -c1-32; }
	same 'protected mode: this host is let in' "$(from 127.0.0.1 -n 0)" PONG
	same 'and others are not' "$(from "$host" -n 0)" 'DENIED Redis is in protected mod'
	tcp a config set protected-mode no >/dev/null
	same 'unless it is off' "$(from "$host" -n 0)" PONG
	tcp a config set protected-mode yes requirepass sesame >/dev/null
	same 'or there is a password' "$(from "$host" -a sesame)" PONG
	has 'which is asked for' "$(from "$host" -n 0)" NOAUTH
	tcp a --no-auth-warning -a sesame config set requirepass '' >/dev/null
	kill $tcp_proxy
	wait $tcp_proxy 2>/dev/null
else
	skip 'protected mode' 'this host has no address but 127.0.0.1'
fi

stop a
(socket trickle 10 30 >/dev/null) &
reader=$!
pids="$pids $reader"
sleep 0.5
kill $proxy_pid
i=0
while kill -0 $proxy_pid 2>/dev/null && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
[ $i -lt 100 ] || kill -9 $proxy_pid
wait $proxy_pid
same 'SIGTERM ends it' "$? $([ -e "$proxy" ] && echo left)" '0 '
