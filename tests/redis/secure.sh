# SPDX-License-Identifier: BSD-3-Clause
# Sealed channels: who is let in and as whom, what is readable in the region, what a change
# of files or configuration does, and that Redis goes on meanwhile.
family=secure
. tests/redis/lib.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK

ca=$dir/ca
ctl ca init "$ca"
ctl ca issue "$ca" redis --role server:kv
ctl ca issue "$ca" alice --role kv:alice,kv:bob
ctl ca issue "$ca" bob --role kv:bob
ctl ca issue "$ca" any --role 'kv:*'
ctl ca issue "$ca" ghost --role kv:ghost
ctl ca issue "$ca" pg --role db,client
ctl ca init "$dir/other"
ctl ca issue "$dir/other" alice --role kv:alice
printf 'node1 kv:bob %064d\n' 1 >"$dir/psk"; chmod 600 "$dir/psk"
printf 'node1 kv:bob %064d\n' 2 >"$dir/wrong.psk"; chmod 600 "$dir/wrong.psk"

files="--cxlring.cert-file $ca/redis.pem --cxlring.key-file $ca/redis.key --cxlring.ca-file $ca/ca.pem
	--cxlring.crl-file $ca/crl.pem"
start a --cxlring.secure sealed $files --cxlring.psk-file "$dir/psk"
redis() { redis-cli -s "$dir/a.sock" "$@" 2>&1; }
redis acl setuser alice on '>a' '~b:*' '&*' +@all >/dev/null
redis acl setuser bob on '>b' '~b:*' +get +set >/dev/null

# as NAME command...: through a sealed channel
as() {
	who=$1
	shift
	"$B/cxl-cli" --region "$shm/a" --no-raw --secure --cert "$ca/$who.pem" --key "$ca/$who.key" \
		--ca "$ca/ca.pem" "$@" 2>&1
}
info() { redis info cxlring | tr -d '\r' | sed -n "s/^cxlring_$1://p"; }

has 'a certificate is its user' "$(as alice get x:1)" NOPERM
same 'it writes' "$(as alice set b:1 hello)" OK
same 'it reads' "$(as alice get b:1)" '"hello"'
same 'a restricted user is one here as well' "$(as bob get x:1)" \
	"$("$B/cxl-cli" --region "$shm/a" --no-raw --user bob --pass b get x:1 2>&1)"
same 'what it may it does' "$(as bob get b:1)" '"hello"'
same 'kv:* is the default user' "$(as any get x:1)" '(nil)'
same 'and any other with a password' "$(as any --user bob --pass b get b:1)" '"hello"'
same 'another user of the certificate, without one' "$(as alice --user bob --pass none get b:1)" '"hello"'
has 'nobody else' "$(as bob --user alice --pass a get b:1)" 'NOPERM the certificate names no such user'
has 'a user that there is not' "$(as ghost ping)" 'refused'
has 'and the log says which' "$(cat "$dir/a.log")" 'no sealed channel: "ghost" may be user ghost, which there is not'
has 'a certificate of another service' "$(as pg ping)" 'not the role'
has 'a certificate of another CA' "$("$B/cxl-cli" --region "$shm/a" --secure --cert "$dir/other/alice.pem" \
	--key "$dir/other/alice.key" --ca "$dir/other/ca.pem" ping 2>&1)" "the other end's certificate: The certificate is not correctly signed"
same 'a pre-shared key' "$("$B/cxl-cli" --region "$shm/a" --no-raw --secure --psk "$dir/psk" get b:1 2>&1)" '"hello"'
has 'a wrong one' "$("$B/cxl-cli" --region "$shm/a" --secure --psk "$dir/wrong.psk" get b:1 2>&1)" refused
same 'from the environment' "$(CXL_SECURE=1 CXL_CERT=$ca/alice.pem CXL_KEY=$ca/alice.key CXL_CA=$ca/ca.pem \
	"$B/cxl-cli" --region "$shm/a" --no-raw get b:1)" '"hello"'
has 'what it says by another word is not taken for no' "$(CXL_SECURE=yes CXL_CERT=$ca/alice.pem CXL_KEY=$ca/alice.key \
	CXL_CA=$ca/ca.pem "$B/cxl-cli" --region "$shm/a" get b:1 2>&1)" 'CXL_SECURE is 1, or 0'
same 'no is no' "$(CXL_SECURE=0 "$B/cxl-cli" --region "$shm/a" --no-raw get b:1)" '"hello"'
has 'files without --secure' "$("$B/cxl-cli" --region "$shm/a" --cert "$ca/alice.pem" get b:1 2>&1)" 'for --secure'
same 'plain clients are still served' "$(ring a get b:1)" '"hello"'
same 'none is left over' "$(info channels_sealed)" 0

