# SPDX-License-Identifier: BSD-3-Clause
# One zone, two hosts: values that a real PostgreSQL wrote are used by Redis, and back.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # cluster.sh is bash's
family=encpg
. tests/redis/lib.sh
. tests/pg/cluster.sh
cluster_begin
trap 'cleanup; cluster_end' EXIT
zone_start
pg_begin "hedb.client_credential = '$credential'" ||
	{ not_ok 'PostgreSQL starts'; exit 0; }
sql() { psql -qAtX -c "$1" 2>&1; }
plain() { psql -qAtX -c 'select enable_client_mode()' -c "$1" 2>&1 | sed 1d; }
sql 'create extension hedb' >/dev/null
same 'the table is there' "$(sql 'create table salary (name text, amount enc_int4, note enc_text, rate enc_numeric)')" ''
plain "insert into salary values ('ann', 1000, 'first', 1.25), ('bob', 2000, 'second', 2.5), ('cid', 3500, 'third', 0.75)" >/dev/null
chmod 755 "$dir"
start a --cxlring.zone-path "$region"

# Text form.
sql "select format('enc.set salary:%s %s', name, amount) from salary" | redis-cli -s "$dir/a.sock" >/dev/null
same 'Redis has what PostgreSQL wrote' "$(tcp_raw a enc.get salary:bob)" "$(sql "select amount from salary where name = 'bob'")"
sum=$(tcp_raw a enc.sum salary:ann salary:bob salary:cid)
sql "create table sums (total enc_int8, mean enc_numeric)" >/dev/null
sql "insert into sums values ('$sum', '$(tcp_raw a enc.avg salary:ann salary:bob)')" >/dev/null
same 'a sum and an average go back' "$(plain 'select * from sums')" '6500|1500.0000000000000000'
raise=$(sql "select amount from salary where name = 'ann'")
tcp a enc.incrby salary:bob "$raise" >/dev/null
sql "update salary set amount = '$(tcp_raw a enc.get salary:bob)' where name = 'bob'" >/dev/null
same 'a raise computed by Redis' "$(plain "select amount from salary where name = 'bob'")" 3000
same 'PostgreSQL compares it with its own' "$(sql "select count(*) from salary where amount > (select amount from salary where name = 'ann')")" 2
same 'both agree on the order' "$(tcp a enc.cmp salary:bob salary:cid)" '(integer) -1'

# Binary form.
sql "copy (select amount from salary where name = 'cid') to stdout (format binary)" | tail -c +26 | head -c 32 |
	redis-cli -s "$dir/a.sock" -x set bytes >/dev/null
same 'the binary form is the same value' "$(tcp_raw a enc.get bytes)" "$(sql "select amount from salary where name = 'cid'")"
same 'Redis computes with it' "$(tcp a enc.cmp bytes salary:cid)" '(integer) 0'

# Other types, and an order.
sql "select format('enc.zadd rates %s %s', rate, name) from salary" | redis-cli -s "$dir/a.sock" >/dev/null
same 'numerics sort' "$(tcp_raw a enc.zrange rates 0 -1 | tr '\n' ' ')" 'cid ann bob '
same 'as in PostgreSQL' "$(sql 'select name from salary order by rate' | tr '\n' ' ')" 'cid ann bob '
sql "select format('enc.set note:%s %s', name, note) from salary" | redis-cli -s "$dir/a.sock" >/dev/null
top=$(tcp_raw a enc.max note:ann note:bob note:cid)
same 'text comes back' "$(sql "create table tops (t enc_text); insert into tops values ('$top')"; plain 'select t from tops')" third
has 'a value of another keyring' "$("$B/hedbctl" key create "$dir/keys2" >/dev/null
	"$B/hedbctl" key credential "$dir/cred2" >/dev/null
	"$B/hedbctl" region format "$shm/zone2" >/dev/null
	"$B/ops_server" --region "$shm/zone2" --keys "$dir/keys2" --credential "$dir/cred2" >/dev/null 2>&1 &
	other=$!
	until_true "$B/hedbctl" ping "$shm/zone2" --count 1
	v=$(echo 1 | "$B/hedbctl" encrypt int4 "$shm/zone2" --credential "$dir/cred2")
	kill -9 $other
	tcp a enc.incrby salary:ann "$v")" 'from another keyring'
