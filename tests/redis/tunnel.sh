# SPDX-License-Identifier: BSD-3-Clause
# cxl-tunnel: what goes through, what ends how, and what a hostile network can do: nothing but
# end it.
family=tunnel
. tests/redis/lib.sh
wire="perl tests/redis/wire.pl"
start a

tunnel() { "$B/cxl-tunnel" "$@" 2>>"$dir/$_end.err" & eval "pid_$_end=$!"; pids="$pids $!"; }
# server_end [options], client_end PORT-of-the-server [options]: up when they listen
server_end() { _end=server; tunnel server --listen "127.0.0.1:$sport" --key "$dir/s.key" --peer "$cpub" "$@"; until_true open_port "$sport"; }
client_end() { _to=$1; shift; _end=client; tunnel client --listen "127.0.0.1:$cport" --to "127.0.0.1:$_to" --key "$dir/c.key" --peer "$spub" "$@"; until_true open_port "$cport"; }
open_port() { grep -q ": 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }
end() { kill "-${2:-TERM}" "$(pid_of "$1")" 2>/dev/null; wait "$(pid_of "$1")" 2>/dev/null; }
both() { server_end --to "unix:$dir/a.sock"; client_end "$sport"; }
through() { timeout 20 redis-cli -p "$cport" "$@" 2>&1; }
between() { $wire between "$mport" "$sport" "$@" & middle=$!; pids="$pids $!"; until_true open_port "$mport"; }
no_middle() { kill $middle; wait $middle 2>/dev/null; }
ask() { timeout 20 $wire ask "$cport" 2>&1; }
said() { grep -c "$2" "$dir/$1.err"; }
# logged END TEXT: it is in its log, now or in a moment
logged() { until_true grep -qF -- "$3" "$dir/$2.err"; has "$1" "$(tail -3 "$dir/$2.err")" "$3"; }
clients() { info a clients connected_clients; }
alone() { [ "$(clients)" = 1 ]; }
blocked() { [ "$(info a clients blocked_clients)" = "$1" ]; }

sport=$(free_port) cport=$(free_port) mport=$(free_port)
cpub=$("$B/cxl-tunnel" keygen "$dir/c.key") spub=$("$B/cxl-tunnel" keygen "$dir/s.key")

# ---- keys and options ----
case "$cpub$spub" in public:*public:*) ok 'keygen prints public keys' ;; *) not_ok "keygen: $cpub $spub" ;; esac
same 'a secret key is its owner'"'"'s alone' "$(stat -c %a "$dir/c.key") $(head -c 7 "$dir/c.key")" '600 secret:'
has 'and is not overwritten' "$("$B/cxl-tunnel" keygen "$dir/c.key" 2>&1; echo $?)" 'File exists
1'
try() { timeout 10 "$B/cxl-tunnel" "$@" 2>&1; echo "$?"; }
base="--listen 127.0.0.1:$cport --to 127.0.0.1:$sport"
cp "$dir/c.key" "$dir/open.key" && chmod 640 "$dir/open.key"
has 'a key that others can read is refused' "$(try client $base --key "$dir/open.key" --peer "$spub")" 'is open to others (mode 0640)'
has 'a secret key is no public one' "$(try client $base --key "$dir/c.key" --peer "$(cat "$dir/s.key")")" 'that is a secret key'
has 'nor a damaged one' "$(try client $base --key "$dir/c.key" --peer "${spub%????}")" 'no public key'
has 'a public key is no secret one' "$(echo "$spub" >"$dir/p.key"; chmod 600 "$dir/p.key"; try client $base --key "$dir/p.key" --peer "$spub")" 'is no secret key'
has 'no peer' "$(try client $base --key "$dir/c.key")" '--peer is needed'
has 'a client has one' "$(try client $base --key "$dir/c.key" --peer "$spub" --peer "$cpub")" 'takes one --peer'
has 'no target' "$(try client --listen ":$cport" --to nowhere --key "$dir/c.key" --peer "$spub")" '--to takes HOST:PORT'
same 'options that are none' "$(for o in --max-connections=0 --rekey-bytes=0 --idle-timeout=x --connect-timeout=-1 --nothing=1; do
	try client $base --key "$dir/c.key" --peer "$spub" $o | tail -1; done | tr '\n' ' ')" '2 2 2 2 2 '

