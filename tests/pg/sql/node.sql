-- Zone nodes: the same rows as without them and as plain types, and where plans have them.
SELECT enable_client_mode();
CREATE TABLE zp AS SELECT i, nullif(i % 7, 3) AS k, (i * 7919) % 1009 - 500 AS a,
	(i * 31) % 211 - 20 AS b, nullif(i % 13, 5)::int8 AS c, ((i * 37) % 1000) / 8.0 AS n,
	CASE WHEN i % 11 > 0 THEN 'w' || (i * 17) % 57 END AS t,
	DATE '1995-01-01' + (i * 3) % 900 AS d FROM generate_series(1, 3000) i;
CREATE TABLE ze (i int, k int, a enc_int4, b enc_int4, c enc_int8, n enc_numeric, t enc_text, d enc_date);
INSERT INTO ze SELECT * FROM zp;
CREATE INDEX ze_i ON ze (i);
CREATE INDEX zp_i ON zp (i);
VACUUM ANALYZE ze;
VACUUM ANALYZE zp;
SET max_parallel_workers_per_gather = 0;

-- one statement on the plain table %1$s, and on the encrypted one with nodes and without
CREATE FUNCTION same(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	digest text = 'SELECT count(*) || '' '' || coalesce(md5(string_agg(s::text, '','' ORDER BY s::text)), '''') FROM (';
	plain text; batch text; scalar text;
BEGIN
	EXECUTE digest || replace(statement, '%t', 'zp') || ') s' INTO plain;
	SET LOCAL hedb.enable_batch = on;
	EXECUTE digest || replace(statement, '%t', 'ze') || ') s' INTO batch;
	SET LOCAL hedb.enable_batch = off;
	EXECUTE digest || replace(statement, '%t', 'ze') || ') s' INTO scalar;
	SET LOCAL hedb.enable_batch = on;
	RETURN split_part(plain, ' ', 1) || CASE WHEN plain = batch AND plain = scalar THEN ' same'
		ELSE ' DIFFERENT ' || plain || ' ' || batch || ' ' || scalar END;
END $$;

-- filters
EXPLAIN (COSTS OFF) SELECT i FROM ze WHERE a + b > 100;
EXPLAIN (VERBOSE, COSTS OFF) SELECT i, a FROM ze WHERE a + b > 100 AND k = 2 AND t LIKE 'w1%';
SET hedb.enable_batch = off;
EXPLAIN (COSTS OFF) SELECT i FROM ze WHERE a + b > 100;
RESET hedb.enable_batch;
SELECT same('SELECT i, a FROM %t WHERE a + b > 100');
SELECT same('SELECT * FROM %t WHERE a + b > 100 AND k = 2 AND t LIKE ''w1%''');
SELECT same('SELECT i FROM %t WHERE NOT (a < 0 OR t = ''w5'') AND c IS NOT NULL');
SELECT same('SELECT i FROM %t WHERE a IN (1, 2, 3, 50, -7) OR b BETWEEN 5 AND 9');
SELECT same('SELECT i FROM %t WHERE b NOT IN (1, 2, 3)');
SELECT same('SELECT i FROM %t WHERE (k = 1 OR a > 5) AND (k IS NULL OR b < 100)');
SELECT same('SELECT i FROM %t WHERE a = c OR a + 1 > b * 2');
SELECT same('SELECT i FROM %t WHERE d >= DATE ''1995-06-01'' AND d < DATE ''1995-09-01''');
SELECT same('SELECT i FROM %t WHERE t = NULL');
SELECT same('SELECT i FROM %t WHERE c IS DISTINCT FROM 4 AND nullif(a, b) > 3');
-- an error of a row that AND excludes is none; on a row that is included it is one
SELECT same('SELECT i FROM %t WHERE b <> 0 AND 100 / b > 3');
SELECT same('SELECT i FROM %t WHERE i < 5 AND (b = 0 OR 100 / b > 3)');
SELECT count(*) FROM ze WHERE 100 / (b - b) > 3;
SELECT count(*) FROM ze WHERE 100 / (a - a) > b AND i < 0;
-- projections
EXPLAIN (VERBOSE, COSTS OFF) SELECT i, a + b AS s, CASE WHEN a > b THEN 1 ELSE 2 END AS w FROM ze;
SELECT same('SELECT i, a + b, CASE WHEN a > b THEN 1 ELSE 2 END, coalesce(t, ''-'') FROM %t');
SELECT same('SELECT i, CASE WHEN b <> 0 THEN 100 / b ELSE 0 END FROM %t');
SELECT same('SELECT i, CASE k WHEN 1 THEN a WHEN 2 THEN b ELSE a + b END FROM %t');
SELECT same('SELECT upper(t), length(t), substring(t, 2, 1) FROM %t WHERE t > ''w3''');
-- aggregates, with and without groups
EXPLAIN (COSTS OFF) SELECT k, sum(a + b), count(*) FROM ze WHERE a > 0 GROUP BY k;
EXPLAIN (COSTS OFF) SELECT t, count(*) FROM ze GROUP BY t;
EXPLAIN (COSTS OFF) SELECT t, sum(a) FROM ze GROUP BY t HAVING sum(a) > 100;
SELECT same('SELECT k, sum(a + b), count(*) FROM %t WHERE a > 0 GROUP BY k');
SELECT same('SELECT t, count(*), min(a + b) FROM %t GROUP BY t');
SELECT same('SELECT c, b, sum(a), max(t) FROM %t GROUP BY c, b');
SELECT same('SELECT t, sum(a) FROM %t GROUP BY t HAVING sum(a) > 100');
SELECT same('SELECT sum(a) FILTER (WHERE b > 50), sum(CASE WHEN a > b THEN a - b ELSE 0 END) FROM %t');
SELECT same('SELECT sum(a / b) FILTER (WHERE b <> 0) FROM %t');
SELECT same('SELECT k, count(DISTINCT t), count(DISTINCT a + b) FROM %t GROUP BY k');
SELECT same('SELECT DISTINCT t, c FROM %t');
SELECT same('SELECT k, t, sum(a) FROM %t GROUP BY GROUPING SETS ((k), (t), ())');
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT t, count(*) FROM ze GROUP BY t;
SELECT same('SELECT t, count(*) FROM %t GROUP BY t');
RESET enable_hashagg;
-- sorted for groups only: by digests
EXPLAIN (COSTS OFF) SELECT t, c, count(DISTINCT i) AS n FROM ze GROUP BY t, c ORDER BY n;
SELECT same('SELECT t, c, k, count(DISTINCT i) AS n, sum(a + b) FROM %t GROUP BY t, k, c ORDER BY n, t, c, k LIMIT 50');
SELECT same('SELECT t, c, count(DISTINCT i) AS n FROM %t GROUP BY t, c HAVING sum(a) > 0 ORDER BY t, c');
-- order and windows; row_number() keeps the order that the rows came in
SET enable_hashagg = off;
SELECT same('SELECT row_number() OVER () AS n, s.* FROM (SELECT t, c, count(*) FROM %t GROUP BY t, c ORDER BY t, c) s');
SELECT same('SELECT row_number() OVER () AS n, s.* FROM (SELECT t, c, count(*) FROM %t GROUP BY t, c ORDER BY t DESC, c LIMIT 9) s');
RESET enable_hashagg;
SELECT same('SELECT row_number() OVER () AS n, s.* FROM (SELECT a + b, i FROM %t WHERE a > 3 ORDER BY a + b DESC, i LIMIT 99) s');
SELECT same('SELECT row_number() OVER () AS n, s.* FROM (SELECT t, c, i FROM %t ORDER BY t, c, i LIMIT 300 OFFSET 7) s');
SELECT same('SELECT i, a + b FROM %t ORDER BY a + b DESC, i LIMIT 17');
EXPLAIN (COSTS OFF) SELECT i FROM ze ORDER BY a DESC LIMIT 5;
SELECT same('SELECT a, b, i FROM %t ORDER BY a, b, i LIMIT 40');
SELECT same('SELECT t, i FROM %t WHERE a > 0 ORDER BY t DESC, i LIMIT 9 OFFSET 200');
SELECT same('SELECT t, i FROM %t ORDER BY t NULLS FIRST, i LIMIT 30');
SELECT same('SELECT c FROM %t ORDER BY c DESC FETCH FIRST 3 ROWS WITH TIES');
SELECT same('SELECT i, rank() OVER (PARTITION BY t ORDER BY i), sum(a + b) OVER (PARTITION BY c ORDER BY i) FROM %t');
SELECT same('SELECT DISTINCT ON (t) t, i FROM %t ORDER BY t, i');
-- joins
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ze x JOIN ze y ON x.t = y.t AND x.a < y.b;
SELECT same('SELECT x.i, y.i FROM %t x JOIN %t y ON x.t = y.t AND x.a < y.b WHERE x.i < 300');
SELECT same('SELECT x.i, y.i FROM %t x LEFT JOIN %t y ON x.a = y.c AND x.b > y.b WHERE x.i < 300');
SELECT same('SELECT x.i, y.i FROM %t x LEFT JOIN %t y ON x.t = y.t AND x.t = lower(y.t) WHERE x.i < 300'); -- one key twice
SELECT same('SELECT i FROM %t WHERE t IN (SELECT t FROM %t WHERE i < 20)');
SELECT same('SELECT i FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.c = x.a AND y.b < x.b)');
RESET enable_nestloop;
RESET enable_mergejoin;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ze x JOIN ze y ON x.i = y.k WHERE x.a < y.b AND y.t > 'w2' AND x.t < 'w3';
SELECT same('SELECT x.i, y.i FROM %t x JOIN %t y ON x.i = y.k WHERE x.a < y.b AND y.t > ''w2'' AND x.t < ''w3''');
RESET enable_memoize;
RESET enable_hashjoin;
RESET enable_mergejoin;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT same('SELECT x.i, y.i FROM %t x JOIN %t y ON x.k = y.i WHERE x.a + y.a > 100 AND y.b > 7');
RESET enable_hashjoin;
RESET enable_nestloop;
-- once for each row of another table
SELECT same('SELECT x.i, s.* FROM %t x, LATERAL (SELECT y.i AS j, y.a + x.a AS s FROM %t y WHERE y.a + x.a > 400 AND y.i < x.i LIMIT 3) s WHERE x.i < 60');
SELECT same('SELECT i, (SELECT count(*) FROM %t y WHERE y.a > x.b AND y.k = x.k) FROM %t x WHERE i < 40');
-- LIMIT stops the child
SELECT count(*) FROM (SELECT i FROM ze WHERE a > -1000 LIMIT 5) s;
-- set operations, CTEs, views, partitions
SELECT same('SELECT a FROM %t WHERE b > 3 UNION SELECT b FROM %t WHERE a > 3');
SELECT same('WITH w AS MATERIALIZED (SELECT i, a * 2 AS x FROM %t) SELECT i FROM w WHERE x > 100');
CREATE VIEW zv AS SELECT i, a + b AS s FROM ze;
SELECT count(*) FROM zv WHERE s > 100;
CREATE TABLE zpart (i int, a enc_int4) PARTITION BY RANGE (i);
CREATE TABLE zpart1 PARTITION OF zpart FOR VALUES FROM (0) TO (1000);
CREATE TABLE zpart2 PARTITION OF zpart FOR VALUES FROM (1000) TO (10000);
INSERT INTO zpart SELECT i, a FROM ze;
ANALYZE zpart;
EXPLAIN (COSTS OFF) SELECT i FROM zpart WHERE a > 400;
SELECT count(*) FROM zpart WHERE a > 400;
SELECT count(*) FROM zp WHERE a > 400;
-- changes
UPDATE ze SET a = a + 1 WHERE b > 100 AND k = 1;
UPDATE zp SET a = a + 1 WHERE b > 100 AND k = 1;
DELETE FROM ze WHERE a + b > 500;
DELETE FROM zp WHERE a + b > 500;
SELECT same('SELECT i, a FROM %t');
-- prepared statements with parameters, generic plans too
PREPARE q(enc_int4, int) AS SELECT count(*) FROM ze WHERE a > $1 AND k = $2;
EXECUTE q(100, 1);
SET plan_cache_mode = force_generic_plan;
EXECUTE q(100, 1);
EXECUTE q(200, 2);
EXECUTE q(NULL, 2);
RESET plan_cache_mode;
SELECT count(*) FILTER (WHERE a > 100 AND k = 1), count(*) FILTER (WHERE a > 200 AND k = 2) FROM zp;
DEALLOCATE q;
-- cursors
BEGIN;
DECLARE c1 CURSOR FOR SELECT i FROM ze WHERE a > 100 ORDER BY i;
FETCH 3 FROM c1;
DECLARE c2 SCROLL CURSOR FOR SELECT i FROM ze WHERE a > 100;
SELECT count(*) FROM zp WHERE a > 100;
MOVE 40 FROM c2;
MOVE BACKWARD 10 FROM c2;
MOVE FORWARD ALL FROM c2;
DECLARE c3 NO SCROLL CURSOR WITH HOLD FOR SELECT i FROM ze WHERE a > 490 ORDER BY i;
SAVEPOINT s;
SELECT count(*) FROM ze WHERE 1 / (a - a) > 0;
ROLLBACK TO s;
FETCH 2 FROM c1;
COMMIT;
FETCH ALL FROM c3;
CLOSE c3;
-- a subplan runs for those rows that the zone lets pass
EXPLAIN (COSTS OFF) SELECT i FROM ze o WHERE a + b > 450
	AND (SELECT count(*) FROM ze u WHERE u.i < o.i AND u.i > o.i - 9) > 5 AND k <> 2;
