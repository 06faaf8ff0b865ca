/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval.h"

#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "cursor.h"
#include "kernel.h"

void *eval_alloc(struct eval *ev, size_t n)
{
	void *p = arena_alloc(&ev->arena, n);

	if (!p)
		ev->no_memory = true;
	return p;
}

bool eval_wanted(struct eval *ev)
{
	return !ev->wanted || ev->wanted(ev->wanted_ctx);
}

uint64_t eval_hash(struct eval *ev, const void *in, size_t n)
{
	uint64_t low;

	_Static_assert((int)DIGEST_BYTES == KEYRING_PRF_BYTES, "a digest is what the PRF gives");
	keyring_prf(ev->digest, ev->keys, in, n);
	memcpy(&low, ev->digest, sizeof low);
	return low;
}

const uint8_t *eval_digest(const struct eval *ev)
{
	return ev->digest;
}

/* Bytes that a row of a type takes in a struct vec. */
static size_t row_bytes(uint32_t type)
{
	uint32_t size = optable_size(type);

	return size ? size : sizeof(struct span);
}

/* States, all ROW_VALUE, and behind them room for the values. */
static bool vec_init(struct eval *ev, struct vec *v, uint8_t type, uint32_t rows, bool one)
{
	size_t states;

	v->type = type;
	v->rows = one ? 1 : rows;
	v->step = !one;
	v->dirty = false;
	states = (v->rows + 15) & ~(size_t)15;
	v->state = eval_alloc(ev, states + v->rows * row_bytes(type));
	if (!v->state)
		return false;
	v->any = v->state + states;
	if (states == 16) /* one plain store; libc's masked one would stall the next load */
		memset(v->state, ROW_VALUE, 16);
	else
		memset(v->state, ROW_VALUE, states);
	return true;
}

/* What a value that could not be opened makes of its row. */
static uint8_t state_of(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return ROW_FORGED;
	case -ENOKEY:
		return ROW_NO_KEY;
	default:
		return ROW_MALFORMED;
	}
}

/* What could not be opened, as the row's state. */
static void not_opened(struct eval *ev, struct vec *v, uint32_t i, int rc)
{
	if (rc == -ENOMEM)
		ev->no_memory = true;
	row_fail(v, i, state_of(rc));
}

/* A column without NULLs of encrypted values of a fixed size. */
static void open_fixed(struct eval *ev, struct cursor *c, struct vec *v, uint32_t size)
{
	size_t each = value_size(size), got;
	const uint8_t *in = cursor_bytes(c, (size_t)v->rows * each);
	uint32_t i;

	for (i = 0; in && i < v->rows; i++) {
		int rc = value_open(&ev->opener, v->type, in + i * each, each,
			(uint8_t *)v->any + (size_t)i * size, size, &got);

		if (__builtin_expect(rc != 0, 0))
			not_opened(ev, v, i, rc);
	}
	ev->opened += v->rows;
}

/* One value of `len` bytes into row i. */
static void open_one(struct eval *ev, struct vec *v, uint32_t i, const uint8_t *in,
	size_t len, uint32_t size)
{
	size_t plain = len >= VALUE_OVERHEAD ? len - VALUE_OVERHEAD : 0, got = 0;
	uint8_t *out = size ? (uint8_t *)v->any + (size_t)i * size : eval_alloc(ev, plain);
	int rc;

	if (!out)
		return;
	rc = value_open(&ev->opener, v->type, in, len, out, size ? size : plain, &got);
	if (rc)
		not_opened(ev, v, i, rc);
	if (!size) {
		v->s[i].p = out;
		v->s[i].len = (uint32_t)got;
	}
	ev->opened++;
}

