/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_commands.h"

#include <strings.h>

enum {
	IN = REDISMODULE_CMD_KEY_RO | REDISMODULE_CMD_KEY_ACCESS,
	OUT = REDISMODULE_CMD_KEY_OW | REDISMODULE_CMD_KEY_UPDATE,
	BOTH = REDISMODULE_CMD_KEY_RW | REDISMODULE_CMD_KEY_ACCESS | REDISMODULE_CMD_KEY_UPDATE,
	GONE = REDISMODULE_CMD_KEY_RW | REDISMODULE_CMD_KEY_DELETE,
};

/* The first key is argv[1]; behind it, where a command has more, `others` up to argv[last]. */
static const struct command {
	const char *name;
	RedisModuleCmdFunc f;
	const struct enc_kind *kind; /* NULL: it needs no zone */
	const char *flags;
	int arity;
	int first, others;
	int last; /* of argv; 1: one key; -1: all that there are */
	const char *summary;
	const char *complexity;
} commands[] = {
	{"enc.set", enc_cmd_set, NULL, "write deny-oom", -3, BOTH, 0, 1,
		"Store an encrypted value", "O(1)"},
	{"enc.get", enc_cmd_get, NULL, "readonly fast", 2, IN, 0, 1,
		"The text form of an encrypted value", "O(1)"},
	{"enc.incrby", enc_cmd_incrby, &enc_kind_incrby, "write deny-oom", 3, BOTH, 0, 1,
		"Add an encrypted value to the key's", "O(1), one request to the zone"},
	{"enc.add", enc_cmd_add, &enc_kind_add, "write deny-oom", 4, OUT, IN, 3,
		"Store the sum of two keys' values", "O(1), one request to the zone"},
	{"enc.sub", enc_cmd_sub, &enc_kind_sub, "write deny-oom", 4, OUT, IN, 3,
		"Store the difference of two keys' values", "O(1), one request to the zone"},
	{"enc.mul", enc_cmd_mul, &enc_kind_mul, "write deny-oom", 4, OUT, IN, 3,
		"Store the product of two keys' values", "O(1), one request to the zone"},
	{"enc.cmp", enc_cmd_cmp, &enc_kind_cmp, "readonly", 3, IN, IN, 2,
		"Compare two keys' values", "O(1), one request to the zone"},
	{"enc.min", enc_cmd_min, &enc_kind_reduce, "readonly", -2, IN, IN, -1,
		"The least of the keys' values", "O(N), a request to the zone per 4096 keys"},
	{"enc.max", enc_cmd_max, &enc_kind_reduce, "readonly", -2, IN, IN, -1,
		"The greatest of the keys' values", "O(N), a request to the zone per 4096 keys"},
	{"enc.sum", enc_cmd_sum, &enc_kind_reduce, "readonly", -2, IN, IN, -1,
		"The sum of the keys' values", "O(N), a request to the zone per 4096 keys"},
	{"enc.avg", enc_cmd_avg, &enc_kind_reduce, "readonly", -2, IN, IN, -1,
		"The average of the keys' values", "O(N), a request to the zone per 4096 keys"},
	{"enc.zadd", enc_cmd_zadd, &enc_kind_zadd, "write deny-oom", -4, BOTH, 0, 1,
		"Add members to a set that encrypted scores sort",
		"O(log N) for each member, log N to base 64 requests to the zone"},
	{"enc.zrange", enc_cmd_zrange, NULL, "readonly", -4, IN, 0, 1,
		"Members by rank", "O(log N + M)"},
	{"enc.zrangebyscore", enc_cmd_zrangebyscore, &enc_kind_zrangebyscore, "readonly", -4,
		IN, 0, 1, "Members by encrypted bounds",
		"O(log N + M), log N to base 64 requests to the zone"},
	{"enc.zrem", enc_cmd_zrem, NULL, "write", -3, GONE, 0, 1,
		"Remove members", "O(log N) for each"},
	{"enc.zcard", enc_cmd_zcard, NULL, "readonly fast", 2, IN, 0, 1,
		"How many members there are", "O(1)"},
	{"enc.zscore", enc_cmd_zscore, NULL, "readonly", 3, IN, 0, 1,
		"A member's encrypted score", "O(log N)"},
	{"enc.rekey", enc_cmd_rekey, &enc_kind_rekey, "write deny-oom", -2, BOTH, 0, 1,
		"Encrypt a value anew, under the active data key of its domain or of another",
		"O(1), one request to the zone"},
	{"enc.keyid", enc_cmd_keyid, NULL, "readonly fast", 2, IN, 0, 1,
		"The id of the data key that a value is under", "O(1)"},
};

const struct enc_kind *enc_kind_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcasecmp(commands[i].name, name) == 0)
			return commands[i].kind;
	return NULL;
}

static int describe(RedisModuleCtx *ctx, const struct command *c)
{
	RedisModuleCommand *command = RedisModule_GetCommand(ctx, c->name);
	RedisModuleCommandKeySpec keys[3] = {
		{.flags = (uint64_t)c->first, .begin_search_type = REDISMODULE_KSPEC_BS_INDEX,
			.bs.index.pos = 1, .find_keys_type = REDISMODULE_KSPEC_FK_RANGE,
			.fk.range = {.lastkey = 0, .keystep = 1}}};
	RedisModuleCommandInfo info = {.version = REDISMODULE_COMMAND_INFO_VERSION,
		.summary = c->summary, .complexity = c->complexity, .arity = c->arity,
		.key_specs = keys};

	if (c->last != 1) {
		keys[1] = keys[0];
		keys[1].flags = (uint64_t)c->others;
		keys[1].bs.index.pos = 2;
		keys[1].fk.range.lastkey = c->last == -1 ? -1 : c->last - 2;
	}
	if (c->last == -1) { /* alike, and the second need not be there */
		keys[0].fk.range.lastkey = -1;
		keys[1] = (RedisModuleCommandKeySpec){0};
	}
	return RedisModule_SetCommandInfo(command, &info);
}

int enc_commands(RedisModuleCtx *ctx, struct err_text *e)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++) {
		const struct command *c = &commands[i];

		if (RedisModule_CreateCommand(ctx, c->name, c->f, c->flags, 1, c->last, 1) !=
				REDISMODULE_OK ||
			describe(ctx, c) != REDISMODULE_OK) {
			err_set(e, "the command %s cannot be registered: is there one already?", c->name);
			return -EEXIST;
		}
	}
	return 0;
}
