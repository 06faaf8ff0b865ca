# SPDX-License-Identifier: BSD-3-Clause
# TCP clients beside a saturating ring are served in time; limits are generous, the
# figures are the benches'.
family=latency
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port"
"$B/cxl-bench" --region "$shm/a" --tests set,get --requests 100000000 --keys 100000 --pipeline 256 >/dev/null 2>&1 &
load=$!
pids="$pids $load"
sleep 0.5
redis-benchmark -p "$port" -c 1 -n 2000 -t ping_mbulk --csv >"$dir/ping.csv" 2>/dev/null
p99=$(tail -1 "$dir/ping.csv" | tr -d '"' | cut -d, -f7)
awk "BEGIN { exit !($p99 < 50) }" && ok "PING over TCP, p99 $p99 ms" || not_ok "p99 $p99 ms"
kill -INT $load
wait $load
rc=$?
[ $rc != 0 ] && ok 'an aborted bench says so' || not_ok 'an aborted bench exits with 0'
"$B/cxl-bench" --region "$shm/a" --tests set,get,incr,ping --requests 20000 --keys 1000 --latency --cost --json >"$dir/out" 2>&1
same 'a complete one exits with 0' $? 0
same 'and prints a line for each test' "$(grep -c '"p99_us"' "$dir/out")" 4
"$B/cxl-bench" --region "$shm/a" --tests get --requests 20000 --keys 1000 --threads 24 --csv "$dir/x.csv" >/dev/null 2>&1
"$B/cxl-bench" --region "$shm/a" --tests set --requests 20000 --keys 1000 --threads 2 --csv "$dir/x.csv" >/dev/null 2>&1
same 'more threads than channels; CSV with one header' "$(grep -c . "$dir/x.csv") $(grep -c '^label' "$dir/x.csv")" '3 1'
"$B/cxl-bench" --target unix --socket "$dir/a.sock" --tests set,get --requests 20000 --pipeline 16 --keys 1000 >"$dir/out" 2>&1
same 'the same by unix socket' $? 0
"$B/cxl-bench" --target tcp --port "$port" --tests set,get --requests 5000 --keys 1000 >"$dir/out" 2>&1
same 'and by TCP' $? 0

# CXL_SHM_DELAY_NS: each side that has it waits so long for a frame written and for a frame
# read. One request at a time; lower bounds do not mind a busy machine.
p50() {
	"$B/cxl-bench" --region "$shm/$1" --tests get --requests 500 --keys 10 --latency --json 2>"$dir/err" |
		sed -n 's/.*"p50_us":\([0-9.]*\).*/\1/p'
}
slow() {
	what=$1 got=$2 least=$3
	awk "BEGIN { exit !(${got:-0} >= $least && ${got:-0} > 3 * ${base:-1000000}) }" &&
		ok "$what: p50 $got us, $base without" ||
		not_ok "$what: p50 $got us, $base without: $(cat "$dir/err")"
}
CXL_SHM_DELAY_NS=200000 start far
base=$(p50 a)
slow 'latency injected at the client' "$(CXL_SHM_DELAY_NS=200000 p50 a)" 400
slow 'at the server' "$(p50 far)" 400
slow 'at both ends' "$(CXL_SHM_DELAY_NS=200000 p50 far)" 800
stop far

# A turn counts that ends because nothing more comes; and beside its only client, on one core,
# the server has turns of many requests.
start one --cxlring.spin-us 0
turns() { info one cxlring cxlring_turns; }
before=$(turns)
ring one ping >/dev/null
[ "$(turns)" -gt "$before" ] && ok 'a turn of one request counts' || not_ok "turns: $before, then $(turns)"
tcp one config set cxlring.spin-us 50 >/dev/null
if taskset -pc 0 "$(pid_of one)" >/dev/null 2>&1; then
	before=$(turns)
	taskset -c 0 "$B/cxl-bench" --region "$shm/one" --tests get --no-fill --keys 10 --requests 20000 >/dev/null 2>&1
	turns=$(($(turns) - before))
	[ "$turns" -gt 0 ] && [ "$turns" -lt 15000 ] && ok "20000 requests in $turns turns" || not_ok "20000 requests in $turns turns"
	# A few clients are not offered the core, but when they need it: else the server would
	# spin in vain and sleep for each request or two.
	before=$(info one cxlring cxlring_sleeps)
	taskset -c 0 "$B/cxl-bench" --region "$shm/one" --tests get --no-fill --keys 10 --threads 2 --requests 20000 >/dev/null 2>&1
	sleeps=$(($(info one cxlring cxlring_sleeps) - before))
	[ "$sleeps" -lt 3000 ] && ok "20000 requests of two on that core, and $sleeps sleeps" || not_ok "20000 requests of two on that core, and $sleeps sleeps"
else
	skip 'turns on one core' 'taskset cannot'
fi
stop one
tcp a set "key:000000000001" wrong >/dev/null
"$B/cxl-bench" --region "$shm/a" --tests get --no-fill --requests 20000 --keys 100 >"$dir/out" 2>&1
[ $? != 0 ] && ok 'a wrong value is noticed' || not_ok 'a wrong value is not noticed'
"$B/cxl-bench" --region "$shm/a" --tests set --requests 100000000 --keys 1000 >"$dir/out" 2>&1 &
load=$!
sleep 0.4
stop a KILL
wait $load
rc=$?
[ $rc != 0 ] && ! grep -q 'per second' "$dir/out" && ok 'the death of the server ends it, without figures' || not_ok "exit $rc: $(cat "$dir/out")"
