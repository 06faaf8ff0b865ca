#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# fetch-redismodule.sh - redismodule.h of the very Redis that is installed.
#
# usage: deploy/fetch-redismodule.sh OUTPUT
#
# And redis_layout.h beside it, where redis-layout.sh says what that is.
#
# Debian packages redis-server without its module header. This takes it from the
# source package of the installed version: apt's own sources, with `deb` turned into
# `deb-src`, in lists of our own next to OUTPUT; the system's lists stay as they are and
# root is not needed. apt checks the archive's signature and dpkg-source the checksums.
#
# Without network: REDISMODULE_H=/path/to/redismodule.h make ...
set -eu

out=${1:?usage: fetch-redismodule.sh OUTPUT}
layout=$(dirname "$out")/redis_layout.h
mkdir -p "$(dirname "$out")"

die() {
	echo "fetch-redismodule: $*" >&2
	echo "fetch-redismodule: without network, give the header of your Redis:" >&2
	echo "fetch-redismodule:     make REDISMODULE_H=/path/to/redismodule.h" >&2
	exit 1
}

# A header is one of Redis 7.0 or later when it knows the event loop calls.
check_header() {
	grep -q 'RedisModule_EventLoopAdd)' "$1" &&
		grep -q 'RedisModule_ACLCheckCommandPermissions)' "$1" ||
		die "$1 is not redismodule.h of Redis 7.0 or later"
}

if [ -n "${REDISMODULE_H:-}" ]; then
	[ -r "$REDISMODULE_H" ] || die "REDISMODULE_H=$REDISMODULE_H cannot be read"
	check_header "$REDISMODULE_H"
	echo '/* Built with a header alone, without Redis'"'"'s source. */' >"$layout"
	cp "$REDISMODULE_H" "$out.tmp" && mv "$out.tmp" "$out"
	exit 0
fi

for tool in apt-get dpkg-query dpkg-source; do
	command -v $tool >/dev/null || die "$tool is missing: this is not Debian or its kin"
done
version=$(dpkg-query -W -f='${source:Version}' redis-server 2>/dev/null) ||
	die "redis-server is not installed; apt-get install redis-server"
[ -n "$version" ] || die "redis-server is not installed; apt-get install redis-server"

work=$(cd "$(dirname "$out")" && pwd)/.redis-source
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/parts" "$work/src"
trap 'rm -rf "$work"' EXIT

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
dpkg-source -x --skip-patches "$dsc" "$work/src/tree" >>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	die "the source package's checksums do not hold"
}
check_header "$work/src/tree/src/redismodule.h"
"$(dirname "$0")/redis-layout.sh" "$work/src/tree" >"$layout.tmp" ||
	die "the source of redis $version does not compile"
mv "$layout.tmp" "$layout"
{
	echo "/* From the source package redis $version. */"
	cat "$work/src/tree/src/redismodule.h"
} >"$out.tmp"
mv "$out.tmp" "$out"
