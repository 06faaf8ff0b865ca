/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guard.h"
#include "counters.h"

/* What needs a connection of its own, or would end the loop that it runs in. Sorted. */
static const char *const refused[] = {"asking", "auth", "blmove", "blmpop", "blpop",
	"brpop", "brpoplpush", "bzmpop", "bzpopmax", "bzpopmin", "client", "debug", "discard",
	"exec", "failover", "hello", "module", "monitor", "multi", "psubscribe", "psync",
	"punsubscribe", "quit", "readonly", "readwrite", "replconf", "reset", "select",
	"shutdown", "ssubscribe", "subscribe", "sunsubscribe", "sync", "unsubscribe",
	"unwatch", "wait", "watch"};

static const char *const alone[] = {
	"bgrewriteaof", "bgsave", "config", "replicaof", "save", "slaveof"};

/* Commands whose first argument is part of the name. Sorted. */
static const char *const containers[] = {"acl", "client", "cluster", "command", "config",
	"function", "latency", "memory", "object", "pubsub", "script", "slowlog", "xgroup",
	"xinfo"};

/* For calls as a restricted user: RM_Call of 7.0 writes the name of the context's
 * client's user into ACL LOG, and an event's client has none. */
static RedisModuleCtx *user_ctx;

static int compare(const void *name, const void *entry)
{
	return strcasecmp(name, *(const char *const *)entry);
}

#define LISTED(list, name) \
	bsearch(name, list, sizeof list / sizeof *list, sizeof *list, compare)

bool call_alone(RedisModuleString *name)
{
	return LISTED(alone, RedisModule_StringPtrLen(name, NULL));
}

/* XREAD and XREADGROUP with BLOCK: RM_Call would answer at once as if time were up. */
static bool blocks(const char *name, RedisModuleString **argv, int argc)
{
	int i;

	if (strcasecmp(name, "xread") != 0 && strcasecmp(name, "xreadgroup") != 0)
		return false;
	for (i = 1; i < argc; i++) {
		const char *word = RedisModule_StringPtrLen(argv[i], NULL);

		if (strcasecmp(word, "streams") == 0)
			return false;
		if (strcasecmp(word, "block") == 0)
			return true;
	}
	return false;
}

/* A reply in RESP as the kinds that the verbs have. */
static void convert(struct session *s, uint64_t id, RedisModuleCallReply *r,
	const char *resp, size_t len)
{
	char text[512];
	const char *p;

	switch (resp[0]) {
	case ':':
		session_int(s, id, RedisModule_CallReplyInteger(r));
		break;
	case '$':
		p = RedisModule_CallReplyStringPtr(r, &len);
		session_reply(s, p ? KV_VALUE : KV_NIL, id, p, p ? len : 0);
		break;
	case '+':
		session_reply(s, resp[1] == 'P' ? KV_PONG : KV_OK, id, NULL, 0);
		break;
	case '-':
		snprintf(text, sizeof text, "%.*s", (int)strcspn(resp + 1, "\r\n"), resp + 1);
		session_error(s, id, text);
		break;
	default:
		session_reply(s, KV_NIL, id, NULL, 0);
	}
}

static void fail(struct session *s, uint64_t id, const char *text, int flags)
{
	char line[256];

	if (!(flags & CALL_RAW)) {
		session_error(s, id, text);
		return;
	}
	counters.errors++;
	session_reply(s, KV_RESP, id, line,
		(uint64_t)snprintf(line, sizeof line, "-%.250s\r\n", text));
}

/* "config|set": the name as Redis's own messages have it. */
static void full_name(RedisModuleString **argv, int argc, char *out, size_t len)
{
	const char *name = RedisModule_StringPtrLen(argv[0], NULL);
	bool sub = argc > 1 && LISTED(containers, name);

	snprintf(out, len, "%s%s%s", name, sub ? "|" : "",
		sub ? RedisModule_StringPtrLen(argv[1], NULL) : "");
	for (; *out; out++)
		*out = (char)tolower((unsigned char)*out);
}

