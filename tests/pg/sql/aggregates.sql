SELECT enable_client_mode();
-- types, NULLs, nothing at all
SELECT pg_typeof(sum('1'::enc_int4)) AS sum4, pg_typeof(sum('1'::enc_int8)) AS sum8,
	pg_typeof(avg('1'::enc_int4)) AS avg4, pg_typeof(sum('1'::enc_numeric)) AS sumn;
CREATE TABLE agg (i int, a enc_int4, b enc_int8, c enc_numeric, d enc_text);
SELECT sum(a), avg(a), min(a), max(a), count(a), count(*), sum(b), avg(b), min(b), max(b),
	sum(c), avg(c), min(c), max(c), min(d), max(d) FROM agg;
INSERT INTO agg VALUES (1, NULL, NULL, NULL, NULL);
SELECT sum(a), avg(a), min(a), max(a), count(a), count(*), sum(b), avg(b), min(b), max(b),
	sum(c), avg(c), min(c), max(c), min(d), max(d) FROM agg;
INSERT INTO agg VALUES (2, 0, 0, 0, '');
SELECT sum(a), avg(a), min(a), max(a), count(a), count(*), sum(b), avg(b), min(b), max(b),
	sum(c), avg(c), min(c), max(c), min(d), max(d) FROM agg;
-- wider than the argument, exact
SELECT sum(x), avg(x) FROM (VALUES ('2147483647'::enc_int4), ('2147483647'), ('2147483646')) v(x);
SELECT sum(x), avg(x) FROM (VALUES ('9223372036854775807'::enc_int8), ('9223372036854775807')) v(x);
SELECT avg(x) AS a FROM (VALUES ('-3'::enc_int4), ('-4')) v(x);
-- against PostgreSQL, across batches
TRUNCATE agg;
CREATE TABLE aggp AS SELECT i, i % 13 AS g, CASE WHEN i % 7 <> 0 THEN (i * 7919) % 10007 - 5000 END AS a,
	(i::int8 * 1000003) % 1000000007 AS b, (i * 31 % 977)::numeric / 100 AS c, md5(i::text) AS d
	FROM generate_series(1, 5000) i;
ALTER TABLE agg ADD g int;
INSERT INTO agg (i, g, a, b, c, d) SELECT i, g, a, b, c, d FROM aggp;
SET hedb.batch = 7;
SELECT count(*) FROM (SELECT g, sum(a)::text, avg(a)::text, min(a)::text, max(a)::text, sum(b)::text,
	avg(b)::text, min(b)::text, max(b)::text, sum(c)::text, avg(c)::text, min(c)::text, max(c)::text,
	min(d)::text, max(d)::text FROM agg GROUP BY g
	EXCEPT SELECT g, sum(a)::text, avg(a)::text, min(a)::text, max(a)::text, sum(b)::text,
	avg(b)::text, min(b)::text, max(b)::text, sum(c)::text, avg(c)::text, min(c)::text, max(c)::text,
	min(d COLLATE "C")::text, max(d COLLATE "C")::text FROM aggp GROUP BY g) s;
RESET hedb.batch;
SELECT sum(a), avg(b), max(c), min(d) FROM agg;
SELECT sum(a), avg(b), max(c), min(d COLLATE "C") FROM aggp;
SET hedb.batch = 4096;
SELECT sum(a) FROM agg;
RESET hedb.batch;
-- FILTER, DISTINCT, ORDER BY, HAVING, windows
SELECT sum(a) FILTER (WHERE a > 0), sum(DISTINCT a), max(d ORDER BY i) FROM agg;
SELECT sum(a) FILTER (WHERE a > 0), sum(DISTINCT a), max(d COLLATE "C" ORDER BY i) FROM aggp;
SELECT g, sum(a) FROM agg GROUP BY g HAVING sum(a) > 5000 ORDER BY sum(a);
SELECT g, sum(a) FROM aggp GROUP BY g HAVING sum(a) > 5000 ORDER BY sum(a);
SELECT i, sum(a) OVER w, avg(a) OVER w, min(a) OVER w, sum(a) OVER (ORDER BY i ROWS 2 PRECEDING)
	FROM agg WHERE i < 10 WINDOW w AS (ORDER BY i);
SELECT i, sum(a) OVER w, avg(a) OVER w, min(a) OVER w, sum(a) OVER (ORDER BY i ROWS 2 PRECEDING)
	FROM aggp WHERE i < 10 WINDOW w AS (ORDER BY i);
-- in parallel workers, serialized and combined
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(a), avg(b), max(c), min(d), count(*) FROM agg WHERE a < b;
SELECT sum(a), avg(b), max(c), min(d), count(*) FROM agg WHERE a < b;
SELECT sum(a), avg(b), max(c), min(d COLLATE "C"), count(*) FROM aggp WHERE a < b;
SELECT g, sum(a), avg(c) FROM agg GROUP BY g ORDER BY g LIMIT 3;
SELECT g, sum(a), avg(c) FROM aggp GROUP BY g ORDER BY g LIMIT 3;
SELECT count(*) FROM agg WHERE a = 5000000;
SELECT sum(a) FROM agg WHERE a > 5000000;
-- the whole query in one worker, with its own channel and the session's mode
SET force_parallel_mode = on;
EXPLAIN (COSTS OFF) SELECT sum(a + 1) FROM agg WHERE d LIKE 'a%';
SELECT sum(a + 1) FROM agg WHERE d LIKE 'a%';
SELECT sum(a + 1) FROM aggp WHERE d LIKE 'a%';
RESET force_parallel_mode;
-- an error within the aggregate
SELECT sum(x::enc_text::enc_int4) FROM (VALUES ('1'), ('x')) v(x);
DROP TABLE agg, aggp;
