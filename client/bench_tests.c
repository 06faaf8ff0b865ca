/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ARGS = 21, MSET_KEYS = 10 };

enum reply {
	STATUS,    /* OK, PONG */
	VALUE,     /* the key's value */
	ONE_VALUE, /* the value of the one list, or nil when it is empty */
	MEMBER,    /* "element:..." or nil */
	SCORED,    /* nothing, or such a member and its score */
	POSITIVE,  /* an integer above 0 */
	BIT,       /* 0 or 1 */
	LIST,      /* exactly so many of the list's values */
	BOTH,      /* of a mix: VALUE or STATUS */
};

/*
 * What is sent, as redis-benchmark does. In a call, the words are those of the template,
 * and %k is the drawn key, %e "element:" and its number, %v its value, %1 the value that
 * everything in the list has. MSET has ten pairs.
 */
struct test {
	const char *name;
	int verb; /* enum verb, or -1: a call */
	const char *call;
	enum reply reply;
	int range; /* of LRANGE */
};

static const struct test table[] = {
	{"ping", VERB_PING, NULL, STATUS, 0},
	{"set", VERB_SET, NULL, STATUS, 0},
	{"get", VERB_GET, NULL, VALUE, 0},
	{"incr", VERB_INCR, NULL, POSITIVE, 0},
	{"del", VERB_DEL, NULL, BIT, 0},
	{"exists", VERB_EXISTS, NULL, BIT, 0},
	{"mixed", VERB_GET, NULL, BOTH, 0},
	{"lpush", -1, "LPUSH mylist %1", POSITIVE, 0},
	{"rpush", -1, "RPUSH mylist %1", POSITIVE, 0},
	{"lpop", -1, "LPOP mylist", ONE_VALUE, 0},
	{"rpop", -1, "RPOP mylist", ONE_VALUE, 0},
	{"sadd", -1, "SADD myset %e", BIT, 0},
	{"spop", -1, "SPOP myset", MEMBER, 0},
	{"hset", -1, "HSET myhash %e %v", BIT, 0},
	{"zadd", -1, "ZADD myzset 0 %e", BIT, 0},
	{"zpopmin", -1, "ZPOPMIN myzset", SCORED, 0},
	{"lrange_100", -1, "LRANGE mylist 0 99", LIST, 100},
	{"lrange_300", -1, "LRANGE mylist 0 299", LIST, 300},
	{"lrange_500", -1, "LRANGE mylist 0 499", LIST, 500},
	{"lrange_600", -1, "LRANGE mylist 0 599", LIST, 600},
	{"mset", -1, "MSET %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v", STATUS, 0},
};

const char tests_names[] = "ping,set,get,incr,del,exists,mixed,lpush,rpush,lpop,rpop,sadd,spop,"
						   "hset,zadd,zpopmin,lrange_100,lrange_300,lrange_500,lrange_600,mset";

const struct test *tests_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

bool tests_needs_keys(const struct test *t)
{
	return t->reply == VALUE || t->reply == BOTH;
}

bool tests_needs_list(const struct test *t)
{
	return t->reply == LIST;
}

bool tests_deletes(const struct test *t)
{
	return t->verb == VERB_DEL;
}

static const struct tests *of(const struct actor *a)
{
	return (const struct tests *)a->work;
}

static void draw(struct actor *a, struct op *op)
{
	const struct tests *w = of(a);

	op->key = w->work.dist == DIST_SEQUENTIAL ? a->next++ % w->work.items
											  : dist_draw(&a->dist, &a->rng, w->work.items);
	op->detail = (uint32_t)w->test->verb;
	if (w->test->reply == BOTH && rng_below(&a->rng, 100) >= w->read_share)
		op->detail = VERB_SET;
	op->kind = 0;
}

/* ---- requests ---- */

/* The words of a call, into argv; `keys` is room for what is made. */
static size_t words(struct actor *a, const struct op *op, const char *argv[ARGS],
	size_t lens[ARGS], char keys[MSET_KEYS][24])
{
	const struct tests *w = of(a);
	const char *p = w->test->call;
	uint64_t key = op->key;
	size_t n = 0, made = 0;

	for (; *p; n++) {
		argv[n] = p;
		lens[n] = strcspn(p, " ");
		p += lens[n] + (p[lens[n]] == ' ');
		if (argv[n][0] != '%')
			continue;
		switch (argv[n][1]) {
		case 'k':
			if (made) /* the first is the operation's */
				key = dist_draw(&a->dist, &a->rng, w->work.items);
			data_key(keys[made], "key:", key);
			argv[n] = keys[made++];
			lens[n] = DATA_KEY_LEN;
			break;
		case 'e':
			memcpy(keys[made], "elem", 4);
			data_key(keys[made] + 4, "ent:", key);
			argv[n] = keys[made++];
			lens[n] = DATA_KEY_LEN + 4;
			break;
		default:
			argv[n] = data_value(&w->work.data, argv[n][1] == '1' ? 0 : key);
			lens[n] = w->value_size;
		}
	}
	return n;
}