/* One plaintext (public, or clear by a client) into row i. */
static void take_clear(struct eval *ev, struct vec *v, uint32_t i, const uint8_t *in,
	size_t len, uint32_t size)
{
	uint8_t *out = size ? (uint8_t *)v->any + (size_t)i * size : eval_alloc(ev, len);

	if (out && len)
		memcpy(out, in, len);
	if (v->type == T_PUB_BOOL)
		v->b[i] &= 1;
	if (!size) {
		v->s[i].p = out;
		v->s[i].len = (uint32_t)len;
	}
}

/* NULL flags, then the values that are there. */
static void read_column(struct eval *ev, struct cursor *c, struct vec *v, uint8_t flags)
{
	bool clear = (flags & ARG_CLEAR) || !optable_is_secret(v->type);
	uint32_t size = optable_size(v->type), i, present = v->rows;
	uint32_t *lens = NULL;

	if (flags & ARG_NULLS) {
		const uint8_t *nulls = cursor_bytes(c, v->rows);

		for (i = 0; nulls && i < v->rows; i++)
			if (nulls[i] & 1) {
				row_fail(v, i, ROW_NULL);
				present--;
			}
	}
	if (size && !clear && !v->dirty) {
		open_fixed(ev, c, v, size);
		return;
	}
	if (!size) {
		const uint8_t *in = cursor_bytes(c, 4ull * present);

		lens = eval_alloc(ev, 4ull * present + 4);
		if (!in || !lens)
			return;
		memcpy(lens, in, 4ull * present);
	}
	for (i = 0; i < v->rows && !c->bad && !ev->no_memory; i++) {
		size_t len = size ? (clear ? size : value_size(size)) : 0;
		const uint8_t *in;

		if (v->state[i]) {
			if (!size)
				v->s[i].len = 0;
			continue;
		}
		if (!size)
			len = *lens++;
		in = cursor_bytes(c, len);
		if (!in)
			return;
		if (clear)
			take_clear(ev, v, i, in, len, size);
		else
			open_one(ev, v, i, in, len, size);
	}
}

/* First error from left to right, then NULL; a value only where all are values. */
static void merge_states(struct vec *out, const struct vec *in, int nargs)
{
	uint32_t i;
	int a;

	for (a = nargs - 1; a >= 0; a--) {
		if (!in[a].dirty)
			continue;
		out->dirty = true;
		for (i = 0; i < out->rows; i++) {
			uint8_t s = in[a].state[ROW(&in[a], i)];

			if (s > ROW_NULL || (s == ROW_NULL && out->state[i] == ROW_VALUE))
				out->state[i] = s;
		}
	}
}

/* Rows from .. from + n - 1 of a column. */
static struct vec part_of(const struct vec *v, uint32_t from, uint32_t n)
{
	struct vec p = *v;

	from *= v->step;
	p.state += from;
	p.any = (uint8_t *)v->any + from * row_bytes(v->type);
	p.rows = v->step ? n : 1;
	return p;
}

static void run_part(
	struct eval *ev, const struct op *op, struct vec *out, const struct vec *in, uint32_t from,
	uint32_t n)
{
	struct vec o = part_of(out, from, n), arg[OP_ARGS_MAX];
	int a;

	for (a = 0; a < op->nargs; a++)
		arg[a] = part_of(&in[a], from, n);
	dispatch[op->code](ev, op, &o, arg, n);
	out->dirty |= o.dirty;
}

/* Bytes of variable size that an operation looks at in row i; 0 for one that has failed. */
static uint64_t row_work(const struct op *op, const struct vec *out, const struct vec *in,
	uint32_t i)
{
	uint64_t n = 0;
	int a;

	for (a = 0; a < op->nargs && !out->state[i]; a++)
		if (!optable_size(in[a].type))
			n += in[a].s[ROW(&in[a], i)].len;
	return n;
}

/* A column in parts of about a MiB: one long text beside thousands of rows is work for
 * hours, so ask in between. */
static void run_parts(
	struct eval *ev, const struct op *op, struct vec *out, const struct vec *in)
{
	uint32_t i, from = 0;

