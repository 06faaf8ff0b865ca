# SPDX-License-Identifier: BSD-3-Clause
# CLIENT PAUSE holds ring requests as it holds those of TCP clients.
family=pause
. tests/redis/lib.sh
start a
tcp a set k v >/dev/null

ms() { echo $(($(date +%s%N) / 1000000)); }
# Times are compared with the pause's own alone. It is 700 ms, and began after `begin` read
# the clock: who was held by it is answered 700 ms after that, however slow the machine.
begin() { t0=$(ms); }
ring() { echo "$1" | verbs a >"$dir/reply"; }
waited() {
	_ms=$(($(ms) - t0))
	[ $_ms -ge 699 ] && ok "$1 ($_ms ms)" || not_ok "$1: answered after $_ms ms"
}
# Before a pause of a minute is over; then it is ended.
at_once() {
	_ms=$(($(ms) - t0))
	tcp a client unpause >/dev/null
	[ $_ms -lt 60000 ] && ok "$1 ($_ms ms)" || not_ok "$1: answered after $_ms ms"
}
over() { until_true sh -c "redis-cli -s '$dir/a.sock' set over 1 | grep -q OK"; }

for c in 'set k v2' 'incrby n 1' 'del x' 'lrange l 0 -1'; do
	begin
	tcp a client pause 700 write >/dev/null
	ring "$c"
	waited "PAUSE WRITE: $c waits"
	over
done
same 'and is done' "$(printf 'get k\nget n\n' | verbs a)" "$(printf '"v2"\n"1"')"
for c in 'get k' 'exists k' ping; do
	begin
	tcp a client pause 60000 write >/dev/null
	ring "$c"
	at_once "PAUSE WRITE: $c does not"
done
begin
tcp a client pause 60000 write >/dev/null
tcp a client unpause >/dev/null
ring 'set k v3'
at_once 'UNPAUSE: a write goes on'

for c in 'get k' 'exists k' ping 'set k v4' 'lrange l 0 -1'; do
	begin
	tcp a client pause 700 >/dev/null
	ring "$c"
	waited "PAUSE: $c waits"
	over
done
same 'the reply is right' "$(cat "$dir/reply")" '(empty array)'
for c in 'CLIENT pause 700 ALL' 'client PAUSE 700 all'; do
	begin
	tcp a $c >/dev/null
	ring 'get k'
	waited "$c: GET waits"
	over
done
begin
printf 'multi\nclient pause 700 all\nexec\n' | redis-cli -s "$dir/a.sock" >/dev/null
ring 'get k'
waited 'PAUSE ALL in a transaction'
over
# During a PAUSE ALL another one waits like everything, and then lasts its own time.
begin
(tcp a client pause 300 all; tcp a client pause 700 all) >/dev/null
ring 'get k'
waited 'PAUSE ALL asked for during another'
over

# A pause that lets reads through after one that did not.
tcp a client pause 50 all >/dev/null
over
begin
tcp a client pause 60000 write >/dev/null
ring 'get k'
at_once 'a later PAUSE WRITE: GET does not wait'
for c in 'client pause' 'client pause x all' 'client pause -5 all' 'client pause 700 none' 'set pause 700'; do tcp a $c >/dev/null; done
begin
tcp a client pause 60000 write >/dev/null
ring 'get k'
at_once 'what was no PAUSE ALL is none'
over

# While paused the server sleeps.
tcp a client pause 900 all >/dev/null
(echo 'get k' | verbs a >"$dir/reply") &
w=$!
c0=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat")
sleep 0.6
c1=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat")
[ $((c1 - c0)) -le 15 ] && ok "the server does not spin ($((c1 - c0)) of 60 ticks)" || not_ok "it burned $((c1 - c0)) of 60 ticks"
wait $w
same 'then the reply comes' "$(cat "$dir/reply")" '"v4"'
held=$(info a cxlring cxlring_held_requests)
tcp a client pause 700 >/dev/null
ring 'get k'
[ "$(info a cxlring cxlring_held_requests)" -gt "$held" ] && ok 'a read that waited is counted' ||
	not_ok "held_requests is still $held"
stop a

start b --rename-command CLIENT conn
begin
tcp b conn pause 700 all >/dev/null
echo 'get k' | verbs b >/dev/null
waited 'CLIENT by another name'
