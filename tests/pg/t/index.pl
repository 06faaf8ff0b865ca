#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# index.pl - B-trees whose pages are asked about as a whole: scans while others insert,
# pages split and ops_server is killed; a parallel CREATE INDEX as a session's first use.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 8;
use Time::HiRes qw(usleep);
use Zone;

my $zone = Zone->new('--ops-channels', 32);
my $node = PostgreSQL::Test::Cluster->new('main');
my $scripts = PostgreSQL::Test::Utils::tempdir('pgbench');

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . <<'CONF');
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 2
min_parallel_table_scan_size = 0
CONF
	$node->start;
	$zone->start('--workers', 2);
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION hedb;
CREATE TABLE x AS SELECT g AS n, enc_int4_encrypt(g) AS a FROM generate_series(1, 2000) g;
CREATE INDEX x_a ON x (a);
CREATE ROLE somebody LOGIN;
CREATE TABLE big AS SELECT enc_int4_encrypt(g * 7919 % 20000) AS a FROM generate_series(1, 20000) g;
ALTER TABLE big SET (parallel_workers = 2), OWNER TO somebody;
GRANT CREATE ON SCHEMA public TO somebody;
ANALYZE;
SQL
	return;
}

# psql's output, in a session of its own
sub session {
	my ($user, @statements) = @_;
	my $out = '';
	IPC::Run::run(['psql', '-XAtq', '-d', $node->connstr('postgres') . " user=$user",
			map { ('-c', $_) } @statements], '>&', \$out);
	return $out;
}

# The library is loaded in the middle of a parallel operation.
sub first_use {
	my $me = $node->safe_psql('postgres', 'SELECT current_user');
	my $few = q{SELECT count(*) FROM big WHERE a < (SELECT a FROM big WHERE a = '777')};

	is(session($me, 'CREATE INDEX big_1 ON big (a)'), '', 'parallel CREATE INDEX comes first');
	is(session($me, q{SET hedb.mode = 'client'}, 'SET enable_seqscan = off',
		'CREATE INDEX big_2 ON big (a)', 'DROP INDEX big_1', $few), "777\n",
		'and what was set before holds in it and afterwards');
	# A worker has the leader's settings only, so it may find none.
	like(session('somebody', q{SET hedb.region = '/nonexistent'}, 'CREATE INDEX big_3 ON big (a)'),
		qr/\A(ERROR:  hedb\.region is not set\n.*)?\z/s, 'somebody cannot choose the region beforehand');
	like(session($me, q{SET hedb.region = '/nonexistent'}, 'CREATE INDEX big_4 ON big (a)'),
		qr/nonexistent/, 'a superuser can');
	return;
}

sub command {
	my ($name, $text, @options) = @_;
	append_to_file("$scripts/$name", $text);
	return ['pgbench', '-n', @options, '-f', "$scripts/$name", $node->connstr('postgres')];
}

# Each reader sees in the index what it sees in the table, whatever happens meanwhile.
sub concurrent {
	local $ENV{PGOPTIONS} =
		'-c hedb.mode=client -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=on';
	my ($written, $read) = ('', '');
	my $writer = IPC::Run::start(command('write', <<'SQL', qw(-c 2 -T 8)), '>&', \$written);
\set n random(1, 2000)
INSERT INTO x SELECT :n + g, enc_int4_encrypt(:n + g) FROM generate_series(1, 20) g;
SQL
	my $reader = IPC::Run::start(command('read', <<'SQL', qw(-c 2 -T 8)), '>&', \$read);
SELECT 1 / ((SELECT count(*) FROM x WHERE a BETWEEN '500' AND '1500')
	= (SELECT count(*) FROM x WHERE n BETWEEN 500 AND 1500))::int;
SELECT 1 / ((SELECT array_agg(n) FROM (SELECT n FROM x WHERE a < '900' ORDER BY a DESC LIMIT 300) s)
	= (SELECT array_agg(n) FROM (SELECT n FROM x WHERE n < 900 ORDER BY n DESC LIMIT 300) s))::int;
SELECT 1 / ((SELECT count(*) FROM x WHERE a = '77') = (SELECT count(*) FROM x WHERE n = 77))::int;
SQL
	for (1 .. 6) {
		usleep(900_000);
		$zone->stop('KILL');
		$zone->start('--workers', 2);
	}
	ok($writer->finish && $reader->finish, 'inserts, splits, scans, and the zone killed');
	unlike($written . $read, qr/ERROR|aborted/, 'no error, no wrong result');
	note($_) for "$written$read" =~ /(transactions actually processed: .*)/g;
	return;
}

# Round trips of a scan: as many as pages and bounds, and of a descent, two a level.
sub trips {
	my $count = 'SELECT calls FROM hedb_stat_channel()';
	my @out = split(/\n/, $node->safe_psql('postgres', <<"SQL"));
SET hedb.mode = client;
SET enable_seqscan = off;
REINDEX INDEX x_a;
VACUUM x;
SELECT count(*) > 1000 FROM x WHERE a BETWEEN '500' AND '1500';
$count;
SELECT count(*) > 1000 FROM x WHERE a BETWEEN '501' AND '1501';
$count;
SELECT relpages FROM pg_class WHERE relname = 'x_a';
SQL
	is($out[0], 't', 'thousands of entries');
	cmp_ok($out[3] - $out[1], '<', 2 * $out[4] + 20, 'a round trip for each page and bound');
	note("$out[4] pages, " . ($out[3] - $out[1]) . ' round trips');
	return;
}

begin();
first_use();
concurrent();
trips();
$node->stop;
$zone->stop;
