/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_order.c - what hashing and sorting elsewhere need of a whole column: a digest
 * of each value, and its rank among the others.
 *
 * The digest is what the type's hash kernel hashes: the canonical bytes of the value, so
 * it is equal where the type's hash is, and 128 bits make it stand for the value.
 *
 * Ranks are dense, from 0; equal values share one. They say no more than comparing all
 * pairs would. Each value gets a 64-bit key whose order is the values', as far as it goes;
 * the keys are sorted by radix, and where several are equal the values decide:
 *
 *     SIGNED       the key is the value
 *     BYTES        eight bytes; a run of equal ones is sorted by the eight after them,
 *                  up to DEPTH_MAX, and then by comparing
 *     NUMBER       sign, weight and three digits; then by comparing
 *     COMPARED     no key: merge sort with the type's own comparison
 */
#include "kernel.h"

#include <string.h>

#include "numeric.h"

enum {
	DEPTH_MAX = 64,
	RADIX = 256,
	INSERTION_MAX = 48, /* below that the tables of a radix sort are not worth clearing */
	KEY_BYTES = sizeof(uint64_t),
	ASK_EVERY = 1 << 16, /* comparisons between two questions whether to go on */
};

/* ---- digests ---- */

KERNEL(digest)
{
	const struct op *hash = optable_secret(op->args[0], SECRET_HASH64);
	uint32_t i;

	EACH_ROW(out, n, i)
	{
		int64_t low;
		struct vec h = {.i8 = &low, .state = out->state + i, .rows = 1}, row;

		row = vec_row(in, i);
		dispatch[hash->code](ev, hash, &h, &row, 1);
		out->dirty |= h.dirty;
		memcpy(out->b + (size_t)i * DIGEST_BYTES, eval_digest(ev), DIGEST_BYTES);
	}
}

/* ---- ranks ---- */

enum by { COMPARED, SIGNED, BYTES, NUMBER };

static const uint8_t type_by[T_MAX] = {
	[T_INT4] = SIGNED,
	[T_INT8] = SIGNED,
	[T_TEXT] = BYTES,
	[T_NUMERIC] = NUMBER,
	[T_BYTEA] = BYTES,
	[T_DATE] = SIGNED,
	[T_TIMESTAMP] = SIGNED,
	[T_TIMESTAMPTZ] = SIGNED,
};

struct item {
	uint64_t key;
	uint32_t row;
};

struct ranking {
	struct eval *ev;
	const struct vec *in;
	struct vec *out;
	const struct op *cmp;
	struct item *spare; /* as many as there are items */
	uint32_t rank;      /* the next one */
	uint32_t asked;
	bool given_up;
	enum by by;
};

static uint64_t signed_key(const struct vec *v, uint32_t row)
{
	int64_t x = optable_size(v->type) == 4 ? v->i4[row] : v->i8[row];

	return (uint64_t)x ^ UINT64_C(1) << 63;
}

/* Eight bytes from `depth`, the missing ones zero. */
static uint64_t bytes_key(struct span s, uint32_t depth)
{
	uint64_t key = 0;

	if (s.len > depth)
		memcpy(&key, s.p + depth, s.len - depth < KEY_BYTES ? s.len - depth : KEY_BYTES);
	return __builtin_bswap64(key);
}

/* Row's key of a number, or false: it is none. Leading zeros are skipped, for its maker
 * may have left some. */
static bool number_key(uint64_t *key, struct span s)
{
	enum { DIGIT_BITS = 14, DIGITS = 3, BIAS = 1 << 17 };
	const uint64_t zero = UINT64_C(1) << 63;
	struct numeric x;
	uint64_t size;
	int i, at = 0;

	if (numeric_open(&x, s.p, s.len))
		return false;
	if (x.sign == NUMERIC_NAN || x.sign == NUMERIC_PINF || x.sign == NUMERIC_NINF) {
		*key = x.sign == NUMERIC_NAN ? UINT64_MAX
			: x.sign == NUMERIC_PINF ? UINT64_MAX - 1 : 0;
		return true;
	}
	while (at < x.ndigits && x.digits[2 * at] == 0 && x.digits[2 * at + 1] == 0)
		at++;
	*key = zero;
	if (at == x.ndigits)
		return true;
	size = (uint64_t)(x.weight - at + BIAS);
	for (i = at; i < at + DIGITS; i++)
		size = size << DIGIT_BITS |
			(i < x.ndigits ? (uint64_t)x.digits[2 * i] << 8 | x.digits[2 * i + 1] : 0);
	*key = x.sign == NUMERIC_POS ? zero + size : zero - size;
	return true;
}

static bool first_key(struct ranking *r, struct item *it)
{
	switch (r->by) {
	case SIGNED:
		it->key = signed_key(r->in, it->row);
		return true;
	case BYTES:
		it->key = bytes_key(r->in->s[it->row], 0);
		return true;
	case NUMBER:
		return number_key(&it->key, r->in->s[it->row]);
	default:
		it->key = 0;
		return true;
	}
}

static bool go_on(struct ranking *r)
{
	if (!r->given_up && !eval_wanted(r->ev))
		r->given_up = true;
	return !r->given_up;
}

