#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# zone.pl - ops_server absent, restarted, killed, stopped; cancelling; channels; one CPU.
#
# A wait of hedb.timeout = 0 ends by what the test does, or never: PG_TEST_TIMEOUT_DEFAULT
# then fails the test. Upper bounds on time are loose, and lower ones say that it did wait.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Client;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 52;
use Time::HiRes qw(time usleep);
use Zone;

my $one = 'SELECT count(*) FROM t WHERE a < b';
my $default_timeout = 10; # seconds: hedb.timeout where a test does not set it
my $zone = Zone->new('--ops-channels', 128);
my $node = PostgreSQL::Test::Cluster->new('main');
my $scripts = PostgreSQL::Test::Utils::tempdir('pgbench');

# what psql prints, errors as SQLSTATE
sub sql {
	my ($out, $err);
	(undef, $out, $err) = $node->psql('postgres', $_[0],
		extra_params => ['-v', 'VERBOSITY=sqlstate']);
	return $out . $err;
}

# a session that waits for a stopped zone without a time limit
sub waiter {
	my $client = Client->new($node, 'waiter', 'SET hedb.timeout = 0', 'SET enable_seqscan = off', @_);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE application_name = 'waiter' AND wait_event_type = 'Extension'")
		or die "no session waits for the zone\n";
	return $client;
}

# calls FUNCTION(pid of the waiter) by SQL
sub tell_waiter {
	sql("SELECT $_[0](pid) FROM pg_stat_activity WHERE application_name = 'waiter'");
	return;
}

# since $t0 that many seconds have passed
sub took {
	my ($t0, $min, $max, $name) = @_;
	my $s = time - $t0;
	ok($s >= $min && $s <= $max, $name) or diag("$s s, not $min..$max");
	return;
}

# SIGCONT in a second from now, while the caller waits for a query
sub continue_soon {
	my $pid = fork() // die "fork: $!\n";
	return $pid if $pid;
	sleep 1;
	kill('CONT', $zone->pid);
	POSIX::_exit(0);
}

sub pgbench_command {
	my ($script, $text, @options) = @_;
	append_to_file("$scripts/$script", $text) unless -e "$scripts/$script";
	return ['pgbench', '-n', @options, '-f', "$scripts/$script", $node->connstr('postgres')];
}

# true when every session of it ran to its end
sub pgbench {
	my ($log, @args) = @_;
	return IPC::Run::run(pgbench_command(@args), '>&', $log) && $$log !~ /aborted/;
}

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . <<'CONF');
max_connections = 260
max_parallel_workers_per_gather = 0
restart_after_crash = on
CONF
	$node->start;
	$zone->start('--workers', 2);
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION hedb;
CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int4_encrypt(1001 - g) AS b
	FROM generate_series(1, 1000) g;
UPDATE t SET b = a WHERE id = 500;
CREATE TABLE k (a enc_int4 PRIMARY KEY);
INSERT INTO k SELECT a FROM t WHERE id < 800;
SQL
	return;
}

sub absent {
	my $value = sql('CREATE INDEX t_a ON t (a); ANALYZE t; SELECT a FROM t WHERE id = 100');
	$zone->stop;
	my $t0 = time;
	like(sql("SET hedb.timeout = 500; $one"), qr/08006/, 'absent: 08006');
	took($t0, 0.4, $default_timeout, 'absent: after hedb.timeout');
	is(sql('SELECT count(*) FROM t'), 1000, 'absent: plain columns are still there');
	is(sql('SELECT length(a::text) FROM t LIMIT 1'), 44,
		'absent: output in server mode needs no zone');
	like(sql('ANALYZE t; VACUUM t'), qr/^\S* WARNING:  01000$/,
		'absent: analyze warns, vacuum needs no zone');
	is(sql(q{SELECT stawidth FROM pg_statistic WHERE starelid = 't'::regclass AND staattnum = 2}),
		32, 'absent: analyze did the rest');
	like(sql("EXPLAIN SELECT * FROM t WHERE a < '$value'"), qr/rows=333 /,
		'absent: the planner does without an estimate');
	my $waiter = waiter($one);
	$zone->start;
	like(sql("EXPLAIN SELECT * FROM t WHERE a < '$value'"), qr/rows=(\d\d|1[01]\d) /,
		'and with one where the zone is there');
	sql('DROP INDEX t_a');
	is($waiter->output, 499, 'absent: a query waits for the server to come');
	return;
}

