/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_eval.c - scope: common/eval.h: states and how they spread, broadcasting, the reply's
 * bytes, roles, requests that cannot be, and that every operation runs. Programs:
 * test_eval_programs.c; memory: test_eval_memory.c. What each operation computes:
 * test_kernel.c.
 */
#include "model.h"

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
		cmocka_unit_test(test_reply_bytes),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_empty_program),
		cmocka_unit_test(test_impossible_requests),
		cmocka_unit_test(test_program_cache),
		cmocka_unit_test(test_every_operation_runs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
