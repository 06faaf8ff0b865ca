# SPDX-License-Identifier: BSD-3-Clause
# What ops_server denies one client it denies that one alone: ENC operations of several share
# requests to the zone, and a request is refused as a whole. By domain, by mark, by a role's
# rate, and for a domain without an active key; what the audit log says of it.
family=denials
. tests/redis/lib.sh
. tests/redis/lib_zone.sh

zone_files
"$B/hedbctl" audit keygen "$dir/audit-key" >/dev/null
"$B/hedbctl" policy keygen "$dir/owner" >/dev/null
for d in pay tax old; do
	"$B/hedbctl" key add "$dir/keys" --domain $d >/dev/null
	"$B/hedbctl" key rotate "$dir/keys" --domain $d >/dev/null
done
zone_start
start a --cxlring.zone-path "$zone" --cxlring.zone-timeout-ms 60000

# x < y, as they were entered, in each domain; made: computed; forged: anybody's.
for k in n p t o; do
	tcp a enc.set $k:x "$(e int4 17)" >/dev/null
	tcp a enc.set $k:y "$(e int4 25)" >/dev/null
done
for k in p:pay t:tax o:old; do
	for v in x y; do tcp a enc.rekey "${k%:*}:$v" DOMAIN "${k#*:}" >/dev/null; done
done
tcp a enc.add made n:x n:y >/dev/null
tcp a enc.set forged "$(e int4 1 | sed 's/^\(.\{30\}\)..../\1AAAA/')" >/dev/null

# under_policy VERSION LINES: the zone anew, db may do that
under_policy() {
	cat >"$dir/policy" <<END
[policy]
name = shared
version = $1
[domain pay]
keys = pay
[domain tax]
keys = tax
[role db]
allow = all
${2:-}
[role db pay]
allow = null
[role client]
allow = all encrypt decrypt
computed = allow
mixed = allow
END
	"$B/hedbctl" policy sign "$dir/policy" --key "$dir/owner" >/dev/null
	mkdir "$dir/audit.$1"
	zone_kill
	zone_start --policy "$dir/policy" --policy-key "$dir/owner.pub" --audit "$dir/audit.$1" --audit-key "$dir/audit-key"
}
denials() { cat "$dir/audit.$1/"* | sed -n 's/ [0-9a-f]\{64\}$//; s/.* denied .* why: //p'; }
denied() { "$B/hedbctl" status "$zone" | sed -n 's/^denied //p'; }
# FILE: its replies to $dir/ask, by the ring, up to 64 at once; $sent is it
burst() { cp "$dir/ask" "$dir/$1.ask"; verbs a --pipelined <"$dir/$1.ask" >"$dir/$1" & sent=$!; pids="$pids $!"; }
# The same by TCP, one after the other
line() { cp "$dir/ask" "$dir/$1.ask"; redis-cli -s "$dir/a.sock" <"$dir/$1.ask" >"$dir/$1" 2>&1 & sent=$!; pids="$pids $!"; }
each() { sort "$dir/$1" | uniq -c | sed 's/^ *//'; }
PAY='ERR policy "shared" denies role db enc_int4_cmp in domain pay'
MADE='ERR policy "shared" denies role db enc_int4_cmp of a computed value'

# ---- one request's worth of them ----
under_policy 1
freeze
later a enc.cmp n:x n:y # this one goes; what follows waits for it, and then goes together
until_true under_way a 1
for i in $(seq 20); do
	echo enc.cmp n:x n:y
	echo enc.cmp t:x t:y
done >"$dir/ask"
burst good
until_true under_way a 41
thaw
wait $later $sent
same 'each in a domain of its own' "$(cat "$dir/later") $(each good)" '(integer) -1 40 (integer) -1'
same 'of which none is across domains' "$(denied)" 0
freeze
later a enc.cmp n:x n:y
until_true under_way a 1
for i in $(seq 12); do
	echo enc.cmp n:x n:y
	echo enc.cmp p:x p:y
	echo enc.cmp made n:y
	echo enc.cmp n:x n:y
	echo enc.cmp o:x o:y
done >"$dir/ask"
burst mixed
until_true under_way a 61
thaw
wait $later $sent
same 'some of them denied' "$(each mixed)" "12 (error) $PAY
12 (error) $MADE
36 (integer) -1"
same 'each in its place' "$(awk '{ print NR % 5, $0 }' "$dir/mixed" | sort -u)" "0 (integer) -1
1 (integer) -1
2 (error) $PAY
3 (error) $MADE
4 (integer) -1"

# ---- for a while, by ring and by TCP ----
many=400 clients=
freeze # until all of them are here
for f in 'cmp n:x n:y' 'cmp t:x t:y' 'cmp p:x p:y' 'cmp made n:y' 'add d:r n:x n:y' 'add d:q p:x p:y'; do
	seq $many | sed "s/.*/enc.$f/" >"$dir/ask"
	burst "ring $f"
	clients="$clients $sent"
