/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - one request of docs/protocol-kv.md: check it, run it, answer it.
 *
 * GET, EXISTS, DEL and PING go through the key API, as do some commands of CALL (fast.h);
 * the others, and these where guard.h asks for it or the session's user is restricted,
 * through call.h. Each request names its
 * database, which stays selected in `ctx`; whoever lends the context puts it back.
 * Plain SETs, and GETs of short values, wait in a batch (batch.h) for more of their
 * kind; the caller flushes it at the end of the client's burst.
 */
#ifndef CXLRING_COMMAND_H
#define CXLRING_COMMAND_H

#include "session.h"

/* May this kind of request write? Then it has to wait while writes wait. */
static inline bool command_writes(uint8_t kind)
{
	return kind == KV_SET || kind == KV_DEL || kind == KV_INCRBY || kind == KV_CALL;
}

/*
 * command_run - answer one request.
 *
 *   verdict   guard_write() or guard_read() for this kind; not GUARD_WAIT
 *   turn      number of the turn (acl.h)
 *   data      len bytes, which the client may still be changing: each is read once
 *   wrote     in: has the turn written? out: set when this may have, else left alone
 *
 * Returns 0; -EAGAIN when the command has to begin a turn (call_alone, guard_stale),
 * nothing is done; -EPROTO when the request makes no sense: refuse the channel.
 */
MUST_CHECK int command_run(RedisModuleCtx *ctx, struct session *s, int verdict,
	uint64_t turn, uint8_t kind, uint64_t id, const uint8_t *data, uint64_t len,
	bool *wrote);

#endif