SELECT same('SELECT i FROM %t o WHERE a + b > 450
	AND (SELECT count(*) FROM %t u WHERE u.i < o.i AND u.i > o.i - 9) > 5 AND k <> 2');
SELECT same('SELECT i, a FROM %t o WHERE a + b > 450
	AND (SELECT count(*) FROM %t u WHERE u.i < o.i AND u.i > o.i - 9 AND u.b > o.b) > 2 AND t IS NOT NULL');
SELECT same('SELECT o.i, p.i AS j FROM %t o JOIN %t p ON p.i = o.i + 1 AND p.a > o.a WHERE
	(SELECT count(*) FROM %t u WHERE u.i < o.i AND u.i > p.i - 9) > 5');
-- a security barrier: who sees no row learns nothing of it by an error or a notice
CREATE FUNCTION leak(int) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
CREATE VIEW zb WITH (security_barrier) AS SELECT i, a, b FROM ze WHERE a > 497;
EXPLAIN (COSTS OFF) SELECT i FROM zb WHERE leak(i) AND b > 0;
SELECT i FROM zb WHERE leak(i) AND b > 0 ORDER BY i;
-- the same by row security: the function comes after the policy, and the zone's filter
-- that is not the policy's as well
CREATE ROLE regress_zone;
GRANT SELECT ON ze TO regress_zone;
ALTER TABLE ze ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION all_of_ze() RETURNS SETOF ze LANGUAGE sql STABLE AS 'SELECT * FROM ze';
CREATE POLICY few ON ze USING (a > 497 AND k > 0);
SET ROLE regress_zone;
EXPLAIN (COSTS OFF) SELECT i FROM ze WHERE leak(i) AND b < 1000;
SELECT i FROM ze WHERE leak(i) AND b < 1000 ORDER BY i;
-- and by a function that the planner puts in place of its call
EXPLAIN (COSTS OFF) SELECT i FROM all_of_ze() s WHERE leak(i) AND b < 1000;
SELECT i FROM all_of_ze() s WHERE leak(i) AND b < 1000 ORDER BY i;
RESET ROLE;
DROP FUNCTION all_of_ze;
ALTER TABLE ze DISABLE ROW LEVEL SECURITY;
-- privileges are those of the functions
REVOKE EXECUTE ON FUNCTION enc_int4_gt(enc_int4, enc_int4) FROM PUBLIC;
SET ROLE regress_zone;
SELECT count(*) FROM ze WHERE a > b;
RESET ROLE;
GRANT EXECUTE ON FUNCTION enc_int4_gt(enc_int4, enc_int4) TO PUBLIC;
-- server mode: constants are ciphertext
SET hedb.mode = server;
SELECT count(*) FROM ze WHERE a > 100;
SELECT count(*) FROM ze WHERE a > b;
SET hedb.mode = client;
-- parallel workers
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT k, sum(a + b) FROM ze WHERE a > b GROUP BY k;
SELECT same('SELECT k, sum(a + b) FROM %t WHERE a > b GROUP BY k');
SELECT same('SELECT t, count(*) FROM %t GROUP BY t');
SELECT same('SELECT x.i FROM %t x JOIN %t y ON x.t = y.t WHERE x.a < y.a AND y.i < 200');
RESET max_parallel_workers_per_gather;
DROP VIEW zv, zb;
DROP TABLE ze, zp, zpart;
DROP OWNED BY regress_zone;
DROP ROLE regress_zone;
DROP FUNCTION same, leak;
