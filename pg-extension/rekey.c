/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rekey.c - which key values are under: of a value, of the zone, of the pages of an index; and
 * bringing them under another one's domain.
 * The rest of `CALL hedb.rekey(...)` and hedb.key_usage() is in sql/rekey.sql.
 *
 * The id is in a value's header, in clear: the zone is asked for the active one alone.
 */
#include "hedb.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "keyring.h"
#include "known.h"
#include "zone_program.h"

/* ---- of a value ---- */

/* The key id of a value of that type; of what is none 22P03. */
static uint16 key_id(uint8 type, Datum d)
{
	uint32 size = value_bytes(type);
	struct value_header h;
	const void *p = DatumGetPointer(d);
	struct varlena *head = NULL;
	size_t len = size;
	uint8 shown[VALUE_OVERHEAD];

	if (size == 0) {
		/* Its length is known without it; what is stored elsewhere is not fetched whole. */
		len = toast_raw_datum_size(d) - VARHDRSZ;
		head = PG_DETOAST_DATUM_SLICE(d, 0, VALUE_OVERHEAD);
		memset(shown, 0, sizeof shown);
		memcpy(shown, VARDATA_ANY(head), Min(VARSIZE_ANY_EXHDR(head), sizeof shown));
		p = shown;
	}
	if (value_header_parse(p, len, &h) != 0 || h.type != type)
		zone_raise_state(ROW_MALFORMED);
	if (head)
		pfree(head);
	return h.key_id;
}

static uint8 encrypted_type(Oid type)
{
	uint8 code = code_secret_type(getBaseType(type));

	if (code == 0)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("%s is not an encrypted type", format_type_be(type))));
	return code;
}

/* The type is the expression's, and stays. */
PG_FUNCTION_INFO_V1(hedb_key_id);
Datum hedb_key_id(PG_FUNCTION_ARGS)
{
	uint8 *type = fcinfo->flinfo->fn_extra;

	if (!type) {
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof *type);
		*type = encrypted_type(get_fn_expr_argtype(fcinfo->flinfo, 0));
		fcinfo->flinfo->fn_extra = type;
	}
	PG_RETURN_INT32(key_id(*type, PG_GETARG_DATUM(0)));
}

/* ---- of the zone ---- */

static int active_key(const char *status)
{
	static const char label[] = "\nkey_active ";
	const char *at = strstr(status, label);
	int id = at ? atoi(at + sizeof label - 1) : 0;

	if (id < 1 || id > UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server does not say which key is active"),
				errhint("It may be an earlier version: restart it.")));
	return id;
}

PG_FUNCTION_INFO_V1(hedb_active_key);
Datum hedb_active_key(PG_FUNCTION_ARGS)
{
	char *status = zone_status();
	int id = active_key(status);

	pfree(status);
	PG_RETURN_INT32(id);
}

