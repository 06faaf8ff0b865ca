# SPDX-License-Identifier: BSD-3-Clause
# After a background save that failed, writes through the ring are refused as those over
# a socket are, and taken again after one that did not. Root may write anywhere, so what
# fails is the rename: a directory has the dump's name.
family=misconf
. tests/redis/lib.sh
start a --save '3600 1000000' --stop-writes-on-bgsave-error yes
saved() { [ "$(info a persistence rdb_last_bgsave_status)" = "$1" ]; }
tcp a set k before >/dev/null
mkdir "$dir/a.d/dump.rdb"
tcp a bgsave >/dev/null
until_true saved err && ok 'a background save fails' || not_ok 'the background save does not fail'

refusal=$(tcp a set k refused)
has 'over a socket' "$refusal" '(error) MISCONF'
same 'SET by its frame' "$(echo 'set k refused' | verbs a)" "$refusal"
same 'INCRBY by its frame' "$(echo 'incrby n 1' | verbs a)" "$refusal"
same 'DEL by its frame' "$(echo 'del k' | verbs a)" "$refusal"
same 'SET by CALL' "$(ring a set k refused)" "$refusal"
same 'RPUSH by CALL' "$(ring a rpush l x)" "$refusal"
same 'reads go on' "$(echo 'get k' | verbs a)" '"before"'
same 'nothing was written' "$(tcp a exists n l)" '(integer) 0'

rmdir "$dir/a.d/dump.rdb"
tcp a bgsave >/dev/null
until_true saved ok && ok 'a background save succeeds' || not_ok 'the background save fails still'
same 'SET by its frame again' "$(echo 'set k after' | verbs a)" OK
same 'RPUSH by CALL again' "$(ring a rpush l x)" '(integer) 1'
same 'and it is there' "$(tcp a get k)" '"after"'
