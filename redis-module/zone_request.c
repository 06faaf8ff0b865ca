/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone_request.h"

#include <string.h>

#include "cursor.h"
#include "value.h"

enum { BYTES_MAX = 1 << 20 }; /* of a request that more than one job shares */

/* Bytes of a value on the wire, 0: it varies. */
static uint32_t wire_bytes(uint8_t type)
{
	uint32_t size = optable_size(type);

	return size && optable_is_secret(type) ? size + VALUE_OVERHEAD : size;
}

/* What ops_server goes by when it refuses values or chooses a result's key. Never 0 for an
 * encrypted one, whose header the caller has checked. */
static uint32_t origin_of(uint8_t type, struct zone_bytes v)
{
	struct value_header h;

	if (!optable_is_secret(type) || value_header_parse(v.p, v.len, &h) != 0)
		return 0;
	return h.key_id | (h.computed ? (uint32_t)VALUE_COMPUTED << 16 : 0);
}

/* ---- jobs ---- */

struct zone_job *zone_job_create(uint32_t rows, uint64_t deadline_ms)
{
	struct zone_job *job = RedisModule_Calloc(1, sizeof *job);

	job->rows = rows;
	job->deadline_ms = deadline_ms;
	return job;
}

void zone_job_free(struct zone_job *job)
{
	int i;

	if (!job)
		return;
	for (i = 0; i < job->nargs; i++) {
		RedisModule_Free(job->arg[i].lens);
		RedisModule_Free(job->arg[i].data);
	}
	RedisModule_Free(job->row);
	RedisModule_Free(job->answer);
	RedisModule_Free(job);
}

void request_drop(struct zone_job *first)
{
	while (first) {
		struct zone_job *next = first->next;

		zone_job_free(first);
		first = next;
	}
}

static struct zone_column *push(struct zone_job *job, uint8_t type, uint32_t rows)
{
	struct zone_column *c = &job->arg[job->nargs];

	job->code[job->ncode++] = (uint16_t)(PROGRAM_PUSH | job->nargs++);
	c->type = type;
	c->rows = rows;
	if (rows == 1 && job->rows > 1)
		c->flags = ARG_ONE;
	return c;
}

void zone_push(struct zone_job *job, uint8_t type, const struct zone_bytes *v, uint32_t rows)
{
	struct zone_column *c = push(job, type, rows);
	uint8_t *at;
	uint32_t i;

	for (i = 0; i < rows; i++)
		c->bytes += v[i].len;
	c->data = at = RedisModule_Alloc(c->bytes + 1);
	if (!wire_bytes(type))
		c->lens = RedisModule_Alloc(rows * sizeof *c->lens);
	c->origin = origin_of(type, v[0]);
	for (i = 0; i < rows; i++) {
		job->varied |= origin_of(type, v[i]) != c->origin;
		memcpy(at, v[i].p, v[i].len);
		at += v[i].len;
		if (c->lens)
			c->lens[i] = (uint32_t)v[i].len;
	}
}

void zone_push_same(struct zone_job *job, uint8_t type, struct zone_bytes v, uint32_t rows)
{
	struct zone_column *c = push(job, type, rows);
	uint32_t i;

	c->origin = origin_of(type, v);
	c->bytes = (uint64_t)v.len * rows;
	c->data = RedisModule_Alloc(c->bytes + 1);
	if (!wire_bytes(type))
		c->lens = RedisModule_Alloc(rows * sizeof *c->lens);
	for (i = 0; i < rows; i++) {
		memcpy(c->data + (uint64_t)i * v.len, v.p, v.len);
		if (c->lens)
			c->lens[i] = (uint32_t)v.len;
	}
}

void zone_push_int8(struct zone_job *job, int64_t v)
{
	struct zone_column *c = push(job, T_PUB_INT8, 1);

	c->flags = ARG_ONE;
	c->bytes = sizeof v;
	c->data = RedisModule_Alloc(sizeof v);
	memcpy(c->data, &v, sizeof v);
}

void zone_op(struct zone_job *job, uint16_t code)
{
	job->code[job->ncode++] = code;
	job->whole |= (optable_op(code)->flags & OP_REDUCE) != 0;
}

/* What the last instruction leaves. */
static uint8_t result_type(const struct zone_job *job)
{
	uint16_t last = job->code[job->ncode - 1];

	return last & PROGRAM_PUSH ? job->arg[last & ~PROGRAM_PUSH].type
							   : optable_op(last)->result;
}

/* ---- one request ---- */

static uint64_t column_bytes(const struct zone_job *job)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < job->nargs; i++)
		n += job->arg[i].bytes + (job->arg[i].lens ? 4ull * job->arg[i].rows : 0);
	return n;
}

void request_begin(struct request_room *room, const struct zone_job *first)
{
	room->rows = first->rows;
	room->bytes = column_bytes(first);
}

/* The same program, and of values that a policy cannot tell apart. */
static bool alike(const struct zone_job *a, const struct zone_job *b)
{
	int i;

	if (a->nargs != b->nargs || a->ncode != b->ncode || strcmp(a->into, b->into) != 0 ||
		memcmp(a->code, b->code, a->ncode * sizeof *a->code) != 0)
		return false;
	for (i = 0; i < a->nargs; i++)
		if (a->arg[i].type != b->arg[i].type || a->arg[i].origin != b->arg[i].origin ||
			a->arg[i].rows != a->rows || b->arg[i].rows != b->rows)
			return false; /* one value for all rows is another one in another job */
	return true;
}

static bool by_itself(const struct zone_job *job)
{
	return job->whole || job->varied || job->again;
}

