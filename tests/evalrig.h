/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * evalrig.h - requests for the evaluator and its replies, as cells of plaintext.
 *
 * What a client and its SQL functions do, written down a second time and plainly, so
 * that tests, fuzzers and benches can ask in plaintext and look at plaintext. A cell
 * that carries an error's state is sent as a value that has to end in that error.
 */
#ifndef TESTS_EVALRIG_H
#define TESTS_EVALRIG_H

#include "cursor.h"
#include "eval.h"
#include "keyfile.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cell {
	__int128 i;       /* of a fixed-size type; its low bytes are sent */
	const uint8_t *p; /* of a variable-size one */
	uint32_t len;
	uint8_t state;
};

struct rig_arg {
	const struct cell *cell; /* one, or one per row */
	uint8_t type;
	uint8_t flags;
};

struct rig_reply {
	uint32_t rows;
	uint8_t flags;
	uint8_t type;
	struct cell cell[PROGRAM_ROWS_MAX];
	uint8_t *bytes; /* what the cells point into; grows as needed, never shrinks */
	size_t cap;
	uint64_t len;
};

enum { RIG_UNKNOWN_KEY = 0xfffe };

/* A keyring of its own, in a file that is gone when this returns. */
static inline struct keyring *rig_keyring(void)
{
	char dir[] = "/tmp/evalrig.XXXXXX", path[64];
	struct keyring *k = NULL;
	struct err_text e = {""};

	if (sodium_init() < 0 || !mkdtemp(dir))
		return NULL;
	snprintf(path, sizeof path, "%s/keys", dir);
	if (keyfile_create(path, NULL, &e) || keyfile_load(&k, path, NULL, &e))
		fprintf(stderr, "rig_keyring: %s\n", e.s);
	unlink(path);
	rmdir(dir);
	return k;
}

static inline size_t rig_plain_len(uint8_t type, const struct cell *c)
{
	uint32_t size = optable_type(type).size;

	return size ? size : c->len;
}

static inline const void *rig_plain(uint8_t type, const struct cell *c)
{
	return optable_type(type).size ? (const void *)&c->i : c->p;
}

/* One value; it carries the error that the cell's state names. */
static inline void rig_put(
	struct writer *w, struct value_sealer *s, const struct rig_arg *a, const struct cell *c)
{
	size_t len = rig_plain_len(a->type, c);
	uint8_t type = a->type, *at;

	if ((a->flags & ARG_CLEAR) || !optable_is_secret(type)) {
		writer_bytes(w, rig_plain(type, c), len);
		return;
	}
	if (c->state == ROW_MALFORMED)
		type = type == T_INT4 ? T_INT8 : T_INT4;
	at = writer_room(w, value_size(len));
	if (!at || value_seal(s, type, rig_plain(a->type, c), len, at)) {
		w->bad = true;
		return;
	}
	if (c->state == ROW_FORGED)
		at[value_size(len) - 1] ^= 1;
	if (c->state == ROW_NO_KEY) {
		at[1] = RIG_UNKNOWN_KEY & 0xff;
		at[2] = RIG_UNKNOWN_KEY >> 8;
	}
}

static inline void rig_column(
	struct writer *w, struct value_sealer *s, const struct rig_arg *a, uint32_t rows)
{
	uint32_t n = a->flags & ARG_ONE ? 1 : rows, i;
	size_t over = (a->flags & ARG_CLEAR) || !optable_is_secret(a->type) ? 0 : VALUE_OVERHEAD;

	for (i = 0; i < n && (a->flags & ARG_NULLS); i++)
		writer_u8(w, a->cell[i].state == ROW_NULL);
	for (i = 0; i < n && !optable_type(a->type).size; i++)
		if (a->cell[i].state != ROW_NULL)
			writer_u32(w, (uint32_t)(a->cell[i].len + over));
	for (i = 0; i < n; i++)
		if (a->cell[i].state != ROW_NULL)
			rig_put(w, s, a, &a->cell[i]);
}

