/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_results.c - scope: what program.h has beyond one result of a column: several
 * results, filtered ones, reductions by group; and CASE, COALESCE, NULLIF, IS NULL and IS
 * DISTINCT FROM (kernel_any.c) of every type.
 */
#include "ask.h"

#include "numeric.h"

enum { RESULTS = 4, MANY = 3000 };

static struct rig_reply result[RESULTS]; /* their bytes are `reply`'s */

/* Run the request in `req`, whose byte 1 becomes `more`; the results. */
static int run_results(uint8_t more, size_t len)
{
	struct cursor c;
	int i, rc;

	req[1] = more;
	err.s[0] = 0;
	rc = eval_run(ev, ROLE_DB, req, len, true, rig_room, &reply, &err);
	if (rc)
		return rc;
	c = cursor_of(reply.bytes, reply.len);
	for (i = 0; i <= (more & ~PROGRAM_FILTERED); i++)
		assert_true(rig_result_read(&result[i], &mine->o, &c));
	assert_int_equal(c.left, 0);
	return 0;
}

static void assert_states(const struct rig_reply *r, const uint8_t *states, uint32_t n)
{
	uint32_t i;

	assert_int_equal(r->rows, n);
	for (i = 0; i < n; i++)
		assert_int_equal(r->cell[i].state, states[i]);
}

/* ---- results ---- */

static void test_several(void **state)
{
	size_t len = request(ARGS({CELLS(I(1), NIL, I(3)), T_INT4, ARG_NULLS},
				     {CELLS(S("x"), S("yy"), S("")), T_TEXT, 0},
				     {CELLS(I(2)), T_INT4, ARG_ONE}),
		CODE(PUSH | 1, PUSH, PUSH | 2, OP_enc_int4_mult, PUSH, PUSH | 2,
			OP_enc_int4_lt, PUSH | 2), 3);

	assert_int_equal(run_results(3, len), 0);
	assert_int_equal(result[0].type, T_TEXT);
	assert_int_equal(result[0].flags, REPLY_SECRET);
	assert_int_equal(result[0].cell[1].len, 2);
	assert_int_equal(result[1].type, T_INT4);
	assert_states(&result[1], (uint8_t[]){ROW_VALUE, ROW_NULL, ROW_VALUE}, 3);
	assert_true(result[1].cell[0].i == 2 && result[1].cell[2].i == 6);
	assert_int_equal(result[2].type, T_PUB_BOOL);
	assert_true(result[2].cell[0].i == 1 && result[2].cell[2].i == 0);
	assert_int_equal(result[3].rows, 1);
	assert_true(result[3].cell[0].i == 2);
	/* The number in the request has to be right. */
	assert_int_equal(run_results(2, len), -EPROTO);
	assert_int_equal(run_results(4, len), -EPROTO);
	assert_int_equal(run_results(0, len), -EPROTO);
}

/* SELECT 100 / b, t WHERE a > 1: no error where a is 1, and nothing of that row. */
static void test_filtered(void **state)
{
	static const uint8_t want[] = {ROW_NULL, ROW_VALUE, ROW_NULL, ROW_DIVISION_BY_ZERO, ROW_NULL};
	size_t len = request(ARGS({CELLS(I(1), I(2), NIL, I(3), I(0)), T_INT4, ARG_NULLS},
				     {CELLS(I(0), I(5), I(7), I(0), STATE(ROW_FORGED)), T_INT4, 0},
				     {CELLS(S("no"), S("yes"), S("no"), S("bad"), S("no")), T_TEXT, 0},
				     {CELLS(I(100)), T_INT4, ARG_ONE}, {CELLS(I(1)), T_INT4, ARG_ONE}),
		CODE(PUSH, PUSH | 4, OP_enc_int4_gt, PUSH | 3, PUSH | 1, OP_enc_int4_div,
			PUSH | 2, PUSH), 5);
	uint64_t opened = ev->opened;

	assert_int_equal(run_results(PROGRAM_FILTERED | 3, len), 0);
	/* a and the constants are needed, b and the text where a > 1. */
	assert_int_equal(ev->opened - opened, 4 + 2 + 2 + 2);
	assert_states(&result[0], (uint8_t[]){0, 0, ROW_NULL, 0, 0}, 5);
	assert_true(result[0].cell[1].i == 1 && result[0].cell[0].i == 0);
	assert_states(&result[1], want, 5);
	assert_true(result[1].cell[1].i == 20);
	assert_states(&result[2], (uint8_t[]){ROW_NULL, 0, ROW_NULL, 0, ROW_NULL}, 5);
	assert_memory_equal(result[2].cell[1].p, "yes", 3);
	assert_states(&result[3], (uint8_t[]){ROW_NULL, 0, ROW_NULL, 0, ROW_NULL}, 5);
	/* The same without the filter: all rows, and their errors. */
	assert_int_equal(run_results(3, len), 0);
	assert_int_equal(result[1].cell[0].state, ROW_DIVISION_BY_ZERO);
	assert_int_equal(result[1].cell[4].state, ROW_FORGED);
	assert_states(&result[2], (uint8_t[5]){0}, 5);
}

