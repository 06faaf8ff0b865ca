/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * setting.h - Redis's own settings, by CONFIG GET.
 *
 * Each look stands in commandstats and may in SLOWLOG: remember what it says.
 */
#ifndef CXLRING_SETTING_H
#define CXLRING_SETTING_H

#include "rm.h"

#include <stdbool.h>

/* `otherwise` when there is no such setting, or CONFIG has another name. */
long long setting_number(RedisModuleCtx *ctx, const char *name, long long otherwise);

bool setting_is(RedisModuleCtx *ctx, const char *name, const char *value);

#endif
