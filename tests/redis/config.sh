# SPDX-License-Identifier: BSD-3-Clause
# cxlring.* by CONFIG GET and SET, and CONFIG REWRITE: the file that it leaves starts a
# server with the same settings, wherever they came from.
family=config
. tests/redis/lib.sh

# conf NAME [redis options]: a server by the file $dir/NAME.conf
conf() {
	name=$1
	shift
	mkdir -p "$dir/$name.d"
	LD_PRELOAD=$PRELOAD ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 \
		redis-server "$dir/$name.conf" "$@" >/dev/null 2>>"$dir/$name.stderr" &
	eval "pid_$name=$!"
	pids="$pids $!"
	until_true answers "$name" || { not_ok "server $name starts"; tail -5 "$dir/$name.log"; exit 1; }
}
basic() {
	printf 'port 0\nunixsocket "%s"\ndir "%s"\nsave ""\nlogfile "%s"\nenable-module-command yes\n' "$dir/$1.sock" "$dir/$1.d" "$dir/$1.log"
}
settings() { tcp_raw "$1" config get 'cxlring.*' | paste - - | sort; }
value() { tcp_raw "$1" config get "cxlring.$2" | tail -1; }
rings() { tcp_raw "$1" info cxlring | tr -d '\r' | grep -E '^cxlring_(region|region_bytes|channels|ring_bytes):'; }

{ basic a; echo "loadmodule $B/cxlring.so $shm/a"; } >"$dir/a.conf"
conf a
same 'every setting is shown' "$(settings a | cut -f1 | tr '\n' ' ')" \
	'cxlring.budget-commands cxlring.budget-us cxlring.ca-file cxlring.cert-file cxlring.channels cxlring.crl-file cxlring.delay-ns cxlring.fast-path cxlring.key-file cxlring.map-size cxlring.offset cxlring.path cxlring.prefetch cxlring.psk-file cxlring.ring-size cxlring.sec-mgr cxlring.sec-pool cxlring.secure cxlring.spin-us cxlring.zone-map-size cxlring.zone-offset cxlring.zone-path cxlring.zone-secure cxlring.zone-timeout-ms '
same 'their defaults' "$(settings a | grep -v 'path\|-file\|sec-' | cut -f2 | tr '\n' ' ')$(value a fast-path)" '1024 100 0 0 0 0 yes 0 plain 50 0 0 no 2000 yes'
same 'the path is the one that was given' "$(value a path)" "$shm/a"

# Each that may change, at its ends and past them; what is refused changes nothing.
for x in 'budget-us 1 10000' 'budget-commands 1 1000000' 'spin-us 0 100000' 'zone-timeout-ms 1 3600000'; do
	set -- $x
	for v in "$2" "$3"; do
		same "$1 $v" "$(tcp a config set "cxlring.$1" "$v") $(value a "$1") $(echo ping | verbs a)" "OK $v PONG"
	done
	for v in $(($2 - 1)) $(($3 + 1)) x '' 1.5; do
		has "$1 \"$v\" is refused" "$(tcp a config set "cxlring.$1" "$v") stays $(value a "$1")" "stays $3"
		has "$1 \"$v\": by an error" "$(tcp a config set "cxlring.$1" "$v")" '(error) ERR CONFIG SET failed'
	done
done
for v in no yes; do same "fast-path $v" "$(tcp a config set cxlring.fast-path $v) $(value a fast-path)" "OK $v"; done
for v in no yes; do same "prefetch $v" "$(tcp a config set cxlring.prefetch $v) $(value a prefetch)" "OK $v"; done
has 'fast-path maybe is refused' "$(tcp a config set cxlring.fast-path maybe)" '(error) ERR CONFIG SET failed'
for x in 'path /x' 'offset 4096' 'map-size 32M' 'channels 2' 'ring-size 8192' 'delay-ns 5'; do
	set -- $x
	has "$1 is fixed" "$(tcp a config set "cxlring.$1" "$2")" "can't set immutable config"