sub restarted {
	my $session = $node->background_psql('postgres');
	is($session->query($one), 499, 'restarted: a session before');
	$zone->stop;
	$zone->start;
	is($session->query($one), 499, 'restarted: the same session after');
	$session->quit;
	return;
}

# A session names its time zone's rules by their digest, which a successor does not know.
sub successor_and_time_zone {
	my $session = $node->background_psql('postgres');
	my $midnight = q{SELECT date_trunc('day', x)::text FROM (SELECT '2024-07-04 01:00+00'::enc_timestamptz AS x OFFSET 0) s};

	$session->query($_) for 'SET hedb.mode = client', q{SET timezone = 'America/New_York'};
	is($session->query($midnight), '2024-07-03 00:00:00-04', 'time zone: its rules') for 1 .. 2;
	$zone->stop;
	$zone->start;
	is($session->query($midnight), '2024-07-03 00:00:00-04', 'time zone: a successor gets them')
		for 1 .. 2;
	$session->query(q{SET timezone = 'Europe/Berlin'});
	is($session->query($midnight), '2024-07-04 00:00:00+02', 'time zone: another one');
	$session->quit;
	return;
}

sub killed {
	my ($kills, $log) = (0, '');
	local $ENV{PGOPTIONS} = '-c hedb.mode=client';
	my $command = pgbench_command('load.sql', <<'SQL', qw(-c 4 -j 2 -T 8));
SELECT 1 / (count(*) = 499)::int FROM t WHERE a < b;
SELECT 1 / (sum(a) = 500500::enc_int8)::int FROM t;
SELECT 1 / (count(*) = 1)::int FROM t WHERE a + b = 1001 AND b = 500;
SELECT 1 / bool_and(ok)::int FROM (SELECT id > lag(id, 1, 0) OVER (ORDER BY a) AS ok FROM t) s;
SQL
	my $load = IPC::Run::start($command, '>&', \$log);
	while ($load->pumpable) {
		usleep(700_000);
		$zone->stop('KILL');
		$kills++;
		$zone->start;
		$load->pump_nb;
	}
	ok($load->finish, 'killed under load: pgbench ends well');
	unlike($log, qr/ERROR|aborted/, 'killed under load: no error, no wrong result');
	cmp_ok($kills, '>', 1, 'killed under load: more than once');
	note("killed $kills times; $1") if $log =~ /(transactions actually processed: .*)/;
	return;
}

sub stopped {
	$zone->signal('STOP');
	my $t0 = time;
	like(sql("SET hedb.timeout = 700; $one"), qr/08006/, 'stopped: 08006');
	took($t0, 0.6, $default_timeout, 'stopped: after hedb.timeout');
	my $pid = continue_soon();
	is(sql($one), 499, 'stopped and continued: the query goes on');
	waitpid($pid, 0);

	# one session: times out, then works again; a late reply is not taken for a new one
	$zone->signal('STOP');
	my $session = Client->new($node, 'session', 'SET hedb.timeout = 300', $one,
		'SET hedb.timeout = 10000', 'SELECT count(*) FROM t WHERE a >= b');
	$pid = continue_soon();
	is($session->output, "ERROR:  08006\n501", 'stopped: the same session recovers');
	waitpid($pid, 0);
	return;
}

# NAME: FUNCTION(pid) ends STATEMENT with STATE while the zone is stopped
sub interrupted {
	my ($name, $function, $state, $statement) = @_;
	my $waiter = waiter($statement);
	my $t0 = time;
	tell_waiter($function);
	like($waiter->output, qr/\b$state\b/, $name);
	took($t0, 0, $default_timeout, "$name: soon");
	return;
}

sub interrupts {
	my $join = 'SELECT id FROM t JOIN k USING (a) WHERE id < 3';
	my $insert = 'INSERT INTO k SELECT a FROM t WHERE id = 900';

	$zone->signal('STOP');
	my $t0 = time;
	like(sql("SET hedb.timeout = 0; SET statement_timeout = 500; $one"), qr/57014/,
		'statement_timeout while waiting');
	took($t0, 0.4, $default_timeout, 'statement_timeout while waiting: soon');
	interrupted('cancel while waiting', 'pg_cancel_backend', '57014', $one);
	# comparisons in an index run under a page's lock
	interrupted('cancel while comparing in an index', 'pg_cancel_backend', '57014', $join);
	interrupted('terminate while comparing in an index', 'pg_terminate_backend', '57P01',
		$insert);
	interrupted('cancel while ranks are fetched', 'pg_cancel_backend', '57014',
		'SELECT id FROM t ORDER BY a');
	interrupted('cancel while an index is built', 'pg_cancel_backend', '57014',
		'CREATE INDEX ON t (b)');
	interrupted('terminate while waiting', 'pg_terminate_backend', '57P01', $one);

	my $waiter = waiter($one);
	ok($node->stop('fast', fail_ok => 1), 'fast shutdown while waiting');
	like($waiter->output, qr/57P01/, 'fast shutdown ends the session that waits');
	$zone->signal('CONT');
	$node->start;
	is(sql($one), 499, 'all well afterwards');
	return;
}

