/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum {
	KEEP_BYTES = 1 << 16,
	PARTS_PER_PAUSE = 64, /* of a reply that may never end, whatever its length */
};

void ops_client_init(struct ops_client *c, const struct region *r,
	const struct chan_config *config, uint8_t *(*grow)(uint8_t *, uint64_t),
	uint64_t reply_max)
{
	memset(c, 0, sizeof *c);
	c->region = r;
	c->config = *config;
	c->in.grow = grow;
	c->in.max = reply_max;
}

void ops_release(struct ops_client *c)
{
	if (c->attached)
		chan_detach(&c->chan);
	c->attached = c->spoiled = false;
	message_reset(&c->in, KEEP_BYTES);
}

void ops_client_fini(struct ops_client *c)
{
	ops_release(c);
	message_reset(&c->in, 0);
	if (c->out)
		c->in.grow(c->out, 0);
	sodium_memzero(c->credential, sizeof c->credential);
	c->out = NULL;
}

void ops_give_up(struct ops_client *c)
{
	if (c->attached && c->waiting)
		shm_store64(&c->chan.shm->given_up, c->waiting);
	c->waiting = 0;
}

void ops_done(struct ops_client *c)
{
	if (c->attached)
		ring_release(&c->chan.rx);
	message_reset(&c->in, KEEP_BYTES);
}

void ops_prove(uint8_t mac[OPS_MAC], const uint8_t challenge[OPS_CHALLENGE],
	const uint8_t credential[OPS_CREDENTIAL])
{
	crypto_auth(mac, challenge, OPS_CHALLENGE, credential);
}

