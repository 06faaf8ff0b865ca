# SPDX-License-Identifier: BSD-3-Clause
# The manager and Redis: two tenants in one region, each with its channels; rights, revocation and another
# key while clients are connected; what a neighbour reads; without the manager.
family=manager
. tests/redis/lib.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK CXL_SEC_MGR CXL_SEC_POOL NOTIFY_SOCKET

ca=$dir/ca
ctl ca init "$ca"
ctl ca issue "$ca" mgr --role server:mgr
ctl ca issue "$ca" root --role admin
ctl ca issue "$ca" redis --role server:kv
ctl ca issue "$ca" t1 --role 'kv:*'
ctl ca issue "$ca" t2 --role 'kv:*'
ctl ca issue "$ca" stranger --role 'kv:*'

port=$(free_port)
manager() {
	"$B/cxl_sec_mgr" --listen "127.0.0.1:$port" --store "$dir/store" --cert "$ca/mgr.pem" --key "$ca/mgr.key" \
		--ca "$ca/ca.pem" --lease-ms 3000 "$@" 2>>"$dir/mgr.log" &
	mgr=$!
	pids="$pids $mgr"
	until_true acl_now list
}
acl_now() { "$B/hedbctl" acl "$@" --sec-mgr "127.0.0.1:$port" --cert "$ca/root.pem" --key "$ca/root.key" --ca "$ca/ca.pem"; }
acl() { acl_now "$@" >"$dir/acl.out" 2>&1 || not_ok "hedbctl acl $*: $(cat "$dir/acl.out")"; }

manager
acl node add redis "$ca/redis.pem"
acl node add t1 "$ca/t1.pem"
acl node add t2 "$ca/t2.pem"
acl range add r1 --service kv --channels 0-7
acl range add r2 --service kv --channels 8-15
acl grant redis r1 write
acl grant redis r2 write
acl grant t1 r1 write
acl grant t2 r2 read

start a --cxlring.secure required --cxlring.cert-file "$ca/redis.pem" --cxlring.key-file "$ca/redis.key" \
	--cxlring.ca-file "$ca/ca.pem" --cxlring.sec-mgr "127.0.0.1:$port"
redis() { redis-cli -s "$dir/a.sock" "$@" 2>&1; }
info() { redis info cxlring | tr -d '\r' | sed -n "s/^cxlring_$1://p"; }

# as NAME command...
as() {
	who=$1
	shift
	"$B/cxl-cli" --region "$shm/a" --no-raw --secure --sec-mgr "127.0.0.1:$port" --cert "$ca/$who.pem" \
		--key "$ca/$who.key" --ca "$ca/ca.pem" "$@" 2>&1
}

# ---- rights ----
same 'who may write writes' "$(as t1 set x 1)" OK
same 'and reads' "$(as t1 get x)" '"1"'
same 'who may read reads' "$(as t2 get x)" '"1"'
same 'by any command that reads' "$(as t2 strlen x)" '(integer) 1'
same 'of several' "$(as t2 exists x)" '(integer) 1'
for c in 'set x 2' 'del x' 'incrby x 1' 'hset h a 1' 'append x y' 'eval return(1) 0' 'publish c m' 'flushall' \
	'config set maxmemory 1gb' 'mset a 1' 'getset x 3' 'expire x 10' 'multi'; do
	# shellcheck disable=SC2086
	has "not: $c" "$(as t2 $c)" 'right to read alone'
done
printf 'MULTI\nSET x 9\nEXEC\n' | as t2 >"$dir/multi" 2>&1
same 'nor by a stream' "$(redis get x)" 1
head -c 200000 /dev/zero | tr '\0' v >"$dir/long"
has 'nor by a long one' "$(as t2 -x set x <"$dir/long")" 'right to read alone'
same 'nothing has changed' "$(redis dbsize) $(redis get x)" '1 1'
has 'a certificate that is not known' "$(as stranger get x)" "does not know this node's certificate"
has 'no manager named' "$("$B/cxl-cli" --region "$shm/a" --secure --cert "$ca/t1.pem" --key "$ca/t1.key" \
	--ca "$ca/ca.pem" get x 2>&1)" 'the manager gives it no right'
has 'a plain client' "$(ring a get x)" 'sealed channels only'

# ---- the other programs, by the same options ----
secure() { # in the background a process of its own, not a shell's
	who=$1 program=$2
	shift 2
	set -- "$B/$program" --region "$shm/a" --secure --sec-mgr "127.0.0.1:$port" --cert "$ca/$who.pem" --key "$ca/$who.key" \
		--ca "$ca/ca.pem" "$@"
	case $program in cxl-proxy) exec "$@" ;; *) "$@" ;; esac
}
secure t1 cxl-bench --tests set,get --requests 200 --keys 10 --value-size 8 >"$dir/bench.out" 2>&1
same 'cxl-bench' "$? $(redis dbsize)" '0 11'
secure t2 cxl-bench --tests set --requests 200 --keys 10 >"$dir/bench.out" 2>&1 && not_ok 'not without the right' ||
	has 'not without the right' "$(cat "$dir/bench.out")" 'right to read alone'
redis keys '*' | grep -v '^x$' | xargs redis-cli -s "$dir/a.sock" del >/dev/null
# proxy NAME: a SET through one of its own
proxy() {
	secure "$1" cxl-proxy --unix "$dir/$1.proxy" >/dev/null 2>"$dir/$1.err" &
	proxy=$!
	until_true [ -S "$dir/$1.proxy" ]
	redis-cli -s "$dir/$1.proxy" set x 1 2>&1
	kill "$proxy"
	wait "$proxy" 2>/dev/null
}
same 'cxl-proxy' "$(proxy t1)" OK
has 'not without the right' "$(proxy t2)" 'right to read alone'
has 'nor for a stranger' "$(proxy stranger)" "does not know this node's certificate"
has 'the pool has another name' "$(as t1 --sec-pool other get x)" 'no right to channel'

