-- Sorts and index builds by ranks: each query beside its plain twin.
SELECT enable_client_mode();
CREATE TABLE p AS SELECT i, CASE WHEN i % 17 > 0 THEN (i * 7919) % 1009 - 500 END AS a,
	(i * 31 % 997)::int8 * 1000000007 AS b, CASE WHEN i % 5 > 0 THEN 'Customer#0000' || i * 37 % 211 ELSE 'k' || i % 3 END AS t,
	((i * 13) % 401 - 200) / 8.0 AS n FROM generate_series(1, 5000) i;
CREATE TABLE e AS SELECT i, enc_int4_encrypt(a) AS a, enc_int8_encrypt(b) AS b,
	enc_text_encrypt(t) AS t, enc_numeric_encrypt(n) AS n FROM p;
-- the order of i under ORDER BY, as one hash; i last makes it unique
CREATE FUNCTION same(by text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE x text; y text;
BEGIN
	EXECUTE 'SELECT md5(string_agg(i::text, '','')) FROM (SELECT i FROM e ORDER BY ' || by || ') s' INTO x;
	EXECUTE 'SELECT md5(string_agg(i::text, '','')) FROM (SELECT i FROM p ORDER BY ' || by || ') s' INTO y;
	RETURN CASE WHEN x = y THEN 'same' ELSE 'DIFFERENT' END;
END $$;
CREATE TABLE orders (by text);
INSERT INTO orders VALUES ('a, i'), ('a DESC, i'), ('a NULLS FIRST, i'), ('a DESC NULLS LAST, i'),
	('b, i'), ('b DESC, i DESC'), ('t, i'), ('t DESC, i'), ('n, i'), ('n DESC, i'),
	('i % 3, a, i'), ('a, b, i'), ('n, a DESC, i'), ('a, i LIMIT 7'), ('a DESC, i LIMIT 2500'),
	('b, i LIMIT 3 OFFSET 100'), ('n, i LIMIT 10');
ALTER TABLE p ALTER t TYPE text COLLATE "C";
SELECT by, same(by) FROM orders;
-- top-N: rows that cannot be among the first N do not reach the sort
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY a DESC, i LIMIT 7 OFFSET 2;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY i, a LIMIT 7; -- another key first
CREATE TABLE tops AS SELECT k || d || f || ', i LIMIT ' || l AS by
	FROM unnest('{a,b,t,n}'::text[]) k, unnest('{""," DESC"}'::text[]) d,
		unnest('{""," NULLS FIRST"," NULLS LAST"}'::text[]) f,
		unnest('{1,10,300 OFFSET 5,2000,4500}'::text[]) l;
SELECT s, count(*) FROM (SELECT same(by) AS s FROM tops) x GROUP BY s;
SELECT count(*), min(n), max(n) FROM (SELECT n FROM e ORDER BY n DESC FETCH FIRST 20 ROWS WITH TIES) s;
SELECT count(*), min(n), max(n) FROM (SELECT n FROM p ORDER BY n DESC FETCH FIRST 20 ROWS WITH TIES) s;
-- more than a batch, rescans
CREATE TABLE m AS SELECT p.i + 5000 * k AS i, (p.i * 7919 + k * 31) % 1000003 AS a FROM p, generate_series(0, 3) k;
CREATE TABLE em AS SELECT i, enc_int4_encrypt(a) AS a FROM m;
SELECT (SELECT array_agg(i) FROM (SELECT i FROM em ORDER BY a, i LIMIT 50) s) =
	(SELECT array_agg(i) FROM (SELECT i FROM m ORDER BY a, i LIMIT 50) s) AS same,
	(SELECT array_agg(i) FROM (SELECT i FROM em ORDER BY a DESC, i LIMIT 5 OFFSET 3000) s) =
	(SELECT array_agg(i) FROM (SELECT i FROM m ORDER BY a DESC, i LIMIT 5 OFFSET 3000) s) AS offset_same;
SELECT array_agg(x.i) FROM generate_series(0, 3) g, LATERAL (SELECT i FROM em WHERE i % 4 = g ORDER BY a, i LIMIT 2) x;
SELECT array_agg(x.i) FROM generate_series(0, 3) g, LATERAL (SELECT i FROM m WHERE i % 4 = g ORDER BY a, i LIMIT 2) x;
DROP TABLE tops, m, em;
-- on tape, in several runs
SET work_mem = '64kB';
SELECT by, same(by) FROM orders;
RESET work_mem;
-- where different abbreviated keys would have to mean different values
SELECT count(DISTINCT a), count(DISTINCT b), count(DISTINCT t), count(DISTINCT n) FROM e;
SELECT count(DISTINCT a), count(DISTINCT b), count(DISTINCT t), count(DISTINCT n) FROM p;
SELECT count(DISTINCT (a, n)), array_length(array_agg(DISTINCT t), 1) FROM e;
SELECT count(DISTINCT (a, n)), array_length(array_agg(DISTINCT t), 1) FROM p;
SELECT mode() WITHIN GROUP (ORDER BY t), percentile_disc(0.25) WITHIN GROUP (ORDER BY b) FROM e;
SELECT mode() WITHIN GROUP (ORDER BY t), percentile_disc(0.25) WITHIN GROUP (ORDER BY b) FROM p;
SELECT md5(string_agg(i::text, ',' ORDER BY n DESC, i)) = (SELECT md5(string_agg(i::text, ',' ORDER BY n DESC, i)) FROM p)
	AS ordered FROM e;
CREATE FUNCTION add_one(int8, enc_int4, int4) RETURNS int8 LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION add_one(int8, int4, int4) RETURNS int8 LANGUAGE sql AS 'SELECT $1 + 1';
CREATE AGGREGATE pairs(enc_int4, int4) (SFUNC = add_one, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pairs(int4, int4) (SFUNC = add_one, STYPE = int8, INITCOND = '0');
SELECT pairs(DISTINCT a, i % 3) FROM e WHERE i <= 3000;
SELECT pairs(DISTINCT a, i % 3) FROM p WHERE i <= 3000;
SELECT count(*), sum(n) FROM (SELECT DISTINCT ON (t) t, i AS n FROM e ORDER BY t, i) s;
SELECT count(*), sum(n) FROM (SELECT DISTINCT ON (t) t, i AS n FROM p ORDER BY t, i) s;
SELECT sum(r), max(d) FROM (SELECT rank() OVER (ORDER BY n) AS r, dense_rank() OVER (PARTITION BY i % 2 ORDER BY t) AS d FROM e) s;
SELECT sum(r), max(d) FROM (SELECT rank() OVER (ORDER BY n) AS r, dense_rank() OVER (PARTITION BY i % 2 ORDER BY t) AS d FROM p) s;
-- incremental sort: the sort is used again for each group
CREATE INDEX e_g ON e ((i / 40));
ANALYZE e;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY i / 40, a, i LIMIT 500;
SELECT same('i / 40, a, i LIMIT 3000'), same('i / 40, n, a, i');
RESET enable_seqscan;
-- index builds
CREATE INDEX e_a ON e (a DESC NULLS LAST, i);
CREATE INDEX e_tn ON e (t, n);
SET maintenance_work_mem = '1MB';
CREATE UNIQUE INDEX e_bi ON e (b, i);
RESET maintenance_work_mem;
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_incremental_sort = off;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY b, i;
SELECT by, same(by) FROM orders WHERE by IN ('a DESC NULLS LAST, i', 'b, i');
SELECT count(*) FROM e WHERE t = 'k1';
SELECT count(*) FROM p WHERE t = 'k1';
RESET enable_seqscan;
RESET enable_sort;
RESET enable_incremental_sort;
\set VERBOSITY terse
CREATE UNIQUE INDEX ON e (b); -- values that are not unique
CREATE UNIQUE INDEX ON e (a) WHERE a IS NULL; -- NULLs are distinct
CREATE UNIQUE INDEX ON e (a) NULLS NOT DISTINCT WHERE a IS NULL;
CLUSTER e USING e_bi;
SELECT by, same(by) FROM orders WHERE by ~ '^a';
-- with parallel workers
SET max_parallel_maintenance_workers = 2;
SET min_parallel_table_scan_size = 0;
SET maintenance_work_mem = '96MB';
ALTER TABLE e SET (parallel_workers = 2);
DROP INDEX e_a, e_bi, e_tn;
CREATE INDEX e_b ON e (b);
CREATE UNIQUE INDEX e_bi ON e (b, i);
CREATE UNIQUE INDEX ON e (t);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT by, same(by) FROM orders WHERE by IN ('b, i');
RESET enable_seqscan;
RESET enable_sort;
-- long values lie out of line and are compared one by one
CREATE TABLE l AS SELECT i, enc_text_encrypt(CASE WHEN i % 3 = 0 THEN repeat('y', 9000) ELSE repeat('y', i % 7) END || i) AS t
	FROM generate_series(1, 60) i;
SELECT md5(string_agg(i::text, ',' ORDER BY t)) = (SELECT md5(string_agg(i::text, ',' ORDER BY t COLLATE "C")) FROM
	(SELECT i, CASE WHEN i % 3 = 0 THEN repeat('y', 9000) ELSE repeat('y', i % 7) END || i AS t
	FROM generate_series(1, 60) i) s) AS same FROM l;
-- a value that was tampered with
SELECT enable_server_mode();
CREATE TABLE w AS SELECT enc_int4_in(cstring(encode(overlay(enc_int4_send(a) PLACING '\x0000' FROM 20), 'base64'))) AS a
	FROM e WHERE a IS NOT NULL LIMIT 2;
SELECT a FROM w ORDER BY a;
CREATE INDEX ON w (a);
DROP TABLE p, e, l, w, orders;
DROP FUNCTION same;
DROP AGGREGATE pairs(enc_int4, int4), pairs(int4, int4);
DROP FUNCTION add_one(int8, enc_int4, int4), add_one(int8, int4, int4);
