# SPDX-License-Identifier: BSD-3-Clause
# ENC.REKEY and ENC.KEYID: values under the next key, and in another domain of keys; for
# replicas, after kill -9, cut short and begun again, and what a policy says to it.
family=rekey
. tests/redis/lib.sh
. tests/redis/lib_zone.sh
unset CXL_SECURE CXL_CERT CXL_KEY CXL_CA CXL_CRL CXL_PSK

zone_files
zone_start
port=$(free_port)
start_a() { start a --port "$port" --cxlring.zone-path "$zone" --appendonly yes --appendfsync always; }
start_a
start r --replicaof "127.0.0.1 $port" --cxlring.zone-path "$zone" --repl-diskless-sync-delay 0
until_true caught_up a r || not_ok 'the replica comes online'

# ids PATTERN: under which keys those values are, and how many each
ids() {
	tcp_raw a --scan --pattern "$1" | sed 's/^/enc.keyid /' | redis-cli -s "$dir/a.sock" | sort -n |
		uniq -c | awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'
}
is_kept() { tcp a ttl "$1" | tr -d '()' | awk '{ print ($2 > 900) }'; }
clear() { for k in "$@"; do t a enc.get "$k"; done | paste -sd,; }

tcp a set plain hello >/dev/null
tcp a rpush list 1 >/dev/null
one=$(e int4 1)
tcp a enc.set forged "$(echo "$one" | sed 's/^\(.\{30\}\)..../\1AAAA/')" >/dev/null

# ---- keys that rotate ----
tcp a enc.set "k:t" "$(e text 'to be kept')" EX 1000 >/dev/null
tcp a enc.set "k:f" "$(e numeric 12.50)" >/dev/null
same 'KEYID' "$(tcp a enc.keyid k:t) $(tcp a enc.keyid nothing)" '(integer) 1 (nil)'
same 'REKEY under the same key' "$(tcp a enc.rekey k:t)" '(integer) 1'
rotate rotate "$dir/keys"
same 'REKEY under the next' "$(tcp a enc.rekey k:t) $(tcp a enc.keyid k:t)" '(integer) 2 (integer) 2'
same 'the value is what it was' "$(t a enc.get k:t)" 'to be kept'
same 'the expiry stays' "$(is_kept k:t)" 1
same 'ring: REKEY' "$(ring_raw a enc.rekey k:f) $(ring_raw a enc.keyid k:f)" '2 2'
same 'a numeric' "$(t a enc.get k:f)" 12.50
same 'REKEY of nothing' "$(tcp a enc.rekey nothing)" '(nil)'
has 'REKEY of plaintext' "$(tcp a enc.rekey plain)" 'ERR not an encrypted value'
has 'REKEY of a list' "$(tcp a enc.rekey list)" WRONGTYPE
has 'REKEY of a forged value' "$(tcp a enc.rekey forged)" 'ERR encrypted value is forged'
has 'KEYID of plaintext' "$(tcp a enc.keyid plain)" 'ERR not an encrypted value'
for c in 'enc.rekey' 'enc.rekey a b' 'enc.rekey a domain b c' 'enc.keyid'; do
	has "arity of $c" "$(tcp a $c)" 'wrong number of arguments'
done
cp "$dir/keys" "$dir/keys.backup"
tcp a enc.set lost "$one" >/dev/null
rotate destroy "$dir/keys" 1 --yes
has 'a value under a destroyed key' "$(tcp a enc.rekey lost)" 'ERR encrypted value is under a key that was destroyed'
same 'others' "$(t a enc.get k:t)" 'to be kept'
mv "$dir/keys.backup" "$dir/keys" # what is under it is used on
rotate list "$dir/keys"
same 'the key is back' "$(tcp a enc.rekey lost)" '(integer) 2'
tcp a del lost k:t k:f >/dev/null