	for (i = 0; i < out->rows && !ev->no_memory; i++) {
		ev->work += row_work(op, out, in, i);
		if (ev->work < EVAL_WORK && i + 1 < out->rows)
			continue;
		if (ev->work >= EVAL_WORK) {
			ev->work = 0;
			if (!eval_wanted(ev))
				break;
		}
		run_part(ev, op, out, in, from, i + 1 - from);
		from = i + 1;
	}
	for (; from < out->rows; from++)
		row_fail(out, from, ROW_GIVEN_UP);
}

static bool any_variable(const struct op *op)
{
	int a;

	for (a = 0; a < op->nargs; a++)
		if (!optable_size(op->args[a]))
			return true;
	return false;
}

static int run_op(struct eval *ev, const struct op *op, struct vec *stack, int *depth,
	uint32_t rows)
{
	struct vec *in, out;
	bool one = true;
	int a;

	*depth -= op->nargs;
	in = &stack[*depth];
	for (a = 0; a < op->nargs; a++)
		one &= !in[a].step;
	if (op->flags & OP_REDUCE)
		one = true;
	if (!vec_init(ev, &out, op->result, rows, one))
		return -ENOMEM;
	if (!(op->flags & (OP_LAZY | OP_REDUCE)))
		merge_states(&out, in, op->nargs);
	/* A reducing kernel gets the rows of its argument, others those of the result. */
	if (op->flags & OP_REDUCE)
		dispatch[op->code](ev, op, &out, in, in[0].rows);
	else if (any_variable(op) && !(op->flags & OP_WHOLE))
		run_parts(ev, op, &out, in);
	else
		dispatch[op->code](ev, op, &out, in, out.rows);
	stack[(*depth)++] = out;
	return ev->no_memory ? -ENOMEM : 0;
}

