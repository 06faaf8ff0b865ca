/* SPDX-License-Identifier: BSD-3-Clause */
#include "column.h"

#include <string.h>

#include "policy.h"

/* States, all ROW_VALUE, and behind them room for the values. */
bool vec_init(struct eval *ev, struct vec *v, uint8_t type, uint32_t rows, bool one)
{
	size_t states;

	v->type = type;
	v->rows = one ? 1 : rows;
	v->step = !one;
	v->dirty = false;
	v->computed = NULL;
	v->domain = NULL;
	states = (v->rows + 15) & ~(size_t)15;
	v->state = eval_alloc(ev, states + v->rows * vec_row_bytes(type));
	if (!v->state)
		return false;
	v->any = v->state + states;
	if (states == 16) /* one plain store; libc's masked one would stall the next load */
		memset(v->state, ROW_VALUE, 16);
	else
		memset(v->state, ROW_VALUE, states);
	return true;
}

/* ---- arguments ---- */

static uint32_t rows_present(const struct column *col)
{
	uint32_t i, n = col->rows;

	for (i = 0; col->nulls && i < col->rows; i++)
		n -= col->nulls[i] & 1;
	return n;
}

static uint32_t len_at(const struct column *col, uint32_t i)
{
	uint32_t len;

	memcpy(&len, col->lens + 4ull * i, sizeof len);
	return len;
}

struct column column_find(struct cursor *c, uint8_t type, uint8_t flags, uint32_t rows)
{
	bool clear = (flags & ARG_CLEAR) || !optable_is_secret(type);
	struct column col = {.type = type, .one = flags & ARG_ONE, .clear = clear};
	uint32_t size = optable_size(type), present, i;

	col.rows = col.one ? 1 : rows;
	if (flags & ARG_NULLS)
		col.nulls = cursor_bytes(c, col.rows);
	present = rows_present(&col);
	col.bytes = (uint64_t)present * (clear ? size : value_size(size));
	if (!size) {
		col.bytes = 0;
		col.lens = cursor_bytes(c, 4ull * present);
		for (i = 0; col.lens && i < present; i++)
			col.bytes += len_at(&col, i);
	}
	col.values = cursor_bytes(c, col.bytes);
	return col;
}