# ---- into another domain ----
tcp a enc.set p:int4 "$(e int4 41)" EX 1000 >/dev/null
tcp a enc.set p:int8 "$(e int8 9223372036854775806)" >/dev/null
tcp a enc.set p:numeric "$(e numeric 12.50)" >/dev/null
tcp a enc.set p:text "$(e text 'to be kept')" >/dev/null
tcp a enc.set p:date "$(e date 2024-02-29)" >/dev/null
all='p:int4 p:int8 p:numeric p:text p:date'
was=$(clear $all)
digest=$(tcp a debug digest)
none='ERR there is no domain of keys of that name, or it has no active key'
has 'a domain that is not there' "$(tcp a enc.rekey p:int4 DOMAIN pay)" "$none"
has 'ring: a domain that is not there' "$(ring a enc.rekey p:int4 DOMAIN pay)" "$none"
for name in '' 123456789012345678901 "$(printf 'a\tb')"; do
	case $(tcp a enc.rekey p:int4 domain "$name") in
	*"$none"* | *'ERR that is no name of a domain of keys'*) ok 'no name of a domain' ;;
	*) not_ok "no name of a domain: '$name'" ;;
	esac
done
has 'a name with a zero byte' "$(printf 'default\0' | redis-cli -s "$dir/a.sock" -x enc.rekey p:int4 domain 2>&1)" \
	'ERR that is no name of a domain of keys'
has 'an option that is none' "$(tcp a enc.rekey p:int4 ZONE pay)" 'ERR syntax error'
rotate add "$dir/keys" --domain pay
has 'a domain without an active key' "$(tcp a enc.rekey p:int4 DOMAIN pay)" "$none"
same 'nothing changed' "$(tcp a debug digest)" "$digest"
rotate rotate "$dir/keys" --domain pay
for k in int4 int8 numeric; do
	same "$k goes into a domain" "$(tcp a enc.rekey p:$k DOMAIN pay) $(tcp a enc.keyid p:$k)" '(integer) 3 (integer) 3'
done
same 'ring: so does a text' "$(ring_raw a enc.rekey p:text domain pay) $(ring_raw a enc.keyid p:text)" '3 3'
same 'and a date' "$(tcp a enc.rekey p:date Domain pay)" '(integer) 3'
same 'the values are what they were' "$(clear $all)" "$was"
same 'the expiry stays, or none' "$(is_kept p:int4) $(tcp a ttl p:text)" '1 (integer) -1'
same 'once more' "$(tcp a enc.rekey p:int4 DOMAIN pay)" '(integer) 3'
same 'of nothing' "$(tcp a enc.rekey nothing DOMAIN pay) $(tcp a exists nothing)" '(nil) (integer) 0'
digest=$(tcp a debug digest)
has 'of plaintext' "$(tcp a enc.rekey plain DOMAIN pay)" 'ERR not an encrypted value'
has 'of a list' "$(tcp a enc.rekey list DOMAIN pay)" WRONGTYPE
has 'of a forged value' "$(tcp a enc.rekey forged DOMAIN pay)" 'ERR encrypted value is forged'
has 'in MULTI' "$(printf 'multi\nenc.rekey p:int4 domain pay\nexec\n' | redis-cli -s "$dir/a.sock" 2>&1)" 'this command waits for the zone'
same 'nothing changed, in any of these' "$(tcp a debug digest)" "$digest"
same 'what is computed of it stays there' "$(t a enc.incrby p:int4 "$one") $(tcp a enc.keyid p:int4)" '42 (integer) 3'
same 'and what is sealed anew' "$(tcp a enc.rekey p:int4)" '(integer) 3'
rotate rotate "$dir/keys" --domain pay
same 'under the domain'\''s next key as well' "$(for k in $all; do tcp_raw a enc.rekey $k; done | paste -sd,)" 4,4,4,4,4
rotate rotate "$dir/keys"
same 'of which the default domain'\''s is no successor' "$(tcp a enc.rekey p:int4)" '(integer) 4'
same 'back to the default domain' "$(tcp a enc.rekey p:int4 DOMAIN default)" '(integer) 5'
# A score goes by way of a string; its place among others stays.
tcp a enc.zadd set "$(e int4 1)" low "$(e int4 2)" mid "$(e int4 3)" high >/dev/null
tcp a enc.set score "$(tcp_raw a enc.zscore set mid)" >/dev/null
tcp a enc.rekey score DOMAIN pay >/dev/null
tcp a enc.zadd set "$(tcp_raw a enc.get score)" mid >/dev/null
tcp a enc.set score "$(tcp_raw a enc.zscore set mid)" >/dev/null
same 'a score in a domain' "$(tcp a enc.keyid score) $(t a enc.zscore set mid) $(tcp_raw a enc.zrange set 0 -1 | paste -sd,)" \
	'(integer) 4 2 low,mid,high'

