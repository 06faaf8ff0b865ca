# SPDX-License-Identifier: BSD-3-Clause
#
# Twins.pm - random expressions, each twice in step: over plain types and over encrypted
# ones, as ($plain, $enc). The texts differ in the names of types only, so both must have
# the same value or fail with the same SQLSTATE. Text compares COLLATE "C", or by sort keys.
#
#     Twins::expr($type, $depth)    a type of @types, or cond: what WHERE takes
#     $Twins::columns               names to choose from, by type; undef: constants only
#     $Twins::safe                  only what cannot fail, whatever the columns hold
#
# Not generated: int ^ int with a negative exponent (PostgreSQL: double precision), floats
# in one CASE or COALESCE with other numbers, and numerics that double precision does not
# hold: beside a NULL float they are NULL, where PostgreSQL raises what their cast raises.
package Twins;
use strict;
use warnings;
use utf8;
use TwinsTime;
use TwinsFormat;
use TwinsCollate;

our $columns;
our $safe = 0;

our @types = ('int4', 'int8', 'numeric', 'float4', 'float8', 'bool', 'bytea', 'uuid', 'text',
	'date', 'timestamp', 'timestamptz', 'interval');
our @numbers = ('int4', 'int8', 'numeric', 'float4', 'float8');

sub pick { return $_[int rand @_]; }

our @ints4 = (0, 1, -1, 2, -2, 3, 7, 10, 100, -100, 32767, 46340, 46341, 65536, 2147483647,
	-2147483648, 2147483646, -2147483647);
our @ints8 = (@ints4, '2147483648', '-2147483649', '3037000499', '3037000500', '4294967296',
	'9223372036854775807', '-9223372036854775808', '9223372036854775806');
our @numerics = (@ints8, '1.5', '1.50', '-0.001', '0.0', 'NaN', 'Infinity', '-Infinity', '1e30',
	'123456789012345678901234567890.5', '0.9', '1.1', '0.05', '99999.99', '-9999.9999', '2.5',
	'0.00000000000000000001', '9223372036854775.807', '5e-60', '1e-30', '0.5000', '100.00');
our @floats4 = (0, '-0', 1, -1, 1.5, -2.5, 0.1, 3.14159, 1e6, 123456.7, 1e-5, 1e38, -3e38, 1e-38,
	1e-45, 'NaN', 'Infinity', '-Infinity', 16777217, 2147483648, 0.5, 2.5);
our @floats8 = (@floats4, 1e15, 1e14, 123456789012345.6, 1e308, -1e308, 1e-308, 5e-324,
	'9223372036854775807', 4503599627370497.5, 1e100, -1e-100, 709.5, 0.3333333333333333);
our @chars = ('a', 'b', 'A', 'B', 'z', 'é', 'É', '€', '😀', ' ', '1', '0', '-', '%', '_', '\\', "'");
our @number_texts = (@ints4, ' 12 ', '+5', '0x1', '1.5', '--1', '', '1e3', '1e-3', '.5', '5.', '.',
	'nan', 'inf', '-Infinity', '1e400', '1e-400', '1e', ' 1.50 ', '12345678901234567890', '1_0');
our @bool_texts = ('t', 'true', 'TRUE', ' on ', 'off', 'o', 'of', 'n', 'no', 'yes', 'y', '1', '0',
	'2', '', 'tru', 'truex', 'f', 'False');
our @uuid_texts = ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC999C0B4EF8BB6D6BB9BD380A11',
	'{a0eebc999c0b4ef8bb6d6bb9bd380a11}', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11',
	'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11-',
	'{a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0e-ebc999c0b4ef8bb6d6bb9bd380a11', '');

