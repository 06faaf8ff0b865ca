/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.h - putting Zone nodes into finished plans.
 *
 * The planner hook lets PostgreSQL plan, then walks the plan and gives the encrypted
 * operations of its nodes to Zone nodes beside them:
 *
 *     Scan, Join, ...  filter f, tlist e      Zone  filter f, tlist e
 *                                       ->      Scan  tlist: what f and e need
 *
 *     Agg  sum(e), group by g                 Agg  sum(x), group by d
 *       child                           ->      Zone  tlist: child's, x = e, d = digest(g)
 *                                                 child
 *
 * A plan says everything by position in the child's target list, so a node in between
 * needs no other change. plan.c knows the kinds of nodes, plan_attach.c what those
 * compute with their children's rows; plan_zone.c makes Zones, plan_finish.c their
 * programs.
 */
#ifndef HEDB_PLAN_H
#define HEDB_PLAN_H

#include "hedb.h"

#include "nodes/plannodes.h"

#include "compile.h"
#include "node.h"

/* What an operation costs, in cpu_operator_cost: with a round trip of its own, as gensql
 * declares it; in a batch (copying, opening, computing); and a round trip in an index, where
 * a scan stops for each and both processes change cores or sleep: 1 to 3 us, against the
 * 40 ns that PostgreSQL takes for a tuple. PLAN_COST_NODE is a Zone that has one row. */
enum { PLAN_COST_SCALAR = 50, PLAN_COST_BATCHED = 5, PLAN_COST_TRIP = 200,
	PLAN_COST_NODE = 200 };

/* Operations as PostgreSQL's estimates have them, which do not know of Zones. */
double plan_cost(double rows, int operations);
void plan_cost_init(void);

/* What a Zone saves, in cpu_operator_cost. */
static inline double plan_saving(double rows, int operations)
{
	return rows * operations * (PLAN_COST_SCALAR - PLAN_COST_BATCHED);
}

enum {
	/* Columns that the zone computes are numbered from here until it is known how many
	 * the child has, which is when the Zone is finished. */
	ZONE_COMPUTED = 20000,
};

/* What of its expression a column is: the value, the digest of that; or the number of the
 * row, which has no expression. */
enum zone_column_kind { COLUMN_VALUE, COLUMN_DIGEST, COLUMN_NUMBER };
/* pg_operator.dat gives them no names. */
enum {
	UUID_EQ_OPERATOR = 2972,
	UUID_LT_OPERATOR = 2974,
};

/* A Zone in the making; it becomes a plan node's data in zones_finish(). */
struct zone_build {
	struct zone_builds *zones; /* that it is one of */
	CustomScan *scan;
	Plan *child;
	List *filters;  /* Exprs over the child (OUTER_VAR) */
	List *columns;  /* likewise */
	List *kinds;    /* of int, per column: enum zone_column_kind */
	Expr *top_by;   /* NULL, or what the rows above are sorted by */
	int top;        /* how many of them are wanted */
	bool top_last;
	enum zone_match_kind match;
	AttrNumber match_by; /* the child's column, see node_match.h */
	bool grouped;   /* its rows are groups: a column is an Aggref (its state), the first
	                   value of an expression or its digest, or a Const: nothing */
	List *keys;     /* encrypted Exprs over the child that it groups by */
	List *numbered; /* and plain ones, Vars; their operators and collations: of Oid */
	List *number_operators, *number_collations;
	List *counted;  /* of int: columns whose state needs the number of values */
};

/* A program in the making, and what its results are for. */
struct program_of {
	struct code code;
	List *results, *types;
};

struct zone_builds {
	List *list;
	int next_id; /* a plan_node_id that is free */
	/* Of the statement: its subplans, once they are all walked, and what is to follow
	 * them. A subplan can only refer to those before it, so it refers to none of the new. */
	List *subplans, *added;
};

/* A Zone over `child` that lets everything through: its target list is the child's. */
struct zone_build *zone_over(struct zone_builds *zones, Plan *child);

/* A column of a target list. */
Var *zone_var(Index varno, AttrNumber attno, const TargetEntry *tle);

/* The Zone that this plan node is; NULL when it is none of ours. */
struct zone_build *zone_of(struct zone_builds *zones, Plan *plan);

/* `n` over the child: its leaves (Vars, Aggrefs of the child's own) found in the child's
 * target list, which grows by what is missing. */
Node *zone_outer(struct zone_build *z, Node *n);

/* `n`, in terms of the child's own, for the target list of the Zone (INDEX_VAR): what the
 * zone can compute for every row becomes a column of it. */
Node *zone_project(struct zone_build *z, Node *n, bool compute);

/* A target list that passes a plan's rows on: OUTER_VARs. */
List *zone_columns(Plan *plan);

