/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse_plan.c - fuses the expressions of finished plans.
 *
 * What a node evaluates for a row: quals, target lists, join quals, RETURNING, ON CONFLICT,
 * WITH CHECK. Not what it takes apart or an index has to match: index conditions, hash and
 * merge clauses, keys.
 */
#include "fuse.h"

#include "nodes/makefuncs.h"

#include "compile.h"

static List *fuse_list(List *list)
{
	return (List *)fuse_tree((Node *)list);
}

/* Is it an operation, or AND and OR of some? */
static bool compiles(Expr *e)
{
	struct code *c = palloc0(sizeof *c);
	uint8_t type;
	bool yes = code_add(c, e, true, &type);

	pfree(c);
	return yes;
}

/* The quals of a run of operations as one; NULL when they do not fit together. */
static Expr *fuse_run(List *run)
{
	return fuse_expr(list_length(run) == 1 ? linitial(run) : make_andclause(run));
}

static List *add_run(List *to, List *run)
{
	Expr *fused = run ? fuse_run(run) : NULL;

	return fused ? lappend(to, fused) : list_concat(to, fuse_list(run));
}

/* A list of quals, which are ANDed in this order: neighbours go together. */
static List *fuse_quals(List *quals)
{
	List *to = NIL, *run = NIL;
	ListCell *lc;

	if (!quals || !code_has_operation((Node *)quals))
		return quals;
	foreach (lc, quals) {
		if (compiles(lfirst(lc))) {
			run = lappend(run, lfirst(lc));
			continue;
		}
		to = add_run(to, run);
		run = NIL;
		to = lappend(to, fuse_tree(lfirst(lc)));
	}
	return add_run(to, run);
}

static void fuse_check_options(List *lists)
{
	ListCell *lc, *o;

	foreach (lc, lists)
		foreach (o, (List *)lfirst(lc))
			lfirst_node(WithCheckOption, o)->qual =
				fuse_tree(lfirst_node(WithCheckOption, o)->qual);
}

static void fuse_merge(List *lists)
{
	ListCell *lc, *a;

	foreach (lc, lists)
		foreach (a, (List *)lfirst(lc)) {
			MergeAction *action = lfirst_node(MergeAction, a);

			action->qual = fuse_tree(action->qual);
			action->targetList = fuse_list(action->targetList);
		}
}

static void fuse_modify(ModifyTable *m)
{
	fuse_check_options(m->withCheckOptionLists);
	fuse_merge(m->mergeActionLists);
	m->returningLists = fuse_list(m->returningLists);
	m->onConflictSet = fuse_list(m->onConflictSet);
	m->onConflictWhere = fuse_tree(m->onConflictWhere);
}

static void walk(Plan *p);

static void walk_list(List *plans)
{
	ListCell *lc;

	foreach (lc, plans)
		walk(lfirst(lc));
}

/* What only nodes of that kind have. */
static void walk_kind(Plan *p)
{
	switch (nodeTag(p)) {
	case T_Append:
		walk_list(((Append *)p)->appendplans);
		break;
	case T_MergeAppend:
		walk_list(((MergeAppend *)p)->mergeplans);
		break;
	case T_SubqueryScan:
		walk(((SubqueryScan *)p)->subplan);
		break;
	case T_CustomScan:
		walk_list(((CustomScan *)p)->custom_plans);
		break;
	case T_NestLoop:
	case T_HashJoin:
	case T_MergeJoin:
		((Join *)p)->joinqual = fuse_quals(((Join *)p)->joinqual);
		break;
	case T_Result:
		((Result *)p)->resconstantqual = (Node *)fuse_quals(
			(List *)((Result *)p)->resconstantqual);
		break;
	case T_ValuesScan:
		((ValuesScan *)p)->values_lists = fuse_list(((ValuesScan *)p)->values_lists);
		break;
	case T_ModifyTable:
		fuse_modify((ModifyTable *)p);
		break;
	default:
		break;
	}
}

static void walk(Plan *p)
{
	if (!p)
		return;
	walk(p->lefttree);
	walk(p->righttree);
	walk_kind(p);
	if (IsA(p, ForeignScan) && ((ForeignScan *)p)->operation != CMD_SELECT)
		return;
	p->targetlist = fuse_list(p->targetlist);
	p->qual = fuse_quals(p->qual);
}

void fuse_plan(PlannedStmt *s)
{
	walk_list(s->subplans);
	walk(s->planTree);
}