# ---- what goes through ----
both
same 'a command' "$(through ping)" PONG
same 'MULTI and EXEC' "$(printf 'set n 1\nmulti\nincr n\nincr n\nexec\n' | through | tr '\n' ' ')" 'OK OK QUEUED QUEUED 2 3 '
head -c 8000000 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$dir/big"
same 'a long value in' "$(through -x set big <"$dir/big")" OK
same 'and out' "$(through get big | head -c 16000000 | cksum)" "$(cksum <"$dir/big")"
timeout 60 redis-benchmark -p "$cport" -c 16 -n 20000 -P 16 -t set,get -q >"$dir/bench" 2>&1
same 'many at once' "$(tr '\r' '\n' <"$dir/bench" | grep -c p50)" 2
awk 'BEGIN { for (i = 0; i < 200000; i++) printf "*3\r\n$6\r\nINCRBY\r\n$1\r\np\r\n$1\r\n3\r\n" }' |
	timeout 60 redis-cli -p "$cport" --pipe >"$dir/pipe" 2>&1
same 'a pipeline of 200,000' "$(grep -c 'errors: 0, replies: 200000' "$dir/pipe") $(tcp_raw a get p)" '1 600000'
until_true alone
same 'each connection came back' "$(clients)" 1
same 'no new privileges, no core' "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid_server/status") $(awk '/core file/ { print $5, $6 }' "/proc/$pid_server/limits")" '1 0 0'

# What nobody reads waits in the sockets, not in the tunnel.
end client
_end=client
tunnel client --listen "unix:$dir/t.sock" --to "127.0.0.1:$sport" --key "$dir/c.key" --peer "$spub"
until_true [ -S "$dir/t.sock" ]
mkfifo "$dir/go"
(timeout 60 perl tests/redis/socket.pl "$dir/t.sock" slow big 5 80000065 <"$dir/go" >"$dir/slow") &
reader=$!
exec 3>"$dir/go"
until_true sh -c "redis-cli -s '$dir/a.sock' client list | grep -q 'omem=[1-9][0-9]\{6,\}.*cmd=get'"
rss=$(awk '/^VmRSS/ { n += $2 } END { print n }' "/proc/$pid_server/status" "/proc/$pid_client/status")
if [ -n "$PRELOAD" ]; then
	skip 'a reader that does not read costs no memory' 'sanitizers have memory of their own'
else
	[ "$rss" -lt 16000 ] && ok 'a reader that does not read costs no memory' || not_ok "a reader that does not read: $rss KiB"
fi
same 'nor other connections' "$(timeout 20 redis-cli -s "$dir/t.sock" ping)" PONG
echo >&3
exec 3>&-
wait $reader
same 'and has all of it when it reads' "$(cat "$dir/slow")" 80000065
same 'a half-closed connection is answered, then closed' "$(timeout 60 perl tests/redis/socket.pl "$dir/t.sock" half)" '+OK $1 1 end'
end client
same 'SIGTERM takes the socket away' "$([ -e "$dir/t.sock" ] && echo left)" ''
end server

# Ends in any order, any lengths, and a new key every 10,000 bytes or 20 ms.
tport=$(free_port)
mkdir "$dir/echo"
$wire echo "$tport" "$dir/echo" &
pids="$pids $!"
until_true open_port "$tport"
for rekey in '--rekey-bytes 10000' '--rekey-bytes 1 --rekey-seconds 0' '--rekey-seconds 0.02'; do
	server_end --to "127.0.0.1:$tport" $rekey
	client_end "$sport" $rekey
	same "half closes in any order, $rekey" "$(timeout 120 $wire halves "$cport" 40 ${#rekey} "$dir/echo" 2>&1)" 40
	end client
	end server
done

# Who does not read holds up who writes, and what is on its way waits in sockets, not in us.
dport=$(free_port)
$wire deaf "$dport" &
pids="$pids $!"
until_true open_port "$dport"
server_end --to "127.0.0.1:$dport"
client_end "$sport"
$wire push "$cport" 3 >"$dir/pushed" &
pusher=$!
pids="$pids $!"
until_true test -s "$dir/pushed"
rss() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$(pid_of "$1")/status"; }
for e in client server; do
	[ "$(rss $e)" -lt 20000 ] && ok "the $e end keeps little of it" || not_ok "the $e end keeps $(rss $e) KiB of $(cat "$dir/pushed")"
done
kill $pusher
wait $pusher 2>/dev/null
end client
end server

