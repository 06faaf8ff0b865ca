# SPDX-License-Identifier: BSD-3-Clause
# cxl-bench's command line: each option does what it says, and wrong ones are refused.
# That it notices a server's death and wrong values is in latency.sh.
family=bench
. tests/redis/lib.sh
port=$(free_port)
start a --port "$port"
bench() { timeout 60 "$B/cxl-bench" --region "$shm/a" --keys 100 --requests 2000 "$@" 2>"$dir/err"; }
field() { sed -n "s/.*\"$1\":\"*\([^,}\"]*\).*/\1/p" "$dir/out"; }

bench --tests set --pipeline 8 --depth 32 --value-size 1K --threads 2 --label it --json --latency --cost --server-pid "$(pid_of a)" >"$dir/out"
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
	'--pipeline 1 1048576 0 1048577' '--depth 1 1048576 0 1048577' \
	'--clients 1 16384 0 16385' '--rate 1 1000000000 0 1000000001' \
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
bench --tests ping,none >/dev/null
same 'no such test' "$? $(cat "$dir/err")" '1 cxl-bench: no test "none"'

# ---- tests by name, on each target ----

on() {
	_t=$1
	shift
	case $_t in
	unix) set -- --target unix --socket "$dir/a.sock" "$@" ;;
	tcp) set -- --target tcp --port "$port" "$@" ;;
	esac
	timeout 60 "$B/cxl-bench" --region "$shm/a" "$@" >"$dir/out" 2>"$dir/err"
}
# value OP FIELD: of the JSON line with that op
value() {
	perl -MJSON::PP -e 'open F, shift; while (<F>) { $r = decode_json($_);
		print $r->{$ARGV[1]} // "none" if $r->{op} eq $ARGV[0] }' "$dir/out" "$1" "$2"
}
calls() { tcp_raw a info commandstats | sed -n "s/^cmdstat_$1:calls=\([0-9]*\).*/\1/p"; }
ratio() { awk "BEGIN { exit !($1) }"; }

tests=$("$B/cxl-bench" --help | sed -n 's/^ *\(ping,set,.*\)/\1/p')
same 'there are tests' "$(echo "$tests" | tr , '\n' | wc -l)" 21
for t in ring unix tcp; do
	tcp a flushall >/dev/null
	on $t --tests "$tests" --keys 50 --requests 300 --depth 8 --json --latency
	same "each test on $t" "$? $(cat "$dir/err")" '0 '
	same "each has its line, on $t" "$(perl -MJSON::PP -ne '$r = decode_json($_);
		print "$r->{op}:$r->{target}:$r->{requests}," if $r->{p50_us} > 0' "$dir/out")" \
		"$(echo "$tests," | sed "s/,/:$t:300,/g")"
done
# What is sent is what redis-benchmark sends.
tcp a flushall >/dev/null
tcp a config resetstat >/dev/null
on unix --tests lpush,rpush,sadd,hset,zadd,mset --keys 50 --requests 300 --sequential --value-size 5
same 'the commands arrive' "$(for c in lpush rpush sadd hset zadd mset; do printf '%s ' "$(calls $c)"; done)" \
	'50 50 50 50 50 50 '
same 'and do what they do' "$(for c in 'llen mylist' 'scard myset' 'hlen myhash' 'zcard myzset' 'strlen key:000000000049'; do
	printf '%s ' "$(tcp_raw a $c)"; done)" '100 50 50 50 5 '
on ring --tests lpop,spop,zpopmin --keys 50 --requests 200 --value-size 5 --json
same 'what is not there is a miss' "$(value lpop misses) $(value spop misses) $(value zpopmin misses)" '100 150 150'
for x in 'lrange_100 mylist' 'spop myset' 'zpopmin myzset' 'lpop mylist'; do
	set -- $x
	tcp a del "$2" >/dev/null
	case $2 in
	mylist) tcp a rpush mylist foreign >/dev/null ;;
	myset) tcp a sadd myset foreign >/dev/null ;;
	myzset) tcp a zadd myzset 1 foreign >/dev/null ;;
	esac
	on ring --tests "$1" --no-fill --requests 10
	same "$1 notices what is not its own" "$? $(grep -c 'wrong reply' "$dir/err") $(wc -c <"$dir/out")" '1 1 0'
done

# ---- clients, threads, processes, depth ----

for t in ring unix; do
	for x in '--clients 12' '--clients 12 --threads 3' '--threads 3' '--fork --threads 4' \
		'--fork --threads 2 --clients 6'; do
		tcp a flushall >/dev/null
		on $t --tests incr --keys 20 --requests 3001 --depth 7 --latency --json $x
		same "$t $x: each request once" "$? $(cat "$dir/err") $(value incr requests) $(
			tcp_raw a eval 'local n = 0 for _, k in ipairs(redis.call("KEYS", "ctr:*")) do n = n + redis.call("GET", k) end return n' 0)" \
			'0  3001 3001'
	done
