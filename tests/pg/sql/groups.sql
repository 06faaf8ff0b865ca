-- Zone Aggregate: the same groups as of plain types, and where plans have it.
SELECT enable_client_mode();
CREATE TABLE gp AS SELECT i, i % 5 AS k, nullif((i * 7919) % 1009, 7) - 500 AS a,
	(i::int8 * 1000003) % 1000000007 AS b, nullif((i * 31) % 977, 3)::numeric / 100 AS n,
	CASE WHEN i % 11 > 0 THEN 'w' || (i * 17) % 57 END AS t, CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN 'x' END AS u,
	(ARRAY[1.0, 1.00, 1, 2.5, 2.50])[1 + i % 5] AS s, DATE '1995-01-01' + (i * 3) % 900 AS d,
	make_interval(days => i % 17, secs => i) AS v, i % 4 > 0 AS f, (i % 10)::float8 / 4 AS r,
	CASE WHEN i % 9 > 0 THEN repeat('p', i % 40) END AS p, (ARRAY[1.0, 1.00, NULL, 2.5])[1 + i % 4] AS q
	FROM generate_series(1, 9000) i;
CREATE TABLE ge (i int, k int, a enc_int4, b enc_int8, n enc_numeric, t enc_text, u enc_text, s enc_numeric,
	d enc_date, v enc_interval, f enc_bool, r enc_float8, p text, q numeric);
INSERT INTO ge SELECT * FROM gp;
VACUUM ANALYZE ge;
VACUUM ANALYZE gp;
CREATE FUNCTION groups(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	digest text = 'SELECT count(*) || '' '' || coalesce(md5(string_agg(s::text, '','' ORDER BY s::text)), '''') FROM (';
	plain text; batch text; line text; used bool = false;
BEGIN
	EXECUTE digest || replace(statement, '%t', 'gp') || ') s' INTO plain;
	EXECUTE digest || replace(statement, '%t', 'ge') || ') s' INTO batch;
	FOR line IN EXECUTE 'EXPLAIN ' || replace(statement, '%t', 'ge') LOOP
		used = used OR line LIKE '%(Zone Aggregate)%';
	END LOOP;
	RETURN CASE WHEN used THEN 'zone ' ELSE 'rows ' END || split_part(plain, ' ', 1) ||
		CASE WHEN plain = batch THEN ' same' ELSE ' DIFFERENT ' || plain || ' ' || batch END;
END $$;
SET max_parallel_workers_per_gather = 0;

-- plans
EXPLAIN (COSTS OFF) SELECT sum(a) FROM ge;
EXPLAIN (VERBOSE, COSTS OFF) SELECT t, sum(a + 1), avg(a), count(*), count(n) FROM ge WHERE a > 5 GROUP BY t;
EXPLAIN (COSTS OFF) SELECT t, u, sum(a) FROM ge GROUP BY t, u HAVING sum(a) > 10 ORDER BY t, u;
EXPLAIN (COSTS OFF) SELECT extract(year FROM d), max(n) FROM ge GROUP BY 1;
-- and none of them: not ours, or more than one can do with a row
EXPLAIN (COSTS OFF) SELECT t, sum(i) FROM ge GROUP BY t;
EXPLAIN (COSTS OFF) SELECT count(DISTINCT a) FROM ge;

-- every aggregate, by no key and by some, with a filter and without
SELECT groups('SELECT sum(a), avg(a), min(a), max(a), count(a), count(*), sum(b), avg(b), min(b), max(b), sum(n), avg(n), min(n), max(n) FROM %t');
SELECT groups('SELECT min(d), max(d), sum(v), avg(v), min(v), max(v), bool_and(f), bool_or(f), every(f), min(r), max(r) FROM %t');
SELECT groups('SELECT variance(a), stddev(b), var_pop(n), stddev_pop(a), var_samp(n) FROM %t WHERE a > 0');
SELECT groups('SELECT t, sum(a), avg(a), min(a), max(a), count(a), count(*), sum(b), avg(b), sum(n), avg(n) FROM %t GROUP BY t');
SELECT groups('SELECT t, u, min(d), max(d), sum(v), avg(v), bool_and(f), bool_or(f), min(r), variance(a), stddev(n) FROM %t GROUP BY t, u');
SELECT groups('SELECT count(*) FROM %t WHERE a > 100');
SELECT groups('SELECT t, count(*) FROM %t WHERE a > 100 AND n < 5 GROUP BY t');
SELECT groups('SELECT sum(a * 2 + 1), avg(n * (1 - n)), max(b - 7) FROM %t WHERE t > ''w3''');
-- keys: NULL and the empty text, one value written differently, computed ones, many
SELECT groups('SELECT u, count(*), count(u) FROM %t GROUP BY u');
SELECT groups('SELECT s, count(*), sum(a) FROM %t GROUP BY s');
SELECT groups('SELECT extract(year FROM d) AS y, sum(a), count(*) FROM %t GROUP BY 1');
SELECT groups('SELECT a % 7 AS k, sum(b) FROM %t WHERE a > 0 GROUP BY 1');
SELECT groups('SELECT b, sum(a), count(*) FROM %t GROUP BY b');
SELECT groups('SELECT t, d, sum(a), min(n) FROM %t GROUP BY t, d');
SELECT groups('SELECT t FROM %t GROUP BY t HAVING sum(a) > 100 AND count(*) > 50');
SELECT groups('SELECT count(*) FROM (SELECT t, sum(a) AS s FROM %t GROUP BY t) q WHERE s > 0');
SELECT t, sum(a), avg(n), count(*) FROM ge GROUP BY t ORDER BY t DESC LIMIT 3;
SELECT t, sum(a), avg(n), count(*) FROM gp GROUP BY t ORDER BY t COLLATE "C" DESC LIMIT 3;
-- plain keys, alone and with encrypted ones
EXPLAIN (VERBOSE, COSTS OFF) SELECT k, t, sum(a) FROM ge WHERE a > 0 GROUP BY k, t;
SELECT groups('SELECT k, sum(a), avg(n), count(*), count(a) FROM %t GROUP BY k');
SELECT groups('SELECT i, sum(a), count(*) FROM %t GROUP BY i');
SELECT groups('SELECT p, sum(a), max(b) FROM %t WHERE a > 0 GROUP BY p');
SELECT groups('SELECT p, q, sum(a), count(t) FROM %t WHERE n < 5 GROUP BY p, q');
SELECT groups('SELECT q, sum(a), count(*) FROM %t GROUP BY q');
SELECT groups('SELECT k, t, q, sum(a), count(*) FROM %t WHERE a > 0 AND n < 7 GROUP BY k, t, q');
SELECT groups('SELECT k % 2 AS m, sum(a) FROM %t GROUP BY 1 HAVING sum(a) > 0');
-- what it leaves to others
SELECT groups('SELECT k, sum(a) FILTER (WHERE b > 5), count(DISTINCT t) FROM %t GROUP BY k');
SELECT groups('SELECT t, sum(r), avg(r) FROM %t GROUP BY t');
SELECT groups('SELECT t, u, sum(a) FROM %t GROUP BY ROLLUP (t, u)');
-- nothing at all; nothing passes; only NULLs
SELECT sum(a), avg(a), count(a), count(*), max(n) FROM ge WHERE a > 1000000;
SELECT t, sum(a), count(*) FROM ge WHERE a > 1000000 GROUP BY t;
SELECT groups('SELECT t, sum(a), avg(a), max(a), count(a) FROM %t WHERE a IS NULL GROUP BY t');
-- sorted groups
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT t, sum(a) FROM ge GROUP BY t;
SELECT groups('SELECT t, sum(a), avg(n) FROM %t GROUP BY t');
SELECT groups('SELECT u, t, sum(a), avg(n) FROM %t GROUP BY u, t');
EXPLAIN (COSTS OFF) SELECT k, t, sum(a) FROM ge GROUP BY k, t;
SELECT groups('SELECT k, t, p, sum(a), avg(n) FROM %t GROUP BY k, t, p');
SELECT i, sum(a) FROM ge WHERE a > 490 GROUP BY i ORDER BY i LIMIT 3;
SELECT i, sum(a) FROM gp WHERE a > 490 GROUP BY i ORDER BY i LIMIT 3;
RESET enable_hashagg;
-- more groups than memory has room for
SET work_mem = '64kB';
SELECT groups('SELECT b, sum(a), avg(n), count(*) FROM %t GROUP BY b');
RESET work_mem;
-- parallel workers
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT t, sum(a), avg(n) FROM ge WHERE a > 0 GROUP BY t;
SELECT groups('SELECT t, sum(a), avg(n), count(*), variance(a) FROM %t WHERE a > 0 GROUP BY t');
SELECT groups('SELECT sum(a), avg(n), count(*), max(b), stddev(n) FROM %t');
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;
-- again and again
SELECT groups('SELECT x.k, y.s, y.c FROM generate_series(0, 4) AS x(k), LATERAL (SELECT sum(a) AS s, count(*) AS c FROM %t WHERE %t.k = x.k) y');
PREPARE above(enc_int4) AS SELECT count(*), sum(b) FROM ge WHERE a > $1;
EXECUTE above(0);
SELECT count(*), sum(b) FROM gp WHERE a > 0;
EXECUTE above(400);
SELECT count(*), sum(b) FROM gp WHERE a > 400;
-- errors: of rows that pass, of results, and none of rows that do not pass
SELECT t, sum(100 / (a - 1)) FROM ge GROUP BY t;
SELECT groups('SELECT t, sum(100 / (a - 1)) FROM %t WHERE a > 1 GROUP BY t');
SELECT sum(a * 10000000) FROM ge;
SELECT count(*) FROM ge WHERE 1 / (a - 1) > 0;
DROP TABLE gp, ge;
DROP FUNCTION groups;

