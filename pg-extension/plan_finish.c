/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_finish.c - a Zone's filters and columns as programs, when it is known what they
 * all are.
 */
#include "plan.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

#include "aggregate.h"

static Node *settle_mutator(Node *n, void *ctx)
{
	Var *v = (Var *)n;

	if (n == NULL)
		return NULL;
	if (!IsA(n, Var))
		return expression_tree_mutator(n, settle_mutator, ctx);
	v = copyObject(v);
	if (v->varno == INDEX_VAR && v->varattno >= ZONE_COMPUTED)
		v->varattno = (AttrNumber)(v->varattno - ZONE_COMPUTED + *(int *)ctx + 1);
	v->varattnosyn = v->varattno;
	return (Node *)v;
}

/* The scan tuple: child's columns, then computed ones. */
static List *scan_tlist(struct zone_build *z)
{
	List *tlist = NIL;
	ListCell *lc, *kind;

	foreach (lc, z->child->targetlist) {
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tlist = lappend(tlist, makeTargetEntry((Expr *)zone_var(OUTER_VAR, tle->resno, tle),
								   list_length(tlist) + 1, tle->resname, false));
	}
	forboth (lc, z->columns, kind, z->kinds) {
		Expr *e = lfirst(lc);

		if (lfirst_int(kind) == COLUMN_DIGEST) /* shown as what it is the digest of */
			e = (Expr *)makeRelabelType(e, UUIDOID, -1, InvalidOid, COERCE_IMPLICIT_CAST);
		tlist = lappend(tlist, makeTargetEntry(e, list_length(tlist) + 1, NULL, false));
	}
	return tlist;
}

/* The node's number of an argument. */
static int spec_arg(struct zone_spec *s, const struct code_arg *a)
{
	int i, n = list_length(s->args);

	for (i = 0; i < n; i++)
		if (list_nth_int(s->arg_types, i) == a->type &&
			list_nth_int(s->arg_flags, i) == a->flags && equal(list_nth(s->args, i), a->expr))
			return i;
	s->args = lappend(s->args, a->expr);
	s->arg_types = lappend_int(s->arg_types, a->type);
	s->arg_flags = lappend_int(s->arg_flags, a->flags);
	s->client |= (a->flags & ARG_CLEAR) != 0;
	return n;
}

static void spec_request(struct zone_spec *s, struct program_of *p)
{
	struct zone_request *r = palloc0(sizeof *r);
	int i;

	if (!p->results)
		return;
	for (i = 0; i < p->code.nargs; i++)
		r->args = lappend_int(r->args, spec_arg(s, &p->code.arg[i]));
	for (i = 0; i < p->code.nwords; i++)
		r->words = lappend_int(r->words, p->code.word[i]);
	r->results = p->results;
	r->types = p->types;
	s->requests = lappend(s->requests, r);
	s->functions = list_concat_unique_oid(s->functions, p->code.functions);
	*p = (struct program_of){.results = NIL};
}

void program_result(struct program_of *p, int result, uint8_t type)
{
	p->results = lappend_int(p->results, result);
	p->types = lappend_int(p->types, type);
}

bool program_filters(struct program_of *p, List *filters)
{
	uint8_t type;
	ListCell *lc;

	foreach (lc, filters)
		if (!code_add(&p->code, lfirst(lc), lc == list_head(filters), &type) ||
			(lc != list_head(filters) && !code_and(&p->code)))
			return false;
	program_result(p, ZONE_FILTER, T_PUB_BOOL);
	return true;
}

/* The filters, joined by AND; what does not fit any more goes into another program. */
static void add_filters(struct zone_spec *s, struct program_of *p, List *filters)
{
	uint8_t type;
	ListCell *lc;

	foreach (lc, filters) {
		bool first = lc == list_head(filters);
		struct code before = p->code;

		if (code_add(&p->code, lfirst(lc), first, &type) &&
			(!p->results || code_and(&p->code))) {
			if (!p->results)
				program_result(p, ZONE_FILTER, T_PUB_BOOL);
			continue;
		}
		p->code = before;
		spec_request(s, p);
		if (!code_add(&p->code, lfirst(lc), first, &type))
			elog(ERROR, "a filter does not compile any more");
		program_result(p, ZONE_FILTER, T_PUB_BOOL);
	}
}

