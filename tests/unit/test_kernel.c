/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_kernel.c - scope: common/kernel_*.c through eval_run(), on encrypted columns:
 * integers at every edge, text, LIKE against a second matcher, numeric, hashes, columns
 * reduced to one row. Batches, states and memory are in test_eval.c.
 */
#include "model.h"

/* Whole columns through one operation, against the model. */
static void check_op(uint16_t code, const struct rig_arg *arg, uint32_t rows)
{
	const struct op *op = optable_op(code);
	uint16_t prog[OP_ARGS_MAX + 1];
	struct column want;
	uint32_t i;

	for (i = 0; i < op->nargs; i++)
		prog[i] = (uint16_t)(PUSH | i);
	prog[i] = code;
	heap_used = 0;
	want = m_program(arg, prog, op->nargs + 1, rows);
	if (run(ROLE_DB, req, request(arg, op->nargs, prog, op->nargs + 1, rows)))
		fail_msg("%s: %s", op->name, err.s);
	assert_int_equal(reply.type, op->result);
	assert_int_equal(reply.rows, want.one ? 1 : rows);
	for (i = 0; i < reply.rows; i++)
		assert_cell(op->name, op->result, &reply.cell[i], &want.cell[i]);
}

/* ---- integers ---- */

enum { EDGES = 19 };

static int edges(struct cell *to, bool wide)
{
	int64_t max = wide ? INT64_MAX : INT32_MAX, root = wide ? 3037000499 : 46340;
	int64_t v[EDGES] = {-max - 1, -max, -max / 2, -root - 1, -root, -10, -3, -2, -1, 0, 1,
		2, 3, 10, root, root + 1, max / 2, max - 1, max};
	int i;

	for (i = 0; i < EDGES; i++)
		to[i] = (struct cell){.i = v[i]};
	return EDGES;
}

/* Every pair of edges through every operation of two integers, as one batch each. */
static void test_integers(void **state)
{
	static struct cell a[EDGES * EDGES], b[EDGES * EDGES];
	struct cell edge[EDGES];
	uint16_t code;
	int wide, i;

	for (wide = 0; wide < 2; wide++) {
		uint8_t type = wide ? T_INT8 : T_INT4;
		struct rig_arg arg[2] = {{a, type, 0}, {b, type, 0}};

		edges(edge, wide);
		for (i = 0; i < EDGES * EDGES; i++) {
			a[i] = edge[i / EDGES];
			b[i] = edge[i % EDGES];
		}
		for (code = 0; code < MODELLED; code++) {
			const struct op *op = optable_op(code);

			if (op && op->args[0] == type && !(op->flags & OP_REVEAL) && m_knows(op) &&
				(op->nargs == 1 || op->args[1] == type))
				check_op(code, arg, op->flags & OP_REDUCE ? EDGES : EDGES * EDGES);
		}
	}
}

