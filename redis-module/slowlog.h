/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slowlog.h - what took long over the ring: CXLRING.SLOWLOG, and events for LATENCY.
 *
 * Redis's SLOWLOG has the commands that went through RM_Call, without a word on who sent
 * them, and knows nothing of those that went by the key API. Here are both, with their
 * client. Redis's settings hold: slowlog-log-slower-than, slowlog-max-len,
 * latency-monitor-threshold; they are read again after a CONFIG SET.
 *
 * Short PINGs are not timed, nor what is collected in a batch (SETs, GETs of short
 * values): a batch is a command of RM_Call.
 */
#ifndef CXLRING_SLOWLOG_H
#define CXLRING_SLOWLOG_H

#include "session.h"

/* Below so many ticks there is nothing to tell; 0 while the settings are not known. */
extern uint64_t slowlog_least;

/* A request took so long. `data` is what it consisted of, which its client may still be
 * changing: it is only shown. */
void slowlog_request(RedisModuleCtx *ctx, const struct session *s, uint8_t kind,
	const uint8_t *data, uint64_t len, uint64_t ticks);

/* A turn kept everyone else waiting for so long. */
void slowlog_turn(RedisModuleCtx *ctx, uint64_t ticks);

/* This setting of Redis has changed. */
void slowlog_configure(const char *setting);

/* CXLRING.SLOWLOG GET [n] | LEN | RESET. Returns REDISMODULE_ERR when the name is taken. */
int slowlog_init(RedisModuleCtx *ctx);
void slowlog_fini(void);

#endif
