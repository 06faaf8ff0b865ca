#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# programs.pl - view hedb_stat_programs where hedb is in shared_preload_libraries: what all
# sessions did, to whom it shows programs, how many it has, what a crash leaves of it. The
# regression test programs.sql has the view of one process.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 14;
use Zone;

my $zone = Zone->new;
my $node = PostgreSQL::Test::Cluster->new('main');

sub sql { return $node->safe_psql('postgres', join ';', @_); }

# requests of the programs like that
sub requests {
	return sql("SELECT coalesce(sum(requests), 0) FROM hedb_stat_programs WHERE program LIKE '$_[0]'");
}

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . <<'CONF');
shared_preload_libraries = 'hedb'
hedb.stat_programs_max = 20
restart_after_crash = on
max_parallel_workers_per_gather = 0
CONF
	$node->start;
	$zone->start;
	sql('CREATE EXTENSION hedb', 'CREATE TABLE t AS SELECT i, enc_int4_encrypt(i) AS a,
		enc_int4_encrypt(i % 7) AS b FROM generate_series(1, 1000) i', 'ANALYZE t',
		'SELECT hedb_stat_programs_reset()');
	return;
}

sub counted {
	my $filter = 'SELECT count(*) FROM t WHERE a + b > b';
	sql($filter);
	is(sql("SELECT calls, rows, requests > 1, bytes_sent > 64000, bytes_received > 1000,
		arguments LIKE 'enc_int4, enc_int4%' FROM hedb_stat_programs
		WHERE program LIKE '%enc_int4_gt%'"), '1|1000|t|t|t|t', 'a Zone, from another session');
	sql($filter);
	is(sql("SELECT calls, rows FROM hedb_stat_programs WHERE program LIKE '%enc_int4_gt%'"), '2|2000',
		'two of them add up');
	sql('SET hedb.enable_batch = off', 'SELECT a * b + b FROM t WHERE i <= 10');
	is(requests('$1 $2 enc_int4_mult $2 enc_int4_add'), 10, 'a fused expression');
	sql('SET hedb.enable_batch = off', 'SELECT a * b FROM t WHERE i <= 10');
	is(requests('$1 $2 enc_int4_mult'), 10, 'an operation');
	sql('BEGIN', 'SET LOCAL hedb.enable_batch = off', 'SELECT a - b FROM t WHERE i <= 3', 'ROLLBACK');
	is(requests('$1 $2 enc_int4_mi%') + requests('$1 $2 enc_int4_sub%'), 3, 'a transaction that was rolled back');
	return;
}

sub privileges {
	sql('CREATE ROLE other LOGIN', 'GRANT SELECT ON t TO other');
	my $as = sub { return $node->safe_psql('postgres', $_[0], extra_params => ['-U', 'other']); };
	$as->('SELECT a / a FROM t WHERE i = 1');
	is($as->("SELECT count(*) FROM hedb_stat_programs WHERE program NOT LIKE '<%' AND digest IS NOT NULL"), 1,
		'its own programs');
	cmp_ok($as->("SELECT count(*) FROM hedb_stat_programs WHERE program = '<insufficient privilege>'
		AND digest IS NULL AND arguments IS NULL AND requests > 0"), '>', 3, 'of others the figures');
	isnt($node->psql('postgres', 'SELECT hedb_stat_programs_reset()', extra_params => ['-U', 'other']), 0,
		'no reset');
	sql('GRANT pg_read_all_stats TO other');
	is($as->("SELECT count(*) FROM hedb_stat_programs WHERE program LIKE '<%'"), 0, 'pg_read_all_stats: all');
	is(sql('SELECT hedb_stat_programs_reset()', 'SELECT count(*) FROM hedb_stat_programs'), "\n0", 'reset');
	return;
}

# More programs than there is room for; one that is used more stays.
sub bounded {
	sql('SET hedb.enable_batch = off', 'SELECT a * b FROM t WHERE i <= 50');
	for my $n (1 .. 30) {
		sql('SELECT a' . ' + b' x $n . ' FROM t WHERE i = 1');
	}
	cmp_ok(sql('SELECT count(*) FROM hedb_stat_programs'), '<=', 20, 'no more than hedb.stat_programs_max');
	is(requests('$1 $2 enc_int4_mult'), 50, 'the most used is there');
	ok(requests('%' . 'enc_int4_add $2 ' x 25 . '%') > 0, 'and the latest');
	return;
}

sub crash {
	kill('KILL', sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'"));
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM hedb_stat_programs');
	sql('SELECT a * b FROM t WHERE i = 1');
	is(requests('$1 $2 enc_int4_mult'), 1, 'after a crash it begins anew');
	return;
}

begin();
counted();
privileges();
bounded();
crash();
$node->stop;
$zone->stop;
