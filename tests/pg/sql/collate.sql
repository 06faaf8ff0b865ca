-- Texts in the order of a language: enc_text_sort_key, against PostgreSQL's own ICU collations.
SELECT enable_client_mode();
CREATE TABLE word (id int GENERATED ALWAYS AS IDENTITY, plain text COLLATE "C", secret enc_text);
INSERT INTO word (plain, secret) SELECT w, w::enc_text FROM unnest(ARRAY['zebra', 'Zoë', 'ähnlich', 'Ähre', 'apfel',
	'Apfel', 'öl', 'ol', 'Ol', 'straße', 'strasse', 'Strasse', 'côte', 'coté', 'côté', 'cote', 'ångström', 'år', 'ar', 'llama',
	'luz', 'lima', 'chico', 'cosa', 'item 10', 'item 9', 'item-9', 'ITEM 9', '', ' ', 'é', E'e\u0301', 'i', 'I', 'ı', 'İ',
	'漢', '字', 'かな', 'カナ', '😀', 'ærlig', 'aerlig', 'œuf', 'oeuf', 'ﬁ', 'fi', 'č', 'c', 'd', NULL]) w;

SELECT string_agg(plain, ' ' ORDER BY enc_text_sort_key(secret, 'de-DE')) = string_agg(plain, ' ' ORDER BY plain COLLATE "de-DE-x-icu")
	AS as_postgres, string_agg(plain, ' ' ORDER BY enc_text_sort_key(secret, 'de-DE')) FROM word WHERE plain !~ '[^a-zäöüß]';