/* What AND or OR need not look at is not opened: a > 1 AND b > 1, and with OR. */
static void test_short_circuit(void **state)
{
	static const uint16_t ops[] = {OP_bool_and, OP_bool_or};
	static const uint8_t opened[] = {3, 2};
	static const uint8_t states[2][5] = {{0, 0, ROW_NULL, ROW_FORGED, ROW_NULL},
		{0, 0, ROW_NULL, 0, 0}};
	static const int values[2][5] = {{0, 1, 0, 0, 0}, {1, 1, 0, 1, 1}};
	uint64_t before;
	size_t i, k, len;

	for (i = 0; i < 2; i++) {
		len = request(ARGS({CELLS(I(1), I(2), NIL, I(3), NIL), T_INT4, ARG_NULLS},
					{CELLS(I(3), I(5), NIL, STATE(ROW_FORGED), I(7)), T_INT4, ARG_NULLS},
					{CELLS(I(1)), T_INT4, ARG_ONE}),
			CODE(PUSH, PUSH | 2, OP_enc_int4_gt, PUSH | 1, PUSH | 2, OP_enc_int4_gt,
				ops[i]), 5);
		before = ev->opened;
		assert_int_equal(run_results(0, len), 0);
		assert_int_equal(ev->opened - before, 3 + 1 + opened[i]);
		assert_states(&result[0], states[i], 5);
		for (k = 0; k < 5; k++)
			assert_true(states[i][k] || result[0].cell[k].i == values[i][k]);
	}
	/* An argument that the left side needs as well is opened at once. */
	len = request(ARGS({CELLS(I(1), I(2)), T_INT4, 0}, {CELLS(I(3), I(4)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_int4_gt, PUSH | 1, PUSH, OP_enc_int4_gt, OP_bool_and), 2);
	before = ev->opened;
	assert_int_equal(run_results(0, len), 0);
	assert_int_equal(ev->opened - before, 4);
	assert_states(&result[0], (uint8_t[]){0, 0}, 2);
}

/* A filter, or a left side, of rows of groups does not go with the request's rows. */
static void test_filter_of_groups(void **state)
{
	size_t len = request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0},
				     {CELLS(I(0), I(1), I(0)), T_PUB_INT4, 0},
				     {CELLS(I(1), I(2), I(3)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk, OP_enc_int4_is_null,
			PUSH | 2), 3);

	assert_int_equal(run_results(PROGRAM_FILTERED | 1, len), -EPROTO);
	len = request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0},
			      {CELLS(I(0), I(1), I(0)), T_PUB_INT4, 0},
			      {CELLS(I(1), I(2), I(3)), T_INT4, 0}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk, OP_enc_int4_is_null,
			PUSH | 2, OP_enc_int4_is_null, OP_bool_and), 3);
	assert_int_equal(run_results(0, len), -EPROTO);
}

/* The filter itself may be a result again, a filter of one row decides for all, and one
 * that is no boolean is refused. */
