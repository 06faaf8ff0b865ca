/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_order.c - scope: kernel_order.c: digests are equal where values are, ranks are
 * those of sorting and comparing, of whole columns larger than a batch.
 */
#include "ask.h"

#include "kernel.h"

enum { ROWS = 3000 };

static struct cell cells[ROWS];

static const uint16_t rank_op[] = {
	[T_INT4] = OP_enc_int4_rank,
	[T_INT8] = OP_enc_int8_rank,
	[T_TEXT] = OP_enc_text_rank,
	[T_NUMERIC] = OP_enc_numeric_rank,
};

static const uint8_t types[] = {T_INT4, T_INT8, T_TEXT, T_NUMERIC};

static void run_rank(uint8_t type, uint32_t rows)
{
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({cells, type, ARG_NULLS}), CODE(PUSH, rank_op[type]), rows)), 0);
	assert_int_equal(reply.type, T_PUB_INT4);
	assert_int_equal(reply.rows, rows);
}

static int order(uint8_t type, const struct cell *a, const struct cell *b)
{
	struct numeric x, y;
	int c;

	if (type == T_TEXT) {
		c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);
		return c ? c : (a->len > b->len) - (a->len < b->len);
	}
	if (type != T_NUMERIC)
		return (a->i > b->i) - (a->i < b->i);
	assert_int_equal(numeric_open(&x, a->p, a->len), 0);
	assert_int_equal(numeric_open(&y, b->p, b->len), 0);
	c = numeric_cmp(&x, &y);
	return c;
}

static uint32_t sorted[ROWS];
static uint8_t sorted_type;

static int by_value(const void *a, const void *b)
{
	return order(sorted_type, &cells[*(const uint32_t *)a], &cells[*(const uint32_t *)b]);
}

static void assert_ranks(uint8_t type, uint32_t rows)
{
	uint32_t i, n = 0;
	int32_t rank = 0;

	for (i = 0; i < rows; i++)
		if (cells[i].state)
			assert_int_equal(reply.cell[i].state, cells[i].state);
		else
			sorted[n++] = i;
	sorted_type = type;
	qsort(sorted, n, sizeof sorted[0], by_value);
	for (i = 0; i < n; i++) {
		if (i > 0 && order(type, &cells[sorted[i - 1]], &cells[sorted[i]]) != 0)
			rank++;
		if (reply.cell[sorted[i]].i != rank)
			fail_msg("type %u: rank %lld, expected %d", type,
				(long long)reply.cell[sorted[i]].i, rank);
	}
}

static struct cell random_number(uint64_t *seed)
{
	static const uint16_t special[] = {NUMERIC_NAN, NUMERIC_PINF, NUMERIC_NINF};
	int nd = (int)rig_below(seed, 6), i;
	uint8_t *p = heap_take(32);
	uint16_t f[4] = {(uint16_t)nd, (uint16_t)((int)rig_below(seed, 5) - 2),
		rig_below(seed, 2) ? NUMERIC_NEG : NUMERIC_POS, 40};

	if (rig_below(seed, 20) == 0) {
		f[0] = f[1] = f[3] = 0;
		nd = 0;
		f[2] = special[rig_below(seed, 3)];
	}
	for (i = 0; i < 4; i++) {
		p[2 * i] = (uint8_t)(f[i] >> 8);
		p[2 * i + 1] = (uint8_t)f[i];
	}
	for (i = 0; i < nd; i++) {
		uint32_t d = (uint32_t)rig_below(seed, rig_below(seed, 2) ? 3 : 10000);

		p[8 + 2 * i] = (uint8_t)(d >> 8);
		p[9 + 2 * i] = (uint8_t)d;
	}
	return packed(p, (size_t)(8 + 2 * nd));
}

static struct cell random_value(uint8_t type, uint64_t *seed)
{
	static const char *const bits[] = {"a", "b", "\xc3\xa4", "Customer#0000", "Customer#"};
	int64_t v = (int64_t)rig_rand(seed);

	if (type == T_TEXT)
		return random_text(seed, bits, sizeof bits / sizeof bits[0], 14);
	if (type == T_NUMERIC)
		return random_number(seed);
	if (rig_below(seed, 2))
		v %= 100;
	return (struct cell){.i = type == T_INT4 ? (int32_t)v : v};
}

