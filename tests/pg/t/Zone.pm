# SPDX-License-Identifier: BSD-3-Clause
#
# Zone.pm - an ops_server of the test's own: region, keys, credential, process.
#
#     my $zone = Zone->new('--ops-channels', 128);  # options of `hedbctl region format`
#     $node->append_conf('postgresql.conf', $zone->conf);
#     $zone->start('--workers', 2);                 # options of ops_server; it answers then
#     $zone->signal('STOP');
#     $zone->key('rotate');
#     $zone->reload;
#     $zone->stop('KILL');                          # TERM without an argument
#
# ops_server and hedbctl are found by PATH. The region lies in a directory of its own under
# /dev/shm; that directory and the process go away with the test, however it ends.
package Zone;
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp ();
use IPC::Run ();
use POSIX ();
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

my @all;
$SIG{TERM} = $SIG{INT} = sub { die "signal $_[0]\n" }; # or END would not run

END {
	my $status = $?;
	for my $zone (grep { $_->{owner} == $$ } @all) {
		$zone->stop('KILL');
		remove_tree($zone->{shm});
	}
	$? = $status;
}

sub new {
	my ($class, @options) = @_;
	my $base = PostgreSQL::Test::Utils::tempdir('zone');
	my $shm = File::Temp::tempdir('/dev/shm/hedb.XXXXXX'); # END removes it, also on failure
	my $zone = bless {
		owner => $$,
		shm => $shm,
		region => "$shm/region",
		keys => "$base/keys",
		credential => "$base/credential",
		log => "$PostgreSQL::Test::Utils::log_path/ops_server",
	}, $class;

	push @all, $zone;
	system_or_bail('hedbctl', 'region', 'format', $zone->{region}, @options);
	system_or_bail('hedbctl', 'key', 'create', $zone->{keys});
	system_or_bail('hedbctl', 'key', 'credential', $zone->{credential});
	return $zone;
}

# what postgresql.conf has to say to reach this zone, in both modes
sub conf {
	my $zone = shift;
	return "hedb.region = '$zone->{region}'\n"
		. "hedb.client_credential = '$zone->{credential}'\n";
}

sub pid { return $_[0]->{pid}; }

sub start {
	my ($zone, @options) = @_;
	my $pid = fork() // die "fork: $!\n";

	if ($pid == 0) {
		open(STDOUT, '>>', $zone->{log}) && open(STDERR, '>&', \*STDOUT)
			&& exec('ops_server', '--region', $zone->{region}, '--keys', $zone->{keys},
				'--credential', $zone->{credential}, @options);
		POSIX::_exit(127); # END is the parent's
	}
	$zone->{pid} = $pid;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default) {
		return if IPC::Run::run(['hedbctl', 'ping', $zone->{region}, '--count', 1],
			'>&', \my $out);
		usleep(100_000);
	}
	die "ops_server does not answer:\n" . slurp_file($zone->{log});
}

sub signal {
	my ($zone, $signal) = @_;
	kill($signal, $zone->{pid}) or die "kill -$signal $zone->{pid}: $!\n";
	return;
}

# hedbctl's commands about its keys: $zone->key('rotate')
sub key {
	my ($zone, $command, @options) = @_;
	system_or_bail('hedbctl', 'key', $command, $zone->{keys}, @options);
	return;
}

# It has read keys and policy anew when it says so.
sub reload {
	my $zone = shift;
	my $before = () = slurp_file($zone->{log}) =~ /reloaded/g;

	$zone->signal('HUP');
	for (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default) {
		return if (() = slurp_file($zone->{log}) =~ /reloaded/g) > $before;
		usleep(10_000);
	}
	die "no reload:\n" . slurp_file($zone->{log});
}

sub stop {
	my ($zone, $signal) = @_;
	my $pid = delete $zone->{pid} // return;
	kill($signal // 'TERM', $pid);
	waitpid($pid, 0);
	return;
}

# Requests that it has answered so far.
sub requests {
	my ($zone) = @_;

	IPC::Run::run(['hedbctl', 'status', $zone->{region}], '>', \my $out)
		or die "hedbctl status failed\n";
	$out =~ /^requests (\d+)$/m or die "hedbctl does not say how many requests there were:\n$out";
	return $1;
}

# True as soon as that many channels have an owner. A session's end is seen a little later.
sub poll_claimed {
	my ($zone, $expected) = @_;
	my $claimed;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default) {
		IPC::Run::run(['hedbctl', 'region', 'show', $zone->{region}], '>', \my $out)
			or die "hedbctl region show failed\n";
		($claimed) = $out =~ /^service ops channels \d+ claimed (\d+) /m
			or die "hedbctl does not say how many channels are claimed:\n$out";
		return 1 if $claimed == $expected;
		usleep(100_000);
	}
	print "# $claimed channels are claimed, not $expected\n";
	return 0;
}

1;
