-- enc_float4 and enc_float8
SELECT enable_client_mode();
SELECT '1.5'::enc_float4, '-0'::enc_float8, 'NaN'::enc_float4, '-inf'::enc_float8, '1e-45'::enc_float4;
SELECT 'abc'::enc_float8;
SELECT '1e400'::enc_float8;
SELECT a + b AS add, a - b AS sub, a * b AS mul, a / b AS div, -a AS neg, @ a AS abs, +a AS pos
	FROM (VALUES ('1.5'::enc_float4, '0.1'::enc_float4), ('-3', '7')) v(a, b);
SELECT a + b AS add, a - b AS sub, a * b AS mul, a / b AS div, pg_typeof(a * b)
	FROM (VALUES ('1.5'::enc_float4, '0.1'::enc_float8)) v(a, b);
SELECT '1e38'::enc_float4 * '10';
SELECT '1e-30'::enc_float4 * '1e-30';
SELECT '1e308'::enc_float8 + '1e308';
SELECT '1'::enc_float8 / '0';
SELECT 'Infinity'::enc_float8 - 'Infinity' AS nan, 'NaN'::enc_float8 / '0' AS nan2;
SELECT a = b AS eq, a < b AS lt, a > b AS gt, enc_float8_cmp(a, b) AS cmp
	FROM (VALUES ('NaN'::enc_float8, 'NaN'::enc_float8), ('NaN', 'inf'), ('-0', '0'), ('1', '2')) v(a, b);
-- numbers beside a float: double precision, as in PostgreSQL
SELECT pg_typeof(i + f) AS a, pg_typeof(n * f) AS b, pg_typeof(l - d) AS c, pg_typeof(f + 1) AS d,
	pg_typeof(1.5 * d) AS e, i < f AS f, d >= n AS g, d = 2 AS h, f > 1.5 AS i
	FROM (SELECT '1'::enc_int4 i, '2'::enc_int8 l, '1.25'::enc_numeric n, '1.5'::enc_float4 f,
		'2'::enc_float8 d) q;
SELECT sign(x), round(x), trunc(x), ceil(x), floor(x), cbrt(x) FROM (SELECT '-2.5'::enc_float8 x) q;
SELECT sqrt('2'::enc_float8), |/ '9'::enc_float8 AS root, exp('1'::enc_float8), ln('2'::enc_float8),
	log('1000'::enc_float8), '2'::enc_float8 ^ '0.5' AS pow, sqrt('16'::enc_int4);
SELECT sqrt('-1'::enc_float8);
SELECT ln('0'::enc_float8);
SELECT ln('-1'::enc_float8);
SELECT '0'::enc_float8 ^ '-1';
SELECT '-8'::enc_float8 ^ '0.5';
SELECT exp('1000'::enc_float8);
-- casts
SELECT '2.5'::enc_float8::enc_int4 AS even, '3.5'::enc_float4::enc_int8 AS up,
	'0.1'::enc_float4::enc_float8 AS wide, '1e15'::enc_float8::enc_text AS text,
	'123456.7'::enc_float4::enc_numeric AS numeric, '1.5'::enc_text::enc_float8 AS read;
SELECT '3e9'::enc_float8::enc_int4;
SELECT '1e300'::enc_float8::enc_float4;
SELECT 'x'::enc_text::enc_float4;
SELECT '1'::enc_float8 # '1';
CREATE TEMP TABLE t (i int, f enc_float4, d enc_float8);
INSERT INTO t SELECT i, (i / 3.0)::float4, 1.0 / i FROM generate_series(1, 9) i;
INSERT INTO t VALUES (10, NULL, 'NaN'), (11, 2, NULL);
SELECT sum(f), avg(f), min(f), max(d), count(d), stddev(f), var_pop(f), count(DISTINCT f) FROM t;
SELECT sum(f ORDER BY i) FILTER (WHERE i < 1), stddev(f ORDER BY i) FILTER (WHERE i < 2) FROM t;
SELECT i FROM t ORDER BY d DESC NULLS LAST, f;
SELECT count(*) FROM t x JOIN t y ON x.f = y.d;
CREATE INDEX ON t (d);
SET enable_seqscan = off;
SELECT i FROM t WHERE d < '0.2'::enc_float4 ORDER BY i;
SELECT enable_server_mode();
SELECT bool_and(octet_length(enc_float4_send(f)) = 32) AS four,
	bool_and(octet_length(enc_float8_send(d)) = 36) AS eight FROM t;
SELECT f + 1 FROM t;
