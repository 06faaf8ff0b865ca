# SPDX-License-Identifier: BSD-3-Clause
# Looking ahead for keys changes no answer: while dicts grow, move to larger tables, shrink,
# are swapped and flushed, in several databases, for one client and for many.
family=prefetch
. tests/redis/lib.sh
start a
start b
same 'it is possible with this Redis' "$(info a cxlring cxlring_prefetch)" 1
has 'and nothing in the log says otherwise' "$(grep -c 'not prefetched' "$dir/a.log")" 0

# Keys of all kinds of commands; each table is outgrown several times, and emptied.
awk 'BEGIN {
	srand(5)
	for (i = 0; i < 60000; i++) {
		if (i % 700 == 0) print "select " int(rand() * 3)
		k = int(rand() * (i < 30000 ? i + 10 : 60010 - i))
		o = int(rand() * 14)
		if (o < 4) print "set k" k " v" i
		else if (o < 7) print "get k" k
		else if (o == 7) print "set k" k " " i " EX 1000"
		else if (o == 8) print "incrby n" k % 9 " 1"
		else if (o == 9) print "hset h" k " f " i
		else if (o == 10) print "hget h" k " f"
		else if (o == 11) print "del k" k " h" k
		else if (o == 12) print "exists k" k " h" k
		else print "rpush l" k % 50 " x"
		if (i % 9973 == 9972) print "flushdb async"
		if (i % 8111 == 8110) print "swapdb 0 1"
	}
}' >"$dir/commands"
redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands" | grep -v '^OK$' | cksum >"$dir/wanted"
verbs a --pipelined <"$dir/commands" | grep -v '^OK$' | cksum >"$dir/got"
same 'one client, pipelined' "$(cat "$dir/got")" "$(cat "$dir/wanted")"
same 'the same data' "$(tcp a debug digest)" "$(tcp b debug digest)"

# Clients beside each other, each in keys of its own.
for i in 1 2 3 4 5 6; do
	sed "s/ \([a-z]\)\([0-9]\)/ \1$i:\2/g; /^flushdb/d; /^swapdb/d; s/^select.*/select $i/" "$dir/commands" |
		head -8000 >"$dir/commands$i"
	verbs a --pipelined <"$dir/commands$i" >"$dir/got$i" &
	eval "w$i=$!"
done
wait $w1 $w2 $w3 $w4 $w5 $w6
for i in 1 2 3 4 5 6; do
	redis-cli -s "$dir/b.sock" --no-raw <"$dir/commands$i" | grep -v '^OK$' | cksum >"$dir/wanted"
	same "six clients: $i" "$(grep -v '^OK$' "$dir/got$i" | cksum)" "$(cat "$dir/wanted")"
done
same 'the same data' "$(tcp a debug digest)" "$(tcp b debug digest)"

# Requests without a key, in rings that hold half a million: looking through all that wait,
# for each burst of them, took forty times as long as serving them.
start c --cxlring.channels 2 --cxlring.ring-size 16mb
pings() {
	tcp c config set cxlring.prefetch "$1" >/dev/null
	for k in 1 2 3; do
		timeout 60 "$B/cxl-bench" --region "$shm/c" --requests 200000 --threads 2 --depth 100000 --pipeline 50000 --tests ping 2>&1
	done | sed -n 's/^ping: \([0-9]*\) requests per second.*/\1/p' | sort -n | tail -1
}
with=$(pings yes) without=$(pings no)
[ "${with:-0}" -gt $((${without:-0} / 6)) ] && ok 'rings full of PINGs are not looked through' ||
	not_ok "PINGs: $with a second, and $without without looking ahead"
stop c

tcp a config set cxlring.prefetch no >/dev/null
same 'switched off' "$(info a cxlring cxlring_prefetch)" 0
same 'and it serves' "$(printf 'set x 1\nget x\n' | verbs a | tr '\n' ' ')" 'OK "1" '
