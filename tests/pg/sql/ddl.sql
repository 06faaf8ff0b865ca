-- Encrypted columns under DDL: types that change, partitions, inheritance, views, arrays, rows,
-- statistics, cursors and subtransactions.
SELECT enable_client_mode();
SET datestyle = 'ISO';
-- ALTER TYPE: to an encrypted column and back, with what stands on it
CREATE TABLE d1 (id int PRIMARY KEY, a int4 NOT NULL DEFAULT 7 CHECK (a > 0), t text, d date);
INSERT INTO d1 SELECT g, g % 5 + 1, 'row ' || g, date '2020-01-01' + g FROM generate_series(1, 200) g;
CREATE INDEX d1_a ON d1 (a);
CREATE UNIQUE INDEX d1_t ON d1 (t COLLATE "C");
ALTER TABLE d1 DROP CONSTRAINT d1_a_check, ALTER a DROP DEFAULT;
DROP INDEX d1_t;
ALTER TABLE d1 ALTER a TYPE enc_int4, ALTER t TYPE enc_text USING t::enc_text, ALTER d TYPE enc_date;
CREATE UNIQUE INDEX d1_t ON d1 (t);
ALTER TABLE d1 ADD CHECK (a > 0), ALTER a SET DEFAULT 7;
\d d1
INSERT INTO d1 (id) VALUES (201);
INSERT INTO d1 (id, a) VALUES (202, 0);
INSERT INTO d1 (id, t) VALUES (203, 'row 5');
SELECT count(*), sum(a), max(t), max(d) FROM d1;
ALTER TABLE d1 ALTER a TYPE enc_int8, ALTER d TYPE enc_timestamp;
SELECT pg_typeof(a), pg_typeof(d), a, d FROM d1 WHERE t = 'row 33';
ALTER TABLE d1 ALTER a TYPE enc_int4;
ALTER TABLE d1 DROP CONSTRAINT d1_a_check, ALTER a DROP DEFAULT;
DROP INDEX d1_t;
ALTER TABLE d1 ALTER a TYPE int4 USING enc_int4_decrypt(a), ALTER t TYPE text USING enc_text_decrypt(t),
	ALTER d TYPE date USING enc_date_decrypt(d::enc_date);
SELECT count(*), sum(a), max(t COLLATE "C"), max(d) FROM d1;
SELECT enable_server_mode();
ALTER TABLE d1 ALTER a TYPE enc_int4;
SELECT enable_client_mode();
ALTER TABLE d1 ALTER a TYPE enc_bool;
DROP TABLE d1;
-- partitions by range, list and hash
CREATE TABLE dr (a enc_int4, n int) PARTITION BY RANGE (a);
CREATE TABLE dr1 PARTITION OF dr FOR VALUES FROM (MINVALUE) TO ('10');
CREATE TABLE dr2 PARTITION OF dr FOR VALUES FROM ('10') TO ('100');
CREATE TABLE dr3 PARTITION OF dr DEFAULT;
CREATE TABLE dr4 PARTITION OF dr FOR VALUES FROM ('50') TO ('60');
INSERT INTO dr SELECT g, g FROM generate_series(1, 120) g;
INSERT INTO dr VALUES (NULL, 0);
SELECT tableoid::regclass, count(*), min(n), max(n) FROM dr GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT n FROM dr WHERE a = '50';
SELECT n FROM dr WHERE a = '50';
UPDATE dr SET a = a + 60 WHERE n = 50;
SELECT tableoid::regclass, a FROM dr WHERE n = 50;
ALTER TABLE dr DETACH PARTITION dr2;
CREATE TABLE dr5 (LIKE dr2);
INSERT INTO dr5 VALUES ('5', 5);
ALTER TABLE dr ATTACH PARTITION dr5 FOR VALUES FROM ('10') TO ('100');
TRUNCATE dr5;
ALTER TABLE dr ATTACH PARTITION dr5 FOR VALUES FROM ('10') TO ('100');
CREATE TABLE dl (t enc_text, n int) PARTITION BY LIST (t);
CREATE TABLE dl1 PARTITION OF dl FOR VALUES IN ('a', 'b');
CREATE TABLE dl2 PARTITION OF dl FOR VALUES IN ('b');
CREATE TABLE dl2 PARTITION OF dl FOR VALUES IN ('c', NULL);
INSERT INTO dl VALUES ('a', 1), ('b', 2), ('c', 3), (NULL, 4);
INSERT INTO dl VALUES ('d', 5);
SELECT tableoid::regclass, t FROM dl ORDER BY n;
SELECT count(*) FROM dl WHERE t IN ('a', 'c');
CREATE TABLE dh (a enc_int8, n int, PRIMARY KEY (a)) PARTITION BY HASH (a);
CREATE TABLE dh1 PARTITION OF dh FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE dh2 PARTITION OF dh FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO dh SELECT g, g FROM generate_series(1, 100) g;
DO $$ BEGIN -- in which partition, the region's key says
	INSERT INTO dh VALUES (7, 7);
EXCEPTION WHEN unique_violation THEN
	RAISE NOTICE 'refused';
