/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * encrypted.c - how encrypted values come in and go out: type I/O, encrypt and decrypt,
 * casts from plain types.
 *
 * Text form in server mode is base64 of the stored bytes, binary form (send, recv) the
 * bytes themselves in both modes: neither needs the zone, and nothing is encrypted
 * anew, so a dump is lossless. In client mode text is the plaintext, read and written by
 * PostgreSQL's own functions of the plain type.
 */
#include "hedb.h"

#include "common/base64.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "access/tupmacs.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "known.h"
#include "literal.h"
#include "numeric_form.h"
#include "scalar.h"
#include "zone_program.h"

/* The plain type that an encrypted one holds, as the catalogue knows it. */
struct plain {
	Oid oid;
	Oid io_param;
	int16 len; /* -1: varlena */
	bool by_value;
	FmgrInfo in;
	FmgrInfo out;
};

static const struct plain *plain_of(uint8_t type)
{
	static struct plain known[T_FIRST_PUBLIC];
	struct plain *p = &known[type];
	Oid oid, in, out;
	bool varlena;

	if (p->oid)
		return p;
	oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
		CStringGetDatum(optable_type(type).plain), ObjectIdGetDatum(PG_CATALOG_NAMESPACE));
	getTypeInputInfo(oid, &in, &p->io_param);
	getTypeOutputInfo(oid, &out, &varlena);
	get_typlenbyval(oid, &p->len, &p->by_value);
	fmgr_info_cxt(in, &p->in, TopMemoryContext);
	fmgr_info_cxt(out, &p->out, TopMemoryContext);
	p->oid = oid;
	return p;
}

/* ---- plaintext and its bytes in a request ---- */

static void need_utf8(void)
{
	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("enc_text holds UTF-8, but this database's encoding is %s",
					GetDatabaseEncodingName()),
				errhint("Create the database with ENCODING 'UTF8'.")));
}

static bytea *bytes(const void *p, int len)
{
	return (bytea *)cstring_to_text_with_len(p, len);
}

/* A numeric is short inside a value: numeric.h. */
static bytea *numeric_bytes(Datum d)
{
	bytea *sent = DatumGetByteaPP(DirectFunctionCall1(numeric_send, d));
	size_t len = VARSIZE_ANY_EXHDR(sent);
	uint8_t *packed = palloc(len + NUMERIC_FORM_MORE);

	if (!numeric_form_pack(packed, &len, VARDATA_ANY(sent), len))
		elog(ERROR, "numeric_send() gave what is no numeric");
	return bytes(packed, (int)len);
}

