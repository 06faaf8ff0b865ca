#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# release.pl - what separates a version of the SQL script from an earlier one. The earlier
# one is known by its manifest, frozen when it was released: a line for each statement, a
# digest of what it makes and one of how.
#
# usage: release.pl freeze SCRIPT >MANIFEST
#        release.pl upgrade MANIFEST SCRIPT BEFORE >hedb--OLD--NEW.sql
#        release.pl old MANIFEST SCRIPT BEFORE >hedb--OLD.sql
#
# upgrade: statements that are new, and functions, aggregates and views that are made in
# another way: these are replaced. What the earlier version has and this one has not stands in
# BEFORE, by hand: a CREATE, and the DROP that goes into the upgrade. Whatever else changes
# makes a statement that is new, and the test of the upgrade fails (tests/pg/t/upgrade.pl).
# old: the earlier script for that test, by today's statements and those CREATEs.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

# Statements, without comments and psql's lines.
sub statements {
	open(my $f, '<', $_[0]) or die "$_[0]: $!\n";
	my $sql = join '', grep { !/^(--|\\)/ } <$f>;
	return map { s/^\s+//r } $sql =~ /((?:[^;\$']|\$(?!\$)|\$\$.*?\$\$|'[^']*')*;)/gs;
}

# What a statement makes: of what can be replaced its name and arguments.
sub made {
	my $s = shift;
	return $s =~ /^CREATE ((?:FUNCTION|AGGREGATE|VIEW) [^( ]+(?:\([^()]*\))?)/ ? $1 : $s;
}

sub digests { my $s = shift; return (substr(md5_hex(made($s)), 0, 8), substr(md5_hex($s), 0, 4)); }

my ($what, @files) = @ARGV;
if ($what eq 'freeze') {
	print join(' ', digests($_)), "\n" for statements($files[0]);
	exit;
}
open(my $f, '<', $files[0]) or die "$files[0]: $!\n";
my %frozen = map { split } <$f>;
print '-- Made by sql/release.pl. Do not edit.', "\n\\echo Use \"",
	$what eq 'old' ? 'CREATE EXTENSION hedb' : 'ALTER EXTENSION hedb UPDATE',
	"\" to load this file. \\quit\n";
print map { "$_\n" } grep { /^DROP/ } statements($files[2]) if $what eq 'upgrade';
for my $s (statements($files[1]), $what eq 'old' ? grep { !/^DROP/ } statements($files[2]) : ()) {
	my ($made, $how) = digests($s);
	my $known = $frozen{$made};
	next if $what eq 'old' ? !defined $known : defined $known && $known eq $how;
	$s =~ s/^CREATE (FUNCTION|AGGREGATE|VIEW)/CREATE OR REPLACE $1/ if $what eq 'upgrade';
	print "$s\n";
}
