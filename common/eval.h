/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eval.h - runs programs over encrypted batches: open, compute, seal.
 *
 * Results go under the active key of the domain (keyring.h) that their arguments came from,
 * row by row; values of the default domain go along with any other. What came from no other
 * domain, or from several, goes under that of the session: its role's (policy.h). A request may
 * name another one for all of its results (PROGRAM_INTO).
 *
 * One struct eval per worker thread. It holds plaintext from eval_run() to eval_done(),
 * which wipes it: two calls, so that the answer is on its way before that. Requests are
 * pure: running one twice gives the same plaintext (in other ciphertext), so a client may
 * send it again.
 */
#ifndef COMMON_EVAL_H
#define COMMON_EVAL_H

#include "arena.h"
#include "collate.h"
#include "gcm.h"
#include "kept.h"
#include "keyring.h"
#include "policy.h"
#include "value.h"

enum {
	EVAL_ARENA = 1 << 20, /* first chunk, locked */
	EVAL_KEEP = 6 << 20,  /* of what larger requests took */
	EVAL_PROGRAMS = 32,   /* kept compiled */
	EVAL_CODE_KEPT = 100, /* instructions of one that is kept, if it has all arguments */
	EVAL_WORK = 1 << 20,  /* bytes of text between two questions whether to go on */
	EVAL_SEALERS = 63,    /* of domains of keys, at a time: each has its expanded key in locked memory */
	DOMAINS_SEVERAL = 0xffff, /* where a domain of keys stands: made of values of more than one */
};

/* A reply: two texts of a gigabyte. One long value repeated over a batch could ask for
 * a thousand times what the request brought. */
#define EVAL_REPLY_MAX (2ull << 30)
#define EVAL_MEMORY_MAX (4ull << 30) /* one request: text of 1 GB, concatenated */

struct eval {
	struct value_sealer sealer; /* of the default domain */
	/* Of other domains: d's is at place[d] if it is one of d. Who needs one more takes the oldest
	 * place, and draws: two calls for random bytes. keys NULL: not needed so far. */
	struct value_sealer others[EVAL_SEALERS];
	uint8_t place[KEYRING_DOMAINS], oldest;
	struct value_opener opener;
	struct arena arena;
	const struct keyring *keys;
	uint8_t digest[KEYRING_PRF_BYTES]; /* of the last eval_hash() */
	struct grouping {       /* rows by group, for the numbers that lie there */
		const void *of;
		uint32_t rows, n;   /* n: groups */
		uint32_t *order, *start;
		bool identity;      /* one group of all rows */
	} grouping;
	struct canonical {      /* what eval_hash() got, when it is not to hash */
		uint8_t *bytes;
		size_t len, cap;
		bool wanted;
	} canonical;
	bool no_memory; /* an allocation of this request failed */
	uint64_t work;  /* bytes since `wanted` was asked last */
	bool (*wanted)(void *ctx); /* see eval_wanted(); NULL: always */
	void *wanted_ctx;
	/* Who asks, by the policy; NULL: there is none, and eval_run()'s role says it all. */
	const struct policy_role *grant;
	struct origin {    /* of the values of a column: column_open() */
		uint16_t domain;  /* whose they are, or POLICY_NONE, POLICY_MANY; with a grant only */
		struct policy_set *set; /* those */
		uint16_t keys;    /* the keyring's domain, or DOMAINS_SEVERAL */
		uint16_t last;    /* the same of the value before */
		bool computed;    /* some are VALUE_COMPUTED */
	} origin;
	struct policy_set sets[PROGRAM_ARGS_MAX]; /* of arguments of many domains */
	unsigned into;        /* the domain that all results go to; KEYRING_DOMAINS: each its own */
	bool many;            /* the keyring has more than the default domain */
	/* What is about to be answered in clear, by kind and number of rows; not 0: it must not be,
	 * and is what eval_run() returns. NULL: nobody counts. */
	int (*releases)(void *wanted_ctx, const uint64_t rows[RELEASES], struct err_text *e);
	/* The request's bytes are not needed any more, long before its answer; may be NULL. */
	void (*opened_all)(void *wanted_ctx);
	/* The program that is about to run may take long however short its request is; may be NULL. */
	void (*lasts)(void *wanted_ctx);
	uint64_t opened, sealed, rows; /* counters, for status */
	struct kept kept;
	struct collators collators;
	struct eval_cached {
		uint32_t len;
		uint8_t bytes[2 * PROGRAM_ARGS_MAX + 2 * EVAL_CODE_KEPT];
		struct program program;
		struct verdict verdict;
	} cached[EVAL_PROGRAMS];
	uint8_t first[EVAL_ARENA] __attribute__((aligned(64)));
};

/* Whose key a value goes under that was made of two, each of a domain or DOMAINS_SEVERAL. */
static inline uint16_t domain_join(uint16_t a, uint16_t b)
{
	if (a == b || !b)
		return a;
	return a ? (uint16_t)DOMAINS_SEVERAL : b;
}

/*
 * eval_create - a worker's evaluator, in memory that core dumps leave out and that is
 * locked as far as RLIMIT_MEMLOCK goes.
 *
 * Returns NULL when there is no memory. `keys` must outlive it.
 */
struct eval *eval_create(const struct gcm_backend *gcm, const struct keyring *keys);
void eval_destroy(struct eval *ev);

/*
 * eval_run - one request.
 *
 *   role     of the session that asks; with ev->grant, that says more
 *   req      the request; `shared`: the peer can still write it, so it is copied first
 *   room     gives `len` bytes for the reply, in the ring or elsewhere; NULL: no memory.
 *            A peer may watch and change them meanwhile: only ciphertext gets there,
 *            and no long value is made there
 *
 * Returns 0 with the reply complete in room's memory; or -EPROTO (malformed program or
 * column), -ESTALE (a value that is not kept: bring it), -ENOKEY (a domain without an active
 * key), -EACCES (the role, or the policy), -EMSGSIZE (reply too long), -ENOMEM; `e` says
 * what. An error of a row is not an error of the request: it is in the reply.
 */
MUST_CHECK int eval_run(struct eval *ev, enum role role, const uint8_t *req, uint64_t len,
	bool shared, uint8_t *(*room)(void *ctx, uint64_t len), void *ctx,
	struct err_text *e);

/* The domain of keys of the session that asks. */
unsigned eval_home(const struct eval *ev);

/* Wipe what the last request left. The next eval_run() does it as well. */
void eval_done(struct eval *ev);

#endif
