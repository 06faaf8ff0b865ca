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

# A stream begins as the session's user. The answer to its becoming so was taken for the
# end of the connection.
tcp a acl setuser bob on '>secret' '~*' '&*' +@all >/dev/null
same 'a stream of a user' "$("$B/tests/redis/library" "$shm/a" bob secret | tr -d '\r')" "$(printf '$3\nbob\n$3\nbob')"
tcp a subscribe news >/dev/null &
pids="$pids $!"
until_true sh -c "redis-cli -s '$dir/a.sock' pubsub channels | grep -q news"
tcp a config set maxclients 1 >/dev/null
same 'a stream that Redis has no room for ends' "$("$B/tests/redis/library" "$shm/a" bob secret; "$B/tests/redis/library" "$shm/a" bob secret)" "$(printf -- '-61\n-61')"
