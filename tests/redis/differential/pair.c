/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "compare.h"
#include "cxlring.h"
#include "die.h"
#include "verb.h"
#include "wire.h"

enum { DIGEST_EVERY = 100, CATCH_UP_MS = 20000, BATCH_MAX = 256 };

static struct {
	struct pair_names names;
	struct pair_setting setting;
	struct wire a[2];      /* RESP2, RESP3 */
	int db[2];             /* that these have selected */
	struct wire a_stream;  /* as the stream is to B */
	struct wire admin[3];  /* A, B, B's replica; of the default user */
	struct wire events[2]; /* A, B */
	struct cxlring *ring, *stream;
	struct leeway leeway;
} p;

enum { A, B, R };

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct wire *pair_a(void)
{
	return &p.admin[A];
}

/* ---- life ---- */

static struct cxlring *ring_open(void)
{
	struct cxlring_options o = {.region = p.names.region, .timeout_ms = 60000};
	struct cxlring *c;
	char why[256];

	if (cxlring_open(&c, &o, why, sizeof why))
		die(DIE_TROUBLE, "%s", why);
	return c;
}

static void ring_failed(const struct cxlring *c)
{
	die(DIE_RING, "the ring failed: %s", cxlring_why(c));
}

static void listen_to_events(struct wire *w, const char *path)
{
	wire_open(w, path);
	wire_do(w, "psubscribe", "__key*__:*", NULL);
}

void pair_open(const struct pair_names *n)
{
	int i;

	p.names = *n;
	wire_open(&p.a[0], n->a);
	wire_open(&p.a[1], n->a);
	wire_do(&p.a[1], "hello", "3", NULL);
	wire_open(&p.a_stream, n->a);
	wire_open(&p.admin[A], n->a);
	wire_open(&p.admin[B], n->b);
	if (n->replica)
		wire_open(&p.admin[R], n->replica);
	for (i = A; i <= B; i++) {
		struct wire *w = &p.admin[i];

		/* What has expired goes when somebody looks: at the same moment in both. */
		wire_do(w, "debug", "set-active-expire", "0", NULL);
		wire_do(w, "config", "set", "notify-keyspace-events", "KEAmn", "activerehashing", "no",
			"proto-max-bulk-len", "4mb", "auto-aof-rewrite-percentage", "0", NULL);
		wire_do(w, "acl", "setuser", "limited", "on", ">pw", "~[shx]*", "%R~*", "&ch*",
			"+@all", "-@admin", "-decr", "-lpop", "-set", "+set|nosuch", "-getex", "-mset",
			"-config", NULL);
	}
	listen_to_events(&p.events[A], n->a);
	listen_to_events(&p.events[B], n->b);
	p.ring = ring_open();
	p.stream = ring_open();
	if (cxlring_stream(p.stream))
		ring_failed(p.stream);
}

void pair_close(void)
{
	int i;

	cxlring_close(p.ring);
	cxlring_close(p.stream);
	for (i = 0; i < 2; i++) {
		wire_close(&p.a[i]);
		wire_close(&p.admin[i]);
		wire_close(&p.events[i]);
	}
	if (p.names.replica)
		wire_close(&p.admin[R]);
	wire_close(&p.a_stream);
}

/* ---- events ---- */

/* All that came until the answer to PING, as one text. */
static struct value take_events(struct wire *w)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n", pong[] = "*2\r\n$4\r\npong\r\n";
	struct value all = value_of("", 0);

	wire_send(w, ping, sizeof ping - 1);
	for (;;) {
		struct value v = wire_take(w);

		if (strncmp(v.data, pong, sizeof pong - 1) == 0) {
			value_free(&v);
			return all;
		}
		all.data = realloc(all.data, all.len + v.len + 1);
		memcpy(all.data + all.len, v.data, v.len + 1);
		all.len += v.len;
		value_free(&v);
	}
}

static void forget_events(void)
{
	int i;

	for (i = A; i <= B; i++) {
		struct value v = take_events(&p.events[i]);

		value_free(&v);
	}
}

struct event {
	const char *p;
	size_t len;
};

static int by_bytes(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return d ? d : (int)(x->len > y->len) - (int)(x->len < y->len);
}

