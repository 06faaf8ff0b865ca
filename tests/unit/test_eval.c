/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_eval.c - scope: common/eval.h: states and how they spread, broadcasting, programs
 * at random against the model and row by row, the reply's bytes, roles, requests that
 * cannot be, and memory that runs out. What each operation computes: test_kernel.c.
 */
#include "model.h"

static struct rig_reply other;

/* ---- errors, NULLs, broadcasting ---- */

/* rows: left; columns: right; both of true, false, NULL, and two errors. */
static void test_and_or(void **state)
{
	enum { T, F, N, E, X, KINDS };
	static const uint8_t and[KINDS][KINDS] = {
		{T, F, N, E, X}, {F, F, F, F, F}, {N, F, N, E, X}, {E, E, E, E, E}, {X, X, X, X, X}};
	static const uint8_t or[KINDS][KINDS] = {
		{T, T, T, T, T}, {T, F, N, E, X}, {T, N, N, E, X}, {E, E, E, E, E}, {X, X, X, X, X}};
	static const struct cell kind[KINDS] = {
		I(1), I(0), NIL, STATE(ROW_FORGED), STATE(ROW_NO_KEY)};
	struct cell l[KINDS * KINDS], r[KINDS * KINDS], one = I(1);
	int code, i;

	for (i = 0; i < KINDS * KINDS; i++) {
		l[i] = kind[i / KINDS];
		r[i] = kind[i % KINDS];
	}
	for (code = OP_bool_and; code <= OP_bool_or; code++) {
		assert_int_equal(run(ROLE_DB, req,
			request(ARGS({l, T_INT4, ARG_NULLS}, {r, T_INT4, ARG_NULLS},
					{&one, T_INT4, ARG_ONE}),
				CODE(PUSH, PUSH | 2, OP_enc_int4_eq, PUSH | 1, PUSH | 2,
					OP_enc_int4_eq, code), KINDS * KINDS)), 0);
		for (i = 0; i < KINDS * KINDS; i++)
			assert_cell(optable_op((uint32_t)code)->name, T_PUB_BOOL, &reply.cell[i],
				&kind[(code == OP_bool_and ? and : or)[i / KINDS][i % KINDS]]);
	}
	/* WHERE b <> 0 AND a / b > 1: no error where b is 0. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(I(6), I(6), I(6), NIL), T_INT4, ARG_NULLS},
				{CELLS(I(2), I(0), NIL, I(0)), T_INT4, ARG_NULLS},
				{CELLS(I(0)), T_INT4, ARG_ONE}, {CELLS(I(1)), T_INT4, ARG_ONE}),
			CODE(PUSH | 1, PUSH | 2, OP_enc_int4_ne, PUSH, PUSH | 1, OP_enc_int4_div,
				PUSH | 3, OP_enc_int4_gt, OP_bool_and), 4)), 0);
	assert_true(reply.cell[0].i == 1 && reply.cell[0].state == ROW_VALUE);
	assert_true(reply.cell[1].i == 0 && reply.cell[1].state == ROW_VALUE);
	assert_int_equal(reply.cell[2].state, ROW_NULL);
	assert_true(reply.cell[3].i == 0 && reply.cell[3].state == ROW_VALUE);
}

static void test_not(void **state)
{
	struct cell c = I(0);

	assert_true(apply(OP_bool_not, &c).i == 1);
	c.i = 1;
	assert_true(apply(OP_bool_not, &c).i == 0);
	/* A bool of 0xff is true, not -1. */
	c.i = 0xff;
	assert_true(apply(OP_bool_not, &c).i == 0);
	c.state = ROW_NULL;
	assert_int_equal(apply(OP_bool_not, &c).state, ROW_NULL);
}