done
for f in 'cmp n:x n:y' 'cmp p:x p:y' 'cmp made n:y' 'add d:s n:x n:y'; do
	seq $many | sed "s/.*/enc.$f/" >"$dir/ask"
	line "tcp $f"
	clients="$clients $sent"
done
until_true under_way a 388 # 64 of each ring session
thaw
wait $clients
for w in 'ring cmp n:x n:y' 'ring cmp t:x t:y' 'tcp cmp n:x n:y'; do
	same "$w: all are allowed" "$(sort "$dir/$w" | uniq -c | grep -o '[0-9].*' | tr -d '()' | sed 's/integer //')" "$many -1"
done
for w in 'ring add d:r n:x n:y' 'tcp add d:s n:x n:y'; do
	same "$w: all are allowed" "$(grep -vc ERR "$dir/$w")" $many
	same "$w: and are sums" "$(tail -1 "$dir/$w" | tr -d '"' | decrypt)" 42
done
for w in ring tcp; do
	same "$w: all are denied, by domain" "$(grep -cF "$PAY" "$dir/$w cmp p:x p:y")" $many
	same "$w: all are denied, by mark" "$(grep -cF "$MADE" "$dir/$w cmp made n:y")" $many
done
same 'all are denied, sums as well' "$(grep -c 'ERR policy "shared" denies role db enc_int4_add in domain pay' "$dir/ring add d:q p:x p:y")" $many
[ "$(info a cxlring cxlring_zone_requests)" -lt "$(info a cxlring cxlring_zone_rows)" ] && ok 'and requests were shared' ||
	not_ok 'no requests were shared'
same 'the log has denied ones only' "$(denials 1 | grep -v 'denies role db enc_int4_\(add\|cmp\) in domain pay$\|denies role db enc_int4_cmp of a computed value$')" ''
[ "$(denials 1 | wc -l)" -ge 8 ] && ok 'of which it has some' || not_ok "of which it has $(denials 1 | wc -l)"
kill -HUP "$zone_pid"
has 'and verifies' "$("$B/hedbctl" audit verify "$dir/audit.1" --key "$dir/audit-key.pub" 2>&1)" 'head'

# ---- a rate ----
under_policy 2 'rate.errors = 3/d'
for i in 1 2 3; do has 'an error that is told' "$(tcp a enc.add d forged n:x)" 'ERR encrypted value is forged'; done
ERRORS='ERR policy "shared" allows role db 3 errors in 86400000 ms, and no more now'
same 'and no more of them' "$(tcp a enc.add d forged n:x)" "(error) $ERRORS"
freeze
later a enc.add d n:x n:y
until_true under_way a 1
for i in $(seq 20); do
	echo enc.add d:$i n:x n:y
	echo enc.add d:$i:f forged n:x
done >"$dir/ask"
burst errors
until_true under_way a 41
thaw
wait $later $sent
same 'who has no error is answered' "$(awk 'NR % 2' "$dir/errors" | tr -d '"' | decrypt | sort | uniq -c | tr -s ' ')" ' 20 42'
same 'who has one hears nothing' "$(awk 'NR % 2 == 0' "$dir/errors" | sort | uniq -c | sed 's/^ *//')" "20 (error) $ERRORS"
same 'the log has those only' "$(denials 2 | sort -u)" "${ERRORS#ERR }"

under_policy 3 'rate.comparisons = 30/d'
freeze
later a enc.cmp n:x n:y
until_true under_way a 1
for i in $(seq 39); do echo enc.cmp n:x n:y; done >"$dir/ask"
burst few
until_true under_way a 40
thaw
wait $later $sent
same 'the first ones are told, as many as may be' "$(cut -c1-45 "$dir/few" | uniq -c | sed 's/^ *//')" '29 (integer) -1
10 (error) ERR policy "shared" allows role db 30'
same 'and counted once' "$("$B/hedbctl" status "$zone" | sed -n 's/^released_comparisons //p')" 30

# ---- a domain without an active key ----
zone_kill
zone_start
"$B/hedbctl" key list "$dir/keys" >"$dir/list"
rotate destroy "$dir/keys" --domain old --yes
freeze
later a enc.add d n:x n:y
until_true under_way a 1
for i in $(seq 20); do
	echo enc.add d:$i n:x n:y
	echo enc.add d:$i:o o:x o:y
	echo enc.add d:$i:t t:x t:y
done >"$dir/ask"
burst gone
until_true under_way a 61
thaw
wait $later $sent
same 'others have their sums' "$(awk 'NR % 3 != 2' "$dir/gone" | tr -d '"' | decrypt | sort | uniq -c | tr -s ' ')" ' 40 42'
same 'those under destroyed keys have none' "$(awk 'NR % 3 == 2' "$dir/gone" | grep -c ERR)" 20
