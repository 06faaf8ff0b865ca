# SPDX-License-Identifier: BSD-3-Clause
#
# TwinsFormat.pm - for Twins.pm: values to text and back by templates.
#
#     TwinsFormat::shown('text', $sub)     to_char of a random type
#     TwinsFormat::read($type, $sub)       to_date, to_timestamp, to_number
#
# Templates are made of pieces, so many make no sense, and fail or show something odd: in
# both the same. When $Twins::safe they are from a list of sane ones.
package TwinsFormat;
use strict;
use warnings;
use utf8;

sub pick { return $_[int rand @_]; }

my @words = ('A.D.', 'B.C.', 'AD', 'BC', 'A.M.', 'P.M.', 'AM', 'PM', 'CC', 'DAY', 'DDD', 'DD', 'DY', 'D',
	map({ "FF$_" } 1 .. 6), 'HH24', 'HH12', 'HH', 'IDDD', 'ID', 'IW', 'IYYY', 'IYY', 'IY', 'I', 'J', 'MI', 'MM', 'MONTH', 'MON',
	'MS', 'OF', 'Q', 'RM', 'SSSSS', 'SSSS', 'SS', 'TZH', 'TZM', 'TZ', 'US', 'WW', 'W', 'Y,YYY', 'YYYY', 'YYY', 'YY', 'Y');
my @capital = ('Day', 'Dy', 'Month', 'Mon');
my @between = ('-', '/', ' ', ':', '.', ',', 'x', '_', '"of the"', '"\\"', 'é', '', '', '  ', 'T', 'the');
my @times = ('YYYY-MM-DD', 'YYYY-MM-DD HH24:MI:SS.US', 'Dy, DD Mon YYYY', 'FMMonth FMDDth, YYYY', 'IYYY-"W"IW-ID',
	'HH12:MI:SS AM', 'Q CC J DDD', 'DD.MM.YY', 'YYYYMMDD"T"HH24MISS', 'HH24:MI:SS TZ OF', 'Day RM WW W AD', 'SSSS MS FF3');
my @spans = ('HH24:MI:SS', 'DD HH24 MI SS US', 'YYYY MM DD', 'FMHH24"h"', 'SSSS', 'HH12 MS', 'Y,YYY CC DDD Q WW W YY RM');
my @numbers = ('999', '9,999.99', 'FM9999990.00', '000099', 'S999', '999MI', '999PR', 'FM999th', '99V99', 'RN', '9.9EEEE', 'L9G999D9',
	'99999999999999999999', 'SG999', 'PL999', 'FM99.99', 'B999', '0.0');
my @valid = ('999', '9,999.99', 'FM9999990.00', '000099', 'S999', '999MI', '999PR', '9.9EEEE', 'L9G999D9', 'FM99.99', '0.0');

