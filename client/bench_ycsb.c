/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_ycsb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 25, FIELDS_MAX = 1000, ARGS = 2 + 2 * FIELDS_MAX };

static const char index_key[] = "_indices";
static const char *const kinds[YCSB_KINDS] = {
	"read", "update", "insert", "scan", "read-modify-write", "delete"};

_Static_assert((int)YCSB_KINDS <= (int)WORK_KINDS, "a tally for each");

/* A record's name, and the number in it that decides its values. */
struct name {
	uint64_t id;
	uint8_t len;
	char s[KEY_MAX];
};

/* What a scan found. */
struct found {
	uint32_t n;
	struct name name[]; /* scan_max of them */
};

static struct ycsb *of(const struct actor *a)
{
	return (struct ycsb *)a->work;
}

int32_t ycsb_hash(const char *s, size_t len)
{
	uint32_t h = 0;
	size_t i;

	for (i = 0; i < len; i++)
		h = 31 * h + (unsigned char)s[i];
	return (int32_t)h;
}

/* ---- names ---- */

/* "user" and the number, with zeroes before it up to the width that is wanted. Not by
 * snprintf: this is a tenth of what an operation costs the client. */
static struct name name_of(const struct ycsb *y, uint64_t key)
{
	struct name n;
	char digits[20], *end = digits + sizeof digits, *p = end;
	uint64_t v, width = y->props->zero_padding;

	n.id = v = y->props->hashed ? dist_fnv(key) : key;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	while ((uint64_t)(end - p) < width && p > digits)
		*--p = '0';
	memcpy(n.s, "user", 4);
	memcpy(n.s + 4, p, (size_t)(end - p));
	n.len = (uint8_t)(4 + (end - p));
	n.s[n.len] = 0;
	return n;
}

/* Of one that came in a reply. False: it is not ours. */
static bool name_read(struct name *n, const char *s, size_t len)
{
	char *end;

	if (!s || len < 5 || len >= KEY_MAX || memcmp(s, "user", 4) != 0)
		return false;
	memcpy(n->s, s, len);
	n->s[len] = 0;
	n->len = (uint8_t)len;
	n->id = strtoull(n->s + 4, &end, 10);
	return end == n->s + len;
}

static const char *value_of(const struct ycsb *y, uint64_t id, uint64_t field)
{
	return data_value(&y->work.data, id * FIELDS_MAX + field);
}

static size_t length_of(struct actor *a)
{
	const struct props *p = of(a)->props;

	switch (p->field_length) {
	case LENGTH_UNIFORM:
		return p->field_min + rng_below(&a->rng, p->field_max - p->field_min + 1);
	case LENGTH_ZIPFIAN:
		return p->field_min + zipf_draw(&of(a)->field_zipf, &a->rng);
	default:
		return p->field_max;
	}
}

static bool is_length(const struct props *p, size_t len)
{
	return len <= p->field_max &&
		   len >= (p->field_length == LENGTH_CONSTANT ? p->field_max : p->field_min);
}

/* ---- which operation, on what ---- */

static enum ycsb_kind draw_kind(struct actor *a)
{
	const struct ycsb *y = of(a);
	double u = rng_unit(&a->rng) * y->share_sum;
	int k, last = 0;

	for (k = 0; k < YCSB_KINDS; k++) {
		if (y->props->share[k] > 0) {
			last = k;
			if (u < y->props->share[k])
				break;
		}
		u -= y->props->share[k];
	}
	return (enum ycsb_kind)last;
}

/* One that has been written. */
static uint64_t draw_key(struct actor *a)
{
	const struct ycsb *y = of(a);
	uint64_t key, limit = counter_limit(y->counter);

	if (y->work.dist == DIST_LATEST)
		return dist_draw(&a->dist, &a->rng, limit);
	do /* zipfian: of those, too, that this run will insert */
		key = y->props->insert_start + dist_draw(&a->dist, &a->rng, limit);
	while (key >= limit);
	return key;
}

