/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_string.c - searching, cutting, trimming and making texts, as PostgreSQL's
 * functions of the same names do with UTF-8 under collation "C".
 *
 * UTF-8 makes searching bytes as good as searching characters: no character's bytes
 * begin within another's. What is a part of its argument lies in it and is not copied.
 */
#include "kernel_text.h"

#include <string.h>

/* Row i of argument k. */
#define TEXT(k) in[k].s[ROW(&in[k], i)]
#define NUMBER(k) in[k].i4[ROW(&in[k], i)]

/* A kernel out of a function of one row, which returns the row's state. */
#define EACH(name, call)                                                               \
	KERNEL(text_##name)                                                                \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = call;                                                       \
                                                                                       \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

static const struct span space = {(const uint8_t *)" ", 1};

/* Room for a text of `len` bytes in *s; a state when it is too long. Without memory the
 * request fails as a whole, and s->p is NULL. */
static uint8_t room(struct eval *ev, struct span *s, uint64_t len)
{
	*s = (struct span){NULL, 0};
	if (len > VARLENA_MAX)
		return ROW_TEXT_LONG;
	s->p = eval_alloc(ev, len ? len : 1);
	s->len = s->p ? (uint32_t)len : 0;
	return 0;
}

static uint8_t *append(uint8_t *to, const uint8_t *p, size_t len)
{
	if (len)
		memcpy(to, p, len);
	return to + len;
}

/* `len` bytes of a text over and over, from its start. */
static void fill_up(uint8_t *to, uint64_t len, struct span unit)
{
	uint64_t done = unit.len < len ? unit.len : len, more;

	append(to, unit.p, done);
	for (; done < len; done += more) {
		more = done < len - done ? done : len - done;
		memcpy(to + done, to, more);
	}
}

/* ---- searching ---- */

/* Where `what` is in s from byte `from` on, or -1. */
static int64_t find(struct span s, uint32_t from, struct span what)
{
	const uint8_t *at;

	if (what.len == 0 || what.len > s.len - from)
		return -1;
	at = memmem(s.p + from, s.len - from, what.p, what.len);
	return at ? at - s.p : -1;
}

static uint8_t position(int32_t *r, struct span s, struct span what)
{
	int64_t at = find(s, 0, what);

	*r = what.len == 0 ? 1 : at < 0 ? 0 : text_chars((struct span){s.p, (uint32_t)at}) + 1;
	return 0;
}
EACH(strpos, position(&out->i4[i], TEXT(0), TEXT(1)))

static uint8_t starts_with(uint8_t *r, struct span s, struct span what)
{
	*r = what.len <= s.len && (what.len == 0 || memcmp(s.p, what.p, what.len) == 0);
	return 0;
}
EACH(starts_with, starts_with(&out->b[i], TEXT(0), TEXT(1)))

/* Non-overlapping occurrences, from left to right. */
static uint32_t occurrences(struct span s, struct span what)
{
	uint32_t count = 0;
	int64_t at;

	for (at = find(s, 0, what); at >= 0; at = find(s, (uint32_t)at + what.len, what))
		count++;
	return count;
}

static uint8_t replace(
	struct eval *ev, struct span *r, struct span s, struct span what, struct span with)
{
	uint64_t count = occurrences(s, what);
	uint32_t from = 0;
	uint8_t fail, *to;
	int64_t at;

	fail = room(ev, r, s.len - count * what.len + count * with.len);
	to = (uint8_t *)r->p;
	if (fail || !to)
		return fail;
	for (; (at = find(s, from, what)) >= 0; from = (uint32_t)at + what.len) {
		to = append(to, s.p + from, (size_t)at - from);
		to = append(to, with.p, with.len);
	}
	append(to, s.p + from, s.len - from);
	return 0;
}
EACH(replace, replace(ev, &out->s[i], TEXT(0), TEXT(1), TEXT(2)))

/* The field number n, from 1; from the end when it is negative. */
static uint8_t split_part(struct span *r, struct span s, struct span by, int32_t n)
{
	int64_t fields = (int64_t)occurrences(s, by) + 1, want = n > 0 ? n : fields + n + 1, at;
	uint32_t from = 0;

	*r = (struct span){s.p, 0};
	if (n == 0)
		return ROW_FIELD_ZERO;
	if (want < 1 || want > fields)
		return 0;
	while (--want > 0)
		from = (uint32_t)find(s, from, by) + by.len;
	at = find(s, from, by);
	*r = (struct span){s.p + from, (uint32_t)(at < 0 ? s.len : at) - from};
	return 0;
}
EACH(split_part, split_part(&out->s[i], TEXT(0), TEXT(1), NUMBER(2)))

/* ---- cutting ---- */

/* The first n characters, or all but the last -n. */
static uint8_t left(struct span *r, struct span s, int64_t n)
{
	*r = text_slice(s, 1, n >= 0 ? 1 + n : 1 + text_chars(s) + n);
	return 0;
}
EACH(left, left(&out->s[i], TEXT(0), NUMBER(1)))

static uint8_t right(struct span *r, struct span s, int64_t n)
{
	*r = text_slice(s, n >= 0 ? 1 + text_chars(s) - n : 1 - n, INT64_MAX);
	return 0;
}
EACH(right, right(&out->s[i], TEXT(0), NUMBER(1)))

/* Is the character among those of a set? Costs what the set is long, so `work` counts. */
static bool among(struct span set, const uint8_t *c, size_t len, uint64_t *work)
{
	const uint8_t *p = set.p, *end = set.p + set.len;
	size_t k;

	*work += set.len + 1;
	for (; p < end; p += k) {
		k = char_len(p, end);
		if (k == len && memcmp(p, c, k) == 0)
			return true;
	}
	return false;
}

static bool worth_it(struct eval *ev, uint64_t *work)
{
	if (*work < WORK_BYTES)
		return true;
	*work = 0;
	return eval_wanted(ev);
}

static size_t last_char_len(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *c = end - 1;

	while (c > p && (*c & 0xc0) == 0x80)
		c--;
	return (size_t)(end - c);
}

enum { AT_START = 1, AT_END = 2 };

static uint8_t trim(struct eval *ev, struct span *r, struct span s, struct span set, int where)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	uint64_t work = 0;
	size_t k;

	for (; where & AT_START && p < end; p += k) {
		k = char_len(p, end);
		if (!among(set, p, k, &work))
			break;
		if (!worth_it(ev, &work))
			return ROW_GIVEN_UP;
	}
	for (; where & AT_END && p < end; end -= k) {
		k = last_char_len(p, end);
		if (!among(set, end - k, k, &work))
			break;
		if (!worth_it(ev, &work))
			return ROW_GIVEN_UP;
	}
	*r = (struct span){p, (uint32_t)(end - p)};
	return 0;
}

