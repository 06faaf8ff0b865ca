/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * info.h - INFO cxlring: what the ring does, for people and their monitoring.
 */
#ifndef CXLRING_INFO_H
#define CXLRING_INFO_H

#include "rm.h"

#include <stdint.h>

/* All numbers, in the order in which they are shown. Who has some adds them when asked,
 * always the same ones: what is the case now, or what is counted since load. */
struct info_rows;
void info_now(struct info_rows *rows, const char *name, uint64_t value);
void info_count(struct info_rows *rows, const char *name, uint64_t value);

void info_report(RedisModuleInfoCtx *ctx, int for_crash_report);

/* The same numbers as a map, for CXLRING.STATS; and count anew, all of them. */
int info_reply(RedisModuleCtx *ctx);
void info_reset(void);

#endif
