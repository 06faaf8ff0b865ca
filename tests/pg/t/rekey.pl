#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# rekey.pl - keys of values: hedb.key_usage(), CALL hedb.rekey(...) of every type while
# others read and write, interrupted and called again, with ops_server killed in it; what
# indexes keep; and the errors of values under a key that is destroyed or not there.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Client;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Zone;

my $zone = Zone->new('--ops-channels', 64);
my $node = PostgreSQL::Test::Cluster->new('main');
my $client = 'SET hedb.mode = client;';
my ($out, $err);

sub sql { return $node->safe_psql('postgres', join ';', @_); }

# what it says, errors and notices too
sub said {
	my @answer = $node->psql('postgres', join(';', @_), extra_params => ['-v', 'VERBOSITY=verbose']);
	return $answer[2];
}

sub rotate {
	$zone->key('rotate');
	$zone->reload;
	return;
}

sub usage {
	my $table = shift;
	return sql(qq{SELECT key_id, sum("values") FROM hedb.key_usage('$table') WHERE index IS NULL GROUP BY 1 ORDER BY 1});
}

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . "session_preload_libraries = 'hedb'\nhedb.timeout = 20s\n");
	$node->start;
	$zone->start('--workers', 2);
	sql('CREATE EXTENSION hedb');
	return;
}

# Every type, NULLs, an array, a domain, a generated column, text that lies in TOAST.
sub every_type {
	sql($client, <<'SQL');
CREATE DOMAIN positive AS enc_int4 CHECK (VALUE > '0'::enc_int4);
CREATE TABLE w (id int PRIMARY KEY, i4 enc_int4, i8 enc_int8, n enc_numeric, f4 enc_float4, f8 enc_float8, t enc_text,
	b enc_bytea, bo enc_bool, d enc_date, ts enc_timestamp, tz enc_timestamptz, iv enc_interval, u enc_uuid,
	ar enc_int4[], at enc_text[], dom positive, plain text, twice enc_int4 GENERATED ALWAYS AS (i4 + i4) STORED);
INSERT INTO w SELECT g, g, g, g / 7.0, g / 3.0, g / 3.0, repeat('text ' || g, g * 20), ('\x00' || lpad(to_hex(g), 8, '0'))::bytea, g % 2 = 0,
	date '2020-01-01' + g, timestamp '2020-01-01' + g * interval '1 hour', '2020-01-01 00:00+00'::timestamptz + g * interval '1 min',
	g * interval '1 day', gen_random_uuid(), ARRAY[g, NULL, g + 1]::text[]::enc_int4[], ARRAY[['a', 'b'], ['c', 'd' || g]]::enc_text[],
	g::enc_int4, 'row ' || g FROM generate_series(1, 300) g;
INSERT INTO w (id) VALUES (0);
SQL
	my $plain = sql($client, 'SELECT md5(string_agg(w::text, chr(10) ORDER BY id)) FROM w');
	is(sql('SELECT sum(get_byte(enc_int4_send(i4), 0) & 32), sum(get_byte(enc_int4_send(i4 + i4), 0) & 32) > 0 FROM w'), '0|t',
		'values that a client made have no mark, computed ones do');
	# 16 columns, and arrays: 2 and 4
	is(usage('w'), '1|' . 300 * (13 + 2 + 4 + 1 + 1), 'all values are under key 1');
	is(sql('SELECT hedb.active_key()'), 1, 'which is the active one');
	rotate();
	is(sql('SELECT hedb.active_key()'), 2, 'another one is');
	like(said("CALL hedb.rekey('w')"), qr/all values are under key 2, 300 rows rewritten/, 'CALL hedb.rekey');
	is(usage('w'), '2|6300', 'all values are under it');
	is(sql($client, 'SELECT md5(string_agg(w::text, chr(10) ORDER BY id)) FROM w'), $plain, 'and what they were');
	is(sql('SELECT sum(get_byte(enc_int4_send(i4), 0) & 32), sum(get_byte(enc_int4_send(i4 + i4), 0) & 32) > 0 FROM w'), '0|t',
		'and as they were made');
	like(said("CALL hedb.rekey('w')"), qr/key 2, 0 rows rewritten/, 'nothing is left to do');
	is(sql('SELECT state, key_id, rows_left FROM hedb.rekey_progress'), 'done|2|0', 'hedb.rekey_progress says so');
	is(sql('SELECT * FROM hedb.key_usage()'), '2|6300|{w}', 'hedb.key_usage() of all tables');
	return;
}