sub quoted { my $s = shift; $s =~ s/'/''/g; return "'$s'"; }

# A literal as (plain, encrypted).
sub literal {
	my ($type, $value) = @_;
	my $c = $type eq 'text' && defined $value ? ' COLLATE "C"' : '';
	$value = defined $value ? quoted($value) : 'NULL';
	return ("($value" . "::$type$c)", "($value" . "::enc_$type)");
}

sub random_text { return join '', map { pick(@chars) } 1 .. int rand 8; }

sub random_bytes { return '\\x' . join '', map { sprintf '%02x', pick(0, 1, 37, 92, 95, 255,
	int rand 256) } 1 .. int rand 6; }

sub random_uuid {
	return pick(@uuid_texts[0 .. 3]) if rand() < 0.3;
	return join '', map { pick('0', '0', 'f', 'a') } 1 .. 32;
}

sub random_numeric {
	my $digits = join '', map { int rand 10 } 1 .. 1 + int rand(rand() < 0.2 ? 45 : 9);
	my $point = int rand(length($digits) + 1);
	substr($digits, $point, 0) = '.' if $point < length $digits;
	return pick('', '-') . $digits;
}

# A value of a type, as text.
sub value {
	my $type = shift;
	my $r = rand();
	return $r < 0.6 ? pick(@ints4) : int(rand(2000)) - 1000 if $type eq 'int4';
	return $r < 0.7 ? pick(@ints8) : int(rand(2e6)) - 1000000 if $type eq 'int8';
	return $r < 0.5 ? pick(@numerics) : random_numeric() if $type eq 'numeric';
	return $r < 0.6 ? pick(@floats4) : sprintf('%.4g', (rand(2) - 1) * 10 ** (int(rand 12) - 4))
		if $type eq 'float4';
	return $r < 0.6 ? pick(@floats8) : (rand(2) - 1) * 10 ** (int(rand 20) - 6)
		if $type eq 'float8';
	return pick('t', 'f') if $type eq 'bool';
	return random_bytes() if $type eq 'bytea';
	return random_uuid() if $type eq 'uuid';
	return TwinsTime::value($type) if TwinsTime::knows($type);
	return random_text();
}

# Text that has a chance to be read as something else.
sub number_text { return rand() < 0.7 ? pick(@number_texts) : random_numeric(); }

# A pattern that has a chance to match the text.
sub random_pattern {
	my @p = split //, random_text();
	my $p = join '', map { rand() < 0.25 ? pick('%', '_', '\\' . $_, '\\') : $_ } @p;
	$p =~ tr/\\//d if $safe; # one at the end is an error
	return $p;
}

sub leaf {
	my $type = shift;
	return (pick(@{ $columns->{$type} })) x 2
		if $columns && $columns->{$type} && rand() < 0.7;
	return literal($type, undef) if rand() < 0.06;
	return literal($type, value($type));
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

my @cmp = ('=', '<>', '<', '<=', '>', '>=');

# By type: [weight, form or code, arguments]. '!' before the form: it can fail. Arguments
# are types; of a form with ; one alternative is taken. Code gets the source of arguments.
my %forms = (
	int4 => [
		[9, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1;!$0 % $1', 'int4', 'int4'],
		[2, '!- $0;!@ $0;!abs($0);+ $0;!mod($0, 7::int4)', 'int4'],
		[1, \&integer_power],
		[1, 'length($0)', 'text'], [1, 'length($0);octet_length($0)', 'bytea'],
		[1, 'octet_length($0);ascii($0)', 'text'], [1, 'position($0 in $1)', 'bytea', 'bytea'],
		[1, 'strpos($0, $1);position($0 in $1)', 'text', 'text'], [1, '!$0 - $1', 'date', 'date'],
		[1, \&cast_of, 'bool'], [1, \&cast_of, 'int8', 'numeric', 'float4', 'float8'],
		[1, \&read_text],
		[2, '$0 & $1;$0 | $1;$0 # $1;$0 << $1;$0 >> $1;!gcd($0, $1);!lcm($0, $1)', 'int4', 'int4'],
		[1, '~ $0', 'int4'], [1, 'bit_length($0)', 'text'], [1, \&named],
		[1, \&bucket],
	],
	int8 => [
		[7, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1;!$0 % $1', 'int8', 'int8'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'int4', 'int8'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'int8', 'int4'],
		[2, '!- $0;!@ $0;!abs($0);+ $0', 'int8'],
		[1, \&integer_power], [1, \&read_text], [1, \&safe_int8],
		[2, \&cast_of, 'int4'], [1, \&cast_of, 'numeric', 'float4', 'float8'],
		[2, '$0 & $1;$0 | $1;$0 # $1;!gcd($0, $1);!lcm($0, $1)', 'int8', 'int8'],
		[1, '$0 << $1;$0 >> $1;$0 & $1', 'int8', 'int4'], [1, '~ $0', 'int8'],
	],
	numeric => [
		[8, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1;!$0 % $1', 'numeric', 'numeric'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'numeric', 'int4'],
		[1, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'int8', 'numeric'],
		[2, '- $0;abs($0);@ $0;+ $0;sign($0)', 'numeric'],
		[3, '!round($0);!trunc($0);!ceil($0);!ceiling($0);!floor($0)', 'numeric'],
		[2, \&round_to], [2, '!div($0, $1);!mod($0, $1)', 'numeric', 'numeric'],
		[1, '!sqrt($0);!exp($0);!ln($0);!log($0)', 'numeric'],
		[1, '!log($0, $1)', 'numeric', 'numeric'], [2, \&numeric_power],
		[1, \&read_text], [2, \&cast_of, 'int4', 'int8'], [1, \&cast_of, 'float4', 'float8'],
		[2, \&time_field], [2, '!gcd($0, $1);!lcm($0, $1)', 'numeric', 'numeric'],
		[1, '!gcd($0, $1)', 'numeric', 'int4'], [1, \&named], [1, \&read_number], [1, \&factorial],
	],
	float4 => [
		[5, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float4', 'float4'],
		[2, '- $0;abs($0);@ $0;+ $0', 'float4'], [1, \&read_text],
		[2, \&cast_of, 'int4', 'int8', 'numeric', 'float8'],
	],
	float8 => [
		[5, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float8', 'float8'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float4', 'float8'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float8', 'float4'],
		[2, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float8', 'int4'],
		[1, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'int8', 'float4'],
		[1, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'numeric', 'float8'],
		[1, '!$0 + $1;!$0 - $1;!$0 * $1;!$0 / $1', 'float4', 'numeric'],
		[2, '- $0;abs($0);@ $0;+ $0;sign($0)', 'float8'],
		[2, 'round($0);trunc($0);ceil($0);ceiling($0);floor($0);cbrt($0)', 'float8'],
		[2, '!sqrt($0);!exp($0);!ln($0);!log($0);!|/ $0', 'float8'],
		[1, '!sqrt($0);!exp($0);!ln($0)', 'int4'],
		[2, '!sin($0);!cos($0);!tan($0);!cot($0);!asin($0);!acos($0);!acosh($0);!atanh($0);!sinh($0);!cosh($0)', 'float8'],
		[2, 'atan($0);tanh($0);asinh($0);!degrees($0);!radians($0)', 'float8'], [1, 'atan2($0, $1)', 'float8', 'float8'],
		[2, '!sind($0);!cosd($0);!tand($0);!cotd($0);!asind($0);!acosd($0);atand($0)', 'float8'], [1, 'atan2d($0, $1)', 'float8', 'float8'],
		[1, '!sin($0);atan($0);!radians($0)', 'numeric'], [1, 'cos($0);!asin($0)', 'int4'],
		[1, '!$0 ^ $1;!power($0, $1)', 'float8', 'float8'], [1, \&read_text],
		[2, \&cast_of, 'float4', 'int4', 'int8', 'numeric'],
	],
	bool => [
		[1, \&cast_of, 'int4'], [1, \&read_text],
	],
	bytea => [
		[3, '$0 || $1', 'bytea', 'bytea'], [2, '!substring($0 from $1 for $2)', 'bytea', 'int4', 'int4'],
		[1, 'substring($0 from $1);substr($0, $1)', 'bytea', 'int4'], [1, \&named], [1, \&decoded],
	],
	uuid => [[1, \&read_text]],
	text => [
		[5, '$0 || $1', 'text', 'text'], [2, 'lower($0);upper($0)', 'text'],
		[2, '!substring($0 from $1 for $2)', 'text', 'int4', 'int4'],
		[1, 'substring($0 from $1)', 'text', 'int4'], [2, \&substring_at],
		[3, \&show_text], [1, 'replace($0, $1, $2);translate($0, $1, $2)', 'text', 'text', 'text'],
		[2, 'trim($0);ltrim($0);rtrim($0);reverse($0);initcap($0)', 'text'],
		[1, 'trim(BOTH $1 FROM $0);ltrim($0, $1);rtrim($0, $1)', 'text', 'text'], [2, \&cut_text],
		[1, 'md5($0)', 'text'], [2, \&made_text], [1, \&overlay], [4, \&TwinsFormat::shown],
		[1, '$0 || $1', 'text', 'int4'], [1, '$0 || $1', 'numeric', 'text'], [1, '$0 || $1', 'bool', 'text'],
	],
	cond => [
		[3, '$0 AND $1;$0 OR $1', 'cond', 'cond'], [1, 'NOT $0', 'cond'],
		[1, '$0 IS NULL', 'int4'], [1, '$0 IS NULL', 'text'],
		[2, '$0 AND $1;$0 OR $1;NOT $0;$0 IS NOT TRUE', 'bool', 'bool'], [4, \&like],
		[2, '!$0 LIKE $1;!$0 NOT LIKE $1', 'bytea', 'bytea'],
		[1, 'isfinite($0)', 'date'], [1, 'isfinite($0)', 'interval'],
		[1, \&TwinsTime::overlaps],
		[3, \&compare_across], [12, \&compare], [4, \&TwinsCollate::compare],
	],
);

# What every type has besides.
sub any_form {
	my ($type, $sub) = @_;
	return shape('CASE WHEN $0 THEN $1 ELSE $2 END', $sub->('cond'), $sub->($type), $sub->($type))
		if rand() < 0.5;
	return shape(pick('least', 'greatest', 'nullif', 'coalesce') . '($0, $1)', $sub->($type),
		$sub->($type));
}

sub integer_power {
	my ($type, $sub) = @_;
	my ($a, $n) = ($sub->($type), int rand 70);
	return $safe ? leaf($type) : ("(($a->[0]::numeric ^ $n)::$type)", "($a->[1] ^ '$n')");
}

sub numeric_power {
	my ($type, $sub) = @_;
	return leaf($type) if $safe;
	my $n = pick(0, 1, 2, 3, -1, -2, 10, 37, '0.5', '-0.5', '1.5', '2.25', 'NaN', '-Infinity',
		'Infinity', '100', '1e30', '2147483647');
	return shape(pick('$0 ^ $1', 'power($0, $1)'), $sub->($type), [literal('numeric', $n)]);
}

sub round_to {
	my ($type, $sub) = @_;
	my ($a, $n) = ($sub->('numeric'), pick(0, 1, 2, 3, 5, 10, 20, -1, -2, -3, -5, -20, 3000, -3000));
	my $f = pick('round', 'trunc');
	return $safe ? leaf($type) : ("($f($a->[0], $n))", "($f($a->[1], $n))");
}

sub substring_at {
	my ($type, $sub) = @_;
	my ($a, $m, $n) = ($sub->('text'), int(rand 12) - 4, int(rand 8) - ($safe ? 0 : 1));
	return ("(substring($a->[0] from $m for $n))", "(substring($a->[1] from $m for $n))");
}

# Of two int4, no sum, difference or product leaves int8.
sub safe_int8 {
	return shape('$0 ' . pick('+', '-', '*') . ' $1', map { [cast('int8', [leaf('int4')])] } 1, 2);
}

# Only int4 to int8 to numeric, and float4 to float8, cannot fail.
sub cast_of {
	my ($type, $sub, @from) = @_;
	my $from = pick(@from);
	return leaf($type) if $safe && !($from =~ /^int/ && $type =~ /^(int8|numeric)$/)
		&& !($from eq 'float4' && $type eq 'float8');
	return cast($type, $sub->($from));
}

sub read_text {
	my ($type, $sub) = @_;
	return leaf($type) if $safe;
	my $text = $type eq 'bool' ? pick(@bool_texts) : $type eq 'uuid' ? pick(@uuid_texts)
		: number_text();
	$text =~ s/400/300/ if $type eq 'numeric';
	return cast($type, [literal('text', $text)]);
}

sub show_text {
	my ($type, $sub) = @_;
	my $a = $sub->(pick('int4', 'int8', 'numeric', 'float4', 'float8', 'bool', 'uuid'));
	return ("($a->[0]::text COLLATE \"C\")", "($a->[1]::enc_text)");
}

sub time_field {
	my ($type, $sub) = @_;
	return TwinsTime::field(pick('date', 'timestamp', 'timestamptz', 'interval'), $sub);
}

sub bucket {
	my ($type, $sub) = @_;
	my ($of, $n) = (pick('numeric', 'float8'), pick(1, 2, 5, 100, 2147483647, 0, -1));
	return leaf($type) if $safe;
	# not 1e30 for float8: a bucket that is rounded up to the last bound is PostgreSQL's bug until 16
	my ($low, $high) = map { [literal($of, rand() < ($of eq 'float8' ? 0.95 : 0.9) ? int(rand 200) - 100 . pick('', '.5', '.333') : pick('NaN', 'Infinity', $of eq 'float8' ? () : '1e30'))] } 1, 2;
	return shape('width_bucket($0, $1, $2, $3)', $sub->($of), $low, $high, rand() < 0.5 ? [$n, $n] : [literal('int4', $n)]);
}

sub factorial {
	my ($type, $sub) = @_;
	return leaf($type) if $safe;
	my @n = literal('int8', pick(0, 1, 2, 5, 10, 20, 21, 25, 33, 50, 170, -1, 32178));
	return ("(factorial($n[0]))", "(enc_int8_factorial($n[1]))");
}

sub read_number {
	my ($type, $sub) = @_;
	return $safe ? leaf($type) : TwinsFormat::read($type, $sub);
}

# A number is a plain one or an encrypted one.
sub cut_text {
	my ($type, $sub) = @_;
	my $n = int(rand 12) - 4;
	$n = 1 if $n == 0 && $safe; # is no field of split_part
	return shape(pick('left($0, $1)', 'right($0, $1)', 'repeat($0, $1)', 'lpad($0, $1)', 'rpad($0, $1)',
		'lpad($0, $1, $2)', 'rpad($0, $1, $2)', 'split_part($0, $2, $1)'), $sub->('text'),
		rand() < 0.5 ? [$n, $n] : [literal('int4', $n)], $sub->('text'));
}

# What has no second name: enc_T_f.
my %named = (int4 => [['min_scale', 'numeric']], numeric => [['trim_scale', 'numeric']],
	bytea => [map { [$_, 'bytea'] } qw(sha224 sha256 sha384 sha512)]);

sub named {
	my ($type, $sub) = @_;
	my ($f, $of) = @{ pick(@{ $named{$type} }) };
	my $a = $sub->($of);
	return ("($f($a->[0]))", "(enc_${of}_$f($a->[1]))");
}

# Text made of something else, so it has no collation of its own.
sub made_text {
	my ($type, $sub) = @_;
	my $c = 'COLLATE "C"';
	my $n = pick(0, 1, 65, 127, 128, 233, 2047, 2048, 8364, 55295, 55296, 57343, 57344, 65535, 65536, 128512,
		1114111, 1114112, -1);
	my ($of, $f) = @{ pick(['int4', 'to_hex($0)'], ['int8', 'to_hex($0)'], ['bytea', 'md5($0)'], ['bytea', 'encode'],
		$safe ? () : ['int4', 'chr']) };
	my $a = $f eq 'chr' ? [literal('int4', $n)] : $sub->($of);
	my $form = $f eq 'chr' ? ['chr($0)', 'enc_int4_chr($0)'] : [$f, $f];
	if ($f eq 'encode') {
		my $name = pick('hex', 'base64', 'escape', 'HEX', $safe ? () : 'hexa');
		$form = ["encode(\$0, '$name')", "enc_bytea_encode(\$0, '$name')"];
	}
	return ('(' . ($form->[0] =~ s/\$0/$a->[0]/r) . " $c)", '(' . ($form->[1] =~ s/\$0/$a->[1]/r) . ')');
}

# A text that a decoder has a chance to read.
sub decoded {
	my ($type, $sub) = @_;
	my $name = pick('hex', 'base64', 'escape', 'Base64');
	my $text = $name eq 'hex' ? pick('00ff', ' 0A 0b', '0', '0g', '', 'abcdefABCDEF') : $name eq 'escape'
		? pick('a\\000b', '\\\\', '\\377x', '\\400', '\\', 'plain', 'é', '\\12') : pick('', 'YQ==', 'YWI=', 'YWJj', 'YWJ', ' Y W J j ',
			'=', 'Y===', 'YQ==YQ==', 'é', 'YWJjZGVm', '+/+/');
	return $safe ? leaf($type) : shape("decode(\$0, '$name')", [literal('text', $text)]);
}

sub overlay {
	my ($type, $sub) = @_;
	my ($m, $n) = (int(rand 8) - ($safe ? -1 : 1), int(rand 5));
	return shape("overlay(\$0 PLACING \$1 FROM $m" . pick('', " FOR $n") . ')', $sub->('text'), $sub->('text'));
}

sub like {
	my ($type, $sub) = @_;
	return shape('$0 ' . pick('LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE') . ' $1', $sub->('text'),
		[literal('text', random_pattern())]);
}

sub compare_across {
	my ($type, $sub) = @_;
	my ($s, $t) = @{ pick(['int4', 'int8'], ['int8', 'numeric'], ['numeric', 'int4'],
		['float4', 'float8'], ['float8', 'float4'], ['int4', 'float8'], ['float4', 'int8'],
		['date', 'timestamp'], ['timestamptz', 'date'], ['timestamp', 'timestamptz']) };
	return shape('$0 ' . pick(@cmp) . ' $1', $sub->($s), $sub->($t));
}

sub compare {
	my ($type, $sub) = @_;
	my $t = pick(@types);
	my $form = pick('$0 BETWEEN $1 AND $2', '$0 IN ($1, $2)', '$0 IS DISTINCT FROM $1',
		map { "\$0 $_ \$1" } @cmp, @cmp);
	return shape($form, map { $sub->($t) } 1 .. 3);
}

# One of a list of [weight, ...].
sub weighed {
	my $sum = 0;
	$sum += $_->[0] for @_;
	my $r = rand $sum;
	for (@_) {
		return $_ if ($r -= $_->[0]) < 0;
	}
	return $_[-1];
}

sub expr {
	my ($type, $depth) = @_;
	return leaf($type) if $type ne 'cond' && ($depth <= 0 || rand() < 0.15);
	my $sub = sub { [expr($_[0], $depth - 1)] };
	return TwinsTime::expr($type, $sub) if TwinsTime::knows($type);
	return any_form($type, $sub) if $type ne 'cond' && rand() < 0.15;
	my (undef, $form, @args) = @{ weighed(@{ $forms{$type} }) };
	return compare($type, $sub) if $type eq 'cond' && $depth <= 0 && !ref $form;
	return $form->($type, $sub, @args) if ref $form;
	my $way = pick(split /;/, $form);
	return $type eq 'cond' ? compare($type, $sub) : leaf($type) if $way =~ s/^!// && $safe;
	return shape($way, map { $sub->($_) } @args);
}

1;