/* What a value that could not be opened makes of its row. */
static uint8_t state_of(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return ROW_FORGED;
	case -ENOKEY:
		return ROW_NO_KEY;
	case -EKEYREVOKED:
		return ROW_KEY_DESTROYED;
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

/* Is there something new in where a value comes from? `last` is the head before, since most
 * of a column are alike; whose key it is under is asked for policies and domains only. Who wrote
 * the table chose the bytes, but a value that is not authentic has no plaintext. */
static inline bool new_origin(struct eval *ev, const uint8_t *in, uint32_t *last)
{
	uint32_t head;

	if (__builtin_expect(!ev->grant && !ev->many && !(in[0] & VALUE_COMPUTED), 1))
		return false;
	memcpy(&head, in, sizeof head);
	head &= 0xffffff;
	if (head == *last && !(head & VALUE_COMPUTED) && !ev->origin.last)
		return false;
	if (head != *last)
		ev->origin.last = DOMAINS_SEVERAL; /* not looked up yet */
	*last = head;
	return true;
}

/* For each row, made with the first one that is not 0. */
static void set_domain(struct eval *ev, struct vec *v, uint32_t i, uint16_t to)
{
	uint16_t *at = (uint16_t *)v->domain;

	if (!at) {
		v->domain = at = eval_alloc(ev, v->rows * sizeof *at);
		if (!at)
			return;
		memset(at, 0, v->rows * sizeof *at);
	}
	at[i] = to;
}

static void set_computed(struct eval *ev, struct vec *v, uint32_t i)
{
	uint8_t *at = (uint8_t *)v->computed;

	if (!at) {
		v->computed = at = eval_alloc(ev, v->rows);
		if (!at)
			return;
		memset(at, 0, v->rows);
	}
	at[i] = VALUE_COMPUTED;
}

/* Caller found that row i is not of the same origin as the one before, or that it has to be
 * noted for each. */
__attribute__((noinline)) static void note_origin(
	struct eval *ev, struct vec *v, uint32_t i, uint32_t head)
{
	struct origin *o = &ev->origin;
	uint16_t key_id = (uint16_t)(head >> 8);

	if (o->last == DOMAINS_SEVERAL) {
		o->last = (uint16_t)(ev->many ? keyring_domain_of(ev->keys, key_id) : 0);
		o->keys = domain_join(o->keys, o->last);
		if (ev->grant)
			policy_set_add(&o->domain, o->set, policy_domain(ev->grant, key_id, v->type));
	}
	if (o->last)
		set_domain(ev, v, i, o->last);
	if (!(head & VALUE_COMPUTED))
		return;
	o->computed = true;
	set_computed(ev, v, i);
}

/* A column of encrypted values of a fixed size, all wanted and none NULL. */
static void open_fixed(struct eval *ev, const struct column *col, struct vec *v)
{
	uint32_t size = optable_size(col->type), last = 0, i;
	size_t each = value_size(size), got;

	for (i = 0; i < v->rows; i++) {
		const uint8_t *in = col->values + i * each;
		int rc = value_open(&ev->opener, v->type, in, each,
			(uint8_t *)v->any + (size_t)i * size, size, &got);

		if (new_origin(ev, in, &last))
			note_origin(ev, v, i, last);

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

/* One plaintext (public, or clear by a client) into row i. The request is private and
 * stays as long as the column: a long one is used where it lies. */
static void take_clear(struct vec *v, uint32_t i, const uint8_t *in, size_t len)
{
	uint32_t size = optable_size(v->type);

	if (!size) {
		v->s[i].p = in;
		v->s[i].len = (uint32_t)len;
		return;
	}
	memcpy((uint8_t *)v->any + (size_t)i * size, in, size);
	if (v->type == T_PUB_BOOL)
		v->b[i] &= 1;
}

/* A row that has no value, or whose value is not looked at. */
static void leave(struct vec *v, uint32_t i)
{
	row_fail(v, i, ROW_NULL);
	if (!optable_size(v->type))
		v->s[i].len = 0;
}

static void open_rows(
	struct eval *ev, const struct column *col, struct vec *v, const uint8_t *want)
{
	uint32_t size = optable_size(col->type), last = 0, i, at = 0;
	size_t len = col->clear ? size : value_size(size);
	const uint8_t *in = col->values;

	for (i = 0; i < v->rows && !ev->no_memory; i++) {
		if (col->nulls && (col->nulls[i] & 1)) {
			leave(v, i);
			continue;
		}
		if (!size)
			len = len_at(col, at++);
		if (want && !want[i])
			leave(v, i);
		else if (col->clear)
			take_clear(v, i, in, len);
		else {
			open_one(ev, v, i, in, len, size);
			if (len >= VALUE_OVERHEAD && new_origin(ev, in, &last))
				note_origin(ev, v, i, last);
		}
		in += len;
	}
}

bool column_open(
	struct eval *ev, const struct column *col, struct vec *v, const uint8_t *want)
{
	if (!vec_init(ev, v, col->type, col->rows, col->one))
		return false;
	if (col->one)
		want = NULL;
	if (optable_size(col->type) && !col->clear && !col->nulls && !want)
		open_fixed(ev, col, v);
	else
		open_rows(ev, col, v, want);
	return !ev->no_memory;
}

/* The same of all rows. */
static uint16_t join_all(const struct vec *v)
{
	uint16_t d = 0;
	uint32_t i;

	for (i = 0; v->domain && i < v->rows; i++)
		d = domain_join(d, v->domain[i]);
	return d;
}

static void spread_computed(
	struct eval *ev, struct vec *out, const struct vec *in, bool by_row)
{
	uint8_t *to = (uint8_t *)out->computed;
	uint32_t i;

	if (!to) {
		to = eval_alloc(ev, out->rows + 1ull);
		if (!to)
			return;
		memset(to, by_row ? 0 : VALUE_COMPUTED, out->rows);
		out->computed = to;
	}
	for (i = 0; by_row && i < out->rows; i++)
		to[i] |= in->computed[ROW(in, i)];
}

static void spread_domain(struct eval *ev, struct vec *out, const struct vec *in, bool by_row)
{
	uint16_t *to = (uint16_t *)out->domain, all = by_row ? 0 : join_all(in);
	uint32_t i;

	if (!to) {
		to = eval_alloc(ev, (out->rows + 1ull) * sizeof *to);
		if (!to)
			return;
		memset(to, 0, out->rows * sizeof *to);
		out->domain = to;
	}
	for (i = 0; i < out->rows; i++)
		to[i] = domain_join(to[i], by_row ? in->domain[ROW(in, i)] : all);
}

void column_origin(
	struct eval *ev, struct vec *out, const struct vec *in, int nargs, bool by_row)
{
	int a;

	if (!optable_is_secret(out->type))
		return;
	for (a = 0; a < nargs; a++) {
		if (in[a].computed)
			spread_computed(ev, out, &in[a], by_row);
		if (in[a].domain)
			spread_domain(ev, out, &in[a], by_row);
	}
}

/* ---- results ---- */

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

static bool sealed(const struct result *r)
{
	return optable_is_secret(r->v->type) && !r->reveal;
}

static uint8_t computed_at(const struct vec *v, uint32_t i)
{
	return v->computed ? v->computed[ROW(v, i)] : 0;
}

/* What seals a value that came from domain `from`: see eval.h. */
static int sealer_of(struct eval *ev, uint16_t from, struct value_sealer **s)
{
	unsigned d = from;
	int rc;

	if (ev->into < KEYRING_DOMAINS)
		d = ev->into;
	else if (d == 0 || d == DOMAINS_SEVERAL)
		d = eval_home(ev);
	*s = d ? &ev->others[ev->place[d]] : &ev->sealer;
	if ((*s)->keys && (*s)->domain == d)
		return 0;
	ev->place[d] = ev->oldest;
	ev->oldest = (uint8_t)((ev->oldest + 1) % EVAL_SEALERS);
	*s = &ev->others[ev->place[d]];
	if ((*s)->keys)
		value_sealer_fini(*s);
	rc = value_sealer_init_in(*s, ev->sealer.gcm, ev->keys, d);
	if (rc)
		(*s)->keys = NULL;
	return rc;
}

/* One value to `at`, which the peer may see and write: a long one is made in `scratch`,
 * for value.h's rule of what may be sealed in shared memory. */
static int write_value(struct eval *ev, uint8_t *at, const struct vec *v, uint32_t i,
	size_t len, const struct result *r, uint8_t *scratch)
{
	uint8_t kind = v->type | (r->computed ? (uint8_t)VALUE_COMPUTED : computed_at(v, i));
	uint32_t size = optable_size(v->type);
	const uint8_t *plain = size ? (const uint8_t *)v->any + (size_t)i * size : v->s[i].p;
	struct value_sealer *s;
	int rc;

	if (!at)
		return -ENOMEM;
	if (!sealed(r)) {
		if (len)
			memcpy(at, plain, len);
		return 0;
	}
	rc = sealer_of(ev, v->domain ? v->domain[ROW(v, i)] : 0, &s);
	if (rc)
		return rc;
	if (len <= VALUE_COPY_MAX)
		return value_seal(s, kind, plain, len, at);
	rc = value_seal(s, kind, plain, len, scratch);
	if (!rc)
		memcpy(at, scratch, value_size(len));
	return rc;
}

static uint64_t result_bytes(const struct vec *v, bool secret, struct values *n)
{
	*n = values_count(v, secret);
	return PROGRAM_HEADER + (v->dirty ? v->rows : 0) + n->bytes;
}

/* The values of a result of which some rows are none, or of variable size. */
static int write_rows(
	struct eval *ev, struct writer *w, const struct result *r, uint8_t *scratch)
{
	const struct vec *v = r->v;
	bool secret = sealed(r);
	uint32_t size = optable_size(v->type), i;
	int rc = 0;

	for (i = 0; !size && i < v->rows; i++)
		if (!v->state[i])
			writer_u32(w, v->s[i].len + (secret ? VALUE_OVERHEAD : 0));
	for (i = 0; i < v->rows && !rc; i++) {
		size_t plain;

		if (v->state[i])
			continue;
		plain = size ? size : v->s[i].len;
		rc = write_value(ev, writer_room(w, secret ? value_size(plain) : plain), v, i,
			plain, r, scratch);
	}
	return rc;
}

/* Do all rows have one sealer and one kind? */
static bool alike(const struct result *r)
{
	const struct vec *v = r->v;
	uint32_t i = 1;

	if (v->computed && !r->computed)
		return false;
	while (v->domain && i < v->rows && v->domain[i] == v->domain[0])
		i++;
	return !v->domain || i >= v->rows;
}

static int write_result(struct eval *ev, struct writer *w, const struct result *r,
	const struct values *n, uint8_t *scratch)
{
	const struct vec *v = r->v;
	uint8_t kind = v->type | (r->computed ? VALUE_COMPUTED : 0);
	bool secret = sealed(r);
	uint32_t size = optable_size(v->type);
	struct value_sealer *s;
	uint8_t *at;
	int rc;

	writer_u8(w, (uint8_t)((v->dirty ? REPLY_STATES : 0) | (secret ? REPLY_SECRET : 0)));
	writer_u8(w, v->type);
	writer_u16(w, 0);
	writer_u32(w, v->rows);
	if (v->dirty)
		writer_bytes(w, v->state, v->rows);
	ev->sealed += secret ? n->present : 0;
	if (!size || n->present != v->rows || (secret && !alike(r)))
		return write_rows(ev, w, r, scratch);
	at = writer_room(w, n->bytes);
	if (!secret) {
		memcpy(at, v->any, n->bytes);
		return 0;
	}
	rc = sealer_of(ev, v->domain ? v->domain[0] : 0, &s);
	return rc ? rc : value_seal_column(s, kind, v->any, size, v->rows, at);
}

int results_write(struct eval *ev, const struct result *r, int n,
	uint8_t *(*room)(void *, uint64_t), void *ctx)
{
	struct values values[PROGRAM_STACK];
	uint8_t *at, *scratch = NULL;
	uint32_t longest = 0;
	uint64_t len = 0;
	struct writer w;
	int i, rc = 0;

	for (i = 0; i < n; i++) {
		len += result_bytes(r[i].v, sealed(&r[i]), &values[i]);
		if (sealed(&r[i]) && values[i].longest > longest)
			longest = values[i].longest;
	}
	if (longest > VALUE_COPY_MAX) {
		scratch = eval_alloc(ev, value_size(longest));
		if (!scratch)
			return -ENOMEM;
	}
	if (len > EVAL_REPLY_MAX)
		return -EMSGSIZE;
	at = room(ctx, len);
	if (!at)
		return -ENOMEM;
	w = writer_of(at, len);
	for (i = 0; i < n && !rc; i++)
		rc = write_result(ev, &w, &r[i], &values[i], scratch);
	return rc;
}
