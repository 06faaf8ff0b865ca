# SPDX-License-Identifier: BSD-3-Clause
# Copies (docs/clones.md): what becomes of sealed connections when Redis, or a client, finds that its
# memory was copied. By an id in a file, which the test writes. Whole machines: tests/e2e/clone.sh.
family=copies
. tests/redis/lib.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK CXL_GENERATION

ca=$dir/ca
ctl ca init "$ca"
ctl ca issue "$ca" redis --role server:kv
ctl ca issue "$ca" any --role 'kv:*'
mine="--secure --cert $ca/any.pem --key $ca/any.key --ca $ca/ca.pem"

# In place: a file that is mapped must not be shorter for a moment.
id() { printf '%016d' "$2" | dd of="$dir/$1.id" conv=notrunc status=none; }
id server 1
id client 1
CXL_GENERATION=$dir/server.id
export CXL_GENERATION
start a --cxlring.secure required --cxlring.cert-file "$ca/redis.pem" --cxlring.key-file "$ca/redis.key" \
	--cxlring.ca-file "$ca/ca.pem"
unset CXL_GENERATION
redis() { redis-cli -s "$dir/a.sock" "$@" 2>&1; }
info() { redis info cxlring | tr -d '\r' | sed -n "s/^cxlring_$1://p"; }
sealed_are() { [ "$(info channels_sealed)" = "$1" ]; }
as_any() { "$B/cxl-cli" --region "$shm/a" --no-raw $mine "$@" 2>&1; }

# ---- Redis is a copy ----
# Who says nothing finds another channel when it does, and who waits for news does not wait for
# what cannot be told any more.
"$B/cxl-proxy" --region "$shm/a" $mine --unix "$dir/proxy.sock" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true [ -S "$dir/proxy.sock" ]
perl -MIO::Socket::UNIX -e '
	$s = IO::Socket::UNIX->new($ARGV[0]) or die; $| = 1;
	print $s "SUBSCRIBE news\r\n"; print while sysread($s, $_, 4096); print "ended\n"' "$dir/proxy.sock" >"$dir/told" 2>&1 &
pids="$pids $!"
until_true grep -q subscribe "$dir/told"
mkfifo "$dir/in"
"$B/cxl-cli" --region "$shm/a" $mine <"$dir/in" >"$dir/asks" 2>&1 &
asks=$!
pids="$pids $asks"
exec 5>"$dir/in"
echo 'incr x:1' >&5
until_true grep -qx 1 "$dir/asks"
same 'two sealed channels' "$(info channels_sealed)" 2
id server 2
until_true sealed_are 0
same 'a copy ends the sealed channels of clients that say nothing' "$(info channels_sealed)" 0
redis publish news late >/dev/null
until_true grep -q ended "$dir/told"
has 'also of one that waits for news' "$(tail -1 "$dir/told")" ended
echo 'incr x:1' >&5
until_true grep -qx 2 "$dir/asks"
same 'who asks then is answered, once' "$(tr '\n' ' ' <"$dir/asks")$(redis get x:1)" '1 2 2'
same 'nobody is refused for it' "$(info refused_channels) $(grep -c 'is refused' "$dir/a.log")" '0 0'
exec 5>&-
wait $asks
same 'and new ones are let in' "$(as_any get x:1)" '"2"'

# ---- a client is one ----
copied() {
	CXL_GENERATION=$dir/client.id "$B/tests/redis/copied" "$shm/a" "$ca/any.pem" "$ca/any.key" "$ca/ca.pem" \
		"$dir/client.id" 2>&1
}
same 'a client that is copied does not wait for what it could not ask' "$(copied)" "before 1
meanwhile lost
of 1 nothing is known
after 2"
same 'which was not done' "$(redis get x:copied)" 2

# ---- at any moment ----
# Some have a command on its way. Each is done once, or not, or the client says that it does not
# know.
(for i in $(seq 3 40); do id server "$i"; sleep 0.1; id client "$i"; sleep 0.05; done) &
copier=$!
pids="$pids $copier"
: >"$dir/many"
while kill -0 $copier 2>/dev/null; do
	CXL_GENERATION=$dir/client.id "$B/cxl-cli" --region "$shm/a" --raw $mine -r 200 incr m >>"$dir/many" 2>&1
done
sure=$(grep -cx '[0-9]*' "$dir/many")
unsure=$(grep -c 'is unknown' "$dir/many")
same 'commands on their way are done, or not known to be' \
	"$(grep -vx '[0-9]*' "$dir/many" | grep -v 'is unknown' | sort -u | head -n 3)" ''
same 'no number twice' "$(grep -x '[0-9]*' "$dir/many" | sort | uniq -d)" ''
m=$(redis get m)
[ "$sure" -gt 100 ] && [ "$m" -ge "$sure" ] && [ "$m" -le $((sure + unsure)) ] &&
	ok "as many as were done ($sure), or more by those that are unknown ($unsure)" ||
	not_ok "$sure done, $unsure unknown, but there are $m"
