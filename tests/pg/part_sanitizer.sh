# SPDX-License-Identifier: BSD-3-Clause
# part_sanitizer.sh - part_regress.sh once more, with sanitizers in hedb.so. PostgreSQL has
# none, so their library has to be there before all others. Sourced by run.

san_install() {
	make -C "$root" install-pg SAN=$san PG_CONFIG="$bin/pg_config" >"$base/log/install" 2>&1 ||
		{ cat "$base/log/install"; return 1; }
}

# san_begin: pg_begin under the sanitizer. What it finds is in the server's log, and may end
# the backend. Leaks are not looked for: PostgreSQL frees by context, or by its end.
san_begin() {
	local library
	library=$(ldd "$("$bin/pg_config" --pkglibdir)/hedb.so" | awk '/libasan/ { print $3 }')
	[ -n "$library" ] || { echo "hedb.so was built without sanitizers"; return 1; }
	${CC:-cc} -shared -fPIC -Wl,-z,initfirst -o "$base/asan_first.so" "$here/asan_first.c" ||
		return 1
	LD_PRELOAD=$library:$base/asan_first.so ASAN_OPTIONS=detect_leaks=0 \
		pg_begin "hedb.client_credential = '$credential'"
}

# built here, since the private PostgreSQL has no headers
san=address,undefined
made=$(unset MAKEFLAGS MAKELEVEL; make -C "$here/../.." pg SAN=$san 2>&1)
status=$?
check "sanitizer: make pg SAN=$san" $status
[ $status = 0 ] || sed 's/^/# /' <<<"$made"
. "$here/part_regress.sh"
san=