sub quoted { my $s = shift; $s =~ s/'/''/g; return "'$s'"; }

sub random_time {
	return join '', map {
		my $w = rand() < 0.1 ? pick(@capital) : pick(@words);
		$w = lc $w if rand() < 0.3;
		(rand() < 0.15 ? pick('FM', 'fm', 'TM') : '') . $w . (rand() < 0.1 ? pick('TH', 'th', 'SP') : '') . pick(@between);
	} 1 .. 1 + int rand 4;
}

sub random_number {
	my @parts = map { pick('9' x (1 + int rand 6), '0', '00', '99', '0', ',', '.', 'D', 'G') } 1 .. 1 + int rand 4;
	my $f = join '', @parts;
	$f = pick('S', 'MI', 'PL', 'SG', 'FM', 'L', 'B', '', '', '') . $f if rand() < 0.5;
	$f = 'FM' . $f if rand() < 0.3;
	$f .= pick('S', 'MI', 'PL', 'SG', 'PR', 'th', 'TH', 'V99', 'EEEE', ' x', '"9"', 'RN', '%', 'SP', 'C') if rand() < 0.4;
	$f = lc $f if rand() < 0.1;
	return $f;
}

sub template {
	my $type = shift;
	my @good = $type eq 'interval' ? @spans : $type =~ /^(date|timestamp)/ ? @times : $Twins::safe ? @valid : @numbers;
	return pick(@good) if $Twins::safe || rand() < 0.4;
	return '' if rand() < 0.02;
	return $type =~ /^(date|timestamp|interval)/ ? random_time() : random_number();
}

sub shown {
	my ($text, $sub) = @_;
	my $type = pick('date', 'timestamp', 'timestamp', 'timestamptz', 'timestamptz', 'interval', 'int4', 'int8', 'numeric', 'numeric', 'float4', 'float8');
	$type = pick('timestamp', 'timestamptz', 'int4', 'numeric', 'interval') if $Twins::safe;
	my $f = quoted(template($type));
	my $a = $sub->($type);
	return ("(to_char($a->[0], $f) COLLATE \"C\")", "(to_char($a->[1], $f))");
}

# A text that a template may read: of each piece what it stands for, more or less.
my %reads = (YYYY => sub { pick(1999, 2024, 2000, 12, 2500) }, YYY => sub { pick('024', 1999, 520) }, YY => sub { pick('24', '70', '69', 5) },
	Y => sub { int rand 10 }, MM => sub { sprintf '%02d', int rand 14 }, DD => sub { sprintf '%02d', int rand 33 }, DDD => sub { sprintf '%03d', int rand 370 },
	HH24 => sub { sprintf '%02d', int rand 26 }, HH12 => sub { sprintf '%02d', int rand 14 }, HH => sub { 1 + int rand 12 }, MI => sub { sprintf '%02d', int rand 61 },
	SS => sub { sprintf '%02d', int rand 61 }, MS => sub { pick(5, 25, '025', 250, 999) }, US => sub { pick(5, '000005', 123456, 1234567) },
	FF3 => sub { pick(5, 123, 1239) }, FF1 => sub { int rand 10 }, FF6 => sub { pick(123456, 5) }, MONTH => sub { pick('January', 'may', 'AUGUST', 'Sept') },
	MON => sub { pick('Jan', 'DEC', 'mar', 'xyz') }, DAY => sub { pick('Monday', 'sunday', 'Fri') }, DY => sub { pick('Mon', 'SUN', 'sat') }, D => sub { 1 + int rand 8 },
	RM => sub { pick('IV', 'viii', 'XII', 'I', 'A') }, AM => sub { pick('AM', 'pm', 'xm') }, 'A.M.' => sub { pick('a.m.', 'P.M.', 'pm') }, AD => sub { pick('AD', 'bc', 'x') },
	'B.C.' => sub { pick('b.c.', 'A.D.') }, J => sub { pick(2451545, 2460310, 0, 5) }, Q => sub { 1 + int rand 5 }, WW => sub { sprintf '%02d', int rand 55 },
	W => sub { int rand 6 }, CC => sub { pick(20, 21, 1) }, IYYY => sub { pick(2020, 2015) }, IW => sub { sprintf '%02d', int rand 54 }, ID => sub { 1 + int rand 8 },
	IDDD => sub { sprintf '%03d', int rand 372 }, IYY => sub { '020' }, IY => sub { 20 }, I => sub { 5 }, 'Y,YYY' => sub { pick('2,024', '1,999', '2024') }, SSSS => sub { int rand 90000 }, SSSSS => sub { 12345 },
	TZH => sub { pick('+02', '-05', '03', '+17') }, TZM => sub { pick('30', '00', 61) }, FX => sub { '' }, TZ => sub { 'EST' }, OF => sub { '+01' });
my @reads = sort keys %reads;
my @common = (['YYYY', '-', 'MM', '-', 'DD'], ['YYYY', 'MM', 'DD'], ['DD', ' ', 'MON', ' ', 'YYYY'], ['HH24', ':', 'MI', ':', 'SS'],
	['YYYY', '-', 'MM', '-', 'DD', ' ', 'HH24', ':', 'MI', ':', 'SS', '.', 'US'], ['IYYY', '-', 'IW', '-', 'ID'], ['YYYY', ' ', 'DDD'], ['J'], ['YYYY', '"W"', 'WW'],
	['MONTH', ' ', 'DD', ', ', 'YYYY', ' ', 'AD'], ['HH12', ':', 'MI', ' ', 'AM'], ['CC', ' ', 'YY'], ['YYYY', '-', 'MM', '-', 'DD', ' ', 'HH24', ':', 'MI', ' ', 'TZH', ':', 'TZM'],
	['FX', 'YYYY', '/', 'MM', '/', 'DD'], ['DY', ' ', 'DD', ' ', 'RM', ' ', 'YYYY'], ['YYYY', ' ', 'MM', ' ', 'W']);

sub noise { return pick('', '', '', '', ' ', '  ', '-', 'x', '/'); }

sub read_time {
	my ($f, $text) = ('', '');
	my @parts = rand() < 0.6 ? @{ pick(@common) } : map { (pick(@reads), pick(@between)) } 1 .. 1 + int rand 4;
	for my $p (@parts) {
		my $plain = $p =~ s/"//gr;
		$f .= $reads{$p} ? (rand() < 0.08 ? 'FM' : '') . (rand() < 0.2 ? lc $p : $p) . (rand() < 0.05 ? 'th' : '') : $p;
		my $t = $reads{$p} ? $reads{$p}->() : rand() < 0.85 ? $plain : noise();
		$t .= 'th' if $f =~ /th$/ && $reads{$p} && rand() < 0.7;
		$text .= (rand() < 0.06 ? noise() : '') . $t;
	}
	$text = substr $text, 0, int rand length $text if rand() < 0.05;
	return ($f, $text);
}

sub read_number {
	my $f = template('numeric');
	my $text = pick('', '', '-', '+', ' ', '<') . join('', map { pick(int rand 1000, ',', '.', int rand 10, ' ') } 1 .. 1 + int rand 4) . pick('', '', '-', '+', '>', 'th');
	return ($f, $text);
}

sub read {
	my ($type, $sub) = @_;
	my ($f, $text) = $type eq 'numeric' ? read_number() : read_time();
	my $name = $type eq 'numeric' ? 'to_number' : $type eq 'date' ? 'to_date' : 'to_timestamp';
	return Twins::shape("$name(\$0, " . quoted($f) . ')', [Twins::literal('text', $text)]);
}

1;
