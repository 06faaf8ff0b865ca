/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_range.h - which share of the rows an inequality with an encrypted constant lets
 * through.
 *
 * Statistics have no histogram of an encrypted column. But the upper pages of a B-tree are
 * one: each entry stands for as many rows as the next. So the constant is looked up there,
 * two round trips and no more than executing the query asks.
 */
#ifndef HEDB_PLAN_RANGE_H
#define HEDB_PLAN_RANGE_H

#include "hedb.h"

#include "nodes/pathnodes.h"

/*
 * plan_range - the selectivity of an inequality, as a restriction estimator is asked.
 *
 * Of `a >= x AND a < y` the first one gets what both let through, the others 1: PostgreSQL
 * multiplies them. A third where there is no index, no constant, no statistics that the
 * user may see, or no zone.
 */
double plan_range(PlannerInfo *root, Oid operator, List *args, int relid);

#endif
