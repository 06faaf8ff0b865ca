/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * btree.c - a page of a B-tree, seen from one of its values.
 *
 * All that is known is an address inside the buffer pool. The page around it is taken
 * apart with suspicion: line pointers and lengths are checked before use, and values are
 * copied before anything is derived from them. What is found is but a hint of what will be
 * asked next. An answer is looked up by what was compared (key.h), so a value that is none
 * gets an answer that nobody asks for.
 *
 *     page      [1][2][3] ... [n]      tuples, in order
 *     search    asks 2, then the middle of what is left: the tree of its next steps
 *     range     asks one after the other: all of them; of the first column, which is what
 *               they are in the order of, the ends will do if they agree
 *
 * In all tuples the value is as far from the start as in the first one, if they agree on
 * having NULLs or not; where a longer value comes before it that may not be so, and then
 * the type's first byte is most likely not there.
 */
#include "btree.h"

#include "access/itup.h"
#include "access/nbtree.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "cursor.h"
#include "key.h"
#include "zone_program.h"

enum {
	QUESTIONS = 8,  /* keys that answers are kept for: bounds of a few columns */
	SLOTS = 2048,   /* power of two; half of them may be used */
	STEPS = 5,      /* of a bisection, asked for at once: 31 values */
	EQUAL_VALUES = 16, /* read ahead behind one that may be the last equal one */
	ENDS = 3,          /* of a page: the high key or the first value, the one after, the last */
};

/* A key, and what it is compared with. */
struct question {
	struct value_key key;
	uint32 number; /* 0: none */
	uint32 used;
	uint16 op;
	bool goes_on;  /* equal values were asked for already */
};

struct answer {
	struct value_key item;
	uint32 question;
	int32 order;
};

/* Values to be asked for. */
struct wanted {
	uint32 n, bytes;
	struct value_key key[MaxIndexTuplesPerPage];
	uint32 len[MaxIndexTuplesPerPage];
	uint8 value[BLCKSZ];
};

/* What a page's request is made of, and where its answers stay. */
static struct btree {
	struct question question[QUESTIONS], *last;
	uint32 numbers, uses;
	uint32 nanswers;
	struct answer answer[SLOTS];
	struct wanted wanted, ends;
} *btree;

/* ---- answers ---- */

static struct answer *probe(const struct question *q, const struct value_key *item)
{
	uint32 i = (value_key_hash(item) + q->number * 0x9e3779b9) & (SLOTS - 1);
	struct answer *a;

	for (;; i = (i + 1) & (SLOTS - 1)) {
		a = &btree->answer[i];
		if (!a->question ||
			(a->question == q->number && value_key_equal(&a->item, item)))
			return a;
	}
}

static void forget_answers(void)
{
	memset(btree->answer, 0, sizeof btree->answer);
	btree->nanswers = 0;
}

static void learn(const struct question *q, const struct value_key *item, int32 order)
{
	struct answer *a = probe(q, item);

	btree->nanswers += a->question == 0;
	*a = (struct answer){*item, q->number, order};
}

static bool is_question(const struct question *q, uint16 op, const struct value_key *key)
{
	return q->number && q->op == op && value_key_equal(&q->key, key);
}

/* The one there is, or one in the place of what was not asked for longest. */
static struct question *question_of(uint16 op, const struct value_key *key)
{
	struct question *oldest = btree->question, *q;

	if (likely(is_question(btree->last, op, key)))
		return btree->last;
	for (q = btree->question; q < btree->question + QUESTIONS; q++) {
		if (is_question(q, op, key)) {
			q->used = ++btree->uses;
			return btree->last = q;
		}
		if (q->used < oldest->used)
			oldest = q;
	}
	if (++btree->numbers == 0) { /* after four thousand million of them */
		btree_reset();
		btree->numbers = 1;
	}
	*oldest = (struct question){
		.key = *key, .number = btree->numbers, .used = ++btree->uses, .op = op};
	return btree->last = oldest;
}

void btree_reset(void)
{
	if (!btree)
		return;
	memset(btree->question, 0, sizeof btree->question);
	btree->uses = 0;
	forget_answers();
}

static void make_ready(void)
{
	if (btree)
		return;
	btree = MemoryContextAllocZero(TopMemoryContext, sizeof *btree);
	btree->last = btree->question;
}

/* ---- pages ---- */