/* Their bytes in another order, which does not depend on the one they came in. */
static void sort_events(struct value *v)
{
	struct event *e = NULL;
	size_t at, n = 0, i, used = 0;
	char *sorted = malloc(v->len + 1);

	for (at = 0; at < v->len; at += e[n++].len) {
		e = realloc(e, (n + 1) * sizeof *e);
		e[n] = (struct event){v->data + at, resp_length(v->data + at, v->len - at)};
	}
	if (n)
		qsort(e, n, sizeof *e, by_bytes);
	for (i = 0; i < n; used += e[i++].len)
		memcpy(sorted + used, e[i].p, e[i].len);
	sorted[used] = 0;
	free(e);
	free(v->data);
	v->data = sorted;
}

/* SORT BY and GET look up keys in the order of a set, which is each server's own. */
static bool looks_up_by_set(const struct command *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i].n && strncasecmp(c[i].word[0], "sort", 4) == 0)
			return true;
	return false;
}

/* ---- one empty state for both ---- */

static void log_in(const char *user, const char *password)
{
	struct cxlring_reply *r;
	int i;

	for (i = 0; i < 2; i++)
		wire_do(&p.a[i], "auth", user, password, NULL);
	if (cxlring_auth(p.ring, user, password, &r))
		ring_failed(p.ring);
	if (r->type == CXLRING_ERROR)
		die(DIE_TROUBLE, "%s", r->str);
	cxlring_free(r);
}

/* What a value is kept as shows in OBJECT ENCODING, and of a HyperLogLog in its bytes. */
static void set_limits(struct wire *w, bool small)
{
	const char *few = small ? "8" : "128", *bytes = small ? "24" : "64";

	wire_do(w, "config", "set", "hash-max-listpack-entries", few, "hash-max-listpack-value",
		bytes, "zset-max-listpack-entries", few, "zset-max-listpack-value", bytes,
		"set-max-intset-entries", small ? "8" : "512", "list-max-listpack-size",
		small ? "4" : "-2", "stream-node-max-entries", small ? "4" : "100",
		"hll-sparse-max-bytes", small ? "100" : "3000", NULL);
}

void pair_reset(const struct pair_setting *s)
{
	int i;

	p.setting = *s;
	for (i = A; i <= B; i++) {
		struct wire *w = &p.admin[i];

		wire_do(w, "flushall", NULL);
		wire_do(w, "function", "flush", NULL);
		wire_do(w, "script", "flush", NULL);
		set_limits(w, s->small);
		wire_do(w, "config", "set", "cxlring.fast-path", s->fast_path ? "yes" : "no", NULL);
	}
	if (p.names.replica)
		set_limits(&p.admin[R], s->small);
	log_in(s->limited ? "limited" : "default", "pw");
	memset(&p.leeway, 0, sizeof p.leeway);
	forget_events();
}

static bool info_says(struct wire *w, const char *section, const char *line)
{
	struct cxlring_reply *r = wire_ask(w, "info", section, NULL);
	bool says = r->str && strstr(r->str, line);

	cxlring_free(r);
	return says;
}

void pair_new_aof(void)
{
	int i;

	for (i = A; i <= B; i++) {
		struct wire *w = &p.admin[i];
		long t0 = now_ms();

		wire_do(w, "config", "set", "appendonly", "no", NULL);
		wire_do(w, "config", "set", "appendonly", "yes", NULL);
		while (!info_says(w, "persistence", "aof_rewrite_in_progress:0") ||
			   !info_says(w, "persistence", "aof_rewrite_scheduled:0")) {
			if (now_ms() - t0 > CATCH_UP_MS)
				die(DIE_TROUBLE, "the AOF is not rewritten in %d s", CATCH_UP_MS / 1000);
			usleep(2000);
		}
	}
}

/* ---- one batch ---- */

static struct {
	struct value a[BATCH_MAX + 4], b[BATCH_MAX + 4];
	size_t na, nb;
	char *buf; /* owned: what is sent */
	size_t len, cap;
} io;

static void forget_replies(void)
{
	while (io.na)
		value_free(&io.a[--io.na]);
	while (io.nb)
		value_free(&io.b[--io.nb]);
}

/* B's requests name their databases, A's connection has to be told. */
static void select_on_a(const struct command *c)
{
	struct command select = {0};

	if (c->db == p.db[c->resp3])
		return;
	command_text(&select, "select");
	command_number(&select, c->db);
	command_resp(&select, &io.buf, &io.len, &io.cap);
	command_free(&select);
	p.db[c->resp3] = c->db;
}