# ---- ends that die ----
server_end --to "unix:$dir/a.sock"
client_end "$sport"
(timeout 30 redis-cli -p "$cport" blpop never 0 >"$dir/popped" 2>&1) &
reader=$!
until_true blocked 1
end server KILL
wait $reader
has 'the server end is killed: its connections are reset' "$(cat "$dir/popped")" 'Connection reset by peer'
same 'and the log says so' "$(said client 'cut off: the sealed connection ended before')" 1
(ask >"$dir/asked") &
reader=$!
sleep 0.3
server_end --to "unix:$dir/a.sock"
wait $reader
same 'what came meanwhile waits for its successor' "$(cat "$dir/asked")" '+PONG '
(timeout 30 redis-cli -p "$cport" blpop never 0 >"$dir/popped" 2>&1) &
reader=$!
until_true blocked 1
end client KILL
wait $reader
until_true blocked 0
same 'the client end is killed: Redis is rid of its clients' "$(info a clients blocked_clients)" 0
end server

# ---- this machine is copied ----
printf 0123456789abcdef >"$dir/id"
CXL_GENERATION=$dir/id; export CXL_GENERATION
both
(timeout 30 redis-cli -p "$cport" blpop never 0 >"$dir/popped" 2>&1) &
reader=$!
until_true blocked 1
printf 0123456789abcdeX | dd of="$dir/id" conv=notrunc 2>/dev/null
tcp_raw a rpush never 'under the same nonce' >/dev/null
wait $reader
has 'a copy seals nothing more under its keys: its connections are reset' "$(cat "$dir/popped")" 'Connection reset by peer'
logged 'and the log says so' server 'this machine is a copy of another'
same 'the next ones have keys of their own' "$(ask)" '+PONG '
unset CXL_GENERATION
end client
end server
same 'a generation id that is none' "$(CXL_GENERATION=none-such timeout 10 "$B/cxl-tunnel" server $base --key "$dir/s.key" --peer "$cpub" 2>&1 | grep -c 'a generation id is auto')" 1

stop a
server_end --to "unix:$dir/a.sock" --connect-timeout 4
client_end "$sport"
(ask >"$dir/asked") &
reader=$!
sleep 0.5
start a
wait $reader
same 'a target that is starting is waited for' "$(cat "$dir/asked")" '+PONG '
stop a
same 'for so long' "$(ask)" 'error: Connection reset by peer'
logged 'and then the log says why' server "a.sock after 4000 ms: "
start a
end client
end server

# ---- limits ----
server_end --to "unix:$dir/a.sock" --connect-timeout 2 --max-connections 300
client_end "$sport" --idle-timeout 3 --max-connections 2
$wire stall "$sport" 200 >"$dir/stall" &
stall=$!
pids="$pids $stall"
until_true grep -q ready "$dir/stall"
same 'strangers who say nothing keep nobody out' "$(ask)" '+PONG '
until_true grep -q 'handshake: too many at a time' "$dir/server.err"
same 'there are so many of them' "$(said server 'handshake: too many at a time')" 10
until_true grep -q 'handshake: nothing came after 2000 ms' "$dir/server.err"
same 'and they have so much time' "$(grep -q 'handshake: nothing came after 2000 ms' "$dir/server.err" && echo told)" told
kill $stall
(timeout 30 redis-cli -p "$cport" blpop never 0 >"$dir/p1" 2>&1) &
one=$!
(timeout 30 redis-cli -p "$cport" blpop never 0 >"$dir/p2" 2>&1) &
two=$!
until_true blocked 2
t0=$(date +%s%N)
same 'one more than may be waits' "$(ask)" '+PONG '
[ $((($(date +%s%N) - t0) / 1000000)) -gt 300 ] && ok 'until another ends' || not_ok 'until another ends'
wait $one $two
same 'silence ends a connection' "$(said client 'idle for longer') $(cat "$dir/p1" "$dir/p2" | grep -c reset)" '2 2'
end client
end server

