-- Filters of a nested loop's inner side go to a Zone over the join, of semi and anti joins
-- as well: the rows that plain types give, and the plans.
SELECT enable_client_mode();
CREATE TABLE np AS SELECT i, i % 500 AS k, (i * 7919) % 1009 - 500 AS a, nullif((i * 31) % 211 - 20, 7) AS b,
	CASE WHEN i % 11 > 0 THEN 'w' || (i * 17) % 57 END AS t FROM generate_series(1, 4000) i;
CREATE TABLE ne (i int, k int, a enc_int4, b enc_int4, t enc_text);
INSERT INTO ne SELECT * FROM np;
CREATE INDEX ne_k ON ne (k);
CREATE INDEX np_k ON np (k);
VACUUM ANALYZE ne;
VACUUM ANALYZE np;
SET max_parallel_workers_per_gather = 0;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
SET enable_material = off;
SET enable_bitmapscan = off;

CREATE FUNCTION same(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	digest text = 'SELECT count(*) || '' '' || coalesce(md5(string_agg(s::text, '','' ORDER BY s::text)), '''') FROM (';
	plain text; batch text; scalar text;
BEGIN
	EXECUTE digest || replace(statement, '%t', 'np') || ') s' INTO plain;
	EXECUTE digest || replace(statement, '%t', 'ne') || ') s' INTO batch;
	SET LOCAL hedb.enable_batch = off;
	EXECUTE digest || replace(statement, '%t', 'ne') || ') s' INTO scalar;
	SET LOCAL hedb.enable_batch = on;
	RETURN split_part(plain, ' ', 1) || CASE WHEN plain = batch AND plain = scalar THEN ' same'
		ELSE ' DIFFERENT ' || plain || ' ' || batch || ' ' || scalar END;
END $$;

-- semi
EXPLAIN (COSTS OFF) SELECT i, t FROM ne x WHERE EXISTS (SELECT FROM ne y WHERE y.k = x.i AND y.a < y.b);
SELECT same('SELECT i, t FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
SELECT same('SELECT i, t FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < x.b AND y.i <> x.i)');
SELECT same('SELECT t, count(*) FROM %t x WHERE x.a > 0 AND EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b) GROUP BY t');
SELECT same('SELECT i FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a > 10000)');
-- anti: no partner, none that passes, filters that are NULL
EXPLAIN (COSTS OFF) SELECT i, t FROM ne x WHERE NOT EXISTS (SELECT FROM ne y WHERE y.k = x.i AND y.a < y.b);
SELECT same('SELECT i, t FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
SELECT same('SELECT i, a + b FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < x.b AND y.i <> x.i)');
SELECT same('SELECT t, count(*), sum(a) FROM %t x WHERE x.a > 0 AND NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.b < y.a) GROUP BY t');
SELECT same('SELECT i FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a > 10000)');
SELECT same('SELECT i FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < 10000)');
-- a filter that a row without a partner could pass stays where it was
EXPLAIN (COSTS OFF) SELECT i FROM ne x WHERE NOT EXISTS (SELECT FROM ne y WHERE y.k = x.i AND coalesce(y.a, 1) > 0);
SELECT same('SELECT i FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND coalesce(y.a, 1) > 0)');
-- one inside the other
SELECT same('SELECT i FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b) AND NOT EXISTS (SELECT FROM %t z WHERE z.k = x.i AND z.a > x.b AND z.i <> x.i)');
SELECT same('SELECT i FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b AND NOT EXISTS (SELECT FROM %t z WHERE z.k = y.k AND z.a > 400))');
-- groups that more than one batch has rows of
SET hedb.batch = 3;
SELECT same('SELECT i, t FROM %t x WHERE i < 600 AND EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
SELECT same('SELECT i, t FROM %t x WHERE i < 600 AND NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
SELECT same('SELECT i FROM %t x WHERE i BETWEEN 490 AND 499 AND NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a > 10000)');
RESET hedb.batch;
-- once for each row of another table, and no further than wanted
SELECT same('SELECT v, s.* FROM generate_series(1, 5) v, LATERAL (SELECT count(*), max(i) FROM %t x WHERE x.i % 5 = v - 1 AND NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b + v)) s');
SELECT count(*) FROM (SELECT i FROM ne x WHERE NOT EXISTS (SELECT FROM ne y WHERE y.k = x.i AND y.a < y.b) LIMIT 7) s;
-- the error of a row behind the one that matched is none; of a row before it, it is one
SELECT count(*) FROM ne x WHERE EXISTS (SELECT FROM ne y WHERE y.k = x.i AND 100 / (y.i / 3001 - 1)::enc_int4 < 0);
SELECT count(*) FROM ne x WHERE EXISTS (SELECT FROM ne y WHERE y.k = x.i AND 100 / (y.i / 3001)::enc_int4 > 0);
-- parallel workers number their own rows
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT same('SELECT i, t FROM %t x WHERE EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
SELECT same('SELECT i, t FROM %t x WHERE NOT EXISTS (SELECT FROM %t y WHERE y.k = x.i AND y.a < y.b)');
DROP TABLE np, ne;
DROP FUNCTION same;