/* The line of a domain after `at`, which is there or not. */
static char *next_domain(char *at, char name[KEYRING_DOMAIN_NAME + 1], int *id)
{
	static const char label[] = "\nkey_domain ";

	at = strstr(at, label);
	if (!at)
		return NULL;
	if (sscanf(at + sizeof label - 1, "%20[A-Za-z0-9_.-] %d", name, id) != 2 || *id < 0 ||
		*id > UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server does not say which key of a domain is active")));
	return at + 1;
}

static void put_domain(ReturnSetInfo *result, const char *name, int id)
{
	Datum row[2] = {CStringGetTextDatum(name), Int32GetDatum(id)};
	bool nulls[2] = {false, id == 0};

	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

PG_FUNCTION_INFO_V1(hedb_key_domains);
Datum hedb_key_domains(PG_FUNCTION_ARGS)
{
	char name[KEYRING_DOMAIN_NAME + 1], *status = zone_status(), *at = status;
	int id;

	InitMaterializedSRF(fcinfo, 0);
	put_domain((ReturnSetInfo *)fcinfo->resultinfo, "default", active_key(status));
	while ((at = next_domain(at, name, &id)))
		put_domain((ReturnSetInfo *)fcinfo->resultinfo, name, id);
	pfree(status);
	return (Datum)0;
}

/* ---- sealing again ---- */

/* A program that only pushes a value seals it again: under a key of that domain, or of its own
 * (NULL). */
static Datum reencrypt(uint8 type, Datum d, const char *into)
{
	struct zone_program p = {.rows = 1, .into = into};
	struct zone_arg a = {.rows = 1, .type = type};
	struct zone_result r;
	struct varlena *v = NULL;
	uint32 len = value_bytes(type);
	char *out;

	if (len) {
		a.data = DatumGetPointer(d);
		a.bytes = len;
	} else {
		v = PG_DETOAST_DATUM_PACKED(d);
		a.data = VARDATA_ANY(v);
		len = VARSIZE_ANY_EXHDR(v);
		a.bytes = len;
		a.lens = &len;
	}
	zone_push(&p, &a);
	r = zone_run(ROLE_DB, &p);
	if (value_bytes(type)) {
		out = palloc(r.len);
		memcpy(out, r.data, r.len);
		return PointerGetDatum(out);
	}
	return PointerGetDatum(cstring_to_text_with_len((const char *)r.data, (int)r.len));
}

static Datum reencrypt_array(ArrayType *in, const char *into)
{
	uint8 type = encrypted_type(ARR_ELEMTYPE(in));
	int16 len;
	bool by_value, *nulls;
	char align;
	Datum *values;
	int n, i;

	get_typlenbyvalalign(ARR_ELEMTYPE(in), &len, &by_value, &align);
	deconstruct_array(in, ARR_ELEMTYPE(in), len, by_value, align, &values, &nulls, &n);
	for (i = 0; i < n; i++)
		if (!nulls[i])
			values[i] = reencrypt(type, values[i], into);
	return PointerGetDatum(construct_md_array(values, nulls, ARR_NDIM(in), ARR_DIMS(in),
		ARR_LBOUND(in), ARR_ELEMTYPE(in), len, by_value, align));
}

PG_FUNCTION_INFO_V1(hedb_reencrypt_array);
Datum hedb_reencrypt_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(reencrypt_array(PG_GETARG_ARRAYTYPE_P(0), NULL));
}

/* A value, or an array of some, under the active key of a domain. */
static Datum bring_into(Oid type, Datum d, const char *domain)
{
	Oid base = getBaseType(type);

	if (strlen(domain) > KEYRING_DOMAIN_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" is no name of a domain of keys", domain)));
	if (OidIsValid(get_element_type(base)))
		return reencrypt_array(DatumGetArrayTypeP(d), domain);
	return reencrypt(encrypted_type(base), d, domain);
}

PG_FUNCTION_INFO_V1(hedb_to_domain);
Datum hedb_to_domain(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(bring_into(get_fn_expr_argtype(fcinfo->flinfo, 0), PG_GETARG_DATUM(0),
		text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* ---- a column that stays in its domain ---- */

/* Column `at` of the row; what an UPDATE did not change stays as it is. */
static HeapTuple keep_column(const TriggerData *t, HeapTuple row, int at, const char *domain)
{
	TupleDesc desc = RelationGetDescr(t->tg_relation);
	Form_pg_attribute a = TupleDescAttr(desc, at - 1);
	bool null, was_null;
	Datum d = heap_getattr(row, at, desc, &null), was;

	if (null)
		return row;
	if (TRIGGER_FIRED_BY_UPDATE(t->tg_event)) {
		was = heap_getattr(t->tg_trigtuple, at, desc, &was_null);
		if (!was_null && datum_image_eq(d, was, a->attbyval, a->attlen))
			return row;
	}
	d = bring_into(a->atttypid, d, domain);
	null = false;
	return heap_modify_tuple_by_cols(row, desc, 1, &at, &d, &null);
}

/* BEFORE INSERT OR UPDATE ... EXECUTE FUNCTION hedb.keep_in_domain(domain, column, ...) */
PG_FUNCTION_INFO_V1(hedb_keep_in_domain);
Datum hedb_keep_in_domain(PG_FUNCTION_ARGS)
{
	TriggerData *t = (TriggerData *)fcinfo->context;
	HeapTuple row;
	int i, at;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(t->tg_event) ||
		!TRIGGER_FIRED_BEFORE(t->tg_event) || TRIGGER_FIRED_BY_DELETE(t->tg_event) ||
		t->tg_trigger->tgnargs < 2)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("hedb.keep_in_domain(domain, column, ...) is for triggers BEFORE INSERT OR "
					   "UPDATE FOR EACH ROW")));
	row = TRIGGER_FIRED_BY_UPDATE(t->tg_event) ? t->tg_newtuple : t->tg_trigtuple;
	for (i = 1; i < t->tg_trigger->tgnargs; i++) {
		at = SPI_fnumber(RelationGetDescr(t->tg_relation), t->tg_trigger->tgargs[i]);
		if (at <= 0)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("\"%s\" is no column of table \"%s\"", t->tg_trigger->tgargs[i],
						RelationGetRelationName(t->tg_relation))));
		row = keep_column(t, row, at, t->tg_trigger->tgargs[0]);
	}
	return PointerGetDatum(row);
}

