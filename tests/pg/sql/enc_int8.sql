SELECT enable_client_mode();
SELECT '5'::enc_int8, '9223372036854775807'::enc_int8, '-9223372036854775808'::enc_int8;
SELECT 'abc'::enc_int8;
SELECT '9223372036854775808'::enc_int8;
SELECT a, b, a + b AS add, a - b AS sub, a * b AS mul, a / b AS div, a % b AS mod,
	-a AS neg, @ a AS abs, abs(b)
	FROM (VALUES ('5000000000'::enc_int8, '7'::enc_int8), ('-5000000000', '7')) v(a, b);
SELECT '2'::enc_int8 ^ '62' AS pow;
SELECT '2'::enc_int8 ^ '63';
SELECT '9223372036854775807'::enc_int8 + '1';
SELECT '-9223372036854775808'::enc_int8 - '1';
SELECT '5000000000'::enc_int8 * '5000000000';
SELECT '-9223372036854775808'::enc_int8 / '-1';
SELECT '-9223372036854775808'::enc_int8 % '-1' AS zero;
SELECT - '-9223372036854775808'::enc_int8;
SELECT '1'::enc_int8 / '0';
SELECT '1'::enc_int8 % '0';
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge,
	enc_int8_cmp(a, b) AS cmp
	FROM (VALUES ('1'::enc_int8, '2'::enc_int8), ('2', '1'), ('3', '3')) v(a, b);
SELECT x + 1 AS a, 5000000000 - x AS b, x = 5 AS c, x + '1'::enc_int4 AS d, x > 1.5 AS e
	FROM (SELECT '5'::enc_int8 AS x) s;
SELECT x + 1::int8 AS a, 1::int8 - x AS b, x * 2 AS c, 12 / x AS d, -1::int4 * x AS e,
	'9223372036854775807'::enc_int8 / 1 AS f FROM (SELECT '5'::enc_int8 AS x) s;
SELECT '9223372036854775807'::enc_int8 + 1;
SELECT 1 / '0'::enc_int8;
CREATE TEMP TABLE t (a enc_int4, b enc_int8, c enc_numeric, d enc_text);
INSERT INTO t SELECT '5'::enc_int8, '6'::enc_int4, '7'::enc_int8, '8'::enc_int8;
INSERT INTO t VALUES (1, 2, 3, 'x'), (4, 5000000000, 6.5, 'y'::varchar);
SELECT * FROM t;
INSERT INTO t (a) SELECT '5000000000'::enc_int8;
INSERT INTO t (a) VALUES (5000000000);
INSERT INTO t (a) SELECT '5'::enc_text;
SELECT '12'::enc_text::enc_int8 + '1' AS thirteen;
SELECT enable_server_mode();
SELECT bool_and(enc_int8_send(b) = enc_int8_send(b::text::enc_int8)) AS lossless,
	bool_and(octet_length(enc_int8_send(b)) = 36) AS size FROM t;
SELECT '5'::enc_int8;
