# SPDX-License-Identifier: BSD-3-Clause
#
# Queries.pm - random SELECTs, each twice in step as [$plain, $enc]: joins of all kinds,
# subqueries, groups, windows, set operations, CTEs over tables that both schemas have.
# Scalar expressions are Twins.pm's, of those that cannot fail: the two plans of a query
# differ, and so does what they compute first.
#
#     my $q = Queries::statement(params => 2);
#     $q->{sql}      [$plain, $enc], all columns in ORDER BY
#     $q->{params}   [[type, value, another value], ...] for $1, $2, ...
#
# Columns of a query are c0, c1, ... Types are Twins.pm's, and `int`, which is plain in
# both. Which of the rows that are equal a query shows is never left open: LIMIT, DISTINCT
# ON and window functions have an order by all that can be seen. Not generated: sums of
# floats that are not exact.
package Queries;
use strict;
use warnings;
use utf8;
use List::Util qw(shuffle);
use Twins;

our @types = qw(int4 int8 numeric float4 float8 bool bytea uuid text date timestamp
	timestamptz interval);
our @columns = (['id', 'int'], ['g', 'int'], ['a', 'int4'], ['b', 'int8'], ['n', 'numeric'],
	['f', 'float4'], ['d', 'float8'], ['o', 'bool'], ['y', 'bytea'], ['z', 'uuid'], ['t', 'text'],
	['dt', 'date'], ['ts', 'timestamp'], ['tz', 'timestamptz'], ['iv', 'interval']);
our %rows = (t => 30, u => 200, v => 1000, pt => 300, w => 12000);
our @views; # [name, types]

# equal numbers have one text; no minus zero; intervals that are equal are the same
@Twins::numerics = (@Twins::ints8, '1.5', '-0.001', 'NaN', 'Infinity', '-Infinity', '0.5', '2.25');
@Twins::floats4 = grep { !/^(-0|1e.*|-3e38)$/ } @Twins::floats4;
@Twins::floats8 = grep { $_ ne '-0' } @Twins::floats8;
@TwinsTime::intervals = ('0', '1 day', '-1 day', '3 days 04:05:06.789', '-01:00:01', '02:00', '17 days');

# types that = compares
my %equal = (int4 => ['int8', 'numeric'], int8 => ['int4', 'numeric'], numeric => ['int4', 'int8'],
	float4 => ['float8'], float8 => ['float4'], date => ['timestamp'], timestamp => ['date']);
my @ranges = qw(= <> < <= > >=);
my $aliases;   # so many are taken
my @ctes;      # [name, types] that FROM can name
my $large;     # a large table was taken

sub pick { return $_[int rand @_]; }
sub chance { return rand() < $_[0]; }

# A text with $0, $1, ... filled in.
sub fill {
	my ($form, @args) = @_;
	return [map { my $i = $_; $form =~ s/\$(\d)/$args[$1][$i]/gr } 0, 1];
}

sub list {
	my ($by, @items) = @_;
	return [map { my $i = $_; join $by, map { $_->[$i] } @items } 0, 1];
}

sub type_name { return $_[0] eq 'int' ? ['int', 'int'] : [$_[0], "enc_$_[0]"]; }

# ---- what a scope has: relations, {alias, columns => [[name, type, exact]], key => [name]};
# parameters are one without an alias ----

sub named { return map { my $r = $_; map { [$r->{alias} ? "$r->{alias}.$_->[0]" : $_->[0], $_->[1], $_->[2]] }
	@{ $r->{columns} } } @{ $_[0] }; }

sub of_type { my ($scope, @t) = @_; return grep { my $c = $_; grep { $c->[1] eq $_ } @t } named($scope); }

sub key { return map { my $r = $_; map { "$r->{alias}.$_" } @{ $r->{key} } } grep { $_->{alias} } @{ $_[0] }; }

sub some_type {
	my $scope = shift;
	my @c = named($scope);
	return chance(0.8) && @c ? pick(@c)->[1] : pick(@types, 'int');
}

sub number {
	my $scope = shift;
	my @c = of_type($scope, 'int');
	return [(int(rand 12) - 2) x 2] if !@c || chance(0.1);
	my $c = pick(@c)->[0];
	return [(pick($c, $c, "($c % 5)", "coalesce($c, 7)", "nullif($c, 3)", "(- $c)")) x 2];
}

