/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cluster.h"
#include "counters.h"
#include "enc_ring.h"
#include "guard.h"
#include "identity.h"
#include "kvcommand.h"

/* For calls as a restricted user: RM_Call of 7.0 writes the name of the context's
 * client's user into ACL LOG, and an event's client has none. */
static RedisModuleCtx *user_ctx;

static const char not_in_scripts[] = "not allowed on script mode";

bool call_alone(RedisModuleCtx *ctx, RedisModuleString *name)
{
	return identity_of(ctx, name) & IDENTITY_ALONE;
}

bool call_grows(RedisModuleCtx *ctx, RedisModuleString *name)
{
	unsigned identity = identity_of(ctx, name);

	return !(identity & IDENTITY_KNOWN) || identity & IDENTITY_GROWS;
}

bool call_script(RedisModuleCtx *ctx, RedisModuleString *name)
{
	return identity_of(ctx, name) & IDENTITY_SCRIPT;
}

/* XREAD and XREADGROUP with BLOCK: RM_Call would answer at once as if time were up. */
static bool blocks(RedisModuleString **argv, int argc)
{
	enum kvcommand_word word = KVCOMMAND_GOES_ON;
	const char *p;
	size_t len;
	int i;

	for (i = 1; i < argc && word == KVCOMMAND_GOES_ON; i++) {
		p = RedisModule_StringPtrLen(argv[i], &len);
		word = kvcommand_word(p, len);
	}
	return word == KVCOMMAND_BLOCKS;
}

/* A command of unknown identity may be a renamed XREAD; what scripts may not run of
 * them is refused later (call). */
