#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# machine.sh - what the benches ran on, as one JSON object: a figure without it says little.
set -u
cd "$(dirname "$0")/../.." || exit 1
# text NAME VALUE: "name":"value", quotes and backslashes escaped
text() { printf '"%s":"%s"' "$1" "$(printf %s "$2" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"; }
first() { "$@" 2>/dev/null | head -1; }

printf '{'
text date "$(date -u +'%Y-%m-%d %H:%M UTC')"; printf ,
text commit "$(git describe --always --dirty 2>/dev/null || echo unknown)"; printf ,
text processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"; printf ,
printf '"processors":%d,' "$(nproc)"
printf '"memory_gib":%d,' "$(awk '/^MemTotal/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo)"
text virtual "$(systemd-detect-virt 2>/dev/null || sed -n 's/.*\(hypervisor\).*/yes/p' /proc/cpuinfo | head -1)"; printf ,
text kernel "$(uname -sr)"; printf ,
text system "$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"; printf ,
text compiler "$(first "${CC:-gcc}" --version)"; printf ,
text redis "$(redis-server --version 2>/dev/null | sed 's/.*v=\([^ ]*\).*malloc=\([^ ]*\).*/\1, \2/')"; printf ,
text hiredis "$(pkg-config --modversion hiredis 2>/dev/null)"; printf ,
text postgresql "$(first "${PG_CONFIG:-pg_config}" --version)"; printf ,
text load "$(cut -d' ' -f1-3 /proc/loadavg)"
printf '}\n'
