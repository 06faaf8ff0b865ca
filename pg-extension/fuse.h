/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse.h - expressions that no Zone node has, as one round trip for each evaluation.
 *
 * `a + b * c > d` in a CHECK constraint, a PL/pgSQL assignment or a plan for few rows is
 * three operations, each with a round trip of its own. Fused it is one program over the
 * values of a, b, c and d, with what compile.h says of NULLs, errors and AND, OR, CASE.
 *
 * A fused expression is a SubscriptingRef of the type hedb_program, an assignment:
 *
 *     refassgnexpr     the expression as it was
 *     refupperindexpr  the program, as a bytea constant; then its arguments
 *     refexpr          a CaseTestExpr, whose value nobody looks at
 *
 * The executor evaluates the subscripts and asks the type to check them. Our check runs the
 * program, leaves its result and says "skip the assignment"; or, when it may not run now
 * (hedb.enable_fuse, mode), "go on", and then the original is evaluated as ever. Of an
 * assignment to a CaseTestExpr ruleutils shows only what is assigned: so EXPLAIN shows the
 * original, and since the executor prepares it too, it checks EXECUTE on every function.
 *
 * Fused nodes are in finished plans (fuse_plan.c) and, for what only goes through
 * expression_planner(), in what that returns (fuse_simplify.c). Neither gets into a
 * catalogue.
 */
#ifndef HEDB_FUSE_H
#define HEDB_FUSE_H

#include "hedb.h"

#include "nodes/plannodes.h"
#include "nodes/supportnodes.h"

extern bool hedb_enable_fuse;

/* The expression as one program; NULL when it is none or saves no round trip. */
Expr *fuse_expr(Expr *e);

/* A copy of the tree in which all that can be is fused. What a SubPlan compares stays. */
Node *fuse_tree(Node *n);

/* Is it a fused expression? */
bool fuse_is(Node *n);

/* All expressions of a finished plan, in place. */
void fuse_plan(PlannedStmt *s);

/* The support function's answer for what is not planned; NULL: nothing simpler. */
Node *fuse_simplify(SupportRequestSimplify *request);

/* Around planning: it compares what indexes have with what queries have, so both stay as
 * they are. fuse_planned() also when planning raises. */
void fuse_planning(Query *parse);
void fuse_planned(void);

/* Once per process. */
void fuse_init(void);

#endif
