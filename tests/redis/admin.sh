# SPDX-License-Identifier: BSD-3-Clause
# What an administrator sees of ring clients and does to them: CXLRING.CLIENTS, KILL, STATS,
# SLOWLOG, LATENCY.
family=admin
. tests/redis/lib.sh
start a --latency-monitor-threshold 0
clients() { tcp_raw a cxlring.clients; }
# field LINE NAME
field() { echo "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p;s/^$2=\([^ ]*\).*/\1/p" | head -1; }

# session NAME: a client that answers what is written to descriptor 3; its output is $dir/NAME.
session() {
	mkfifo "$dir/$1.in"
	"$B/tests/redis/verbs" "$shm/a" <"$dir/$1.in" >"$dir/$1" 2>&1 3>&- 4>&- &
	eval "pid_$1=$!"
	pids="$pids $!"
}
says() { until_true grep -q "$2" "$dir/$1"; }
open_channels() { [ "$(info a cxlring cxlring_channels_open)" = "$1" ]; }

same 'nobody is connected' "$(clients)" ''
session one
exec 3>"$dir/one.in"
printf 'set k v\nget k\nincrby n 7\n' >&3
says one '(integer) 7' || not_ok "$(cat "$dir/one")"
line=$(clients)
same 'a line for each' "$(echo "$line" | grep -c .)" 1
same 'whose it is' "$(field "$line" pid) $(field "$line" host) $(field "$line" user) $(field "$line" db)" "$pid_one local default 0"
has 'its label' "$line" "label=\"verbs $pid_one\""
same 'what it did' "$(field "$line" cmds) $(field "$line" cmd) $(field "$line" state) $(field "$line" held) $(field "$line" client)" '3 incrby idle 0 0'
id=$(field "$line" id)
session two
exec 4>"$dir/two.in"
echo 'auth default x' >&4
tcp a acl setuser bob on '>secret' '~*' '+@all' >/dev/null
echo 'auth bob secret' >&4
says two OK
two=$(clients | grep "pid=$pid_two ")
same 'another one, of another user' "$(field "$two" user) $(field "$two" cmd)" 'bob auth'
[ "$(field "$two" id)" -gt "$id" ] && ok 'ids count up' || not_ok "ids: $id, then $(field "$two" id)"
sleep 1.1
line=$(clients | grep "id=$id ")
[ "$(field "$line" age)" -ge 1 ] && [ "$(field "$line" idle)" -ge 1 ] && ok 'age and idle time' || not_ok "$line"
tcp a client pause 60000 write >/dev/null
echo 'set k held' >&3
until_true sh -c "redis-cli -s '$dir/a.sock' cxlring.clients | grep -q state=held"
line=$(clients | grep "id=$id ")
same 'a request that has to wait' "$(field "$line" state)" held
[ "$(field "$line" held)" -gt 0 ] && ok 'and how often it did' || not_ok "$line"
tcp a client unpause >/dev/null

# A stream is one of Redis's clients as well.
"$B/cxl-proxy" --region "$shm/a" --unix "$dir/proxy" 2>"$dir/proxy.err" 3>&- 4>&- &
pids="$pids $!"
until_true test -S "$dir/proxy"
mkfifo "$dir/s.in"
redis-cli -s "$dir/proxy" <"$dir/s.in" >"$dir/stream" 2>&1 3>&- 4>&- &
stream=$!
pids="$pids $stream"
exec 5>"$dir/s.in"
echo 'client id' >&5
says stream '^[0-9]' || not_ok 'a stream'
line=$(clients | grep state=stream)
same 'a stream with its client id' "$(field "$line" client)" "$(head -1 "$dir/stream")"
same 'the same asked by the stream' "$(echo 'cxlring.clients' >&5; until_true grep -q state=stream "$dir/stream"; field "$(grep state=stream "$dir/stream")" client)" "$(head -1 "$dir/stream")"
same 'and by CALL: who asks is there as well' "$(ring_raw a cxlring.clients | grep -c 'state=running')" 1

