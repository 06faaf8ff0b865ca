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
-- arithmetic, with PostgreSQL's scales
SELECT enable_client_mode();
SELECT a + b AS add, a - b AS sub, a * b AS mul, a / b AS div, a % b AS mod, -a AS neg, @ a AS abs
	FROM (VALUES ('1.50'::enc_numeric, '7'::enc_numeric), ('-123456789012345678901234567890.5', '0.003'),
		('NaN', '1'), ('Infinity', '-2'), ('0.00', '3'), ('9223372036854775807', '9223372036854775807'))
		v(a, b);
SELECT '1'::enc_numeric / '0';
SELECT '1'::enc_numeric % '0';
SELECT 'Infinity'::enc_numeric / '0';
SELECT round(x), round(x, 1), round(x, -2), trunc(x, 1), ceil(x), floor(x), sign(x), scale(x)
	FROM (VALUES ('-150.250'::enc_numeric), ('2.5'), ('99999999999999999999.95')) v(x);
SELECT sqrt(x), exp(x), ln(x), log(x), log('2'::enc_numeric, x), x ^ '0.5' AS root, x ^ '3' AS cube,
	power(x, '-2'::enc_numeric)
	FROM (VALUES ('2'::enc_numeric), ('10.00'), ('0.001')) v(x);
SELECT sqrt('-1'::enc_numeric);
SELECT ln('0'::enc_numeric);
SELECT '0'::enc_numeric ^ '-1';
SELECT '-8'::enc_numeric ^ '0.5';
SELECT '10'::enc_numeric ^ '200000';
SELECT mod('7'::enc_numeric, '4'), div('7'::enc_numeric, '-4');
SELECT '1.5'::enc_numeric::enc_int4, '-2.5'::enc_numeric::enc_int8, '1.50'::enc_numeric::enc_text,
	' 1.5e3 '::enc_text::enc_numeric, '1e-3'::enc_numeric::enc_float8;
SELECT '1e10'::enc_numeric::enc_int4;
SELECT 'NaN'::enc_numeric::enc_int8;
SELECT '1.2.3'::enc_text::enc_numeric;
SELECT stddev(x), variance(x), stddev_pop(x), var_pop(x), avg(x)
	FROM (VALUES ('1.5'::enc_numeric), ('2.25'), ('123456789012345678901234567890')) v(x);
SELECT stddev(x), var_pop(x) FROM (VALUES ('5'::enc_int4)) v(x);
SELECT x, octet_length(enc_numeric_send(x)) - 28 AS bytes -- inside
	FROM (VALUES ('0'::enc_numeric), ('17.00'), ('-104949.50'), ('NaN'), ('9223372036854775807'),
		('9223372036854775808')) v(x);