static void send_to_a(const struct command *c, size_t n)
{
	struct wire *w = &p.a[c->resp3];
	int db = p.db[c->resp3];
	size_t i;

	io.len = 0;
	for (i = 0; i < n; i++) {
		select_on_a(&c[i]);
		command_resp(&c[i], &io.buf, &io.len, &io.cap);
	}
	wire_send(w, io.buf, io.len);
	for (i = 0; i < n; i++) {
		if (c[i].db != db) {
			struct value selected = wire_take(w);

			value_free(&selected);
			db = c[i].db;
		}
		io.a[io.na++] = wire_take(w);
	}
}

static void take_from_ring(const struct command *c)
{
	struct cxlring_view v;

	if (cxlring_next(p.ring, &v, -1))
		ring_failed(p.ring);
	io.b[io.nb] = verb_value(&v, c[io.nb].resp3);
	io.nb++;
}

static void send_to_ring(const struct command *c, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		if (cxlring_select(p.ring, c[i].db))
			ring_failed(p.ring);
		if (c[i].alone || !verb_appends(&c[i])) {
			while (io.nb < i)
				take_from_ring(c);
			io.b[io.nb++] = verb_ask(p.ring, &c[i]);
			continue;
		}
		while ((rc = verb_append(p.ring, &c[i])) == -EAGAIN) {
			if (cxlring_flush(p.ring))
				ring_failed(p.ring);
			take_from_ring(c);
		}
		if (rc)
			ring_failed(p.ring);
	}
	if (cxlring_flush(p.ring))
		ring_failed(p.ring);
	while (io.nb < n)
		take_from_ring(c);
}

/*
 * As a session: who and in which protocol, the commands, and RESET, after which nothing
 * is left of it. Replies are taken until RESET's, since SUBSCRIBE has more than one.
 */
static void write_session(const struct command *c, size_t n)
{
	struct command more = {0};
	size_t i;

	io.len = 0;
	command_text(&more, "auth");
	command_text(&more, p.setting.limited ? "limited" : "default");
	command_text(&more, "pw");
	command_resp(&more, &io.buf, &io.len, &io.cap);
	command_free(&more);
	if (c->resp3) { /* RESP3's answer has the client's id */
		command_text(&more, "hello");
		command_text(&more, "3");
		command_resp(&more, &io.buf, &io.len, &io.cap);
		command_free(&more);
	}
	for (i = 0; i < n; i++)
		command_resp(&c[i], &io.buf, &io.len, &io.cap);
	command_text(&more, "reset");
	command_resp(&more, &io.buf, &io.len, &io.cap);
	command_free(&more);
}

static bool is_reset(const struct value *v)
{
	return strcmp(v->data, "+RESET\r\n") == 0;
}

/* Take off what is no command's of the stream: AUTH's, HELLO's, RESET's. */
static void strip(struct value *v, size_t *n, bool resp3)
{
	size_t i, head = resp3 ? 2 : 1;

	for (i = 0; i < head; i++)
		value_free(&v[i]);
	value_free(&v[*n - 1]);
	*n -= head + 1;
	memmove(v, v + head, *n * sizeof *v);
}

static void send_session_to_a(void)
{
	enum { MOST = sizeof io.a / sizeof *io.a };

	wire_send(&p.a_stream, io.buf, io.len);
	do {
		if (io.na == MOST)
			die(DIE_TROUBLE, "more replies than a session can have");
		io.a[io.na] = wire_take(&p.a_stream);
	} while (!is_reset(&io.a[io.na++]));
}

static void send_session_to_stream(void)
{
	enum { MOST = sizeof io.b / sizeof *io.b };
	struct cxlring_view v;
	char *got = NULL;
	size_t len = 0, used = 0, n;

	if (cxlring_stream_write(p.stream, io.buf, io.len, 60000))
		ring_failed(p.stream);
	do {
		while ((n = resp_length(got + used, len - used)) == 0) {
			if (cxlring_stream_next(p.stream, &v, 60000))
				ring_failed(p.stream);
			got = realloc(got, len + v.len + 1);
			memcpy(got + len, v.data, v.len);
			len += v.len;
		}
		if (io.nb == MOST)
			die(DIE_TROUBLE, "more replies than a session can have");
		io.b[io.nb] = value_of(got + used, n);
		used += n;
	} while (!is_reset(&io.b[io.nb++]));
	free(got);
}

