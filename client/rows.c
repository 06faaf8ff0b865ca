/* SPDX-License-Identifier: BSD-3-Clause */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 1 << 20, LINE_MAX = 1 << 30 };

int rows_init(struct rows *r, const struct rows_format *f,
	ssize_t (*read)(void *ctx, char *to, size_t room), void *ctx, struct err_text *e)
{
	struct rows_format *own = &r->format;

	*r = (struct rows){.format = *f, .read = read, .ctx = ctx, .next_line = 1};
	if (!own->null)
		own->null = f->csv ? "" : "\\N";
	if (!own->delimiter)
		own->delimiter = f->csv ? ',' : '\t';
	if (!own->quote)
		own->quote = '"';
	if (!own->escape)
		own->escape = own->quote;
	r->null_len = strlen(own->null);
	if (strchr("\r\n", own->delimiter) || (!f->csv && strchr("\\.abcdefghijklmnopqrstuvwxyz"
		"0123456789", own->delimiter)) || (f->csv && own->delimiter == own->quote)) {
		err_set(e, "\"%c\" cannot be the delimiter", own->delimiter);
		return -EINVAL;
	}
	r->special[(uint8_t)own->delimiter] = r->special['\n'] = r->special['\r'] = 1;
	r->special[(uint8_t)(f->csv ? own->quote : '\\')] = 1;
	return 0;
}

void rows_fini(struct rows *r)
{
	if (r->buf)
		explicit_bzero(r->buf, r->cap);
	if (r->scratch)
		explicit_bzero(r->scratch, r->scratch_cap);
	free(r->buf);
	free(r->scratch);
	*r = (struct rows){0};
}

/* ---- the buffer ---- */

/* More bytes behind the ones that are there; what lies before `at` goes. */
static int fill(struct rows *r)
{
	ssize_t n;
	char *p;

	if (r->at) {
		memmove(r->buf, r->buf + r->at, r->end - r->at);
		r->end -= r->at;
		r->at = 0;
	}
	if (r->cap - r->end < READ_BYTES) {
		p = r->end > LINE_MAX ? NULL : realloc(r->buf, r->cap * 2 + READ_BYTES);
		if (!p)
			return -ENOMEM;
		r->buf = p;
		r->cap = r->cap * 2 + READ_BYTES;
	}
	n = r->read(r->ctx, r->buf + r->end, r->cap - r->end);
	if (n < 0)
		return (int)n;
	r->eof = n == 0;
	r->end += (size_t)n;
	r->bytes += (uint64_t)n;
	return 0;
}

/* A row being taken apart. */
struct scan {
	const char *p, *end;
	struct field *f;
	int max, n, bad; /* bad: number of the field that breaks the format, or -1 */
	uint64_t lines;  /* line ends in it */
	bool eof;
	const char *why;
};

enum step { FIELD_ENDS, ROW_ENDS, CUT_OFF };

/* The line end at p, or what else a carriage return or line feed there means. */
static enum step line_end(struct rows *r, struct scan *s)
{
	int style = 1;

	if (*s->p == '\r') {
		if (s->p + 1 == s->end && !s->eof)
			return CUT_OFF;
		style = s->p + 1 < s->end && s->p[1] == '\n' ? 2 : 3;
	}
	if (!r->line_end && style < 3)
		r->line_end = style;
	if (style != r->line_end && s->bad < 0) {
		s->bad = s->n;
		s->why = style == 1 ? "a line end without carriage return, unlike the first one"
							: "an unquoted carriage return in the data";
	}
	if (style == 3) {
		s->p++;
		return FIELD_ENDS; /* of a bad row: all that is left to find is its end */
	}
	s->p += style;
	s->lines++;
	return ROW_ENDS;
}

static void add(struct scan *s, const char *from, size_t len, bool escaped)
{
	if (s->n < s->max)
		s->f[s->n] = (struct field){from, len, escaped};
	s->n++;
}

/* `null` means "has escapes" until the row is whole. */
static enum step text_field(struct rows *r, struct scan *s)
{
	const char *from = s->p;
	bool escaped = false;
	enum step step;

	for (;;) {
		while (s->p < s->end && !r->special[(uint8_t)*s->p])
			s->p++;
		if (s->p == s->end) {
			if (!s->eof)
				return CUT_OFF;
			add(s, from, (size_t)(s->p - from), escaped);
			return ROW_ENDS;
		}
		if (*s->p != '\\')
			break;
		if (s->p + 1 == s->end) {
			if (!s->eof)
				return CUT_OFF;
			s->p++;
			continue;
		}
		escaped = true;
		s->lines += s->p[1] == '\n';
		s->p += 2;
	}
	add(s, from, (size_t)(s->p - from), escaped);
	if (*s->p == r->format.delimiter) {
		s->p++;
		return FIELD_ENDS;
	}
	s->n--; /* line_end() speaks of this field */
	step = line_end(r, s);
	s->n++;
	return step;
}

/* To behind the quote that ends what one began; false: the data ends before. */
static bool skip_quoted(struct rows *r, struct scan *s)
{
	char quote = r->format.quote, escape = r->format.escape;

	for (s->p++; s->p < s->end; s->p++) {
		s->lines += *s->p == '\n';
		if (*s->p == escape && s->p + 1 < s->end && (s->p[1] == quote || s->p[1] == escape))
			s->p++;
		else if (*s->p == quote && (s->p + 1 < s->end || s->eof)) {
			s->p++;
			return true;
		}
	}
	return false;
}