sub expr {
	my ($scope, $type, $depth) = @_;
	return number($scope) if $type eq 'int';
	local $Twins::safe = 1;
	local $Twins::columns = {};
	push @{ $Twins::columns->{ $_->[1] } }, $_->[0] for named($scope);
	return [Twins::expr($type, $depth // int rand 2)];
}

sub column {
	my ($scope, $type) = @_;
	my @c = of_type($scope, $type);
	return @c ? [(pick(@c)->[0]) x 2] : expr($scope, $type, 0);
}

# A value that some of `rows` rows may have; one of the smaller tables has those of 60.
sub value {
	my ($type, $rows) = @_;
	my $some = int rand($rows / 3);
	return $some - 5 if $type eq 'int4';
	return int rand $rows if $type =~ /^int/;
	return int(rand 60) / 4 - 3 if $type eq 'numeric';
	return int(rand 64) / 8 - 2 if $type eq 'float4';
	return int(rand $rows) / 8 if $type eq 'float8';
	return pick('t', 'f') if $type eq 'bool';
	return sprintf '\\x%04x', $some % 300 if $type eq 'bytea';
	return sprintf '%032x', $some if $type eq 'uuid';
	return pick('', 'k', 'Key ') . ($some % 97) if $type eq 'text';
	my $day = sprintf '2000-%02d-%02d', 1 + $some % 12, 1 + int rand 28;
	return $day if $type eq 'date';
	return sprintf '%d days %02d:%02d', rand 20, rand 24, rand 60 if $type eq 'interval';
	return $day . sprintf ' %02d:00', chance(0.4) ? 0 : int rand 24;
}

sub some_value {
	my $type = shift;
	local $Twins::safe = 1;
	return $type eq 'int' || chance(0.7) ? value($type, 60) : chance(0.2) ? undef : Twins::value($type);
}

sub literal {
	my $type = shift;
	return $type eq 'int' ? [(value('int', 60)) x 2] : [Twins::literal($type, some_value($type))];
}

# ---- conditions ----

sub simple {
	my $scope = shift;
	my $t = some_type($scope);
	return fill('$0 ' . pick('=', '<', '>', '<>', '>=') . ' $1', number($scope), number($scope))
		if chance(0.2);
	return fill('$0 ' . pick('<', '>', '<>', '<=', '>=', '=') . ' $1', column($scope, $t), literal($t)) if chance(0.7);
	return expr($scope, 'cond', int rand 2);
}

sub any_of {
	my ($scope, $t) = @_;
	return fill('$0 ' . pick('= ANY', '<> ALL', '< ANY') . ' (ARRAY[$1, $2, $3])', column($scope, $t),
		literal($t), literal($t), column($scope, $t));
}

# Some of the subquery's rows belong to the outer row.
sub in_query {
	my ($scope, $t, $depth) = @_;
	my $in = query($depth, chance(0.3) ? $scope : [], [$t]);
	return fill('$0 ' . pick('IN', 'IN', 'NOT IN', '= ANY', '<> ALL', '< ALL', '>= ANY', '> ANY') . ' ($1)',
		expr($scope, $t, 0), $in);
}

sub in_rows {
	my ($scope, $depth) = @_;
	my @t = map { pick(@types, 'int') } 1, 2;
	return fill('($0, $1) ' . pick('IN', 'NOT IN', '=') . ' ($2)', column($scope, $t[0]), column($scope, $t[1]),
		query($depth, [], \@t, one => 1));
}

sub exists_query {
	my ($scope, $depth) = @_;
	return fill(pick('', 'NOT ') . 'EXISTS ($0)', query($depth, $scope, ['int'], correlated => 1));
}

# The value of a query of one row.
sub scalar_query {
	my ($scope, $t, $depth) = @_;
	return fill('($0)', query($depth, chance(0.5) ? $scope : [], [$t], one => 1, correlated => chance(0.5)));
}

sub condition {
	my ($scope, $depth) = @_;
	my $r = rand();
	return simple($scope) if $depth <= 0 || $r < 0.35;
	return fill(pick('$0 AND $1', '($0 OR $1)', '($0 OR $1)', 'NOT ($0 AND $1)', '($0 OR $1) IS NOT FALSE'),
		condition($scope, $depth - 1), condition($scope, $depth - 1)) if $r < 0.5;
	my $t = some_type($scope);
	return in_query($scope, $t, $depth - 1) if $r < 0.65;
	return exists_query($scope, $depth - 1) if $r < 0.8;
	return any_of($scope, $t) if $r < 0.86;
	return in_rows($scope, $depth - 1) if $r < 0.9;
	return fill('$0 ' . pick(@ranges) . ' $1', expr($scope, $t, 0), scalar_query($scope, $t, $depth - 1));
}

# ---- FROM ----

sub relation {
	my ($text, $columns, @key) = @_;
	my $alias = 'r' . ++$aliases;
	return {alias => $alias, columns => $columns, text => fill("\$0 AS $alias", $text),
		key => @key ? \@key : [map { $_->[0] } @$columns]};
}

sub table {
	my $name = pick(qw(t t t u u u v v pt), chance(0.5) ? 'w' : 't');
	$name = pick('t', 'u') if $rows{$name} > 500 && $large;
	$large ||= $rows{$name} > 500;
	return relation([$name, $name], [map { [@$_, 1] } @columns], 'id');
}

sub named_columns { my @t = @_; return [map { ["c$_", $t[$_]] } 0 .. $#t]; }

sub values_list {
	my @t = map { pick(@types, 'int') } 1 .. 1 + int rand 3;
	my @rows = map { list(', ', map { literal($_) } @t) } 1 .. 1 + int rand 5;
	my $r = relation(fill('(VALUES $0)', list(', ', map { fill('($0)', $_) } @rows)), named_columns(@t));
	my $names = join ', ', map { "c$_" } 0 .. $#t;
	$r->{text} = fill("\$0 ($names)", $r->{text});
	return $r;
}

sub subquery {
	my ($depth, $outer) = @_;
	my @t = map { pick(@types, 'int', 'int4', 'text') } 1 .. 1 + int rand 4;
	return relation(fill((@$outer ? 'LATERAL ' : '') . '($0)', query($depth, $outer, \@t,
		correlated => @$outer > 0)), named_columns(@t));
}

sub from_item {
	my ($depth, $lateral) = @_;
	my $r = rand();
	return subquery($depth - 1, []) if $depth > 0 && $r < 0.18;
	return subquery($depth - 1, $lateral) if $depth > 0 && @$lateral && $r < 0.3;
	return values_list() if $r < 0.35;
	if ($r < 0.5 && (@ctes || @views)) {
		my ($name, $types) = @{ pick(@ctes, @views) };
		return relation([$name, $name], named_columns(@$types));
	}
	return table();
}

# An equality of a column on either side, if there are two that can be compared.
sub equality {
	my ($scope, $r) = @_;
	for my $c (shuffle(named([$r]))) {
		my $t = $c->[1];
		my @l = of_type([grep { $_->{alias} } @$scope], $t, chance(0.3) ? @{ $equal{$t} || [] } : ());
		next if $t =~ /^(bool|interval)$/ && chance(0.8) || !@l;
		return fill('$0 = $1', [(pick(@l)->[0]) x 2], [($c->[0]) x 2]);
	}
	return;
}

sub join_to {
	my ($text, $scope, $depth, $outer) = @_;
	my $lateral = [@$scope, @$outer];
	my $r = from_item($depth, chance(0.4) ? [@$scope] : []);
	my $is_lateral = $r->{text}[0] =~ /^LATERAL/;
	my $how = $is_lateral ? pick('JOIN', 'LEFT JOIN', 'LEFT JOIN') : pick('JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN',
		'RIGHT JOIN', 'FULL JOIN');
	my $on = equality($scope, $r);
	$how = 'JOIN' if !$on && $how eq 'FULL JOIN';
	$on = $on ? chance(0.2) && equality($scope, $r) ? list(' AND ', $on, equality($scope, $r)) : $on : simple([@$scope, $r]);
	$on = list(' AND ', $on, simple([@$scope, $r])) if $how ne 'FULL JOIN' && chance(0.25);
	return (fill("\$0 $how \$1 ON \$2", $text, $r->{text}, $on), [@$scope, $r]);
}

sub from_clause {
	my ($depth, $outer) = @_;
	my $first = chance(0.5) ? table() : from_item($depth, []);
	my ($text, $scope) = ($first->{text}, [$first]);
	for (2 .. pick(1, 1, 1, 2, 2, 2, 3)) {
		($text, $scope) = join_to($text, $scope, $depth, $outer);
	}
	return ($text, $scope);
}

# ---- aggregates and windows ----

# Sums of these are exact, in any order.
sub exact {
	my ($scope, $type) = @_;
	my @c = grep { $_->[2] } of_type($scope, $type);
	return @c ? [(pick(@c)->[0]) x 2] : undef;
}

sub sum_of {
	my ($scope, $type, $over) = @_;
	my $distinct = $over || chance(0.8) ? '' : 'DISTINCT ';
	return fill("sum($distinct\$0)", expr($scope, 'int4')) if $type eq 'int8';
	return fill("sum(\$0)", expr($scope, 'interval', 0)) if $type eq 'interval';
	my $x = exact($scope, $type);
	return $x && fill("sum($distinct\$0)", $x) if $type eq 'float4';
	if ($type eq 'float8') {
		my ($d, $f) = (exact($scope, 'float8'), exact($scope, 'float4'));
		return $d && chance(0.6) ? fill(pick('sum', 'avg') . '($0)', $d) : $f && fill('avg($0)', $f);
	}
	return fill(pick("sum($distinct\$0)", "avg($distinct\$0)", 'variance($0)', 'stddev_pop($0)'),
		expr($scope, pick('int8', 'numeric'))) if $type eq 'numeric';
	return;
}

sub aggregate {
	my ($scope, $type, $over) = @_;
	my $t = some_type($scope);
	return chance(0.4) ? ['count(*)', 'count(*)'] : fill(pick('count($0)', $over ? 'count($0)' : 'count(DISTINCT $0)',
		$over ? 'max($1)' : 'cardinality(array_agg(DISTINCT $0))'), expr($scope, $t), number($scope)) if $type eq 'int';
	return fill(pick('bool_and($0)', 'bool_or($0)', 'every($0)'), expr($scope, $type)) if $type eq 'bool';
	my $sum = chance(0.5) ? sum_of($scope, $type, $over) : undef;
	return $sum if $sum;
	my $x = expr($scope, $type);
	return fill(pick('(array_agg($0 ORDER BY $0))[1]', 'percentile_disc(0.5) WITHIN GROUP (ORDER BY $0)',
		'mode() WITHIN GROUP (ORDER BY $0)', '(array_agg(DISTINCT $0))[2]'), column($scope, $type))
		if !$over && ($type =~ /bytea|uuid/ || chance(0.15));
	return fill('string_agg($0, $1 ORDER BY $0' . pick('', ' DESC') . ')', column($scope, 'text'), [Twins::literal('text', ',')])
		if $type eq 'text' && !$over && chance(0.4);
	return $type =~ /bytea|uuid/ ? undef : fill(pick('min', 'max') . '($0)', $x);
}

sub filtered {
	my ($agg, $scope) = @_;
	return $agg if $agg->[0] !~ /^(count|sum|avg|min|max|bool_\w+|string_agg)\(.*\)$/ || chance(0.75);
	return fill('$0 FILTER (WHERE $1)', $agg, simple($scope));
}

sub direction { return pick('', '', ' DESC') . pick('', '', ' NULLS FIRST', ' NULLS LAST'); }

sub frame {
	my ($ordered, $total, $date) = @_;
	my $exclude = pick('', '', ' EXCLUDE CURRENT ROW', ' EXCLUDE TIES', ' EXCLUDE GROUP');
	return " RANGE BETWEEN \$1 PRECEDING AND \$1 FOLLOWING" if $date;
	return pick('', ' RANGE UNBOUNDED PRECEDING', " GROUPS BETWEEN 1 PRECEDING AND 2 FOLLOWING",
		' RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING') if !$total && $ordered;
	return '' if !$total;
	return pick('', ' ROWS BETWEEN ' . int(rand 3) . ' PRECEDING AND ' . int(rand 4) . " FOLLOWING$exclude",
		' ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING', " ROWS UNBOUNDED PRECEDING$exclude");
}

# With $places it may say which of the rows that are equal comes first.
sub window {
	my ($scope, $type, $places) = @_;
	my $by = chance(0.6) ? fill('PARTITION BY $0 ', column($scope, some_type($scope))) : ['', ''];
	my ($total, $ordered, $t) = ($places && chance(0.7), chance(0.8), some_type($scope));
	my $date = $ordered && !$total && $t =~ /^(date|timestamp|timestamptz)$/ && chance(0.5);
	my $direction = direction();
	my @by = (($ordered ? fill("\$0$direction", column($scope, $t)) : ()), $total ? map { [$_, $_] } key($scope) : ());
	my $order = @by ? fill('ORDER BY $0', list(', ', @by)) : ['', ''];
	my $x = column($scope, $type);
	my $f = $type eq 'int' && chance(0.6) ? pick($total ? ('row_number()', 'ntile(3)') : (), $ordered || $total
			? ('rank()', 'dense_rank()') : 'count(*)', 'count(*)')
		: $total && chance(0.6) ? pick('lag($0)', 'lead($0, 2)', 'lag($0, 1, $1)', 'first_value($0)', 'last_value($0)', 'nth_value($0, 2)')
		: undef;
	my $call = $f ? fill($f, $x, literal($type)) : aggregate($scope, $type, 1);
	return undef if !$call;
	return fill('$0 OVER ($1$2$3)', $call, $by, $order, $call->[0] =~ /^(row|rank|dense|ntile)/ ? ['', '']
		: fill(frame($ordered, $total, $date), undef, [Twins::literal('interval', pick('1 day', '40 days', '03:00'))]));
}

# ---- SELECT ----

# Columns of a query with groups: some are keys, by which they are numbered.
sub grouped {
	my ($scope, $types) = @_;
	my (@columns, @keys);
	for my $i (0 .. $#$types) {
		my $agg = chance(0.6) ? aggregate($scope, $types->[$i]) : undef;
		push @columns, $agg ? filtered($agg, $scope) : chance(0.7) ? column($scope, $types->[$i]) : expr($scope, $types->[$i]);
		push @keys, $i + 1 if !$agg;
	}
	return (\@columns, @keys);
}

sub group_by {
	my @keys = @_;
	my $all = join ', ', @keys;
	return '' if !@keys;
	return " GROUP BY $all" if chance(0.75);
	return pick(" GROUP BY ROLLUP ($all)", @keys < 4 ? " GROUP BY CUBE ($all)" : " GROUP BY $all",
		" GROUP BY GROUPING SETS (($all), ($keys[0]), ())", " GROUP BY GROUPING SETS (($keys[-1]), ($all))");
}

sub having {
	my $scope = shift;
	return ['', ''] if chance(0.8);
	my $t = pick('int4', 'numeric', 'text', 'date', 'float8');
	return fill(' HAVING ' . pick('count(*) > 1', 'count(*) < 9', 'max($0) ' . pick(@ranges) . ' $1'), expr($scope, $t), literal($t));
}

sub order_all {
	my $n = shift;
	my @order = map { $_ . direction() } shuffle(1 .. $n);
	return ' ORDER BY ' . join ', ', @order;
}

sub limit { return pick('', ' OFFSET ' . int rand 6) . ' LIMIT ' . pick(1, 2, 5, 5, 20, 100); }

# What stands after SELECT, and after WHERE.
sub shape_of {
	my ($scope, $outer, $types, $depth, $how) = @_;
	my $r = rand();
	if ($how->{one} || $r < 0.3) {
		my ($columns, @keys) = grouped($scope, $types);
		my $by = group_by(@keys);
		return ('', $columns, @keys ? list('', [$by, $by], having($scope)) : ['', '']);
	}
	my $windows = $r < 0.45;
	# Two windows may place rows that are equal each in its own way: it takes an id, or one window.
	my ($unique, $placed) = (!grep({ !/\.id$/ } key($scope)), 0);
	my @columns = map { my $w = $windows && chance(0.6) ? window($scope, $_, $unique || !$placed++) : undef;
		$w ? $w : $depth > 0 && chance(0.08) ? scalar_query($scope, $_, $depth - 1)
		: chance(0.5) ? column($scope, $_) : expr([@$scope, @$outer], $_, int rand 3) } @$types;
	return ($r > 0.87 ? 'DISTINCT ' : $r > 0.82 ? 'DISTINCT ON (1) ' : '', \@columns, ['', '']);
}

sub select_query {
	my ($depth, $outer, $types, $how) = @_;
	my ($from, $scope) = from_clause($depth, $outer);
	my @where = chance(0.45) ? condition([@$scope, @$outer], $depth) : ();
	if ($how->{correlated}) {
		my $on = equality($outer, pick(@$scope));
		push @where, $on if $on;
	}
	my ($distinct, $columns, $after) = shape_of($scope, $outer, $types, $depth, $how);
	my @named = map { fill("\$0 AS c$_", $columns->[$_]) } 0 .. $#$columns;
	my $where = @where ? fill(' WHERE $0', list(' AND ', map { fill('($0)', $_) } @where)) : ['', ''];
	my $text = fill("SELECT $distinct\$0 FROM \$1\$2\$3", list(', ', @named), $from, $where, $after);
	# what is shown of equal ones is the first by all of them
	return fill('$0 ORDER BY 1' . direction() . ', ' . join(', ', 2 .. @$types, 1), $text) if $distinct =~ /ON/;
	return $text;
}

sub set_operation {
	my ($depth, $outer, $types) = @_;
	my $op = pick('UNION', 'UNION ALL', 'INTERSECT', 'INTERSECT ALL', 'EXCEPT', 'EXCEPT ALL');
	return fill("(\$0) $op (\$1)", query($depth - 1, $outer, $types), query($depth - 1, [], $types));
}

# A query with columns of these types; `one`: of one row.
sub query {
	my ($depth, $outer, $types, %how) = @_;
	my $q = $depth > 0 && chance(0.12) && !$how{correlated} ? set_operation($depth, $outer, $types)
		: select_query($depth, $outer, $types, \%how);
	return $q if !$how{one} && !chance(0.15);
	my $limit = $how{one} ? ' LIMIT 1' : limit();
	return fill('SELECT * FROM ($0) AS l' . order_all(scalar @$types) . $limit, $q);
}

# WITH before the query, whose FROM can name them then.
sub with {
	my $depth = shift;
	my @with;
	for my $i (1 .. pick(0, 0, 0, 1, 1, 2)) {
		my @t = map { pick(@types, 'int') } 1 .. 1 + int rand 3;
		my ($name, $how) = ("w$i", pick('', ' MATERIALIZED', ' NOT MATERIALIZED'));
		push @with, fill("$name AS$how (\$0)", query($depth, [], \@t));
		push @ctes, [$name, \@t];
	}
	return @with;
}

# A graph's rows that are reached in a few steps.
sub recursive {
	my ($t, $u) = (pick('int4', 'int8', 'text', 'date', 'int'), pick(@types));
	my ($x, $y) = (table(), table());
	my $q = fill('w0 AS (SELECT $0 AS c0, $1 AS c1, 0 AS c2 FROM $2 WHERE $3 ' . pick('UNION', 'UNION ALL')
		. " SELECT \$4, \$5, w0.c2 + 1 FROM w0 JOIN \$6 ON \$7 = w0.c0 WHERE w0.c2 < 2 AND $y->{alias}.g = 1)",
		column([$x], $t), column([$x], $u), $x->{text}, simple([$x]), column([$y], $t), column([$y], $u),
		$y->{text}, column([$y], $t));
	push @ctes, ['w0', [$t, $u, 'int']];
	return $q;
}

sub begin {
	($aliases, $large) = (0, 0);
	@ctes = ();
}

# For a view: [name, types], and its text.
sub view {
	my $name = shift;
	my @t = map { pick(@types, 'int') } 1 .. 3;
	begin();
	return ([$name, \@t], query(1, [], \@t));
}

sub statement {
	my %how = @_;
	begin();
	my @params = map { my $t = pick(@types, 'int', 'int4', 'text');
		[$t, some_value($t), some_value($t)] } 1 .. $how{params} || 0;
	my $scope = @params ? [{columns => [map { [":p$_:", $params[$_ - 1][0]] } 1 .. @params]}] : [];
	my $recursive = chance(0.05);
	my @with = (($recursive ? recursive() : ()), with(1));
	my $with = @with ? fill('WITH ' . ($recursive ? 'RECURSIVE ' : '') . '$0 ', list(', ', @with)) : ['', ''];
	my @t = map { pick(@types, 'int', 'int', 'int4', 'numeric', 'text') } 1 .. 1 + int rand 5;
	my $q = query(pick(1, 1, 2, 2, 3), $scope, \@t);
	my $shown = join ', ', map { $t[$_] eq 'interval' ? "justify_interval(c$_) AS c$_" : "c$_" } 0 .. $#t;
	my $error = chance(0.04) ? fill(pick(', (SELECT id FROM t)', ', ntile(0) OVER ()', ', $0 / $1'),
		[Twins::literal('int4', 1)], [Twins::literal('int4', 0)]) : undef;
	$q = fill("\$0SELECT $shown\$2 FROM (\$1) AS q" . order_all(scalar @t) . (!$error && chance(0.3) ? limit() : ''),
		$with, $q, $error || ['', '']);
	s/:p(\d+):/\$$1/g for @$q;
	return {sql => $q, params => \@params};
}

1;
