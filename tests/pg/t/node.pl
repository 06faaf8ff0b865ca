#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# node.pl - Zone nodes when something happens in the middle of their batches: cancelling,
# the zone stopped, killed and replaced, other statements meanwhile, rows that change.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Client;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 49;
use Time::HiRes qw(usleep);
use Zone;

my $rows = 40000;
# rows of a Zone; and groups of a Zone Aggregate
my ($rows_query, $groups_query) =
	('SELECT count(DISTINCT id) FROM t WHERE a + b > c', 'SELECT count(*) FROM t WHERE a + b > c');
my $query = $rows_query;
my $zone = Zone->new('--ops-channels', 16, '--ops-ring', '512K');
my $node = PostgreSQL::Test::Cluster->new('main');

# what psql prints, errors as SQLSTATE
sub sql {
	my ($out, $err);
	(undef, $out, $err) = $node->psql('postgres', $_[0],
		on_error_stop => 0, extra_params => ['-v', 'VERBOSITY=sqlstate']);
	return $out . $err;
}

# a client whose first statement waits for that, without a time limit
sub waiter {
	my ($event, @statements) = @_;
	my $client = Client->new($node, 'waiter', 'SET hedb.timeout = 0', @statements);
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = 'waiter' AND wait_event_type = '$event'")
		or die "no session waits for $event\n";
	return $client;
}

sub tell_waiter {
	sql("SELECT $_[0](pid) FROM pg_stat_activity WHERE application_name = 'waiter'
		AND backend_type = 'client backend'");
	return;
}

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . <<'CONF');
shared_preload_libraries = 'hedb'
max_parallel_workers_per_gather = 0
CONF
	$node->start;
	$zone->start('--workers', 2);
	$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION hedb;
CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int4_encrypt(g % 100) AS b,
	enc_int4_encrypt($rows / 2 + 50) AS c FROM generate_series(1, $rows) g;
CREATE UNIQUE INDEX t_id ON t (id);
CREATE SEQUENCE seen;
VACUUM ANALYZE t;
SQL
	like(sql("EXPLAIN $rows_query"), qr/Custom Scan \(Zone\)/, 'the plan has a Zone');
	like(sql("EXPLAIN $groups_query"), qr/Custom Scan \(Zone Aggregate\)/,
		'and a Zone Aggregate');
	return;
}

my $passing;

sub cancelled {
	$passing = sql($query);
	is($passing, sql("SET hedb.enable_batch = off; $query"), 'as without the node');
	$zone->signal('STOP');
	my $client = waiter('Extension', $query, $query);
	tell_waiter('pg_cancel_backend');
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = 'waiter' AND wait_event_type = 'Extension'");
	$zone->signal('CONT');
	like($client->output, qr/57014\n$passing$/s, 'cancelled, and the session goes on');
	$zone->signal('STOP');
	$client = waiter('Extension', $query);
	tell_waiter('pg_terminate_backend');
	like($client->output, qr/57P01|terminat|closed/, 'terminated');
	is(sql("SET statement_timeout = 300; $query") =~ /57014/, 1, 'statement_timeout');
	like(sql("SET hedb.timeout = 300; $query"), qr/08006/, 'hedb.timeout');
	$zone->signal('CONT');
	is(sql($query), $passing, 'and afterwards');
	return;
}

