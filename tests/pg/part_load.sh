# SPDX-License-Identifier: BSD-3-Clause
# part_load.sh - hedb-load: what it loads is what COPY loads, bad lines, and deaths in the
# middle. Sourced by run.

. "$here/says.sh"
client() { PGOPTIONS='-c hedb.mode=client' psql -XAtq -v ON_ERROR_STOP=1 -c "$1" 2>&1; }
loads() { hedb-load --quiet "$@" 2>"$base/error"; }

# Every type: the same text into plain columns by COPY, into encrypted ones by hedb-load, and
# both out again.
load_types() {
	psql -Xq <<-'SQL'
		CREATE TABLE plain (id int, i4 int4, i8 int8, n numeric, t text, d date, ts timestamp,
			tz timestamptz, v varchar(10), c char(5), b bool, u uuid, y bytea, f4 float4, f8 float8, iv interval);
		CREATE TABLE enc (id int, i4 enc_int4, i8 enc_int8, n enc_numeric, t enc_text, d enc_date,
			ts enc_timestamp, tz enc_timestamptz, v varchar(10), c char(5), b enc_bool, u enc_uuid, y enc_bytea,
			f4 enc_float4, f8 enc_float8, iv enc_interval);
		CREATE VIEW opened AS SELECT * FROM enc;
		ALTER DATABASE test SET timezone = 'UTC';
	SQL
	perl -e 'srand 7;
		my @n = qw(0 -0 1e5 1.50 .5 -12345678901234567890.000001 NaN Infinity 99999999.9999 1E-10);
		my @d = ("2000-01-01", "0044-03-15 BC", "infinity", "5874897-12-31", "1999-12-31");
		my @t = ("", "plain", "tab\\tand\\nline", "back\\\\slash", "\\x41\\101", "\xc3\xa9\xe2\x82\xac", "\\\\N", "x" x 3000);
		my @b = qw(t f true off yes 0);
		for my $i (1 .. 5000) {
			my @row = ($i, int(rand(2**32)) - 2**31, int(rand(2**52)) - 2**51, $n[rand @n], $t[rand @t], $d[rand @d],
				"2024-02-29 23:59:59.".int(rand(1e6)), "1999-12-31 00:00:00.5-07:30", "var".int(rand 1e4), "c".int(rand 9),
				$b[rand @b], "00112233-4455-6677-8899-aabbccddeeff", "\\\\x00ff".sprintf("%04x", rand 65536), rand(), rand() * 1e10,
				int(rand(40) - 20)." mons ".int(rand(90) - 45)." days ".("", "-")[rand 2].int(rand 300).":30:01.25");
			$row[1 + rand 15] = "\\N" if $i % 3 == 0;
			print join("\t", @row), "\n";
		}' >"$base/types.txt"
	q -c "\\copy plain FROM '$base/types.txt'"
	loads enc "$base/types.txt" || sed 's/^/# /' "$base/error"
	# printed in client mode by PostgreSQL, and by hedb-load itself
	q -c "\\copy (SELECT * FROM plain ORDER BY id) TO '$base/plain.out'"
	client "\\copy (SELECT * FROM enc ORDER BY id) TO '$base/enc.out'"
	equal 'all types: as COPY loads them' "$(cmp "$base/plain.out" "$base/enc.out"; wc -l <"$base/enc.out")" 5000
	hedb-load --query 'SELECT * FROM enc ORDER BY id' >"$base/query.out"
	equal 'all types: as --query shows them' "$(diff "$base/plain.out" "$base/query.out" | head -4)" ''
	q -c "\\copy (SELECT * FROM plain ORDER BY id) TO '$base/plain.csv' (FORMAT csv, HEADER)"
	psql -XAtqc "COPY (SELECT * FROM enc ORDER BY id) TO STDOUT (FORMAT csv, HEADER)" |
		hedb-load --decrypt --csv >"$base/enc.csv"
	equal 'all types: CSV through --decrypt' "$(diff "$base/plain.csv" "$base/enc.csv" | head -4)" ''
	q -c 'TRUNCATE enc'
	loads --csv --header enc "$base/plain.csv"
	hedb-load --query 'SELECT * FROM enc ORDER BY id' >"$base/query.out"
	equal 'all types: from CSV' "$(diff "$base/plain.out" "$base/query.out" | head -4)" ''
	equal 'ciphertext is in the table' "$(q -c "SELECT count(*) FROM enc WHERE t::text LIKE '%plain%'")" 0
}

