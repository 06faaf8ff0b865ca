#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# private-pg.sh - a PostgreSQL installation of its own, with hedb in it.
#
# usage: deploy/private-pg.sh DIR        make or update it; prints its bin directory
#
# PostgreSQL finds its files relative to its binary, so a copy of the few programs and
# links to everything else make a second installation in some 20 MB: `CREATE EXTENSION
# hedb` works there, and the system's own installation stays as it is. Tests, benches
# and the demo run on it. The user that runs the cluster must be able to reach DIR.
set -eu

dir=${1:?usage: private-pg.sh DIR}
root=$(cd "$(dirname "$0")/.." && pwd)
pg_config=${PG_CONFIG:-pg_config}
bin=$(cd "$("$pg_config" --bindir)" && pwd)
lib=$("$pg_config" --pkglibdir)
share=$("$pg_config" --sharedir)

# The same places relative to each other as the system's: the longest common parent.
parent=$bin
while [ "${share#"$parent"/}" = "$share" ] || [ "${lib#"$parent"/}" = "$lib" ]; do
	parent=$(dirname "$parent")
done
to_bin=$dir/${bin#"$parent"/}
to_lib=$dir/${lib#"$parent"/}
to_share=$dir/${share#"$parent"/}

if [ ! -x "$to_bin/postgres" ] || [ "$bin/postgres" -nt "$to_bin/postgres" ]; then
	mkdir -p "$to_bin" "$to_lib" "$to_share/extension"
	cp -f "$bin"/* "$to_bin/"
	for f in "$lib"/*; do
		ln -sfn "$f" "$to_lib/"
	done
	for f in "$share"/*; do
		[ "$f" = "$share/extension" ] || ln -sfn "$f" "$to_share/"
	done
	for f in "$share"/extension/*; do
		ln -sfn "$f" "$to_share/extension/"
	done
fi
rm -f "$to_lib/hedb.so" "$to_share"/extension/hedb*
install -m 755 "$root/pg-extension/hedb.so" "$to_lib/"
install -m 644 "$root/pg-extension/hedb.control" "$root"/pg-extension/hedb--*.sql \
	"$to_share/extension/"
chmod -R go+rX "$dir"
echo "$to_bin"
