#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# fetch-redis.sh - what we need of the source of the very Redis that is installed:
# redismodule.h, offsets in its structures, and its own tests.
#
# usage: deploy/fetch-redis.sh OUTPUT-DIR
#
#     OUTPUT-DIR/redismodule.h
#     OUTPUT-DIR/redis_layout.h  redis-layout.sh says what that is
#     OUTPUT-DIR/tests/          the suite; tests/redis/tcl.sh runs it
#
# Debian packages redis-server without its module header. This takes both from the
# source package of the installed version, with Debian's patches, as it was compiled and
# tested: apt's own sources, with `deb` turned into `deb-src`, in lists of our own next to
# OUTPUT-DIR; the system's lists stay as they are and root is not needed. apt checks the
# archive's signature and dpkg-source the checksums.
#
# Without network: REDISMODULE_H=/path/to/redismodule.h make ..., and then Redis's own
# tests are not there; or REDIS_SOURCE=/path/to/unpacked/source make ...
set -eu

out=${1:?usage: fetch-redis.sh OUTPUT-DIR}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
work=$out.fetch.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/new"

die() {
	echo "fetch-redis: $*" >&2
	echo "fetch-redis: without network, give the header of your Redis:" >&2
	echo "fetch-redis:     make REDISMODULE_H=/path/to/redismodule.h" >&2
	exit 1
}

# A header is one of Redis 7.0 or later when it knows the event loop calls.
check_header() {
	[ -r "$1" ] || die "$1 cannot be read"
	grep -q 'RedisModule_EventLoopAdd)' "$1" &&
		grep -q 'RedisModule_ACLCheckCommandPermissions)' "$1" ||
		die "$1 is not redismodule.h of Redis 7.0 or later"
}

# All of it or nothing.
finish() {
	rm -rf "$out"
	mv "$work/new" "$out"
	exit 0
}

take_tree() {
	check_header "$1/src/redismodule.h"
	[ -r "$1/tests/test_helper.tcl" ] || die "$1 has no tests/test_helper.tcl"
	{
		echo "/* From $2. */"
		cat "$1/src/redismodule.h"
	} >"$work/new/redismodule.h"
	"$here/redis-layout.sh" "$1" >"$work/new/redis_layout.h" || die "$1 does not compile"
	cp -R "$1/tests" "$work/new/tests"
	finish
}

if [ -n "${REDISMODULE_H:-}" ]; then
	check_header "$REDISMODULE_H"
	cp "$REDISMODULE_H" "$work/new/redismodule.h"
	echo '/* Built with a header alone, without the source of Redis. */' >"$work/new/redis_layout.h"
	finish
fi
[ -z "${REDIS_SOURCE:-}" ] || take_tree "$REDIS_SOURCE" "$REDIS_SOURCE"

for tool in apt-get dpkg-query dpkg-source; do
	command -v $tool >/dev/null || die "$tool is missing: this is not Debian or its kin"
done
version=$(dpkg-query -W -f='${source:Version}' redis-server 2>/dev/null) ||
	die "redis-server is not installed; apt-get install redis-server"
[ -n "$version" ] || die "redis-server is not installed; apt-get install redis-server"

mkdir -p "$work/lists/partial" "$work/parts" "$work/src"

# Both formats of apt's sources, binary entries turned into source entries.
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -r "$f" ] && sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$f"
done >"$work/parts/src.list" || :
: >"$work/parts/none"
i=0
for f in /etc/apt/sources.list.d/*.sources; do
	[ -r "$f" ] || continue
	i=$((i + 1))
	sed 's/^Types:.*/Types: deb-src/' "$f" >"$work/parts/src$i.sources"
done

apt() {
	apt-get -q -o Dir::State::lists="$work/lists" -o Dir::Etc::sourcelist="$work/parts/none" \
		-o Dir::Etc::sourceparts="$work/parts" -o Dir::Cache::pkgcache= \
		-o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
		-o Debug::NoLocking=1 "$@"
}
apt update >"$work/log" 2>&1 || { cat "$work/log" >&2; die "apt's sources cannot be read"; }
(cd "$work/src" && apt source --download-only "redis=$version") >>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	die "no source package redis $version in apt's sources"
}

dsc=$(ls "$work"/src/redis_*.dsc)
found=$(sed -n 's/^Version: //p' "$dsc")
[ "$found" = "$version" ] || die "source package is $found, installed is $version"
dpkg-source -x "$dsc" "$work/src/tree" >>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	die "the source package's checksums do not hold"
}
take_tree "$work/src/tree" "the source package redis $version"
