# SPDX-License-Identifier: BSD-3-Clause
# A real Sentinel: the master is killed while ring clients write, the replica, which has a ring
# of its own, is promoted, clients ask Sentinel where to go; the old master comes back as a
# replica, and its ring refuses writes.
family=sentinel
. tests/redis/lib.sh
. tests/redis/lib_ledger.sh
port_m=$(free_port)
port_r=$(free_port)
port_s=$(free_port)
start m --port "$port_m" --repl-diskless-sync-delay 0 --appendonly yes --appendfsync always
start r --port "$port_r" --replicaof "127.0.0.1 $port_m" --repl-diskless-sync-delay 0
until_true sh -c "redis-cli -s '$dir/r.sock' info replication | grep -q master_link_status:up" || not_ok 'the replica comes online'

mkdir "$dir/s.d"
cat >"$dir/s.d/conf" <<CONF
port $port_s
dir $dir/s.d
logfile $dir/s.log
sentinel monitor ring 127.0.0.1 $port_m 1
sentinel down-after-milliseconds ring 500
sentinel failover-timeout ring 3000
CONF
redis-server "$dir/s.d/conf" --sentinel >/dev/null 2>&1 &
sentinel=$!
pids="$pids $sentinel"
ask() { redis-cli -p "$port_s" sentinel "$@"; }
# What a client does that lost its server: the region of the master that Sentinel names.
where() {
	case $(ask get-master-addr-by-name ring | tail -1) in
	"$port_m") echo m ;;
	"$port_r") echo r ;;
	esac
}
knows_replica() { ask replicas ring | grep -q "127.0.0.1:$port_r"; }
until_true knows_replica && ok 'Sentinel knows the replica' || not_ok "$(cat "$dir/s.log")"
same 'and where the master is' "$(where)" m

writer m one 1; w1=$w
writer m two 1; w2=$w
until_true acked one 300
until_true acked two 300
has 'the replica takes no writes' "$(ring r set x y)" READONLY
stop m KILL
ended KILL $w1
ended KILL $w2
moved() { [ "$(where)" = r ]; }
until_true moved && ok 'Sentinel has a new master' || not_ok "$(tail -5 "$dir/s.log")"
master() { [ "$(info r replication role)" = master ]; }
until_true master && ok 'the replica is promoted' || not_ok "$(tail -5 "$dir/r.log")"
# Replication is asynchronous: the last ones may be missing, as for TCP clients.
for t in one two; do same "$t: as far as it came, each once" "$(account r $t lag | head -5)" ''; done
writer "$(where)" after 1
until_true acked after 300 && ok 'clients go on at the new one' || not_ok "$(cat "$dir/writers")"
ended TERM "$w"

start m --port "$port_m" --repl-diskless-sync-delay 0 --appendonly yes --appendfsync always
demoted() { [ "$(info m replication role)" = slave ] && [ "$(info m replication master_port)" = "$port_r" ]; }
until_true demoted || until_true demoted && ok 'the old master comes back as a replica' || not_ok "$(tail -5 "$dir/s.log")"
for c in 'set x y' 'incrby n 1' 'rpush l 1'; do has "its ring refuses: $c" "$(echo "$c" | verbs m)" READONLY; done
same 'every write at the new one is there' "$(account r after | head -5)" ''
follows() { [ "$(info m replication master_link_status)" = up ] && [ "$(info m replication master_repl_offset)" = "$(info r replication master_repl_offset)" ]; }
until_true follows
same 'and in the old one' "$(tcp m debug digest)" "$(tcp r debug digest)"
same 'read by its ring' "$(ring m get n:after)" "$(ring r get n:after)"

# And back again, by hand: nothing is lost.
writer r back 1
until_true acked back 300
ended TERM "$w"
same 'SENTINEL FAILOVER' "$(ask failover ring)" OK
back() { [ "$(where)" = m ] && [ "$(info m replication role)" = master ] && [ "$(info r replication role)" = slave ]; }
until_true back || until_true back || until_true back && ok 'the first one is master again' || not_ok "$(tail -5 "$dir/s.log")"
has 'the other refuses' "$(echo 'set x y' | verbs r)" READONLY
same 'as far as it came, each once' "$(account m back lag | head -5)" ''