static void test_filter_of_any_kind(void **state)
{
	struct rig_arg one = {CELLS(I(0)), T_PUB_BOOL, ARG_ONE};
	size_t len = request(ARGS({CELLS(I(1), I(0), NIL), T_PUB_BOOL, ARG_NULLS}),
		CODE(PUSH, PUSH), 3);

	assert_int_equal(run_results(PROGRAM_FILTERED | 1, len), 0);
	assert_states(&result[0], (uint8_t[]){0, 0, ROW_NULL}, 3);
	assert_states(&result[1], (uint8_t[]){0, ROW_NULL, ROW_NULL}, 3);
	len = request(ARGS(one, {CELLS(I(1), I(2)), T_INT4, 0}), CODE(PUSH, PUSH | 1), 2);
	assert_int_equal(run_results(PROGRAM_FILTERED | 1, len), 0);
	assert_int_equal(result[0].rows, 1);
	assert_states(&result[1], (uint8_t[]){ROW_NULL, ROW_NULL}, 2);
	len = request(ARGS({CELLS(I(1), I(2)), T_INT4, 0}), CODE(PUSH, PUSH), 2);
	assert_int_equal(run_results(PROGRAM_FILTERED | 1, len), -EPROTO);
}

/* ---- groups ---- */

static bool is_number(const struct cell *c, int64_t want)
{
	struct numeric x;
	__int128 v;

	return numeric_open(&x, c->p, c->len) == 0 && numeric_to_int128(&x, &v) == 0 && v == want;
}

static void test_groups(void **state)
{
	size_t len = request(
		ARGS({CELLS(I(10), I(20), NIL, I(40), I(50), I(60)), T_INT4, ARG_NULLS},
			{CELLS(I(2), I(0), I(1), I(2), NIL, I(2)), T_PUB_INT4, ARG_NULLS}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk, PUSH, PUSH | 1,
			PROGRAM_GROUPED | OP_enc_int4_min_bulk, PUSH, PUSH | 1,
			PROGRAM_GROUPED | OP_enc_int4_max_bulk), 6);
	int i;

	assert_int_equal(run_results(2, len), 0);
	for (i = 0; i < 3; i++)
		assert_states(&result[i], (uint8_t[]){0, ROW_NULL, 0}, 3);
	assert_true(is_number(&result[0].cell[0], 20) && is_number(&result[0].cell[2], 110));
	assert_true(result[1].cell[0].i == 20 && result[1].cell[2].i == 10);
	assert_true(result[2].cell[0].i == 20 && result[2].cell[2].i == 60);
	/* What is computed of rows of groups: -max, and compared with min. */
	len = request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0},
				{CELLS(I(0), I(1), I(0)), T_PUB_INT4, 0}, {CELLS(I(1)), T_INT4, ARG_ONE}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk, PUSH, PUSH | 1,
			PROGRAM_GROUPED | OP_enc_int4_min_bulk, OP_enc_int4_sub, PUSH | 2,
			OP_enc_int4_add), 3);
	assert_int_equal(run_results(0, len), 0);
	assert_int_equal(result[0].rows, 2);
	assert_true(result[0].cell[0].i == 3 && result[0].cell[1].i == 1);
}

/* An error is its group's; texts; no group at all. */
static void test_group_states(void **state)
{
	size_t len = request(
		ARGS({CELLS(S("b"), S("a"), STATE(ROW_FORGED), S("c")), T_TEXT, 0},
			{CELLS(I(0), I(0), I(1), I(1)), T_PUB_INT4, 0}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_text_min_bulk), 4);

	assert_int_equal(run_results(0, len), 0);
	assert_states(&result[0], (uint8_t[]){0, ROW_FORGED}, 2);
	assert_memory_equal(result[0].cell[0].p, "a", 1);
	len = request(ARGS({CELLS(I(1), I(2)), T_INT4, 0},
				{CELLS(NIL, NIL), T_PUB_INT4, ARG_NULLS}),
		CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk), 2);
	assert_int_equal(run_results(0, len), 0);
	assert_int_equal(result[0].rows, 0);
}

static void refused(size_t len, const char *why)
{
	assert_int_equal(run_results(0, len), -EPROTO);
	if (!strstr(err.s, why))
		fail_msg("\"%s\" does not say \"%s\"", err.s, why);
}

