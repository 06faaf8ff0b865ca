# SPDX-License-Identifier: BSD-3-Clause
# Load, settings, a second server, restart, unload; idle cost; TCP beside a busy ring.
family=life
. tests/redis/lib.sh
start a
has 'the log names region, channels, bytes' "$(grep serving "$dir/a.log")" "region $shm/a (new): 16 channels"
same 'mode of the region' "$(stat -c %a "$shm/a")" 600
same 'the bell is for whom the region is for' "$(stat -c '%a %g' "$shm"/a.*.bell)" "$(stat -c '%a %g' "$shm/a")"
same 'the door is nobody else'"'"'s' "$(stat -c %a "$shm"/a.*.door)" 600
"$B/hedbctl" region format "$shm/shared" >/dev/null
group=$(id -G | tr ' ' '\n' | tail -1)
[ "$(id -u)" != 0 ] || group=65534 # root may give to any; it has no other one here
chgrp "$group" "$shm/shared" && chmod 660 "$shm/shared"
start shared
same 'of another group, too' "$(stat -c '%a %g' "$shm"/shared.*.bell)" "660 $group"
stop shared
rm -f "$shm/shared"
has 'INFO cxlring' "$(tcp_raw a info cxlring)" 'cxlring_channels:16'
has 'CONFIG GET' "$(tcp_raw a config get 'cxlring.*')" cxlring.budget-us
same 'CONFIG SET' "$(tcp a config set cxlring.budget-us 50 cxlring.spin-us 20)" OK
has 'what is fixed is fixed' "$(tcp a config set cxlring.path /x)" "can't set immutable config"
same 'works with the new budget' "$(printf 'set a 1\nget a\n' | verbs a)" "$(printf 'OK\n"1"')"

# Idle: a connected client that asks nothing.
(echo 'get a'; sleep 2; echo 'get a') | verbs a >"$dir/idle" &
sleep 0.4
c0=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat"); s0=$(awk '/^voluntary/ { print $2 }' "/proc/$(pid_of a)/status")
sleep 1.4
c1=$(awk '{ print $14 + $15 }' "/proc/$(pid_of a)/stat"); s1=$(awk '/^voluntary/ { print $2 }' "/proc/$(pid_of a)/status")
wait $!
[ $((c1 - c0)) -le 3 ] && ok "idle: $((c1 - c0)) of 140 ticks, $((s1 - s0)) wake-ups" || not_ok "idle: $((c1 - c0)) of 140 ticks"
same 'and wakes' "$(cat "$dir/idle")" "$(printf '"1"\n"1"')"

start_bare second --loadmodule "$B/cxlring.so" "$shm/a"
wait "$(pid_of second)"
has 'a second server on the region is refused' "$(cat "$dir/second.log")" "\"kv\" is served by pid $(pid_of a) already; stop it first"
same 'the first does not notice' "$(echo 'get a' | verbs a)" '"1"'

# Restart: a connected client goes on; a write in flight is not sent twice.
(echo 'set k 1'; sleep 0.6; echo 'get k'; echo 'set k 2'; echo 'get k') | verbs a >"$dir/restart" &
w=$!
sleep 0.3
stop a KILL
start a
wait $w
same 'the client goes on with the new server' "$(cat "$dir/restart")" "$(printf 'OK\n(nil)\nOK\n"2"')"
[ "$(ls "$shm"/a.*.bell | wc -l)" = 1 ] && ok 'the old bell was swept' || not_ok "$(ls "$shm")"

(echo 'get a'; sleep 1) | verbs a >/dev/null &
sleep 0.2
same 'MODULE UNLOAD' "$(tcp a module unload cxlring)" OK
same 'nothing is left' "$(ls "$shm")" a
has 'clients are told' "$(echo 'get a' | verbs a)" 'no live server for "kv"'
wait $!
same 'MODULE LOAD' "$(tcp a module load "$B/cxlring.so" "$shm/a")" OK
same 'works again' "$(printf 'set a 3\nget a\n' | verbs a)" "$(printf 'OK\n"3"')"
i=0
while [ $i -lt 10 ]; do
	tcp a module unload cxlring >/dev/null
	tcp a module loadex "$B/cxlring.so" CONFIG cxlring.path "$shm/a" >/dev/null
	i=$((i + 1))