static void test_integers_by_table(void **state)
{
	static const struct {
		uint16_t op;
		struct cell in[2], out;
	} t[] = {
		{OP_enc_int4_add, {I(INT32_MAX), I(1)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_sub, {I(INT32_MIN), I(1)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_mult, {I(46341), I(46341)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_mult, {I(INT32_MIN), I(-1)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_div, {I(INT32_MIN), I(-1)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_div, {I(INT32_MIN), I(0)}, STATE(ROW_DIVISION_BY_ZERO)},
		{OP_enc_int4_div, {I(-7), I(2)}, I(-3)},
		{OP_enc_int4_mod, {I(INT32_MIN), I(-1)}, I(0)},
		{OP_enc_int4_mod, {I(-7), I(2)}, I(-1)},
		{OP_enc_int4_mod, {I(7), I(-2)}, I(1)},
		{OP_enc_int4_mod, {I(1), I(0)}, STATE(ROW_DIVISION_BY_ZERO)},
		{OP_enc_int4_pow, {I(-2), I(31)}, I(INT32_MIN)},
		{OP_enc_int4_pow, {I(2), I(31)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_pow, {I(0), I(0)}, I(1)},
		{OP_enc_int4_pow, {I(2), I(-1)}, STATE(ROW_POWER)},
		{OP_enc_int4_um, {I(INT32_MIN)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_abs, {I(INT32_MIN)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int4_abs, {I(-5)}, I(5)},
		{OP_enc_int4_cmp, {I(INT32_MIN), I(INT32_MAX)}, I(-1)},
		{OP_enc_int8_div, {I(INT64_MIN), I(-1)}, STATE(ROW_INT8_RANGE)},
		{OP_enc_int8_mod, {I(INT64_MIN), I(-1)}, I(0)},
		{OP_enc_int8_mult, {I(INT64_MIN), I(-1)}, STATE(ROW_INT8_RANGE)},
		{OP_enc_int8_mult, {I(3037000500), I(3037000500)}, STATE(ROW_INT8_RANGE)},
		{OP_enc_int8_pow, {I(-2), I(63)}, I(INT64_MIN)},
		{OP_enc_int8_pow, {I(2), I(63)}, STATE(ROW_INT8_RANGE)},
		{OP_enc_int8_um, {I(INT64_MIN)}, STATE(ROW_INT8_RANGE)},
		{OP_enc_int8_to_int4, {I(1ll << 31)}, STATE(ROW_INT4_RANGE)},
		{OP_enc_int8_to_int4, {I(INT32_MIN)}, I(INT32_MIN)},
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct cell got = apply(t[i].op, t[i].in);

		assert_cell(optable_op(t[i].op)->name, reply.type, &got, &t[i].out);
	}
}

/* ---- text ---- */

static void test_text_by_table(void **state)
{
	static const struct {
		uint16_t op;
		struct cell in[3], out;
	} t[] = {
		{OP_enc_text_substring, {S("abcdef"), I(2), I(3)}, S("bcd")},
		{OP_enc_text_substring, {S("abcdef"), I(-1), I(4)}, S("ab")},
		{OP_enc_text_substring, {S("abcdef"), I(0), I(1)}, S("")},
		{OP_enc_text_substring, {S("abcdef"), I(-5), I(3)}, S("")},
		{OP_enc_text_substring, {S("abcdef"), I(5), I(INT32_MAX)}, S("ef")},
		{OP_enc_text_substring, {S("abcdef"), I(INT32_MAX), I(INT32_MAX)}, S("")},
		{OP_enc_text_substring, {S("abcdef"), I(INT32_MIN), I(INT32_MAX)}, S("")},
		{OP_enc_text_substring, {S("abcdef"), I(1), I(-1)}, STATE(ROW_SUBSTRING)},
		{OP_enc_text_substring, {S("abcdef"), I(1), I(0)}, S("")},
		{OP_enc_text_substring, {S(""), I(1), I(1)}, S("")},
		{OP_enc_text_substring, {S("h\303\251llo"), I(2), I(2)}, S("\303\251l")},
		{OP_enc_text_substring, {S("\360\237\230\200x"), I(2), I(9)}, S("x")},
		{OP_enc_text_substring_at, {S("abc"), I(2), I(1)}, S("b")},
		{OP_enc_text_substring_at, {S("abc"), I(2), I(-2)}, STATE(ROW_SUBSTRING)},
		{OP_enc_text_substring_from, {S("abc"), I(2)}, S("bc")},
		{OP_enc_text_substring_from, {S("abc"), I(INT32_MIN)}, S("abc")},
		{OP_enc_text_substring_from_at, {S("abc"), I(4)}, S("")},
		{OP_enc_text_length, {S("")}, I(0)},
		{OP_enc_text_length, {S("h\303\251\342\202\254\360\237\230\200")}, I(4)},
		{OP_enc_text_lower, {S("AbZ[@\303\211")}, S("abz[@\303\211")},
		{OP_enc_text_upper, {S("aBz{`\303\251")}, S("ABZ{`\303\251")},
		{OP_enc_text_concatenate, {S(""), S("")}, S("")},
		{OP_enc_text_concatenate, {S("ab"), S("cd")}, S("abcd")},
		{OP_enc_text_min, {S("a"), S("ab")}, S("a")},
		{OP_enc_text_max, {S("a"), S("ab")}, S("ab")},
		{OP_enc_text_cmp, {S("a"), S("\377")}, I(-1)},
		{OP_enc_text_lt, {S(""), S("a")}, I(1)},
		{OP_enc_text_eq, {S("a\0b"), S("a\0c")}, I(0)},
		{OP_enc_text_like, {S("abc"), S("abc")}, I(1)},
		{OP_enc_text_like, {S("abc"), S("a%")}, I(1)},
		{OP_enc_text_like, {S("abc"), S("%b%")}, I(1)},
		{OP_enc_text_like, {S("abc"), S("_b_")}, I(1)},
		{OP_enc_text_like, {S("abc"), S("a_")}, I(0)},
		{OP_enc_text_like, {S(""), S("")}, I(1)},
		{OP_enc_text_like, {S(""), S("%")}, I(1)},
		{OP_enc_text_like, {S(""), S("_")}, I(0)},
		{OP_enc_text_like, {S("a%c"), S("a\\%c")}, I(1)},
		{OP_enc_text_like, {S("abc"), S("a\\%c")}, I(0)},
		{OP_enc_text_like, {S("a_c"), S("a\\_c")}, I(1)},
		{OP_enc_text_like, {S("a\\c"), S("a\\\\c")}, I(1)},
		{OP_enc_text_like, {S("a"), S("a\\")}, I(0)},
		{OP_enc_text_like, {S("ab"), S("a\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_text_like, {S("b"), S("a\\")}, I(0)},
		{OP_enc_text_like, {S("a"), S("%\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_text_like, {S("a"), S("%_\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_text_like, {S(""), S("\\")}, I(0)},
		{OP_enc_text_like, {S("\303\251"), S("_")}, I(1)},
		{OP_enc_text_like, {S("\303\251"), S("__")}, I(0)},
		{OP_enc_text_like, {S("x\303\251y"), S("%_y")}, I(1)},
		{OP_enc_text_like, {S("aXbXc"), S("a%X%X_")}, I(1)},
		{OP_enc_text_notlike, {S("abc"), S("a%")}, I(0)},
		{OP_enc_text_ilike, {S("ABC"), S("a_c")}, I(1)},
		{OP_enc_text_ilike, {S("\303\211"), S("\303\251")}, I(0)},
		{OP_enc_text_notilike, {S("ABC"), S("b%")}, I(1)},
		{OP_enc_text_notilike, {S("ABC"), S("A\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_bytea_like, {S("abc"), S("a%")}, I(1)},
		{OP_enc_bytea_like, {S("aXbXc"), S("a%X%X_")}, I(1)},
		{OP_enc_bytea_like, {S("a_c"), S("a\\_c")}, I(1)},
		{OP_enc_bytea_like, {S("abc"), S("a\\_c")}, I(0)},
		{OP_enc_bytea_like, {S("\303\251"), S("_")}, I(0)},
		{OP_enc_bytea_like, {S("\303\251"), S("__")}, I(1)},
		{OP_enc_bytea_like, {S("\303\251"), S("%\251")}, I(1)},
		{OP_enc_bytea_like, {S("ABC"), S("a%")}, I(0)},
		{OP_enc_bytea_like, {S("a"), S("%\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_bytea_like, {S("a"), S("%_\\")}, STATE(ROW_LIKE_ESCAPE)}, /* was: no */
		{OP_enc_bytea_notlike, {S("abc"), S("a%")}, I(0)},
		{OP_enc_bytea_notlike, {S("ab"), S("a\\")}, STATE(ROW_LIKE_ESCAPE)},
		{OP_enc_text_to_int4, {S("  -12\t\n")}, I(-12)},
		{OP_enc_text_to_int4, {S("+2147483647")}, I(INT32_MAX)},
		{OP_enc_text_to_int4, {S("-2147483648")}, I(INT32_MIN)},
		{OP_enc_text_to_int4, {S("2147483648")}, STATE(ROW_INT4_RANGE)},
		{OP_enc_text_to_int4, {S("2147483648x")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("2147483649x")}, STATE(ROW_INT4_RANGE)},
		{OP_enc_text_to_int4, {S("-2147483649 x")}, STATE(ROW_INT4_RANGE)},
		{OP_enc_text_to_int4, {S("99999999999999999999")}, STATE(ROW_INT4_RANGE)},
		{OP_enc_text_to_int4, {S("000000000000000000007")}, I(7)},
		{OP_enc_text_to_int4, {S("")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("-")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("+ 1")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("1 2")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("1.0")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("0x10")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int4, {S("--1")}, STATE(ROW_INT4_SYNTAX)},
		{OP_enc_text_to_int8, {S("-9223372036854775808")}, I(INT64_MIN)},
		{OP_enc_text_to_int8, {S("9223372036854775807")}, I(INT64_MAX)},
		{OP_enc_text_to_int8, {S("9223372036854775808")}, STATE(ROW_INT8_RANGE)},
		{OP_enc_text_to_int8, {S("9223372036854775808 x")}, STATE(ROW_INT8_SYNTAX)},
		{OP_enc_text_to_int8, {S("9223372036854775809x")}, STATE(ROW_INT8_RANGE)},
		{OP_enc_text_to_int8, {S("x")}, STATE(ROW_INT8_SYNTAX)},
		{OP_enc_int4_to_text, {I(INT32_MIN)}, S("-2147483648")},
		{OP_enc_int8_to_text, {I(INT64_MIN)}, S("-9223372036854775808")},
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct cell got = apply(t[i].op, t[i].in);
		char what[160];

		snprintf(what, sizeof what, "%s(\"%.*s\", \"%.*s\" %lld)",
			optable_op(t[i].op)->name, (int)t[i].in[0].len, (const char *)t[i].in[0].p,
			(int)t[i].in[1].len, (const char *)t[i].in[1].p, (long long)t[i].in[1].i);
		assert_cell(what, reply.type, &got, &t[i].out);
	}
}

/* LIKE of random texts and patterns over few characters, escapes at every place. */
static void test_like_like_postgresql(void **state)
{
	static const char *const text[] = {"a", "b", "A", "\303\251", "\\", "%", "_"};
	static const char *const pattern[] = {"a", "b", "A", "\303\251", "\\", "%", "_", "%", "%_"};
	static struct cell t[PROGRAM_ROWS_MAX], p[PROGRAM_ROWS_MAX];
	struct rig_arg arg[2] = {{t, T_TEXT, 0}, {p, T_TEXT, 0}};
	uint64_t seed = 11;
	uint16_t code;
	int turn, i;

	for (turn = 0; turn < 24; turn++) {
		heap_used = 0;
		for (i = 0; i < PROGRAM_ROWS_MAX; i++) {
			t[i] = random_text(&seed, text, 3 + turn % 5, 8);
			p[i] = random_text(&seed, pattern, 9, 7);
		}
		for (code = OP_enc_text_like; code <= OP_enc_text_notilike; code++) {
			size_t keep = heap_used, k;
			struct column want;

			want = m_program(arg, CODE(PUSH, PUSH | 1, code), PROGRAM_ROWS_MAX);
			assert_int_equal(run(ROLE_DB, req,
				request(arg, 2, CODE(PUSH, PUSH | 1, code), PROGRAM_ROWS_MAX)), 0);
			for (k = 0; k < PROGRAM_ROWS_MAX; k++)
				if (!same(T_PUB_BOOL, &reply.cell[k], &want.cell[k]))
					fail_msg("%s(\"%.*s\", \"%.*s\"): state %u value %d, expected %u %d",
						optable_op(code)->name, (int)t[k].len, (const char *)t[k].p,
						(int)p[k].len, (const char *)p[k].p, reply.cell[k].state,
						(int)reply.cell[k].i, want.cell[k].state,
						(int)want.cell[k].i);
			heap_used = keep;
		}
	}
}

/* ---- numeric ---- */

static void assert_decimal(const struct cell *got, const char *want)
{
	struct cell w = decimal(want);
	struct numeric a, b;

	assert_int_equal(got->state, ROW_VALUE);
	assert_int_equal(numeric_open(&a, got->p, got->len), 0);
	assert_int_equal(numeric_open(&b, w.p, w.len), 0);
	if (numeric_cmp(&a, &b) || a.dscale != b.dscale)
		fail_msg("not %s: dscale %d, %d digits, weight %d", want, a.dscale, a.ndigits,
			a.weight);
}

static struct cell numeric2(uint16_t op, const char *a, const char *b)
{
	return apply(op, (struct cell[]){decimal(a), decimal(b)});
}

static void test_numeric(void **state)
{
	static const char *const up[] = {"-Infinity", "-100000.5", "-1.51", "-1.5", "0",
		"0.0001", "1", "1.0001", "9999", "10000", "123456789012345678901234567890",
		"Infinity", "NaN"};
	enum { N = sizeof up / sizeof up[0] };
	struct cell c, in[2];
	int i, k;

	heap_used = 0;
	for (i = 0; i < N; i++)
		for (k = 0; k < N; k++) {
			c = numeric2(OP_enc_numeric_cmp, up[i], up[k]);
			assert_int_equal((int)c.i, (i > k) - (i < k));
			c = numeric2(OP_enc_numeric_le, up[i], up[k]);
			assert_int_equal((int)c.i, i <= k);
			c = numeric2(OP_enc_numeric_ne, up[i], up[k]);
			assert_int_equal((int)c.i, i != k);
			c = numeric2(OP_enc_numeric_min, up[i], up[k]);
			assert_decimal(&c, up[i < k ? i : k]);
			c = numeric2(OP_enc_numeric_max, up[i], up[k]);
			assert_decimal(&c, up[i > k ? i : k]);
		}
	c = numeric2(OP_enc_numeric_eq, "1.5", "1.500");
	assert_int_equal((int)c.i, 1);
	c = numeric2(OP_enc_numeric_add, "9999.99", "0.01");
	assert_decimal(&c, "10000.00");
	c = numeric2(OP_enc_numeric_add, "-1.5", "1.50");
	assert_decimal(&c, "0.00");
	c = numeric2(OP_enc_numeric_add, "Infinity", "-Infinity");
	assert_decimal(&c, "NaN");
	in[0] = decimal("10");
	in[1] = (struct cell){.i = 3};
	c = apply(OP_enc_numeric_avg_final, in);
	assert_decimal(&c, "3.3333333333333333");
	in[1].i = 0;
	c = apply(OP_enc_numeric_avg_final, in);
	assert_true(c.state > ROW_NULL);
	in[0] = decimal("-9223372036854775808");
	c = apply(OP_enc_numeric_sum_int8, in);
	assert_true(c.state == ROW_VALUE && c.i == INT64_MIN);
	in[0] = decimal("9223372036854775808");
	assert_int_equal(apply(OP_enc_numeric_sum_int8, in).state, ROW_INT8_RANGE);
	in[0] = decimal("NaN");
	assert_int_equal(apply(OP_enc_numeric_sum_int8, in).state, ROW_NUMERIC_NAN);
	in[0] = decimal("-Infinity");
	assert_int_equal(apply(OP_enc_numeric_sum_int8, in).state, ROW_NUMERIC_NAN);
}

/* A sum past PostgreSQL's 131,072 digits, and an average of the largest number. */
static void test_numeric_limits(void **state)
{
	enum { DIGITS = NUMERIC_WEIGHT_MAX + 1, LEN = 8 + 2 * DIGITS };
	struct cell in[2];
	uint8_t *p;
	int i;

	heap_used = 0;
	p = heap_take(LEN);
	memset(p, 0, 8);
	p[0] = DIGITS >> 8;
	p[1] = DIGITS & 0xff;
	p[2] = NUMERIC_WEIGHT_MAX >> 8;
	p[3] = NUMERIC_WEIGHT_MAX & 0xff;
	for (i = 0; i < DIGITS; i++) {
		p[8 + 2 * i] = 9999 >> 8;
		p[9 + 2 * i] = 9999 & 0xff;
	}
	in[0] = in[1] = (struct cell){.p = p, .len = LEN};
	assert_int_equal(apply(OP_enc_numeric_add, in).state, ROW_NUMERIC_RANGE);
	assert_int_equal(apply(OP_enc_numeric_eq, in).state, ROW_VALUE);
	in[1] = (struct cell){.i = 7};
	assert_int_equal(apply(OP_enc_numeric_avg_final, in).state, ROW_VALUE);
	in[1].i = INT64_MAX;
	assert_int_equal(apply(OP_enc_numeric_avg_final, in).state, ROW_VALUE);
}

/* Authentic, but no number: whoever encrypted it was careless. Every operation of the
 * type has to say so, with one row as with many. */
static void test_numeric_malformed(void **state)
{
	static const uint8_t bad[] = {0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10}; /* digit 10000 */
	struct cell in[2] = {{.p = bad, .len = sizeof bad}, {.p = bad, .len = 3}};
	uint16_t code;

	for (code = 0; code < MODELLED; code++) {
		const struct op *op = optable_op(code);
		struct cell row[2] = {in[0], in[1]};

		if (!op || op->args[0] != T_NUMERIC || op->flags & OP_REVEAL)
			continue;
		if (code == OP_enc_numeric_avg_final)
			row[1] = (struct cell){.i = 1};
		if (apply(code, row).state != ROW_MALFORMED)
			fail_msg("%s took what is no number", op->name);
	}
}

static void test_equal_numbers_hash_alike(void **state)
{
	struct cell a = {.i = -5}, n;
	__int128 h;

	heap_used = 0;
	h = apply(OP_enc_int4_hash64, &a).i;
	assert_true(apply(OP_enc_int8_hash64, &a).i == h);
	n = decimal("-5.000");
	assert_true(apply(OP_enc_numeric_hash64, &n).i == h);
	n = decimal("-5.001");
	assert_true(apply(OP_enc_numeric_hash64, &n).i != h);
	n = text_cell("-5");
	assert_true(apply(OP_enc_text_hash64, &n).i != h);
}

/* ---- columns to one row ---- */

static void test_reduce(void **state)
{
	static const uint8_t types[] = {T_INT4, T_INT8, T_TEXT, T_NUMERIC};
	static struct cell c[PROGRAM_ROWS_MAX];
	uint64_t seed = 5;
	int turn, t, i;
	uint16_t code;

	for (turn = 0; turn < 40; turn++)
		for (t = 0; t < 4; t++) {
			uint32_t rows = turn < 8 ? (uint32_t)turn + 1 : (uint32_t)rig_below(&seed, 300) + 1;
			struct rig_arg arg = {c, types[t], ARG_NULLS};
			uint8_t *keep = heap + HEAP - (1 << 20);

			for (i = 0; i < (int)rows; i++) {
				c[i] = (struct cell){.i = (int64_t)rig_rand(&seed) >>
									(types[t] == T_INT4 ? 33 : 1)};
				c[i].p = keep;
				c[i].len = (uint32_t)(types[t] == T_NUMERIC
						? numeric_from_int128(keep, c[i].i)
						: rig_below(&seed, 12));
				if (types[t] == T_TEXT)
					memcpy(keep, &(uint64_t[]){rig_rand(&seed), 0}, 16);
				keep += 40;
				if (turn % 3 == 0 && rig_below(&seed, 2))
					c[i].state = ROW_NULL;
				if (turn % 5 == 0 && rig_below(&seed, rows) == 0)
					c[i].state = rig_below(&seed, 2) ? ROW_FORGED : ROW_NO_KEY;
			}
			for (code = 0; code < MODELLED; code++) {
				const struct op *op = optable_op(code);

				if (op && op->flags & OP_REDUCE && op->args[0] == types[t])
					check_op(code, &arg, rows);
			}
		}
}

static void test_reduce_corners(void **state)
{
	static struct cell c[PROGRAM_ROWS_MAX];
	int i;

	/* Only NULLs: NULL. An error behind a NULL: the error. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(NIL, NIL), T_INT8, ARG_NULLS}),
			CODE(PUSH, OP_enc_int8_sum_bulk), 2)), 0);
	assert_int_equal(reply.rows, 1);
	assert_int_equal(reply.cell[0].state, ROW_NULL);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(NIL, I(1), STATE(ROW_NO_KEY), STATE(ROW_FORGED)), T_INT8,
				ARG_NULLS}), CODE(PUSH, OP_enc_int8_max_bulk), 4)), 0);
	assert_int_equal(reply.cell[0].state, ROW_NO_KEY);
	/* 4,096 of the largest: wider than int8, as sum(bigint) is. */
	for (i = 0; i < PROGRAM_ROWS_MAX; i++)
		c[i] = (struct cell){.i = INT64_MAX};
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({c, T_INT8, 0}), CODE(PUSH, OP_enc_int8_sum_bulk),
			PROGRAM_ROWS_MAX)), 0);
	assert_true(numeric_is(&reply.cell[0], (__int128)INT64_MAX * PROGRAM_ROWS_MAX));
	/* An overflow in one row is the sum's error. */
	c[9].i = INT64_MIN;
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({c, T_INT8, 0}), CODE(PUSH, OP_enc_int8_um, OP_enc_int8_sum_bulk),
			PROGRAM_ROWS_MAX)), 0);
	assert_int_equal(reply.cell[0].state, ROW_INT8_RANGE);
	/* A maximum goes with all rows again. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(I(3), I(7), I(5), I(7)), T_INT4, 0}),
			CODE(PUSH, PUSH, OP_enc_int4_max_bulk, OP_enc_int4_eq), 4)), 0);
	assert_int_equal(reply.rows, 4);
	assert_true(reply.cell[1].i == 1 && reply.cell[3].i == 1);
	assert_true(reply.cell[0].i == 0 && reply.cell[2].i == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_integers_by_table),
		cmocka_unit_test(test_text_by_table),
		cmocka_unit_test(test_like_like_postgresql),
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_numeric_limits),
		cmocka_unit_test(test_numeric_malformed),
		cmocka_unit_test(test_equal_numbers_hash_alike),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_reduce_corners),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
