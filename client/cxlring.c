/* SPDX-License-Identifier: BSD-3-Clause */
#include "cxlring.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "resp.h"
#include "words.h"

#define SAME(a, b) _Static_assert((int)(a) == (int)(b), "SET's flags are the wire's")
SAME(CXLRING_NX | CXLRING_XX << 8, KV_SET_NX | KV_SET_XX << 8);
SAME(CXLRING_GET | CXLRING_KEEPTTL << 8, KV_SET_GET | KV_SET_KEEPTTL << 8);
SAME(CXLRING_EX | CXLRING_PX << 8, KV_SET_EX | KV_SET_PX << 8);
SAME(CXLRING_EXAT | CXLRING_PXAT << 8, KV_SET_EXAT | KV_SET_PXAT << 8);

enum { LEN_MAX = 1 << 30 };

/* ---- requests ---- */

/* The bytes of a request that has at most one key. */
struct ask {
	enum kv_request verb;
	struct kv_header h;
	struct part v[3];
	int n;
};

static int put(struct cxlring *c, const struct ask *a)
{
	int rc, i;

	for (i = 0; i < a->n; i++)
		if (a->v[i].len > LEN_MAX)
			return conn_fail(c, -EMSGSIZE, "a key or value of %zu bytes", a->v[i].len);
	if (c->streams)
		return conn_fail(c, -EBUSY, "the connection is a stream");
	rc = conn_ready(c);
	if (rc == 0)
		rc = conn_put(c, a->verb, a->h, a->v, a->n);
	return rc;
}

static struct ask ask_get(const void *key, size_t len)
{
	return (struct ask){KV_GET, {.n = (uint32_t)len}, {{key, len}}, 1};
}

static struct ask ask_ping(void)
{
	return (struct ask){.verb = KV_PING};
}

static struct ask ask_set(const void *key, size_t key_len, const void *value,
	size_t value_len, unsigned flags, const int64_t *time)
{
	struct ask a = {KV_SET, {.opt = (uint16_t)flags, .n = (uint32_t)key_len},
		{{time, flags & KV_SET_TIME ? sizeof *time : 0}, {key, key_len},
			{value, value_len}},
		3};

	return a;
}

static struct ask ask_incrby(const void *key, size_t len, const int64_t *by)
{
	return (struct ask){
		KV_INCRBY, {.n = (uint32_t)len}, {{by, sizeof *by}, {key, len}}, 2};
}

/* DEL or EXISTS of one key; `len` lives as long as the call. */
static struct ask ask_key(enum kv_request verb, const void *key, const uint32_t *len)
{
	return (struct ask){verb, {.n = 1}, {{len, sizeof *len}, {key, *len}}, 2};
}

/* Many strings, each behind its length. */
static int put_strings(struct cxlring *c, enum kv_request verb, uint16_t opt, size_t n,
	const char *const v[], const size_t lens[])
{
	struct part some[32], *parts = some;
	uint32_t few[16], *len = few;
	size_t i;
	int rc = c->streams ? conn_fail(c, -EBUSY, "the connection is a stream") : conn_ready(c);

	if (n == 0 || n > 1 << 20)
		return conn_fail(c, -EINVAL, "%zu arguments", n);
	if (rc)
		return rc;
	if (n > 16) {
		parts = malloc(n * 2 * sizeof *parts);
		len = malloc(n * sizeof *len);
	}
	for (i = 0; parts && len && i < n; i++) {
		size_t l = lens ? lens[i] : strlen(v[i]);

		if (l > LEN_MAX) {
			rc = conn_fail(c, -EMSGSIZE, "an argument of %zu bytes", l);
			goto out;
		}
		len[i] = (uint32_t)l;
		parts[2 * i] = (struct part){&len[i], sizeof *len};
		parts[2 * i + 1] = (struct part){v[i], l};
	}
	rc = parts && len ? conn_put(c, verb, (struct kv_header){.opt = opt, .n = (uint32_t)n},
							parts, (int)n * 2)
					  : -ENOMEM;
out:
	if (n > 16) {
		free(parts);
		free(len);
	}
	return rc;
}

static int bad_format(struct cxlring *c, int rc, const char *fmt)
{
	return conn_fail(c, rc, rc == -ENOMEM ? "no memory for a command: %.100s"
										  : "a format that is none: %.100s", fmt);
}

/* ---- pipelined ---- */

int cxlring_append_ping(struct cxlring *c)
{
	struct ask a = ask_ping();

	return put(c, &a);
}

