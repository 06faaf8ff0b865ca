/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_bool.c - enc_bool. Public booleans and their AND, OR, NOT are in kernel_int.c.
 */
#include "kernel_fixed.h"

#include <string.h>

static inline int order(uint8_t a, uint8_t b)
{
	return (a & 1) - (b & 1);
}

COMPARE(enc_bool, uint8_t, b, order)
EXTREMES_OF(enc_bool, uint8_t, b, order)

static int64_t hash(struct eval *ev, uint8_t v)
{
	uint8_t in[2] = {HASH_BOOL, v & 1};

	return (int64_t)eval_hash(ev, in, sizeof in);
}

UNARY_OF(hash_enc_bool, int64_t, i8, uint8_t, b, r = hash(ev, a))
UNARY(bool_is_true, uint8_t, b, r = a & 1)
UNARY(bool_not, uint8_t, b, r = !(a & 1))
UNARY_OF(bool_to_int4, int32_t, i4, uint8_t, b, r = a & 1)
UNARY_OF(int4_to_bool, uint8_t, b, int32_t, i4, r = a != 0)

KERNEL(bool_to_text)
{
	uint32_t i;

	EACH_ROW(out, n, i)
		out->s[i] = in->b[ROW(in, i)] & 1 ? (struct span){(const uint8_t *)"true", 4}
										  : (struct span){(const uint8_t *)"false", 5};
}

static bool blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Does `word` begin with s, at least `least` bytes of it, in any case? */
static bool begins(const char *word, struct span s, uint32_t least)
{
	uint32_t i;

	if (s.len < least || s.len > strlen(word))
		return false;
	for (i = 0; i < s.len; i++)
		if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]) != word[i])
			return false;
	return true;
}

/* The words that PostgreSQL takes, blanks around them. 1, 0, or -1 when it is none. */
static int parse(struct span s)
{
	while (s.len && blank(s.p[0]))
		s.p++, s.len--;
	while (s.len && blank(s.p[s.len - 1]))
		s.len--;
	if (begins("true", s, 1) || begins("yes", s, 1) || begins("on", s, 2) || begins("1", s, 1))
		return 1;
	if (begins("false", s, 1) || begins("no", s, 1) || begins("off", s, 2) ||
		begins("0", s, 1))
		return 0;
	return -1;
}

UNARY_OF(text_to_bool, uint8_t, b, struct span, s, int v = parse(a);
	if (v < 0) fail = ROW_BOOL_SYNTAX; else r = (uint8_t)v)