# an error in a subtransaction while batches are under way
sub subtransactions {
	is(sql("BEGIN; DECLARE c CURSOR FOR SELECT id FROM t WHERE a + b > c ORDER BY id;
		DECLARE d NO SCROLL CURSOR FOR SELECT id FROM t WHERE a + b > c;
		FETCH 1 FROM d; SAVEPOINT s; SELECT 1 FROM t WHERE a / (a - a) > b;
		ROLLBACK TO s; MOVE FORWARD ALL FROM d; $query; FETCH 1 FROM d; COMMIT") =~ /22012/,
		1, 'an error in a subtransaction');
	my $out = sql("BEGIN; DECLARE d NO SCROLL CURSOR FOR SELECT id FROM t WHERE a + b > c;
		FETCH 1 FROM d; FETCH 1 FROM d; $query; CLOSE d; $query; COMMIT");
	like($out, qr/^\d+\n\d+\n$passing\n$passing$/, 'a cursor with batches under way');
	$out = sql('DO $$ DECLARE r record; n int = 0; BEGIN
		FOR r IN SELECT id FROM t WHERE a + b > c LOOP n = n + 1;
			BEGIN PERFORM 1 / (n % 10); EXCEPTION WHEN division_by_zero THEN NULL; END;
		END LOOP; RAISE EXCEPTION USING message = n, errcode = \'P0001\'; END $$');
	like($out, qr/P0001/, 'exceptions in a loop over a node');
	return;
}

sub killed {
	$zone->signal('STOP');
	my $client = waiter('Extension', $query);
	$zone->stop('KILL');
	usleep(300_000);
	$zone->start('--workers', 2);
	is($client->output, $passing, 'killed in the middle of batches: the successor goes on');
	$client = Client->new($node, 'busy', ($query) x 20);
	usleep(200_000);
	$zone->stop;
	$zone->start('--workers', 2);
	is($client->output, join("\n", ($passing) x 20), 'restarted under load');
	return;
}

sub limit {
	sql("SELECT setval('seen', 1)");
	like(sql("EXPLAIN SELECT id FROM t WHERE nextval('seen') > 0 AND a + b > a LIMIT 1"),
		qr/Zone/, 'LIMIT with a Zone');
	sql("SELECT id FROM t WHERE nextval('seen') > 0 AND a + b > a LIMIT 1");
	cmp_ok(sql('SELECT last_value FROM seen'), '<', 200, 'LIMIT stops the child early');
	is(sql("SET work_mem = '64kB'; $query"), $passing, 'with little work_mem');
	is(sql("SET hedb.batch = 1; $query"), $passing, 'with batches of one row');
	is(sql("SET hedb.batch = 4096; $query"), $passing, 'with large batches');
	return;
}

# rows that another transaction changes meanwhile
sub changes {
	my $holder = Client->new($node, 'holder', 'BEGIN', 'UPDATE t SET a = b WHERE id = 39000',
		'SELECT pg_sleep(1.5)', 'COMMIT');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE application_name = 'holder' AND wait_event = 'PgSleep'");
	my $client = waiter('Lock', "UPDATE t SET b = b WHERE id > 38990 AND id < 39010
		AND a + b > c RETURNING id");
	$holder->output;
	my @ids = split /\n/, $client->output;
	is(scalar(@ids), 18, 'the row that passes no longer is not updated');
	is(scalar(grep { $_ == 39000 } @ids), 0, 'that one');
	sql('UPDATE t SET a = c WHERE id = 39000');
	is(sql("BEGIN; SELECT id FROM t WHERE id = 39000 AND a + b >= c FOR UPDATE; COMMIT"),
		39000, 'FOR UPDATE');
	is(sql($query), $passing - 1, 'all others');
	return;
}

sub parallel {
	my $settings = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
		SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
	like(sql("$settings EXPLAIN $query"), qr/Gather.*Zone/s, 'a plan with workers');
	is(sql("$settings $query"), $passing - 1, 'parallel workers');
	$zone->signal('STOP');
	my $client = waiter('Extension', (split /;\s*/, $settings), $query);
	tell_waiter('pg_cancel_backend');
	$zone->signal('CONT');
	like($client->output, qr/57014/, 'parallel workers cancelled');
	is($zone->poll_claimed(0), 1, 'all channels are given back');
	return;
}

# a Zone Sort while its request is under way
sub sorted {
	my $by = "SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM t ORDER BY b, a DESC) s";
	my $order = sql("SET hedb.enable_batch = off; $by");
	like(sql("EXPLAIN $by"), qr/Custom Scan \(Zone Sort\)/, 'the plan has a Zone Sort');
	is(sql($by), $order, 'ordered as without the node');
	$zone->signal('STOP');
	my $client = waiter('Extension', $by, $by);
	tell_waiter('pg_cancel_backend');
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = 'waiter' AND wait_event_type = 'Extension'");
	$zone->signal('CONT');
	like($client->output, qr/57014\n$order$/s, 'a sort cancelled, and the session goes on');
	$zone->signal('STOP');
	$client = waiter('Extension', $by);
	$zone->stop('KILL');
	usleep(300_000);
	$zone->start('--workers', 2);
	is($client->output, $order, 'killed in the middle of a sort: the successor goes on');
	$zone->signal('STOP');
	like(sql("SET hedb.timeout = 300; $by"), qr/08006/, 'hedb.timeout in a sort');
	$zone->signal('CONT');
	return;
}

# nothing is asked row by row
sub sort_requests {
	my %of = (
		'two keys' => 'SELECT count(id) FROM (SELECT id FROM t ORDER BY b, a OFFSET 0) s',
		'two keys, merged' => "SET work_mem = '1MB';
			SELECT count(id) FROM (SELECT id FROM t ORDER BY b, a OFFSET 0) s",
		'DISTINCT ON' => 'SELECT count(id) FROM (SELECT DISTINCT ON (b) id FROM t ORDER BY b, a OFFSET 0) s',
		'peers of a window' => 'SELECT max(r) FROM (SELECT rank() OVER (ORDER BY b) AS r FROM t) s',
		'parallel workers' => 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
			SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
			SELECT count(id) FROM (SELECT id FROM t ORDER BY b, a OFFSET 0) s',
	);

	for my $what (sort keys %of) {
		my $before = $zone->requests;

		sql($of{$what});
		cmp_ok($zone->requests - $before, '<', 200, "requests of a sort: $what");
	}
	return;
}

begin();
cancelled();
sorted();
sort_requests();
subtransactions();
killed();
limit();
$query = $groups_query;
cancelled();
killed();
limit();
changes();
parallel();
$node->stop;
$zone->stop;
