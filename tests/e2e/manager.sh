#!/bin/sh
# manager.sh - scope: cxl_sec_mgr and `hedbctl acl` as a person meets them: options, the table,
# messages, kill -9 while changes are made, a full disk, restart, what logs and files show. What
# nodes meet is in tests/unit/test_manager.c and tests/redis/manager.sh. Needs the programs in $B.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
ctl=$B/hedbctl
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK CXL_SEC_MGR CXL_SEC_POOL NOTIFY_SOCKET HEDB_REGION
# in memory where that can be: others' disks may make fsync() take its time
dir=$(mktemp -d /dev/shm/mgr-e2e.XXXXXX 2>/dev/null || mktemp -d "${TMPDIR:-/tmp}/mgr-e2e.XXXXXX") || exit 1
pids= mounted= as=
. tests/e2e/lib/tap.sh
tap='manager: '

cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null; done
	[ -z "$mounted" ] || umount "$mounted"
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ca=$dir/ca
quiet() { "$@" >"$dir/out" 2>&1 || not_ok "$*" "$(cat "$dir/out")"; }
quiet "$ctl" ca init "$ca"
quiet "$ctl" ca issue "$ca" mgr --role server:mgr
quiet "$ctl" ca issue "$ca" alice --role admin
quiet "$ctl" ca issue "$ca" bob --role admin
quiet "$ctl" ca issue "$ca" web1 --role kv:web1
quiet "$ctl" ca issue "$ca" web2 --role kv:web2
quiet "$ctl" ca init "$dir/other"
quiet "$ctl" ca issue "$dir/other" alice --role admin
quiet "$ctl" ca issue "$dir/other" mgr --role server:mgr
quiet "$ctl" ca issue "$ca" vault --role server:ops

certificate() { echo "--cert $ca/$1.pem --key $ca/$1.key --ca $ca/ca.pem"; }

# begin STORE [options]: the manager, on a port that is free now; $port, $pid, $log
begin() {
	store=$1 log=$dir/log
	shift
	for try in 1 2 3 4 5; do
		[ -n "${port:-}" ] || port=$((20000 + ($$ * 7 + try * 131 + passed) % 10000))
		echo "$port" >"$dir/port"
		: >"$log" # by us: the background's shell may be late
		# shellcheck disable=SC2046
		$as "$B/cxl_sec_mgr" --listen "127.0.0.1:$port" --store "$store" $(certificate mgr) \
			--crl "$ca/crl.pem" "$@" 2>>"$log" </dev/null &
		pid=$!
		pids="$pids $pid"
		i=0
		until grep -q 'listening' "$log" || ! kill -0 "$pid" 2>/dev/null || [ $i -gt 300 ]; do
			i=$((i + 1))
			sleep 0.05
		done
		grep -q listening "$log" && return 0
		grep -q 'in use' "$log" || break
		port=
	done
	return 1
}

end() { # end SIGNAL
	kill "-$1" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# acl WHO WORDS...: a file, since timeout(1) runs no functions
cat >"$dir/acl" <<EOF
#!/bin/sh
who=\$1
shift
exec "$ctl" acl "\$@" --sec-mgr "127.0.0.1:\$(cat "$dir/port")" --cert "$ca/\$who.pem" --key "$ca/\$who.key" --ca "$ca/ca.pem"
EOF
chmod +x "$dir/acl"
acl() { "$dir/acl" "$@"; }

# ---- options ----
says 'help' 0 'usage: cxl_sec_mgr' "$B/cxl_sec_mgr" --help
says 'nothing at all' 2 'are needed' "$B/cxl_sec_mgr"
says 'an unknown option' 2 'unknown option' "$B/cxl_sec_mgr" --port 7
# shellcheck disable=SC2046
says 'a certificate of another role' 1 'server:mgr' "$B/cxl_sec_mgr" --listen 127.0.0.1:1 --store "$dir/s" $(certificate web1)
says 'acl without a manager' 1 'which manager' "$ctl" acl list $(certificate alice)
says 'acl without words' 2 'hedbctl acl grant' "$ctl" acl
says 'no manager there' 1 'no answer from the manager' "$ctl" acl list --sec-mgr 127.0.0.1:1 $(certificate alice)

begin "$dir/store" --lease-ms 5000 || { not_ok 'the manager starts' "$(cat "$log")"; exit 1; }
ok 'the manager starts'
case $B in
*address* | *thread*) ;;
*) [ "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")" = 2 ] && ok 'in a filter of system calls' || not_ok 'in a filter of system calls' ;;
esac
# Its memory has the master key.
is 'it can gain nothing' "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$pid/status")" 1
is 'it can write no core' "$(awk '/Max core file size/ { print $5, $6 }' "/proc/$pid/limits")" '0 0'
says 'a second one on its store' 1 'another manager' "$B/cxl_sec_mgr" --listen 127.0.0.1:0 --store "$dir/store" $(certificate mgr)