#define SET (op->nargs > 1 ? TEXT(1) : space)
EACH(btrim, trim(ev, &out->s[i], TEXT(0), SET, AT_START | AT_END))
EACH(ltrim, trim(ev, &out->s[i], TEXT(0), SET, AT_START))
EACH(rtrim, trim(ev, &out->s[i], TEXT(0), SET, AT_END))

/* ---- making ---- */

static uint8_t repeat(struct eval *ev, struct span *r, struct span s, int64_t n)
{
	uint8_t fail = room(ev, r, n > 0 ? (uint64_t)s.len * (uint64_t)n : 0);

	if (!fail && r->len)
		fill_up((uint8_t *)r->p, r->len, s);
	return fail;
}
EACH(repeat, repeat(ev, &out->s[i], TEXT(0), NUMBER(1)))

static uint8_t reverse(struct eval *ev, struct span *r, struct span s)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	uint8_t fail = room(ev, r, s.len), *to;
	size_t k;

	if (fail || !r->p)
		return fail;
	to = (uint8_t *)r->p + s.len;
	for (; p < end; p += k) {
		k = char_len(p, end);
		to -= k;
		memcpy(to, p, k);
	}
	return 0;
}
EACH(reverse, reverse(ev, &out->s[i], TEXT(0)))

/* Bytes that `chars` characters take of `fill`, over and over. */
static uint64_t fill_bytes(struct span fill, int64_t chars)
{
	int64_t in_fill = text_chars(fill);

	return (uint64_t)(chars / in_fill) * fill.len +
		text_slice(fill, 1, 1 + chars % in_fill).len;
}

