# SPDX-License-Identifier: BSD-3-Clause
# Every maxmemory-policy under ring load of more than maxmemory, beside a server that has
# the same load by its socket: memory holds, the right keys go, a replica and the AOF are
# told of each, reads go on, and LRU and LFU see what the ring reads.
family=policies
. tests/redis/lib.sh
limit=8388608
value=$(head -c 1000 /dev/zero | tr '\0' v)
port=$(free_port)
OOM="(error) OOM command not allowed when used memory > 'maxmemory'."

# FIRST LAST: v* with a TTL, the longer the later in its thousand; n* without.
load() {
	awk -v v="$value" -v i="$1" -v end="$2" 'BEGIN {
		for (; i < end; i++) print i % 2 ? "set n" i " " v : "set v" i " " v " EX " 100000 + i % 1000 * 1000
	}'
}
digest_of() { tcp "$1" debug digest; }
over() { echo $(($(info "$1" memory used_memory_peak) - limit)); }
keys() { tcp_raw "$1" --scan --pattern "$2" | grep -c .; }
both() { tcp a "$@" >/dev/null && tcp t "$@" >/dev/null; }
# How many of these are there.
left() { printf 'exists %s\n' "$(seq -f "$2%g" -s ' ' 20)" | redis-cli -s "$dir/$1.sock"; }

# Every command that writes, with as many words as it needs at least.
writes() {
	redis-cli -s "$dir/t.sock" command list filterby aclcat write | grep -v '|\|^flush\|^migrate\|^b[lrz]' | sort |
		sed 's/^/command info /' | redis-cli -s "$dir/t.sock" --json |
		sed -n 's/^\[\["\([^"]*\)",-\{0,1\}\([0-9]*\),.*/\1 \2/p' |
		awk '{ printf "%s", $1; for (i = 1; i < $2; i++) printf " 1"; print "" }'
	printf 'hset 1 f v f2 v2\nset 1 v nx get\neval "return redis.call(\"set\",KEYS[1],1)" 1 k\n'
	printf 'eval "return redis.call(\"get\",KEYS[1])" 1 k\nfunction load x\n'
}

# a is written to by the ring, t by its socket.
servers() {
	set -- --maxmemory $limit --maxmemory-policy "$1" --maxmemory-samples 10 --repl-backlog-size 16kb
	start a --port "$port" --repl-diskless-sync-delay 0 "$@"
	start t "$@"
}
# Not before memory has been looked at: what waits to go there is memory as well, and is
# not counted for maxmemory.
followers() {
	tcp a config set appendonly yes >/dev/null
	start r --replicaof "127.0.0.1 $port"
	until_true caught_up a r || not_ok 'the replica comes online'
}
gone() { for s in "$@"; do stop $s; rm -rf "$dir/$s.d"; done; }

# What a has is what the replica and another server with its AOF have. Without a limit, or
# each look would evict.
told() {
	both config set maxmemory 0
	until_true caught_up a r
	same "$1: the replica has dropped the same" "$(digest_of r)" "$(digest_of a)"
	wanted=$(digest_of a)
	tcp a debug loadaof >/dev/null
	same "$1: and so has the AOF" "$(digest_of a)" "$wanted"
}

