# SPDX-License-Identifier: BSD-3-Clause
# After a background save or an AOF write that failed, writes through the ring are refused
# as those over a socket are, and taken again after one that did not. Root may write
# anywhere, so what fails of the save is the rename: a directory has the dump's name.
family=misconf
. tests/redis/lib.sh
start a --save '3600 1000000' --stop-writes-on-bgsave-error yes
saved() { [ "$(info a persistence rdb_last_bgsave_status)" = "$1" ]; }
tcp a set k before >/dev/null
mkdir "$dir/a.d/dump.rdb"
tcp a bgsave >/dev/null
until_true saved err && ok 'a background save fails' || not_ok 'the background save does not fail'

refusal=$(tcp a set k refused)
has 'over a socket' "$refusal" '(error) MISCONF'
same 'SET by its frame' "$(echo 'set k refused' | verbs a)" "$refusal"
same 'INCRBY by its frame' "$(echo 'incrby n 1' | verbs a)" "$refusal"
same 'DEL by its frame' "$(echo 'del k' | verbs a)" "$refusal"
same 'SET by CALL' "$(ring a set k refused)" "$refusal"
same 'RPUSH by CALL' "$(ring a rpush l x)" "$refusal"
same 'reads go on' "$(echo 'get k' | verbs a)" '"before"'
same 'nothing was written' "$(tcp a exists n l)" '(integer) 0'

rmdir "$dir/a.d/dump.rdb"
tcp a bgsave >/dev/null
until_true saved ok && ok 'a background save succeeds' || not_ok 'the background save fails still'
same 'SET by its frame again' "$(echo 'set k after' | verbs a)" OK
same 'RPUSH by CALL again' "$(ring a rpush l x)" '(integer) 1'
same 'and it is there' "$(tcp a get k)" '"after"'
stop a

# The same when the AOF cannot be written. RLIMIT_FSIZE stands in for a full disk, for any
# user; the signal that comes with it is ignored, so that write(2) says so.
trap '' XFSZ
start f --appendonly yes --appendfsync everysec
wrote() { [ "$(info f persistence aof_last_write_status)" = "$1" ]; }
log_size() { stat -c %s "$dir/$1.d"/appendonlydir/*.incr.aof; }
limit() { prlimit --pid "$(pid_of f)" --fsize="$1:" || not_ok 'prlimit'; }
v=$(head -c 3000 /dev/zero | tr '\0' v)
fill() { awk -v v="$v" -v n="$1" 'BEGIN { for (i = 0; i < n; i++) { print "set full" i " " v; print "incrby count 1" } }'; }

tcp f set k before >/dev/null
limit $(($(log_size f) + 50000))
fill 20000 | verbs f --acked "$dir/acked" >"$dir/out"
until_true wrote err && ok 'an AOF write fails' || not_ok 'no AOF write fails'
sleep 0.2 # the ring knows within 0.1 s
refusal=$(tcp f set k refused)
has 'over a socket' "$refusal" '(error) MISCONF Errors writing to the AOF file: '
digest=$(tcp f debug digest)
for c in 'set k refused' 'set k refused EX 100' 'incrby count 1' 'del k'; do
	same "AOF: ${c%% *} by its frame" "$(echo "$c" | verbs f)" "$refusal"
done
same 'AOF: a burst of SETs' "$(fill 20 | grep set | verbs f --pipelined | sort | uniq -c | tr -s ' ')" " 20 $refusal"
same 'AOF: RPUSH by CALL' "$(ring f rpush l x)" "$refusal"
script="return redis.call('set','k','refused')"
same 'AOF: a script that writes' "$(ring f eval "$script" 0)" "$(tcp f eval "$script" 0)"
same 'AOF: reads go on' "$(printf 'get k\nexists k l\n' | verbs f)" "$(printf '"before"\n(integer) 1')"
same 'AOF: nothing was written' "$(tcp f debug digest)" "$digest"
same 'AOF: the client that filled it was told' "$(tail -1 "$dir/out")" "$refusal"

limit unlimited
until_true wrote ok && ok 'room again' || not_ok 'the AOF is not written still'
sleep 0.2
same 'AOF: SET by its frame again' "$(echo 'set k after' | verbs f)" OK
same 'AOF: INCRBY and DEL again' "$(printf 'set x 1\nincrby x 1\ndel x\n' | verbs f)" "$(printf 'OK\n(integer) 2\n(integer) 1')"
same 'AOF: RPUSH by CALL again' "$(ring f rpush l x)" '(integer) 1'
same 'AOF: a burst again' "$(fill 20 | grep set | verbs f --pipelined | sort -u)" OK
wanted=$(tcp f debug digest)
tcp f debug loadaof >/dev/null
same 'AOF: all of it is there' "$(tcp f debug digest)" "$wanted"
n=$(grep -c '^incrby' "$dir/acked")
same "AOF: what was acknowledged until it failed ($n) is there once" "$(tcp_raw f get count)" "$n"
stop f

# With appendfsync always Redis ends rather than answer what is not on disk.
start f --appendonly yes --appendfsync always
before=$(tcp_raw f get count)
: >"$dir/acked"
limit $(($(log_size f) + 50000))
fill 100 | verbs f --acked "$dir/acked" >"$dir/out"
same 'always: the client sees the server end' $? 3
wait "$(pid_of f)"
has 'always: it says why' "$(tail -3 "$dir/f.log")" "Can't recover from AOF write error"
start f --appendonly yes --appendfsync always
n=$((before + $(grep -c '^incrby' "$dir/acked")))
got=$(tcp_raw f get count)
[ $n -gt "$before" ] && [ "$got" -ge $n ] && [ "$got" -le $((n + 1)) ] &&
	ok "always: what was acknowledged is there ($n)" || not_ok "always: $got of $n"
