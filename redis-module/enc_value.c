/* SPDX-License-Identifier: BSD-3-Clause */
#include "enc_value.h"

#include <string.h>

#include <sodium.h>

#include "keyapi.h"
#include "mget.h"
#include "value.h"

uint8_t enc_value_type(struct zone_bytes v, const char **why)
{
	struct value_header h;
	const char *none;
	uint32_t size;

	if (!why)
		why = &none;
	*why = "ERR not an encrypted value";
	if (!v.p || value_header_parse(v.p, v.len, &h) != 0)
		return 0;
	*why = "ERR an encrypted value of no known type";
	if (!optable_is_secret(h.type) || !optable_type(h.type).name)
		return 0;
	size = optable_size(h.type);
	*why = "ERR an encrypted value with the wrong length for its type";
	return size && v.len != value_size(size) ? 0 : h.type;
}

/* The first letter of a value in base64, of the lowest type; those of others follow. */
enum { FIRST = 'g' };
_Static_assert(VALUE_FORMAT == 2, "'g' is letter 2 << 4 of base64");

static bool from_text(const char *p, size_t len, struct zone_bytes *v, uint8_t **owned)
{
	size_t room = len / 4 * 3 + 3;
	uint8_t *bytes;

	/* The first six bits are the format and a part of the type. */
	if (len == 0 || p[0] < FIRST || p[0] > FIRST + VALUE_KIND_MAX / 4)
		return false;
	bytes = RedisModule_TryAlloc(room);
	if (bytes && sodium_base642bin(bytes, room, p, len, NULL, &v->len, NULL,
					 sodium_base64_VARIANT_ORIGINAL) == 0) {
		v->p = *owned = bytes;
		return true;
	}
	RedisModule_Free(bytes);
	return false;
}

uint8_t enc_value_take(
	RedisModuleString *arg, struct zone_bytes *v, uint8_t **owned, const char **why)
{
	size_t len;
	const char *p = RedisModule_StringPtrLen(arg, &len);
	uint8_t type;

	*owned = NULL;
	if (from_text(p, len, v, owned)) {
		type = enc_value_type(*v, why);
		if (type)
			return type;
		RedisModule_Free(*owned);
		*owned = NULL;
	}
	v->p = (const uint8_t *)p;
	v->len = len;
	return enc_value_type(*v, why);
}

char *enc_value_text(struct zone_bytes v, size_t *len)
{
	size_t room = sodium_base64_encoded_len(v.len, sodium_base64_VARIANT_ORIGINAL);
	char *text = RedisModule_Alloc(room);

	sodium_bin2base64(text, room, v.p, v.len, sodium_base64_VARIANT_ORIGINAL);
	*len = room - 1;
	return text;
}

static const char *take_values(
	RedisModuleCtx *ctx, RedisModuleString **keys, const char *resp, struct enc_read *r)
{
	struct mget m = mget_begin(resp);
	const char *why;
	size_t i;

	for (i = 0; i < r->n; i++) {
		r->v[i].p = (const uint8_t *)mget_next(&m, &r->v[i].len);
		if (r->v[i].p && !enc_value_type(r->v[i], &why))
			return why;
		if (!r->v[i].p && keyapi_exists(ctx, keys[i]))
			return session_wrong_type;
	}
	return NULL;
}

const char *enc_read(RedisModuleCtx *ctx, RedisModuleString **keys, size_t n,
	struct enc_read *r)
{
	const char *resp, *why;
	size_t len;

	r->n = n;
	r->v = RedisModule_Calloc(n, sizeof *r->v);
	r->reply = RedisModule_Call(ctx, "MGET", "v", keys, n);
	resp = r->reply ? RedisModule_CallReplyProto(r->reply, &len) : "-";
	why = *resp == '*' ? take_values(ctx, keys, resp, r)
					   : "ERR the values cannot be read: MGET is refused here";
	if (why)
		enc_read_done(r);
	return why;
}

void enc_read_done(struct enc_read *r)
{
	if (r->reply)
		RedisModule_FreeCallReply(r->reply);
	RedisModule_Free(r->v);
	r->reply = NULL;
	r->v = NULL;
}

bool enc_same(const struct zone_bytes *v, const struct zone_column *c)
{
	return v->p && v->len == c->bytes && memcmp(v->p, c->data, v->len) == 0;
}