/* First error from left to right, then NULL. */
static void test_states_merge(void **state)
{
	static const struct {
		struct cell in[2];
		uint8_t out;
	} t[] = {
		{{NIL, I(1)}, ROW_NULL},
		{{I(1), NIL}, ROW_NULL},
		{{NIL, STATE(ROW_FORGED)}, ROW_FORGED},
		{{STATE(ROW_FORGED), NIL}, ROW_FORGED},
		{{STATE(ROW_MALFORMED), STATE(ROW_NO_KEY)}, ROW_MALFORMED},
		{{STATE(ROW_NO_KEY), STATE(ROW_MALFORMED)}, ROW_NO_KEY},
		{{I(1), STATE(ROW_NO_KEY)}, ROW_NO_KEY},
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++)
		assert_int_equal(apply(OP_enc_int4_add, t[i].in).state, t[i].out);
}

/* Bad values among good ones are their rows' business, in every type and place. */
static void test_bad_values(void **state)
{
	static const uint8_t types[] = {T_INT4, T_INT8, T_TEXT, T_NUMERIC};
	static const uint8_t bad[] = {ROW_FORGED, ROW_MALFORMED, ROW_NO_KEY};
	enum { ROWS = 70 };
	struct cell c[ROWS];
	size_t t, b;
	int i, at;

	heap_used = 0;
	for (t = 0; t < sizeof types; t++)
		for (b = 0; b < sizeof bad; b++)
			for (at = 0; at < ROWS; at += 23) {
				for (i = 0; i < ROWS; i++)
					c[i] = types[t] == T_TEXT ? text_cell("abcd") :
						types[t] == T_NUMERIC ? decimal("5") :
						(struct cell){.i = i};
				c[at].state = c[ROWS - 1].state = bad[b];
				assert_int_equal(run(ROLE_DB, req,
					request(ARGS({c, types[t], 0}), CODE(PUSH), ROWS)), 0);
				for (i = 0; i < ROWS; i++)
					assert_int_equal(reply.cell[i].state,
						i == at || i == ROWS - 1 ? bad[b] : ROW_VALUE);
			}
}

/* Lengths of a variable column that are too short for a value, or the wrong ones. */
static void test_bad_lengths(void **state)
{
	struct cell c[3] = {S("first"), S("second"), S("third")};
	size_t len = request(ARGS({c, T_TEXT, 0}), CODE(PUSH), 3);
	size_t lens = PROGRAM_HEADER + 2 + 2;
	uint32_t n;

	/* A byte from the second to the first: both are no values any more. */
	memcpy(&n, req + lens, 4);
	n++;
	memcpy(req + lens, &n, 4);
	memcpy(&n, req + lens + 4, 4);
	n--;
	memcpy(req + lens + 4, &n, 4);
	assert_int_equal(run(ROLE_DB, req, len), 0);
	assert_int_equal(reply.cell[0].state, ROW_FORGED);
	assert_true(reply.cell[1].state > ROW_NULL);
	assert_int_equal(reply.cell[2].state, ROW_VALUE);
	for (n = 0; n < 32; n++) { /* shorter than any value */
		uint32_t one = 1;
		uint8_t small[64] = {1, 0, 1, 0, 1};

		small[8] = T_TEXT;
		small[11] = PUSH >> 8;
		memcpy(small + 12, &n, 4);
		assert_int_equal(run(ROLE_DB, small, 16 + n), 0);
		assert_int_equal(reply.rows, one);
		assert_int_equal(reply.cell[0].state, ROW_MALFORMED);
	}
	n = 0xffffffffu;
	memcpy(req + lens, &n, 4);
	assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
}

