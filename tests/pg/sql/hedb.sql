-- HEDB's SQL, as its documentation and scripts write it; docs/sql.md lists what differs
SELECT enable_client_mode();
CREATE TABLE h (i enc_int4, j enc_int4, f enc_float4, t enc_timestamp, s enc_text);
INSERT INTO h VALUES (1, 7, 1.5, '1995-03-15', 'BRASS'), (2, -3, 0.25, '1996-12-31 23:59:59', 'STEEL'),
	(enc_int4_encrypt(-4), enc_int4_encrypt(2), enc_float4_encrypt(100), enc_timestamp_encrypt('2000-01-01'), enc_text_encrypt('TIN')),
	(NULL, NULL, NULL, NULL, NULL);
SELECT enc_int4_decrypt(i + j), enc_float4_decrypt(f * f), enc_timestamp_decrypt(t), enc_text_decrypt(s || s) FROM h;
SELECT enc_int4_eq(i, j), enc_int4_ne(i, j), enc_int4_lt(i, j), enc_int4_le(i, j), enc_int4_gt(i, j), enc_int4_ge(i, j),
	enc_int4_cmp(i, j), enc_float4_cmp(f, f), enc_timestamp_lt(t, '1996-01-01'), enc_text_cmp(s, 'STEEL') FROM h;
SELECT enc_int4_add(i, j), enc_int4_sub(i, j), enc_int4_mult(i, j), enc_int4_div(i, j), enc_int4_mod(i, j), i + j, i - j, i * j,
	i / j, i % j, enc_int4_min(i, j), enc_int4_max(i, j) FROM h;
SELECT enc_int4_pow(i, '3'), i ^ '3' FROM h;
SELECT enc_float4_add(f, f), enc_float4_subs(f, '0.25'), enc_float4_mult(f, f), enc_float4_div(f, '4'), enc_float4_mod(f, '0.4'),
	enc_float4_exp(f, '2'), f % '1', f ^ '0.5', enc_float4_min(f, '1'), enc_float4_max(f, '1') FROM h;
SELECT enc_int4_sum_bulk(array_agg(i)), enc_int4_avg_bulk(array_agg(i)), enc_float4_sum_bulk(array_agg(f)),
	enc_float4_avg_bulk(array_agg(f)) FROM h;
SELECT sum(i), avg(i), min(i), max(i), sum(f), avg(f), min(f), max(f), sum_simple(f) FROM h;
SELECT sum_simple(f) FROM h WHERE f IS NULL;
SELECT enc_float4_eval_expr('1*(2-3)', f, '1'::enc_float4, f), enc_float4_eval_expr('-1 + 2 ^ 3 / 1 % 4', f, f, '2'::enc_float4, '3'::enc_float4)
	FROM h;
SELECT enc_float4_eval_expr('1*(2-3)', '2'::enc_float4, '3'::enc_float4, '1'::enc_float4),
	enc_float4_eval_expr('1+2', '2'::enc_float4, NULL::enc_float4);
SELECT enc_float4_eval_expr('1*', '2'::enc_float4);
CREATE INDEX ON h (enc_float4_eval_expr('1*1', f));
SELECT f * ('1' - f), - f + f ^ '2' / f FROM h;
EXPLAIN (COSTS OFF, VERBOSE) SELECT enc_float4_eval_expr('1-2', f, i) FROM h;
SELECT enc_float4_eval_expr('1/(1-1)', f) FROM h;
SELECT enc_float4_eval_expr('1*(2', f, f) FROM h;
SELECT enc_float4_eval_expr('1*3', f, f) FROM h;
SELECT enc_float4_eval_expr('1 2', f, f) FROM h;
SELECT enc_float4_eval_expr('', f, f) FROM h;
SELECT enc_float4_eval_expr(pg_typeof(f)::text, f) FROM h;
SELECT enc_float4_eval_expr('1', s) FROM h;
SELECT date_part('year', t), substring(s FROM 2 FOR 3), substring(s, enc_int4_encrypt(1), enc_int4_encrypt(2)),
	s LIKE '%S%', s NOT LIKE 'T_N', enc_text_like(s, '%E%'), enc_text_notlike(s, '%E%'), enc_text_concatenate(s, '!') FROM h;
SELECT 1::enc_int4, 2::bigint::enc_int4, 1.5::enc_float4, 1::enc_float4, '2020-02-29'::timestamp::enc_timestamp, 'x'::varchar::enc_text;
-- order needs no numbers in clear
SELECT enc_text_add_order('s', 'h');
SELECT enc_text_add_order('i', 'h');
SELECT enc_text_set_order(s, 3) FROM h ORDER BY s;
-- older names
SELECT enable_debug_mode(0);
SHOW hedb.mode;
SELECT enable_debug_mode(1);
SELECT pg_enc_int4_decrypt(pg_enc_int4_encrypt(1) + pg_enc_int4_encrypt(2)), pg_enc_float4_decrypt(pg_enc_float4_encrypt(1.5)),
	pg_enc_timestamp_decrypt(pg_enc_timestamp_encrypt('1995-03-15')), pg_enc_text_decrypt(pg_enc_text_encrypt('x'));
SELECT count(*), sum(pg_enc_float4_eval_expr('1*(2-3)', f, '1'::enc_float4, f)) AS revenue FROM h
	WHERE t < pg_enc_timestamp_encrypt('1997-01-01') AND pg_enc_int4_lt(i, j) IS NOT NULL GROUP BY s ORDER BY revenue DESC;
SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE proname ~ '^pg_enc_';
-- not there yet
SELECT enable_record_mode('q', '/tmp');
SELECT enable_replay_mode('q', '/tmp', 'seq');
SELECT enable_record_mode('q');
SELECT enable_replay_mode('q', 'seq');
-- decrypting is nobody's who was not told so
CREATE ROLE regress_hedb;
SET ROLE regress_hedb;
SELECT pg_enc_int4_decrypt('1');
RESET ROLE;
DROP ROLE regress_hedb;
DROP TABLE h;
