# SPDX-License-Identifier: BSD-3-Clause
# tap.sh - to be sourced by tests/e2e: lines of TAP, and what a program says. `tap` is put
# before each name, `patience` is how many seconds a command may take.

tap= patience=30
passed=0 failed=0

ok() {
	passed=$((passed + 1))
	echo "ok $((passed + failed)) - $tap$1"
}

# not_ok NAME LINE...
not_ok() {
	failed=$((failed + 1))
	echo "not ok $((passed + failed)) - $tap$1"
	shift
	printf '%s\n' "$@" | sed 's/^/# /'
}

# skip NAME REASON
skip() {
	ok "$1 # SKIP $2"
}

# is NAME GOT EXPECTED
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "expected: $3"; fi
}

# says NAME STATUS TEXT COMMAND...: exit status, and TEXT (a fixed string) in what it says
says() {
	name=$1 status=$2 text=$3
	shift 3
	out=$(timeout "$patience" "$@" 2>&1 </dev/null)
	got=$?
	if [ "$got" != "$status" ]; then
		not_ok "$name" "exit $got, expected $status" "$out"
	elif ! printf '%s\n' "$out" | grep -qF -- "$text"; then
		not_ok "$name" "does not say: $text" "$out"
	else
		ok "$name"
	fi
}

# slowly_config FILE LINE PROGRAM: a configuration that a program reads while it starts, which gets SIGHUP
# in the middle of that, and finds an ordinary file the next time. To be started first, in the background.
slowly_config() {
	exec 9>"$1" # waits for a reader
	for _proc in /proc/[0-9]*; do
		cat "$_proc/cmdline" 2>/dev/null | tr '\0' ' ' | grep -q "^[^ ]*$3 .*--config $1 " && kill -HUP "${_proc#/proc/}"
	done
	echo "$2" >"$1.new"
	mv "$1.new" "$1"
	echo "$2" >&9
	exec 9>&-
}
