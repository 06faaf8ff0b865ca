/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account.h - what each session was told in clear: how many comparisons, ranks, hashes, values
 * and errors, by row; and how often it was denied something.
 *
 * One for each channel, beside the sessions, since who reads them has no lock. Only the holder
 * of the channel's lock writes. A session that ends leaves its figures to the server's sum.
 */
#ifndef OPS_SERVER_ACCOUNT_H
#define OPS_SERVER_ACCOUNT_H

#include <stdio.h>

#include "barrier.h"
#include "policy.h"

enum { ACCOUNT_NAME = 24 };

struct account {
	uint64_t rows[RELEASES];
	uint64_t denied;
	uint64_t role[ACCOUNT_NAME / 8]; /* its name */
} LINE_PAIR_ALIGNED;

/* A bucket for each kind that the role has a rate for. */
struct account_bucket {
	uint64_t left;
	uint64_t at_ms; /* when `left` was right */
};

/* A session begins, or has another role now. */
void account_role(struct account *a, const char *role);
void account_clear(struct account *a);

/*
 * account_release - count what is about to be said.
 *
 *   r   the policy's role, or NULL; `buckets` belong to it
 *
 * Returns 0, or -EACCES when the role's rate does not allow it: nothing is counted then.
 */
MUST_CHECK int account_release(struct account *a, struct account_bucket buckets[RELEASES],
	const struct policy_role *r, const uint64_t rows[RELEASES], uint64_t now_ms,
	struct err_text *e);

/* The bucket of a role that was just given: full. */
void account_fill(struct account_bucket buckets[RELEASES], const struct policy_role *r,
	uint64_t now_ms);

void account_denied(struct account *a);
uint64_t account_denials(const struct account *a);

/* The name of its role; "" before it has one. */
void account_name(const struct account *a, char name[ACCOUNT_NAME + 1]);

/* Add it to a sum. */
void account_add(struct account *sum, const struct account *a);

/* " role R comparisons N ranks N hashes N values N errors N denied N", or a line for each. */
void account_print(const struct account *a, FILE *to);
void account_print_lines(const struct account *a, FILE *to);

/* The lines, malloced; NULL without memory. */
char *account_text(const struct account *a);

#endif
