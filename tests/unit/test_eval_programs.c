/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_eval_programs.c - scope: common/eval.h: expressions of several operations, one of TPC-H
 * and random ones, against the model and row by row.
 */
#include "model.h"

static struct rig_reply other;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expression),
		cmocka_unit_test(test_random_programs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
