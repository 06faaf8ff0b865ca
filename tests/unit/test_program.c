/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_program.c - scope: common/program.h and the operation table: every error of the
 * compiler with its sentence, each argument flag, what a good program says about its
 * result, and bytes at random, which compile or not but never go out of bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "program.h"
#include "../rig.h"

enum { PUSH = PROGRAM_PUSH };

static struct program p;
static struct err_text e;

/* args: type, flags pairs. */
static int compile(const uint8_t *args, int nargs, const uint16_t *code, int ncode)
{
	uint8_t *bytes = malloc(2u * (unsigned)nargs + 2u * (unsigned)ncode + 1);
	int rc;

	if (nargs)
		memcpy(bytes, args, 2u * (unsigned)nargs);
	memcpy(bytes + 2 * nargs, code, 2u * (unsigned)ncode);
	memset(&p, 0xee, sizeof p);
	e.s[0] = 0;
	rc = program_compile(&p, (uint8_t)nargs, (uint16_t)ncode, bytes, &e);
	free(bytes);
	return rc;
}

#define ARGS(...) (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}) / 2
#define CODE(...) (const uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / 2

static void refused(int rc, const char *why)
{
	assert_int_equal(rc, -EPROTO);
	if (!strstr(e.s, why))
		fail_msg("\"%s\" does not say \"%s\"", e.s, why);
}

static void test_good(void **state)
{
	assert_int_equal(compile(ARGS(T_INT4, 0, T_INT4, ARG_ONE),
				 CODE(PUSH, PUSH | 1, OP_enc_int4_lt)), 0);
	assert_int_equal(p.nargs, 2);
	assert_int_equal(p.ncode, 3);
	assert_int_equal(p.result[0].type, T_PUB_BOOL);
	assert_false(p.result[0].reveal);
	assert_int_equal(p.role, ROLE_DB);
	assert_null(p.code[0].op);
	assert_int_equal(p.code[1].arg, 1);
	assert_ptr_equal(p.code[2].op, optable_op(OP_enc_int4_lt));
	/* An argument that nothing pushes is allowed, and so is no operation at all. */
	assert_int_equal(compile(ARGS(T_TEXT, 0, T_INT4, ARG_ONE), CODE(PUSH | 1)), 0);
	assert_int_equal(p.result[0].type, T_INT4);
}

static void test_flags(void **state)
{
	int f;

	for (f = 0; f < ARG_KEEP; f++) {
		uint8_t flags = (uint8_t)f;

		assert_int_equal(compile(ARGS(T_INT4, flags), CODE(PUSH)), 0);
		assert_int_equal(p.arg[0].flags, f);
		assert_int_equal(p.role, f & ARG_CLEAR ? ROLE_CLIENT : ROLE_DB);
		/* What is public anyway needs no role. */
		assert_int_equal(compile(ARGS(T_PUB_INT4, flags), CODE(PUSH)), 0);
		assert_int_equal(p.role, ROLE_DB);
	}
	for (; f < 256; f++) {
		uint8_t flags = (uint8_t)f;

		refused(compile(ARGS(T_INT4, flags), CODE(PUSH)), "argument 0: unknown type");
		if (f > ARG_FLAGS || (f != (ARG_ONE | ARG_KEEP) && f != (ARG_ONE | ARG_KEPT)))
			refused(compile(ARGS(T_PUB_ZONE, flags), CODE(PUSH)), "unknown type");
		else
			assert_int_equal(compile(ARGS(T_PUB_ZONE, flags), CODE(PUSH)), 0);
	}
}

static void test_reveal(void **state)
{
	assert_int_equal(compile(ARGS(T_INT4, 0), CODE(PUSH, OP_enc_int4_decrypt)), 0);
	assert_true(p.result[0].reveal);
	assert_int_equal(p.role, ROLE_CLIENT);
	assert_int_equal(p.result[0].type, T_INT4);
	/* One of several results. */
	assert_int_equal(compile(ARGS(T_INT4, 0), CODE(PUSH, OP_enc_int4_decrypt, PUSH)), 0);
	assert_true(p.result[0].reveal);
	assert_false(p.result[1].reveal);
	refused(compile(ARGS(T_INT4, 0), CODE(PUSH, OP_enc_int4_decrypt, OP_enc_int4_um)),
		"a revealed value can only be a result");
}

