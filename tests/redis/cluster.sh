# SPDX-License-Identifier: BSD-3-Clause
# Three masters, each with a ring of its own: whatever a node answers to a TCP client about
# keys that are not its, it answers to a ring client, word by word.
family=cluster
. tests/redis/lib.sh
node() {
	_node=$1 _port=$2
	shift 2
	start "$_node" --port "$_port" --cluster-enabled yes --cluster-node-timeout 2000 "$@"
	eval "port_$_node=$_port id_$_node=$(tcp_raw "$_node" cluster myid)"
}
ok_in() { [ "$(tcp_raw "$1" cluster info | tr -d '\r' | sed -n 's/^cluster_state://p')" = "${2:-ok}" ]; }

# alike NODE, with commands on standard input that may be repeated: what TCP says, CALL says,
# also when the nodes have been asked for already.
alike() {
	cat >"$dir/alike"
	redis-cli -s "$dir/$1.sock" --no-raw <"$dir/alike" >"$dir/want" 2>&1
	for _try in 1 2; do
		"$B/cxl-cli" --region "$shm/$1" --no-raw <"$dir/alike" >"$dir/got" 2>&1
		diff "$dir/got" "$dir/want" | sed "s/^/$1 /" >>"$dir/wrong"
	done
}
all_alike() { same "$1" "$(cat "$dir/wrong")" ''; : >"$dir/wrong"; }

for n in a b c; do node $n "$(free_port)"; done
redis-cli --cluster create "127.0.0.1:$port_a" "127.0.0.1:$port_b" "127.0.0.1:$port_c" --cluster-yes >"$dir/create" 2>&1
same 'three masters' $? 0
for n in a b c; do until_true ok_in $n || not_ok "$n is ok"; done

# foo: slot 12182, of c; bar: 5061, of a; hello: 866, of a.
for n in a b c; do
	{
		for k in foo bar hello '{x}1' '{foo}bar' 'a{}b' '{}a' 'un{closed' 'two{a}{b}' '""'; do
			printf 'set %s v\nget %s\nexists %s\nllen %s\n' "$k" "$k" "$k" "$k"
			printf 'incrby n%s 0\ndel none%s\n' "$k" "$k"
		done
		cat <<-'COMMANDS'
		mget foo bar
		mget {foo}1 {foo}2
		mset foo 1 hello 2
		del foo hello
		exists bar bar
		exists bar bar foo
		eval "return redis.call('get', KEYS[1])" 1 foo
		eval "return 1" 2 foo bar
		eval "return 1" 0
		xread count 1 streams s1 s2 0 0
		sort foo
		zunion 2 z1 z2
		spublish news x
		publish news x
		object encoding foo
		get
		nosuch foo
		COMMANDS
	} | alike $n
done
all_alike 'MOVED and CROSSSLOT are those of TCP'
has 'they do occur' "$(ring a get foo)" "(error) MOVED 12182 127.0.0.1:$port_c"
has 'and do CROSSSLOT' "$(ring a mget foo bar)" "(error) CROSSSLOT Keys in request don't hash to the same slot"

# The same by the verbs' own frames, in a burst with keys of our own in between.
printf 'set bar 1\nset foo 1\nget bar\nget foo\nincrby hello 0\nincrby foo 1\ndel foo\nexists foo\nexists bar\ndel bar foo\nset bar 2 EX 100\nset foo 2 EX 100\n' >"$dir/burst"
same 'verbs' "$(verbs a <"$dir/burst")" "$(redis-cli -s "$dir/a.sock" --no-raw <"$dir/burst")"
awk 'BEGIN { for (i = 0; i < 500; i++) { print "set k" i " v" i; print "get k" i } }' >"$dir/burst"
same 'a long burst' "$(verbs b <"$dir/burst")" "$(redis-cli -s "$dir/b.sock" --no-raw <"$dir/burst")"
tcp a flushall >/dev/null

# A slot on its way from a to b. 866: hello; {hello}1 and 2 as well.
tcp a mset '{hello}1' x '{hello}2' y >/dev/null
tcp b cluster setslot 866 importing "$id_a" >/dev/null
tcp a cluster setslot 866 migrating "$id_b" >/dev/null
alike a <<'COMMANDS'
get {hello}1
get {hello}none
set {hello}new v
mget {hello}1 {hello}2
mget {hello}1 {hello}none
mget {hello}no {hello}none
del {hello}none {hello}1 hello
COMMANDS
for n in b c; do printf 'get {hello}1\nmget {hello}1 {hello}2\n' | alike $n; done
all_alike 'ASK and TRYAGAIN are those of TCP'
has 'ASK does occur' "$(ring a get '{hello}none')" "(error) ASK 866 127.0.0.1:$port_b"
has 'and TRYAGAIN' "$(ring a mget '{hello}1' '{hello}none')" '(error) TRYAGAIN Multiple keys request'
misses=$(info a stats keyspace_misses)
ring a get '{hello}none' >/dev/null
same 'nor is a key that moved counted as a miss' "$(info a stats keyspace_misses)" "$misses"

# A stream is a client like any other: ASKING.
"$B/cxl-proxy" --region "$shm/b" --unix "$dir/proxy" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true test -S "$dir/proxy"
same 'ASKING by a stream' "$(printf 'get {hello}1\nasking\nget {hello}1\n' | redis-cli -s "$dir/proxy" --no-raw 2>&1 | tr '\n' ' ')" \
	"(error) MOVED 866 127.0.0.1:$port_a OK (nil) "

