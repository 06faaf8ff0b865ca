# SPDX-License-Identifier: BSD-3-Clause
# Expiry and maxmemory, with no TCP traffic that could do the work for us.
family=memory
. tests/redis/lib.sh
start a

printf 'set p v PX 60\nset e v EX 1\nset k v EX 100\nset k w KEEPTTL\n' | verbs a >/dev/null
sleep 0.15
same 'expired' "$(printf 'get p\nexists p e\nget e\n' | verbs a)" "$(printf '(nil)\n(integer) 1\n"v"')"
sleep 1
same 'expired by EX' "$(echo 'get e' | verbs a)" '(nil)'
same 'SET without KEEPTTL drops the expiry' "$(printf 'set k x\nttl k\n' | verbs a)" "$(printf 'OK\n(integer) -1')"

# Fill by ring alone. Values of 1000 bytes; used memory at start is below 2 MB.
v=$(head -c 1000 /dev/zero | tr '\0' v)
fill() { awk -v v="$v" -v n="$1" -v p="$2" 'BEGIN { for (i = 0; i < n; i++) print "set " p i " " v }'; }

tcp a config set maxmemory 8mb maxmemory-policy noeviction >/dev/null
fill 9000 n | verbs a >"$dir/out"
has 'noeviction: -OOM' "$(tail -1 "$dir/out")" "(error) OOM command not allowed when used memory > 'maxmemory'."
used=$(info a memory used_memory)
[ "$used" -lt 9500000 ] && ok 'and memory stays at the limit' || not_ok "used $used of 8 MB"
has 'INCRBY: -OOM' "$(echo 'incrby counter 1' | verbs a)" OOM
has 'CALL: -OOM' "$(echo 'rpush list x' | verbs a)" OOM
same 'DEL and reads go on' "$(printf 'del n0\nexists n0 n1\n' | verbs a)" "$(printf '(integer) 1\n(integer) 1')"
fill 300 n | sed 's/set \(n[0-9]*\) .*/del \1/' | verbs a >/dev/null
same 'and then there is room' "$(echo 'set n1 x' | verbs a)" OK

# Scripts go by what Redis noted at the last command that came by TCP.
used=$(info a memory used_memory)
tcp a config set maxmemory $((used - 100000)) >/dev/null
tcp a get n1 >/dev/null
write='return redis.call("set", "script", "1")'
has 'a script: -OOM' "$(ring a eval "$write" 0)" OOM
fill 1000 n | sed 's/set \(n[0-9]*\) .*/del \1/' | verbs a >/dev/null
same 'a script, once there is room' "$(ring a eval "$write" 0)" OK
tcp a config set maxmemory $(($(info a memory used_memory) - 100000)) >/dev/null
tcp a get n1 >/dev/null
tcp a config set maxmemory 8mb >/dev/null
same 'a setting makes room' "$(ring a eval "$write" 0)" OK

tcp a flushall >/dev/null
tcp a config set maxmemory-policy allkeys-lru >/dev/null
tcp a config resetstat >/dev/null
fill 30000 l | verbs a >"$dir/out"
same 'allkeys-lru: every SET is taken' "$(sort -u "$dir/out")" OK
used=$(info a memory used_memory)
[ "$used" -lt 9500000 ] && ok 'memory stays at the limit' || not_ok "used $used of 8 MB"
[ "$(info a stats evicted_keys)" -gt 10000 ] && ok 'keys were evicted' || not_ok 'nothing was evicted'

# Pipelined, so that whole turns are over the limit.
if [ -x "$B/cxl-bench" ]; then
	"$B/cxl-bench" --region "$shm/a" --tests set --requests 60000 --keys 1000000 --value-size 1000 \
		--pipeline 64 >"$dir/out" 2>&1 && ok 'pipelined as well' || { not_ok 'pipelined as well'; sed 's/^/# /' "$dir/out"; }
	used=$(info a memory used_memory)
	[ "$used" -lt 10000000 ] && ok 'and memory stays near the limit' || not_ok "used $used of 8 MB"
fi

# Evicted keys are dropped in the AOF and by replicas, too.
tcp a config set appendonly yes >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q 'aof_rewrite_in_progress:0'"
fill 5000 m | verbs a >"$dir/out"
tcp a config set maxmemory 0 >/dev/null # or every command evicts a little more
wanted=$(tcp a debug digest)
tcp a debug loadaof >/dev/null
same 'the AOF knows what was evicted' "$(tcp a debug digest)" "$wanted"

# Nobody can connect to this one: no port, and the socket is not where Redis says.
start b --maxmemory 8mb --maxmemory-policy allkeys-lru
mv "$dir/b.sock" "$dir/hidden.sock"
fill 20000 l | verbs b >"$dir/out"
same 'evicts without port and unixsocket' "$(sort "$dir/out" | uniq -c | tr -s ' ')" ' 20000 OK'
evicted=$(redis-cli -s "$dir/hidden.sock" info stats | tr -d '\r' | sed -n 's/^evicted_keys://p')
[ "$evicted" -gt 10000 ] && ok "$evicted keys" || not_ok "evicted: '$evicted'"