# KILL. It frees what it holds; a client that waits hears of it, and its channel is free.
same 'KILL of nobody' "$(tcp a cxlring.kill id 99999)" '(integer) 0'
tcp a client pause 60000 write >/dev/null
echo 'set k 3' >&3
until_true sh -c "redis-cli -s '$dir/a.sock' cxlring.clients | grep -q state=held"
same 'KILL ID' "$(tcp a cxlring.kill id "$id")" '(integer) 1'
says one 'CXLRING.KILL' || not_ok "the client is told: $(cat "$dir/one")"
has 'the client is told' "$(cat "$dir/one")" 'the server closed this connection: CXLRING.KILL; whether it executed the 1 requests that it did not answer is unknown'
tcp a client unpause >/dev/null
exec 3>&-
wait "$pid_one"
same 'what waited was not done' "$(tcp a get k)" '"held"'
same 'KILL PID' "$(tcp a cxlring.kill pid "$pid_two")" '(integer) 1'
same 'its session is gone at once' "$(clients | grep -c "pid=$pid_two ")" 0
echo 'get k' >&4
says two '"held"' && ok 'an idle client goes on: it connects anew' || not_ok "$(cat "$dir/two")"
same 'as the default user: what AUTH said was of the connection' "$(field "$(clients | grep "pid=$pid_two ")" user)" default
same 'KILL LABEL' "$(tcp a cxlring.kill label "verbs $pid_two")" '(integer) 1'
same 'KILL of a stream' "$(tcp a cxlring.kill id "$(field "$(clients | grep state=stream)" id)")" '(integer) 1'
until_true sh -c "! redis-cli -s '$dir/a.sock' client list | grep -q '^id=$(head -1 "$dir/stream") '" && ok 'Redis has no such client any more' || not_ok 'the stream lives on'
exec 5>&-
wait $stream
exec 4>&-
wait "$pid_two"
until_true open_channels 0 && ok 'every channel came back' || not_ok "channels: $(clients)"

# Many at work are killed again and again: the server takes it, and nobody gets another's answer.
"$B/cxl-bench" --region "$shm/a" --tests get --requests 100000000 --keys 1000 --threads 4 --pipeline 32 >"$dir/bench" 2>&1 &
bench=$!
pids="$pids $bench"
busy() { [ "$(clients | sed -n 's/.* cmds=\([0-9]*\) cmd=get .*/\1/p' | awk '$1 > 20000' | wc -l)" = 4 ]; }
until_true busy || not_ok 'four threads at work'
ids() { clients | sed -n 's/^id=\([0-9]*\) .*/\1/p'; }
ids >"$dir/ids"
same 'KILL ALL' "$(tcp a cxlring.kill all)" '(integer) 4'
# One that had been answered everything goes on with a new session; nobody with the old one.
same 'none of them is there any more' "$(ids | grep -cxFf "$dir/ids")" 0
kill -INT $bench 2>/dev/null
wait $bench 2>/dev/null
until_true open_channels 0 && ok 'their channels are free' || not_ok "$(clients)"
same 'a client does not kill itself with the others' "$(ring a cxlring.kill all)" '(integer) 0'
same 'but by its own id, having been answered' "$(printf 'cxlring.clients\n' | ring_raw a >"$dir/me"; echo 'eval "return 1" 0' | ring a)" '(integer) 1'
i=0
while [ $i -lt 30 ]; do
	echo "cxlring.kill id $(($(field "$(ring_raw a cxlring.clients)" id) + 1))" | ring a
	i=$((i + 1))
