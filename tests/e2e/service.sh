#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# service.sh - scope: deploy/*.service: that systemd understands it, how exposed it
# leaves the server, and that what it promises beside the server's own filter is in it.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
count=0 failed=0
verdict() { # verdict WHAT STATUS [TEXT]
	count=$((count + 1))
	[ "$2" = 0 ] && echo "ok $count - service: $1" && return
	failed=1
	echo "not ok $count - service: $1"
	printf '%s\n' "${3-}" | sed 's/^/# /' | head -20
}
command -v systemd-analyze >/dev/null || { echo 'ok 1 - service # SKIP no systemd-analyze here'; exit 0; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/sbin" && cp "$B/ops_server" "$dir/sbin/"
sed "s|@prefix@|$dir|" deploy/ops_server.service >"$dir/ops_server.service"

out=$(systemd-analyze verify --man=no "$dir/ops_server.service" 2>&1)
rc=$?
[ $rc = 0 ] && [ -z "$out" ]
verdict 'systemd understands it' $? "exit $rc $out"
exposed() { systemd-analyze security --offline=true --no-pager --threshold=10 "$1" 2>&1; }
out=$(exposed "$dir/ops_server.service")
verdict 'exposure of 1.0 of 10 at most' $? "$(echo "$out" | tail -1)"
grep -v '=yes$\|^SystemCall\|^Restrict\|^CapabilityB\|^IPAddressDeny' "$dir/ops_server.service" >"$dir/open.service"
! exposed "$dir/open.service" >/dev/null
verdict 'without its settings it is more' $?

cp "$B/cxl_sec_mgr" "$dir/sbin/"
sed "s|@prefix@|$dir|" deploy/cxl_sec_mgr.service >"$dir/cxl_sec_mgr.service"
out=$(systemd-analyze verify --man=no "$dir/cxl_sec_mgr.service" 2>&1)
rc=$?
[ $rc = 0 ] && [ -z "$out" ]
verdict 'the manager'"'"'s as well' $? "exit $rc $out"
out=$(systemd-analyze security --offline=true --no-pager --threshold=25 "$dir/cxl_sec_mgr.service" 2>&1)
verdict 'exposure of 2.5 of 10 at most, with a network' $? "$(echo "$out" | tail -1)"
[ "$failed" = 0 ]
