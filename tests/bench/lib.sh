# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - sourced by the benches of cxlring.so: servers, pairs of figures, their medians.
#
# Every round measures both sides right after each other, so that a busy machine spoils
# both. `ratio` is the median of the rounds' ratios and says how many times better the ring
# is, whatever the unit: so `better` is "higher". A figure without a baseline is its own
# ratio, and all of these are the better the lower. `spread` is the distance of the
# quartiles over the median, `ratios` are those of the worst and the best round.
#
# ROUNDS (5): how many. Results of single runs go to $B/bench/runs.jsonl, for the report.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
rounds=${ROUNDS:-5}
keys=200000
mkdir -p "$B/bench"
dir=$(mktemp -d "$B/kvb.XXXXXX") && shm=$(mktemp -d /dev/shm/kvb.XXXXXX 2>/dev/null) || shm=$dir
[ ${#dir} -lt 90 ] || { rm -rf "$dir"; dir=$(mktemp -d /tmp/kvb.XXXXXX); }
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir" "$shm"' EXIT
trap 'exit 1' INT TERM

# server NAME [options]: $dir/NAME.sock, $port_NAME, $pid_NAME
server() {
	_name=$1
	shift
	_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 30000))
	redis-server --port $_port --unixsocket "$dir/$_name.sock" --dir "$dir" --save '' \
		--logfile "$dir/$_name.log" "$@" >/dev/null 2>&1 &
	pids="$pids $!"
	eval "pid_$_name=$! port_$_name=$_port"
	_i=0
	until redis-cli -s "$dir/$_name.sock" ping >/dev/null 2>&1; do
		_i=$((_i + 1))
		[ $_i -lt 100 ] || { cat "$dir/$_name.log" >&2; exit 1; }
		sleep 0.05
	done
}
# With the module, in a region $shm/NAME of so many channels.
ring_server() {
	_region=$1 _channels=$2
	shift 2
	server "$_region" "$@" --loadmodule "$B/cxlring.so" "$shm/$_region" channels "$_channels"
}

# tunnel_up SOCKET: both ends of cxl-tunnel in front of that Redis, TCP between them, its door
# $dir/tunnel.sock
tunnel_up() {
	_client=$("$B/cxl-tunnel" keygen "$dir/tunnel.client") && _server=$("$B/cxl-tunnel" keygen "$dir/tunnel.server") || exit 1
	_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 30000))
	"$B/cxl-tunnel" server --listen "127.0.0.1:$_port" --to "unix:$1" --key "$dir/tunnel.server" --peer "$_client" &
	pids="$pids $!"
	"$B/cxl-tunnel" client --listen "unix:$dir/tunnel.sock" --to "127.0.0.1:$_port" --key "$dir/tunnel.client" --peer "$_server" &
	pids="$pids $!"
	_i=0
	until redis-cli -s "$dir/tunnel.sock" ping >/dev/null 2>&1; do
		_i=$((_i + 1))
		[ $_i -lt 100 ] || exit 1
		sleep 0.05
	done
}

# seal_files: a CA with a certificate for Redis and one for clients; $seal_server has the
# options of a Redis that takes plain and sealed clients alike, $seal_client a client's
seal_files() {
	seal_ca=$dir/ca
	"$B/hedbctl" ca init "$seal_ca" >/dev/null && "$B/hedbctl" ca issue "$seal_ca" redis --role server:kv >/dev/null &&
		"$B/hedbctl" ca issue "$seal_ca" client --role 'kv:*' >/dev/null || exit 1
	seal_server="--cxlring.secure sealed --cxlring.cert-file $seal_ca/redis.pem --cxlring.key-file $seal_ca/redis.key
		--cxlring.ca-file $seal_ca/ca.pem"
	seal_client="--secure --cert $seal_ca/client.pem --key $seal_ca/client.key --ca $seal_ca/ca.pem"
}

# field NAME < json
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" | tail -1; }
cpu() { cut -d' ' -f1 "/proc/$1/task/$1/schedstat"; }

# run LABEL options...: cxl-bench's JSON lines, kept for the report as well
run() {
	_label=$1
	shift
	"$B/cxl-bench" --json --no-progress --label "$_label" "$@" | tee -a "$B/bench/runs.jsonl"
}
ring() { run ring --region "$shm/ring" --keys $keys --no-fill "$@"; }
sealed() { run sealed --region "$shm/ring" --keys $keys --no-fill $seal_client "$@"; }
unix() { run unix --target unix --socket "$dir/stock.sock" --keys $keys --no-fill "$@"; }
tcp() { run tcp --target tcp --port "$port_stock" --keys $keys --no-fill "$@"; }
tunnel() { run tunnel --target unix --socket "$dir/tunnel.sock" --keys $keys --no-fill "$@"; }

# redis_benchmark SOCKET TEST REQUESTS options...: requests a second
redis_benchmark() {
	_socket=$1 _test=$2 _n=$3
	shift 3
	redis-benchmark -s "$_socket" -r $keys -n "$_n" -t "$_test" --csv "$@" 2>/dev/null |
		tail -1 | tr -d '"' | cut -d, -f2
}

larger() { awk "BEGIN { print ($1 > $2 ? $1 : $2) }"; }

# pair ID VALUE [BASELINE]: what one round gave. Nothing is no figure: the bench fails.
pair() {
	[ -n "$2" ] && [ -n "${3-0}" ] || { echo "no figure for $1: \"$2\" \"${3-}\"" >&2; exit 1; }
	echo "$2 ${3-0}" >>"$dir/$1"
}

# report ID WHAT UNIT less|more MUST AIM: which of value and baseline is the better one
report() {
	awk -v id="$1" -v what="$2" -v unit="$3" -v kind="$4" -v must="$5" -v aim="$6" '
	function sort(v, n,   i, j, t) {
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	}
	function median(v, n) { return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 }
	{ n++; a[n] = $1; b[n] = $2; r[n] = $1 > 0 && $2 > 0 ? (kind == "more" ? $1 / $2 : $2 / $1) : 0 }
	END {
		sort(a, n); sort(b, n); sort(r, n)
		m = median(a, n); base = median(b, n)
		lo = a[int((n + 3) / 4)]; hi = a[int((3 * n + 3) / 4)]
		printf "{\"id\":\"%s\",\"what\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",", id, what, m, unit
		printf "\"baseline\":%s,\"ratio\":%.4g,", base ? sprintf("%.6g", base) : "null", base ? median(r, n) : m
		if (base) printf "\"ratios\":[%.4g,%.4g],", r[1], r[n]
		printf "\"must\":%s,\"aim\":%s,\"better\":\"%s\",", must, aim, base ? "higher" : "lower"
		printf "\"runs\":%d,\"spread\":%.3f}\n", n, m ? (hi - lo) / m : 0
	}' "$dir/$1"
}
