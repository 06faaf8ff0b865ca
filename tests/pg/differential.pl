#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# differential.pl - random queries over plain types and over their encrypted twins must
# have the same value, or fail with the same SQLSTATE.
#
# usage: differential.pl SEED COUNT    writes SQL for psql, which prints what differs and
#                                      for each kind: summary KIND ALL DIFFERENT ERRORS NULLS
#
# COUNT are expressions of constants. Half as many more are queries over the tables plain
# and enc, which hold the same rows: extremes, equal values, NULLs. Each of these runs
# without some method of the planner, so that all ways to sort, group and join have their
# turn; the encrypted one also without Zone nodes, so that its expressions are fused. A plan may also choose what is computed first, and the twins may have different
# plans: so only `scalar`, `row` and `rows` have expressions that can fail.
use strict;
use warnings;
no warnings 'nonchar'; # texts have some
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Twins;
binmode STDOUT, ':utf8';

my ($seed, $count) = @ARGV;
srand($seed);

my $nrows = 64;
my @types = @Twins::types;
my %columns = (int4 => ['a', 's'], int8 => ['b'], numeric => ['n', 'm'], float4 => ['f'],
	float8 => ['d'], bool => ['o'], bytea => ['y'], uuid => ['z'], text => ['t', 'u'],
	date => ['dt'], timestamp => ['ts'], timestamptz => ['tz'], interval => ['iv']);
my @order = map { my $t = $_; map { [$_, $t] } @{ $columns{$t} } } @types;
# types that = compares, for joins
my @pairs = (['int4', 'int4'], ['int4', 'int8'], ['int8', 'int8'], ['int4', 'numeric'],
	['int8', 'numeric'], ['numeric', 'numeric'], ['text', 'text'], ['float4', 'float4'],
	['float4', 'float8'], ['float8', 'float8'], ['bool', 'bool'], ['bytea', 'bytea'],
	['uuid', 'uuid'], ['date', 'date'], ['timestamp', 'timestamp'], ['timestamptz', 'timestamptz'],
	['interval', 'interval']);
my %functions = ((map { $_ => ['min', 'max'] } 'date', 'timestamp', 'timestamptz'),
	text => ['min', 'max', 'string_agg'],
	interval => ['min', 'max', 'sum', 'avg'], bool => ['bool_and', 'bool_or', 'every'], bytea => ['string_agg'],
	uuid => []);
my @of_numbers = ('min', 'max', 'sum', 'avg', 'sum', 'avg', 'stddev', 'variance', 'stddev_pop',
	'var_pop');

sub pick { return $_[int rand @_]; }
sub quoted { return Twins::quoted(@_); }

# [plain, encrypted]: an expression over a table's columns, by its alias
sub over {
	my ($type, $alias) = @_;
	my $dot = $alias ? "$alias." : '';
	local $Twins::columns = { map { my $t = $_; $t => [map { "$dot$_" } @{ $columns{$t} }] } @types };
	return [Twins::expr($type, int rand 3)];
}

# What to sort by: now and then a text in the order of a language.
sub sort_key {
	return rand() < 0.15 ? TwinsCollate::key(sub { over(shift) }) : over(pick(@types));
}

sub column { my ($type, $alias) = @_; return [("$alias." . pick(@{ $columns{$type} })) x 2]; }

# A text with $0, $1, ... filled in, [plain, encrypted].
sub fill {
	my ($form, @args) = @_;
	return [map { my $i = $_; $form =~ s/\$(\d)/$args[$1][$i]/gr } 0, 1];
}

# The text form; of a boolean, whose cast to text is something else, in a row.
sub text { my $type = shift; return $type eq 'bool' ? 'ROW($0)::text' : '($0)::text'; }

# As text. Of numerics that are equal (1.5, 1.50) a plan may show any, and of intervals and
# zeros.
sub shown {
	my ($type, $x) = @_;
	return fill("coalesce(justify_interval(\$0::text::interval)::text, 'null')", $x)
		if $type eq 'interval';
	return fill("coalesce((\$0::text::float8 + 0)::text, 'null')", $x) if $type =~ /^float/;
	return fill($type eq 'numeric' ? "coalesce(trim_scale(\$0::text::numeric)::text, 'null')"
		: 'coalesce(' . text($type) . ", 'null')", $x);
}

