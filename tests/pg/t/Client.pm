# SPDX-License-Identifier: BSD-3-Clause
#
# Client.pm - psql in the background: statements in one session, errors as SQLSTATE.
#
#     my $client = Client->new($node, 'name', 'SELECT 1', ...);  # name: its application_name
#     is($client->output, '1');                                  # waits for its end
package Client;
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Utils;

sub new {
	my ($class, $node, $name, @statements) = @_;
	my $client = bless {out => ''}, $class;
	$client->{run} = IPC::Run::start(
		['psql', '-XAtq', '-v', 'VERBOSITY=sqlstate',
			'-d', $node->connstr('postgres') . " application_name=$name",
			map { ('-c', $_) } @statements],
		'>&', \$client->{out}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $client;
}

sub output {
	my $client = shift;
	$client->{run}->finish;
	chomp $client->{out};
	return $client->{out};
}

1;
