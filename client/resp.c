/* SPDX-License-Identifier: BSD-3-Clause */
#include "resp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"

enum { DEPTH_MAX = 64, VALUE_MIN = 3 /* "_\r\n" */ };

struct parser {
	struct cursor c;
	uint64_t promised; /* children that were announced and are yet to come */
};

struct cxlring_reply *reply_new(int type, const char *str, size_t len)
{
	struct cxlring_reply *r = calloc(1, sizeof *r + (str ? len + 1 : 0));

	if (!r)
		return NULL;
	r->type = type;
	if (str) {
		r->str = (char *)(r + 1);
		r->len = len;
		memcpy(r->str, str, len);
	}
	return r;
}

void cxlring_free(struct cxlring_reply *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->elements; i++)
		cxlring_free(r->element[i]);
	free(r->element);
	free(r);
}

/* The line at the cursor, without CRLF; NULL when it does not end. */
static const char *take_line(struct cursor *c, size_t *len)
{
	const char *p = (const char *)c->p;
	const char *end = c->left ? memchr(p, '\r', c->left) : NULL;

	if (!end || (size_t)(end - p) + 2 > c->left || end[1] != '\n')
		return NULL;
	*len = (size_t)(end - p);
	cursor_bytes(c, *len + 2);
	return p;
}

static bool to_number(const char *s, size_t len, int64_t *v)
{
	char text[32], *end;

	if (len == 0 || len >= sizeof text)
		return false;
	memcpy(text, s, len);
	text[len] = 0;
	errno = 0;
	*v = strtoll(text, &end, 10);
	return end == text + len && errno == 0 && (s[0] == '-' || (s[0] >= '0' && s[0] <= '9'));
}

static struct cxlring_reply *parse(struct parser *ps, int depth);

static struct cxlring_reply *parse_bulk(struct cursor *c, int type, int64_t n)
{
	const uint8_t *p, *end;

	if (n == -1)
		return reply_new(CXLRING_NIL, NULL, 0);
	if (n < 0 || (uint64_t)n > c->left)
		return NULL;
	p = cursor_bytes(c, (size_t)n);
	end = cursor_bytes(c, 2);
	if (!end || memcmp(end, "\r\n", 2) != 0)
		return NULL;
	if (type == CXLRING_VERB) {
		if (n < 4 || p[3] != ':')
			return NULL;
		p += 4; /* "txt:" */
		n -= 4;
	}
	return reply_new(type, (const char *)p, (size_t)n);
}

/*
 * n children. All that are announced on all levels have to fit into what is left, so that
 * the tables of a reply take no more than a small multiple of its bytes.
 */
static struct cxlring_reply *parse_many(struct parser *ps, int type, int64_t n, int depth)
{
	struct cxlring_reply *r;

	if (n == -1)
		return reply_new(CXLRING_NIL, NULL, 0);
	if (n < 0 || (uint64_t)n + ps->promised > ps->c.left / VALUE_MIN)
		return NULL;
	r = reply_new(type, NULL, 0);
	if (!r || n == 0)
		return r;
	r->element = calloc((size_t)n, sizeof *r->element);
	ps->promised += (uint64_t)n;
	while (r->element && r->elements < (size_t)n) {
		ps->promised--;
		r->element[r->elements] = parse(ps, depth + 1);
		if (!r->element[r->elements])
			break;
		r->elements++;
	}
	if (r->elements == (size_t)n)
		return r;
	cxlring_free(r);
	return NULL;
}

static struct cxlring_reply *parse_double(const char *line, size_t len)
{
	struct cxlring_reply *r = reply_new(CXLRING_DOUBLE, line, len);
	char *end;

	if (!r)
		return NULL;
	r->dval = strtod(r->str, &end);
	if (len && end == r->str + len)
		return r;
	cxlring_free(r);
	return NULL;
}

static struct cxlring_reply *parse_attribute(struct parser *ps, int64_t n, int depth)
{
	struct cxlring_reply *r = parse_many(ps, CXLRING_ATTR, n * 2, depth);

	if (!r)
		return NULL;
	cxlring_free(r);
	return parse(ps, depth + 1); /* what it describes; attributes are advice */
}

static struct cxlring_reply *parse(struct parser *ps, int depth)
{
	struct cursor *c = &ps->c;
	struct cxlring_reply *r;
	const char *line;
	char type = (char)cursor_u8(c);
	size_t len;
	int64_t n = 0;

	line = depth < DEPTH_MAX ? take_line(c, &len) : NULL;
	if (!line || (strchr("$=:*%~>|", type) && !to_number(line, len, &n)))
		return NULL;
	if (n > INT32_MAX && strchr("*%~>|", type))
		return NULL;
	switch (type) {
	case '+':
		return reply_new(CXLRING_STATUS, line, len);
	case '-':
		return reply_new(CXLRING_ERROR, line, len);
	case '(':
		return reply_new(CXLRING_BIGNUM, line, len);
	case ',':
		return parse_double(line, len);
	case '_':
		if (len)
			return NULL;
		return reply_new(CXLRING_NIL, NULL, 0);
	case '$':
		return parse_bulk(c, CXLRING_STRING, n);
	case '=':
		return parse_bulk(c, CXLRING_VERB, n);
	case '*':
		return parse_many(ps, CXLRING_ARRAY, n, depth);
	case '%':
		return parse_many(ps, CXLRING_MAP, n * 2, depth);
	case '~':
		return parse_many(ps, CXLRING_SET, n, depth);
	case '>':
		return parse_many(ps, CXLRING_PUSH, n, depth);
	case '|':
		return parse_attribute(ps, n, depth);
	case '#':
		if (len != 1 || (line[0] != 't' && line[0] != 'f'))
			return NULL;
		/* fall through */
	case ':':
		r = reply_new(type == ':' ? CXLRING_INTEGER : CXLRING_BOOL, NULL, 0);
		if (r)
			r->integer = type == ':' ? n : line[0] == 't';
		return r;
	default:
		return NULL;
	}
}

struct cxlring_reply *resp_parse(const void *p, size_t len)
{
	struct parser ps = {.c = cursor_of(p, len)};
	struct cxlring_reply *r = parse(&ps, 0);

	if (r && ps.c.left) {
		cxlring_free(r);
		r = NULL;
	}
	return r;
}
