#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# queries.pl - random SELECTs over plain tables and over their encrypted twins must have
# the same rows, or fail with the same SQLSTATE, whatever plans the settings lead to.
#
# usage: queries.pl SEED COUNT [ONLY]    runs psql; PG* say where. Prints what differs and
#                                        summary ALL DIFFERENT ERRORS EMPTY TIMEOUTS SLOW
#
# Schemas plain and enc have the same tables, which are made if they are not there, the same
# ones for every SEED. A query (Queries.pm) runs under settings of its own: methods of the
# planner switched off, much memory or little, parallel workers, batches or none; as it is,
# prepared, or by a cursor. SEED and its number determine it: with ONLY, just that one
# runs, and is shown with its plans. Timeouts are queries that were too long for the plain
# side as well; slow are those that were for the encrypted side alone.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use IPC::Open2;
use Time::HiRes qw(time);
use Queries;
binmode STDOUT, ':utf8';
$| = 1;

my ($seed, $count, $only) = @ARGV;
my $timeout = $ENV{QUERY_TIMEOUT} || 8000; # ms

sub pick { return $_[int rand @_]; }
sub chance { return rand() < $_[0]; }

# ---- psql, errors as SQLSTATE ----

my ($to, $from, $pid);

sub connect_psql {
	$pid = open2($from, $to, 'exec psql -XAtq 2>&1');
	binmode $_, ':utf8' for $to, $from;
	ask("\\set VERBOSITY sqlstate\n\\pset null NULL\nSET client_min_messages = error; SET hedb.mode = client;"
		. "SET jit = off; SET timezone = 'America/New_York'; SET plpgsql.check_asserts = on;");
}

# What psql prints; undef: the server has gone.
sub ask {
	my $text = shift;
	my $out = '';
	print $to "$text\n\\echo :end:\n" or return;
	$to->flush;
	while (my $line = <$from>) {
		return $out if $line eq ":end:\n";
		$out .= $line;
	}
	waitpid $pid, 0;
	return;
}

# ---- tables ----

sub row_value {
	my ($type, $name, $rows, $id) = @_;
	return $id if $name eq 'id';
	return int rand 5 if $name eq 'g';
	return undef if chance(0.08);
	return Twins::value($type) if $type =~ /int|numeric|text/ && chance(0.04);
	return 'NaN' if $type =~ /float/ && chance(0.03);
	return Queries::value($type, $rows);
}

