#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run.sh - check the models with spin: the real ones hold, the mutated ones are caught.
# Prints one `ok` or `not ok` line for each.

here=$(cd "$(dirname "$0")" && pwd)
if ! command -v spin >/dev/null 2>&1; then
	echo "not ok models - spin is not installed; run make setup"
	exit 1
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
failed=0

# check MODEL WANT FLAGS...: WANT is `holds` or `fails`
check() {
	model=$1 want=$2
	shift 2
	name="$model${*:+ $*}"
	rm -rf "$tmp/run" && mkdir "$tmp/run" && cd "$tmp/run" || exit 1
	if ! { spin -a "$@" "$here/$model.pml" &&
		${CC:-cc} -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=1024 -o pan pan.c
	} >build.log 2>&1; then
		echo "not ok $name: does not build"
		sed 's/^/# /' build.log
		failed=1
		return
	fi
	timeout 50 ./pan -m1000000 >pan.log 2>&1
	if grep -q 'errors: 0' pan.log && ! grep -qE 'max search depth too small|aborted' pan.log; then
		got=holds
	elif grep -qE 'errors: [1-9]' pan.log; then
		got=fails
	else
		got="was not finished"
	fi
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
	if [ "$got" = "$want" ]; then
		echo "ok $name: $got, $states states"
	else
		echo "not ok $name: $got, should be: $want"
		sed 's/^/# /' pan.log | head -20
		failed=1
	fi
}

check bell holds -DWAKERS=1 -DFRAMES=3
check bell holds -DWAKERS=2 -DFRAMES=1
check bell fails -DNO_W1
check bell fails -DNO_W2
check bell fails -DWAKE_FIRST
check lane holds -DFRAMES=3
check lane fails -DNO_W1
check lane fails -DNO_W2
check lane fails -DNO_L1
check lane fails -DBLIND
check lane fails -DNO_L2
check lane fails -DEARLY
check busy holds -DFRAMES=3
check busy fails -DNO_W1
check busy fails -DNO_W2
check busy fails -DNO_R
check busy fails -DLATE
check reclaim holds -DSERVERS=2 -DROUNDS=2
check reclaim holds -DSERVERS=3 -DROUNDS=1
check reclaim fails -DBAD_TAKE
check reclaim fails -DBAD_REAP
check reclaim fails -DBAD_ORDER
check reclaim fails -DNO_D1
check reclaim fails -DEXACT
check reclaim fails -DTWICE
exit $failed