done >"$dir/suicides"
same 'thirty times' "$(sort "$dir/suicides" | uniq -c | tr -s ' ')" ' 30 (integer) 1'
# Amid its own script; it hears of it afterwards.
killed=$(info a cxlring cxlring_killed_channels)
tcp a config set busy-reply-threshold 50 >/dev/null
(echo 'eval "while true do end" 0' | ring a --timeout 20000 >"$dir/script" 2>&1) &
script=$!
until_true sh -c "redis-cli -s '$dir/a.sock' get k | grep -q BUSY"
same 'KILL ALL amid a script of the ring' "$(tcp a cxlring.kill all)" '(integer) 1'
tcp a script kill >/dev/null
wait $script
until_true sh -c "redis-cli -s '$dir/a.sock' ping | grep -q PONG"
same 'its client is ended when the script has been' "$(info a cxlring cxlring_killed_channels)" $((killed + 1))
for c in 'kill' 'kill id' 'kill id x' 'kill id 0' 'kill nobody 1' 'stats x' 'clients x' 'slowlog' 'slowlog get x' 'slowlog x'; do
	has "cxlring.$c" "$(tcp a cxlring.$c)" '(error) ERR'
done
killed=$(info a cxlring cxlring_killed_channels)
same 'INFO counts each that was killed' "$killed" 39

# STATS: what INFO says, as a map.
printf 'get k\nhlen k\n' | verbs a >/dev/null
tcp a enc.add sum text text >/dev/null # an error, and counted
tcp_raw a cxlring.stats | paste - - | tr '\t' ':' | sed 's/^/cxlring_/' >"$dir/stats"
tcp_raw a info cxlring | tr -d '\r' | grep '^cxlring_[a-z_]*:[0-9]*$' | grep -v '^cxlring_zone:' >"$dir/info"
# The loop goes on counting turns and sleeps between the two.
moving='cxlring_\(hot\|turns\|sleeps\|wakeups\):'
same 'STATS are those of INFO' "$(grep -v "$moving" "$dir/stats")" "$(grep -v "$moving" "$dir/info")"
same 'none is missing' "$(cut -d: -f1 "$dir/stats")" "$(cut -d: -f1 "$dir/info")"
has 'those of ENC are among them' "$(cat "$dir/stats")" cxlring_enc_errors:1
has 'and those of the fast commands' "$(cat "$dir/stats")" cxlring_fast_hlen:
has 'a map in RESP3' "$(redis-cli -3 -s "$dir/a.sock" --no-raw cxlring.stats | head -1)" '1# "region_bytes" => (integer)'
same 'RESET' "$(tcp a cxlring.stats reset)" OK
same 'counts all anew' "$(tcp_raw a cxlring.stats | paste - - | grep -v '^\(region_bytes\|channels\|ring_bytes\|hot\|prefetch\|turns\|sleeps\|wakeups\)	' | grep -v '	0$')" ''
echo 'hlen k' | verbs a >/dev/null
same 'from there on' "$(info a cxlring cxlring_requests) $(info a cxlring cxlring_fast_hlen)" '1 1'

# ACL: they are dangerous.
tcp a acl setuser carol on nopass '~*' '&*' +@all -@dangerous >/dev/null
for c in clients 'kill all' stats 'slowlog len'; do
	has "without @dangerous: $c" "$(redis-cli -s "$dir/a.sock" --user carol --pass x --no-auth-warning cxlring.$c 2>&1)" NOPERM
done

for c in clients 'kill all' stats 'slowlog len'; do
	has "without @dangerous, over the ring: $c" "$("$B/cxl-cli" --region "$shm/a" --user carol --pass x cxlring.$c 2>&1)" NOPERM
done
tcp a acl setuser erin on nopass '~*' +@all -cxlring.kill >/dev/null
has 'without the command itself' "$(redis-cli -s "$dir/a.sock" --user erin --pass x --no-auth-warning cxlring.kill all 2>&1)" NOPERM
has 'the others are allowed' "$(redis-cli -s "$dir/a.sock" --user erin --pass x --no-auth-warning --raw cxlring.stats 2>&1)" region_bytes
has 'over the ring as well' "$("$B/cxl-cli" --region "$shm/a" --user erin --pass x --raw cxlring.stats 2>&1)" region_bytes
has 'not from scripts' "$(tcp a eval 'return redis.call("cxlring.kill", "all")' 0)" 'not allowed from script'