/* A page, and where in its tuples a value is. */
struct place {
	const uint8 *page;
	uint32 lower, upper, special;
	uint32 max;    /* the number of line pointers: the last offset */
	uint32 first;  /* offset of the first one that is data: behind the high key */
	uint32 asked;  /* offset of the tuple */
	uint32 within; /* where in the tuple */
	uint32 fixed;  /* bytes of a value, 0: it varies */
	bool nulls;    /* the tuple has NULLs */
	uint8 start;   /* of a value of that type */
};

/* Temporary tables. */
static const uint8 *local_page(const uint8 *at)
{
	int i;

	for (i = 0; LocalBufferBlockPointers && i < NLocBuffer; i++) {
		const uint8 *page = LocalBufferBlockPointers[i];

		if (page && (uintptr_t)at - (uintptr_t)page < BLCKSZ)
			return page;
	}
	return NULL;
}

static const uint8 *page_around(const uint8 *at)
{
	uintptr_t off = (uintptr_t)at - (uintptr_t)BufferBlocks;

	if (off < (uintptr_t)NBuffers * BLCKSZ)
		return at - off % BLCKSZ;
	return unlikely(NLocBuffer > 0) ? local_page(at) : NULL;
}

/* Other index types with as much special space have a number in the last two bytes. */
static bool is_btree(struct place *p)
{
	const PageHeaderData *h = (const PageHeaderData *)p->page;
	BTPageOpaqueData opaque;

	p->lower = h->pd_lower;
	p->upper = h->pd_upper;
	p->special = h->pd_special;
	if (p->special != BLCKSZ - MAXALIGN(sizeof opaque) || p->upper > p->special ||
		p->lower > p->upper || p->lower < SizeOfPageHeaderData)
		return false;
	memcpy(&opaque, p->page + p->special, sizeof opaque);
	if (opaque.btpo_cycleid > MAX_BT_CYCLE_ID || opaque.btpo_flags & (BTP_META | BTP_DELETED))
		return false;
	p->first = P_FIRSTDATAKEY(&opaque);
	p->max = Min((p->lower - SizeOfPageHeaderData) / sizeof(ItemIdData), MaxIndexTuplesPerPage);
	return true;
}

/* The tuple at that offset, and its bytes; NULL: there is none. */
static const uint8 *tuple_at(const struct place *p, uint32 offset, uint32 *len, bool *nulls)
{
	ItemIdData line;
	IndexTupleData t;
	uint32 at;

	memcpy(&line, p->page + SizeOfPageHeaderData + (offset - 1) * sizeof line, sizeof line);
	at = line.lp_off;
	if (at < p->upper || at > p->special || line.lp_len > p->special - at ||
		line.lp_len < sizeof t)
		return NULL;
	memcpy(&t, p->page + at, sizeof t);
	*len = Min(IndexTupleSize(&t), line.lp_len);
	*nulls = IndexTupleHasNulls(&t);
	return p->page + at;
}

static bool find_asked(struct place *p, const uint8 *at)
{
	const uint8 *t;
	uint32 len;

	for (p->asked = 1; p->asked <= p->max; p->asked++) {
		t = tuple_at(p, p->asked, &len, &p->nulls);
		if (t && at >= t && at < t + len) {
			p->within = (uint32)(at - t);
			return true;
		}
	}
	return false;
}

/* The value in a tuple, if there is one; its bytes in *len. */
static const uint8 *value_in(
	const struct place *p, const uint8 *tuple, uint32 tuple_len, uint32 *len)
{
	const uint8 *v = tuple + p->within;
	uint32 left, header = 0;

	if (tuple_len < p->within + VALUE_OVERHEAD)
		return NULL;
	left = tuple_len - p->within;
	*len = p->fixed;
	if (!p->fixed) {
		if (VARATT_IS_1B_E(v) || VARATT_IS_4B_C(v) || (!VARATT_IS_1B(v) && left < VARHDRSZ))
			return NULL;
		header = VARATT_IS_1B(v) ? VARHDRSZ_SHORT : VARHDRSZ;
		*len = (uint32)VARSIZE_ANY(v) - header;
	}
	if (*len < VALUE_OVERHEAD || *len > left - header || v[header] != p->start)
		return NULL;
	return v + header;
}

static bool look_around(struct place *p, uint8 type, const uint8 *at)
{
	uint32 len;

	if (!find_asked(p, at))
		return false;
	p->fixed = value_bytes(type);
	p->start = *value_inline(p->fixed, PointerGetDatum(at), &len);
	return true;
}

