#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# clone_tickets.sh - scope: a virtual machine is copied that has no generation id, but a manager,
# which knows its processes by their tickets alone (ops-server/mgr_ticket.h). tests/vm has its
# parts; the manager runs on this host.
#
#     two clones   of the three machines all but one are told. From then on each encrypts under
#                  an incarnation of its own
#     alone        a clone that cannot reach the manager computes nothing once its lease has ended
#     turned back  by loadvm, in the same QEMU: told
#
# Before copies are told they may repeat nonces: docs/clones.md. Needs QEMU and busybox; the
# kernel is fetched.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
. tests/e2e/lib/tap.sh
tap='clone_tickets: '
. tests/vm/machines.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK CXL_SEC_MGR CXL_SEC_POOL NOTIFY_SOCKET
lease_ms=16000
zone=tickets
copy='this machine is a copy of another'

# ---- the manager, on this host ----
pki=$dir/pki
ctl() { "$B/hedbctl" "$@" >"$dir/out" 2>&1 || { not_ok "hedbctl $*" "$(cat "$dir/out")"; exit 1; }; }
ctl ca init "$pki"
ctl ca issue "$pki" mgr --role server:mgr
ctl ca issue "$pki" root --role admin
ctl ca issue "$pki" vault --role server:ops
ctl ca issue "$pki" node --role db,client
acl() { ctl acl "$@" --sec-mgr "127.0.0.1:$port" --cert "$pki/root.pem" --key "$pki/root.key" --ca "$pki/ca.pem"; }
for try in 1 2 3 4 5; do
	port=$((20000 + ($$ * 7 + try * 131) % 10000))
	"$B/cxl_sec_mgr" --listen "127.0.0.1:$port" --store "$dir/store" --lease-ms $lease_ms \
		--cert "$pki/mgr.pem" --key "$pki/mgr.key" --ca "$pki/ca.pem" --generation none \
		2>"$dir/mgr.log" </dev/null &
	mgr=$!
	i=0
	until grep -q listening "$dir/mgr.log" || ! kill -0 $mgr 2>/dev/null || [ $i -gt 300 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	grep -q listening "$dir/mgr.log" && break
done
pids="$pids $mgr"
acl node add vault "$pki/vault.pem"
acl node add node "$pki/node.pem"
acl range add ops --service ops
acl grant vault ops write
acl grant node ops write

# ---- machines ----
guest_pki vault node
sh tests/vm/initramfs.sh "$dir/initramfs" $kernel tests/vm/sealed-init "$B/ops_server" "$B/hedbctl" \
	"$B/tests/e2e/encrypt_on" "$dir/guest/pki" || exit 1
guest() { # guest MACHINE SALT NETWORK ARGUMENTS...
	machine=$1 salt=$2 net=$3
	shift 3
	python3 tests/vm/qcow2.py "$dir/$machine.disk"
	linux "$machine" "$salt" "mgr=10.0.2.2:$port zones=tickets" -serial "file:$dir/$machine.told" \
		-netdev "user,id=net,$net" -device virtio-net-pci,netdev=net,addr=04,romfile= \
		-drive "if=none,id=disk,format=qcow2,file=$dir/$machine.disk" "$@"
}
clone() { guest "$1" "$2" "$3" -incoming "exec:cat $dir/snapshot"; } # clone MACHINE SALT NETWORK
told() { cat "$dir/$1.told" 2>/dev/null | grep -c "$copy" || :; } # told MACHINE: how often
is_told() { [ "$(told "$1")" -ge "$2" ]; }
how_many_are_told() { for m in original one two; do told $m; done | grep -cv '^0$'; }
two_are_told() { [ "$(how_many_are_told)" -ge 2 ]; }
says_so() { grep -q "$2" "$dir/$1.told" 2>/dev/null; }
# What machines encrypt from here on.
mark() { for m in "$@"; do wc -c <"$dir/$m.values" >"$dir/$m.mark"; done; }
since() { for m in "$@"; do tail -c "+$(cat "$dir/$m.mark")" "$dir/$m.values" >"$dir/$m-since.values"; done; }

guest original 1 restrict=off
values original 1 3 $zone
is "a machine is copied" "$(qmp original migrate uri="exec:cat >$dir/snapshot")" completed
clone one 2 restrict=off
clone two 3 restrict=off
is "and goes on" "$(qmp original cont)" "{}"
until_true original two_are_told
values original 1 2 $zone
values one 2 2 $zone
values two 3 2 $zone
mark original one two
values original 1 3 $zone
values one 2 3 $zone
values two 3 3 $zone
since original one two
found=$(judge $zone 1:original-since 2:one-since 3:two-since)
is "three incarnations" "$(count incarnations)" 3
is "of one machine each" "$(count shared)" 0
is "no nonce twice" "$(count repeated)" 0
if two_are_told; then ok "all but one are told"; else not_ok "all but one are told" "$(how_many_are_told)"; fi
if [ "$(grep -c "vault from .* its ticket was used already" "$dir/mgr.log")" -ge 2 ]; then
	ok "the manager logs them"
else
	not_ok "the manager logs them" "$(cat "$dir/mgr.log")"
fi
acl status
if [ "$(sed -n 's/^copies //p' "$dir/out")" -ge 2 ]; then ok "and counts"; else not_ok "and counts" "$(cat "$dir/out")"; fi
end one
end two

# ---- alone, and turned back ----
clone alone 4 restrict=on
had=$(told original)
is "savevm" "$(hmp original "savevm before")" ""
values original 1 3 $zone
sleep $((lease_ms / 1000)) # four questions
cp "$dir/original.values" "$dir/turned.values"
is "loadvm" "$(hmp original "loadvm before")" ""
until_true original is_told original $((had + 1))
ok "a machine that is turned back is told"
values original 1 2 $zone # what was encrypted before is written
mark original
values original 1 3 $zone
since original
found=$(judge $zone 9:turned 1:original-since)
is "and goes on under another incarnation" "$(count shared)" 0
until_true original says_so original "no manager: this process is a copy, or was copied"
ok "and connects to its manager anew" # with its next question

until_true alone says_so alone "the manager's lease has ended"
refused() { [ "$(grep -c refused "$dir/alone.values")" -gt "$1" ]; }
sleep 2 # as above
mark alone
until_true alone refused "$(grep -c refused "$dir/alone.values")"
since alone
found=$(judge $zone 4:alone-since)
is "a clone that is alone computes nothing after its lease" "$(count values)" 0
[ "$failed" = 0 ]
