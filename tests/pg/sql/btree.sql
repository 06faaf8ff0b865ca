-- B-tree indexes: what scans find, against a plain twin, and how many round trips they take
SELECT enable_client_mode();
CREATE SCHEMA bp;
CREATE SCHEMA be;
CREATE TABLE bp.r AS SELECT i, CASE WHEN i % 50 <> 0 THEN (i * 7919) % 3001 - 1500 END AS a,
	(i * 31) % 7 AS g, (i * 104729) % 2003 / 8.0 AS n,
	repeat('k' || (i * 31 % 197), 1 + i * 17 % 9) AS t, date '2020-01-01' + i * 13 % 997 AS d
	FROM generate_series(1, 3000) i;
CREATE TABLE be.r AS SELECT i, enc_int4_encrypt(a) AS a, enc_int4_encrypt(g) AS g,
	enc_numeric_encrypt(n) AS n, enc_text_encrypt(t) AS t, enc_date_encrypt(d) AS d FROM bp.r;
CREATE FUNCTION in_schema(schema text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s text;
BEGIN
	PERFORM set_config('search_path', schema || ',public', true);
	EXECUTE 'SELECT string_agg(q::text, '';'') FROM (' || query || ') q' INTO s;
	RETURN s;
END $$;
-- how many rows both have; NULL if they differ
CREATE FUNCTION same(query text) RETURNS int LANGUAGE sql AS $$
	SELECT CASE WHEN p = e OR p IS NULL AND e IS NULL THEN coalesce(length(regexp_replace(p, '[^;]', '', 'g')) + 1, 0) END
	FROM (SELECT in_schema('bp', query) AS p, in_schema('be', query) AS e) x
$$;
-- round trips of a query, its constants' included
CREATE FUNCTION trips(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	SELECT calls INTO before FROM hedb_stat_channel();
	EXECUTE query;
	RETURN (SELECT calls - before FROM hedb_stat_channel());
END $$;
CREATE FUNCTION makes(VARIADIC definitions text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	d text;
BEGIN
	DROP INDEX IF EXISTS bp.x, bp.y, be.x, be.y;
	FOREACH d IN ARRAY definitions LOOP
		EXECUTE replace(d, ' r ', ' bp.r ');
		EXECUTE replace(d, ' r ', ' be.r ');
	END LOOP;
END $$;
SET client_min_messages = warning;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;

-- one column, NULLs last
SELECT makes('CREATE INDEX x ON r (a, i)');
EXPLAIN (COSTS OFF) SELECT i FROM be.r WHERE a > 100 AND a <= 300 ORDER BY a DESC, i DESC;
SELECT same('SELECT i FROM r WHERE a > 100 AND a <= 300 ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE a > 100 AND a <= 300 ORDER BY a DESC, i DESC');
SELECT same('SELECT i FROM r WHERE a = 77 ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE a < -1499 ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE a > 5000 ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE a IS NULL ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE a IS NOT NULL ORDER BY a DESC, i DESC');
SELECT same('SELECT i FROM r WHERE a IN (5, -7, 900, 9999) ORDER BY a, i');
SELECT same('SELECT i FROM r WHERE (a, i) > (''3'', 1500) ORDER BY a, i LIMIT 20');
SELECT same('SELECT i FROM r WHERE a >= 5::bigint AND a < 40::bigint ORDER BY a, i'); -- cross-type
SELECT same('SELECT a FROM r WHERE a BETWEEN 10 AND 20 ORDER BY a'); -- index-only
SELECT same('SELECT max(a), min(a) FROM r WHERE a < 1000');

-- the order turned round, NULLs first; uniqueness; part of the rows; an expression
SELECT makes('CREATE INDEX x ON r (a DESC, i)', 'CREATE INDEX y ON r (d NULLS FIRST, i)');
SELECT same('SELECT i FROM r WHERE a > 100 AND a <= 300 ORDER BY a DESC, i');
SELECT same('SELECT i FROM r WHERE d >= date ''2021-02-03'' AND d < timestamp ''2021-03-01'' ORDER BY d NULLS FIRST, i');
SELECT makes('CREATE UNIQUE INDEX x ON r (n, i)', 'CREATE INDEX y ON r (a) WHERE a > 0');
SELECT same('SELECT i FROM r WHERE n > 17.5 AND n < 30 ORDER BY n, i');
SELECT same('SELECT i, a FROM r WHERE a > 0 AND a < 200 ORDER BY a');
INSERT INTO be.r SELECT * FROM be.r WHERE i = 5;
SELECT makes('CREATE INDEX x ON r ((a + g))');
SELECT same('SELECT a + g FROM r WHERE a + g BETWEEN 3 AND 90 ORDER BY a + g');

-- more columns: NULLs before, text of all lengths before and behind
SELECT makes('CREATE INDEX x ON r (g, a, i)', 'CREATE INDEX y ON r (t, d, i)');
EXPLAIN (COSTS OFF) SELECT i FROM be.r WHERE g = 3 AND a > 100;
SELECT same('SELECT i FROM r WHERE g = 3 AND a > 100 ORDER BY g, a, i');
SELECT same('SELECT i FROM r WHERE g > 3 AND a BETWEEN 100 AND 200 ORDER BY g, a, i');
EXPLAIN (COSTS OFF) SELECT i FROM be.r WHERE t > 'k11' AND t < 'k12';
SELECT same('SELECT i FROM r WHERE t > ''k11'' AND t < ''k12'' ORDER BY t, i');
SELECT same('SELECT i FROM r WHERE t = ''k82'' AND d < date ''2021-01-01'' ORDER BY d, i');

-- inserts and splits: what is found while pages are half of what they were
INSERT INTO bp.r SELECT i + 3000, a, g, n, t, d FROM bp.r;
INSERT INTO be.r SELECT i + 3000, a, g, n, t, d FROM be.r;
SELECT same('SELECT i FROM r WHERE g = 3 AND a > 100 ORDER BY g, a, i');
SELECT same('SELECT i FROM r WHERE t > ''k11'' AND t < ''k12'' ORDER BY t, i');
DELETE FROM bp.r WHERE i % 3 = 0;
DELETE FROM be.r WHERE i % 3 = 0;
SELECT same('SELECT i FROM r WHERE g = 3 AND a > 100 ORDER BY g, a, i');

-- a temporary table's pages are this process's own
CREATE TEMP TABLE own AS SELECT * FROM be.r;
CREATE INDEX own_a ON own (a);
SELECT count(*) = (SELECT count(*) FROM bp.r WHERE a BETWEEN 10 AND 500) AS same FROM own WHERE a BETWEEN 10 AND 500;

-- round trips: a few for each level, one for each page and bound, as many as constants
SELECT makes('CREATE INDEX x ON r (a)');
VACUUM be.r;
SELECT count(*) > 1000 AS many FROM be.r WHERE a BETWEEN 0 AND 800;
SELECT trips('SELECT count(*) FROM be.r WHERE a BETWEEN 0 AND 800') < 30 AS few;
SELECT trips('SELECT i FROM be.r WHERE a = 77') < 8 AS few;
SELECT trips('SELECT count(*) FROM own WHERE a BETWEEN 0 AND 800') < 30 AS few;
SELECT trips('INSERT INTO be.r VALUES (0, 77)') < 8 AS few;

-- what the planner thinks: an index's upper pages are as good as a histogram
CREATE FUNCTION rows_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;
CREATE TABLE be.big AS SELECT i, enc_int4_encrypt(CASE WHEN i % 4 <> 0 THEN i END) AS a FROM generate_series(1, 40000) i;
CREATE FUNCTION guess(kind text, OUT condition text, OUT rows numeric) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'DROP INDEX IF EXISTS be.big_a; CREATE INDEX big_a ON be.big (a ' || kind || '); ANALYZE be.big';
	FOREACH condition IN ARRAY ARRAY['a < 12345', 'a >= 35000', '10000 > a AND 5000 <= a', 'a > 20000 AND a > 30000 AND a <= 38000',
			'a > 99999', 'a < 20000 AND i < 99999'] LOOP
		rows := round(rows_of('SELECT * FROM be.big WHERE ' || condition)::numeric, -3); -- to the thousand
		RETURN NEXT;
	END LOOP;
END $$;
SELECT condition, string_agg(rows::text, ' ') FROM (SELECT * FROM guess('') UNION ALL SELECT * FROM guess('NULLS FIRST')
	UNION ALL SELECT * FROM guess('DESC') UNION ALL SELECT * FROM guess('DESC NULLS LAST')) g GROUP BY 1 ORDER BY 1;
DROP INDEX be.big_a;
SELECT rows_of('SELECT * FROM be.big WHERE a < 12345') AS a_third;
DROP FUNCTION rows_of, guess;

-- a value that is none: who comes to it hears of it
CREATE TABLE be.bad (a enc_int4);
CREATE INDEX bad_a ON be.bad (a);
SELECT enable_server_mode();
INSERT INTO be.bad SELECT enc_int4_in(cstring(encode(overlay(enc_int4_send(a) PLACING '\x0000' FROM 20), 'base64')))
	FROM be.r WHERE i = 7;
INSERT INTO be.bad SELECT a FROM be.r WHERE i = 8;
SELECT count(*) FROM be.bad WHERE a > (SELECT a FROM be.r WHERE i = 8);
\set VERBOSITY terse
DROP SCHEMA bp, be CASCADE;
DROP FUNCTION in_schema, same, trips, makes;
SET hedb.mode = client;
-- ranges by indexes whose pages are asked for by their ends: with NULLs at either end, falling,
-- as first and second column, and where values repeat
CREATE TABLE rp AS SELECT i, i % 3 AS k, CASE WHEN i % 17 > 0 THEN (i * 7919) % 4001 - 2000 END AS a,
	CASE WHEN i % 5 > 0 THEN (i * 31) % 7 END AS b FROM generate_series(1, 6000) i;
CREATE TABLE re (i int, k int, a enc_int4, b enc_int4);
INSERT INTO re SELECT * FROM rp;
CREATE FUNCTION ranges_differ(columns text, OUT differ int, OUT with_rows int) LANGUAGE plpgsql AS $$
DECLARE
	c text; q text; p bigint; e bigint;
BEGIN
	differ = 0;
	with_rows = 0;
	EXECUTE format('CREATE INDEX re_range ON re (%s)', columns);
	ANALYZE re;
	SET LOCAL enable_seqscan = off;
	FOR low IN -2100 .. 2100 BY 300 LOOP
		FOREACH c IN ARRAY ARRAY['a >= %s AND a < %s', 'a > %s AND a <= %s AND k = 1',
			'a BETWEEN %s AND %s AND b = 3', 'k = 2 AND a > %s AND a < %s',
			'a >= %s AND a < %s AND b IS NULL'] LOOP
			q = format('SELECT count(*) * 100000 + coalesce(sum(i), 0) FROM %%s WHERE ' || c, low, low + 700);
			EXECUTE format(q, 'rp') INTO p;
			EXECUTE format(q, 're') INTO e;
			differ = differ + (p <> e)::int;
			with_rows = with_rows + (p > 0)::int;
		END LOOP;
	END LOOP;
	DROP INDEX re_range;
END $$;
SELECT c, r.* FROM unnest(ARRAY['a', 'a DESC', 'a NULLS FIRST', 'k, a', 'a, k', 'b, a',
	'b DESC, a NULLS FIRST', 'a, b', 'b NULLS FIRST, a DESC, k']) c, ranges_differ(c) r;
DROP FUNCTION ranges_differ;
DROP TABLE rp, re;
