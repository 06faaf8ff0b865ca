# SPDX-License-Identifier: BSD-3-Clause
# The server changes its role, its data or its mind while ring clients write: what was
# acknowledged stays, what was refused is not there, nobody is left without an answer.
family=failover
. tests/redis/lib.sh
. tests/redis/lib_ledger.sh
port=$(free_port)
rport=$(free_port)
online() { [ "$(info r replication master_link_status)" = up ]; }
role() { [ "$(info "$1" replication role)" = "$2" ]; }
# go_on WHAT: from here on both writers are answered a hundred times more.
go_on() {
	_one=$(($(grep -c '^<' "$dir/ledger.one") + 100)) _two=$(($(grep -c '^<' "$dir/ledger.two") + 100))
	until_true acked one $_one && until_true acked two $_two && ok "$1: clients go on" || not_ok "$1: clients go on: $(tail -1 "$dir/ledger.one")"
}
books() { for t in one two; do same "$2, $t: what was acknowledged, and once" "$(account "$1" $t | head -5)" ''; done; }
begin() { writer "$1" one "$2"; one=$w; writer "$1" two "$2"; two=$w; until_true acked one 100; until_true acked two 100; }
end() { ended TERM $one; ended TERM $two; }
forget() { rm -f "$dir"/ledger.*; }
refused_with() { grep -h '^!' "$dir"/ledger.* | cut -d' ' -f4- | sed 's/^-//' | sort -u; }

# DEBUG RELOAD and LOADAOF, with the data as they are.
start m --port "$port" --appendonly yes --repl-diskless-sync-delay 0
begin m 1
for c in 'debug reload' 'debug loadaof' 'debug reload' 'bgrewriteaof'; do
	same "$c" "$(tcp m $c | grep -c 'OK\|started')" 1
	go_on "$c"
done
end
books m 'after reloading'
same 'nothing else was refused' "$(refused_with | grep -v '^LOADING ')" ''

# MODULE UNLOAD. What waits is answered, and was not done.
for i in 1 2 3 4 5 6 7 8; do
	[ $((i % 2)) = 1 ] && begin m $((i * 1000000))
	same "MODULE UNLOAD amid traffic, $i" "$(tcp m module unload cxlring)" OK
	same "MODULE LOAD, $i" "$(tcp m module load "$B/cxlring.so" "$shm/m")" OK
	go_on "unloaded, $i"
	[ $((i % 2)) = 1 ] || end
done
books m 'after unloading'
same 'nothing was refused for another reason' "$(refused_with | grep -v '^LOADING \|^ERR the ring is being unloaded, this was not executed$')" ''
tcp m client pause 100000 write >/dev/null
echo 'set held 1' | verbs m >"$dir/held" &
w=$!
until_true sh -c "redis-cli -s '$dir/m.sock' cxlring.clients | grep -q state=held"
same 'with a request that has to wait' "$(tcp m module unload cxlring)" OK
wait $w
same 'that one is told so' "$(cat "$dir/held")" '(error) ERR the ring is being unloaded, this was not executed'
tcp m client unpause >/dev/null
same 'and was not done' "$(tcp m exists held)" '(integer) 0'
tcp m module load "$B/cxlring.so" "$shm/m" >/dev/null
head -c 3000000 /dev/zero | redis-cli -s "$dir/m.sock" -x set big >/dev/null
# Stopped at some moment of its answer; a client that was through already is followed by another.
full() { tcp_raw m cxlring.clients | grep -q "pid=$w .*state=full"; }
caught() {
	"$B/cxl-cli" --region "$shm/m" get big >"$dir/big" 2>&1 &
	w=$!
	pids="$pids $w"
	k=0
	while [ $k -lt 50 ] && kill -STOP $w 2>/dev/null; do
		full && return
		kill -CONT $w
		sleep 0.00$((k % 7 + 1))
		k=$((k + 1))
	done
	return 1
}
i=0
until caught || [ $i -ge 100 ]; do i=$((i + 1)); done
if full; then
	has 'not while a client does not read' "$(tcp m module unload cxlring)" 'ERR Error unloading module'
	has 'the log says who' "$(tail -3 "$dir/m.log")" 'clients do not read their answers (CXLRING.KILL)'
	same 'others are served' "$(ring m ping)" PONG
	same 'it can be killed' "$(tcp m cxlring.kill pid $w)" '(integer) 1'
	same 'then it is unloaded' "$(tcp m module unload cxlring)" OK
	tcp m module load "$B/cxlring.so" "$shm/m" >/dev/null
