/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format_number.c - numbers as a template shows and reads them: to_char(), to_number().
 *
 * Digits are laid out from left to right. A template with more digits before its point
 * than the number has begins with blanks, or zeros from its first 0 on; the sign stands
 * before the first digit unless a field says where.
 *
 * Source of the rules: PostgreSQL 15's documentation, section 9.8, and its behaviour.
 */
#include "format.h"

#include <string.h>

#include "kernel_text.h"

/* ---- the template ---- */

static bool signs_exclude(const struct number_format *f, uint8_t field)
{
	bool locale = f->flags & NUMBER_LOCALE_SIGN;
	bool placed = f->flags & (NUMBER_PLUS | NUMBER_MINUS), bracket = f->flags & NUMBER_BRACKET;

	switch (field) {
	case NUMBER_S:
		return locale || placed || bracket;
	case NUMBER_MI:
	case NUMBER_PL:
	case NUMBER_SG:
		return locale;
	case NUMBER_PR:
		return locale || placed;
	default:
		return false;
	}
}

static uint8_t add_digit(struct number_format *f, bool zero)
{
	bool point = f->flags & NUMBER_HAS_POINT;

	if (f->flags & NUMBER_BRACKET)
		return ROW_FORMAT_SYNTAX;
	if (zero && !(f->flags & NUMBER_HAS_ZERO) && !point) {
		f->flags |= NUMBER_HAS_ZERO;
		f->zero_start = f->pre + 1;
	}
	if (!zero && f->flags & NUMBER_SHIFTED)
		f->multi++;
	else if (point)
		f->post++;
	else
		f->pre++;
	if (zero)
		f->zero_end = f->pre + f->post;
	return 0;
}

static void add_sign(struct number_format *f)
{
	if (!(f->flags & NUMBER_HAS_POINT)) {
		f->sign = SIGN_BEFORE;
		f->sign_at = f->pre;
	} else if (f->sign == SIGN_NONE) {
		f->sign = SIGN_BEHIND;
	}
	f->flags |= NUMBER_LOCALE_SIGN;
}

static uint8_t add_point(struct number_format *f)
{
	if (f->flags & (NUMBER_HAS_POINT | NUMBER_SHIFTED))
		return ROW_FORMAT_SYNTAX;
	f->flags |= NUMBER_HAS_POINT;
	return 0;
}

static uint8_t add_exponent(struct number_format *f)
{
	enum { ALONE = NUMBER_BLANK | NUMBER_FILL | NUMBER_LOCALE_SIGN | NUMBER_BRACKET |
		NUMBER_MINUS | NUMBER_PLUS | NUMBER_ROMAN | NUMBER_SHIFTED | NUMBER_EXPONENT };

	if (f->flags & ALONE)
		return ROW_FORMAT_SYNTAX;
	f->flags |= NUMBER_EXPONENT;
	return 0;
}

static uint8_t add_field(struct number_format *f, uint8_t field)
{
	if (f->flags & NUMBER_EXPONENT || signs_exclude(f, field))
		return ROW_FORMAT_SYNTAX;
	switch (field) {
	case NUMBER_9:
	case NUMBER_0:
		return add_digit(f, field == NUMBER_0);
	case NUMBER_B:
		if (!f->pre && !f->post && !(f->flags & NUMBER_HAS_ZERO))
			f->flags |= NUMBER_BLANK;
		break;
	case NUMBER_D:
	case NUMBER_POINT:
		return add_point(f);
	case NUMBER_FM:
		f->flags |= NUMBER_FILL;
		break;
	case NUMBER_S:
		add_sign(f);
		break;
	case NUMBER_MI:
		f->flags |= NUMBER_MINUS;
		break;
	case NUMBER_PL:
		f->flags |= NUMBER_PLUS;
		break;
	case NUMBER_SG:
		f->flags |= NUMBER_MINUS | NUMBER_PLUS;
		break;
	case NUMBER_PR:
		f->flags |= NUMBER_BRACKET;
		break;
	case NUMBER_RN:
		f->flags |= NUMBER_ROMAN;
		break;
	case NUMBER_V:
		if (f->flags & NUMBER_HAS_POINT)
			return ROW_FORMAT_SYNTAX;
		f->flags |= NUMBER_SHIFTED;
		break;
	case NUMBER_EEEE:
		return add_exponent(f);
	}
	return 0;
}

uint8_t format_number_parse(struct number_format *f, const struct format_part *part)
{
	uint8_t fail = 0;

	*f = (struct number_format){.part = part};
	for (; part->kind != PART_END && !fail; part++, f->nparts++)
		if (part->kind == PART_FIELD)
			fail = add_field(f, part->field);
	return fail;
}

