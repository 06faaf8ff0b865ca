# SPDX-License-Identifier: BSD-3-Clause
# cxl-bench's command line: each option does what it says, and wrong ones are refused.
# That it notices a server's death and wrong values is in latency.sh.
family=bench
. tests/redis/lib.sh
start a
bench() { timeout 60 "$B/cxl-bench" --region "$shm/a" --keys 100 --requests 2000 "$@" 2>"$dir/err"; }
field() { sed -n "s/.*\"$1\":\"*\([^,}\"]*\).*/\1/p" "$dir/out"; }

bench --tests set --pipeline 8 --max-inflight 32 --value-size 1K --threads 2 --label it --json --latency --cost --server-pid "$(pid_of a)" >"$dir/out"
same 'a run with everything' $? 0
for x in label=it target=ring op=set threads=2 requests=2000 pipeline=8 max_inflight=32 keys=100 value_size=1024; do
	same "JSON has ${x%%=*}" "$(field "${x%%=*}")" "${x#*=}"
done
for x in avg p50 p75 p90 p99 p99.9 p99.99; do
	awk "BEGIN { exit !(\"$(field ${x}_us)\" + 0 > 0) }" && ok "JSON has $x" || not_ok "JSON has no $x"
done
awk "BEGIN { exit !($(field p50_us) <= $(field p99_us) && $(field p99_us) <= $(field p99.99_us)) }" && ok 'percentiles rise' || not_ok 'percentiles fall'
perl -MJSON::PP -ne 'decode_json($_)' "$dir/out" && ok 'JSON parses' || not_ok 'JSON does not parse'
same 'so many bytes, so many keys' "$(tcp_raw a strlen key:000000000001) $(tcp_raw a dbsize)" '1024 100'
for x in full sleeps sleep_ms bells server_us; do
	[ -n "$(field $x)" ] && ok "JSON has $x" || not_ok "JSON has no $x"
done

tcp a config resetstat >/dev/null
tcp a flushall >/dev/null
bench --tests mixed --read-share 0 --no-fill --json >"$dir/out"
[ "$(tcp_raw a dbsize)" = 100 ] && ok 'read share 0 writes' || not_ok 'read share 0 does not write'
tcp a flushall >/dev/null
bench --tests mixed --read-share 100 --no-fill --json >"$dir/out"
same 'read share 100 only reads' "$(field misses) $(tcp_raw a dbsize)" '2000 0'

for x in --keys '--target pigeon' --none; do
	bench --tests ping $x >"$dir/out"
	same "$x is refused" "$? $(wc -c <"$dir/out")" '2 0'
done
for x in '--port 1 65535 0 65536' '--read-share 0 100 -1 101' \
	'--requests 1 1099511627776 0 1099511627777' '--threads 1 1024 0 1025' \
	'--pipeline 1 1048576 0 1048577' '--max-inflight 1 1048576 0 1048577' \
	'--keys 1 4294967295 0 4294967296' '--value-size 1 536870912 0 513M' \
	'--server-pid 1 2147483647 0 2147483648' '--spin-us 0 1000000 -1 1000001' \
	'--seed 0 9223372036854775807 -1 9223372036854775808' \
	'--offset 0 9223372036854775807 -1 9223372036854775808' \
	'--map-size 0 9223372036854775807 -1 9223372036854775808'; do
	set -- $x
	refuses cxl-bench "$1" "whole number from $2 to $3" "$4" "$5" 1x 1.5
done
bench --tests ping --seed 9223372036854775807 --spin-us 0 --read-share 100 --port 65535 --pipeline 1K >"$dir/out"
same 'the ends of the ranges are taken' "$? $(cat "$dir/err")" '0 '

# A label comes out of JSON and CSV as it was.
label=$(printf 'a "quoted" \\ back\\slash, comma\ttab\nline\001 \303\244\342\202\254\360\237\230\200')
bench --tests ping --label "$label" --json --csv "$dir/label.csv" >"$dir/out"
same 'a label in JSON' "$(perl -MJSON::PP -ne 'print Encode::encode("UTF-8", decode_json($_)->{label})' -MEncode "$dir/out")" "$label"
bench --tests ping --label plain --csv "$dir/label.csv" >"$dir/out"
# By RFC 4180, of each record: how many fields, and the first one.
csv() {
	perl -0777 -ne '
		while (/\G(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gc) {
			push @row, defined $1 ? $1 =~ s/""/"/gr : $2;
			if ($3 eq "\n") { print scalar(@row), " $row[0]\n"; @row = () }
		}
		print "left over\n" if pos != length' "$1"
}
same 'a label in CSV' "$(csv "$dir/label.csv")" "$(printf '17 label\n17 %s\n17 plain' "$label")"
bench --tests ping --label "$(printf 'x\377\355\240\200y\303')" --json >"$dir/out"
has 'what is not UTF-8 is replaced' "$(cat "$dir/out")" '{"label":"x\ufffd\ufffd\ufffd\ufffdy\ufffd",'
bench --tests none >/dev/null
same 'no such test' "$? $(cat "$dir/err")" '1 cxl-bench: no test "none"'