/* ---- what to ask ---- */

/* A copy, as the page may change under who does not hold its lock. */
static void want_value(
	struct wanted *w, const struct question *q, const uint8 *v, uint32 len)
{
	struct value_key *key = &w->key[w->n];
	uint8 *copy = w->value + w->bytes;

	if (w->n == MaxIndexTuplesPerPage || len > BLCKSZ - w->bytes)
		return;
	memcpy(copy, v, len);
	value_key(len, PointerGetDatum(copy), key);
	if (probe(q, key)->question)
		return;
	w->len[w->n++] = len;
	w->bytes += len;
}

static void want(const struct place *p, const struct question *q, uint32 offset)
{
	const uint8 *tuple, *v;
	uint32 len;
	bool nulls;

	if (offset < 1 || offset > p->max)
		return;
	tuple = tuple_at(p, offset, &len, &nulls);
	if (!tuple || nulls != p->nulls)
		return;
	v = value_in(p, tuple, len, &len);
	if (v)
		want_value(&btree->wanted, q, v, len);
}

static void want_range(
	const struct place *p, const struct question *q, uint32 from, uint32 to)
{
	uint32 i;

	for (i = from; i <= to; i++)
		if (i != p->asked)
			want(p, q, i);
}

/* In their order. */
static void want_page(const struct place *p, const struct question *q)
{
	uint32 i;

	for (i = 1; i <= p->max; i++)
		want(p, q, i);
}

static void want_steps(
	const struct place *p, const struct question *q, uint32 low, uint32 high, int steps)
{
	uint32 middle = low + (high - low) / 2;

	if (low >= high || steps == 0)
		return;
	if (middle != p->asked)
		want(p, q, middle);
	want_steps(p, q, low, middle, steps - 1);
	want_steps(p, q, middle + 1, high, steps - 1);
}

/*
 * A bisection of first .. max that looks at this one: between which two is it by then?
 * One that starts asks the high key first, or the middle. Where it ends, who looks for
 * equal values reads on.
 */
static void want_search(const struct place *p, const struct question *q)
{
	uint32 low = p->first, high = p->max + 1, middle;

	while (p->asked >= low && p->asked < high) {
		middle = low + (high - low) / 2;
		if (middle == p->asked)
			break;
		if (p->asked < middle)
			high = middle;
		else
			low = middle + 1;
	}
	if (high - low < 1u << STEPS)
		want_range(p, q, low, high + 1);
	else
		want_steps(p, q, low, high, STEPS);
}

static void want_nothing(void)
{
	btree->wanted.n = btree->wanted.bytes = 0;
	if (btree->nanswers + MaxIndexTuplesPerPage > SLOTS / 2)
		forget_answers();
}

static void choose(const struct place *p, struct question *q, enum btree_reader reader)
{
	want_nothing();
	if (reader == BTREE_RANGE || (reader == BTREE_EQUALS && q->goes_on)) {
		want_page(p, q);
		return;
	}
	want(p, q, p->asked);
	if (reader == BTREE_SEARCH) {
		want_search(p, q);
		return;
	}
	q->goes_on = true;
	want_range(p, q, p->asked - Min(p->asked, EQUAL_VALUES), p->asked + EQUAL_VALUES);
}

/* ---- asking ---- */

/* Rows that are no values stay unanswered. */
static void learn_all(
	const struct question *q, const struct wanted *w, const uint8 *reply, uint64 len)
{
	struct cursor c = cursor_of(reply, len);
	uint8 flags = cursor_u8(&c), type = cursor_u8(&c);
	const uint8 *states = NULL;
	uint32 i, order;

	cursor_u16(&c);
	if (cursor_u32(&c) != w->n || c.bad || type != T_PUB_INT4 || flags & ~REPLY_STATES)
		zone_raise_reply(len, T_PUB_INT4);
	if (flags & REPLY_STATES)
		states = cursor_bytes(&c, w->n);
	for (i = 0; i < w->n && !c.bad; i++) {
		if (states && states[i] != ROW_VALUE)
			continue;
		order = cursor_u32(&c);
		if (!c.bad)
			learn(q, &w->key[i], (int32)order);
	}
}