# ---- the table ----
says 'a node by its certificate' 0 'version 2; 0 of 0' "$dir/acl" alice node add web1 "$ca/web1.pem"
says 'a node by a fingerprint' 0 'version 3' "$dir/acl" alice node add web2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
says 'and by its certificate after all' 0 'version 4' "$dir/acl" alice node add web2 "$ca/web2.pem"
says 'a range' 0 'version 5' "$dir/acl" alice range add tenant1 --service kv --channels 0-7
says 'a range by address' 0 'version 6' "$dir/acl" alice range add tenant2 --service kv --channels 8-15 --from 4K --to 16M --pool pool
says 'one that meets it' 1 'range "tenant1" has some of that' "$dir/acl" alice range add tenant3 --service kv --channels 7
says 'a right' 0 'version 7' "$dir/acl" alice grant web1 tenant1 write
says 'no such right' 2 'hedbctl acl grant' "$ctl" acl grant web1 tenant1
says 'nor that' 1 'grant NODE RANGE read|write' "$dir/acl" alice grant web1 tenant1 all
says 'to nobody' 1 'no node "web3"' "$dir/acl" alice grant web3 tenant1 write
says 'to nothing' 1 'no range "tenant9"' "$dir/acl" alice grant web1 tenant9 write
says 'another administrator' 0 'version 8' "$dir/acl" bob grant web2 tenant2 read
says 'what it has' 0 'grant web2 tenant2 read' "$dir/acl" alice list
says 'ranges in it' 0 'range tenant2 pool 4096 16777216 kv 8 15 key ' "$dir/acl" alice list
says 'its state' 0 'lease_ms 5000' "$dir/acl" alice status

key_of() { acl alice list | sed -n "s/^range $1 .* key //p"; }
one=$(key_of tenant1) two=$(key_of tenant2)
case $one in ????????????????) ok 'a range has a key' ;; *) not_ok 'a range has a key' "$one" ;; esac
[ "$one" != "$two" ] && ok 'each another one' || not_ok 'each another one' "$one"
says 'rotate' 0 'version 9' "$dir/acl" alice rotate tenant1
[ "$(key_of tenant1)" != "$one" ] && ok 'it is another key then' || not_ok 'it is another key then' "$one"
is 'and that of no other range' "$(key_of tenant2)" "$two"

# ---- who may ----
says 'a node changes nothing' 1 'has not the role admin' "$dir/acl" web1 grant web1 tenant2 write
says 'nor lists' 1 'has not the role admin' "$dir/acl" web1 list
says 'but sees its own' 0 'range tenant1 pool pool' "$dir/acl" web1 view
acl web1 view >"$dir/view" 2>&1
grep -q tenant2 "$dir/view" && not_ok 'and nobody else'"'"'s' "$(cat "$dir/view")" || ok "and nobody else's"
says 'an administrator is a node that is not known' 0 'known no' "$dir/acl" alice view
cat "$ca/ca.pem" "$dir/other/ca.pem" >"$dir/both.pem"
says 'a certificate of another CA' 1 'of another CA' "$ctl" acl list --sec-mgr "127.0.0.1:$port" \
	--cert "$dir/other/alice.pem" --key "$dir/other/alice.key" --ca "$dir/both.pem"
says 'a certificate of no CA' 1 "$dir/nozone: no CA is here" "$ctl" ca issue "$dir/nozone" x --role db
says 'roles that there are' 1 'server:mgr, with commas' "$ctl" ca issue "$dir/ca" x --role boss
says 'a manager of another CA' 1 'not correctly signed' "$ctl" acl list --sec-mgr "127.0.0.1:$port" \
	--cert "$dir/other/alice.pem" --key "$dir/other/alice.key" --ca "$dir/other/ca.pem"
if command -v perl >/dev/null; then
	is 'who shows no certificate is sent away' "$(perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die; my $t = time;
		alarm 20; my $n = sysread $s, my $x, 9; print defined $n && $n == 0 && time - $t >= 4 ? "soon" : "so"' "$port")" soon
else
	skip 'who shows no certificate is sent away' 'no perl'
