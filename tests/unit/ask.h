/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask.h - one evaluator, and asking it: what test_kernel.c and test_eval.c share. Each
 * request checks that the arena is wiped behind it and that the reply's bytes are what
 * program.h says, to the last one.
 */
#ifndef TESTS_UNIT_ASK_H
#define TESTS_UNIT_ASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kernel.h"
#include "numeric.h"
#include "../evalrig.h"
#include "../rig.h"

enum { REQ_MAX = 8 << 20, HEAP = 256 << 20, PUSH = PROGRAM_PUSH };

static struct keyring *keys;
static struct eval *ev;
static struct {
	struct value_sealer s;
	struct value_opener o;
} *mine;
static struct rig_reply reply;
static struct err_text err;
static uint8_t req[REQ_MAX], heap[HEAP];
static size_t heap_used;
static bool shared;
static const struct gcm_backend *gcm;

/* Memory of one test; it starts again by heap_used = 0. */
static void *heap_take(size_t n)
{
	void *p = heap + heap_used;

	heap_used += (n + 15) & ~(size_t)15;
	assert_true(heap_used <= HEAP);
	return p;
}

/* ---- cells ---- */

#define I(v) {.i = (v)}
#define STATE(s) {.state = (s)}
#define NIL STATE(ROW_NULL)
#define S(text) {.p = (const uint8_t *)(text), .len = sizeof(text) - 1}

__attribute__((unused)) static struct cell text_cell(const char *s)
{
	return (struct cell){.p = (const uint8_t *)s, .len = (uint32_t)strlen(s)};
}

__attribute__((unused)) static struct cell random_text(
	uint64_t *seed, const char *const *bits, int nbits, int max)
{
	int n = (int)rig_below(seed, (uint64_t)max + 1), i;
	struct cell c = {.p = heap + heap_used};

	for (i = 0; i < n; i++) {
		const char *bit = bits[rig_below(seed, (uint64_t)nbits)];

		memcpy(heap + heap_used + c.len, bit, strlen(bit));
		c.len += (uint32_t)strlen(bit);
	}
	heap_take(c.len);
	return c;
}

/* The n bytes at p, PostgreSQL's form of a number, as the plaintext of an enc_numeric. */
static struct cell packed(uint8_t *p, size_t n)
{
	struct numeric x;

	assert_int_equal(numeric_parse(&x, p, n), 0);
	return (struct cell){.p = p, .len = (uint32_t)numeric_pack(p, &x)};
}

/* "-12.50" as the plaintext of an enc_numeric. */
__attribute__((unused)) static struct cell decimal(const char *s)
{
	uint16_t digit[64] = {0}, head[4] = {0}, sign = NUMERIC_POS;
	const char *point = strchr(s, '.'), *end = s + strlen(s);
	int whole, frac, weight, n, i;
	uint8_t *p;

	if (!strcmp(s, "NaN"))
		sign = NUMERIC_NAN;
	else if (!strcmp(s, "Infinity"))
		sign = NUMERIC_PINF;
	else if (!strcmp(s, "-Infinity"))
		sign = NUMERIC_NINF;
	p = heap_take(8 + sizeof digit);
	if (sign == NUMERIC_POS) {
		if (*s == '-') {
			sign = NUMERIC_NEG;
			s++;
		}
		whole = (int)(point ? point - s : end - s);
		frac = point ? (int)(end - point - 1) : 0;
		weight = (whole + 3) / 4 - 1;
		n = weight + 1 + (frac + 3) / 4;
		for (i = 0; i < whole + frac; i++) {
			int at = i - whole + (weight + 1) * 4, c = s[i < whole ? i : i + 1] - '0';
			static const int place[] = {1000, 100, 10, 1};

			digit[at / 4] = (uint16_t)(digit[at / 4] + c * place[at % 4]);
		}
		head[0] = (uint16_t)n;
		head[1] = (uint16_t)weight;
		head[3] = (uint16_t)frac;
	} else {
		n = 0;
	}
	head[2] = sign;
	for (i = 0; i < 4 + n; i++) {
		uint16_t w = i < 4 ? head[i] : digit[i - 4];

		p[2 * i] = (uint8_t)(w >> 8);
		p[2 * i + 1] = (uint8_t)w;
	}
	return packed(p, (size_t)(8 + 2 * n));
}

/* ---- asking ---- */

/* eval_run and eval_done; the arena has to be wiped whatever came of it. */
static int run_into(struct rig_reply *to, enum role role, const uint8_t *bytes, size_t len)
{
	int rc;

	err.s[0] = 0;
	shared = !shared;
	rc = eval_run(ev, role, bytes, len, shared, rig_room, to, &err);
	eval_done(ev);
	/* All zero; sodium_is_zero() takes a cycle for each byte, and there are thousands of requests. */
	assert_int_equal(*(const uint8_t *)ev->first, 0);
	assert_int_equal(memcmp(ev->first, (const uint8_t *)ev->first + 1, sizeof ev->first - 1), 0);
	assert_ptr_equal(ev->arena.at, ev->first);
	assert_null(ev->arena.grown);
	if (rc)
		assert_true(err.s[0] != 0);
	else
		assert_true(rig_reply_read(to, &mine->o));
	return rc;
}

__attribute__((unused)) static int run(enum role role, const uint8_t *bytes, size_t len)
{
	return run_into(&reply, role, bytes, len);
}

static size_t request(const struct rig_arg *arg, int nargs, const uint16_t *code, int ncode,
	uint32_t rows)
{
	size_t len = rig_request(req, sizeof req, &mine->s, arg, (uint8_t)nargs, code,
		(uint16_t)ncode, rows);

	assert_true(len > 0);
	return len;
}

#define CODE(...) (const uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / 2
#define ARGS(...)                                                                      \
	(const struct rig_arg[]){__VA_ARGS__},                                             \
		sizeof((struct rig_arg[]){__VA_ARGS__}) / sizeof(struct rig_arg)
#define CELLS(...) ((const struct cell[]){__VA_ARGS__})
/* The scalar operator: one row, one operation; what comes back. */
__attribute__((unused)) static struct cell apply(uint16_t code, const struct cell *in)
{
	const struct op *op = optable_op(code);
	struct rig_arg arg[OP_ARGS_MAX];
	uint16_t prog[OP_ARGS_MAX + 1];
	int i;

	assert_non_null(op);
	for (i = 0; i < op->nargs; i++) {
		arg[i] = (struct rig_arg){&in[i], op->args[i], ARG_NULLS};
		prog[i] = (uint16_t)(PUSH | i);
	}
	prog[i] = code;
	if (run(ROLE_DB, req, request(arg, op->nargs, prog, i + 1, 1)) != 0)
		fail_msg("%s: %s", op->name, err.s);
	assert_int_equal(reply.rows, 1);
	assert_int_equal(reply.type, op->result);
	return reply.cell[0];
}

static int setup(void **state)
{
	gcm = gcm_select(NULL);
	keys = rig_keyring();
	mine = sodium_malloc((sizeof *mine + 63) & ~(size_t)63);
	if (!keys || !mine || value_sealer_init(&mine->s, gcm, keys))
		return -1;
	value_opener_init(&mine->o, gcm, keys);
	ev = eval_create(gcm, keys);
	return ev ? 0 : -1;
}

static int teardown(void **state)
{
	eval_destroy(ev);
	eval_destroy(NULL);
	value_sealer_fini(&mine->s);
	value_opener_fini(&mine->o);
	sodium_free(mine);
	keyring_destroy(keys);
	free(reply.bytes);
	return 0;
}

#endif
