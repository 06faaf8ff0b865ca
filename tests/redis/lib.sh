# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - sourced by every test here: servers, clean-up, ok and not ok.
#
#   start NAME [redis options]   a server; $dir/NAME.sock, $region_NAME, $pid_NAME
#   tcp NAME command...          redis-cli --no-raw on its socket
#   ring NAME command...         the same through the ring, by cxl-cli
#   verbs NAME < commands        the same, by the verbs' own frames
#   same "what" GOT WANTED       ok when equal
set -u
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
dir=$(mktemp -d "$B/kvt.XXXXXX") && shm=$(mktemp -d /dev/shm/kvt.XXXXXX 2>/dev/null) || shm=$dir
[ ${#dir} -lt 90 ] || { rm -rf "$dir"; dir=$(mktemp -d /tmp/kvt.XXXXXX); }
pids=
count=0

cleanup() {
	for p in $pids; do kill -CONT "$p" 2>/dev/null; kill -9 "$p" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$dir" "$shm"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { count=$((count + 1)); echo "ok $count - $family: $*"; }
not_ok() { count=$((count + 1)); echo "not ok $count - $family: $*"; }
skip() { count=$((count + 1)); echo "ok $count - $family: $1 # SKIP $2"; }

same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '# got:\n%s\n# wanted:\n%s\n' "$2" "$3" | head -40 | cut -c1-200
	fi
}

has() {
	case $2 in
	*"$3"*) ok "$1" ;;
	*) not_ok "$1"; printf '# got:\n%s\n# wanted in it: %s\n' "$2" "$3" | head -40 ;;
	esac
}

# Wait up to 10 s for a command to succeed.
until_true() {
	i=0
	until "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.05
	done
}

tcp() { n=$1; shift; redis-cli -s "$dir/$n.sock" --no-raw "$@" 2>&1; }
tcp_raw() { n=$1; shift; redis-cli -s "$dir/$n.sock" --raw "$@" 2>&1; }
ring() { n=$1; shift; "$B/cxl-cli" --region "$shm/$n" --no-raw "$@" 2>&1; }
ring_raw() { n=$1; shift; "$B/cxl-cli" --region "$shm/$n" --raw "$@" 2>&1; }
verbs() { n=$1; shift; "$B/tests/redis/verbs" "$shm/$n" "$@" 2>&1; }
answers() { tcp "$1" ping | grep -q 'PONG\|NOAUTH\|MISCONF'; }
pid_of() { eval "echo \$pid_$1"; }

# Options that a test gives override these. Port 0: the ring needs none.
start_bare() {
	name=$1
	shift
	mkdir -p "$dir/$name.d"
	redis-server --port 0 --unixsocket "$dir/$name.sock" --dir "$dir/$name.d" --save '' \
		--enable-debug-command yes --enable-module-command yes --logfile "$dir/$name.log" \
		"$@" >/dev/null 2>&1 &
	eval "pid_$name=$!"
	pids="$pids $!"
}
start() {
	name=$1
	start_bare "$@" --loadmodule "$B/cxlring.so" "$shm/$name"
	until_true answers "$name" || { not_ok "server $name starts"; tail -5 "$dir/$name.log"; exit 1; }
}

# stop NAME [signal]: and wait for its end.
stop() {
	p=$(pid_of "$1")
	kill "-${2:-TERM}" "$p" 2>/dev/null
	wait "$p" 2>/dev/null
	pids=$(echo " $pids " | sed "s/ $p / /")
}

# A port that nobody listens on at the moment.
free_port() {
	while :; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 30000))
		redis-cli -p "$port" ping >/dev/null 2>&1 || break
	done
	echo "$port"
}

info() { tcp_raw "$1" info "$2" | tr -d '\r' | sed -n "s/^$3://p"; }