# ---- many at a time ----
# One pipeline of both kinds: each value goes where its own command says.
seq 1000 | encrypt int4 | awk '{ print "enc.set m:" NR, $1 }' | redis-cli -s "$dir/a.sock" >/dev/null
seq 1000 | awk '{ print "enc.rekey m:" $1 ($1 % 2 ? "" : " domain pay") }' | verbs a --pipelined >"$dir/mixed"
same 'a pipeline of two domains' "$(awk '{ print NR % 2, $2 }' "$dir/mixed" | sort | uniq -c | awk '{ printf "%s:%s=%s ", $2, $3, $1 }')" \
	'0:4=500 1:5=500 '
same 'is what the values say' "$(ids 'm:*')" '4:500 5:500'
same 'which are the same' "$(t a enc.sum $(seq -f 'm:%.0f' 1000))" 500500

# ---- replica, AOF ----
until_true caught_up a r
same 'the replica has the same' "$(tcp r debug digest)" "$(tcp a debug digest)"
same 'and was told results only' "$(tcp_raw r info commandstats | grep -c cmdstat_enc)" 0
same 'the replica computes with them' "$(tcp_raw r enc.keyid p:text) $(tcp_raw r enc.sum m:2 m:4 | decrypt)" '4 6'
has 'and takes no writes' "$(tcp r enc.rekey p:int4 DOMAIN pay)" READONLY
digest=$(tcp a debug digest)
stop a KILL
start_a
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q '^loading:0'"
same 'AOF after kill -9' "$(tcp a debug digest)" "$digest"
same 'the AOF has no command of ours' "$(cat "$dir/a.d/appendonlydir/"*.incr.aof | grep -aic 'enc\.')" 0

# Killed in the midst of it: what was answered is done, and the rest is done by the same again.
seq 4000 | encrypt int4 | awk '{ print "enc.set q:" NR, $1 }' | redis-cli -s "$dir/a.sock" >/dev/null
same 'before' "$(ids 'q:*')" '5:4000'
seq 4000 | awk '{ print "enc.rekey q:" $1 " domain pay" }' | redis-cli -s "$dir/a.sock" >"$dir/answers" 2>/dev/null &
w=$!
until_true sh -c "[ \$(wc -l <'$dir/answers') -ge 500 ]"
stop a KILL
wait $w
start_a
until_true sh -c "redis-cli -s '$dir/a.sock' info persistence | grep -q '^loading:0'"
answered=$(grep -cx 4 "$dir/answers")
moved=$(ids 'q:*' | sed -n 's/^4:\([0-9]*\) 5:[0-9]*$/\1/p')
[ "${moved:-0}" -ge "$answered" ] && [ "${moved:-9999}" -lt 4000 ] && ok "killed with $answered answered: $moved are there, the rest is not" ||
	not_ok "killed with $answered answered: $(ids 'q:*')"
tcp_raw a --scan --pattern 'q:*' | sed 's/.*/enc.keyid &/' >"$dir/ask"
redis-cli -s "$dir/a.sock" <"$dir/ask" | paste -d' ' - "$dir/ask" | awk '$1 != 4 { print "enc.rekey", $3, "domain pay" }' >"$dir/rest"
same 'those that are left' "$(wc -l <"$dir/rest")" $((4000 - ${moved:-0}))
redis-cli -s "$dir/a.sock" <"$dir/rest" >/dev/null
same 'and then none' "$(ids 'q:*')" '4:4000'
same 'the values are what they were' "$(t a enc.sum $(seq -f 'q:%.0f' 4000))" 8002000
until_true caught_up a r
same 'also for the replica' "$(tcp r debug digest)" "$(tcp a debug digest)"

