/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h - what the operations mean: plain C over one cell at a time, which knows
 * nothing of batches, broadcasting, memory or speed.
 *
 * Written from SQL's definitions and PostgreSQL's behaviour, not from the kernels. A
 * numeric is modelled by its integer value only; fractions are tables in test_kernel.c.
 * Operations from MODELLED on have no model here: PostgreSQL is theirs (tests/pg).
 */
#ifndef TESTS_UNIT_MODEL_H
#define TESTS_UNIT_MODEL_H

#include "ask.h"

enum { MODELLED = 0x84 };

static struct cell m_state(uint8_t state)
{
	return (struct cell){.state = state};
}

static struct cell m_range(__int128 v, __int128 min, __int128 max, uint8_t state)
{
	return v < min || v > max ? m_state(state) : (struct cell){.i = v};
}

static struct cell m_power(__int128 a, __int128 b, __int128 min, __int128 max, uint8_t state)
{
	__int128 r = 1;

	if (b < 0)
		return m_state(ROW_POWER);
	if (a >= -1 && a <= 1)
		return (struct cell){.i = b == 0 ? 1 : a < 0 && b % 2 == 0 ? 1 : a};
	while (b-- > 0 && r >= min && r <= max)
		r *= a;
	return m_range(r, min, max, state);
}

/* Arithmetic of int4 and int8 by the offset of the code from the type's `add`. */
static struct cell m_integer(int what, __int128 a, __int128 b, bool wide)
{
	__int128 max = wide ? INT64_MAX : INT32_MAX, min = -max - 1, r = 0;
	uint8_t state = wide ? ROW_INT8_RANGE : ROW_INT4_RANGE;

	switch (what) {
	case 0:
		r = a + b;
		break;
	case 1:
		r = a - b;
		break;
	case 2:
		r = a * b;
		break;
	case 3:
	case 4:
		if (b == 0)
			return m_state(ROW_DIVISION_BY_ZERO);
		r = what == 3 ? a / b : a % b;
		break;
	case 5:
		return m_power(a, b, min, max, state);
	case 6:
		r = -a;
		break;
	case 7:
		r = a < 0 ? -a : a;
		break;
	}
	return m_range(r, min, max, state);
}

