/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node_answer.h - the results in a request's reply, one behind the other.
 */
#ifndef HEDB_NODE_ANSWER_H
#define HEDB_NODE_ANSWER_H

#include "node_batch.h"

#include "cursor.h"
#include "zone.h"

/* One of the results of a reply: a row for each that was asked for, or one for all. */
struct answer {
	struct cursor c;       /* what follows, and at last behind its values */
	const uint8_t *states; /* NULL: all are values */
	uint32_t rows;
	uint8_t type;
	uint64_t reply_len;    /* for the error */
};

static inline uint8_t answer_state(const struct answer *a, uint32_t row)
{
	return a->states ? a->states[a->rows == 1 ? 0 : row] : ROW_VALUE;
}

/* The next result, of that type and so many rows. */
void answer_open(struct answer *a, uint8_t want, uint32_t rows);

/* A filter: what becomes of each row of the batch. */
void answer_filter(struct zone_batch *b, struct answer *a);

/* A column of `rows`; its values may lie in the reply. */
void answer_column(struct zone_state *z, struct zone_batch *b, struct answer *a,
	uint32_t rows, struct computed *out);

#endif
