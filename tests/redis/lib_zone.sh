# SPDX-License-Identifier: BSD-3-Clause
# lib_zone.sh - an ops_server beside the servers of lib.sh, and hedbctl for plaintext.
#
#   zone_files            its region, keys and credential, as new
#   zone_start [ops_server options]; zone_kill; freeze; thaw
#   rotate ...            hedbctl key ..., and the zone takes the file up
#   encrypt TYPE < lines; e TYPE VALUE; decrypt < base64
#   t SERVER command...   its reply, decrypted
#   later SERVER command...  in the background: $later, and the reply in $dir/later
#   under_way SERVER N    so many operations wait for the zone
zone=$shm/zone
cred=$dir/credential

zone_files() {
	ctl region format "$zone"
	ctl key create "$dir/keys"
	ctl key credential "$cred"
}
zone_start() {
	"$B/ops_server" --region "$zone" --keys "$dir/keys" --credential "$cred" "$@" >>"$dir/ops.log" 2>&1 &
	zone_pid=$!
	pids="$pids $zone_pid"
	until_true "$B/hedbctl" ping "$zone" --count 1 || { not_ok 'ops_server starts'; tail -5 "$dir/ops.log"; exit 1; }
}
zone_kill() {
	kill -9 "$zone_pid"
	wait "$zone_pid" 2>/dev/null
	pids=$(echo " $pids " | sed "s/ $zone_pid / /")
}
# Stopped, it answers nothing, and to its clients it is alive.
freeze() {
	kill -STOP "$zone_pid"
	until_true grep -q '^State:.T' "/proc/$zone_pid/status"
}
thaw() { kill -CONT "$zone_pid"; }
rotate() {
	"$B/hedbctl" key "$@" >/dev/null
	_was=$(grep -c reloaded "$dir/ops.log")
	kill -HUP "$zone_pid"
	until_true sh -c "[ \$(grep -c reloaded '$dir/ops.log') -gt $_was ]"
}

encrypt() { "$B/hedbctl" encrypt "$1" "$zone" --credential "$cred" 2>&1; }
decrypt() { "$B/hedbctl" decrypt "$zone" --credential "$cred" 2>&1; }
e() { printf '%s\n' "$2" | encrypt "$1"; }
t() { tcp_raw "$@" | decrypt; }
under_way() { [ "$(info "$1" cxlring cxlring_enc_under_way)" = "$2" ]; }
later() { tcp "$@" >"$dir/later" 2>&1 & later=$!; }