# ---- keys that are not let in ----
server_end --to "unix:$dir/a.sock"
xpub=$("$B/cxl-tunnel" keygen "$dir/x.key")
before=$(info a stats total_connections_received)
_end=client
tunnel client --listen "127.0.0.1:$cport" --to "127.0.0.1:$sport" --key "$dir/x.key" --peer "$spub" --connect-timeout 1
until_true open_port "$cport"
same 'a client that is not let in' "$(ask)" 'error: Connection reset by peer'
logged 'is told what it may be' client "is this end's public key let in there?"
logged 'and its key is in the log' server "a key that is not let in: $xpub"
end client
_end=client
tunnel client --listen "127.0.0.1:$cport" --to "127.0.0.1:$sport" --key "$dir/c.key" --peer "$xpub" --connect-timeout 1
until_true open_port "$cport"
same 'a server with another key' "$(ask)" 'error: Connection reset by peer'
logged 'cannot read it' server "does not know this end's public key"
end client
$wire impostor "$mport" &
pids="$pids $!"
until_true open_port "$mport"
client_end "$mport"
same 'a server without a key' "$(ask)" 'error: Connection reset by peer'
logged 'is found out' client 'does not have the key that --peer names'
end client
printf '# who may\n%s web one\n\n%s\n' "$xpub" "$cpub" >"$dir/peers"
end server
_end=server
tunnel server --listen "127.0.0.1:$sport" --key "$dir/s.key" --peers "$dir/peers" --to "unix:$dir/a.sock"
until_true open_port "$sport"
client_end "$sport"
same 'a file of those that are' "$(ask)" '+PONG '
end client
echo "$spub junk
public:x" >"$dir/peers"
printf '# %0253d%s\n' 0 "$xpub" >"$dir/long"
has 'with a key behind a long comment' "$(try server $base --key "$dir/s.key" --peers "$dir/long")" "$dir/long, line 1: longer than"
has 'with a fault in it' "$(try server $base --key "$dir/s.key" --peers "$dir/peers")" "$dir/peers, line 2: no public key"
mport=$(free_port)

# ---- a hostile network ----
# Of the greeting, the header, the empty record and the first one, both ways. Not one byte that
# is wrong comes out, and no command is run that was changed.
server_end2() { end server; server_end --to "unix:$dir/a.sock" --connect-timeout 1; }
server_end2
client_end "$mport" --connect-timeout 1 --idle-timeout 1
# Where a record's length is flipped it waits for the rest, which never comes.
wrong=
for at in '1 0' '1 31' '1 40' '1 79' '1 95' '1 97' '1 119' '1 120' '1 121' '1 130' '1 139' '1 140' '1 145' '1 150' \
	'0 0' '0 31' '0 40' '0 47' '0 48' '0 71' '0 72' '0 73' '0 75' '0 80' '0 90'; do
	between flip $at
	got=$(ask)
	case $got in 'error: Connection reset by peer') ;; *) wrong="$wrong [$at: $got]" ;; esac
	no_middle
done
same 'a flipped bit resets the connection' "$wrong" ''
same 'and nothing was run but PING by those who may' "$(tcp_raw a info commandstats | grep -c 'cmdstat_ping')" 1
for mode in 'repeat 1' 'drop 1' 'swap 0' reflect; do
	between $mode
	: >"$dir/server.err"
	: >"$dir/client.err"
	got=$(printf 'incr wire\nincr wire\n' | through)
	case $mode in
	'repeat 1') [ "$(tcp_raw a get wire)" = 1 ] && logged 'a repeated record is not run again' server 'what came is not what the other end sent' ;;
	'drop 1' | 'swap 0') case $got in *OK*) not_ok "$mode: $got" ;; *) ok "records: $mode" ;; esac ;;
	reflect) logged 'a reflected record' client 'what came is not what the other end sent' ;;
	esac
	no_middle 2>/dev/null
done
end server
server_end --to "127.0.0.1:$dport" # which does not end
for when in at later; do
	between append $when
	: >"$dir/server.err"
	printf 'set appended 1\n' | perl -e '
		use IO::Socket::INET;
		alarm 10;
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die;
		print $s <STDIN>; $s->flush; shutdown $s, 1; 1 while sysread $s, my $x, 999' "$cport"
	case $when in
	at) logged 'bytes in one piece with the end' server 'what came is not what the other end sent' ;;
	later) logged 'bytes after the end' server 'bytes after the end: connection reset' ;;
	esac
	no_middle
done
server_end2
for at in '0 72' '0 80' '1 150' '1 96'; do
	between cut $at
	got=$(timeout 20 redis-cli -p "$cport" get big 2>&1 | head -c 200)
	case $got in *'reset by peer'*) ok "cut off at $at: a reset" ;; *) not_ok "cut off at $at: $got" ;; esac
	no_middle
done
before=$(info a stats total_connections_received)
between record "$dir/recorded"
same 'a recorded command' "$(through incr replayed)" 1
before=$(info a stats total_connections_received)
same 'replayed opens nothing' "$(timeout 20 $wire replay "$sport" "$dir/recorded")" '72 error: Connection reset by peer'
logged 'and the log says what it was' server 'a repeated first message'
no_middle
same 'nor reaches Redis' "$(tcp_raw a get replayed) $(($(info a stats total_connections_received) - before))" '1 2'