# What PostgreSQL refuses is refused, with its words.
load_refuses() {
	local value type
	while IFS='|' read -r type value; do
		equal "$type '$value' is refused as COPY refuses it" \
			"$(printf '%s\n' "$value" | hedb-load --quiet --types "enc_$type" 2>&1 >/dev/null | sed -n '1s/.*column 1: //p')" \
			"$(psql -XAtqc "SELECT '$value'::$type" 2>&1 | sed -n '1s/^ERROR:  //p')"
	done <<-'END'
		int4|x
		int4|2147483648
		int4|
		int8|9223372036854775808
		int8|1.5
		numeric|1..2
		numeric|12e
		numeric|1e200000
		date|2001-02-29
		date|99-xx
	END
}

load_bad_lines() {
	q -c 'CREATE TABLE bad (id int, a enc_int4, t enc_text)'
	printf '1\t10\tone\n2\tx\ttwo\n3\t30\n4\t40\tfour\textra\n5\t99999999999\tfive\n6\t60\tsix\n' >"$base/bad.txt"
	loads bad "$base/bad.txt"
	equal 'bad lines: nothing is loaded' "$? $(q -c 'SELECT count(*) FROM bad')" '1 0'
	equal 'bad lines: each is named, all are counted' "$(cat "$base/error")" \
		'hedb-load: line 2, column a: invalid input syntax for type integer: "x"
hedb-load: line 3, column t: missing data
hedb-load: line 4: extra data after last expected column
hedb-load: line 5, column a: value "99999999999" is out of range for type integer
hedb-load: 4 bad lines; nothing is loaded'
	loads --reject "$base/reject.txt" bad "$base/bad.txt"
	equal 'bad lines: set aside, the others loaded' \
		"$? $(client 'SELECT id, a, t FROM bad ORDER BY id' | tr '\n' ' ')" '0 1|10|one 6|60|six '
	equal 'bad lines: set aside as they were' "$(cat "$base/reject.txt")" "$(sed -n 2,5p "$base/bad.txt")"
	# A load that cannot begin leaves what the last one set aside, one that can does not.
	kept="$(cat "$base/reject.txt")" failed=
	(umask 077; hedbctl key credential "$base/wrong" >/dev/null)
	loads --reject "$base/reject.txt" --dbname dbname=none bad "$base/bad.txt" || failed="$failed login"
	loads --reject "$base/reject.txt" none "$base/bad.txt" || failed="$failed table"
	loads --reject "$base/reject.txt" --columns none bad "$base/bad.txt" || failed="$failed column"
	q -c 'CREATE VIEW bad_view AS SELECT id + 0 AS id, a, t FROM bad'
	loads --reject "$base/reject.txt" bad_view "$base/bad.txt" || failed="$failed view"
	loads --reject "$base/reject.txt" --region "$base/none" bad "$base/bad.txt" || failed="$failed region"
	loads --reject "$base/reject.txt" --credential "$base/wrong" bad "$base/bad.txt" || failed="$failed credential"
	loads --reject "$base/reject.txt" --types enc_none "$base/bad.txt" >/dev/null || failed="$failed type"
	equal 'set aside: no load that cannot begin empties the file' "$failed $(cat "$base/reject.txt")" \
		" login table column view region credential type $kept"
	loads --reject "$base/reject.txt" bad "$base/reject.txt"
	equal 'set aside: nor one that reads it' "$? $(cat "$base/error") $(cat "$base/reject.txt")" \
		"1 hedb-load: $base/reject.txt: the lines come from this file; set bad ones aside in another $kept"
	head -1 "$base/bad.txt" | loads --reject "$base/reject.txt" bad
	equal 'set aside: one without bad lines does' "$? $(wc -c <"$base/reject.txt")" '0 0'
	loads --reject "$base/none/reject.txt" bad "$base/bad.txt"
	equal 'set aside: where nothing can be made, nothing is loaded' "$? $(cat "$base/error") $(q -c 'SELECT count(*) FROM bad')" \
		"1 hedb-load: $base/none/reject.txt: No such file or directory 3"
	q -c 'DELETE FROM bad WHERE ctid IN (SELECT ctid FROM bad WHERE id = 1 LIMIT 1)'
	yes "$(printf '1\tx\ty')" | head -100 | loads bad -
	equal 'bad lines: twenty are named' "$(grep -c ': line' "$base/error") $(tail -1 "$base/error")" \
		'20 hedb-load: 100 bad lines; nothing is loaded'
	loads --reject /dev/full bad "$base/bad.txt"
	equal 'bad lines: no room to set them aside, nothing is loaded' "$? $(q -c 'SELECT count(*) FROM bad')" '1 2'
	q -c 'ALTER TABLE bad ADD CHECK (id < 100)' && q -c 'TRUNCATE bad'
	(seq 1 20000 | sed 's/.*/1\t&\tx/'; printf '100\t1\tx\n') | loads bad
	equal 'a row that the table refuses: nothing is loaded' \
		"$? $(q -c 'SELECT count(*) FROM bad') $(sed -n 's/.*\(violates check\).*/\1/p' "$base/error")" '1 0 violates check'
}