done
same 'ten times more' "$(echo 'get a' | verbs a)" '"3"'
n=$(ls "/proc/$(pid_of a)/fd" | wc -l)
tcp a module unload cxlring >/dev/null
tcp a module load "$B/cxlring.so" "$shm/a" >/dev/null
same 'no descriptor is lost' "$(ls "/proc/$(pid_of a)/fd" | wc -l)" "$n"

# The lease is taken away: another server's token stands there.
printf '\377' | dd of="$shm/a" bs=1 seek=4160 conv=notrunc 2>/dev/null
until_true grep -q 'the lease on "kv" was taken away' "$dir/a.log"
has 'without its lease: INFO' "$(tcp_raw a info cxlring)" 'cxlring_channels_open:0'
same 'CLIENTS, KILL, SLOWLOG' "$(tcp a cxlring.clients) $(tcp a cxlring.kill all) $(tcp a cxlring.slowlog len)" '"" (integer) 0 (integer) 0'
same 'MODULE UNLOAD' "$(tcp a module unload cxlring)" OK
has 'the server lives' "$(tcp a ping)" PONG
stop a
start a
stop a
same 'an orderly end removes the bell' "$(ls "$shm")" a

# Regions by environment, by arguments, and wrong ones.
CXL_RING_PATH=$shm/env CXL_RING_MAP_SIZE=16M CXL_RING_COUNT=4 start_bare env --loadmodule "$B/cxlring.so"
until_true answers env
has 'region by environment' "$(tcp_raw env info cxlring)" 'cxlring_channels:4'
same 'its size' "$(stat -c %s "$shm/env")" $((16 << 20))
same 'and it works' "$(ring env ping)" PONG
stop env
start_bare arg --loadmodule "$B/cxlring.so" "$shm/arg" channels 2 ring-size 8K
until_true answers arg
has 'region by arguments' "$(tcp_raw arg info cxlring | tr -d '\r' | grep -E 'channels:|ring_bytes' | tr '\n' ' ')" 'cxlring_channels:2 cxlring_ring_bytes:8192'
(sleep 1 | verbs arg) & (sleep 1 | verbs arg) &
sleep 0.3
has 'more clients than channels' "$(echo ping | verbs arg)" 'all 2 channels'
wait $!
stop arg
CXL_SHM_DELAY_NS=2000 start_bare delay --loadmodule "$B/cxlring.so" "$shm/delay" --cxlring.spin-us 0
until_true answers delay
same 'with injected delay and no spinning' "$(CXL_SHM_DELAY_NS=2000 ring delay ping)" PONG
stop delay

refused() {
	what=$1 want=$2
	shift 2
	: >"$dir/bad.log"
	start_bare bad "$@"
	wait "$(pid_of bad)"
	has "$what" "$(cat "$dir/bad.log")" "$want"
}
refused 'no path' 'no region: give a path' --loadmodule "$B/cxlring.so"
refused 'unknown argument' 'unknown argument "colour"' --loadmodule "$B/cxlring.so" "$shm/x" colour red
refused 'not a number' 'map-size: "much" is not a number from 0 to' --loadmodule "$B/cxlring.so" "$shm/x" map-size much
refused 'a number beyond 32 bits' 'channels: "4294967298" is not a number from 0 to 65535' --loadmodule "$B/cxlring.so" "$shm/x" channels 4294967298
export CXL_RING_SIZE=2G
refused 'a variable that is too large' 'CXL_RING_SIZE: "2G" is not a number from 0 to 1073741824' --loadmodule "$B/cxlring.so" "$shm/x"
unset CXL_RING_SIZE
head -c 65536 /dev/urandom >"$shm/noise"
refused 'not a region' 'no region there' --loadmodule "$B/cxlring.so" "$shm/noise"
refused 'no such folder' 'not loaded' --loadmodule "$B/cxlring.so" "$shm/none/x"
refused 'too small' 'bytes needed' --loadmodule "$B/cxlring.so" "$shm/y" map-size 64K
