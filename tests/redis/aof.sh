# SPDX-License-Identifier: BSD-3-Clause
# What was acknowledged is in the AOF, once: the server is killed in the middle of
# writes, and started again from its AOF.
family=aof
. tests/redis/lib.sh

for policy in always everysec; do
	for round in 1 2 3; do
		start a --appendonly yes --appendfsync $policy
		: >"$dir/acked1"; : >"$dir/acked2"
		awk 'BEGIN { for (i = 0; i < 400000; i++) { print "incrby n 1"; print "set k" i " v" i; if (i % 3 == 0) print "rpush l " i } }' >"$dir/c"
		sed 's/ n / m /; s/ k/ q/; s/ l / ll /' "$dir/c" >"$dir/c2"
		verbs a --acked "$dir/acked1" <"$dir/c" >"$dir/out1" &
		w1=$!
		verbs a --acked "$dir/acked2" <"$dir/c2" >"$dir/out2" &
		w2=$!
		sleep 0.$((3 + round))
		stop a KILL
		wait $w1; e1=$?
		wait $w2; e2=$?
		same "$policy $round: clients notice" "$e1 $e2" '3 3'
		start a --appendonly yes --appendfsync $policy
		bad=
		for x in "1 n k l" "2 m q ll"; do
			set -- $x
			incr=$(grep -c '^incrby' "$dir/acked$1")
			n=$(tcp_raw a get "$2")
			# the one that was in flight may have been executed or not
			[ "${n:-0}" -ge "$incr" ] && [ "${n:-0}" -le $((incr + 1)) ] || bad="$bad $2=$n of $incr"
			push=$(grep -c '^rpush' "$dir/acked$1")
			n=$(tcp_raw a llen "$4")
			[ "${n:-0}" -ge "$push" ] && [ "${n:-0}" -le $((push + 1)) ] || bad="$bad $4=$n of $push"
			missing=$(grep '^set' "$dir/acked$1" | tail -2000 | sed 's/^set/get/; s/ v.*//' |
				redis-cli -s "$dir/a.sock" --no-raw | grep -c nil)
			[ "$missing" = 0 ] || bad="$bad $missing of $3 missing"
		done
		total=$(cat "$dir/acked1" "$dir/acked2" | wc -l)
		[ "$total" -gt 100 ] || bad="$bad only $total commands"
		same "$policy $round: $total acknowledged writes are there once" "$bad" ''
		stop a KILL
		rm -rf "$dir/a.d"
	done
done

start a --appendonly yes --appendfsync always
awk 'BEGIN { for (i = 0; i < 500; i++) { print "incrby n 1"; print "set k" i % 9 " v" i " GET"; print "set p v PX 100000"; print "lpush l " i } }' | verbs a >/dev/null
wanted=$(tcp a debug digest)
tcp a debug loadaof >/dev/null
same 'DEBUG LOADAOF gives the same data' "$(tcp a debug digest)" "$wanted"
ring a bgrewriteaof >/dev/null
echo 'incrby n 1' | verbs a >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q 'aof_rewrite_in_progress:0'"
tcp a debug loadaof >/dev/null
same 'after BGREWRITEAOF by the ring, each once' "$(tcp_raw a get n)" 501

# The writes that are in one turn form one transaction.
tcp a config set appendonly no >/dev/null
rm -rf "$dir/a.d/appendonlydir"
tcp a config set appendonly yes >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q 'aof_rewrite_in_progress:0'"
"$B/tests/redis/hostile" "$shm/a" batch >"$dir/batch"
same 'a batch of 50 increments' "$(tcp_raw a get batch)" 50
n=$(cat "$dir"/a.d/appendonlydir/*.incr.aof | tr -d '\r' | grep -c '^MULTI$')
[ "$n" -ge 1 ] && [ "$n" -le 25 ] && ok "in few transactions" || not_ok "in $n transactions"
m=$(cat "$dir"/a.d/appendonlydir/*.incr.aof | tr -d '\r' | grep -ci '^incrby$')
same 'each in the AOF once' "$m" 50