# IS TRUE keeps the planner from taking the condition apart.
sub where {
	my $alias = shift;
	return ['', ''] if rand() < 0.3;
	return fill(' WHERE ($0) IS TRUE', over('cond', $alias));
}

# Of pairs in the order of rows, percentiles, bits.
my @of_pairs = qw(corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
	regr_syy);
sub rare_aggregate {
	my $r = rand();
	my $filter = rand() < 0.3 ? fill(' FILTER (WHERE $0)', over('cond')) : ['', ''];
	if ($r < 0.4) {
		return shown('float8', fill(pick(@of_pairs) . "(\$0, \$1 ORDER BY id)\$2", over('float8'), over('float8'), $filter));
	} elsif ($r < 0.6) {
		my $type = pick('int4', 'int8');
		return shown($type, fill(pick('bit_and', 'bit_or', 'bit_xor') . '($0)$1', over($type), $filter));
	}
	my ($part, $how) = (pick(0, 0.1, 0.25, 0.5, 0.77, 1), pick('', ' DESC'));
	my $type = $r < 0.8 ? pick('int4', 'int8', 'numeric', 'float4', 'float8', 'interval') : pick(@types);
	return shown($type eq 'interval' ? $type : 'float8', fill("percentile_cont($part) WITHIN GROUP (ORDER BY \$0$how)\$1",
		over($type), $filter)) if $r < 0.8;
	return shown($type, fill(pick("percentile_disc($part)", 'mode()') . " WITHIN GROUP (ORDER BY \$0$how)\$1", over($type), $filter));
}

# An aggregate, as text. min, max and DISTINCT take any of the numbers that are equal. Sums
# of floats depend on the order.
sub aggregate {
	return rare_aggregate() if rand() < 0.15;
	my $type = pick(@types);
	my $f = rand() < 0.1 ? 'count' : pick(@{ $functions{$type} || \@of_numbers }, 'count');
	my $ordered = $type =~ /^float/ && $f !~ /^m|count/ ? ' ORDER BY id' : '';
	my $distinct = rand() < 0.3 && !$ordered ? 'DISTINCT ' : '';
	$distinct = '' if $type eq 'interval' && $f ne 'count'; # a month is 30 days, but not in a sum
	my $filter = rand() < 0.3 ? fill(' FILTER (WHERE $0)', over('cond')) : ['', ''];
	return shown('text', fill("string_agg(\$0, \$1 ORDER BY id)\$2", over($type), over($type), $filter))
		if $f eq 'string_agg';
	my $any = $type =~ /numeric|float|interval/ && $f ne 'count' && ($distinct || $f =~ /^m/);
	return shown($any || $type eq 'bool' && $f ne 'count' ? $type : 'text', fill("$f($distinct\$0$ordered)\$1", over($type), $filter));
}