static void test_impossible_groups(void **state)
{
	static const int bad[] = {-1, 3, 4096, INT32_MAX, INT32_MIN};
	struct cell n[3] = {I(0), I(1), I(2)};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		n[1].i = bad[i];
		refused(request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0}, {n, T_PUB_INT4, 0}),
				CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk), 3),
			"row 1 of 3 has no group number");
	}
	n[1].i = 1;
	refused(request(ARGS({n, T_INT4, 0}, {n, T_PUB_INT4, ARG_ONE}),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk), 3),
		"full columns");
	refused(request(ARGS({n, T_INT4, ARG_ONE}, {n, T_PUB_INT4, 0}),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk), 3),
		"full columns");
	/* Two groups' rows beside three rows. */
	refused(request(ARGS({n, T_INT4, 0}, {CELLS(I(0), I(1), I(1)), T_PUB_INT4, 0}),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk, PUSH,
				OP_enc_int4_add), 3), "columns of 2 and 3 rows together");
}

/* Against sums made here. */
static void test_many_groups(void **state)
{
	static struct cell v[MANY], g[MANY];
	static int64_t sum[MANY], least[MANY];
	uint64_t seed = 11;
	int round, i, groups;
	size_t len;

	for (round = 0; round < 20; round++) {
		groups = 1 + (int)rig_below(&seed, MANY);
		memset(sum, 0, sizeof sum);
		for (i = 0; i < MANY; i++)
			least[i] = INT64_MAX;
		for (i = 0; i < MANY; i++) {
			v[i] = (struct cell){.i = (int64_t)rig_below(&seed, 2000000) - 1000000};
			g[i] = (struct cell){.i = i == 0 ? groups - 1
							 : (int64_t)rig_below(&seed, (uint64_t)groups)};
			sum[(int)g[i].i] += (int64_t)v[i].i;
			if (v[i].i < least[(int)g[i].i])
				least[(int)g[i].i] = (int64_t)v[i].i;
		}
		len = request(ARGS({v, T_INT8, 0}, {g, T_PUB_INT4, 0}),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int8_min_bulk, PUSH, PUSH | 1,
				PROGRAM_GROUPED | OP_enc_int8_sum_bulk), MANY);
		assert_int_equal(run_results(1, len), 0);
		assert_int_equal(result[0].rows, groups);
		for (i = 0; i < groups; i++) {
			bool none = least[i] == INT64_MAX;

			assert_int_equal(result[0].cell[i].state, none ? ROW_NULL : ROW_VALUE);
			assert_true(none || result[0].cell[i].i == least[i]);
			assert_int_equal(result[1].cell[i].state, none ? ROW_NULL : ROW_VALUE);
			assert_true(none || is_number(&result[1].cell[i], sum[i]));
		}
	}
}

/* ---- groups that the zone numbers ---- */

static void assert_numbers(const struct rig_reply *r, const int *want, uint32_t n)
{
	uint32_t i;

	assert_int_equal(r->type, T_PUB_INT4);
	assert_int_equal(r->rows, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(r->cell[i].state, want[i] < 0 ? ROW_NULL : ROW_VALUE);
		assert_true(want[i] < 0 || r->cell[i].i == want[i]);
	}
}

/* GROUP BY t, n: NULLs are a group, the empty text is another; 1.0 equals 1. The numbers
 * stay as a result, and are copied for each reduction. */
static void test_numbers(void **state)
{
	static const int want[] = {0, 1, 0, 2, 2, 3, 4};
	size_t len = request(
		ARGS({CELLS(S("a"), S("b"), S("a"), NIL, NIL, S(""), S("a")), T_TEXT, ARG_NULLS},
			{CELLS(decimal("1.0"), decimal("1"), decimal("1"), decimal("0.0"), decimal("0"),
				 decimal("0"), decimal("2")), T_NUMERIC, 0},
			{CELLS(I(0)), T_PUB_INT4, ARG_ONE},
			{CELLS(I(1), I(2), I(3), I(4), NIL, I(6), I(7)), T_INT4, ARG_NULLS}),
		CODE(PUSH | 2, PUSH, OP_enc_text_group, PUSH | 1, OP_enc_numeric_group, PUSH | 3,
			PROGRAM_COPY, PROGRAM_GROUPED | OP_enc_int4_sum_bulk, PUSH | 3, PROGRAM_COPY,
			PROGRAM_GROUPED | OP_enc_int4_count, PUSH, PROGRAM_COPY,
			PROGRAM_GROUPED | OP_enc_text_first), 7);

	assert_int_equal(run_results(3, len), 0);
	assert_numbers(&result[0], want, 7);
	assert_int_equal(result[1].rows, 5);
	assert_true(is_number(&result[1].cell[0], 4) && is_number(&result[1].cell[2], 4));
	assert_true(result[2].cell[0].i == 2 && result[2].cell[2].i == 1);
	assert_states(&result[3], (uint8_t[]){0, 0, ROW_NULL, 0, 0}, 5);
	assert_memory_equal(result[3].cell[1].p, "b", 1);
	assert_int_equal(result[3].cell[3].len, 0);
}

