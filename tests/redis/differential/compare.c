/* SPDX-License-Identifier: BSD-3-Clause */
#include "compare.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar.h"

enum how { EXACT, SORTED, NEAR_SECONDS, NEAR, TYPE, CURSOR, LENGTH, ENCODING };

static bool is_aggregate(const struct cxlring_reply *r)
{
	return r->type == CXLRING_ARRAY || r->type == CXLRING_MAP || r->type == CXLRING_SET ||
		   r->type == CXLRING_PUSH;
}

/* A total order; what is equal in it is equal. */
static int order(const struct cxlring_reply *a, const struct cxlring_reply *b)
{
	size_t i;
	int d;

	if (a->type != b->type)
		return a->type - b->type;
	if (a->integer != b->integer)
		return a->integer < b->integer ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	d = a->len ? memcmp(a->str, b->str, a->len) : 0;
	if (d || a->elements != b->elements)
		return d ? d : a->elements < b->elements ? -1 : 1;
	for (i = 0; i < a->elements && d == 0; i++)
		d = order(a->element[i], b->element[i]);
	return d;
}

static int by_order(const void *a, const void *b)
{
	return order(*(struct cxlring_reply *const *)a, *(struct cxlring_reply *const *)b);
}

static int by_pair(const void *a, const void *b)
{
	struct cxlring_reply *const *x = a, *const *y = b;
	int d = order(x[0], y[0]);

	return d ? d : order(x[1], y[1]);
}

/* Innermost first, so that nested ones have one order. */
static void sort(struct cxlring_reply *r, bool pairs)
{
	size_t i;

	if (!is_aggregate(r) || r->elements == 0)
		return;
	for (i = 0; i < r->elements; i++)
		sort(r->element[i], false);
	if (pairs || r->type == CXLRING_MAP)
		qsort(r->element, r->elements / 2, 2 * sizeof *r->element, by_pair);
	else
		qsort(r->element, r->elements, sizeof *r->element, by_order);
}

static bool is_near(const struct cxlring_reply *a, const struct cxlring_reply *b, int64_t by)
{
	size_t i;

	if (a->type == CXLRING_INTEGER && b->type == CXLRING_INTEGER)
		/* -1 and -2 of TTL are no times */
		return a->integer == b->integer ||
			   (a->integer >= 0 && b->integer >= 0 && llabs(a->integer - b->integer) <= by);
	if (!is_aggregate(a) || a->type != b->type || a->elements != b->elements)
		return order(a, b) == 0;
	for (i = 0; i < a->elements; i++)
		if (!is_near(a->element[i], b->element[i], by))
			return false;
	return true;
}

/* A whole turn in one reply can be compared; else nobody knows which part came. */
static bool same_turn(
	const struct command *c, struct cxlring_reply *a, struct cxlring_reply *b, bool pairs)
{
	size_t cursor = command_is(c, "scan") ? 1 : 2;

	if (a->type != b->type || a->elements != b->elements || a->elements != 2)
		return order(a, b) == 0;
	if (strcmp(c->word[cursor], "0") != 0 || strcmp(a->element[0]->str, "0") != 0 || strcmp(b->element[0]->str, "0") != 0)
		return is_aggregate(a->element[1]) && is_aggregate(b->element[1]);
	sort(a->element[1], pairs);
	sort(b->element[1], pairs);
	return order(a->element[1], b->element[1]) == 0;
}

static enum how how_of(const struct command *c)
{
	static const struct {
		const char *name;
		enum how how;
	} of[] = {{"ttl", NEAR_SECONDS}, {"expiretime", NEAR_SECONDS}, {"pttl", NEAR},
		{"pexpiretime", NEAR}, {"object|idletime", NEAR}, {"object|freq", NEAR},
		{"xinfo|stream", NEAR}, {"xinfo|consumers", NEAR}, {"xpending", NEAR},
		{"srandmember", TYPE}, {"hrandfield", TYPE}, {"zrandmember", TYPE}, {"scan", CURSOR},
		{"sscan", CURSOR}, {"hscan", CURSOR}, {"zscan", CURSOR}, {"dump", LENGTH},
		{"function|dump", LENGTH}, {"function|stats", SORTED}, {"command|list", SORTED},
		{"object|refcount", TYPE},
		{"object|encoding", ENCODING}, {"config|get", SORTED}, {"acl|getuser", SORTED}, {"acl|cat", SORTED}};
	size_t i;

	if (!c->spec)
		return EXACT;
	for (i = 0; i < sizeof of / sizeof *of; i++)
		if (strcmp(of[i].name, c->spec->name) == 0)
			return of[i].how;
	if (strncmp(c->spec->name, "sort", 4) == 0 && command_has(c, "by"))
		return SORTED;
	return c->spec->unordered ? SORTED : EXACT;
}

static bool is_encoding(const struct cxlring_reply *r)
{
	return r->type == CXLRING_STRING && (strcmp(r->str, "int") == 0 || strcmp(r->str, "embstr") == 0);
}

static bool alike(const struct command *c, struct cxlring_reply *a, struct cxlring_reply *b,
	struct leeway leeway)
{
	bool pairs = command_is(c, "hgetall") || command_is(c, "hscan") ||
				 command_is(c, "zscan") || command_is(c, "config");

	switch (how_of(c)) {
	case SORTED:
		pairs &= a->elements % 2 == 0 && b->elements % 2 == 0;
		sort(a, pairs);
		sort(b, pairs);
		return order(a, b) == 0;
	case NEAR_SECONDS:
		return is_near(a, b, leeway.skew_ms / 1000 + 1);
	case NEAR:
		return is_near(a, b, leeway.skew_ms + 1000);
	case TYPE:
		return a->type == b->type && a->elements == b->elements &&
			   (a->type != CXLRING_ERROR || order(a, b) == 0);
	case CURSOR:
		return same_turn(c, a, b, pairs);
	case LENGTH:
		return a->type == b->type && a->len == b->len;
	case ENCODING:
		return order(a, b) == 0 || (leeway.mset && is_encoding(a) && is_encoding(b));
	default:
		return order(a, b) == 0;
	}
}

static bool each_alike(const struct command *const *queued, size_t n, struct cxlring_reply *a,
	struct cxlring_reply *b, struct leeway leeway)
{
	size_t i;

	if (a->type != CXLRING_ARRAY || b->type != CXLRING_ARRAY || a->elements != n ||
		b->elements != n)
		return false;
	for (i = 0; i < n; i++)
		if (!alike(queued[i], a->element[i], b->element[i], leeway))
			return false;
	return true;
}

bool compare(const struct command *c, const struct command *const *queued, size_t nqueued,
	const struct value *a, const struct value *b, struct leeway leeway)
{
	struct cxlring_reply *ra, *rb;
	bool same;

	if (a->len == b->len && memcmp(a->data, b->data, a->len) == 0)
		return true;
	ra = value_parse(a);
	rb = value_parse(b);
	if (!ra || !rb)
		same = false;
	else if (queued)
		same = each_alike(queued, nqueued, ra, rb, leeway);
	else
		/* What parses to the same is not the same: bytes differ for a reason. */
		same = how_of(c) != EXACT && alike(c, ra, rb, leeway);
	cxlring_free(ra);
	cxlring_free(rb);
	return same;
}
