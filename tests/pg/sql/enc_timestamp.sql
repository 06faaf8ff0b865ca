SELECT enable_client_mode();
SELECT '2024-02-29 12:34:56.789'::enc_timestamp, 'infinity'::enc_timestamp,
	'4714-11-24 00:00:00 BC'::enc_timestamp, '294276-12-31 23:59:59.999999'::enc_timestamp;
SELECT '294277-01-01'::enc_timestamp;
SELECT t + i AS add, i + t AS radd, t - i AS sub, t - '2000-01-01'::enc_timestamp AS since,
	age(t, '2000-01-31'::enc_timestamp), t::enc_date AS day
	FROM (VALUES ('2024-01-31 10:00'::enc_timestamp, '1 month'::enc_interval),
		('0001-03-01 BC', '1 year -1 day'), ('infinity', '1 day')) v(t, i)
	WHERE isfinite(t);
SELECT 'infinity'::enc_timestamp + '1 day'::enc_interval AS inf,
	'-infinity'::enc_timestamp::enc_date AS date_inf;
SELECT 'infinity'::enc_timestamp - '2000-01-01'::enc_timestamp;
SELECT '294276-12-31'::enc_timestamp + '1 day'::enc_interval;
SELECT '5874897-12-31'::enc_date::enc_timestamp;
SELECT '2024-02-28'::enc_date + '1 day 01:00'::enc_interval AS a,
	'1 month'::enc_interval + '2024-01-31'::enc_date AS b,
	'2024-03-31'::enc_date - '1 month'::enc_interval AS c;
SELECT d = t AS eq, d <> t AS ne, d < t AS lt, d <= t AS le, d > t AS gt, d >= t AS ge,
	t = d AS eq2, t < d AS lt2
	FROM (VALUES ('2000-01-01'::enc_date, '2000-01-01'::enc_timestamp),
		('5874897-12-31', '294276-12-31'), ('5874897-12-31', 'infinity'),
		('-infinity', '4714-11-24 BC')) v(d, t);
SELECT date_part('year', t) AS year, date_part('doy', t) AS doy, extract(second FROM t) AS second,
	extract(milliseconds FROM t) AS ms, extract(microseconds FROM t) AS us,
	extract(julian FROM t) AS julian, extract(epoch FROM t) AS epoch
	FROM (VALUES ('2024-02-29 12:34:56.789'::enc_timestamp), ('0044-03-15 BC')) v(t);
SELECT extract(epoch FROM 'infinity'::enc_timestamp) AS inf,
	extract(hour FROM 'infinity'::enc_timestamp) IS NULL AS no_hour;
SELECT date_part('second', '2024-02-29'::enc_timestamp);
SELECT extract(timezone FROM '2024-02-29'::enc_timestamp);
SELECT u, date_trunc(u, '2024-08-29 12:34:56.789123'::enc_timestamp),
	date_trunc(u, '0045-08-29 12:34:56.789123 BC'::enc_timestamp) AS bc
	FROM unnest(ARRAY['microseconds', 'milliseconds', 'second', 'minute', 'hour', 'day', 'week',
		'month', 'quarter', 'year', 'decade', 'century', 'millennium']) u;
SELECT date_trunc('dow', '2024-08-29'::enc_timestamp);
SELECT date_bin('15 min', '2024-08-29 12:34'::enc_timestamp, '2001-01-01 00:02:30');
SELECT date_bin('1 month', '2024-08-29 12:34'::enc_timestamp, '2001-01-01');
SELECT date_bin('0', '2024-08-29 12:34'::enc_timestamp, '2001-01-01');
CREATE TEMP TABLE t AS SELECT t, t::enc_timestamp AS e FROM generate_series('2024-01-01'::timestamp,
	'2024-01-03', '7 hours 30 min') t;
SELECT min(e), max(e), count(DISTINCT e) FROM t;
SELECT e FROM t ORDER BY e DESC LIMIT 2;
SELECT count(*) FROM t WHERE e >= '2024-01-02' AND e < '2024-01-02'::enc_date + 1;
SELECT e::enc_date AS day, count(*) FROM t GROUP BY 1 ORDER BY 1;
SELECT enable_server_mode();
SELECT bool_and(enc_timestamp_send(e) = enc_timestamp_send(e::text::enc_timestamp)) AS lossless FROM t;
SELECT '2000-01-01'::enc_timestamp;
