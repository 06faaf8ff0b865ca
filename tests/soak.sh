#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The long ones, from the root: make soak, SOAK_MINUTES=30. What make check does for seconds
# goes on as long as one has time for, from another seed each time. TAP lines.
set -u
B=${B:-build} SEED=${SEED:-$(date +%s)}
export B SEED
minutes=${SOAK_MINUTES:-30}
echo "# SEED=$SEED SOAK_MINUTES=$minutes"
rc=0
SOAK_SECONDS=$((minutes * 27)) sh tests/redis/run soak || rc=1
SECONDS_LONG=$((minutes * 27)) sh tests/redis/run differential || rc=1
DEATHS=$((80 + minutes * 20)) sh tests/redis/run deaths || rc=1
exit $rc
