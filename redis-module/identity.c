/* SPDX-License-Identifier: BSD-3-Clause */
#include "identity.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kvcommand.h"

enum { NAME_MAX_LEN = 64 };

/* By declared name; sorted. */
static const char *const alone[] = {
	"bgrewriteaof", "bgsave", "config", "replicaof", "save", "slaveof"};

static const char *const containers[] = {"acl", "client", "cluster", "command", "config",
	"function", "latency", "memory", "object", "pubsub", "script", "slowlog", "xgroup",
	"xinfo"};

static const char *const secrets[] = {"acl", "auth", "config", "hello", "migrate"};

static const char *const scripts[] = {"eval", "evalsha", "fcall"};

static RedisModuleDict *known; /* name in lower case -> flags */

static int compare(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

#define LISTED(list, name) \
	(bsearch(name, list, sizeof list / sizeof *list, sizeof *list, compare) != NULL)

static bool flagged(RedisModuleCallReply *flags, const char *flag)
{
	size_t i, len, n = RedisModule_CallReplyLength(flags);
	const char *s;

	for (i = 0; i < n; i++) {
		s = RedisModule_CallReplyStringPtr(RedisModule_CallReplyArrayElement(flags, i), &len);
		if (s && len == strlen(flag) && memcmp(s, flag, len) == 0)
			return true;
	}
	return false;
}

/* One entry of COMMAND INFO: name, arity, flags, ... */
static unsigned judge(RedisModuleCallReply *entry, const char *asked, size_t asked_len)
{
	char name[NAME_MAX_LEN];
	size_t len;
	const char *s =
		RedisModule_CallReplyStringPtr(RedisModule_CallReplyArrayElement(entry, 0), &len);
	unsigned f = IDENTITY_KNOWN;

	if (!s || len >= sizeof name)
		return f;
	memcpy(name, s, len);
	name[len] = 0;
	if (len == asked_len && memcmp(name, asked, len) == 0)
		f |= IDENTITY_OWN;
	if (kvcommand_may_block(name))
		f |= IDENTITY_BLOCK;
	else if (kvcommand_refused(name) ||
			 flagged(RedisModule_CallReplyArrayElement(entry, 2), "blocking"))
		f |= IDENTITY_REFUSED;
	if (flagged(RedisModule_CallReplyArrayElement(entry, 2), "write"))
		f |= IDENTITY_WRITES;
	if (flagged(RedisModule_CallReplyArrayElement(entry, 2), "readonly"))
		f |= IDENTITY_READS;
	if (strcmp(name, "spublish") == 0)
		f |= IDENTITY_SHARD;
	if (flagged(RedisModule_CallReplyArrayElement(entry, 2), "denyoom"))
		f |= IDENTITY_GROWS;
	if (LISTED(scripts, name))
		f |= IDENTITY_SCRIPT;
	if (LISTED(secrets, name))
		f |= IDENTITY_SECRET;
	if (LISTED(alone, name))
		f |= IDENTITY_ALONE;
	if (LISTED(containers, name))
		f |= IDENTITY_CONTAINER;
	return f;
}

static unsigned ask(RedisModuleCtx *ctx, const char *name, size_t len)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "COMMAND", "cb", "INFO", name, len);
	RedisModuleCallReply *entry;
	unsigned f = 0;

	if (r && RedisModule_CallReplyType(r) == REDISMODULE_REPLY_ARRAY) {
		entry = RedisModule_CallReplyArrayElement(r, 0);
		if (entry && RedisModule_CallReplyType(entry) == REDISMODULE_REPLY_ARRAY)
			f = judge(entry, name, len);
	}
	if (r)
		RedisModule_FreeCallReply(r);
	return f;
}

unsigned identity_of(RedisModuleCtx *ctx, RedisModuleString *name)
{
	size_t i, len;
	const char *s = RedisModule_StringPtrLen(name, &len);
	char lower[NAME_MAX_LEN];
	int missing;
	unsigned f;

	if (len == 0 || len > sizeof lower)
		return 0;
	for (i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)s[i]);
	f = (unsigned)(uintptr_t)RedisModule_DictGetC(known, lower, len, &missing);
	if (!missing)
		return f;
	f = ask(ctx, lower, len);
	if (f) /* and nothing for names that clients make up: they are without number */
		RedisModule_DictSetC(known, lower, len, (void *)(uintptr_t)f);
	return f;
}

static void on_module(RedisModuleCtx *ctx, RedisModuleEvent e, uint64_t sub, void *data)
{
	identity_fini();
	known = RedisModule_CreateDict(NULL);
}

void identity_init(RedisModuleCtx *ctx)
{
	known = RedisModule_CreateDict(NULL);
	RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_ModuleChange, on_module);
}

void identity_fini(void)
{
	RedisModule_FreeDict(NULL, known);
	known = NULL;
}
