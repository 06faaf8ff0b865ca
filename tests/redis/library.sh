# SPDX-License-Identifier: BSD-3-Clause
# libcxlring as its user writes it.
family=library
. tests/redis/lib.sh
same 'no region: an error, and no connection to close by mistake' "$("$B/tests/redis/library" "$shm/a")" '-2, nothing'
start a
same 'commands from formats, one by one and pipelined' "$("$B/tests/redis/library" "$shm/a")" 'OK
"a\x00b"
(error) ERR value is not an integer or out of range
-22 a format that is none: GET %y
(integer) 1
(integer) 1
(integer) 2
(integer) 3
1) "item0"
2) "item1"
3) "item2"'
