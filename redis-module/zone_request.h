/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone_request.h - jobs of one program as one EVAL request, and its reply as theirs.
 *
 * The columns of the jobs, a list, stand one behind the other. A job that reduces its
 * column to one row is a request by itself. So is one whose values are under several keys,
 * or some computed and some not: what a policy says to a request it then says to each of its
 * jobs (zone.h).
 */
#ifndef CXLRING_ZONE_REQUEST_H
#define CXLRING_ZONE_REQUEST_H

#include "zone.h"

/* How much a request has already. */
struct request_room {
	uint64_t rows;
	uint64_t bytes;
};

void request_begin(struct request_room *room, const struct zone_job *first);

/* Does this job fit in with the first one? Then it is counted. */
bool request_takes(
	struct request_room *room, const struct zone_job *first, const struct zone_job *job);

uint64_t request_rows(const struct zone_job *first);
uint64_t request_bytes(const struct zone_job *first);

/* ops_fill: `first` is the list. */
void request_fill(void *first, uint8_t *at, uint64_t len);

/* Give each job its rows; -EPROTO when the reply is not what the program makes. The reply
 * may be in shared memory: it is copied before it is read. */
MUST_CHECK int request_answer(
	struct zone_job *first, const uint8_t *reply, uint64_t len, struct err_text *e);

/* Free a list of jobs. */
void request_drop(struct zone_job *first);

#endif
