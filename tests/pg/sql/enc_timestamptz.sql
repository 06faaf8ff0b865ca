SELECT enable_client_mode();
SET timezone = 'America/New_York';
SELECT '2024-07-01 12:00+02'::enc_timestamptz, 'infinity'::enc_timestamptz,
	'1850-01-01 12:00'::enc_timestamptz, '2500-07-01 12:00'::enc_timestamptz;
-- clocks go forward, back, and have gone
SELECT t + '1 day'::enc_interval AS day, t + '24 hours'::enc_interval AS hours,
	t + '1 month'::enc_interval AS month, date_trunc('day', t), extract(timezone_hour FROM t) AS zone
	FROM (VALUES ('2024-03-09 02:30'::enc_timestamptz), ('2024-11-02 01:30'), ('2600-03-08 02:30'),
		('1883-11-18 12:00')) v(t);
SELECT '2024-03-10 02:30'::enc_timestamp::enc_timestamptz AS skipped,
	'2024-11-03 01:30'::enc_timestamp::enc_timestamptz AS twice,
	'2024-11-03'::enc_date::enc_timestamptz AS midnight,
	'2024-07-02 03:00+00'::enc_timestamptz::enc_date AS yesterday,
	'2024-07-02 03:00+00'::enc_timestamptz::enc_timestamp AS local;
SELECT d = z AS date_eq, t = z AS stamp_eq, z < t AS lt, z >= d AS ge
	FROM (VALUES ('2024-07-01'::enc_date, '2024-07-01'::enc_timestamp, '2024-07-01 04:00+00'::enc_timestamptz),
		('infinity', 'infinity', 'infinity')) v(d, t, z);
SELECT age('2024-07-01'::enc_timestamptz, '2023-12-31 23:00'::enc_timestamptz),
	'2024-07-01'::enc_timestamptz - '2024-01-01'::enc_timestamptz AS since;
-- as PostgreSQL, zone by zone
CREATE TEMP TABLE t AS SELECT z, z::enc_timestamptz AS e FROM generate_series('1880-01-01'::timestamptz,
	'2120-01-01', '1327 days 05:07:11.25') z;
CREATE FUNCTION pg_temp.different(zone text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	RETURN (SELECT count(*) FROM t WHERE (z::timestamp)::text <> (e::enc_timestamp)::text
		OR z::date::text <> e::enc_date::text OR date_trunc('week', z)::text <> date_trunc('week', e)::text
		OR extract(timezone FROM z)::text <> extract(timezone FROM e)::text
		OR (z + '5 months 1 day')::text <> (e + '5 months 1 day'::enc_interval)::text
		OR (z::timestamp::timestamptz)::text <> (e::enc_timestamp::enc_timestamptz)::text
		OR (z::date::timestamptz)::text <> (e::enc_date::enc_timestamptz)::text);
END $$;
SELECT zone, pg_temp.different(zone) FROM unnest(ARRAY['UTC', 'America/New_York', 'Europe/Berlin',
	'Europe/Dublin', 'Africa/Casablanca', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia',
	'America/Sao_Paulo', 'FOO5BAR', '<+03>-3']) zone;
SET timezone = 'UTC';
SELECT min(e), max(e), count(DISTINCT e) FROM t;
SELECT extract(timezone_minute FROM '2024-01-01'::enc_timestamptz) AS zero,
	extract(day FROM '-infinity'::enc_timestamptz) IS NULL AS no_day,
	extract(year FROM '-infinity'::enc_timestamptz) AS year;
SELECT date_part('hour', z) AS hour, date_part('second', z) AS second, date_part('epoch', z) AS epoch,
	date_part('julian', z::enc_date) AS julian FROM (VALUES ('2024-02-29 12:34:56.789'::enc_timestamptz)) v(z);
-- one family: merge joins, and indexes across types
CREATE TEMP TABLE d AS SELECT d::enc_date AS d FROM generate_series('2024-01-01'::date, '2024-03-01', '1 day') d;
CREATE TEMP TABLE s AS SELECT s::enc_timestamp AS s, s::timestamptz::enc_timestamptz AS z
	FROM generate_series('2024-01-01'::timestamp, '2024-03-01', '18 hours') s;
CREATE INDEX ON d (d);
SET enable_hashjoin = off; SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM d JOIN s ON d.d = s.s;
SELECT count(*) FROM d JOIN s ON d.d = s.s;
SELECT count(*) FROM d JOIN s ON d.d = s.z;
RESET enable_hashjoin; RESET enable_nestloop;
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM d WHERE d < '2024-01-05 12:00'::enc_timestamp;
SELECT count(*) FROM d WHERE d < '2024-01-05 12:00'::enc_timestamp;
SELECT count(*) FROM d WHERE d >= '2024-02-29 00:00'::enc_timestamptz;
RESET enable_seqscan; RESET enable_bitmapscan;
SELECT z AT TIME ZONE 'America/New_York' AS new_york, z AT TIME ZONE 'PST' AS pst, z AT TIME ZONE '+03:30' AS east,
	t AT TIME ZONE 'Europe/Berlin' AS berlin, t AT TIME ZONE 'EST5EDT' AS est
	FROM (VALUES ('2024-07-01 12:00+00'::enc_timestamptz, '2024-07-01 12:00'::enc_timestamp)) v(z, t);
SELECT age(t::enc_timestamp)::text = age(t)::text AS age, age(z::enc_timestamptz)::text = age(z)::text AS age_zoned
	FROM (VALUES ('1999-07-14 12:34'::timestamp, '1999-07-14 12:34'::timestamptz)) v(t, z);
SELECT date_trunc('day', '2024-07-01 12:00+00'::enc_timestamptz, 'Asia/Tokyo'),
	date_trunc('day', '2024-07-01 12:00+00'::timestamptz, 'Asia/Tokyo') AS plain;
SELECT '2024-07-01'::enc_timestamptz AT TIME ZONE 'Nowhere/Land';
SELECT '2024-07-01'::enc_timestamptz AT TIME ZONE 'MSK';
SELECT d, count(*) OVER (ORDER BY d RANGE BETWEEN '5 days' PRECEDING AND '1 day' FOLLOWING) FROM d WHERE d < '2024-01-08' ORDER BY d;
SELECT max(c) FROM (SELECT count(*) OVER (ORDER BY z RANGE BETWEEN CURRENT ROW AND '2 days' FOLLOWING) AS c FROM s) w;
SELECT max(c) FROM (SELECT count(*) OVER (ORDER BY s DESC RANGE BETWEEN interval '1 day' PRECEDING AND '2 days' FOLLOWING) AS c FROM s) w;
SELECT count(*) OVER (ORDER BY d RANGE BETWEEN '-1 day' PRECEDING AND CURRENT ROW) FROM d;
SELECT '294276-12-31'::enc_timestamptz + '1 day'::enc_interval;
SELECT enable_server_mode();
SELECT bool_and(enc_timestamptz_send(e) = enc_timestamptz_send(e::text::enc_timestamptz)) AS lossless FROM t;