done
tcp a config resetstat >/dev/null
on unix --tests ping --requests 100 --clients 12 --json
same 'so many connections' "$(tcp_raw a info stats | tr -d '\r' | sed -n 's/^total_connections_received://p') $(value ping clients)" '13 12'
on ring --tests ping --requests 100 --clients 12
before=$(info a cxlring cxlring_opened_channels)
on ring --tests ping --requests 100 --clients 12
same 'and channels' "$(($(info a cxlring cxlring_opened_channels) - before))" 12
on ring --tests ping --clients 17 --requests 100
same 'more clients than channels' "$? $(grep -c 'have a live owner' "$dir/err")" '1 1'
on ring --fork --threads 17 --tests ping --requests 100
same 'more processes than channels' "$? $(grep -c 'have a live owner' "$dir/err")" '1 1'
# With the server stopped, what has been sent is what may be under way.
for x in '1 1' '8 8' '40 40'; do
	set -- $x
	before=$(info a cxlring cxlring_requests)
	kill -STOP "$(pid_of a)"
	"$B/cxl-bench" --region "$shm/a" --tests ping --depth "$1" --requests 1000000 --seconds 1 >/dev/null 2>&1 &
	load=$!
	sleep 0.5
	kill -9 $load
	wait $load 2>/dev/null
	kill -CONT "$(pid_of a)"
	until_true answers a
	done=$(($(info a cxlring cxlring_requests) - before))
	[ "$done" -le "$2" ] && ok "a depth of $1 is at most $2 under way ($done)" || not_ok "a depth of $1: $done under way"
done
on ring --fork --threads 2 --tests ping --seconds 20 &
load=$!
workers() { pgrep -P "$(pgrep -P "$(pgrep -P $load)")"; } # of a subshell, timeout, cxl-bench
until_true sh -c "[ \$(pgrep -cf 'cxl-bench --region $shm/a --fork') -ge 4 ]"
kill -9 "$(workers | tail -1)"
wait $load
same 'a process that is killed ends the run' "$? $(cat "$dir/err") $(wc -c <"$dir/out")" \
	'1 cxl-bench: failed: one of the processes was killed 0'

# ---- which keys ----

# Counters tell how often each key was drawn.
counts() { tcp_raw a eval 'local t = {} for i = 0, 99 do t[#t + 1] = redis.call("GET", string.format("ctr:%012d", i)) or 0 end return t' 0; }
for d in uniform zipfian latest sequential; do
	tcp a flushall >/dev/null
	on ring --tests incr --keys 100 --requests 10000 --depth 16 --distribution $d --json
	same "$d: in the result" "$(value incr distribution)" $d
	counts >"$dir/counts"
	set -- $(awk '{ n += $1; if ($1 > max) { max = $1; at = NR - 1 } } END { print n, max, at }' "$dir/counts")
	case $d in
	uniform) ratio "$1 == 10000 && $2 < 200" ;;
	zipfian) ratio "$1 == 10000 && $2 > 300 && $3 != 0" ;;
	latest) ratio "$1 == 10000 && $2 > 1500 && $3 == 99" ;;
	sequential) ratio "$1 == 100 && $2 == 1" ;;
	esac && ok "$d is" || not_ok "$d: $1 draws, $2 of key $3"
done

# ---- open loop ----

on ring --tests get --keys 10 --requests 1000 --rate 1000 --threads 2 --depth 4 --latency --json
r=$(value get rps)
ratio "$r < 1050 && $r > 300" && ok "a rate is held ($r per second)" || not_ok "$r per second instead of 1000"
on unix --tests get --keys 10 --requests 1000 --rate 1000 --clients 3 --json
r=$(value get rps)
ratio "$r < 1050 && $r > 300" && ok "and on a socket ($r per second)" || not_ok "$r per second instead of 1000"
on ring --tests ping --seconds 0.5 --json
same 'a time is kept' "$? $(ratio "$(value ping seconds) >= 0.5 && $(value ping seconds) < 5" && echo yes)" '0 yes'
# A server that stops keeps everybody waiting who comes meanwhile, and not just who is there.
for t in ring unix; do
	for x in '--rate 1000' ''; do
		on $t --tests ping --seconds 2 $x --latency --json &
		load=$!
		sleep 0.5
		kill -STOP "$(pid_of a)"
		sleep 1
		kill -CONT "$(pid_of a)"
		wait $load
		echo "$(value ping p90_us)"
	done >"$dir/p90"
	set -- $(cat "$dir/p90")
	ratio "${1:-0} > 10 * ${2:-1000000}" && ok "$t: latency counts from when a request was due ($1 us; closed loop $2)" ||
		not_ok "$t: p90 $1 us in an open loop, $2 in a closed one"