# ---- what changes while the zone computes ----
tcp a config set cxlring.zone-timeout-ms 20000 >/dev/null
e int4 1000 | base64 -d >"$dir/thousand"
freeze
later a enc.rekey p:int4 DOMAIN pay
until_true under_way a 1
redis-cli -s "$dir/a.sock" -x set p:int4 <"$dir/thousand" >/dev/null
thaw
wait $later
same 'a plain SET meanwhile counts' "$(cat "$dir/later") $(t a enc.get p:int4) $(tcp a enc.keyid p:int4)" '(integer) 4 1000 (integer) 4'
freeze
later a enc.rekey p:numeric DOMAIN default
until_true under_way a 1
tcp a del p:numeric >/dev/null
thaw
wait $later
same 'so does a DEL' "$(cat "$dir/later") $(tcp a exists p:numeric)" '(nil) (integer) 0'

# ---- what a policy says ----
ca=$dir/ca
"$B/hedbctl" ca init "$ca" >/dev/null
"$B/hedbctl" ca issue "$ca" vault --role server:ops >/dev/null
for n in shop till; do "$B/hedbctl" ca issue "$ca" $n --role server:kv,db >/dev/null; done
"$B/hedbctl" policy keygen "$dir/owner" >/dev/null
cat >"$dir/policy" <<'END'
[policy]
name = tills
version = 1
[domain pay]
keys = pay
[role db]
allow = all
computed = allow
[role shop]
peer = shop
allow = all
computed = allow
[role shop pay]
allow = all transfer
[role till]
peer = till
domain = pay
allow = null
[role till pay]
allow = all
[role client]
allow = all encrypt decrypt
computed = allow
[role client pay]
allow = all encrypt decrypt
END
"$B/hedbctl" policy sign "$dir/policy" --key "$dir/owner" >/dev/null
zone_kill
zone_start --policy "$dir/policy" --policy-key "$dir/owner.pub" --secure sealed --cert "$ca/vault.pem" \
	--key "$ca/vault.key" --ca "$ca/ca.pem"
tcp a enc.set in "$(e int4 7)" >/dev/null
tcp a copy p:int8 out >/dev/null
copies=$(tcp a debug digest)
has 'nobody in particular brings nothing in' "$(tcp a enc.rekey in DOMAIN pay)" 'ERR policy "tills" denies role db to bring values in domain pay'
has 'nor anything out' "$(tcp a enc.rekey out DOMAIN default)" 'ERR policy "tills" denies role db'
same 'nothing changed' "$(tcp a debug digest)" "$copies"
same 'but is sealed anew where it is' "$(tcp a enc.rekey in) $(tcp a enc.rekey out)" '(integer) 5 (integer) 4'
has 'denials are counted' "$("$B/hedbctl" status "$zone")" "
denied 2"
# What is denied to one, is to nobody whose command went to the zone in the same request.
tcp a enc.set in8 "$(e int8 8)" >/dev/null
freeze
later a enc.rekey in
first=$later
until_true under_way a 1
tcp a enc.rekey out DOMAIN default >"$dir/denied" 2>&1 &
denied=$!
until_true under_way a 2
later a enc.rekey in8 DOMAIN default
until_true under_way a 3
thaw
wait $first $denied $later
has 'denied to one of a request' "$(cat "$dir/denied")" 'ERR policy "tills" denies role db'
same 'and not to another' "$(cat "$dir/later")" '(integer) 5'
# Two more, whose certificates say who they are; values come to them as bytes.
for s in shop till; do
	start $s --cxlring.zone-path "$zone" --cxlring.zone-secure yes --cxlring.cert-file "$ca/$s.pem" \
		--cxlring.key-file "$ca/$s.key" --cxlring.ca-file "$ca/ca.pem"
	tcp $s enc.set in "$(tcp_raw a enc.get in)" >/dev/null
	tcp $s enc.set out "$(tcp_raw a enc.get out)" >/dev/null
done
same 'transfer: in' "$(tcp shop enc.rekey in DOMAIN pay) $(t shop enc.get in)" '(integer) 4 7'
same 'transfer: and out' "$(tcp shop enc.rekey out DOMAIN default) $(t shop enc.get out)" '(integer) 5 9223372036854775806'
same 'into the domain of its own role' "$(tcp till enc.rekey out DOMAIN pay)" '(integer) 4'
has 'but not out of it' "$(tcp till enc.rekey out DOMAIN default)" 'ERR policy "tills" denies role till'
same 'what no rule protects goes there, too' "$(tcp till enc.rekey in DOMAIN pay)" '(integer) 4'
