SELECT enable_client_mode();
SELECT 'hello'::enc_text, ''::enc_text AS empty, 'héllo wörld €'::enc_text;
SELECT length(repeat('x', 300)::enc_text) AS l300, length(repeat('x', 2000)::enc_text) AS l2000,
	length(repeat('é', 100000)::enc_text) AS l100000,
	length(repeat('x', 3000000)::enc_text) AS l3000000;
SELECT md5(enc_text_decrypt(repeat('0123456789', 100000)::enc_text)) =
	md5(repeat('0123456789', 100000)) AS long_text;
-- comparison: by bytes
SELECT a, b, a = b AS eq, a < b AS lt, a >= b AS ge, enc_text_cmp(a, b) AS cmp
	FROM (VALUES ('a'::enc_text, 'b'::enc_text), ('b', 'a'), ('a', 'a'), ('', 'a'),
		('a', 'aa'), ('Z', 'a'), ('é', 'z')) v(a, b);
SELECT 'a'::enc_text = 'a'::text AS t, 'a'::varchar = 'a'::enc_text AS v, 'b'::enc_text > 'a' AS u;
-- concatenation
SELECT 'ab'::enc_text || 'cd'::enc_text AS a, 'ab'::enc_text || 'cd' AS b,
	'ab' || 'cd'::enc_text AS c, 'ab'::text || 'cd'::enc_text AS d,
	'ab'::enc_text || 'cd'::varchar AS e, ''::enc_text || '' AS f;
SELECT length(repeat('x', 200)::enc_text || repeat('y', 200)::enc_text) AS l400;
SELECT NULL::enc_text || 'x' IS NULL AS null;
-- LIKE
SELECT t, p, t LIKE p AS "like", t NOT LIKE p AS "not", t ILIKE p AS ilike,
	t NOT ILIKE p AS "not ilike"
	FROM (VALUES ('hello'::enc_text, 'h%'::enc_text), ('hello', '%L%'), ('hello', 'h_llo'),
		('héllo', 'h_llo'), ('50%', '50\%'), ('50x', '50\%'), ('', ''), ('', '%'),
		('', '_'), ('a_b', 'a\_b'), ('abcabd', '%ab_')) v(t, p);
SELECT 'a'::enc_text LIKE 'a\';
SELECT 'ab'::enc_text LIKE '%b' AS a, 'ab'::enc_text LIKE 'a%'::text AS b;
-- substring counts characters; positions plain or encrypted
SELECT substring('héllo wörld'::enc_text FROM 2 FOR 3) AS a,
	substring('héllo'::enc_text FROM 3) AS b, substring('héllo'::enc_text, 2, 2) AS c,
	substring('héllo'::enc_text, '2'::enc_int4, '3'::enc_int4) AS d,
	substring('héllo'::enc_text FROM '2'::enc_int4 FOR '1'::enc_int4) AS e,
	substring('héllo'::enc_text, '4'::enc_int4) AS f, substr('abc'::enc_text, 2) AS g;
SELECT substring('abc'::enc_text FROM 1 FOR 20) AS a, substring('abc'::enc_text FROM 5) AS b,
	substring('abc'::enc_text FROM -2 FOR 4) AS c, substring('abc'::enc_text FROM 0) AS d,
	substring('abc'::enc_text FROM 2 FOR 2147483647) AS e,
	substring('abc'::enc_text FROM 2 FOR 0) AS f;
SELECT substring('abc'::enc_text FROM 1 FOR -1);
SELECT length(''::enc_text) AS a, length('€uro'::enc_text) AS b, lower('ÀBc'::enc_text) AS c,
	upper('aBc'::enc_text) AS d;
-- to numbers
SELECT '42'::enc_text::enc_int4 AS a, ' -42 '::enc_text::enc_int8 AS b;
SELECT 'x'::enc_text::enc_int4;
SELECT '99999999999'::enc_text::enc_int4;
SELECT 'x'::enc_text::enc_int8;
-- server mode: lossless for every length, inline or toasted
CREATE TEMP TABLE t AS SELECT n, enc_text_encrypt(repeat('ab', n)) AS x
	FROM (VALUES (0), (1), (40), (50), (1000), (5000), (100000)) v(n);
SELECT attstorage, typalign, typlen FROM pg_attribute a JOIN pg_type y ON y.oid = atttypid
	WHERE attrelid = 't'::regclass AND attname = 'x';
SELECT enable_server_mode();
SELECT n, octet_length(enc_text_send(x)) - 2 * n AS overhead,
	enc_text_send(x) = enc_text_send(x::text::enc_text) AS lossless,
	x = x::text::enc_text AS same FROM t ORDER BY n;
SELECT 'hello'::enc_text;
SELECT ''::enc_text;
SELECT enc_text('hello'::text);
SELECT x || 'y'::text FROM t;
-- invalid UTF-8 cannot come in
SELECT enable_client_mode();
SELECT E'\xff'::enc_text;