head -c 1000000 /dev/urandom | base64 -w 0 >"$dir/long"
same 'a long value, there' "$("$B/cxl-cli" --region "$shm/a" --secure --cert "$ca/alice.pem" \
	--key "$ca/alice.key" --ca "$ca/ca.pem" -x set b:long <"$dir/long")" OK
as alice --raw get b:long | tr -d '\n' | cmp -s - "$dir/long" && ok 'and back' || not_ok 'and back'
same 'a script' "$(as alice eval 'return redis.call("get", KEYS[1])' 1 b:1)" '"hello"'

# ---- the region ----
# While the client is there: afterwards its channel is wiped.
(as alice -r 40 -i 0.1 set b:secret plaintextcanary1 >/dev/null) &
pids="$pids $!"
("$B/cxl-cli" --region "$shm/a" -r 40 -i 0.1 set b:open plaintextcanary2 >/dev/null 2>&1) &
pids="$pids $!"
i=0
while [ "$(info channels_open)" != 2 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
sleep 0.5
grep -qF plaintextcanary1 "$shm/a" && not_ok 'a value is readable in the region' || ok 'no value is readable in the region'
grep -qF plaintextcanary2 "$shm/a" && ok 'a plain one is' || not_ok 'a plain one is'
same 'and both are stored' "$(redis mget b:secret b:open)" "$(printf 'plaintextcanary1\nplaintextcanary2')"

# Streams, which are cxl-proxy's: what goes there, what comes back, what is told unasked. With the
# same said to a plain one, to show that it would be found.
i=0
while [ "$(info channels_open)" != 0 ] && [ $i -lt 200 ]; do i=$((i + 1)); sleep 0.05; done
canary() { printf '%sCanary%s' "$1" "$2"; } # canary sealed|open there|back|told
stream_up() {
	_way=$1
	shift
	"$B/cxl-proxy" --region "$shm/a" "$@" --unix "$dir/$_way.sock" 2>"$dir/$_way.err" &
	eval "proxy_$_way=$!"
	pids="$pids $!"
	until_true [ -S "$dir/$_way.sock" ]
	redis set "b:$_way:back" "$(canary "$_way" back)" >/dev/null
	mkfifo "$dir/$_way.in"
	redis-cli -s "$dir/$_way.sock" <"$dir/$_way.in" >"$dir/$_way.out" 2>&1 &
	pids="$pids $!"
	redis-cli -s "$dir/$_way.sock" subscribe "b:$_way" >"$dir/$_way.told" 2>&1 </dev/null &
	pids="$pids $!"
}
# What was said by that stream and what it was answered, as long as it is there.
stream_says() {
	printf 'MULTI\nSET b:%s %s\nGET b:%s:back\nEXEC\n' "$1" "$(canary "$1" there)" "$1" >&"$2"
	until_true grep -q "$(canary "$1" back)" "$dir/$1.out"
	until_true grep -q subscribe "$dir/$1.told"
	redis publish "b:$1" "$(canary "$1" told)" >/dev/null
	until_true grep -q "$(canary "$1" told)" "$dir/$1.told"
	same "$1: MULTI and SUBSCRIBE by a stream" "$(tr '\n' ' ' <"$dir/$1.out")$(sed -n '$p' "$dir/$1.told") $(redis get "b:$1")" \
		"OK QUEUED QUEUED OK $(canary "$1" back) $(canary "$1" told) $(canary "$1" there)"
}
stream_up sealed --secure --cert "$ca/any.pem" --key "$ca/any.key" --ca "$ca/ca.pem"
exec 5>"$dir/sealed.in"
stream_up open
exec 6>"$dir/open.in"
stream_says sealed 5
stream_says open 6
same 'they are streams, two of them sealed' "$(redis cxlring.clients | grep -c 'state=stream') $(info channels_sealed)" '4 2'
readable() { for w in there back told; do grep -qF "$(canary "$1" $w)" "$shm/a" && printf '%s ' $w; done; }
same 'of a plain stream all is readable in the region' "$(readable open)" 'there back told '
same 'and nothing of a sealed one' "$(readable sealed)" ''
exec 5>&- 6>&-
kill "$proxy_sealed" "$proxy_open"
i=0
while [ "$(info channels_open)" != 0 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done

# ---- changes while it runs ----
has 'no mode that there is not' "$(redis config set cxlring.secure maybe)" ERR
has 'no certificate that does not fit' "$(redis config set cxlring.key-file "$ca/bob.key")" 'not the key of'
same 'all is as it was' "$(as alice get b:1)" '"hello"'
has 'no client for a server' "$(redis config set cxlring.cert-file "$ca/bob.pem" cxlring.key-file "$ca/bob.key")" "not a server's"

(as alice -r 400 -i 0.05 get b:1 >"$dir/loop" 2>&1) &
pids="$pids $!"
i=0
while [ "$(info channels_sealed)" != 1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
cp "$ca/crl.pem" "$dir/crl.was"
ctl ca revoke "$ca" alice
i=0
while [ "$(info channels_sealed)" != 0 ] && [ $i -lt 60 ]; do i=$((i + 1)); sleep 0.05; done
same 'a revoked certificate ends its connections, within seconds' "$(info channels_sealed)" 0
has 'and there is no new one' "$(as alice get b:1)" revoked
same 'others go on' "$(as bob get b:1)" '"hello"'
cp "$ca/crl.pem" "$dir/crl.now"
mv "$dir/crl.was" "$ca/crl.pem"
until_true grep -q 'as they were: .*older than the list that is in use' "$dir/a.log"
has 'the list of before brings nobody back' "$(as alice get b:1)" revoked
mv "$dir/crl.now" "$ca/crl.pem"
until_true grep -q 'certificates and keys were read anew' "$dir/a.log"
has 'nor when its time is over' "$(as alice get b:1)" revoked

# linger NAME: a client that stays; gone N: until so many are sealed
linger() {
	(as "$1" -r 4000 -i 0.05 get b:1 >"$dir/linger" 2>&1) &
	pids="$pids $!"
	sealed_are 1
}
sealed_are() {
	_i=0
	while [ "$(info channels_sealed)" != "$1" ] && [ $_i -lt 300 ]; do _i=$((_i + 1)); sleep 0.05; done
}
ctl ca issue "$ca" brief --role kv:bob --seconds 8
linger brief
same 'a certificate of a few seconds' "$(info channels_sealed)" 1
sealed_are 0
same 'that ends ends its connections' "$(info channels_sealed)" 0
has 'and there is no new one' "$(as brief get b:1)" expired
# A list with the same time as the one before: it is another file all the same.
ctl ca issue "$ca" lost --role kv:bob
linger lost
touch -r "$ca/crl.pem" "$dir/time"
ctl ca revoke "$ca" lost
touch -r "$dir/time" "$ca/crl.pem"
sealed_are 0
same 'a list is read anew, whatever its time says' "$(info channels_sealed)" 0
has 'it counts' "$(as lost get b:1)" revoked
# Whom another CA vouched for, when that is believed no longer.
cat "$ca/ca.pem" "$dir/other/ca.pem" >"$dir/both.pem"
redis config set cxlring.ca-file "$dir/both.pem" cxlring.crl-file '' >/dev/null
ctl ca issue "$dir/other" carol --role kv:bob
("$B/cxl-cli" --region "$shm/a" --secure --cert "$dir/other/carol.pem" --key "$dir/other/carol.key" \
	--ca "$dir/both.pem" -r 4000 -i 0.05 get b:1 >"$dir/linger" 2>&1) &
pids="$pids $!"
sealed_are 1
same 'of a second CA' "$(info channels_sealed)" 1
redis config set cxlring.ca-file "$ca/ca.pem" cxlring.crl-file "$ca/crl.pem" >/dev/null
sealed_are 0
same 'that is believed no longer' "$(info channels_sealed)" 0
# The key of a node is another one now, for Redis.
cp -p "$dir/psk" "$dir/psk.was"
("$B/cxl-cli" --region "$shm/a" --secure --psk "$dir/psk.was" -r 4000 -i 0.05 get b:1 >"$dir/linger" 2>&1) &
pids="$pids $!"
sealed_are 1
same 'a key that two nodes have at once' \
	"$("$B/cxl-cli" --region "$shm/a" --no-raw --secure --psk "$dir/psk" get b:1 2>&1)" '"hello"'
sealed_are 1
cp "$dir/wrong.psk" "$dir/psk"
sealed_are 0
same 'a pre-shared key that is replaced ends its connections' "$(info channels_sealed)" 0
has 'the log says why' "$(cat "$dir/a.log")" 'the key of "node1" is another one now'
cp -p "$dir/psk.was" "$dir/psk"

same 'required' "$(redis config set cxlring.secure required)" OK
has 'refuses plain ones' "$(ring a get b:1)" 'sealed channels only'
has 'and a plain password' "$("$B/cxl-cli" --region "$shm/a" --user bob --pass b get b:1 2>&1)" 'sealed channels only'
same 'sealed ones are in' "$(as bob get b:1)" '"hello"'
redis acl setuser bob off >/dev/null
has 'a user that is off' "$(as bob get b:1)" refused
redis acl setuser bob on >/dev/null

# Turned off while it was in: what it says to a stream at once must not be the default user's.
mkfifo "$dir/early.in"
"$B/tests/redis/early" "$shm/a" "$ca/bob.pem" "$ca/bob.key" "$ca/ca.pem" <"$dir/early.in" >"$dir/early" 2>&1 &
early=$!
pids="$pids $early"
exec 8>"$dir/early.in"
i=0
while ! grep -q open "$dir/early" && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
redis acl setuser bob off >/dev/null
echo now >&8
wait "$early"
exec 8>&-
same 'a stream of a user that was turned off is nobody' "$(redis exists x:early) $(cat "$dir/early")" '0 open'
redis acl setuser bob on >/dev/null

(as bob -r 400 -i 0.05 get b:1 >"$dir/loop2" 2>&1) &
pids="$pids $!"
until_true grep -q . "$dir/loop2"
redis acl deluser bob >/dev/null
sleep 0.5
has 'a deleted user is not the default one' "$(tail -n 1 "$dir/loop2")" NOAUTH

same 'plain' "$(redis config set cxlring.secure plain)" OK
has 'a client that wants more is told' "$(as any ping)" 'takes no sealed channels'
same 'plain clients are in' "$(ring a ping)" PONG

# ---- restart ----
redis config set cxlring.secure sealed >/dev/null
mkfifo "$dir/fifo"
as any <"$dir/fifo" >"$dir/loop3" 2>&1 &
pids="$pids $!"
exec 7>"$dir/fifo"
echo 'SET b:3 before' >&7
i=0
while [ "$(info channels_sealed)" != 1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
kill -9 "$pid_a"
wait "$pid_a" 2>/dev/null
start a --cxlring.secure required $files
echo 'PING after' >&7
i=0
while [ "$(info channels_sealed)" != 1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
same 'after kill -9 a client is sealed again' "$(info channels_sealed)" 1
exec 7>&-
sleep 0.3
has 'and is answered' "$(cat "$dir/loop3")" after

# ---- the server's certificate, which clients look at as well ----
# Their list is one of their own: Redis does not know of it, and would serve on.
start b --cxlring.secure required $files
mine="--region $shm/b --secure --cert $ca/any.pem --key $ca/any.key --ca $dir/cas.pem --crl $dir/list.pem"
cp "$ca/ca.pem" "$dir/cas.pem"
sealed_there() { [ "$(redis-cli -s "$dir/b.sock" info cxlring | tr -d '\r' | sed -n 's/^cxlring_channels_sealed://p')" "$1" "$2" ]; }
cp "$ca/crl.pem" "$dir/list.pem"
"$B/cxl-cli" $mine -r 4000 -i 0.05 get x:1 >"$dir/asks" 2>&1 &
pids="$pids $!"
"$B/cxl-proxy" $mine --unix "$dir/proxy.sock" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true [ -S "$dir/proxy.sock" ]
redis-cli -s "$dir/proxy.sock" subscribe news >"$dir/hears" 2>&1 </dev/null & # a stream that is silent
pids="$pids $!"
until_true grep -q subscribe "$dir/hears"
redis-benchmark -s "$dir/proxy.sock" -c 1 -n 100000000 -t get -q >"$dir/busy" 2>&1 & # and one that is not
pids="$pids $!"
until_true sealed_there -ge 3
sleep 2.5
sealed_there -ge 3 && ok 'a list that stays as it is ends nothing' || not_ok 'a list that stays as it is ends nothing'
# nor does a CA that is half written, which the log of the proxy says once for all its connections
head -c 300 "$ca/ca.pem" >"$dir/cas.pem"
until_true grep -q cas.pem "$dir/proxy.err"
sleep 2.5
sealed_there -ge 3 && ok 'nor does half a CA' || not_ok 'nor does half a CA'
same 'which the log says, once' "$(grep -c 'certificates and keys are as they were: .*cas.pem' "$dir/proxy.err")" 1
cp "$ca/ca.pem" "$dir/cas.pem"
until_true grep -q 'read anew' "$dir/proxy.err"
ctl ca revoke "$ca" redis
cp "$ca/crl.pem" "$dir/list.new"
mv "$dir/list.new" "$dir/list.pem"
until_true sealed_there = 0
sealed_there = 0 && ok 'a revoked server has no clients any more, within seconds' || not_ok 'a revoked server has clients'
has 'they say why' "$(tail -n 2 "$dir/asks")" revoked
has 'of streams the log does' "$(cat "$dir/proxy.err")" 'the certificate of "redis" is revoked'
has 'who comes now is not served' "$("$B/cxl-cli" $mine get x:1 2>&1)" revoked
