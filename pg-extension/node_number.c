/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_number.h"

#include "catalog/pg_operator.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "memory.h"

struct number_key {
	int kept;     /* which of the kept columns */
	bool bits;    /* values are equal when their datums are */
	FmgrInfo hash, equal;
	Oid collation;
};

/* A table for one batch; keys are compared with those of the group's first row. */
struct numberer {
	int arg;
	int nkeys;
	struct number_key *keys;
	bool calls;       /* some key needs functions, which may leave memory behind */
	uint32_t *slots;  /* number + 1 of a group, or 0 */
	uint32_t mask, cap;
	uint32_t *first;  /* row of each group */
	uint32_t *hashes;
	uint32_t n;
};

static int kept_column(const struct zone_state *z, AttrNumber attno)
{
	int k;

	for (k = 0; k < z->nkeep; k++)
		if (z->keep[k] == attno)
			return k;
	elog(ERROR, "column %d is a group key and is not kept", attno);
}

static void begin_key(struct zone_state *z, struct number_key *k, const Var *v, Oid operator,
	Oid collation)
{
	RegProcedure left, right;
	Oid equal = get_opcode(operator);

	k->kept = kept_column(z, v->varattno);
	k->collation = collation;
	k->bits = equal == F_INT4EQ || equal == F_INT8EQ || equal == F_INT2EQ ||
		equal == F_DATE_EQ || equal == F_OIDEQ || equal == F_BOOLEQ;
	if (!get_op_hash_functions(operator, &left, &right))
		elog(ERROR, "operator %u does not hash", operator);
	fmgr_info(equal, &k->equal);
	fmgr_info(left, &k->hash);
}

void number_begin(struct zone_state *z, int arg)
{
	List *columns = castNode(RowExpr, list_nth(z->spec.args, arg))->args;
	struct numberer *n = palloc0(sizeof *n);
	int i;

	n->arg = arg;
	n->nkeys = list_length(columns);
	n->keys = palloc0(n->nkeys * sizeof *n->keys);
	for (i = 0; i < n->nkeys; i++) {
		begin_key(z, &n->keys[i], list_nth_node(Var, columns, i),
			list_nth_oid(z->spec.number_operators, i),
			list_nth_oid(z->spec.number_collations, i));
		n->calls |= !n->keys[i].bits;
	}
	z->numberer = n;
}

void number_restart(struct zone_state *z, uint32_t rows)
{
	struct numberer *n = z->numberer;

	if (rows > n->cap) {
		n->cap = rows;
		n->mask = 15;
		while (n->mask < 2 * rows)
			n->mask = 2 * n->mask + 1;
		n->slots = memory_grown(z->memory, n->slots, (n->mask + 1) * sizeof *n->slots);
		n->first = memory_grown(z->memory, n->first, rows * sizeof *n->first);
		n->hashes = memory_grown(z->memory, n->hashes, rows * sizeof *n->hashes);
	}
	memset(n->slots, 0, (n->mask + 1) * sizeof *n->slots);
	n->n = 0;
}

static Datum value(const struct zone_batch *b, const struct number_key *k, uint32_t row, bool *null)
{
	*null = b->kept_null[k->kept * b->cap + row];
	return b->kept[k->kept * b->cap + row];
}

static uint32_t hash_row(struct numberer *n, const struct zone_batch *b, uint32_t row)
{
	uint32_t hash = 0;
	bool null;
	int i;

	for (i = 0; i < n->nkeys; i++) {
		struct number_key *k = &n->keys[i];
		Datum d = value(b, k, row, &null);

		hash = hash << 1 | hash >> 31;
		if (!null)
			hash ^= k->bits ? murmurhash32((uint32)d ^ murmurhash32((uint32)((uint64)d >> 32)))
							: DatumGetUInt32(FunctionCall1Coll(&k->hash, k->collation, d));
	}
	return hash;
}

static bool same_key(struct number_key *k, const struct zone_batch *b, uint32_t a, uint32_t c)
{
	bool a_null, c_null;
	Datum x = value(b, k, a, &a_null), y = value(b, k, c, &c_null);

	if (a_null || c_null)
		return a_null == c_null;
	return k->bits ? x == y : DatumGetBool(FunctionCall2Coll(&k->equal, k->collation, x, y));
}

static bool same_row(struct numberer *n, const struct zone_batch *b, uint32_t a, uint32_t c)
{
	int i;

	for (i = 0; i < n->nkeys; i++)
		if (!same_key(&n->keys[i], b, a, c))
			return false;
	return true;
}

static uint32_t find(struct numberer *n, const struct zone_batch *b, uint32_t row)
{
	uint32_t hash = hash_row(n, b, row), at = murmurhash32(hash) & n->mask, group;

	for (; n->slots[at]; at = (at + 1) & n->mask) {
		group = n->slots[at] - 1;
		if (n->hashes[group] == hash && same_row(n, b, n->first[group], row))
			return group;
	}
	n->first[n->n] = row;
	n->hashes[n->n] = hash;
	n->slots[at] = ++n->n;
	return n->n - 1;
}

void number_row(struct zone_state *z, struct zone_batch *b)
{
	struct numberer *n = z->numberer;
	ExprContext *econtext = z->css.ss.ps.ps_ExprContext;
	uint32_t row = b->rows - 1, group;
	MemoryContext old;

	if (!n->calls) {
		group = find(n, b, row);
	} else {
		ResetExprContext(econtext);
		old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		group = find(n, b, row);
		MemoryContextSwitchTo(old);
	}
	values_put(&b->args[n->arg], &z->columns[n->arg], Int32GetDatum((int32)group), false, row);
}