static void send_batch(const struct command *c, size_t n)
{
	long t0 = now_ms(), took;

	forget_replies();
	if (c->way == WAY_STREAM) {
		write_session(c, n);
		send_session_to_a();
		send_session_to_stream();
		strip(io.a, &io.na, c->resp3);
		strip(io.b, &io.nb, c->resp3);
	} else {
		send_to_a(c, n);
		send_to_ring(c, n);
	}
	took = now_ms() - t0;
	p.leeway.skew_ms = took > p.leeway.skew_ms ? took : p.leeway.skew_ms;
}

/* ---- verdicts ---- */

static struct pair_verdict differ(size_t at, const char *what, const struct value *a,
	const struct value *b)
{
	struct pair_verdict v = {.at = at};
	size_t len;
	FILE *f = open_memstream(&v.text, &len);

	fprintf(f, "%s\n  A: ", what);
	bytes_print(f, a->data, a->len, 1000);
	fprintf(f, "\n  B: ");
	bytes_print(f, b->data, b->len, 1000);
	fprintf(f, "\n");
	fclose(f);
	return v;
}

/* In what they differ, not the whole. */
static struct pair_verdict differ_events(size_t at, struct value *a, struct value *b)
{
	size_t i = 0, back;

	while (i < a->len && i < b->len && a->data[i] == b->data[i])
		i++;
	back = i < 300 ? i : 300;
	return differ(at, "keyspace events (from 300 bytes before the first that differs)",
		&(struct value){a->data + i - back, a->len - i + back},
		&(struct value){b->data + i - back, b->len - i + back});
}

static bool compare_replies(const struct command *c, size_t n, size_t at,
	struct pair_verdict *v)
{
	const struct command *queued[BATCH_MAX];
	size_t i, nqueued = 0;
	bool multi = false;

	if (io.na != n || io.nb != n) { /* a session with subscriptions */
		for (i = 0; i < io.na && i < io.nb; i++)
			if (!compare(c, NULL, 0, &io.a[i], &io.b[i], p.leeway))
				break;
		if (i == io.na && i == io.nb)
			return true;
		*v = differ(at + n - 1, "replies of a session", &io.a[i], &io.b[i]);
		return false;
	}
	for (i = 0; i < n; i++) {
		bool exec = multi && command_is(&c[i], "exec");

		if (!compare(&c[i], exec ? queued : NULL, nqueued, &io.a[i], &io.b[i], p.leeway)) {
			*v = differ(at + i, "replies", &io.a[i], &io.b[i]);
			return false;
		}
		if (command_is(&c[i], "multi") && !multi && io.a[i].data[0] == '+') {
			multi = true;
			nqueued = 0;
		} else if (exec || (command_is(&c[i], "discard") && io.a[i].data[0] == '+')) {
			multi = false;
		} else if (multi && strcmp(io.a[i].data, "+QUEUED\r\n") == 0) {
			queued[nqueued++] = &c[i];
		}
	}
	return true;
}

static struct value digest(struct wire *w)
{
	struct cxlring_reply *r = wire_ask(w, "debug", "digest", NULL);
	struct value v = value_of(r->str, r->len);

	cxlring_free(r);
	return v;
}

/* Which keys of one database are not the same, into `f`. */
static void name_keys(FILE *f, struct wire *a, struct wire *b, int number)
{
	char db[] = {(char)('0' + number), 0};
	struct cxlring_reply *keys[2], *da, *dbb;
	struct wire *w[2] = {a, b};
	size_t i, side;

	for (side = 0; side < 2; side++) {
		wire_do(w[side], "select", db, NULL);
		keys[side] = wire_ask(w[side], "keys", "*", NULL);
	}
	for (side = 0; side < 2; side++)
		for (i = 0; i < keys[side]->elements; i++) {
			const struct cxlring_reply *k = keys[side]->element[i];
			struct command c = {0};
			struct value va, vb;

			command_text(&c, "debug");
			command_text(&c, "digest-value");
			command_add(&c, k->str, k->len);
			io.len = 0;
			command_resp(&c, &io.buf, &io.len, &io.cap);
			command_free(&c);
			wire_send(a, io.buf, io.len);
			wire_send(b, io.buf, io.len);
			va = wire_take(a);
			vb = wire_take(b);
			da = value_parse(&va);
			dbb = value_parse(&vb);
			if (strcmp(va.data, vb.data) != 0) {
				fprintf(f, "  database %s, key ", db);
				bytes_print(f, k->str, k->len, 200);
				fprintf(f, ": %s, %s\n", da->element[0]->str, dbb->element[0]->str);
			}
			cxlring_free(da);
			cxlring_free(dbb);
			value_free(&va);
			value_free(&vb);
		}
	for (side = 0; side < 2; side++) {
		cxlring_free(keys[side]);
		wire_do(w[side], "select", "0", NULL);
	}
}

