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
