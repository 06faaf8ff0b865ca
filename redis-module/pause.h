/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pause.h - does CLIENT PAUSE stop reads as well?
 *
 * 7.0 tells a module that clients are paused (RM_AvoidReplicaTraffic), not whether all
 * their commands are or writes only; nor does INFO. But a command filter sees CLIENT
 * PAUSE coming, whoever sends it. What was asked for last and is not over decides, as
 * long as Redis says that there is a pause at all.
 *
 * It errs when PAUSE ALL lies in a MULTI for longer than it is to last (reads go on), and
 * when a PAUSE ALL was denied to its sender within a pause of writes (reads wait, too).
 */
#ifndef CXLRING_PAUSE_H
#define CXLRING_PAUSE_H

#include <stdbool.h>

#include "rm.h"

enum pause { PAUSE_NONE, PAUSE_WRITES, PAUSE_ALL };

enum pause pause_look(void);

/* Called at load; Redis forgets a module's filters when it unloads it. */
void pause_init(RedisModuleCtx *ctx);

#endif
