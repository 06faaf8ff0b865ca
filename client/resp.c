/* SPDX-License-Identifier: BSD-3-Clause */
#include "resp.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"

enum { DEPTH_MAX = 64, ROOM_MIN = 4 };

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
	*v = strtoll(text, &end, 10);
	return *end == 0;
}

static struct cxlring_reply *parse(struct cursor *c, int depth);

static struct cxlring_reply *parse_bulk(struct cursor *c, int type, int64_t n)
{
	const uint8_t *p, *end;

	if (n == -1)
		return reply_new(CXLRING_NIL, NULL, 0);
	if (n < 0 || (uint64_t)n > c->left)
		return NULL;
	p = cursor_bytes(c, (size_t)n);
	end = cursor_bytes(c, 2);
	if (!end || end[0] != '\r' || end[1] != '\n')
		return NULL;
	if (type == CXLRING_VERB && n >= 4) {
		p += 4; /* "txt:" */
		n -= 4;
	}
	return reply_new(type, (const char *)p, (size_t)n);
}

/* Room for one more child. Grows with what really comes: a count is only a claim, and
 * nested ones would add up to a hundred times the bytes received. */
static bool have_room(struct cxlring_reply *r, size_t n)
{
	size_t at = r->elements, room = at ? at * 2 : ROOM_MIN;
	struct cxlring_reply **grown;

	if (at && (at < ROOM_MIN || at & (at - 1)))
		return true;
	grown = realloc(r->element, (room < n ? room : n) * sizeof *grown);
	if (!grown)
		return false;
	r->element = grown;
	return true;
}

/* n children, each of three bytes at least. */
static struct cxlring_reply *parse_many(struct cursor *c, int type, int64_t n, int depth)
{
	struct cxlring_reply *r;

	if (n == -1)
		return reply_new(CXLRING_NIL, NULL, 0);
	if (n < 0 || (uint64_t)n > c->left / 3)
		return NULL;
	r = reply_new(type, NULL, 0);
	while (r && r->elements < (size_t)n) {
		struct cxlring_reply *child = have_room(r, (size_t)n) ? parse(c, depth + 1) : NULL;

		if (!child) {
			cxlring_free(r);
			return NULL;
		}
		r->element[r->elements++] = child;
	}
	return r;
}

static struct cxlring_reply *parse_double(const char *line, size_t len)
{
	struct cxlring_reply *r = reply_new(CXLRING_DOUBLE, line, len);

	if (r)
		r->dval = strtod(r->str, NULL);
	return r;
}

static struct cxlring_reply *parse_attribute(struct cursor *c, int64_t n, int depth)
{
	struct cxlring_reply *advice = parse_many(c, CXLRING_ATTR, n * 2, depth);

	if (!advice)
		return NULL;
	cxlring_free(advice);
	return parse(c, depth + 1); /* what it describes */
}

static struct cxlring_reply *parse(struct cursor *c, int depth)
{
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
		return reply_new(CXLRING_NIL, NULL, 0);
	case '$':
		return parse_bulk(c, CXLRING_STRING, n);
	case '=':
		return parse_bulk(c, CXLRING_VERB, n);
	case '*':
		return parse_many(c, CXLRING_ARRAY, n, depth);
	case '%':
		return parse_many(c, CXLRING_MAP, n * 2, depth);
	case '~':
		return parse_many(c, CXLRING_SET, n, depth);
	case '>':
		return parse_many(c, CXLRING_PUSH, n, depth);
	case '|':
		return parse_attribute(c, n, depth);
	case ':':
	case '#':
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
	struct cursor c = cursor_of(p, len);
	struct cxlring_reply *r = parse(&c, 0);

	if (r && c.left) {
		cxlring_free(r);
		r = NULL;
	}
	return r;
}
