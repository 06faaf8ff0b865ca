
-- ---------------------------------------------------------------------------
-- From here on by hand (sql/hedb.sql).

-- || with a plain side: without these PostgreSQL takes anynonarray || text, which would
-- append the ciphertext's text form.
CREATE FUNCTION enc_text_concatenate(text, enc_text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'enc_text_concatenate_left'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION enc_text_concatenate(enc_text, text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'enc_text_concatenate_right'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
CREATE OPERATOR || (FUNCTION = enc_text_concatenate, LEFTARG = text, RIGHTARG = enc_text);
CREATE OPERATOR || (FUNCTION = enc_text_concatenate, LEFTARG = enc_text, RIGHTARG = text);

-- All in one request; PostgreSQL's own concat would append ciphertext.
CREATE FUNCTION concat(VARIADIC enc_text[]) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'enc_text_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 60;
CREATE FUNCTION concat_ws(enc_text, VARIADIC enc_text[]) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'enc_text_concat_ws' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 60;

-- x AT TIME ZONE z is pg_catalog.timezone(z, x).
CREATE FUNCTION pg_catalog.timezone(text, enc_timestamptz) RETURNS enc_timestamp
	AS 'MODULE_PATHNAME', 'enc_timestamptz_at_zone'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION pg_catalog.timezone(text, enc_timestamp) RETURNS enc_timestamptz
	AS 'MODULE_PATHNAME', 'enc_timestamp_at_zone'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

CREATE FUNCTION date_trunc(text, enc_timestamptz, text) RETURNS enc_timestamptz
	AS 'MODULE_PATHNAME', 'enc_timestamptz_trunc_zone'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50;

-- Since then until today, whose midnight is encrypted (client mode).
CREATE FUNCTION age(enc_timestamp) RETURNS enc_interval
	LANGUAGE SQL STABLE STRICT PARALLEL SAFE COST 110
	RETURN age(current_date::timestamp::enc_timestamp, $1);
CREATE FUNCTION age(enc_timestamptz) RETURNS enc_interval
	LANGUAGE SQL STABLE STRICT PARALLEL SAFE COST 110
	RETURN age(current_date::timestamptz::enc_timestamptz, $1);

-- Window frames: RANGE BETWEEN '1 month' PRECEDING AND CURRENT ROW.
CREATE FUNCTION in_range(enc_date, enc_date, enc_interval, bool, bool) RETURNS bool
	AS 'MODULE_PATHNAME', 'enc_date_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION in_range(enc_timestamp, enc_timestamp, enc_interval, bool, bool) RETURNS bool
	AS 'MODULE_PATHNAME', 'enc_timestamp_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION in_range(enc_timestamptz, enc_timestamptz, enc_interval, bool, bool) RETURNS bool
	AS 'MODULE_PATHNAME', 'enc_timestamptz_in_range' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION in_range(enc_interval, enc_interval, enc_interval, bool, bool) RETURNS bool
	AS 'MODULE_PATHNAME', 'enc_interval_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
ALTER OPERATOR FAMILY btree_enc_datetime_ops USING btree ADD
	FUNCTION 3 (enc_date, enc_interval) in_range(enc_date, enc_date, enc_interval, bool, bool),
	FUNCTION 3 (enc_timestamp, enc_interval)
		in_range(enc_timestamp, enc_timestamp, enc_interval, bool, bool),
	FUNCTION 3 (enc_timestamptz, enc_interval)
		in_range(enc_timestamptz, enc_timestamptz, enc_interval, bool, bool);
ALTER OPERATOR FAMILY btree_enc_interval_ops USING btree ADD FUNCTION 3 (enc_interval, enc_interval)
	in_range(enc_interval, enc_interval, enc_interval, bool, bool);

-- string_agg: in the order of its rows, so without parallel workers.
CREATE FUNCTION enc_text_agg_trans(internal, enc_text, enc_text) RETURNS internal
	AS 'MODULE_PATHNAME', 'enc_text_join_agg_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION enc_text_agg_final(internal) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'enc_text_join_agg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE AGGREGATE string_agg(enc_text, enc_text) (SFUNC = enc_text_agg_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = enc_text_agg_final, PARALLEL = SAFE);
CREATE FUNCTION enc_bytea_agg_trans(internal, enc_bytea, enc_bytea) RETURNS internal
	AS 'MODULE_PATHNAME', 'enc_bytea_join_agg_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION enc_bytea_agg_final(internal) RETURNS enc_bytea
	AS 'MODULE_PATHNAME', 'enc_bytea_join_agg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE AGGREGATE string_agg(enc_bytea, enc_bytea) (SFUNC = enc_bytea_agg_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = enc_bytea_agg_final, PARALLEL = SAFE);

-- HEDB's names for sums of an array; as wide and exact as sum() and avg().
CREATE FUNCTION enc_int4_sum_bulk(enc_int4[]) RETURNS enc_int8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION enc_int4_avg_bulk(enc_int4[]) RETURNS enc_numeric
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

-- Modes.
CREATE FUNCTION enable_server_mode() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
CREATE FUNCTION enable_client_mode() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

-- What stands for a fused expression in plans; there are no values of it.
CREATE TYPE hedb_program;
CREATE FUNCTION hedb_program_in(cstring) RETURNS hedb_program
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hedb_program_out(hedb_program) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hedb_program_subscript(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE hedb_program (INPUT = hedb_program_in, OUTPUT = hedb_program_out,
	SUBSCRIPT = hedb_program_subscript, INTERNALLENGTH = VARIABLE);
COMMENT ON TYPE hedb_program IS 'internal: an expression that is evaluated in one round trip';

-- count(DISTINCT x) of encrypted values, by their digests: the planner puts it there.
CREATE FUNCTION hedb_count_distinct_add(internal, uuid) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION hedb_count_distinct_final(internal) RETURNS int8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE hedb_count_distinct(uuid) (SFUNC = hedb_count_distinct_add, STYPE = internal,
	FINALFUNC = hedb_count_distinct_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);

-- What this backend's channel did. Channel and generation are NULL while none is held.
CREATE FUNCTION hedb_stat_channel(OUT channel int4, OUT generation int8, OUT calls int8,
	OUT retries int8, OUT sleeps int8, OUT rings int8, OUT waiting_ms float8)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
CREATE VIEW hedb_stat_channel AS SELECT * FROM hedb_stat_channel();
GRANT SELECT ON hedb_stat_channel TO PUBLIC;

-- What each program cost, by user and database: of the server with hedb in
-- shared_preload_libraries, else of this process. The program to whoever may see it.
CREATE FUNCTION hedb_stat_programs(OUT userid oid, OUT dbid oid, OUT digest text,
	OUT program text, OUT arguments text, OUT calls int8, OUT requests int8, OUT rows int8, OUT bytes_sent int8,
	OUT bytes_received int8, OUT waiting_ms float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
CREATE VIEW hedb_stat_programs AS SELECT * FROM hedb_stat_programs();
GRANT SELECT ON hedb_stat_programs TO PUBLIC;
CREATE FUNCTION hedb_stat_programs_reset() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
REVOKE EXECUTE ON FUNCTION hedb_stat_programs_reset() FROM PUBLIC;

-- Who a session is for ops_server's policy, and what it was told in clear (docs/policy.md).
CREATE FUNCTION hedb_challenge(role text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
CREATE FUNCTION hedb_prove(role text, signature bytea) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
CREATE FUNCTION hedb_stat_released(OUT role text, OUT comparisons int8, OUT ranks int8, OUT hashes int8,
	OUT "values" int8, OUT errors int8, OUT denied int8)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
CREATE VIEW hedb_stat_released AS SELECT * FROM hedb_stat_released();
GRANT SELECT ON hedb_stat_released TO PUBLIC;

-- ---------------------------------------------------------------------------
-- Since 1.1: the rest of HEDB's surface (docs/sql.md, "Differences from HEDB").

CREATE FUNCTION enc_float4_sum_bulk(enc_float4[]) RETURNS enc_float4
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION enc_float4_avg_bulk(enc_float4[]) RETURNS enc_float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION pg_enc_int4_sum_bulk(enc_int4[]) RETURNS enc_int8
	AS 'MODULE_PATHNAME', 'enc_int4_sum_bulk' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION pg_enc_int4_avg_bulk(enc_int4[]) RETURNS enc_numeric
	AS 'MODULE_PATHNAME', 'enc_int4_avg_bulk' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION pg_enc_float4_sum_bulk(enc_float4[]) RETURNS enc_float4
	AS 'MODULE_PATHNAME', 'enc_float4_sum_bulk' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION pg_enc_float4_avg_bulk(enc_float4[]) RETURNS enc_float8
	AS 'MODULE_PATHNAME', 'enc_float4_avg_bulk' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

-- The planner puts the expression in its place. STABLE, since a function that is immutable is
-- called beforehand when all arguments are constants.
CREATE FUNCTION enc_float4_eval_expr_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL SAFE;
CREATE FUNCTION enc_float4_eval_expr(VARIADIC "any") RETURNS enc_float4
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
	SUPPORT enc_float4_eval_expr_support;
CREATE FUNCTION pg_enc_float4_eval_expr(VARIADIC "any") RETURNS enc_float4
	AS 'MODULE_PATHNAME', 'enc_float4_eval_expr' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50
	SUPPORT enc_float4_eval_expr_support;

-- HEDB stores an order number in clear beside a text, which makes comparing fast. Here the
-- zone tells the order of many values at once, and no number is kept: the value is what it was.
CREATE FUNCTION enc_text_set_order(enc_text, int4) RETURNS enc_text
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1;
CREATE FUNCTION enc_text_add_order(p_column text, p_table text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE SET search_path = @extschema@, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = p_table::regclass AND attname = p_column
		AND atttypid = 'enc_text'::regtype AND NOT attisdropped) THEN
		RAISE undefined_column USING MESSAGE = format('%s has no column %I of type enc_text', p_table, p_column);
	END IF;
END $$;

-- Of older scripts: 1 is client mode, 0 server mode.
CREATE FUNCTION enable_debug_mode(int4) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

-- What is not supported says so; the comment is the hint.
CREATE FUNCTION enable_record_mode(cstring, cstring) RETURNS void
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION enable_record_mode(cstring, cstring) IS
	'Operations are not recorded in this version: leave the call out, and queries run as they do in execution mode.';
CREATE FUNCTION enable_record_mode(cstring) RETURNS void
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION enable_record_mode(cstring) IS
	'Operations are not recorded in this version: leave the call out, and queries run as they do in execution mode.';
CREATE FUNCTION enable_replay_mode(cstring, cstring, cstring) RETURNS void
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION enable_replay_mode(cstring, cstring, cstring) IS
	'Operations are not recorded in this version, so there is nothing to replay.';
CREATE FUNCTION enable_replay_mode(cstring, cstring) RETURNS void
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION enable_replay_mode(cstring, cstring) IS
	'Operations are not recorded in this version, so there is nothing to replay.';

-- Composed of operations: one program each.
CREATE FUNCTION pg_catalog.overlay(x enc_text, y enc_text, at int4, n int4) RETURNS enc_text
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
	RETURN substring(x, 1, at - 1) || y || substring(x, at + n);
CREATE FUNCTION make_timestamp(year enc_int4, month enc_int4, mday enc_int4, hour enc_int4, min enc_int4,
	sec enc_float8) RETURNS enc_timestamp
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
	RETURN enc_date_make(year, month, mday) + enc_interval_clock(hour, min, sec);
CREATE FUNCTION make_timestamptz(year enc_int4, month enc_int4, mday enc_int4, hour enc_int4, min enc_int4,
	sec enc_float8) RETURNS enc_timestamptz
	LANGUAGE SQL STABLE STRICT PARALLEL SAFE
	RETURN enc_timestamp_to_timestamptz(enc_date_make(year, month, mday) + enc_interval_clock(hour, min, sec));

-- (a, b) OVERLAPS (c, d) is always pg_catalog.overlaps. Of each pair the earlier one is the
-- start; one that is NULL leaves the other as a moment.
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamp, b enc_timestamp, c enc_timestamp, d enc_timestamp) RETURNS bool
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN CASE
	WHEN least(a, b) > least(c, d) THEN CASE
		WHEN c IS NULL OR d IS NULL THEN NULL WHEN least(a, b) < greatest(c, d) THEN true
		WHEN a IS NULL OR b IS NULL THEN NULL ELSE false END
	WHEN least(a, b) < least(c, d) THEN CASE
		WHEN a IS NULL OR b IS NULL THEN NULL WHEN least(c, d) < greatest(a, b) THEN true
		WHEN c IS NULL OR d IS NULL THEN NULL ELSE false END
	WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL THEN NULL ELSE true END;
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamptz, b enc_timestamptz, c enc_timestamptz, d enc_timestamptz) RETURNS bool
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN CASE
	WHEN least(a, b) > least(c, d) THEN CASE
		WHEN c IS NULL OR d IS NULL THEN NULL WHEN least(a, b) < greatest(c, d) THEN true
		WHEN a IS NULL OR b IS NULL THEN NULL ELSE false END
	WHEN least(a, b) < least(c, d) THEN CASE
		WHEN a IS NULL OR b IS NULL THEN NULL WHEN least(c, d) < greatest(a, b) THEN true
		WHEN c IS NULL OR d IS NULL THEN NULL ELSE false END
	WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL THEN NULL ELSE true END;
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamp, b enc_interval, c enc_timestamp, d enc_interval) RETURNS bool
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, a + b, c, c + d);
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamp, b enc_timestamp, c enc_timestamp, d enc_interval) RETURNS bool
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, b, c, c + d);
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamp, b enc_interval, c enc_timestamp, d enc_timestamp) RETURNS bool
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, a + b, c, d);
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamptz, b enc_interval, c enc_timestamptz, d enc_interval) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, a + b, c, c + d);
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamptz, b enc_timestamptz, c enc_timestamptz, d enc_interval) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, b, c, c + d);
CREATE FUNCTION pg_catalog.overlaps(a enc_timestamptz, b enc_interval, c enc_timestamptz, d enc_timestamptz) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE RETURN pg_catalog.overlaps(a, a + b, c, d);
-- A date is its midnight in the session's zone, as it is for PostgreSQL.
CREATE FUNCTION pg_catalog.overlaps(a enc_date, b enc_date, c enc_date, d enc_date) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE
	RETURN pg_catalog.overlaps(a::enc_timestamptz, b::enc_timestamptz, c::enc_timestamptz, d::enc_timestamptz);