static uint32_t draw_scan_length(struct actor *a)
{
	const struct props *p = of(a)->props;

	return (uint32_t)(p->scan_min + (p->scan_length == LENGTH_ZIPFIAN
											? zipf_draw(&of(a)->scan_zipf, &a->rng)
											: rng_below(&a->rng, p->scan_max - p->scan_min + 1)));
}

/* op->detail: a scan's length, else the one field that is read or written. */
static void draw(struct actor *a, struct op *op)
{
	const struct ycsb *y = of(a);

	if (y->loading) {
		op->kind = YCSB_INSERT;
		op->key = y->props->insert_start + a->next++;
		return;
	}
	op->kind = draw_kind(a);
	/* An insert that hangs for ever must not hold up those after it: they become reads. */
	if (op->kind == YCSB_INSERT && !counter_take(y->counter, &op->key))
		op->kind = YCSB_READ;
	if (op->kind != YCSB_INSERT)
		op->key = draw_key(a);
	op->detail = op->kind == YCSB_SCAN ? draw_scan_length(a)
									   : (uint32_t)rng_below(&a->rng, y->props->fields);
}

/* ---- requests ---- */

static int send_read(
	const struct ycsb *y, const struct name *n, uint32_t field, struct target *t)
{
	const char *argv[3] = {y->props->read_all ? "HGETALL" : "HMGET", n->s, y->field[field]};
	size_t lens[3] = {strlen(argv[0]), n->len, strlen(argv[2])};

	return target_call(t, y->props->read_all ? 2 : 3, argv, lens);
}

static int send_write(struct actor *a, const struct op *op, struct target *t)
{
	const struct ycsb *y = of(a);
	bool all = op->kind == YCSB_INSERT || y->props->write_all;
	struct name name = name_of(y, op->key);
	const char *argv[ARGS];
	size_t lens[ARGS], n = 2;
	uint64_t f = all ? 0 : op->detail, end = all ? y->props->fields : f + 1;

	argv[0] = "HSET";
	lens[0] = 4;
	argv[1] = name.s;
	lens[1] = name.len;

	for (; f < end; f++) {
		argv[n] = y->field[f];
		lens[n++] = strlen(y->field[f]);
		argv[n] = value_of(y, name.id, f);
		lens[n++] = length_of(a);
	}
	return target_call(t, n, argv, lens);
}

static int send_index(const struct ycsb *y, const struct op *op, struct target *t)
{
	struct name name = name_of(y, op->key);
	char score[16], count[16];
	const char *add[] = {"ZADD", index_key, score, name.s};
	const char *rem[] = {"ZREM", index_key, name.s};
	const char *scan[] = {"ZRANGEBYSCORE", index_key, score, "+inf", "LIMIT", "0", count};

	snprintf(score, sizeof score, "%d", ycsb_hash(name.s, name.len));
	if (op->kind == YCSB_DELETE)
		return target_call(t, 3, rem, (size_t[]){4, sizeof index_key - 1, name.len});
	if (op->kind == YCSB_INSERT)
		return target_call(
			t, 4, add, (size_t[]){4, sizeof index_key - 1, strlen(score), name.len});
	snprintf(count, sizeof count, "%u", op->detail);
	return target_call(t, 7, scan,
		(size_t[]){13, sizeof index_key - 1, strlen(score), 4, 5, 1, strlen(count)});
}

static int send(struct actor *a, struct op *op, struct target *t)
{
	const struct ycsb *y = of(a);
	struct name name;

	switch (op->kind) {
	case YCSB_UPDATE:
		return send_write(a, op, t);
	case YCSB_INSERT:
		return op->step ? send_index(y, op, t) : send_write(a, op, t);
	case YCSB_SCAN:
		if (op->step)
			return send_read(y, &((struct found *)op->more)->name[op->step - 1], 0, t);
		return send_index(y, op, t);
	case YCSB_DELETE:
		if (op->step)
			return send_index(y, op, t);
		name = name_of(y, op->key);
		return target_append(t, VERB_DEL, name.s, name.len, NULL, 0);
	default:
		if (op->step)
			return send_write(a, op, t);
		name = name_of(y, op->key);
		return send_read(y, &name, op->detail, t);
	}
}