/* The column of a plan's target list that is this leaf (a Var of the plan's own, an
 * Aggref); it gets one if it has none. */
TargetEntry *zone_member(Plan *plan, Node *leaf);

/* The parent's expression (OUTER_VARs are the Zone's target list) over the Zone's child. */
Node *zone_beneath(struct zone_build *z, Node *n);

/* Have it filter. */
void zone_filter(struct zone_build *z, Expr *e);

/*
 * zone_attach - compute for the parent.
 *
 *   child   the parent's child; becomes a Zone over it if it is none
 *   e       over the child (OUTER_VAR)
 *   digest  give the digest of its value instead, a uuid
 *
 * Returns the column to be used instead, NULL when it cannot be computed.
 */
Var *zone_attach(struct zone_builds *zones, Plan **child, Expr *e, bool digest);

/* Replace what operations the parent's expression has by columns of the child. */
Node *zone_attach_all(struct zone_builds *zones, Plan **child, Node *n);

/* The column that is the digest of `e`, which is over the Zone's child and has one; for
 * the Zone's own target list and qual. */
Var *zone_digest(struct zone_build *z, Expr *e);

/* A column that numbers the child's rows, from 1; a Zone is put over it if it is none. */
Var *zone_number(struct zone_builds *zones, Plan **child);

/* Under a sort of which only some rows are wanted: let rows through that are among the
 * first (or the last) `top` values of their batch. A Zone of its own, for the rows it
 * ranks have passed all filters. False when there is no such operation. */
bool zone_top(struct zone_builds *zones, Plan **child, AttrNumber by, int top, bool last);

/* Can the zone filter by it? `first`: no other filter stands before it. */
bool zone_can_filter(Expr *e, bool first);

/* The number of operations that zone_project() would take. */
int zone_can_project(Node *n);

/* ---- what a node's child computes for it: plan_attach.c ---- */

/* Arguments, and the digests that it groups by; `unordered`: the rows' order is of no
 * interest to its parent, so a sort below it can be by digests. */
void attach_aggregate(struct zone_builds *zones, Agg *agg, bool unordered);
void attach_window(struct zone_builds *zones, WindowAgg *agg);

/* The digests that it joins by. */
void attach_hash_join(struct zone_builds *zones, HashJoin *join);

/* Is it worth a Zone over the child? */
bool attach_pays(Plan *child, int operations);

/* Group by digests of encrypted columns: grouping compares the columns at its own
 * positions and takes all others from the group's first row. */
void group_by_digests(struct zone_builds *zones, Plan *p, int n, AttrNumber *columns,
	Oid *operators, Oid *collations);

/* Unique and SetOp: the digests that they compare by. What comes back has the target list
 * that the node had. */
Plan *attach_distinct(struct zone_builds *zones, Plan *p);

/* Ranks below the sort of which it wants few rows. */
void attach_limit(struct zone_builds *zones, Limit *limit);

/* ---- hashed subplans: plan_subplan.c ---- */

/* Has the expression a hashed subplan that can go by digests? */
bool subplan_converts(struct zone_builds *zones, Node *n);

/* It by digests, for the Zone's own target list and qual; NULL when it cannot. */
Node *subplan_convert(struct zone_builds *zones, struct zone_build *z, SubPlan *s);

/* ---- filters of a nested loop's inner side: plan_inner.c ---- */

/* Take them out before the join's children are walked. Of an inner join they are its own
 * quals then; else they are returned, for inner_match(), which has to follow. */
List *inner_hoist(NestLoop *join);

/* The Zone over a semi or anti join that has those filters instead. */
Plan *inner_match(struct zone_builds *zones, NestLoop *join, List *filters);
/* Aggregate where the values are: see plan_agg.c. */
bool attach_groups(struct zone_builds *zones, Agg *agg, bool unordered);

/* ---- programs ---- */

/* The program's next result is for that. */
void program_result(struct program_of *p, int result, uint8_t type);

/* Append all filters, joined by AND; false when they do not fit. */
bool program_filters(struct program_of *p, List *filters);

/* Of Aggrefs (and others): the first one that shares its state with `a`. -1: none does. */
int groups_shared(const List *aggs, const Aggref *a);

/* The program of a Zone that is grouped; false when there is none. */
bool groups_program(const struct zone_build *z, struct program_of *p);

/* Compile what all of them do. */
void zones_finish(struct zone_builds *zones);

/* ---- sorts: plan_sort.c ---- */

/* Zone Sorts for the Sorts that are by encrypted keys. After all else; `next_id` as in
 * struct zone_builds. */
void sorts_replace(PlannedStmt *s, int *next_id);

/* Call `visit` for each child. */
typedef void plan_visit(Plan **p, void *ctx);
void plan_children(Plan *p, plan_visit *visit, void *ctx);

#endif