/* WHERE a > 1: others have no group, whatever is in them. An error of a key is its row's,
 * and the row has no group; one of the filter is seen in the filter. */
static void test_numbers_filtered(void **state)
{
	size_t len = request(
		ARGS({CELLS(I(1), I(2), I(3), I(2), I(9), STATE(ROW_FORGED)), T_INT4, 0},
			{CELLS(I(1)), T_INT4, ARG_ONE}, {CELLS(I(0)), T_PUB_INT4, ARG_ONE},
			{CELLS(STATE(ROW_FORGED), S("y"), S("x"), S("y"), STATE(ROW_FORGED), S("x")),
				T_TEXT, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_int4_gt, PUSH | 2, PROGRAM_COPY, OP_group_where,
			PUSH | 3, OP_enc_text_group, PUSH, PROGRAM_COPY | 1,
			PROGRAM_GROUPED | OP_enc_int4_sum_bulk), 6);

	assert_int_equal(run_results(PROGRAM_FILTERED | 2, len), 0);
	assert_states(&result[0], (uint8_t[]){0, 0, 0, 0, 0, ROW_FORGED}, 6);
	assert_states(&result[1], (uint8_t[]){ROW_NULL, 0, 0, 0, ROW_FORGED, ROW_NULL}, 6);
	assert_int_equal(result[1].cell[1].i, 0);
	assert_int_equal(result[1].cell[2].i, 1);
	assert_int_equal(result[2].rows, 2);
	assert_true(is_number(&result[2].cell[0], 4) && is_number(&result[2].cell[1], 3));
	/* Numbers that come with the request; nothing passes. */
	len = request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0}, {CELLS(I(1)), T_INT4, ARG_ONE},
			      {CELLS(I(0), I(0), I(1)), T_PUB_INT4, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_int4_gt, PUSH | 2, PROGRAM_COPY, OP_group_where, PUSH,
			PROGRAM_COPY | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk), 3);
	assert_int_equal(run_results(PROGRAM_FILTERED | 2, len), 0);
	assert_numbers(&result[1], (int[]){-1, 0, 1}, 3);
	assert_true(result[2].cell[0].i == 2 && result[2].cell[1].i == 3);
	len = request(ARGS({CELLS(I(1), I(2), I(3)), T_INT4, 0}, {CELLS(I(1)), T_INT4, ARG_ONE},
			      {CELLS(I(0)), T_PUB_INT4, ARG_ONE}),
		CODE(PUSH, PUSH | 1, OP_enc_int4_lt, PUSH | 2, PROGRAM_COPY, OP_group_where, PUSH,
			PROGRAM_COPY | 1, PROGRAM_GROUPED | OP_enc_int4_max_bulk), 3);
	assert_int_equal(run_results(PROGRAM_FILTERED | 2, len), 0);
	assert_int_equal(result[2].rows, 0);
}

/* Types of a fixed size. */
static void test_numbers_of_types(void **state)
{
	static const struct {
		uint8_t type;
		int64_t a, b, c;
	} fixed[] = {
		{T_INT4, 5, 5, -5}, {T_INT8, 1, 1, INT64_MIN}, {T_DATE, 1, 1, 2},
		{T_TIMESTAMP, 3, 3, 4}, {T_TIMESTAMPTZ, 3, 3, 4}, {T_BOOL, 1, 1, 0},
	};
	size_t i, len;

	for (i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		struct cell v[] = {I(fixed[i].a), I(fixed[i].c), I(fixed[i].b), I(fixed[i].c)};

		len = request(ARGS({v, fixed[i].type, 0}, {CELLS(I(0)), T_PUB_INT4, ARG_ONE}),
			CODE(PUSH | 1, PUSH, optable_grouping(fixed[i].type, GROUPING_GROUP)), 4);
		assert_int_equal(run_results(0, len), 0);
		assert_numbers(&result[0], (int[]){0, 1, 0, 1}, 4);
	}
}

