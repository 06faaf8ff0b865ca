# SPDX-License-Identifier: BSD-3-Clause
# Writes reach replicas exactly once, grouped by turns; a replica takes none.
family=replication
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port"
start r --replicaof "127.0.0.1 $port"
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'state=online'" ||
	not_ok 'the replica comes online'

equal() {
	until_true caught_up a r
	same "$1" "$(tcp r debug digest)" "$(tcp a debug digest)"
}

awk 'BEGIN { for (i = 0; i < 3000; i++) { print "incrby n 1"; print "set k" i % 50 " v" i; print "rpush l " i; if (i % 7 == 0) print "del k" i % 50; if (i % 11 == 0) print "set e" i % 5 " x EX 1000" } }' >"$dir/c1"
sed 's/incrby n/incrby m/; s/ k/ kk/' "$dir/c1" >"$dir/c2"
verbs a <"$dir/c1" >/dev/null &
w=$!
verbs a <"$dir/c2" >/dev/null &
wait $w $!
until_true sh -c "[ \"\$(redis-cli -s '$dir/a.sock' get m)\" = 3000 ]"
same 'each increment once' "$(tcp_raw a mget n m | tr '\n' ' ')" '3000 3000 '
same 'each push once' "$(tcp_raw a llen l)" 6000
equal 'the replica has the same data'
same 'and the same expiries' "$(tcp r pexpiretime e0)" "$(tcp a pexpiretime e0)"

# A fast SET in place is replicated with the value that was stored.
echo 'set inplace 12345' | verbs a >/dev/null
echo 'set inplace ab' | verbs a >/dev/null
until_true caught_up a r
same 'SET in place' "$(tcp r get inplace)" '"ab"'

"$B/cxl-bench" --region "$shm/a" --tests set,mixed,incr --requests 20000 --keys 3000 --pipeline 64 --max-inflight 256 --threads 3 --value-size 20 >"$dir/bench" 2>&1
same 'batches of SET' $? 0
equal 'the replica has them as well'

# Expired by a ring read: the replica gets the DEL.
ring a set gone x PX 30 >/dev/null
sleep 0.1
same 'an expired key is gone' "$(echo 'get gone' | verbs a)" '(nil)'
equal 'the replica has dropped it as well'

for c in 'set x y' 'incrby n 1' 'del k1' 'rpush l x' 'flushall' 'eval "return redis.call(\"set\",\"x\",1)" 0'; do
	case $c in eval*) want='READONLY' ;; *) want="READONLY You can't write against a read only replica." ;; esac
	has "replica: $c" "$(echo "$c" | verbs r)" "$want"
done
same 'replica: nothing was written' "$(tcp r debug digest)" "$(tcp a debug digest)"
same 'replica: reads are served' "$(printf 'get n\nexists n none\n' | verbs r)" "$(printf 'get n\nexists n none\n' | verbs a)"

tcp r replicaof no one >/dev/null
same 'promoted: writes again' "$(echo 'set x y' | verbs r)" OK
tcp r replicaof 127.0.0.1 "$port" >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'state=online'"
equal 'demoted: follows again'

# Writes while a replica synchronises.
(i=0; while [ $i -lt 40 ]; do echo 'incrby sync 1'; echo "set s$i v"; i=$((i + 1)); sleep 0.01; done) | verbs a >/dev/null &
sleep 0.1
tcp r replicaof no one >/dev/null
tcp r replicaof 127.0.0.1 "$port" >/dev/null
wait $!
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'state=online'"
equal 'writes during a synchronisation'
same 'each once' "$(tcp_raw r get sync)" 40

tcp a config set min-replicas-to-write 1 >/dev/null
sleep 0.2
same 'enough replicas' "$(echo 'set x 1' | verbs a)" OK
stop r
until_true sh -c "redis-cli -s '$dir/a.sock' info replication | grep -q 'min_slaves_good_slaves:0'"
sleep 0.2
has 'too few replicas' "$(echo 'set x 2' | verbs a)" NOREPLICAS
has 'too few replicas: CALL' "$(echo 'rpush l 2' | verbs a)" NOREPLICAS
tcp a config set min-replicas-to-write 0 >/dev/null
