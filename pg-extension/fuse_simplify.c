/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse_simplify.c - fuses what is never planned: CHECK constraints, generated columns,
 * domains, index expressions that are computed, triggers' WHEN, COPY's WHERE.
 *
 * All of these go through expression_planner(), which asks each operation's support
 * function whether it knows something simpler. Arguments are simplified first, so
 * expressions are fused from the inside out: each larger one takes the originals of what
 * its arguments were fused to. An original may be simplified again (an index expression
 * is, before it is computed), so it is marked: in the location of its first argument,
 * which nobody looks at any more.
 *
 * Index expressions and predicates are simplified in the same way when the relation cache
 * loads them, and the planner and DDL compare those with other expressions. So nothing is
 * fused while they are at it, and what they take from the relation cache is reloaded. Of a
 * partition key the cache keeps what it has: rows are routed in one round trip each, but a
 * key of two operations or more prunes no partitions then.
 */
#include "fuse.h"

#include "access/genam.h"
#include "access/table.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "compile.h"

enum { MARK = -0x6675 };

static int comparing;    /* depth of planner and DDL */
static bool ever_fused;  /* the relation cache may have fused expressions */
static get_relation_info_hook_type next_info;
static ProcessUtility_hook_type next_utility;

/* ---- simplifying ---- */

/* The field of a node that says where it was in the statement. */
static int *location_of(Node *n)
{
	switch (nodeTag(n)) {
	case T_Var:
		return &((Var *)n)->location;
	case T_Const:
		return &((Const *)n)->location;
	case T_Param:
		return &((Param *)n)->location;
	case T_FuncExpr:
		return &((FuncExpr *)n)->location;
	case T_OpExpr:
	case T_NullIfExpr:
		return &((OpExpr *)n)->location;
	case T_RelabelType:
		return &((RelabelType *)n)->location;
	case T_CaseExpr:
		return &((CaseExpr *)n)->location;
	case T_CoerceToDomainValue:
		return &((CoerceToDomainValue *)n)->location;
	case T_CoalesceExpr:
		return &((CoalesceExpr *)n)->location;
	default:
		return NULL;
	}
}

static bool is_marked(List *args)
{
	int *at = args ? location_of(linitial(args)) : NULL;

	return at && *at == MARK;
}

/* False when that cannot be. */
static bool mark(List *args)
{
	int *at = args ? location_of(linitial(args)) : NULL;

	if (at)
		*at = MARK;
	return at != NULL;
}

static Node *original_mutator(Node *n, void *ctx)
{
	if (n == NULL)
		return NULL;
	if (fuse_is(n))
		return copyObject((Node *)((SubscriptingRef *)n)->refassgnexpr);
	return expression_tree_mutator(n, original_mutator, ctx);
}

static bool domain_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	return IsA(n, CoerceToDomainValue) || expression_tree_walker(n, domain_walker, ctx);
}

/* A domain's constraint is compared with nothing; the planner loads it, among others. */
static bool may_fuse(SupportRequestSimplify *request)
{
	return hedb_enable_fuse && !request->root && !is_marked(request->fcall->args) &&
		(!comparing || domain_walker((Node *)request->fcall, NULL));
}

Node *fuse_simplify(SupportRequestSimplify *request)
{
	FuncExpr *call;
	Expr *fused;

	if (!may_fuse(request))
		return NULL;
	call = (FuncExpr *)original_mutator((Node *)request->fcall, NULL);
	fused = fuse_expr((Expr *)call);
	if (!fused || !mark(call->args))
		return NULL;
	ever_fused = true;
	return (Node *)fused;
}

/* ---- those who compare ---- */

static bool fused_walker(Node *n, void *ctx)
{
	if (n == NULL)
		return false;
	return fuse_is(n) || expression_tree_walker(n, fused_walker, ctx);
}

/* Have the relation cache load them anew. What it has now stays in its memory context,
 * which goes away with the entry. */
