-- Which rows are the same, by digests: Unique, INTERSECT and EXCEPT, hashed subplans.
SELECT enable_client_mode();
CREATE TABLE dp AS SELECT i, nullif(i % 7, 3) AS k, (i * 7919) % 509 - 250 AS a, nullif((i * 31) % 311 - 20, 7) AS b,
	CASE WHEN i % 11 > 0 THEN 'w' || (i * 17) % 57 END AS t, ((i * 37) % 100) / 8.0 AS n FROM generate_series(1, 3000) i;
CREATE TABLE de (i int, k int, a enc_int4, b enc_int4, t enc_text, n enc_numeric);
INSERT INTO de SELECT * FROM dp;
VACUUM ANALYZE de;
VACUUM ANALYZE dp;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION same(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	digest text = 'SELECT count(*) || '' '' || coalesce(md5(string_agg(s::text, '','' ORDER BY s::text)), '''') FROM (';
	plain text; batch text; scalar text;
BEGIN
	EXECUTE digest || replace(statement, '%t', 'dp') || ') s' INTO plain;
	EXECUTE digest || replace(statement, '%t', 'de') || ') s' INTO batch;
	SET LOCAL hedb.enable_batch = off;
	EXECUTE digest || replace(statement, '%t', 'de') || ') s' INTO scalar;
	SET LOCAL hedb.enable_batch = on;
	RETURN split_part(plain, ' ', 1) || CASE WHEN plain = batch AND plain = scalar THEN ' same'
		ELSE ' DIFFERENT ' || plain || ' ' || batch || ' ' || scalar END;
END $$;

-- SetOp, hashed
EXPLAIN (COSTS OFF) SELECT a FROM de INTERSECT SELECT b FROM de;
SELECT same('SELECT a FROM %t INTERSECT SELECT b FROM %t');
SELECT same('SELECT t, a FROM %t EXCEPT SELECT t, b FROM %t WHERE k > 2');
SELECT same('SELECT b FROM %t INTERSECT ALL SELECT a FROM %t');
SELECT same('SELECT k, b FROM %t EXCEPT ALL SELECT k, a FROM %t');
SELECT same('SELECT n FROM %t WHERE i < 500 EXCEPT SELECT n FROM %t WHERE i > 2000 AND k = 1');
SELECT same('(SELECT a FROM %t INTERSECT SELECT b FROM %t) EXCEPT SELECT b FROM %t WHERE k = 1');
SELECT same('SELECT a + 1 FROM (SELECT a FROM %t INTERSECT SELECT b FROM %t) s WHERE a > 5');
SELECT a::text FROM de WHERE a < -240 INTERSECT SELECT a::text FROM de WHERE a < -245 ORDER BY 1;
-- sorted, and Unique
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT a FROM de INTERSECT SELECT b FROM de;
SELECT same('SELECT a FROM %t INTERSECT SELECT b FROM %t');
SELECT same('SELECT t, a FROM %t EXCEPT SELECT t, b FROM %t WHERE k > 2');
SELECT same('SELECT b FROM %t INTERSECT ALL SELECT a FROM %t');
SELECT same('SELECT k, b FROM %t EXCEPT ALL SELECT k, a FROM %t');
EXPLAIN (COSTS OFF) SELECT DISTINCT t, k FROM de;
SELECT same('SELECT DISTINCT t, k FROM %t');
SELECT same('SELECT DISTINCT b FROM %t');
SELECT same('SELECT a FROM %t UNION SELECT b FROM %t');
SELECT same('SELECT DISTINCT ON (t) t, i, n FROM %t ORDER BY t, i DESC');
EXPLAIN (COSTS OFF) SELECT DISTINCT ON (t) t, i FROM de ORDER BY t, i LIMIT 3;
SELECT t, i FROM (SELECT DISTINCT ON (t) t, i FROM de ORDER BY t, i) s ORDER BY i LIMIT 3;
SELECT DISTINCT ON (t) t, i FROM de ORDER BY t, i LIMIT 3;
RESET enable_hashagg;
-- hashed subplans: NULLs on either side, more than one column, one subplan in many places
EXPLAIN (COSTS OFF) SELECT i FROM de WHERE a NOT IN (SELECT b FROM de WHERE k = 2);
SELECT same('SELECT i FROM %t WHERE a NOT IN (SELECT b FROM %t WHERE k = 2)');
SELECT same('SELECT i FROM %t WHERE a NOT IN (SELECT b FROM %t WHERE k = 2 AND b IS NOT NULL)');
SELECT same('SELECT i FROM %t WHERE b NOT IN (SELECT a FROM %t WHERE k = 1)');
SELECT same('SELECT i FROM %t WHERE b NOT IN (SELECT a FROM %t WHERE k > 1000)');
SELECT same('SELECT i FROM %t WHERE k = 1 OR a IN (SELECT b FROM %t WHERE k = 4)');
SELECT same('SELECT i FROM %t WHERE (k = 1 OR a IN (SELECT b FROM %t WHERE k = 4)) AND a + b > 10');
SELECT same('SELECT i FROM %t WHERE (a, t) NOT IN (SELECT b, t FROM %t WHERE k = 2 AND t IS NOT NULL)');
SELECT same('SELECT i FROM %t WHERE (a, k) NOT IN (SELECT b, k FROM %t WHERE k = 2)'); -- a plain column: as it was
SELECT same('SELECT i FROM %t WHERE (a IN (SELECT b FROM %t WHERE k = 4)) IS NOT TRUE');
SELECT same('SELECT i FROM %t WHERE a + 1 NOT IN (SELECT b * 2 FROM %t WHERE b > 0)');
SELECT same('SELECT k, count(*) FROM %t GROUP BY k HAVING max(a) NOT IN (SELECT b FROM %t WHERE b > 0)');
SELECT same('SELECT i, a IN (SELECT b FROM %t WHERE k = 4) FROM %t');
SELECT same('SELECT i FROM %t WHERE t NOT IN (SELECT t FROM %t WHERE a NOT IN (SELECT b FROM %t WHERE b IS NOT NULL) AND t IS NOT NULL)');
CREATE TABLE dq (LIKE de) PARTITION BY LIST (k);
CREATE TABLE dq1 PARTITION OF dq FOR VALUES IN (0, 1, 2);
CREATE TABLE dq2 PARTITION OF dq DEFAULT;
INSERT INTO dq SELECT * FROM de;
ANALYZE dq;
SELECT count(*) FROM dq WHERE a NOT IN (SELECT b FROM dq WHERE k = 2 AND b IS NOT NULL);
SELECT count(*) FROM dp WHERE a NOT IN (SELECT b FROM dp WHERE k = 2 AND b IS NOT NULL);
-- an update that chooses rows so
UPDATE de SET k = -1 WHERE a NOT IN (SELECT b FROM de WHERE b IS NOT NULL);
UPDATE dp SET k = -1 WHERE a NOT IN (SELECT b FROM dp WHERE b IS NOT NULL);
SELECT same('SELECT i, k FROM %t');
DELETE FROM de WHERE a IN (SELECT b FROM de WHERE k = 4) OR i < 10;
DELETE FROM dp WHERE a IN (SELECT b FROM dp WHERE k = 4) OR i < 10;
SELECT same('SELECT i FROM %t');
-- a plan that is used more than once, and workers
PREPARE p AS SELECT count(*) FROM de WHERE a NOT IN (SELECT b FROM de WHERE b > $1);
SET plan_cache_mode = force_generic_plan;
EXECUTE p(0);
EXECUTE p(0);
EXECUTE p(100);
RESET plan_cache_mode;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT same('SELECT i FROM %t WHERE a NOT IN (SELECT b FROM %t WHERE b IS NOT NULL)');
SELECT same('SELECT DISTINCT t, k FROM %t');
SELECT same('SELECT a FROM %t INTERSECT SELECT b FROM %t');
DEALLOCATE p;
DROP TABLE dp, de, dq;
DROP FUNCTION same;