-- every way that a collation can be named, and PostgreSQL's collation of that name
CREATE COLLATION phonebook (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION trad (provider = icu, locale = 'es-u-co-trad');
CREATE COLLATION numeric_lower (provider = icu, locale = 'en-u-kn-kf-lower');
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1');
CREATE COLLATION stroke (provider = icu, locale = 'zh-u-co-stroke');
CREATE FUNCTION pg_temp.differ(locale text, pg text) RETURNS TABLE (pairs bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT count(*), count(*) FILTER (WHERE
		(a.plain COLLATE %2$I < b.plain COLLATE %2$I) <> (a.k < b.k) OR (a.plain = b.plain) <> (a.k = b.k))
		FROM (SELECT *, enc_text_sort_key(secret, %1$L) AS k FROM word) a, (SELECT *, enc_text_sort_key(secret, %1$L) AS k FROM word) b
		WHERE a.plain IS NOT NULL AND b.plain IS NOT NULL', locale, pg);
END $$;
SELECT locale, pg, d.* FROM (VALUES ('de-DE', 'de-DE-x-icu'), ('de_DE', 'de-DE-x-icu'), ('de-DE-x-icu', 'de-DE-x-icu'), ('sv', 'sv-x-icu'),
	('da', 'da-x-icu'), ('cs-CZ', 'cs-CZ-x-icu'), ('es-u-co-trad', 'trad'), ('es@collation=traditional', 'trad'), ('de-u-co-phonebk', 'phonebook'),
	('tr', 'tr-x-icu'), ('fr-CA', 'fr-CA-x-icu'), ('ja', 'ja-x-icu'), ('zh', 'zh-x-icu'), ('zh-u-co-stroke', 'stroke'), ('und', 'und-x-icu'), ('', 'und-x-icu'),
	('en-u-kn-kf-lower', 'numeric_lower'), ('und-u-ks-level1', 'loose')) v(locale, pg), pg_temp.differ(locale, pg) d;
SELECT string_agg(plain, ' ' ORDER BY enc_text_sort_key(secret, 'sv')) AS sv, string_agg(plain, ' ' ORDER BY enc_text_sort_key(secret, 'de')) AS de
	FROM word WHERE plain IN ('zebra', 'ähnlich', 'ar', 'år', 'öl', 'ol');
SELECT enc_text_sort_key(NULL, 'de') IS NULL AS no_text, enc_text_sort_key('x', NULL) IS NULL AS no_locale, pg_typeof(enc_text_sort_key('x', 'de'));
-- the key is ICU's, then the text
SELECT enc_text_sort_key('Ab', 'und'), enc_text_sort_key('', 'und'), enc_text_sort_key('Ab', 'und-u-ks-level1');
SELECT enc_text_sort_key_version('de-DE') = collversion AS same_version FROM pg_collation WHERE collname = 'de-DE-x-icu';
-- a locale for each row
SELECT locale, string_agg(plain, ' ' ORDER BY enc_text_sort_key(secret, locale)) FROM word, unnest(ARRAY['da', 'de', 'sv']) locale
	WHERE plain IN ('ærlig', 'aerlig', 'ångström', 'ar', 'zebra', 'ähnlich') GROUP BY locale ORDER BY locale;

-- indexes: on the expression, and on a column that is generated
CREATE INDEX word_sv ON word (enc_text_sort_key(secret, 'sv'));
ALTER TABLE word ADD name_de enc_bytea GENERATED ALWAYS AS (enc_text_sort_key(secret, 'de-DE')) STORED;
CREATE UNIQUE INDEX word_de ON word (name_de);
SET enable_seqscan = off; SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT plain FROM word ORDER BY enc_text_sort_key(secret, 'sv') LIMIT 3;
SELECT plain FROM word WHERE secret IS NOT NULL ORDER BY enc_text_sort_key(secret, 'sv') DESC LIMIT 6;
EXPLAIN (COSTS OFF) SELECT plain FROM word WHERE enc_text_sort_key(secret, 'sv') >= enc_text_sort_key('z', 'sv');
SELECT plain FROM word WHERE enc_text_sort_key(secret, 'sv') >= enc_text_sort_key('z', 'sv') AND enc_text_sort_key(secret, 'sv') < enc_text_sort_key('か', 'sv')
	ORDER BY enc_text_sort_key(secret, 'sv');
SELECT plain FROM word WHERE name_de > enc_text_sort_key('o', 'de-DE') AND name_de < enc_text_sort_key('p', 'de-DE') ORDER BY name_de;
INSERT INTO word (plain, secret) VALUES ('öl', 'öl');
UPDATE word SET plain = 'olm', secret = 'olm' WHERE plain = 'ol';
SELECT plain FROM word WHERE name_de > enc_text_sort_key('o', 'de-DE') AND name_de < enc_text_sort_key('p', 'de-DE') ORDER BY name_de;
RESET enable_seqscan; RESET enable_sort;
-- in a merge join, as a window's order, in DISTINCT
SET enable_hashjoin = off; SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM word a JOIN word b ON enc_text_sort_key(a.secret, 'cs') = enc_text_sort_key(b.secret, 'cs');
SELECT count(*), count(*) FILTER (WHERE a.plain <> b.plain) FROM word a JOIN word b ON enc_text_sort_key(a.secret, 'cs') = enc_text_sort_key(b.secret, 'cs');
RESET enable_hashjoin; RESET enable_nestloop;
SELECT bool_and(a = b) FROM (SELECT rank() OVER (ORDER BY enc_text_sort_key(secret, 'cs') NULLS LAST) AS a,
	rank() OVER (ORDER BY plain COLLATE "cs-x-icu" NULLS LAST) AS b FROM word) r;
SELECT count(DISTINCT enc_text_sort_key(secret, 'fr')), count(DISTINCT plain) FROM word;
-- without Zone nodes and without fusing it is the same
SET hedb.enable_batch = off; SET hedb.enable_fuse = off;
SELECT string_agg(plain, '|' ORDER BY enc_text_sort_key(secret, 'da') NULLS LAST) = string_agg(plain, '|' ORDER BY plain COLLATE "da-x-icu" NULLS LAST) FROM word;
RESET hedb.enable_batch; RESET hedb.enable_fuse;

-- no such locale, or none that ICU has data for
SELECT enc_text_sort_key('x', 'nonsense');
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION pg_temp.says(locale text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM enc_text_sort_key('x', locale);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT left(quote_literal(l), 30) AS locale, pg_temp.says(l) FROM unnest(ARRAY['C', 'POSIX', 'xx', 'german', 'de-XX', 'de-DE-1996', 'de_DE.utf8', 'a b', 'de;x', 'de-u-co-nonsense',
	'de@collation=phonebk', 'de@colStrength=nonsense', E'de\n', repeat('de-', 50), 'en-US-u-va-posix', 'zh-TW', 'no', 'nb-NO', 'iw', 'root', 'und-x-icu']) l;
SELECT enc_text_sort_key_version('xx');
-- of what it would take too long to bring into order
SELECT enc_text_sort_key(('a' || repeat(U&'\0301\0323', 128))::enc_text, 'de') IS NOT NULL AS taken;
SELECT enc_text_sort_key(('a' || repeat(U&'\0301\0323', 128) || U&'\0301')::enc_text, 'de');
\echo :LAST_ERROR_SQLSTATE
SELECT name COLLATE "de-x-icu" FROM (SELECT secret AS name FROM word) w;

-- with ciphertext only
SELECT enable_server_mode();
SELECT string_agg(plain, '|' ORDER BY enc_text_sort_key(secret, 'sv') NULLS LAST) = string_agg(plain, '|' ORDER BY plain COLLATE "sv-x-icu" NULLS LAST) FROM word;
SELECT enc_text_sort_key(secret, 'sv')::text ~ '^[A-Za-z0-9+/=]+$' AS ciphertext FROM word LIMIT 1;
DROP TABLE word;
DROP COLLATION phonebook, trad, numeric_lower, loose, stroke;
