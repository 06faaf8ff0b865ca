-- Client mode: constants that say the same are one ciphertext where expressions are compared,
-- within a statement, and never where they are stored.
SELECT enable_client_mode();
CREATE TABLE p AS SELECT i, i % 4 AS a, CASE WHEN i % 5 > 0 THEN 't' || i % 3 END AS t FROM generate_series(1, 40) i;
CREATE TABLE e AS SELECT i, enc_int4_encrypt(a) AS a, enc_text_encrypt(t) AS t FROM p;
-- quoted ones
SELECT CASE WHEN a = '1' THEN 'one' ELSE t END AS c, count(*) FROM e GROUP BY CASE WHEN a = '1' THEN 'one' ELSE t END ORDER BY 1;
SELECT CASE WHEN a = '1' THEN 'one' ELSE t END AS c, count(*) FROM p GROUP BY CASE WHEN a = '1' THEN 'one' ELSE t END ORDER BY 1;
SELECT a + '1', count(*) FROM e GROUP BY a + '1' HAVING a + '1' > '2' ORDER BY a + '1' DESC;
SELECT DISTINCT a % '2' FROM e ORDER BY a % '2';
SELECT DISTINCT ON (a % '2') a % '2', i FROM e ORDER BY a % '2', i;
SELECT i, count(*) OVER (PARTITION BY a % '2'), a % '2' FROM e WHERE i < 5 ORDER BY a % '2', i;
SELECT (a + '1'::enc_int4) * '2', a + '1'::enc_int4, count(*) FROM e GROUP BY ROLLUP (a + '1'::enc_int4) ORDER BY 2;
SELECT a + '1', count(*) FROM e GROUP BY a + '2'; -- not the same
-- plain ones, which the planner encrypts: of a row for all groups none of them is known
SELECT a + 1, (a + 1) * 2, coalesce(a + 1, -1), count(*) FROM e GROUP BY ROLLUP (a + 1) ORDER BY 1;
SELECT a + 1, (a + 1) * 2, coalesce(a + 1, -1), count(*) FROM p GROUP BY ROLLUP (a + 1) ORDER BY 1;
SELECT count(*) FROM (SELECT 1 FROM e GROUP BY CUBE (a + 1, t) HAVING (a + 1) IS NULL) s;
SELECT count(*) FROM (SELECT 1 FROM p GROUP BY CUBE (a + 1, t) HAVING (a + 1) IS NULL) s;
-- in PL/pgSQL, prepared, in a view, which keeps them
DO $$ BEGIN PERFORM a % '3', count(*) FROM e GROUP BY a % '3'; END $$;
PREPARE g(enc_int4) AS SELECT a + '1' + $1, count(*) FROM e GROUP BY a + '1' + $1 ORDER BY 1;
EXECUTE g('10');
CREATE VIEW v AS SELECT a + '1' AS x, count(*) FROM e GROUP BY a + '1';
SELECT pg_get_viewdef('v') AS text \gset
SELECT enable_server_mode();
SELECT pg_get_viewdef('v') AS text \gset
CREATE TEMP VIEW again AS :text
SELECT enable_client_mode();
SELECT * FROM again ORDER BY 1;
-- after an error each is another one again
SELECT a + '1', nonsense FROM e GROUP BY a + '1';
SELECT a + '1', count(*) FROM e GROUP BY a + '1' ORDER BY 1;
-- what is stored: as many ciphertexts as there are values
CREATE TABLE w (k text, x enc_int4, y enc_int4 DEFAULT '7');
INSERT INTO w VALUES ('values', '1', '1'), ('values', '1', '1');
INSERT INTO w VALUES ('plain', 1, 1), ('plain', 1, 1);
INSERT INTO w VALUES ('single', '1', '1');
INSERT INTO w SELECT 'union', '1'::enc_int4, '1'::enc_int4 UNION ALL SELECT 'union', '1', '1';
INSERT INTO w SELECT 'select', 1, 1 UNION ALL SELECT 'select', 1, 1;
INSERT INTO w SELECT 'group', a + '1', a + '1' FROM (VALUES ('1'::enc_int4)) AS s (a);
WITH s AS (INSERT INTO w VALUES ('with', '1', '1') RETURNING x) SELECT 'with', '1'::enc_int4 FROM s;
UPDATE w SET x = '1', y = '1' WHERE k = 'single';
COPY w FROM STDIN;
copy	1	1
copy	1	1
\.
SELECT k, count(*) AS stored, count(DISTINCT c) AS different FROM
	(SELECT k, enc_int4_send(x) AS c FROM w UNION ALL SELECT k, enc_int4_send(y) FROM w) s GROUP BY k ORDER BY k COLLATE "C";
DEALLOCATE g;
DROP VIEW again, v;
DROP TABLE p, e, w;
