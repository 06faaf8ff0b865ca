#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# clone.sh - scope: an ops_server in a virtual machine of which there are two more all of a
# sudden. A real one (QEMU, emulated; Debian's kernel) is copied into a file while it encrypts;
# two clones are started from the file, and the original goes on.
#
#     --generation none   all three use the same nonces, for other plaintexts: the danger is
#                         real, and this test sees it
#     --generation acpi   no nonce comes twice; each clone has an incarnation of its own, and
#                         says why
#     --generation FILE   a second ivshmem-plain device: as acpi
#     live migration      the same machine elsewhere: nothing changes
#     ivshmem-plain       a machine with a region of another's is not copied at all: QEMU
#
# tests/vm has its parts. Needs QEMU and busybox; the kernel is fetched.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
. tests/e2e/lib/tap.sh
tap='clone: '
. tests/vm/machines.sh
zones='none acpi file' guid=auto

guest() { # guest MACHINE SALT ARGUMENTS...
	as=$1 salt=$2
	shift 2
	head -c 4096 /dev/urandom >"$dir/$as.id"
	linux "$as" "$salt" "zones=$(echo "$zones" | tr ' ' ,)" -smp 2 -device vmgenid,guid=$guid \
		-object "memory-backend-file,id=id,share=on,mem-path=$dir/$as.id,size=4K" \
		-device ivshmem-plain,memdev=id,master=on,addr=04 "$@"
}
# The id that is in a file is the administrator's: he writes it when the copy's memory is
# there, and before it runs.
clone() { # clone MACHINE SALT
	guest "$1" "$2" -S -incoming "exec:cat $dir/snapshot"
	until_true "$1" is_loaded "$1"
	head -c 16 /dev/urandom | dd of="$dir/$1.id" conv=notrunc status=none
	qmp "$1" cont >/dev/null
}
is_loaded() { qmp "$1" query-status | grep -q '"paused"'; }

sh tests/vm/initramfs.sh "$dir/initramfs" $kernel tests/vm/clone-init "$B/ops_server" "$B/hedbctl" \
	"$B/tests/e2e/encrypt_on" || exit 1

# ---- one machine, three, and one again ----
guest original 1
values original 1 3 $zones
is "a running machine is copied" "$(qmp original migrate uri="exec:cat >$dir/snapshot")" completed
clone one 2
clone two 3
is "and goes on" "$(qmp original cont)" "{}"
values original 1 3 $zones
values one 2 3 $zones
values two 3 3 $zones
end one
end two
rm "$dir/snapshot"
guid=$(qmp original query-vm-generation-id | sed 's/.*"guid": "\([^"]*\)".*/\1/')
guest moved 4 -incoming "unix:$dir/moving"
awaited "$dir/moving"
is "it moves to another QEMU" "$(qmp original migrate uri="unix:$dir/moving")" completed
values moved 4 3 $zones
end original
end moved

# ---- without a fence ----
found=$(judge none 1:original 2:one 3:two)
is "none: everybody goes on under one incarnation" "$(count incarnations)" 1
disclose() { # disclose SALT:MACHINE SALT:MACHINE
	found=$(judge none "$@")
	both="${1#*:} and ${2#*:}"
	finds "none: $both encrypt different values under one nonce" repeated
	is "none: how the plaintexts of $both differ shows" "$(count legible)" "$(count repeated)"
}
disclose 1:original 2:one
disclose 1:original 3:two
disclose 2:one 3:two

# ---- with it ----
# 9: the original has been one all the time
for zone in acpi file; do
	found=$(judge $zone 9:original 2:one 3:two)
	is "$zone: no nonce twice" "$(count repeated)" 0
	is "$zone: three incarnations" "$(count incarnations)" 3
	is "$zone: a clone has its own, from its first value on" "$(count shared)" 0
	is "$zone: no request fails" "$(count refused)" 0
done
for m in one two; do
	said=$(grep -c "this machine is a copy of another" "$dir/$m.log")
	if [ "$said" = 2 ]; then
		ok "acpi and file: $m says why"
	else
		not_ok "acpi and file: $m says why" "$(cat "$dir/$m.log")"
	fi
done

# ---- live migration ----
for zone in $zones; do
	found=$(judge $zone 1:original 4:moved)
	is "moved, $zone: the same incarnation" "$(count incarnations)" 1
	is "moved, $zone: no nonce twice" "$(count repeated)" 0
done
is "nobody calls it a copy" "$(cat "$dir/original.log" "$dir/moved.log" | grep -c "copy of another")" 0

# ---- a machine with another's region ----
blocked="Migration is disabled when using feature 'peer mode' in device 'ivshmem'"
qemu peer -m 16 -S -object "memory-backend-file,id=region,share=on,mem-path=$dir/region,size=1M" \
	-device ivshmem-plain,memdev=region
awaited "$dir/peer.qmp"
is "ivshmem-plain: no snapshot into a file" "$(qmp peer migrate uri="exec:cat >$dir/snapshot")" "$blocked"
is "ivshmem-plain: no savevm" "$(hmp peer "savevm one")" "Error: $blocked"
[ "$failed" = 0 ]
