/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_bytes.c - enc_bytea and enc_uuid: bytes, compared as such.
 */
#include "kernel_fixed.h"

#include <string.h>

enum {
	BYTES_MAX = 0x3fffffff - 4, /* what a varlena can hold */
	WORK_BYTES = 1 << 20,       /* compared between two questions whether it is wanted */
};

/* ---- order and hash ---- */

static int order(struct span a, struct span b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline int order16(struct bytes16 a, struct bytes16 b)
{
	return memcmp(a.b, b.b, sizeof a.b);
}

COMPARE(enc_bytea, struct span, s, order)
COMPARE(enc_uuid, struct bytes16, b16, order16)

static int64_t hash(struct eval *ev, uint8_t family, struct span s)
{
	uint8_t *p = eval_alloc(ev, (size_t)s.len + 1);

	if (!p)
		return 0;
	p[0] = family;
	if (s.len)
		memcpy(p + 1, s.p, s.len);
	return (int64_t)eval_hash(ev, p, (size_t)s.len + 1);
}

UNARY_OF(hash_enc_bytea, int64_t, i8, struct span, s, r = hash(ev, HASH_BYTES, a))
UNARY_OF(hash_enc_uuid, int64_t, i8, struct bytes16, b16,
	r = hash(ev, HASH_UUID, (struct span){a.b, sizeof a.b}))

/* ---- functions ---- */

UNARY_OF(bytes_length, int32_t, i4, struct span, s, r = (int32_t)a.len)

KERNEL(bytes_concat)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span a = in[0].s[ROW(&in[0], i)], b = in[1].s[ROW(&in[1], i)];
		uint64_t len = (uint64_t)a.len + b.len;
		uint8_t *p = len > BYTES_MAX ? NULL : eval_alloc(ev, len);

		if (len > BYTES_MAX)
			row_fail(out, i, ROW_BYTES_LONG);
		if (!p)
			continue;
		if (a.len)
			memcpy(p, a.p, a.len);
		if (b.len)
			memcpy(p + a.len, b.p, b.len);
		out->s[i] = (struct span){p, (uint32_t)len};
	}
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
	if (len > BYTES_MAX) {
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
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t from = in[1].i4[ROW(&in[1], i)], len = in[2].i4[ROW(&in[2], i)];

		if (len < 0)
			row_fail(out, i, ROW_SUBSTRING);
		else
			out->s[i] = slice(in[0].s[ROW(&in[0], i)], from, from + len);
	}
}

KERNEL(bytes_substring_from)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->s[i] =
			slice(in[0].s[ROW(&in[0], i)], in[1].i4[ROW(&in[1], i)], INT64_MAX);
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

/* As in kernel_text.c, with a byte for a character. 1 yes, 0 no, or an error (negated). */
static int like(struct eval *ev, struct span text, struct span pattern)
{
	const uint8_t *t = text.p, *tend = t + text.len;
	const uint8_t *p = pattern.p, *pend = p + pattern.len;
	const uint8_t *back_t = NULL, *back_p = NULL;
	uint64_t work = 0;

	for (;;) {
		const uint8_t *lit = p;

		if (p < pend && *p == '%') {
			back_p = ++p;
			back_t = t;
			continue;
		}
		if (t == tend)
			break;
		if (p < pend && *p == '\\' && ++lit == pend)
			return -ROW_LIKE_ESCAPE;
		if (p < pend && ((*p == '_') || *lit == *t)) {
			p = lit + 1;
			t++;
			continue;
		}
		if (!back_p)
			return 0;
		work += (uint64_t)(t - back_t) + 1;
		if (work > WORK_BYTES && !eval_wanted(ev))
			return -ROW_GIVEN_UP;
		if (work > WORK_BYTES)
			work = 0;
		t = ++back_t;
		p = back_p;
	}
	while (p < pend && *p == '%')
		p++;
	return p == pend;
}

BINARY_OF(bytes_like, uint8_t, b, struct span, s, struct span, s, int m = like(ev, a, b);
	if (m < 0) fail = (uint8_t)-m; else r = (uint8_t)m)
BINARY_OF(bytes_notlike, uint8_t, b, struct span, s, struct span, s, int m = like(ev, a, b);
	if (m < 0) fail = (uint8_t)-m; else r = !m)

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
