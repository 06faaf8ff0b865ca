/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_text.c - enc_text: UTF-8 bytes, compared as bytes (collation "C").
 *
 * Positions and lengths count characters, as PostgreSQL's do in a UTF-8 database; case
 * is changed in ASCII only, as its collation "C" does. Invalid UTF-8 cannot come out of
 * PostgreSQL; here it is merely counted a byte at a time.
 */
#include "kernel_text.h"

#include <string.h>

static inline uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int span_cmp(struct span a, struct span b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c == 0)
		c = (a.len > b.len) - (a.len < b.len);
	return (c > 0) - (c < 0);
}

KERNEL(cmp_enc_text)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		row_ordered(op, out, i,
			span_cmp(in[0].s[ROW(&in[0], i)], in[1].s[ROW(&in[1], i)]));
}

KERNEL(hash_enc_text)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];
		uint8_t *p = eval_alloc(ev, (size_t)s.len + 1);

		if (!p)
			return;
		p[0] = HASH_TEXT;
		if (s.len)
			memcpy(p + 1, s.p, s.len);
		out->i8[i] = (int64_t)eval_hash(ev, p, (size_t)s.len + 1);
	}
}

KERNEL(extreme_enc_text)
{
	span_extreme(span_cmp, ev, op, out, in, n);
}

KERNEL(choose_enc_text)
{
	span_choose(span_cmp, ev, op, out, in, n);
}

KERNEL(text_concat)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span a = in[0].s[ROW(&in[0], i)], b = in[1].s[ROW(&in[1], i)];
		uint64_t len = (uint64_t)a.len + b.len;
		uint8_t *p;

		if (len > TEXT_MAX) {
			row_fail(out, i, ROW_TEXT_LONG);
			continue;
		}
		p = eval_alloc(ev, len);
		if (!p)
			return;
		if (a.len)
			memcpy(p, a.p, a.len);
		if (b.len)
			memcpy(p + a.len, b.p, b.len);
		out->s[i].p = p;
		out->s[i].len = (uint32_t)len;
	}
}

/*
 * LIKE: % any characters, _ one character, backslash the next one literally. Greedy
 * with one point to go back to: the last %. A match after a later % never needs an
 * earlier one, so that is enough, and the worst case is text times pattern.
 *
 * LIKE_BAD_ESCAPE when the pattern ends in a backslash that the match runs into,
 * LIKE_GIVEN_UP when nobody wants to know any more.
 */
enum { LIKE_NO, LIKE_YES, LIKE_BAD_ESCAPE, LIKE_GIVEN_UP };

static int like(struct eval *ev, struct span text, struct span pattern, bool fold_case)
{
	const uint8_t *t = text.p, *tend = t + text.len;
	const uint8_t *p = pattern.p, *pend = p + pattern.len;
	const uint8_t *back_t = NULL, *back_p = NULL;
	uint64_t work = 0;
	bool wild = false; /* nothing but % and _ since a % that had text before it */

	for (;;) {
		bool same = false;

		if (p < pend && *p == '%') {
			wild |= t < tend;
			back_p = ++p;
			back_t = t;
			continue;
		}
		if (t == tend)
			break;
		if (p < pend && *p == '_') {
			t += char_len(t, tend);
			p++;
			continue;
		}
		if (p < pend) {
			const uint8_t *lit = p;

			if (*lit == '\\' && ++lit == pend)
				return LIKE_BAD_ESCAPE;
			same = fold_case ? fold(*lit) == fold(*t) : *lit == *t;
			if (same) {
				wild = false;
				p = lit + 1;
				t++;
				continue;
			}
		}
		if (!back_p)
			return LIKE_NO;
		work += (uint64_t)(t - back_t) + 1;
		if (work > WORK_BYTES) {
			if (!eval_wanted(ev))
				return LIKE_GIVEN_UP;
			work = 0;
		}
		back_t += char_len(back_t, tend);
		t = back_t;
		p = back_p;
	}
	/* PostgreSQL looks past the wildcards before it notices that the text is over. */
	if (wild && pend - p == 1 && *p == '\\')
		return LIKE_BAD_ESCAPE;
	while (p < pend && *p == '%')
		p++;
	return p == pend ? LIKE_YES : LIKE_NO;
}

static void match(struct eval *ev,
	struct vec *out, const struct vec *in, uint32_t n, bool fold_case, bool negate)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int m = like(
			ev, in[0].s[ROW(&in[0], i)], in[1].s[ROW(&in[1], i)], fold_case);

		if (m == LIKE_BAD_ESCAPE)
			row_fail(out, i, ROW_LIKE_ESCAPE);
		else if (m == LIKE_GIVEN_UP)
			row_fail(out, i, ROW_GIVEN_UP);
		out->b[i] = (m == LIKE_YES) != negate;
	}
}

#define MATCH(name, fold_case, negate)                                                 \
	KERNEL(text_##name)                                                                \
	{                                                                                  \
		match(ev, out, in, n, fold_case, negate);                                      \
	}
MATCH(like, false, false)
MATCH(notlike, false, true)
MATCH(ilike, true, false)
MATCH(notilike, true, true)

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
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t from = in[1].i4[ROW(&in[1], i)], len = in[2].i4[ROW(&in[2], i)];

		if (len < 0)
			row_fail(out, i, ROW_SUBSTRING);
		else
			out->s[i] = text_slice(in[0].s[ROW(&in[0], i)], from, from + len);
	}
}

KERNEL(text_substring_from)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->s[i] = text_slice(
			in[0].s[ROW(&in[0], i)], in[1].i4[ROW(&in[1], i)], INT64_MAX);
}

int32_t text_chars(struct span s)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	int32_t count = 0;

	for (; p < end; count++)
		p += char_len(p, end);
	return count;
}

KERNEL(text_length)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->i4[i] = text_chars(in->s[ROW(in, i)]);
}

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
