-- functions of 1.1; differential.pl compares them with PostgreSQL's
SELECT enable_client_mode();
SET datestyle = 'ISO';
SELECT 12::enc_int4 & 10::enc_int4 AS "and", '12'::enc_int4 | '3' AS "or", '12'::enc_int8 # '10' AS "xor", ~ '5'::enc_int4 AS "not",
	'1'::enc_int4 << 33 AS shl, '-16'::enc_int8 >> 2 AS shr, '6'::enc_int8 & 3 AS mixed;
SELECT gcd('12'::enc_int4, '-18'), lcm('4'::enc_int8, '6'), gcd('1.5'::enc_numeric, '0.25'), lcm('1.5'::enc_numeric, '0.25'),
	to_hex('-1'::enc_int4), to_hex('255'::enc_int8), enc_numeric_min_scale('1.500'), enc_numeric_trim_scale('1.500');
SELECT gcd('-2147483648'::enc_int4, '0');
SELECT lcm('2147483647'::enc_int4, '2147483646');
SELECT round(sin('1'::enc_float8)::enc_numeric, 9), degrees('3.141592653589793'::enc_float8), atan2('1'::enc_float8, '1'), cos('0'::enc_int4);
SELECT asin('2'::enc_float8);
SELECT sin('Infinity'::enc_float8);
SELECT md5('abc'::enc_text), enc_bytea_sha256('\x'), enc_bytea_encode('\x00ff5c41', 'escape'), enc_bytea_encode('\x00ff', 'base64'),
	decode('4142'::enc_text, 'hex'), enc_int4_chr('8364'), bit_length('€'::enc_text);
SELECT md5('abc'::enc_text)::text = md5('abc') AS same_md5, length(enc_bytea_encode(decode(repeat('ab'::enc_text, 100), 'hex'), 'base64'));
SELECT enc_bytea_encode('\x00', 'base65');
SELECT decode('abc'::enc_text, 'hex');
SELECT decode('\x'::enc_text, 'escape');
SELECT enc_int4_chr('0');
SELECT enc_int4_chr('-1');
SELECT overlay('abcdef'::enc_text PLACING 'XY' FROM 2), overlay('abcdef'::enc_text PLACING 'XY' FROM 2 FOR 4), overlay('ab'::enc_text PLACING '' FROM 9);
SELECT overlay('abcdef'::enc_text PLACING 'XY' FROM 0);
SELECT ('2001-02-16'::enc_date, '2001-12-21'::enc_date) OVERLAPS ('2001-10-30'::enc_date, '2002-10-30'::enc_date) AS yes,
	('2001-02-16'::enc_date, '100 days'::enc_interval) OVERLAPS ('2001-10-30'::enc_date, '2002-10-30'::enc_date) AS no,
	('2001-10-29'::enc_timestamp, '2001-10-30'::enc_timestamp) OVERLAPS ('2001-10-30'::enc_timestamp, '2001-10-31'::enc_timestamp) AS touches,
	('2001-10-30'::enc_timestamp, NULL::enc_timestamp) OVERLAPS ('2001-10-30'::enc_timestamp, '2001-10-31'::enc_timestamp) AS unknown;
SELECT make_timestamp(2020::enc_int4, 2::enc_int4, 29::enc_int4, 24::enc_int4, 0::enc_int4, 0.0::float8::enc_float8);
SELECT make_timestamp(2020::enc_int4, 2::enc_int4, 29::enc_int4, 24::enc_int4, 0::enc_int4, 0.5::float8::enc_float8);
-- as PostgreSQL's text of a plain value
SELECT 5::int2::enc_int4, 5::int2::enc_numeric, 5::int2::enc_float8, 'ab'::char(5)::enc_text || '|' AS blanks;
CREATE TEMP TABLE a (i enc_int8, t enc_text);
INSERT INTO a SELECT 7::int2, 'x'::char(3);
SELECT i + 1::int2, 1::int2 - i, i % 4::int2, i::enc_float8 * 2::int2, i::enc_numeric / 2::int2, length(t) FROM a
	WHERE i = 7::int2 AND 6::int2 < i::enc_int4;
SELECT 'n'::enc_text || '5'::enc_int4 || '1.50'::enc_numeric || 't'::enc_bool, '7'::enc_int8 || 'x'::enc_text;
-- what is not there says what is
SELECT t ~ 'x' FROM a;
SELECT regexp_replace(t, 'x', 'y') FROM a;
-- by templates
SET timezone = 'America/New_York';
SELECT to_char('2024-07-04 13:05:09.123456'::enc_timestamp, 'FMDay, FMDDth FMMonth YYYY, HH12:MI:SS.MS pm') AS stamp,
	to_char('2024-07-04 13:05:09+00'::enc_timestamptz, 'YYYY-MM-DD HH24:MI TZ OF') AS zoned, to_char('2024-01-01'::enc_date, 'IYYY-"W"IW-ID TZ') AS day,
	to_char('1 year 2 months 25:00:01'::enc_interval, 'YYYY MM HH24:MI:SS') AS span, to_char('infinity'::enc_timestamp, 'YYYY') IS NULL AS infinite;