static Datum numeric_datum(const uint8_t *p, uint32_t len)
{
	uint8_t *out = palloc(len + NUMERIC_FORM_MORE);
	StringInfoData s;
	size_t n;

	if (!numeric_form_unpack(out, &n, p, len))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server answered %u bytes that are no numeric", len)));
	initStringInfo(&s);
	appendBinaryStringInfo(&s, (const char *)out, (int)n);
	return DirectFunctionCall3(numeric_recv, PointerGetDatum(&s),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

static bytea *as_bytes(uint8_t type, Datum d)
{
	const struct plain *p = plain_of(type);
	char value[sizeof(Datum)];

	if (type == T_NUMERIC)
		return numeric_bytes(d);
	if (type == T_TEXT)
		need_utf8();
	if (p->by_value) {
		store_att_byval(value, d, p->len);
		return bytes(value, p->len);
	}
	return p->len > 0 ? bytes(DatumGetPointer(d), p->len) : DatumGetByteaPP(d);
}

/* `from` is shared memory, hence the copy before anything looks at it. */
static Datum from_bytes(uint8_t type, const uint8_t *from, uint32_t len)
{
	const struct plain *p = plain_of(type);
	bytea *b = bytes(from, (int)len);

	if (type == T_NUMERIC)
		return numeric_datum((const uint8_t *)VARDATA(b), len);
	if (type == T_TEXT) {
		need_utf8();
		pg_verifymbstr(VARDATA(b), (int)len, false);
	}
	if (p->by_value) {
		Datum aligned = 0;

		memcpy(&aligned, VARDATA(b), p->len);
		return fetch_att(&aligned, true, p->len);
	}
	return PointerGetDatum(p->len > 0 ? memcpy(palloc(p->len), VARDATA(b), p->len) : b);
}

static Datum encrypt(uint8_t type, Datum plain)
{
	bytea *b = as_bytes(type, plain);
	uint32_t len = VARSIZE_ANY_EXHDR(b);
	struct zone_arg a = {.data = VARDATA_ANY(b), .bytes = len, .rows = 1, .type = type,
		.flags = ARG_CLEAR, .lens = value_bytes(type) ? NULL : &len};
	struct zone_program p = {.rows = 1};
	struct zone_result r;

	zone_push(&p, &a);
	r = zone_run(ROLE_CLIENT, &p);
	return value_datum(type, r.data, r.len);
}

static const uint16_t decrypt_op[T_FIRST_PUBLIC] = {
#define PUBLIC(...)
#define TYPE(name, code, sql, size, plain) [code] = OP_##sql##_decrypt,
#include "operations.h"
};

/* A stored value where it lies, or a copy that the memory context frees. */
static const uint8_t *stored(uint8_t type, Datum d, uint32_t *len)
{
	void *copy;

	return value_stored(value_bytes(type), d, len, &copy);
}

static Datum decrypt(uint8_t type, Datum d)
{
	struct zone_arg a = {.rows = 1, .type = type};
	struct zone_program p = {.rows = 1};
	struct zone_result r;
	uint32_t len;

	a.data = stored(type, d, &len);
	a.bytes = len;
	a.lens = value_bytes(type) ? NULL : &len;
	zone_push(&p, &a);
	zone_op(&p, decrypt_op[type]);
	r = zone_run(ROLE_CLIENT, &p);
	return from_bytes(type, r.data, r.len);
}

/* ---- ciphertext in text and binary ---- */

/* Why these bytes cannot be a value of that type, or NULL. What the bytes claim is not
 * verified here: the zone does that when it computes with them. */
static const char *wrong(uint8_t type, const uint8_t *p, int len)
{
	uint32 size = value_bytes(type);
	struct op_type_info other;
	struct value_header h;

	if (value_header_parse(p, (size_t)len, &h) != 0)
		return "it is not an encrypted value";
	if (h.type != type) {
		other = optable_type(h.type);
		return other.name ? psprintf("it is a value of type %s", other.name)
						  : "it is of no known type";
	}
	return size && (uint32)len != size ? "it has the wrong length" : NULL;
}

static Datum cipher_in(uint8_t type, const char *text)
{
	int cap = pg_b64_dec_len((int)strlen(text)), len;
	uint8_t *bytes = palloc(cap + 1);
	const char *why;

	len = pg_b64_decode(text, (int)strlen(text), (char *)bytes, cap);
	why = len < 0 ? "it is not base64" : wrong(type, bytes, len);
	if (why)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				errmsg("invalid ciphertext for type %s", optable_type(type).name),
				errdetail("In server mode the text form is base64 of the stored bytes; %s.",
					why),
				errhint("For plaintext, encrypt it in the client, or use "
					"SELECT enable_client_mode() where a credential is configured.")));
	return value_datum(type, bytes, (uint32_t)len);
}

static char *cipher_out(const uint8_t *p, uint32_t len)
{
	int cap = pg_b64_enc_len((int)len), n;
	char *text = palloc(cap + 1);

	n = pg_b64_encode((const char *)p, (int)len, text, cap);
	if (n < 0)
		elog(ERROR, "could not encode %u bytes", len);
	text[n] = 0;
	return text;
}

static Datum value_in(FunctionCallInfo fcinfo, uint8_t type)
{
	char *text = PG_GETARG_CSTRING(0);
	struct literal_key key;
	const struct plain *p;
	Datum d;

	if (hedb_mode == MODE_SERVER)
		return cipher_in(type, text);
	key = literal_key_text(type, text);
	if (literal_find(&key, &d))
		return d;
	p = plain_of(type);
	d = encrypt(type, InputFunctionCall((FmgrInfo *)&p->in, text, p->io_param, -1));
	literal_keep(&key, d, datumGetSize(d, false, value_typlen(type)));
	return d;
}

static Datum value_out(FunctionCallInfo fcinfo, uint8_t type)
{
	const uint8_t *p;
	uint32_t len;

	if (hedb_mode == MODE_CLIENT)
		PG_RETURN_CSTRING(OutputFunctionCall(
			(FmgrInfo *)&plain_of(type)->out, decrypt(type, PG_GETARG_DATUM(0))));
	p = stored(type, PG_GETARG_DATUM(0), &len);
	PG_RETURN_CSTRING(cipher_out(p, len));
}

static Datum value_recv(FunctionCallInfo fcinfo, uint8_t type)
{
	StringInfo in = (StringInfo)PG_GETARG_POINTER(0);
	int len = in->len - in->cursor;
	const uint8_t *p = (const uint8_t *)pq_getmsgbytes(in, len);
	const char *why = wrong(type, p, len);

	if (why)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("invalid ciphertext for type %s", optable_type(type).name),
				errdetail("The binary form is the stored bytes in both modes; %s.", why)));
	return value_datum(type, p, (uint32_t)len);
}

static Datum value_send(FunctionCallInfo fcinfo, uint8_t type)
{
	StringInfoData s;
	uint32_t len;
	const uint8_t *p = stored(type, PG_GETARG_DATUM(0), &len);

	pq_begintypsend(&s);
	pq_sendbytes(&s, (const char *)p, (int)len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&s));
}

#define ENTRY(name, call)                                                               \
	PG_FUNCTION_INFO_V1(name);                                                          \
	Datum name(PG_FUNCTION_ARGS)                                                        \
	{                                                                                   \
		return call;                                                                    \
	}