static void test_one_row_for_all(void **state)
{
	struct cell c[5] = {I(1), I(5), I(9), NIL, STATE(ROW_FORGED)}, five = I(5), nil = NIL;
	static const uint8_t want[] = {1, 0, 0};
	int i;

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({c, T_INT4, ARG_NULLS}, {&five, T_INT4, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_int4_lt), 5)), 0);
	assert_int_equal(reply.rows, 5);
	for (i = 0; i < 3; i++)
		assert_true(reply.cell[i].i == want[i]);
	assert_int_equal(reply.cell[3].state, ROW_NULL);
	assert_int_equal(reply.cell[4].state, ROW_FORGED);
	/* A NULL for all; an error still comes first. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({c, T_INT4, ARG_NULLS}, {&nil, T_INT4, ARG_ONE | ARG_NULLS}),
			CODE(PUSH | 1, PUSH, OP_enc_int4_lt), 5)), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(reply.cell[i].state, i == 4 ? ROW_FORGED : ROW_NULL);
	/* Nothing but single rows: one row comes back, whatever the batch. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({&five, T_INT4, ARG_ONE}), CODE(PUSH, PUSH, OP_enc_int4_mult),
			4096)), 0);
	assert_int_equal(reply.rows, 1);
	assert_true(reply.cell[0].i == 25);
}

/* ---- programs ---- */

/* a * (1 - b) > c, the expression of TPC-H, in every batch size near a limit. */
static void test_expression(void **state)
{
	static const uint32_t sizes[] = {1, 2, 15, 16, 17, 27, 28, 29, 255, 256, 1023, 1024,
		4095, 4096};
	static struct cell a[PROGRAM_ROWS_MAX], b[PROGRAM_ROWS_MAX], c[PROGRAM_ROWS_MAX];
	struct rig_arg arg[4] = {{a, T_INT4, ARG_NULLS}, {b, T_INT4, ARG_NULLS},
		{c, T_INT4, ARG_NULLS}, {CELLS(I(1)), T_INT4, ARG_ONE}};
	uint64_t seed = 21;
	uint32_t s, i;

	for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		uint32_t rows = sizes[s];
		struct column want;

		heap_used = 0;
		for (i = 0; i < rows; i++) {
			a[i] = (struct cell){.i = (int32_t)rig_rand(&seed)};
			b[i] = (struct cell){.i = (int64_t)rig_below(&seed, 5) - 2};
			c[i] = (struct cell){.i = (int32_t)rig_rand(&seed)};
			if (rig_below(&seed, 9) == 0)
				b[i].state = ROW_NULL;
		}
		want = m_program(arg, CODE(PUSH, PUSH | 3, PUSH | 1, OP_enc_int4_sub,
					  OP_enc_int4_mult, PUSH | 2, OP_enc_int4_gt), rows);
		assert_int_equal(run(ROLE_DB, req,
			request(arg, 4, CODE(PUSH, PUSH | 3, PUSH | 1, OP_enc_int4_sub,
				OP_enc_int4_mult, PUSH | 2, OP_enc_int4_gt), rows)), 0);
		assert_int_equal(reply.rows, rows);
		for (i = 0; i < rows; i++)
			assert_cell("a * (1 - b) > c", T_PUB_BOOL, &reply.cell[i], &want.cell[i]);
	}
}

/* A random program of the wanted type, from the leaves up. */
struct gen {
	uint64_t seed;
	struct rig_arg arg[PROGRAM_ARGS_MAX];
	uint16_t code[PROGRAM_CODE_MAX];
	int nargs, ncode;
	uint32_t rows;
	bool reduces, failed;
};

