/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * info.h - INFO cxlring: what the ring does, for people and their monitoring.
 */
#ifndef CXLRING_INFO_H
#define CXLRING_INFO_H

#include "rm.h"

void info_report(RedisModuleInfoCtx *ctx, int for_crash_report);

/* The same as a map, for CXLRING.STATS; and begin to count anew. */
int info_reply(RedisModuleCtx *ctx);
void info_reset(void);

#endif
