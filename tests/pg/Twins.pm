# SPDX-License-Identifier: BSD-3-Clause
#
# Twins.pm - random expressions, each twice in step: over plain types and over encrypted
# ones, as ($plain, $enc). The texts differ in the names of types only, so both must have
# the same value or fail with the same SQLSTATE. Text compares COLLATE "C".
#
#     Twins::expr($type, $depth)    int4, int8, numeric, text, bool, or one of TwinsTime's
#     $Twins::columns               names to choose from, by type; undef: constants only
#     $Twins::safe                  only what cannot fail, whatever the columns hold
#
# Not generated: int ^ int with a negative exponent (PostgreSQL: double precision).
package Twins;
use strict;
use warnings;
use utf8;
use TwinsTime;

our $columns;
our $safe = 0;

sub pick { return $_[int rand @_]; }

our @ints4 = (0, 1, -1, 2, -2, 3, 7, 10, 100, -100, 32767, 46340, 46341, 65536, 2147483647,
	-2147483648, 2147483646, -2147483647);
our @ints8 = (@ints4, '2147483648', '-2147483649', '3037000499', '3037000500', '4294967296',
	'9223372036854775807', '-9223372036854775808', '9223372036854775806');
our @numerics = (@ints8, '1.5', '1.50', '-0.001', '0.0', 'NaN', 'Infinity', '-Infinity', '1e30',
	'123456789012345678901234567890.5');
our @chars = ('a', 'b', 'A', 'B', 'z', 'é', 'É', '€', '😀', ' ', '1', '0', '-', '%', '_', '\\', "'");