static struct cell random_cell(struct gen *g, uint8_t type, uint8_t flags)
{
	static const char *const bits[] = {"a", "b", "A", "%", "_", "\\", "\303\251", "1", "9",
		"-", " "};
	static const int64_t often[] = {0, 1, -1, 2, 3, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
	uint64_t kind = rig_below(&g->seed, 40);
	struct cell c = {0};

	if (type == T_TEXT) {
		c = random_text(&g->seed, bits, 11, 10);
	} else {
		c.i = kind < 20 ? often[rig_below(&g->seed, 9)]
						: (int64_t)rig_rand(&g->seed) >> rig_below(&g->seed, 60);
		if (type == T_INT4 || type == T_PUB_INT4)
			c.i = (int32_t)c.i;
		if (type == T_PUB_BOOL)
			c.i &= 1;
		if (type == T_NUMERIC) {
			uint8_t *p = heap_take(NUMERIC_INT_BYTES_MAX);
			struct cell form = packed(p, numeric_from_int128(p, c.i));

			c.p = form.p;
			c.len = form.len;
		}
	}
	kind = rig_below(&g->seed, 60);
	if (kind < 6 && flags & ARG_NULLS)
		c.state = ROW_NULL;
	if (kind >= 6 && kind < 9 && optable_is_secret(type))
		c.state = kind == 6 ? ROW_FORGED : kind == 7 ? ROW_MALFORMED : ROW_NO_KEY;
	return c;
}

static int random_arg(struct gen *g, uint8_t type)
{
	uint8_t flags = (uint8_t)(rig_below(&g->seed, 4) == 0 ? ARG_ONE : 0);
	uint32_t n, i;
	struct cell *c;

	for (i = 0; i < (uint32_t)g->nargs; i++)
		if (g->arg[i].type == type && rig_below(&g->seed, 2))
			return (int)i;
	if (g->nargs == PROGRAM_ARGS_MAX) {
		g->failed = true;
		return 0;
	}
	flags |= rig_below(&g->seed, 2) ? ARG_NULLS : 0;
	n = flags & ARG_ONE ? 1 : g->rows;
	c = heap_take(n * sizeof *c);
	for (i = 0; i < n; i++)
		c[i] = random_cell(g, type, flags);
	g->arg[g->nargs] = (struct rig_arg){c, type, flags};
	return g->nargs++;
}

static void random_expression(struct gen *g, uint8_t type, int depth)
{
	const struct op *fit[OPTABLE_CODES], *op;
	int n = 0, i;
	uint32_t code;

	for (code = 0; code < MODELLED; code++) {
		op = optable_op(code);
		if (op && op->result == type && !(op->flags & OP_REVEAL) && m_knows(op) &&
			code != OP_enc_numeric_avg_final &&
			(!(op->flags & OP_REDUCE) || rig_below(&g->seed, 6) == 0))
			fit[n++] = op;
	}
	if (g->failed || g->ncode > PROGRAM_CODE_MAX - 8) {
		g->failed = true;
	} else if (depth == 0 || n == 0 || rig_below(&g->seed, 8) == 0) {
		g->code[g->ncode++] = (uint16_t)(PUSH | random_arg(g, type));
	} else {
		op = fit[rig_below(&g->seed, (uint64_t)n)];
		g->reduces |= (op->flags & OP_REDUCE) != 0;
		for (i = 0; i < op->nargs; i++)
			random_expression(g, op->args[i], depth - 1);
		if (!g->failed)
			g->code[g->ncode++] = op->code;
	}
}

/* Row i of the batch on its own. */
static void check_row(struct gen *g, uint32_t i)
{
	struct rig_arg arg[PROGRAM_ARGS_MAX];
	int k;

	for (k = 0; k < g->nargs; k++) {
		arg[k] = g->arg[k];
		arg[k].cell += g->arg[k].flags & ARG_ONE ? 0 : i;
	}
	assert_int_equal(run_into(&other, ROLE_DB, req,
		request(arg, g->nargs, g->code, g->ncode, 1)), 0);
	assert_int_equal(other.rows, 1);
	assert_int_equal(other.type, reply.type);
	if (reply.type == T_NUMERIC && !other.cell[0].state && !reply.cell[i].state)
		assert_memory_equal(other.cell[0].p, reply.cell[i].p, other.cell[0].len);
	else
		assert_cell("one row", reply.type, &other.cell[0], &reply.cell[i]);
}

/* Random programs over random columns: what the model says, and a batch is its rows. */
static void test_random_programs(void **state)
{
	static const uint8_t types[] = {
		T_INT4, T_INT8, T_TEXT, T_NUMERIC, T_PUB_BOOL, T_PUB_INT4, T_PUB_INT8};
	static const uint32_t sizes[] = {1, 2, 3, 17, 64, 200, 1000, 4096};
	struct column want;
	uint32_t i, turn, done = 0;
	struct gen g;

	for (turn = 0; turn < 600; turn++) {
		memset(&g, 0, sizeof g);
		g.seed = turn;
		g.rows = sizes[turn % 200 ? rig_below(&g.seed, 6) : turn / 200 % 2 + 6];
		heap_used = 0;
		random_expression(&g, types[rig_below(&g.seed, 7)], 1 + (int)rig_below(&g.seed, 4));
		if (g.failed)
			continue;
		done++;
		want = m_program(g.arg, g.code, g.ncode, g.rows);
		if (run(ROLE_DB, req, request(g.arg, g.nargs, g.code, g.ncode, g.rows)))
			fail_msg("seed %u: %s", turn, err.s);
		assert_int_equal(reply.rows, want.one ? 1 : g.rows);
		for (i = 0; i < reply.rows; i++) {
			char what[40];

			snprintf(what, sizeof what, "seed %u row %u", turn, i);
			assert_cell(what, reply.type, &reply.cell[i], &want.cell[i]);
		}
		for (i = 0; i < reply.rows && i < 12 && !g.reduces; i++)
			check_row(&g, reply.rows - 1 - i);
	}
	assert_true(done > 300);
}

/* ---- requests ---- */

static void test_reply_bytes(void **state)
{
	static const uint8_t bools[] = {1, T_PUB_BOOL, 0, 0, 3, 0, 0, 0, 0, 1, 0, 1, 0};
	static const uint8_t clean[] = {0, T_PUB_INT4, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 1, 0,
		0, 0};
	static const uint8_t text[] = {1, T_TEXT, 0, 0, 3, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0,
		0, 'h', 'i'};
	struct cell in[3] = {I(1), NIL, I(9)}, five = I(5);

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({in, T_INT4, ARG_NULLS}, {&five, T_INT4, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_int4_lt), 3)), 0);
	assert_int_equal(reply.len, sizeof bools);
	assert_memory_equal(reply.bytes, bools, sizeof bools);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(I(1), I(2)), T_INT4, 0}, {CELLS(I(2), I(1)), T_INT4, 0}),
			CODE(PUSH, PUSH | 1, OP_enc_int4_cmp), 2)), 0);
	assert_int_equal(reply.len, sizeof clean);
	assert_memory_equal(reply.bytes, clean, sizeof clean);
	/* Encrypted: the same frame around values, which open to what they should. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({in, T_INT4, ARG_NULLS}), CODE(PUSH), 3)), 0);
	assert_int_equal(reply.len, 8 + 3 + 2 * 32);
	assert_int_equal(reply.bytes[0], REPLY_STATES | REPLY_SECRET);
	assert_int_equal(reply.bytes[1], T_INT4);
	assert_true(reply.cell[0].i == 1 && reply.cell[2].i == 9);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(S("hi"), S("")), T_TEXT, 0}), CODE(PUSH), 2)), 0);
	assert_int_equal(reply.len, 8 + 2 * 4 + 30 + 28);
	assert_int_equal(reply.bytes[0], REPLY_SECRET);
	assert_int_equal(reply.bytes[8], 30);
	assert_int_equal(reply.bytes[12], 28);
	/* Revealed. */
	assert_int_equal(run(ROLE_CLIENT, req,
		request(ARGS({CELLS(S("hi"), NIL, S("")), T_TEXT, ARG_NULLS}),
			CODE(PUSH, OP_enc_text_decrypt), 3)), 0);
	assert_int_equal(reply.len, sizeof text);
	assert_memory_equal(reply.bytes, text, sizeof text);
	/* No row is a value. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({CELLS(NIL, NIL), T_TEXT, ARG_NULLS}), CODE(PUSH), 2)), 0);
	assert_int_equal(reply.len, 8 + 2);
}

static void test_roles(void **state)
{
	struct cell five = I(5), hi = S("hi");
	size_t len = request(ARGS({&five, T_INT4, 0}), CODE(PUSH, OP_enc_int4_decrypt), 1);

	assert_int_equal(run(ROLE_DB, req, len), -EACCES);
	assert_non_null(strstr(err.s, "client credential"));
	assert_int_equal(run(ROLE_CLIENT, req, len), 0);
	assert_int_equal(reply.bytes[0], 0);
	assert_true(reply.cell[0].i == 5);
	assert_int_equal(run(ROLE_ADMIN, req, len), 0);
	assert_int_equal(run(ROLE_DB, req, len), -EACCES); /* from the cache, too */
	/* Encrypting: plaintext in, a value out. */
	len = request(ARGS({&hi, T_TEXT, ARG_CLEAR}), CODE(PUSH), 1);
	assert_int_equal(run(ROLE_DB, req, len), -EACCES);
	assert_int_equal(run(ROLE_CLIENT, req, len), 0);
	assert_int_equal(reply.bytes[0], REPLY_SECRET);
	assert_memory_equal(reply.cell[0].p, "hi", 2);
	/* A clear and a secret operand, as `column < 5` in a client's session. */
	assert_int_equal(run(ROLE_CLIENT, req,
		request(ARGS({CELLS(I(4), I(5)), T_INT4, 0}, {&five, T_INT4, ARG_CLEAR | ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_int4_lt), 2)), 0);
	assert_true(reply.cell[0].i == 1 && reply.cell[1].i == 0);
	/* ARG_CLEAR on what is public anyway. */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({&five, T_PUB_INT4, ARG_CLEAR}), CODE(PUSH), 1)), 0);
	assert_true(reply.cell[0].i == 5);
}