static void test_impossible_copies(void **state)
{
	refused(request(ARGS({CELLS(I(1)), T_INT4, 0}), CODE(PROGRAM_COPY, PUSH), 1),
		"nothing to copy");
	refused(request(ARGS({CELLS(I(1)), T_INT4, 0}), CODE(PUSH, PROGRAM_COPY | 1), 1),
		"nothing to copy");
	refused(request(ARGS({CELLS(I(1)), T_INT4, 0}), CODE(PUSH, PROGRAM_COPY | 0x1fff), 1),
		"nothing to copy");
}

/* ---- conditional expressions ---- */

/* Two different values of each type, to choose from. */
static void two_values(uint8_t type, struct cell *a, struct cell *b)
{
	*a = (struct cell){.i = 3};
	*b = (struct cell){.i = 4};
	if (!optable_size(type)) {
		*a = text_cell("three");
		*b = text_cell("four");
	}
	if (type == T_NUMERIC) {
		*a = decimal("3.0");
		*b = decimal("4");
	} else if (type == T_PUB_BOOL || type == T_BOOL) {
		b->i = 0;
		a->i = 1;
	}
}

static void assert_is(uint8_t type, const char *what, struct cell got, struct cell want)
{
	bool same = got.state == want.state;

	if (same && !got.state && optable_size(type))
		same = got.i == want.i;
	else if (same && !got.state)
		same = got.len == want.len && memcmp(got.p, want.p, got.len) == 0;
	if (!same)
		fail_msg("type %u, %s: state %u, value %lld", type, what, got.state, (long long)got.i);
}

static const struct cell yes = {.i = 1}, no = {.i = 0}, null = {.state = ROW_NULL},
	forged = {.state = ROW_FORGED};

static struct cell apply_generic(
	uint8_t type, enum op_generic which, struct cell a, struct cell b, struct cell c)
{
	struct cell in[3] = {a, b, c};

	return apply(optable_generic(type, which), in);
}

static void try_case(uint8_t type, struct cell a, struct cell b, struct cell bad)
{
#define CASE(...) apply_generic(type, GENERIC_CASE, __VA_ARGS__)
	assert_is(type, "true", CASE(yes, a, b), a);
	assert_is(type, "false", CASE(no, a, b), b);
	assert_is(type, "null is false", CASE(null, a, b), b);
	assert_is(type, "else null", CASE(no, a, null), null);
	/* A branch that is not taken raises nothing. */
	assert_is(type, "taken", CASE(yes, a, bad), a);
	assert_is(type, "not taken", CASE(no, bad, b), b);
	assert_int_equal(CASE(yes, bad, b).state, bad.state);
}

static void try_coalesce(uint8_t type, struct cell a, struct cell b, struct cell bad)
{
#define COALESCE(a, b) apply_generic(type, GENERIC_COALESCE, a, b, null)
	assert_is(type, "first", COALESCE(a, b), a);
	assert_is(type, "second", COALESCE(null, b), b);
	assert_is(type, "none", COALESCE(null, null), null);
	assert_is(type, "not looked at", COALESCE(a, bad), a);
	assert_int_equal(COALESCE(null, bad).state, bad.state);
	assert_int_equal(COALESCE(bad, a).state, bad.state);
}

