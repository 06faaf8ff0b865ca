# SPDX-License-Identifier: BSD-3-Clause
# Clients that die, lie or do not read: the server and the others do not notice.
family=hostile
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port"
start r --replicaof "127.0.0.1 $port"
hostile() { "$B/tests/redis/hostile" "$shm/a" "$@" 2>&1; }
free_channels() { until_true sh -c "redis-cli -s '$dir/a.sock' info cxlring | grep -q 'channels_open:0'"; }

# A client of good will works all the time.
(while :; do hostile check good 200 || echo bad; done >"$dir/good" 2>&1) &
good=$!
pids="$pids $good"

same 'frames that make no sense' "$(hostile frames 21 | grep -vc ': refused')" 0
until_true log_tells_of a 21
same 'the log accounts for each' "$(log_refusals a)" 21

i=0
while [ $i -lt 60 ]; do hostile bytes $i >/dev/null; i=$((i + 1)); done
has 'random bytes: the server lives' "$(tcp a ping)" PONG
i=0
while [ $i -lt 20 ]; do hostile head $i >/dev/null; i=$((i + 1)); done
has 'impossible positions: the server lives' "$(tcp a ping)" PONG
sleep 1.2
n=$(log_refusals a)
[ "$n" -le 101 ] && ok 'none of them is refused twice' || not_ok "$n refusals"

i=0
while [ $i -lt 40 ]; do
	(hostile die "t$i" 400) >/dev/null 2>&1
	hostile check "after$i" 30 >>"$dir/after"
	i=$((i + 1))
done
same '40 clients killed amid requests: the next owner gets its own replies' \
	"$(sort -u "$dir/after")" '0 bad'

kill "$good" 2>/dev/null
wait "$good" 2>/dev/null
sleep 0.2
same 'the client of good will saw nothing' "$(sort -u "$dir/good")" '0 bad'
free_channels && ok 'every channel came back' || not_ok "$(info a cxlring cxlring_channels_open) channels are still open"

# More deaths than there are channels, at once: all come back at once.
i=0
many=
while [ $i -lt 24 ]; do hostile die "many$i" 300 >/dev/null 2>&1 & many="$many $!"; i=$((i + 1)); done
wait $many
free_channels && ok '24 more, all at once' || not_ok 'channels are lost'
same 'a full house later' "$(hostile check full 100)" '0 bad'

head -c 100000 /dev/zero | tr '\0' b | redis-cli -s "$dir/a.sock" -x set big >/dev/null
hostile noread 800 >"$dir/noread" &
sleep 0.2
same 'others beside one that does not read' "$(hostile check beside 500)" '0 bad'
cpu0=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat")
sleep 0.4
cpu1=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat")
[ $((cpu1 - cpu0)) -le 12 ] && ok 'and the server waits without spinning' || not_ok "it burned $((cpu1 - cpu0)) of 40 ticks"
wait $!
has 'it gets all its replies when it reads' "$(cat "$dir/noread")" '0 unanswered'

# While a script runs, Redis's loop inside of it looks at the rings as well.
tcp a config set busy-reply-threshold 50 >/dev/null
(tcp a eval 'while true do end' 0 >/dev/null) &
script=$!
sleep 0.4
same 'a request in a stream, amid a script' "$(hostile stray)" refused
tcp a script kill >/dev/null
wait $script
hostile turncoat >"$dir/turncoat" &
script=$!
sleep 2
has 'the server lives' "$(tcp a get k)" BUSY
tcp a script kill >/dev/null
wait $script
has 'a request that changes amid its own script is answered' "$(cat "$dir/turncoat")" 'Script killed by user'
has 'the server lives' "$(tcp a ping)" PONG

# What Redis's loop watched of a killed owner is forgotten before its descriptor is used again.
"$B/tests/redis/hostile" "$shm/a" emigrant >"$dir/emigrant" 2>&1 &
script=$!
pids="$pids $script"
until_true sh -c "redis-cli -s '$dir/a.sock' cxlring.clients | grep -q 'cmd=ping .*state=idle'"
tcp a cxlring.kill all >/dev/null
until_true grep -q served "$dir/emigrant"
same 'killed, it comes back as from another host' "$(cat "$dir/emigrant")" served
same 'who connects next is served' "$(timeout 5 redis-cli -s "$dir/a.sock" ping; timeout 5 redis-cli -s "$dir/a.sock" ping)" "$(printf 'PONG\nPONG')"
kill "$script"

hostile race 700 >"$dir/race"
for names in hset,hget hincrby,hexists hsetnx,unlink; do
	same "calls that change while they are run: $names" "$(hostile calls $names 400)" answered
done
until_true sh -c "[ \"\$(redis-cli -s '$dir/a.sock' info replication | grep master_repl_offset)\" = \"\$(redis-cli -s '$dir/r.sock' info replication | grep master_repl_offset)\" ]"
same "values and calls changed meanwhile ($(cat "$dir/race")): replica equal" \
	"$(tcp r debug digest)" "$(tcp a debug digest)"
has 'the server lives' "$(tcp a ping)" PONG

# A named user's stream that Redis turned away kept its secret waiting, and there are 64
# places for these.
start m --cxlring.channels 70 --maxclients 1000
tcp m acl setuser bob on '>pw' '~*' '&*' +@all >/dev/null
redis-cli -s "$dir/m.sock" subscribe c >"$dir/only" 2>&1 </dev/null &
only=$!
pids="$pids $only"
until_true grep -q subscribe "$dir/only"
ring m config set maxclients 1 >/dev/null
mkfifo "$dir/go"
"$B/tests/redis/hostile" "$shm/m" streams 65 <"$dir/go" >"$dir/streams" 2>&1 &
many=$!
pids="$pids $many"
exec 3>"$dir/go"
until_true test -s "$dir/streams"
same 'streams beyond maxclients' "$(cat "$dir/streams")" '0 of 65'
ring m config set maxclients 1000 >/dev/null
same 'are in the way of none that comes later' "$("$B/tests/redis/hostile" "$shm/m" streams 1 </dev/null 2>&1)" '1 of 1'
exec 3>&-
wait $many
kill $only
wait $only 2>/dev/null
stop m