# Kinds of queries; TABLE becomes the table's name.
my %kinds = (
	row => sub {
		local $Twins::safe = 0;
		my $type = pick(@types, 'cond');
		return fill('SELECT ' . text($type) . ' FROM TABLE WHERE id = ' . (1 + int rand $nrows),
			over($type));
	},
	rows => sub {
		local $Twins::safe = 0;
		my ($first, $type) = (1 + int rand $nrows, pick(@types, 'cond'));
		return fill('SELECT string_agg(' . text($type) . ', \'|\') || \' \' || $2 FROM TABLE'
			. " WHERE id BETWEEN $first AND $first + 3 AND (\$1) IS TRUE",
			over($type), over('cond'), aggregate());
	},
	filter => sub {
		return fill('SELECT string_agg(id::text, \',\' ORDER BY id) FROM TABLE$0', where());
	},
	aggregate => sub {
		return fill('SELECT concat_ws(\' \', $0, $1, $2, count(*)) FROM TABLE$3', aggregate(),
			aggregate(), aggregate(), where());
	},
	group => sub {
		my ($s, $t) = (pick(@types), pick(@types));
		my $having = pick('', '', ' HAVING count(*) > 1');
		# named below: of '1'::enc_int4 here and there, each is another ciphertext
		return fill('SELECT string_agg(r, E\'\n\' ORDER BY r COLLATE "C") FROM (SELECT '
			. 'concat_ws(\' \', $0, $1, $2, $3, count(*)) AS r FROM'
			. " (SELECT *, \$5 AS k, \$6 AS l FROM TABLE\$4) q GROUP BY k, l$having) q",
			shown($s, ['k', 'k']), shown($t, ['l', 'l']), aggregate(), aggregate(), where(),
			over($s), over($t));
	},
	order => sub {
		my @how = map { pick('', ' DESC') . pick('', ' NULLS FIRST', ' NULLS LAST') } 1, 2;
		my $limit = pick('', ' LIMIT ' . int(rand 30) . ' OFFSET ' . int(rand 20));
		return fill("SELECT string_agg(id::text, ',') FROM (SELECT id FROM TABLE\$2"
			. " ORDER BY \$0$how[0], \$1$how[1], id$limit) q",
			sort_key(), sort_key(), where());
	},
	join => sub {
		my ($s, $t) = @{ pick(@pairs) };
		my $how = pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN');
		my ($x, $y, $and) = (over($s, 'x'), over($t, 'y'), ['', '']);
		if ($how eq 'FULL JOIN') { # the condition must be one to hash or to merge by
			($x, $y) = (column($s, 'x'), column($t, 'y'));
		} elsif (rand() < 0.5) {
			my ($u, $v) = @{ pick(@pairs) };
			$and = fill(' AND $0 ' . pick('<', '<=', '<>', '=', '>', '>=') . ' $1', over($u, 'x'),
				over($v, 'y'));
		}
		return fill('SELECT count(*) || \' \' || string_agg(concat_ws(\'-\', coalesce(x.id, 0),'
			. " coalesce(y.id, 0)), ',' ORDER BY x.id, y.id) FROM TABLE x $how TABLE y ON \$0 = \$1\$2",
			$x, $y, $and);
	},
	semijoin => sub {
		my ($s, $t) = @{ pick(@pairs) };
		return fill('SELECT string_agg(x.id::text, \',\' ORDER BY x.id) FROM TABLE x WHERE ' . pick(
			'$0 IN (SELECT $1 FROM TABLE y$2)', '$0 NOT IN (SELECT $1 FROM TABLE y$2)',
			'EXISTS (SELECT FROM (SELECT $1 AS k FROM TABLE y$2) q WHERE $0 = q.k)',
			'NOT EXISTS (SELECT FROM (SELECT $1 AS k FROM TABLE y$2) q WHERE $0 = q.k)',
			'$0 > ALL (SELECT $1 FROM TABLE y$2)', '$0 <= ANY (SELECT $1 FROM TABLE y$2)'),
			over($s, 'x'), over($t, 'y'), where('y'));
	},
	set => sub {
		my $t = pick(@types);
		my $how = pick('UNION', 'UNION ALL', 'INTERSECT', 'INTERSECT ALL', 'EXCEPT', 'EXCEPT ALL');
		return fill('SELECT string_agg(r, \',\' ORDER BY r COLLATE "C") FROM (SELECT $0 AS r FROM'
			. " (SELECT \$1 AS k FROM TABLE\$2 $how SELECT \$3 FROM TABLE\$4) q) q2",
			shown($t, ['k', 'k']), over($t), where(), over($t), where());
	},
);

sub scalar_query {
	my $type = pick(@types, 'numeric', 'float8', 'cond', 'cond');
	return @{ fill('SELECT ' . text($type), [Twins::expr($type, 1 + int rand 3)]) };
}

# One line for COPY.
sub twins {
	my ($kind, $without, @texts) = @_;
	for (@texts) { s/\\/\\\\/g; s/\n/\\n/g; s/\t/\\t/g; }
	print join("\t", $kind, "enable_$without", @texts), "\n";
}

# Now and then a small one, so that some are equal.
sub row_value {
	my $type = shift;
	return int(rand 20) - 10 if $type =~ /int[48]|numeric|float/ && rand() < 0.4;
	return Twins::value($type);
}

sub rows {
	local $Twins::safe = 1; # of time: nothing that goes out of range
	return join ",\n", map { my $id = $_; "($id, " . int(rand 4) . ', '
		. join(', ', map { rand() < 0.1 ? 'NULL' : quoted(row_value($_->[1])) } @order) . ')' }
		1 .. $nrows;
}