static int send(struct actor *a, struct op *op, struct target *t)
{
	const struct tests *w = of(a);
	char key[DATA_KEY_LEN], keys[MSET_KEYS][24];
	const char *argv[ARGS];
	size_t lens[ARGS], n;

	if (w->test->verb < 0) {
		n = words(a, op, argv, lens, keys);
		return target_call(t, n, argv, lens);
	}
	data_key(key, op->detail == VERB_INCR ? "ctr:" : "key:", op->key);
	return target_append(t, (enum verb)op->detail, key, DATA_KEY_LEN,
		op->detail == VERB_SET ? data_value(&w->work.data, op->key) : NULL, w->value_size);
}

/* ---- replies ---- */

static bool is_value(const struct tests *w, const char *s, size_t len, uint64_t key)
{
	return s && len == w->value_size && memcmp(s, data_value(&w->work.data, key), len) == 0;
}

static bool is_member(const char *s, size_t len)
{
	return s && len == DATA_KEY_LEN + 4 && memcmp(s, "element:", 8) == 0;
}

static bool is_list(const struct tests *w, const struct target *t)
{
	size_t i, len, n = target_elements(t);
	const char *s;

	for (i = 0; i < n; i++) {
		target_element(t, i, &s, &len);
		if (!is_value(w, s, len, 0))
			return false;
	}
	return n == (size_t)w->test->range;
}

static bool is_scored(const struct target *t)
{
	const char *s;
	size_t len;

	if (target_elements(t) != 2)
		return false;
	target_element(t, 0, &s, &len);
	return is_member(s, len);
}

/* A nil, or an empty array, where that may be. */
static bool missed(struct actor *a, const struct target *t, const struct cxlring_view *v,
	bool may)
{
	if (!may || (v->type != CXLRING_NIL &&
					(v->type != CXLRING_ARRAY || target_elements(t) != 0)))
		return false;
	a->misses++;
	return true;
}

static bool right(struct actor *a, const struct op *op, const struct target *t,
	const struct cxlring_view *v)
{
	const struct tests *w = of(a);
	enum reply want = w->test->reply;

	if (want == BOTH)
		want = op->detail == VERB_GET ? VALUE : STATUS;
	switch (want) {
	case STATUS:
		return v->type == CXLRING_STATUS &&
			   (op->detail == VERB_PING ? v->len == 4 && memcmp(v->data, "PONG", 4) == 0
										: v->len == 2 && memcmp(v->data, "OK", 2) == 0);
	case VALUE:
		return v->type == CXLRING_STRING ? is_value(w, v->data, v->len, op->key)
										 : missed(a, t, v, w->may_miss);
	case ONE_VALUE:
		return v->type == CXLRING_STRING ? is_value(w, v->data, v->len, 0)
										 : missed(a, t, v, true);
	case MEMBER:
		return v->type == CXLRING_STRING ? is_member(v->data, v->len) : missed(a, t, v, true);
	case SCORED:
		return v->type == CXLRING_ARRAY && (is_scored(t) || missed(a, t, v, true));
	case POSITIVE:
		return v->type == CXLRING_INTEGER && v->integer > 0;
	case LIST:
		return v->type == CXLRING_ARRAY && is_list(w, t);
	default:
		return v->type == CXLRING_INTEGER && (v->integer == 0 || v->integer == 1);
	}
}

static int take(
	struct actor *a, struct op *op, struct target *t, const struct cxlring_view *v)
{
	return right(a, op, t, v) ? WORK_DONE : work_wrong(a, op, v);
}

static void drop(struct op *op)
{
}

void tests_init(struct tests *w, const struct test *t)
{
	static const struct work_ops ops = {draw, send, take, drop};

	w->test = t;
	w->work.ops = &ops;
	w->work.kinds = &t->name;
	w->work.nkinds = 1;
}