bool request_takes(
	struct request_room *room, const struct zone_job *first, const struct zone_job *job)
{
	uint64_t bytes;

	if (by_itself(first) || by_itself(job) || !alike(first, job))
		return false;
	bytes = column_bytes(job);
	if (room->rows + job->rows > PROGRAM_ROWS_MAX || room->bytes + bytes > BYTES_MAX)
		return false;
	room->rows += job->rows;
	room->bytes += bytes;
	return true;
}

uint64_t request_rows(const struct zone_job *first)
{
	uint64_t n = 0;

	for (; first; first = first->next)
		n += first->rows;
	return n;
}

/* Of a domain's name and its length. */
static uint64_t into_bytes(const struct zone_job *job)
{
	return job->into[0] ? 1 + strlen(job->into) : 0;
}

uint64_t request_bytes(const struct zone_job *first)
{
	uint64_t n = PROGRAM_HEADER + into_bytes(first) + 2u * first->nargs + 2u * first->ncode;

	for (; first; first = first->next)
		n += column_bytes(first);
	return n;
}

void request_fill(void *list, uint8_t *at, uint64_t len)
{
	const struct zone_job *first = list, *job;
	struct writer w = writer_of(at, len);
	int i;

	writer_u8(&w, first->nargs);
	writer_u8(&w, first->into[0] ? PROGRAM_INTO : 0);
	writer_u16(&w, first->ncode);
	writer_u32(&w, (uint32_t)request_rows(first));
	if (first->into[0]) {
		writer_u8(&w, (uint8_t)strlen(first->into));
		writer_bytes(&w, first->into, strlen(first->into));
	}
	for (i = 0; i < first->nargs; i++) {
		writer_u8(&w, first->arg[i].type);
		writer_u8(&w, first->arg[i].flags);
	}
	writer_bytes(&w, first->code, 2u * first->ncode);
	for (i = 0; i < first->nargs; i++) {
		for (job = first; job && job->arg[i].lens; job = job->next)
			writer_bytes(&w, job->arg[i].lens, 4ull * job->arg[i].rows);
		for (job = first; job; job = job->next)
			writer_bytes(&w, job->arg[i].data, job->arg[i].bytes);
	}
}

/* ---- its reply ---- */

/* Lengths first, then values: two readers of the same bytes. */
struct values {
	struct cursor lens;
	struct cursor bytes;
	uint32_t fixed;
};

/* Is it what it has to be, as far as bytes tell? */
static bool is_value(struct zone_bytes v, uint8_t type)
{
	struct value_header h;

	return !optable_is_secret(type) ||
		(value_header_parse(v.p, v.len, &h) == 0 && h.type == type);
}

/* This job's rows: `states` of all, or NULL when there are only values. False: they are
 * not all there, or no values. */
static bool take_rows(struct zone_job *job, struct values *v, const uint8_t **states)
{
	uint8_t *at;
	uint64_t total = 0;
	uint32_t i;

	job->row = RedisModule_Calloc(job->nrow, sizeof *job->row);
	for (i = 0; i < job->nrow; i++) {
		struct zone_row *r = &job->row[i];

		r->state = *states ? *(*states)++ : (uint8_t)ROW_VALUE;
		if (r->state != ROW_VALUE)
			continue;
		r->value.len = v->fixed ? v->fixed : cursor_u32(&v->lens);
		r->value.p = cursor_bytes(&v->bytes, r->value.len);
		if (!r->value.p || !is_value(r->value, job->type))
			return false;
		total += r->value.len;
	}
	job->answer = at = RedisModule_Alloc(total + 1);
	for (i = 0; i < job->nrow; i++) {
		if (!job->row[i].value.len)
			continue;
		memcpy(at, job->row[i].value.p, job->row[i].value.len);
		job->row[i].value.p = at;
		at += job->row[i].value.len;
	}
	return true;
}

static uint32_t count_values(const uint8_t *states, uint32_t rows)
{
	uint32_t i, n = 0;

	for (i = 0; i < rows; i++)
		n += states[i] == ROW_VALUE;
	return n;
}

static int parse(struct zone_job *first, const uint8_t *reply, uint64_t len)
{
	struct cursor c = cursor_of(reply, len);
	uint8_t flags = cursor_u8(&c), type = cursor_u8(&c), want = result_type(first);
	uint32_t expected = first->whole ? 1 : (uint32_t)request_rows(first), rows, present;
	const uint8_t *states = NULL;
	struct values v = {.fixed = wire_bytes(want)};
	struct zone_job *job;

	cursor_u16(&c);
	rows = cursor_u32(&c);
	if (flags & REPLY_STATES)
		states = cursor_bytes(&c, rows);
	if (c.bad || rows != expected || type != want ||
		!(flags & REPLY_SECRET) != !optable_is_secret(type))
		return -EPROTO;
	present = states ? count_values(states, rows) : rows;
	v.lens = c;
	v.bytes = c;
	if (!v.fixed)
		cursor_bytes(&v.bytes, 4ull * present);
	for (job = first; job; job = job->next) {
		job->type = type;
		job->nrow = first->whole ? 1 : job->rows;
		if (!take_rows(job, &v, &states))
			return -EPROTO;
	}
	return v.bytes.left ? -EPROTO : 0;
}

int request_answer(
	struct zone_job *first, const uint8_t *reply, uint64_t len, struct err_text *e)
{
	uint8_t *copy = RedisModule_Alloc(len + 1);
	int rc;

	memcpy(copy, reply, len);
	rc = parse(first, copy, len);
	RedisModule_Free(copy);
	if (rc)
		err_set(e, "ops_server answered %llu bytes that are not what was asked for",
			(unsigned long long)len);
	return rc;
}
