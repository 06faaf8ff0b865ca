# SPDX-License-Identifier: BSD-3-Clause
# What is between the two ends of cxl-tunnel, or beside them, for tunnel.sh.
#
#   between PORT TO WHAT [ARGS]   accept at PORT, carry to port TO and back, and on the way
#       flip UP N                 flip a bit of byte N of that direction (UP 1: to the server)
#       cut UP N                  after N bytes of it end both sides, politely
#       repeat N | drop N | swap N    record N to the server: twice, not at all, with the next
#       reflect                   what the client writes after its greeting comes back to it
#       record FILE               keep what the client writes
#       append WHEN               bytes of our own behind what the client's stream ends with: `at` once,
#                                 in one piece, or `later`
#   impostor PORT                 a server end without the key: answers at random
#   replay PORT FILE              write FILE, print how it ends
#   ask PORT                      PING; print what comes and how it ends
#   stall PORT N                  N connections that say nothing, until killed
#   echo PORT                     a target that answers when the other side has ended: how much
#                                 came, its sum, and as many bytes as it was asked for
#   deaf PORT                     a target that takes connections and never reads
#   push PORT SECONDS             how many bytes one connection takes, 64 KiB at a time
#   halves PORT N SEED            N connections to that, ends in random order; how many were right
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use IO::Select;
use IO::Socket::INET;
use POSIX ();

my ($what, $port, @args) = @ARGV;
$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';

sub door {
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 300,
		ReuseAddr => 1) || die "$port: $!\n";
}

sub dial {
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0] // $port) or die "$!\n";
	return $s;
}