for policy in noeviction allkeys-lru allkeys-lfu allkeys-random volatile-lru volatile-lfu volatile-random volatile-ttl; do
	servers $policy
	load 0 20000 >"$dir/load"
	verbs a --pipelined <"$dir/load" >"$dir/ring"
	tcp t <"$dir/load" | grep -v '^([0-9.]*s)$' >"$dir/tcp" # a slow answer's time
	same "$policy: 20000 answers" "$(wc -l <"$dir/ring")" 20000
	same "$policy: as by TCP" "$(sort -u "$dir/ring")" "$(sort -u "$dir/tcp" | tr -d '\r')"
	case $policy in
	allkeys-*) same "$policy: every SET is taken" "$(sort -u "$dir/ring")" OK ;;
	*) same "$policy: -OOM word for word" "$(sort -u "$dir/ring" | grep -v '^OK$')" "$OOM" ;;
	esac
	# One turn more than a connection, which asks before each command.
	[ "$(over a)" -le $(($(over t) + 1048576)) ] && ok "$policy: memory holds: $(over a) above, by TCP $(over t)" ||
		not_ok "$policy: memory was $(over a) above, by TCP $(over t)"
	evicted=$(info a stats evicted_keys) by_tcp=$(info t stats evicted_keys)
	taken=$(grep -c '^OK' "$dir/ring")
	same "$policy: what is not there was evicted" "$(tcp_raw a dbsize)" $((taken - evicted))
	if [ $policy = noeviction ]; then
		same "$policy: nothing was evicted" "$evicted" 0
	else
		[ "$evicted" -gt $((by_tcp * 9 / 10)) ] && [ "$evicted" -lt $((by_tcp * 11 / 10 + 100)) ] &&
			ok "$policy: $evicted keys were evicted, by TCP $by_tcp" || not_ok "$policy: $evicted keys were evicted, by TCP $by_tcp"
	fi
	case $policy in
	volatile-*)
		paste -d ' ' "$dir/load" "$dir/ring" | awk '$2 ~ /^n/ && $NF == "OK"' | wc -l >"$dir/n"
		same "$policy: no key without TTL was evicted" "$(keys a 'n*')" "$(cat "$dir/n")" ;;
	esac
	same "$policy: reads go on" "$(printf 'get nosuch\nexists nosuch\nping\n' | verbs a --pipelined | tr '\n' ' ')" '(nil) (integer) 0 PONG '
	case $policy in
	noeviction)
		writes >"$dir/writes"
		for s in "ring a" "tcp t"; do $s <"$dir/writes" >"$dir/writes.${s% *}"; done
		paste -d '#' "$dir/writes" "$dir/writes.tcp" "$dir/writes.ring" | grep -v 'not available over the ring' |
			awk -F '#' '{ n++; oom += /OOM/ } $2 != $3 { print } END { print (n > 60), (oom > 40) }' >"$dir/out"
		same "$policy: every write is answered as by TCP" "$(tr '\n' ' ' <"$dir/out")" '1 1 '
		same "$policy: so does DEL, and then a SET" "$({ seq -f 'del n%g' 1 2 1999; echo set n1 x; } | verbs a | sort | uniq -c | tr -s ' \n' ' ')" ' 1000 (integer) 1 1 OK ' ;;
	esac
	# Once more with an AOF and a replica, from half full on.
	followers
	seq -f 'del n%g' 1 2 7999 | verbs a --pipelined >/dev/null
	load 20000 28000 | verbs a --pipelined | sort -u >"$dir/again"
	same "$policy: with AOF and a replica, as before" "$(cat "$dir/again")" "$(sort -u "$dir/ring")"
	[ $policy = noeviction ] || [ "$(info a stats evicted_keys)" -gt $((evicted + 1000)) ] &&
		ok "$policy: and more are evicted" || not_ok "$policy: no more are evicted"
	told $policy
	gone a t r
done

# LRU and LFU: of keys that are as old, those go that nobody reads, whoever reads them.
# EXISTS is no reading. Redis's LRU clock has seconds, hence the pauses.
each() { for k in $(seq 20); do printf "$1\n" "$k"; done; }
old() {
	each 'set cold%s x EX 1000000' # EXPIRE would have read it
	each 'set short%s x'; each "set long%s $(printf %.60s "$value")"
	each 'hset hash%s f x'; each 'rpush list%s x'
	for k in short long hash list; do each "expire $k%s 1000000"; done
}
reads() { each 'get short%s'; each 'get long%s'; each 'hget hash%s f'; each 'llen list%s'; each 'exists cold%s'; }
fill() { load "$1" "$2" | sed 's/set n\([^ ]*\) \(.*\)/set v\1 \2 EX 1000000/'; }
both_ways() { verbs a --pipelined <"$1" >>"$dir/out" && tcp t <"$1" >>"$dir/out"; }
for policy in allkeys-lru volatile-lru allkeys-lfu volatile-lfu; do
	servers $policy
	old >"$dir/old"
	reads >"$dir/reads"
	both_ways "$dir/old"
	for slice in 0 1 2 3; do
		case $policy in
		*-lru) sleep 1.1 ;;
		*) for i in 1 2 3 4 5 6 7 8; do both_ways "$dir/reads"; done ;;
		esac
		both_ways "$dir/reads"
		fill $((slice * 5000)) $((slice * 5000 + 5000)) >"$dir/load"
		[ $slice = 0 ] && [ "${policy#*-}" = lfu ] || both_ways "$dir/load"
	done
	there=
	for k in short long hash list cold; do there="$there $k $(left a $k) $(left t $k)"; done
	same "$policy: of twenty, by ring and by TCP, those that are read stay:$there" \
		"$(echo $there | awk '{ for (i = 1; i < 13; i += 3) if ($(i + 1) < 18 || $(i + 2) < 18) print $i; if ($14 > 15 || $15 > 15) print "cold" }')" ''
	gone a t
done

# Those go first that have the shortest time to live: of times from 0 to 999 the later stay.
servers volatile-ttl
awk -v v="$value" 'BEGIN { for (i = 0; i < 16000; i++) print "set v" i " " v " EX " 100000 + i * 7919 % 1000 * 1000 }' >"$dir/load"
both_ways "$dir/load"
mean() { tcp_raw "$1" --scan --pattern 'v*' | awk '{ s += substr($1, 2) * 7919 % 1000 } END { print int(s / NR) }'; }
[ "$(mean a)" -gt 650 ] && [ "$(mean t)" -gt 650 ] && ok "volatile-ttl: mean of what stays $(mean a), by TCP $(mean t), of all 499" ||
	not_ok "volatile-ttl: mean of what stays $(mean a), by TCP $(mean t), of all 499"