static void test_counts(void **state)
{
	static const uint8_t args[2 * (PROGRAM_ARGS_MAX + 1)] = {T_INT4};
	static uint16_t code[PROGRAM_CODE_MAX + 1];
	int i;

	refused(compile(args, 0, code, 0), "too many, or none");
	refused(compile(args, PROGRAM_ARGS_MAX + 1, code, 1), "too many, or none");
	refused(compile(args, 1, code, PROGRAM_CODE_MAX + 1), "too many, or none");
	code[0] = PUSH;
	for (i = 1; i < PROGRAM_CODE_MAX; i++)
		code[i] = OP_enc_int4_um;
	assert_int_equal(compile(args, 1, code, PROGRAM_CODE_MAX), 0);
	assert_int_equal(p.ncode, PROGRAM_CODE_MAX);
}

static void test_types(void **state)
{
	enum {
#define TYPE(...) + 1
		LISTED = 0
#include "ops.def"
	};
	int type, good = 0;

	for (type = 0; type < 256; type++) {
		uint8_t t = (uint8_t)type;

		if (optable_type(t).name) {
			assert_int_equal(compile(ARGS(t, 0), CODE(PUSH)), 0);
			assert_int_equal(p.result[0].type, t);
			good++;
		} else {
			refused(compile(ARGS(t, 0), CODE(PUSH)), "unknown type");
		}
	}
	assert_int_equal(good, LISTED);
	refused(compile(ARGS(T_INT4, 0, T_INT8, 0), CODE(PUSH, PUSH | 1, OP_enc_int4_add)),
		"takes no argument of type 2 at 1");
	refused(compile(ARGS(T_PUB_INT4, 0), CODE(PUSH, OP_enc_int4_um)),
		"takes no argument of type 33 at 0");
	refused(compile(ARGS(T_INT4, 0), CODE(PUSH, PUSH, OP_enc_int4_eq, OP_enc_int4_um)),
		"instruction 3: enc_int4_um takes no argument of type 32");
}

static void test_stack(void **state)
{
	uint16_t code[2 * PROGRAM_STACK + 1];
	int i;

	refused(compile(ARGS(T_INT4, 0), CODE(OP_enc_int4_um)), "needs 1 arguments");
	refused(compile(ARGS(T_INT4, 0), CODE(PUSH, OP_enc_int4_add)), "needs 2 arguments");
	refused(compile(ARGS(T_TEXT, 0), CODE(PUSH, PUSH, OP_enc_text_substring)),
		"needs 3 arguments");
	/* What is left are results. */
	assert_int_equal(compile(ARGS(T_INT4, 0, T_TEXT, 0, T_INT4, 0),
				 CODE(PUSH, PUSH | 2, OP_enc_int4_lt, PUSH | 1, PUSH | 2,
					 OP_enc_int4_um)), 0);
	assert_int_equal(p.nresults, 3);
	assert_int_equal(p.result[0].type, T_PUB_BOOL);
	assert_int_equal(p.result[1].type, T_TEXT);
	assert_int_equal(p.result[2].type, T_INT4);
	assert_int_equal(p.first, 3);
	assert_false(p.arg[0].late);
	assert_true(p.arg[1].late);
	assert_false(p.arg[2].late);
	for (i = 0; i < PROGRAM_STACK; i++)
		code[i] = PUSH;
	for (; i < 2 * PROGRAM_STACK - 1; i++)
		code[i] = OP_enc_int4_add;
	assert_int_equal(compile(ARGS(T_INT4, 0), code, i), 0);
	for (i = 0; i < PROGRAM_STACK + 1; i++)
		code[i] = PUSH;
	refused(compile(ARGS(T_INT4, 0), code, i), "no such argument, or stack full");
}

static void test_grouped(void **state)
{
	assert_int_equal(compile(ARGS(T_INT4, 0, T_PUB_INT4, 0),
				 CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk)), 0);
	assert_true(p.code[2].grouped);
	assert_false(p.code[0].grouped);
	assert_int_equal(p.result[0].type, T_NUMERIC);
	assert_int_equal(p.rows_max, PROGRAM_WHOLE_ROWS_MAX);
	refused(compile(ARGS(T_INT4, 0, T_PUB_INT4, 0),
			CODE(PUSH, PROGRAM_GROUPED | OP_enc_int4_sum_bulk)), "needs 2 arguments");
	refused(compile(ARGS(T_INT4, 0, T_INT4, 0),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_sum_bulk)),
		"takes no argument of type 1 at 1");
	/* Only what reduces a column does so by groups. */
	refused(compile(ARGS(T_INT4, 0, T_PUB_INT4, 0),
			CODE(PUSH, PUSH | 1, PROGRAM_GROUPED | OP_enc_int4_um)),
		"unknown operation");
}

