/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mutate.c - requests of every verb, most of them spoiled, for the module as it is loaded.
 *
 * usage: mutate REGION SEED N [USER PASSWORD]
 *
 * N requests, of which a model of docs/protocol-kv.md says what has to come of them: one
 * answer, of a type that the verb has and well-formed in itself, or a refused channel;
 * then the next one goes through a new channel. Some follow a burst of good ones in the
 * same publication. What a frame itself may not be is in hostile.c (bytes).
 *
 * Prints how many were answered and refused, and ends with 1 at the first that was not
 * treated as the model wants. The same SEED gives the same requests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "cxlring.h"
#include "kv.h"
#include "message.h"

enum {
	LONG = 300000, /* bytes of the longest request: some rings full */
	BURST = 24,
	WAIT_MS = 30000,
};

enum fate { ANSWER, ERROR, REFUSAL, ERROR_OR_REFUSAL };

struct request {
	enum fate fate;
	uint8_t kind;
	bool parted; /* badly: see send_parts */
	size_t len;
	uint8_t b[LONG + 64];
};

static const char *path, *user = "", *password = "";
static uint64_t rng;
static struct region region;
static struct chan chan;
static struct message_in in;
static struct request now;

/* What was sent and has no answer yet, in order. */
static struct sent {
	uint64_t id;
	enum fate fate;
	uint8_t kind;
} sent[BURST + 1];
static unsigned nsent, ntaken;
static uint64_t next_id;
static unsigned answered, refused, round_no;