#define PUBLIC(...)
#define TYPE(name, code, sql, size, plain)                                              \
	ENTRY(sql##_in, value_in(fcinfo, code))                                             \
	ENTRY(sql##_out, value_out(fcinfo, code))                                           \
	ENTRY(sql##_recv, value_recv(fcinfo, code))                                         \
	ENTRY(sql##_send, value_send(fcinfo, code))                                         \
	ENTRY(sql##_encrypt, encrypt(code, PG_GETARG_DATUM(0)))                             \
	ENTRY(sql##_decrypt, decrypt(code, PG_GETARG_DATUM(0)))
#include "operations.h"

/* ---- casts from plain types ---- */

/* Text can be either, and the mode says which: as in the input function. */
static Datum cast_text(Datum plain)
{
	if (hedb_mode == MODE_SERVER)
		return cipher_in(T_TEXT, TextDatumGetCString(plain));
	return encrypt(T_TEXT, plain);
}

/* What a cast function does, found out at its first call. */
struct cast {
	FmgrInfo convert; /* to the plain type of `type`; fn_oid 0: it is that */
	uint8 type;
};

static const struct cast *cast_of(FmgrInfo *f)
{
	struct cast *c = f->fn_extra;
	Oid *types, result, convert;
	int n;

	if (c)
		return c;
	c = MemoryContextAllocZero(f->fn_mcxt, sizeof *c);
	result = get_func_signature(f->fn_oid, &types, &n);
	c->type = code_secret_type(result);
	if (n != 1 || !c->type)
		elog(ERROR, "function %u is no cast to an encrypted type", f->fn_oid);
	if (find_coercion_pathway(plain_of(c->type)->oid, types[0], COERCION_EXPLICIT,
			&convert) == COERCION_PATH_FUNC && types[0] != plain_of(c->type)->oid)
		fmgr_info_cxt(convert, &c->convert, f->fn_mcxt);
	f->fn_extra = c;
	return c;
}

/* A cast can come from an innocent `x < 1`: it encrypts where plaintext is welcome, and
 * elsewhere it says so rather than sending plaintext about. */
static Datum cast(FunctionCallInfo fcinfo)
{
	const struct cast *c = cast_of(fcinfo->flinfo);
	Datum plain = PG_GETARG_DATUM(0);

	if (c->type != T_TEXT)
		hedb_need_client_mode(c->type);
	if (c->convert.fn_oid)
		plain = FunctionCall1((FmgrInfo *)&c->convert, plain);
	return c->type == T_TEXT ? cast_text(plain) : encrypt(c->type, plain);
}

ENTRY(hedb_cast, cast(fcinfo))

/*
 * A cast of a constant is done once, when the query is planned: the casts are STABLE,
 * so `a < 5` and `a IN (1, 2)` would encrypt their constants for each row. A plan that is
 * executed again uses the same ciphertext, which is no less valid then.
 */
PG_FUNCTION_INFO_V1(hedb_cast_support);
Datum hedb_cast_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *)PG_GETARG_POINTER(0);
	struct literal_key key;
	FuncExpr *f;
	Const *c;
	Datum d;
	int16 len;
	bool by_value;

	if (!IsA(request, SupportRequestSimplify) || hedb_mode != MODE_CLIENT)
		PG_RETURN_POINTER(NULL);
	f = request->fcall;
	if (list_length(f->args) != 1 || !IsA(linitial(f->args), Const))
		PG_RETURN_POINTER(NULL);
	c = linitial_node(Const, f->args);
	if (c->constisnull)
		PG_RETURN_POINTER(NULL);
	get_typlenbyval(f->funcresulttype, &len, &by_value);
	key = literal_key_cast(request->root, f->funcid, c);
	if (!literal_find(&key, &d)) {
		d = OidFunctionCall1(f->funcid, c->constvalue);
		literal_keep(&key, d, datumGetSize(d, by_value, len));
	}
	PG_RETURN_POINTER(
		makeConst(f->funcresulttype, -1, InvalidOid, len, d, false, by_value));
}

/* text || enc_text and the reverse exist so that PostgreSQL's anynonarray || text does
 * not take the expression and append ciphertext. */
static Datum concat(Datum a, Datum b)
{
	LOCAL_FCINFO(f, 2);
	Datum d;

	InitFunctionCallInfoData(*f, NULL, 2, InvalidOid, NULL, NULL);
	f->args[0].value = a;
	f->args[1].value = b;
	f->args[0].isnull = f->args[1].isnull = false;
	d = scalar_call(f, OP_enc_text_concatenate);
	if (f->isnull)
		elog(ERROR, "ops_server answered NULL for a text");
	return d;
}

ENTRY(enc_text_concatenate_left, concat(cast_text(PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1)))
ENTRY(enc_text_concatenate_right, concat(PG_GETARG_DATUM(0), cast_text(PG_GETARG_DATUM(1))))
