# SPDX-License-Identifier: BSD-3-Clause
#
# zone.pl - hedb while ops_server is absent, killed, replaced, stopped; interrupts while a
# backend waits for it; more connections than channels; one processor for all.
#
# Times are compared with nothing but their own time-out: a loaded machine is slow. What must
# not wait for ever runs under hedb.timeout = 0, so that it ends by the interrupt alone.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Zone;

my $zone = Zone->new->start('--workers', 2);
my $node = $zone->cluster('max_connections = 260', 'max_parallel_workers_per_gather = 0',
	'restart_after_crash = on'); # the tests' clusters have it off
my $less = 'SELECT count(*) FROM t WHERE a < b';

# Output and errors (as SQLSTATE) of one session.
sub sql
{
	my ($sql, %option) = @_;
	my ($out, $err) = ('', '');

	$node->psql('test', $sql, stdout => \$out, stderr => \$err, timeout => 180,
		on_error_stop => $option{go_on} ? 0 : 1,
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return "$out$err";
}

# A session of its own in the background; its output is in ${$s->{out}} at the end.
sub background
{
	my ($name, @sql) = @_;
	my $out = '';
	local $ENV{PGAPPNAME} = $name;
	my @command = ('psql', '-XAtq', '-d', $node->connstr('test'), '-v', 'VERBOSITY=sqlstate');

	push @command, '-c', $_ for @sql;
	return { out => \$out, run => IPC::Run::start(\@command, '>&', \$out) };
}

sub ended
{
	my $s = shift;
	$s->{run}->pump_nb while $s->{run}->pumpable;
	$s->{run}->finish;
	return ${ $s->{out} };
}

# A backend that waits for a stopped zone, without a time limit.
sub waiter
{
	my $sql = shift // $less;
	my $s = background('waiter', 'SET hedb.timeout = 0', 'SET enable_seqscan = off', $sql);

	$node->poll_query_until('test', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE application_name = 'waiter' AND wait_event_type = 'Extension'")
		or die 'nobody waits';
	return $s;
}

sub pgbench
{
	my ($script, @options) = @_;
	my $file = "$zone->{dir}/load.sql";
	my $out = '';

	append_to_file($file, '');
	open my $f, '>', $file or die;
	print $f $script;
	close $f;
	my $good = IPC::Run::run([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, @options,
			'-f', $file, 'test' ], '>&', \$out);
	return ($good && $out !~ /aborted/, $out);
}

$node->safe_psql('test', <<'SQL');
CREATE TABLE t AS SELECT g AS id, enc_int4_encrypt(g) AS a, enc_int4_encrypt(1001 - g) AS b
	FROM generate_series(1, 1000) g;
UPDATE t SET b = a WHERE id = 500;
CREATE TABLE k (a enc_int4 PRIMARY KEY);
INSERT INTO k SELECT a FROM t WHERE id < 800;
SQL
$zone->stop;

# ---- absent ----
my $t0 = time;
like(sql("SET hedb.timeout = 500; $less"), qr/08006/, 'absent: 08006');
cmp_ok(time - $t0, '>=', 0.4, 'absent: after hedb.timeout, not before');
is(sql('SELECT count(*) FROM t'), 1000, 'absent: ciphertext is still there');
is(sql('SELECT length(a::text) FROM t LIMIT 1'), 48, 'absent: output in server mode');
is(sql('ANALYZE t; VACUUM t'), '', 'absent: analyze and vacuum');
my $s = background('patient', 'SET hedb.timeout = 0', $less);
sleep 1;
$zone->start('--workers', 2);
is(ended($s), "499\n", 'absent: a query waits for the server to come');

# ---- killed under load ----
{
	my $out = '';
	open my $f, '>', "$zone->{dir}/killed.sql" or die;
	print $f <<'SQL';
SELECT 1 / (count(*) = 499)::int FROM t WHERE a < b;
SELECT 1 / (sum(a) = 500500::enc_int8)::int FROM t;
SELECT 1 / (count(*) = 1)::int FROM t WHERE a + b = 1001 AND b = 500;
SQL
	close $f;
	local $ENV{PGOPTIONS} = '-c hedb.mode=client -c hedb.timeout=120000';
	my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-j', 2, '-T', 8, '-h', $node->host,
			'-p', $node->port, '-f', "$zone->{dir}/killed.sql", 'test' ], '>&', \$out);
	my $kills = 0;
	my $end = time + 8;
	while (time < $end)
	{
		sleep 0.7;
		$zone->kill9;
		$kills++;
		$zone->start('--workers', 2);
	}
	$load->finish;
	is($load->result(0), 0, "killed $kills times under load: no error") or diag $out;
	unlike($out, qr/ERROR|aborted/, 'killed: no wrong result');
	my ($n) = $out =~ /actually processed: (\d+)/;
	cmp_ok($n // 0, '>', 0, 'killed: transactions went through');
}

# ---- stopped ----
$zone->signal('STOP');
$t0 = time;
like(sql("SET hedb.timeout = 700; $less"), qr/08006/, 'stopped: 08006');
cmp_ok(time - $t0, '>=', 0.6, 'stopped: after hedb.timeout, not before');
$s = background('stopped', 'SET hedb.timeout = 0', $less);
sleep 0.5;
$zone->signal('CONT');
is(ended($s), "499\n", 'stopped and continued: the query goes on');
$zone->signal('STOP');
$s = background('late', 'SET hedb.timeout = 300', $less, 'SET hedb.timeout = 0',
	'SELECT count(*) FROM t WHERE a >= b');
sleep 1;
$zone->signal('CONT');
like(ended($s), qr/08006\n501\n\z/, 'stopped: the same backend recovers, late replies are not taken');

# ---- interrupts ----
$zone->signal('STOP');
my $who = "FROM pg_stat_activity WHERE application_name = 'waiter'";
like(sql("SET hedb.timeout = 0; SET statement_timeout = 500; $less"), qr/57014/,
	'statement_timeout while waiting');
$s = waiter();
sql("SELECT pg_cancel_backend(pid) $who");
like(ended($s), qr/57014/, 'cancel while waiting');
# comparisons in an index run under a page's lock
$s = waiter('SELECT id FROM t JOIN k USING (a) WHERE id < 3');
sql("SELECT pg_cancel_backend(pid) $who");
like(ended($s), qr/57014/, 'cancel while comparing in an index');
$s = waiter('INSERT INTO k SELECT a FROM t WHERE id = 900');
sql("SELECT pg_terminate_backend(pid) $who");
like(ended($s), qr/57P01/, 'terminate while comparing in an index');
$s = waiter();
sql("SELECT pg_terminate_backend(pid) $who");
like(ended($s), qr/57P01/, 'terminate while waiting');
$s = waiter();
$node->stop('fast');
ok(!-e $node->data_dir . '/postmaster.pid', 'fast shutdown while waiting');
ended($s);
$zone->signal('CONT');
$node->start;
is(sql($less), 499, 'all well afterwards');

# ---- a backend killed ----
$s = background('victim', $less, 'SELECT pg_sleep(60)');
$node->poll_query_until('test', "SELECT count(*) = 1 FROM pg_stat_activity
	WHERE application_name = 'victim' AND wait_event = 'PgSleep'") or die 'no victim';
kill 'KILL', sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'");
ended($s);
$node->poll_query_until('test', 'SELECT true') or die;
is(sql($less), 499, 'a backend killed with -9: the cluster and its channel recover');
my ($show, $err) = run_command([ 'hedbctl', 'region', 'show', $zone->{region} ]);
unlike($show, qr/victim/, 'its channel is free again');

# ---- 200 connections on 128 channels ----
my $hold = "BEGIN;\nSELECT count(*) FROM t WHERE id < 4 AND a < b;\nSELECT pg_sleep(2);\nEND;\n";
my ($good, $out) = pgbench("SELECT count(*) FROM t WHERE id < 4 AND a < b;\n", '-c', 200, '-j', 4,
	'-t', 20);
ok($good, '200 connections, 128 channels, short transactions') or diag $out;
{
	local $ENV{PGOPTIONS} = '-c hedb.timeout=0';
	($good, $out) = pgbench($hold, '-c', 200, '-j', 4, '-t', 1);
	ok($good, '200 connections holding channels: the others wait') or diag $out;
	local $ENV{PGOPTIONS} = '-c hedb.channel_wait=error -c hedb.timeout=0';
	($good, $out) = pgbench($hold, '-c', 200, '-j', 4, '-t', 1);
	like($out, qr/channels of "ops" have a live owner/, 'channel_wait = error: a clear error');
	my ($n) = $out =~ m{actually processed: (\d+)/};
	cmp_ok($n // 0, '<=', 199, "channel_wait = error: not for all ($n of 200 went through)");
	cmp_ok($n // 0, '>=', 120, 'channel_wait = error: only for those beyond the channels');
}
is(sql($less), 499, 'channels are free afterwards');

# ---- one processor for client and server ----
run_log([ 'taskset', '-apc', 0, $zone->{pid} ]) or die;
is(sql("SET hedb.timeout = 0;
	COPY (SELECT pg_backend_pid()) TO PROGRAM 'xargs taskset -apc 0 >/dev/null';
	$less; SELECT sum(a)::text <> '' FROM t"), "499\nt",
	'client and server on one processor: slow, never stuck');

$node->stop('fast');
$zone->stop;
done_testing();
