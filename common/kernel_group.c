/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_group.c - group numbers, and what a group is counted and named by.
 *
 * Values are equal when the bytes are that their type's hash kernel hashes; so where the
 * value itself will not do, that kernel is run, and eval_hash() keeps those bytes instead
 * of hashing them with the key: a table that lives for one request needs no more than a
 * seed that nobody knows.
 */
#include "kernel.h"

#include <string.h>

#include "entropy.h"
#include "eval.h"

enum { ASK_EVERY = 1 << 12 }; /* rows between two questions whether to go on */

struct group {
	uint64_t hash;
	const uint8_t *bytes; /* NULL: the value is NULL */
	size_t len;
	int32_t before;       /* the group's number so far */
};

struct table {
	struct group *groups; /* in order of appearance */
	uint32_t *slots;      /* number + 1 of a group, or 0 */
	uint32_t ngroups, mask;
	uint64_t seed;
};

static bool table_init(struct eval *ev, struct table *t, uint32_t n)
{
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	t->groups = eval_alloc(ev, (size_t)n * sizeof *t->groups);
	t->slots = eval_alloc(ev, (size_t)size * sizeof *t->slots);
	if (!t->groups || !t->slots)
		return false;
	memset(t->slots, 0, (size_t)size * sizeof *t->slots);
	t->ngroups = 0;
	t->mask = size - 1;
	entropy_fill(&t->seed, sizeof t->seed);
	return true;
}

static uint64_t mix(uint64_t h, uint64_t w)
{
	unsigned __int128 m = (unsigned __int128)(h ^ w) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash_bytes(uint64_t h, const uint8_t *p, size_t n)
{
	uint64_t w = 0;
	size_t i;

	h = mix(h, n);
	for (i = 0; i + sizeof w <= n; i += sizeof w) {
		memcpy(&w, p + i, sizeof w);
		h = mix(h, w);
	}
	w = 0;
	if (i < n)
		memcpy(&w, p + i, n - i);
	return mix(h, w);
}

static bool same(const struct group *a, const struct group *b)
{
	return a->hash == b->hash && a->before == b->before && a->len == b->len &&
		!a->bytes == !b->bytes && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* The number of the group; a new one keeps a copy of its bytes. -1: no memory. */
static int32_t table_number(struct eval *ev, struct table *t, struct group *g)
{
	uint32_t at = (uint32_t)g->hash & t->mask;
	uint8_t *copy;

	for (; t->slots[at]; at = (at + 1) & t->mask)
		if (same(&t->groups[t->slots[at] - 1], g))
			return (int32_t)(t->slots[at] - 1);
	if (g->bytes) {
		copy = eval_alloc(ev, g->len + 1);
		if (!copy)
			return -1;
		memcpy(copy, g->bytes, g->len);
		g->bytes = copy;
	}
	t->groups[t->ngroups] = *g;
	t->slots[at] = ++t->ngroups;
	return (int32_t)(t->ngroups - 1);
}

/* Types of which different bytes are different values, as they are. */
static const bool plain_bytes[T_MAX] = {
	[T_INT4] = true,
	[T_INT8] = true,
	[T_TEXT] = true,
	[T_DATE] = true,
	[T_TIMESTAMP] = true,
	[T_TIMESTAMPTZ] = true,
	[T_BYTEA] = true,
	[T_UUID] = true,
};

/* The bytes of the value in row i; its state when it is none after all. */
static uint8_t canonical(struct eval *ev, const struct op *hash, const struct vec *in,
	uint32_t i, struct group *g)
{
	struct vec row = vec_row(in, i), h;
	uint8_t state = ROW_VALUE;
	int64_t unused = 0;

	if (plain_bytes[in->type]) {
		g->len = optable_size(in->type);
		g->bytes = g->len ? row.b : row.s->p;
		g->len = g->len ? g->len : row.s->len;
		if (g->len == 0) /* wherever an empty one points */
			g->bytes = (const uint8_t *)"";
		return ROW_VALUE;
	}
	h = (struct vec){.i8 = &unused, .state = &state, .rows = 1};
	dispatch[hash->code](ev, hash, &h, &row, 1);
	g->bytes = ev->canonical.bytes;
	g->len = ev->canonical.len;
	return state;
}

static void number_row(struct eval *ev, struct table *t, const struct op *hash,
	struct vec *out, const struct vec *in, uint32_t i)
{
	struct group g = {.before = in[0].i4[ROW(&in[0], i)]};
	uint8_t state = in[1].state[ROW(&in[1], i)];

	if (state == ROW_VALUE)
		state = canonical(ev, hash, &in[1], i, &g);
	if (state > ROW_NULL) {
		row_fail(out, i, state);
		return;
	}
	g.hash = hash_bytes(mix(t->seed, (uint32_t)g.before), g.bytes, g.len);
	out->i4[i] = table_number(ev, t, &g);
}

KERNEL(group)
{
	const struct op *hash = optable_secret(op->args[1], SECRET_HASH64);
	struct table t;
	uint32_t i;

	if (!table_init(ev, &t, n))
		return;
	ev->canonical.wanted = true;
	for (i = 0; i < n && !ev->no_memory; i++) {
		uint8_t before = in[0].state[ROW(&in[0], i)];

		if (i % ASK_EVERY == ASK_EVERY - 1 && !eval_wanted(ev))
			break;
		if (before)
			row_fail(out, i, before);
		else
			number_row(ev, &t, hash, out, in, i);
	}
	ev->canonical.wanted = false;
	for (; i < n; i++)
		row_fail(out, i, ROW_GIVEN_UP);
}

/* Whoever reads the filter sees its errors there. */
KERNEL(group_where)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t number = in[0].state[ROW(&in[0], i)], filter = in[1].state[ROW(&in[1], i)];

		out->i4[i] = in[0].i4[ROW(&in[0], i)];
		if (number)
			row_fail(out, i, number);
		else if (filter || !in[1].b[ROW(&in[1], i)])
			row_fail(out, i, ROW_NULL);
	}
}

KERNEL(count)
{
	int64_t k = 0;
	uint32_t i;

	EACH_VALUE(in, out, n, i)
		k++;
	out->i8[0] = k;
}

/* All rows of a group have it: nobody cares which. */
KERNEL(first)
{
	size_t size = optable_size(op->args[0]);
	uint32_t i;

	for (i = 0; i < n && in->state[i] == ROW_NULL; i++)
		;
	if (i == n)
		row_fail(out, 0, ROW_NULL);
	else if (in->state[i])
		row_fail(out, 0, in->state[i]);
	else if (size)
		memcpy(out->b, in->b + i * size, size);
	else
		out->s[0] = in->s[i];
}
