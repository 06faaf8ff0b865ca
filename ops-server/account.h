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

enum { ACCOUNT_NAME = 24, ACCOUNT_ROLES = 4 /* that a session has one after the other */ };

struct account {
	uint64_t rows[RELEASES];
	uint64_t denied;
	uint64_t role[ACCOUNT_NAME / 8]; /* its name */
} LINE_PAIR_ALIGNED;

/* A bucket for each kind that the role has a rate for. */
struct account_bucket {
	uint64_t left;
	uint64_t at_ms; /* when `left` was right */
	struct policy_rate of; /* by which it was filled last; amount 0: never */
	uint64_t version;      /* of that policy */
};

/* What a session may still be told in one role. */
struct account_purse {
	char role[ACCOUNT_NAME]; /* "": nobody's yet */
	struct account_bucket bucket[RELEASES];
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

/*
 * account_fill - the buckets of the role that a session has now, if only again.
 *
 *   purse   the session's; zeroed when it begins
 *
 * Full when it is that role for the first time, or the owner has given it another rate meanwhile; else
 * they are as they were: proofs and reloads give nobody more. A session of more than ACCOUNT_ROLES
 * roles has one purse for all of its last ones.
 */
struct account_bucket *account_fill(struct account_purse purse[ACCOUNT_ROLES],
	const struct policy_role *r, uint64_t now_ms);

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
