/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node.h - the plan node "Zone": rows of its child in batches through the zone.
 *
 *     Zone                     plan.c puts it into a finished plan
 *       filters                programs with a boolean result; a row has to pass all
 *       columns                programs whose results are columns of the scan tuple
 *       -> any plan            lefttree
 *
 * Scan tuple: the child's columns, then the computed ones. The node's target list and
 * qual refer to it (INDEX_VAR); arguments, filters and custom_scan_tlist refer to the
 * child (OUTER_VAR), which is what EXPLAIN and ExecInitExpr expect of a lefttree.
 *
 * What the planner hands to the executor is a struct zone_spec, in custom_exprs and
 * custom_private as nodes, which parallel workers and cached plans can copy.
 *
 * The node has two batches. One is read by the node above while the other one is with
 * the zone; at most two are there at once. The first batch is small, so that LIMIT stops
 * early and a lookup costs one short round trip.
 */
#ifndef HEDB_NODE_H
#define HEDB_NODE_H

#include "hedb.h"

#include "commands/explain.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"
#include "portability/instr_time.h"

#include "node_page.h"

enum {
	ZONE_FILTER = -1,      /* a result that is a filter; else the column's number from 0 */
	ZONE_TOP = -2,         /* ranks of which the first or the last pass */
	ZONE_NUMBERS = -3,     /* of each row's group */
	ZONE_COUNT = -100,     /* less a column: the number of values in its state */
	ZONE_BATCHES = 2,
	ZONE_FIRST_ROWS = 32,  /* of the first batch after a start or rescan */
	ZONE_GROWTH = 4,       /* how many times more rows the next one has */
};

/* What a Zone hands on of rows that have the same number, see node_match.h. */
enum zone_match_kind { MATCH_ALL, MATCH_FIRST, MATCH_NONE };

/* One program: its arguments are numbers of the node's arguments. */
struct zone_request {
	List *args;  /* of int */
	List *words; /* of int, see program.h; PUSH counts within `args` */
	List *results; /* of int: ZONE_FILTER, which is first, ZONE_TOP, or a column */
	List *types;   /* of int: the results' types */
};

struct zone_spec {
	List *args;      /* Exprs over the child */
	List *arg_types; /* of int */
	List *arg_flags; /* of int */
	List *requests;  /* of struct zone_request * */
	List *filters;   /* Exprs, for EXPLAIN */
	List *functions; /* Oids to check for EXECUTE */
	int ncolumns;
	int top;         /* rows that a LIMIT above a sort wants at most; 0: there is none */
	bool top_last;   /* the largest values */
	Expr *top_by;    /* for EXPLAIN */
	bool client;     /* an argument crosses in clear */
	enum zone_match_kind match;
	AttrNumber match_by; /* the child's column whose values tell outer rows apart */
	int number;          /* the computed column that numbers the rows; -1: none does */
	bool grouped;    /* its rows are the groups of each batch: node_agg.c */
	List *measures;  /* of int, for each column then: a MEASURE or an aggregate's kind */
	List *keys;      /* for EXPLAIN */
	List *number_operators;  /* of Oid: equality of the plain keys, which are the columns */
	List *number_collations; /* of an argument that is a RowExpr: node_number.h */
};

/* What a column of a group is, if not the state of an aggregate, of which aggregate.h has
 * the kinds. */
enum {
	MEASURE_VALUE = -1, /* what the zone answered */
	MEASURE_ROWS = -2,  /* how many rows it has */
	MEASURE_NONE = -3,
	MEASURE_SHARED = -100, /* less a column: the same as that one, which is before it */
};

/* Rows of a batch of groups at most: the more, the fewer groups are seen twice. */
enum { GROUPS_BATCH = 1 << 16 };

void zone_spec_write(CustomScan *scan, const struct zone_spec *spec);
void zone_spec_read(struct zone_spec *spec, const CustomScan *scan);

extern const CustomScanMethods zone_scan_methods;
extern const CustomScanMethods zone_aggregate_methods;

/* Once per process. */
void node_init(void);
void plan_init(void);

/* ---- execution ---- */

struct zone_batch;

/* An argument of the node's programs. */
struct zone_column {
	uint8_t type;
	uint8_t flags;        /* ARG_ONE, ARG_CLEAR */
	uint32_t bytes;       /* of a value as it crosses; 0: variable */
	bool by_value;
	bool plain;           /* crosses as it is stored, and has a fixed size */
	AttrNumber attno;     /* of the child, when it is nothing but that; else 0 */
	ExprState *expr;
	bool numbers;         /* of groups, made here: node_number.h */
};

struct zone_counters {
	uint64 rows, passed, groups, batches, requests, bytes_out, bytes_in;
	instr_time waited;
};

struct zone_match {
	int column;           /* which of the kept columns is the number */
	int64 number;         /* of the rows that are looked at; 0: none yet */
	bool passed;          /* one of them did */
	TupleTableSlot *held; /* a row that is not decided yet, of a batch that is gone */
};

struct zone_state {
	CustomScanState css;
	struct zone_spec spec;
	struct zone_column *columns; /* spec.args */
	struct batch_program *programs; /* spec.requests, ready to be sent */
	struct numberer *numberer; /* NULL when there are no plain keys */
	int *measures;          /* spec.measures */
	bool *counted;          /* columns whose state has a number of values */
	int nchild, nargs, nrequests;
	bool local_args;        /* some argument is evaluated by PostgreSQL */
	AttrNumber last_child;  /* the child's columns that are looked at end here */
	AttrNumber *keep;       /* the child's columns that the output needs */
	int *keep_arg;          /* the argument that holds it as it is stored; -1: none */
	int *keep_late;         /* the argument that a group's key is made from again; -1: none */
	int nkeep;
	MemoryContext memory;   /* of the batches */
	struct zone_batch *batch[ZONE_BATCHES];
	struct zone_batch *current;
	int next;               /* the batch that is filled next */
	int flying;             /* batches that the zone has */
	uint32 rows;            /* of the batch that is filled next */
	uint64 bytes;           /* and at most so many, as far as work_mem allows */
	bool ended;             /* the child has no more rows */
	TupleTableSlot *scanned; /* of the child, when it reads a table */
	struct page_reader page;
	struct zone_match match;
	int64 numbered;         /* rows */
	struct zone_counters count;
};

void zone_explain(CustomScanState *css, List *ancestors, ExplainState *es);

#endif