load_tables() {
	psql -Xq <<-'SQL'
		CREATE DOMAIN small AS int CHECK (value < 1000);
		CREATE SCHEMA "odd one";
		CREATE TABLE "odd one"."a ""table""" (s small, "B" enc_text, g int GENERATED ALWAYS AS (s * 2) STORED, p point);
	SQL
	printf 'b\t7\n' | loads --columns B,s '"odd one"."a ""table"""'
	equal 'columns in another order, quoted names, a domain' \
		"$? $(client 'SELECT s, "B", g FROM "odd one"."a ""table"""')" '0 7|b|14'
	printf '1\tb\t(1,1)\n' | loads '"odd one"."a ""table"""'
	equal 'a type that it does not know' "$? $(cat "$base/error")" \
		'1 hedb-load: column p: hedb-load does not know how to read point'
	loads no_such_table </dev/null
	equal 'no such table' "$? $(cat "$base/error")" '1 hedb-load: ERROR:  relation "no_such_table" does not exist'
	loads --columns x bad </dev/null
	equal 'no such column' "$? $(cat "$base/error")" '1 hedb-load: bad has no column x'
	loads bad </dev/null
	equal 'no rows' "$? $(cat "$base/error")" '0 '
	equal 'no region: it says what to do' "$(env -u HEDB_REGION hedb-load --decrypt </dev/null 2>&1)" \
		'hedb-load: which region? --region, or HEDB_REGION'
	(umask 077; hedbctl key credential "$base/other" >/dev/null)
	equal 'another credential is refused' "$(printf '1\n' | hedb-load --quiet --types enc_int4 --credential "$base/other" 2>&1 >/dev/null | grep -c 'hedb-load:')" 1
}

