-- plain SQL resolves as without the extension
SELECT 1 + 1 AS a, 'a' || 'b' AS b, 5 = 5 AS c, '5' = 5 AS d, 1 + '1' AS e, 2 ^ 3 AS f,
	2 ^ '3' AS g, @ '-5' AS h, abs('-5') AS i, 7 % 3::int2 AS j, 5000000000 + 1 AS k;
SELECT length('abc') AS a, lower('ABC') AS b, substring('hello' FROM 2 FOR 3) AS c,
	substr('hello', 2) AS d, upper('x'::varchar) AS e, length('x'::char(5)) AS f,
	'abc' LIKE 'a%' AS g, 'abc'::varchar || 'd'::varchar AS h, 1 || 'x' AS i, 'x'::varchar || 1 AS j,
	'x'::name || 'y' AS k, 'abc'::varchar = 'abc' AS l, 'abc'::char(4) = 'abc'::text AS m,
	substring('hello'::varchar, 2, 2) AS n;
SELECT 5::int2 = 5::int8 AS a, 5::numeric = 5::int8 AS b, 5::float4 > 4 AS c, 5::oid = 5 AS d,
	1::int2 + 1::int8 AS e, 1.5 + 1 AS f, '2020-01-02'::date - 1 AS g, '2020-01-01'::date + 5 AS h,
	'[1,2]'::jsonb - 0 AS i, ARRAY[1] || 2 AS j, '{a}'::text[] || 'b'::text AS k, -'5'::int2 AS l;
SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (1::int2), (2)) v(x);
SELECT min(x), max(x) FROM (VALUES ('a'), ('b')) v(x);
SELECT max('abc') AS a, coalesce(NULL, 5) AS b, CASE WHEN true THEN 1 ELSE 2.5 END AS c,
	greatest('a', 'b') AS d;
-- COPY in text and binary, and through a table of the other mode
SELECT enable_client_mode();
CREATE TABLE c (i int, a enc_int4, b enc_int8, n enc_numeric, t enc_text);
INSERT INTO c VALUES (1, 1, 1, 1.5, 'one'), (2, NULL, -1, 'NaN', ''), (3, -5, NULL, NULL, NULL);
COPY c TO STDOUT;
COPY c FROM STDIN;
4	44	444	4.4	fo\tur
5	x	1	1	x
\.
COPY c FROM STDIN;
4	44	444	4.4	fo\tur
\.
SELECT enable_server_mode();
CREATE TEMP TABLE s AS SELECT i, a::text AS a, b::text AS b, n::text AS n, t::text AS t FROM c;
CREATE TABLE c2 (LIKE c);
INSERT INTO c2 SELECT i, a::enc_int4, b::enc_int8, n::enc_numeric, t::enc_text FROM s;
SELECT enable_client_mode();
SELECT * FROM c2 ORDER BY i;
SELECT count(*) FROM c JOIN c2 USING (i, a, b, n, t);
DROP TABLE c2;
-- rows, arrays, domains, views, prepared statements, PL/pgSQL
SELECT ROW('1'::enc_int4, 'x'::enc_text) = ROW('1'::enc_int4, 'x'::enc_text) AS rows;
SELECT ARRAY['1', '2']::enc_int4[] = ARRAY['1', '2']::enc_int4[] AS arrays,
	'2'::enc_int4 = ANY (ARRAY['1', '2']::enc_int4[]) AS member;
CREATE DOMAIN positive AS enc_int4 CHECK (VALUE > '0'::enc_int4);
SELECT '1'::positive + 1 AS two;
SELECT '-1'::positive;
PREPARE q(enc_int4) AS SELECT i FROM c WHERE a > $1 ORDER BY i;
EXECUTE q('0');
EXECUTE q('40');
CREATE FUNCTION twice(x enc_int4) RETURNS enc_int4 LANGUAGE plpgsql AS
	'BEGIN IF x > 1 THEN RETURN x * 2; END IF; RETURN x; END';