/* Takes both texts. */
static bool same_digest(const char *what, struct value a, struct value b, struct wire *wa,
	struct wire *wb, size_t at, struct pair_verdict *v)
{
	bool same = strcmp(a.data, b.data) == 0;
	char *old;
	size_t len;
	FILE *f;
	int db;

	if (!same) {
		*v = differ(at, what, &a, &b);
		old = v->text;
		f = open_memstream(&v->text, &len);
		fputs(old, f);
		for (db = 0; db < 4; db++)
			name_keys(f, wa, wb, db);
		fclose(f);
		free(old);
	}
	value_free(&a);
	value_free(&b);
	return same;
}

/* "master_repl_offset:N" */
static long long offset(struct wire *w)
{
	struct cxlring_reply *r = wire_ask(w, "info", "replication", NULL);
	const char *at = strstr(r->str, "master_repl_offset:");
	long long n = at ? atoll(at + 19) : -1;

	cxlring_free(r);
	return n;
}

static bool same_replica(size_t at, struct pair_verdict *v)
{
	long t0 = now_ms();

	while (!info_says(&p.admin[R], "replication", "master_link_status:up") ||
		   offset(&p.admin[R]) != offset(&p.admin[B])) {
		if (now_ms() - t0 > CATCH_UP_MS) {
			*v = differ(at, "the replica does not catch up", &(struct value){"", 0},
				&(struct value){"", 0});
			return false;
		}
		usleep(5000);
	}
	return same_digest("B (as A here) and its replica", digest(&p.admin[B]),
		digest(&p.admin[R]), &p.admin[B], &p.admin[R], at, v);
}

/* Each AOF gives what its server had. */
static bool same_loaded(size_t at, struct pair_verdict *v)
{
	static const char *const what[] = {"A, and what its AOF is loaded to",
		"B (as A here), and what its AOF is loaded to (as B)"};
	int i;

	for (i = A; i <= B; i++) {
		struct value before = digest(&p.admin[i]);

		wire_do(&p.admin[i], "debug", "loadaof", NULL);
		if (!same_digest(what[i], before, digest(&p.admin[i]), &p.admin[i], &p.admin[i], at, v))
			return false;
	}
	return true;
}

static size_t batch_end(const struct command *c, size_t n, size_t from)
{
	size_t i = from + 1;

	while (i < n && i - from < BATCH_MAX && c[i].batch == c[from].batch &&
		   c[i].way == c[from].way && c[i].resp3 == c[from].resp3 && !c[i - 1].pause_ms)
		i++;
	return i;
}

struct pair_verdict pair_run(const struct command *c, size_t n, bool deep)
{
	struct pair_verdict v = {.same = true};
	size_t i, from, end, digested = 0;

	for (from = 0; from < n; from = end) {
		struct value ea, eb;
		bool same;

		end = batch_end(c, n, from);
		send_batch(c + from, end - from);
		if (!compare_replies(c + from, end - from, from, &v))
			return v;
		for (i = from; i < end; i++)
			p.leeway.mset |= c[i].way != WAY_STREAM && c[i].n > 3 &&
							 (command_is(&c[i], "mset") || command_is(&c[i], "msetnx"));
		ea = take_events(&p.events[A]);
		eb = take_events(&p.events[B]);
		if (looks_up_by_set(c + from, end - from)) {
			sort_events(&ea);
			sort_events(&eb);
		}
		same = ea.len == eb.len && memcmp(ea.data, eb.data, ea.len) == 0;
		if (!same)
			v = differ_events(end - 1, &ea, &eb);
		value_free(&ea);
		value_free(&eb);
		if (!same)
			return v;
		if (c[end - 1].pause_ms)
			usleep(c[end - 1].pause_ms * 1000);
		if (end - digested < DIGEST_EVERY && end < n)
			continue;
		digested = end;
		if (!same_digest("DEBUG DIGEST", digest(&p.admin[A]), digest(&p.admin[B]),
				&p.admin[A], &p.admin[B], end - 1, &v))
			return v;
	}
	if (!deep || !n)
		return v;
	if (p.names.replica && !same_replica(n - 1, &v))
		return v;
	same_loaded(n - 1, &v);
	return v;
}
