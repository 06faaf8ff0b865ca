-- The Zone Sort node: several keys, LIMIT, cursors, marks, rescans, parallel plans; each
-- query beside its plain twin.
SELECT enable_client_mode();
CREATE TABLE p AS SELECT i, CASE WHEN i % 17 > 0 THEN (i * 7919) % 41 - 20 END AS a,
	(i * 31 % 97)::int8 AS b, CASE WHEN i % 5 > 0 THEN 'c' || i * 37 % 23 END AS t,
	CASE WHEN i % 11 = 0 THEN 'NaN' ELSE ((i * 13) % 40 - 20) / 8.0 END::float8 AS f,
	((i * 13) % 51 - 20) / 8.0 AS n, date '2000-01-01' + i * 7 % 90 AS d,
	timestamptz '2000-01-01 00:00Z' + i * 77 % 91 * interval '1 hour' AS z, i % 3 = 0 AS y,
	decode(lpad(to_hex(i * 91 % 57), 2, '0'), 'hex') AS x, i * 19 % 61 * interval '1 day 3 hours' AS v, i % 7 AS g
	FROM generate_series(1, 6000) i;
CREATE TABLE e AS SELECT i, enc_int4_encrypt(a) AS a, enc_int8_encrypt(b) AS b, enc_text_encrypt(t) AS t,
	enc_float8_encrypt(f) AS f, enc_numeric_encrypt(n) AS n, enc_date_encrypt(d) AS d, enc_timestamptz_encrypt(z) AS z,
	enc_bool_encrypt(y) AS y, enc_bytea_encrypt(x) AS x, enc_interval_encrypt(v) AS v, g FROM p;