int cxlring_append_get(struct cxlring *c, const void *key, size_t key_len)
{
	struct ask a = ask_get(key, key_len);

	return put(c, &a);
}

int cxlring_append_set(struct cxlring *c, const void *key, size_t key_len,
	const void *value, size_t value_len, unsigned flags, int64_t time)
{
	struct ask a = ask_set(key, key_len, value, value_len, flags, &time);

	return put(c, &a);
}

int cxlring_append_incrby(struct cxlring *c, const void *key, size_t key_len, int64_t by)
{
	struct ask a = ask_incrby(key, key_len, &by);

	return put(c, &a);
}

int cxlring_append_del(struct cxlring *c, const void *key, size_t key_len)
{
	uint32_t len = (uint32_t)key_len;
	struct ask a = ask_key(KV_DEL, key, &len);

	return put(c, &a);
}

int cxlring_append_exists(struct cxlring *c, const void *key, size_t key_len)
{
	uint32_t len = (uint32_t)key_len;
	struct ask a = ask_key(KV_EXISTS, key, &len);

	return put(c, &a);
}

int cxlring_append_call(struct cxlring *c, size_t argc, const char *const argv[],
	const size_t lens[], unsigned flags)
{
	return put_strings(c, KV_CALL, flags & CXLRING_RESP3 ? KV_CALL_RESP3 : 0, argc, argv,
		lens);
}

int cxlring_append_vcommand(struct cxlring *c, const char *fmt, va_list ap)
{
	struct words w;
	int rc = words_format(&w, fmt, ap);

	if (rc)
		return bad_format(c, rc, fmt);
	rc = cxlring_append_call(c, w.n, w.v, w.lens, 0);
	words_free(&w);
	return rc;
}

int cxlring_append_command(struct cxlring *c, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = cxlring_append_vcommand(c, fmt, ap);
	va_end(ap);
	return rc;
}

int cxlring_next(struct cxlring *c, struct cxlring_view *v, int timeout_ms)
{
	const uint8_t *data;
	uint64_t len;
	uint8_t kind;
	int rc = conn_take(
		c, &kind, &data, &len, timeout_ms < 0 ? c->options.timeout_ms : timeout_ms);

	if (rc)
		return rc;
	*v = (struct cxlring_view){.data = (const char *)data, .len = len};
	switch (kind) {
	case KV_OK:
		v->type = CXLRING_STATUS;
		v->data = "OK";
		v->len = 2;
		break;
	case KV_PONG:
		v->type = CXLRING_STATUS;
		v->data = "PONG";
		v->len = 4;
		break;
	case KV_NIL:
		v->type = CXLRING_NIL;
		break;
	case KV_VALUE:
		v->type = CXLRING_STRING;
		break;
	case KV_INT:
		v->type = CXLRING_INTEGER;
		memcpy(&v->integer, data, len < sizeof v->integer ? len : sizeof v->integer);
		break;
	case KV_ERROR:
		v->type = CXLRING_ERROR;
		break;
	case KV_RESP:
		v->type = CXLRING_ARRAY;
		break;
	default:
		return conn_fail(c, -EPROTO, "a reply of unknown kind %u", kind);
	}
	return 0;
}

struct cxlring_reply *cxlring_copy(const struct cxlring_view *v)
{
	struct cxlring_reply *r;

	if (v->type == CXLRING_ARRAY)
		return resp_parse(v->data, v->len);
	if (v->type == CXLRING_NIL || v->type == CXLRING_INTEGER) {
		r = reply_new(v->type, NULL, 0);
		if (r)
			r->integer = v->integer;
		return r;
	}
	return reply_new(v->type, v->data, v->len);
}

int cxlring_select(struct cxlring *c, int db)
{
	if (db < 0 || db > UINT16_MAX)
		return conn_fail(c, -EINVAL, "no database %d", db);
	c->options.db = db;
	return 0;
}

/* ---- blocking ---- */

static int free_to_block(struct cxlring *c)
{
	if (c->asked == c->answered)
		return 0;
	return conn_fail(c, -EBUSY, "%zu pipelined requests are outstanding",
		cxlring_outstanding(c));
}

/* The reply to what was just put. A request given up is dropped when it is answered. */
static int await(struct cxlring *c, int rc, struct cxlring_reply **r)
{
	struct cxlring_view v;

	*r = NULL;
	if (rc == 0)
		rc = cxlring_next(c, &v, -1);
	if (rc == -ETIMEDOUT)
		c->answered = c->dropped = c->asked;
	if (rc)
		return rc;
	*r = cxlring_copy(&v);
	return *r ? 0 : conn_fail(c, -EPROTO, "the reply is not RESP");
}

