/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load_flow.h - batches from one thread, which reads rows, to another, which has them
 * encrypted and sends them on; so reading and encrypting go on at the same time.
 *
 *     reader                              sender
 *     load_flow_batch() -> empty batch    waits for a full one
 *     fills it                            seal, write
 *     load_flow_give()                    gives it back
 *
 * Two batches go round. The sender's first error ends it: from then on what the reader
 * gives is dropped, and load_flow_end() tells why.
 */
#ifndef CLIENT_LOAD_FLOW_H
#define CLIENT_LOAD_FLOW_H

#include <pthread.h>

#include "load_batch.h"

/* Where tuples go. All return 0 or a negative errno with `e`. */
struct load_sink {
	void *ctx;
	int (*write)(void *ctx, const uint8_t *p, size_t len, struct err_text *e);
};

enum { LOAD_BATCHES = 2 };

struct load_flow {
	struct load_batch batch[LOAD_BATCHES];
	bool full[LOAD_BATCHES];
	int filling, sending;
	bool over;           /* no more batches come */
	int rc;              /* of the sender */
	struct err_text e;   /* the same, in words */
	uint64_t sent;       /* bytes */
	struct ops_client *ops;
	uint64_t timeout_ms;
	struct load_sink sink;
	uint8_t *out; /* tuples of a batch; owned */
	size_t out_cap;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	pthread_t sender;
};

/* load_flow_begin - start the sender. `ops` and the sink are its alone until the end. 0 or
 * -ENOMEM. */
MUST_CHECK int load_flow_begin(struct load_flow *f, const struct load_column *columns, int n,
	struct ops_client *ops, uint64_t timeout_ms, const struct load_sink *sink);

/* An empty batch to fill; NULL: the sender has failed, more work is in vain. */
struct load_batch *load_flow_batch(struct load_flow *f);

/* It is filled. */
void load_flow_give(struct load_flow *f);

/* load_flow_end - wait until all is sent. Returns what the sender had to say. */
MUST_CHECK int load_flow_end(struct load_flow *f, struct err_text *e);

#endif
