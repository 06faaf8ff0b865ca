/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

struct target {
	struct cxlring *ring;
	redisContext *socket;
	redisReply *reply; /* the last one given out */
};

static redisContext *connect_socket(const struct target_options *o)
{
	struct timeval t = {5, 0};

	if (o->kind == TARGET_UNIX)
		return redisConnectUnixWithTimeout(o->socket, t);
	return redisConnectWithTimeout(o->host, o->port, t);
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
		if (t->socket && !t->socket->err)
			return t;
		snprintf(why, len, "%s", t->socket ? t->socket->errstr : "no memory");
		if (t->socket)
			redisFree(t->socket);
	}
	free(t);
	return NULL;
}

void target_close(struct target *t)
{
	cxlring_close(t->ring);
	if (t->reply)
		freeReplyObject(t->reply);
	if (t->socket)
		redisFree(t->socket);
	free(t);
}

static int append_ring(struct cxlring *c, enum op op, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	switch (op) {
	case OP_SET:
		return cxlring_append_set(c, key, key_len, value, value_len, 0, 0);
	case OP_GET:
		return cxlring_append_get(c, key, key_len);
	case OP_INCR:
		return cxlring_append_incrby(c, key, key_len, 1);
	case OP_DEL:
		return cxlring_append_del(c, key, key_len);
	case OP_EXISTS:
		return cxlring_append_exists(c, key, key_len);
	default:
		return cxlring_append_ping(c);
	}
}

int target_append(struct target *t, enum op op, const char *key, size_t key_len,
	const char *value, size_t value_len)
{
	static const char *const names[OPS] = {"PING", "SET", "GET", "INCR", "DEL", "EXISTS"};
	const char *argv[3] = {names[op], key, value};
	size_t lens[3] = {strlen(names[op]), key_len, value_len};

	if (t->ring)
		return append_ring(t->ring, op, key, key_len, value, value_len);
	return redisAppendCommandArgv(t->socket,
			   op == OP_PING  ? 1
			   : op == OP_SET ? 3
							  : 2,
			   argv, lens) == REDIS_OK
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

static int next_socket(struct target *t, struct cxlring_view *v)
{
	void *r;

	if (t->reply)
		freeReplyObject(t->reply);
	t->reply = NULL;
	if (redisGetReply(t->socket, &r) != REDIS_OK)
		return -EIO;
	t->reply = r;
	*v = (struct cxlring_view){.type = t->reply->type, .integer = t->reply->integer,
		.data = t->reply->str, .len = t->reply->str ? (size_t)t->reply->len : 0};
	return 0;
}

int target_next(struct target *t, struct cxlring_view *v, bool wait)
{
	return t->ring ? cxlring_next(t->ring, v, wait ? -1 : 0) : next_socket(t, v);
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
