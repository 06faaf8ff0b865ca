SELECT enable_client_mode();
SELECT position('c' IN a) AS position, strpos(a, 'bc'), starts_with(a, 'ab'), left(a, 2), left(a, -2),
	right(a, 2), right(a, -2), reverse(a), repeat(a, 2), initcap(a), ascii(a), octet_length(a), char_length(a)
	FROM (VALUES ('abcé€'::enc_text), ('😀b c'), ('')) v(a);
SELECT trim(a), ltrim(a), rtrim(a), trim(BOTH 'xé' FROM a), trim(LEADING 'xé' FROM a), rtrim(a, 'xé')
	FROM (VALUES (' é  '::enc_text), ('xéaéx')) v(a);
SELECT lpad(a, 5), rpad(a, 5), lpad(a, 6, 'é€'), rpad(a, 6, 'é€'), lpad(a, 2), rpad(a, 9, ''), lpad(a, -1)
	FROM (VALUES ('abc'::enc_text)) v(a);
SELECT replace('banana', 'an'::enc_text, 'é'), replace('banana'::enc_text, '', 'x'),
	translate('banana'::enc_text, 'abn', 'é'), split_part('a,b,c'::enc_text, ',', 2),
	split_part('a,b,c'::enc_text, ',', -1), split_part('a,b,c'::enc_text, ',', 4),
	split_part('abc'::enc_text, '', 1);
SELECT concat('a'::enc_text, NULL, 'é'::enc_text), concat(NULL::enc_text) AS empty,
	concat_ws(', ', 'a'::enc_text, NULL, 'b'), concat_ws(NULL, 'a'::enc_text) IS NULL AS no_separator,
	concat(VARIADIC ARRAY['x', 'y']::enc_text[]), pg_typeof(concat('a'::enc_text, 'b'));
SELECT split_part('a,b'::enc_text, ',', 0);
SELECT repeat('abc'::enc_text, 2147483647);
SELECT rpad('abc'::enc_text, 2147483647);
-- as PostgreSQL
CREATE TEMP TABLE p AS SELECT a COLLATE "C" AS a, b COLLATE "C" AS b, c COLLATE "C" AS c, n
	FROM unnest(ARRAY['', 'a', ' ab ', 'aaaa', 'é€é😀', 'a,é,b,', 'Hello wOrld 1st', '😀']) a,
	unnest(ARRAY['', 'a', 'aa', 'é', ', ']) b, unnest(ARRAY['', 'x', '€€']) c, generate_series(-3, 4) n;
CREATE TEMP TABLE e AS SELECT row_number() OVER () AS id, a::enc_text, b::enc_text, c::enc_text,
	n::enc_int4, n AS m FROM p;
ALTER TABLE p ADD id int GENERATED ALWAYS AS IDENTITY, ADD m int; UPDATE p SET m = n;
CREATE FUNCTION pg_temp.different(f text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT id, (%s)::text AS x FROM p WHERE n <> 0) p
		JOIN (SELECT id, (%s)::text AS x FROM e WHERE m <> 0) e USING (id) WHERE p.x IS DISTINCT FROM e.x',
		f, f) INTO r;
	RETURN r;
END $$;
SELECT f, pg_temp.different(f) FROM unnest(ARRAY['strpos(a, b)', 'starts_with(a, b)',
	'replace(a, b, c)', 'split_part(a, b, n)', 'split_part(a, b, m)', 'left(a, n)', 'left(a, m)',
	'right(a, n)', 'right(a, m)', 'btrim(a, b)', 'ltrim(a, b)', 'rtrim(a, b)', 'repeat(b, n)', 'repeat(b, m)',
	'reverse(a)', 'lpad(b, n, c)', 'lpad(b, m, c)', 'rpad(b, n, c)', 'rpad(b, m, c)', 'lpad(b, n)', 'rpad(b, m)',
	'initcap(a)', 'translate(a, b, c)', 'ascii(a)', 'octet_length(a)', 'character_length(a)']) f;
SELECT enable_server_mode();
SELECT strpos(a, b)::text ~ '^[A-Za-z0-9+/=]+$' AS ciphertext FROM e LIMIT 1;
SELECT strpos(a, 'b') FROM e LIMIT 1;

-- A number beside a column of plain text: PostgreSQL's text || anynonarray fits as well.
SELECT enable_client_mode();
CREATE TABLE beside AS SELECT 'n'::text AS t, 7::enc_int4 AS i, true::enc_bool AS o;
SELECT t || i FROM beside;
SELECT t::enc_text || i AS cast, i || t::enc_text AS right, 'x' || o AS literal, pg_typeof('x' || i) FROM beside;
SELECT enable_server_mode();
SELECT ('n ' || t || ' ' || i::text) ~ '^n n [A-Za-z0-9+/=]+$' AS ciphertext FROM beside;
DROP TABLE beside;
