/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numeric_text.c - numbers as text: shown, and read.
 */
#include "numeric.h"

#include <string.h>

size_t numeric_text_max(const struct numeric *x)
{
	size_t before = x->weight >= 0 ? NUMERIC_BASE_DIGITS * ((size_t)x->weight + 1) : 1;

	/* the last word may have more decimals than are shown */
	return 16 + before + x->dscale + NUMERIC_BASE_DIGITS;
}

static char *word_text(char *at, int32_t v)
{
	at[0] = (char)('0' + v / 1000);
	at[1] = (char)('0' + v / 100 % 10);
	at[2] = (char)('0' + v / 10 % 10);
	at[3] = (char)('0' + v % 10);
	return at + 4;
}

static size_t special_text(char *out, uint16_t sign)
{
	const char *text = sign == NUMERIC_NAN ? "NaN" : sign == NUMERIC_PINF ? "Infinity"
																		  : "-Infinity";
	size_t n = strlen(text);

	memcpy(out, text, n);
	return n;
}

size_t numeric_text(char *out, const struct numeric *x)
{
	char *at = out, *start, *end;
	int32_t exp, left = x->dscale;

	if (x->sign >= NUMERIC_NAN)
		return special_text(out, x->sign);
	if (x->sign == NUMERIC_NEG)
		*at++ = '-';
	start = at;
	for (exp = x->weight > 0 ? x->weight : 0; exp >= 0; exp--)
		at = word_text(at, numeric_digit_at(x, exp));
	while (*start == '0' && start + 1 < at)
		start++;
	end = out + (x->sign == NUMERIC_NEG);
	memmove(end, start, (size_t)(at - start));
	at = end + (at - start);
	if (left == 0)
		return (size_t)(at - out);
	*at++ = '.';
	for (end = at + left; left > 0; left -= NUMERIC_BASE_DIGITS)
		at = word_text(at, numeric_digit_at(x, exp--));
	return (size_t)(end - out);
}

/* ---- reading text ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool same_word(const char *word, const char *p, size_t n)
{
	size_t i;

	if (strlen(word) != n)
		return false;
	for (i = 0; i < n; i++)
		if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]) != word[i])
			return false;
	return true;
}

static int read_special(uint8_t *out, size_t *len, const char *p, size_t n)
{
	bool sign = n && (*p == '-' || *p == '+'), negative = n && *p == '-';

	*len = 1;
	if (same_word("nan", p, n))
		out[0] = NUMERIC_SHORT_NAN;
	else if (same_word("infinity", p + sign, n - sign) || same_word("inf", p + sign, n - sign))
		out[0] = negative ? NUMERIC_SHORT_NINF : NUMERIC_SHORT_PINF;
	else
		return -EINVAL;
	return 0;
}

/* What a text says: decimal digits, and where their point is. */
struct reading {
	const char *digits, *end; /* a point among them counts for nothing */
	int64_t before;           /* digits before the point, after the exponent moved it */
	int64_t dscale;
	bool negative;
};

/* e+99: moves the point. */
static int read_exponent(struct reading *r, const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t e = 0;

	p += p < end && (*p == '-' || *p == '+');
	if (p == end)
		return -EINVAL;
	for (; p < end; p++) {
		if (!is_digit(*p))
			return -EINVAL;
		if (e < INT32_MAX)
			e = e * 10 + (*p - '0');
	}
	if (e >= INT32_MAX / 2)
		return -EINVAL;
	e = negative ? -e : e;
	r->before += e;
	r->dscale = r->dscale > e ? r->dscale - e : 0;
	return 0;
}

static int read_parts(struct reading *r, const char *p, const char *end)
{
	bool point = false, any = false;

	r->negative = p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	r->digits = p;
	r->before = r->dscale = 0;
	for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
		point |= *p == '.';
		if (*p == '.')
			continue;
		any = true;
		r->before += !point;
		r->dscale += point;
	}
	r->end = p;
	if (!any)
		return -EINVAL;
	if (p == end)
		return 0;
	return *p == 'e' || *p == 'E' ? read_exponent(r, p + 1, end) : -EINVAL;
}

/* The decimal digits of r to base 10,000 at out, whose first word holds 1 to 4 of them. */
static int32_t read_words(uint8_t *out, const struct reading *r)
{
	int32_t lead = (int32_t)((r->before % 4 + 4) % 4), k = lead ? 4 - lead : 0, n = 0, v = 0;
	const char *p;

	for (p = r->digits; p < r->end; p++) {
		if (*p == '.')
			continue;
		v = v * 10 + (*p - '0');
		if (++k == 4) {
			numeric_digit_put(out + 2 * n++, v);
			k = v = 0;
		}
	}
	if (k) {
		for (; k < 4; k++)
			v *= 10;
		numeric_digit_put(out + 2 * n++, v);
	}
	return n;
}

int numeric_read(uint8_t *out, size_t *len, const char *text, size_t n)
{
	const char *p = text, *end = text + n;
	struct numeric x = {0};
	struct reading r;
	int32_t words;
	int64_t weight;
	int rc;

	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	rc = read_parts(&r, p, end);
	if (rc)
		return read_special(out, len, p, (size_t)(end - p));
	while (r.digits < r.end && (*r.digits == '0' || *r.digits == '.')) { /* leading zeros */
		r.before -= *r.digits == '0';
		r.digits++;
	}
	words = r.digits < r.end ? read_words(out + NUMERIC_HEAD_BYTES, &r) : 0;
	while (words && !out[NUMERIC_HEAD_BYTES + 2 * words - 1] &&
		!out[NUMERIC_HEAD_BYTES + 2 * words - 2])
		words--;
	weight = words ? (r.before > 0 ? (r.before + 3) / 4 : -(-r.before / 4)) - 1 : 0;
	if (weight > NUMERIC_WEIGHT_MAX || r.dscale > NUMERIC_DSCALE_MAX)
		return -EMSGSIZE;
	x.digits = out + NUMERIC_HEAD_BYTES;
	x.ndigits = words;
	x.weight = (int32_t)weight;
	x.sign = r.negative && words ? NUMERIC_NEG : NUMERIC_POS;
	x.dscale = (uint16_t)r.dscale;
	*len = numeric_pack(out, &x);
	return 0;
}
