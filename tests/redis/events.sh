# SPDX-License-Identifier: BSD-3-Clause
# Keyspace events of ring commands are those of TCP commands; statistics as documented.
family=events
. tests/redis/lib.sh
start a --notify-keyspace-events KEAmn
start b --notify-keyspace-events KEAmn

listen() {
	redis-cli -s "$dir/$1.sock" psubscribe '__key*' >"$dir/$1.events" 2>&1 &
	pids="$pids $!"
	until_true grep -q psubscribe "$dir/$1.events"
}
cat >"$dir/commands" <<'X'
set a 1
set a 2
get none
get a
set b v EX 100
set b w KEEPTTL
set a 3 GET
set a 4 NX
incrby a 5
exists a none
del a b none
rpush l 1 2
lpop l
set l over
hset h f v
del h
set empty ""
X
listen a
listen b
verbs a <"$dir/commands" >/dev/null
redis-cli -s "$dir/b.sock" <"$dir/commands" >/dev/null
for s in a b; do until_true grep -q '^empty' "$dir/$s.events"; done
sleep 0.2
same 'the same events in the same order' "$(grep -A9999 -m1 'key' "$dir/a.events")" "$(grep -A9999 -m1 'key' "$dir/b.events")"
[ "$(grep -c 'keyevent@0__:set$' "$dir/a.events")" -ge 7 ] && ok 'there were some' || not_ok 'there were none'

# What has expired is told when its turn comes, not before the others'.
for s in a b; do
	tcp $s debug set-active-expire 0 >/dev/null
	tcp $s mset d1 x d2 x >/dev/null
	tcp $s psetex gone 20 x >/dev/null
done
sleep 0.1
same 'DEL of what is there, has expired, is there' "$(ring a del d1 gone d2)" "$(tcp b del d1 gone d2)"
for s in a b; do
	until_true grep -q '^d2' "$dir/$s.events"
	sleep 0.1
	tcp $s debug set-active-expire 1 >/dev/null
done
same 'events in the order of the keys' "$(tail -24 "$dir/a.events")" "$(tail -24 "$dir/b.events")"
has 'and it has expired there' "$(tail -24 "$dir/a.events")" expired

tcp a config resetstat >/dev/null
printf 'get a\nget none\nset x 1\nincrby x 1\n' | verbs a >/dev/null
same 'hits and misses' "$(info a stats keyspace_hits) $(info a stats keyspace_misses)" '0 2'
has 'commandstats of what RM_Call ran' "$(info a commandstats cmdstat_incrby)" 'calls=1'
tcp a config set cxlring.fast-path no >/dev/null
printf 'get a\nset x 1\n' | verbs a >/dev/null
has 'without the fast path: of all' "$(info a commandstats cmdstat_get)" 'calls=1'
tcp a config set cxlring.fast-path yes >/dev/null
d0=$(info a persistence rdb_changes_since_last_save)
printf 'set x 1\nset y 2\ndel x\n' | verbs a >/dev/null
same 'each write counts towards the next save' "$(($(info a persistence rdb_changes_since_last_save) - d0))" 3
"$B/cxl-bench" --region "$shm/a" --tests set --requests 1000 --keys 500 --pipeline 50 >/dev/null 2>&1
same 'those of a batch as well' "$(($(info a persistence rdb_changes_since_last_save) - d0))" 1003
sets_heard() { [ "$(grep -A1 '^__keyevent@0__:set$' "$dir/a.events" | grep -c '^key:0000000')" = 1000 ]; }
until_true sets_heard && ok 'and each has its event' || not_ok 'and each has its event'
tcp a save >/dev/null
d=$(tcp a debug digest)
tcp a debug reload >/dev/null
same 'RDB holds it' "$(tcp a debug digest)" "$d"
