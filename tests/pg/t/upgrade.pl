#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
#
# upgrade.pl - ALTER EXTENSION hedb UPDATE from 1.0, with data, indexes, views and
# constraints in place: afterwards the database is as one that began with the new version.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More tests => 8;
use Zone;

my $zone = Zone->new;
my $node = PostgreSQL::Test::Cluster->new('main');
my $client = 'SET hedb.mode = client;';

# Everything that the extension owns, with what the catalogues say of it.
my $members = <<'SQL';
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' ' || coalesce(
	CASE d.classid
	WHEN 'pg_proc'::regclass THEN (SELECT concat_ws(' ', prosrc, pg_get_function_sqlbody(p.oid), procost, provolatile,
		proisstrict, proparallel, prosupport, prorettype::regtype, proacl) FROM pg_proc p WHERE oid = d.objid)
	WHEN 'pg_operator'::regclass THEN (SELECT concat_ws(' ', oprcode, oprcom::regoperator, oprnegate::regoperator, oprrest,
		oprjoin, oprcanhash, oprcanmerge) FROM pg_operator WHERE oid = d.objid)
	WHEN 'pg_cast'::regclass THEN (SELECT concat_ws(' ', castcontext, castfunc::regprocedure) FROM pg_cast WHERE oid = d.objid)
	WHEN 'pg_type'::regclass THEN (SELECT concat_ws(' ', typcategory, typlen, typalign, typstorage, typanalyze, typcollation)
		FROM pg_type WHERE oid = d.objid)
	END, '') FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE extname = 'hedb' AND deptype = 'e'
UNION ALL SELECT concat_ws(' ', opfname, amopstrategy, amopopr::regoperator)
	FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily WHERE opfname ~ 'enc_'
UNION ALL SELECT concat_ws(' ', opfname, amprocnum, amproclefttype::regtype, amprocrighttype::regtype, amproc::regprocedure)
	FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily WHERE opfname ~ 'enc_'
ORDER BY 1
SQL

sub begin {
	$node->init(extra => ['-E', 'UTF8', '--locale=C.UTF-8']);
	$node->append_conf('postgresql.conf', $zone->conf . "session_preload_libraries = 'hedb'\n");
	$node->start;
	$zone->start;
	$node->safe_psql('postgres', "CREATE DATABASE $_") for 'old', 'new';
	$node->safe_psql('old', <<"SQL");
CREATE EXTENSION hedb VERSION '1.0';
$client
CREATE TABLE t (id int PRIMARY KEY, a enc_int4 CHECK (a > '-5'), n enc_numeric, s enc_text, d enc_date,
	twice enc_int4 GENERATED ALWAYS AS (a + a) STORED);
INSERT INTO t SELECT g, g % 10, g / 7.0, 'row ' || g, date '2020-01-01' + g FROM generate_series(1, 500) g;
CREATE INDEX t_n ON t (n); CREATE INDEX t_s ON t USING hash (s);
CREATE VIEW v AS SELECT a, sum(n) AS sum, max(s) AS max FROM t GROUP BY a;
CREATE FUNCTION f(x enc_int4) RETURNS enc_int8 LANGUAGE sql RETURN x + '10000000000'::enc_int8;
ANALYZE t;
SQL
	return;
}

my $query = "$client SELECT count(*) FROM t WHERE n = (SELECT n FROM t WHERE id = 77); SELECT * FROM v ORDER BY a;
	SELECT f(max(twice)) FROM t; SELECT id FROM t WHERE s = 'row 33'";

begin();
my $before = $node->safe_psql('old', $query);
my $bytes = $node->safe_psql('old', "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM t");
is($node->safe_psql('old', "SELECT extversion FROM pg_extension WHERE extname = 'hedb'"), '1.0', 'it begins with 1.0');
is(($node->psql('old', 'ALTER EXTENSION hedb UPDATE'))[2], '', 'ALTER EXTENSION hedb UPDATE');
$node->safe_psql('new', 'CREATE EXTENSION hedb');
is($node->safe_psql('old', 'SELECT extversion = default_version FROM pg_extension JOIN pg_available_extensions ON extname = name
	WHERE extname = \'hedb\''), 't', 'it is the default version then');
is($node->safe_psql('old', $members), $node->safe_psql('new', $members),
	'and has what CREATE EXTENSION gives, in every detail');
is($node->safe_psql('old', $query), $before, 'data, views, functions are what they were');
is($node->safe_psql('old', "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM t"), $bytes, 'no byte of the table changed');
is($node->safe_psql('old', "$client INSERT INTO t SELECT 1000, enc_float4_sum_bulk(ARRAY['1.5', '2.5']::enc_float4[])::enc_int4;
	SELECT a FROM t WHERE id = 1000"), '4', 'what is new works in it');
is(($node->psql('old', 'DROP EXTENSION hedb CASCADE'))[2] =~ /ERROR/ ? 1 : 0, 0, 'DROP EXTENSION takes all of it');