fi
quiet "$ctl" ca revoke "$ca" bob
"$ctl" ca list "$ca" >"$dir/certificates" 2>&1
is 'ca list: who may what' "$(sed -n 's/^[0-9a-f]* alice valid [0-9]* //p' "$dir/certificates")" admin
is 'and who was revoked' "$(sed -n 's/^[0-9a-f]* bob \([a-z]*\) .*/\1/p' "$dir/certificates")" revoked
is 'all of them' "$(wc -l <"$dir/certificates")" 6
quiet "$ctl" ca issue "$ca" short --role admin --seconds 1
sleep 2.1
is 'and whose time is over' "$("$ctl" ca list "$ca" | sed -n 's/^[0-9a-f]* short \([a-z]*\) .*/\1/p')" expired
kill -HUP "$pid"
i=0
until grep -q reloaded "$log" || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.05; done
says 'a revoked administrator' 1 'revoked' "$dir/acl" bob list
says 'the other one' 0 'node web1' "$dir/acl" alice list

# ---- an ops_server that it gives nothing ----
quiet "$ctl" region format "$dir/region"
quiet "$ctl" key create "$dir/keys"
# warns NAME TEXT: what it warns of when it starts, but for policy and memory
warns() {
	: >"$dir/vault.log"
	# shellcheck disable=SC2046
	timeout "$patience" "$B/ops_server" --region "$dir/region" --keys "$dir/keys" --secure required \
		--sec-mgr "127.0.0.1:$port" $(certificate vault) --crl "$ca/crl.pem" 2>>"$dir/vault.log" &
	vault=$!
	pids="$pids $vault"
	i=0
	until grep -q 'serving 128 channels' "$dir/vault.log" || [ $i -gt 200 ]; do i=$((i + 1)); sleep 0.05; done
	kill "$vault"
	wait "$vault" 2>/dev/null
	is "$1" "$(grep -c 'serving 128' "$dir/vault.log") $(sed -n 's/.*\(serving nobody.*\)/\1/p' "$dir/vault.log")" "1 $2"
}
nothing='serving nobody: the manager gives us no right to write to any channel: hedbctl acl'
warns 'it is not known, and says so' "$nothing node add, then acl grant"
says 'it is known' 0 'version' "$dir/acl" alice node add vault "$ca/vault.pem"
warns 'it has no right' "$nothing grant NODE RANGE write"
says 'a range of its service' 0 'version' "$dir/acl" alice range add ops --service ops --channels 127
says 'to ask' 0 'version' "$dir/acl" alice grant vault ops read
warns 'nor one to serve' "$nothing grant NODE RANGE write"
says 'to serve' 0 'version' "$dir/acl" alice grant vault ops write
warns 'a right to one channel is enough' ''

# ---- restarts ----
acl alice list >"$dir/before"
end TERM
says 'without it nothing changes' 1 'no answer from the manager' "$dir/acl" alice grant web1 tenant2 read
begin "$dir/store" || not_ok 'it starts again' "$(cat "$log")"
acl alice list >"$dir/after"
cmp -s "$dir/before" "$dir/after" && ok 'a restart changes nothing' || not_ok 'a restart changes nothing' "$(diff "$dir/before" "$dir/after")"
end KILL
begin "$dir/store"
acl alice list >"$dir/after"
cmp -s "$dir/before" "$dir/after" && ok 'nor does kill -9' || not_ok 'nor does kill -9' "$(diff "$dir/before" "$dir/after")"
end KILL
was=$(ulimit -S -n)
ulimit -S -n 100
begin "$dir/store"
ulimit -S -n "$was"
says 'with few descriptors it takes more' 0 'lease_ms' timeout 10 "$dir/acl" alice status
end KILL
mkfifo "$dir/slowly"
slowly_config "$dir/slowly" 'lease-ms = 7000' cxl_sec_mgr &
pids="$pids $!"
begin "$dir/store" --config "$dir/slowly" || not_ok 'SIGHUP while it starts' "$(cat "$log")"
says 'SIGHUP while it starts' 0 'lease_ms 7000' "$dir/acl" alice status
i=0
until grep -q reloaded "$log" || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.05; done
is 'is heard once it has' "$(grep -c reloaded "$log")" 1

