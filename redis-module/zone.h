/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.h - asking ops_server, without waiting for it.
 *
 *     main thread                     zone thread                  ops_server
 *     zone_submit(job)  -- queue -->  jobs that are alike become
 *                                     the rows of one request  --> computes
 *     zone_take()       <-- done ---  the rows are given back  <--
 *          ^---- eventfd -----------'
 *
 * The thread owns a channel of service `ops` (common/ops.h). It has one request on its
 * way at a time: whatever is submitted meanwhile goes with the next one, so the busier it
 * is the more rows share a round trip, and nobody waits longer than two of them. Requests
 * are short, at most PROGRAM_ROWS_MAX rows or so many bytes, so that a long list of keys
 * does not hold up who asks for one sum. Requests are pure: when the server is replaced,
 * the one on its way is sent again to its successor.
 *
 * Whose jobs share a request do not share its fate. ops_server refuses a request as a whole:
 * for what a policy says to the domain of its values and to marks of computed ones, for a
 * result's domain without an active key, for a role's rate, for want of memory. The first
 * three go by the operation and what the values' headers say, so jobs that differ there are
 * not put together: nor does the audit log tell of an operation across domains that nobody
 * asked for. The others are told by trying only: each job of a request that was refused is
 * asked again by itself, and such go in turn with what came meanwhile, so that a client which
 * is denied a thousand things takes every other request, no more. Nothing was released of what
 * was refused, so nothing is counted twice.
 *
 * It starts with the first job and ends in zone_close(). It calls nothing of Redis but
 * the allocator. All functions here are the main thread's.
 */
#ifndef CXLRING_ZONE_H
#define CXLRING_ZONE_H

#include "rm.h"

#include "keyring.h"
#include "ops.h"

enum { ZONE_ARGS = 4, ZONE_CODE = 10 };

/* Bytes of a value, wherever they are. */
struct zone_bytes {
	const uint8_t *p;
	size_t len;
};

/* A row of the answer: a value, or why there is none (optable.h). */
struct zone_row {
	struct zone_bytes value; /* in job->answer */
	uint8_t state;
};

struct zone_column {
	uint8_t type;
	uint8_t flags;    /* ARG_ONE */
	uint32_t rows;
	uint32_t *lens;   /* of each value, where the type has no fixed size; owned */
	uint8_t *data;    /* values side by side; owned */
	uint64_t bytes;
	uint32_t origin;  /* of all its values: key id, computed or not; 0: in clear */
};

struct zone_job {
	struct zone_job *next;
	void *owner;          /* the caller's */
	uint64_t deadline_ms; /* clock_ms() */
	uint32_t rows;
	uint8_t nargs;
	uint8_t ncode;
	bool whole;           /* looks at its column as a whole: not to be put with others */
	bool varied;          /* values of several origins in a column: the same */
	bool again;           /* was refused with others: the same */
	uint16_t code[ZONE_CODE];
	char into[KEYRING_DOMAIN_NAME + 1]; /* the domain of keys that results go to; empty: their own */
	struct zone_column arg[ZONE_ARGS];
	/* the answer */
	int rc;               /* 0, or a negative errno with `why` */
	struct err_text why;
	uint8_t type;         /* of the values */
	uint32_t nrow;
	struct zone_row *row; /* owned */
	uint8_t *answer;      /* owned */
};

struct zone_job *zone_job_create(uint32_t rows, uint64_t deadline_ms);
void zone_job_free(struct zone_job *job); /* or NULL */

/* Add a column and an instruction that pushes it; the bytes are copied. A type of fixed
 * size has values of that size only: the caller has checked them (enc_value.h). */
void zone_push(struct zone_job *job, uint8_t type, const struct zone_bytes *v, uint32_t rows);
/* The same value in each row. */
void zone_push_same(struct zone_job *job, uint8_t type, struct zone_bytes v, uint32_t rows);
/* A number in clear, one row. */
void zone_push_int8(struct zone_job *job, int64_t v);
/* Add an operation, by its code in ops.def. */
void zone_op(struct zone_job *job, uint16_t code);

/*
 * zone_submit - hand a job to the thread, which is started if need be.
 *
 * It comes back by zone_take(), whatever happens, not much later than its deadline.
 */
void zone_submit(struct zone_job *job);

/* Jobs are done: one cached read. */
bool zone_ready(void);

/* All that are done, in the order of their ends; NULL: none. */
struct zone_job *zone_take(void);

/* End the thread; jobs that it has are freed. */
void zone_close(void);

struct zone_view {
	uint64_t requests; /* that were sent */
	uint64_t rows;     /* in them */
	uint64_t retries;  /* sent again to another server */
	uint64_t failures; /* jobs without an answer */
	bool running;
};
struct zone_view zone_view(void);

#endif
