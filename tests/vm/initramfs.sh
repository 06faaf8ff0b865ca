#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# initramfs.sh - all that a virtual machine of a test has, in one file: busybox, the kernel's
# modules in the order in which they are loaded (/modules), /init, programs with the libraries
# that they name, and directories as they are.
#
# usage: initramfs.sh OUTPUT KERNEL-DIR INIT PROGRAM-OR-DIRECTORY...
set -eu
out=$1 kernel=$2 init=$3
shift 3
root=$out.d
rm -rf "$root"
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$kernel"/*.ko "$kernel/modules" "$root/"
cp "$init" "$root/init"
chmod 755 "$root/init"
for p in "$@"; do
	if [ -d "$p" ]; then
		cp -r "$p" "$root/"
		continue
	fi
	strip -g -o "$root/bin/${p##*/}" "$p"
	for lib in $(ldd "$p" | grep -o '/[^ ]*'); do
		[ -e "$root$lib" ] || install -D "$lib" "$root$lib"
	done
done
# Not compressed: an emulated processor would take longer to unpack than the host to read.
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$out"
rm -rf "$root"
