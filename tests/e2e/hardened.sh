#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hardened.sh - what hard.mk asks for is in the binaries: each one that is installed. A flag that
# is taken away, or an object that is compiled without, fails here.
#
#     position-independent, full RELRO, no executable stack, no page both written and executed,
#     no path of its own to libraries      from ELF's headers
#     stack protector, FORTIFY_SOURCE      from the functions that they call
#     stack protector, stack clash protection, CET      from what the compiler noted of each
#                                          object (-g): that a binary has one that does is not
#                                          enough
# Linux's loader makes no use of CET's notes here, and Debian 12's crt1.o has none, so programs
# cannot: what is checked is the code.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
count=0
verdict() { # verdict WHAT FAULT
	count=$((count + 1))
	if [ -z "$2" ]; then echo "ok $count - hardened: $1"; else echo "not ok $count - hardened: $1: $2"; fi
}

programs="ops_server cxl_sec_mgr hedbctl cxl-cli cxl-bench cxl-proxy cxl-tunnel hedb-load"
libraries="cxlring.so libcxlring.so.1"
[ "$B" = build ] && hedb=pg-extension/hedb.so || hedb=$B/pg-extension/hedb.so

# Any object without one of these; of a compiler that is not gcc nothing is known.
objects() {
	readelf -wi --dwarf-depth=1 "$1" 2>/dev/null | awk -v want="$2" '
		/DW_AT_producer/ { n++; split(want, w, " "); for (i in w) if (index($0, " " w[i]) == 0) bad[w[i]]++ }
		END { if (!n) print "no debugging information to read"; for (f in bad) printf "%d of %d objects without %s ", bad[f], n, f }'
}

check() { # check FILE PIE|DYN
	name=${1##*/}
	[ -e "$1" ] || { verdict "$name" 'is not there'; return; }
	head=$(readelf -hlW "$1" 2>&1) dynamic=$(readelf -dW "$1" 2>&1) symbols=$(readelf --dyn-syms -W "$1" 2>&1)
	fault=
	echo "$head" | grep -q 'Type: *DYN' || fault="$fault no DYN"
	[ "$2" = DYN ] || echo "$dynamic" | grep -q 'FLAGS_1.*PIE' || fault="$fault no PIE"
	echo "$head" | grep -q GNU_RELRO || fault="$fault no RELRO"
	echo "$dynamic" | grep -q 'FLAGS.*BIND_NOW\|(BIND_NOW)' || fault="$fault lazy binding"
	echo "$head" | grep 'GNU_STACK' | grep -q ' RW  *0x' || fault="$fault executable stack"
	! echo "$head" | grep -q 'LOAD.* RWE ' || fault="$fault written and executed"
	! echo "$dynamic" | grep -q 'RPATH\|RUNPATH\|TEXTREL' || fault="$fault RPATH or text relocations"
	verdict "$name: position-independent, RELRO, stack" "$fault"
	fault=
	echo "$symbols" | grep -q __stack_chk_fail || fault="$fault stack protector"
	case $B in
	*address* | *thread*) ;;
	*) echo "$symbols" | grep -q '__[a-z]*_chk@' || fault="$fault FORTIFY_SOURCE" ;;
	esac
	verdict "$name: calls what checks" "$fault"
	cet=
	[ "$(uname -m)" != x86_64 ] || cet=-fcf-protection=full
	verdict "$name: each object" "$(objects "$1" "-fstack-protector-strong -fstack-clash-protection $cet")"
}

for p in $programs; do check "$B/$p" PIE; done
for l in $libraries; do check "$B/$l" DYN; done
check "$hedb" DYN

# The test itself: a program without any of it is found out in each point.
bad=$(mktemp -d) || exit 1
trap 'rm -rf "$bad"' EXIT
echo 'int main(void) { return 0; }' >"$bad/bad.c"
${CC:-gcc} -g -no-pie -fno-stack-protector -fcf-protection=none -Wl,-z,norelro,-z,lazy,-z,execstack -o "$bad/bad" "$bad/bad.c"
found=$(count=0; check "$bad/bad" PIE)
for f in 'no DYN' 'no PIE' 'no RELRO' 'lazy binding' 'executable stack' 'stack protector' FORTIFY_SOURCE \
	-fstack-clash-protection -fcf-protection=full; do
	case $B:$f in *address*:FORTIFY* | *thread*:FORTIFY*) continue ;; esac
	case $(uname -m):$f in x86_64:*) ;; *:-fcf*) continue ;; esac
	case $found in *"$f"*) verdict "it finds: $f" '' ;; *) verdict "it finds: $f" 'no' ;; esac
done
