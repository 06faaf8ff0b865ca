# SPDX-License-Identifier: BSD-3-Clause
#
# dump.pl - ciphertext goes out and comes in again without the zone: pg_dump, restore,
# binary COPY; DROP EXTENSION CASCADE and CREATE EXTENSION again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Zone;

my $zone = Zone->new->start;
my $node = $zone->cluster;
my $dir = $zone->{dir};
my $text = 'SELECT md5(string_agg(t::text, E\'\n\' ORDER BY id)) FROM t';

# Run a program against the cluster; its output in $$out.
sub run_pg
{
	my ($out, @command) = @_;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;

	$$out = '';
	return IPC::Run::run(\@command, '>&', $out);
}

sub works
{
	my ($name, @command) = @_;
	my $out;
	ok(run_pg(\$out, @command), $name) or diag $out;
	return;
}

$node->safe_psql('test', <<'SQL');
CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int8_encrypt(g) AS b,
	enc_numeric_encrypt(g / 7.0) AS c, enc_text_encrypt(repeat('é' || g, g % 300)) AS d
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
my $before = $node->safe_psql('test', $text);

$zone->stop;
works('pg_dump without the zone', 'pg_dump', '-Fp', '-T', 's', '-f', "$dir/t/dump.sql", 'test');
my $dump = slurp_file("$dir/t/dump.sql");
like($dump, qr/a public\.enc_int4/, 'the dump has the types');
unlike($dump, qr/\té1/, 'and ciphertext');
works('pg_dump, custom format', 'pg_dump', '-Fc', '-f', "$dir/t/dump.custom", 'test');

# Constraints and views parse their literals as ciphertext; data needs no zone, but
# checking it does.
$zone->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(copy copy2 copy3);
works('restore', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'copy', '-f', "$dir/t/dump.sql");
is($node->safe_psql('copy', $text), $before, 'restored bytes are the same');
is($node->safe_psql('copy', 'SELECT count(*) FROM w'), 9, 'views keep their encrypted constants');
works('parallel pg_restore, with unique and hash indexes', 'pg_restore', '-j', 2, '-d', 'copy2',
	"$dir/t/dump.custom");
is($node->safe_psql('copy2', "SET hedb.mode = client; SET enable_seqscan = off;
	SELECT v FROM s WHERE k = '3'"), 'é3é3é3', 'restored index finds the row');

$zone->stop;
$node->safe_psql('copy3', 'CREATE EXTENSION hedb;
	CREATE TABLE t (id int, a enc_int4, b enc_int8, c enc_numeric, d enc_text)');
works('data restores without the zone', 'pg_restore', '-d', 'copy3', '--data-only', '-t', 't',
	"$dir/t/dump.custom");
is($node->safe_psql('copy3', $text), $before, 'to the same bytes');
$node->safe_psql('test', "COPY t TO '$dir/t/t.bin' (FORMAT binary);
	CREATE TABLE t2 (LIKE t); COPY t2 FROM '$dir/t/t.bin' (FORMAT binary)");
(my $copied = $text) =~ s/FROM t$/FROM t2 t/;
is($node->safe_psql('test', $copied), $before, 'binary COPY is lossless, without the zone');

for my $time (1, 2)
{
	$node->safe_psql('test', 'DROP EXTENSION hedb CASCADE');
	is($node->safe_psql('test', "SELECT count(*) FROM pg_type WHERE typname LIKE 'enc\\_%'"), 0,
		"DROP EXTENSION CASCADE leaves nothing, $time");
	$node->safe_psql('test', 'CREATE EXTENSION hedb');
	is($node->safe_psql('test', "SELECT count(*) > 0 FROM pg_type WHERE typname = 'enc_int4'"),
		't', "CREATE EXTENSION again, $time");
}

$node->stop('fast');
done_testing();