done

# ---- workloads ----

ycsb=tests/bench/ycsb
for w in a b c d e f _crudscan; do
	for t in ring unix tcp; do
		tcp a flushall >/dev/null
		on $t --workload $ycsb/workload$w -p recordcount=200 -p operationcount=1000 --threads 2 --depth 4 --latency --json
		same "workload$w on $t" "$? $(cat "$dir/err")" '0 '
		same "workload$w on $t: what it counts" "$(perl -MJSON::PP -ne '$r = decode_json($_);
			$n{$r->{op} =~ /load|run/ ? $r->{op} : "parts"} += $r->{requests}; $bad++ if $r->{workload} ne $ARGV[0];
			END { print "$n{load} $n{run} $n{parts}" }' "$dir/out")" '200 1000 1000'
		new=$(value insert requests) gone=$(value delete requests)
		[ $w = _crudscan ] || same "workload$w on $t: records and index" \
			"$(tcp_raw a dbsize) $(tcp_raw a zcard _indices)" "$((201 + ${new:-0})) $((200 + ${new:-0}))"
	done
done
# 1 in 1000 seeds would be 4 standard deviations off.
share() { awk "BEGIN { n = ${1:-0} / 4000; exit !(n > $2 - 0.04 && n < $2 + 0.04) }"; }
tcp a flushall >/dev/null
on ring --workload $ycsb/workload_crudscan -p recordcount=200 -p operationcount=4000 --json
for x in 'read 0.3' 'update 0.3' 'insert 0.2' 'scan 0.1' 'delete 0.1'; do
	set -- $x
	n=$(value "$1" requests)
	share "$n" "$2" && ok "$1: $n of 4000" || not_ok "$1: $n of 4000, not $2"
done

# Fields that are read are those that were written, by these properties.
tcp a flushall >/dev/null
on ring --workload $ycsb/workloada -p recordcount=50 -p fieldcount=3 -p fieldlength=40 -p fieldlengthdistribution=uniform \
	-p fieldnameprefix=f -p insertorder=ordered -p zeropadding=6 --phase load
same 'records as the properties want them' "$(tcp_raw a hlen user000049) $(tcp_raw a hexists user000049 f2)" '3 1'
on unix --workload $ycsb/workloadf -p recordcount=50 -p fieldcount=3 -p fieldlength=40 -p fieldlengthdistribution=uniform \
	-p fieldnameprefix=f -p insertorder=ordered -p zeropadding=6 --phase run -p readallfields=false -p operationcount=500 \
	-p threadcount=2 -p target=1000 --json
same 'run alone, on what another target loaded' "$? $(cat "$dir/err") $(wc -l <"$dir/out") $(value run threads) $(value run rate)" '0  3 2 1000'
on ring --workload $ycsb/workloadc -p recordcount=50 -p fieldcount=3 -p fieldlength=40 -p fieldlengthdistribution=uniform \
	-p fieldnameprefix=f -p insertorder=ordered -p zeropadding=6 --phase run -p maxexecutiontime=1 -p operationcount=1000000000 --json
ratio "$(value run seconds) >= 1" && ok 'maxexecutiontime' || not_ok "maxexecutiontime 1: $(value run seconds) s"

# What is wrong with a record is noticed, by every way to read it.
records() {
	tcp a flushall >/dev/null
	on unix --workload $ycsb/workloadc -p recordcount=5 -p fieldcount=3 -p insertorder=ordered --phase load
}
spoiled() {
	_what=$1
	shift
	on ring --workload $ycsb/workloadc -p recordcount=5 -p fieldcount=3 -p insertorder=ordered --phase run "$@"
	same "noticed: $_what" "$? $(grep -c 'wrong reply' "$dir/err") $(wc -c <"$dir/out")" '1 1 0'
}
records
tcp a hset user3 field1 wrong >/dev/null
spoiled 'a value'
spoiled 'a value, read alone' -p readallfields=false
spoiled 'a value, in a scan' -p scanproportion=1 -p readproportion=0
records
tcp a hdel user3 field1 >/dev/null
spoiled 'a field that is gone'
records
tcp a hset user3 field9 x >/dev/null
spoiled 'a field too many'
records
tcp a del user3 >/dev/null
spoiled 'a record that is gone'
records
tcp a zadd _indices 5000000000 foreign >/dev/null
spoiled 'a foreign member of the index' -p scanproportion=1 -p readproportion=0
records
tcp a del _indices >/dev/null
spoiled 'an index that is gone' -p scanproportion=1 -p readproportion=0
records
tcp a rename user3 user9 >/dev/null
tcp a rename user4 user3 >/dev/null
spoiled "another record's values"

