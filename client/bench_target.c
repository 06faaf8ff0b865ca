/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

/* Of what a reply was made into, one is set until the next reply: both libraries' own
 * trees, as their users get them. */
struct target {
	struct cxlring *ring;
	redisContext *socket;
	redisReply *reply;
	struct cxlring_reply *tree;
};

static const char *const names[TARGETS] = {"ring", "unix", "tcp"};

bool target_parse(const char *name, enum target_kind *kind)
{
	int i;

	for (i = 0; i < TARGETS; i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum target_kind)i;
			return true;
		}
	return false;
}

const char *target_name(enum target_kind kind)
{
	return names[kind];
}

/* ---- connections ---- */

static redisContext *connect_socket(const struct target_options *o)
{
	struct timeval t = {5, 0}; /* as the ring's */
	redisContext *c = o->kind == TARGET_UNIX
						  ? redisConnectUnixWithTimeout(o->socket, t)
						  : redisConnectWithTimeout(o->host, o->port, t);

	if (c && !c->err)
		redisSetTimeout(c, t);
	return c;
}

/* As cxlring_open() does it. */
static bool authenticate(redisContext *c, const struct cxlring_options *o)
{
	redisReply *r;
	bool ok;

	if (!o->password)
		return true;
	r = o->user ? redisCommand(c, "AUTH %s %s", o->user, o->password)
				: redisCommand(c, "AUTH %s", o->password);
	ok = r && r->type == REDIS_REPLY_STATUS;
	if (r && !ok)
		snprintf(c->errstr, sizeof c->errstr, "%s", r->str ? r->str : "AUTH failed");
	if (r)
		freeReplyObject(r);
	return ok;
}

struct target *target_open(
	const struct target_options *o, char *why, size_t len, bool *full)
{
	struct target *t = calloc(1, sizeof *t);
	int rc;

	*full = false;
	if (!t)
		return NULL;
	if (o->kind == TARGET_RING) {
		rc = cxlring_open(&t->ring, &o->ring, why, len);
		*full = rc == -EUSERS;
		if (rc == 0)
			return t;
	} else {
		t->socket = connect_socket(o);
		if (t->socket && !t->socket->err && authenticate(t->socket, &o->ring))
			return t;
		snprintf(why, len, "%s", t->socket ? t->socket->errstr : "no memory");
		if (t->socket)
			redisFree(t->socket);
	}
	free(t);
	return NULL;
}

static void drop_reply(struct target *t)
{
	cxlring_free(t->tree);
	t->tree = NULL;
	if (t->reply)
		freeReplyObject(t->reply);
	t->reply = NULL;
}

void target_close(struct target *t)
{
	drop_reply(t);
	cxlring_close(t->ring);
	if (t->socket)
		redisFree(t->socket);
	free(t);
}

/* ---- requests ---- */

static int append_ring(struct cxlring *c, enum verb verb, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	switch (verb) {
	case VERB_SET:
		return cxlring_append_set(c, key, key_len, value, value_len, 0, 0);
	case VERB_GET:
		return cxlring_append_get(c, key, key_len);
	case VERB_INCR:
		return cxlring_append_incrby(c, key, key_len, 1);
	case VERB_DEL:
		return cxlring_append_del(c, key, key_len);
	case VERB_EXISTS:
		return cxlring_append_exists(c, key, key_len);
	default:
		return cxlring_append_ping(c);
	}
}

int target_append(struct target *t, enum verb verb, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	static const char *const commands[VERBS] = {"PING", "SET", "GET", "INCR", "DEL", "EXISTS"};
	const char *argv[3] = {commands[verb], key, value};
	size_t lens[3] = {strlen(commands[verb]), key_len, value_len};

	if (t->ring)
		return append_ring(t->ring, verb, key, key_len, value, value_len);
	return target_call(t, verb == VERB_PING ? 1 : verb == VERB_SET ? 3 : 2, argv, lens);
}

int target_call(struct target *t, size_t argc, const char *const argv[], const size_t lens[])
{
	if (t->ring)
		return cxlring_append_call(t->ring, argc, argv, lens, 0);
	return redisAppendCommandArgv(t->socket, (int)argc, (const char **)argv, lens) == REDIS_OK
			   ? 0
			   : -EIO;
}

int target_flush(struct target *t)
{
	int done = 0;

	if (t->ring)
		return cxlring_flush(t->ring);
	while (!done)
		if (redisBufferWrite(t->socket, &done) != REDIS_OK)
			return -EIO;
	return 0;
}

/* ---- replies ---- */

static int next_ring(struct target *t, struct cxlring_view *v, enum target_wait wait)
{
	int rc = cxlring_next(t->ring, v, wait == WAIT_REPLY ? -1 : 0);

	if (rc || v->type != CXLRING_ARRAY)
		return rc;
	t->tree = cxlring_copy(v); /* RESP of any type */
	if (!t->tree)
		return -EPROTO;
	*v = (struct cxlring_view){.type = t->tree->type, .integer = t->tree->integer,
		.data = t->tree->str, .len = t->tree->len};
	return 0;
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static int next_socket(struct target *t, struct cxlring_view *v, enum target_wait wait)
{
	void *r = NULL;

	if (redisGetReplyFromReader(t->socket, &r) != REDIS_OK)
		return -EIO;
	while (!r) {
		if (wait == WAIT_NOT || (wait == WAIT_LOOK && !readable(t->socket->fd)))
			return -EAGAIN;
		if (redisBufferRead(t->socket) != REDIS_OK ||
			redisGetReplyFromReader(t->socket, &r) != REDIS_OK)
			return -EIO;
	}
	t->reply = r;
	*v = (struct cxlring_view){.type = t->reply->type, .integer = t->reply->integer,
		.data = t->reply->str, .len = t->reply->str ? t->reply->len : 0};
	return 0;
}

int target_next(struct target *t, struct cxlring_view *v, enum target_wait wait)
{
	drop_reply(t);
	return t->ring ? next_ring(t, v, wait) : next_socket(t, v, wait);
}

size_t target_elements(const struct target *t)
{
	return t->tree ? t->tree->elements : t->reply ? t->reply->elements : 0;
}

void target_element(const struct target *t, size_t i, const char **s, size_t *len)
{
	if (t->tree) {
		*s = t->tree->element[i]->str;
		*len = t->tree->element[i]->len;
	} else {
		*s = t->reply->element[i]->str;
		*len = t->reply->element[i]->len;
	}
}

int target_fd(const struct target *t)
{
	return t->ring ? -1 : t->socket->fd;
}

const char *target_why(const struct target *t)
{
	return t->ring ? cxlring_why(t->ring) : t->socket->errstr;
}

void target_cost(const struct target *t, struct cxlring_cost *cost)
{
	if (t->ring)
		cxlring_cost(t->ring, cost);
	else
		memset(cost, 0, sizeof *cost);
}
