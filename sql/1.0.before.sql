-- What 1.0 had and 1.1 has not: see release.pl.

-- get_byte('x', 0) of a plain literal was ambiguous; enc_bytea_get_byte is the same function.
CREATE FUNCTION get_byte(enc_bytea, int4) RETURNS enc_int4
	AS 'MODULE_PATHNAME', 'op_enc_bytea_get_byte' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
	SUPPORT hedb_operation_support;
DROP FUNCTION get_byte(enc_bytea, int4);