static void test_instructions(void **state)
{
	uint32_t code;

	refused(compile(ARGS(T_INT4, 0), CODE(PUSH | 1)), "no such argument");
	refused(compile(ARGS(T_INT4, 0), CODE(PUSH | 0x100)), "no such argument");
	refused(compile(ARGS(T_INT4, 0), CODE(0xffff)), "no such argument");
	refused(compile(NULL, 0, CODE(PUSH)), "no such argument");
	for (code = 0; code < PROGRAM_PUSH; code++)
		if (!optable_op(code & ~PROGRAM_GROUPED))
			refused(compile(ARGS(T_INT4, 0), CODE((uint16_t)code)),
				(code & (PROGRAM_COPY | PROGRAM_GROUPED)) == PROGRAM_COPY
					? "nothing to copy"
					: "unknown operation");
}

/* Each operation compiles with arguments of its own types, and with nothing else. */
static void test_every_operation(void **state)
{
	uint32_t code;
	int i, ops = 0;

	for (code = 0; code < OPTABLE_CODES; code++) {
		const struct op *op = optable_op(code);
		uint8_t args[2 * OP_ARGS_MAX] = {0};
		uint16_t prog[OP_ARGS_MAX + 1];

		if (!op)
			continue;
		ops++;
		assert_int_equal(op->code, code);
		assert_in_range(op->nargs, 1, OP_ARGS_MAX);
		for (i = 0; i < op->nargs; i++) {
			args[2 * i] = op->args[i];
			prog[i] = (uint16_t)(PUSH | i);
		}
		prog[i] = (uint16_t)code;
		assert_int_equal(compile(args, op->nargs, prog, op->nargs + 1), 0);
		assert_int_equal(p.result[0].type, op->result);
		assert_int_equal(p.result[0].reveal, (op->flags & OP_REVEAL) != 0);
		for (i = 0; i < op->nargs; i++) {
			args[2 * i] = op->args[i] == T_INT4 ? T_TEXT : T_INT4;
			refused(compile(args, op->nargs, prog, op->nargs + 1), op->name);
			args[2 * i] = op->args[i];
		}
	}
	assert_true(ops > 80);
}

/* Bytes at random, in memory of exactly their length: for the sanitizer's eyes. */
static void test_random_bytes(void **state)
{
	uint64_t seed = 3;
	int i, good = 0;

	for (i = 0; i < 200000; i++) {
		uint8_t nargs = (uint8_t)rig_below(&seed, 4), k;
		uint16_t ncode = (uint16_t)rig_below(&seed, 6), *code;
		uint8_t *bytes = malloc(2u * nargs + 2u * ncode + 1);

		for (k = 0; k < nargs; k++) {
			bytes[2 * k] = (uint8_t)(rig_below(&seed, 8) * 32 + rig_below(&seed, 5));
			bytes[2 * k + 1] = (uint8_t)rig_below(&seed, 9);
		}
		code = (uint16_t *)(bytes + 2 * nargs);
		for (k = 0; k < ncode; k++)
			code[k] = (uint16_t)(rig_below(&seed, 2) ? PUSH | rig_below(&seed, 3)
								 : rig_below(&seed, 0x90));
		if (program_compile(&p, nargs, ncode, bytes, &e) == 0) {
			good++;
			assert_true(optable_type(p.result[0].type).name != NULL);
			assert_int_equal(p.ncode, ncode);
		} else {
			assert_true(e.s[0] != 0);
		}
		free(bytes);
	}
	assert_true(good > 100);
}

static void test_table(void **state)
{
	assert_null(optable_op(OPTABLE_CODES));
	assert_null(optable_op(UINT32_MAX));
	assert_null(optable_op(0));
	assert_null(optable_type(0).name);
	assert_string_equal(optable_type(T_INT4).name, "enc_int4");
	assert_string_equal(optable_type(T_PUB_BOOL).plain, "bool");
	assert_null(optable_error(ROW_VALUE).message);
	assert_null(optable_error(ROW_NULL).message);
	assert_null(optable_error(255).message);
	assert_string_equal(optable_error(ROW_DIVISION_BY_ZERO).sqlstate, "22012");
	assert_string_equal(optable_error(ROW_INT4_RANGE).message, "integer out of range");
	assert_true(optable_is_secret(T_NUMERIC));
	assert_false(optable_is_secret(0));
	assert_false(optable_is_secret(T_PUB_BOOL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_reveal),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_grouped),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_every_operation),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
