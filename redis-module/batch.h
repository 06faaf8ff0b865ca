/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.h - one client's plain SETs, or its GETs of short values, that follow each
 * other: run as one MSET or MGET, which does the same to data, events and replicas in a
 * third of the time; in commandstats it stands as such.
 *
 * They are run and answered before anything else of that client is, and at the end of
 * its burst: batch_flush(). One batch at a time, of one client and one verb.
 *
 * Why GETs: RM_StringDMA() of 7.0 turns a value of encoding int or embstr into raw when
 * it is read. That is a write: more memory for each such value, pages copied while a
 * child saves, another answer from OBJECT ENCODING. No call of the key API reads such a
 * value as it is, so it is read by a command. RM_Call costs 250 ns, shared by a batch.
 */
#ifndef CXLRING_BATCH_H
#define CXLRING_BATCH_H

#include "session.h"

/* No string that is longer has one of those encodings (OBJ_ENCODING_EMBSTR_SIZE_LIMIT). */
enum { BATCH_SHORT = 44 };

/* Add a request. The key is the batch's from here on. The value's bytes may be changing:
 * they are read once, before this returns. */
void batch_set(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString *key,
	const void *value, size_t len, bool *wrote);
void batch_get(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString *key,
	bool *wrote);

/* The verb that is being collected, 0 when nothing is. */
uint8_t batch_kind(void);

/* Run what was collected, and answer it. *wrote is set when that were SETs. */
void batch_flush(RedisModuleCtx *ctx, bool *wrote);

/* This session ends: forget what was collected for it. */
void batch_forget(struct session *s);

#endif