/* ---- showing ---- */

enum { NOWHERE = -1 };

struct writer {
	struct format_out *o;
	struct number_format f;
	const uint8_t *number;
	int64_t len, p;     /* the digit to come */
	int64_t last;       /* the last digit that FM shows, or the point; NOWHERE: all */
	char sign;
	bool signed_;       /* no sign is to be written any more */
	bool in;            /* digits have begun */
	int32_t at, count;  /* digits of the template: written and all */
	int32_t spaces;
};

static bool has(const struct writer *w, uint32_t flags)
{
	return w->f.flags & flags;
}

static void put(struct writer *w, char c)
{
	format_put(w->o, &c, 1);
}

/* The text ends here, whatever follows. */
static void cut(struct writer *w)
{
	w->o->end = w->o->at;
}

static uint8_t digit_at(const struct writer *w, int64_t p)
{
	return p < w->len ? w->number[p] : 0;
}

/* Is the 0 before a point to come, which a 9 does not show? */
static bool lone_zero(const struct writer *w)
{
	return !has(w, NUMBER_HAS_ZERO) && w->p == 0 && digit_at(w, 0) == '0' && w->f.post;
}

static bool last_is_point(const struct writer *w)
{
	return w->last != NOWHERE && w->number[w->last] == '.';
}

static void put_first_sign(struct writer *w)
{
	bool begun = w->at >= w->spaces ||
		(has(w, NUMBER_HAS_ZERO) && w->f.zero_start == w->at);

	if (w->signed_ || !begun || (lone_zero(w) && !last_is_point(w)))
		return;
	if (has(w, NUMBER_LOCALE_SIGN)) {
		if (w->f.sign != SIGN_BEFORE)
			return;
		put(w, w->sign == '-' ? '-' : '+');
	} else if (has(w, NUMBER_BRACKET)) {
		put(w, w->sign == '+' ? ' ' : '<');
	} else if (w->sign == '-') {
		put(w, '-');
	} else if (w->sign == '+') {
		if (!has(w, NUMBER_FILL))
			put(w, ' ');
	} else {
		return;
	}
	w->signed_ = true;
}

static void put_number_digit(struct writer *w, bool zero)
{
	uint8_t c = digit_at(w, w->p);

	if (c == '.') {
		if (!last_is_point(w) || has(w, NUMBER_FILL))
			put(w, '.');
	} else if (w->last != NOWHERE && w->p > w->last && !zero) {
		;
	} else if (lone_zero(w)) {
		if (!has(w, NUMBER_FILL))
			put(w, ' ');
		else if (last_is_point(w))
			put(w, '0');
	} else {
		if (c)
			put(w, (char)c);
		else
			cut(w);
		w->in = true;
	}
	if (c)
		w->p++;
}

static void put_last_sign(struct writer *w)
{
	int32_t end = w->count + (w->spaces ? 1 : 0) + (has(w, NUMBER_HAS_POINT) ? 1 : 0);

	if (w->last != NOWHERE && w->last == w->p)
		end = w->at;
	if (w->at + 1 != end)
		return;
	if (w->signed_ && has(w, NUMBER_BRACKET))
		put(w, w->sign == '+' ? ' ' : '>');
	else if (has(w, NUMBER_LOCALE_SIGN) && w->f.sign == SIGN_BEHIND)
		put(w, w->sign == '-' ? '-' : '+');
}

/* A digit or the point of the template. */
static void put_digit(struct writer *w, uint8_t field)
{
	bool zeros = has(w, NUMBER_HAS_ZERO) && w->f.zero_start <= w->at;

	if (has(w, NUMBER_ROMAN))
		return;
	w->in = false;
	put_first_sign(w);
	if (w->at < w->spaces && !zeros) {
		if (!has(w, NUMBER_FILL))
			put(w, ' ');
	} else if (w->at < w->spaces) {
		put(w, '0');
		w->in = true;
	} else {
		put_number_digit(w, field == NUMBER_0);
	}
	put_last_sign(w);
	w->at++;
}

static void put_roman(struct writer *w, bool lower)
{
	enum { WIDE = 15 };
	int64_t i;

	for (i = w->len; i < WIDE && !has(w, NUMBER_FILL); i++)
		put(w, ' ');
	for (i = 0; i < w->len; i++)
		put(w, (char)(lower && w->number[i] != '#' ? w->number[i] | 32 : w->number[i]));
}

