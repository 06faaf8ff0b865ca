# SPDX-License-Identifier: BSD-3-Clause
#
# Zone.pm - an ops_server beside a PostgreSQL::Test::Cluster, for the tests in this folder.
#
#     my $zone = Zone->new;        region, keys and credential come from the environment
#     $zone->start(OPTION...)      waits until it answers; returns the object
#     $zone->stop, $zone->kill9    TERM or KILL, and wait
#     $zone->signal('STOP')
#     my $node = $zone->cluster(LINE...)   a running cluster with hedb and database `test`
#
# part_tap.sh makes what it needs and names it in HEDB_TEST_DIR, HEDB_TEST_REGION and
# HEDB_TEST_CREDENTIAL; programs come from PATH. The server ends with the test, whatever
# happens.
package Zone;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

sub new
{
	my $class = shift;
	return bless {
		dir => $ENV{HEDB_TEST_DIR},
		region => $ENV{HEDB_TEST_REGION},
		credential => $ENV{HEDB_TEST_CREDENTIAL},
		log => "$ENV{HEDB_TEST_DIR}/log/ops_server" }, $class;
}

sub start
{
	my ($self, @options) = @_;
	my $pid = fork // die "fork: $!";

	if ($pid == 0)
	{
		open STDOUT, '>>', $self->{log} or die;
		open STDERR, '>&', \*STDOUT or die;
		exec 'ops_server', '--region', $self->{region}, '--keys', "$self->{dir}/keys",
			'--credential', $self->{credential}, @options
			or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	for (1 .. 600)
	{
		return $self if $self->answers;
		sleep 0.1;
	}
	die "ops_server does not start, see $self->{log}";
}

sub answers
{
	my $self = shift;
	return run_log([ 'hedbctl', 'ping', $self->{region}, '--count', 1 ],
		'>', \my $out, '2>', \my $err);
}

sub signal { my ($self, $name) = @_; kill $name, $self->{pid} or die "no ops_server"; return }

sub end
{
	my ($self, $name) = @_;
	my $pid = delete $self->{pid} or return;

	kill $name, $pid;
	kill 'CONT', $pid;
	local $?; # of the test, when it ends
	waitpid $pid, 0;
	return;
}

sub stop { $_[0]->end('TERM'); return }
sub kill9 { $_[0]->end('KILL'); return }
sub DESTROY { $_[0]->end('KILL'); return }

sub cluster
{
	my ($self, @lines) = @_;
	my $node = PostgreSQL::Test::Cluster->new('main');

	$node->init;
	$node->append_conf('postgresql.conf', "$_\n")
		for "hedb.region = '$self->{region}'", "hedb.client_credential = '$self->{credential}'",
		@lines;
	$node->start;
	$node->safe_psql('postgres', 'CREATE DATABASE test');
	$node->safe_psql('test', 'CREATE EXTENSION hedb');
	return $node;
}

1;