sub make_tables {
	my $views = shift;
	return if ask('SELECT 1 FROM pg_namespace WHERE nspname = \'enc\';') eq "1\n";
	srand(1);
	local $Twins::safe = 1;
	my @c = @Queries::columns;
	my $all = join ', ', map { $_->[0] } @c;
	my %columns = (plain => join(', ', map { "$_->[0] $_->[1]" . ($_->[1] eq 'text' ? ' COLLATE "C"' : '') } @c),
		enc => join ', ', map { $_->[1] eq 'int' ? "$_->[0] int" : "$_->[0] enc_$_->[1]" } @c);
	my $sql = '';
	for my $schema ('plain', 'enc') {
		$sql .= "CREATE SCHEMA $schema; SET search_path = $schema, public;\n";
		$sql .= "CREATE TABLE $_ ($columns{$schema})" . ($_ eq 'pt' ? ' PARTITION BY HASH (a)' : '') . ";\n"
			for sort keys %Queries::rows;
		$sql .= "CREATE TABLE pt$_ PARTITION OF pt FOR VALUES WITH (MODULUS 3, REMAINDER $_);\n" for 0 .. 2;
	}
	for my $t (sort keys %Queries::rows) {
		$sql .= "COPY plain.$t FROM STDIN;\n";
		for my $id (1 .. $Queries::rows{$t}) {
			my @v = map { row_value($_->[1], $_->[0], $Queries::rows{$t}, $id) } @c;
			$sql .= join("\t", map { defined $_ ? s/\\/\\\\/gr : '\\N' } @v) . "\n";
		}
		$sql .= "\\.\nINSERT INTO enc.$t SELECT " . join(', ', map { $_->[1] eq 'int' ? $_->[0] : "enc_$_->[1]_encrypt($_->[0])" } @c)
			. " FROM plain.$t;\n";
		for my $schema ('plain', 'enc') {
			$sql .= "CREATE UNIQUE INDEX ON $schema.$t (id);\n" if $t ne 'pt';
			$sql .= "CREATE INDEX ON $schema.$t (a); CREATE INDEX ON $schema.$t USING hash (b); CREATE INDEX ON $schema.$t (t, n);\n"
				if $t =~ /[uvp]/;
			$sql .= "CREATE INDEX ON $schema.$t (dt); CREATE INDEX ON $schema.$t (g, d);\n" if $t =~ /[vw]/;
		}
	}
	my $out = ask($sql . $views . 'VACUUM ANALYZE;');
	die "tables:\n" . substr($out // 'no server', 0, 2000) . "\n" if !defined $out || $out ne '';
}

# Their names and types, which queries need, and their SQL.
sub make_views {
	my $sql = '';
	srand(2);
	for my $i (0 .. 5) {
		my ($view, $text) = Queries::view("vw$i");
		my $barrier = $i == 5 ? ' WITH (security_barrier)' : '';
		$sql .= "CREATE VIEW plain.vw$i$barrier AS $text->[0];\nCREATE VIEW enc.vw$i$barrier AS $text->[1];\n";
		push @Queries::views, $view;
	}
	return "SET search_path = plain;\n" . $sql =~ s/(CREATE VIEW (\w+)\.)/SET search_path = $2, public;\n$1/gr;
}

# ---- a query ----

sub settings {
	my %s = (statement_timeout => $timeout, work_mem => pick('64kB', '64kB', '4MB'));
	chance(0.12) && ($s{"enable_$_"} = 'off') for qw(hashjoin mergejoin nestloop hashagg sort incremental_sort
		seqscan indexscan indexonlyscan bitmapscan material memoize gathermerge parallel_hash parallel_append);
	chance(0.2) && ($s{"enable_partitionwise_$_"} = 'on') for qw(join aggregate);
	chance(0.1) && ($s{"${_}_collapse_limit"} = 1) for qw(from join);
	%s = (%s, parallel_setup_cost => 0, parallel_tuple_cost => 0, min_parallel_table_scan_size => 0,
		min_parallel_index_scan_size => 0, parallel_leader_participation => pick('on', 'off'),
		force_parallel_mode => pick('off', 'off', 'on')) if chance(0.3);
	$s{max_parallel_workers_per_gather} = 0 if !defined $s{force_parallel_mode} && chance(0.8);
	chance(0.3) && ($s{'hedb.enable_batch'} = 'off');
	chance(0.1) && ($s{'hedb.enable_fuse'} = 'off');
	chance(0.12) && ($s{'hedb.batch'} = pick(1, 7, 100));
	$s{plan_cache_mode} = pick('auto', 'force_generic_plan', 'force_custom_plan');
	return join '', map { "SET LOCAL $_ = '$s{$_}';" } sort keys %s;
}

sub values_of {
	my ($params, $which) = @_;
	return @$params ? '(' . join(', ', map { defined $_->[$which] ? Twins::quoted($_->[$which]) : 'NULL' } @$params) . ')' : '';
}

# What is sent for each side, after the settings.
sub statements {
	my $r = rand();
	my $q = Queries::statement(params => $r < 0.3 ? int rand 4 : 0);
	return map { "$_;\n" } @{ $q->{sql} } if $r > 0.42;
	if ($r > 0.3) {
		my $fetch = join '', map { pick('FETCH 1', 'FETCH 7', 'MOVE 3', 'FETCH ALL', 'FETCH BACKWARD 4', 'FETCH LAST', 'FETCH FIRST',
			'FETCH ABSOLUTE 5', 'FETCH BACKWARD ALL') . " IN c;\n" } 1 .. 5;
		my $scroll = 'SCROLL ';
		($scroll, $fetch) = ('', "FETCH 3 IN c;\nFETCH 40 IN c;\nFETCH ALL IN c;\n") if chance(0.4);
		return map { "DECLARE c ${scroll}CURSOR FOR $_;\n$fetch" } @{ $q->{sql} };
	}
	my @p = @{ $q->{params} };
	return map { my $i = $_; my $names = join ', ', map { Queries::type_name($_->[0])->[$i] } @p;
		'PREPARE s' . (@p ? "($names)" : '') . " AS $q->{sql}[$i];\n"
			. join '', map { 'EXECUTE s' . values_of(\@p, $_) . ";\n" } 1, 2, 1 } 0, 1;
}

# Numbers that are equal are shown alike.
sub canonical {
	my $out = shift;
	return unless defined $out;
	$out =~ s/\.(\d*?)0+(?!\d)/length $1 ? ".$1" : ''/ge;
	$out =~ s/(?<![\w.])-0(?![\d.])/0/g;
	return $out;
}

my %schema = (0 => 'plain', 1 => 'enc');

sub run {
	my ($side, $settings, $text) = @_;
	my $start = time;
	my $out = canonical(ask("BEGIN; SET LOCAL search_path = $schema{$side}, public; $settings\n${text}ROLLBACK; DEALLOCATE ALL;"));
	connect_psql() if !defined $out;
	return ($out, time - $start);
}

sub first_lines {
	my @lines = split /\n/, shift // 'the server has gone', -1;
	my $n = @lines;
	@lines = @lines[0 .. 9] if $n > 10;
	return join "\n", map({ substr $_, 0, 200 } @lines), $n > 10 ? "... $n lines" : ();
}

sub show_plans {
	my ($settings, @text) = @_;
	my %ends;
	for my $side (0, 1) {
		my $text = $text[$side] =~ s/^(SELECT|WITH|\()/EXPLAIN (ANALYZE, VERBOSE) $1/r
			=~ s/^DECLARE .*? FOR (.*)\n(.*\n)*/EXPLAIN (ANALYZE, VERBOSE) $1/r =~ s/^EXECUTE/EXPLAIN (ANALYZE, VERBOSE) EXECUTE/gmr;
		print "-- $schema{$side}\n$text[$side]", (run($side, $settings, $text))[0] // 'the server has gone', "\n";
	}
}

my %n = map { $_ => 0 } qw(all different errors empty timeouts slow);

sub one {
	my $i = shift;
	srand($seed * 1000003 + $i);
	my $settings = settings();
	my @text = statements();
	my ($plain, $took) = run(0, $settings, $text[0]);
	my ($enc, $enc_took) = run(1, $settings, $text[1]);
	my $name = "SEED=$seed ONLY=$i";
	my $late = '57014';
	$n{all}++;
	if (defined $plain && $plain =~ /^ERROR:  $late/m) {
		$n{timeouts}++;
	} elsif (defined $enc && $enc =~ /^ERROR:  $late/m) {
		$n{slow}++;
		printf "slow, $name: %.2f s on plain tables\n", $took;
	} elsif (!defined $plain || !defined $enc || $plain ne $enc) {
		$n{different}++;
		print "different, $name:\n$settings\n$text[1]plain:\n", first_lines($plain), "\nencrypted:\n", first_lines($enc), "\n";
	}
	printf "time, $name: %.2f s, %.2f s on plain tables\n", $enc_took, $took
		if $ENV{QUERY_TIMES} && $enc_took > 0.5 && $enc_took > 8 * $took;
	$n{errors}++ if ($plain // '') =~ /^ERROR/m;
	$n{empty}++ if ($plain // '') eq '';
	show_plans($settings, @text) if defined $only;
}

connect_psql();
make_tables(make_views());
one($_) for defined $only ? $only : 1 .. $count;
print "summary $n{all} $n{different} $n{errors} $n{empty} $n{timeouts} $n{slow}\n";