load_streams() {
	q -c 'CREATE TABLE stream (id int, t enc_text)'
	seq 1 30000 | sed 's/.*/&\tvalue &/' >"$base/stream.txt"
	hedb-load --quiet --types int4,enc_text "$base/stream.txt" | q -c '\copy stream FROM pstdin (FORMAT binary)'
	equal 'a stream into COPY BINARY' "$(client "SELECT count(*), min(id), max(id) FROM stream WHERE t = 'value ' || id::text")" \
		'30000|1|30000'
	q -c 'TRUNCATE stream'
	(cat "$base/stream.txt"; echo x) | hedb-load --quiet --types int4,enc_text 2>/dev/null |
		q -c '\copy stream FROM pstdin (FORMAT binary)' >"$base/out"
	equal 'a stream with a bad line: COPY refuses it' "$(q -c 'SELECT count(*) FROM stream') $(grep -c ERROR "$base/out")" '0 1'
	hedb-load --quiet --stdout stream "$base/stream.txt" 2>"$base/error" >/dev/full
	equal 'a full disk' "$? $(cat "$base/error")" '1 hedb-load: standard output: No space left on device'
	(hedb-load --quiet --stdout stream "$base/stream.txt" 2>"$base/error"; echo $? >"$base/status") | head -c 1 >/dev/null
	equal 'a reader that goes away' "$(cat "$base/status" "$base/error")" \
		"1
hedb-load: standard output: Broken pipe"
	equal '--decrypt: a full disk' "$(echo x | hedb-load --decrypt 2>&1 >/dev/full)" 'hedb-load: No space left on device'
	q -c 'TRUNCATE stream' && loads stream "$base/stream.txt"
	value=$(q -c 'SELECT t FROM stream WHERE id = 17')
	equal '--decrypt: what is no ciphertext stays' "$(printf 'a\\tb\t%s\t\\N\t%s\n' "$value" "${value:0:32}" | hedb-load --decrypt)" \
		"$(printf 'a\\tb\tvalue 17\t\\N\t%s' "${value:0:32}")"
	other=A && [ "${value:30:1}" != A ] || other=B
	forged=${value:0:30}$other${value:31}
	equal '--decrypt: a forged value is named by its line' \
		"$(printf '%s\n%s\n' "$value" "$forged" | hedb-load --decrypt 2>&1 >/dev/null | grep -o 'line 2: encrypted value is forged')" \
		'line 2: encrypted value is forged'
}

# slowly FILE: lines with a pause after each thousand
slowly() { awk '{ print } NR % 1000 == 0 { fflush(); system("sleep 0.05") }' "$1"; }

load_deaths() {
	q -c 'TRUNCATE stream'
	slowly "$base/stream.txt" | loads stream &
	loader=$!
	sleep 0.5
	zone_stop KILL
	zone_start
	wait $loader
	equal 'ops_server dies and comes back: all is loaded' \
		"$? $(client "SELECT count(*) FROM stream WHERE t = 'value ' || id::text")" '0 30000'
	q -c 'TRUNCATE stream'
	slowly "$base/stream.txt" | loads --timeout 1 stream &
	loader=$!
	sleep 0.5
	zone_stop KILL
	wait $loader
	equal 'ops_server dies for good: nothing is loaded' \
		"$? $(q -c 'SELECT count(*) FROM stream') $(grep -c 'no answer from ops_server' "$base/error")" '1 0 1'
	zone_start
	slowly "$base/stream.txt" >"$base/fifo" &
	hedb-load --quiet stream "$base/fifo" 2>/dev/null &
	loader=$!
	sleep 0.5
	kill -9 $loader
	wait $loader 2>/dev/null
	sleep 0.5
	equal 'hedb-load dies: nothing is loaded' "$(q -c 'SELECT count(*) FROM stream')" 0
	slowly "$base/stream.txt" | loads stream &
	loader=$!
	sleep 0.5
	q -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hedb-load'" >/dev/null
	wait $loader
	equal 'the connection dies: nothing is loaded' "$? $(q -c 'SELECT count(*) FROM stream')" '1 0'
}

each_check < <(
	. "$here/cluster.sh"
	cluster_begin && zone_start && pg_begin "hedb.client_credential = '$credential'" || exit 1
	cp "$root/build/hedb-load" "$base/bin/"
	export HEDB_REGION=$region HEDB_CREDENTIAL=$credential
	mkfifo "$base/fifo"
	q -c 'CREATE EXTENSION hedb'
	load_types
	load_refuses
	load_bad_lines
	load_tables
	load_streams
	load_deaths
	echo 'ok - ran to its end'
)
wait $!
check "$p: every test ran" $?