/* put(), waiting for room. */
static int put_patiently(struct cxlring *c, const struct ask *a)
{
	uint64_t since = 0;
	int rc;

	while ((rc = put(c, a)) == -EAGAIN && (rc = conn_drain(c, &since)) == 0)
		;
	return rc;
}

/* `again`: it changes nothing, so it may be sent to the server's successor as well. */
static int run(struct cxlring *c, const struct ask *a, bool again, struct cxlring_reply **r)
{
	int rc = free_to_block(c), tries;

	*r = NULL;
	for (tries = 0; rc == 0 && tries < (again ? 3 : 1); tries++) {
		rc = await(c, put_patiently(c, a), r);
		if (rc != -ECONNRESET)
			break;
		if (again && tries < 2)
			rc = 0;
	}
	return rc == -EAGAIN ? conn_fail(c, -ETIMEDOUT, "the server takes no requests") : rc;
}

int cxlring_ping(struct cxlring *c, struct cxlring_reply **r)
{
	struct ask a = ask_ping();

	return run(c, &a, true, r);
}

int cxlring_get(
	struct cxlring *c, const void *key, size_t key_len, struct cxlring_reply **r)
{
	struct ask a = ask_get(key, key_len);

	return run(c, &a, true, r);
}

int cxlring_set(struct cxlring *c, const void *key, size_t key_len, const void *value,
	size_t value_len, unsigned flags, int64_t time, struct cxlring_reply **r)
{
	struct ask a = ask_set(key, key_len, value, value_len, flags, &time);

	return run(c, &a, false, r);
}

int cxlring_incrby(struct cxlring *c, const void *key, size_t key_len, int64_t by,
	struct cxlring_reply **r)
{
	struct ask a = ask_incrby(key, key_len, &by);

	return run(c, &a, false, r);
}

static int run_strings(struct cxlring *c, enum kv_request verb, uint16_t opt, size_t n,
	const char *const v[], const size_t lens[], struct cxlring_reply **r)
{
	uint64_t since = 0;
	int rc = free_to_block(c);

	*r = NULL;
	if (rc)
		return rc;
	while ((rc = put_strings(c, verb, opt, n, v, lens)) == -EAGAIN &&
		   (rc = conn_drain(c, &since)) == 0)
		;
	rc = await(c, rc, r);
	return rc == -EAGAIN ? conn_fail(c, -ETIMEDOUT, "the server takes no requests") : rc;
}

int cxlring_del(struct cxlring *c, size_t n, const char *const keys[], const size_t lens[],
	struct cxlring_reply **r)
{
	return run_strings(c, KV_DEL, 0, n, keys, lens, r);
}

int cxlring_exists(struct cxlring *c, size_t n, const char *const keys[],
	const size_t lens[], struct cxlring_reply **r)
{
	int rc = run_strings(c, KV_EXISTS, 0, n, keys, lens, r);

	return rc == -ECONNRESET ? run_strings(c, KV_EXISTS, 0, n, keys, lens, r) : rc;
}

int cxlring_call(struct cxlring *c, size_t argc, const char *const argv[],
	const size_t lens[], unsigned flags, struct cxlring_reply **r)
{
	return run_strings(
		c, KV_CALL, flags & CXLRING_RESP3 ? KV_CALL_RESP3 : 0, argc, argv, lens, r);
}

int cxlring_vcommand(
	struct cxlring *c, struct cxlring_reply **r, const char *fmt, va_list ap)
{
	struct words w;
	int rc = words_format(&w, fmt, ap);

	*r = NULL;
	if (rc)
		return bad_format(c, rc, fmt);
	rc = cxlring_call(c, w.n, w.v, w.lens, 0, r);
	words_free(&w);
	return rc;
}

int cxlring_command(struct cxlring *c, struct cxlring_reply **r, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = cxlring_vcommand(c, r, fmt, ap);
	va_end(ap);
	return rc;
}

int cxlring_auth(
	struct cxlring *c, const char *user, const char *password, struct cxlring_reply **r)
{
	struct ask a = {KV_AUTH, {.n = user ? (uint32_t)strlen(user) : 0},
		{{user, user ? strlen(user) : 0}, {password, strlen(password)}}, 2};

	return run(c, &a, false, r);
}
