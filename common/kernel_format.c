/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_format.c - to_char, to_date, to_timestamp and to_number: values to text and back
 * by a template. Templates are public and mostly one for all rows, so each is read once.
 */
#include "format.h"
#include "kernel_numeric.h"
#include "kernel_text.h"
#include "kernel_time.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* The template that was read last. */
struct memo {
	struct span of;
	struct format_part *part;
	struct number_format number;
	uint8_t fail;
};

/* Its parts; NULL when there is no memory, and then the request fails as a whole. */
static const struct format_part *parts_of(
	struct eval *ev, struct memo *m, enum format_kind kind, struct span of)
{
	if (m->part && m->of.p == of.p && m->of.len == of.len)
		return m->part;
	m->part = eval_alloc(ev, ((size_t)of.len + 1) * sizeof *m->part);
	if (!m->part)
		return NULL;
	m->of = of;
	format_parse(m->part, kind, of);
	m->fail = kind == FORMAT_NUMBER ? format_number_parse(&m->number, m->part) : 0;
	return m->part;
}

/* A text in the making in row i. */
static bool begin(struct eval *ev, struct format_out *o, uint64_t cap, uint8_t *fail)
{
	*fail = cap > VARLENA_MAX ? ROW_TEXT_LONG : 0;
	o->at = *fail ? NULL : eval_alloc(ev, cap);
	o->end = o->at ? o->at + cap : NULL;
	return o->at;
}

/* ---- dates, times and intervals to text ---- */

static uint8_t show_clock(struct eval *ev, struct span *r, const struct memo *m,
	const struct format_clock *c)
{
	struct format_out o;
	uint8_t fail;

	if (!m->of.len)
		return ROW_NULL;
	if (!begin(ev, &o, format_time_max(m->of.len), &fail))
		return fail;
	r->p = o.at;
	fail = format_time(&o, m->part, c);
	r->len = (uint32_t)(o.at - r->p);
	return fail;
}

static uint8_t show_stamp(struct eval *ev, struct span *r, const struct memo *m, int64_t t,
	const struct timezone_rules *z)
{
	struct format_clock c = {.interval = false};
	struct moment at;
	int64_t days;

	if (!stamp_finite(t))
		return ROW_NULL;
	c.offset = moment_at(&at, t, z);
	c.zone_len = timezone_name(
		z, floor_div(t, SECOND_US) + UNIX_DAYS_2000 * (int64_t)DAY_SECONDS, &c.zone);
	days = days_of(at.year, at.month, at.day);
	c.year = (int32_t)at.year;
	c.month = at.month;
	c.day = at.day;
	c.hour = at.hour;
	c.minute = at.minute;
	c.second = at.second;
	c.us = at.us;
	c.year_day = (int32_t)(days - days_of(at.year, 1, 1)) + 1;
	c.week_day = day_of_week(days);
	return show_clock(ev, r, m, &c);
}

static uint8_t show_date(struct eval *ev, struct span *r, const struct memo *m, int32_t d,
	const struct timezone_rules *z)
{
	int64_t t;
	uint8_t fail = stamp_of_date(&t, d, z);

	return fail ? fail : show_stamp(ev, r, m, t, z);
}

static uint8_t show_interval(
	struct eval *ev, struct span *r, const struct memo *m, const struct interval *v)
{
	enum { YEAR_MONTHS = 12, MONTH_DAYS = 30 };
	struct format_clock c = {.interval = true, .year = v->months / YEAR_MONTHS,
		.month = v->months % YEAR_MONTHS, .day = v->days,
		.hour = v->us / (3600 * SECOND_US), .minute = (int32_t)(v->us / (60 * SECOND_US) % 60),
		.second = (int32_t)(v->us / SECOND_US % 60), .us = (int32_t)(v->us % SECOND_US)};

	c.year_day = (int32_t)((uint32_t)v->months * MONTH_DAYS + (uint32_t)v->days);
	return show_clock(ev, r, m, &c);
}

/* ---- text to dates and times ---- */

static uint8_t read_date(int32_t *r, const struct format_part *part, struct span s)
{
	struct format_read read;
	uint8_t fail = format_read(&read, part, s);
	int64_t days;

	if (fail)
		return fail;
	days = days_of(read.m.year, read.m.month, read.m.day);
	*r = (int32_t)days;
	return date_valid(days) ? 0 : ROW_DATE_RANGE;
}