-- count(DISTINCT) by digests: in memory, in files, of equal ones, NULLs and groups.
SET work_mem = '64kB';
CREATE TABLE gd_p AS SELECT i % 3 AS g, (i * 7919) % 9000 AS a, CASE WHEN i % 7 > 0 THEN 'v' || i % 5 END AS t
	FROM generate_series(1, 20000) i;
SELECT enable_client_mode();
CREATE TABLE gd_e AS SELECT g, a::enc_int4 AS a, t::enc_text AS t FROM gd_p;
ANALYZE gd_p, gd_e;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(DISTINCT a) FROM gd_e;
SELECT (SELECT count(DISTINCT a) FROM gd_p) AS plain, (SELECT count(DISTINCT a) FROM gd_e) AS encrypted,
	(SELECT count(DISTINCT t) FROM gd_e) AS few, (SELECT count(DISTINCT a) FROM gd_e WHERE g > 5) AS none;
SELECT e.g, e.a = p.a AND e.t = p.t AS same, e.a, e.t
	FROM (SELECT g, count(DISTINCT a) AS a, count(DISTINCT t) AS t FROM gd_e GROUP BY g) e
	JOIN (SELECT g, count(DISTINCT a) AS a, count(DISTINCT t) AS t FROM gd_p GROUP BY g) p USING (g) ORDER BY g;
RESET work_mem;
SELECT hedb_count_distinct(u) FROM (SELECT md5((i % 50)::text)::uuid AS u FROM generate_series(1, 300) i
	UNION ALL SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid FROM generate_series(1, 200) i
	UNION ALL SELECT NULL) x;
DROP TABLE gd_p, gd_e;