/* A program of no instructions once ran, in an evaluator that had seen no other: it
 * hit the cache's empty slot, and the reply was made of whatever lay on the stack. */
static void test_empty_program(void **state)
{
	uint8_t bytes[PROGRAM_HEADER] = {0};
	struct eval *fresh = eval_create(gcm, keys);

	assert_non_null(fresh);
	bytes[4] = 1;
	assert_int_equal(eval_run(fresh, ROLE_DB, bytes, sizeof bytes, false, rig_room, &reply,
				 &err), -EPROTO);
	eval_destroy(fresh);
	assert_int_equal(run(ROLE_DB, bytes, sizeof bytes), -EPROTO);
}

static void test_impossible_requests(void **state)
{
	struct cell c[2] = {I(1), NIL}, t[2] = {S("text"), NIL};
	size_t len = request(ARGS({c, T_INT4, ARG_NULLS}, {t, T_TEXT, ARG_NULLS}),
		CODE(PUSH, PUSH | 1, OP_enc_text_length, OP_enc_int4_add), 2);
	static const struct {
		int at;
		uint8_t v;
	} bad[] = {{0, 17}, {0, 255}, {1, 1}, {2, 0}, {3, 1}, {4, 0}, {5, 0x11}, {7, 1}};
	uint8_t keep[16];
	size_t i;

	assert_int_equal(run(ROLE_DB, req, len), 0);
	memcpy(keep, req, sizeof keep);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		req[bad[i].at] = bad[i].v;
		assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
		memcpy(req, keep, sizeof keep);
	}
	/* Cut anywhere; each in memory of its own length, for the sanitizer. */
	for (i = 0; i < len; i++) {
		uint8_t *cut = malloc(i + 1);

		memcpy(cut, req, i);
		assert_int_equal(run(ROLE_DB, cut, i), -EPROTO);
		free(cut);
	}
	req[len] = 0;
	assert_int_equal(run(ROLE_DB, req, len + 1), -EPROTO);
	assert_non_null(strstr(err.s, "longer than their header says"));
	assert_int_equal(run(ROLE_DB, req, len), 0);
}

