# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - sourced by every test here: servers, clean-up, ok and not ok.
#
#   start NAME [redis options]   a server; $dir/NAME.sock, $region_NAME, $pid_NAME
#   tcp NAME command...          redis-cli --no-raw on its socket
#   ring NAME command...         the same through the ring, by cxl-cli
#   verbs NAME < commands        the same, by the verbs' own frames
#   same "what" GOT WANTED       ok when equal
#   refuses PROGRAM OPTION RANGE VALUE...   each value, and what is no number at all
set -u
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
dir=$(mktemp -d "$B/kvt.XXXXXX") && shm=$(mktemp -d /dev/shm/kvt.XXXXXX 2>/dev/null) || shm=$dir
[ ${#dir} -lt 90 ] || { rm -rf "$dir"; dir=$(mktemp -d /tmp/kvt.XXXXXX); }
pids=
count=0

# With sanitizers in cxlring.so: redis-server has none, so their library has to be there
# before all others. What they find is told at the end of the test; UBSan's is in a server's
# stderr alone, since Redis's title overwrites the environment before its options are read.
# Redis's own leaks are not looked for, nor what a server holds that is killed.
PRELOAD=$(ldd "$B/cxlring.so" 2>/dev/null | awk '/lib[at]san/ { print $3 }')
export ASAN_OPTIONS="log_path=$dir/sanitizer"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:log_path=$dir/sanitizer"

cleanup() {
	for f in $(grep -ls 'runtime error\|ERROR: ' "$dir"/sanitizer.* "$dir"/*.stderr | head -5); do
		not_ok 'sanitizers find nothing'
		head -30 "$f" | sed 's/^/# /'
	done
	for p in $pids; do kill -CONT "$p" 2>/dev/null; kill -9 "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	rm -rf "$dir" "$shm"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP PIPE # of "run family | head" as well

ok() { count=$((count + 1)); echo "ok $count - $family: $*"; }
not_ok() { count=$((count + 1)); echo "not ok $count - $family: $*"; }
skip() { count=$((count + 1)); echo "ok $count - $family: $1 # SKIP $2"; }

same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '%s\n' "$2" >"$dir/.got"
		printf '%s\n' "$3" >"$dir/.wanted"
		diff "$dir/.got" "$dir/.wanted" | head -20 | cut -c1-160 | sed 's/^/# /'
	fi
}

has() {
	case $2 in
	*"$3"*) ok "$1" ;;
	*) not_ok "$1"; printf '# got:\n%s\n# wanted in it: %s\n' "$2" "$3" | head -40 ;;
	esac
}

# With status 2, no output, and a sentence that names the option and its range.
refuses() {
	_what="$1: $2 takes a $3"
	_program=$B/$1 _option=$2 _taken=
	shift 3
	for _value in "$@" x '' ' 1' +1 0x1 - 99999999999999999999; do
		timeout 10 "$_program" --region "$shm/a" "$_option" "$_value" </dev/null >"$dir/.out" 2>"$dir/.err"
		[ "$? $(cat "$dir/.out" "$dir/.err")" = "2 $_what" ] || _taken="$_taken '$_value'"
	done
	same "$_what, nothing else" "$_taken" ''
}

# hedbctl, when what it says is of interest only if it fails.
ctl() { "$B/hedbctl" "$@" >"$dir/ctl.out" 2>&1 || not_ok "hedbctl $*: $(cat "$dir/ctl.out")"; }

# log_refusals NAME: how many refusals the server's log accounts for; of one kind there is a line a
# second, and the number of those left out.
log_refusals() {
	sed -n 's/.* is refused: .*(and \([0-9]*\) more of this kind)$/\1 1/p; t
		s/.* is refused: .*/0 1/p; s/.* \([0-9]*\) more refused: .*/\1 0/p' "$dir/$1.log" |
		awk '{ n += $1 + $2 } END { print n + 0 }'
}
log_tells_of() { [ "$(log_refusals "$1")" -ge "$2" ]; }

# Wait up to 10 s for a command to succeed.
until_true() {
	_tries=0
	until "$@" >/dev/null 2>&1; do
		_tries=$((_tries + 1))
		[ $_tries -lt 200 ] || return 1
		sleep 0.05
	done
}

tcp() { _srv=$1; shift; redis-cli -s "$dir/$_srv.sock" --no-raw "$@" 2>&1; }
tcp_raw() { _srv=$1; shift; redis-cli -s "$dir/$_srv.sock" --raw "$@" 2>&1; }
ring() { _srv=$1; shift; "$B/cxl-cli" --region "$shm/$_srv" --no-raw "$@" 2>&1; }
ring_raw() { _srv=$1; shift; "$B/cxl-cli" --region "$shm/$_srv" --raw "$@" 2>&1; }
verbs() { _srv=$1; shift; "$B/tests/redis/verbs" "$shm/$_srv" "$@" 2>&1; }
answers() { tcp "$1" ping | grep -q 'PONG\|NOAUTH\|MISCONF'; }
pid_of() { eval "echo \$pid_$1"; }

# Options that a test gives override these. Port 0: the ring needs none.
start_bare() {
	_name=$1
	shift
	mkdir -p "$dir/$_name.d"
	LD_PRELOAD=$PRELOAD ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 \
		redis-server --port 0 --unixsocket "$dir/$_name.sock" --dir "$dir/$_name.d" --save '' \
		--enable-debug-command yes --enable-module-command yes --logfile "$dir/$_name.log" \
		"$@" >/dev/null 2>>"$dir/$_name.stderr" &
	eval "pid_$_name=$!"
	pids="$pids $!"
}
start() {
	start_bare "$@" --loadmodule "$B/cxlring.so" "$shm/$1"
	until_true answers "$1" || { not_ok "server $1 starts"; tail -5 "$dir/$1.log"; exit 1; }
}

# stop NAME [signal]: and wait for its end.
stop() {
	_pid=$(pid_of "$1")
	kill "-${2:-TERM}" "$_pid" 2>/dev/null
	wait "$_pid" 2>/dev/null
	pids=$(echo " $pids " | sed "s/ $_pid / /")
}

taken() { timeout 2 redis-cli -p "$1" ping >/dev/null 2>&1; }

# A port that nobody listens on at the moment, nor 10,000 above it, where a cluster has its
# other one; both below those that the kernel gives to clients.
free_port() {
	while :; do
		port=$((10500 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		taken $port || taken $((port + 10000)) || break
	done
	echo "$port"
}

# caught_up MASTER REPLICA: it is connected and has all that was written.
caught_up() {
	[ "$(info "$2" replication master_link_status)" = up ] &&
		[ "$(info "$1" replication master_repl_offset)" = "$(info "$2" replication master_repl_offset)" ]
}
info() { tcp_raw "$1" info "$2" | tr -d '\r' | sed -n "s/^$3://p"; }
