/* SPDX-License-Identifier: BSD-3-Clause */
#include "cluster.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyapi.h"
#include "setting.h"

enum { SLOTS = 16384, ID = 40, HOST = 256 };

struct node {
	char id[ID];
	char endpoint[HOST];
	int port;
};

/* The view of CLUSTER NODES. Numbers of nodes count from 1; 0 is none. */
static struct {
	bool known;
	bool down;       /* cluster_state is not ok */
	bool reads_down; /* and keys may be read for all that: cluster-allow-... */
	bool shards_down; /* sharded channels are served */
	uint16_t self;
	uint16_t owner[SLOTS];
	uint16_t migrating[SLOTS]; /* of ours: to whom */
	struct node *node; /* owned */
	size_t nnodes;
} view;

void cluster_forget(void)
{
	view.known = false;
}

void cluster_fini(void)
{
	RedisModule_Free(view.node);
	memset(&view, 0, sizeof view);
}

/* ---- what is the case ---- */

/* What CLUSTER says about this; freed by RM_Free(). NULL: nothing. */
static char *ask(RedisModuleCtx *ctx, const char *about)
{
	RedisModuleCallReply *r = RedisModule_Call(ctx, "CLUSTER", "c", about);
	const char *s = NULL;
	char *out = NULL;
	size_t len;

	if (r && RedisModule_CallReplyType(r) == REDISMODULE_REPLY_STRING)
		s = RedisModule_CallReplyStringPtr(r, &len);
	if (s) {
		out = RedisModule_Alloc(len + 1);
		memcpy(out, s, len);
		out[len] = 0;
	}
	if (r)
		RedisModule_FreeCallReply(r);
	return out;
}

enum endpoint { BY_IP, BY_NAME, UNKNOWN };

/* "10.0.0.1:6379@16379,name": the port follows the last colon, for IPv6's sake. */
static bool read_address(struct node *n, char *s, enum endpoint by)
{
	const char *called = s;
	char *at = strchr(s, '@'), *name = strchr(s, ','), *colon;

	if (!at)
		return false;
	*at = 0;
	colon = strrchr(s, ':');
	if (!colon)
		return false;
	*colon = 0;
	n->port = atoi(colon + 1);
	if (by == BY_NAME)
		called = name ? name + 1 : "?";
	else if (by == UNKNOWN)
		called = "";
	snprintf(n->endpoint, sizeof n->endpoint, "%s", called);
	return true;
}

static uint16_t node_of(const char *id)
{
	size_t i;

	for (i = 0; i < view.nnodes; i++)
		if (strncmp(view.node[i].id, id, ID) == 0)
			return (uint16_t)(i + 1);
	return 0;
}

/* "5", "0-5460"; open ones, "[93->-ID]" and "[77-<-ID]", are for later. */
static void read_slots(uint16_t who, char *words)
{
	char *save, *w, *end;
	long i, from, to;

	for (w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (*w == '[')
			continue;
		from = to = strtol(w, &end, 10);
		if (*end == '-')
			to = strtol(end + 1, NULL, 10);
		for (i = from; i >= 0 && i <= to && i < SLOTS; i++)
			view.owner[i] = who;
	}
}

/* ID ADDRESS FLAGS MASTER PING PONG EPOCH LINK [SLOT...] */
static void read_node(char *line, enum endpoint by)
{
	struct node *n = &view.node[view.nnodes];
	char *field[7], *save, *p;
	int i;

	p = strtok_r(line, " ", &save);
	if (!p || strlen(p) != ID)
		return;
	memcpy(n->id, p, ID);
	for (i = 0; i < 7; i++) {
		field[i] = strtok_r(NULL, " ", &save);
		if (!field[i])
			return;
	}
	if (!read_address(n, field[0], by))
		return;
	view.nnodes++;
	if (strstr(field[1], "myself"))
		view.self = (uint16_t)view.nnodes;
	read_slots((uint16_t)view.nnodes, save);
}