/* ---- of an index ---- */

enum { IDS = UINT16_MAX + 1 };

struct usage {
	Relation index;
	uint8 type[INDEX_MAX_KEYS]; /* 0: of no encrypted type */
	int64 *count;               /* by id */
};

/* Its key columns; false: none is encrypted. Operator classes of ours store what they index. */
static bool find_columns(struct usage *u)
{
	TupleDesc desc = RelationGetDescr(u->index);
	bool any = false;
	int i;

	for (i = 0; i < desc->natts; i++) {
		u->type[i] = code_secret_type(getBaseType(TupleDescAttr(desc, i)->atttypid));
		any |= u->type[i] != 0;
	}
	return any;
}

/* Of an inner page's entry those columns that it has. */
static void count_entry(struct usage *u, IndexTuple t)
{
	int natts = BTreeTupleGetNAtts(t, u->index), i;
	bool null;
	Datum d;

	for (i = 0; i < natts; i++) {
		if (u->type[i] == 0)
			continue;
		d = index_getattr(t, i + 1, RelationGetDescr(u->index), &null);
		if (!null)
			u->count[key_id(u->type[i], d)]++;
	}
}

/* All entries, the high key too, and those that are dead: a search may compare with each. */
static void count_page(struct usage *u, Page page)
{
	BTPageOpaque opaque = BTPageGetOpaque(page);
	OffsetNumber i, max = PageGetMaxOffsetNumber(page);

	if (P_ISMETA(opaque) || P_ISDELETED(opaque))
		return;
	for (i = FirstOffsetNumber; i <= max; i++)
		count_entry(u, (IndexTuple)PageGetItem(page, PageGetItemId(page, i)));
}

static void count_index(struct usage *u)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber n = RelationGetNumberOfBlocks(u->index), at;
	PGAlignedBlock copy;
	Buffer b;

	for (at = BTREE_METAPAGE + 1; at < n; at++) {
		CHECK_FOR_INTERRUPTS();
		b = ReadBufferExtended(u->index, MAIN_FORKNUM, at, RBM_NORMAL, strategy);
		LockBuffer(b, BT_READ);
		memcpy(copy.data, BufferGetPage(b), BLCKSZ);
		UnlockReleaseBuffer(b);
		if (!PageIsNew((Page)copy.data))
			count_page(u, (Page)copy.data);
	}
	FreeAccessStrategy(strategy);
}

static Relation open_index(Oid oid)
{
	Relation index = relation_open(oid, AccessShareLock);
	Oid table;

	if (index->rd_rel->relkind != RELKIND_INDEX)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not an index", RelationGetRelationName(index))));
	table = IndexGetRelation(oid, false);
	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	return index;
}

PG_FUNCTION_INFO_V1(hedb_index_key_usage);
Datum hedb_index_key_usage(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *)fcinfo->resultinfo;
	struct usage u = {.index = open_index(PG_GETARG_OID(0))};
	Datum row[2];
	bool nulls[2] = {false, false};
	int id;

	InitMaterializedSRF(fcinfo, 0);
	u.count = palloc0(IDS * sizeof *u.count);
	if (u.index->rd_rel->relam == BTREE_AM_OID && find_columns(&u))
		count_index(&u);
	for (id = 0; id < IDS; id++) {
		if (u.count[id] == 0)
			continue;
		row[0] = Int32GetDatum(id);
		row[1] = Int64GetDatum(u.count[id]);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	pfree(u.count);
	relation_close(u.index, AccessShareLock);
	return (Datum)0;
}
