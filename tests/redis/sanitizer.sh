# SPDX-License-Identifier: BSD-3-Clause
# Some families once more, with AddressSanitizer and UBSan in cxlring.so, libcxlring and
# the clients. All of them: make SAN=address,undefined check-redis.
family=sanitizer
. tests/redis/lib.sh
san=address,undefined
if [ -z "$PRELOAD" ]; then
	made=$(unset MAKEFLAGS MAKELEVEL; make SAN=$san redis redis-tests build-address-undefined/ops_server build-address-undefined/hedbctl 2>&1) && ok "make SAN=$san" || {
		not_ok "make SAN=$san"
		echo "$made" | tail -20 | sed 's/^/# /'
		exit 0
	}
	B=build-address-undefined COMMANDS=3000 sh tests/redis/run hostile mutate strings call differential enc rekey secure | sed 's/ - [a-z]*:/&sanitized, /'
fi