/* To n characters, cut or filled up. */
static uint8_t pad(struct eval *ev, struct span *r, struct span s, int64_t n,
	struct span fill, bool at_start)
{
	enum { CHAR_MAX_BYTES = 4 };
	int64_t have = text_chars(s);
	uint64_t more;
	uint8_t fail, *to;

	if (n < have || !fill.len) {
		*r = text_slice(s, 1, 1 + (n < have ? n : have));
		return 0;
	}
	if (n * CHAR_MAX_BYTES > VARLENA_MAX) /* as PostgreSQL reckons */
		return ROW_TEXT_LONG;
	more = fill_bytes(fill, n - have);
	fail = room(ev, r, s.len + more);
	to = (uint8_t *)r->p;
	if (fail || !to)
		return fail;
	append(to + (at_start ? more : 0), s.p, s.len);
	to += at_start ? 0 : s.len;
	fill_up(to, more, fill);
	return 0;
}

#define FILL (op->nargs > 2 ? TEXT(2) : space)
EACH(lpad, pad(ev, &out->s[i], TEXT(0), NUMBER(1), FILL, true))
EACH(rpad, pad(ev, &out->s[i], TEXT(0), NUMBER(1), FILL, false))

static bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 32) - 'a') < 26;
}

static uint8_t initcap(struct eval *ev, struct span *r, struct span s)
{
	uint8_t fail = room(ev, r, s.len), *to = (uint8_t *)r->p;
	bool in_word = false;
	uint32_t k;

	for (k = 0; !fail && to && k < s.len; k++) {
		uint8_t c = s.p[k];

		to[k] = !is_letter(c) ? c : in_word ? c | 32 : c & ~32;
		in_word = is_letter(c) || (c >= '0' && c <= '9');
	}
	return fail;
}
EACH(initcap, initcap(ev, &out->s[i], TEXT(0)))

/* The character number n, from 0, of a text; empty past its end. */
static struct span char_at(struct span s, int64_t n)
{
	return text_slice(s, n + 1, n + 2);
}

/* Which character of a set c is, from 0, or -1. */
static int64_t index_in(struct span set, const uint8_t *c, size_t len)
{
	const uint8_t *p = set.p, *end = set.p + set.len;
	int64_t n;
	size_t k;

	for (n = 0; p < end; p += k, n++) {
		k = char_len(p, end);
		if (k == len && memcmp(p, c, k) == 0)
			return n;
	}
	return -1;
}

/* Characters of `from` become those of `to`, or nothing. */
static uint8_t translate(
	struct eval *ev, struct span *r, struct span s, struct span from, struct span into)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	uint8_t fail = room(ev, r, (uint64_t)s.len * 4 > VARLENA_MAX ? s.len : (uint64_t)s.len * 4);
	uint8_t *to = (uint8_t *)r->p;
	uint64_t work = 0;
	size_t k;

	for (; !fail && to && p < end; p += k) {
		struct span c = {p, (uint32_t)(k = char_len(p, end))};
		int64_t at = index_in(from, p, k);

		if (at >= 0)
			c = char_at(into, at);
		if (r->len - (size_t)(to - r->p) < c.len)
			return ROW_TEXT_LONG;
		to = append(to, c.p, c.len);
		work += from.len + into.len;
		if (!worth_it(ev, &work))
			return ROW_GIVEN_UP;
	}
	if (to)
		r->len = (uint32_t)(to - r->p);
	return fail;
}
EACH(translate, translate(ev, &out->s[i], TEXT(0), TEXT(1), TEXT(2)))

