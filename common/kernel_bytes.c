/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_bytes.c - enc_bytea and enc_uuid: bytes, compared as such.
 */
#include "kernel_fixed.h"
#include "kernel_span.h"

/* ---- order and hash ---- */

static inline int order16(struct bytes16 a, struct bytes16 b)
{
	return memcmp(a.b, b.b, sizeof a.b);
}

COMPARE(enc_bytea, struct span, s, span_order)
COMPARE(enc_uuid, struct bytes16, b16, order16)

UNARY_OF(hash_enc_bytea, int64_t, i8, struct span, s, r = span_hash(ev, HASH_BYTES, a))
UNARY_OF(hash_enc_uuid, int64_t, i8, struct bytes16, b16,
	r = span_hash(ev, HASH_UUID, (struct span){a.b, sizeof a.b}))

/* ---- functions ---- */

UNARY_OF(bytes_length, int32_t, i4, struct span, s, r = (int32_t)a.len)

KERNEL(bytes_concat)
{
	span_concat(ROW_BYTES_LONG, ev, op, out, in, n);
}

/* in[1] is the result so far, NULL at first: the rows of in[0] go behind it. */
KERNEL(bytes_join)
{
	bool more = in[1].state[0] == ROW_VALUE;
	uint64_t len = more ? in[1].s[0].len : 0;
	uint8_t *p, *at;
	uint32_t i;

	if (in[1].state[0] > ROW_NULL)
		row_fail(out, 0, in[1].state[0]);
	EACH_VALUE(in, out, n, i)
		len += in->s[i].len;
	if (out->state[0])
		return;
	if (len > VARLENA_MAX) {
		row_fail(out, 0, op->result == T_TEXT ? ROW_TEXT_LONG : ROW_BYTES_LONG);
		return;
	}
	p = at = eval_alloc(ev, len + 1);
	if (!p)
		return;
	if (more && in[1].s[0].len)
		at = (uint8_t *)mempcpy(at, in[1].s[0].p, in[1].s[0].len);
	EACH_VALUE(in, out, n, i)
		if (in->s[i].len)
			at = (uint8_t *)mempcpy(at, in->s[i].p, in->s[i].len);
	out->s[0] = (struct span){p, (uint32_t)len};
}

/* Bytes from .. to (counted from 1, `to` not included) of s. */
static struct span slice(struct span s, int64_t from, int64_t to)
{
	if (from < 1)
		from = 1;
	if (to > (int64_t)s.len + 1)
		to = (int64_t)s.len + 1;
	return from < to ? (struct span){s.p + (from - 1), (uint32_t)(to - from)}
					 : (struct span){s.p, 0};
}

KERNEL(bytes_substring)
{
	span_substring(slice, ev, op, out, in, n);
}

KERNEL(bytes_substring_from)
{
	span_substring_from(slice, ev, op, out, in, n);
}

/* Where b begins in a, from 1; 0 when nowhere. */
static int32_t position(struct span a, struct span b)
{
	const uint8_t *at = b.len ? memmem(a.p, a.len, b.p, b.len) : a.p;

	return b.len == 0 ? 1 : at ? (int32_t)(at - a.p) + 1 : 0;
}

BINARY_OF(bytes_position, int32_t, i4, struct span, s, struct span, s, r = position(a, b))

BINARY_OF(bytes_get, int32_t, i4, struct span, s, int32_t, i4,
	if (b < 0 || (uint32_t)b >= a.len) fail = ROW_BYTE_INDEX; else r = a.p[b])

/* ---- uuid as text ---- */

static const char hex[] = "0123456789abcdef";

KERNEL(uuid_to_text)
{
	enum { LEN = 36 };
	uint32_t i, k;

	EACH_ROW(out, n, i)
	{
		const uint8_t *v = in->b16[ROW(in, i)].b;
		uint8_t *p = eval_alloc(ev, LEN), *at = p;

		if (!p)
			return;
		for (k = 0; k < 16; k++) {
			if (k == 4 || k == 6 || k == 8 || k == 10)
				*at++ = '-';
			*at++ = (uint8_t)hex[v[k] >> 4];
			*at++ = (uint8_t)hex[v[k] & 15];
		}
		out->s[i] = (struct span){p, LEN};
	}
}

static int digit(uint8_t c)
{
	const char *at = c ? memchr(hex, c >= 'A' && c <= 'F' ? c + 32 : c, 16) : NULL;

	return at ? (int)(at - hex) : -1;
}

/* 32 digits, perhaps in braces, perhaps with a hyphen after each group of four. */
static bool parse_uuid(struct span s, struct bytes16 *v)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	bool braces = s.len && *p == '{';
	int i;

	p += braces;
	for (i = 0; i < 16; i++) {
		if (end - p < 2 || digit(p[0]) < 0 || digit(p[1]) < 0)
			return false;
		v->b[i] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
		p += 2;
		if (p < end && *p == '-' && i % 2 == 1 && i < 15)
			p++;
	}
	if (braces)
		return end - p == 1 && *p == '}';
	return p == end;
}

KERNEL(text_to_uuid)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		if (!parse_uuid(in->s[ROW(in, i)], &out->b16[i]))
			row_fail(out, i, ROW_UUID_SYNTAX);
}
