/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cluster.h - where a cluster has the keys of a command.
 *
 * RM_Call looks at the slots of each command, exactly, and refuses what is not for this
 * node; but it says so in words of its own, which name no node. These are found here: only
 * for what was refused, so that keys of our own slots cost nothing.
 *
 * What the nodes have is asked for (CLUSTER NODES) at most once a turn. Redis learns of
 * changes from the cluster's bus and from commands, both outside of our turns; a ring
 * client's own commands are the exception, see cluster_forget().
 */
#ifndef CXLRING_CLUSTER_H
#define CXLRING_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "rm.h"

/* "MOVED 16383 HOST:65535" with the longest host name, and room. */
enum { CLUSTER_TEXT = 320 };

enum cluster_kind { CLUSTER_READ, CLUSTER_WRITE, CLUSTER_SHARD };

/* Is this error (with its "-") one that a redirection may hide behind? Redis asks for the
 * slots before it looks at role, disk and memory; RM_Call does so after it. */
bool cluster_suspect(const char *resp);

/*
 * cluster_redirect - what a TCP client would be told: MOVED, ASK, TRYAGAIN, CROSSSLOT or
 * CLUSTERDOWN.
 *
 *   kind   of command: one that writes, or SPUBLISH, whose channel has a slot
 *
 * False: the keys are ours, or the command has none; whatever was wrong is something else.
 */
bool cluster_redirect(RedisModuleCtx *ctx, RedisModuleString **argv, int argc,
	enum cluster_kind kind, char text[CLUSTER_TEXT]);

/* A turn begins, or a command ran that may have moved slots. */
void cluster_forget(void);

void cluster_fini(void);

#endif