/* More programs than the cache has places, short ones and one too long for it. */
static void test_program_cache(void **state)
{
	struct cell one = I(1);
	uint16_t code[PROGRAM_CODE_MAX];
	int turn, n, i;

	for (turn = 0; turn < 3; turn++)
		for (n = 0; n < 100; n++) {
			code[0] = PUSH;
			for (i = 0; i < n; i++)
				code[i + 1] = OP_enc_int4_um;
			assert_int_equal(run(ROLE_DB, req,
				request(ARGS({&one, T_INT4, 0}), code, n + 1, 1)), 0);
			assert_true(reply.cell[0].i == (n % 2 ? -1 : 1));
		}
}

/* ---- memory ---- */

static uint8_t *no_room(void *ctx, uint64_t len)
{
	return NULL;
}

static void *no_grow(size_t n)
{
	return NULL;
}

/* Every place where memory can run out: a longer arena each time, until it suffices. */
static void test_out_of_memory(void **state)
{
	struct arena whole = ev->arena;
	struct cell t[3] = {S("abc"), NIL, S("12")}, n[3], i4[3] = {I(1), I(2), I(3)};
	struct rig_arg arg[3] = {{t, T_TEXT, ARG_NULLS}, {n, T_NUMERIC, 0}, {i4, T_INT4, 0}};
	static const uint16_t programs[][8] = {
		{PUSH, PUSH, OP_enc_text_concatenate, OP_enc_text_upper, OP_enc_text_lower},
		{PUSH, OP_enc_text_hash64},
		{PUSH, OP_enc_text_to_int4, OP_enc_int4_to_text, OP_enc_text_length},
		{PUSH | 1, OP_enc_numeric_sum_bulk},
		{PUSH | 1, PUSH | 1, OP_enc_numeric_add, OP_enc_numeric_hash64},
		{PUSH | 1, PUSH | 1, OP_enc_numeric_max},
		{PUSH | 2, OP_enc_int4_sum_bulk},
		{PUSH | 2, OP_enc_int4_to_numeric},
	};
	size_t k, cap, len;
	int ncode, rc;

	heap_used = 0;
	n[0] = decimal("1.5");
	n[1] = decimal("99999999.99");
	n[2] = decimal("-7");
	for (k = 0; k < sizeof programs / sizeof programs[0]; k++) {
		for (ncode = 0; ncode < 8 && programs[k][ncode]; ncode++)
			;
		len = request(arg, 3, programs[k], ncode, 3);
		for (cap = 0, rc = -ENOMEM; rc; cap += 16) {
			arena_init(&ev->arena, ev->first, cap, 0, no_grow, free);
			rc = run(ROLE_DB, req, len);
			if (rc)
				assert_int_equal(rc, -ENOMEM);
			assert_true(cap < 1 << 16);
		}
		assert_true(cap > 64);
		ev->arena = whole;
		assert_int_equal(run(ROLE_DB, req, len), 0);
	}
	assert_int_equal(eval_run(ev, ROLE_DB, req, len, false, no_room, NULL, &err), -ENOMEM);
	assert_int_equal(run(ROLE_DB, req, len), 0);
}

