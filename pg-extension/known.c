/* SPDX-License-Identifier: BSD-3-Clause */
#include "known.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"

enum {
	GENERIC_BASE = 0x400,
	GENERIC_CODES = 8,   /* of each type, see ops.def */
	GENERIC_BOOL = 0x700,
};

/* The C functions that scalar.c made of the operations. */
#define OP(code, sql, symbol, result, args, kernel, flags) \
	extern Datum op_##sql(PG_FUNCTION_ARGS);               \
	extern Datum mixed_##sql(PG_FUNCTION_ARGS);
#include "operations.h"
#define OP(code, sql, symbol, result, args, kernel, flags) \
	[code] = {op_##sql, mixed_##sql},
static const struct {
	PGFunction op, mixed;
} entries[OPTABLE_CODES] = {
#include "operations.h"
};

/* Which operation that C function is; 0: none. */
static uint16_t code_of(PGFunction f, bool *mixed)
{
	uint16_t code;

	for (code = 0; code < OPTABLE_CODES; code++)
		if (entries[code].op && (entries[code].op == f || entries[code].mixed == f)) {
			*mixed = entries[code].mixed == f;
			return code;
		}
	return 0;
}

/* By OID, until a function changes; or a type, which a type's functions tell. */
static HTAB *functions, *types;
static bool heard; /* of changes */

struct known_type {
	Oid oid;
	uint8_t type;
};

static void forget(HTAB *table)
{
	HASH_SEQ_STATUS s;
	void *entry;

	hash_seq_init(&s, table);
	while ((entry = hash_seq_search(&s)) != NULL)
		hash_search(table, entry, HASH_REMOVE, NULL);
}

static void catalog_changed(Datum arg, int cache, uint32 hash)
{
	forget(functions);
	forget(types);
}

static void caches_open(void)
{
	HASHCTL f = {.keysize = sizeof(Oid), .entrysize = sizeof(struct known)};
	HASHCTL t = {.keysize = sizeof(Oid), .entrysize = sizeof(struct known_type)};

	if (heard)
		return;
	/* any of them may raise, and is tried again by the next who asks */
	if (!functions)
		functions = hash_create("hedb functions", 128, &f, HASH_ELEM | HASH_BLOBS);
	if (!types)
		types = hash_create("hedb types", 32, &t, HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(PROCOID, catalog_changed, 0);
	CacheRegisterSyscacheCallback(TYPEOID, catalog_changed, 0);
	heard = true;
}

/* Which arguments of a mixed function are integers in clear. */
static uint8_t plain_arguments(const oidvector *types, bool *other)
{
	uint8_t mask = 0;
	int i;

	*other = false;
	for (i = 0; i < types->dim1; i++)
		if (types->values[i] == INT4OID || types->values[i] == INT8OID)
			mask |= (uint8_t)(1 << i);
		else if (!code_secret_type(types->values[i]))
			*other = true;
	return mask;
}

static void look_up(struct known *k)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(k->oid));
	Form_pg_proc f;
	FmgrInfo call;
	bool mixed, other;

	k->code = 0;
	k->plain = 0;
	if (!HeapTupleIsValid(tuple))
		return;
	f = (Form_pg_proc)GETSTRUCT(tuple);
	if (f->prolang == ClanguageId && f->proisstrict && !f->proretset) {
		fmgr_info(k->oid, &call);
		k->code = code_of(call.fn_addr, &mixed);
		if (k->code && mixed) {
			k->plain = plain_arguments(&f->proargtypes, &other);
			if (other)
				k->code = 0;
		}
		if (k->code && f->pronargs != known_nargs(optable_op(k->code)))
			k->code = 0;
	}
	ReleaseSysCache(tuple);
}

/* Looking a function up may load a library and flush the cache: so first look, then
 * enter. */
struct known known_function(Oid oid)
{
	struct known k = {.oid = oid}, *entry;

	if (oid < FirstNormalObjectId)
		return k;
	caches_open();
	entry = hash_search(functions, &oid, HASH_FIND, NULL);
	if (entry)
		return *entry;
	look_up(&k);
	entry = hash_search(functions, &oid, HASH_ENTER, NULL);
	*entry = k;
	return k;
}

/* A text column of a function's row; NULL when it has none. */
static char *function_text(HeapTuple tuple, AttrNumber which)
{
	bool null;
	Datum d = SysCacheGetAttr(PROCOID, tuple, which, &null);

	return null ? NULL : TextDatumGetCString(d);
}

/* The type whose input function of ours it is. */
static uint8_t type_of_input(Oid input)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(input));
	const char *source, *library;
	uint8_t type, found = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	source = function_text(tuple, Anum_pg_proc_prosrc);
	library = function_text(tuple, Anum_pg_proc_probin);
	if (source && library && strcmp(library, "$libdir/hedb") == 0)
		for (type = 1; type < T_FIRST_PUBLIC; type++)
			if (optable_type(type).name &&
				strcmp(source, psprintf("%s_in", optable_type(type).name)) == 0)
				found = type;
	ReleaseSysCache(tuple);
	return found;
}

static uint8_t look_type_up(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid input = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return 0;
	if (((Form_pg_type)GETSTRUCT(tuple))->typtype == TYPTYPE_BASE)
		input = ((Form_pg_type)GETSTRUCT(tuple))->typinput;
	ReleaseSysCache(tuple);
	return input < FirstNormalObjectId ? 0 : type_of_input(input);
}

/* Most types a statement asks for are the same few; a look at the catalog's rows each
 * time was 80,000 instructions of a TPC-B transaction. */
uint8_t code_secret_type(Oid type)
{
	struct known_type *entry;
	uint8_t found;

	if (type < FirstNormalObjectId)
		return 0;
	caches_open();
	entry = hash_search(types, &type, HASH_FIND, NULL);
	if (entry)
		return entry->type;
	found = look_type_up(type);
	entry = hash_search(types, &type, HASH_ENTER, NULL);
	entry->type = found;
	return found;
}

uint16_t known_generic(uint8_t type, const char *what)
{
	const char *name = optable_type(type).name;
	uint32_t code,
		base = type == T_PUB_BOOL ? GENERIC_BOOL : GENERIC_BASE + GENERIC_CODES * type;
	char want[64];

	snprintf(want, sizeof want, "%s_%s", name, what);
	for (code = base; code < base + GENERIC_CODES && code < OPTABLE_CODES; code++)
		if (optable_op(code) && strcmp(optable_op(code)->name, want) == 0)
			return (uint16_t)code;
	return 0;
}