static uint8_t put_ordinal(struct writer *w, bool upper)
{
	const char *ending;

	if (has(w, NUMBER_ROMAN | NUMBER_HAS_POINT) || digit_at(w, 0) == '#' || w->sign == '-')
		return 0;
	ending = format_ordinal(w->number, (size_t)w->len, upper);
	if (!ending)
		return ROW_NUMERIC_SYNTAX;
	format_put(w->o, ending, 2);
	return 0;
}

/* A sign where the template says: one of them, else a blank that FM leaves out. */
static void put_placed(struct writer *w, char sign)
{
	if (w->sign == sign)
		put(w, sign);
	else if (!has(w, NUMBER_FILL))
		put(w, ' ');
}

static uint8_t put_field(struct writer *w, const struct format_part *part)
{
	switch (part->field) {
	case NUMBER_9:
	case NUMBER_0:
	case NUMBER_POINT:
	case NUMBER_D:
		put_digit(w, part->field);
		return 0;
	case NUMBER_COMMA:
	case NUMBER_G:
		if (w->in)
			put(w, ',');
		else if (!has(w, NUMBER_FILL))
			put(w, ' ');
		return 0;
	case NUMBER_L:
		put(w, ' ');
		return 0;
	case NUMBER_RN:
		put_roman(w, part->letters == LETTERS_LOWER);
		return 0;
	case NUMBER_TH:
		return put_ordinal(w, part->letters == LETTERS_UPPER);
	case NUMBER_MI:
		put_placed(w, '-');
		return 0;
	case NUMBER_PL:
		put_placed(w, '+');
		return 0;
	case NUMBER_SG:
		if (w->sign)
			put(w, w->sign);
		else
			cut(w);
		return 0;
	default:
		return 0;
	}
}

/* Roman numbers have no digits, signs or places. */
static void only_roman(struct writer *w)
{
	w->f = (struct number_format){.part = w->f.part,
		.flags = (w->f.flags & NUMBER_FILL) | NUMBER_ROMAN, .zero_start = w->f.zero_start};
	w->sign = 0;
	w->spaces = 0;
}

static void find_sign(struct writer *w)
{
	if (has(w, NUMBER_PLUS | NUMBER_MINUS)) {
		w->signed_ = has(w, NUMBER_MINUS);
		return;
	}
	if (w->sign != '-' && has(w, NUMBER_FILL))
		w->f.flags &= ~(uint32_t)NUMBER_BRACKET;
	w->signed_ = w->sign == '+' && has(w, NUMBER_FILL) && !has(w, NUMBER_LOCALE_SIGN);
	if (w->f.sign == SIGN_BEFORE && w->f.pre == w->f.sign_at)
		w->f.sign = SIGN_BEHIND;
}

/* With FM, zeros at the end are left out, but where the template has a 0. */
static void find_last(struct writer *w)
{
	const uint8_t *point = memchr(w->number, '.', (size_t)w->len);
	int64_t i, zero;

	w->last = NOWHERE;
	if (!has(w, NUMBER_FILL) || !has(w, NUMBER_HAS_POINT) || !point)
		return;
	w->last = point - w->number;
	for (i = w->last + 1; i < w->len; i++)
		if (w->number[i] != '0')
			w->last = i;
	zero = w->f.zero_end - w->spaces;
	if (zero > w->len - 1)
		zero = w->len - 1;
	if (w->f.zero_end > w->spaces && w->last < zero)
		w->last = zero;
}

uint8_t format_number(
	struct format_out *o, const struct number_format *f, const struct number_text *t)
{
	struct writer w = {.o = o, .f = *f, .number = t->p, .len = (int64_t)t->len,
		.sign = t->sign, .spaces = t->spaces};
	const struct format_part *part;
	uint8_t fail = 0;

	if (f->flags & NUMBER_EXPONENT) {
		format_put(o, t->p, t->len);
		return 0;
	}
	if (w.f.zero_start)
		w.f.zero_start--;
	if (has(&w, NUMBER_ROMAN))
		only_roman(&w);
	find_sign(&w);
	find_last(&w);
	w.count = w.f.post + w.f.pre - 1 + (!w.signed_ && !w.spaces);
	for (part = f->part; part->kind != PART_END && !fail; part++)
		if (part->kind == PART_FIELD)
			fail = put_field(&w, part);
		else
			format_put(o, part->p, part->len);
	return fail;
}

/* ---- reading ---- */