# Others read and write all the time, and rotate: nothing is lost, nobody fails.
sub online {
	sql($client, <<'SQL');
CREATE TABLE acc (id int PRIMARY KEY, n enc_int8 NOT NULL, s enc_text, done int DEFAULT 0) WITH (fillfactor = 70);
INSERT INTO acc SELECT g, g, 'account ' || g FROM generate_series(1, 20000) g;
CREATE INDEX acc_n ON acc (n);
CREATE TABLE log (who int, id int, by int);
SQL
	my $work = <<'SQL';
CREATE PROCEDURE work(who int, until timestamptz) LANGUAGE plpgsql AS $$
DECLARE x int; y int;
BEGIN
	WHILE clock_timestamp() < until LOOP
		x := 1 + floor(random() * 20000); y := 1 + floor(random() * 20000);
		UPDATE acc SET n = n + 1, done = done + 1 WHERE id = least(x, y);
		UPDATE acc SET done = done + 1 WHERE id = greatest(x, y);
		IF random() < 0.1 THEN
			INSERT INTO acc SELECT 20000 + nextval('more'), enc_int8_reencrypt(n), s, 1 FROM acc WHERE id = x;
			DELETE FROM acc WHERE id > 20000 AND id IN (SELECT id FROM acc WHERE id > 20000 LIMIT 1);
		END IF;
		PERFORM count(*) FROM acc WHERE n = (SELECT n FROM acc WHERE id = y);
		COMMIT;
	END LOOP;
END $$
SQL
	sql('CREATE SEQUENCE more', $work);
	rotate();
	my @workers = map { Client->new($node, "worker$_", $client, "CALL work($_, clock_timestamp() + interval '8 seconds')") } 1 .. 3;
	my $said = said("CALL hedb.rekey('acc', 16)");
	like($said, qr/all values are under key 3/, 'rekey while others write');
	unlike($said, qr/ERROR|WARNING/, 'without errors');
	is($_->output, '', 'nor had the others any') for @workers;
	sql("CALL hedb.rekey('acc')"); # rows that were carried on meanwhile
	is(sql("SELECT DISTINCT key_id FROM hedb.key_usage('acc') WHERE index IS NULL"), 3, 'all values are under it');
	is(sql($client, "SELECT count(*) FROM acc WHERE id <= 20000 AND (n < id OR s <> 'account ' || id OR n > id + done)"), 0,
		'each row has its own values, and no update was lost');
	is(sql('SELECT count(*) FROM acc WHERE id <= 20000'), 20000, 'and no row');
	is(sql("SELECT count(*) > 0 FROM hedb.key_usage('acc') WHERE index = 'acc_n'::regclass AND key_id <> 3"), 't',
		'an index keeps older values');
	like(said("CALL hedb.rekey('acc')"), qr/index acc_n still has \d+ values under other keys.*REINDEX INDEX CONCURRENTLY acc_n/s,
		'and rekey says so');
	sql('REINDEX INDEX CONCURRENTLY acc_n');
	is(sql("SELECT DISTINCT key_id FROM hedb.key_usage('acc')"), 3, 'not when it is built anew');
	return;
}

# A row that somebody has locked is not waited for.
sub locked {
	my $session = $node->background_psql('postgres');

	$session->query_safe('BEGIN');
	$session->query_safe('SELECT 1 FROM acc WHERE id = 7 FOR UPDATE');
	rotate();
	like(said("CALL hedb.rekey('acc', max_passes => 2)"), qr/1 rows of acc are left, others keep them locked/, 'a row that is locked');
	is(sql("SELECT state, rows_left FROM hedb.rekey_progress WHERE relation = 'acc'::regclass"), 'rows left|1', 'is counted');
	$session->query_safe('COMMIT');
	$session->quit;
	like(said("CALL hedb.rekey('acc')"), qr/key 4, 1 rows rewritten/, 'and is done by the next call');
	return;
}

# Ended in the middle, by whatever: it goes on where it was.
sub interrupted {
	my $slow = "CALL hedb.rekey('acc', 1)";
	my $page = "SELECT page FROM hedb.rekey_progress WHERE relation = 'acc'::regclass AND state = 'running' AND page BETWEEN 20 AND pages - 20";

	for my $how ('pg_cancel_backend', 'pg_terminate_backend', 'server', 'zone') {
		rotate();
		my $rekey = Client->new($node, 'rekey', 'SET hedb.timeout = 2000', $slow);
		$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($page) x") or die "it did not start\n";
		if ($how eq 'server') {
			$node->stop('immediate');
			$node->start;
		} elsif ($how eq 'zone') {
			$zone->stop('KILL');
		} else {
			sql("SELECT $how(pid) FROM pg_stat_activity WHERE application_name = 'rekey'");
		}
		eval { $rekey->output };
		$zone->start('--workers', 2) if $how eq 'zone';
		my $was = sql("SELECT page FROM hedb.rekey_progress WHERE relation = 'acc'::regclass");
		like(said("CALL hedb.rekey('acc')"), qr/acc goes on at page $was.*all values are under key/s, "$how, and called again");
		is(sql("SELECT count(DISTINCT key_id) FROM hedb.key_usage('acc') WHERE index IS NULL"), 1, 'all values are under one key');
		is(sql($client, "SELECT count(*) FROM acc WHERE id <= 20000 AND s = 'account ' || id"), 20000, 'and all are there');
	}
	return;
}