/* "[93->-ID]", which stand in our own line alone. All nodes are known by now. */
static void read_migrations(const char *text)
{
	const char *p = text;

	while ((p = strchr(p, '['))) {
		char *end;
		long slot = strtol(++p, &end, 10);

		if (slot >= 0 && slot < SLOTS && strncmp(end, "->-", 3) == 0)
			view.migrating[slot] = node_of(end + 3);
	}
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

static void read_nodes(const char *text, enum endpoint by)
{
	char *copy = RedisModule_Strdup(text), *save, *line;
	size_t lines = count(text, '\n') + 1;

	view.self = 0;
	view.nnodes = 0;
	memset(view.owner, 0, sizeof view.owner);
	memset(view.migrating, 0, sizeof view.migrating);
	view.node = RedisModule_Realloc(view.node, lines * sizeof *view.node);
	for (line = strtok_r(copy, "\n", &save); line && view.nnodes < UINT16_MAX - 1;
		 line = strtok_r(NULL, "\n", &save))
		read_node(line, by);
	read_migrations(text);
	RedisModule_Free(copy);
}

/* False when CLUSTER has another name: then nobody can tell. */
static bool look(RedisModuleCtx *ctx)
{
	enum endpoint by = BY_IP;
	char *nodes, *info;

	if (view.known)
		return true;
	nodes = ask(ctx, "NODES");
	info = ask(ctx, "INFO");
	if (nodes && info) {
		if (setting_is(ctx, "cluster-preferred-endpoint-type", "hostname"))
			by = BY_NAME;
		else if (setting_is(ctx, "cluster-preferred-endpoint-type", "unknown-endpoint"))
			by = UNKNOWN;
		read_nodes(nodes, by);
		view.down = strncmp(info, "cluster_state:ok", 16) != 0;
		view.reads_down =
			view.down && setting_is(ctx, "cluster-allow-reads-when-down", "yes");
		view.shards_down =
			view.down && setting_is(ctx, "cluster-allow-pubsubshard-when-down", "yes");
		view.known = true;
	}
	RedisModule_Free(nodes);
	RedisModule_Free(info);
	return view.known;
}

/* ---- keys ---- */

/* CRC-16/XMODEM, as the cluster specification wants it. */
static unsigned crc16(const unsigned char *p, size_t len)
{
	unsigned crc = 0;
	int i;

	while (len--) {
		crc ^= (unsigned)*p++ << 8;
		for (i = 0; i < 8; i++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	return crc & 0xffff;
}

/* Of what stands between the first { and the first } after it, if that is something. */
static unsigned slot_of(RedisModuleString *key)
{
	size_t len;
	const char *s = RedisModule_StringPtrLen(key, &len);
	const char *open = memchr(s, '{', len), *close = NULL;

	if (open)
		close = memchr(open, '}', len - (size_t)(open - s));
	if (close && close > open + 1) {
		s = open + 1;
		len = (size_t)(close - s);
	}
	return crc16((const unsigned char *)s, len) % SLOTS;
}

/* ---- the answer ---- */

static bool say(char text[CLUSTER_TEXT], const char *what)
{
	snprintf(text, CLUSTER_TEXT, "%s", what);
	return true;
}

static bool send_to(char text[CLUSTER_TEXT], const char *what, unsigned slot, uint16_t who)
{
	const struct node *n = &view.node[who - 1];

	snprintf(text, CLUSTER_TEXT, "%s %u %s:%d", what, slot, n->endpoint, n->port);
	return true;
}

/* The order of these questions is that of Redis's getNodeByQuery(). */
static bool judge(RedisModuleCtx *ctx, RedisModuleString **argv, const int *at, int nkeys,
	enum cluster_kind kind, char text[CLUSTER_TEXT])
{
	unsigned slot = slot_of(argv[at[0]]);
	uint16_t owner = view.owner[slot];
	int i, there = 0;

	if (!owner)
		return say(text, "CLUSTERDOWN Hash slot not served");
	for (i = 1; i < nkeys; i++)
		if (slot_of(argv[at[i]]) != slot)
			return say(text, "CROSSSLOT Keys in request don't hash to the same slot");
	if (view.down && !(kind == CLUSTER_SHARD ? view.shards_down : view.reads_down))
		return say(text, "CLUSTERDOWN The cluster is down");
	if (view.down && kind == CLUSTER_WRITE)
		return say(text, "CLUSTERDOWN The cluster is down and only accepts read commands");
	if (owner != view.self)
		return send_to(text, "MOVED", slot, owner);
	if (!view.migrating[slot] || kind == CLUSTER_SHARD)
		return false;
	for (i = 0; i < nkeys; i++)
		there += keyapi_exists(ctx, argv[at[i]]);
	if (there == nkeys)
		return false;
	if (there)
		return say(text, "TRYAGAIN Multiple keys request during rehashing of slot");
	return send_to(text, "ASK", slot, view.migrating[slot]);
}

bool cluster_suspect(const char *resp)
{
	static const char *const refusals[] = {"-ERR Attempted to access a non local key",
		"-ERR Can not execute a ", "-READONLY ", "-NOREPLICAS ", "-MISCONF ", "-MASTERDOWN ",
		"-OOM "};
	size_t i;

	for (i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (strncmp(resp, refusals[i], strlen(refusals[i])) == 0)
			return true;
	return false;
}

bool cluster_redirect(RedisModuleCtx *ctx, RedisModuleString **argv, int argc,
	enum cluster_kind kind, char text[CLUSTER_TEXT])
{
	static const int first = 1;
	bool redirected = false;
	int nkeys = 0, *at;

	if (kind == CLUSTER_SHARD) /* for RM_GetCommandKeys a channel is no key */
		return argc > 1 && look(ctx) && judge(ctx, argv, &first, 1, kind, text);
	at = RedisModule_GetCommandKeys(ctx, argv, argc, &nkeys);
	if (at && nkeys > 0 && look(ctx))
		redirected = judge(ctx, argv, at, nkeys, kind, text);
	RedisModule_Free(at);
	return redirected;
}
