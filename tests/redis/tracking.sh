# SPDX-License-Identifier: BSD-3-Clause
# Client-side caching: who tracks keys, by TCP or by a stream, hears of everything that the
# ring writes, in whatever way it does.
family=tracking
. tests/redis/lib.sh
start a
"$B/cxl-proxy" --region "$shm/a" --unix "$dir/proxy" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true test -S "$dir/proxy"

# tracker SOCKET MODE...: a client in RESP3 whose output, pushes included, is in $out.
tracker() {
	rm -f "$dir/in"
	mkfifo "$dir/in"
	out=$dir/out
	: >"$out"
	redis-cli -3 --no-raw --show-pushes y -s "$1" <"$dir/in" >>"$out" 2>&1 &
	tracker=$!
	pids="$pids $tracker"
	exec 3>"$dir/in"
	shift
	echo "client tracking on $*" >&3
	says OK || not_ok "tracking: $(cat "$out")"
}
untrack() {
	exec 3>&-
	wait $tracker
}
says() { until_true grep -q "$1" "$out"; }
# What was pushed up to now: a command's answer comes after it. (No counter: who wants the
# output runs this in a shell of its own.)
pushed() {
	mark=mark$(date +%s%N)
	echo "echo $mark" >&3
	says "$mark" || echo 'no answer'
	sed -n "s/^-> invalidate: //p" "$out" | tr -d "'," | tr ' ' '\n' | sort -u | tr '\n' ' '
}
# hears WHAT COMMANDS KEY... : of these writes, having read the keys.
hears() {
	what=$1 commands=$2
	shift 2
	for k in "$@"; do echo "$read $k" >&3; done
	pushed >/dev/null
	: >"$out"
	printf '%b\n' "$commands" | $by a >"$dir/ring.out"
	i=0
	until [ "$(pushed)" = "$* " ] || [ $i -ge 20 ]; do i=$((i + 1)); sleep 0.1; done
	same "$mode: $what" "$(pushed)" "$* "
}
round() {
	by=verbs
	tcp a mset x:1 a x:2 b x:3 c n:1 1 untouched 1 >/dev/null
	hears SET 'set x:1 v' x:1
	hears 'SETs in a batch' 'set x:1 1\nset x:2 2\nset x:3 3\n' x:1 x:2 x:3
	hears 'SET with options' 'set x:1 v EX 100' x:1
	hears INCRBY 'incrby n:1 5' n:1
	hears DEL 'del x:2\ndel x:3\n' x:2 x:3
	by=ring
	hears 'a command' 'append x:1 more' x:1
	hears 'a command with keys' 'mset x:1 1 x:2 2' x:1 x:2
	hears 'a script' "eval \"redis.call('set', KEYS[1], 1) redis.call('del', KEYS[2])\" 2 x:1 x:2" x:1 x:2
	hears EXPIRE 'expire x:1 100' x:1
	hears RENAME 'rename x:1 x:2' x:1 x:2
}

mode='tracking by TCP' read=get
tracker "$dir/a.sock"
round
# A key whose time is up when the ring reads it.
tcp a config set hz 1 >/dev/null
tcp a debug set-active-expire 0 >/dev/null
tcp a set x:short v PX 100 >/dev/null
expiring() { sleep 0.1; verbs "$1"; }
by=expiring
hears 'an expired key' 'get x:short' x:short
tcp a debug set-active-expire 1 >/dev/null
: >"$out"
echo 'get untouched' >&3
ring a flushall >/dev/null
i=0
until grep -q invalidate "$out" || [ $i -ge 20 ]; do i=$((i + 1)); echo ping >&3; sleep 0.1; done
has "$mode: FLUSHALL" "$(grep -v PONG "$out" | tr '\n' ' ')" '1) "invalidate" 2) (nil)'
untrack

mode='broadcast by TCP' read=exists
tracker "$dir/a.sock" bcast prefix x: prefix n:
round
untrack

mode='tracking by a stream' read=get
tracker "$dir/proxy"
round
same "$mode: what it does itself" "$(echo 'get x:2' >&3; echo 'set x:2 mine' >&3; pushed)" 'x:1 x:2 '
untrack

mode='broadcast by a stream' read=exists
tracker "$dir/proxy" bcast prefix x: prefix n:
round
untrack

# Thousands at once, in batches.
mode='broadcast by TCP'
tracker "$dir/a.sock" bcast prefix many:
awk 'BEGIN { for (i = 0; i < 3000; i++) print "set many:" i " v" i }' | verbs a >/dev/null
i=0
until [ "$(pushed | wc -w)" = 3000 ] || [ $i -ge 50 ]; do i=$((i + 1)); sleep 0.1; done
same 'each of 3000 keys' "$(pushed | wc -w)" 3000
untrack

# Through a connection of its own, for RESP2.
tcp a set tracked 1 >/dev/null
rm -f "$dir/in"
mkfifo "$dir/in"
redis-cli -s "$dir/proxy" <"$dir/in" >"$dir/sub" 2>&1 &
pids="$pids $!"
exec 4>"$dir/in"
printf 'client id\nsubscribe __redis__:invalidate\n' >&4
until_true grep -q subscribe "$dir/sub"
(printf 'client tracking on redirect %s\nget tracked\n' "$(head -1 "$dir/sub")"; sleep 1) |
	redis-cli -s "$dir/proxy" >"$dir/redirecting" 2>&1 &
until_true grep -qx 1 "$dir/redirecting"
echo 'set tracked 2' | verbs a >/dev/null
until_true grep -q tracked "$dir/sub"
has 'redirected, both of them streams' "$(cat "$dir/sub")" tracked
exec 4>&-
wait $!
