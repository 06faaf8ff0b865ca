/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_sort.h - the plan node "Zone Sort": a Sort that asks the zone for the order.
 *
 * It stands where a Sort stood and has its keys. Rows are kept as tuples.h has them, and
 * order.h brings them into order, one request for each encrypted key; when they take more
 * than work_mem, runs of them go to a file (runs.h). When a value to sort by lies out of
 * line, all rows go to PostgreSQL's own sort, which sort.c serves. Of a LIMIT above it knows what the LIMIT knows when it starts, and
 * keeps no more rows than can be among the first.
 *
 * Scans backward, marks and rescans work as with a Sort.
 */
#ifndef HEDB_NODE_SORT_H
#define HEDB_NODE_SORT_H

#include "hedb.h"

#include "nodes/extensible.h"
#include "nodes/plannodes.h"

/* What a Zone Sort has of a Sort or a Gather Merge. */
struct sort_spec {
	int nkeys;
	AttrNumber *columns;
	Oid *operators;
	Oid *collations;
	bool *nulls_first;
	Expr *count;  /* of the LIMIT, or NULL */
	Expr *offset;
};

/* node_sort_make - the node in the place of `old`, which hands its child's columns on: of
 * struct Plan it has the target list only. */
CustomScan *node_sort_make(const struct sort_spec *spec, Plan *old);

/* Once per process. */
void node_sort_init(void);

#endif