SELECT twice('5') AS ten, twice('1') AS one;
CREATE VIEW v AS SELECT i FROM c WHERE a = '44';
SELECT * FROM v;
DROP VIEW v;
DROP DOMAIN positive;
DROP FUNCTION twice;
-- cheap conditions first
EXPLAIN (COSTS OFF) SELECT * FROM c WHERE a > b AND i = 1;
-- away and back
SET client_min_messages = warning;
DROP EXTENSION hedb CASCADE;
SELECT '5'::enc_int4;
CREATE EXTENSION hedb;
SELECT enc_int4_decrypt('5'::enc_int4);
\d c
DROP TABLE c;
DROP EXTENSION hedb CASCADE;
-- what every pair of plain types, operator and function resolves to, without and with hedb
CREATE FUNCTION resolve(expr text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE 'SELECT pg_typeof(' || expr || ')' INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
-- (those functions that both have: as PostgreSQL declares them, and of unknown literals)
CREATE EXTENSION hedb;
CREATE TABLE names AS SELECT DISTINCT proname FROM pg_proc p JOIN pg_depend d ON objid = p.oid JOIN pg_extension e ON e.oid = refobjid
	WHERE extname = 'hedb' AND proname !~ '^(enc|pg_enc|hedb|as_enc)_';
DROP EXTENSION hedb;
CREATE TABLE plain AS SELECT x AS expr, resolve(x) AS without FROM (
	SELECT format('%s %s %s', a, o, b) FROM
		unnest('{+,-,*,/,%,^,||,=,<>,<,<=,>,>=,~~,!~~,~~*}'::text[]) o,
		unnest('{NULL::int2,NULL::int4,NULL::int8,NULL::numeric,NULL::float4,NULL::float8,
			NULL::oid,NULL::money,NULL::text,NULL::varchar,NULL::bpchar,NULL::name,NULL::bytea,
			NULL::date,NULL::timestamp,NULL::interval,NULL::bool,NULL::jsonb,NULL::int4[],
			NULL::text[],NULL::inet,NULL}'::text[]) a,
		unnest('{NULL::int2,NULL::int4,NULL::int8,NULL::numeric,NULL::float4,NULL::float8,
			NULL::oid,NULL::money,NULL::text,NULL::varchar,NULL::bpchar,NULL::name,NULL::bytea,
			NULL::date,NULL::timestamp,NULL::interval,NULL::bool,NULL::jsonb,NULL::int4[],
			NULL::text[],NULL::inet,NULL}'::text[]) b
	UNION ALL SELECT format('%s(%s)', f, a) FROM
		unnest('{abs,length,lower,upper,sum,avg,min,max,-,@}'::text[]) f,
		unnest('{NULL::int2,NULL::int4,NULL::int8,NULL::numeric,NULL::float4,NULL::float8,
			NULL::oid,NULL::money,NULL::text,NULL::varchar,NULL::bpchar,NULL::name,NULL::bytea,
			NULL::interval,NULL}'::text[]) a
	UNION ALL SELECT format('%s(%s, %s)', f, a, b) FROM
		unnest('{substring,substr,coalesce,greatest,nullif}'::text[]) f,
		unnest('{NULL::int2,NULL::int4,NULL::int8,NULL::numeric,NULL::text,NULL::varchar,
			NULL::name,NULL::bpchar,NULL::bytea,NULL}'::text[]) a,
		unnest('{NULL::int2,NULL::int4,NULL::int8,NULL::numeric,NULL::text,NULL::varchar,
			NULL}'::text[]) b
	UNION ALL SELECT DISTINCT f FROM pg_proc p JOIN names USING (proname), LATERAL (SELECT
		format('%s(%s)', proname, string_agg('NULL::' || t::regtype, ', ')),
		format('%s(%s)', proname, string_agg('NULL', ', ')) FROM unnest(proargtypes) t) v(typed, unknown),
		unnest(ARRAY[typed, unknown]) f
	WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') AND pronargs > 0 AND NOT proretset
		AND prorettype <> 'cstring'::regtype AND NOT (proargtypes::oid[] && '{cstring,internal,"\"any\""}'::regtype[]::oid[])) v(x);
CREATE EXTENSION hedb;
SELECT count(*) > 8000 AS many, count(*) FILTER (WHERE without ~ '^[a-z]') AS that_resolve
	FROM plain;
SELECT expr, without, resolve(expr) AS with_hedb FROM plain WHERE resolve(expr) <> without
	ORDER BY 1;
DROP TABLE plain, names;
DROP FUNCTION resolve;
DROP EXTENSION hedb;
