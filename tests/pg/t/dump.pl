#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# dump.pl - pg_dump and restore, without the zone where no data is checked; binary COPY;
# DROP EXTENSION CASCADE and CREATE EXTENSION again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 16;
use Zone;

my $zone = Zone->new;
my $node = PostgreSQL::Test::Cluster->new('main');
my $files = PostgreSQL::Test::Utils::tempdir('dump');
my $sum = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM";

# a program of PostgreSQL's on a database of the node: does it end well?
sub program_ok {
	my ($name, $program, $db, @args) = @_;
	$node->command_ok([$program, '-d', $node->connstr($db), @args], $name);
	return;
}

# md5 over a table's rows as text, which is ciphertext in server mode
sub sum_of {
	my ($db, $table) = @_;
	return $node->safe_psql($db, "$sum $table t");
}

sub create_database {
	$node->safe_psql('postgres', "CREATE DATABASE $_[0]");
	return;
}

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . "log_statement = none\n");
	$node->start;
	$zone->start;
	create_database('test');
	$node->safe_psql('test', <<'SQL');
CREATE EXTENSION hedb;
CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int8_encrypt(g) AS b,
	enc_numeric_encrypt(g / 7.0) AS c, enc_text_encrypt(repeat(U&'\00e9' || g, g % 300)) AS d
	FROM generate_series(1, 2000) g;
INSERT INTO t VALUES (0, NULL, NULL, NULL, NULL);
CREATE TABLE s (k enc_int4 PRIMARY KEY, v enc_text NOT NULL);
INSERT INTO s SELECT a, d FROM t WHERE id > 0;
CREATE INDEX ON t USING hash (d);
CREATE VIEW v AS SELECT id, a + a AS twice FROM t WHERE a < b;
SET hedb.mode = client;
CREATE VIEW w AS SELECT id FROM t WHERE a < '10';
ALTER TABLE t ADD CHECK (a > '-1');
SQL
	return;
}

# Constraints and views parse their literals as ciphertext and data needs no zone, but
# checking it against constraints and building indexes does.
sub plain {
	my $before = sum_of('test', 't');

	$zone->stop;
	program_ok('pg_dump without the zone', 'pg_dump', 'test', '-Fp', '-T', 's',
		'-f', "$files/dump.sql");
	program_ok('pg_dump in custom format without the zone', 'pg_dump', 'test', '-Fc',
		'-f', "$files/dump.custom");
	my $dump = slurp_file("$files/dump.sql");
	my ($rows) = $dump =~ /^COPY public\.t .*? FROM stdin;\n(.*?)^\\\.$/ms;
	is(scalar(() = ($rows // '') =~ /\n/g), 2001, 'the dump holds every row');
	unlike($rows, qr/\t(\d+(\.\d+)?|\xc3\xa9\d[^\t]*)(\t|$)/m, 'the dump holds ciphertext');
	$zone->start;
	create_database('copy');
	program_ok('restore', 'psql', 'copy', '-Xq', '-v', 'ON_ERROR_STOP=1',
		'-f', "$files/dump.sql");
	is(sum_of('copy', 't'), $before, 'restored bytes are the same');
	is($node->safe_psql('copy', 'SELECT count(*) FROM w'), 9,
		'views keep their encrypted constants');
	like(($node->psql('copy', "SET hedb.mode = client; INSERT INTO t (a) VALUES ('-5')"))[2],
		qr/violates check constraint/, 'a constraint keeps its encrypted constant');
	return;
}

sub custom {
	my $before = sum_of('test', 't');

	create_database('copy2');
	program_ok('parallel pg_restore, with unique and hash indexes', 'pg_restore', 'copy2',
		'-j', 2, "$files/dump.custom");
	is($node->safe_psql('copy2', "SET hedb.mode = client; SET enable_seqscan = off;
		SELECT v FROM s WHERE k = '3'"), "\xc3\xa93" x 3, 'restored index finds the row');

	$zone->stop;
	create_database('copy3');
	$node->safe_psql('copy3', 'CREATE EXTENSION hedb;
		CREATE TABLE t (id int, a enc_int4, b enc_int8, c enc_numeric, d enc_text)');
	program_ok('data restores without the zone', 'pg_restore', 'copy3', '--data-only',
		'-t', 't', "$files/dump.custom");
	is(sum_of('copy3', 't'), $before, 'data restored without the zone is the same');
	is($node->safe_psql('copy3', "COPY t TO '$files/t.bin' (FORMAT binary);
		CREATE TABLE t2 (LIKE t); COPY t2 FROM '$files/t.bin' (FORMAT binary)"), '',
		'binary COPY, without the zone');
	is(sum_of('copy3', 't2'), $before, 'binary COPY is lossless');
	return;
}

sub drop {
	is($node->safe_psql('test', 'DROP EXTENSION hedb CASCADE; CREATE EXTENSION hedb;
		DROP EXTENSION hedb; CREATE EXTENSION hedb'), '',
		'DROP EXTENSION CASCADE and CREATE EXTENSION, twice');
	$zone->start;
	is($node->safe_psql('test', 'SELECT count(*) FROM generate_series(1, 20) g
		WHERE enc_int4_encrypt(g) < enc_int4_encrypt(10)'), 9, 'the extension works afterwards');
	return;
}

begin();
plain();
custom();
drop();