/* A request that outgrows the first chunk, and one that outgrows the limit. */
static void test_large_text(void **state)
{
	enum { LEN = 1 << 20 };
	struct cell c = {.p = heap, .len = LEN};
	size_t len;

	memset(heap, 'x', LEN);
	len = request(ARGS({&c, T_TEXT, 0}),
		CODE(PUSH, PUSH, OP_enc_text_concatenate, PUSH, OP_enc_text_concatenate), 1);
	assert_int_equal(run(ROLE_DB, req, len), 0);
	assert_int_equal(reply.cell[0].len, 3 * LEN);
	assert_true(reply.cell[0].p[3 * LEN - 1] == 'x');
	ev->arena.max = 2 * LEN;
	assert_int_equal(run(ROLE_DB, req, len), -ENOMEM);
	ev->arena.max = EVAL_MEMORY_MAX;
	assert_int_equal(run(ROLE_DB, req, len), 0);
}

/* A cipher that looks where it is made to read and write. */
static struct gcm_backend spy;
static const uint8_t *peers[2]; /* request and reply: a peer could write both */
static size_t peers_len[2];
static int in_place;

static void spy_look(const uint8_t *p)
{
	int i;

	for (i = 0; i < 2; i++)
		in_place += p >= peers[i] && p < peers[i] + peers_len[i];
}

