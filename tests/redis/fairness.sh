# SPDX-License-Identifier: BSD-3-Clause
# Nobody waits for somebody else's load: TCP clients beside a saturated ring, the ring beside
# saturated TCP clients, readers that stop and go on. Limits are generous, the figures are the
# benches'.
family=fairness
. tests/redis/lib.sh
ms() { echo $(($(date +%s%N) / 1000000)); }

# A reader that stops in the middle of a long answer and goes on is served at once, not with
# Redis's next cron, which is a second away here.
start a --hz 1
"$B/cxl-proxy" --region "$shm/a" --unix "$dir/proxy" 2>"$dir/proxy.err" &
proxy=$!
pids="$pids $proxy"
until_true test -S "$dir/proxy"
head -c 2000000 /dev/zero | tr '\0' x | redis-cli -s "$dir/a.sock" -x set big >/dev/null
# stops PID FILE command...: a quarter of a second is lost by the stop, what else is ours.
stops() {
	_pid=$1
	shift
	late=0 rounds=20 i=0
	while [ $i -lt $rounds ]; do
		i=$((i + 1))
		"$@" >"$dir/big" 2>&1 &
		_reader=$!
		until [ -s "$dir/big" ]; do :; done
		kill -STOP "${_pid:-$_reader}" 2>/dev/null
		sleep 0.25
		_t0=$(ms)
		kill -CONT "${_pid:-$_reader}" 2>/dev/null
		wait $_reader
		late=$((late + $(ms) - _t0))
	done
}
stops '' redis-cli -s "$dir/a.sock" --raw get big
base=$late
stops $proxy redis-cli -s "$dir/proxy" --raw get big
[ $late -lt $((base * 4 + 1500)) ] && ok "a stream that stops: $rounds times, then $late ms in all, TCP $base" ||
	not_ok "a stream that stops: $rounds times, then $late ms in all, TCP $base"

# p99 of PING in milliseconds, one client with one request at a time: by TCP, by the ring.
tcp_p99() { redis-benchmark -p "$1" -c 1 -n "${2:-3000}" -t ping_mbulk --csv 2>/dev/null | tail -1 | tr -d '"' | cut -d, -f7; }
ring_p99() {
	"$B/cxl-bench" --region "$shm/$1" --tests ping --requests "${2:-3000}" --latency --json 2>/dev/null |
		sed -n 's/.*"p99_us":\([0-9.]*\).*/\1/p' | awk '{ print $1 / 1000 }'
}
below() { awk "BEGIN { exit !(${1:-1000000} < $2) }"; }
rate() { info "$1" stats total_commands_processed; }

port=$(free_port)
start b --port "$port"
quiet_tcp=$(tcp_p99 "$port") quiet_ring=$(ring_p99 b)
"$B/cxl-bench" --region "$shm/b" --tests set,get --requests 100000000 --keys 100000 --pipeline 256 --threads 2 >/dev/null 2>&1 &
load=$!
pids="$pids $load"
until_true sh -c "[ \$(redis-cli -s '$dir/b.sock' cxlring.clients | grep -c cmd=set) = 2 ]"
p99=$(tcp_p99 "$port")
below "$p99" 50 && ok "ring saturated: PING by TCP, p99 $p99 ms (idle: $quiet_tcp)" || not_ok "ring saturated: PING by TCP, p99 $p99 ms (idle: $quiet_tcp)"
kill -INT $load
wait $load 2>/dev/null
redis-benchmark -p "$port" -c 4 -P 64 -n 100000000 -t set -r 100000 -q >/dev/null 2>&1 &
load=$!
pids="$pids $load"
until_true sh -c "[ \$(redis-cli -s '$dir/b.sock' info stats | tr -d '\r' | sed -n 's/^instantaneous_ops_per_sec://p') -gt 20000 ]"
p99=$(ring_p99 b)
below "$p99" 50 && ok "TCP saturated: PING by the ring, p99 $p99 ms (idle: $quiet_ring)" || not_ok "TCP saturated: PING by the ring, p99 $p99 ms (idle: $quiet_ring)"
tcp_beside=$(tcp_p99 "$port" 1000)
below "$p99" "$(awk "BEGIN { print ${tcp_beside:-0} * 3 + 5 }")" && ok "no worse than another TCP client's, $tcp_beside ms" || not_ok "another TCP client has $tcp_beside ms"
kill $load
wait $load 2>/dev/null

# One ring client that asks for much at a time does not keep another one waiting.
"$B/cxl-bench" --region "$shm/b" --tests set --requests 100000000 --keys 100000 --pipeline 256 --threads 1 >/dev/null 2>&1 &
load=$!
pids="$pids $load"
until_true sh -c "redis-cli -s '$dir/b.sock' cxlring.clients | grep -q cmd=set"
p99=$(ring_p99 b)
below "$p99" 50 && ok "a busy neighbour: PING by the ring, p99 $p99 ms" || not_ok "a busy neighbour: PING by the ring, p99 $p99 ms"
kill -INT $load
wait $load 2>/dev/null


# A reader that is left asleep, since others keep the server busy and more of its replies will
# follow, is woken before a command that takes long.
start d --cxlring.ring-size 1mb
late=$("$B/tests/redis/heard" "$shm/d" 12)
[ "${late:-1000}" -lt 100 ] 2>/dev/null && ok "who sleeps hears of its replies within $late ms" || not_ok "replies were there for $late ms, and their reader asleep"
stop d

# Whom there is no room for is told so by the library and by the proxy, and has room within a
# second of a kill -9.
start_bare c --loadmodule "$B/cxlring.so" "$shm/c" channels 2
until_true answers c
"$B/cxl-proxy" --region "$shm/c" --unix "$dir/proxy.c" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true test -S "$dir/proxy.c"
for i in 1 2; do
	sleep 60 | "$B/tests/redis/verbs" "$shm/c" >/dev/null 2>&1 &
	pids="$pids $!"
done
taken() { [ "$(info c cxlring cxlring_channels_open)" = 2 ]; }
until_true taken
has 'the library says so' "$(echo ping | verbs c)" 'all 2 channels of "kv" have a live owner'
redis-cli -s "$dir/proxy.c" ping >"$dir/out" 2>&1
has 'the proxy says so, as an answer' "$(cat "$dir/out")" 'all 2 channels of "kv" have a live owner'
victim=$(tcp_raw c cxlring.clients | sed -n '1s/.* pid=\([0-9]*\) .*/\1/p')
kill -9 "$victim"
t0=$(ms)
until [ "$(echo ping | verbs c)" = PONG ]; do :; done
t1=$(ms)
[ $((t1 - t0)) -lt 1000 ] && ok "after kill -9 there is room within $((t1 - t0)) ms" || not_ok "after kill -9 there was room after $((t1 - t0)) ms"
