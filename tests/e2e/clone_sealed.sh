#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# clone_sealed.sh - scope: a virtual machine is copied while a client and an ops_server in it
# talk on sealed channels (clone.sh has the values of such a machine, and tests/vm its parts). What
# lies in their regions, two clones tell again and again.
#
#     bare   no id: clones seal different records under one nonce: the danger is real, and this
#            test sees it
#     acpi   both ends have the id: neither clone writes anything under the keys that were
#            copied; a new handshake, keys that the other has not, and no request fails
#
# Needs QEMU and busybox; the kernel is fetched.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
. tests/e2e/lib/tap.sh
tap='clone_sealed: '
. tests/vm/machines.sh
zones='bare acpi'

pki=$dir/pki
ctl() { "$B/hedbctl" "$@" >"$dir/out" 2>&1 || { not_ok "hedbctl $*" "$(cat "$dir/out")"; exit 1; }; }
ctl ca init "$pki"
ctl ca issue "$pki" vault --role server:ops
ctl ca issue "$pki" node --role db,client
guest_pki vault node
sh tests/vm/initramfs.sh "$dir/initramfs" $kernel tests/vm/sealed-init "$B/ops_server" "$B/hedbctl" \
	"$B/tests/e2e/encrypt_on" "$dir/guest/pki" || exit 1
guest() { # guest MACHINE SALT ARGUMENTS...
	machine=$1 salt=$2
	shift 2
	linux "$machine" "$salt" "mgr=none zones=bare,acpi" -serial null \
		-serial "file:$dir/$machine.regions" -device vmgenid,guid=auto "$@"
}
told() { grep -c "^$2 .*\\." "$dir/$1.regions" || :; } # MACHINE ZONE: how often, what lies in its region
has_told() { [ "$(told "$1" "$2")" -ge "$3" ]; }
tells() { # tells MACHINE: once more, of all zones
	for zone in $zones; do
		until_true "$1" has_told "$1" "$zone" $(($(told "$1" "$zone") + 2))
	done
}

guest original 1
values original 1 3 $zones
tells original
is "a machine is copied while it talks" "$(qmp original migrate uri="exec:cat >$dir/snapshot")" completed
mv "$dir/original.regions" "$dir/copied.regions"
end original
for m in one two; do
	salt=$((${salt:-1} + 1))
	guest $m $salt -incoming "exec:cat $dir/snapshot"
done
values one 2 5 $zones
values two 3 5 $zones
tells one
tells two

records() { (cd "$dir" && python3 "$here/tests/vm/records.py" "$@" 2>&1); }
found=$(records bare copied one two)
finds "bare: different records under one nonce" repeated
is "bare: nobody shakes hands again" "$(count renewed)" 0
found=$(records acpi copied one two)
finds "acpi: keys were in use when they were copied" copied
is "acpi: no nonce twice" "$(count repeated)" 0
is "acpi: both shake hands again" "$(count renewed)" 2
is "acpi: and say nothing alike" "$(count alike)" 0
for zone in $zones; do
	found=$(judge $zone 2:one 3:two)
	is "$zone: no request fails" "$(count refused)" 0
done
is "acpi: no value's nonce twice" "$(count repeated)" 0
[ "$failed" = 0 ]