/* ---- replies ---- */

static bool deletes(const struct ycsb *y)
{
	return y->props->share[YCSB_DELETE] > 0;
}

static bool is_value(const struct ycsb *y, uint64_t id, uint64_t field, const char *s, size_t len)
{
	return s && is_length(y->props, len) && memcmp(s, value_of(y, id, field), len) == 0;
}

/* Which field has this name; the number of fields: none. */
static uint64_t field_of(const struct ycsb *y, const char *s, size_t len)
{
	size_t prefix = strlen(y->props->field_prefix);
	uint64_t f = 0;
	size_t i;

	for (i = prefix; i < len && i < prefix + 4; i++)
		f = f * 10 + (uint64_t)(s[i] - '0');
	return f < y->props->fields && strlen(y->field[f]) == len &&
				   memcmp(s, y->field[f], len) == 0
			   ? f
			   : y->props->fields;
}

/* HGETALL: each field once, each with its value. */
static bool is_record(struct actor *a, const struct target *t, uint64_t id)
{
	const struct ycsb *y = of(a);
	uint64_t seen[FIELDS_MAX / 64 + 1] = {0}, f;
	size_t i, len, n = target_elements(t);
	const char *s;

	if (n % 2 || n > y->props->fields * 2)
		return false;
	for (i = 0; i < n; i += 2) {
		target_element(t, i, &s, &len);
		f = s ? field_of(y, s, len) : y->props->fields;
		if (f == y->props->fields || seen[f / 64] >> f % 64 & 1)
			return false;
		seen[f / 64] |= 1ull << f % 64;
		target_element(t, i + 1, &s, &len);
		if (!is_value(y, id, f, s, len))
			return false;
	}
	if (n == y->props->fields * 2)
		return true;
	a->misses++;
	return deletes(y);
}

static bool is_read(struct actor *a, const struct target *t, const struct cxlring_view *v,
	const struct name *name, uint32_t field)
{
	const struct ycsb *y = of(a);
	const char *s;
	size_t len;

	if (v->type != CXLRING_ARRAY)
		return false;
	if (y->props->read_all)
		return is_record(a, t, name->id);
	if (target_elements(t) != 1)
		return false;
	target_element(t, 0, &s, &len);
	if (is_value(y, name->id, field, s, len))
		return true;
	a->misses++;
	return !s && deletes(y);
}

/* HSET says how many fields are new. An update finds them all, unless it was deleted. */
static bool is_written(const struct ycsb *y, const struct op *op, const struct cxlring_view *v)
{
	bool may_be_new = op->kind == YCSB_INSERT || deletes(y);

	return v->type == CXLRING_INTEGER && v->integer >= 0 &&
		   (uint64_t)v->integer <= (may_be_new ? y->props->fields : 0);
}

static bool is_bit(const struct cxlring_view *v)
{
	return v->type == CXLRING_INTEGER && (v->integer == 0 || v->integer == 1);
}

/* Names of records, none before the score that was asked for, in the order of their
 * scores. */
static bool is_found(struct actor *a, struct op *op, const struct target *t,
	const struct cxlring_view *v)
{
	const struct ycsb *y = of(a);
	struct found *found = op->more;
	struct name first = name_of(y, op->key);
	int32_t hash, last = ycsb_hash(first.s, first.len);
	size_t i, len, n = target_elements(t);
	const char *s;

	if (v->type != CXLRING_ARRAY || n > op->detail)
		return false;
	if (!found)
		op->more = found = malloc(sizeof *found + y->props->scan_max * sizeof found->name[0]);
	if (!found)
		return false;
	for (i = 0; i < n; i++) {
		target_element(t, i, &s, &len);
		if (!name_read(&found->name[i], s, len))
			return false;
		hash = ycsb_hash(found->name[i].s, found->name[i].len);
		if (hash < last)
			return false;
		last = hash;
	}
	found->n = (uint32_t)n;
	a->misses += n == 0;
	return n > 0 || deletes(y);
}