struct reader {
	const struct number_format *f;
	const uint8_t *p, *end;
	uint8_t *number;   /* its sign, or a blank, and then digits */
	size_t len;
	int32_t pre, post; /* digits that were read */
	bool point;
};

/* The number's sign, if it comes next. */
static bool read_sign(struct reader *r, bool bracket)
{
	if (r->p >= r->end || (*r->p != '-' && *r->p != '+' && !(bracket && *r->p == '<')))
		return false;
	r->number[0] = *r->p == '+' ? '+' : '-';
	return true;
}

static bool read_one(struct reader *r, bool *full)
{
	*full = false;
	if (format_is_digit(*r->p)) {
		*full = r->point && r->post == r->f->post;
		if (*full)
			return false;
		r->post += r->point;
		r->pre += !r->point;
	} else if (r->f->flags & NUMBER_HAS_POINT && !r->point && *r->p == '.') {
		r->point = true;
	} else {
		return false;
	}
	r->number[r->len++] = *r->p;
	return true;
}

/* A digit or point of the template: whatever of these comes next, a sign before the first
 * and behind the last. The caller skips one more byte. */
static void read_digit(struct reader *r, uint8_t field)
{
	bool locale = r->f->flags & NUMBER_LOCALE_SIGN, read, full;

	if (r->p < r->end && *r->p == ' ')
		r->p++;
	if (r->p < r->end && r->number[0] == ' ' && r->pre + r->post == 0 &&
		(field == NUMBER_0 || field == NUMBER_9) &&
		read_sign(r, r->f->flags & NUMBER_BRACKET))
		r->p++;
	if (r->p >= r->end)
		return;
	read = read_one(r, &full);
	if (full || r->number[0] != ' ' || r->pre + r->post == 0)
		return;
	if (locale && read && r->p + 1 < r->end && !format_is_digit(r->p[1])) {
		r->p++;
		if (!read_sign(r, false))
			r->p--;
	} else if (!read && !locale && r->f->flags & (NUMBER_PLUS | NUMBER_MINUS)) {
		read_sign(r, false);
	}
}

/* Up to n characters that cannot be a number's. */
static void skip_other(struct reader *r, int n)
{
	for (; n > 0 && r->p < r->end; n--) {
		if (format_is_digit(*r->p) || (*r->p && strchr(".,+-", *r->p)))
			return;
		r->p += char_len(r->p, r->end);
	}
}

static void read_placed(struct reader *r, const char *signs)
{
	if (*r->p && strchr(signs, *r->p))
		r->number[0] = *r->p++;
	else
		skip_other(r, 1);
}

static void read_field(struct reader *r, uint8_t field)
{
	switch (field) {
	case NUMBER_9:
	case NUMBER_0:
	case NUMBER_POINT:
	case NUMBER_D:
		read_digit(r, field);
		r->p++;
		break;
	case NUMBER_COMMA:
	case NUMBER_G:
		if (!(r->f->flags & NUMBER_FILL) && *r->p == ',')
			r->p++;
		break;
	case NUMBER_L:
		skip_other(r, 1);
		break;
	case NUMBER_TH:
		if (!(r->f->flags & NUMBER_HAS_POINT))
			skip_other(r, 2);
		break;
	case NUMBER_MI:
		read_placed(r, "-");
		break;
	case NUMBER_PL:
		read_placed(r, "+");
		break;
	case NUMBER_SG:
		read_placed(r, "-+");
		break;
	}
}

size_t format_number_read(uint8_t *number, int32_t *digits, const struct number_format *f,
	struct span s, uint8_t *fail)
{
	struct reader r = {.f = f, .p = s.p, .end = s.p + s.len, .number = number, .len = 1};
	const struct format_part *part;
	int64_t whole = 0;
	size_t i;

	*fail = 0;
	if (f->flags & (NUMBER_EXPONENT | NUMBER_ROMAN)) {
		*fail = ROW_FORMAT_SHOWN_ONLY;
		return 0;
	}
	number[0] = ' ';
	for (part = f->part; part->kind != PART_END && r.p < r.end; part++)
		if (part->kind == PART_FIELD)
			read_field(&r, part->field);
		else
			r.p += char_len(r.p, r.end);
	if (number[r.len - 1] == '.')
		r.len--;
	/* more digits before the point than the template has */
	for (i = 1; i < r.len && number[i] != '.'; i++)
		whole += whole > 0 || number[i] != '0';
	if (whole > (int64_t)f->pre + f->multi)
		*fail = ROW_NUMERIC_RANGE;
	*digits = r.post;
	return *fail ? 0 : r.len;
}