END $$;
SELECT count(*) = 100 AS all, count(DISTINCT tableoid) FROM dh;
DROP TABLE dr, dr2, dr5, dl, dh;
-- inheritance, views, materialised views
CREATE TABLE di (a enc_int4, t enc_text);
CREATE TABLE di1 (x enc_numeric) INHERITS (di);
INSERT INTO di VALUES (1, 'parent'); INSERT INTO di1 VALUES (2, 'child', 1.5);
SELECT tableoid::regclass, a + 1 AS a, t FROM di WHERE a > 0 ORDER BY a;
ALTER TABLE di ADD b enc_int4 DEFAULT 3;
SELECT * FROM di1;
CREATE VIEW div WITH (security_barrier) AS SELECT a, t, a * b AS p FROM di WHERE a < 10;
INSERT INTO div (a, t) VALUES (5, 'by view'), (50, 'unseen');
SELECT * FROM div ORDER BY a;
CREATE MATERIALIZED VIEW dim AS SELECT a, count(*) AS n, sum(b) AS s FROM di GROUP BY a;
CREATE UNIQUE INDEX ON dim (a);
INSERT INTO di VALUES (5, 'again', 1);
REFRESH MATERIALIZED VIEW CONCURRENTLY dim;
SELECT * FROM dim ORDER BY a;
DROP TABLE di CASCADE;
-- arrays and rows of encrypted values
CREATE TYPE dpair AS (a enc_int4, t enc_text);
CREATE TABLE da (id int, v enc_int4[], p dpair, r enc_date[]);
INSERT INTO da VALUES (1, '{1,2,NULL}', ROW('1', 'x'), ARRAY['2020-01-01']::enc_date[]), (2, '{3}', ROW(NULL, 'y'), NULL);
SELECT v[1] + 1, (p).a + 1, (p).t || '!', cardinality(v), r FROM da ORDER BY id;
SELECT id FROM da WHERE '2' = ANY (v) OR (p).t = 'y' ORDER BY id;
SELECT id FROM da WHERE v @> '{3}' OR p = ROW('1', 'x')::dpair ORDER BY id;
SELECT unnest(v) AS u FROM da ORDER BY u;
SELECT array_agg(x ORDER BY x DESC) FROM (VALUES ('2'::enc_int4), ('10')) v(x);
CREATE INDEX ON da USING gin (v);
CREATE INDEX ON da (p);
SET enable_seqscan = off;
SELECT id FROM da WHERE p = ROW('1', 'x')::dpair;
RESET enable_seqscan;
DROP TABLE da;
DROP TYPE dpair;
-- statistics hold no value, of columns, expressions, arrays, rows, domains
CREATE DOMAIN dpos AS enc_int4 CHECK (VALUE > '0');
CREATE TABLE ds (id int, a enc_int4, t enc_text, p dpos, v enc_int4[]);
INSERT INTO ds SELECT g, g % 3 + 1, 'secret' || g % 3, g % 3 + 1, ARRAY[g % 3]::enc_int4[] FROM generate_series(1, 300) g;
CREATE INDEX ON ds ((a + a));
CREATE STATISTICS ds_stats (ndistinct, dependencies) ON a, t FROM ds;
ANALYZE ds;
SELECT attname, n_distinct, most_common_vals IS NULL AS no_mcv, histogram_bounds IS NULL AS no_histogram,
	most_common_elems IS NULL AS no_elements FROM pg_stats WHERE tablename ~ '^ds' AND attname <> 'id' ORDER BY 1;
SELECT count(*) FROM pg_statistic s WHERE starelid = 'ds'::regclass
	AND concat(stavalues1, stavalues2, stavalues3, stavalues4, stavalues5) ~ 'secret';
SELECT stxdndistinct FROM pg_statistic_ext JOIN pg_statistic_ext_data ON oid = stxoid WHERE stxname = 'ds_stats';
VACUUM (FULL, ANALYZE) ds;
VACUUM (FREEZE) ds;
SELECT a, count(*) FROM ds GROUP BY a ORDER BY a;
SELECT attname, n_distinct FROM pg_stats WHERE tablename ~ '^ds' AND attname <> 'v' ORDER BY 1;
DROP TABLE ds;
DROP DOMAIN dpos;
-- subtransactions: an error in the middle of a batch, and the statement after it
CREATE TABLE de (id int, a enc_int4);
INSERT INTO de SELECT g, g - 150 FROM generate_series(1, 300) g;
CREATE FUNCTION dtry(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE q INTO r;
	RETURN r;
EXCEPTION WHEN division_by_zero THEN
	RETURN 'caught ' || SQLSTATE;
END $$;
SELECT dtry('SELECT sum(100 / a) FROM de'), dtry('SELECT count(*) FROM de WHERE a > 0'), dtry('SELECT sum(100 / a) FROM de WHERE id > 150');
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, a FROM de WHERE a * 2 > 290 ORDER BY id;
FETCH 2 FROM c;
SAVEPOINT s;
UPDATE de SET a = a / (a - a) WHERE id < 100;
ROLLBACK TO s;
FETCH 2 FROM c;
FETCH BACKWARD 3 FROM c;
COMMIT;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT id, a FROM de WHERE a * 2 > 290 ORDER BY id DESC;
FETCH 1 FROM h;
COMMIT;
FETCH 2 FROM h;
CLOSE h;
PREPARE dp (enc_int4, int) AS SELECT count(*) FROM de WHERE a > $1 AND id < $2;
EXECUTE dp('0', 200);
SET plan_cache_mode = force_generic_plan;
EXECUTE dp('100', 1000);
ALTER TABLE de ALTER a TYPE enc_int8;
EXECUTE dp('100', 1000);
RESET plan_cache_mode;
DEALLOCATE dp;
DROP TABLE de;
DROP FUNCTION dtry;
SELECT enable_server_mode();