sub backend_killed {
	my $victim = Client->new($node, 'victim', $one, 'SELECT pg_sleep(60)');
	my $who = "FROM pg_stat_activity WHERE application_name = 'victim'";
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $who AND wait_event = 'PgSleep'")
		or die "no victim\n";
	ok($zone->poll_claimed(1), 'a session owns the one claimed channel');
	kill('KILL', sql("SELECT pid $who"));
	$victim->output;
	ok($node->poll_query_until('postgres', $one, 499),
		'a backend killed with -9: the cluster and its channel recover');
	ok($zone->poll_claimed(0), 'its channel is free again');
	return;
}

# Those who have a channel keep it until all others were refused, however long that takes.
sub hold_all {
	my ($log, $compare) = @_;
	my $lock = Client->new($node, 'lock', 'SELECT pg_advisory_lock(1)', 'SELECT pg_sleep(600)');
	my $waiting = "FROM pg_locks WHERE locktype = 'advisory' AND";
	my $run;

	ok($zone->poll_claimed(0), 'every channel is free before');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting granted")
		or die "no lock\n";
	{
		local $ENV{PGOPTIONS} = '-c hedb.channel_wait=error';
		$run = IPC::Run::start(pgbench_command('hold_all.sql',
			"BEGIN;\n$compare\nSELECT pg_advisory_lock_shared(1);\nEND;\n",
			qw(-c 200 -j 4 -t 1)), '>&', $log);
	}
	$node->poll_query_until('postgres', "SELECT (SELECT count(*) = 128 $waiting NOT granted)
		AND (SELECT count(*) = 128 FROM pg_stat_activity WHERE backend_type = 'client backend'
			AND application_name <> 'lock' AND pid <> pg_backend_pid())")
		or diag('not 128 of them hold a channel');
	sql("SELECT pg_terminate_backend(pid) $waiting granted");
	IPC::Run::finish($run);
	$lock->output;
	return;
}

# 200 connections on 128 channels
sub many {
	my $compare = 'SELECT count(*) FROM t WHERE id < 4 AND a < b;';
	my @hold = ('hold.sql', "BEGIN;\n$compare\nSELECT pg_sleep(2);\nEND;\n",
		qw(-c 200 -j 4 -t 1));
	my $log;

	ok(pgbench(\$log, 'short.sql', $compare, qw(-c 200 -j 4 -t 20)),
		'200 connections, 128 channels, short transactions') or diag($log);
	ok(pgbench(\$log, @hold), '200 connections holding channels: the others wait')
		or diag($log);
	hold_all(\$log, $compare);
	like($log, qr/channels of "ops" have a live owner/, 'channel_wait = error: a clear error');
	like($log, qr/transactions actually processed: 128\//,
		'channel_wait = error: only for those beyond 128');
	is(sql($one), 499, '200 connections: all well afterwards');
	ok($zone->poll_claimed(0), '200 connections: every channel is free afterwards');
	return;
}

sub one_cpu {
	my ($all) = qx(taskset -cp $$) =~ /: (\S+)$/;
	my ($cpu) = $all =~ /^(\d+)/;
	my $t0 = time;

	system_or_bail('taskset', '-apc', $cpu, $zone->pid);
	is(sql("SET hedb.timeout = 60000;
		COPY (SELECT pg_backend_pid()) TO PROGRAM 'xargs taskset -apc $cpu >/dev/null';
		$one; SELECT sum(a)::text <> '' FROM t"), "499\nt", 'client and server on one CPU');
	took($t0, 0, 2 * $default_timeout, 'client and server on one CPU: slow, never stuck');
	note(sprintf 'one CPU: %.2f s for 1,000 comparisons and a sum', time - $t0);
	system_or_bail('taskset', '-apc', $all, $zone->pid);
	return;
}

begin();
absent();
restarted();
successor_and_time_zone();
killed();
stopped();
interrupts();
backend_killed();
many();
one_cpu();
