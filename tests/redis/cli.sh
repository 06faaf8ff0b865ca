# SPDX-License-Identifier: BSD-3-Clause
# cxl-cli as a program: its options.
family=cli
. tests/redis/lib.sh
start a

refuses cxl-cli -r 'whole number from -1 to 9223372036854775807' -2 1.5 9223372036854775808
refuses cxl-cli -i 'number of seconds from 0 to 86400' -1 86401 1e3 . 1.2.3 nan inf
refuses cxl-cli --timeout 'whole number from 1 to 2147483647' 0 -1 2147483648
refuses cxl-cli --offset 'whole number from 0 to 9223372036854775807' -1
refuses cxl-cli --map-size 'whole number from 0 to 9223372036854775807' -1
same 'numbers that are in range' "$(ring a -r 2 -i .01 --timeout 2147483647 --offset 0 --map-size 0 ping)" "$(printf 'PONG\nPONG')"
