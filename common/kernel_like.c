/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_like.c - LIKE and ILIKE of enc_text, LIKE of enc_bytea.
 *
 * % is any characters, _ one character, a backslash the next one literally; bytea's
 * characters are bytes. Greedy with one point to go back to: the last %. A match after a
 * later % never needs an earlier one, so that is enough, and the worst case is text times
 * pattern.
 */
#include "kernel_text.h"

enum { LIKE_NO, LIKE_YES, LIKE_BAD_ESCAPE, LIKE_GIVEN_UP };
enum like_by { BY_BYTE, BY_CHAR, BY_CHAR_ANY_CASE };

static inline uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/*
 * LIKE_BAD_ESCAPE when the pattern ends in a backslash that the match runs into,
 * LIKE_GIVEN_UP when nobody wants to know any more.
 */
static inline __attribute__((always_inline)) int like(
	struct eval *ev, struct span text, struct span pattern, enum like_by by)
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
			t += by == BY_BYTE ? 1 : char_len(t, tend);
			p++;
			continue;
		}
		if (p < pend) {
			const uint8_t *lit = p;

			if (*lit == '\\' && ++lit == pend)
				return LIKE_BAD_ESCAPE;
			same = by == BY_CHAR_ANY_CASE ? fold(*lit) == fold(*t) : *lit == *t;
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
		back_t += by == BY_BYTE ? 1 : char_len(back_t, tend);
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

#define LIKE(name, by, negate)                                                         \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			int m = like(ev, in[0].s[ROW(&in[0], i)], in[1].s[ROW(&in[1], i)], by);    \
                                                                                       \
			if (m == LIKE_BAD_ESCAPE)                                                  \
				row_fail(out, i, ROW_LIKE_ESCAPE);                                     \
			else if (m == LIKE_GIVEN_UP)                                               \
				row_fail(out, i, ROW_GIVEN_UP);                                        \
			out->b[i] = (m == LIKE_YES) != (negate);                                   \
		}                                                                              \
	}

LIKE(text_like, BY_CHAR, false)
LIKE(text_notlike, BY_CHAR, true)
LIKE(text_ilike, BY_CHAR_ANY_CASE, false)
LIKE(text_notilike, BY_CHAR_ANY_CASE, true)
LIKE(bytes_like, BY_BYTE, false)
LIKE(bytes_notlike, BY_BYTE, true)
