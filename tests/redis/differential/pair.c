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
#include "data.h"
#include "die.h"
#include "heard.h"
#include "lanes.h"
#include "wire.h"

enum { DIGEST_EVERY = 100, CATCH_UP_MS = 20000, BATCH_MAX = 256 };

/* What INFO counts. The ring's fast path counts some of it otherwise, as is documented;
 * and part of a SCAN looks up other keys in each server. */
static const struct {
	const char *section, *field;
	bool fast_as_well, scan_as_well;
} counters[] = {{"stats", "expired_keys:", true, true},
	{"stats", "keyspace_hits:", false, false}, {"stats", "keyspace_misses:", false, false},
	{"stats", "evicted_keys:", true, true},
	{"persistence", "rdb_changes_since_last_save:", false, true}};

enum { COUNTERS = sizeof counters / sizeof *counters };

static struct {
	struct pair_names names;
	struct pair_setting setting;
	struct wire a[2];      /* RESP2, RESP3 */
	int db[2];             /* that these have selected */
	struct wire a_stream;  /* as the stream is to B */
	struct wire admin[3];  /* A, B, B's replica; of the default user */
	struct heard heard[2]; /* A, B */
	struct cxlring *stream;
	struct leeway leeway;
	const struct command *current; /* the batch that was sent last */
	size_t ncurrent;
	bool scanned;
	long long counted[2][COUNTERS]; /* A, B: since when they were empty */
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

static void stream_failed(void)
{
	die(DIE_RING, "the stream failed: %s", cxlring_why(p.stream));
}

static void open_stream(void)
{
	struct cxlring_options o = {.region = p.names.region, .timeout_ms = 60000};
	char why[256];

	if (cxlring_open(&p.stream, &o, why, sizeof why))
		die(DIE_TROUBLE, "%s", why);
	if (cxlring_stream(p.stream))
		stream_failed();
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
	heard_open(&p.heard[A], n->a);
	heard_open(&p.heard[B], n->b);
	lanes_open(n->region);
	open_stream();
}

void pair_close(void)
{
	int i;

	lanes_close();
	cxlring_close(p.stream);
	for (i = 0; i < 2; i++) {
		wire_close(&p.a[i]);
		wire_close(&p.admin[i]);
		heard_close(&p.heard[i]);
	}
	if (p.names.replica)
		wire_close(&p.admin[R]);
	wire_close(&p.a_stream);
}

/* ---- what is heard ---- */

static void forget_heard(void)
{
	struct value events, keys;
	int i;

	for (i = A; i <= B; i++) {
		heard_take(&p.heard[i], &events, &keys);
		value_free(&events);
		value_free(&keys);
	}
}

/* Lanes have no order among them; SORT BY and GET look up keys in the order of a set,
 * which is each server's own. */
static bool in_no_order(const struct command *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i].lane != c[0].lane || strncasecmp(c[i].word[0], "sort", 4) == 0)
			return true;
	return false;
}

/* ---- one empty state for both ---- */

