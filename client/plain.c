/* SPDX-License-Identifier: BSD-3-Clause */
#include "plain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numeric.h"
#include "optable.h"

uint8_t plain_type(const char *name)
{
	uint8_t t;

	for (t = 1; t < T_FIRST_PUBLIC; t++) {
		struct op_type_info info = optable_type(t);

		if (info.name && (strcmp(name, info.name) == 0 || strcmp(name, info.plain) == 0))
			return t;
	}
	return 0;
}

size_t plain_room(size_t text_len)
{
	return NUMERIC_HEAD_BYTES + 2 * text_len + 16;
}

/* ---- integers ---- */

static int parse_int(uint8_t type, const char *text, uint8_t *out, size_t *out_len,
	struct err_text *e)
{
	long long least = type == T_INT4 ? INT32_MIN : INT64_MIN;
	long long most = type == T_INT4 ? INT32_MAX : INT64_MAX, v;
	char *end;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text)) {
		err_set(e, "invalid input syntax for type %s: \"%.80s\"", optable_type(type).plain,
			text);
		return -EINVAL;
	}
	if (errno || v < least || v > most) {
		err_set(e, "value \"%.80s\" is out of range for type %s", text,
			optable_type(type).plain);
		return -EINVAL;
	}
	*out_len = optable_size(type);
	memcpy(out, &v, *out_len); /* little-endian */
	return 0;
}

/* ---- decimals ---- */

static void put16(uint8_t *at, int v)
{
	at[0] = (uint8_t)((unsigned)v >> 8);
	at[1] = (uint8_t)v;
}

static int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void put_head(uint8_t *out, int ndigits, int weight, int sign, int scale)
{
	put16(out, ndigits);
	put16(out + 2, weight);
	put16(out + 4, sign);
	put16(out + 6, scale);
}

/* "-12.50": where its parts are. */
struct decimal {
	const char *whole, *part;
	size_t nwhole, npart;
	bool negative;
};

static bool split(const char *text, struct decimal *d)
{
	d->negative = *text == '-';
	text += *text == '-' || *text == '+';
	d->whole = text;
	d->nwhole = strspn(text, "0123456789");
	text += d->nwhole;
	d->part = text + 1;
	d->npart = *text == '.' ? strspn(text + 1, "0123456789") : 0;
	text += *text == '.' ? 1 + d->npart : 0;
	return *text == 0 && d->nwhole + d->npart > 0;
}

/* The decimal digit at 10^place. */
static int digit_at(const struct decimal *d, long place)
{
	if (place >= 0)
		return place < (long)d->nwhole ? d->whole[d->nwhole - 1 - (size_t)place] - '0' : 0;
	return -place <= (long)d->npart ? d->part[-place - 1] - '0' : 0;
}

static int base_digit(const struct decimal *d, long weight)
{
	int k, v = 0;

	for (k = NUMERIC_BASE_DIGITS - 1; k >= 0; k--)
		v = 10 * v + digit_at(d, weight * NUMERIC_BASE_DIGITS + k);
	return v;
}

static int parse_numeric(const char *text, uint8_t *out, size_t *out_len, struct err_text *e)
{
	struct decimal d;
	long high, low, w;
	int n = 0;

	*out_len = NUMERIC_HEAD_BYTES;
	if (strcmp(text, "NaN") == 0) {
		put_head(out, 0, 0, NUMERIC_NAN, 0);
		return 0;
	}
	if (!split(text, &d) || d.npart > NUMERIC_DSCALE_MAX ||
		d.nwhole > NUMERIC_BASE_DIGITS * (NUMERIC_WEIGHT_MAX + 1)) {
		err_set(e, "invalid input syntax for type numeric: \"%.80s\"", text);
		return -EINVAL;
	}
	high = ((long)d.nwhole + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS - 1;
	low = -(((long)d.npart + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS);
	while (high >= low && base_digit(&d, high) == 0)
		high--;
	while (low <= high && base_digit(&d, low) == 0)
		low++;
	for (w = high; w >= low; w--, n++)
		put16(out + NUMERIC_HEAD_BYTES + 2 * n, base_digit(&d, w));
	put_head(out, n, n ? (int)high : 0, n && d.negative ? NUMERIC_NEG : NUMERIC_POS,
		(int)d.npart);
	*out_len += 2 * (size_t)n;
	return 0;
}

static char *print_numeric(const uint8_t *p, size_t len, size_t *text_len)
{
	struct numeric x;
	char *text, *at;
	long w, place;

	if (numeric_parse(&x, p, len))
		return NULL;
	if (x.sign == NUMERIC_NAN || x.sign == NUMERIC_PINF || x.sign == NUMERIC_NINF) {
		text = strdup(x.sign == NUMERIC_NAN ? "NaN"
				: x.sign == NUMERIC_PINF	? "Infinity"
											: "-Infinity");
		*text_len = text ? strlen(text) : 0;
		return text;
	}
	w = x.weight > 0 ? x.weight : 0;
	text = at = malloc((size_t)(w + 1) * NUMERIC_BASE_DIGITS + x.dscale + 8);
	if (!text)
		return NULL;
	if (x.sign == NUMERIC_NEG)
		*at++ = '-';
	place = w * NUMERIC_BASE_DIGITS + NUMERIC_BASE_DIGITS - 1;
	for (; place >= -(long)x.dscale; place--) {
		static const int tens[NUMERIC_BASE_DIGITS] = {1, 10, 100, 1000};
		long digit = place >= 0 ? place / NUMERIC_BASE_DIGITS
								: (place - NUMERIC_BASE_DIGITS + 1) / NUMERIC_BASE_DIGITS;
		long i = x.weight - digit;
		int v = i >= 0 && i < x.ndigits ? get16(x.digits + 2 * i) : 0;

		v = v / tens[place - digit * NUMERIC_BASE_DIGITS] % 10;
		if (place == -1)
			*at++ = '.';
		if (v || place <= 0 || (at > text && isdigit((unsigned char)at[-1])))
			*at++ = (char)('0' + v);
	}
	*at = 0;
	*text_len = (size_t)(at - text);
	return text;
}

/* ---- all of them ---- */

int plain_parse(uint8_t type, const char *text, size_t len, uint8_t *out, size_t *out_len,
	struct err_text *e)
{
	if (type == T_TEXT) {
		memcpy(out, text, len);
		*out_len = len;
		return 0;
	}
	if (strlen(text) != len) {
		err_set(e, "a zero byte is in no number");
		return -EINVAL;
	}
	return type == T_NUMERIC ? parse_numeric(text, out, out_len, e)
							 : parse_int(type, text, out, out_len, e);
}

char *plain_print(uint8_t type, const uint8_t *p, size_t len, size_t *text_len)
{
	int64_t i8 = 0;
	int32_t i4 = 0;
	char *text;

	if (type == T_NUMERIC)
		return print_numeric(p, len, text_len);
	if (type != T_TEXT && len != optable_size(type))
		return NULL;
	text = malloc(len + 24);
	if (!text)
		return NULL;
	if (type == T_TEXT) {
		memcpy(text, p, len);
		text[len] = 0;
		*text_len = len;
		return text;
	}
	memcpy(type == T_INT4 ? (void *)&i4 : (void *)&i8, p, len);
	*text_len = (size_t)sprintf(text, "%lld", type == T_INT4 ? (long long)i4 : (long long)i8);
	return text;
}
