/* SPDX-License-Identifier: BSD-3-Clause */
#include "resp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"

enum {
	DEPTH_MAX = 64,
	VALUE_MIN = 3,           /* "_\r\n" */
	FIRST_MAX = 64 << 10,    /* replies up to so many bytes get a piece of twice the size */
	FIRST_MORE = 512,
	PIECE = 16 << 10,        /* of the further ones, at least */
	NUMBER_MAX = 20,         /* digits of a 64-bit number and its sign */
};

/* A tree takes few pieces of memory, mostly one; the first begins with its root. */
struct piece {
	struct piece *next;
};

struct tree {
	struct piece *more;
	struct cxlring_reply root;
};

struct parser {
	struct cursor c;
	uint64_t promised; /* children that were announced and are yet to come */
	struct tree *tree;
	char *free, *end;  /* of the piece that is being filled */
};

/* A tree with room for so many bytes besides its root. */
static struct tree *tree_new(size_t room)
{
	struct tree *t = malloc(sizeof *t + room);

	if (t)
		memset(t, 0, sizeof *t);
	return t;
}

struct cxlring_reply *reply_new(int type, const char *str, size_t len)
{
	struct tree *t = tree_new(str ? len + 1 : 0);

	if (!t)
		return NULL;
	t->root.type = type;
	if (str) {
		t->root.str = (char *)(t + 1);
		t->root.len = len;
		memcpy(t->root.str, str, len);
		t->root.str[len] = 0;
	}
	return &t->root;
}

void cxlring_free(struct cxlring_reply *r)
{
	struct piece *p, *next;
	struct tree *t;

	if (!r)
		return;
	t = (struct tree *)((char *)r - offsetof(struct tree, root));
	for (p = t->more; p; p = next) {
		next = p->next;
		free(p);
	}
	free(t);
}

