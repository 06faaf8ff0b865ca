# SPDX-License-Identifier: BSD-3-Clause
# What no redis-cli does to its connection, for proxy.sh. A unix socket's path, and:
#
#   half                send two commands, shut down that half, print what comes until the end
#   slow KEY N BYTES    ask for KEY N times, wait for a line on standard input, read BYTES
#   many N              N connections at once, a PING on each; how many got what
#   hold FILE           BLPOP; FILE when it is sent; how the connection ends
#   trickle N S         N connections, on each a byte every 50 ms for S s; how many ended
#   push KEY FILE       RESP3, tracking: read KEY, then FILE, print the message that comes
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $what, @args) = @ARGV;

sub dial {
	my $s = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
	return $s;
}

sub tell_all { my ($s, $text) = @_; syswrite($s, $text) == length $text or die "write: $!\n" }

# All that comes, until the connection ends; its length; and how it ended.
sub hear_all {
	my ($s, $keep) = @_;
	my ($all, $n, $k, $piece) = ('', 0);
	while ($k = sysread $s, $piece, 65536) { $n += $k; $all .= $piece if $keep }
	return ($all, $n, defined $k ? 'end' : "error: $!");
}

sub mark { open my $f, '>', $_[0] or die; close $f }

if ($what eq 'half') {
	my $s = dial();
	tell_all($s, "SET half 1\r\nGET half\r\n");
	shutdown $s, 1;
	my ($all, undef, $how) = hear_all($s, 1);
	$all =~ s/\r\n/ /g;
	print "$all$how\n";
} elsif ($what eq 'slow') {
	my ($key, $n, $bytes) = @args;
	my $s = dial();
	my ($got, $k) = (0, 1);
	tell_all($s, "GET $key\r\n" x $n);
	<STDIN>;
	while ($got < $bytes and $k) { $k = sysread $s, my $piece, 65536; $got += $k || 0 }
	print "$got\n";
} elsif ($what eq 'many') {
	my @s = map { dial() } 1 .. $args[0];
	my %got;
	$_->syswrite("PING\r\n") for @s;
	for my $s (@s) {
		sysread $s, my $line, 400;
		$line =~ s/\r\n//;
		$line =~ s/all \d+ channels/all channels/;
		if ($line =~ /^-/) {
			my (undef, undef, $how) = hear_all($s, 0);
			$line .= ", $how";
		}
		$got{$line}++;
	}
	print "$got{$_} $_\n" for sort keys %got;
} elsif ($what eq 'hold') {
	my $s = dial();
	tell_all($s, "BLPOP held 0\r\n");
	mark($args[0]);
	my ($all, undef, $how) = hear_all($s, 1);
	print "$all$how\n";
} elsif ($what eq 'trickle') {
	my ($n, $seconds) = @args;
	my @s = map { dial() } 1 .. $n;
	my $until = time + $seconds;
	my %ended;
	$SIG{PIPE} = 'IGNORE';
	while (time < $until and keys %ended < $n) {
		for (0 .. $#s) { $ended{$_} = 1 unless defined syswrite $s[$_], 'x' }
		select undef, undef, undef, 0.05;
	}
	print scalar(keys %ended), "\n";
} elsif ($what eq 'push') {
	my ($key, $file) = @args;
	my $s = dial();
	my $got = '';
	tell_all($s, "HELLO 3\r\nCLIENT TRACKING ON\r\nGET $key\r\n");
	while ($got !~ /\+OK\r\n(_|\$-?\d+)\r\n/) { sysread $s, $got, 65536, length $got or die "ended\n" }
	mark($file);
	sysread $s, my $message, 65536;
	$message =~ s/\r\n/ /g;
	print "$message\n";
} else {
	die "usage: socket.pl SOCKET half | slow KEY N BYTES | many N | hold FILE | trickle N S | push KEY FILE\n";
}