CREATE FUNCTION pg_catalog.overlaps(a enc_date, b enc_date, c enc_date, d enc_interval) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE
	RETURN pg_catalog.overlaps(a::enc_timestamptz, b::enc_timestamptz, c::enc_timestamptz, d);
CREATE FUNCTION pg_catalog.overlaps(a enc_date, b enc_interval, c enc_date, d enc_date) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE
	RETURN pg_catalog.overlaps(a::enc_timestamptz, b, c::enc_timestamptz, d::enc_timestamptz);
CREATE FUNCTION pg_catalog.overlaps(a enc_date, b enc_interval, c enc_date, d enc_interval) RETURNS bool
	LANGUAGE SQL STABLE PARALLEL SAFE
	RETURN pg_catalog.overlaps(a::enc_timestamptz, b, c::enc_timestamptz, d);

-- Regular expressions: these are here because the alternative, x::text ~ y, looks at ciphertext.
CREATE FUNCTION enc_text_regex(enc_text, text) RETURNS bool
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION enc_text_regex(enc_text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE OPERATOR ~ (FUNCTION = enc_text_regex, LEFTARG = enc_text, RIGHTARG = text);
CREATE OPERATOR ~* (FUNCTION = enc_text_regex, LEFTARG = enc_text, RIGHTARG = text);
CREATE OPERATOR !~ (FUNCTION = enc_text_regex, LEFTARG = enc_text, RIGHTARG = text);
CREATE OPERATOR !~* (FUNCTION = enc_text_regex, LEFTARG = enc_text, RIGHTARG = text);
CREATE FUNCTION regexp_replace(enc_text, text, text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_replace(enc_text, text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE FUNCTION regexp_replace(enc_text, text, text, text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_replace(enc_text, text, text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE FUNCTION regexp_match(enc_text, text) RETURNS enc_text[]
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_match(enc_text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE FUNCTION regexp_count(enc_text, text) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_count(enc_text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE FUNCTION regexp_like(enc_text, text) RETURNS bool
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_like(enc_text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';
CREATE FUNCTION regexp_substr(enc_text, text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'hedb_unsupported' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION regexp_substr(enc_text, text) IS
	'Regular expressions are not computed on encrypted text: LIKE, ILIKE, position, starts_with, split_part and translate are.';

-- Seconds since 1970, of other numbers as well.
CREATE FUNCTION to_timestamp(a enc_int4) RETURNS enc_timestamptz
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN to_timestamp(a::enc_float8);
CREATE FUNCTION to_timestamp(a enc_int8) RETURNS enc_timestamptz
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN to_timestamp(a::enc_float8);
CREATE FUNCTION to_timestamp(a enc_numeric) RETURNS enc_timestamptz
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN to_timestamp(a::enc_float8);

-- Sums of parts that do not meet: one program. In client mode what is left out is 0.
CREATE FUNCTION make_interval(years enc_int4 DEFAULT 0, months enc_int4 DEFAULT 0, weeks enc_int4 DEFAULT 0,
	days enc_int4 DEFAULT 0, hours enc_int4 DEFAULT 0, mins enc_int4 DEFAULT 0,
	secs enc_float8 DEFAULT 0::float8) RETURNS enc_interval
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
	RETURN enc_interval_of_months(years, months) + enc_interval_of_days(weeks, days)
		+ enc_interval_of_clock(hours, mins, secs);

-- Pairs without a NULL; how many is no secret, as with count().
CREATE FUNCTION enc_float8_regr_count_trans(int8, enc_float8, enc_float8) RETURNS int8
	LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN $1 + 1;
CREATE AGGREGATE regr_count(enc_float8, enc_float8) (SFUNC = enc_float8_regr_count_trans, STYPE = int8,
	INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE);

-- percentile_cont: the values are sorted by ranks; the zone goes between two of them. What
-- takes the value that is there, percentile_disc and mode, is PostgreSQL's for any type.
CREATE FUNCTION enc_percentile_trans(internal, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION enc_float8_percentile_final(internal, float8) RETURNS enc_float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE FUNCTION enc_interval_percentile_final(internal, float8) RETURNS enc_interval
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_int4) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_float8_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_int8) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_float8_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_numeric) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_float8_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_float4) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_float8_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_float8) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_float8_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
CREATE AGGREGATE percentile_cont(float8 ORDER BY enc_interval) (SFUNC = enc_percentile_trans, STYPE = internal,
	FINALFUNC = enc_interval_percentile_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE);
