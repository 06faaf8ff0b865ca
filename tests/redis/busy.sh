# SPDX-License-Identifier: BSD-3-Clause
# While Redis loads or a script runs: -LOADING, -BUSY, at once, and service afterwards.
family=busy
. tests/redis/lib.sh
start a --busy-reply-threshold 100 --appendonly no

(tcp a eval 'while true do end' 0 >/dev/null) &
sleep 0.5
t0=$(date +%s%N)
out=$(printf 'get a\nset a 1\nping\nlrange l 0 -1\n' | verbs a)
t1=$(date +%s%N)
same 'a long script: -BUSY' "$(echo "$out" | cut -c1-12 | sort -u)" '(error) BUSY'
[ $(((t1 - t0) / 1000000)) -lt 3000 ] && ok 'at once' || not_ok "after $(((t1 - t0) / 1000000)) ms"
tcp a script kill >/dev/null
wait $!
same 'then served again' "$(printf 'set a 1\nget a\n' | verbs a)" "$(printf 'OK\n"1"')"

# The script came by the ring, so that the loop is inside of our own turn.
(ring a --timeout 20000 eval 'while true do end' 0 >"$dir/script" 2>&1) &
sleep 0.6
same 'a long script by the ring: -BUSY for others' "$(echo 'get a' | verbs a | cut -c1-12)" '(error) BUSY'
same 'TCP as well' "$(tcp a get a | cut -c1-12)" '(error) BUSY'
"$B/tests/redis/hostile" "$shm/a" die busy 50 >/dev/null 2>&1
tcp a script kill >/dev/null
wait $!
has 'its client gets the error' "$(cat "$dir/script")" 'Script killed by user'
same 'then served again' "$(echo 'get a' | verbs a)" '"1"'

# Parts of a long request that came meanwhile are gone; the rest must not be taken for a
# request of its own. The value is made of requests: SET of key "evil".
perl -e 'print pack("S<S<L<", 0, 0, 4) . "evil" . "x" x 16 for 1 .. 200000' >"$dir/value"
(tcp a eval 'while true do end' 0 >/dev/null) &
sleep 0.5
("$B/cxl-cli" --region "$shm/a" --timeout 20000 --raw -x set long <"$dir/value" >"$dir/reply" 2>&1) &
client=$!
sleep 0.3
tcp a script kill >/dev/null
wait $client
has 'half a request that met BUSY' "$(cat "$dir/reply")" BUSY
same 'nothing of it was executed' "$(tcp_raw a exists evil long)" 0
same 'the client goes on' "$(ring a set k v)" OK

# Loading an AOF that is slowed down on purpose.
for i in 1 2 3 4 5 6 7 8 9 10; do tcp a debug populate 20000 "key$i" 100 >/dev/null; done
tcp a save >/dev/null
stop a
start_bare a --key-load-delay 40 --loading-process-events-interval-bytes 4096 --loadmodule "$B/cxlring.so" "$shm/a"
until_true sh -c "redis-cli -s '$dir/a.sock' ping | grep -q LOADING"
same 'loading' "$(printf 'get a\nset a 2\n' | verbs a | sort -u)" '(error) LOADING Redis is loading the dataset in memory'
redis-cli -s "$dir/a.sock" config set key-load-delay 0 >/dev/null
until_true answers a
same 'then served' "$(echo 'get a' | verbs a)" '"1"'

# A client that authenticates anew with a server that loads stays who it was: it went on as
# the default user once, who may read everything.
tcp a mset secret hidden bob:1 mine >/dev/null
tcp a save >/dev/null
stop a
start a --user bob on '>b' '~bob:*' +@all
mkfifo "$dir/asks"
timeout 120 "$B/tests/redis/patient" "$shm/a" bob b <"$dir/asks" >"$dir/told" 2>&1 &
client=$!
exec 9>"$dir/asks"
told() { until_true sh -c "[ \$(wc -l <'$dir/told') -ge $1 ]"; sed -n "$1p" "$dir/told"; }
echo 'get bob:1' >&9
same 'a user who may little' "$(told 1)" mine
echo 'get secret' >&9
has 'may not' "$(told 2)" NOPERM
stop a KILL
start_bare a --user bob on '>b' '~bob:*' +@all --key-load-delay 40 --loading-process-events-interval-bytes 4096 --loadmodule "$B/cxlring.so" "$shm/a"
until_true sh -c "redis-cli -s '$dir/a.sock' ping | grep -q LOADING"
printf 'get bob:1\nget bob:1\n' >&9 # the first may tell that the old server went
told 4 >/dev/null
redis-cli -s "$dir/a.sock" config set key-load-delay 0 >/dev/null
until_true answers a
echo 'get secret' >&9
has 'and may not after a restart that loads' "$(told 5)" NOPERM
echo 'get bob:1' >&9
same 'and is served' "$(told 6)" mine

# A long request that nobody took in time is on its way until there is room again; what
# comes after it waits for that.
kill -STOP "$(pid_of a)"
echo 'long bob:2' >&9
has 'nobody takes a long request' "$(told 7)" 'no answer within'
kill -CONT "$(pid_of a)"
echo 'get bob:1' >&9
same 'the next one waits for room' "$(told 8)" mine
kill $client # the server has the pipe open, too
exec 9>&-
wait $client 2>/dev/null || :
