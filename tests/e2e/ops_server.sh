#!/bin/sh
# ops_server.sh - scope: what a person meets: options, configuration file, messages about
# files that are missing or open to others, signals, and every hedbctl command. What
# clients meet is in tests/unit/test_ops_server.c. Needs the programs in $B.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
server=$B/ops_server
ctl=$B/hedbctl
unset HEDB_REGION CXL_SHM_DELAY_NS NOTIFY_SOCKET
dir=$(mktemp -d "${TMPDIR:-/tmp}/ops-e2e.XXXXXX") || exit 1
pids=
. tests/e2e/lib/tap.sh

cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# start LOG ARGUMENTS...: a server in the background; its pid in $pid
start() {
	log=$1
	shift
	"$server" "$@" 2>"$log" </dev/null &
	pid=$!
	pids="$pids $pid"
	i=0
	until grep -q 'serving' "$log"; do
		i=$((i + 1))
		if [ $i -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
			return 1
		fi
		sleep 0.1
	done
}

# ends NAME: the server of $pid ends by itself, with status 0
ends() {
	i=0
	while kill -0 "$pid" 2>/dev/null && [ $i -lt 300 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	kill -9 "$pid" 2>/dev/null && not_ok "$1" "still running after 30 s" && return
	wait "$pid"
	got=$?
	if [ "$got" = 0 ]; then ok "$1"; else not_ok "$1" "exit $got" "$(cat "$log")"; fi
}

logged() {
	i=0
	until grep -qF -- "$2" "$log"; do
		i=$((i + 1))
		if [ $i -gt 100 ]; then
			not_ok "$1" "not logged: $2" "$(cat "$log")"
			return
		fi
		sleep 0.1
	done
	ok "$1"
}

for program in "$server" "$ctl"; do
	if [ ! -x "$program" ]; then
		not_ok "$program is not there: make it first"
		exit 1
	fi
done

r=$dir/region k=$dir/keys c=$dir/credential

# ---- hedbctl: usage ----
says "hedbctl without a command" 2 "hedbctl region format" "$ctl"
says "hedbctl --help" 0 "hedbctl status" "$ctl" --help
says "hedbctl, unknown command" 2 "no command dance; hedbctl --help" "$ctl" dance
says "hedbctl, unknown option" 2 "hedbctl status [REGION]" "$ctl" status --fast 1
says "hedbctl, option without value" 2 "hedbctl ping [REGION] [--count N]" "$ctl" ping --count
says "hedbctl, no number" 2 "hedbctl ping [REGION] [--count N]" "$ctl" ping --count many
says "hedbctl, too many words" 2 "hedbctl region write FILE TEXT" "$ctl" region write a b c d
says "hedbctl region without a file" 2 "hedbctl region format FILE" "$ctl" region format
says "hedbctl region, unknown" 2 "hedbctl region format FILE" "$ctl" region melt "$r"
says "hedbctl key, unknown" 2 "hedbctl key retire FILE ID" "$ctl" key melt "$k"
says "hedbctl key without a file" 2 "hedbctl key create FILE [--kek SOURCE]" "$ctl" key create
says "hedbctl, no region at all" 2 "which region? name it, or set HEDB_REGION" "$ctl" region show
is "one form is told, with all its lines and nothing beside" "$("$ctl" region format 2>&1)" "usage (hedbctl --help says more):
  hedbctl region format FILE [--force] [--kv-channels N] [--kv-ring N]
            [--ops-channels N] [--ops-ring N]"
is "or all that begin with the word" "$("$ctl" key melt "$k" 2>&1 | grep -c '^  hedbctl key')" \
	"$("$ctl" --help | grep -c '^  hedbctl key')"

# ---- hedbctl: regions ----
says "region show, none there" 1 "hedbctl region format $r" "$ctl" region show "$r"
says "region format, size too small" 1 "bytes needed, 65536 mapped; say --size 10592256, or more" \
	"$ctl" region format "$dir/small" --size 64K
says "region format, the file there is too short" 1 \
	"65536 mapped; a file is made longer by: fallocate -l 10592256 $dir/small" "$ctl" region format "$dir/small"
says "region format, shorter than the size" 1 \
	"65536 there; a file is made longer by: fallocate -l 16777216 $dir/small" \
	"$ctl" region format "$dir/small" --size 16M
fallocate -l 10592256 "$dir/small"
says "region format, made longer" 0 "10592256 of 10592256 bytes" "$ctl" region format "$dir/small"
says "region format, rings no power of two" 1 "power of two" \
	"$ctl" region format "$dir/odd" --ops-ring 5000
says "region format, a number beyond 32 bits" 1 "channels" \
	"$ctl" region format "$dir/many" --ops-channels 4294967297
says "region format, offset off a page" 1 "not a multiple of 4096" \
	"$ctl" region format "$dir/off" --offset 100
says "region format" 0 "ops 8 x 32 KiB" \
	"$ctl" region format "$r" --ops-channels 8 --kv-channels 2 --size 2M
says "region show" 0 "service ops channels 8 claimed 0 ring_bytes 32768 no server" \
	"$ctl" region show "$r"
says "region show, of the environment" 0 "service ops channels 8" env HEDB_REGION="$r" "$ctl" region show
says "region show, version" 0 "version 2" "$ctl" region show "$r"
says "region write" 0 "wrote 5 bytes" "$ctl" region write "$r" hello
says "region read" 0 "hello" "$ctl" region read "$r"
says "region write without text" 2 "hedbctl region write FILE TEXT" "$ctl" region write "$r"
says "region show is as before" 0 "service kv channels 2" "$ctl" region show "$r"
says "region read, nothing there" 1 "does not exist" "$ctl" region read "$dir/none"
printf 'x%.0s' $(seq 1 32768) >"$dir/noise"
says "region show of something else" 1 "no region there" "$ctl" region show "$dir/noise"
echo x >"$dir/tiny"
says "region show of something small" 1 "no region there: 20480 bytes needed" "$ctl" region show "$dir/tiny"
says "region format of something else" 1 "noise holds something else, which would be lost; --force" \
	"$ctl" region format "$dir/noise"
is "which is as it was" "$(tr -d x <"$dir/noise" | wc -c) $(wc -c <"$dir/noise")" "0 32768"
cp "$dir/noise" "$dir/noise2" && truncate -s 16M "$dir/noise2"
says "region format of something else, forced" 0 "of 16777216 bytes" "$ctl" region format "$dir/noise2" --force
says "region format once more" 0 "of 16777216 bytes" "$ctl" region format "$dir/noise2"
says "region format, no such directory" 1 "hedbctl: $dir/none/x: No such file" "$ctl" region format "$dir/none/x"
says "region format at an offset" 0 "ops 1 x 4 KiB" "$ctl" region format "$dir/deep" \
	--offset 64K --size 64K --kv-channels 1 --kv-ring 4K --ops-channels 1 --ops-ring 4K
says "region show at an offset" 0 "service ops channels 1" \
	"$ctl" region show "$dir/deep" --offset 64K
says "region format, all of it used" 0 "45056 of 45056 bytes" "$ctl" region format "$dir/full" \
	--size 45056 --kv-channels 1 --kv-ring 4K --ops-channels 1 --ops-ring 4K
says "region write, nothing free" 1 "no free 4096 bytes" "$ctl" region write "$dir/full" hello
says "region format, a page more" 0 "45056 of 49152 bytes" "$ctl" region format "$dir/page" \
	--size 49152 --kv-channels 1 --kv-ring 4K --ops-channels 1 --ops-ring 4K
says "region write, into that page" 0 "wrote 5 bytes at 45056" "$ctl" region write "$dir/page" hello
says "region read, from that page" 0 "hello" "$ctl" region read "$dir/page"
says "region show at another offset" 1 "no region there" "$ctl" region show "$dir/deep"

# ---- hedbctl: keys ----
says "key create" 0 "key 1" "$ctl" key create "$k"
says "key create never overwrites" 1 "$k" "$ctl" key create "$k"
says "key list" 0 "key 1 created" "$ctl" key list "$k"
says "key rotate" 0 "key 2 is active" "$ctl" key rotate "$k"
says "key list, the new one" 0 "active" "$ctl" key list "$k"
says "key list, none there" 1 "$dir/none" "$ctl" key list "$dir/none"
says "key rotate, none there" 1 "$dir/none" "$ctl" key rotate "$dir/none"
says "key list of something else" 1 "$dir/noise" sh -c "chmod 600 '$dir/noise'; '$ctl' key list '$dir/noise'"
says "key credential" 0 "may encrypt and decrypt" "$ctl" key credential "$c"
says "key credential never overwrites" 1 "$c" "$ctl" key credential "$c"
if [ "$(stat -c %a "$k" "$c" | sort -u)" = 600 ]; then
	ok "keys and credential have mode 600"
else
	not_ok "keys and credential have mode 600" "$(stat -c '%a %n' "$k" "$c")"
fi

# ---- ops_server: options ----
says "--help" 0 "usage: ops_server --region FILE --keys FILE" "$server" --help
says "-h" 0 "SIGHUP: read keys" "$server" -h
says "--version" 0 "ops_server 1.0, region version 2" "$server" --version
says "no options" 2 "--region and --keys are needed" "$server"
says "no --keys" 2 "--region and --keys are needed" "$server" --region "$r"
says "not an option" 2 "region: not an option" "$server" region "$r"
says "an option without value" 2 "--keys: not an option, or without its value" \
	"$server" --region "$r" --keys
says "unknown option" 2 "--speed 9: unknown option or bad value" "$server" --speed 9
for bad in "--workers 0" "--workers 65" "--workers x" "--spin-us 100001" "--spin-us -1" \
	"--region-size 3Q" "--region-offset x" "--log-level loud" "--sandbox maybe" "--crypto an-odd-cipher-name"; do
	# shellcheck disable=SC2086
	says "$bad" 2 "$bad: unknown option or bad value" "$server" $bad
done
for secure in "" "--secure plain" "--secure sealed"; do
	# shellcheck disable=SC2086
	says "a manager, and plain clients: $secure" 2 "--sec-mgr needs --secure required" \
		"$server" --region "$r" --keys "$k" --sec-mgr 127.0.0.1:1 $secure
done
says "unknown cipher" 1 'cipher "rot13" cannot be used here' \
	"$server" --region "$r" --keys "$k" --crypto rot13
says "region missing" 1 "make it with: hedbctl region format $dir/none" \
	"$server" --region "$dir/none" --keys "$k"
says "region is something else" 1 "no region there" "$server" --region "$dir/noise" --keys "$k"
says "keys missing" 1 "$dir/none" "$server" --region "$r" --keys "$dir/none"
says "keys are something else" 1 "$dir/noise" "$server" --region "$r" --keys "$dir/noise"
cp "$k" "$dir/open-keys" && chmod 644 "$dir/open-keys"
says "keys that others may read" 1 "chmod" "$server" --region "$r" --keys "$dir/open-keys"
says "credential missing" 1 "hedbctl key credential $dir/none" \
	"$server" --region "$r" --keys "$k" --credential "$dir/none"
cp "$c" "$dir/open-credential" && chmod 640 "$dir/open-credential"
says "credential that others may read" 1 "chmod 600" \
	"$server" --region "$r" --keys "$k" --credential "$dir/open-credential"
says "credential is something else" 1 "64 hexadecimal digits" \
	"$server" --region "$r" --keys "$k" --credential "$dir/noise"
cp "$k" "$dir/shut-keys" && chmod 0 "$dir/shut-keys"
as_others=
[ "$(id -u)" = 0 ] && as_others='setpriv --bounding-set -dac_override,-dac_read_search' # root reads all
says "keys without permission" 1 "$dir/shut-keys" \
	$as_others "$server" --region "$r" --keys "$dir/shut-keys"
says "a region without the service" 1 'no service "ops"' \
	sh -c "cp '$r' '$dir/maimed' && printf 'xxx' |
		dd of='$dir/maimed' bs=1 seek=8192 conv=notrunc status=none &&
		exec '$server' --region '$dir/maimed' --keys '$k'"

# ---- ops_server: configuration file ----
says "configuration missing" 2 "No such file" "$server" --config "$dir/none"
printf 'region = %s\nfoo = 1\n' "$r" >"$dir/conf"
says "configuration, unknown name" 2 "unknown setting or bad value: foo = 1" \
	"$server" --config "$dir/conf"
printf 'region = %s\nworkers = 1000\n' "$r" >"$dir/conf"
says "configuration, bad value" 2 "workers = 1000" "$server" --config "$dir/conf"
printf 'region = %s\nthis is no setting\n' "$r" >"$dir/conf"
says "configuration, bad line" 2 "line 2" "$server" --config "$dir/conf"
printf 'region = %s\n; %0197dworkers = 1000\n' "$r" 0 >"$dir/conf"
says "configuration, the end of a long comment is none of it" 2 "line 2 is longer than 190 bytes" \
	"$server" --config "$dir/conf"
printf '# what to serve\nregion = %s\nkeys = %s\nworkers = 3\nlog-level = warning\n' \
	"$r" "$k" >"$dir/conf"
says "the command line wins" 1 "$dir/none" "$server" --config "$dir/conf" --region "$dir/none"

# ---- serving ----
says "status, no region named" 2 "which region" "$ctl" status
says "ping, no region there" 1 "does not exist" "$ctl" ping "$dir/none"
if start "$dir/log" --config "$dir/conf" --workers 2 --log-level info --credential "$c"; then
	ok "serves"
else
	not_ok "serves" "$(cat "$dir/log")"
fi
logged "says what it serves" "serving 8 channels of 32 KiB in $r, 2 workers"
logged "says which key" "key 2"
logged "says who may decrypt" "clients with the credential may encrypt and decrypt"
says "ping" 0 "100 round trips: mean" "$ctl" ping "$r" --count 100
says "ping by HEDB_REGION" 0 "10 round trips" env HEDB_REGION="$r" "$ctl" ping --count 10
# Another pid namespace is another host to both: nobody can ring, so both poll.
away="unshare --pid --fork --mount-proc"
[ "$(id -u)" = 0 ] || away="unshare --user --map-root-user --pid --fork --mount-proc"
says "ping from where no bell rings" 0 "100 round trips" \
	timeout 60 $away "$ctl" ping "$r" --count 100
for field in "pid $pid" uptime_ms "workers 2" "crypto " "channels_open 1" "channels 8" \
	requests "requests_failed 0" rows values_opened values_sealed bytes_in bytes_out \
	sleeps "keys_sealed plain" "key_active 2" service_ns_p50 service_ns_p99.99 service_ns_max "label hedbctl"; do
	says "status: $field" 0 "$field" "$ctl" status "$r"
done
kill -STOP "$pid"
is "status of a server that stands still" "$("$ctl" status "$r" 2>&1)" \
	"hedbctl: $r: no answer from ops_server within 5000 ms; is it running?"
kill -CONT "$pid"
says "region show, a server" 0 "server pid $pid alive" "$ctl" region show "$r"
says "encrypt without a credential" 2 "which credential? --credential FILE" "$ctl" encrypt int4 "$r"
says "encrypt, of no type" 2 "no type int9" "$ctl" encrypt int9 "$r"
says "region format of a region in use" 1 "a live server is using this region" \
	"$ctl" region format "$r" --ops-channels 8 --kv-channels 2
says "a second server" 1 "is served by pid $pid already; stop it first" \
	"$server" --region "$r" --keys "$k"
says "the first one goes on" 0 "round trips" "$ctl" ping "$r" --count 10

"$ctl" key rotate "$k" >/dev/null
kill -HUP "$pid"
logged "SIGHUP reads the keys" "reloaded: active key is 3"
chmod 644 "$k"
kill -HUP "$pid"
logged "SIGHUP, keys open to others" "reload refused, going on as before"
chmod 600 "$k"
says "still serving" 0 "round trips" "$ctl" ping "$r" --count 10
printf 'region = %s\nkeys = %s\nlog-level = error\n' "$r" "$k" >"$dir/conf"
kill -HUP "$pid"
sleep 0.5
says "SIGHUP, the command line still wins" 0 "2" grep -c "reloaded" "$log"
kill -TERM "$pid"
ends "SIGTERM ends it"
says "region show, no server" 0 "no server" "$ctl" region show "$r"
says "ping, no server" 1 "hedbctl: $r: no answer from ops_server within 5000 ms; is it running? Nobody serves it: ops_server --region $r --keys FILE" \
	"$ctl" ping "$r"

start "$dir/log2" --region "$r" --keys "$k"
first=$pid
kill -9 "$first"
wait "$first" 2>/dev/null
says "region show, a dead server" 0 "server pid $first dead" "$ctl" region show "$r"
if start "$dir/log3" --region "$r" --keys "$k"; then
	ok "takes over at once from a killed one"
else
	not_ok "takes over at once from a killed one" "$(cat "$dir/log3")"
fi
says "and serves" 0 "round trips" "$ctl" ping "$r" --count 10
kill -INT "$pid"
ends "SIGINT ends it"
mkfifo "$dir/slowly"
slowly_config "$dir/slowly" 'workers = 2' ops_server &
pids="$pids $!"
start "$dir/log4" --region "$r" --keys "$k" --config "$dir/slowly"
logged "SIGHUP while it starts is heard once it has" "reloaded: active key is"
kill -INT "$pid"
ends "and SIGINT ends it then"

# ---- the sandbox: every thread is in it, and can gain nothing; or it says that it is not ----
# fields PID: of each thread, whether it has a filter and may gain privileges
fields() { cat /proc/"$1"/task/*/status | awk '/^(NoNewPrivs|Seccomp):/ { print $1 $2 }' | sort | uniq -c | tr -s ' \n' ' '; }
start "$dir/log-in" --region "$r" --keys "$k" --workers 3
if grep -q 'no filter of system calls: not in this build' "$dir/log-in"; then
	skip sandbox 'not in this build (sanitizers)'
else
	[ "$(fields "$pid")" = ' 5 NoNewPrivs:1 5 Seccomp:2 ' ] && ok "all threads are in the sandbox" || not_ok "all threads are in the sandbox" "$(fields "$pid")"
fi
says "and it serves" 0 "round trips" "$ctl" ping "$r" --count 10
kill -HUP "$pid"
logged_in=$dir/log-in
i=0
until grep -q 'reloaded' "$logged_in" || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.05; done
grep -q 'reloaded' "$logged_in" && ok "and reads its keys anew in it" || not_ok "and reads its keys anew in it" "$(cat "$logged_in")"
kill -TERM "$pid"
ends "and it ends in it"
start "$dir/log-out" --region "$r" --keys "$k" --workers 3 --sandbox no
[ "$(fields "$pid")" = ' 5 NoNewPrivs:1 5 Seccomp:0 ' ] && ok "--sandbox no: outside" || not_ok "--sandbox no: outside" "$(fields "$pid")"
grep -q 'warning no filter of system calls' "$dir/log-out" && ok "and says so" || not_ok "and says so" "$(cat "$dir/log-out")"
kill -TERM "$pid"
ends "and it ends outside"

# ---- at rest a thread goes first, where that is allowed; not one that polls ----
# first_are N NAME: so many threads of $pid come to have a real-time policy (stat, field 41)
first_are() {
	i=0
	while n=$(sed 's/.*) //' /proc/"$pid"/task/*/stat | awk '$39 == 1' | wc -l); [ "$n" != "$1" ]; do
		i=$((i + 1))
		[ $i -gt 100 ] && not_ok "$2" "$n threads, not $1" && return
		sleep 0.05
	done
	ok "$2"
}
if chrt -f 1 true 2>/dev/null; then
	start "$dir/log-first" --region "$r" --keys "$k" --workers 3
	first_are 3 "threads at rest go first"
	"$ctl" ping "$r" --count 100000000 >/dev/null 2>&1 &
	busy=$!
	pids="$pids $busy"
	first_are 2 "the one that polls does not"
	kill "$busy"
	wait "$busy" 2>/dev/null
	first_are 3 "and does again"
	kill -TERM "$pid"
	ends "and it ends"
	printf '#!/bin/sh\nexec setpriv --bounding-set -sys_nice "%s" "$@"\n' "$server" >"$dir/not-first"
	chmod +x "$dir/not-first"
	allowed=$server server=$dir/not-first
	start "$dir/log-not-first" --region "$r" --keys "$k" --workers 3
	says "not allowed to: serves all the same" 0 "round trips" "$ctl" ping "$r" --count 1000
	first_are 0 "as all others"
	kill -TERM "$pid"
	ends "and it ends"
	server=$allowed
else
	skip "threads that go first" 'no real-time priority is allowed here'
fi

# ---- threads: one for each processor that it may use, two at the least, 32 at most ----
n=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
[ "$n" -gt 2 ] || n=2
[ "$n" -lt 32 ] || n=32
start "$dir/log4" --region "$r" --keys "$k"
logged "workers on all processors: $n" ", $n workers"
kill -TERM "$pid"
ends "and it ends"
first=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
printf '#!/bin/sh\nexec taskset -c %s "%s" "$@"\n' "$first" "$server" >"$dir/on-one"
chmod +x "$dir/on-one"
server=$dir/on-one
start "$dir/log5" --region "$r" --keys "$k"
logged "workers on one processor: 2" ", 2 workers"
says "and it serves there" 0 "round trips" "$ctl" ping "$r" --count 10
kill -TERM "$pid"
ends "and it ends there"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
