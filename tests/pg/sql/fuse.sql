-- Expressions outside Zone nodes: one round trip for each evaluation, and otherwise as
-- operation by operation.
SELECT enable_client_mode();
SET max_parallel_workers_per_gather = 0;
CREATE TABLE fu (i int, a enc_int4, b enc_int4, c enc_int4, d enc_int4, t enc_text);
INSERT INTO fu SELECT i, i, nullif(i % 5, 3), i % 7, 20, 'w' || i FROM generate_series(1, 20) i;

-- round trips of a statement, fused and not
CREATE FUNCTION trips_of(statement text) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE before int8; after int8;
BEGIN
	SELECT calls INTO before FROM hedb_stat_channel;
	EXECUTE statement;
	SELECT calls INTO after FROM hedb_stat_channel;
	RETURN after - before;
END $$;
CREATE FUNCTION trips(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE fused int8; single int8;
BEGIN
	fused := trips_of(statement);
	SET LOCAL hedb.enable_fuse = off;
	single := trips_of(statement);
	SET LOCAL hedb.enable_fuse = on;
	RETURN 'fused ' || fused || ', by operation ' || single;
END $$;
-- what it says, fused and not
CREATE FUNCTION says(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE 'SELECT string_agg(q::text, '' '') FROM (' || query || ') q' INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION alike(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE fused text; single text;
BEGIN
	SET LOCAL hedb.enable_batch = off;
	fused := says(query);
	SET LOCAL hedb.enable_fuse = off;
	single := says(query);
	SET LOCAL hedb.enable_fuse = on;
	SET LOCAL hedb.enable_batch = on;
	RETURN CASE WHEN fused IS NOT DISTINCT FROM single THEN left(fused, 60)
		ELSE 'DIFFERENT ' || fused || ' ' || single END;
END $$;

-- plans: EXPLAIN shows the expression
SET hedb.enable_batch = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT i, a + b * c > d FROM fu WHERE i < 9 AND a + b > c AND b * c < d;
SELECT trips('SELECT a + b * c > d FROM fu WHERE i < 5');
SELECT trips('SELECT FROM fu WHERE a + b < c AND b * c < d');
-- one operation stays what it was; of AND and CASE the operations count
SELECT trips('SELECT a + b, CASE WHEN a > b THEN a ELSE b END, NOT a = c, (a + b) IS NULL FROM fu WHERE i = 1');
SELECT trips('SELECT sum(a * b + c) FROM fu');
SELECT trips('SELECT i IN (SELECT i FROM fu WHERE a + b > c) FROM fu WHERE i = 1');
SELECT trips('SELECT FROM fu x LEFT JOIN fu y ON x.i = y.i AND x.a + y.b > y.c');
RESET hedb.enable_batch;

-- NULLs, errors, short circuit
SELECT alike('SELECT i, a + b * c, a + b > c, coalesce(b, a + c), nullif(a + b, c) FROM fu');
SELECT alike('SELECT CASE WHEN i < 5 THEN a + b + c WHEN a > b THEN a * b ELSE a - b - c END FROM fu');
SELECT alike('SELECT i FROM fu WHERE b <> 0 AND 100 / b > c');
SELECT alike('SELECT i FROM fu WHERE 100 / b > c AND b <> 0');
SELECT alike('SELECT b = 0 OR 100 / b > c FROM fu');
SELECT alike('SELECT CASE WHEN b <> 0 THEN 100 / b + a ELSE a - c END FROM fu');
SELECT alike('SELECT CASE WHEN b = 0 THEN 100 / b + a ELSE a - c END FROM fu');
SELECT alike('SELECT a * 2147483647 + b / (c - c) FROM fu');
SELECT alike('SELECT b / (c - c) + a * 2147483647 FROM fu');
SELECT alike('SELECT t || t || t, length(t || ''x'') + a, substring(t || t, 2, 2) = ''12'' FROM fu');
SELECT alike('SELECT a IN (1, 2, 3) OR b NOT IN (4, 5), a + b IS DISTINCT FROM c FROM fu');
SELECT alike('SELECT date_trunc(''day'', enc_timestamptz_encrypt(now())) + enc_interval_encrypt(''1 day'') > enc_timestamptz_encrypt(now()) FROM fu WHERE i = 1');
SELECT alike('SELECT (SELECT x.a + y.b + y.c FROM fu y WHERE y.i = x.i) FROM fu x');
-- a volatile argument is evaluated for each row, by PostgreSQL
CREATE SEQUENCE fs;
CREATE FUNCTION next() RETURNS enc_int4 LANGUAGE sql VOLATILE AS $$ SELECT nextval('fs')::int::enc_int4 $$;
SELECT alike('SELECT next() - next() < a + b FROM fu WHERE i = 1');
SELECT currval('fs');

-- constraints, generated columns, domains, triggers, policies
CREATE TABLE fc (i int, a enc_int4, b enc_int4, CONSTRAINT big CHECK (a + b > a - b));
SELECT trips('INSERT INTO fc SELECT i, a, d FROM fu');
INSERT INTO fc VALUES (1, 1, -1);
INSERT INTO fc VALUES (1, 2147483647, 1);
INSERT INTO fc VALUES (1, NULL, 1);
ALTER TABLE fc ADD CONSTRAINT bigger CHECK (a + b + b > a);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'fc'::regclass ORDER BY 1;
CREATE TABLE fg (i int, a enc_int4, b enc_int4, s enc_int4 GENERATED ALWAYS AS (a + b * a) STORED,
	e enc_int4 DEFAULT 1::enc_int4 + 2::enc_int4);
SELECT trips('INSERT INTO fg (i, a, b) SELECT i, a, d FROM fu');
SELECT i, s, e FROM fg WHERE i = 4;
\d fg
CREATE DOMAIN fd AS enc_int4 CHECK (VALUE + VALUE > VALUE);
CREATE TABLE fdt (x fd);
SELECT trips('INSERT INTO fdt SELECT a FROM fu');
INSERT INTO fdt VALUES ('-1');
CREATE TABLE ft (i int, a enc_int4, b enc_int4);
CREATE FUNCTION ft() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.i := -new.i; RETURN new; END $$;
CREATE TRIGGER ft BEFORE INSERT ON ft FOR EACH ROW WHEN (new.a + new.b > new.b) EXECUTE FUNCTION ft();
SELECT trips('INSERT INTO ft SELECT i, a, d FROM fu');
SELECT count(*) FROM ft WHERE i < 0;
CREATE ROLE fuser;
GRANT ALL ON ALL TABLES IN SCHEMA public TO fuser;
ALTER TABLE ft ENABLE ROW LEVEL SECURITY;
CREATE POLICY fp ON ft USING (a + b < '30') WITH CHECK (a + b > '5' AND a < b + b);
SET hedb.enable_batch = off;
SET ROLE fuser;
SELECT count(*) FROM ft;
INSERT INTO ft VALUES (1, 50, 2);
INSERT INTO ft VALUES (1, 5, 4);
EXPLAIN (COSTS OFF) SELECT i FROM ft WHERE b > a + a;
RESET ROLE;
RESET hedb.enable_batch;

-- who may not execute a function may not have it fused
REVOKE EXECUTE ON FUNCTION enc_int4_mult(enc_int4, enc_int4) FROM PUBLIC;
SET ROLE fuser;
SELECT a + b * c FROM fu WHERE i = 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION enc_int4_mult(enc_int4, enc_int4) TO PUBLIC;

-- PL/pgSQL
CREATE FUNCTION steps(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE x enc_int4 := 1; y enc_int4 := 2; z enc_int4;
BEGIN
	FOR k IN 1 .. n LOOP
		z := x + y * x;
		IF z > y AND z > x THEN y := y - x + x; END IF;
	END LOOP;
	RETURN z::text;
END $$;
SELECT steps(2);
SELECT trips('SELECT steps(10)');

-- plaintext crosses in client mode only, whenever the plan was made
SET hedb.enable_batch = off;
PREPARE mixed AS SELECT a + 1 > b + c FROM fu WHERE i < 3;
EXECUTE mixed;
SELECT trips('SELECT a + 1 > b + c FROM fu WHERE i < 3');
SET plan_cache_mode = force_generic_plan;
EXECUTE mixed;
SELECT enable_server_mode();
EXECUTE mixed;
SELECT enable_client_mode();
EXECUTE mixed;
RESET plan_cache_mode;
RESET hedb.enable_batch;

-- index expressions are computed in one round trip, and found by queries
CREATE TABLE fi (i int, a enc_int4, b enc_int4);
CREATE UNIQUE INDEX fi_sum ON fi ((a + b * b));
CREATE INDEX fi_part ON fi (i) WHERE a + b > b;
INSERT INTO fi SELECT 1, a, d FROM fu WHERE i = 5;
SELECT trips_of('INSERT INTO fi SELECT 1, a, d FROM fu WHERE i = 6');
SET hedb.enable_fuse = off;
SELECT trips_of('INSERT INTO fi SELECT 1, a, d FROM fu WHERE i = 7');
RESET hedb.enable_fuse;
TRUNCATE fi;
INSERT INTO fi SELECT i, a, d FROM fu;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT i FROM fi WHERE a + b * b = '403';
SELECT i FROM fi WHERE a + b * b = '403';
EXPLAIN (COSTS OFF) SELECT i FROM fi WHERE a + b > b AND i = 3;
INSERT INTO fi SELECT i, a, d FROM fu;
INSERT INTO fi SELECT 100, a, d FROM fu ON CONFLICT ((a + b * b)) DO UPDATE SET i = fi.i + excluded.i;
INSERT INTO fi SELECT 100, a, d FROM fu ON CONFLICT ((a + b * b)) DO NOTHING;
WITH x AS (INSERT INTO fi SELECT 100, a, d FROM fu ON CONFLICT ((a + b * b))
	DO UPDATE SET i = fi.i + excluded.i RETURNING i) SELECT min(i), max(i) FROM x;
RESET enable_seqscan;
-- an index of a partition is recognised
CREATE TABLE fpart (i int, a enc_int4, b enc_int4) PARTITION BY RANGE (i);
CREATE TABLE fpart1 PARTITION OF fpart FOR VALUES FROM (1) TO (10);
CREATE TABLE fpart2 (i int, a enc_int4, b enc_int4);
CREATE INDEX ON fpart1 ((a * b + a));
CREATE INDEX ON fpart2 ((a * b + a));
INSERT INTO fpart1 VALUES (1, 2, 3);
INSERT INTO fpart2 VALUES (11, 2, 3);
CREATE INDEX fpart_x ON fpart ((a * b + a));
INSERT INTO fpart VALUES (1, 2, 3);
ALTER TABLE fpart ATTACH PARTITION fpart2 FOR VALUES FROM (10) TO (20);
SELECT indexrelid::regclass FROM pg_index WHERE indrelid::regclass::text LIKE 'fpart_' ORDER BY indexrelid::regclass::text;

-- the type has no values
SELECT 'x'::hedb_program;
SELECT (NULL::hedb_program)[1];
DROP TABLE fu, fc, fg, fdt, ft, fi, fpart;
DROP DOMAIN fd;
DROP FUNCTION ft, next, steps, trips, trips_of, alike, says;
DROP SEQUENCE fs;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM fuser;
DROP ROLE fuser;