static int spy_seal(const struct gcm_key *key, uint8_t *dst, uint8_t *tag,
	const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len, const uint8_t *nonce)
{
	spy_look(dst);
	spy_look(tag);
	return gcm->seal(key, dst, tag, src, len, aad, aad_len, nonce);
}

static int spy_open(const struct gcm_key *key, uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *tag, const uint8_t *aad, size_t aad_len, const uint8_t *nonce)
{
	spy_look(src);
	spy_look(tag);
	spy_look(aad);
	return gcm->open(key, dst, src, len, tag, aad, aad_len, nonce);
}

/* Texts above VALUE_COPY_MAX were once sealed right in the reply's memory, the ring: a
 * peer that changed the ciphertext before the tag was computed had it authenticated. */
static void test_cipher_stays_out_of_shared_memory(void **state)
{
	static const size_t lens[] = {4, VALUE_COPY_MAX, VALUE_COPY_MAX + 1, 5000, 100000};
	struct eval *watched;
	size_t i, len;

	spy = *gcm;
	spy.seal = spy_seal;
	spy.open = spy_open;
	watched = eval_create(&spy, keys);
	assert_non_null(watched);
	for (i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct cell c[2] = {{.p = heap, .len = (uint32_t)lens[i]}, S("short")};

		memset(heap, 'y', lens[i]);
		len = request(ARGS({c, T_TEXT, 0}, {CELLS(I(1), I(2)), T_INT4, 0}),
			CODE(PUSH, OP_enc_text_upper), 2);
		rig_room(&reply, 1 << 18);
		peers[0] = req;
		peers_len[0] = len;
		peers[1] = reply.bytes;
		peers_len[1] = reply.cap;
		in_place = 0;
		assert_int_equal(
			eval_run(watched, ROLE_DB, req, len, true, rig_room, &reply, &err), 0);
		assert_int_equal(in_place, 0);
		assert_true(rig_reply_read(&reply, &mine->o));
		assert_int_equal(reply.cell[0].len, lens[i]);
		assert_true(reply.cell[0].p[lens[i] - 1] == 'Y');
		assert_memory_equal(reply.cell[1].p, "SHORT", 5);
	}
	eval_destroy(watched);
}

/* ---- every operation has been asked ---- */

static void test_every_operation_runs(void **state)
{
	struct cell in[OP_ARGS_MAX];
	uint32_t code;
	int i;

	heap_used = 0;
	for (code = 0; code < MODELLED; code++) {
		const struct op *op = optable_op(code);

		if (!op || op->flags & OP_REVEAL)
			continue;
		for (i = 0; i < op->nargs; i++)
			in[i] = op->args[i] == T_TEXT ? text_cell("1") :
				op->args[i] == T_NUMERIC ? decimal("1") :
				(struct cell){.i = 1};
		assert_int_equal(apply((uint16_t)code, in).state, ROW_VALUE);
		in[0].state = ROW_NULL;
		assert_int_equal(apply((uint16_t)code, in).state,
			code == OP_bool_or ? ROW_VALUE : ROW_NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_and_or),
		cmocka_unit_test(test_not),
		cmocka_unit_test(test_states_merge),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_lengths),
		cmocka_unit_test(test_one_row_for_all),
		cmocka_unit_test(test_expression),
		cmocka_unit_test(test_random_programs),
		cmocka_unit_test(test_reply_bytes),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_empty_program),
		cmocka_unit_test(test_impossible_requests),
		cmocka_unit_test(test_program_cache),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_large_text),
		cmocka_unit_test(test_cipher_stays_out_of_shared_memory),
		cmocka_unit_test(test_every_operation_runs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