/* To the digits of the second that the template asks for. */
static int64_t to_precision(int64_t t, int32_t digits)
{
	static const int32_t units[] = {1, 100000, 10000, 1000, 100, 10, 1};
	int64_t unit = units[digits];

	return t >= 0 ? (t + unit / 2) / unit * unit : -((-t + unit / 2) / unit * unit);
}

static uint8_t read_stamp(int64_t *r, const struct format_part *part, struct span s,
	const struct timezone_rules *z)
{
	struct format_read read;
	uint8_t fail = format_read(&read, part, s);

	if (!fail)
		fail = read.zoned ? stamp_of(r, &read.m, read.offset) : stamp_in_zone(r, &read.m, z);
	if (!fail)
		*r = to_precision(*r, read.precision);
	return fail;
}

/* A kernel that takes a template second: `part` and memo `m`, and the zone `z` where it has
 * one. */
#define BY_FORMAT(name, kind, call)                                                    \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct timezone_rules z;                                                       \
		struct memo m = {.fail = 0};                                                   \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			const struct format_part *part = parts_of(ev, &m, kind, ARG(1, s));        \
			uint8_t fail = !part ? 0 : zone_of(&z, op, in, i) ? call : ROW_MALFORMED;  \
                                                                                       \
			if (fail)                                                                  \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

BY_FORMAT(date_to_char, FORMAT_TIME, show_date(ev, &out->s[i], &m, ARG(0, i4), &z))
BY_FORMAT(stamp_to_char, FORMAT_TIME, show_stamp(ev, &out->s[i], &m, ARG(0, i8), &z))
BY_FORMAT(interval_to_char, FORMAT_TIME, show_interval(ev, &out->s[i], &m, &ARG(0, iv)))
BY_FORMAT(text_read_date, FORMAT_TIME, read_date(&out->i4[i], part, ARG(0, s)))
BY_FORMAT(text_read_stamp, FORMAT_TIME, read_stamp(&out->i8[i], part, ARG(0, s), &z))

/* ---- numbers to text ---- */

/* Digits, a sign before them and a point among them. */
struct digits {
	char *p;
	size_t len;
};

static char *digits_room(struct eval *ev, struct digits *d, size_t cap)
{
	d->len = 0;
	return d->p = eval_alloc(ev, cap);
}

static struct digits special_digits(uint16_t sign)
{
	static char names[][10] = {"NaN", "Infinity", "-Infinity"};
	char *name = names[sign == NUMERIC_NAN ? 0 : sign == NUMERIC_PINF ? 1 : 2];

	return (struct digits){name, strlen(name)};
}

/* What does not fit: as many # as the template has digits, and its point. */
static bool overflown(struct eval *ev, struct digits *d, size_t pre, size_t post, size_t more)
{
	if (!digits_room(ev, d, pre + post + more))
		return false;
	d->len = pre + post + more;
	memset(d->p, '#', d->len);
	d->p[pre] = '.';
	return true;
}

static uint8_t show(struct eval *ev, struct span *r, const struct memo *m,
	const struct number_format *f, const struct number_text *t)
{
	struct format_out o;
	uint8_t fail;

	if (!begin(ev, &o, format_number_max(m->of.len, t->len), &fail))
		return fail;
	r->p = o.at;
	fail = format_number(&o, f, t);
	r->len = (uint32_t)(o.at - r->p);
	return fail;
}

/* As it stands: Roman numbers and exponents. */
static uint8_t show_plain(
	struct eval *ev, struct span *r, const struct memo *m, const struct digits *d)
{
	struct number_text t = {.p = (const uint8_t *)d->p, .len = d->len};

	return d->p ? show(ev, r, m, &m->number, &t) : 0;
}

static uint8_t show_digits(struct eval *ev, struct span *r, const struct memo *m,
	const struct number_format *f, struct digits d)
{
	struct number_text t = {.sign = '+'};
	const char *point;
	size_t pre;

	if (!d.p)
		return 0;
	if (*d.p == '-') {
		t.sign = '-';
		d.p++;
		d.len--;
	}
	point = memchr(d.p, '.', d.len);
	pre = point ? (size_t)(point - d.p) : d.len;
	if (pre < (size_t)f->pre)
		t.spaces = f->pre - (int32_t)pre;
	if (pre > (size_t)f->pre && !overflown(ev, &d, (size_t)f->pre, (size_t)f->post, 1))
		return 0;
	t.p = (const uint8_t *)d.p;
	t.len = d.len;
	return show(ev, r, m, f, &t);
}