static void ask(const struct question *q, const struct wanted *w, uint32 fixed, Datum key)
{
	const struct op *op = optable_op(q->op);
	uint32 key_len, key_fixed = value_bytes(op->args[1]);
	const uint8 *k = value_inline(key_fixed, key, &key_len);
	struct zone_arg items = {.data = w->value, .bytes = w->bytes, .rows = w->n,
		.lens = fixed ? NULL : w->len, .type = op->args[0]};
	struct zone_arg one = {.data = k, .bytes = key_len, .rows = 1,
		.lens = key_fixed ? NULL : &key_len, .type = op->args[1], .flags = ARG_ONE};
	struct zone_program program = {.rows = w->n};
	const uint8 *reply;
	uint64_t len;

	zone_push(&program, &items);
	zone_push(&program, &one);
	zone_op(&program, q->op);
	reply = zone_run_rows(ROLE_DB, &program, &len);
	learn_all(q, w, reply, len);
}

static void want_ends(const struct question *q)
{
	const struct wanted *w = &btree->wanted;
	const uint8 *v = w->value;
	uint32 i;

	btree->ends.n = btree->ends.bytes = 0;
	for (i = 0; i < w->n; v += w->len[i++])
		if (i < ENDS - 1 || i == w->n - 1)
			want_value(&btree->ends, q, v, w->len[i]);
}

/* Have they all one answer? Then it is that of all that are wanted. */
static bool ends_agree(const struct question *q)
{
	const struct wanted *w = &btree->wanted;
	int32 order = probe(q, &btree->ends.key[0])->order;
	uint32 i;

	for (i = 0; i < btree->ends.n; i++) {
		const struct answer *a = probe(q, &btree->ends.key[i]);

		if (!a->question || a->order != order)
			return false;
	}
	for (i = 0; i < w->n; i++)
		learn(q, &w->key[i], order);
	return true;
}

/* Of a page's first column. Most pages of a range are within it from end to end. */
static bool ask_ends(const struct question *q, uint32 fixed, Datum key)
{
	if (btree->wanted.n <= ENDS)
		return false;
	want_ends(q);
	if (btree->ends.n != ENDS)
		return false;
	ask(q, &btree->ends, fixed, key);
	return ends_agree(q);
}

/* Is it the tuple's first column? With NULLs a later one may stand in its place. */
static bool is_leading(const struct place *p)
{
	return !p->nulls && p->within == MAXALIGN(sizeof(IndexTupleData));
}

bool btree_compare(uint16 op, enum btree_reader reader, Datum item, Datum key, int *order)
{
	const uint8 *at = (const uint8 *)DatumGetPointer(item);
	const struct op *o = optable_op(op);
	struct value_key of_item, of_key;
	struct question *q;
	struct answer *a;
	struct place p;

	p.page = page_around(at);
	if (!p.page || !is_btree(&p) || !value_key(value_bytes(o->args[0]), item, &of_item) ||
		!value_key(value_bytes(o->args[1]), key, &of_key))
		return false;
	make_ready();
	q = question_of(op, &of_key);
	a = probe(q, &of_item);
	if (!a->question) {
		if (!look_around(&p, o->args[0], at))
			return false;
		choose(&p, q, reader);
		if (btree->wanted.n == 0)
			return false;
		if (reader != BTREE_RANGE || !is_leading(&p) || !ask_ends(q, p.fixed, key))
			ask(q, &btree->wanted, p.fixed, key);
		a = probe(q, &of_item);
	}
	*order = a->order;
	return a->question != 0;
}

void btree_orders(uint16 op, const Datum *values, uint32 n, Datum key, int *orders)
{
	const struct op *o = optable_op(op);
	uint32 fixed = value_bytes(o->args[0]), i, len;
	struct value_key k;
	struct question *q;

	memset(orders, 0, n * sizeof *orders);
	if (!value_key(value_bytes(o->args[1]), key, &k))
		return;
	make_ready();
	q = question_of(op, &k);
	want_nothing();
	for (i = 0; i < n; i++)
		if (value_key(fixed, values[i], &k)) {
			const uint8 *v = value_inline(fixed, values[i], &len);

			want_value(&btree->wanted, q, v, len);
		}
	if (btree->wanted.n > 0)
		ask(q, &btree->wanted, fixed, key);
	for (i = 0; i < n; i++)
		if (value_key(fixed, values[i], &k))
			orders[i] = probe(q, &k)->order;
}
