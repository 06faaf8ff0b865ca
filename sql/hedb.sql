
-- ---------------------------------------------------------------------------
-- From here on by hand (sql/hedb.sql).

-- Casts among encrypted types: as among the plain ones.
CREATE CAST (enc_int4 AS enc_int8) WITH FUNCTION enc_int4_to_int8(enc_int4) AS IMPLICIT;
CREATE CAST (enc_int4 AS enc_numeric) WITH FUNCTION enc_int4_to_numeric(enc_int4) AS IMPLICIT;
CREATE CAST (enc_int8 AS enc_numeric) WITH FUNCTION enc_int8_to_numeric(enc_int8) AS IMPLICIT;
CREATE CAST (enc_int8 AS enc_int4) WITH FUNCTION enc_int8_to_int4(enc_int8) AS ASSIGNMENT;
CREATE CAST (enc_int4 AS enc_text) WITH FUNCTION enc_int4_to_text(enc_int4) AS ASSIGNMENT;
CREATE CAST (enc_int8 AS enc_text) WITH FUNCTION enc_int8_to_text(enc_int8) AS ASSIGNMENT;
CREATE CAST (enc_text AS enc_int4) WITH FUNCTION enc_text_to_int4(enc_text);
CREATE CAST (enc_text AS enc_int8) WITH FUNCTION enc_text_to_int8(enc_text);

-- Casts from plain types encrypt in client mode and raise in server mode. STABLE, since
-- they depend on the mode; constants are encrypted when the query is planned.
CREATE FUNCTION hedb_cast_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL SAFE;
CREATE FUNCTION enc_int4(int4) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'cast_int4_enc_int4' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_int4(int8) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'cast_int8_enc_int4' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_int8(int4) RETURNS enc_int8
	AS 'MODULE_PATHNAME', 'cast_int4_enc_int8' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_int8(int8) RETURNS enc_int8
	AS 'MODULE_PATHNAME', 'cast_int8_enc_int8' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_text(text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'cast_text_enc_text' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_text(varchar) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'cast_text_enc_text' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_numeric(int4) RETURNS enc_numeric
	AS 'MODULE_PATHNAME', 'cast_int4_enc_numeric' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_numeric(int8) RETURNS enc_numeric
	AS 'MODULE_PATHNAME', 'cast_int8_enc_numeric' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;
CREATE FUNCTION enc_numeric(numeric) RETURNS enc_numeric
	AS 'MODULE_PATHNAME', 'cast_numeric_enc_numeric' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 60
	SUPPORT hedb_cast_support;

CREATE CAST (int4 AS enc_int4) WITH FUNCTION enc_int4(int4) AS IMPLICIT;
CREATE CAST (int8 AS enc_int4) WITH FUNCTION enc_int4(int8) AS ASSIGNMENT;
CREATE CAST (int4 AS enc_int8) WITH FUNCTION enc_int8(int4) AS IMPLICIT;
CREATE CAST (int8 AS enc_int8) WITH FUNCTION enc_int8(int8) AS IMPLICIT;
CREATE CAST (text AS enc_text) WITH FUNCTION enc_text(text) AS IMPLICIT;
CREATE CAST (varchar AS enc_text) WITH FUNCTION enc_text(varchar) AS IMPLICIT;
CREATE CAST (int4 AS enc_numeric) WITH FUNCTION enc_numeric(int4) AS IMPLICIT;
CREATE CAST (int8 AS enc_numeric) WITH FUNCTION enc_numeric(int8) AS IMPLICIT;
CREATE CAST (numeric AS enc_numeric) WITH FUNCTION enc_numeric(numeric) AS IMPLICIT;

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

-- Names under which SQL calls what ops.def has. SUBSTRING(x FROM a FOR b) is always
-- pg_catalog.substring.
CREATE FUNCTION pg_catalog.substring(enc_text, enc_int4, enc_int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION pg_catalog.substring(enc_text, enc_int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring_from'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION pg_catalog.substring(enc_text, int4, int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION pg_catalog.substring(enc_text, int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring_from_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION substr(enc_text, int4, int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION substr(enc_text, int4) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_substring_from_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION length(enc_text) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'op_enc_text_length'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION lower(enc_text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_lower'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION upper(enc_text) RETURNS enc_text
	AS 'MODULE_PATHNAME', 'op_enc_text_upper'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION abs(enc_int4) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'op_enc_int4_abs'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION abs(enc_int8) RETURNS enc_int8
	AS 'MODULE_PATHNAME', 'op_enc_int8_abs'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

-- sum and avg: widths of PostgreSQL's, with the exact numeric sum as partial result.
CREATE FUNCTION enc_int4_sum_trans(internal, enc_int4) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION enc_int8_sum_trans(internal, enc_int8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION enc_numeric_sum_trans(internal, enc_numeric) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION hedb_sum_int8_final(internal) RETURNS enc_int8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE FUNCTION hedb_sum_final(internal) RETURNS enc_numeric
	AS 'MODULE_PATHNAME', 'hedb_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
CREATE FUNCTION hedb_avg_final(internal) RETURNS enc_numeric
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

CREATE AGGREGATE sum(enc_int4) (SFUNC = enc_int4_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_sum_int8_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE sum(enc_int8) (SFUNC = enc_int8_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_sum_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE sum(enc_numeric) (SFUNC = enc_numeric_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_sum_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE avg(enc_int4) (SFUNC = enc_int4_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_avg_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE avg(enc_int8) (SFUNC = enc_int8_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_avg_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE avg(enc_numeric) (SFUNC = enc_numeric_sum_trans, STYPE = internal,
	SSPACE = 256, FINALFUNC = hedb_avg_final, COMBINEFUNC = hedb_combine,
	SERIALFUNC = hedb_serialize, DESERIALFUNC = hedb_deserialize, PARALLEL = SAFE);

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

-- What this backend's channel did. Channel and generation are NULL while none is held.
CREATE FUNCTION hedb_stat_channel(OUT channel int4, OUT generation int8, OUT calls int8,
	OUT retries int8, OUT sleeps int8, OUT rings int8, OUT waiting_ms float8)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
CREATE VIEW hedb_stat_channel AS SELECT * FROM hedb_stat_channel();
GRANT SELECT ON hedb_stat_channel TO PUBLIC;
