# SPDX-License-Identifier: BSD-3-Clause
# machines.sh - to be sourced, after tap.sh, by tests whose machines are QEMU's: starts, asks,
# copies and ends them. $dir is made here and goes with the test.

here=$PWD
kernel=build/kernel
dir=$(mktemp -d "${TMPDIR:-/tmp}/clone-e2e.XXXXXX") || exit 1
pids=

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
[ -e $kernel/modules ] || sh deploy/fetch-kernel.sh $kernel >"$dir/fetch" 2>&1 || {
	not_ok "a kernel" "$(cat "$dir/fetch")"
	exit 1
}
qmp() { # qmp MACHINE COMMAND...
	to=$dir/$1.qmp
	shift
	python3 tests/vm/qmp.py "$to" "$@" 2>&1
}
hmp() { # hmp MACHINE COMMAND: the human monitor's
	qmp "$1" human-monitor-command command-line="$2" | tr -d '\r'
}
qemu() { # qemu MACHINE ARGUMENTS...
	as=$1
	shift
	qemu-system-x86_64 -accel tcg -nodefaults -no-user-config -display none -no-reboot \
		-qmp "unix:$dir/$as.qmp,server=on,wait=off" "$@" >"$dir/$as.err" 2>&1 </dev/null &
	pids="$pids $!"
	echo $! >"$dir/$as.pid"
}
# A Linux whose first serial port is MACHINE.values, and the second MACHINE.log. Without RDRAND:
# what a clone draws has to differ by other means alone.
linux() { # linux MACHINE SALT COMMAND-LINE ARGUMENTS...
	as=$1 salt=$2 line=$3
	shift 3
	qemu "$as" -cpu max,-rdrand,-rdseed -m 288 -kernel $kernel/vmlinuz -initrd "$dir/initramfs" \
		-append "console=ttyS1 quiet panic=-1 $line" \
		-serial "file:$dir/$as.values" -serial "file:$dir/$as.log" \
		-fw_cfg "name=opt/test/salt,string=$salt" "$@"
}
# Certificates of $pki that guests have, in $dir/guest.
guest_pki() { # guest_pki NAME...
	mkdir -p "$dir/guest/pki"
	cp "$pki/ca.pem" "$dir/guest/pki/"
	for name in "$@"; do cp "$pki/$name.pem" "$pki/$name.key" "$dir/guest/pki/"; done
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
# until_true MACHINE COMMAND...: tried for two minutes, as long as the machine runs
until_true() {
	m=$1
	shift
	i=0
	until "$@"; do
		i=$((i + 1))
		if [ $i -gt 1200 ] || ! kill -0 "$(cat "$dir/$m.pid")" 2>/dev/null; then
			not_ok "$m: $*" "$(cat "$dir/$m.err")" "$(tail -n 20 "$dir/$m.log")" \
				"$(tail -n 3 "$dir/$m.values")"
			exit 1
		fi
		sleep 0.1
	done
}
made() { cat "$dir/$1.values" 2>/dev/null | grep -c "^$2 $3[0-9]\{6\} .*=" || :; } # MACHINE ZONE SALT
has_made() { [ "$(made "$1" "$2" "$3")" -ge "$4" ]; }
# So many more values of these zones, of its own salt.
values() { # values MACHINE SALT MORE ZONE...
	machine=$1 salt=$2 more=$3
	shift 3
	for zone in "$@"; do
		until_true "$machine" has_made "$machine" "$zone" "$salt" \
			$(($(made "$machine" "$zone" "$salt") + more))
	done
}
judge() { (cd "$dir" && python3 "$here/tests/vm/nonces.py" "$@" 2>&1); }
count() { printf '%s\n' "$found" | sed -n "s/^$1 //p"; }
# finds NAME WHAT: in $found there is some of it
finds() {
	if [ "$(count "$2")" -gt 0 ]; then ok "$1"; else not_ok "$1" "$found"; fi
}
