# SPDX-License-Identifier: BSD-3-Clause
# Exactly once, round after round: ring and TCP writers with ledgers, a server with
# appendfsync always, a replica; at random moments one of them is killed or stopped for a
# while. After each round every acknowledged write is there, none twice, none that was
# refused, and the replica has the same.
#
#   SOAK_ROUNDS=N, SOAK_SECONDS=N   whichever comes first; 8 rounds
#   SEED=N                          of what happens; when is up to the machine
family=soak
. tests/redis/lib.sh
. tests/redis/lib_ledger.sh
rounds=${SOAK_ROUNDS:-8} seed=${SEED:-1}
[ -z "${SOAK_SECONDS:-}" ] || rounds=1000000
end=$(($(date +%s) + ${SOAK_SECONDS:-1000000}))
port=$(free_port)

server() { start a --port "$port" --appendonly yes --appendfsync always --repl-diskless-sync-delay 0 --repl-backlog-size 16mb; }
replica() { start r --replicaof "127.0.0.1 $port"; }

# The next of the seed's numbers, below N, into $n.
random() {
	seed=$(((seed * 1103515245 + 12345) & 2147483647))
	n=$((seed / 65536 % $1))
}
pause() { random 400; sleep "0.$(printf %03d "$n")"; }

# A writer of a kind, with a tag of its own; $writers has "pid tag" of those that live.
writers= tags= born=0
new_writer() {
	born=$((born + 1))
	case $1 in
	ring) writer a "w$born" $((born * 7)) ;;
	tcp) tcp_writer a "t$born" $((born * 7)) ;;
	esac
	eval "w_$born=$w kind_$born=$1"
	writers="$writers $born"
	[ "$1" = ring ] && tags="$tags w$born" || tags="$tags t$born"
}
drop_writer() { # its number, the signal
	eval "_w=\$w_$1"
	ended "$2" "$_w"
	writers=$(echo " $writers " | sed "s/ $1 / /")
}
any_writer() {
	set -- $writers
	random $#
	shift "$n"
	one=$1
}
stopped_for_a_while() { kill -STOP "$1"; pause; kill -CONT "$1"; }

killed_server=0 killed_client=0 killed_replica=0 stopped=0
event() {
	random 11
	case $n in
	0 | 1 | 2) # the server, and sometimes a client with it, or while there is none
		stop a KILL
		random 4
		[ "$n" != 0 ] || { any_writer; drop_writer "$one" KILL; eval "new_writer \$kind_$one"; }
		[ "$n" != 1 ] || pause
		server
		killed_server=$((killed_server + 1)) ;;
	3 | 4 | 5) # a client, and another one comes
		any_writer
		drop_writer "$one" KILL
		eval "new_writer \$kind_$one"
		killed_client=$((killed_client + 1)) ;;
	6 | 7)
		stop r KILL
		pause
		replica
		killed_replica=$((killed_replica + 1)) ;;
	8)
		any_writer
		eval "stopped_for_a_while \$w_$one"
		stopped=$((stopped + 1)) ;;
	9)
		random 2
		[ "$n" = 0 ] && stopped_for_a_while "$(pid_of a)" || stopped_for_a_while "$(pid_of r)"
		stopped=$((stopped + 1)) ;;
	10) # what comes next may come while the AOF is begun anew
		tcp a bgrewriteaof >/dev/null ;;
	esac
}

# What is wrong after a round, if anything.
wrong() {
	for t in $tags; do account a $t | sed "s/^/$t: /" | head -5; done
	until_true caught_up a r || echo 'the replica does not catch up'
	[ "$(tcp r debug digest)" = "$(tcp a debug digest)" ] || echo 'the replica has other data'
	cat "$dir/writers"
	[ "$(info a cxlring cxlring_refused_channels)" = 0 ] || echo 'a channel was refused'
	grep -h 'crashed by signal\|ASSERTION\|Bad file format' "$dir/a.log" "$dir/r.log"
}

server
replica
: >"$dir/writers"
round=0 acknowledged=0 unknown=0 bad=0
while [ $round -lt "$rounds" ] && [ "$(date +%s)" -lt "$end" ] && [ $bad -lt 5 ]; do
	round=$((round + 1))
	first_seed=$seed
	until_true answers a
	new_writer ring
	new_writer ring
	new_writer ring
	new_writer tcp
	random 3
	for i in $(seq $((n + 1))); do
		pause
		event
	done
	pause
	for i in $writers; do drop_writer $i TERM; done
	until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q '^loading:0'"
	wrong >"$dir/wrong" 2>&1
	set -- $(cat "$dir"/ledger.* | awk '{ c[$1]++ } END { print c["<"] + 0, c[">"] - c["<"] - c["!"] }')
	acknowledged=$((acknowledged + $1)) unknown=$((unknown + $2))
	if [ -s "$dir/wrong" ]; then
		bad=$((bad + 1))
		not_ok "round $round (SEED=$first_seed)"
		head -10 "$dir/wrong" | cut -c1-200 | sed 's/^/# /'
	fi
	[ $((round % 50)) != 0 ] || echo "# round $round: $acknowledged acknowledged, $bad bad"
	rm -f "$dir"/ledger.*
	tags= writers=
	tcp a flushall >/dev/null
	: >"$dir/writers"
	# The server loads what all rounds have written each time; begin the file anew.
	[ $((round % 20)) != 0 ] || tcp a bgrewriteaof >/dev/null
done
same "$round rounds: $acknowledged acknowledged, $unknown unknown; killed: $killed_server times the server, $killed_client a client, $killed_replica the replica; stopped $stopped: bad" "$bad" 0