/* So many bytes that live as long as the tree, for anything; NULL: no memory. */
static void *take(struct parser *ps, size_t len)
{
	struct piece *p;
	void *at;
	size_t size;

	len = (len + 7) & ~(size_t)7;
	if ((size_t)(ps->end - ps->free) < len) {
		size = len + PIECE;
		p = malloc(sizeof *p + size);
		if (!p)
			return NULL;
		p->next = ps->tree->more;
		ps->tree->more = p;
		ps->free = (char *)(p + 1);
		ps->end = ps->free + size;
	}
	at = ps->free;
	ps->free += len;
	return at;
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

/* A line that is a number as Redis writes it: digits, perhaps a sign before them. */
static bool take_number(struct cursor *c, int64_t *v)
{
	const char *p = (const char *)c->p;
	size_t most = c->left < NUMBER_MAX + 2 ? c->left : NUMBER_MAX + 2, i;
	bool minus = most > 0 && p[0] == '-';
	int64_t n = 0;

	for (i = minus; i < most && p[i] >= '0' && p[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_sub_overflow(n, p[i] - '0', &n))
			return false;
	if (i == minus || i + 2 > most || p[i] != '\r' || p[i + 1] != '\n' ||
		(!minus && __builtin_sub_overflow(0, n, &n)))
		return false;
	cursor_bytes(c, i + 2);
	*v = n;
	return true;
}

static bool parse(struct parser *ps, struct cxlring_reply *r, int depth);

static bool nothing(struct cxlring_reply *r)
{
	r->type = CXLRING_NIL;
	return true;
}

static bool text(
	struct parser *ps, struct cxlring_reply *r, int type, const void *str, size_t len)
{
	r->str = take(ps, len + 1);
	if (!r->str)
		return false;
	memcpy(r->str, str, len);
	r->str[len] = 0;
	r->type = type;
	r->len = len;
	return true;
}

static bool parse_bulk(struct parser *ps, struct cxlring_reply *r, int type, int64_t n)
{
	struct cursor *c = &ps->c;
	const uint8_t *p, *end;

	if (n == -1)
		return nothing(r);
	if (n < 0 || (uint64_t)n > c->left)
		return false;
	p = cursor_bytes(c, (size_t)n);
	end = cursor_bytes(c, 2);
	if (!end || memcmp(end, "\r\n", 2) != 0)
		return false;
	if (type == CXLRING_VERB) {
		if (n < 4 || p[3] != ':')
			return false;
		p += 4; /* "txt:" */
		n -= 4;
	}
	return text(ps, r, type, p, (size_t)n);
}

/*
 * n children. All that are announced on all levels have to fit into what is
 * left, so that a tree takes no more than a small multiple of the reply's bytes.
 */
static bool parse_many(
	struct parser *ps, struct cxlring_reply *r, int type, int64_t n, int depth)
{
	struct cxlring_reply *child;

	if (n == -1)
		return nothing(r);
	if (n < 0 || (uint64_t)n + ps->promised > ps->c.left / VALUE_MIN)
		return false;
	r->type = type;
	if (n == 0)
		return true;
	r->element = take(ps, (size_t)n * sizeof *r->element);
	if (!r->element)
		return false;
	ps->promised += (uint64_t)n;
	for (; r->elements < (size_t)n; r->elements++) {
		ps->promised--;
		child = take(ps, sizeof *child);
		if (!child)
			return false;
		*child = (struct cxlring_reply){0};
		if (!parse(ps, child, depth + 1))
			return false;
		r->element[r->elements] = child;
	}
	return true;
}

static bool parse_double(struct parser *ps, struct cxlring_reply *r, const char *line, size_t len)
{
	char *end;

	if (len == 0 || !text(ps, r, CXLRING_DOUBLE, line, len))
		return false;
	r->dval = strtod(r->str, &end);
	return end == r->str + len;
}

/* And what it describes, which takes its place: attributes are advice. */
static bool parse_attribute(struct parser *ps, struct cxlring_reply *r, int64_t n, int depth)
{
	if (!parse_many(ps, r, CXLRING_ATTR, n, depth))
		return false;
	*r = (struct cxlring_reply){0};
	return parse(ps, r, depth + 1);
}

static bool parse_word(struct parser *ps, struct cxlring_reply *r, char type)
{
	size_t len;
	const char *line = take_line(&ps->c, &len);

	if (!line)
		return false;
	switch (type) {
	case '+':
		return text(ps, r, CXLRING_STATUS, line, len);
	case '-':
		return text(ps, r, CXLRING_ERROR, line, len);
	case '(':
		return text(ps, r, CXLRING_BIGNUM, line, len);
	case ',':
		return parse_double(ps, r, line, len);
	case '_':
		return len == 0 && nothing(r);
	case '#':
		r->type = CXLRING_BOOL;
		r->integer = line[0] == 't';
		return len == 1 && (line[0] == 't' || line[0] == 'f');
	default:
		return false;
	}
}

/* Into *r, which is all zeroes. */
static bool parse(struct parser *ps, struct cxlring_reply *r, int depth)
{
	char type = (char)cursor_u8(&ps->c);
	bool many = false;
	int64_t n;

	if (depth >= DEPTH_MAX)
		return false;
	switch (type) {
	case '*':
	case '%':
	case '~':
	case '>':
	case '|':
		many = true;
		/* fall through */
	case '$':
	case '=':
	case ':':
		if (!take_number(&ps->c, &n) || (many && n > INT32_MAX))
			return false;
		break;
	default:
		return parse_word(ps, r, type);
	}
	switch (type) {
	case '$':
		return parse_bulk(ps, r, CXLRING_STRING, n);
	case '=':
		return parse_bulk(ps, r, CXLRING_VERB, n);
	case '*':
		return parse_many(ps, r, CXLRING_ARRAY, n, depth);
	case '%':
		return parse_many(ps, r, CXLRING_MAP, n * 2, depth);
	case '~':
		return parse_many(ps, r, CXLRING_SET, n, depth);
	case '>':
		return parse_many(ps, r, CXLRING_PUSH, n, depth);
	case '|':
		return parse_attribute(ps, r, n * 2, depth);
	default:
		r->type = CXLRING_INTEGER;
		r->integer = n;
		return true;
	}
}

struct cxlring_reply *resp_parse(const void *p, size_t len)
{
	/* A reply of many short strings takes more, one of long ones less. */
	size_t room = len < FIRST_MAX ? 2 * len + FIRST_MORE : len;
	struct parser ps = {.c = cursor_of(p, len), .tree = tree_new(room)};

	if (!ps.tree)
		return NULL;
	ps.free = (char *)(ps.tree + 1);
	ps.end = ps.free + room;
	if (parse(&ps, &ps.tree->root, 0) && ps.c.left == 0)
		return &ps.tree->root;
	cxlring_free(&ps.tree->root);
	return NULL;
}
