# SPDX-License-Identifier: BSD-3-Clause
# Exactly once, with AOF and a replica: the master is killed again and again while clients
# write, and so are clients. What was acknowledged is there, what was refused is not, and
# nothing is there twice: in the master, in a server that loads its AOF, in the replica,
# and as far as it came in a replica that is promoted.
family=exact
. tests/redis/lib.sh
. tests/redis/lib_ledger.sh
port=$(free_port)
master() { start a --port "$port" --appendonly yes --appendfsync always --repl-diskless-sync-delay 0; }
online() { [ "$(info r replication master_link_status)" = up ]; }

master
start r --replicaof "127.0.0.1 $port"
until_true online || not_ok 'the replica comes online'
writer a one 1; one=$w
writer a two 1; two=$w
for round in 1 2 3 4; do
	writer a "new$round" 1
	until_true acked "new$round" 30 || not_ok "round $round: new clients are served"
	sleep 0.$((2 + round))
	[ $round != 2 ] || ended KILL "$w" # one dies before the server
	stop a KILL
	[ $round != 3 ] || ended KILL "$w" # and one while there is none
	master
	[ $round = 2 ] || [ $round = 3 ] || eval "stays$round=$w"
	# the next goes on where it was killed
	[ $round != 3 ] || { writer a new3 1000000; stays3=$w; until_true acked new3 200 || not_ok 'a client goes on'; }
done
sleep 0.3
for w in $one $two $stays1 $stays3 $stays4; do ended TERM "$w"; done
same 'clients had no trouble but the deaths' "$(cat "$dir/writers")" ''

for t in one two new1 new2 new3 new4; do
	n=$(grep -c '^<' "$dir/ledger.$t")
	same "$t: $n acknowledged, $(($(grep -c '^>' "$dir/ledger.$t") - n - $(grep -c '^!' "$dir/ledger.$t"))) unknown: each once" "$(account a $t | head -5)" ''
done
wanted=$(tcp a debug digest)
mkdir "$dir/c.d"
cp -r "$dir/a.d/appendonlydir" "$dir/c.d/"
start c --appendonly yes
until_true sh -c "redis-cli -s '$dir/c.sock' info persistence | grep -q '^loading:0'"
same 'its AOF in another server gives the same' "$(tcp c debug digest)" "$wanted"
stop c
until_true caught_up a r
same 'the replica has the same' "$(tcp r debug digest)" "$wanted"

# The master dies for good, amid writes.
writer a last1 1; w1=$w
writer a last2 1; w2=$w
until_true acked last1 300
until_true acked last2 300
stop a KILL
ended KILL $w1
ended KILL $w2
wanted=$(tcp r debug digest)
same 'the replica is promoted' "$(tcp r replicaof no one)" OK
same 'and has what was replicated' "$(tcp r debug digest)" "$wanted"
for t in last1 last2; do same "promoted, $t: as far as it came, each once" "$(account r $t lag | head -5)" ''; done
for t in one new3; do same "promoted, $t: all of it" "$(account r $t | head -5)" ''; done
writer r after 1
until_true acked after 200 && ok 'promoted: writes are taken' || not_ok 'promoted: writes are not taken'
ended TERM "$w"
same 'promoted: none is refused' "$(grep -c '^!' "$dir/ledger.after") refused, $(account r after | head -5)" '0 refused, '
