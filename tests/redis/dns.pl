#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# dns.pl - a name server at 127.0.0.1:53 for names that end in .test: late.test has the address
# 127.0.0.1, a second and a half after it was asked for; gone.test is none; all others are never
# answered. Writes each name that it is asked for into LOG. In a network namespace of its own, whose
# loopback device it starts.
#
# usage: dns.pl LOG
use strict;
use warnings;
use Socket;

my $log = shift;
socket(my $s, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
my $up = pack('a16 s x22', 'lo', 0x41);
ioctl($s, 0x8914, $up) or die "lo: $!"; # SIOCSIFFLAGS: up, running
bind($s, pack_sockaddr_in(53, inet_aton('127.0.0.1'))) or die "bind: $!";
open(my $out, '>', $log) or die "$log: $!";
$out->autoflush(1);
print $out "ready\n";
while (1) {
	my $from = recv($s, my $query = '', 512, 0) // last;
	my ($id) = unpack('n', $query);
	my ($at, $name) = (12, '');
	while ((my $n = unpack("x$at C", $query)) > 0) {
		$name .= substr($query, $at + 1, $n) . '.';
		$at += $n + 1;
	}
	my $type = unpack('x' . ($at + 1) . ' n', $query);
	print $out "$name\n";
	my $question = substr($query, 12, $at + 5 - 12);
	send($s, pack('n6', $id, 0x8183, 1, 0, 0, 0) . $question, 0, $from) if $name eq 'gone.test.';
	next if $name ne 'late.test.';
	my @a = $type == 1 ? (pack('n n n N n a4', 0xc00c, 1, 1, 0, 4, inet_aton('127.0.0.1'))) : ();
	next if fork;
	select undef, undef, undef, 1.5;
	send($s, pack('n6', $id, 0x8180, 1, scalar @a, 0, 0) . $question . join('', @a), 0, $from);
	exit;
}
