# SPDX-License-Identifier: BSD-3-Clause
# Redis's own tests, from its source package, through cxl-proxy. Which of them, how, and
# which are excepted for what reason is in docs/redis-suites.md: its tables are read here.
#
#   UNITS="unit/multi unit/acl"   some of them
#   SOAK=1                        those as well that the table marks "soak", and all with
#                                 --accurate
#
# An excepted test is run too: it has to fail, and where the table says so in the same way
# directly. So the list does not outlive its reasons.
family=tcl
. tests/redis/lib.sh
table=docs/redis-suites.md
source=${REDIS_SUITE:-build/redis}
if ! [ -r "$source/tests/test_helper.tcl" ]; then
	skip "Redis's own tests" "they are not in $source: made with REDISMODULE_H"
	exit 0
fi
if ! command -v tclsh >/dev/null; then
	not_ok 'tclsh is missing: make setup'
	exit 1
fi

# In /tmp: their servers' sockets have long names.
work=$(mktemp -d /tmp/kvt.XXXXXX)
export TCL_STATE="$shm" B PRELOAD
suite_cleanup() {
	end_own_servers
	cleanup
	rm -rf "$work"
}
trap suite_cleanup EXIT
mkdir -p "$work/external/tests/tmp" "$work/own/tests/tmp" "$work/external/src" "$work/own/src"
for where in external own; do
	for f in "$source"/tests/*; do
		[ "${f##*/}" = tmp ] || cp -R "$f" "$work/$where/tests/"
	done
	for f in redis-server redis-cli redis-benchmark; do
		ln -s "$(command -v $f)" "$work/$where/src/$f"
	done
done
ln -sf "$PWD/tests/redis/tcl-server" "$work/own/src/redis-server"

# Lines of a table of docs/redis-suites.md that begin with a unit: columns by tabs.
rows() {
	sed -n "/^## $1/,/^## /p" "$table" | sed -n 's/^| \(unit\/.*\) |$/\1/p' | sed 's/ *| */	/g'
}
excepted() { rows Exceptions | awk -F'\t' -v u="$1" '$1 == u { print $2 }'; }

# Ports for the suite's inner talk and its servers, others for each run; below those that
# the kernel gives to clients, which the suite takes for free.
base=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 9000))
next_base() { base=$((base + 400)); [ $base -lt 19000 ] || base=10100; }

# A unit's longest time, in seconds.
most=300
[ -z "${SOAK:-}" ] || most=3600

# suite WHERE LOG options...: its status is the suite's
suite() {
	_where=$work/$1 _log=$2
	shift 2
	next_base
	(cd "$_where" && timeout "$most" tclsh tests/test_helper.tcl --clients 1 --durable \
		--baseport $base --portcount 150 ${SOAK:+--accurate} "$@" </dev/null >"$_log" 2>&1)
	_status=$?
	sed -i 's/\x1b\[[0-9;]*m//g' "$_log"
	return $_status
}

# judge UNIT LOG STATUS
judge() {
	_passed=$(grep -c '^\[ok\]' "$2")
	_failed=$(grep -c '^\[err\]' "$2")
	_left=$(grep -c '^\[ignore\]' "$2")
	if [ "$3" = 0 ] && [ "$_failed" = 0 ] && [ "$_passed" -gt 0 ]; then
		ok "$1: $_passed tests passed, $_left groups that the suite leaves out itself"
		return
	fi
	not_ok "$1: $_passed passed, $_failed failed, status $3"
	grep -A6 '^\[err\]\|^\[exception\]' "$2" | cut -c1-300 | head -60 | sed 's/^/# /'
	[ "$_failed" -gt 0 ] || tail -n 5 "$2" | cut -c1-300 | sed 's/^/# /'
}

# fails PORT UNIT TEST
fails() {
	suite external "$dir/only.log" --host 127.0.0.1 --port "$1" --single "$2" --only "$3" || :
	grep -qF "[err]: $3 in " "$dir/only.log"
}

up() {
	port=$(free_port)
	start_bare a --port "$port" --enable-protected-configs yes \
		--loadmodule "$B/cxlring.so" "$shm/a" channels 128
	until_true answers a || { not_ok "a server starts"; tail -5 "$dir/a.log"; exit 1; }
	proxy_port=$(free_port)
	"$B/cxl-proxy" --region "$shm/a" --listen "127.0.0.1:$proxy_port" 2>"$dir/proxy.err" &
	pid_proxy=$!
	pids="$pids $pid_proxy"
	until_true redis-cli -p "$proxy_port" ping
}

down() {
	stop proxy
	stop a KILL
	rm -rf "$dir/a.d" "$shm/a"*
}

# One server for the whole unit; the suite is told that it did not start it.
external() {
	up
	excepted "$1" >"$work/skip"
	suite external "$dir/log" --host 127.0.0.1 --port "$proxy_port" --skipfile "$work/skip" --single "$1"
	judge "$1" "$dir/log" $?
	rows Exceptions | while IFS='	' read -r unit test directly _; do
		[ "$unit" = "$1" ] || continue
		fails "$proxy_port" "$unit" "$test" || echo "'$test' passes now: it is no exception"
		if [ "$directly" = fails ]; then
			fails "$port" "$unit" "$test" || echo "'$test' passes directly: it is no exception"
		fi
	done >"$dir/wrong"
	if [ -s "$work/skip" ]; then
		same "$1: its $(wc -l <"$work/skip") exceptions fail as the table says" "$(cat "$dir/wrong")" ''
	fi
	down
}

# Each test starts servers of its own, with a proxy in front of each.
own() {
	suite own "$dir/log" --single "$1"
	judge "$1, its own servers" "$dir/log" $?
	end_own_servers
}

end_own_servers() {
	for f in "$TCL_STATE"/*.pid "$TCL_STATE"/*.proxy; do
		p=
		[ -r "$f" ] && read -r p <"$f"
		case $(cat "/proc/${p:-0}/comm" 2>/dev/null) in
		redis-server | cxl-proxy) kill -9 "$p" ;;
		esac
	done
}

rows Units >"$work/units"
while IFS='	' read -r unit how; do
	case " ${UNITS:-$unit} " in *" $unit "*) ;; *) continue ;; esac
	case $how in
	*soak*) [ -n "${SOAK:-}${UNITS:-}" ] || { echo "# $unit takes long: SOAK=1"; continue; } ;;
	esac
	case $how in
	external*) external "$unit" ;;
	own*) own "$unit" ;;
	*) not_ok "$unit: '$how' in $table" ;;
	esac
done <"$work/units"