# SLOWLOG.
slow() { tcp_raw a cxlring.slowlog "$@"; }
tcp a config set slowlog-log-slower-than 60000000 >/dev/null
tcp a cxlring.slowlog reset >/dev/null
echo 'get k' | verbs a >/dev/null
same 'nothing is slow' "$(slow len)" 0
tcp a config set slowlog-log-slower-than 0 slowlog-max-len 5 >/dev/null
ring a hset h field value >/dev/null
has 'a command' "$(tcp a cxlring.slowlog get 1 | tr -s ' \n' ' ')" '4) 1) "hset" 2) "h" 3) "field" 4) "value" 5) "id='
has 'its client' "$(slow get 1)" 'cxl-cli'
tcp a slowlog reset >/dev/null
tcp a set long "$(printf %0500d 1)" >/dev/null
tcp a cxlring.slowlog reset >/dev/null
printf 'get long\nexists k none\nincrby n 3\ndel k\nauth bob secret\n' | verbs a >/dev/null
slow get >"$dir/slow"
same 'each verb' "$(slow len) $(grep -x -A2 'get\|exists\|incrby\|del\|auth' "$dir/slow" | grep -vx -e -- | tr '\n' ' ' | sed 's/id=[^ ]* pid=[^ ]* //g; s/verbs [0-9]* //g')" \
	'5 auth (redacted) del k incrby n 3 exists k none get long '
ring a config set requirepass '' >/dev/null
ring a acl setuser dave '>password' >/dev/null
ring a auth password is refused >/dev/null
slow get >"$dir/slow"
same 'no passwords' "$(grep -c 'password\|requirepass' "$dir/slow") $(grep -c redacted "$dir/slow")" '0 4'
same 'at most slowlog-max-len' "$(slow len)" 5
same 'as many as asked for' "$(tcp a cxlring.slowlog get 2 | grep -c '^[0-9])')" 2
ring a set "$(printf %0200d 1)" x EX 100 >/dev/null
has 'long arguments are cut' "$(slow get 1)" '... (72 more bytes)'
# shellcheck disable=SC2046
ring a del $(seq 100) >/dev/null
has 'many as well' "$(slow get 1)" '... (70 more arguments)'
printf 'multi\nconfig set slowlog-log-slower-than -1\nexec\n' | redis-cli -s "$dir/a.sock" >/dev/null
tcp a cxlring.slowlog reset >/dev/null
ring a hset h field value >/dev/null
same 'turned off' "$(slow len)" 0

# LATENCY, and SLOWLOG of Redis beside ours.
tcp a config set slowlog-log-slower-than 20000 latency-monitor-threshold 20 >/dev/null
tcp a slowlog reset >/dev/null
ring a eval 'local t = redis.call("time") local s = t[1] * 1000000 + t[2] repeat t = redis.call("time") until t[1] * 1000000 + t[2] - s > 30000 return 1' 0 >/dev/null
same 'a slow script is in both logs' "$(slow len) $(tcp_raw a slowlog get 1 | grep -c '^eval$')" '1 1'
has 'LATENCY: the command' "$(tcp_raw a latency latest)" cxlring-command
has 'LATENCY: the turn' "$(tcp_raw a latency latest)" cxlring-turn
same 'how long' "$(tcp_raw a latency history cxlring-command | awk 'NR % 2 == 0 && $1 >= 30' | wc -l)" 1
tcp a config set latency-monitor-threshold 0 >/dev/null
tcp a latency reset >/dev/null
ring a eval 'local t = redis.call("time") local s = t[1] * 1000000 + t[2] repeat t = redis.call("time") until t[1] * 1000000 + t[2] - s > 30000 return 1' 0 >/dev/null
same 'no events without a threshold' "$(tcp_raw a latency latest)" ''
