# SPDX-License-Identifier: BSD-3-Clause
# Thousands of requests, most of them spoiled, each treated as docs/protocol-kv.md says
# (mutate.c), while others work. The seed is MUTATE_SEED or 1; MUTATE_N requests a run.
family=mutate
. tests/redis/lib.sh
seed=${MUTATE_SEED:-1}
n=${MUTATE_N:-3000}
mutate() { timeout 120 "$B/tests/redis/mutate" "$shm/a" "$@" 2>&1; }
start a
head -c 200000 /dev/zero | tr '\0' b | redis-cli -s "$dir/a.sock" -x set big >/dev/null

(while :; do "$B/tests/redis/hostile" "$shm/a" check good 200 || echo bad; done >"$dir/good" 2>&1) &
good=$!
pids="$pids $good"

run() {
	what=$1
	shift
	was=$(log_refusals a)
	said=$(mutate "$@")
	has "$what, seed $1" "$said" ' answered, '
	told=${said#* answered, }
	until_true log_tells_of a $((was + ${told% refused}))
	same "$what: the log accounts for each refusal" "$(($(log_refusals a) - was)) refused" "$told"
	has "$what: the server lives" "$(tcp a ping)" PONG
}
run 'requests' "$seed" "$n"
tcp a config set cxlring.fast-path no >/dev/null
run 'without the fast path' $((seed + 1)) "$n"
tcp a config set cxlring.fast-path yes >/dev/null
tcp a acl setuser few on '>pw' '~k*' '~l' +@read +set +rpush +eval +object >/dev/null
run 'as a user who may little' $((seed + 2)) "$n" few pw

kill "$good" 2>/dev/null
wait "$good" 2>/dev/null
sleep 0.2
same 'the client of good will saw nothing' "$(sort -u "$dir/good")" '0 bad'
tcp a config set maxmemory 1 maxmemory-policy noeviction >/dev/null
run 'over maxmemory' $((seed + 3)) "$n"
until_true sh -c "redis-cli -s '$dir/a.sock' info cxlring | grep -q 'channels_open:0'" &&
	ok 'every channel came back' || not_ok "$(info a cxlring cxlring_channels_open) channels are still open"
