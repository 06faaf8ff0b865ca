/* SPDX-License-Identifier: BSD-3-Clause */
#include "fast.h"

#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "identity.h"
#include "info.h"
#include "keyapi.h"

struct fast_command {
	char name[8]; /* lower case, zeros behind it */
	uint8_t verb;
	uint8_t min, max; /* arguments, the name included */
	bool known;		  /* the name is the command's, and that of what it sends */
	bool (*run)(struct fast_call *f);
	const char *sends; /* to AOF and replicas, by name; NULL: itself */
	uint64_t calls;
};

enum { MANY = FAST_ARGS };

#define COMMAND(name, min, max)                                                        \
	{                                                                                  \
#name, 0, min, max, .run = run_##name                                          \
	}
#define COMMAND_SENDS(name, min, max, what)                                            \
	{                                                                                  \
#name, 0, min, max, .run = run_##name, .sends = what                           \
	}
#define LIKE_VERB(name, verb, args)                                                    \
	{                                                                                  \
#name, verb, args, args, .run = NULL                                           \
	}

static struct fast_command commands[] = {
	LIKE_VERB(get, KV_GET, 2),
	LIKE_VERB(set, KV_SET, 3),
	COMMAND(hget, 3, 3),
	COMMAND(hset, 4, MANY),
	COMMAND(hgetall, 2, 2),
	COMMAND(hmget, 3, MANY),
	COMMAND(hincrby, 4, 4),
	COMMAND(hsetnx, 4, 4),
	COMMAND(hdel, 3, MANY),
	COMMAND(hlen, 2, 2),
	COMMAND(hexists, 3, 3),
	COMMAND(del, 2, MANY),
	COMMAND(unlink, 2, MANY),
	COMMAND(strlen, 2, 2),
	COMMAND(ttl, 2, 2),
	COMMAND(pttl, 2, 2),
	COMMAND_SENDS(expire, 3, 3, "pexpireat"),
	COMMAND_SENDS(pexpire, 3, 3, "pexpireat"),
	COMMAND(persist, 2, 2),
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* As one number. The bit that makes letters small makes no letter of anything else. */
static uint64_t packed(const void *name, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, name, len);
	return v | (0x2020202020202020 >> (64 - 8 * len));
}

struct fast_command *fast_find(const struct fast_arg *argv, int argc)
{
	size_t i, len = argv[0].len;
	uint64_t name, is;

	if (len == 0 || len > sizeof commands->name)
		return NULL;
	name = packed(argv[0].p, len);
	for (i = 0; i < COMMANDS; i++) {
		memcpy(&is, commands[i].name, sizeof is);
		if (is == name)
			return commands[i].known && argc >= commands[i].min &&
						   argc <= commands[i].max
					   ? &commands[i]
					   : NULL;
	}
	return NULL;
}

uint8_t fast_verb(const struct fast_command *c)
{
	return c->verb;
}

bool fast_run(struct fast_command *c, struct fast_call *f)
{
	if (!c->run(f))
		return false;
	c->calls++;
	counters.fast++;
	return true;
}

static bool own(RedisModuleCtx *ctx, const char *name, size_t len)
{
	RedisModuleString *s = RedisModule_CreateString(NULL, name, len);
	bool is = identity_of(ctx, s) & IDENTITY_OWN;

	RedisModule_FreeString(NULL, s);
	return is;
}

void fast_init(RedisModuleCtx *ctx)
{
	int i;

	for (i = 0; i < COMMANDS; i++) {
		struct fast_command *c = &commands[i];

		c->known = own(ctx, c->name, strnlen(c->name, sizeof c->name)) &&
			(!c->sends || own(ctx, c->sends, strlen(c->sends)));
	}
}

void fast_info(struct info_rows *rows)
{
	char field[24];
	int i;

	for (i = 0; i < COMMANDS; i++) {
		if (!commands[i].run)
			continue; /* counted as the verb that it is */
		snprintf(field, sizeof field, "fast_%.8s", commands[i].name);
		info_count(rows, field, commands[i].calls);
	}
}