my $names = join ', ', map { $_->[0] } @order;
my $plain = join ', ', map { "$_->[0] $_->[1]" . ($_->[1] eq 'text' ? ' COLLATE "C"' : '') } @order;
my $secret = join ', ', map { "$_->[0] enc_$_->[1]" } @order;
my $encrypted = join ', ', map { "enc_$_->[1]_encrypt($_->[0])" } @order;

print <<"SQL", 'INSERT INTO plain VALUES ', rows(), ";\n", <<"SQL", <<'SQL';
\\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET hedb.mode = client;
SET timezone = 'America/New_York';
SET hedb.batch = 7; -- so that groups take several
SET jit = off; -- a method that is switched off costs so much that all would be compiled
CREATE TABLE plain (id int, g int, $plain);
CREATE TABLE enc (id int, g int, $secret);
SQL
INSERT INTO enc SELECT id, g, $encrypted FROM plain;
SQL
-- in the order of ids: a short row may have found room on an earlier page
CREATE INDEX enc_id ON enc (id); CLUSTER enc USING enc_id; DROP INDEX enc_id;
CREATE INDEX ON plain (a); CREATE INDEX ON plain USING hash (b); CREATE INDEX ON plain (t);
CREATE INDEX ON plain (d); CREATE INDEX ON plain USING hash (f); CREATE INDEX ON plain (z);
CREATE INDEX ON plain (dt);
CREATE INDEX ON enc (a); CREATE INDEX ON enc USING hash (b); CREATE INDEX ON enc (t);
CREATE INDEX ON enc (d); CREATE INDEX ON enc USING hash (f); CREATE INDEX ON enc (z);
CREATE INDEX ON enc (dt);
-- with common values of t known, the planner tries LIKE on them, and may meet its error
ALTER TABLE plain ALTER t SET STATISTICS 0, ALTER u SET STATISTICS 0;
VACUUM ANALYZE plain, enc;
CREATE TEMP TABLE d (id int GENERATED ALWAYS AS IDENTITY, kind text, without text, plain text,
	enc text);
CREATE FUNCTION pg_temp.try(query text, without text, batch text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	PERFORM set_config(without, 'off', true), set_config('hedb.enable_batch', batch, true);
	EXECUTE query INTO r;
	PERFORM set_config(without, 'on', true);
	RETURN coalesce('=' || r, 'NULL');
EXCEPTION WHEN OTHERS THEN -- takes the setting back
	RETURN 'error ' || SQLSTATE;
END $$;
COPY d (kind, without, plain, enc) FROM STDIN;
SQL
twins('scalar', 'sort', scalar_query()) for 1 .. $count;
my @names = sort keys %kinds;
$Twins::safe = 1;
for my $i (0 .. $count / 2 - 1) {
	my $kind = $names[$i % @names];
	my $q = $kinds{$kind}->();
	# errors of several rows come in the order of the table
	my $without = $kind =~ /^row/ ? 'indexscan' : pick('hashjoin', 'mergejoin', 'nestloop', 'hashagg',
		'sort', 'seqscan', 'material');
	twins($kind, $without, $q->[0] =~ s/\bTABLE\b/plain/gr, $q->[1] =~ s/\bTABLE\b/enc/gr);
}
print <<'SQL';
\.
-- of constants the planner computes each operation; over columns a plan has Zone nodes, and
-- without those its expressions are fused
CREATE TEMP TABLE r AS SELECT *, pg_temp.try(plain, without, 'on') AS p,
	pg_temp.try(enc, without, 'on') AS e,
	CASE WHEN kind <> 'scalar' THEN pg_temp.try(enc, without, 'off') END AS f FROM d;
\pset format unaligned
\pset tuples_only
SELECT 'different (' || kind || ', ' || without || ' off): ' || plain || ' -> ' || left(p, 300)
	|| E'\n     twin: ' || enc || ' -> ' || left(e, 300)
	|| coalesce(E'\n     fused: ' || left(f, 300), '')
	FROM r WHERE p <> e OR p <> f ORDER BY length(plain) LIMIT 20;
SELECT concat_ws(' ', 'summary', kind, count(*), count(*) FILTER (WHERE p <> e OR p <> f),
	count(*) FILTER (WHERE p LIKE 'error%'), count(*) FILTER (WHERE p = 'NULL'))
	FROM r GROUP BY kind ORDER BY min(id);
SQL
