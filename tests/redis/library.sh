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

# Who may write to the region's directory listens in the door's place: the word that makes a connection
# that user's is not told to him.
door=$(echo "$shm"/a.*.door)
mv "$door" "$door.away"
perl -MIO::Socket::UNIX -e '$| = 1; my $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die; print "there\n";
	while (my $s = $l->accept) { $s->recv(my $x, 999); print "heard $x\n" }' "$door" >"$dir/heard" &
liar=$!
pids="$pids $liar"
until_true grep -q there "$dir/heard"
same 'a stream through the door of somebody else is none' "$(timeout 20 "$B/tests/redis/library" "$shm/a" bob secret 2>&1 | head -1)" -111
until_true grep -q heard "$dir/heard"
kill $liar
same 'and he hears nothing' "$(tr '\0' ' ' <"$dir/heard")" 'there
heard '
rm "$door"
mv "$door.away" "$door"
tcp a subscribe news >/dev/null &
pids="$pids $!"
until_true sh -c "redis-cli -s '$dir/a.sock' pubsub channels | grep -q news"
tcp a config set maxclients 1 >/dev/null
same 'a stream that Redis has no room for ends' "$("$B/tests/redis/library" "$shm/a" bob secret; "$B/tests/redis/library" "$shm/a" bob secret)" "$(printf -- '-61\n-61')"
