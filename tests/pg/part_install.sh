# SPDX-License-Identifier: BSD-3-Clause
# part_install.sh - `make install` puts every file where it belongs and nothing else, under
# DESTDIR and a prefix other than the built one; the library is used from there. Sourced by
# run.

to=$(mktemp -d "${TMPDIR:-/tmp}/hedb.XXXXXX")
trap 'rm -rf "$to"' EXIT
(unset MAKEFLAGS MAKELEVEL; make -C "$here/../.." install DESTDIR="$to/dest" prefix=/opt/cxl) \
	>"$to/log" 2>&1
status=$?
check "install: make install" $status
[ $status = 0 ] || sed 's/^/# /' "$to/log"

# mode and path; the extension goes where PG_CONFIG says, not under the prefix
cat >"$to/expected" <<EOL
755 /opt/cxl/bin/cxl-bench
755 /opt/cxl/bin/cxl-cli
755 /opt/cxl/bin/cxl-proxy
755 /opt/cxl/bin/cxl-tunnel
755 /opt/cxl/bin/hedb-load
755 /opt/cxl/bin/hedbctl
644 /opt/cxl/include/cxlring.h
644 /opt/cxl/lib/libcxlring.a
777 /opt/cxl/lib/libcxlring.so
777 /opt/cxl/lib/libcxlring.so.1
755 /opt/cxl/lib/libcxlring.so.1.0.0
644 /opt/cxl/lib/pkgconfig/cxlring.pc
755 /opt/cxl/lib/redis/modules/cxlring.so
644 /opt/cxl/lib/systemd/system/cxl_sec_mgr.service
644 /opt/cxl/lib/systemd/system/ops_server.service
644 /opt/cxl/lib/systemd/system/redis-server.service.d/cxlring.conf
755 /opt/cxl/sbin/cxl_sec_mgr
755 /opt/cxl/sbin/ops_server
644 /opt/cxl/share/hedb/policy/dba.ini
644 /opt/cxl/share/hedb/policy/open.ini
644 /opt/cxl/share/hedb/policy/owner.ini
644 /opt/cxl/share/man/man1/cxl-bench.1
644 /opt/cxl/share/man/man1/cxl-cli.1
644 /opt/cxl/share/man/man1/cxl-proxy.1
644 /opt/cxl/share/man/man1/cxl-tunnel.1
644 /opt/cxl/share/man/man1/hedb-load.1
644 /opt/cxl/share/man/man1/hedbctl.1
644 /opt/cxl/share/man/man3/cxlring.3
644 /opt/cxl/share/man/man7/cxlring.7
644 /opt/cxl/share/man/man8/cxl_sec_mgr.8
644 /opt/cxl/share/man/man8/ops_server.8
755 $(pg_config --pkglibdir)/hedb.so
644 $(pg_config --sharedir)/extension/hedb--1.0--1.1.sql
644 $(pg_config --sharedir)/extension/hedb--1.1.sql
644 $(pg_config --sharedir)/extension/hedb.control
EOL
(cd "$to/dest" && find . ! -type d -printf '%m /%P\n') | LC_ALL=C sort -k2 >"$to/found"
LC_ALL=C sort -k2 "$to/expected" | diff - "$to/found" | sed 's/^/# /'
[ "${PIPESTATUS[1]}" = 0 ]
check "install: every file is where it belongs, and no other" $?
[ -z "$(find "$to/dest" -xtype l)" ]
check "install: no link points nowhere" $?
symbols=$(nm "$to/dest$(pg_config --pkglibdir)/hedb.so")
# the cipher itself is there: sealed channels need it, for keys of their own
grep -q ' zone_call$' <<<"$symbols" && ! grep -qE ' (eval|k|keyring)_' <<<"$symbols"
check "install: neither values' keys nor kernels are in hedb.so" $?

# without a region it says so; that it starts is the point
cat >"$to/user.c" <<'EOC'
#include <cxlring.h>

int main(void)
{
	struct cxlring_options none = {.region = "/nonexistent"};
	struct cxlring *c;

	return cxlring_open(&c, &none, NULL, 0) < 0 ? 0 : 1;
}
EOC
flags=$(PKG_CONFIG_PATH=$to/dest/opt/cxl/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$to/dest \
	pkg-config --cflags --libs cxlring) &&
	cc -o "$to/user" "$to/user.c" $flags &&
	LD_LIBRARY_PATH=$to/dest/opt/cxl/lib "$to/user"
check "install: a program builds by pkg-config and runs" $?
rm -rf "$to"
trap - EXIT