ALTER TABLE p ALTER t TYPE text COLLATE "C";
ANALYZE p, e;
-- the order of i, as one hash: of the encrypted table, and whether the plain one's is the same
CREATE FUNCTION same(by text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE x text; y text;
BEGIN
	EXECUTE 'SELECT md5(string_agg(i::text, '','')) FROM (SELECT i FROM e ORDER BY ' || by || ') s' INTO x;
	EXECUTE 'SELECT md5(string_agg(i::text, '','')) FROM (SELECT i FROM p ORDER BY ' || by || ') s' INTO y;
	RETURN CASE WHEN x = y THEN 'same' ELSE 'DIFFERENT' END;
END $$;
-- one, two and three keys of all types, plain ones between, NULLs at both ends
CREATE TABLE orders AS
	SELECT k || d || f || ', i' AS by FROM unnest('{a,b,t,f,n,d,z,y,x,v}'::text[]) k, unnest('{""," DESC"}'::text[]) d,
		unnest('{""," NULLS FIRST"," NULLS LAST"}'::text[]) f
	UNION ALL SELECT k || d || ', ' || m || f || ', i' FROM unnest('{a,t,f,g,y}'::text[]) k, unnest('{""," DESC"}'::text[]) d,
		unnest('{a,t,n,x,v}'::text[]) m, unnest('{""," DESC"," DESC NULLS LAST"}'::text[]) f WHERE k <> m
	UNION ALL SELECT k || ', ' || m || ' DESC, ' || l || ' NULLS FIRST, i DESC' FROM unnest('{a,g,y}'::text[]) k,
		unnest('{t,f,z}'::text[]) m, unnest('{a,n,d}'::text[]) l WHERE k <> l;
SELECT same(by), count(*) FROM orders GROUP BY 1;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY g, t DESC, a NULLS FIRST, n DESC NULLS LAST, i;
EXPLAIN (COSTS OFF) SELECT i, g FROM e ORDER BY g, i; -- nothing for the zone
EXPLAIN (COSTS OFF) SELECT i, a FROM e WHERE i < 3 ORDER BY a; -- a row or two
-- rows that are equal stay in their order
SELECT md5(string_agg(i::text, ',')) = (SELECT md5(string_agg(i::text, ',' ORDER BY b, t DESC, i)) FROM p) AS stable
	FROM (SELECT i FROM e ORDER BY b, t DESC) s;
-- with little memory PostgreSQL's sort takes over
SET work_mem = '64kB';
SELECT same('a, i'), same('t DESC, i'), same('a, i LIMIT 40 OFFSET 5'), same('b, i LIMIT 4000');
SET work_mem = '1MB';
SELECT same('a, i'), same('n, i');
RESET work_mem;
-- a value that lies out of line is compared one by one; those before it have been collected
CREATE TABLE lp AS SELECT i, CASE WHEN i = 50 THEN (SELECT string_agg(md5(k::text), '') FROM generate_series(1, 300) k)
	ELSE i * 7 % 60 || 'x' END COLLATE "C" AS t FROM generate_series(1, 60) i;
CREATE TABLE le AS SELECT i, enc_text_encrypt(t) AS t FROM lp;
ALTER TABLE le ALTER t SET STORAGE EXTERNAL;
SELECT (SELECT array_agg(i) FROM (SELECT i FROM le ORDER BY t, i) s) = (SELECT array_agg(i) FROM (SELECT i FROM lp ORDER BY t, i) s) AS same;
-- LIMIT: constants, parameters, expressions, subqueries, ties
SELECT same(k || ', i LIMIT ' || l), count(*) FROM unnest('{a,b DESC,g,"t NULLS FIRST","f DESC","g, a"}'::text[]) k,
	unnest('{0,1,9,300 OFFSET 5,700,2000 OFFSET 4000,7000,"(SELECT 17) OFFSET (SELECT 3)","NULL",4 + 5}'::text[]) l GROUP BY 1;
SET plan_cache_mode = force_generic_plan;
PREPARE few_e(int, int) AS SELECT array_agg(i) FROM (SELECT i FROM e ORDER BY b, a, i LIMIT $1 OFFSET $2) s;
PREPARE few_p(int, int) AS SELECT array_agg(i) FROM (SELECT i FROM p ORDER BY b, a, i LIMIT $1 OFFSET $2) s;
EXPLAIN (COSTS OFF) EXECUTE few_e(5, 2);
EXECUTE few_e(5, 2);
EXECUTE few_p(5, 2);
EXECUTE few_e(0, 0);
EXECUTE few_e(NULL, 5998);
EXECUTE few_p(NULL, 5998);
EXECUTE few_e(-1, 0);
RESET plan_cache_mode;
SELECT count(*), min(b), max(b) FROM (SELECT b FROM e ORDER BY b FETCH FIRST 70 ROWS WITH TIES) s;
SELECT count(*), min(b), max(b) FROM (SELECT b FROM p ORDER BY b FETCH FIRST 70 ROWS WITH TIES) s;
-- more rows than a bounded sort collects, few and many that are equal
CREATE TABLE mp AS SELECT k * 6000 + i AS i, a, b, (i * 7919 + k * 104729) % 1000003 AS c FROM p, generate_series(0, 5) k;
CREATE TABLE me AS SELECT i, enc_int4_encrypt(a) AS a, enc_int8_encrypt(b) AS b, enc_int4_encrypt(c) AS c FROM mp;
ANALYZE me, mp;
SELECT (SELECT array_agg(i) FROM (SELECT i FROM me ORDER BY c, i LIMIT 300) s) =
	(SELECT array_agg(i) FROM (SELECT i FROM mp ORDER BY c, i LIMIT 300) s) AS few,
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM me ORDER BY a DESC, b, i DESC LIMIT 3000 OFFSET 300) s) =
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM mp ORDER BY a DESC, b, i DESC LIMIT 3000 OFFSET 300) s) AS many;
SET work_mem = '1MB';
SELECT (SELECT array_agg(i) FROM (SELECT i FROM me ORDER BY c, i LIMIT 300) s) =
	(SELECT array_agg(i) FROM (SELECT i FROM mp ORDER BY c, i LIMIT 300) s) AS few,
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM me ORDER BY c DESC, i LIMIT 30000) s) =
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM mp ORDER BY c DESC, i LIMIT 30000) s) AS many;
-- more runs than can be merged at once, within the memory that there is
SET work_mem = '64kB';
CREATE FUNCTION runs(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE j json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO j;
	j := coalesce(j -> 0 -> 'Plan' -> 'Plans' -> 0 -> 'Plans' -> 0, j -> 0 -> 'Plan'); -- below a WindowAgg and its Zone
	RETURN concat_ws(', ', j ->> 'Sort Method', CASE WHEN (j ->> 'Sort Runs')::int > 60 THEN 'many runs' END,
		CASE WHEN (j ->> 'Sort Memory')::int <= 128 THEN 'little memory' ELSE j ->> 'Sort Memory' END);
END $$;
SELECT runs('SELECT i FROM me ORDER BY c, i'), runs('SELECT i, c FROM me ORDER BY b, a DESC, i'),
	runs('SELECT rank() OVER (ORDER BY b) FROM me');
SELECT (SELECT md5(array_agg(i)::text) FROM (SELECT i FROM me ORDER BY c DESC, i) s) =
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM mp ORDER BY c DESC, i) s) AS one,
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM me ORDER BY b, a DESC, i) s) =
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM mp ORDER BY b, a DESC, i) s) AS three,
	(SELECT md5(array_agg(r)::text) FROM (SELECT rank() OVER (PARTITION BY a ORDER BY b) AS r FROM me ORDER BY a, b) s) =
	(SELECT md5(array_agg(r)::text) FROM (SELECT rank() OVER (PARTITION BY a ORDER BY b) AS r FROM mp ORDER BY a, b) s) AS ranks,
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM me ORDER BY i % 7, c, i LIMIT 30000 OFFSET 9) s) =
	(SELECT md5(array_agg(i)::text) FROM (SELECT i FROM mp ORDER BY i % 7, c, i LIMIT 30000 OFFSET 9) s) AS some;
