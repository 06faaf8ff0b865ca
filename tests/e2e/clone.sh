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
#     live migration      the same machine elsewhere: nothing changes
#     ivshmem-plain       a machine with a region of another's is not copied at all: QEMU
#
# tests/vm has its parts. Needs QEMU and busybox; the kernel is fetched.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
here=$PWD
kernel=build/kernel
dir=$(mktemp -d "${TMPDIR:-/tmp}/clone-e2e.XXXXXX") || exit 1
pids= guid=
. tests/e2e/lib/tap.sh
tap='clone: '

cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

if [ "$(uname -m)" != x86_64 ] || ! command -v qemu-system-x86_64 >/dev/null ||
	! command -v busybox >/dev/null; then
	skip "a cloned machine" "no qemu-system-x86_64 or no busybox"
	exit 0
fi
[ -e $kernel/vmlinuz ] || sh deploy/fetch-kernel.sh $kernel >"$dir/fetch" 2>&1 || {
	not_ok "a kernel" "$(cat "$dir/fetch")"
	exit 1
}
qmp() { # qmp MACHINE COMMAND...
	to=$dir/$1.qmp
	shift
	python3 tests/vm/qmp.py "$to" "$@" 2>&1
}
qemu() { # qemu MACHINE ARGUMENTS...
	as=$1
	shift
	qemu-system-x86_64 -accel tcg -nodefaults -no-user-config -display none -no-reboot \
		-qmp "unix:$dir/$as.qmp,server=on,wait=off" "$@" >"$dir/$as.err" 2>&1 </dev/null &
	pids="$pids $!"
	echo $! >"$dir/$as.pid"
}
# Without RDRAND: what a clone draws has to differ by the generation id alone.
guest() { # guest MACHINE SALT ARGUMENTS...
	as=$1 salt=$2
	shift 2
	qemu "$as" -cpu max,-rdrand,-rdseed -m 288 -kernel $kernel/vmlinuz -initrd "$dir/initramfs" \
		-append "console=ttyS1 quiet panic=-1 zones=none,acpi" \
		-serial "file:$dir/$as.values" -serial "file:$dir/$as.log" \
		-fw_cfg "name=opt/test/salt,string=$salt" -device vmgenid,guid="${guid:-auto}" "$@"
}
end() { # end MACHINE
	kill -9 "$(cat "$dir/$1.pid")"
	wait "$(cat "$dir/$1.pid")" 2>/dev/null
}
awaited() { # awaited SOCKET
	i=0
	until [ -S "$1" ] || [ $i -gt 300 ]; do
		i=$((i + 1))
		sleep 0.1
	done
}
# So many more values of both zones, of its own salt.
values() { # values MACHINE SALT MORE
	i=0
	for zone in none acpi; do
		had=$(made "$1" "$2")
		until [ "$(made "$1" "$2")" -ge $((had + $3)) ]; do
			i=$((i + 1))
			if [ $i -gt 1200 ] || ! kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null; then
				not_ok "$1 encrypts" "$(cat "$dir/$1.err")" "$(tail -n 20 "$dir/$1.log")" \
					"$(tail -n 3 "$dir/$1.values")"
				exit 1
			fi
			sleep 0.1
		done
	done
}
made() { cat "$dir/$1.values" 2>/dev/null | grep -c "^$zone $2[0-9]\{6\} .*=" || :; }
judge() { (cd "$dir" && python3 "$here/tests/vm/nonces.py" "$@" 2>&1); }
count() { printf '%s\n' "$found" | sed -n "s/^$1 //p"; }

sh tests/vm/initramfs.sh "$dir/initramfs" $kernel tests/vm/clone-init "$B/ops_server" "$B/hedbctl" \
	"$B/tests/e2e/encrypt_on" || exit 1

# ---- one machine, three, and one again ----
guest original 1
values original 1 3
is "a running machine is copied" "$(qmp original migrate uri="exec:cat >$dir/snapshot")" completed
guest one 2 -incoming "exec:cat $dir/snapshot"
guest two 3 -incoming "exec:cat $dir/snapshot"
is "and goes on" "$(qmp original cont)" "{}"
values original 1 3
values one 2 3
values two 3 3
end one
end two
rm "$dir/snapshot"
guid=$(qmp original query-vm-generation-id | sed 's/.*"guid": "\([^"]*\)".*/\1/')
guest moved 4 -incoming "unix:$dir/moving"
awaited "$dir/moving"
is "it moves to another QEMU" "$(qmp original migrate uri="unix:$dir/moving")" completed
values moved 4 3
end original
end moved

# ---- without a fence ----
found=$(judge none 1:original 2:one 3:two)
is "none: everybody goes on under one incarnation" "$(count incarnations)" 1
disclose() { # disclose SALT:MACHINE SALT:MACHINE
	found=$(judge none "$@")
	both="${1#*:} and ${2#*:}"
	if [ "$(count repeated)" -gt 0 ]; then
		ok "none: $both encrypt different values under one nonce"
	else
		not_ok "none: $both encrypt different values under one nonce" "$found"
	fi
	is "none: how the plaintexts of $both differ shows" "$(count legible)" "$(count repeated)"
}
disclose 1:original 2:one
disclose 1:original 3:two
disclose 2:one 3:two

# ---- with it ----
# 9: the original has been one all the time
found=$(judge acpi 9:original 2:one 3:two)
is "acpi: no nonce twice" "$(count repeated)" 0
is "acpi: three incarnations" "$(count incarnations)" 3
is "acpi: a clone has its own, from its first value on" "$(count shared)" 0
is "acpi: no request fails" "$(count refused)" 0
for m in one two; do
	if grep -q "this machine is a copy of another" "$dir/$m.log"; then
		ok "acpi: $m says why"
	else
		not_ok "acpi: $m says why" "$(cat "$dir/$m.log")"
	fi
done

# ---- live migration ----
for zone in none acpi; do
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
is "ivshmem-plain: no savevm" \
	"$(qmp peer human-monitor-command command-line="savevm one" | tr -d '\r')" "Error: $blocked"
[ "$failed" = 0 ]
