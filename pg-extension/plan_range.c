/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_range.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#include "btree.h"
#include "known.h"
#include "scalar.h"
#include "zone.h"

enum { LESS = 1, LESS_EQUAL = 3, GREATER = 4, GREATER_EQUAL = 6 }; /* ops.def: PRED */

enum { FEW = 32 }; /* pages below a page that are not all about as full */

#define FINE 0.001   /* this share of the rows is not divided any further */
#define LEAST 0.000001

/* A column and a constant. */
struct bound {
	const RelOptInfo *rel;
	const IndexOptInfo *index;
	AttrNumber column;
	uint16 op;    /* their three-way comparison */
	Datum key;
	bool lower;   /* of what passes */
	bool equal;   /* values equal to it lie below the bound */
	double nulls; /* share of the rows */
};

/* ---- what is compared ---- */

static const IndexOptInfo *index_on(const RelOptInfo *rel, AttrNumber column, Oid operator)
{
	ListCell *lc;

	foreach (lc, rel->indexlist) {
		const IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		if (index->relam == BTREE_AM_OID && !index->hypothetical && index->indpred == NIL &&
			index->indexkeys[0] == column && op_in_opfamily(operator, index->opfamily[0]))
			return index;
	}
	return NULL;
}

static bool bound_by(Oid operator, const VariableStatData *v, Const *c, struct bound *b)
{
	struct known k = known_function(get_opcode(operator));
	const struct op *op = k.code ? optable_op(k.code) : NULL;
	int which = op ? op->flags & OP_PRED : 0;

	if (!op || k.plain || !(b->op = scalar_comparison(k.code)) ||
		op->args[0] != code_secret_type(v->vartype) ||
		op->args[1] != code_secret_type(c->consttype))
		return false;
	if (which != LESS && which != LESS_EQUAL && which != GREATER && which != GREATER_EQUAL)
		return false;
	b->lower = which == GREATER || which == GREATER_EQUAL;
	b->equal = which == LESS_EQUAL || which == GREATER;
	b->rel = v->rel;
	b->column = ((Var *)v->var)->varattno;
	b->key = c->constvalue;
	b->nulls = ((Form_pg_statistic)GETSTRUCT(v->statsTuple))->stanullfrac;
	b->index = index_on(v->rel, b->column, operator);
	return b->index != NULL;
}

/* False: it is not such an inequality. */
static bool bound_of(PlannerInfo *root, Oid operator, List *args, int relid, struct bound *b)
{
	VariableStatData v;
	Node *other;
	bool left, found;

	if (list_length(args) != 2 ||
		!get_restriction_variable(root, args, relid, &v, &other, &left))
		return false;
	if (!left)
		operator = get_commutator(operator);
	found = operator && IsA(other, Const) && !((Const *)other)->constisnull &&
		v.rel && IsA(v.var, Var) && HeapTupleIsValid(v.statsTuple) && v.acl_ok &&
		bound_by(operator, &v, (Const *)other, b);
	ReleaseVariableStats(v);
	return found;
}

/* ---- looking it up ---- */

/* A page's copy, and how many of its entries lie before the bound. */
struct level {
	const struct bound *b;
	Relation index;
	char *page, *child;
	uint32 first;  /* offset of the first entry with a value */
	uint32 before; /* so many of those before the bound */
	Datum value[MaxIndexTuplesPerPage];
	int order[MaxIndexTuplesPerPage];
	uint32 values;
};

static void ask_level(void *arg)
{
	struct level *l = arg;
	bool backward = l->b->index->reverse_sort[0];
	uint32 i;

	btree_orders(l->b->op, l->value, l->values, l->b->key, l->order);
	for (i = 0; i < l->values; i++) {
		bool below = l->order[i] < 0 || (l->order[i] == 0 && l->b->equal);

		l->before += below != backward;
	}
}

static IndexTuple entry_at(const char *page, uint32 offset)
{
	return (IndexTuple)PageGetItem(page, PageGetItemId(page, (OffsetNumber)offset));
}

static void copy_page(struct level *l, Buffer buffer, char *page)
{
	memcpy(page, BufferGetPage(buffer), BLCKSZ);
	_bt_relbuf(l->index, buffer);
}

/*
 * The values of a page, which are counted, and where they start. NULLs are not: they are
 * smaller, and there are more of them in a page. The first entry above the leaves has no
 * value, it is before all others; it stands for rows like those of the next one.
 */
