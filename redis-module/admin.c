/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "clock.h"
#include "defer.h"
#include "info.h"
#include "kvrequest.h"
#include "roster.h"
#include "stream.h"
#include "word.h"

/* ---- who may ---- */

/* A ring client's command runs as nobody whom Redis would know by an id. NULL: neither;
 * another module calls us. */
static RedisModuleUser *caller(RedisModuleCtx *ctx)
{
	RedisModuleString *name =
		RedisModule_GetClientUserNameById(ctx, RedisModule_GetClientId(ctx));
	RedisModuleUser *u;

	if (!name)
		return roster.serving ? acl_user(&roster.serving->acl) : NULL;
	u = RedisModule_GetModuleUserFromUserName(name);
	RedisModule_FreeString(ctx, name);
	return u;
}

bool admin_allowed(RedisModuleCtx *ctx, const char *command, const char *sub)
{
	RedisModuleUser *u = caller(ctx);
	RedisModuleString *argv[3];
	char text[128];
	int i, argc = 0, ok;

	if (!u)
		return true;
	argv[argc++] = RedisModule_CreateString(NULL, command, strlen(command));
	if (sub)
		argv[argc++] = RedisModule_CreateString(NULL, sub, strlen(sub));
	ok = RedisModule_ACLCheckCommandPermissions(u, argv, argc);
	for (i = 0; i < argc; i++)
		RedisModule_FreeString(NULL, argv[i]);
	RedisModule_FreeModuleUser(u);
	if (ok == REDISMODULE_OK)
		return true;
	snprintf(text, sizeof text,
		"NOPERM this takes the permission to run the '%s%s%s' command as well", command,
		sub ? "|" : "", sub ? sub : "");
	RedisModule_ReplyWithError(ctx, text);
	return false;
}

/* ---- which of Redis's clients a stream is ---- */

struct address {
	struct sockaddr_un sa;
	socklen_t len;
};

static bool same_address(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

/* The stream's end of the connection has a name of its own, which the other end's
 * descriptor, in CLIENT LIST, has for its peer. 0: not found, or no stream. */
static unsigned long long client_of(const struct session *s, const char *list)
{
	struct address ours = {.len = sizeof ours.sa}, peer;
	unsigned long long id;
	const char *p;
	int fd = stream_fd(s), theirs;

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&ours.sa, &ours.len) < 0)
		return 0;
	for (p = list; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		const char *at = strstr(p, " fd=");

		if (!at || sscanf(p, "id=%llu ", &id) != 1 || sscanf(at, " fd=%d", &theirs) != 1)
			continue;
		peer.len = sizeof peer.sa;
		if (getpeername(theirs, (struct sockaddr *)&peer.sa, &peer.len) == 0 &&
			same_address(&ours, &peer))
			return id;
	}
	return 0;
}

/* CLIENT LIST, if there is a stream; NULL else. Freed by RM_Free(). */
static char *client_list(RedisModuleCtx *ctx)
{
	RedisModuleCallReply *r;
	const char *s;
	char *list = NULL;
	uint32_t i;
	size_t len;

	for (i = 0; i < roster.nopen && stream_fd(roster.open[i]) < 0; i++)
		;
	if (i == roster.nopen)
		return NULL;
	r = RedisModule_Call(ctx, "CLIENT", "c", "LIST");
	s = r ? RedisModule_CallReplyStringPtr(r, &len) : NULL;
	if (s) {
		list = RedisModule_Alloc(len + 1);
		memcpy(list, s, len);
		list[len] = 0;
	}
	if (r)
		RedisModule_FreeCallReply(r);
	return list;
}

/* ---- CXLRING.CLIENTS ---- */

static const char *state_of(const struct session *s)
{
	if (s->stream)
		return "stream";
	if (s == roster.serving)
		return "running";
	if (s->out)
		return "full";
	if (s->deferred && !s->deferred->ready)
		return "zone";
	if (s->tally.holds)
		return "held";
	if (s->in.len)
		return "reading";
	return ring_waiting(&s->chan->rx) ? "waiting" : "idle";
}

static unsigned long long seconds(uint64_t now, uint64_t then)
{
	return now > then ? clock_to_ns(now - then) / 1000000000 : 0;
}

static RedisModuleString *line(const struct session *s, uint64_t now, const char *list)
{
	const struct tally *t = &s->tally;
	unsigned long long client = client_of(s, list), omem = 0, oll = 0;
	const struct pending *p;
	char label[CHAN_LABEL + 1];

	for (p = s->out; p; p = p->next) {
		oll++;
		omem += sizeof *p + p->m.len;
	}
	session_label(s, label);
	return RedisModule_CreateStringPrintf(NULL,
		"id=%llu channel=%u pid=%u host=%s label=\"%s\" user=%s db=%u age=%llu idle=%llu "
		"cmds=%llu cmd=%s held=%llu qbuf=%llu oll=%llu omem=%llu state=%s client=%llu\n",
		(unsigned long long)t->id, s->chan->index, ident_pid(s->chan->owner),
		s->chan->remote ? "remote" : "local", label,
		s->acl.user ? RedisModule_StringPtrLen(s->acl.user, NULL) : "default", t->db,
		seconds(now, t->since), seconds(now, t->seen), (unsigned long long)t->requests,
		t->kind ? kvrequest_name(t->kind) : "NULL", (unsigned long long)t->held, (unsigned long long)s->in.len, oll,
		omem, state_of(s), client);
}

