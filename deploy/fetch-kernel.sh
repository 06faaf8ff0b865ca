#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# fetch-kernel.sh - a Linux for the virtual machines of tests/vm: Debian's smallest, the one
# of cloud machines, and the module that shows the guest what QEMU tells it.
#
# usage: deploy/fetch-kernel.sh OUTPUT-DIR
#
#     OUTPUT-DIR/vmlinuz, OUTPUT-DIR/qemu_fw_cfg.ko, OUTPUT-DIR/virtio_net.ko and what it needs
#     OUTPUT-DIR/modules: their file names, in the order in which they are loaded
#
# Not in packages.txt: who installs a kernel has it set up for this machine's next start. The
# package is unpacked and nothing in it is run. apt's own sources, in lists of our own next to
# OUTPUT-DIR: old kernels leave the archive sooner than the system's lists are read again.
# apt checks the archive's signature and the package's checksum; root is not needed.
#
# Without network: OUTPUT-DIR with such files, of one kernel, made by hand.
set -eu

# Each after those that it needs: in this order they are loaded.
modules="firmware/qemu_fw_cfg virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev
virtio/virtio_pci_modern_dev virtio/virtio_pci core/failover net/net_failover net/virtio_net"

out=${1:?usage: fetch-kernel.sh OUTPUT-DIR}
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
work=$out.fetch.$$
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$work/lists/partial" "$work/new" "$work/tree"

die() {
	[ ! -e "$work/log" ] || cat "$work/log" >&2
	echo "fetch-kernel: $*" >&2
	echo "fetch-kernel: without network: into $out put vmlinuz, these modules of its, and their file" \
		"names, a line each, in a file modules:" $modules >&2
	exit 1
}
for tool in apt-get apt-cache dpkg-deb; do
	command -v $tool >/dev/null || die "$tool is missing: this is not Debian or its kin"
done

apt() {
	tool=$1
	shift
	"$tool" -q -o Dir::State::lists="$work/lists" -o Dir::Cache::pkgcache= \
		-o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}
apt apt-get update >"$work/log" 2>&1 || die "apt's sources cannot be read"
package=$(apt apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
[ -n "$package" ] || die "linux-image-cloud-amd64 is not in apt's sources"
(cd "$work" && apt apt-get download "$package") >>"$work/log" 2>&1 || die "$package cannot be had"
dpkg-deb -x "$work"/"$package"_*.deb "$work/tree" || die "$package cannot be unpacked"

cp "$work"/tree/boot/vmlinuz-* "$work/new/vmlinuz"
for m in $modules; do
	cp "$work"/tree/lib/modules/*/kernel/*/"$m.ko" "$work/new/"
	echo "${m##*/}.ko" >>"$work/new/modules"
done
# All of it or nothing; who fetches beside us may have been first.
rm -rf "$out"
mv -T "$work/new" "$out" 2>/dev/null || [ -e "$out/modules" ] || die "$out cannot be made"