static uint64_t draw(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static unsigned below(unsigned n)
{
	return (unsigned)(draw() >> 16) % n;
}

static void fail(const char *what)
{
	size_t i;

	printf("request %u, kind %u, %zu bytes: %s\n", round_no, now.kind, now.len, what);
	for (i = 0; i < now.len && i < 64; i++)
		printf("%02x%s", now.b[i], i % 32 == 31 ? "\n" : " ");
	printf("\n");
	exit(1);
}

/* ---- good requests ---- */

static void put(const void *p, size_t n)
{
	memcpy(now.b + now.len, p, n);
	now.len += n;
}

static void put_string(const void *p, size_t n)
{
	uint32_t len = (uint32_t)n;

	put(&len, sizeof len);
	put(p, n);
}

/* A key: of a few, so that types meet; sometimes of any bytes. */
static size_t a_key(char *key)
{
	size_t i, n = 1 + below(12);

	if (below(4))
		return (size_t)sprintf(key, "k%u", below(12));
	for (i = 0; i < n; i++)
		key[i] = (char)draw();
	return n;
}

static size_t a_length(void)
{
	switch (below(16)) {
	case 0: return below(LONG / 2);
	case 1: return 0;
	case 2: return 32768 + below(64) - 32; /* about a frame's most */
	default: return below(100);
	}
}

static void put_bytes(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		now.b[now.len + i] = (uint8_t)(i * 7 + n);
	now.len += n;
}

static uint32_t put_call(void)
{
	static const char *const commands[][6] = {{"rpush", "l", "a", "b"},
		{"lrange", "l", "0", "-1"}, {"ltrim", "l", "-5", "-1"}, {"hset", "h", "f", "v"},
		{"hgetall", "h"}, {"zadd", "z", "1.5", "m"}, {"zrange", "z", "0", "-1", "withscores"},
		{"sadd", "s", "m"}, {"smembers", "s"}, {"mset", "k1", "1", "k2", "two"},
		{"mget", "k1", "none", "l"}, {"incrbyfloat", "k1", "0.25"}, {"object", "help"},
		{"eval", "return {1,'two',{3,{}},redis.status_reply('fine')}", "0"},
		{"eval", "return redis.error_reply('MY error')", "0"},
		{"xread", "count", "1", "streams", "x", "0"},
		{"xread", "block", "1", "streams", "x", "0"}, {"multi"}, {"subscribe", "c"},
		{"shutdown"}, {"client", "list"}, {"config", "get", "maxmemory"}, {"blpop", "l", "0"},
		{"nosuch", "a"}, {"no\r\nsuch", "\r\n"}, {"no\r\nsuch", "block"},
		{"config", "g\r\net", "x"}, {"object", "\r\n+OK\r\n", "x"}, {"", "x"}, {"del", "l"},
		{"getrange", "big", "0", "-1"}};
	const char *const *c = commands[below(sizeof commands / sizeof commands[0])];
	uint32_t n;

	for (n = 0; n < 6 && c[n]; n++)
		put_string(c[n], strlen(c[n]));
	return n;
}

static void make(uint8_t kind)
{
	struct kv_header h = {0, 0, 0};
	int64_t number = (int64_t)draw() >> below(64);
	char key[64];
	size_t n = a_key(key);
	uint32_t i;

	now.kind = kind;
	now.parted = false;
	now.len = sizeof h;
	h.n = (uint32_t)n;
	switch (kind) {
	case KV_PING:
		h.n = below(3) ? (uint32_t)a_length() : 0;
		put_bytes(h.n);
		break;
	case KV_GET:
		put(key, n);
		break;
	case KV_SET:
		h.opt = below(2) ? 0 : (uint16_t)(1u << below(8) | (below(3) ? 0 : 1u << below(8)));
		if (h.opt & KV_SET_TIME)
			put(&number, sizeof number);
		put(key, n);
		put_bytes(a_length());
		break;
	case KV_INCRBY:
		put(&number, sizeof number);
		put(key, n);
		break;
	case KV_DEL:
	case KV_EXISTS:
		h.n = 1 + below(below(4) ? 3 : 40);
		for (i = 0; i < h.n; i++)
			put_string(key, a_key(key));
		break;
	case KV_CALL:
		h.opt = (uint16_t)below(2);
		h.n = put_call();
		break;
	case KV_AUTH: /* somebody's, and wrong */
		put(key, n);
		put_bytes(below(20));
		break;
	}
	memcpy(now.b, &h, sizeof h);
}

/* ---- spoiled ones ---- */

static void spoil(void)
{
	static const uint32_t bad[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x20000000,
		0x20000001, 0x100000, 0x100001, 0xfffffff8, 65536};
	uint32_t v = bad[below(sizeof bad / sizeof bad[0])];
	/* mostly near the front, where the lengths are */
	size_t at = below(below(4) ? 64 : LONG) % (now.len + 1), n;

	switch (below(10)) {
	case 0:
	case 1:
		now.b[at] ^= (uint8_t)(1u << below(8));
		break;
	case 2:
		now.b[at] = (uint8_t)draw();
		break;
	case 3:
		now.len = at;
		break;
	case 4:
		put_bytes(below(20));
		break;
	case 5:
		memcpy(now.b + 4, &v, 4);
		break;
	case 6:
		now.b[4] = (uint8_t)(now.b[4] + 1 - 2 * below(2)); /* n, by one */
		break;
	case 7:
		memcpy(now.b + at, &v, 4); /* there is room behind */
		break;
	case 8: /* cut out of the middle */
		n = below(16) % (now.len - at + 1);
		memmove(now.b + at, now.b + at + n, now.len - at - n);
		now.len -= n;
		break;
	case 9:
		if (below(2))
			now.kind = (uint8_t)(below(2) ? below(10) : draw());
		else
			now.parted = true;
		break;
	}
	if (now.len > LONG)
		now.len = LONG;
	if (now.kind == KV_STREAM) /* any bytes are right there, and most get no answer */
		now.kind = 0;
}

static void noise(void)
{
	size_t i;

	now.kind = (uint8_t)(1 + below(KV_AUTH));
	now.parted = false;
	now.len = below(3) ? below(80) : below(40000);
	for (i = 0; i < now.len; i++)
		now.b[i] = (uint8_t)(draw() >> 24) & (i < 8 && below(2) ? 3 : 255);
}

/* ---- the model ---- */

/* Are the rest exactly n strings of (u32 length, bytes)? */
static bool are_strings(const uint8_t *p, size_t left, uint32_t n)
{
	uint32_t len;

	if (n == 0 || n > 1048576)
		return false;
	for (; n > 0; n--) {
		if (left < 4)
			return false;
		memcpy(&len, p, 4);
		if (len > left - 4)
			return false;
		p += 4 + len;
		left -= 4 + (size_t)len;
	}
	return left == 0;
}

static bool adds_up(const struct kv_header *h, const uint8_t *body, size_t left)
{
	switch (now.kind) {
	case KV_PING:
	case KV_GET:
		return h->opt == 0 && left == h->n;
	case KV_SET:
		return h->opt <= 255 && left >= (h->opt & KV_SET_TIME ? 8u : 0u) + (uint64_t)h->n;
	case KV_INCRBY:
		return h->opt == 0 && left == 8 + (uint64_t)h->n;
	case KV_DEL:
	case KV_EXISTS:
		return h->opt == 0 && are_strings(body, left, h->n);
	case KV_CALL:
		return h->opt <= 1 && are_strings(body, left, h->n);
	case KV_AUTH:
		return h->opt == 0 && left >= h->n;
	default:
		return false;
	}
}

static enum fate judge(void)
{
	enum { DATABASES = 16 };
	struct kv_header h;
	bool nowhere;

	if (now.parted || now.len < sizeof h)
		return REFUSAL;
	memcpy(&h, now.b, sizeof h);
	if (h.n > 536870912)
		return REFUSAL;
	nowhere = h.db >= DATABASES && now.kind != KV_AUTH;
	if (adds_up(&h, now.b + sizeof h, now.len - sizeof h))
		return nowhere ? ERROR : ANSWER;
	return nowhere ? ERROR_OR_REFUSAL : REFUSAL;
}

static bool type_fits(uint8_t verb, uint8_t type)
{
	switch (verb) {
	case KV_PING: return type == KV_PONG || type == KV_VALUE;
	case KV_GET: return type == KV_VALUE || type == KV_NIL;
	case KV_SET: return type == KV_OK || type == KV_NIL || type == KV_VALUE;
	case KV_CALL:
		return type == KV_RESP || type == KV_OK || type == KV_NIL || type == KV_VALUE ||
			   type == KV_INT;
	case KV_AUTH: return type == KV_OK;
	default: return type == KV_INT;
	}
}

/* In a copy of just that length, so that a sanitizer sees who reads on. */
static bool well_formed(uint8_t type, const uint8_t *data, uint64_t len)
{
	char *copy = malloc(len + !len);
	struct cxlring_view v = {.type = CXLRING_ARRAY, .data = copy, .len = len};
	struct cxlring_reply *r;
	bool good = true;

	memcpy(copy, data, len);
	switch (type) {
	case KV_OK:
	case KV_NIL:
	case KV_PONG:
		good = len == 0;
		break;
	case KV_INT:
		good = len == 8;
		break;
	case KV_ERROR:
		good = len > 0 && copy[0] >= 'A' && copy[0] <= 'Z' && !memchr(copy, '\r', len) &&
			   !memchr(copy, '\n', len);
		break;
	case KV_RESP:
		r = cxlring_copy(&v);
		good = r != NULL;
		cxlring_free(r);
		break;
	}
	free(copy);
	return good;
}

/* ---- to the server and back ---- */

static void attach(void);

/* All the answers that are there. */
static void take_ready(void)
{
	struct frame f;
	const uint8_t *data;
	uint64_t len;
	int rc;

	while ((rc = ring_peek(&chan.rx, &f)) == 0) {
		const struct sent *s = &sent[ntaken];

		rc = message_take(&in, &f, &data, &len);
		if (rc == 0) {
			if (ntaken == nsent)
				fail("an answer that nobody asked for");
			if (f.id != s->id)
				fail("an answer out of its turn");
			if (f.kind != KV_ERROR && !type_fits(s->kind, f.kind))
				fail("an answer of a type that the verb has not");
			if (s->fate == REFUSAL || (s->fate != ANSWER && f.kind != KV_ERROR))
				fail("answered as if it made sense");
			if (!well_formed(f.kind, data, len))
				fail("an answer that is not well-formed");
			ntaken++;
			answered++;
			message_reset(&in, 0);
		} else if (rc != -EAGAIN) {
			fail("parts of an answer that do not fit");
		}
		ring_next(&chan.rx);
		ring_release(&chan.rx);
	}
	if (rc != -EAGAIN)
		fail("a reply ring that makes no sense");
}

/* Make room, or find the channel refused: false. */
static bool wait_a_little(void)
{
	static uint64_t since;
	static unsigned at = ~0u;
	int rc;

	if (at != round_no) {
		at = round_no;
		since = clock_ms();
	}
	if (clock_ms() - since > WAIT_MS)
		fail("the server hangs");
	chan_publish(&chan);
	take_ready();
	/* briefly: a refusal that comes before we sleep wakes nobody */
	rc = ntaken < nsent ? chan_await(&chan, 1) : chan_await_room(&chan);
	if (rc == 0 || rc == -EAGAIN)
		rc = chan_state(&chan);
	if (rc == -EPROTO)
		return false;
	if (rc)
		fail("the server is gone");
	return true;
}

static bool send_frame(const uint8_t *p, size_t len, uint8_t kind, uint8_t flags, uint64_t id)
{
	uint8_t *at;
	int rc;

	while ((rc = ring_claim(&chan.tx, (uint32_t)len, &at)) == -EAGAIN)
		if (!wait_a_little())
			return false;
	if (rc == -EPROTO)
		return false;
	if (rc)
		fail("no room for a frame");
	if (len)
		memcpy(at, p, len);
	ring_commit(&chan.tx, (uint32_t)len, kind, flags, id);
	return true;
}

/* In frames of some length; `parted`: with one among them that does not belong there. */
static bool send_parts(void)
{
	uint32_t most = ring_frame_max(&chan.tx);
	size_t off = 0, n;
	uint64_t id = next_id;

	if (now.len <= most && !now.parted && below(4))
		return send_frame(now.b, now.len, now.kind, 0, id);
	if (now.parted)
		most = now.len / 3 < most ? (uint32_t)now.len / 3 + 1 : most;
	else if (below(2))
		most = 1 + below(most);
	if (most < 300 && now.len > 3000)
		most += 3000;
	do {
		n = now.len - off < most ? now.len - off : most;
		if (!send_frame(now.b + off, n, now.kind, off + n < now.len ? FRAME_MORE : 0, id))
			return false;
		off += n;
		if (now.parted && off < now.len) {
			now.parted = false; /* once will do */
			switch (below(3)) {
			case 0: return send_frame(NULL, 0, now.kind, FRAME_MORE, id);
			case 1: return send_frame(now.b, 1, now.kind ^ 2, FRAME_MORE, id);
			case 2: return send_frame(now.b, 1, now.kind, FRAME_MORE, id + 1);
			}
		}
	} while (off < now.len);
	return true;
}

static bool submit(void)
{
	if (now.parted && now.len < 2)
		now.parted = false; /* has no middle */
	sent[nsent++] = (struct sent){++next_id, judge(), now.kind};
	return send_parts();
}

static void attach(void)
{
	struct chan_config config = {.spin_ns = 20000};
	struct err_text e;
	uint64_t since = clock_ms();
	int rc;

	while ((rc = chan_attach(&chan, &region, KV_SERVICE, &config, &e)) == -EUSERS) {
		if (clock_ms() - since > WAIT_MS)
			fail("no channel comes back");
		usleep(200);
	}
	if (rc)
		fail("the server is gone");
	message_reset(&in, 0);
	nsent = ntaken = 0;
	if (!*user)
		return;
	now.kind = KV_AUTH;
	now.parted = false;
	now.len = 8;
	memset(now.b, 0, 8);
	now.b[4] = (uint8_t)strlen(user);
	put(user, strlen(user));
	put(password, strlen(password));
	if (!submit())
		fail("AUTH is refused");
	while (ntaken < nsent)
		if (!wait_a_little())
			fail("AUTH is refused");
	nsent = ntaken = 0;
}

/* The rest of what is due. False when the channel was refused. */
static bool settle(void)
{
	while (ntaken < nsent)
		if (!wait_a_little())
			return false;
	return true;
}

static void one(void)
{
	unsigned i, burst = below(4) ? 0 : 1 + below(BURST);
	bool open = true;

	nsent = ntaken = 0;
	for (i = 0; open && i < burst; i++) {
		do {
			make(below(8) ? KV_GET + (uint8_t)below(2) : (uint8_t)(1 + below(7)));
		} while (now.len > 1000);
		open = submit();
	}
	if (!open)
		fail("a good request is refused");
	if (below(4) == 0) {
		noise();
	} else {
		make((uint8_t)(1 + below(8)));
		for (i = below(4); i > 0; i--)
			spoil();
	}
	open = submit();
	if (open)
		open = settle();
	if (open)
		return;
	take_ready(); /* published before the refusal, if anything */
	if (ntaken != nsent && sent[nsent - 1].fate != REFUSAL &&
		sent[nsent - 1].fate != ERROR_OR_REFUSAL)
		fail("refused, though it makes sense");
	refused++;
	chan_detach(&chan);
	attach();
}

int main(int argc, char **argv)
{
	struct err_text e;
	unsigned n;

	if (argc != 4 && argc != 6)
		return 2;
	path = argv[1];
	rng = 0x9e3779b97f4a7c15ull * (strtoull(argv[2], NULL, 10) + 1);
	n = (unsigned)atoi(argv[3]);
	if (argc == 6) {
		user = argv[4];
		password = argv[5];
	}
	in.grow = message_heap;
	in.max = 64 << 20;
	if (region_open(&region, path, 0, 0, &e)) {
		printf("%s\n", e.s);
		return 2;
	}
	attach();
	for (round_no = 1; round_no <= n; round_no++)
		one();
	printf("%u answered, %u refused\n", answered, refused);
	chan_detach(&chan);
	region_close(&region);
	return 0;
}