/* Redis's own words for modules, into those a TCP client gets. */
static const char *translate(
	const char *resp, RedisModuleString **argv, int argc, char *text, size_t len)
{
	char name[64];

	if (strncmp(resp, "-ERR acl verification failed", 28) == 0) {
		if (strstr(resp, "keys"))
			return "NOPERM this user has no permissions to access one of the keys used as "
				   "arguments";
		if (strstr(resp, "channel"))
			return "NOPERM this user has no permissions to access one of the channels used "
				   "as arguments";
		full_name(argv, argc, name, sizeof name);
		snprintf(text, len, "NOPERM this user has no permissions to run the '%s' command",
			name);
		return text;
	}
	if (strncmp(resp, "-ERR Write command '", 20) == 0)
		return "READONLY the server takes no writes at the moment: it is a replica, has a "
			   "disk error or too few replicas";
	return NULL;
}

/* Carefully: as a script would, which checks disk, replicas and role; what scripts may
 * not run at all may run here, if it does not write. */
static RedisModuleCallReply *call(RedisModuleCtx *ctx, const char *name, char *fmt,
	RedisModuleString **argv, int argc)
{
	RedisModuleCallReply *r;
	const char *resp;
	size_t len;

	if (!guard_careful())
		return RedisModule_Call(ctx, name, fmt, argv + 1, (size_t)argc - 1);
	fmt[0] = 'S';
	r = RedisModule_Call(ctx, name, fmt, argv + 1, (size_t)argc - 1);
	resp = r ? RedisModule_CallReplyProto(r, &len) : NULL;
	if (resp && resp[0] == '-' && memmem(resp, len, "not allowed on script mode", 26)) {
		RedisModule_FreeCallReply(r);
		fmt[0] = 'W';
		r = RedisModule_Call(ctx, name, fmt, argv + 1, (size_t)argc - 1);
	}
	return r;
}

void call_run(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString **argv,
	int argc, int flags)
{
	char fmt[16], text[128];
	RedisModuleUser *user = NULL;
	RedisModuleCallReply *r;
	const char *name, *resp, *words;
	size_t len;

	name = RedisModule_StringPtrLen(argv[0], &len);
	if (LISTED(refused, name) || blocks(name, argv, argc)) {
		snprintf(text, sizeof text, "ERR %.32s is not available over the ring yet", name);
		fail(s, id, text, flags);
		return;
	}
	if (s->acl.state != ACL_ALL) {
		user = acl_user(&s->acl);
		if (!user) {
			fail(s, id, "NOAUTH Authentication required.", flags);
			return;
		}
		ctx = user_ctx;
		RedisModule_SetContextUser(ctx, user);
	}
	/* The first letter gives way to S or W; a second E says nothing new. */
	snprintf(fmt, sizeof fmt, "EE!%s%s%sv", user ? "C" : "", guard_over() ? "M" : "",
		flags & CALL_RESP3 ? "3" : "");
	r = call(ctx, name, fmt, argv, argc);
	resp = r ? RedisModule_CallReplyProto(r, &len) : NULL;
	words = resp && resp[0] == '-' ? translate(resp, argv, argc, text, sizeof text) : NULL;
	if (!resp || words) {
		fail(s, id, words ? words : "ERR the command cannot be called", flags);
	} else if (flags & CALL_RAW) {
		counters.errors += resp[0] == '-';
		session_reply(s, KV_RESP, id, resp, len);
	} else {
		convert(s, id, r, resp, len);
	}
	if (r)
		RedisModule_FreeCallReply(r);
	if (user) {
		RedisModule_SetContextUser(ctx, NULL);
		RedisModule_FreeModuleUser(user);
	}
	if (LISTED(alone, name))
		guard_changed();
}

void call_init(RedisModuleCtx *ctx)
{
	user_ctx = RedisModule_GetDetachedThreadSafeContext(ctx);
}

void call_fini(void)
{
	RedisModule_FreeThreadSafeContext(user_ctx);
	user_ctx = NULL;
}
