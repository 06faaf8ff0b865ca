SELECT enable_client_mode();
CREATE TABLE p AS SELECT i, (i * 7919) % 1009 - 500 AS a, 'k' || (i * 31 % 97) AS t
	FROM generate_series(1, 2000) i;
CREATE TABLE e AS SELECT i, enc_int4_encrypt(a) AS a, enc_int8_encrypt(a) AS b,
	enc_numeric_encrypt(a / 4.0) AS c, enc_text_encrypt(t) AS t FROM p;
CREATE INDEX e_a ON e (a);
CREATE INDEX e_b ON e USING hash (b);
CREATE INDEX e_t ON e (t);
CREATE INDEX e_th ON e USING hash (t);
CREATE UNIQUE INDEX e_u ON e ((a + b), i);
ANALYZE e;
SELECT attname, null_frac, avg_width, n_distinct, most_common_vals IS NULL AS no_mcv,
	histogram_bounds IS NULL AS no_histogram FROM pg_stats WHERE tablename = 'e'
	AND attname IN ('a', 'b', 't') ORDER BY 1;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT i FROM e WHERE a = 5;
SELECT i FROM e WHERE a = 5 ORDER BY i;
SELECT i FROM p WHERE a = 5 ORDER BY i;
EXPLAIN (COSTS OFF) SELECT i FROM e WHERE b = 5;
SELECT i FROM e WHERE b = 5 ORDER BY i;
EXPLAIN (COSTS OFF) SELECT count(*) FROM e WHERE a BETWEEN -10 AND 10;
SELECT count(*) FROM e WHERE a BETWEEN -10 AND 10;
SELECT count(*) FROM p WHERE a BETWEEN -10 AND 10;
EXPLAIN (COSTS OFF) SELECT count(*) FROM e WHERE t = 'k5';
SELECT count(*) FROM e WHERE t = 'k5';
SELECT count(*) FROM p WHERE t = 'k5';
SELECT count(*) FROM e WHERE a IN (1, 2, 3);
SELECT count(*) FROM p WHERE a IN (1, 2, 3);
EXPLAIN (COSTS OFF) SELECT a FROM e ORDER BY a LIMIT 3;
SELECT a FROM e ORDER BY a LIMIT 3;
EXPLAIN (COSTS OFF) SELECT max(a) FROM e;
SELECT max(a), min(a) FROM e;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- sorting and grouping without an index
DROP INDEX e_a, e_b, e_t, e_th;
SELECT string_agg(i::text, ',') AS same FROM (SELECT i FROM e ORDER BY a DESC, i LIMIT 20) s
	INTERSECT SELECT string_agg(i::text, ',') FROM (SELECT i FROM p ORDER BY a DESC, i LIMIT 20) s;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT t, count(*) FROM e GROUP BY t;
SELECT count(*), sum(n) FROM (SELECT t, count(*) AS n FROM e GROUP BY t) s;
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*), sum(n) FROM (SELECT t, count(*) AS n FROM e GROUP BY t) s;
RESET enable_hashagg;
SELECT count(DISTINCT t), count(DISTINCT a), count(DISTINCT c) FROM e;
SELECT count(DISTINCT t), count(DISTINCT a), count(DISTINCT a / 4.0) FROM p;
-- joins
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM e x JOIN e y ON x.a = y.a;
SELECT count(*) FROM e x JOIN e y ON x.a = y.a;
SELECT count(*) FROM e x JOIN e y ON x.a = y.b; -- hashed alike
SELECT count(*) FROM e x JOIN e y ON x.t = y.t;
SET enable_hashjoin = off;
RESET enable_mergejoin;
EXPLAIN (COSTS OFF) SELECT count(*) FROM e x JOIN e y ON x.a = y.a;
SELECT count(*) FROM e x JOIN e y ON x.a = y.a;
SELECT count(*) FROM e x JOIN e y ON x.t = y.t;
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(*) FROM p x JOIN p y ON x.a = y.a;
SELECT count(*) FROM p x JOIN p y ON x.t = y.t;
SELECT count(*) FROM (SELECT a FROM e UNION SELECT a FROM e) s;
SELECT count(*) FROM (SELECT a FROM e INTERSECT SELECT a FROM e WHERE i < 100) s;
-- hash contract
SELECT bool_and((enc_int4_hash_extended(a, 0) & 4294967295) = (enc_int4_hash(a)::int8 & 4294967295))
	AS low_half, bool_and(enc_int4_hash(a) = enc_int8_hash(b)) AS families,
	bool_and(enc_int4_hash(a) = enc_numeric_hash(a::enc_numeric)) AS with_numeric,
	bool_or(enc_int4_hash_extended(a, 1) = enc_int4_hash_extended(a, 2)) AS seeded
	FROM e;
SELECT enc_numeric_hash('1.5') = enc_numeric_hash('1.500') AS scale;
-- partitions by value
CREATE TABLE h (a enc_int4, n int) PARTITION BY HASH (a);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO h SELECT a, i FROM e;
SELECT count(*) > 0 AS used FROM h0 UNION ALL SELECT count(*) > 0 FROM h1;
SELECT count(*) FROM h WHERE a = 5;
CREATE TABLE u (a enc_int4 PRIMARY KEY);
INSERT INTO u VALUES (1), (2);
INSERT INTO u SELECT 1 + '0'::enc_int4;
INSERT INTO u VALUES (1) ON CONFLICT (a) DO NOTHING;
CREATE TABLE f (a enc_int4 REFERENCES u);
INSERT INTO f VALUES (2);
INSERT INTO f SELECT '3';
DROP TABLE p, e, h, f, u;
