SELECT enable_client_mode();
SELECT '5'::enc_numeric, '1.50'::enc_numeric, '-0.001'::enc_numeric, '1e20'::enc_numeric,
	'NaN'::enc_numeric, 'Infinity'::enc_numeric;
SELECT 'abc'::enc_numeric;
SELECT a, b, a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge,
	enc_numeric_cmp(a, b) AS cmp
	FROM (VALUES ('1.5'::enc_numeric, '1.50'::enc_numeric), ('-1', '1'), ('NaN', 'NaN'),
		('NaN', 'Infinity'), ('-Infinity', '-1e100')) v(a, b);
SELECT '5'::enc_numeric = 5 AS a, '5'::enc_numeric < 5000000000 AS b, '5'::enc_numeric > 4.5 AS c,
	'5'::enc_int8 = '5.0'::enc_numeric AS d;
SELECT sum(x), avg(x), min(x), max(x), count(x)
	FROM (VALUES ('1.5'::enc_numeric), ('2.25'), (NULL), ('-7')) v(x);
SELECT '1'::enc_numeric # '1'::enc_numeric; -- not there: fails at parse time
CREATE TEMP TABLE t AS SELECT enc_numeric_encrypt((10::numeric ^ n) / 7) AS x
	FROM generate_series(-20, 60, 20) n;
SELECT x FROM t ORDER BY x DESC;
SELECT enable_server_mode();
SELECT bool_and(enc_numeric_send(x) = enc_numeric_send(x::text::enc_numeric)) AS lossless FROM t;
SELECT '5'::enc_numeric;
