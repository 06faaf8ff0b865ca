# SPDX-License-Identifier: BSD-3-Clause
#
# TwinsTime.pm - for Twins.pm: expressions of dates, timestamps and intervals.
#
#     TwinsTime::knows($type)
#     TwinsTime::value($type)          the text of a literal
#     TwinsTime::expr($type, $sub)     $sub->($type): an argument
#     TwinsTime::field($type, $sub)    a field of one of these types, as numeric
#
# What may go out of range, or is infinite where that is an error, is left out when
# $Twins::safe. Not generated: date_part (enc_int4 here, double precision there) and texts
# of timestamptz outside the tables (they would need TimeZone to stay the same).
package TwinsTime;
use strict;
use warnings;

sub pick { return $_[int rand @_]; }

my @years = ('2000-01-01', '1999-12-31', '2024-02-29', '1970-01-01', '2024-03-10', '2024-11-03',
	'1900-03-01', '2005-01-01', '2020-12-31', 'infinity', '-infinity');
my @edges = ('5874897-12-31', '294276-12-31', '4714-11-24 BC', '0001-01-01', '0001-12-31 BC',
	'0044-03-15 BC', '2500-07-04', '1883-11-18');
my @clocks = ('00:00', '02:30', '01:30:00.5', '23:59:59.999999', '12:34:56.789');
our @intervals = ('0', '1 month', '-1 month', '1 year 2 months 3 days 04:05:06.789', '24:00', '1 day',
	'30 days', '-25:00:01', '13 months', '400 days', '-1 year 1 day -00:00:00.000001', '100 years');
my @wide = ('2147483647 days', '-2147483648 days', '178000000 years', '-178000000 years',
	'2562047788:00');
my @trunc = qw(microseconds milliseconds second minute hour day week month quarter year decade
	century millennium);
my @fields = (@trunc, qw(dow doy isodow isoyear julian epoch));
my %of = map { $_ => 1 } qw(date timestamp timestamptz interval);

sub knows { return $of{ $_[0] }; }

sub value {
	my $type = shift;
	return pick(@intervals, $Twins::safe ? () : @wide) if $type eq 'interval' && rand() < 0.8;
	return join ' ', int(rand 40) - 20, 'months', int(rand 100) - 50, 'days',
		int(rand 100000) - 50000, 'seconds' if $type eq 'interval';
	my $day = rand() < 0.5 ? pick(@years, $Twins::safe ? () : @edges)
		: sprintf '%04d-%02d-%02d', 1950 + rand 100, 1 + rand 12, 1 + rand 28;
	# 5874897 is too late for a timestamp
	return $type eq 'date' || $day =~ /infinity|BC|^5874897/ || rand() < 0.2 ? $day
		: "$day " . pick(@clocks);
}

sub either {
	my ($type, $sub) = @_;
	return Twins::shape(pick('least', 'greatest', 'nullif', 'coalesce') . '($0, $1)',
		$sub->($type), $sub->($type));
}

sub expr {
	my ($type, $sub) = @_;
	my $r = rand();
	return either($type, $sub) if $r < 0.1;
	return Twins::shape('CASE WHEN $0 THEN $1 ELSE $2 END', $sub->('cond'), $sub->($type),
		$sub->($type)) if $r < 0.2;
	return interval($sub) if $type eq 'interval';
	return TwinsFormat::read($type, $sub)
		if $r < 0.26 && $type ne 'timestamp' && !$Twins::safe;
	return date($sub) if $type eq 'date';
	return Twins::shape('to_timestamp($0)', [Twins::literal('float8', pick(0, 1e9, 1700000000.123456, -1.5, -62135596800, 1e15, 'NaN', 'Infinity'))])
		if $r < 0.27 && $type eq 'timestamptz' && !$Twins::safe;
	return made($type) if $r < 0.3 && !$Twins::safe;
	return Twins::shape("date_trunc('" . pick(@trunc) . "', \$0)",
		$sub->($type eq 'timestamptz' ? pick('date', $type) : $type)) if $r < 0.4;
	return Twins::cast($type, $sub->(pick('date', $type eq 'timestamp' ? 'timestamptz' : 'timestamp')))
		if $r < 0.5;
	return Twins::shape('date_bin($0, $1, $2)', $sub->('interval'), $sub->($type), $sub->($type))
		if $r < 0.6 && !$Twins::safe;
	return Twins::shape('$0 ' . pick('+', '-') . ' $1', $sub->($type eq 'timestamp' ? pick('date', $type)
		: $type), $sub->('interval')) if $r < 0.9;
	# there it is $1 + $0, and computes $1 first: so $0 must not fail
	return Twins::shape('$0 + $1', [Twins::leaf('interval')], $sub->($type));
}