done
same 'zone-path changes' "$(tcp a config set cxlring.zone-path /dev/shm/zone cxlring.zone-offset 4096) $(value a zone-path)" 'OK /dev/shm/zone'
has 'a zone-path that is too long' "$(tcp a config set cxlring.zone-path "$(printf %0300d 0)")" 'at most 255 bytes'
before=$(settings a)
has 'one of them wrong' "$(tcp a config set cxlring.spin-us 7 cxlring.budget-us 0)" '(error)'
same 'nothing of it holds' "$(settings a)" "$before"
same 'through the ring as well' "$(ring a config set cxlring.spin-us 7 cxlring.budget-us 77 cxlring.budget-commands 5)" OK
same 'and fast-path' "$(ring a config set cxlring.fast-path no)" OK
same 'seen by both' "$(ring a config get cxlring.spin-us | tail -1)" "$(tcp a config get cxlring.spin-us | tail -1)"

# A turn of one request, and none of spinning: it works, and fast-path does what it says.
tcp a config resetstat >/dev/null
same 'works so' "$(printf 'set k v\nget k\nincrby n 1\n' | verbs a)" "$(printf 'OK\n"v"\n(integer) 1')"
has 'GET is counted without the fast path' "$(tcp_raw a info commandstats)" 'cmdstat_get:calls=1,'

# again NAME [offset of the region]
again() {
	settings=$(settings "$1") rings=$(rings "$1")
	same "$1: CONFIG REWRITE" "$(tcp "$1" config rewrite)" OK
	stop "$1"
	conf "$1"
	same "$1: the same settings" "$(settings "$1")" "$settings"
	same "$1: the same rings" "$(rings "$1")" "$rings"
	same "$1: and it works" "$("$B/cxl-cli" --region "$shm/$1" --offset "${2:-0}" set k v 2>&1)" OK
	n=$(grep -c '^cxlring\|^loadmodule' "$dir/$1.conf")
	tcp "$1" config rewrite >/dev/null
	same "$1: rewritten once more, no line is added" "$(grep -c '^cxlring\|^loadmodule' "$dir/$1.conf")" "$n"
}
again a
same 'a: spin-us, budget-us, fast-path' "$(value a spin-us) $(value a budget-us) $(value a fast-path)" '7 77 no'
tcp a config set cxlring.spin-us 50 cxlring.budget-us 100 cxlring.budget-commands 1024 cxlring.fast-path yes >/dev/null
again a
same 'a: back to the defaults' "$(value a spin-us) $(value a budget-us) $(value a fast-path)" '50 100 yes'
stop a

# What was said by arguments; a new file is of the same geometry then, not of the default.
{ basic b; echo "loadmodule $B/cxlring.so $shm/b channels 4 ring-size 8K map-size 12M"; } >"$dir/b.conf"
conf b
same 'arguments' "$(value b channels) $(value b ring-size) $(value b map-size)" '4 8192 12582912'
again b
rings=$(rings b)
stop b
rm "$shm/b"
conf b
same 'b: the same rings in a new file' "$(rings b)" "$rings"
stop b

# By the environment, which is not there any more afterwards.
{ basic c; echo "loadmodule $B/cxlring.so"; } >"$dir/c.conf"
export CXL_RING_PATH="$shm/c" CXL_RING_COUNT=3 CXL_RING_MAP_SIZE=12M CXL_RING_SIZE=16K CXL_SHM_DELAY_NS=200
conf c
unset CXL_RING_PATH CXL_RING_COUNT CXL_RING_MAP_SIZE CXL_RING_SIZE CXL_SHM_DELAY_NS
same 'environment' "$(value c path) $(value c channels) $(value c delay-ns)" "$shm/c 3 200"
again c
stop c

# By the file itself, in which a path has blanks; it wins over argument and environment.
{ basic d; printf 'loadmodule %s %s channels 9\ncxlring.path "%s"\ncxlring.channels 5\ncxlring.ring-size 4096\ncxlring.offset 4096\ncxlring.map-size 12mb\ncxlring.spin-us 0\n' \
	"$B/cxlring.so" "$shm/other" "$shm/d"; } >"$dir/d.conf"
export CXL_RING_COUNT=7
conf d
same 'the file wins' "$(value d path) $(value d channels) $(value d offset)" "$shm/d 5 4096"
unset CXL_RING_COUNT
[ ! -e "$shm/other" ] && ok 'd: nothing else is made' || not_ok 'd: there is a second region'
again d 4096
stop d