sub quoted { my $s = shift; $s =~ s/'/''/g; return "'$s'"; }

# A literal as (plain, encrypted).
sub literal {
	my ($type, $value) = @_;
	my $c = $type eq 'text' ? ' COLLATE "C"' : '';
	$c = '' unless defined $value;
	$value = defined $value ? quoted($value) : 'NULL';
	return ("($value" . "::$type$c)", "($value" . "::enc_$type)");
}

sub random_text { return join '', map { pick(@chars) } 1 .. int rand 8; }

# A pattern that has a chance to match the text.
sub random_pattern {
	my @p = split //, random_text();
	my $p = join '', map { rand() < 0.25 ? pick('%', '_', '\\' . $_, '\\') : $_ } @p;
	$p =~ tr/\\//d if $safe; # one at the end is an error
	return $p;
}

sub leaf {
	my $type = shift;
	return (pick(@{ $columns->{$type} })) x 2 if $columns && rand() < 0.7;
	return literal($type, undef) if rand() < 0.06;
	return literal($type, rand() < 0.6 ? pick(@ints4) : int(rand(2000)) - 1000)
		if $type eq 'int4';
	return literal($type, rand() < 0.7 ? pick(@ints8) : int(rand(2e6)) - 1000000) if $type eq 'int8';
	return literal($type, pick(@numerics)) if $type eq 'numeric';
	return literal($type, TwinsTime::value($type)) if TwinsTime::knows($type);
	return literal($type, rand() < 0.2 ? pick(@ints4, ' 12 ', '+5', '0x1', '1.5', '--1', '')
		: random_text());
}

# An infix or function shape with arguments filled into both texts.
sub shape {
	my ($form, @args) = @_;
	my ($p, $e) = ($form, $form);
	for my $i (0 .. $#args) {
		$p =~ s/\$$i/$args[$i][0]/g;
		$e =~ s/\$$i/$args[$i][1]/g;
	}
	return ("($p)", "($e)");
}

sub cast { my ($to, $a) = @_; return ("($a->[0]::$to)", "($a->[1]::enc_$to)"); }

# Of two int4, no sum, difference or product leaves int8.
sub safe_int {
	my ($type, $sub) = @_;
	my $r = rand();
	return shape('$0 ' . pick('+', '-', '*') . ' $1', map { [cast('int8', [leaf('int4')])] } 1, 2)
		if $type eq 'int8' && $r < 0.4;
	return cast('int8', $sub->('int4')) if $type eq 'int8' && $r < 0.5;
	return shape(pick('length($0)', 'octet_length($0)', 'ascii($0)'), $sub->('text'))
		if $type eq 'int4' && $r < 0.1;
	return shape('strpos($0, $1)', $sub->('text'), $sub->('text')) if $type eq 'int4' && $r < 0.2;
	return shape('CASE WHEN $0 THEN $1 ELSE $2 END', $sub->('bool'), $sub->($type), $sub->($type))
		if $r < 0.7;
	return shape(pick('least', 'greatest', 'nullif', 'coalesce') . '($0, $1)', $sub->($type),
		$sub->($type));
}

# A number is a plain one or an encrypted one.
sub small_int {
	my $n = int(rand 12) - 4;
	$n = 1 if $n == 0 && $safe; # is no field of split_part
	return rand() < 0.5 ? [$n, $n] : [literal('int4', $n)];
}

sub text_function {
	my $sub = shift;
	return shape(pick('replace($0, $1, $2)', 'translate($0, $1, $2)'), map { $sub->('text') } 1 .. 3)
		if rand() < 0.25;
	return shape(pick('trim($0)', 'ltrim($0)', 'rtrim($0)', 'trim(BOTH $1 FROM $0)', 'ltrim($0, $1)',
		'rtrim($0, $1)', 'reverse($0)', 'initcap($0)'), $sub->('text'), $sub->('text')) if rand() < 0.5;
	return shape(pick('left($0, $1)', 'right($0, $1)', 'repeat($0, $1)', 'lpad($0, $1)', 'rpad($0, $1)',
		'lpad($0, $1, $2)', 'rpad($0, $1, $2)', 'split_part($0, $2, $1)'), $sub->('text'), small_int(),
		$sub->('text'));
}

sub expr {
	my ($type, $depth) = @_;
	return leaf($type) if $depth <= 0 && $type ne 'bool';
	my $sub = sub { [expr($_[0], $depth - 1)] };
	my $r = rand();
	return $r < 0.2 ? leaf($type) : TwinsTime::expr($type, $sub) if TwinsTime::knows($type);
	if ($type eq 'int4' || $type eq 'int8') {
		return leaf($type) if $r < 0.15;
		return safe_int($type, $sub) if $safe;
		return shape('$0 ' . pick('+', '-', '*', '/', '%') . ' $1', $sub->($type), $sub->($type))
			if $r < 0.60;
		return shape(pick('- $0', '@ $0', 'abs($0)'), $sub->($type)) if $r < 0.70;
		if ($r < 0.75) {
			my ($a, $n) = ($sub->($type), int rand 70);
			return ("(($a->[0]::numeric ^ $n)::$type)", "($a->[1] ^ '$n')");
		}
		return shape(pick('least', 'greatest', 'nullif', 'coalesce') . '($0, $1)',
			$sub->($type), $sub->($type)) if $r < 0.80;
		return shape('CASE WHEN $0 THEN $1 ELSE $2 END', $sub->('bool'), $sub->($type),
			$sub->($type)) if $r < 0.85;
		return cast($type, $sub->('text')) if $r < 0.90;
		return cast($type, $sub->($type eq 'int4' ? 'int8' : 'int4')) if $r < 0.96;
		return shape('length($0)', $sub->('text')) if $type eq 'int4' && $r < 0.97;
		return shape('position($0 IN $1)', $sub->('text'), $sub->('text')) if $type eq 'int4' && $r < 0.985;
		return shape('$0 - $1', $sub->('date'), $sub->('date')) if $type eq 'int4';
		return shape('$0 + $1', $sub->('int4'), $sub->('int8'));
	}
	if ($type eq 'numeric') {
		return TwinsTime::field(pick('date', 'timestamp', 'timestamptz', 'interval'), $sub) if $r < 0.2;
		return $r < 0.6 ? leaf($type) : cast('numeric', $sub->(pick('int4', 'int8')));
	}
	if ($type eq 'text') {
		return leaf($type) if $r < 0.2;
		return shape('$0 || $1', $sub->('text'), $sub->('text')) if $r < 0.45;
		return shape(pick('lower', 'upper') . '($0)', $sub->('text')) if $r < 0.55;
		return shape('substring($0 from $1 for $2)', $sub->('text'), [leaf('int4')], [leaf('int4')])
			if $r < 0.65 && !$safe;
		return shape('substring($0 from $1)', $sub->('text'), [leaf('int4')]) if $r < 0.70;
		if ($r < 0.80) {
			my ($a, $m, $n) = ($sub->('text'), int(rand 12) - 4, int(rand 8) - ($safe ? 0 : 1));
			return ("(substring($a->[0] from $m for $n))", "(substring($a->[1] from $m for $n))");
		}
		return text_function($sub) if $r < 0.85;
		return shape(pick('least', 'greatest', 'coalesce') . '($0, $1)', $sub->('text'),
			$sub->('text')) if $r < 0.9;
		my $i = $sub->(pick('int4', 'int8'));
		return ("($i->[0]::text COLLATE \"C\")", "($i->[1]::enc_text)");
	}
	return shape('$0 ' . pick('AND', 'OR') . ' $1', $sub->('bool'), $sub->('bool'))
		if $r < 0.12 && $depth > 0;
	return shape('NOT $0', $sub->('bool')) if $r < 0.17 && $depth > 0;
	return shape('$0 IS NULL', $sub->(pick('int4', 'text'))) if $r < 0.21;
	return shape('$0 ' . pick('LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE') . ' $1', $sub->('text'),
		[literal('text', random_pattern())]) if $r < 0.45;
	if ($r < 0.55) {
		my ($s, $t) = @{ pick(['int4', 'int8'], ['int8', 'numeric'], ['numeric', 'int4'],
			['date', 'timestamp'], ['timestamptz', 'date'], ['timestamp', 'timestamptz']) };
		return shape('$0 ' . pick('=', '<>', '<', '<=', '>', '>=') . ' $1', $sub->($s), $sub->($t));
	}
	my $t = pick('int4', 'int8', 'text', 'numeric', 'date', 'timestamp', 'timestamptz', 'interval');
	return shape('isfinite($0)', $sub->($t)) if TwinsTime::knows($t) && $r < 0.57;
	return shape('$0 BETWEEN $1 AND $2', $sub->($t), $sub->($t), $sub->($t)) if $r < 0.60;
	return shape('$0 IN ($1, $2)', $sub->($t), $sub->($t), $sub->($t)) if $r < 0.65;
	return shape('$0 IS DISTINCT FROM $1', $sub->($t), $sub->($t)) if $r < 0.70;
	return shape('$0 ' . pick('=', '<>', '<', '<=', '>', '>=') . ' $1', $sub->($t), $sub->($t));
}

1;