static bool add_column(struct program_of *p, Expr *e, bool digest, int column)
{
	uint8_t type = T_PUB_BYTES16;

	if (!(digest ? code_add_digest(&p->code, e) : code_add(&p->code, e, true, &type)))
		return false;
	program_result(p, column, type);
	return true;
}

/* Columns go with the last filter: they are computed for rows that pass it. */
static void add_columns(struct zone_spec *s, struct program_of *p, struct zone_build *z)
{
	ListCell *lc, *kind;

	forboth (lc, z->columns, kind, z->kinds) {
		bool digest = lfirst_int(kind) == COLUMN_DIGEST;

		if (lfirst_int(kind) == COLUMN_NUMBER) {
			s->number = s->ncolumns;
		} else if (!add_column(p, lfirst(lc), digest, s->ncolumns)) {
			spec_request(s, p);
			if (!add_column(p, lfirst(lc), digest, s->ncolumns))
				elog(ERROR, "a column does not compile any more");
		}
		s->ncolumns++;
	}
}

/* What is in each column of a Zone that is grouped. */
static List *measures(const struct zone_build *z)
{
	List *list = NIL;
	ListCell *lc;

	foreach (lc, z->columns) {
		const Aggref *a = lfirst(lc);
		int shared = IsA(a, Aggref) ? groups_shared(z->columns, a) : -1;
		bool counts;

		if (IsA(a, Const))
			list = lappend_int(list, MEASURE_NONE);
		else if (!IsA(a, Aggref))
			list = lappend_int(list, MEASURE_VALUE);
		else if (shared < foreach_current_index(lc))
			list = lappend_int(list, MEASURE_SHARED - shared);
		else if (a->aggfnoid == F_COUNT_)
			list = lappend_int(list, MEASURE_ROWS);
		else if (a->aggfnoid == F_COUNT_ANY)
			list = lappend_int(list, MEASURE_VALUE);
		else
			list = lappend_int(list, aggregate_kind(a->aggfnoid, &counts));
	}
	return list;
}

static void finish(struct zone_build *z)
{
	struct zone_spec s = {.filters = z->filters, .top = z->top, .top_last = z->top_last,
		.top_by = z->top_by, .match = z->match, .match_by = z->match_by, .number = -1,
		.grouped = z->grouped, .keys = list_concat_copy(z->numbered, z->keys),
		.number_operators = z->number_operators, .number_collations = z->number_collations};
	struct program_of p = {.results = NIL};
	CustomScan *scan = z->scan;
	int nchild = list_length(z->child->targetlist);

	scan->custom_scan_tlist = scan_tlist(z);
	scan->scan.plan.targetlist =
		(List *)settle_mutator((Node *)scan->scan.plan.targetlist, &nchild);
	scan->scan.plan.qual = (List *)settle_mutator((Node *)scan->scan.plan.qual, &nchild);
	if (z->top_by && code_add_rank(&p.code, z->top_by)) {
		program_result(&p, ZONE_TOP, T_PUB_INT4);
		spec_request(&s, &p);
	}
	if (z->grouped) {
		if (!groups_program(z, &p))
			elog(ERROR, "an aggregation does not compile any more");
		s.measures = measures(z);
		s.ncolumns = list_length(z->columns);
	} else {
		add_filters(&s, &p, z->filters);
		add_columns(&s, &p, z);
	}
	spec_request(&s, &p);
	zone_spec_write(scan, &s);
}

void zones_finish(struct zone_builds *zones)
{
	ListCell *lc;

	foreach (lc, zones->list)
		finish(lfirst(lc));
}
