# SPDX-License-Identifier: BSD-3-Clause
# rename-command: what the ring refuses is refused under any name, and what it may run
# runs under any name.
family=rename
. tests/redis/lib.sh

start a --rename-command BLPOP pop --rename-command BLMPOP mpop --rename-command XREAD stream \
	--rename-command CLIENT conn --rename-command MONITOR watchall --rename-command SELECT base \
	--rename-command SHUTDOWN halt --rename-command WAIT blpop --rename-command LRANGE monitor \
	--rename-command CONFIG settings --rename-command FLUSHALL ""
for c in 'pop k 1' 'PoP k 1' 'mpop 1 1 k left' 'stream block 1 streams s 0' 'conn pause 1' watchall \
	'base 1' halt 'blpop 0 0'; do
	has "$c is refused" "$(ring a $c)" 'is not available over the ring: use cxl-proxy'
done
same 'refused once more, from what was kept' "$(ring a pop k 1)" '(error) ERR pop is not available over the ring: use cxl-proxy'
same 'a command by the name of another' "$(printf 'rpush l a\nmonitor l 0 -1\n' | ring a)" "$(printf '(integer) 1\n1) "a"')"
same 'XREAD without BLOCK' "$(printf 'xadd s 1-1 f v\nstream count 1 streams s 1-1\n' | ring a)" "$(printf '"1-1"\n(nil)')"
same 'a setting by its new name' "$(printf 'set a 1\nsettings set cxlring.spin-us 40\nsettings get cxlring.spin-us\n' | ring a)" \
	"$(printf 'OK\nOK\n1) "cxlring.spin-us"\n2) "40"')"
for c in xread flushall 'flushall async' client nosuch 'pop|x'; do
	has "$c is gone" "$(ring a $c)" "ERR unknown command '${c%% *}'"
done
has 'what is denied has the name that was asked for' \
	"$(tcp a acl setuser default -config >/dev/null; ring a settings get maxmemory)" \
	"NOPERM this user has no permissions to run the 'settings|get' command"
same 'the server lives' "$(tcp a ping)" PONG
same 'its keys as well' "$(ring a exists a l s)" '(integer) 3'
stop a

# SET in bursts runs as MSET: if that is gone, as SET.
start a --rename-command MSET "" --rename-command MGET ""
"$B/cxl-bench" --region "$shm/a" --tests set,get --requests 3000 --keys 300 --pipeline 32 --value-size 20 >"$dir/out" 2>&1
same 'bursts without MSET and MGET' $? 0
stop a
start a --rename-command SET ""
has 'SET is gone' "$(echo 'set a 1' | verbs a)" "ERR unknown command 'SET'"
same 'others go on' "$(ring a ping)" PONG
stop a

# EXPIRE tells replicas a PEXPIREAT, by what name ever it goes here.
port=$(free_port)
start a --port "$port" --rename-command PEXPIREAT ""
start r --replicaof "127.0.0.1 $port"
until_true sh -c "redis-cli -s '$dir/r.sock' info replication | grep -q master_link_status:up"
same 'EXPIRE, PEXPIRE' "$(printf 'mset a 1 b 2\nexpire a 1000\npexpire b 1000000\nset end 1\n' | ring a)" \
	"$(printf 'OK\n(integer) 1\n(integer) 1\nOK')"
until_true sh -c "redis-cli -s '$dir/r.sock' get end | grep -q 1"
same 'reach a replica though PEXPIREAT is gone' "$(tcp r expiretime a; tcp r expiretime b)" "$(tcp a expiretime a; tcp a expiretime b)"
stop r
stop a

# With COMMAND itself renamed nobody can tell what a name means.
start a --rename-command COMMAND "" --rename-command BLPOP pop --rename-command XREAD stream --rename-command CLIENT conn
for c in 'pop k 1' 'stream block 1 streams s 0' 'conn pause 1' 'config get maxmemory' monitor 'eval "return 1" 0'; do
	has "without COMMAND: $c is refused" "$(echo "$c" | ring a)" 'is not available over the ring: use cxl-proxy'
done
same 'the rest runs' "$(printf 'rpush l a\nlrange l 0 -1\nset a 1\nget a\n' | ring a)" "$(printf '(integer) 1\n1) "a"\nOK\n"1"')"