/* The code point of the first character; 0 of none. */
static uint8_t code_point(int32_t *r, struct span s)
{
	size_t k, i;

	*r = 0;
	if (!s.len)
		return 0;
	k = char_len(s.p, s.p + s.len);
	*r = k == 1 ? s.p[0] : s.p[0] & (0x7f >> k);
	for (i = 1; i < k; i++)
		*r = *r << 6 | (s.p[i] & 0x3f);
	return 0;
}
EACH(ascii, code_point(&out->i4[i], TEXT(0)))

/* The character of that code point. */
static uint8_t character(struct eval *ev, struct span *r, int32_t c)
{
	enum { CHAR_MAX = 0x10ffff, SURROGATES = 0xd800, SURROGATES_END = 0xe000 };
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, k;
	uint8_t fail, *to;

	if (c < 0)
		return ROW_CHARACTER_NEGATIVE;
	if (c == 0 || c > CHAR_MAX || (c >= SURROGATES && c < SURROGATES_END))
		return ROW_CHARACTER;
	fail = room(ev, r, len);
	to = (uint8_t *)r->p;
	if (fail || !to)
		return fail;
	for (k = len; k-- > 1; c >>= 6)
		to[k] = (uint8_t)(0x80 | (c & 0x3f));
	to[0] = (uint8_t)(len == 1 ? c : (0xf00 >> len & 0xff) | c);
	return 0;
}
EACH(chr, character(ev, &out->s[i], in->i4[ROW(in, i)]))

/* `with` over the characters from n on. */
static uint8_t overlay(
	struct eval *ev, struct span *r, struct span s, struct span with, int64_t n)
{
	struct span before = text_slice(s, 1, n), after;
	uint8_t fail, *to;

	if (n < 1)
		return ROW_SUBSTRING;
	if (n + text_chars(with) > INT32_MAX)
		return ROW_INT4_RANGE;
	after = text_slice(s, n + text_chars(with), INT64_MAX);
	fail = room(ev, r, (uint64_t)before.len + with.len + after.len);
	to = (uint8_t *)r->p;
	if (!fail && to)
		append(append(append(to, before.p, before.len), with.p, with.len), after.p, after.len);
	return fail;
}
EACH(overlay, overlay(ev, &out->s[i], TEXT(0), TEXT(1), NUMBER(2)))

static uint8_t bit_count(int32_t *r, struct span s)
{
	*r = (int32_t)((uint64_t)s.len * 8);
	return s.len > INT32_MAX / 8 ? ROW_INT4_RANGE : 0;
}
EACH(bit_length, bit_count(&out->i4[i], TEXT(0)))

static uint8_t byte_count(int32_t *r, struct span s)
{
	*r = (int32_t)s.len;
	return 0;
}
EACH(octet_length, byte_count(&out->i4[i], TEXT(0)))

/* ---- a column to one text ---- */

/* All values, one behind the other, and what is in the second argument between them. None
 * at all make an empty text. */
KERNEL(concat_text)
{
	static const struct span nothing;
	struct span by = op->nargs > 1 ? in[1].s[0] : nothing;
	uint64_t len = 0;
	uint32_t count = 0, i;
	uint8_t fail, *to;

	if (op->nargs > 1 && in[1].state[0]) {
		row_fail(out, 0, in[1].state[0]);
		return;
	}
	EACH_VALUE(in, out, n, i)
		len += in->s[i].len + (count++ ? by.len : 0);
	if (out->state[0])
		return;
	fail = room(ev, &out->s[0], len);
	if (fail)
		row_fail(out, 0, fail);
	to = (uint8_t *)out->s[0].p;
	for (i = 0, count = 0; to && i < n; i++)
		if (in->state[i] == ROW_VALUE) {
			if (count++)
				to = append(to, by.p, by.len);
			to = append(to, in->s[i].p, in->s[i].len);
		}
}
