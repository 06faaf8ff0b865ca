SELECT enable_client_mode();
SELECT '1 year 2 months 3 days 04:05:06.789'::enc_interval, '-1 month +1 day'::enc_interval;
SELECT 'soon'::enc_interval;
SELECT a + b AS add, a - b AS sub, -a AS neg, a = b AS eq, a < b AS lt, a >= b AS ge,
	least(a, b), greatest(a, b), enc_interval_cmp(a, b) AS cmp
	FROM (VALUES ('1 month'::enc_interval, '30 days'::enc_interval), ('1 day', '24:00:01'),
		('-1 year', '1 us')) v(a, b);
SELECT '2147483647 days'::enc_interval + '1 day'::enc_interval;
SELECT '-2147483648 days'::enc_interval - '1 day'::enc_interval;
SELECT -'-2147483648 days'::enc_interval;
SELECT justify_hours(i), justify_days(i), justify_interval(i), isfinite(i)
	FROM (VALUES ('1 month -1 hour'::enc_interval), ('45 days 49:00'), ('-1 month 35 days -25:00')) v(i);
SELECT extract(epoch FROM i) AS epoch, extract(year FROM i) AS year, extract(quarter FROM i) AS quarter,
	extract(day FROM i) AS day, extract(hour FROM i) AS hour, extract(second FROM i) AS second,
	extract(milliseconds FROM i) AS ms, extract(decade FROM i) AS decade
	FROM (VALUES ('-13 years -5 months 40 days 100:05:06.789'::enc_interval), ('178000000 years')) v(i);
SELECT extract(week FROM '1 day'::enc_interval);
SELECT extract(fortnight FROM '1 day'::enc_interval);
SELECT u, date_trunc(u, '-1234 years -5 months 40 days -100:05:06.789123'::enc_interval)
	FROM unnest(ARRAY['microseconds', 'milliseconds', 'second', 'minute', 'hour', 'day', 'month',
		'quarter', 'year', 'decade', 'century', 'millennium']) u;
SELECT date_trunc('week', '1 day'::enc_interval);
SELECT i * 1.5 AS mul, 2 * i AS twice, i / 7 AS div, i * '-1'::enc_int4 AS neg, i * '0.1'::enc_float8 AS tenth,
	date_part('epoch', i) AS epoch, date_part('second', i) AS second
	FROM (VALUES ('1 month'::enc_interval), ('-1 year 10 days 01:02:03.456')) v(i);
SELECT '1 day'::enc_interval / 0;
SELECT '1 day'::enc_interval * 1e300;
CREATE TEMP TABLE t (i interval, e enc_interval);
INSERT INTO t SELECT i, i::enc_interval FROM generate_series(1, 10) n, make_interval(days => n, hours => 10 - n) i;
INSERT INTO t VALUES (NULL, NULL), ('1 month', '1 month'), ('30 days', '30 days');
SELECT sum(i) = sum(e)::text::interval AS sum, avg(i)::text = avg(e)::text AS avg,
	min(i)::text = min(e)::text AS min, max(i) = max(e)::text::interval AS max,
	count(DISTINCT i) = count(DISTINCT e) AS count FROM t;
SELECT count(*) FROM t a JOIN t b USING (e);
SELECT enable_server_mode();
SELECT bool_and(enc_interval_send(e) = enc_interval_send(e::text::enc_interval)) AS lossless FROM t;
