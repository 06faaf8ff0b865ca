/* SPDX-License-Identifier: BSD-3-Clause */
#include "conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "region_path.h"
#include "secure.h"
#include "wait.h"
#include "watch.h"

enum {
	TIMEOUT_MS = 5000,
	LOOK_MS = 5,              /* for a server that is not there */
	SPIN_US = 50,
	PARTS_PER_PAUSE = 64,     /* of a reply that may never end: look at the clock */
	SLICE_MS = 100,           /* of a long wait: then see whether the server lives */
	KEEP_BYTES = 256 << 10,   /* of a buffer, between long messages */
};

#define REPLY_MAX (4ull << 30) /* the server is believed on how long a reply is */

int conn_fail(struct cxlring *c, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof c->why, fmt, ap);
	va_end(ap);
	return rc;
}

const char *cxlring_why(const struct cxlring *c)
{
	return c->why;
}

/* ---- life ---- */

static char *keep(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void take_options(struct cxlring *c, const struct cxlring_options *o)
{
	static const struct cxlring_options none;

	c->options = o ? *o : none;
	c->region_path = keep(region_path(c->options.region));
	c->user = keep(c->options.user);
	c->password = keep(c->options.password);
	c->label = keep(c->options.label);
	c->options.region = c->region_path;
	c->options.user = c->user;
	c->options.password = c->password;
	c->options.label = c->label;
	if (c->options.timeout_ms == 0)
		c->options.timeout_ms = TIMEOUT_MS;
	if (c->options.spin_us == 0)
		c->options.spin_us = SPIN_US;
}

static void detach(struct cxlring *c);

static int attach(struct cxlring *c)
{
	struct chan_config config = {.label = c->options.label,
		.spin_ns = c->options.spin_us > 0 ? (uint64_t)c->options.spin_us * 1000 : 0,
		.delay_ns = chan_delay_from_env(), .view = c->trust ? c->trust->view : NULL};
	struct err_text e = {""};
	int rc = 0;

	if (!c->mapped)
		rc = region_open(&c->region, c->options.region, c->options.offset,
			c->options.map_size, &e);
	c->mapped = rc == 0;
	if (rc == 0)
		rc = secure_ready(c->trust, &e);
	if (rc == 0)
		rc = chan_attach(&c->chan, &c->region, KV_SERVICE, &config, &e);
	if (rc == -EMEDIUMTYPE && c->mapped) {
		region_close(&c->region); /* formatted anew: map it anew next time */
		c->mapped = false;
	}
	c->attached = rc == 0;
	return rc ? conn_fail(c, rc, "%s", e.s[0] ? e.s : err_name(rc)) : 0;
}

/* Seal a channel that was just opened; a failure gives it back. */
static int seal_channel(struct cxlring *c)
{
	struct handshake *h = NULL;
	struct err_text e = {""};
	uint64_t t0 = clock_ms();
	int rc;

	if (!c->trust)
		return 0;
	while ((rc = secure_connect(&h, &c->chan, c->trust, &c->tenure.server, &e)) == -EAGAIN) {
		rc = chan_await(&c->chan, SLICE_MS);
		if (rc && rc != -EAGAIN)
			break;
		if (c->options.timeout_ms >= 0 && clock_ms() - t0 >= (uint64_t)c->options.timeout_ms) {
			rc = -ETIMEDOUT;
			break;
		}
	}
	handshake_destroy(h);
	if (rc == 0) {
		tenure_begin(&c->tenure, c->trust);
		return 0;
	}
	detach(c);
	return conn_fail(c, rc == -EOWNERDEAD ? -EAGAIN : rc, "%s",
		e.s[0] ? e.s : "no sealed channel: the server refused it or did not answer");
}

/* Before the next attempt to be connected, as the last one came to `rc`. False: the time is up. */
static bool pause_attempt(const struct cxlring *c, int rc, uint64_t t0, uint32_t *refused_ms)
{
	uint64_t ms = LOOK_MS, spent = clock_ms() - t0;

	if (rc == -ESTALE)
		ms = *refused_ms = wait_refused_ms(*refused_ms);
	if (c->options.timeout_ms >= 0) {
		uint64_t most = (uint64_t)c->options.timeout_ms;

		if (spent >= most)
			return false;
		ms = ms < most - spent ? ms : most - spent;
	}
	usleep((useconds_t)ms * 1000);
	return true;
}

/* The time for that is up; the last attempt came to `rc`. */
static int not_connected(struct cxlring *c, int rc)
{
	char why[sizeof c->why];

	if (rc == -EAGAIN)
		return conn_fail(c, -EOWNERDEAD, "no server came within %d ms", c->options.timeout_ms);
	snprintf(why, sizeof why, "%s", c->why);
	return conn_fail(c, -EOWNERDEAD, "for %d ms: %.200s", c->options.timeout_ms, why);
}

/* Again while the range's key is changing, which one end hears of first, or the server has no
 * answer from the manager. */
static int attach_sealed(struct cxlring *c)
{
	uint32_t refused_ms = 0;
	uint64_t t0 = clock_ms();
	int rc;

	do {
		rc = attach(c);
		if (rc == 0)
			rc = seal_channel(c);
	} while (rc == -ESTALE && pause_attempt(c, rc, t0, &refused_ms));
	return rc == -ESTALE ? not_connected(c, rc) : rc;
}

static void forget_messages(struct cxlring *c)
{
	c->streams = false;
	free(c->out_buf);
	c->out_buf = NULL;
	message_reset(&c->in, 0);
	c->taken = false;
}

static void detach(struct cxlring *c)
{
	forget_messages(c);
	if (c->attached)
		chan_detach(&c->chan);
	c->attached = false;
}

/* Is this an error that passes? */
static bool later(const uint8_t *text, uint64_t len)
{
	return len >= 8 && (memcmp(text, "LOADING ", 8) == 0 || memcmp(text, "BUSY ", 5) == 0);
}

/* The password, on a channel that was just opened; a failure gives that back. */
static int authenticate(struct cxlring *c)
{
	const char *user = c->options.user ? c->options.user : "";
	struct kv_header h = {.n = (uint32_t)strlen(user)};
	struct part v[2] = {{user, h.n}, {c->options.password, 0}};
	const uint8_t *data;
	uint64_t len;
	uint8_t kind;
	int rc;

	if (!c->options.password)
		return 0;
	v[1].len = strlen(c->options.password);
	rc = conn_put(c, KV_AUTH, h, v, 2);
	if (rc == 0)
		rc = conn_take(c, &kind, &data, &len, c->options.timeout_ms);
	if (rc == 0 && kind != KV_OK)
		rc = conn_fail(c, later(data, len) ? -EAGAIN : -EACCES, "%.*s",
			(int)(len < 200 ? len : 200), (const char *)data);
	if (rc) { /* as the default user it would go on, and with an answer too many */
		detach(c);
		c->answered = c->dropped = c->asked;
	}
	return rc;
}

/* The strings are not needed afterwards. */
static int load_trust(struct cxlring *c)
{
	const struct cxlring_options *o = &c->options;
	const struct trust_files files = {o->cert, o->key, o->ca, o->crl, o->psk};
	struct err_text e = {""};
	int rc = o->secure ? watch_load(&c->trust, &files, o->sec_mgr, o->sec_pool, NULL, &e) : 0;

	c->options.cert = c->options.key = c->options.ca = c->options.crl = c->options.psk = NULL;
	c->options.sec_mgr = c->options.sec_pool = NULL;
	return rc ? conn_fail(c, rc, "%s", e.s[0] ? e.s : err_name(rc)) : 0;
}

int cxlring_open(
	struct cxlring **out, const struct cxlring_options *o, char *why, size_t len)
{
	struct cxlring *c;
	int rc;

	*out = NULL;
	if (posix_memalign((void **)&c, 128, sizeof *c))
		return -ENOMEM;
	memset(c, 0, sizeof *c);
	c->in.grow = message_heap;
	c->in.max = REPLY_MAX;
	take_options(c, o);
	rc = cxlring_select(c, c->options.db);
	if (rc == 0)
		rc = load_trust(c);
	if (rc == 0 && c->options.region)
		rc = attach_sealed(c);
	else if (rc == 0)
		rc = conn_fail(c, -EINVAL,
			"no region: give its path, or set CXLRING_REGION or CXL_RING_PATH");
	if (rc == 0)
		rc = authenticate(c);
	if (rc == 0) {
		*out = c;
		return 0;
	}
	if (why && len)
		snprintf(why, len, "%s", c->why[0] ? c->why : err_name(rc));
	cxlring_close(c);
	return rc;
}

void cxlring_close(struct cxlring *c)
{
	if (!c)
		return;
	detach(c);
	if (c->mapped)
		region_close(&c->region);
	trust_drop(c->trust);
	free(c->region_path);
	free(c->user);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	free(c->label);
	free(c);
}

/* ---- servers go and come ---- */

/* What was outstanding will never be answered. A channel that an administrator took away, or
 * whose server is not to be believed any more, is given back at once; the next call connects anew. */
static int lose(struct cxlring *c, const char *why)
{
	bool killed = c->attached && chan_killed(&c->chan);
	char text[sizeof c->why];

	snprintf(text, sizeof text, "%s",
		why ? why : killed ? "the server closed this connection: CXLRING.KILL" : "the server went away");
	c->lost = c->asked - c->answered;
	c->answered = c->dropped = c->asked;
	forget_messages(c);
	if (killed || why)
		detach(c);
	return conn_fail(c, -ECONNRESET,
		"%.160s; whether it executed the %llu requests that it did not answer is unknown", text,
		(unsigned long long)c->lost);
}

/* One attempt to be connected: 0, -EAGAIN (no server yet), -ESTALE (there is one, which refuses for
 * now), or an error that stays. */
static int connect_once(struct cxlring *c)
{
	int rc = 0;

	if (c->attached) {
		rc = chan_state(&c->chan);
		if (rc == 0 || rc == -EAGAIN)
			return rc;
		if (rc == -EOWNERDEAD)
			rc = chan_reopen(&c->chan);
		if (rc == -EAGAIN)
			return rc;
		if (rc)
			detach(c); /* the channel is another's, or refused */
	}
	if (!c->attached)
		rc = attach(c);
	if (rc == 0)
		rc = seal_channel(c);
	else /* No region, no server, not ready: all of them may come. */
		return rc == -EOWNERDEAD || rc == -ENOENT || rc == -EMEDIUMTYPE || rc == -EFBIG
				   ? -EAGAIN
				   : rc;
	if (rc)
		return rc;
	rc = authenticate(c);
	return rc == -EAGAIN ? -ESTALE : rc;
}

int conn_ready(struct cxlring *c)
{
	bool over = conn_tenure_over(c);
	uint32_t refused_ms = 0;
	uint64_t t0;
	int rc;

	if (__builtin_expect(c->attached && !c->chan.rx.broken && !c->chan.tx.broken &&
							 shm_load32(&c->chan.shm->gen) == c->chan.gen && !over,
			1))
		return 0;
	if (c->asked != c->answered)
		return lose(c, over ? c->why : NULL);
	if (over)
		detach(c);
	t0 = clock_ms();
	while ((rc = connect_once(c)) == -EAGAIN || rc == -ESTALE)
		if (!pause_attempt(c, rc, t0, &refused_ms))
			return not_connected(c, rc);
	return rc;
}

/* ---- out ---- */

static void gather(uint8_t *to, const struct kv_header *h, const struct part *v, int n)
{
	int i;

	memcpy(to, h, sizeof *h);
	to += sizeof *h;
	for (i = 0; i < n; i++) {
		if (v[i].len)
			memcpy(to, v[i].p, v[i].len);
		to += v[i].len;
	}
}

int conn_put(struct cxlring *c, enum kv_request verb, struct kv_header h,
	const struct part *v, int n)
{
	struct ring *tx = &c->chan.tx;
	uint64_t len = sizeof h;
	uint8_t *at;
	int i, rc;

	if (c->out_buf)
		return -EAGAIN;
	h.db = (uint16_t)c->options.db;
	for (i = 0; i < n; i++)
		len += v[i].len;
	if (len <= ring_frame_max(tx)) {
		rc = ring_claim(tx, (uint32_t)len, &at);
		if (rc == 0) {
			gather(at, &h, v, n);
			ring_commit(tx, (uint32_t)len, (uint8_t)verb, 0, ++c->asked);
		}
		c->cost.full += rc == -EAGAIN;
		return rc;
	}
	c->out_buf = malloc(len);
	if (!c->out_buf)
		return conn_fail(c, -ENOMEM, "no memory for a request of %llu bytes",
			(unsigned long long)len);
	gather(c->out_buf, &h, v, n);
	c->out = (struct message_out){
		.data = c->out_buf, .len = len, .id = ++c->asked, .kind = (uint8_t)verb};
	return 0;
}

/* Go on with a long request, and make visible what is there. */
int cxlring_flush(struct cxlring *c)
{
	int rc = 0;

	if (!c->attached)
		return 0; /* nothing can be waiting */
	if (c->out_buf) {
		rc = message_send(&c->chan.tx, &c->out);
		if (rc == 0) {
			free(c->out_buf);
			c->out_buf = NULL;
		}
	}
	chan_publish(&c->chan);
	if (c->chan.tx.broken && seal_copied(&c->chan.tx)) /* nothing was shown: nobody would answer */
		return -EPROTO;
	return rc == -EAGAIN ? 0 : rc;
}

/* ---- in ---- */

static void step_over(struct cxlring *c)
{
	if (!c->taken)
		return;
	c->taken = false;
	message_reset(&c->in, KEEP_BYTES);
	ring_release_seldom(&c->chan.rx);
}

/* The frames that are there, until one completes a message that somebody waits for. */
static int take_ready(
	struct cxlring *c, uint8_t *kind, const uint8_t **data, uint64_t *len)
{
	struct frame f;
	int rc, parts = 0;

	for (;;) {
		rc = ring_peek(&c->chan.rx, &f);
		/* Not frame by frame: a ring full of what nobody waits for, and of this
		 * generation, would be read round and round. */
		if (rc == -EAGAIN)
			ring_release(&c->chan.rx);
		if (rc)
			return rc;
		rc = message_take(&c->in, &f, data, len);
		ring_next(&c->chan.rx);
		if (rc == -EAGAIN) {
			if (f.id > c->dropped)
				ring_release(&c->chan.rx);
			if (++parts == PARTS_PER_PAUSE)
				return -EAGAIN;
			continue;
		}
		if (rc)
			return rc;
		if (f.id != c->answered + 1 && f.id > c->dropped)
			return -EPROTO;
		if (f.id <= c->dropped)
			continue; /* nobody waits for it any more */
		c->answered++;
		c->taken = true;
		*kind = f.kind;
		return 0;
	}
}

/* Sleep for a reply, or for room for the rest of a long request. */
static int wait_once(struct cxlring *c, uint32_t ms)
{
	uint64_t slept = c->chan.slept, t0 = clock_ticks();
	int rc;

	if (c->out_buf)
		rc = chan_await_room(&c->chan);
	else
		rc = chan_await(&c->chan, ms);
	if (c->chan.slept != slept) {
		c->cost.sleeps++;
		c->cost.sleep_ns += clock_to_ns(clock_ticks() - t0);
	}
	if (rc == -EAGAIN)
		rc = chan_state(&c->chan); /* -EAGAIN from there: no server */
	else if (rc == 0)
		return 0;
	if (rc == 0)
		return 0;
	if (rc == -EPROTO)
		return conn_fail(c, -EPROTO, "the server refused the channel; its log says why");
	return lose(c, NULL);
}

int conn_take(struct cxlring *c, uint8_t *kind, const uint8_t **data, uint64_t *len,
	int timeout_ms)
{
	uint64_t t0 = 0, now, waited = 0, left;
	int rc;

	step_over(c);
	if (c->asked == c->answered)
		return -ENODATA;
	for (;;) {
		rc = take_ready(c, kind, data, len);
		if (rc == 0)
			return 0;
		if (rc != -EAGAIN) {
			c->chan.rx.broken = true;
			return conn_fail(c, rc, "the reply ring holds what no server writes (%s)",
				err_name(rc));
		}
		rc = cxlring_flush(c);
		if (rc)
			return lose(c, conn_tenure_over(c) ? c->why : NULL);
		if (timeout_ms == 0)
			return -EAGAIN;
		now = clock_ticks();
		t0 = t0 ? t0 : now;
		if ((int64_t)(now - t0) > 0) /* not after a suspension that reset the counter */
			waited = clock_to_ns(now - t0) / 1000000;
		if (timeout_ms > 0 && waited >= (uint64_t)timeout_ms)
			return conn_fail(c, -ETIMEDOUT, "no answer within %d ms", timeout_ms);
		left = timeout_ms > 0 ? (uint64_t)timeout_ms - waited : SLICE_MS;
		rc = wait_once(c, left < SLICE_MS ? (uint32_t)left : SLICE_MS);
		if (rc)
			return rc;
	}
}

int conn_drain(struct cxlring *c, uint64_t *since_ms)
{
	const uint8_t *data;
	uint64_t len;
	uint8_t kind;
	int rc;

	*since_ms = *since_ms ? *since_ms : clock_ms();
	if (c->asked != c->answered || !c->attached)
		return -EAGAIN;
	if (c->options.timeout_ms >= 0 &&
		clock_ms() - *since_ms >= (uint64_t)c->options.timeout_ms)
		return -EAGAIN;
	rc = take_ready(c, &kind, &data, &len);
	if (rc != -EAGAIN)
		return rc ? rc : -EPROTO;
	rc = cxlring_flush(c);
	if (!rc)
		rc = chan_await_room(&c->chan);
	return rc == -EAGAIN ? 0 : rc ? lose(c, NULL) : 0;
}

size_t cxlring_outstanding(const struct cxlring *c)
{
	return c->asked - c->answered;
}

size_t cxlring_lost(const struct cxlring *c)
{
	return c->lost;
}

void cxlring_cost(const struct cxlring *c, struct cxlring_cost *cost)
{
	*cost = c->cost;
	cost->rings = c->chan.rung;
}
