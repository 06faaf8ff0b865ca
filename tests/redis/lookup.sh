# SPDX-License-Identifier: BSD-3-Clause
# Names that take their time: while cxl-tunnel, cxl-proxy or Redis (for its manager) waits for a resolver
# that is slow or says nothing, who is connected is served as ever. The resolver is a real one, by a name server of our
# own, in namespaces of our own (network, and mounts over /etc/resolv.conf, hosts, nsswitch.conf).
family=lookup
map=
[ "$(id -u)" = 0 ] || map=-r
if [ -z "${LOOKUP_INSIDE:-}" ]; then
	for f in /etc/hosts /etc/resolv.conf /etc/nsswitch.conf; do
		unshare $map -mn mount --bind /etc/hosts "$f" 2>/dev/null ||
			{ echo "ok 1 - lookup: a slow resolver # SKIP no namespaces here to have one in"; exit 0; }
	done
	LOOKUP_INSIDE=1 exec unshare $map -mn sh "$0"
fi
. tests/redis/lib.sh
echo 'nameserver 127.0.0.1
options timeout:3 attempts:2' >"$dir/resolv"
echo 'hosts: files dns' >"$dir/nsswitch"
: >"$dir/hosts"
for f in resolv:resolv.conf nsswitch:nsswitch.conf hosts:hosts; do
	mount --bind "$dir/${f%:*}" "/etc/${f#*:}" || { not_ok "mount ${f#*:}"; exit 1; }