/* Which place of the cache: spreads, nothing more. The last word overlaps. */
static uint32_t program_hash(const uint8_t *p, uint32_t len)
{
	uint64_t h = len, w = 0;
	uint32_t i;

	for (i = 0; i + 8 < len; i += 8) {
		memcpy(&w, p + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
	}
	if (len >= 8)
		memcpy(&w, p + len - 8, 8);
	else
		memcpy(&w, p, len);
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

/* The program of this request, compiled now or before. */
static int find_program(struct eval *ev, const uint8_t *in, uint32_t len, uint8_t nargs,
	uint16_t ncode, struct program *scratch, const struct program **p, struct err_text *e)
{
	struct eval_cached *slot = &ev->cached[program_hash(in, len) % EVAL_PROGRAMS];
	bool keep = len <= sizeof slot->bytes;
	int rc;

	*p = keep ? &slot->program : scratch;
	if (slot->len == len && slot->program.nargs == nargs &&
		memcmp(slot->bytes, in, len) == 0)
		return 0;
	if (!keep)
		return program_compile(scratch, nargs, ncode, in, e);
	slot->len = 0;
	rc = program_compile(&slot->program, nargs, ncode, in, e);
	if (rc)
		return rc;
	memcpy(slot->bytes, in, len);
	slot->len = len;
	return 0;
}

/* The values that a reply carries. */
struct values {
	uint64_t bytes;
	uint32_t present;
	uint32_t longest; /* plaintext bytes of the longest one of variable size */
};

static struct values values_count(const struct vec *v, bool secret)
{
	uint32_t size = optable_size(v->type), i;
	uint64_t over = secret ? VALUE_OVERHEAD : 0;
	struct values n = {v->rows * (size + over), v->rows, 0};

	if (size && !v->dirty)
		return n;
	n.bytes = n.present = 0;
	for (i = 0; i < v->rows; i++) {
		if (v->state[i])
			continue;
		n.present++;
		n.bytes += size ? size + over : 4ull + v->s[i].len + over;
		if (!size && v->s[i].len > n.longest)
			n.longest = v->s[i].len;
	}
	return n;
}

/* One value to `at`, which the peer may see and write: a long one is made in `scratch`,
 * for value.h's rule of what may be sealed in shared memory. */
static int write_value(struct eval *ev, uint8_t *at, const struct vec *v, uint32_t i,
	size_t len, bool secret, uint8_t *scratch)
{
	uint32_t size = optable_size(v->type);
	const uint8_t *plain = size ? (const uint8_t *)v->any + (size_t)i * size : v->s[i].p;
	int rc = 0;

	if (!at)
		return -ENOMEM;
	if (!secret) {
		if (len)
			memcpy(at, plain, len);
	} else if (len <= VALUE_COPY_MAX) {
		rc = value_seal(&ev->sealer, v->type, plain, len, at);
	} else {
		rc = value_seal(&ev->sealer, v->type, plain, len, scratch);
		if (!rc)
			memcpy(at, scratch, value_size(len));
	}
	return rc;
}

static int write_reply(struct eval *ev, const struct vec *v, bool secret,
	uint8_t *(*room)(void *, uint64_t), void *ctx)
{
	uint32_t size = optable_size(v->type), i;
	struct values n = values_count(v, secret);
	uint64_t len = PROGRAM_HEADER + (v->dirty ? v->rows : 0) + n.bytes;
	uint8_t *at, *scratch = NULL;
	struct writer w;
	int rc = 0;

	if (secret && n.longest > VALUE_COPY_MAX) {
		scratch = eval_alloc(ev, value_size(n.longest));
		if (!scratch)
			return -ENOMEM;
	}
	if (len > EVAL_REPLY_MAX)
		return -EMSGSIZE;
	at = room(ctx, len);
	if (!at)
		return -ENOMEM;
	w = writer_of(at, len);
	writer_u8(&w, (uint8_t)((v->dirty ? REPLY_STATES : 0) | (secret ? REPLY_SECRET : 0)));
	writer_u8(&w, v->type);
	writer_u16(&w, 0);
	writer_u32(&w, v->rows);
	if (v->dirty)
		writer_bytes(&w, v->state, v->rows);
	ev->sealed += secret ? n.present : 0;
	if (size && n.present == v->rows) {
		at = writer_room(&w, n.bytes);
		if (secret)
			return value_seal_column(&ev->sealer, v->type, v->any, size, v->rows, at);
		memcpy(at, v->any, n.bytes);
		return 0;
	}
	for (i = 0; !size && i < v->rows; i++)
		if (!v->state[i])
			writer_u32(&w, v->s[i].len + (secret ? VALUE_OVERHEAD : 0));
	for (i = 0; i < v->rows && !rc; i++) {
		size_t plain;

		if (v->state[i])
			continue;
		plain = size ? size : v->s[i].len;
		rc = write_value(ev, writer_room(&w, secret ? value_size(plain) : plain), v, i,
			plain, secret, scratch);
	}
	return rc;
}

static int run_program(struct eval *ev, struct cursor *c, uint32_t rows, const struct program *p,
	uint8_t *(*room)(void *, uint64_t), void *ctx, struct err_text *e)
{
	struct vec arg[PROGRAM_ARGS_MAX], stack[PROGRAM_STACK];
	int depth = 0, i, rc;

	for (i = 0; i < p->nargs; i++) {
		if (!vec_init(ev, &arg[i], p->arg[i].type, rows, p->arg[i].flags & ARG_ONE))
			return -ENOMEM;
		read_column(ev, c, &arg[i], p->arg[i].flags);
	}
	if (ev->no_memory)
		return -ENOMEM;
	if (c->bad || c->left) {
		err_set(e, "the argument columns are %s than their header says",
			c->bad ? "shorter" : "longer");
		return -EPROTO;
	}
	for (i = 0; i < p->ncode; i++) {
		if (!p->code[i].op) {
			stack[depth++] = arg[p->code[i].arg];
			continue;
		}
		rc = run_op(ev, p->code[i].op, stack, &depth, rows);
		if (rc)
			return rc;
	}
	ev->rows += rows;
	return write_reply(ev, &stack[0], optable_is_secret(p->result) && !p->reveal, room, ctx);
}

/* `req` is private. */
static int run_request(struct eval *ev, enum role role, const uint8_t *req, uint64_t len,
	uint8_t *(*room)(void *ctx, uint64_t len), void *ctx, struct err_text *e)
{
	struct cursor c = cursor_of(req, len);
	const struct program *p;
	struct program scratch;
	const uint8_t *bytes;
	uint8_t nargs, zero;
	uint16_t ncode;
	uint32_t n, rows;
	int rc;

	nargs = cursor_u8(&c);
	zero = cursor_u8(&c);
	ncode = cursor_u16(&c);
	rows = cursor_u32(&c);
	n = 2u * nargs + 2u * ncode;
	if (c.bad || zero || nargs > PROGRAM_ARGS_MAX || ncode == 0 ||
		ncode > PROGRAM_CODE_MAX || rows == 0 || rows > PROGRAM_WHOLE_ROWS_MAX) {
		err_set(e, "impossible request: %u arguments, %u instructions, %u rows", nargs,
			ncode, rows);
		return -EPROTO;
	}
	bytes = cursor_bytes(&c, n);
	if (!bytes) {
		err_set(e, "the request ends within its program");
		return -EPROTO;
	}
	rc = find_program(ev, bytes, n, nargs, ncode, &scratch, &p, e);
	if (rc)
		return rc;
	if (rows > p->rows_max) {
		err_set(e, "%u rows, and this program takes %u", rows, p->rows_max);
		return -EPROTO;
	}
	if (role < p->role) {
		err_set(e, "encrypting and decrypting need a client credential");
		return -EACCES;
	}
	return run_program(ev, &c, rows, p, room, ctx, e);
}

int eval_run(struct eval *ev, enum role role, const uint8_t *req, uint64_t len, bool shared,
	uint8_t *(*room)(void *ctx, uint64_t len), void *ctx, struct err_text *e)
{
	int rc = -ENOMEM;

	eval_done(ev);
	ev->no_memory = false;
	ev->work = 0;
	if (shared && len) { /* early: value.h tells why */
		uint8_t *copy = eval_alloc(ev, len);

		req = copy ? memcpy(copy, req, len) : NULL;
	}
	if (!ev->no_memory)
		rc = run_request(ev, role, req, len, room, ctx, e);
	if (rc == -ENOMEM)
		err_set(e, "the request needs more memory than there is");
	return rc;
}

void eval_done(struct eval *ev)
{
	if (ev->arena.at != ev->arena.first)
		arena_reset(&ev->arena);
}

struct eval *eval_create(const struct gcm_backend *gcm, const struct keyring *keys)
{
	/* sodium_malloc: guarded, locked, excluded from core dumps, wiped when freed. It
	 * aligns to the end of a page; eval wants the start of a pair of lines. */
	size_t size = (sizeof(struct eval) + 127) & ~(size_t)127;
	struct eval *ev = sodium_malloc(size);

	if (!ev)
		return NULL;
	memset(ev, 0, sizeof *ev);
	ev->keys = keys;
	if (value_sealer_init(&ev->sealer, gcm, keys)) {
		sodium_free(ev);
		return NULL;
	}
	value_opener_init(&ev->opener, gcm, keys);
	arena_init(&ev->arena, ev->first, sizeof ev->first, EVAL_MEMORY_MAX, sodium_malloc,
		sodium_free);
	return ev;
}

void eval_destroy(struct eval *ev)
{
	if (!ev)
		return;
	value_opener_fini(&ev->opener);
	value_sealer_fini(&ev->sealer);
	sodium_free(ev);
}