# ---- progress, errors ----

on ring --tests ping --seconds 1.2
same 'no progress where nobody watches' "$(cat "$dir/err")" ''
on ring --tests ping --seconds 1.2 --progress
ratio "$(grep -c '^ping: [0-9]* in [0-9.]* s, [0-9]* per second$' "$dir/err") > 1" && ok 'progress' || not_ok "progress: $(cat "$dir/err")"
on ring --workload $ycsb/workloada -p recordcount=10 -p operationcount=3000 -p target=2000 --phase both --progress
ratio "$(grep -c '^run: [0-9.]* %, [0-9]* in' "$dir/err") > 1" && ok 'progress of a workload' || not_ok "progress: $(cat "$dir/err")"
script -qec "'$B/cxl-bench' --region '$shm/a' --tests ping --seconds 1.2" /dev/null </dev/null >"$dir/tty"
ratio "$(tr '\r' '\n' <"$dir/tty" | grep -c '^ping: [0-9]* in') > 1 && $(tr -d '\r' <"$dir/tty" | wc -l) == 1" &&
	ok 'on a terminal, in one line that is wiped' || not_ok "on a terminal: $(od -c "$dir/tty" | head -20)"
script -qec "'$B/cxl-bench' --region '$shm/a' --tests ping --seconds 0.6 --no-progress" /dev/null </dev/null >"$dir/tty"
same 'or not at all' "$(grep -c ' in ' "$dir/tty")" 0

# cannot "what" STATUS "sentence" options
cannot() {
	_what=$1 _status=$2 _why=$3
	shift 3
	on ring "$@"
	same "$_what" "$? $(wc -c <"$dir/out") $(cat "$dir/err")" "$_status 0 cxl-bench: $_why"
}
cannot 'a file that is not there' 2 "$dir/none: No such file or directory" --workload "$dir/none"
echo 'readproportion=2' >"$dir/bad"
cannot 'a bad property' 2 "$dir/bad, line 1: readproportion takes a number from 0 to 1, not \"2\"" --workload "$dir/bad"
echo 'readpropotion=1' >"$dir/bad"
cannot 'an unknown one' 2 "$dir/bad, line 1: no property \"readpropotion\"" --workload "$dir/bad"
cannot 'a bad -p' 2 '-p: recordcount takes a whole number from 1 to 1000000000000, not "no"' --workload $ycsb/workloada -p recordcount=no
cannot '-p without =' 2 '-p takes name=value, not "recordcount"' --workload $ycsb/workloada -p recordcount
cannot '-p without a workload' 2 '-p is for a --workload' -p recordcount=1
cannot '--phase without a workload' 2 '--phase is for a --workload' --phase load
cannot 'no such phase' 2 '--phase takes load, run or both' --workload $ycsb/workloada --phase jump
for x in '--tests set' '--keys 5' '--requests 5' '--value-size 5' '--read-share 5' '--distribution latest' --no-fill; do
	cannot "${x% *} with a workload" 2 "${x% *} is for tests; a workload has properties" --workload $ycsb/workloada $x
done
cannot 'no such distribution' 2 '--distribution takes uniform, zipfian, latest or sequential' --distribution hotspot
cannot 'no such target' 2 '--target takes ring, unix or tcp' --target pigeon
cannot 'fewer clients than threads' 2 '--clients takes at least as many as there are threads' --threads 3 --clients 2
cannot 'what is no option' 2 'extra is no option' --tests ping extra
cannot 'a socket without a server' 1 'failed: No such file or directory' --target unix --socket "$dir/none" --tests ping
cannot 'a port without a server' 1 'failed: Connection refused' --target tcp --port "$(free_port)" --tests ping
on ring --tests ping --requests 10 --csv /dev/full
same 'a full disk' "$? $(cat "$dir/err")" '1 cxl-bench: /dev/full: No space left on device'
on ring --region "$shm/none" --tests ping
same 'no region' "$? $(wc -c <"$dir/out") $(grep -c 'none does not exist' "$dir/err")" '1 0 1'

tcp a acl setuser eve on '>word' '~*' '+@all' >/dev/null
tcp a config set requirepass secret >/dev/null
for t in ring unix tcp; do
	on $t --tests ping --requests 10 --pass secret
	same "$t: a password" "$?" 0
	on $t --tests ping --requests 10 --user eve --pass word
	same "$t: a user" "$?" 0
	on $t --tests ping --requests 10 --user eve --pass wrong
	same "$t: a wrong one" "$? $(grep -c WRONGPASS "$dir/err")" '1 1'
	on $t --tests ping --requests 10
	same "$t: none" "$? $(grep -c NOAUTH "$dir/err")" '1 1'
done
