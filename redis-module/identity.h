/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.h - what a command is, whatever redis.conf calls it.
 *
 * `rename-command BLPOP pop` gives a command another name, so that a list of names says
 * nothing about it. COMMAND INFO answers to the new name with the declared one and the
 * command's flags. Each name that exists is looked up once, and anew after modules came
 * or went.
 */
#ifndef CXLRING_IDENTITY_H
#define CXLRING_IDENTITY_H

#include "rm.h"

enum identity {
	IDENTITY_KNOWN = 1,     /* not set: no such command, or COMMAND itself was renamed */
	IDENTITY_REFUSED = 2,   /* needs a connection of its own, or would end our loop */
	IDENTITY_ALONE = 4,     /* call_alone() */
	IDENTITY_CONTAINER = 8, /* its first argument is part of the name */
	IDENTITY_BLOCK = 16,    /* waits when it is given BLOCK */
	IDENTITY_GROWS = 32,    /* refused when memory is full */
	IDENTITY_OWN = 64,      /* the name is the declared one */
	IDENTITY_WRITES = 128,  /* Redis flags it so */
	IDENTITY_SECRET = 512,  /* its arguments may hold passwords */
	IDENTITY_SHARD = 256,   /* publishes to a channel that has a slot */
	IDENTITY_READS = 2048,  /* Redis flags it readonly */
	IDENTITY_SCRIPT = 1024, /* runs a script, which may write */
};

/* Flags of the command with that name. */
unsigned identity_of(RedisModuleCtx *ctx, RedisModuleString *name);

/* Called once at load and at unload. */
void identity_init(RedisModuleCtx *ctx);
void identity_fini(void);

#endif