done
perl tests/redis/dns.pl "$dir/dns" &
pids="$pids $!"
until_true grep -q ready "$dir/dns" || { not_ok 'a name server'; exit 1; }
known() { echo "127.0.0.1 $*" >"$dir/hosts"; }
unknown() { : >"$dir/hosts"; }
asked() { grep -qF "$1" "$dir/dns"; }
open_port() { grep -q ": 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

# hold COMMAND...: a client whose connection stays; soon: does it answer within a second?
hold() {
	rm -f "$dir/in"
	mkfifo "$dir/in"
	"$@" <"$dir/in" >"$dir/said" 2>&1 &
	pids="$pids $!"
	exec 3>"$dir/in"
	pings=0
	soon 100
}
soon() {
	pings=$((pings + 1))
	echo "echo $pings" >&3
	_tries=0
	until [ "$(tail -n 1 "$dir/said" | tr -d '"')" = "$pings" ]; do
		_tries=$((_tries + 1))
		[ $_tries -lt "${1:-20}" ] || return 1
		sleep 0.05
	done
}
# Ten times in the next second and a half: a lookup was under way for all of it.
serves() {
	slow=
	for _i in 1 2 3 4 5 6 7 8 9 10; do
		soon || slow=$_i
		sleep 0.1
	done
	[ -z "$slow" ] && ok "$1" || not_ok "$1: number $slow waited"
}

start a
cport=$(free_port) sport=$(free_port)
cpub=$("$B/cxl-tunnel" keygen "$dir/c.key") spub=$("$B/cxl-tunnel" keygen "$dir/s.key")
"$B/cxl-tunnel" server --listen "127.0.0.1:$sport" --to "unix:$dir/a.sock" --key "$dir/s.key" --peer "$cpub" 2>"$dir/server.err" &
pids="$pids $!"
tunnel() { "$B/cxl-tunnel" client --listen "127.0.0.1:$cport" --to "$1:$sport" --key "$dir/c.key" --peer "$spub" --connect-timeout 20 2>"$dir/client.err" & tunnel=$!; pids="$pids $tunnel"; until_true open_port "$cport"; }
no_tunnel() { kill "$tunnel"; wait "$tunnel" 2>/dev/null; }
through() { timeout 30 redis-cli -p "$cport" "$@" 2>&1; }
until_true open_port "$sport"

tunnel late.test
same 'a name whose address comes late' "$(through ping)" PONG
asked late.test && ok 'was asked for' || not_ok 'was asked for'
no_tunnel

known slow.test
tunnel slow.test
hold redis-cli -p "$cport" && ok 'a name of the hosts file' || not_ok 'a name of the hosts file'
unknown
through ping >"$dir/second" &
second=$!
until_true asked slow.test
serves 'cxl-tunnel serves others while the resolver is silent'
known slow.test
wait $second
same 'and who waited is served when there is an address' "$(cat "$dir/second")" PONG
unknown
waiting=
for _i in $(seq 60); do
	through ping >/dev/null &
	waiting="$waiting $!"
done
sleep 1
threads=$(sed -n 's/^Threads:[[:space:]]*//p' "/proc/$tunnel/status")
[ "$threads" -gt 20 ] && [ "$threads" -le 33 ] && ok 'threads for names have a limit' || not_ok "threads for names have a limit: $threads"
soon && ok 'at which it serves as well' || not_ok 'at which it serves as well'
t0=$(date +%s%N)
no_tunnel
[ $((($(date +%s%N) - t0) / 1000000)) -lt 1500 ] && ok 'SIGTERM does not wait for them' || not_ok 'SIGTERM does not wait for them'
for _p in $waiting; do wait "$_p"; done
exec 3>&-

known slow.test
port=$(free_port)
redis-cli -s "$dir/a.sock" config set port "$port" >/dev/null
redis-cli -s "$dir/a.sock" config set protected-mode no >/dev/null
"$B/cxl-proxy" --backend "slow.test:$port" --region "$shm/p" >"$dir/proxy" 2>&1 &
pids="$pids $!"
until_true "$B/cxl-cli" --region "$shm/p" ping
hold "$B/cxl-cli" --region "$shm/p" && ok 'cxl-proxy --backend by name' || not_ok 'cxl-proxy --backend by name'
unknown
: >"$dir/dns"
timeout 30 "$B/cxl-cli" --region "$shm/p" ping >"$dir/second" 2>&1 &
second=$!
until_true asked slow.test
serves 'cxl-proxy serves others while the resolver is silent'
wait $second
exec 3>&-

# ---- the manager's name ----
ca=$dir/ca
ctl ca init "$ca"
ctl ca issue "$ca" mgr --role server:mgr
ctl ca issue "$ca" root --role admin
ctl ca issue "$ca" redis --role server:kv
ctl ca issue "$ca" web --role 'kv:*'
mport=$(free_port)
acl() { "$B/hedbctl" acl "$@" --sec-mgr "127.0.0.1:$mport" --cert "$ca/root.pem" --key "$ca/root.key" --ca "$ca/ca.pem" >"$dir/acl.out" 2>&1; }
"$B/cxl_sec_mgr" --listen "127.0.0.1:$mport" --store "$dir/store" --cert "$ca/mgr.pem" --key "$ca/mgr.key" \
	--ca "$ca/ca.pem" 2>"$dir/mgr.log" &
pids="$pids $!"
until_true acl list
acl node add redis "$ca/redis.pem" && acl node add web "$ca/web.pem" && acl range add r --service kv &&
	acl grant redis r write && acl grant web r write && ok 'a manager' || not_ok "a manager: $(cat "$dir/acl.out")"
start m --cxlring.secure required --cxlring.cert-file "$ca/redis.pem" --cxlring.key-file "$ca/redis.key" \
	--cxlring.ca-file "$ca/ca.pem" --cxlring.sec-mgr "mgr.test:$mport"
asked mgr.test && ok 'Redis asks for its name' || not_ok 'Redis asks for its name'
hold redis-cli -s "$dir/m.sock" && ok 'and starts' || not_ok 'and starts'
serves 'Redis serves others while the resolver is silent'
exec 3>&-
has 'MODULE UNLOAD does not wait for it' "$(redis-cli -s "$dir/m.sock" module unload cxlring 2>&1)" ERR
has 'the log says why' "$(cat "$dir/m.log")" "not unloaded: the manager's name is being looked up"
web() { timeout 30 "$B/cxl-cli" --region "$shm/m" --secure --sec-mgr "mgr.test:$mport" --cert "$ca/web.pem" --key "$ca/web.key" --ca "$ca/ca.pem" "$@" 2>&1; }
has 'a client says what it waited for' "$(web ping)" "\"mgr.test:$mport\" is being looked up"
known mgr.test
served() { [ "$(web ping)" = PONG ]; }
until_true served
same 'both know it' "$(web ping)" PONG
same 'and the module is unloaded' "$(redis-cli -s "$dir/m.sock" module unload cxlring 2>&1)" OK
