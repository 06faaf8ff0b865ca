/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone_column.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cursor.h"
#include "value.h"

bool zone_column_init(struct zone_column *c, uint32_t each)
{
	*c = (struct zone_column){.each = each};
	c->lens = each ? NULL : malloc(ZONE_COLUMN_ROWS * sizeof *c->lens);
	return each || c->lens;
}

void zone_column_fini(struct zone_column *c)
{
	if (c->bytes)
		sodium_memzero(c->bytes, c->cap);
	free(c->bytes);
	free(c->lens);
	*c = (struct zone_column){0};
}

uint8_t *zone_column_room(struct zone_column *c, size_t n)
{
	size_t cap = c->cap ? c->cap : 65536;
	uint8_t *p;

	if (c->count == ZONE_COLUMN_ROWS || n > UINT32_MAX)
		return NULL;
	while (cap - c->len < n)
		cap *= 2;
	if (cap != c->cap) {
		p = malloc(cap); /* not realloc(): what is left behind is wiped */
		if (!p)
			return NULL;
		if (c->bytes) {
			memcpy(p, c->bytes, c->len);
			sodium_memzero(c->bytes, c->cap);
			free(c->bytes);
		}
		c->bytes = p;
		c->cap = cap;
	}
	return c->bytes + c->len;
}

/* The request: push some rows of the column, and an operation unless it is 0. */
struct ask {
	const struct zone_column *in;
	uint16_t op;
	uint8_t type, flags;
	uint32_t from, count; /* rows */
	size_t off, len;      /* and their bytes */
};

static uint64_t ask_bytes(const struct ask *a)
{
	return PROGRAM_HEADER + 2 + (a->op ? 4 : 2) + (a->in->lens ? 4ull * a->count : 0) + a->len;
}

static void fill_ask(void *arg, uint8_t *at, uint64_t len)
{
	const struct ask *a = arg;
	struct writer w = writer_of(at, len);

	writer_u8(&w, 1);
	writer_u8(&w, 0);
	writer_u16(&w, a->op ? 2 : 1);
	writer_u32(&w, a->count);
	writer_u8(&w, a->type);
	writer_u8(&w, a->flags);
	writer_u16(&w, PROGRAM_PUSH);
	if (a->op)
		writer_u16(&w, a->op);
	if (a->in->lens)
		writer_bytes(&w, a->in->lens + a->from, 4ull * a->count);
	writer_bytes(&w, a->in->bytes + a->off, a->len);
}

/* The first row that is no value. */
static int failed_row(struct cursor *in, uint32_t rows, uint32_t *bad, struct err_text *e)
{
	const uint8_t *states = cursor_bytes(in, rows);
	struct op_error_info why;
	uint8_t state;
	uint32_t i;

	for (i = 0; states && i < rows; i++) {
		state = states[i];
		if (state == ROW_VALUE)
			continue;
		why = optable_error(state);
		err_set(e, "%s", why.message ? why.message : "an unknown row state");
		*bad = i;
		return -EBADMSG;
	}
	return states ? 0 : -EPROTO;
}

/* Some more values, out of the region: each byte is read once. */
static int take_values(struct cursor *in, uint32_t rows, struct zone_column *out)
{
	const uint8_t *lens = out->each ? NULL : cursor_bytes(in, 4ull * rows);
	uint64_t sum = 0;
	uint32_t i;
	uint8_t *to;

	if (in->bad || (out->each && in->left != (uint64_t)out->each * rows))
		return -EPROTO;
	to = zone_column_room(out, in->left);
	if (!to)
		return -ENOMEM;
	memcpy(to, in->p, in->left);
	if (lens) {
		memcpy(out->lens + out->count, lens, 4ull * rows);
		for (i = 0; i < rows; i++)
			sum += out->lens[out->count + i];
		if (sum != in->left)
			return -EPROTO;
	}
	out->count += rows;
	out->len += in->left;
	return 0;
}

static int ask(struct ops_client *c, struct ask *a, struct zone_column *out,
	uint64_t timeout_ms, uint32_t *bad, struct err_text *e)
{
	const uint8_t *reply;
	struct cursor in;
	uint64_t len;
	uint8_t flags, type;
	uint32_t rows;
	int rc = ops_call(c, OPS_EVAL, ask_bytes(a), fill_ask, a, timeout_ms, &reply, &len, e);

	if (rc)
		return rc;
	in = cursor_of(reply, len);
	flags = cursor_u8(&in);
	type = cursor_u8(&in);
	cursor_u16(&in);
	rows = cursor_u32(&in);
	if (in.bad || type != a->type || rows != a->count ||
		!(flags & REPLY_SECRET) != !(a->flags & ARG_CLEAR))
		rc = -EPROTO;
	if (!rc && (flags & REPLY_STATES))
		rc = failed_row(&in, rows, bad, e);
	if (!rc)
		rc = take_values(&in, rows, out);
	ops_done(c);
	return rc;
}

/*
 * How many rows a request should have: so many that request and reply are one frame each.
 * Parts of a longer message make both sides wait for each other: LINEITEM through rings of
 * 32 KiB took 3.3 s in requests of 4,096 rows.
 */
static uint32_t rows_per_frame(const struct ops_client *c, const struct zone_column *in)
{
	uint64_t frame = c->attached ? ring_frame_max(&c->chan.rx) : 4096;
	uint64_t rows = frame / (in->len / in->count + VALUE_OVERHEAD + 8);

	return rows ? (uint32_t)rows : 1;
}

static int ask_all(struct ops_client *c, struct ask *a, struct zone_column *out,
	uint64_t timeout_ms, uint32_t *bad, struct err_text *e)
{
	uint32_t left = a->in->count, i;
	int rc = 0;

	zone_column_clear(out);
	for (; left && !rc; left -= a->count, a->from += a->count, a->off += a->len) {
		a->count = rows_per_frame(c, a->in);
		a->count = a->count < left ? a->count : left;
		a->len = a->in->lens ? 0 : (size_t)a->in->each * a->count;
		for (i = 0; a->in->lens && i < a->count; i++)
			a->len += a->in->lens[a->from + i];
		rc = ask(c, a, out, timeout_ms, bad, e);
		if (rc == -EBADMSG)
			*bad += a->from;
	}
	if (rc == -EPROTO && !e->s[0])
		err_set(e, "ops_server's answer is none: the versions differ?");
	return rc;
}

int zone_column_encrypt(struct ops_client *c, uint8_t type, const struct zone_column *in,
	struct zone_column *out, uint64_t timeout_ms, struct err_text *e)
{
	struct ask a = {.in = in, .type = type, .flags = ARG_CLEAR};
	uint32_t bad;

	return ask_all(c, &a, out, timeout_ms, &bad, e);
}

/* The operation that reveals values of that type; 0: none. */
static uint16_t decrypt_of(uint8_t type)
{
	const struct op *op;
	uint16_t code;

	for (code = 1; code < OPTABLE_CODES; code++) {
		op = optable_op(code);
		if (op && (op->flags & OP_REVEAL) && op->nargs == 1 && op->args[0] == type &&
			op->result == type)
			return code;
	}
	return 0;
}

int zone_column_decrypt(struct ops_client *c, uint8_t type, const struct zone_column *in,
	struct zone_column *out, uint64_t timeout_ms, uint32_t *bad, struct err_text *e)
{
	struct ask a = {.in = in, .type = type, .op = decrypt_of(type)};

	if (!a.op) {
		err_set(e, "ops_server does not decrypt %s", optable_type(type).name);
		return -EINVAL;
	}
	return ask_all(c, &a, out, timeout_ms, bad, e);
}