static uint32 values_of(struct level *l, const char *page, uint32 *first)
{
	BTPageOpaque opaque = BTPageGetOpaque(page);
	uint32 i, n = 0, max = PageGetMaxOffsetNumber(page);
	bool null = false;
	Datum d;

	*first = P_FIRSTDATAKEY(opaque) + !P_ISLEAF(opaque);
	if (P_IGNORE(opaque))
		return 0;
	for (i = *first; i <= max; i++) {
		d = index_getattr(entry_at(page, i), 1, RelationGetDescr(l->index), &null);
		if (!null)
			l->value[n++] = d;
		else if (l->b->index->nulls_first[0])
			(*first)++;
	}
	return n;
}

static bool look_at_level(struct level *l)
{
	ErrorData *why;

	l->before = 0;
	if (P_IGNORE(BTPageGetOpaque(l->page)))
		return false;
	l->values = values_of(l, l->page, &l->first);
	return zone_try(ask_level, l, &why);
}

static Buffer child_of(struct level *l, uint32 i)
{
	return _bt_getbuf(
		l->index, BTreeTupleGetDownLink(entry_at(l->page, l->first + i - 1)), BT_READ);
}

/* The part of a page's rows that its children before the bound have, and the one that
 * the bound is in. A few children have to be looked at: the last one is seldom full. */
static void divide(struct level *l, double *before, double *in)
{
	double sum = 0;
	uint32 i, n, unused;

	*before = l->before;
	*in = 1;
	if (l->values >= FEW || BTPageGetOpaque(l->page)->btpo_level < 2) {
		sum = l->values + 1;
	} else {
		*before = 0;
		for (i = 0; i <= l->values; i++) {
			copy_page(l, child_of(l, i), l->child);
			n = values_of(l, l->child, &unused) + 1;
			if (i < l->before)
				*before += n;
			else if (i == l->before)
				*in = n;
			sum += n;
		}
	}
	*before /= sum;
	*in /= sum;
}

/* The share of the index's values before the bound; negative: unknown. */
static double descend(struct level *l)
{
	double low = 0, width = 1, before, in;
	Buffer buffer = _bt_getroot(l->index, BT_READ);

	if (!BufferIsValid(buffer))
		return 0;
	for (;;) {
		copy_page(l, buffer, l->page);
		if (!look_at_level(l))
			return width < 1 ? low + width / 2 : -1;
		if (P_ISLEAF(BTPageGetOpaque(l->page)))
			return l->values ? low + width * l->before / l->values : low;
		divide(l, &before, &in);
		low += width * before;
		width *= in;
		if (width <= FINE)
			return low + width / 2;
		buffer = child_of(l, l->before);
	}
}

/* The share of the rows whose value lies below the bound; negative: unknown. */
static double share_below(const struct bound *b)
{
	struct level *l = palloc(sizeof *l);
	double values = 1 - b->nulls, share;

	l->b = b;
	l->index = index_open(b->index->indexoid, NoLock); /* the planner holds one */
	l->page = palloc(BLCKSZ);
	l->child = palloc(BLCKSZ);
	share = descend(l);
	index_close(l->index, NoLock);
	pfree(l->page);
	pfree(l->child);
	pfree(l);
	if (share < 0)
		return share;
	return values * (b->index->reverse_sort[0] ? 1 - share : share);
}

/* ---- the estimate ---- */

/* Bounds of the same column among the conditions that every row has to pass; *mine: the
 * place of the one with these arguments, -1: it is elsewhere. */
static List *bounds_with(PlannerInfo *root, const struct bound *b, List *args, int relid,
	int *mine)
{
	List *bounds = NIL;
	ListCell *lc;

	*mine = -1;
	foreach (lc, b->rel->baserestrictinfo) {
		OpExpr *e = (OpExpr *)lfirst_node(RestrictInfo, lc)->clause;
		struct bound *other;

		if (!IsA(e, OpExpr))
			continue;
		other = palloc(sizeof *other);
		if (!bound_of(root, e->opno, e->args, relid, other) || other->column != b->column)
			continue;
		if (e->args == args)
			*mine = list_length(bounds);
		bounds = lappend(bounds, other);
	}
	return bounds;
}

double plan_range(PlannerInfo *root, Oid operator, List *args, int relid)
{
	struct bound b;
	List *bounds;
	ListCell *lc;
	double low = 0, high, share;
	int mine;

	if (!bound_of(root, operator, args, relid, &b))
		return DEFAULT_INEQ_SEL;
	bounds = bounds_with(root, &b, args, relid, &mine);
	if (mine > 0)
		return 1;
	if (mine < 0)
		bounds = list_make1(&b);
	high = 1 - b.nulls;
	foreach (lc, bounds) {
		const struct bound *bound = lfirst(lc);

		share = share_below(bound);
		if (share < 0)
			return DEFAULT_INEQ_SEL;
		if (bound->lower)
			low = Max(low, share);
		else
			high = Min(high, share);
	}
	return Max(high - low, LEAST);
}