else
	not_ok 'a client is caught in the middle of a long answer'
fi
ended KILL $w

# SHUTDOWN: with the AOF, with an RDB.
stop m
rm -rf "$dir/m.d"
forget
for how in 'appendonly yes' 'appendonly no'; do
	start m --port "$port" --$how --save ''
	begin m 1
	case $how in *yes) tcp m shutdown nosave >/dev/null ;; *) tcp m shutdown save >/dev/null ;; esac
	wait "$(pid_of m)"
	[ "$(ls "$shm" | grep -c 'm\..*bell')" = 0 ] && ok "SHUTDOWN, $how: an orderly end" || not_ok "SHUTDOWN, $how: $(ls "$shm")"
	start m --port "$port" --$how --save ''
	go_on "SHUTDOWN, $how"
	end
	books m "SHUTDOWN, $how"
	stop m
	rm -rf "$dir/m.d"
	forget
done

# FAILOVER to a replica: nothing that was acknowledged is lost, and the old master's ring
# refuses writes from then on.
start m --port "$port" --repl-diskless-sync-delay 0
start r --port "$rport" --replicaof "127.0.0.1 $port" --repl-diskless-sync-delay 0
until_true online || not_ok 'the replica comes online'
begin m 1
same FAILOVER "$(tcp m failover to 127.0.0.1 "$rport")" OK
until_true role m slave && role r master && ok 'the roles are changed' || not_ok "roles: $(info m replication role), $(info r replication role)"
until_true sh -c "tail -100 '$dir/ledger.one' | grep -q READONLY" && ok 'writes are refused: READONLY' || not_ok "$(tail -1 "$dir/ledger.one")"
n=$(grep -c '^<' "$dir/ledger.one")
sleep 0.3
same 'all of them' "$(grep -c '^<' "$dir/ledger.one")" "$n"
end
same 'by TCP the same' "$(tcp m set x y)" "$(ring m set x y)"
books r 'FAILOVER'
same 'none for another reason' "$(refused_with | grep -v '^READONLY ')" ''
begin r 5000000
books_of_new() { same 'the new master takes writes, the old one has them' "$(until_true sh -c "[ \$(redis-cli -s '$dir/m.sock' get n:one) = \$(redis-cli -s '$dir/r.sock' get n:one) ]" && echo equal)" equal; }
end
books_of_new
same 'both have the same' "$(tcp m debug digest)" "$(tcp r debug digest)"
forget

# REPLICAOF at a master in full swing: no write is acknowledged from then on.
begin r 9000000
same REPLICAOF "$(tcp r replicaof 127.0.0.1 1)" OK
sleep 0.2 # what was acknowledged before is noted
n=$(grep -c '^<' "$dir/ledger.one") d=$(tcp r debug digest)
until_true sh -c "tail -100 '$dir/ledger.one' | grep -q READONLY" && ok 'writes are refused' || not_ok "$(tail -1 "$dir/ledger.one")"
sleep 0.3
same 'at once and all of them' "$(grep -c '^<' "$dir/ledger.one") $(tcp r debug digest)" "$n $d"
tcp r replicaof no one >/dev/null
go_on 'REPLICAOF NO ONE'
end
forget

# Whole databases change under the clients' hands.
tcp m replicaof 127.0.0.1 "$rport" >/dev/null
until_true sh -c "redis-cli -s '$dir/m.sock' info replication | grep -q master_link_status:up"
begin r 20000000
for c in 'flushall async' 'swapdb 0 1' 'flushdb async' 'swapdb 0 1' 'flushall sync' 'swapdb 0 3'; do
	same "$c" "$(tcp r $c)" OK
	go_on "$c"
done
end
until_true sh -c "[ \$(redis-cli -s '$dir/m.sock' get n:one) = \$(redis-cli -s '$dir/r.sock' get n:one) ]"
until_true sh -c "[ \"\$(redis-cli -s '$dir/m.sock' debug digest)\" = \"\$(redis-cli -s '$dir/r.sock' debug digest)\" ]"
same 'the replica has the same' "$(tcp m debug digest)" "$(tcp r debug digest)"
same 'no client had trouble' "$(grep -v 'server went away\|no server came' "$dir/writers" | head -3)" ''
