/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_numeric_cast.c - enc_numeric to and from other types.
 */
#include "kernel_numeric.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TO_INTEGER(name, T, f, MIN, MAX, RANGE)                                        \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			__int128 v = 0;                                                            \
			uint8_t fail = number_to_integer(ev, in->s[ROW(in, i)], &v);               \
                                                                                       \
			if (!fail && (v < MIN || v > MAX))                                         \
				fail = RANGE;                                                          \
			if (fail)                                                                  \
				row_fail(out, i, fail == ROW_NUMERIC_RANGE ? RANGE : fail);            \
			out->f[i] = (T)v;                                                          \
		}                                                                              \
	}

/* Rounded to an integer; NUMERIC_RANGE when it has too many digits. */
static uint8_t number_to_integer(struct eval *ev, struct span s, __int128 *v)
{
	struct decimal_pool p = number_pool(ev);
	struct decimal d;
	struct numeric x;
	struct small a;
	int32_t i;

	if (small(&a, s)) {
		*v = number_dropped(a.v, a.scale, ROUND_NEAREST);
		return 0;
	}
	if (numeric_open(&x, s.p, s.len))
		return ROW_MALFORMED;
	if (special(&x))
		return ROW_NUMERIC_NAN;
	d = decimal_of(&p, &x);
	if (p.failed)
		return ROW_NUMERIC_RANGE;
	decimal_round(&d, 0);
	if (d.weight > 5)
		return ROW_NUMERIC_RANGE;
	for (i = 0; i <= d.weight && d.n; i++)
		*v = *v * NUMERIC_BASE + (i < d.n ? d.d[i] : 0);
	*v = d.negative ? -*v : *v;
	return 0;
}

TO_INTEGER(numeric_to_int4, int32_t, i4, INT32_MIN, INT32_MAX, ROW_INT4_RANGE)
TO_INTEGER(numeric_to_int8, int64_t, i8, INT64_MIN, INT64_MAX, ROW_INT8_RANGE)

static char *text_of(struct eval *ev, const struct numeric *x, size_t *len)
{
	char *text = eval_alloc(ev, numeric_text_max(x) + 1);

	if (!text)
		return NULL;
	*len = numeric_text(text, x);
	text[*len] = 0;
	return text;
}

KERNEL(numeric_to_text)
{
	struct numeric x;
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		size_t len = 0;

		if (!number_open(out, i, in->s[ROW(in, i)], &x))
			continue;
		out->s[i].p = (const uint8_t *)text_of(ev, &x, &len);
		out->s[i].len = (uint32_t)len;
	}
}

static void read_text(
	struct eval *ev, struct vec *out, uint32_t i, const char *text, size_t n)
{
	uint8_t *p = eval_alloc(ev, numeric_read_max(n));
	size_t len = 0;
	int rc;

	if (!p)
		return;
	rc = numeric_read(p, &len, text, n);
	if (rc)
		row_fail(out, i, rc == -EINVAL ? ROW_NUMERIC_SYNTAX : ROW_NUMERIC_RANGE);
	out->s[i] = (struct span){p, (uint32_t)len};
}

KERNEL(text_to_numeric)
{
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		struct span s = in->s[ROW(in, i)];

		read_text(ev, out, i, (const char *)s.p, s.len);
	}
}

/* With as many digits as the type surely has. A NaN may have a sign; a numeric has not. */
static void from_double(struct eval *ev, struct vec *out, uint32_t i, double v, int digits)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.*g", digits, isnan(v) ? (double)NAN : v);

	read_text(ev, out, i, text, (size_t)n);
}

#define FROM_FLOAT(name, f, digits)                                                    \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
			from_double(ev, out, i, (double)in->f[ROW(in, i)], digits);                \
	}
FROM_FLOAT(float4_to_numeric, f4, 6)
FROM_FLOAT(float8_to_numeric, f8, 15)

/* Through text, as PostgreSQL does; short ones by one division, which is rounded once and
 * so gives the same. */
static double to_double(struct eval *ev, struct span s, bool narrow, uint8_t *fail)
{
	const int64_t exact = narrow ? 1 << 24 : (int64_t)1 << 53;
	struct numeric x;
	struct small a;
	size_t len;
	char *text;
	double v;

	if (small(&a, s) && a.v <= exact && a.v >= -exact && a.scale <= (narrow ? 10 : 18))
		return narrow ? (double)((float)a.v / (float)pow10_of[a.scale])
					  : (double)a.v / (double)pow10_of[a.scale];
	if (numeric_open(&x, s.p, s.len)) {
		*fail = ROW_MALFORMED;
		return 0;
	}
	text = text_of(ev, &x, &len);
	if (!text)
		return 0;
	errno = 0;
	v = narrow ? strtof(text, NULL) : strtod(text, NULL);
	if (errno == ERANGE && (v == 0 || isinf(v)))
		*fail = narrow ? ROW_FLOAT4_RANGE : ROW_FLOAT8_RANGE;
	return v;
}

#define TO_FLOAT(name, T, f, narrow)                                                   \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = 0;                                                          \
                                                                                       \
			out->f[i] = (T)to_double(ev, in->s[ROW(in, i)], narrow, &fail);            \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}
TO_FLOAT(numeric_to_float4, float, f4, true)
TO_FLOAT(numeric_to_float8, double, f8, false)