static void log_in(const char *user, const char *password)
{
	int i;

	for (i = 0; i < 2; i++)
		wire_do(&p.a[i], "auth", user, password, NULL);
	lanes_log_in(user, password);
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

static void count_from_here(void)
{
	int i, k;

	for (i = A; i <= B; i++)
		for (k = 0; k < COUNTERS; k++)
			p.counted[i][k] =
				info_number(&p.admin[i], counters[k].section, counters[k].field);
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
	forget_heard();
	p.scanned = false;
	count_from_here();
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
	struct value a[BATCH_MAX * 8], b[BATCH_MAX * 8]; /* SUBSCRIBE answers each channel */
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
		stream_failed();
	do {
		while ((n = resp_length(got + used, len - used)) == 0) {
			if (cxlring_stream_next(p.stream, &v, 60000))
				stream_failed();
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
	p.current = c;
	p.ncurrent = n;
	if (c->way == WAY_STREAM) {
		write_session(c, n);
		send_session_to_a();
		send_session_to_stream();
		strip(io.a, &io.na, c->resp3);
		strip(io.b, &io.nb, c->resp3);
	} else {
		send_to_a(c, n);
		lanes_run(c, n, io.b);
		io.nb = n;
	}
	took = now_ms() - t0;
	p.leeway.skew_ms = took > p.leeway.skew_ms ? took : p.leeway.skew_ms;
}

void pair_current(const struct command **c, size_t *n)
{
	*c = p.current;
	*n = p.ncurrent;
}

/* ---- verdicts ---- */

static bool same_heard(const struct command *c, size_t n, size_t at, struct verdict *v)
{
	struct value events[2], keys[2];
	bool same;
	int i;

	for (i = A; i <= B; i++) {
		heard_take(&p.heard[i], &events[i], &keys[i]);
		if (in_no_order(c, n))
			heard_sort(&events[i]);
	}
	same = verdict_bytes(at, "keyspace events", &events[A], &events[B], v);
	if (!same) {
		value_free(&keys[A]);
		value_free(&keys[B]);
		return false;
	}
	return verdict_bytes(at, "keys that caches have to forget", &keys[A], &keys[B], v);
}

static bool compare_replies(const struct command *c, size_t n, size_t at,
	struct verdict *v)
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
		*v = verdict_differ(at + n - 1, "replies of a session", &io.a[i], &io.b[i]);
		return false;
	}
	for (i = 0; i < n; i++) {
		bool exec = multi && command_is(&c[i], "exec");

		if (!compare(&c[i], exec ? queued : NULL, nqueued, &io.a[i], &io.b[i], p.leeway)) {
			*v = verdict_differ(at + i, "replies", &io.a[i], &io.b[i]);
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

static long long offset(struct wire *w)
{
	return info_number(w, "replication", "master_repl_offset:");
}

static bool same_replica(size_t at, struct verdict *v)
{
	long t0 = now_ms();

	while (!info_says(&p.admin[R], "replication", "master_link_status:up") ||
		   offset(&p.admin[R]) != offset(&p.admin[B])) {
		if (now_ms() - t0 > CATCH_UP_MS) {
			*v = verdict_differ(at, "the replica does not catch up", &(struct value){"", 0},
				&(struct value){"", 0});
			return false;
		}
		usleep(5000);
	}
	return data_same("B (as A here) and its replica", data_digest(&p.admin[B]),
		data_digest(&p.admin[R]), &p.admin[B], &p.admin[R], at, v);
}

/* Each AOF gives what its server had. */
static bool same_loaded(size_t at, struct verdict *v)
{
	static const char *const what[] = {"A, and what its AOF is loaded to",
		"B (as A here), and what its AOF is loaded to (as B)"};
	int i;

	for (i = A; i <= B; i++) {
		struct value before = data_digest(&p.admin[i]);

		wire_do(&p.admin[i], "debug", "loadaof", NULL);
		if (!data_same(what[i], before, data_digest(&p.admin[i]), &p.admin[i], &p.admin[i], at, v))
			return false;
	}
	return true;
}

static bool same_counters(size_t at, struct verdict *v)
{
	char text[2][80];
	int i, k;

	for (k = 0; k < COUNTERS; k++) {
		if ((p.setting.fast_path && !counters[k].fast_as_well) ||
			(p.scanned && !counters[k].scan_as_well))
			continue;
		for (i = A; i <= B; i++)
			sprintf(text[i], "%s%lld", counters[k].field,
				info_number(&p.admin[i], counters[k].section, counters[k].field) -
					p.counted[i][k]);
		if (strcmp(text[A], text[B]) == 0)
			continue;
		*v = verdict_differ(at, "INFO", &(struct value){text[A], strlen(text[A])},
			&(struct value){text[B], strlen(text[B])});
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

/* What has gone by that makes a difference allowed. */
static void note(const struct command *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		p.leeway.mset |= c[i].way != WAY_STREAM && c[i].n > 3 &&
						 (command_is(&c[i], "mset") || command_is(&c[i], "msetnx"));
		p.scanned |= command_is(&c[i], "scan");
	}
}

struct verdict pair_run(const struct command *c, size_t n, bool deep)
{
	struct verdict v = {.same = true};
	size_t from, end, digested = 0;

	for (from = 0; from < n; from = end) {
		end = batch_end(c, n, from);
		note(c + from, end - from);
		send_batch(c + from, end - from);
		if (!compare_replies(c + from, end - from, from, &v))
			return v;
		if (!same_heard(c + from, end - from, end - 1, &v))
			return v;
		if (c[end - 1].pause_ms)
			usleep(c[end - 1].pause_ms * 1000);
		if (end - digested < DIGEST_EVERY && end < n)
			continue;
		digested = end;
		if (!data_same("DEBUG DIGEST", data_digest(&p.admin[A]), data_digest(&p.admin[B]),
				&p.admin[A], &p.admin[B], end - 1, &v))
			return v;
	}
	if (n && !same_counters(n - 1, &v))
		return v;
	if (!deep || !n)
		return v;
	if (p.names.replica && !same_replica(n - 1, &v))
		return v;
	same_loaded(n - 1, &v);
	return v;
}