/* *more: there is another request to send. */
static bool right(struct actor *a, struct op *op, const struct target *t,
	const struct cxlring_view *v, bool *more)
{
	const struct ycsb *y = of(a);
	const struct found *found;
	struct name name;

	switch (op->kind) {
	case YCSB_UPDATE:
		return is_written(y, op, v);
	case YCSB_INSERT:
		*more = op->step == 0;
		if (!*more && !y->loading)
			counter_ack(y->counter, op->key);
		return *more ? is_written(y, op, v) : is_bit(v);
	case YCSB_DELETE:
		*more = op->step == 0;
		a->misses += *more && v->integer == 0;
		return is_bit(v);
	case YCSB_SCAN:
		if (op->step == 0 && !is_found(a, op, t, v))
			return false;
		found = op->more;
		*more = op->step < found->n;
		return op->step == 0 || is_read(a, t, v, &found->name[op->step - 1], 0);
	default:
		*more = op->kind == YCSB_RMW && op->step == 0;
		if (op->step)
			return is_written(y, op, v);
		name = name_of(y, op->key);
		return is_read(a, t, v, &name, op->detail);
	}
}

static int take(
	struct actor *a, struct op *op, struct target *t, const struct cxlring_view *v)
{
	bool more = false;

	if (!right(a, op, t, v, &more))
		return work_wrong(a, op, v);
	return more ? WORK_MORE : WORK_DONE;
}

static void drop(struct op *op)
{
	free(op->more);
	op->more = NULL;
}

/* ---- life ---- */

static bool make_fields(struct ycsb *y, const struct props *p)
{
	uint64_t i;

	y->field = calloc(p->fields, sizeof *y->field);
	for (i = 0; y->field && i < p->fields; i++)
		snprintf(y->field[i], sizeof y->field[i], "%s%" PRIu64, p->field_prefix, i);
	return y->field != NULL;
}

/* How many items a distribution has to cover: with YCSB's guess, twice the mean, at what
 * the run will insert. */
static uint64_t items_of(const struct props *p)
{
	double inserts = (double)p->operations * p->share[YCSB_INSERT] * 2;

	if (p->request == DIST_LATEST)
		return p->insert_start + p->insert_count;
	return p->insert_count + (p->request == DIST_ZIPFIAN ? (uint64_t)inserts : 0);
}

bool ycsb_init(struct ycsb *y, const struct props *p, bool loading, uint64_t seed)
{
	static const struct work_ops ops = {draw, send, take, drop};
	int k;

	*y = (struct ycsb){.props = p, .loading = loading};
	y->work = (struct work){.ops = &ops, .kinds = kinds, .nkinds = YCSB_KINDS,
		.dist = loading ? DIST_SEQUENTIAL : p->request, .items = items_of(p)};
	for (k = 0; k < YCSB_KINDS; k++)
		y->share_sum += p->share[k];
	zipf_init(&y->field_zipf, p->field_max - p->field_min + 1, 0.99);
	zipf_init(&y->scan_zipf, p->scan_max - p->scan_min + 1, 0.99);
	y->counter = counter_new(p->insert_start + p->insert_count);
	if (y->counter && make_fields(y, p) && data_init(&y->work.data, p->field_max, seed))
		return true;
	ycsb_fini(y);
	return false;
}

void ycsb_fini(struct ycsb *y)
{
	counter_free(y->counter);
	free(y->field);
	data_fini(&y->work.data);
}

uint64_t ycsb_requests(const struct ycsb *y)
{
	return y->loading ? y->props->insert_count : y->props->operations;
}