SELECT to_char('1234567.891'::enc_numeric, 'FM9,999,999.00') AS "numeric", to_char('-12'::enc_int4, '9999S') AS int4, to_char('485'::enc_int8, 'RN') AS roman,
	to_char('12.454'::enc_float8, '99V9') AS shifted, to_char('0.1'::enc_float4, '0.9EEEE') AS exponent, to_char('1234'::enc_int4, '999') AS "too many";
SELECT to_date('05 Dec 2000'::enc_text, 'DD Mon YYYY'), to_timestamp('2024-02-29 12:30 PM'::enc_text, 'YYYY-MM-DD HH12:MI AM'),
	to_timestamp('2024-02-29T12:30-03'::enc_text, 'YYYY-MM-DD"T"HH24:MITZH'), to_number('-12,454.8-'::enc_text, '99G999D9S'), to_timestamp(1700000000.5::enc_float8);
SELECT to_char('1 day'::enc_interval, 'Day');
SELECT to_char('5'::enc_int4, '9.9.9');
SELECT to_char('5'::enc_int4, NULL) IS NULL AS "null";
SELECT to_date('2024-02-30'::enc_text, 'YYYY-MM-DD');
SELECT to_date('xx'::enc_text, 'DD');
SELECT to_timestamp('2024 EST'::enc_text, 'YYYY TZ');
SELECT to_number('abc'::enc_text, '999');
SELECT to_number('12'::enc_text, '9.9');
-- numbers
SELECT width_bucket('5.35'::enc_numeric, '0.024', '10.06', 5), width_bucket('7'::enc_int4, 1, 10, 3::enc_int4), width_bucket('7'::enc_float8, 10::float8, 1::float8, 3),
	enc_int8_factorial('25') AS factorial, sind('30'::enc_float8), atan2d('1'::enc_float8, '1'), cosd('60'::enc_int4);
SELECT width_bucket('5'::enc_numeric, '1', '1', 5);
SELECT enc_int8_factorial('-1');
SELECT make_interval(days => '10'::enc_int4, secs => '1.5'::enc_float8), make_interval('1'::enc_int4, '2'::enc_int4, '3'::enc_int4, '4'::enc_int4,
	'5'::enc_int4, '6'::enc_int4, '7'::enc_float8);
CREATE TEMP TABLE pairs (g int, y enc_float8, x enc_float8, k enc_int4, n enc_numeric, v enc_interval);
INSERT INTO pairs SELECT i % 2, (i * i)::float8, i::float8, i, i / 4.0, i * '1 hour'::interval FROM generate_series(1, 9) i;
INSERT INTO pairs VALUES (2, NULL, 1::float8, NULL, NULL, NULL);
SELECT g, regr_count(y, x), round(corr(y, x)::enc_numeric, 9) AS corr, covar_pop(y, x), covar_samp(y, x), regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x) IS NULL AS no_r2
	FROM pairs GROUP BY g ORDER BY g;
SELECT regr_avgx(y, x), regr_avgy(y, x), regr_sxx(y, x), regr_syy(y, x), regr_sxy(y, x) FROM pairs;
SELECT bit_and(k), bit_or(k), bit_xor(k::enc_int8), bit_and(k) FILTER (WHERE g = 2) IS NULL AS none FROM pairs;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY y) AS y, percentile_cont(0.25) WITHIN GROUP (ORDER BY n DESC) AS n, percentile_cont(0.9) WITHIN GROUP (ORDER BY k) AS k,
	percentile_cont(0.1) WITHIN GROUP (ORDER BY v) AS v, percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS disc, mode() WITHIN GROUP (ORDER BY k / 4) AS mode FROM pairs;
SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM pairs GROUP BY g ORDER BY g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FILTER (WHERE false), percentile_cont(NULL) WITHIN GROUP (ORDER BY x) FROM pairs;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY x) FROM pairs;
-- each group sends its pairs in several requests, and sorts on tape
SET hedb.batch = 100; SET work_mem = '64kB';
SELECT count(*) FROM (SELECT i % 3 AS g, corr(i::float8::enc_float8, (i % 7)::float8::enc_float8) AS c, percentile_cont(0.5) WITHIN GROUP (ORDER BY i::enc_int4) AS m
	FROM generate_series(1, 6000) i GROUP BY 1) e JOIN (SELECT i % 3 AS g, corr(i, i % 7) AS c, percentile_cont(0.5) WITHIN GROUP (ORDER BY i) AS m
	FROM generate_series(1, 6000) i GROUP BY 1) p ON e.g = p.g AND e.c = p.c AND e.m = p.m;
RESET hedb.batch; RESET work_mem;
SELECT enable_server_mode();
INSERT INTO a SELECT 7::int2;
SELECT make_interval(days => i::enc_int4) FROM a;