# ---- kill -9 in the middle ----
# Four write as fast as they can, each into a node of its own; what one was told is there afterwards.
writer() {
	n=0
	while :; do
		n=$((n + 1))
		print=$(printf '%063x%d' "$n" "$1")
		acl alice node add "w$1" "$print" >/dev/null 2>&1 || return
		echo "$print" >"$dir/told.$1"
	done
}
lost= rounds=6
for round in $(seq $rounds); do
	rm -f "$dir"/told.*
	writers=
	for w in 1 2 3 4; do writer $w & writers="$writers $!"; done
	pids="$pids $writers"
	i=0
	until [ -s "$dir/told.1" ] && [ -s "$dir/told.4" ] || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.05; done
	sleep "0.$round"
	end KILL
	for w in $writers; do wait "$w" 2>/dev/null; done
	begin "$dir/store" || { not_ok 'it starts after kill -9' "$(cat "$log")"; break; }
	acl alice list >"$dir/after"
	for w in 1 2 3 4; do
		told=$(cat "$dir/told.$w" 2>/dev/null) || continue
		has=$(sed -n "s/^node w$w 0*\([0-9a-f]*\)$w$/\1/p" "$dir/after")
		n=$(printf %s "$told" | sed "s/^0*\([0-9a-f]*\)$w$/\1/")
		# it has that or, written but not answered, the next one
		[ $((0x$has)) -ge $((0x$n)) ] && [ $((0x$has)) -le $((0x$n + 1)) ] || lost="$lost round $round w$w told $n has $has;"
	done
done
[ -z "$lost" ] && ok "kill -9 loses nothing that was answered, $rounds times with four writers" || not_ok 'kill -9 loses nothing' "$lost"

# ---- a full disk ----
mkdir "$dir/small"
if mount -t tmpfs -o size=64k,mode=700 tmpfs "$dir/small" 2>/dev/null; then
	mounted=$dir/small
	end TERM
	begin "$dir/small/store"
	acl alice node add web1 "$ca/web1.pem" >/dev/null
	dd if=/dev/zero of="$dir/small/fill" bs=1k 2>/dev/null
	i=0
	while out=$(acl alice node add "n$i" "$(printf %064x "$i")" 2>&1) && [ $i -lt 60 ]; do i=$((i + 1)); done
	case $out in *'nothing has changed'*'No space'*) ok 'a full disk is told' ;; *) not_ok 'a full disk is told' "$out" ;; esac
	says 'and the table is as it was' 0 'node web1' "$dir/acl" alice list
	acl alice list >"$dir/before"
	grep -q "^node n$i " "$dir/before" && not_ok 'what was refused is not there' || ok 'what was refused is not there'
	rm "$dir/small/fill"
	says 'with room it goes on' 0 'version' "$dir/acl" alice node add more "$(printf %064x 12345)"
	acl alice list >"$dir/before"
	end KILL
	begin "$dir/small/store"
	acl alice list >"$dir/after"
	cmp -s "$dir/before" "$dir/after" && ok 'and all of it is there again' || not_ok 'and all of it is there again'
	end TERM
	umount "$dir/small" && mounted=
else
	skip 'a full disk' 'no file system can be mounted here'
	end TERM
fi

# ---- what is on disk and in the log ----
[ "$(stat -c %a "$dir/store/master")" = 600 ] && ok 'the master key is for nobody else' || not_ok 'the master key is for nobody else'
grep -q "$(cat "$dir/store/master")" "$dir/store/journal" "$log" && not_ok 'the master key is in neither journal nor log' || ok 'the master key is in neither journal nor log'
grep -q ' alice grant web1 tenant1 write #' "$dir/store/journal" && ok 'the journal says who did it' || not_ok 'the journal says who did it'
sed 's/grant web1 tenant1 write/grant web2 tenant1 write/' "$dir/store/journal" >"$dir/changed"
cat "$dir/changed" >"$dir/store/journal"
# shellcheck disable=SC2046
says 'a journal that was edited is refused' 1 'was changed' "$B/cxl_sec_mgr" --listen 127.0.0.1:0 --store "$dir/store" $(certificate mgr)

# ---- nobody looks into its memory: what is not dumpable belongs to root in /proc ----
if [ "$(id -u)" = 0 ]; then
	mkdir "$dir/nobody"
	chmod 711 "$dir"
	chown -R 65534 "$dir/nobody" "$ca"
	as='setpriv --reuid 65534 --regid 65534 --clear-groups'
	begin "$dir/nobody/store" && ok 'as another user' || not_ok 'as another user' "$(cat "$log")"
	is 'it is not dumpable' "$(stat -c %u "/proc/$pid/mem")" 0
	$as head -c 1 "/proc/$pid/environ" >/dev/null 2>&1 && not_ok 'nor may its user look into it' || ok 'nor may its user look into it'
	end TERM
else
	skip 'not dumpable' 'not root'
fi

echo "# $passed passed, $failed failed"
[ "$failed" = 0 ]