int ops_credential_read(
	uint8_t credential[OPS_CREDENTIAL], const char *path, struct err_text *e)
{
	char hex[2 * OPS_CREDENTIAL + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;
	size_t got;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		err_set(e, "credential %s: %s; make one with: hedbctl key credential %s", path,
			strerror(errno), path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	n = read(fd, hex, sizeof hex);
	close(fd);
	if (!S_ISREG(st.st_mode)) {
		err_set(e, "%s is no regular file", path);
		rc = -EMEDIUMTYPE;
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		err_set(e, "credential %s can be read by others; chmod 600 it", path);
		rc = -EACCES;
	} else if (n < 2 * OPS_CREDENTIAL ||
		   sodium_hex2bin(credential, OPS_CREDENTIAL, hex, 2 * OPS_CREDENTIAL, NULL,
			   &got, NULL) ||
		   got != OPS_CREDENTIAL) {
		err_set(e, "%s is not a credential: 64 hexadecimal digits expected", path);
		rc = -EMEDIUMTYPE;
	}
	sodium_memzero(hex, sizeof hex);
	return rc;
}

/* One call in progress. */
struct call {
	uint8_t kind;
	uint64_t len;
	ops_fill *fill;
	void *arg;
	uint64_t timeout_ms; /* 0 = none */
	uint64_t deadline;   /* clock_ms; 0 until the first pause: most calls have none */
	uint64_t id;
	struct err_text *e;
};

static uint64_t left_ms(struct call *k)
{
	uint64_t now = clock_ms();

	if (!k->deadline)
		k->deadline = k->timeout_ms ? now + k->timeout_ms : UINT64_MAX;
	return k->deadline > now ? k->deadline - now : 0;
}

static uint32_t slice_of(struct call *k)
{
	/* Before the first pause no time to speak of has passed: do not ask the clock. */
	uint64_t left = k->deadline ? left_ms(k) : k->timeout_ms ? k->timeout_ms : UINT64_MAX;

	return left < OPS_SLICE_MS ? (uint32_t)left : OPS_SLICE_MS;
}

/* A pause of a call; the caller's interrupts may jump out of here. */
static int pause_call(struct ops_client *c, struct call *k)
{
	if (c->idle)
		c->idle(c->idle_ctx);
	return left_ms(k) ? 0 : -ETIMEDOUT;
}

/* Wait for room in the request ring, once. */
static int wait_room(struct ops_client *c, struct call *k)
{
	int rc = chan_await_room(&c->chan);

	return rc && rc != -EAGAIN ? rc : pause_call(c, k);
}

/* Copy a long request out of `fill` once, then send it in parts as room comes. */
static int send_long(struct ops_client *c, struct call *k)
{
	struct message_out m = {.len = k->len, .id = k->id, .kind = k->kind};
	int rc;

	if (c->out_cap < k->len) {
		uint8_t *p = c->in.grow(c->out, k->len);

		if (!p)
			return -ENOMEM;
		c->out = p;
		c->out_cap = k->len;
	}
	k->fill(k->arg, c->out, k->len);
	m.data = c->out;
	c->spoiled = true; /* until all parts are out */
	while ((rc = message_send(&c->chan.tx, &m)) == -EAGAIN) {
		chan_publish(&c->chan);
		rc = wait_room(c, k);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	c->spoiled = false;
	chan_publish(&c->chan);
	if (c->out_cap > KEEP_BYTES) {
		c->in.grow(c->out, 0);
		c->out = NULL;
		c->out_cap = 0;
	}
	return 0;
}

static int send_request(struct ops_client *c, struct call *k)
{
	uint8_t *at;
	int rc;

	k->id = ++c->chan.next_id;
	c->waiting = k->id;
	c->in.len = 0;
	if (k->len > ring_frame_max(&c->chan.tx))
		return send_long(c, k);
	while ((rc = ring_claim(&c->chan.tx, (uint32_t)k->len, &at)) == -EAGAIN) {
		/* full of requests whose callers gave up */
		rc = wait_room(c, k);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (k->fill)
		k->fill(k->arg, at, k->len);
	ring_commit(&c->chan.tx, (uint32_t)k->len, k->kind, 0, k->id);
	chan_publish(&c->chan);
	return 0;
}

/*
 * Wait for the reply to k->id; replies to calls that were given up are skipped, and their
 * room is given back when nothing more is there. Not one by one: a ring full of frames of
 * this generation would be read round and round, with no pause. So it is -EPROTO.
 */
static int await_reply(struct ops_client *c, struct call *k, uint8_t *kind,
	const uint8_t **reply, uint64_t *len)
{
	struct frame f;
	int rc, turns, parts = 0;

	for (turns = 0;; turns++) {
		while ((rc = ring_peek(&c->chan.rx, &f)) == 0) {
			if (f.id != k->id) {
				ring_next(&c->chan.rx);
				continue;
			}
			rc = message_take(&c->in, &f, reply, len);
			ring_next(&c->chan.rx);
			if (rc == 0) {
				*kind = f.kind;
				return 0;
			}
			ring_release(&c->chan.rx);
			if (rc == -EAGAIN && ++parts % PARTS_PER_PAUSE == 0)
				rc = pause_call(c, k) ? -ETIMEDOUT : -EAGAIN;
			if (rc != -EAGAIN)
				return rc;
		}
		if (rc != -EAGAIN)
			return rc;
		ring_release(&c->chan.rx);
		/* Also when something came that was not the reply: it may go on coming. */
		rc = turns ? pause_call(c, k) : 0;
		if (rc)
			return rc;
		rc = chan_await(&c->chan, slice_of(k));
		c->ticks_waiting += c->chan.waited;
		if (rc && rc != -EAGAIN)
			return rc;
	}
}

/* The server's own refusal: u32 errno, text. */
static int failed(const uint8_t *reply, uint64_t len, struct err_text *e)
{
	uint32_t code = EPROTO;
	char *p;

	if (len >= sizeof code)
		memcpy(&code, reply, sizeof code);
	err_set(e, "%.*s", (int)(len > 4 ? (len - 4 < 200 ? len - 4 : 200) : 0),
		(const char *)reply + 4);
	for (p = e->s; *p; p++) /* a neighbour may have written it */
		if (*p < ' ' || *p > '~')
			*p = '?';
	return code == 0 || code > 4095 ? -EPROTO : -(int)code;
}

static void fill_bytes(void *arg, uint8_t *at, uint64_t len)
{
	memcpy(at, arg, len);
}

/* Ask for the role that the client wants. Runs on a channel that was just opened. */
static int gain_role(struct ops_client *c, struct call *outer)
{
	struct call k = {.kind = OPS_HELLO, .timeout_ms = outer->timeout_ms,
		.deadline = outer->deadline, .e = outer->e};
	uint8_t proof[1 + OPS_MAC], challenge[OPS_CHALLENGE], kind;
	const uint8_t *reply;
	uint64_t len;
	int rc = send_request(c, &k);

	if (!rc)
		rc = await_reply(c, &k, &kind, &reply, &len);
	if (rc)
		return rc;
	if (kind != (OPS_HELLO | OPS_REPLY) || len != OPS_CHALLENGE)
		return -EPROTO;
	memcpy(challenge, reply, sizeof challenge);
	ops_done(c);
	proof[0] = (uint8_t)c->role;
	ops_prove(proof + 1, challenge, c->credential);
	k.kind = OPS_PROVE;
	k.len = sizeof proof;
	k.fill = fill_bytes;
	k.arg = proof;
	rc = send_request(c, &k);
	if (!rc)
		rc = await_reply(c, &k, &kind, &reply, &len);
	if (!rc && kind == OPS_FAIL)
		rc = failed(reply, len, outer->e);
	ops_done(c);
	return rc;
}

/* A session without the role it needs is of no use: next time from the start, also when
 * the caller's interrupts jump out in between. */
static int have_role(struct ops_client *c, struct call *k)
{
	int rc;

	if (c->role == ROLE_DB)
		return 0;
	c->spoiled = true;
	rc = gain_role(c, k);
	c->spoiled = rc != 0;
	return rc;
}

/* Have an open channel, waiting for a server or a free channel as configured. */
static int attach(struct ops_client *c, struct call *k)
{
	uint64_t t0 = clock_ms();
	int rc;

	while ((rc = chan_attach(&c->chan, c->region, "ops", &c->config, k->e)) != 0) {
		uint64_t waited = clock_ms() - t0;

		if (rc != -EOWNERDEAD && (rc != -EUSERS || waited >= c->wait_channel_ms))
			return rc;
		wait_poll(waited * 1000);
		if (pause_call(c, k))
			return rc == -EUSERS ? rc : -ETIMEDOUT;
	}
	c->attached = true;
	return have_role(c, k);
}

/* The server was replaced: go on under the new one, on this channel or another. */
static int recover(struct ops_client *c, struct call *k)
{
	int rc;

	c->retries++;
	c->spoiled = false;
	while ((rc = chan_reopen(&c->chan)) == -EAGAIN) {
		wait_poll(10000);
		rc = pause_call(c, k);
		if (rc)
			return rc;
	}
	if (rc == 0)
		return have_role(c, k);
	ops_release(c);
	return attach(c, k);
}

/* Send and wait. A ring that looks broken may be one whose server is being replaced:
 * its head goes back to 0 then, before the generation tells. */
static int ask(struct ops_client *c, struct call *k, uint8_t *got, const uint8_t **reply,
	uint64_t *reply_len)
{
	int rc = send_request(c, k), state;

	if (!rc)
		rc = await_reply(c, k, got, reply, reply_len);
	if (rc != -EPROTO)
		return rc;
	state = chan_state(&c->chan);
	return state == -EOWNERDEAD || state == -EAGAIN ? -EOWNERDEAD : rc;
}

int ops_call(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill, void *arg,
	uint64_t timeout_ms, const uint8_t **reply, uint64_t *reply_len, struct err_text *e)
{
	struct call k = {.kind = kind, .len = len, .fill = fill, .arg = arg,
		.timeout_ms = timeout_ms, .e = e};
	uint8_t got = 0;
	int rc = 0;

	c->calls++;
	if (c->waiting)
		ops_give_up(c); /* the one before was left in the middle */
	if (c->spoiled)
		ops_release(c);
	if (!c->attached)
		rc = attach(c, &k);
	else
		ring_release(&c->chan.rx);
	if (!rc)
		rc = ask(c, &k, &got, reply, reply_len);
	while (rc == -EOWNERDEAD) {
		rc = recover(c, &k);
		if (!rc)
			rc = ask(c, &k, &got, reply, reply_len);
	}
	if (rc == 0)
		c->waiting = 0;
	else
		ops_give_up(c);
	if (rc == -ETIMEDOUT)
		err_set(e, "no answer from ops_server within %llu ms; is it running?",
			(unsigned long long)timeout_ms);
	else if (rc == -EPROTO)
		ops_release(c);
	if (rc)
		return rc;
	if (got == OPS_FAIL)
		return failed(*reply, *reply_len, e);
	return got == (kind | OPS_REPLY) ? 0 : -EPROTO;
}