static void test_ranks(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 48, 49, 50, 500, ROWS};
	uint64_t seed = 11;
	size_t t, s;
	uint32_t i;

	for (t = 0; t < sizeof types; t++)
		for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
			heap_used = 0;
			for (i = 0; i < sizes[s]; i++) {
				cells[i] = random_value(types[t], &seed);
				if (rig_below(&seed, 50) == 0)
					cells[i].state = rig_below(&seed, 2) ? ROW_NULL : ROW_FORGED;
			}
			run_rank(types[t], sizes[s]);
			assert_ranks(types[t], sizes[s]);
		}
}

static void test_equal_and_sorted(void **state)
{
	uint32_t i;

	for (i = 0; i < ROWS; i++)
		cells[i] = text_cell("the same");
	run_rank(T_TEXT, ROWS);
	assert_ranks(T_TEXT, ROWS);
	for (i = 0; i < ROWS; i++)
		cells[i] = (struct cell){.i = (int64_t)(ROWS - i) - ROWS / 2};
	run_rank(T_INT8, ROWS);
	assert_ranks(T_INT8, ROWS);
}

static void test_no_number(void **state)
{
	static const uint8_t bad[] = {0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10};

	cells[0] = decimal("5");
	cells[1] = (struct cell){.p = bad, .len = sizeof bad};
	cells[2] = decimal("4");
	run_rank(T_NUMERIC, 3);
	assert_int_equal(reply.cell[1].state, ROW_MALFORMED);
	assert_true(reply.cell[0].i == 1 && reply.cell[2].i == 0);
}

/* More rows than a batch, where a program ends in a rank and only there. */
static void test_many_rows(void **state)
{
	uint32_t rows = PROGRAM_ROWS_MAX + 1;
	size_t len;

	cells[0] = (struct cell){.i = 5};
	len = request(ARGS({cells, T_INT4, ARG_ONE}), CODE(PUSH, OP_enc_int4_rank), rows);
	assert_int_equal(run(ROLE_DB, req, len), 0);
	assert_int_equal(reply.rows, 1);
	assert_true(reply.cell[0].i == 0);
	len = request(ARGS({cells, T_INT4, ARG_ONE}), CODE(PUSH, OP_enc_int4_um), rows);
	assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
	len = request(ARGS({cells, T_INT4, ARG_ONE}), CODE(PUSH, OP_enc_int4_rank),
		PROGRAM_WHOLE_ROWS_MAX + 1);
	assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
}

/* The digests of the values, 16 bytes each, in `out`. */
static void digests(uint8_t (*out)[DIGEST_BYTES], uint16_t op, uint8_t type,
	const struct cell *c, uint32_t n)
{
	uint32_t i;

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({c, type, ARG_NULLS}), CODE(PUSH, op), n)), 0);
	assert_int_equal(reply.type, T_PUB_BYTES16);
	for (i = 0; i < n; i++) {
		assert_int_equal(reply.cell[i].state, c[i].state);
		if (!c[i].state)
			memcpy(out[i], reply.cell[i].p, DIGEST_BYTES);
	}
}

static void test_digests(void **state)
{
	static uint8_t i4[4][DIGEST_BYTES], i8[4][DIGEST_BYTES], nu[4][DIGEST_BYTES],
		te[4][DIGEST_BYTES];
	int64_t hash;

	digests(i4, OP_enc_int4_digest, T_INT4, CELLS(I(5), I(-5), NIL, I(5)), 4);
	digests(i8, OP_enc_int8_digest, T_INT8, CELLS(I(5), I(-5), NIL, I(6)), 4);
	digests(nu, OP_enc_numeric_digest, T_NUMERIC,
		CELLS(decimal("5.00"), decimal("-5"), decimal("5.01"), decimal("6")), 4);
	digests(te, OP_enc_text_digest, T_TEXT, CELLS(S("5"), S("-5"), NIL, S("")), 4);
	assert_memory_equal(i4[0], i4[3], DIGEST_BYTES);
	assert_memory_equal(i4[0], i8[0], DIGEST_BYTES);
	assert_memory_equal(i4[1], i8[1], DIGEST_BYTES);
	assert_memory_equal(i4[0], nu[0], DIGEST_BYTES);
	assert_memory_equal(i8[3], nu[3], DIGEST_BYTES);
	assert_memory_not_equal(i4[0], i4[1], DIGEST_BYTES);
	assert_memory_not_equal(nu[0], nu[2], DIGEST_BYTES);
	assert_memory_not_equal(i4[0], te[0], DIGEST_BYTES);
	memcpy(&hash, te[0], sizeof hash);
	cells[0] = text_cell("5");
	assert_true(apply(OP_enc_text_hash64, cells).i == hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_equal_and_sorted),
		cmocka_unit_test(test_no_number),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
