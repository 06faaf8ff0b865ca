
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
