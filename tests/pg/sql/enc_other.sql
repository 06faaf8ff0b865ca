-- enc_bool, enc_bytea, enc_uuid
SELECT enable_client_mode();
CREATE TEMP TABLE t (i int, o enc_bool, y enc_bytea, u enc_uuid);
INSERT INTO t VALUES (1, true, '\x0102', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (2, false, '\x', NULL),
	(3, NULL, '\xff00', '00000000-0000-0000-0000-000000000001'), (4, 't', NULL,
	'A0EEBC999C0B4EF8BB6D6BB9BD380A11');
SELECT * FROM t ORDER BY i;
SELECT 'maybe'::enc_bool;
SELECT 'a0ee'::enc_uuid;
SELECT '\xzz'::enc_bytea;
-- a condition is any enc_bool
SELECT i FROM t WHERE o ORDER BY i;
SELECT i, NOT o AS no, o AND i > 1 AS both, o IS NOT TRUE AS other, CASE WHEN o THEN 'y' ELSE 'n' END
	FROM t ORDER BY i;
SELECT enc_bool_and(o, 't'), enc_bool_or(o, 'f'), enc_bool_not(o), o::enc_int4, o::enc_text, o = true,
	o < 't' FROM t ORDER BY i;
SELECT '5'::enc_int4::enc_bool, 'off'::enc_text::enc_bool;
SELECT 'x'::enc_text::enc_bool;
SELECT bool_and(o), bool_or(o), every(o) FILTER (WHERE i = 1), bool_or(o) FILTER (WHERE i > 9) FROM t;
SELECT o, count(*) FROM t GROUP BY o ORDER BY o;
SELECT y || '\xaa' AS more, length(y), substring(y from 2 for 1) AS part, position('\x02' in y) AS at,
	y LIKE '\x0125' AS likes, enc_bytea_get_byte('\x0102'::enc_bytea, 1) AS byte FROM t ORDER BY i;
SELECT substring('\x01'::enc_bytea from 1 for -1);
SELECT enc_bytea_get_byte('\x01'::enc_bytea, 1);
SELECT '\x01'::enc_bytea LIKE '\x5c';
SELECT '\x01'::bytea LIKE '\x255f5c'; -- past the wildcards, though the value is over
SELECT '\x01'::enc_bytea LIKE '\x255f5c';
SELECT string_agg(y, '\x2d' ORDER BY i), count(DISTINCT u) FROM t;
SELECT i FROM t ORDER BY y NULLS FIRST;
SELECT u, u::enc_text AS text, u < 'b0000000-0000-0000-0000-000000000000' AS lt FROM t ORDER BY t.u, i;
SELECT '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'::enc_text::enc_uuid;
SELECT 'a0ee'::enc_text::enc_uuid;
SELECT count(*) FROM t x JOIN t y USING (u);
CREATE UNIQUE INDEX ON t (u); -- two are equal
SELECT min(u) FROM t; -- PostgreSQL has none either
SELECT o + o FROM t;
-- text in order, and what stands between
SELECT string_agg(x, ', ' ORDER BY n) AS list, string_agg(x, NULL) IS NOT NULL AS joined,
	string_agg(x, '-') FILTER (WHERE n > 9) AS none
	FROM (VALUES (2, 'b'::enc_text), (1, 'a'), (3, NULL), (4, '')) v(n, x);
SELECT enable_server_mode();
SELECT bool_and(octet_length(enc_bool_send(o)) = 29) AS bool,
	bool_and(octet_length(enc_uuid_send(u)) = 44) AS uuid FROM t;
SELECT bool_and(enc_bytea_send(y) = enc_bytea_send(y::text::enc_bytea)) AS lossless FROM t;
SELECT true::enc_bool;
SELECT '\x01'::bytea::enc_bytea;