static size_t m_char(const uint8_t *p, size_t left)
{
	size_t n = 1;

	while (n < left && *p >= 0xc0 && (p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

enum { LIKE_NO, LIKE_YES, LIKE_OVER, LIKE_BAD };

/* LIKE by trying every place for what follows a %, in the order in which PostgreSQL
 * does, since that order decides whether a trailing backslash is noticed. */
static int m_like(const uint8_t *t, size_t tn, const uint8_t *p, size_t pn)
{
	size_t k;
	int m;

	if (pn == 1 && *p == '%')
		return LIKE_YES;
	for (; tn > 0 && pn > 0; t++, tn--, p++, pn--) {
		if (*p == '_') {
			k = m_char(t, tn) - 1;
			t += k;
			tn -= k;
		} else if (*p == '%') {
			for (; pn > 0 && (*p == '%' || *p == '_'); p++, pn--) {
				if (*p == '%')
					continue;
				if (tn == 0)
					return LIKE_OVER;
				k = m_char(t, tn);
				t += k;
				tn -= k;
			}
			if (pn == 0)
				return LIKE_YES;
			if (pn == 1 && *p == '\\')
				return LIKE_BAD;
			for (; tn > 0; t += k, tn -= k) {
				k = m_char(t, tn);
				m = *t == (*p == '\\' ? p[1] : *p) ? m_like(t, tn, p, pn) : LIKE_NO;
				if (m != LIKE_NO)
					return m;
			}
			return LIKE_OVER;
		} else {
			if (*p == '\\' && --pn == 0)
				return LIKE_BAD;
			p += *p == '\\';
			if (*p != *t)
				return LIKE_NO;
		}
	}
	if (tn > 0)
		return LIKE_NO;
	while (pn > 0 && *p == '%')
		p++, pn--;
	return pn == 0 ? LIKE_YES : LIKE_OVER;
}

static struct cell m_case(const struct cell *c, bool upper)
{
	uint8_t *p = heap_take(c->len);
	uint32_t i;

	for (i = 0; i < c->len; i++) {
		p[i] = c->p[i];
		if (upper && p[i] >= 'a' && p[i] <= 'z')
			p[i] -= 32;
		if (!upper && p[i] >= 'A' && p[i] <= 'Z')
			p[i] += 32;
	}
	return (struct cell){.p = p, .len = c->len};
}

static struct cell m_match(int what, const struct cell *in)
{
	struct cell t = in[0], p = in[1];
	int m;

	if (what >= 2) {
		t = m_case(&t, false);
		p = m_case(&p, false);
	}
	m = m_like(t.p, t.len, p.p, p.len);
	if (m == LIKE_BAD)
		return m_state(ROW_LIKE_ESCAPE);
	return (struct cell){.i = (m == LIKE_YES) != (what & 1)};
}

static int64_t m_length(const struct cell *c)
{
	size_t at, n = 0;

	for (at = 0; at < c->len; n++)
		at += m_char(c->p + at, c->len - at);
	return (int64_t)n;
}

static struct cell m_substring(const struct cell *c, int64_t from, int64_t len)
{
	struct cell out = {.p = c->p};
	size_t at, k;
	int64_t i;

	if (len < 0)
		return m_state(ROW_SUBSTRING);
	for (at = 0, i = 1; at < c->len; at += k, i++) {
		k = m_char(c->p + at, c->len - at);
		if (i < from || i >= from + len)
			continue;
		if (out.len == 0)
			out.p = c->p + at;
		out.len += (uint32_t)k;
	}
	return out;
}

/* pg_strtoint32/64 of PostgreSQL 15: out of range is noticed at the digit, before what
 * follows is looked at; the positive counterpart of the least value only at the end. */
static struct cell m_parse(const struct cell *c, bool wide)
{
	__int128 max = wide ? INT64_MAX : INT32_MAX, v = 0;
	uint8_t syntax = wide ? ROW_INT8_SYNTAX : ROW_INT4_SYNTAX;
	uint8_t range = wide ? ROW_INT8_RANGE : ROW_INT4_RANGE;
	bool negative = false;
	size_t i = 0;

	while (i < c->len && strchr(" \t\n\v\f\r", c->p[i]) && c->p[i])
		i++;
	if (i < c->len && (c->p[i] == '-' || c->p[i] == '+'))
		negative = c->p[i++] == '-';
	if (i == c->len || c->p[i] < '0' || c->p[i] > '9')
		return m_state(syntax);
	for (; i < c->len && c->p[i] >= '0' && c->p[i] <= '9'; i++) {
		v = v * 10 + (c->p[i] - '0');
		if (v > max + 1)
			return m_state(range);
	}
	while (i < c->len && strchr(" \t\n\v\f\r", c->p[i]) && c->p[i])
		i++;
	if (i < c->len)
		return m_state(syntax);
	return m_range(negative ? -v : v, -max - 1, max, range);
}

static struct cell m_decimal(__int128 v)
{
	char *p = heap_take(24);

	return (struct cell){
		.p = (uint8_t *)p, .len = (uint32_t)snprintf(p, 24, "%lld", (long long)v)};
}

static struct cell m_concat(const struct cell *in)
{
	uint8_t *p = heap_take(in[0].len + in[1].len);

	memcpy(p, in[0].p, in[0].len);
	memcpy(p + in[0].len, in[1].p, in[1].len);
	return (struct cell){.p = p, .len = in[0].len + in[1].len};
}

static int m_order(uint8_t type, const struct cell *a, const struct cell *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;
	int c;

	if (type != T_TEXT)
		return (a->i > b->i) - (a->i < b->i);
	c = n ? memcmp(a->p, b->p, n) : 0;
	return c ? (c > 0) - (c < 0) : (a->len > b->len) - (a->len < b->len);
}

static struct cell m_hash(uint8_t type, const struct cell *c)
{
	uint8_t *in = heap_take(1 + (c->len < 64 ? 64 : c->len)), digest[KEYRING_PRF_BYTES];
	size_t n = c->len;
	int64_t low;

	in[0] = type == T_TEXT ? HASH_TEXT : HASH_NUMBER;
	if (type == T_TEXT)
		memcpy(in + 1, c->p, c->len);
	else if (c->i > INT64_MIN && c->i <= INT64_MAX)
		n = numeric_short_put(in + 1, (int64_t)c->i, 0);
	else
		n = numeric_from_int128(in + 1, c->i);
	keyring_prf(digest, keys, in, 1 + n);
	memcpy(&low, digest, sizeof low);
	return (struct cell){.i = low};
}

/* What every secret type has, by the offset of the code from the type's first. */
static struct cell m_secret(int what, uint8_t type, const struct cell *in)
{
	int c = what == 7 || what == 8 ? 0 : m_order(type, &in[0], &in[1]);

	switch (what) {
	case 0:
		return (struct cell){.i = c == 0};
	case 1:
		return (struct cell){.i = c != 0};
	case 2:
		return (struct cell){.i = c < 0};
	case 3:
		return (struct cell){.i = c <= 0};
	case 4:
		return (struct cell){.i = c > 0};
	case 5:
		return (struct cell){.i = c >= 0};
	case 6:
		return (struct cell){.i = c};
	case 7:
		return m_hash(type, in);
	case 11:
		return c < 0 ? in[0] : in[1];
	case 12:
		return c > 0 ? in[0] : in[1];
	default:
		return in[0];
	}
}

static struct cell m_text(int code, const struct cell *in)
{
	switch (code) {
	case OP_enc_text_concatenate:
		return m_concat(in);
	case OP_enc_text_substring:
	case OP_enc_text_substring_at:
		return m_substring(&in[0], (int64_t)in[1].i, (int64_t)in[2].i);
	case OP_enc_text_substring_from:
	case OP_enc_text_substring_from_at:
		return m_substring(&in[0], (int64_t)in[1].i, INT32_MAX * 4ll);
	case OP_enc_text_length:
		return (struct cell){.i = m_length(in)};
	case OP_enc_text_lower:
	case OP_enc_text_upper:
		return m_case(in, code == OP_enc_text_upper);
	case OP_enc_text_to_int4:
	case OP_enc_text_to_int8:
		return m_parse(in, code == OP_enc_text_to_int8);
	default:
		return m_match(code - OP_enc_text_like, in);
	}
}

static struct cell m_connect(bool decides, const struct cell *in)
{
	if (in[0].state > ROW_NULL || (!in[0].state && in[0].i == decides))
		return in[0];
	if (in[1].state || in[1].i == decides)
		return in[1];
	return in[0];
}

/* One row of one operation that is no REDUCE. */
static struct cell m_row(const struct op *op, const struct cell *in)
{
	int i, code = op->code;

	if (op->flags & OP_LAZY)
		return m_connect(code == OP_bool_or, in);
	for (i = 0; i < op->nargs; i++)
		if (in[i].state > ROW_NULL)
			return in[i];
	for (i = 0; i < op->nargs; i++)
		if (in[i].state)
			return in[i];
	switch (code) {
	case OP_bool_not:
		return (struct cell){.i = !in[0].i};
	case OP_enc_int4_to_text:
	case OP_enc_int8_to_text:
		return m_decimal(in[0].i);
	case OP_enc_int8_to_int4:
		return m_range(in[0].i, INT32_MIN, INT32_MAX, ROW_INT4_RANGE);
	case OP_enc_numeric_sum_int8:
		return m_range(in[0].i, INT64_MIN, INT64_MAX, ROW_INT8_RANGE);
	case OP_enc_int4_to_int8:
	case OP_enc_int4_to_numeric:
	case OP_enc_int8_to_numeric:
		return in[0];
	case OP_enc_numeric_add:
		return (struct cell){.i = in[0].i + in[1].i};
	}
	switch (code & 0xf0) {
	case 0x20:
		return m_integer(code - OP_enc_int4_add, in[0].i, in[1].i, false);
	case 0x40:
		return m_integer(code - OP_enc_int8_add, in[0].i, in[1].i, true);
	case 0x60:
		return m_text(code, in);
	default:
		return m_secret(code & 0x0f, op->args[0], in);
	}
}

static struct cell m_reduce(const struct op *op, const struct cell *in, uint32_t n)
{
	bool sum = op->result == T_NUMERIC && (op->code & 0x10) == 0, any = false;
	bool greatest = (op->code & 0x0f) == 10;
	struct cell out = {0};
	uint32_t i;
	int c;

	for (i = 0; i < n; i++) {
		if (in[i].state > ROW_NULL)
			return in[i];
		if (in[i].state)
			continue;
		if (sum) {
			out.i += in[i].i;
		} else {
			c = any ? m_order(op->args[0], &in[i], &out) : 0;
			if (!any || (greatest ? c > 0 : c < 0))
				out = in[i];
		}
		any = true;
	}
	return any ? out : m_state(ROW_NULL);
}

/* Digests and ranks have test_order.c. */
__attribute__((unused)) static bool m_knows(const struct op *op)
{
	return !(op->flags & OP_WHOLE) && op->result != T_PUB_BYTES16;
}

struct column {
	const struct cell *cell;
	bool one;
};

static struct column m_op(const struct op *op, const struct column *in, uint32_t rows)
{
	struct column out = {NULL, true};
	struct cell row[OP_ARGS_MAX], *to;
	uint32_t i, n;
	int a;

	if (op->flags & OP_REDUCE) {
		to = heap_take(sizeof *to);
		*to = m_reduce(op, in[0].cell, in[0].one ? 1 : rows);
		out.cell = to;
		return out;
	}
	for (a = 0; a < op->nargs; a++)
		out.one &= in[a].one;
	n = out.one ? 1 : rows;
	to = heap_take(n * sizeof *to);
	for (i = 0; i < n; i++) {
		for (a = 0; a < op->nargs; a++)
			row[a] = in[a].cell[in[a].one ? 0 : i];
		to[i] = m_row(op, row);
	}
	out.cell = to;
	return out;
}

__attribute__((unused)) static struct column m_program(
	const struct rig_arg *arg, const uint16_t *code, int ncode, uint32_t rows)
{
	struct column stack[PROGRAM_STACK];
	int depth = 0, i;

	for (i = 0; i < ncode; i++) {
		const struct op *op = optable_op(code[i]);

		if (code[i] & PUSH) {
			const struct rig_arg *a = &arg[code[i] & 0xff];

			stack[depth++] = (struct column){a->cell, a->flags & ARG_ONE};
		} else {
			depth -= op->nargs;
			stack[depth] = m_op(op, &stack[depth], rows);
			depth++;
		}
	}
	return stack[0];
}

/* ---- comparing ---- */

static bool numeric_is(const struct cell *c, __int128 want)
{
	struct numeric x;
	__int128 v;

	return numeric_open(&x, c->p, c->len) == 0 && numeric_to_int128(&x, &v) == 0 &&
		v == want;
}

static bool same(uint8_t type, const struct cell *got, const struct cell *want)
{
	if (got->state != want->state)
		return false;
	if (got->state)
		return true;
	if (type == T_NUMERIC)
		return numeric_is(got, want->i);
	if (type == T_TEXT)
		return got->len == want->len && (!got->len || !memcmp(got->p, want->p, got->len));
	return got->i == want->i;
}

__attribute__((unused)) static void assert_cell(const char *what, uint8_t type, const struct cell *got,
	const struct cell *want)
{
	if (!same(type, got, want))
		fail_msg("%s: state %u value %lld \"%.*s\", expected state %u value %lld \"%.*s\"",
			what, got->state, (long long)got->i, type == T_TEXT ? (int)got->len : 0,
			(const char *)got->p, want->state, (long long)want->i,
			type == T_TEXT ? (int)want->len : 0, (const char *)want->p);
}

#endif
