SELECT enable_client_mode();
-- input and output; the errors are PostgreSQL's own
SELECT '5'::enc_int4, ' -7 '::enc_int4, '2147483647'::enc_int4, '-2147483648'::enc_int4;
SELECT 'abc'::enc_int4;
SELECT ''::enc_int4;
SELECT '1.9'::enc_int4;
SELECT '99999999999'::enc_int4;
SELECT NULL::enc_int4 IS NULL AS null;
-- arithmetic
SELECT '1024'::enc_int4 * '4096'::enc_int4 AS product;
SELECT a, b, a + b AS add, a - b AS sub, a * b AS mul, a / b AS div, a % b AS mod,
	-a AS neg, @ a AS abs, abs(b)
	FROM (VALUES (7::enc_int4, 2::enc_int4), (-7, 2), (7, -2), (-7, -2), (0, 1)) v(a, b);
SELECT '2'::enc_int4 ^ '10' AS pow, '-3'::enc_int4 ^ '3' AS cube, '0'::enc_int4 ^ '0' AS one;
SELECT '2147483647'::enc_int4 + '1';
SELECT '-2147483648'::enc_int4 - '1';
SELECT '100000'::enc_int4 * '100000';
SELECT '-2147483648'::enc_int4 / '-1';
SELECT '-2147483648'::enc_int4 % '-1' AS zero;
SELECT - '-2147483648'::enc_int4;
SELECT @ '-2147483648'::enc_int4;
SELECT '1'::enc_int4 / '0';
SELECT '1'::enc_int4 % '0';
SELECT '2'::enc_int4 ^ '31';
SELECT '2'::enc_int4 ^ '-1';
SELECT NULL::enc_int4 + '1' IS NULL AS null;
-- comparison
SELECT a, b, a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge,
	enc_int4_cmp(a, b) AS cmp, enc_int4_min(a, b) AS min, enc_int4_max(a, b) AS max
	FROM (VALUES ('1'::enc_int4, '2'::enc_int4), ('2', '1'), ('3', '3'),
		('-2147483648', '2147483647')) v(a, b);
-- with plain values, and mixed widths
SELECT x + 1 AS a, 1 + x AS b, x > 4 AS c, 6 = x AS d, x + 5000000000 AS e, x < 5.5 AS f
	FROM (SELECT '5'::enc_int4 AS x) s;
SELECT '5'::enc_int4 = '5'::enc_int8 AS eq, '5'::enc_int4 < '6.5'::enc_numeric AS lt;
SELECT CASE WHEN true THEN '5'::enc_int4 ELSE 0 END AS a, coalesce(NULL::enc_int4, 0) AS b,
	greatest('5'::enc_int4, 7) AS c, '5'::enc_int4 IN (4, 5) AS d,
	'5'::enc_int4 BETWEEN 4 AND 6 AS e, nullif('5'::enc_int4, 5) IS NULL AS f;
-- casts
SELECT '5'::enc_int4::enc_int8, '5'::enc_int4::enc_numeric, '-5'::enc_int4::enc_text || '!';
SELECT '5000000000'::enc_int8::enc_int4;
SELECT 5000000000::enc_int4;
SELECT '5'::enc_int4::float8;
SELECT '5'::enc_int4 + '5'::enc_text;
SELECT '5'::enc_int4 && '5'::enc_int4;
-- text and binary forms are lossless
CREATE TEMP TABLE t AS SELECT enc_int4_encrypt(g) AS x FROM generate_series(-2, 2) g;
SELECT enable_server_mode();
SELECT bool_and(length(x::text) = 44 AND enc_int4_send(x) = enc_int4_send(x::text::enc_int4))
	AS lossless, bool_and(octet_length(enc_int4_send(x)) = 32) AS size FROM t;
SELECT count(DISTINCT x::text) AS ciphertexts FROM (SELECT enc_int4_encrypt(1) AS x
	FROM generate_series(1, 10)) s;
-- plaintext in server mode, and what is not a value
SELECT '5'::enc_int4;
SELECT enc_int4(5);
SELECT x + 1 FROM t;
SELECT 'AAAA'::enc_int4;
SELECT repeat('A', 44)::enc_int4;
SELECT (x::text || 'AAAA')::enc_int4 FROM t LIMIT 1;
SELECT (encode(set_byte(enc_int4_send(x), 0, 130), 'base64'))::enc_int4 FROM t LIMIT 1;
SELECT x::text::enc_int8 FROM t LIMIT 1;
SELECT x::text::enc_text FROM t LIMIT 1;
-- a bit flipped anywhere but in the type
SELECT count(*) FROM t WHERE encode(set_byte(enc_int4_send(x), 31,
	get_byte(enc_int4_send(x), 31) # 1), 'base64')::enc_int4 = x;
SELECT count(*) FROM t WHERE encode(set_byte(enc_int4_send(x), 16,
	get_byte(enc_int4_send(x), 16) # 128), 'base64')::enc_int4 = x;
SELECT count(*) FROM t WHERE encode(set_byte(enc_int4_send(x), 1, 99),
	'base64')::enc_int4 = x;
-- HEDB's array functions
SELECT enable_client_mode();
SELECT enc_int4_sum_bulk(ARRAY['2147483647', '2147483647', NULL]::enc_int4[]),
	enc_int4_avg_bulk(ARRAY['1', '2']::enc_int4[]),
	enc_int4_sum_bulk('{}') IS NULL AS empty;
SELECT enc_int4_decrypt(enc_int4_encrypt(42)) AS decrypted;