static int by_id(const void *a, const void *b)
{
	const struct session *const *s = a, *const *t = b;

	return ((*s)->tally.id > (*t)->tally.id) - ((*s)->tally.id < (*t)->tally.id);
}

/* A copy of the list, oldest first; freed by RM_Free(). */
static struct session **sorted(void)
{
	struct session **v = RedisModule_Alloc((roster.nopen + 1) * sizeof *v);

	memcpy(v, roster.open, roster.nopen * sizeof *v);
	qsort(v, roster.nopen, sizeof *v, by_id);
	return v;
}

static int cmd_clients(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	RedisModuleString *text;
	uint64_t now = clock_ticks();
	struct session **v;
	const char *p;
	char *list;
	size_t len;
	uint32_t i;

	if (argc != 1)
		return RedisModule_WrongArity(ctx);
	if (!admin_allowed(ctx, "client", "list"))
		return REDISMODULE_OK;
	text = RedisModule_CreateString(NULL, "", 0);
	list = client_list(ctx);
	v = sorted();
	for (i = 0; i < roster.nopen; i++) {
		RedisModuleString *one = line(v[i], now, list);

		p = RedisModule_StringPtrLen(one, &len);
		RedisModule_StringAppendBuffer(NULL, text, p, len);
		RedisModule_FreeString(NULL, one);
	}
	p = RedisModule_StringPtrLen(text, &len);
	RedisModule_ReplyWithVerbatimStringType(ctx, p, len, "txt");
	RedisModule_FreeString(NULL, text);
	RedisModule_Free(list);
	RedisModule_Free(v);
	return REDISMODULE_OK;
}

/* ---- CXLRING.KILL ---- */

enum by { BY_ID, BY_PID, BY_LABEL, BY_ALL };

static bool meant(const struct session *s, enum by by, unsigned long long number,
	RedisModuleString *label)
{
	char text[CHAN_LABEL + 1];
	size_t len;
	const char *p;

	switch (by) {
	case BY_ID:
		return s->tally.id == number;
	case BY_PID:
		return ident_pid(s->chan->owner) == number;
	case BY_LABEL:
		session_label(s, text);
		p = RedisModule_StringPtrLen(label, &len);
		return len == strlen(text) && memcmp(p, text, len) == 0;
	default:
		return true;
	}
}

/* As CLIENT KILL does, ALL and their like spare who asks: itself by its id alone. That is
 * the client being served only if none of Redis's own asks amid its script. */
static bool asks(RedisModuleCtx *ctx, const struct session *s, const char *list)
{
	unsigned long long id = RedisModule_GetClientId(ctx);
	RedisModuleString *name;

	if (s != roster.serving)
		return stream_fd(s) >= 0 && client_of(s, list) == id;
	name = RedisModule_GetClientUserNameById(ctx, id);
	if (!name)
		return true;
	RedisModule_FreeString(ctx, name);
	return false;
}

static int kill_those(RedisModuleCtx *ctx, enum by by, unsigned long long number,
	RedisModuleString *label)
{
	char *list = by == BY_ID ? NULL : client_list(ctx);
	struct session **v = sorted();
	uint32_t i, n = roster.nopen;
	long long killed = 0;

	for (i = 0; i < n; i++)
		if (meant(v[i], by, number, label) && (by == BY_ID || !asks(ctx, v[i], list))) {
			roster_kill(v[i]);
			killed++;
		}
	RedisModule_Free(v);
	RedisModule_Free(list);
	return RedisModule_ReplyWithLongLong(ctx, killed);
}

static int cmd_kill(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	long long number;

	if (!admin_allowed(ctx, "client", "kill"))
		return REDISMODULE_OK;
	if (argc == 2 && word_is(argv[1], "all"))
		return kill_those(ctx, BY_ALL, 0, NULL);
	if (argc != 3)
		return RedisModule_WrongArity(ctx);
	if (word_is(argv[1], "label"))
		return kill_those(ctx, BY_LABEL, 0, argv[2]);
	if (!word_is(argv[1], "id") && !word_is(argv[1], "pid"))
		return RedisModule_ReplyWithError(
			ctx, "ERR CXLRING.KILL knows ID id, PID pid, LABEL label and ALL");
	if (RedisModule_StringToLongLong(argv[2], &number) != REDISMODULE_OK || number < 1)
		return RedisModule_ReplyWithError(
			ctx, "ERR an id or a pid is a number greater than 0");
	return kill_those(
		ctx, word_is(argv[1], "id") ? BY_ID : BY_PID, (unsigned long long)number, NULL);
}

/* ---- CXLRING.STATS ---- */

static int cmd_stats(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	if (!admin_allowed(ctx, "info", NULL))
		return REDISMODULE_OK;
	if (argc == 1)
		return info_reply(ctx);
	if (argc != 2 || !word_is(argv[1], "reset"))
		return RedisModule_ReplyWithError(ctx, "ERR CXLRING.STATS knows RESET");
	info_reset();
	return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

int admin_init(RedisModuleCtx *ctx)
{
	static const struct {
		const char *name;
		RedisModuleCmdFunc run;
	} commands[] = {{"cxlring.clients", cmd_clients}, {"cxlring.kill", cmd_kill},
		{"cxlring.stats", cmd_stats}};
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++)
		if (RedisModule_CreateCommand(ctx, commands[i].name, commands[i].run,
				"admin deny-script no-monitor no-slowlog allow-loading allow-stale allow-busy", 0, 0,
				0) != REDISMODULE_OK)
			return REDISMODULE_ERR;
	return REDISMODULE_OK;
}
