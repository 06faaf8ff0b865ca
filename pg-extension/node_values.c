/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_values.h"

#include "memory.h"
#include "scalar.h"
#include "zone_rules.h"

void values_grow(
	MemoryContext memory, struct values *v, const struct zone_column *c, uint32_t rows)
{
	v->rows = rows;
	v->nulls = memory_grown(memory, v->nulls, rows);
	if (values_vary(c))
		v->lens = memory_grown(memory, v->lens, rows * sizeof *v->lens);
	v->cap = values_vary(c) ? 1024 : (uint64_t)rows * c->bytes;
	v->data = memory_grown(memory, v->data, v->cap);
}

void values_reset(struct values *v)
{
	v->used = 0;
	v->present = 0;
	v->any_null = false;
}

static void put_bytes(struct values *v, const void *p, uint32_t len)
{
	if (unlikely(v->used + len > v->cap)) {
		v->cap = Max(v->cap * 2, v->used + len);
		v->data = repalloc_huge(v->data, v->cap);
	}
	memcpy(v->data + v->used, p, len);
	v->used += len;
}

static void put_null(struct values *v, uint32_t row)
{
	if (!v->any_null)
		memset(v->nulls, 0, v->rows);
	v->any_null = true;
	v->nulls[row] = 1;
}

/* A plain integer that stands for an encrypted one of either width. */
static void put_clear(struct values *v, const struct zone_column *c, Datum d)
{
	put_bytes(v, &d, c->bytes); /* little-endian, and a Datum is sign-extended */
}

void values_put_any(
	struct values *v, const struct zone_column *c, Datum d, bool null, uint32_t row)
{
	const uint8_t *p;
	uint32_t len;
	void *copy;

	if (null) {
		put_null(v, row);
		return;
	}
	if (c->flags & ARG_CLEAR) {
		put_clear(v, c, d);
	} else if (c->by_value) {
		put_bytes(v, &d, c->bytes);
	} else {
		p = value_stored(c->bytes, d, &len, &copy);
		put_bytes(v, p, len);
		if (values_vary(c))
			v->lens[v->present] = len;
		if (unlikely(copy != NULL))
			pfree(copy);
	}
	v->present++;
}

void values_put_zone(struct values *v)
{
	uint32_t len;
	const uint8_t *rules = zone_rules(&len);

	put_bytes(v, rules, len);
	v->lens[0] = len;
	v->present = 1;
}