/* The whole request; its length, or 0 when `cap` is too small. */
static inline size_t rig_request(uint8_t *out, size_t cap, struct value_sealer *s,
	const struct rig_arg *arg, uint8_t nargs, const uint16_t *code, uint16_t ncode,
	uint32_t rows)
{
	struct writer w = writer_of(out, cap);
	int i;

	writer_u8(&w, nargs);
	writer_u8(&w, 0);
	writer_u16(&w, ncode);
	writer_u32(&w, rows);
	for (i = 0; i < nargs; i++) {
		writer_u8(&w, arg[i].type);
		writer_u8(&w, arg[i].flags);
	}
	for (i = 0; i < ncode; i++)
		writer_u16(&w, code[i]);
	for (i = 0; i < nargs; i++)
		rig_column(&w, s, &arg[i], rows);
	return w.bad ? 0 : cap - w.left;
}

/* eval_run's room callback: ctx is a struct rig_reply. */
static inline uint8_t *rig_room(void *ctx, uint64_t len)
{
	struct rig_reply *r = ctx;

	r->len = len;
	if (len > r->cap) {
		free(r->bytes);
		r->bytes = malloc(len);
		r->cap = r->bytes ? len : 0;
	}
	return r->bytes;
}

/* One value of `len` bytes into a cell; secret ones are opened where they lie. */
static inline bool rig_take(struct cursor *c, struct value_opener *o,
	struct rig_reply *r, struct cell *cell, uint32_t len)
{
	uint32_t size = optable_type(r->type).size;
	uint8_t *at = (uint8_t *)cursor_bytes(c, len), *plain;
	size_t got = len;
	int64_t i8 = 0;
	int32_t i4 = 0;

	if (!at)
		return false;
	if (r->flags & REPLY_SECRET) {
		plain = malloc(len);
		if (!plain || value_open(o, r->type, at, len, plain, len, &got)) {
			free(plain);
			return false;
		}
		memcpy(at, plain, got);
		free(plain);
	}
	if (size && got != size)
		return false;
	memcpy(&i4, at, size == 4 ? 4 : 0);
	memcpy(&i8, at, size == 4 ? 0 : size < sizeof i8 ? size : sizeof i8);
	cell->i = size == 4 ? i4 : i8;
	cell->p = at;
	cell->len = (uint32_t)got;
	return true;
}

/* Take the next result of the reply apart; false when a byte is missing. */
static inline bool rig_result_read(
	struct rig_reply *r, struct value_opener *o, struct cursor *rest)
{
	struct cursor c = *rest;
	const uint8_t *states = NULL, *lens = NULL;
	uint32_t i, present = 0;

	r->flags = cursor_u8(&c);
	r->type = cursor_u8(&c);
	if (cursor_u16(&c))
		return false;
	r->rows = cursor_u32(&c);
	if (c.bad || r->rows > PROGRAM_ROWS_MAX || !optable_type(r->type).name)
		return false;
	if (r->flags & REPLY_STATES)
		states = cursor_bytes(&c, r->rows);
	for (i = 0; i < r->rows && !c.bad; i++) {
		r->cell[i].state = states ? states[i] : ROW_VALUE;
		present += r->cell[i].state == ROW_VALUE;
	}
	if (!optable_type(r->type).size)
		lens = cursor_bytes(&c, 4ull * present);
	for (i = 0; i < r->rows && !c.bad; i++) {
		uint32_t n = optable_type(r->type).size;

		if (r->cell[i].state != ROW_VALUE)
			continue;
		if (!n) {
			memcpy(&n, lens, 4);
			lens += 4;
		} else if (r->flags & REPLY_SECRET) {
			n += VALUE_OVERHEAD;
		}
		if (!rig_take(&c, o, r, &r->cell[i], n))
			return false;
	}
	*rest = c;
	return !c.bad;
}

/* A reply of one result, in r->bytes; false when a byte is missing, or one too many. */
static inline bool rig_reply_read(struct rig_reply *r, struct value_opener *o)
{
	struct cursor c = cursor_of(r->bytes, r->len);

	return rig_result_read(r, o, &c) && c.left == 0;
}

#endif