static enum step csv_field(struct rows *r, struct scan *s)
{
	const char *from = s->p;
	bool quoted = false;
	enum step step;

	for (;;) {
		while (s->p < s->end && !r->special[(uint8_t)*s->p])
			s->p++;
		if (s->p == s->end || *s->p != r->format.quote)
			break;
		quoted = true;
		if (!skip_quoted(r, s)) {
			if (!s->eof)
				return CUT_OFF;
			s->bad = s->bad < 0 ? s->n : s->bad;
			s->why = "a quoted field does not end";
			break;
		}
	}
	if (s->p == s->end) {
		if (!s->eof)
			return CUT_OFF;
		add(s, from, (size_t)(s->p - from), quoted);
		return ROW_ENDS;
	}
	add(s, from, (size_t)(s->p - from), quoted);
	if (*s->p == r->format.delimiter) {
		s->p++;
		return FIELD_ENDS;
	}
	s->n--;
	step = line_end(r, s);
	s->n++;
	return step;
}

/* ---- contents ---- */

static int digit(const char *p, const char *end, int base)
{
	int c = p < end ? (uint8_t)*p : 0;
	int v = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 16;

	return v < base ? v : -1;
}

/* The number behind a backslash: up to `most` digits. */
static const char *number(const char *p, const char *end, int base, int most, char *to)
{
	int v = 0, d;

	while (most-- && (d = digit(p, end, base)) >= 0) {
		v = v * base + d;
		p++;
	}
	*to = (char)v;
	return p;
}

static size_t unescape(char *to, const char *p, size_t len)
{
	static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
	const char *end = p + len, *at;
	char *start = to;

	while (p < end) {
		if (*p != '\\' || p + 1 == end) {
			*to++ = *p++;
			continue;
		}
		p++;
		at = *p ? strchr(letters, *p) : NULL;
		if (digit(p, end, 8) >= 0) {
			p = number(p, end, 8, 3, to++);
		} else if (*p == 'x' && digit(p + 1, end, 16) >= 0) {
			p = number(p + 1, end, 16, 2, to++);
		} else {
			*to++ = at ? bytes[at - letters] : *p;
			p++;
		}
	}
	return (size_t)(to - start);
}

static size_t unquote(const struct rows_format *f, char *to, const char *p, size_t len)
{
	const char *end = p + len;
	char *start = to;
	bool in = false;

	for (; p < end; p++) {
		if (in && *p == f->escape && p + 1 < end && (p[1] == f->quote || p[1] == f->escape))
			*to++ = *++p;
		else if (*p == f->quote)
			in = !in;
		else
			*to++ = *p;
	}
	return (size_t)(to - start);
}

static int contents(struct rows *r, struct scan *s)
{
	int n = s->n < s->max ? s->n : s->max, i;
	char *to;

	if (r->scratch_cap < r->raw_len) {
		to = realloc(r->scratch, r->raw_len * 2);
		if (!to)
			return -ENOMEM;
		r->scratch = to;
		r->scratch_cap = r->raw_len * 2;
	}
	to = r->scratch;
	for (i = 0; i < n; i++) {
		struct field *f = &s->f[i];
		bool marked = f->null;
		const char *from = f->p;

		f->null = f->len == r->null_len && memcmp(f->p, r->format.null, f->len) == 0 &&
			!(r->format.csv && marked);
		if (!marked || f->null)
			continue;
		f->p = to;
		f->len = r->format.csv ? unquote(&r->format, to, from, f->len)
							   : unescape(to, from, f->len);
		to += f->len;
	}
	return 0;
}

/* \. alone on its line */
static bool is_end_mark(const struct rows *r)
{
	return r->raw_len >= 2 && r->raw[0] == '\\' && r->raw[1] == '.' &&
		(r->raw_len == 2 || r->raw[2] == '\n' || (r->raw[2] == '\r' && r->raw_len == 4));
}

int rows_next(struct rows *r, struct field *f, int max, int *n, struct err_text *e)
{
	struct scan s;
	enum step step;
	int rc;

	for (;;) {
		if (r->at == r->end && r->eof)
			return -ENODATA;
		if (r->at < r->end) {
			s = (struct scan){.p = r->buf + r->at, .end = r->buf + r->end, .f = f, .max = max,
				.bad = -1, .eof = r->eof};
			do
				step = r->format.csv ? csv_field(r, &s) : text_field(r, &s);
			while (step == FIELD_ENDS);
			if (step == ROW_ENDS)
				break;
		}
		rc = fill(r);
		if (rc)
			return rc;
	}
	r->raw = r->buf + r->at;
	r->raw_len = (size_t)(s.p - r->raw);
	r->at += r->raw_len;
	r->line = r->next_line;
	r->next_line += s.lines;
	*n = s.n;
	if (is_end_mark(r)) {
		r->at = r->end;
		r->eof = true;
		return -ENODATA;
	}
	if (s.bad >= 0) {
		*n = s.bad;
		err_set(e, "%s", s.why);
		return -EILSEQ;
	}
	return contents(r, &s);
}