sub say_all {
	my ($s, $text) = @_;
	my $at = 0;
	while ($at < length $text) { $at += syswrite($s, $text, 65536, $at) // return 0 }
	return 1;
}

sub hear_all {
	my $s = shift;
	my ($all, $k) = ('');
	1 while $k = sysread $s, $all, 65536, length $all;
	return ($all, defined $k ? 'end' : "error: $!");
}

# One connection for each that comes, in a process of its own.
sub serve {
	my ($door, $do) = (door(), @_);
	while (1) {
		my $s = $door->accept or next;
		next if fork;
		$do->($s);
		POSIX::_exit(0);
	}
}

# ---- what a hostile network does ----

# The client's bytes: its first message and its header, then records.
sub split_records {
	my ($held, $begun) = @_;
	my @r;
	while ($$begun < 2) { # first message, header
		my $n = (96, 24)[$$begun];
		return @r if length $$held < $n;
		push @r, substr $$held, 0, $n, '';
		$$begun++;
	}
	while (length $$held >= 2) {
		my $n = 2 + unpack 'v', $$held;
		last if length $$held < $n;
		push @r, substr $$held, 0, $n, '';
	}
	return @r;
}

sub carry {
	my ($in, $to, $mode, @a) = @_;
	my $out = dial($to);
	my ($select, @seen) = (IO::Select->new($in, $out), 0, 0);
	my ($held, $begun, $number, $kept) = ('', 0, -3, $mode eq 'append' ? '' : undef);
	my $file;
	if ($mode eq 'record') { open $file, '>:raw', $a[0] or die; $file->autoflush }
	while ($select->count) {
		for my $s ($select->can_read) {
			my $up = $s == $in ? 1 : 0;
			my $other = $up ? $out : $in;
			my $k = sysread $s, my $piece, 65536;
			if (!$k and $up and $mode eq 'append') {
				my $junk = pack('v', 40) . 'x' x 40;
				say_all($other, $a[0] eq 'at' ? $kept . $junk : $kept);
				if ($a[0] ne 'at') { select undef, undef, undef, 0.3; say_all($other, $junk) }
			}
			if (!$k) { shutdown $other, 1; $select->remove($s); next }
			my $from = $seen[$up];
			$seen[$up] += $k;
			if ($mode eq 'flip' and $up == $a[0] and $a[1] >= $from and $a[1] < $from + $k) {
				substr($piece, $a[1] - $from, 1) ^= chr 16;
			} elsif ($mode eq 'cut' and $up == $a[0] and $seen[$up] >= $a[1]) {
				say_all($other, substr $piece, 0, $a[1] - $from);
				return;
			} elsif ($mode eq 'record' and $up) {
				print $file $piece;
			} elsif ($up and $mode eq 'append') { # from the first record on, held until the end
				$held .= $piece;
				$piece = '';
				for my $r (split_records(\$held, \$begun)) {
					if (++$number >= 1) { $kept .= $r } else { $piece .= $r }
				}
			} elsif ($up and $mode =~ /^(repeat|drop|swap|reflect)$/) {
				$held .= $piece;
				$piece = '';
				for my $r (split_records(\$held, \$begun)) {
					$number++;
					if ($mode eq 'reflect' and $number >= 0) { say_all($in, $r); next }
					if ($mode eq 'drop' and $number == $a[0]) { next }
					if ($mode eq 'swap' and $number == $a[0]) { $kept = $r; next }
					$piece .= $r;
					$piece .= $r if $mode eq 'repeat' and $number == $a[0];
					if (defined $kept) { $piece .= $kept; $kept = undef }
				}
			}
			say_all($other, $piece) if length $piece;
		}
	}
}

# ---- ends in any order ----

sub numbers { my ($s, $n) = @_; my $t = ''; $t .= md5_hex($s . length $t) while length $t < $n; return substr $t, 0, $n }

# One line first: how many bytes to send, and whether at once or after the other's end.
sub echo {
	my $s = shift;
	my ($line, $c) = ('');
	$line .= $c while sysread($s, $c, 1) and $c ne "\n";
	my ($n, $first) = split ' ', $line;

	if ($first) {
		say_all($s, numbers('down', $n));
		shutdown $s, 1;
	}
	my ($all, $how) = hear_all($s);
	if ($first) { # too late to answer: into a file of that name
		open my $f, '>', "$args[0]/" . md5_hex($all) or die;
		return;
	}
	say_all($s, numbers('down', $n));
	say_all($s, length($all) . ' ' . md5_hex($all) . " $how");
}

sub half {
	my ($up, $down, $first) = @_;
	my $s = dial();
	my $text = numbers('up', $up);
	say_all($s, "$down $first\n");
	if ($first) { # it ends its direction; then we go on
		my ($all, $how) = hear_all($s);
		return 0 unless $how eq 'end' and $all eq numbers('down', $down);
		say_all($s, $text);
		shutdown $s, 1;
		close $s;
		for (1 .. 100) { return 1 if -e "$args[2]/" . md5_hex($text); select undef, undef, undef, 0.05 }
		return 0;
	}
	my $pid = fork;
	if (!$pid) { say_all($s, $text); shutdown $s, 1; POSIX::_exit(0) }
	my ($all, $how) = hear_all($s);
	return $how eq 'end' && $all eq numbers('down', $down) . length($text) . ' ' . md5_hex($text) . ' end';
}

if ($what eq 'between') {
	my ($to, $mode, @a) = @args;
	serve(sub { carry($_[0], $to, $mode, @a) });
} elsif ($what eq 'impostor') {
	serve(sub { sysread $_[0], my $first, 96; say_all($_[0], numbers('x', 72)); sleep 2 });
} elsif ($what eq 'replay') {
	open my $f, '<:raw', $args[0] or die;
	my $s = dial();
	say_all($s, do { local $/; <$f> });
	my ($all, $how) = hear_all($s);
	print length($all), " $how\n";
} elsif ($what eq 'ask') {
	my $s = dial();
	my ($all, $how) = ('');
	say_all($s, "PING\r\n") or print("error: $!\n"), exit; # reset before it was written
	my $k = sysread $s, $all, 65536;
	$how = defined $k ? $k ? '' : 'end' : "error: $!";
	$all =~ s/\r\n/ /g;
	print "$all$how\n";
} elsif ($what eq 'stall') {
	my @s = map { dial() } 1 .. $args[0];
	print "ready\n";
	sleep 60;
} elsif ($what eq 'echo') {
	serve(\&echo);
} elsif ($what eq 'deaf') {
	serve(sub { sleep 60 });
} elsif ($what eq 'push') {
	my ($s, $text, $n, $until) = (dial(), 'x' x 65536, 0, time + $args[0]);
	$s->blocking(0);
	while (time < $until) {
		my $k = syswrite $s, $text;
		if ($k) { $n += $k } else { select undef, undef, undef, 0.01 }
	}
	print "$n\n";
	sleep 60;
} elsif ($what eq 'halves') {
	srand $args[1];
	my $right = 0;
	for (1 .. $args[0]) {
		my @n = map { int rand(2) ? int rand 300000 : int rand 100 } 0, 1;
		$right++ if half(@n, int rand 2);
	}
	print "$right\n";
} else {
	die "usage: see the file's head\n";
}
