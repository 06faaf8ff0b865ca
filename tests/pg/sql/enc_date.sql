SELECT enable_client_mode();
SELECT '2000-01-01'::enc_date, '4714-11-24 BC'::enc_date, '5874897-12-31'::enc_date,
	'infinity'::enc_date, '-infinity'::enc_date;
SELECT '2023-02-29'::enc_date;
SELECT 'yesterdaily'::enc_date;
SELECT d + 1 AS add, 1 + d AS radd, d - 366 AS sub, d - '1999-12-31'::enc_date AS days,
	isfinite(d) AS finite
	FROM (VALUES ('2000-02-28'::enc_date), ('0001-12-31 BC')) v(d);
SELECT 'infinity'::enc_date + 5 AS inf, isfinite('-infinity'::enc_date) AS finite;
SELECT '5874897-12-31'::enc_date + 1;
SELECT '4714-11-24 BC'::enc_date - 1;
SELECT 'infinity'::enc_date - '2000-01-01'::enc_date;
SELECT make_date('2024'::enc_int4, '2'::enc_int4, '29'::enc_int4) AS leap,
	make_date('-44'::enc_int4, '3'::enc_int4, '15'::enc_int4) AS ides;
SELECT make_date('2023'::enc_int4, '2'::enc_int4, '29'::enc_int4);
SELECT make_date('0'::enc_int4, '1'::enc_int4, '1'::enc_int4);
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge,
	enc_date_cmp(a, b) AS cmp
	FROM (VALUES ('2000-01-01'::enc_date, '2000-01-02'::enc_date), ('infinity', '-infinity'),
		('1999-01-01', '1999-01-01')) v(a, b);
-- as PostgreSQL: every field, all around the calendar
CREATE TEMP TABLE t AS SELECT d, d::enc_date AS e FROM unnest(ARRAY['2000-01-01', '1999-12-31',
	'2005-01-01', '2020-12-31', '2021-01-03', '1900-03-01', '0001-01-01', '0001-12-31 BC',
	'0011-12-31 BC', '4714-11-24 BC', '5874897-12-31', 'infinity', '-infinity', '2024-02-29']::date[]) d;
SELECT count(*) AS fields, count(*) FILTER (WHERE p IS DISTINCT FROM e) AS different FROM (
	SELECT extract(year FROM d) p, extract(year FROM e)::text::numeric e FROM t UNION ALL
	SELECT extract(month FROM d), extract(month FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(day FROM d), extract(day FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(quarter FROM d), extract(quarter FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(decade FROM d), extract(decade FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(century FROM d), extract(century FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(millennium FROM d), extract(millennium FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(week FROM d), extract(week FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(isoyear FROM d), extract(isoyear FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(dow FROM d), extract(dow FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(isodow FROM d), extract(isodow FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(doy FROM d), extract(doy FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(julian FROM d), extract(julian FROM e)::text::numeric FROM t UNION ALL
	SELECT extract(epoch FROM d), extract(epoch FROM e)::text::numeric FROM t) f;
SELECT extract(hour FROM '2000-01-01'::enc_date);
SELECT extract(fortnight FROM '2000-01-01'::enc_date);
SELECT d FROM t ORDER BY e LIMIT 4;
SELECT min(e), max(e), count(DISTINCT e) FROM t;
SELECT count(*) FROM t a JOIN t b ON a.e = b.e WHERE a.e > '2000-01-01' AND b.e BETWEEN
	'1999-01-01'::date AND '2021-01-01'::date;
CREATE INDEX ON t (e);
SET enable_seqscan = off;
SELECT d FROM t WHERE e = '2020-12-31';
RESET enable_seqscan;
SELECT enc_date_decrypt(enc_date_encrypt('2024-02-29'));
SELECT enable_server_mode();
SELECT bool_and(enc_date_send(e) = enc_date_send(e::text::enc_date)) AS lossless FROM t;
SELECT '2000-01-01'::enc_date;
SELECT e < '2000-01-01'::date FROM t;
