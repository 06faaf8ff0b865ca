#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# pty.pl PROMPT COMMAND... - a person at a terminal: at each prompt types the next line of
# standard input (\r, \e and \xNN mean what they mean in Perl; nothing is added to it).
# Prints what the terminal showed, and the exit status, or after 10 s that there is none.
use strict;
use warnings;
use IPC::Run;

my ($prompt, @command) = @ARGV;
my ($in, $out, $seen) = ('', '', 0);
$ENV{TERM} = 'dumb';
my $h = IPC::Run::start(\@command, '<pty<', \$in, '>pty>', \$out, IPC::Run::timeout(10));
eval {
	while (my $type = <STDIN>) {
		chomp $type;
		$type =~ s/\\(?:([er])|x([0-9a-f]{2}))/$1 ? {e => "\e", r => "\r"}->{$1} : chr hex $2/ge;
		$h->pump until substr($out, $seen) =~ /^\Q$prompt\E\z/m;
		$seen = length $out;
		$in .= $type;
	}
	$h->finish;
};
my $end = $@ ? "none: $@" : $h->full_result(0);
$h->kill_kill if $@;
print $out =~ s/\r\n/\n/gr, "= $end\n";
