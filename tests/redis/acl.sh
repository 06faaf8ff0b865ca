# SPDX-License-Identifier: BSD-3-Clause
# Who may do what: requirepass, AUTH, restricted users, changes while connected.
family=acl
. tests/redis/lib.sh
start a --requirepass sesame

noauth='(error) NOAUTH Authentication required.'
same 'requirepass: nothing without AUTH' \
	"$(printf 'ping\nget a\nset a 1\ndel a\nexists a\nincrby a 1\nlrange l 0 -1\n' | verbs a | sort -u)" "$noauth"
redis_raw() { redis-cli -s "$dir/a.sock" --no-auth-warning -a sesame "$@"; }
redis() { redis-cli -s "$dir/a.sock" --no-raw --no-auth-warning -a sesame "$@" 2>&1; }
same 'nothing was written' "$(redis dbsize)" '(integer) 0'
same 'AUTH' "$(printf 'auth wrong\nget a\nauth sesame\nset a 1\nget a\n' | verbs a)" \
	"$(printf '(error) WRONGPASS invalid username-password pair or user is disabled.\n%s\nOK\nOK\n"1"' "$noauth")"
same 'the next owner of a channel is nobody again' "$(echo 'get a' | verbs a)" "$noauth"
has 'ACL LOG knows the wrong password' "$(redis acl log)" auth
same 'cxl-cli --pass' "$("$B/cxl-cli" --region "$shm/a" --no-raw --pass sesame get a)" '"1"'
has 'cxl-cli with a wrong one' "$("$B/cxl-cli" --region "$shm/a" --pass wrong get a 2>&1)" WRONGPASS

# Who has not said who he is fills no memory: 1 MB in parts, and never the end.
before=$(redis_raw info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p')
has 'a long request before AUTH is refused' "$(head -c 1000000 /dev/zero | tr '\0' x |
	"$B/cxl-cli" --region "$shm/a" -x set a 2>&1)" 'refused the channel'
same 'its memory is free' "$(redis_raw info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p' |
	awk -v before="$before" '{ print ($1 < before + 500000) }')" 1
same 'and after AUTH it is welcome' "$(head -c 1000000 /dev/zero | tr '\0' x |
	"$B/cxl-cli" --region "$shm/a" --pass sesame -x set long)" OK

redis acl setuser reader on '>r' '~r:*' '&chan*' +get +exists +ping +config\|get +eval +set >/dev/null
redis mset r:1 one x:1 two >/dev/null
as() { (echo 'auth reader r'; cat) | verbs a | tail -n +2; }
tcp_as() { redis-cli -s "$dir/a.sock" --no-raw --no-auth-warning --user reader --pass r; }
cat >"$dir/commands" <<'X'
get r:1
get x:1
set r:1 new
get r:1
set x:1 no
exists r:1
exists r:1 x:1
del r:1
incrby r:1 1
ping
lrange r:1 0 -1
config get maxmemory
config set maxmemory 0
eval "return redis.call('get','r:1')" 1 r:1
eval "return 1" 1 x:1
get
eval
eval x 5
nosuch
X
by_ring=$(as <"$dir/commands")
redis mset r:1 one x:1 two >/dev/null
same 'a restricted user' "$by_ring" "$(tcp_as <"$dir/commands")"
has 'still alive' "$(redis ping)" PONG
has 'ACL LOG knows' "$(redis acl log)" 'x:1'

# Changes hold for those who are connected.
(echo 'auth reader r'; echo 'get r:1'; sleep 0.5; echo 'get r:1'; sleep 0.6; echo 'get r:1') | verbs a >"$dir/out" &
sleep 0.25
redis acl setuser reader resetkeys '~none' >/dev/null
sleep 0.5
redis acl deluser reader >/dev/null
wait $!
# Who says nothing meanwhile is not the next one of that name.
redis acl setuser reader on '>r' '~*' +@all >/dev/null
(echo 'auth reader r'; echo 'get r:1'; sleep 1.5; echo 'get r:1') | verbs a >"$dir/idle" &
sleep 0.4
redis acl deluser reader >/dev/null
sleep 0.4
redis acl setuser reader on '>another' '~*' +@all >/dev/null
wait $!
same 'deleted and made anew' "$(tail -2 "$dir/idle")" "$(printf '"new"\n%s' "$noauth")"
same 'narrowed, then deleted' "$(tail -3 "$dir/out")" "$(printf '"new"\n%s\n%s' \
	'(error) NOPERM this user has no permissions to access one of the keys used as arguments' "$noauth")"
redis config set requirepass '' >/dev/null
same 'without a password again' "$(echo 'get a' | verbs a)" '"1"'
tcp a acl setuser default -flushall >/dev/null
has 'a restricted default user' "$(echo flushall | verbs a)" "NOPERM this user has no permissions to run the 'flushall' command"
same 'may do the rest' "$(echo 'get a' | verbs a)" '"1"'
tcp a acl setuser default -get >/dev/null
has 'verbs are checked, too' "$(echo 'get a' | verbs a)" 'NOPERM'
