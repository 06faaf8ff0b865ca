/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvrequest.h"

const char *kvrequest_name(uint8_t kind)
{
	static const char *const names[] = {[KV_PING] = "ping", [KV_GET] = "get",
		[KV_SET] = "set", [KV_DEL] = "del", [KV_EXISTS] = "exists", [KV_INCRBY] = "incrby",
		[KV_CALL] = "call", [KV_AUTH] = "auth", [KV_STREAM] = "stream"};

	return kind && kind < sizeof names / sizeof *names ? names[kind] : "?";
}

/* The fixed part of the body: a number for some, then n bytes of key or the like. */
static void read_key(struct kvrequest *q, uint32_t n, bool number)
{
	if (number)
		q->number = (int64_t)cursor_u64(&q->rest);
	q->key = cursor_bytes(&q->rest, n);
	q->key_len = n;
}

static void read_value(struct kvrequest *q)
{
	q->value_len = q->rest.left;
	q->value = cursor_bytes(&q->rest, q->value_len);
}

/* Each string takes four bytes at least: the message's length bounds how many are due. */
static void read_strings(struct kvrequest *q, uint32_t n)
{
	q->nstrings = n;
	if (n == 0 || n > KVREQUEST_STRINGS_MAX || n > q->rest.left / 4)
		q->rest.bad = true;
}

int kvrequest_read(struct kvrequest *q, uint8_t kind, const uint8_t *data, uint64_t len)
{
	static const uint16_t opts[KV_AUTH + 1] = {
		[KV_SET] = KV_SET_ALL, [KV_CALL] = KV_CALL_RESP3};
	uint32_t n;

	*q = (struct kvrequest){.verb = kind, .rest = cursor_of(data, len)};
	q->db = cursor_u16(&q->rest);
	q->opt = cursor_u16(&q->rest);
	n = cursor_u32(&q->rest);
	if (q->rest.bad || n > KVREQUEST_KEY_MAX || kind > KV_AUTH || q->opt & ~opts[kind])
		return -EPROTO;
	switch (kind) {
	case KV_PING:
	case KV_GET:
		read_key(q, n, false);
		break;
	case KV_INCRBY:
		read_key(q, n, true);
		break;
	case KV_SET:
		read_key(q, n, q->opt & KV_SET_TIME);
		read_value(q);
		break;
	case KV_AUTH:
		read_key(q, n, false);
		read_value(q);
		break;
	case KV_DEL:
	case KV_EXISTS:
	case KV_CALL:
		read_strings(q, n);
		return q->rest.bad ? -EPROTO : 0;
	default:
		return -EPROTO;
	}
	return q->rest.bad || q->rest.left ? -EPROTO : 0;
}

const uint8_t *kvrequest_string(struct kvrequest *q, uint32_t *len)
{
	const uint8_t *p;

	if (q->nstrings == 0)
		return NULL;
	q->nstrings--;
	*len = cursor_u32(&q->rest);
	p = cursor_bytes(&q->rest, *len);
	return q->rest.bad || (q->nstrings == 0 && q->rest.left) ? NULL : p;
}