static void try_compare(uint8_t type, struct cell a, struct cell b, struct cell bad)
{
#define NULLIF(a, b) apply_generic(type, GENERIC_NULLIF, a, b, null)
#define DISTINCT(a, b) apply_generic(type, GENERIC_IS_DISTINCT, a, b, null)
	assert_is(type, "unequal", NULLIF(a, b), a);
	assert_is(type, "equal", NULLIF(a, a), null);
	assert_is(type, "to null", NULLIF(a, null), a);
	assert_is(type, "null", NULLIF(null, b), null);
	assert_int_equal(NULLIF(a, bad).state, bad.state);
	assert_int_equal(NULLIF(bad, a).state, bad.state);
	assert_int_equal(NULLIF(null, bad).state, bad.state);
	assert_is(T_PUB_BOOL, "distinct", DISTINCT(a, b), yes);
	assert_is(T_PUB_BOOL, "same", DISTINCT(a, a), no);
	assert_is(T_PUB_BOOL, "from null", DISTINCT(a, null), yes);
	assert_is(T_PUB_BOOL, "null from", DISTINCT(null, a), yes);
	assert_is(T_PUB_BOOL, "nulls", DISTINCT(null, null), no);
	assert_int_equal(DISTINCT(a, bad).state, bad.state);
	assert_int_equal(DISTINCT(null, bad).state, bad.state);
#define IS_NULL(a) apply_generic(type, GENERIC_IS_NULL, a, null, null)
	assert_is(T_PUB_BOOL, "is null", IS_NULL(null), yes);
	assert_is(T_PUB_BOOL, "is not null", IS_NULL(a), no);
	assert_int_equal(IS_NULL(bad).state, bad.state);
}

static void test_conditional(void **state)
{
	struct cell a, b;
	uint32_t type;

	for (type = 1; type < T_FIRST_PUBLIC; type++) {
		if (!optable_type(type).name)
			continue;
		two_values((uint8_t)type, &a, &b);
		try_case((uint8_t)type, a, b, forged);
		try_coalesce((uint8_t)type, a, b, forged);
		try_compare((uint8_t)type, a, b, forged);
	}
}

/* Booleans come from comparisons; an error among them is one of a comparison. */
static void test_conditional_bool(void **state)
{
	struct cell in[] = {yes, yes, no, no, null, null};
	struct cell with[] = {yes, no, no, null, null, yes};
	static const int distinct[] = {0, 1, 0, 1, 0, 1}, coalesce[] = {1, 1, 0, 0, -1, 1},
		nullif[] = {-1, 1, -1, 0, -1, -1};
	struct rig_arg a = {in, T_PUB_BOOL, ARG_NULLS}, b = {with, T_PUB_BOOL, ARG_NULLS};
	size_t len;
	int i;

	try_case(T_PUB_BOOL, yes, no, null);
	len = request(ARGS(a, b), CODE(PUSH, PUSH | 1, OP_bool_is_distinct, PUSH, PUSH | 1,
		OP_bool_coalesce, PUSH, PUSH | 1, OP_bool_nullif, PUSH, OP_bool_is_null), 6);
	assert_int_equal(run_results(3, len), 0);
	for (i = 0; i < 6; i++) {
		assert_true(result[0].cell[i].i == distinct[i]);
		assert_int_equal(result[1].cell[i].state, coalesce[i] < 0 ? ROW_NULL : ROW_VALUE);
		assert_true(coalesce[i] < 0 || result[1].cell[i].i == coalesce[i]);
		assert_int_equal(result[2].cell[i].state, nullif[i] < 0 ? ROW_NULL : ROW_VALUE);
		assert_true(nullif[i] < 0 || result[2].cell[i].i == nullif[i]);
		assert_true(result[3].cell[i].i == (i >= 4));
	}
	len = request(ARGS(a), CODE(PUSH, OP_bool_is_true, PUSH, OP_bool_is_false), 6);
	assert_int_equal(run_results(1, len), 0);
	for (i = 0; i < 6; i++) {
		assert_true(result[0].cell[i].i == (i < 2));
		assert_true(result[1].cell[i].i == (i == 2 || i == 3));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_filtered),
		cmocka_unit_test(test_short_circuit),
		cmocka_unit_test(test_filter_of_groups),
		cmocka_unit_test(test_filter_of_any_kind),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_group_states),
		cmocka_unit_test(test_impossible_groups),
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_filtered),
		cmocka_unit_test(test_numbers_of_types),
		cmocka_unit_test(test_impossible_copies),
		cmocka_unit_test(test_conditional),
		cmocka_unit_test(test_conditional_bool),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