static uint8_t show_roman(struct eval *ev, struct span *r, const struct memo *m, int64_t v)
{
	static const char *const ones[] = {
		"", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"};
	static const char *const tens[] = {
		"", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"};
	static const char *const hundreds[] = {
		"", "C", "CC", "CCC", "CD", "D", "DC", "DCC", "DCCC", "CM"};
	static const char *const thousands[] = {"", "M", "MM", "MMM"};
	enum { ROMAN_MAX = 3999, WIDE = 16 };
	struct digits d;

	if (!digits_room(ev, &d, WIDE))
		return 0;
	if (v < 1 || v > ROMAN_MAX)
		d.len = (size_t)snprintf(d.p, WIDE, "###############");
	else
		d.len = (size_t)snprintf(d.p, WIDE, "%s%s%s%s", thousands[v / 1000],
			hundreds[v / 100 % 10], tens[v / 10 % 10], ones[v % 10]);
	return show_plain(ev, r, m, &d);
}

/* d.dde+05, and a blank for a plus in front. */
static uint8_t show_exponent(struct eval *ev, struct span *r, const struct memo *m, double v)
{
	size_t pre = (size_t)m->number.pre, post = (size_t)m->number.post, cap = post + 32;
	struct digits d;

	if (!isfinite(v)) {
		if (!overflown(ev, &d, pre + 1, post, 5))
			return 0;
		d.p[0] = ' ';
	} else {
		if (!digits_room(ev, &d, cap))
			return 0;
		d.len = (size_t)snprintf(d.p, cap, "%+.*e", (int)post, v);
		if (d.p[0] == '+')
			d.p[0] = ' ';
	}
	return show_plain(ev, r, m, &d);
}

/* The text of a decimal with its dscale. */
static struct digits decimal_digits(
	struct eval *ev, const struct decimal *x, enum decimal_error *e)
{
	struct decimal_pool p = number_pool(ev);
	struct digits d = {NULL, 0};
	struct numeric n;
	size_t len;
	const uint8_t *packed = decimal_pack(&p, x, &len, e);

	if (packed && numeric_open(&n, packed, len) == 0 &&
		digits_room(ev, &d, numeric_text_max(&n) + 1))
		d.len = numeric_text(d.p, &n);
	return d;
}

/* 10^k in *digit, for a product. */
static struct decimal power_of_ten(int32_t *digit, int32_t k)
{
	*digit = (int32_t)pow10_of[floor_mod(k, NUMERIC_BASE_DIGITS)];
	return (struct decimal){.d = digit, .n = 1,
		.weight = (int32_t)floor_div(k, NUMERIC_BASE_DIGITS)};
}

static uint8_t show_decimal_exponent(
	struct eval *ev, struct span *r, const struct memo *m, const struct decimal *x)
{
	struct decimal_pool p = number_pool(ev);
	enum decimal_error e = DECIMAL_FINE;
	int32_t exponent = 0, digit;
	struct decimal ten, shown;
	struct digits d, whole;
	size_t cap;

	if (x->n) {
		exponent = x->weight * NUMERIC_BASE_DIGITS;
		for (digit = x->d[0]; digit >= 10; digit /= 10)
			exponent++;
	}
	ten = power_of_ten(&digit, -exponent);
	shown = decimal_mul(&p, x, &ten, m->number.post);
	if (p.failed)
		return 0;
	d = decimal_digits(ev, &shown, &e);
	if (!d.p)
		return number_error(e);
	cap = d.len + 16;
	if (!digits_room(ev, &whole, cap))
		return 0;
	whole.len = (size_t)snprintf(whole.p, cap, "%s%.*se%+03d", *d.p == '-' ? "" : " ",
		(int)d.len, d.p, exponent);
	return show_plain(ev, r, m, &whole);
}

/* An integer, with as many zeros as the template has digits behind the point. */
static uint8_t show_integer(struct eval *ev, struct span *r, const struct memo *m, int64_t v)
{
	struct number_format f = m->number;
	size_t cap = (size_t)f.post + 24;
	struct digits d;

	f.pre += f.multi;
	if (!digits_room(ev, &d, cap))
		return 0;
	d.len = (size_t)snprintf(d.p, cap, "%lld", (long long)v);
	if (f.post) {
		d.p[d.len] = '.';
		memset(d.p + d.len + 1, '0', (size_t)f.post);
		d.len += (size_t)f.post + 1;
	}
	return show_digits(ev, r, m, &f, d);
}

static uint8_t show_int4(struct eval *ev, struct span *r, const struct memo *m, int32_t v)
{
	enum { DIGITS = 9 };
	int32_t by = m->number.multi;

	if (m->number.flags & NUMBER_ROMAN)
		return show_roman(ev, r, m, v);
	if (m->number.flags & NUMBER_EXPONENT)
		return show_exponent(ev, r, m, v);
	if (by > DIGITS || __builtin_mul_overflow(v, (int32_t)pow10_of[by], &v))
		return ROW_INT4_RANGE;
	return show_integer(ev, r, m, v);
}

static uint8_t show_int8(struct eval *ev, struct span *r, const struct memo *m, int64_t v)
{
	struct decimal_pool p = number_pool(ev);
	struct decimal x;

	if (m->number.flags & NUMBER_ROMAN)
		return v < INT32_MIN || v > INT32_MAX ? ROW_INT4_RANGE : show_roman(ev, r, m, v);
	if (m->number.flags & NUMBER_EXPONENT) {
		x = decimal_of_int128(&p, v, 0);
		return p.failed ? 0 : show_decimal_exponent(ev, r, m, &x);
	}
	if (m->number.multi > POW10_MAX ||
		__builtin_mul_overflow(v, pow10_of[m->number.multi], &v))
		return ROW_INT8_RANGE;
	return show_integer(ev, r, m, v);
}

static uint8_t roman_numeric(
	struct eval *ev, struct span *r, const struct memo *m, struct decimal *x)
{
	int64_t v = 0;
	int32_t i;

	decimal_round(x, 0);
	if (x->weight > 2)
		return ROW_INT4_RANGE;
	for (i = 0; x->n && i <= x->weight; i++)
		v = v * NUMERIC_BASE + (i < x->n ? x->d[i] : 0);
	v = x->negative ? -v : v;
	return v < INT32_MIN || v > INT32_MAX ? ROW_INT4_RANGE : show_roman(ev, r, m, v);
}

static uint8_t show_special(
	struct eval *ev, struct span *r, const struct memo *m, uint16_t sign)
{
	struct number_format f = m->number;

	if (f.flags & NUMBER_ROMAN)
		return ROW_NUMERIC_NAN;
	if (f.flags & NUMBER_EXPONENT)
		return show_exponent(ev, r, m, (double)NAN);
	f.pre += f.multi;
	return show_digits(ev, r, m, &f, special_digits(sign));
}

static uint8_t show_numeric(struct eval *ev, struct span *r, const struct memo *m, struct span s)
{
	struct decimal_pool p = number_pool(ev);
	struct number_format f = m->number;
	enum decimal_error e = DECIMAL_FINE;
	struct decimal x, ten;
	struct numeric n;
	struct digits d;
	int32_t digit;

	if (numeric_open(&n, s.p, s.len))
		return ROW_MALFORMED;
	if (special(&n))
		return show_special(ev, r, m, n.sign);
	x = decimal_of(&p, &n);
	if (p.failed)
		return 0;
	if (f.flags & NUMBER_ROMAN)
		return roman_numeric(ev, r, m, &x);
	if (f.flags & NUMBER_EXPONENT)
		return show_decimal_exponent(ev, r, m, &x);
	if (f.multi) {
		ten = power_of_ten(&digit, f.multi);
		x = decimal_mul(&p, &x, &ten, x.dscale);
		f.pre += f.multi;
	}
	if (p.failed)
		return 0;
	decimal_round(&x, f.post < NUMERIC_DSCALE_MAX ? f.post : NUMERIC_DSCALE_MAX);
	d = decimal_digits(ev, &x, &e);
	return d.p ? show_digits(ev, r, m, &f, d) : number_error(e);
}

/* v with as many digits as a float of `most` has, and the template. */
static uint8_t show_float(
	struct eval *ev, struct span *r, const struct memo *m, double v, int most)
{
	enum { CAP = DBL_MAX_10_EXP + 32 };
	struct number_format f = m->number;
	struct digits d;
	int pre;

	f.pre += f.multi;
	if (!digits_room(ev, &d, CAP))
		return 0;
	pre = isnan(v) ? 3 : isinf(v) ? 8 : snprintf(d.p, CAP, "%.0f", fabs(v));
	if (pre >= most)
		f.post = 0;
	else if (f.post > most - pre)
		f.post = most - pre;
	if (!isfinite(v))
		d = special_digits(isnan(v) ? NUMERIC_NAN : v < 0 ? NUMERIC_NINF : NUMERIC_PINF);
	else
		d.len = (size_t)snprintf(d.p, CAP, "%.*f", f.post, v);
	return show_digits(ev, r, m, &f, d);
}

/* Of numbers no int4 can be, it has none. */
static uint8_t roman_float(struct eval *ev, struct span *r, const struct memo *m, double v)
{
	v = rint(v);
	return show_roman(ev, r, m, v >= 1 && v < 4000 ? (int64_t)v : 0);
}

static uint8_t show_float4(struct eval *ev, struct span *r, const struct memo *m, float v)
{
	if (m->number.flags & NUMBER_ROMAN)
		return roman_float(ev, r, m, v);
	if (m->number.flags & NUMBER_EXPONENT)
		return show_exponent(ev, r, m, v);
	if (m->number.flags & NUMBER_SHIFTED)
		v *= (float)pow(10, m->number.multi);
	return show_float(ev, r, m, v, FLT_DIG);
}

static uint8_t show_float8(struct eval *ev, struct span *r, const struct memo *m, double v)
{
	if (m->number.flags & NUMBER_ROMAN)
		return roman_float(ev, r, m, v);
	if (m->number.flags & NUMBER_EXPONENT)
		return show_exponent(ev, r, m, v);
	if (m->number.flags & NUMBER_SHIFTED)
		v *= pow(10, m->number.multi);
	return show_float(ev, r, m, v, DBL_DIG);
}

/* An empty template makes an empty text of any number. */
static uint8_t show_nothing(struct span *r)
{
	*r = (struct span){(const uint8_t *)"", 0};
	return 0;
}

#define TO_CHAR(type, f)                                                               \
	BY_FORMAT(type##_to_char, FORMAT_NUMBER,                                           \
		m.fail ? m.fail : !m.of.len ? show_nothing(&out->s[i])                         \
				  : show_##type(ev, &out->s[i], &m, ARG(0, f)))
TO_CHAR(int4, i4)
TO_CHAR(int8, i8)
TO_CHAR(numeric, s)
TO_CHAR(float4, f4)
TO_CHAR(float8, f8)

/* ---- text to numbers ---- */

/* What V promised has to be undone: times 10^-multi, with the scale of such a power. */
static struct decimal unshifted(struct decimal_pool *p, const struct decimal *x, int32_t multi,
	enum decimal_error *e)
{
	struct decimal ten = decimal_of_int128(p, 10, 0), by = decimal_of_int128(p, -multi, 0);

	ten = decimal_power(p, &ten, &by, e);
	return *e || p->failed ? *x : decimal_mul(p, x, &ten, x->dscale + ten.dscale);
}

static uint8_t read_number(
	struct eval *ev, struct vec *out, uint32_t i, const struct memo *m, struct span s)
{
	struct decimal_pool p = number_pool(ev);
	enum decimal_error e = DECIMAL_FINE;
	uint8_t *text, *number, fail = m->fail;
	struct decimal x;
	struct numeric n;
	int32_t digits;
	size_t len;
	int rc;

	if (fail || !m->of.len)
		return fail ? fail : ROW_NULL;
	text = eval_alloc(ev, (size_t)m->number.nparts + 2);
	number = eval_alloc(ev, numeric_read_max((size_t)m->number.nparts + 2));
	if (!text || !number)
		return 0;
	len = format_number_read(text, &digits, &m->number, s, &fail);
	if (fail)
		return fail;
	rc = numeric_read(number, &len, (const char *)text, len);
	if (rc)
		return rc == -EINVAL ? ROW_NUMERIC_SYNTAX : ROW_NUMERIC_RANGE;
	out->s[i] = (struct span){number, (uint32_t)len};
	if (!(m->number.flags & NUMBER_SHIFTED))
		return 0;
	if (numeric_open(&n, number, len))
		return ROW_MALFORMED;
	x = decimal_of(&p, &n);
	if (!p.failed)
		x = unshifted(&p, &x, m->number.multi, &e);
	if (!p.failed)
		number_put(ev, out, i, &x, e);
	return 0;
}

BY_FORMAT(text_read_number, FORMAT_NUMBER, read_number(ev, out, i, &m, ARG(0, s)))