static bool refused(unsigned identity, RedisModuleString **argv, int argc)
{
	if (identity & IDENTITY_REFUSED)
		return true;
	return (!(identity & IDENTITY_KNOWN) || identity & IDENTITY_BLOCK) && blocks(argv, argc);
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

/* The text may hold a name as the client wrote it: a line end within would end the error,
 * and what follows be taken for the next value. */
static void fail(struct session *s, uint64_t id, const char *text, int flags)
{
	char line[CLUSTER_TEXT + 4];
	int i, n = snprintf(line, sizeof line - 2, "-%s", text);

	if (n > (int)sizeof line - 3)
		n = (int)sizeof line - 3;

	for (i = 0; i < n; i++)
		if (line[i] == '\r' || line[i] == '\n')
			line[i] = ' ';
	if (!(flags & CALL_RAW)) {
		session_error(s, id, line + 1);
		return;
	}
	counters.errors++;
	memcpy(line + n, "\r\n", 2);
	session_reply(s, KV_RESP, id, line, (uint64_t)n + 2);
}

/* "config|set": the name as Redis's own messages have it. */
static void full_name(
	unsigned identity, RedisModuleString **argv, int argc, char *out, size_t len)
{
	const char *name = RedisModule_StringPtrLen(argv[0], NULL);
	bool sub = argc > 1 && identity & IDENTITY_CONTAINER;

	snprintf(out, len, "%s%s%s", name, sub ? "|" : "",
		sub ? RedisModule_StringPtrLen(argv[1], NULL) : "");
	for (; *out; out++)
		*out = (char)tolower((unsigned char)*out);
}

static void unavailable(RedisModuleString **argv, char *text, size_t len)
{
	snprintf(text, len, KVCOMMAND_REFUSAL, RedisModule_StringPtrLen(argv[0], NULL));
}

/* Redis's own words for modules, into those a TCP client gets. */
static const char *translate(const char *resp, unsigned identity, RedisModuleString **argv,
	int argc, char *text, size_t len)
{
	char name[64];

	if (strncmp(resp, "-ERR acl verification failed", 28) == 0) {
		if (strstr(resp, "keys"))
			return "NOPERM this user has no permissions to access one of the keys used as "
				   "arguments";
		if (strstr(resp, "channel"))
			return "NOPERM this user has no permissions to access one of the channels used "
				   "as arguments";
		full_name(identity, argv, argc, name, sizeof name);
		snprintf(text, len, "NOPERM this user has no permissions to run the '%s' command",
			name);
		return text;
	}
	if (!(identity & IDENTITY_KNOWN) && strstr(resp, not_in_scripts)) {
		unavailable(argv, text, len);
		return text;
	}
	if (strncmp(resp, "-ERR Write command '", 20) == 0)
		return "READONLY the server takes no writes at the moment: it is a replica, has a "
			   "disk error or too few replicas";
	return NULL;
}

/* In a cluster: is it refused because its keys are another node's? */
static bool redirected(RedisModuleCtx *ctx, const char *resp, RedisModuleString **argv,
	int argc, char text[CLUSTER_TEXT])
{
	unsigned identity;

	if (!guard_cluster() || !cluster_suspect(resp))
		return false;
	identity = identity_of(ctx, argv[0]);
	return cluster_redirect(ctx, argv, argc,
		identity & IDENTITY_SHARD    ? CLUSTER_SHARD
		: identity & IDENTITY_WRITES ? CLUSTER_WRITE
									 : CLUSTER_READ,
		text);
}

/*
 * RM_Call with these flags. Arguments that may be numbers are passed as bytes where SET
 * and its kin have their value, second or third: with us as a second owner of the string
 * Redis would store it as it is, and not in encoding int.
 */
static RedisModuleCallReply *invoke(
	RedisModuleCtx *ctx, char first, const char *flags, RedisModuleString **argv, int argc)
{
	enum { NUMBER = 20 }; /* digits of a 64-bit number and its sign */
	const char *name = RedisModule_StringPtrLen(argv[0], NULL), *p[2] = {"", ""};
	size_t len[2] = {0, 0};
	char fmt[24] = {first};
	int i, rest;

	for (i = 0; i < 2 && i + 2 < argc; i++)
		p[i] = RedisModule_StringPtrLen(argv[i + 2], &len[i]);
	strcpy(fmt + 1, flags);
	if (i == 0 || len[0] > NUMBER || len[1] > NUMBER) {
		strcat(fmt, "v");
		return RedisModule_Call(ctx, name, fmt, argv + 1, (size_t)argc - 1);
	}
	/* With one of them the format ends there; what else is passed, is passed in vain. */
	strcat(fmt, i == 1 ? "sb" : "sbbv");
	rest = argc > 4 ? argc - 4 : 0;
	return RedisModule_Call(ctx, name, fmt, argv[1], p[0], len[0], p[1], len[1],
		argv + argc - rest, (size_t)rest);
}

/* Carefully: as a script would, which checks disk, replicas and role; what scripts may
 * not run at all may run here, if it is known and does not write. */
static RedisModuleCallReply *call(RedisModuleCtx *ctx, unsigned identity, const char *flags,
	RedisModuleString **argv, int argc)
{
	bool known = identity & IDENTITY_KNOWN;
	RedisModuleCallReply *r;
	const char *resp;
	size_t len;

	if (known && !guard_careful())
		return invoke(ctx, 'E', flags, argv, argc);
	r = invoke(ctx, 'S', flags, argv, argc);
	resp = r ? RedisModule_CallReplyProto(r, &len) : NULL;
	if (known && resp && resp[0] == '-' &&
		memmem(resp, len, not_in_scripts, strlen(not_in_scripts))) {
		RedisModule_FreeCallReply(r);
		r = invoke(ctx, 'W', flags, argv, argc);
	}
	return r;
}

/* RM_Call's flags for this request, at most "E!CM3". */
static void make_flags(char *p, bool as_user, bool resp3)
{
	*p++ = 'E';
	*p++ = '!';
	if (as_user)
		*p++ = 'C';
	if (guard_over())
		*p++ = 'M';
	if (resp3)
		*p++ = '3';
	*p = 0;
}

void call_run(RedisModuleCtx *ctx, struct session *s, uint64_t id, RedisModuleString **argv,
	int argc, int flags)
{
	char fmt[8], text[CLUSTER_TEXT];
	RedisModuleUser *user = NULL;
	RedisModuleCallReply *r;
	const char *resp, *words = NULL;
	unsigned identity = IDENTITY_KNOWN;
	bool enc = flags & CALL_RAW && enc_named(argv[0]), later = false;
	size_t len;

	if (flags & CALL_RAW) /* the verbs' own commands are what they are */
		identity = identity_of(ctx, argv[0]);
	/* RM_Call sees a name as far as its first zero byte. */
	resp = RedisModule_StringPtrLen(argv[0], &len);
	if (refused(identity, argv, argc) || strlen(resp) != len) {
		unavailable(argv, text, sizeof text);
		fail(s, id, text, flags);
		return;
	}
	if (s->acl.state != ACL_ALL) {
		user = acl_user(&s->acl);
		if (!user) {
			fail(s, id, session_noauth, flags);
			return;
		}
		RedisModule_SelectDb(user_ctx, RedisModule_GetSelectedDb(ctx));
		ctx = user_ctx;
		RedisModule_SetContextUser(ctx, user);
	}
	make_flags(fmt, user != NULL, flags & CALL_RESP3);
	if (enc)
		enc_enter(s, id, flags & CALL_RESP3);
	r = call(ctx, identity, fmt, argv, argc);
	if (enc)
		later = enc_leave();
	resp = r ? RedisModule_CallReplyProto(r, &len) : NULL;
	if (resp && resp[0] == '-')
		words = redirected(ctx, resp, argv, argc, text)
			? text : translate(resp, identity, argv, argc, text, sizeof text);
	else if (flags & CALL_RAW)
		cluster_forget(); /* it may have been CLUSTER SETSLOT */
	if (later) {
		/* the zone is asked; the reply comes when it has answered */
	} else if (!resp || words) {
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
	if (identity & IDENTITY_ALONE)
		guard_changed();
	if (flags & CALL_RAW && strcasecmp(RedisModule_StringPtrLen(argv[0], NULL), "acl") == 0)
		acl_changed();
}

void call_init(RedisModuleCtx *ctx)
{
	user_ctx = RedisModule_GetDetachedThreadSafeContext(ctx);
	identity_init(ctx);
}

void call_fini(void)
{
	RedisModule_FreeThreadSafeContext(user_ctx);
	user_ctx = NULL;
	identity_fini();
	cluster_fini();
}
