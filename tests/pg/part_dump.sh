# SPDX-License-Identifier: BSD-3-Clause
# part_dump.sh - dump and restore without the zone, DROP and CREATE EXTENSION. Sourced by
# run.

out=$(
	. "$here/cluster.sh"
	result() { echo "result $2 $1"; }
	cluster_begin
	pg_begin "hedb.client_credential = '$credential'" || exit 1
	zone_start
	psql -Xq >&2 <<-'SQL'
		CREATE EXTENSION hedb;
		CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int8_encrypt(g) AS b,
			enc_numeric_encrypt(g / 7.0) AS c, enc_text_encrypt(repeat('é' || g, g % 300)) AS d
			FROM generate_series(1, 2000) g;
		INSERT INTO t VALUES (0, NULL, NULL, NULL, NULL);
		CREATE TABLE s (k enc_int4 PRIMARY KEY, v enc_text NOT NULL);
		INSERT INTO s SELECT a, d FROM t WHERE id > 0;
		CREATE INDEX ON t USING hash (d);
		CREATE VIEW v AS SELECT id, a + a AS twice FROM t WHERE a < b;
	SQL
	psql -Xq >&2 <<-'SQL'
		SET hedb.mode = client;
		CREATE VIEW w AS SELECT id FROM t WHERE a < '10';
		ALTER TABLE t ADD CHECK (a > '-1');
	SQL
	sum='SELECT md5(string_agg(t::text, E'"'\\\\n'"' ORDER BY id)) FROM t'
	before=$(psql -XAtqc "$sum")
	zone_stop
	pg_dump -Fp -T s -f "$base/dump.sql"
	result "pg_dump without the zone" $?
	[ "$(grep -c 'zone\|enc_int4' "$base/dump.sql")" -gt 0 ] && ! grep -q '	é1' "$base/dump.sql"
	result "the dump holds ciphertext" $?
	pg_dump -Fc -f "$base/dump.custom"
	createdb copy
	# constraints and views parse their literals as ciphertext; data needs no zone, but
	# checking it does
	zone_start
	psql -Xq -v ON_ERROR_STOP=1 -d copy -f "$base/dump.sql" >"$base/log/restore" 2>&1
	result "restore" $?
	[ "$(psql -XAtq -d copy -c "$sum")" = "$before" ]
	result "restored bytes are the same" $?
	[ "$(psql -XAtq -d copy -c 'SELECT count(*) FROM w')" = 9 ]
	result "views keep their encrypted constants" $?
	createdb copy2
	pg_restore -j 2 -d copy2 "$base/dump.custom" >"$base/log/restore2" 2>&1
	result "parallel pg_restore, with unique and hash indexes" $?
	[ "$(psql -XAtq -d copy2 -c "SET hedb.mode = client" -c "SET enable_seqscan = off" \
		-c "SELECT v FROM s WHERE k = '3'")" = 'é3é3é3' ]
	result "restored index finds the row" $?
	zone_stop
	createdb copy3
	psql -Xq -d copy3 -c 'CREATE EXTENSION hedb' \
		-c 'CREATE TABLE t (id int, a enc_int4, b enc_int8, c enc_numeric, d enc_text)' >&2
	pg_restore -d copy3 --data-only -t t "$base/dump.custom" >"$base/log/restore3" 2>&1 &&
		[ "$(psql -XAtq -d copy3 -c "$sum")" = "$before" ]
	result "data restores without the zone" $?
	psql -XAtq -c "COPY t TO '$base/t.bin' (FORMAT binary)" -c "CREATE TABLE t2 (LIKE t)" \
		-c "COPY t2 FROM '$base/t.bin' (FORMAT binary)" >&2 &&
		[ "$(psql -XAtqc "${sum% t} t2 t")" = "$before" ]
	result "binary COPY is lossless, without the zone" $?
	psql -Xq -v ON_ERROR_STOP=1 -c 'DROP EXTENSION hedb CASCADE' -c 'CREATE EXTENSION hedb' \
		-c 'DROP EXTENSION hedb' -c 'CREATE EXTENSION hedb' >"$base/log/drop" 2>&1
	result "DROP EXTENSION CASCADE and CREATE EXTENSION, twice" $?
	grep -h 'ERROR' "$base"/log/restore* "$base/log/drop" | sed 's/^/# /'
)
while read -r word status name; do
	case $word in
	result) check "dump: $name" "$status" ;;
	'#') echo "# $status $name" ;;
	esac
done <<<"$out"
[ "$(grep -c ^result <<<"$out")" = 10 ]
check "dump: every test ran" $?