sub partitions_and_refusals {
	sql($client, <<'SQL');
CREATE TABLE part (id int, v enc_int4) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE "Part 2" PARTITION OF part FOR VALUES FROM (100) TO (200) PARTITION BY LIST (id);
CREATE TABLE "Part 2'a" PARTITION OF "Part 2" DEFAULT;
INSERT INTO part SELECT g, g FROM generate_series(0, 199) g;
CREATE TABLE none (id int);
CREATE MATERIALIZED VIEW m AS SELECT * FROM part;
CREATE TYPE pair AS (a int, b enc_int4);
CREATE TABLE inside (p pair, q enc_int4);
INSERT INTO inside VALUES ((1, '2'), '3');
CREATE TABLE hidden (id int, v enc_int4);
INSERT INTO hidden VALUES (1, '1'), (2, '2');
CREATE ROLE other LOGIN; GRANT ALL ON hidden, part, part1 TO other;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON hidden USING (id = 1);
SQL
	rotate();
	my $now = sql('SELECT hedb.active_key()');
	like(said("CALL hedb.rekey('part')"), qr/part1: all.*"Part 2'a": all/s, 'partitions');
	is(usage('part'), "$now|200", 'all of them');
	is(said("CALL hedb.rekey('none')"), '', 'a table with nothing encrypted');
	like(said("CALL hedb.rekey('m')"), qr/0A000: m is a materialized view.*REFRESH/s, 'a materialized view');
	like(said("SELECT hedb.key_usage('inside')"), qr/WARNING.*inside of columns of public.inside are not counted: p/s, 'values inside of others');
	like(said("BEGIN; CALL hedb.rekey('inside')"), qr/2D000/, 'not in a transaction block');
	like(said("CALL hedb.rekey('acc', 0)"), qr/22023/, 'no pages');
	my $as = sub { return ($node->psql('postgres', $_[0], extra_params => ['-U', 'other', '-v', 'VERBOSITY=verbose']))[2]; };
	like($as->("CALL hedb.rekey('hidden')"), qr/42501: row security of hidden may hide rows/, 'row security');
	like($as->("SELECT hedb.key_usage('hidden')"), qr/42501/, 'nor is it counted');
	like($as->("CALL hedb.rekey('part1')"), qr/42501: must be owner of table public.part1/, 'not the owner');
	like($as->("SELECT hedb.key_usage('acc')"), qr/42501/, 'a table that one may not read');
	like($as->("SELECT hedb.index_key_usage('acc_n')"), qr/42501/, 'nor its index');
	like($as->('DELETE FROM hedb.rekey_progress'), qr/42501/, 'nor are others\' notes');
	like(said("SELECT hedb.index_key_usage('acc')"), qr/42809.*"acc" is not an index/s, 'no index');
	like(said('SELECT hedb.key_id(1)'), qr/42804.*integer is not an encrypted type/s, 'no encrypted value');
	return;
}

# A key that is gone.
sub destroyed {
	my $now = sql('SELECT hedb.active_key()');

	sql($client, 'CREATE TABLE lost (id int, v enc_int4)', "INSERT INTO lost VALUES (1, '1')");
	$zone->key('rotate');
	$zone->key('destroy', $now, '--yes');
	$zone->reload;
	like(said('SELECT v + v FROM lost'), qr/58P01: encrypted value is under a key that was destroyed.*HINT.*backup of the key file/s,
		'a value under a destroyed key');
	like(said("CALL hedb.rekey('lost')"), qr/58P01/, 'is not re-encrypted either');
	is(usage('lost'), "$now|1", 'but counted');
	is(sql('SELECT id FROM lost'), 1, 'and the other columns are read');
	sql('DELETE FROM lost');
	$zone->stop;
	unlink $zone->{keys};
	system_or_bail('hedbctl', 'key', 'create', $zone->{keys});
	$zone->start;
	like(said('SELECT n + n FROM acc WHERE id = 1'), qr/58P01: encrypted value names a key that the keyring does not hold.*HINT.*key file/s,
		'another key file: a key that it never had');
	return;
}

begin();
every_type();
online();
locked();
interrupted();
partitions_and_refusals();
destroyed();
$node->stop;
$zone->stop;
done_testing();
