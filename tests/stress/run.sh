#!/bin/sh
# Two processes on the rings, clients and servers killed at random, a hostile peer: each
# from a fixed seed for some seconds; the rings also as threads under ThreadSanitizer, the
# hostile peer also under AddressSanitizer, ops_server under both, with
# cxl_sec_mgr under ThreadSanitizer. STRESS_SECONDS makes it longer, STRESS_SEED other.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
seconds=${STRESS_SECONDS:-8}
seed=${STRESS_SEED:-1}
failed=0

try() {
	what=$1
	shift
	log=$(mktemp "$B/stress.XXXXXX")
	reports=$(mktemp -d)
	TSAN_OPTIONS="suppressions=$PWD/tests/stress/tsan.supp:log_path=$reports/tsan" \
		ASAN_OPTIONS="log_path=$reports/asan" UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/ubsan" \
		timeout $((seconds * 4 + 240)) "$@" >"$log" 2>&1
	rc=$?
	# What is found in a server that the test kills is in no exit status.
	find "$reports" -type f -exec cat {} + >>"$log"
	if [ $rc = 0 ] && [ -z "$(ls "$reports")" ]; then
		echo "ok - $what"
	else
		echo "not ok - $what: exit $rc: $*"
		tail -n 40 "$log" | sed 's/^/# /'
		failed=1
	fi
	rm -rf "$log" "$reports"
}

try "ring, two processes, seed $seed" "$B/tests/stress/stress_ring" "$seed" "${seconds}s"
try "ring, two processes, seed $((seed + 1))" \
	"$B/tests/stress/stress_ring" $((seed + 1)) "${seconds}s"
try "channels under kill -9" "$B/tests/stress/stress_channel" "$seed" "$seconds"
try "hostile peer" "$B/tests/stress/hostile_peer" "$seed" "$seconds"
[ ! -x build-thread/tests/stress/stress_ring ] ||
	try "ring under ThreadSanitizer" build-thread/tests/stress/stress_ring "$seed" "${seconds}s"
[ ! -x build-address-undefined/tests/stress/hostile_peer ] ||
	try "hostile peer, server under AddressSanitizer and UBSan" \
		build-address-undefined/tests/stress/hostile_peer "$seed" "$seconds"
for san in thread address-undefined; do
	for t in ops_server ops_hostile ops_life sealed_server sealed_revoked sealed_replaced manager manager_name \
		policy_server audit view handshake trust_objects trust_files zone copies lookup; do
		# half a minute; its hostile bytes are fuzz_mgr's, too
		case "$san $t" in 'address-undefined manager'*) continue ;; esac
		[ ! -x build-$san/tests/unit/test_$t ] ||
			try "test_$t, $san sanitizer" build-$san/tests/unit/test_$t
	done
done
exit $failed
