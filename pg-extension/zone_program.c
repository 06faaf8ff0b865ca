/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone_program.h"

#include "cursor.h"
#include "stat_programs.h"

/* ---- what came back ---- */

struct zone_result zone_row(
	const uint8_t *reply, uint64_t len, uint8_t type, bool secret)
{
	struct cursor c = cursor_of(reply, len);
	struct zone_result r = {NULL, 0};
	uint32 size = optable_type(type).size, rows, state = ROW_VALUE;
	uint8_t flags = cursor_u8(&c), got = cursor_u8(&c);

	cursor_u16(&c);
	rows = cursor_u32(&c);
	if (flags & REPLY_STATES)
		state = cursor_u8(&c);
	if (!c.bad && rows == 1 && got == type) {
		if (state == ROW_NULL && c.left == 0)
			return r;
		if (state != ROW_VALUE)
			zone_raise_state(state);
		r.len = size ? size + (secret ? VALUE_OVERHEAD : 0) : cursor_u32(&c);
		r.data = cursor_bytes(&c, r.len);
		if (!c.bad && c.left == 0 && !(flags & REPLY_SECRET) == !secret &&
			(!secret || r.len >= VALUE_OVERHEAD))
			return r;
	}
	zone_raise_reply(len, type);
}

const uint8_t *zone_column(const uint8_t *reply, uint64_t len, uint8_t type, uint32 rows)
{
	struct cursor c = cursor_of(reply, len);
	uint8_t flags = cursor_u8(&c), got = cursor_u8(&c);
	const uint8_t *states = NULL, *values;
	uint32 n, i;

	cursor_u16(&c);
	n = cursor_u32(&c);
	if (flags & REPLY_STATES)
		states = cursor_bytes(&c, rows);
	for (i = 0; states && n == rows && i < rows; i++)
		if (states[i] > ROW_NULL)
			zone_raise_state(states[i]);
	values = cursor_bytes(&c, (uint64_t)rows * optable_type(type).size);
	if (c.bad || c.left || n != rows || got != type || flags)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server answered %llu bytes that are not %u rows of type %s",
					(unsigned long long)len, rows, optable_type(type).name)));
	return values;
}

/* ---- programs ---- */

void zone_push(struct zone_program *p, const struct zone_arg *a)
{
	p->code[p->ncode++] = (uint16_t)(PROGRAM_PUSH | p->nargs);
	p->arg[p->nargs++] = *a;
}

void zone_op(struct zone_program *p, uint16_t code)
{
	p->code[p->ncode++] = code;
}

static uint64_t program_len(const struct zone_program *p)
{
	uint64_t len = PROGRAM_HEADER + (p->into ? 1 + strlen(p->into) : 0) + 2u * p->nargs +
		2u * p->ncode;
	int i;

	for (i = 0; i < p->nargs; i++)
		len += p->arg[i].bytes + (p->arg[i].lens ? 4ull * p->arg[i].rows : 0);
	return len;
}

/* `into`: p's, or NULL where it is not to be written. */
static void write_head(struct writer *w, const struct zone_program *p, const char *into)
{
	int i;

	writer_u8(w, p->nargs);
	writer_u8(w, into ? PROGRAM_INTO : 0);
	writer_u16(w, p->ncode);
	writer_u32(w, p->rows);
	if (into) {
		writer_u8(w, (uint8_t)strlen(into));
		writer_bytes(w, into, strlen(into));
	}
	for (i = 0; i < p->nargs; i++) {
		writer_u8(w, p->arg[i].type);
		writer_u8(w, p->arg[i].flags);
	}
	writer_bytes(w, p->code, 2u * p->ncode);
}

static void fill_program(void *arg, uint8_t *at, uint64_t len)
{
	const struct zone_program *p = arg;
	struct writer w = writer_of(at, len);
	int i;

	write_head(&w, p, p->into);
	for (i = 0; i < p->nargs; i++) {
		if (p->arg[i].lens)
			writer_bytes(&w, p->arg[i].lens, 4ull * p->arg[i].rows);
		writer_bytes(&w, p->arg[i].data, p->arg[i].bytes);
	}
}

static struct program_stat *stat_of(const struct zone_program *p)
{
	uint8_t head[PROGRAM_HEADER + 2 * ZONE_ARGS + 2 * ZONE_CODE];
	uint32_t len = PROGRAM_HEADER + 2u * p->nargs + 2u * p->ncode;
	struct writer w = writer_of(head, sizeof head);

	write_head(&w, p, NULL);
	return stat_program(NULL, head, len);
}

const uint8_t *zone_run_rows(
	enum role role, const struct zone_program *p, uint64_t *reply_len)
{
	uint64_t len = program_len(p), before = zone_waited();
	const uint8_t *reply =
		zone_call(role, len, fill_program, (void *)p, reply_len);

	stat_count_call(stat_of(p), p->rows, len, *reply_len, before);
	return reply;
}

struct zone_result zone_run_null(enum role role, const struct zone_program *p)
{
	uint16_t last = p->code[p->ncode - 1];
	bool pushed = last & PROGRAM_PUSH;
	uint8_t type = pushed ? p->arg[last & ~PROGRAM_PUSH].type : optable_op(last)->result;
	bool secret = optable_is_secret(type) &&
		(pushed || !(optable_op(last)->flags & OP_REVEAL));
	const uint8_t *reply;
	uint64_t len;

	reply = zone_run_rows(role, p, &len);
	return zone_row(reply, len, type, secret);
}

struct zone_result zone_run(enum role role, const struct zone_program *p)
{
	struct zone_result r = zone_run_null(role, p);

	if (!r.data)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("ops_server answered NULL where there is a value")));
	return r;
}