/* -1, 0, 1 by the type's own kernel. */
static int compare(struct ranking *r, uint32_t a, uint32_t b)
{
	struct vec arg[2] = {vec_row(r->in, a), vec_row(r->in, b)}, out;
	uint8_t state = ROW_VALUE;
	int32_t c = 0;

	if (++r->asked % ASK_EVERY == 0)
		go_on(r);
	out = (struct vec){.i4 = &c, .state = &state, .rows = 1};
	dispatch[r->cmp->code](r->ev, r->cmp, &out, arg, 1);
	if (state) /* it was not noticed before: nothing follows for the order */
		row_fail(r->out, a, state);
	return c;
}

static void insertion_sort(struct item *items, uint32_t n)
{
	uint32_t i, at;

	for (i = 1; i < n; i++) {
		struct item it = items[i];

		for (at = i; at > 0 && items[at - 1].key > it.key; at--)
			items[at] = items[at - 1];
		items[at] = it;
	}
}

/* Least significant byte first; bytes that all keys share are passed over. */
static void radix_sort(struct ranking *r, struct item *items, uint32_t n)
{
	struct item *from = items, *to = r->spare, *swap;
	uint32_t count[KEY_BYTES][RADIX] = {{0}};
	uint32_t i, k, sum, c;

	for (i = 0; i < n; i++)
		for (k = 0; k < KEY_BYTES; k++)
			count[k][items[i].key >> 8 * k & 0xff]++;
	for (k = 0; k < KEY_BYTES && go_on(r); k++) {
		if (count[k][from[0].key >> 8 * k & 0xff] == n)
			continue;
		for (i = 0, sum = 0; i < RADIX; i++) {
			c = count[k][i];
			count[k][i] = sum;
			sum += c;
		}
		for (i = 0; i < n; i++)
			to[count[k][from[i].key >> 8 * k & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, n * sizeof *items);
}

static bool in_order(struct ranking *r, const struct item *items, uint32_t n)
{
	uint32_t i;

	for (i = 1; i < n; i++)
		if (r->given_up || compare(r, items[i - 1].row, items[i].row) > 0)
			return false;
	return true;
}

static void merge(struct ranking *r, struct item *items, uint32_t half, uint32_t n)
{
	uint32_t a = 0, b = half, i = 0;

	memcpy(r->spare, items, half * sizeof *items);
	while (a < half && b < n)
		items[i++] = compare(r, r->spare[a].row, items[b].row) <= 0 ? r->spare[a++]
																	: items[b++];
	memcpy(items + i, r->spare + a, (half - a) * sizeof *items);
}

static void merge_sort(struct ranking *r, struct item *items, uint32_t n)
{
	if (n < 2 || r->given_up || in_order(r, items, n))
		return;
	merge_sort(r, items, n / 2);
	merge_sort(r, items + n / 2, n - n / 2);
	merge(r, items, n / 2, n);
}

static void give_rank(struct ranking *r, const struct item *it, bool equal)
{
	r->rank += !equal;
	r->out->i4[it->row] = (int32_t)(r->rank - 1);
}

static void rank_compared(struct ranking *r, struct item *items, uint32_t n)
{
	uint32_t i;

	merge_sort(r, items, n);
	for (i = 0; i < n && !r->given_up; i++)
		give_rank(r, &items[i],
			i > 0 && compare(r, items[i - 1].row, items[i].row) == 0);
}

static void rank_keys(struct ranking *r, struct item *items, uint32_t n, uint32_t depth);

/* Items with equal keys. */
static void rank_run(struct ranking *r, struct item *items, uint32_t n, uint32_t depth)
{
	uint32_t i, longest = 0, shortest = UINT32_MAX;

	for (i = 0; r->by == BYTES && i < n && n > 1; i++) {
		uint32_t len = r->in->s[items[i].row].len;

		longest = len > longest ? len : longest;
		shortest = len < shortest ? len : shortest;
	}
	depth += KEY_BYTES;
	/* Of one length, and the keys had all of it: they are equal. */
	if (n == 1 || r->by == SIGNED || (shortest == longest && longest <= depth)) {
		for (i = 0; i < n; i++)
			give_rank(r, &items[i], i > 0);
		return;
	}
	if (longest <= depth || depth >= DEPTH_MAX) {
		rank_compared(r, items, n);
		return;
	}
	for (i = 0; i < n; i++)
		items[i].key = bytes_key(r->in->s[items[i].row], depth);
	rank_keys(r, items, n, depth);
}

static void rank_keys(struct ranking *r, struct item *items, uint32_t n, uint32_t depth)
{
	uint32_t from, to;

	if (n <= INSERTION_MAX)
		insertion_sort(items, n);
	else
		radix_sort(r, items, n);
	for (from = 0; from < n && !r->given_up; from = to) {
		for (to = from + 1; to < n && items[to].key == items[from].key; to++)
			;
		rank_run(r, items + from, to - from, depth);
	}
}

KERNEL(rank)
{
	struct ranking r = {.ev = ev, .in = in, .out = out, .by = type_by[op->args[0]],
		.cmp = optable_secret(op->args[0], SECRET_CMP)};
	struct item *items = eval_alloc(ev, 2ull * n * sizeof *items);
	uint32_t i, m = 0;

	if (!items)
		return;
	r.spare = items + n;
	EACH_ROW(out, n, i)
	{
		items[m].row = ROW(in, i);
		if (first_key(&r, &items[m]))
			m++;
		else
			row_fail(out, i, ROW_MALFORMED);
	}
	if (m > 0)
		rank_keys(&r, items, m, 0);
	for (i = 0; i < n && r.given_up; i++)
		row_fail(out, i, ROW_GIVEN_UP);
}