# ---- one region, two tenants ----
(as t1 -r 60 -i 0.05 set secret plaintextcanary1 >/dev/null) &
pids="$pids $!"
until_true [ "$(info channels_sealed)" = 1 ]
sleep 0.5
grep -qF plaintextcanary1 "$shm/a" && not_ok 'nobody who maps the region reads it' || ok 'nobody who maps the region reads it'
same 'it is stored' "$(redis get secret)" plaintextcanary1

# ---- changes while clients are connected ----
sealed_are() { [ "$(info channels_sealed)" = "$1" ]; }
until_true sealed_are 0
mkfifo "$dir/one" "$dir/two"
as t1 <"$dir/one" >"$dir/one.out" 2>&1 &
pids="$pids $!"
as t2 <"$dir/two" >"$dir/two.out" 2>&1 &
pids="$pids $!"
exec 7>"$dir/one" 8>"$dir/two"
echo 'GET x' >&7; echo 'GET x' >&8
until_true sealed_are 2
acl revoke t1 r1
i=0
while ! sealed_are 1 && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.01; done
echo "# seen $i looks, 10 ms and a redis-cli each, after hedbctl came back"
same 'a revoked right ends its connection' "$(info channels_sealed)" 1
has 'and there is no new one' "$(as t1 get x)" 'no right to channel'
echo 'GET x' >&8
sleep 0.2
same 'the other tenant does not notice' "$(grep -c '"1"' "$dir/two.out")" 2
exec 7>&-
acl grant t1 r1 write
same 'given back' "$(as t1 get x)" '"1"'

acl rotate r2
echo 'STRLEN x' >&8
until_true grep -q integer "$dir/two.out"
has 'another key: the client goes on' "$(tail -n 1 "$dir/two.out")" '(integer) 1'
acl grant t2 r2 write
echo 'SET x 5' >&8
sleep 0.3
same 'more is given while it is there' "$(redis get x)" 5
acl grant t2 r2 read
echo 'SET x 6' >&8
sleep 0.3
same 'and taken' "$(redis get x)" 5
exec 8>&-

# ---- configuration ----
has 'not plain with a manager' "$(redis config set cxlring.secure plain)" 'nothing but cxlring.secure required'
has 'nor sealed' "$(redis config set cxlring.secure sealed)" 'nothing but cxlring.secure required'
same 'all is as it was' "$(as t1 get x)" '"5"'

# ---- without the manager for Redis alone ----
# Pauses of 5, 10, 20, 40, 80 and 160 ms, then of 200: 15 attempts in 2 s, or one or two more. In
# the log a line a second. Bounds that no machine is too slow or too fast for.
start b --cxlring.secure required --cxlring.cert-file "$ca/redis.pem" --cxlring.key-file "$ca/redis.key" \
	--cxlring.ca-file "$ca/ca.pem" --cxlring.sec-mgr "127.0.0.1:$(free_port)"
redis_b() { redis-cli -s "$dir/b.sock" info cxlring | tr -d '\r' | sed -n "s/^cxlring_$1://p"; }
as_b() {
	"$B/cxl-cli" --region "$shm/b" --no-raw --secure --sec-mgr "127.0.0.1:$port" --cert "$ca/t1.pem" \
		--key "$ca/t1.key" --ca "$ca/ca.pem" "$@" 2>&1
}
has 'a client is told why' "$(as_b --timeout 2000 get x)" 'no answer from the manager'
tried=$(redis_b refused_channels)
[ "$tried" -ge 2 ] && [ "$tried" -le 18 ] && ok "and has tried $tried times in 2 s" || not_ok "tried $tried times in 2 s"
t0=$(date +%s)
for c in 1 2 3 4 5 6 7 8; do as_b --timeout 200 get x >/dev/null; done
sleep 2
took=$(($(date +%s) - t0))
tried=$(($(redis_b refused_channels) - tried))
stop b
lines=$(grep -c 'refused: ' "$dir/b.log")
[ "$lines" -ge 1 ] && [ "$lines" -le $((took + 5)) ] && ok "$lines lines in the log for $tried attempts" ||
	not_ok "$lines lines in the log for $tried attempts in $took s"

# ---- without the manager ----
mkfifo "$dir/three"
as t1 <"$dir/three" >"$dir/three.out" 2>&1 &
pids="$pids $!"
exec 7>"$dir/three"
echo 'GET x' >&7
until_true sealed_are 1
kill -9 "$mgr"; wait "$mgr" 2>/dev/null
echo 'STRLEN x' >&7
sleep 0.3
has 'who is in goes on' "$(tail -n 1 "$dir/three.out")" '(integer) 1'
until_true sealed_are 0
same 'until the lease ends' "$(info channels_sealed)" 0
has 'a new one is told' "$(as t1 get x)" 'no answer from the manager'
exec 7>&-
same 'Redis itself is there' "$(redis get x)" 5
manager
i=0
until [ "$(as t1 get x)" = '"5"' ] || [ $i -gt 20 ]; do i=$((i + 1)); sleep 0.2; done
same 'and with the manager all is well again' "$(as t1 get x)" '"5"'
stop a
kill "$mgr"; wait "$mgr" 2>/dev/null
grep -qF "$(cat "$dir/store/master")" "$dir/mgr.log" "$dir/a.log" && not_ok 'no key in the logs' || ok 'no key in the logs'