# It arrives. Ring clients move it, and hear of it in the same burst.
same 'MIGRATE by the ring' "$(ring a migrate 127.0.0.1 "$port_b" '' 0 5000 keys '{hello}1' '{hello}2')" OK
has 'then both are asked for elsewhere' "$(ring a mget '{hello}1' '{hello}2')" '(error) ASK 866'
printf 'get {hello}1\ncluster setslot 866 node %s\nget {hello}1\n' "$id_b" | ring a >"$dir/moves"
same 'a slot given away by the ring, from that request on' "$(tr '\n' ' ' <"$dir/moves")" \
	"(error) ASK 866 127.0.0.1:$port_b OK (error) MOVED 866 127.0.0.1:$port_b "
tcp b cluster setslot 866 node "$id_b" >/dev/null
same 'its new node has it' "$(ring b mget '{hello}1' '{hello}2' | tr '\n' ' ')" '1) "x" 2) "y" '
until_true sh -c "redis-cli -s '$dir/c.sock' get '{hello}1' 2>&1 | grep -q $port_b"
echo 'get {hello}1' | alike c; all_alike 'the third node has heard of it'

# By what name a node is called.
tcp b config set cluster-announce-hostname b.example >/dev/null
until_true sh -c "redis-cli -s '$dir/a.sock' cluster nodes | grep -q b.example"
for e in hostname unknown-endpoint ip; do
	tcp a config set cluster-preferred-endpoint-type $e >/dev/null
	printf 'get {hello}1\nget foo\n' | alike a
done
all_alike 'endpoints by name, by nothing, by address'

# A replica sends everyone to its master, writes as well: READONLY comes after that.
node r "$(free_port)"
tcp r cluster meet 127.0.0.1 "$port_a" >/dev/null
until_true sh -c "redis-cli -s '$dir/r.sock' cluster nodes | grep -q $id_a"
until_true sh -c "redis-cli -s '$dir/r.sock' cluster replicate $id_a | grep -q OK"
until_true sh -c "redis-cli -s '$dir/r.sock' info replication | grep -q master_link_status:up"
alike r <<'COMMANDS'
get bar
get foo
set bar 1
set foo 1
del bar
incrby foo 1
exists foo bar
rpush bar 1
spublish bar x
spublish foo x
mset bar 1 foo 1
eval "return redis.call('set', KEYS[1], 1)" 1 bar
COMMANDS
all_alike 'a replica'
has 'it does redirect writes' "$(ring r set bar 1)" "(error) MOVED 5061 127.0.0.1:$port_a"
same 'by verbs' "$(printf 'set bar 1\nget bar\n' | verbs r)" "$(printf 'set bar 1\nget bar\n' | redis-cli -s "$dir/r.sock" --no-raw)"
"$B/cxl-proxy" --region "$shm/r" --unix "$dir/proxy.r" 2>"$dir/proxy.err" &
pids="$pids $!"
until_true test -S "$dir/proxy.r"
tcp a set bar here >/dev/null
until_true sh -c "printf 'readonly\nget bar\n' | redis-cli -s '$dir/r.sock' | grep -q here"
same 'READONLY by a stream' "$(printf 'readonly\nget bar\n' | redis-cli -s "$dir/proxy.r" --no-raw | tr '\n' ' ')" 'OK "here" '
tcp c config set min-replicas-to-write 1 >/dev/null
sleep 0.2
printf 'set bar 1\nset foo 1\nget bar\n' | alike c
all_alike 'where they go is said before that replicas are missing'
tcp c config set min-replicas-to-write 0 >/dev/null

# A slot that nobody serves, a cluster that is down.
for n in a b c r; do tcp $n config set cluster-require-full-coverage no >/dev/null; done
for n in c a b r; do tcp $n cluster delslots 12182 >/dev/null; done
printf 'get foo\nset foo 1\nmget foo bar\nmget bar foo\nspublish foo x\n' | tee "$dir/foo" | alike a
alike c <"$dir/foo"
all_alike 'a slot that nobody serves'
has 'CLUSTERDOWN does occur' "$(ring a get foo)" '(error) CLUSTERDOWN Hash slot not served'
for n in a b c r; do tcp $n config set cluster-require-full-coverage yes >/dev/null; done
for n in c a b r; do tcp $n cluster delslots 12183 >/dev/null; done # it looks at its state then
for n in a b c; do until_true ok_in $n fail || not_ok "$n is down"; done
for k in foo bar '{hello}1'; do printf 'set %s 1\nget %s\nexists %s\nincrby %s 0\nmget %s foo\nspublish %s x\n' "$k" "$k" "$k" "$k" "$k" "$k"; done >"$dir/down"
for n in a b; do alike $n <"$dir/down"; done
all_alike 'a cluster that is down'
has 'it says so' "$(ring a get bar)" '(error) CLUSTERDOWN The cluster is down'
for n in a b; do tcp $n config set cluster-allow-reads-when-down yes cluster-allow-pubsubshard-when-down no >/dev/null; done
for n in a b; do alike $n <"$dir/down"; done
all_alike 'one that may be read when it is down'
has 'writes are refused for it' "$(ring a set bar 1)" '(error) CLUSTERDOWN The cluster is down and only accepts read commands'