DROP FUNCTION runs;
RESET work_mem;
-- cursors: back and forth, past both ends, after the transaction
BEGIN;
DECLARE c CURSOR FOR SELECT i FROM e ORDER BY b, i LIMIT 5;
DECLARE s SCROLL CURSOR FOR SELECT i FROM e WHERE i <= 30 ORDER BY b, i;
DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT i FROM e WHERE i <= 30 ORDER BY t DESC, i;
FETCH 3 FROM s;
FETCH BACKWARD 2 FROM s;
FETCH BACKWARD 2 FROM s;
FETCH FORWARD 2 FROM s;
FETCH LAST FROM s;
FETCH NEXT FROM s;
FETCH PRIOR FROM s;
FETCH ABSOLUTE -2 FROM s;
MOVE ALL IN s;
FETCH BACKWARD 3 FROM s;
FETCH FIRST FROM s;
FETCH ABSOLUTE 12 FROM s;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;
FETCH 2 FROM h;
FETCH LAST FROM h;
CLOSE h;
SELECT array_agg(i) FROM (SELECT i FROM p WHERE i <= 30 ORDER BY b, i) x;
SELECT array_agg(i) FROM (SELECT i FROM p WHERE i <= 30 ORDER BY t DESC, i) x;
-- the same where PostgreSQL's sort has the rows
SET work_mem = '64kB';
BEGIN;
DECLARE s SCROLL CURSOR FOR SELECT i FROM e ORDER BY b, i;
FETCH 2 FROM s;
FETCH LAST FROM s;
FETCH PRIOR FROM s;
FETCH FIRST FROM s;
COMMIT;
RESET work_mem;
-- marks: a merge join goes back over equal rows of its inner side
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*), sum(x.i + y.i) FROM e x JOIN e y ON x.b = y.b WHERE x.i < 200 AND y.i < 300;
SELECT count(*), sum(x.i + y.i) FROM e x JOIN e y ON x.b = y.b WHERE x.i < 200 AND y.i < 300;
SELECT count(*), sum(x.i + y.i) FROM p x JOIN p y ON x.b = y.b WHERE x.i < 200 AND y.i < 300;
SELECT count(*), sum(x.i + coalesce(y.i, 0)) FROM e x LEFT JOIN e y ON x.a = y.a WHERE x.i < 100;
SELECT count(*), sum(x.i + coalesce(y.i, 0)) FROM p x LEFT JOIN p y ON x.a = y.a WHERE x.i < 100;
-- its comparisons are known of many rows at a time, also where they were merged from runs
CREATE FUNCTION trips(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before int8; after int8; result text;
BEGIN
	SELECT calls INTO before FROM hedb_stat_channel;
	EXECUTE query INTO result;
	SELECT calls INTO after FROM hedb_stat_channel;
	RETURN CASE WHEN after - before < 400 THEN 'few, ' ELSE after - before || ' trips, ' END || result;
END $$;
SELECT trips('SELECT count(*) FROM e x JOIN e y ON x.b = y.b'), (SELECT count(*) FROM p x JOIN p y ON x.b = y.b),
	trips('SELECT count(*) FROM e x FULL JOIN e y ON x.n = y.n AND x.a = y.a'), (SELECT count(*) FROM p x FULL JOIN p y ON x.n = y.n AND x.a = y.a);
SET work_mem = '64kB'; -- the inner side is stored
SELECT trips('SELECT count(*) FROM e x JOIN e y ON x.b = y.b'),
	trips('SELECT count(*) FROM e x LEFT JOIN e y ON x.f = y.f WHERE x.i < 1000'), (SELECT count(*) FROM p x LEFT JOIN p y ON x.f = y.f WHERE x.i < 1000);
DROP FUNCTION trips;
SELECT count(*), sum(x.i + coalesce(y.i, 0)) FROM e x JOIN e y ON x.b = y.b WHERE x.i < 100;
SELECT count(*), sum(x.i + coalesce(y.i, 0)) FROM p x JOIN p y ON x.b = y.b WHERE x.i < 100;
RESET work_mem;
RESET enable_hashjoin;
RESET enable_nestloop;
-- rescans, with the same rows and with others
SELECT o.k, (SELECT array_agg(s.i) FROM (SELECT i FROM e WHERE g = o.k ORDER BY b, i LIMIT 3) s) FROM generate_series(0, 2) o(k);
SELECT o.k, (SELECT array_agg(s.i) FROM (SELECT i FROM p WHERE g = o.k ORDER BY b, i LIMIT 3) s) FROM generate_series(0, 2) o(k);
SELECT o.k, x.i FROM generate_series(1, 3) o(k), LATERAL (SELECT i FROM e ORDER BY b, i LIMIT o.k) x;
SELECT o.k, x.i FROM generate_series(1, 3) o(k), LATERAL (SELECT i FROM p ORDER BY b, i LIMIT o.k) x;
SELECT o.k, sum(x.i) FROM generate_series(1, 3) o(k), LATERAL (SELECT i, row_number() OVER (ORDER BY n, i) AS r FROM e) x
	WHERE x.r % (o.k + 1) = 0 GROUP BY 1 ORDER BY 1;
SELECT o.k, sum(x.i) FROM generate_series(1, 3) o(k), LATERAL (SELECT i, row_number() OVER (ORDER BY n, i) AS r FROM p) x
	WHERE x.r % (o.k + 1) = 0 GROUP BY 1 ORDER BY 1;
SET work_mem = '64kB'; -- runs are read again
SELECT o.k, sum(x.i) FROM generate_series(1, 3) o(k), LATERAL (SELECT i, row_number() OVER (ORDER BY n, i) AS r FROM e) x
	WHERE x.r % (o.k + 1) = 0 GROUP BY 1 ORDER BY 1;
SET enable_material = off;
SELECT count(*), sum(x.i) FROM generate_series(1, 3) o(k) JOIN (SELECT i, n FROM e ORDER BY n, i OFFSET 5900) x ON x.i > o.k;
SELECT count(*), sum(x.i) FROM generate_series(1, 3) o(k) JOIN (SELECT i, n FROM p ORDER BY n, i OFFSET 5900) x ON x.i > o.k;
RESET enable_material;
RESET work_mem;
-- windows and groups
EXPLAIN (COSTS OFF) SELECT rank() OVER (PARTITION BY g ORDER BY n DESC) FROM e;
EXPLAIN (COSTS OFF) SELECT rank() OVER w FROM e WINDOW w AS (ORDER BY d RANGE BETWEEN '1 day'::enc_interval PRECEDING AND CURRENT ROW);
SELECT md5(string_agg(r::text, ',' ORDER BY i)) FROM (SELECT i, rank() OVER (PARTITION BY g, a ORDER BY n DESC) AS r FROM e) s;
SELECT md5(string_agg(r::text, ',' ORDER BY i)) FROM (SELECT i, rank() OVER (PARTITION BY g, a ORDER BY n DESC) AS r FROM p) s;
SELECT array_agg(i) FROM (SELECT DISTINCT ON (t) i FROM e ORDER BY t, a DESC, i) s;
SELECT array_agg(i) FROM (SELECT DISTINCT ON (t) i FROM p ORDER BY t, a DESC, i) s;
-- rows that are locked, written
BEGIN;
SELECT i FROM e ORDER BY b, i LIMIT 3 FOR UPDATE;
COMMIT;
CREATE TABLE w AS SELECT i, b FROM e ORDER BY b DESC, i;
SELECT array_agg(i) FROM (SELECT i FROM w LIMIT 5) s;
-- parallel: the leader sorts what the workers send
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY a, t DESC, i;
EXPLAIN (COSTS OFF) SELECT i FROM e ORDER BY b, i LIMIT 400;
SELECT same(by), count(*) FROM orders GROUP BY 1;
SELECT same('b, i LIMIT 400'), same('b DESC, t, i LIMIT 20 OFFSET 3'), same('t, i LIMIT (SELECT 5)');
SET work_mem = '64kB';
SELECT same('a, i'), same('b, i LIMIT 400');
RESET work_mem;
-- a Gather Merge whose target list is not that of the Sort below it
CREATE FUNCTION here(int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL RESTRICTED COST 1 AS 'BEGIN RETURN $1; END';
EXPLAIN (VERBOSE, COSTS OFF) SELECT here(i) AS h, b FROM e ORDER BY b, i;
SELECT (SELECT md5(array_agg(h)::text) FROM (SELECT here(i) AS h, b FROM e ORDER BY b, i) s) =
	(SELECT md5(array_agg(h)::text) FROM (SELECT here(i) AS h, b FROM p ORDER BY b, i) s) AS same,
	(SELECT array_agg(h) FROM (SELECT here(i) AS h FROM e ORDER BY b DESC, t, i LIMIT 20) s) =
	(SELECT array_agg(h) FROM (SELECT here(i) AS h FROM p ORDER BY b DESC, t, i LIMIT 20) s) AS few;
DROP FUNCTION here;
RESET max_parallel_workers_per_gather;
-- a value that was tampered with: the sort raises what the zone says
SELECT enable_server_mode();
UPDATE w SET b = enc_int8_in(cstring(encode(overlay(enc_int8_send(b) PLACING '\x0000' FROM 20), 'base64'))) WHERE i = 7;
SELECT i FROM w ORDER BY b LIMIT 1;
SELECT i FROM w ORDER BY b;
DROP TABLE p, e, lp, le, mp, me, w, orders;
DROP FUNCTION same;
