/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_text.c - enc_text: UTF-8 bytes, compared as bytes (collation "C").
 *
 * Positions and lengths count characters, as PostgreSQL's do in a UTF-8 database; case
 * is changed in ASCII only, as its collation "C" does. Invalid UTF-8 cannot come out of
 * PostgreSQL; here it is merely counted a byte at a time.
 */
#include "kernel_text.h"

#include "kernel_fixed.h"

COMPARE(enc_text, struct span, s, span_order)
EXTREMES_OF(enc_text, struct span, s, span_order)
UNARY_OF(hash_enc_text, int64_t, i8, struct span, s, r = span_hash(ev, HASH_TEXT, a))

KERNEL(text_concat)
{
	span_concat(ROW_TEXT_LONG, ev, op, out, in, n);
}

struct span text_slice(struct span s, int64_t from, int64_t to)
{
	const uint8_t *p = s.p, *end = s.p + s.len, *start;
	int64_t at = 1;

	if (from < 1)
		from = 1;
	for (; p < end && at < from; at++)
		p += char_len(p, end);
	start = p;
	for (; p < end && at < to; at++)
		p += char_len(p, end);
	return (struct span){start, (uint32_t)(p - start)};
}

KERNEL(text_substring)
{
	span_substring(text_slice, ev, op, out, in, n);
}

KERNEL(text_substring_from)
{
	span_substring_from(text_slice, ev, op, out, in, n);
}

int32_t text_chars(struct span s)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	int32_t count = 0;

	for (; p < end; count++)
		p += char_len(p, end);
	return count;
}

UNARY_OF(text_length, int32_t, i4, struct span, s, r = text_chars(a))

static void change_case(struct eval *ev, struct vec *out, const struct vec *in, uint32_t n,
	uint8_t first, int by)
{
	uint32_t i, k;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		uint8_t *p = eval_alloc(ev, s.len);

		if (!p)
			return;
		for (k = 0; k < s.len; k++)
			p[k] = (uint8_t)(s.p[k] - first) < 26 ? (uint8_t)(s.p[k] + by) : s.p[k];
		out->s[i].p = p;
		out->s[i].len = s.len;
	}
}

KERNEL(text_lower)
{
	change_case(ev, out, in, n, 'A', 'a' - 'A');
}

KERNEL(text_upper)
{
	change_case(ev, out, in, n, 'a', 'A' - 'a');
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal integer with optional sign and blanks around it. 0, or the state to give.
 * As in PostgreSQL, a number that is too long is out of range whatever follows it, but
 * the least value without its sign is so only when nothing does. */
static uint8_t parse_int(struct span s, int64_t *v, int64_t min, int64_t max,
	uint8_t syntax, uint8_t range)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	bool negative = false, over = false;
	int64_t r = 0;

	while (p < end && is_space(*p))
		p++;
	if (p < end && (*p == '-' || *p == '+'))
		negative = *p++ == '-';
	if (p == end || *p < '0' || *p > '9')
		return syntax;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		over |= __builtin_mul_overflow(r, 10, &r) ||
			__builtin_sub_overflow(r, *p - '0', &r);
	if (over || r < min)
		return range;
	while (p < end && is_space(*p))
		p++;
	if (p < end)
		return syntax;
	if (!negative && r < -max)
		return range;
	*v = negative ? r : -r;
	return 0;
}

KERNEL(text_to_int4)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t v = 0;
		uint8_t bad = parse_int(in->s[ROW(in, i)], &v, INT32_MIN, INT32_MAX,
			ROW_INT4_SYNTAX, ROW_INT4_RANGE);

		if (bad)
			row_fail(out, i, bad);
		out->i4[i] = (int32_t)v;
	}
}

KERNEL(text_to_int8)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t v = 0;
		uint8_t bad = parse_int(in->s[ROW(in, i)], &v, INT64_MIN, INT64_MAX,
			ROW_INT8_SYNTAX, ROW_INT8_RANGE);

		if (bad)
			row_fail(out, i, bad);
		out->i8[i] = v;
	}
}
