# SPDX-License-Identifier: BSD-3-Clause
# CLIENT PAUSE holds ring requests as it holds those of TCP clients.
family=pause
. tests/redis/lib.sh
start a
tcp a set k v >/dev/null

ms() { echo $(($(date +%s%N) / 1000000)); }
# How long a ring command took, in ms; its reply into $dir/reply.
took() { _t0=$(ms); echo "$1" | verbs a >"$dir/reply"; echo $(($(ms) - _t0)); }
waited() { [ "$2" -ge 550 ] && ok "$1 ($2 ms)" || not_ok "$1: it took $2 ms"; }
# Long before a pause of 6 s is over; then it is ended.
at_once() { tcp a client unpause >/dev/null; [ "$2" -lt 3000 ] && ok "$1 ($2 ms)" || not_ok "$1: it took $2 ms"; }
over() { until_true sh -c "redis-cli -s '$dir/a.sock' set over 1 | grep -q OK"; }

for c in 'set k v2' 'incrby n 1' 'del x' 'lrange l 0 -1'; do
	tcp a client pause 700 write >/dev/null
	waited "PAUSE WRITE: $c waits" "$(took "$c")"
	over
done
same 'and is done' "$(printf 'get k\nget n\n' | verbs a)" "$(printf '"v2"\n"1"')"
for c in 'get k' 'exists k' ping; do
	tcp a client pause 6000 write >/dev/null
	at_once "PAUSE WRITE: $c does not" "$(took "$c")"
done
tcp a client pause 6000 write >/dev/null
tcp a client unpause >/dev/null
at_once 'UNPAUSE: a write goes on' "$(took 'set k v3')"

for c in 'get k' 'exists k' ping 'set k v4' 'lrange l 0 -1'; do
	tcp a client pause 700 >/dev/null
	waited "PAUSE: $c waits" "$(took "$c")"
	over
done
same 'the reply is right' "$(cat "$dir/reply")" '(empty array)'
for c in 'CLIENT pause 700 ALL' 'client PAUSE 700 all'; do
	tcp a $c >/dev/null
	waited "$c: GET waits" "$(took 'get k')"
	over
done
printf 'multi\nclient pause 700 all\nexec\n' | redis-cli -s "$dir/a.sock" >/dev/null
waited 'PAUSE ALL in a transaction' "$(took 'get k')"
over
# During a PAUSE ALL another one waits like everything, and then lasts its own time.
(tcp a client pause 300 all; tcp a client pause 700 all) >/dev/null
waited 'PAUSE ALL asked for during another' "$(took 'get k')"
over

# A pause that lets reads through after one that did not.
tcp a client pause 50 all >/dev/null
over
tcp a client pause 6000 write >/dev/null
at_once 'a later PAUSE WRITE: GET does not wait' "$(took 'get k')"
for c in 'client pause' 'client pause x all' 'client pause -5 all' 'client pause 700 none' 'set pause 700'; do tcp a $c >/dev/null; done
tcp a client pause 6000 write >/dev/null
at_once 'what was no PAUSE ALL is none' "$(took 'get k')"
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
stop a

start b --rename-command CLIENT conn
tcp b conn pause 700 all >/dev/null
t0=$(ms)
echo 'get k' | verbs b >/dev/null
waited 'CLIENT by another name' $(($(ms) - t0))