# Periods, some with an end that is NULL or an interval: of which nothing goes out of range,
# for that would be an error even where another NULL decides.
sub overlaps {
	my ($type, $sub) = @_;
	my $t = pick('date', 'timestamp', 'timestamptz');
	my $any = !$Twins::safe;
	local $Twins::safe = 1;
	my @period = map { rand() < 0.3 && $any
		? ([Twins::literal($t, pick(@years))], [Twins::literal('interval', pick(@intervals))])
		: ($sub->($t), $sub->($t)) } 1, 2;
	return Twins::shape('($0, $1) OVERLAPS ($2, $3)', @period);
}

# Of a time zone only what exists: errors of constants come when the query is planned.
sub made {
	my $type = shift;
	my @fields = $type eq 'timestamptz' ? (pick(-44, 1999, 2024), pick(2, 3, 11), pick(1, 10, 28), pick(0, 2, 23), pick(0, 30, 59))
		: (pick(-44, 0, 2023, 2024, 294277), pick(0, 2, 12), pick(0, 1, 29, 31), pick(-1, 0, 2, 23, 24, 25), pick(-1, 0, 30, 59, 60));
	my $second = pick(0, 1.5, '59.9999999', '0.0000015', $type eq 'timestamptz' ? () : (60, '60.1', -1, 'NaN'));
	return Twins::shape("make_$type(\$0, \$1, \$2, \$3, \$4, \$5)", (map { [Twins::literal('int4', $_)] } @fields),
		[Twins::literal('float8', $second)]);
}

sub date {
	my $sub = shift;
	my $r = rand();
	return Twins::cast('date', $sub->(pick('timestamp', 'timestamptz'))) if $r < 0.4 || $Twins::safe;
	return Twins::shape('$0 ' . pick('+', '-') . ' $1', $sub->('date'), $sub->('int4')) if $r < 0.8;
	return Twins::shape('$0 + $1', [Twins::leaf('int4')], $sub->('date')) if $r < 0.9;
	return Twins::shape('make_date($0, $1, $2)', map { [Twins::literal('int4', $_)] } pick(-44, 0, 2023,
		2024, 5874897), pick(0, 2, 12), pick(0, 1, 29, 31));
}

sub interval {
	my $sub = shift;
	my $r = rand();
	return Twins::shape('make_interval($0, $1, $2, $3, $4, $5, $6)', (map { [Twins::literal('int4', pick(0, 1, -3, int rand 100))] } 1 .. 6),
		[Twins::literal('float8', pick(0, 1.5, -2.25, 59.9999999, $Twins::safe ? () : ('NaN', 'Infinity')))]) if $r > 0.96;
	return Twins::shape('$0 ' . pick('+', '-') . ' $1', $sub->('interval'), $sub->('interval'))
		if $r < 0.3;
	return Twins::shape('- $0', $sub->('interval')) if $r < 0.35;
	return Twins::shape(pick('$0 * $1', '$0 / $1'), $sub->('interval'),
		[(pick(2, -3, 0.1, 1.5, $Twins::safe ? () : (0, '1e10'))) x 2]) if $r < 0.45;
	return Twins::shape('justify_' . pick('days', 'hours', 'interval') . '($0)', $sub->('interval'))
		if $r < 0.55;
	return Twins::shape("date_trunc('" . pick(grep { $_ ne 'week' } @trunc) . "', \$0)",
		$sub->('interval')) if $r < 0.7 || $Twins::safe;
	my $type = pick('timestamp', 'timestamptz');
	return Twins::shape(pick('$0 - $1', 'age($0, $1)'), $sub->($type), $sub->($type));
}

sub field {
	my ($type, $sub) = @_;
	my @f = grep { $type ne 'date' || !/second|minute|hour/ } @fields;
	@f = grep { !/^(week|dow|doy|isodow|isoyear|julian)$/ } @f if $type eq 'interval';
	my $f = $Twins::safe || rand() < 0.9 ? pick(@f) : pick('timezone', 'hour', 'fortnight', 'now');
	return Twins::shape("extract($f FROM \$0)", $sub->($type));
}

1;