static bool reload(Relation index)
{
	bool fused = fused_walker((Node *)index->rd_indexprs, NULL) ||
		fused_walker((Node *)index->rd_indpred, NULL);

	if (fused)
		index->rd_indexprs = index->rd_indpred = NIL;
	return fused;
}

/* What the planner took from the cache before anybody could reload it. */
static void replace_expressions(IndexOptInfo *index, Relation r)
{
	List *exprs = RelationGetIndexExpressions(r);
	ListCell *expr, *lc;

	index->indpred = RelationGetIndexPredicate(r);
	if (index->rel->relid != 1) {
		ChangeVarNodes((Node *)exprs, 1, index->rel->relid, 0);
		ChangeVarNodes((Node *)index->indpred, 1, index->rel->relid, 0);
	}
	index->indexprs = exprs;
	expr = list_head(exprs);
	foreach (lc, index->indextlist) {
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (index->indexkeys[foreach_current_index(lc)] != 0)
			continue;
		tle->expr = lfirst(expr);
		expr = lnext(exprs, expr);
	}
}

static void relation_info(PlannerInfo *root, Oid relation, bool parent, RelOptInfo *rel)
{
	ListCell *lc;

	if (next_info)
		next_info(root, relation, parent, rel);
	foreach (lc, ever_fused ? rel->indexlist : NIL) {
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);
		Relation r;

		if (!fused_walker((Node *)index->indexprs, NULL) &&
			!fused_walker((Node *)index->indpred, NULL))
			continue;
		r = index_open(index->indexoid, NoLock);
		reload(r);
		replace_expressions(index, r);
		index_close(r, NoLock);
	}
}

/* ON CONFLICT looks for the index by its expressions. The relation is locked. */
static void reload_arbiters(Query *parse)
{
	RangeTblEntry *target = rt_fetch(parse->resultRelation, parse->rtable);
	Relation r = table_open(target->relid, NoLock);
	ListCell *lc;

	foreach (lc, RelationGetIndexList(r)) {
		Relation index = index_open(lfirst_oid(lc), AccessShareLock);

		reload(index);
		index_close(index, AccessShareLock);
	}
	table_close(r, NoLock);
}

static void reload_for(Query *parse)
{
	ListCell *lc;

	if (parse->onConflict && parse->onConflict->arbiterElems)
		reload_arbiters(parse);
	foreach (lc, parse->cteList)
		reload_for((Query *)lfirst_node(CommonTableExpr, lc)->ctequery);
}

void fuse_planning(Query *parse)
{
	if (ever_fused)
		reload_for(parse);
	comparing++;
}

void fuse_planned(void)
{
	comparing--;
}

static bool alters(AlterTableStmt *s)
{
	ListCell *lc;

	foreach (lc, s->cmds)
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AttachPartition ||
			lfirst_node(AlterTableCmd, lc)->subtype == AT_AlterColumnType)
			return true;
	return false;
}

/* Does it look for an index that is like another one? */
static bool compares(Node *statement)
{
	switch (nodeTag(statement)) {
	case T_IndexStmt:
		return true;
	case T_CreateStmt:
		return ((CreateStmt *)statement)->partbound != NULL;
	case T_AlterTableStmt:
		return alters((AlterTableStmt *)statement);
	default:
		return false;
	}
}

static void utility(PlannedStmt *s, const char *text, bool read_only,
	ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *env,
	DestReceiver *dest, QueryCompletion *done)
{
	ProcessUtility_hook_type next = next_utility ? next_utility : standard_ProcessUtility;

	if (!compares(s->utilityStmt)) {
		next(s, text, read_only, context, params, env, dest, done);
		return;
	}
	if (ever_fused)
		InvalidateSystemCaches();
	comparing++;
	PG_TRY();
	{
		next(s, text, read_only, context, params, env, dest, done);
	}
	PG_FINALLY();
	{
		comparing--;
	}
	PG_END_TRY();
}

void fuse_init(void)
{
	next_info = get_relation_info_hook;
	get_relation_info_hook = relation_info;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
