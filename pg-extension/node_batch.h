/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_batch.h - some rows on their way through a Zone node.
 *
 *     batch_fill     rows of the child: argument columns, and what the output needs
 *     batch_send     the programs, to the zone
 *     batch_receive  their results
 *     batch_next     row by row
 *
 * Memory is kept from one filling to the next. A value of the child that is an argument
 * as well is stored once.
 */
#ifndef HEDB_NODE_BATCH_H
#define HEDB_NODE_BATCH_H

#include "node.h"
#include "node_request.h"
#include "node_values.h"

/* Of arguments and kept values; less when work_mem is small. */
enum { BATCH_BYTES = 1 << 20 };

/* A computed column. */
struct computed {
	Datum *value;
	uint8_t *state;
};

/* What a batch's rows are grouped into. */
struct groups {
	uint32_t n, cap;
	uint32_t *first;         /* row of each group */
	int64 *rows;             /* how many it has; 0: a number that nobody has */
	struct computed *counts; /* of values, for each column that needs it */
};

struct zone_batch {
	uint32_t rows, cap, at;
	uint64_t bytes;
	struct values *args;
	struct values *one;       /* shared by the batches: arguments with ARG_ONE */
	Datum *kept;              /* cap of them for each column that is kept */
	bool *kept_null;
	uint8_t *fate;            /* ROW_VALUE passes, ROW_NULL does not, else the error */
	struct computed *columns; /* spec.ncolumns */
	struct request *requests; /* one for each program */
	struct chunk {
		struct chunk *next;
		Size size, used;
	} *chunks, *chunk;        /* the first one, and the one in use */
	bool filtered;
	struct groups *groups;    /* if it is grouped and was received */
};

/* The programs of the node's spec, made ready. */
void batch_prepare(struct zone_state *z);

struct zone_batch *batch_create(struct zone_state *z);

/* `n` bytes that stay until the batch is filled anew. */
void *batch_alloc(struct zone_state *z, struct zone_batch *b, Size n);

/* Of a batch that crosses while others do; z->bytes unless the node wants more. */
uint64_t batch_bytes(void);

/* Up to z->rows rows; false when there are none, and z->ended tells that the child has
 * no more. */
bool batch_fill(struct zone_state *z, struct zone_batch *b);

void batch_send(struct zone_state *z, struct zone_batch *b);
void batch_receive(struct zone_state *z, struct zone_batch *b);

/* Nobody will read it. */
void batch_forget(struct zone_state *z, struct zone_batch *b);

/*
 * batch_next - the next row that passes the filters, as scan tuple.
 *
 * False when no row is left. Raises the error of a filter whose row it comes to.
 */
bool batch_next(struct zone_state *z, struct zone_batch *b, TupleTableSlot *slot);

/* The child's columns of a row, and that row as scan tuple. */
void batch_load_kept(
	struct zone_state *z, struct zone_batch *b, uint32_t row, TupleTableSlot *slot);
void batch_load(
	struct zone_state *z, struct zone_batch *b, uint32_t row, TupleTableSlot *slot);

/* Raise the error, if one of the computed columns of that row is one. */
void batch_check(struct zone_state *z, struct zone_batch *b);

/* The arguments that do not depend on the row are to be evaluated anew. */
void batch_restart(struct zone_state *z);

/* A program as text, for EXPLAIN. */
char *batch_program_text(const struct zone_spec *spec, const struct zone_request *r);

#endif
