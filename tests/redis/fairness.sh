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
