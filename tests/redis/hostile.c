/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile.c - what a client must not do. One argument says what; prints what came of it.
 *
 * usage: hostile REGION batch            50 increments of `batch`, published together
 *                       die TAG N       N requests, and death by SIGKILL amid them
 *                       check TAG N     N requests; each reply has to be its own
 *                       frames N        N kinds of frames that make no sense, one channel each
 *                       bytes SEED      random bytes over the request ring
 *                       head SEED       impossible positions in the reply ring
 *                       noread MS       many requests for `big`, no reply read for so long
 *                       race MS         values that change while they are being set
 *                       streams N      as many streams of user bob's, whose password is pw;
 *                                       how many answer PING; and held until there is a line
 *                       calls NAMES MS  CALLs whose name, key, field and number change while they
 *                                       are being run; NAMES of one length, 4 to 7
 *                       stray           a stream's channel, and then a GET, amid a script
 *                       turncoat        a script that never ends, whose frame becomes one of
 *                                       a stream meanwhile; says how it was answered
 *                       emigrant        when killed (CXLRING.KILL) it opens its channel anew,
 *                                       as if from another host
 */
#include "hostile.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "cxlring.h"

static struct cxlring *open_or_exit(void)
{
	struct cxlring_options o = {.region = path, .timeout_ms = 10000};
	struct cxlring *c;
	char why[256];

	if (cxlring_open(&c, &o, why, sizeof why)) {
		printf("not connected: %s\n", why);
		exit(2);
	}
	return c;
}

static int batch(void)
{
	struct cxlring *c = open_or_exit();
	struct cxlring_view v;
	int i, n = 0;

	for (i = 0; i < 50; i++)
		n += cxlring_append_incrby(c, "batch", 5, 1) == 0;
	cxlring_flush(c);
	for (i = 0; i < n && cxlring_next(c, &v, -1) == 0; i++)
		;
	printf("%d answered\n", i);
	cxlring_close(c);
	return 0;
}

static int die(const char *tag, int n)
{
	struct cxlring *c = open_or_exit();
	struct cxlring_view v;
	char key[64];
	int i, len, reads = (int)(draw() % 20);

	for (i = 0; i < n; i++) {
		len = snprintf(key, sizeof key, "%s:%d", tag, i);
		if (cxlring_append_set(c, key, (size_t)len, key, (size_t)len, 0, 0))
			break;
		if (draw() % 3 == 0 && cxlring_append_get(c, key, (size_t)len) == 0)
			cxlring_flush(c);
		if (reads-- > 0 && cxlring_next(c, &v, 0) == 0)
			continue;
	}
	if (draw() % 2)
		cxlring_flush(c);
	raise(SIGKILL);
	return 0;
}

/* Keys of our own, set and read back pipelined: a foreign reply would not match. */
static int check(const char *tag, int n)
{
	struct cxlring *c = open_or_exit();
	struct cxlring_view v;
	char key[64];
	int i, len, bad = 0;

	for (i = 0; i < n; i++) {
		len = snprintf(key, sizeof key, "%s:%d", tag, i);
		if (cxlring_append_set(c, key, (size_t)len, key, (size_t)len, 0, 0) ||
			cxlring_append_get(c, key, (size_t)len) || cxlring_flush(c))
			bad++;
		if (cxlring_next(c, &v, -1) || v.type != CXLRING_STATUS)
			bad++;
		if (cxlring_next(c, &v, -1) || v.type != CXLRING_STRING || v.len != (size_t)len ||
			memcmp(v.data, key, v.len) != 0)
			bad++;
	}
	printf("%d bad\n", bad);
	cxlring_close(c);
	return bad != 0;
}

/* One frame, and what becomes of the channel. */
static void send_frame(int which)
{
	static struct region r;
	static struct chan c;
	struct kv_header h = {0, 0, 0};
	uint32_t len = sizeof h;
	uint8_t *at, kind = KV_GET, flags = 0;
	uint64_t t0 = clock_ms();
	int i, rc;

	attach_or_exit(&c, &r);
	if (ring_claim(&c.tx, 4096, &at))
		exit(3);
	memset(at, 'x', 4096);
	switch (which) {
	case 0: len = 0; break;                                     /* nothing at all */
	case 1: len = 7; break;                                     /* half a header */
	case 2: kind = 99; break;                                   /* no such verb */
	case 3: h.n = 0xffffffff; len = 64; break;                  /* key of 4 GiB */
	case 4: h.n = 57; len = 64; break;                          /* key past the end */
	case 5: kind = KV_SET; h.opt = 0x100; len = 64; break;      /* no such option */
	case 6: kind = KV_SET; h.opt = KV_SET_EX; len = 12; break;  /* no time there */
	case 7: kind = KV_CALL; h.n = 1000000; len = 64; break;     /* too many arguments */
	case 8: kind = KV_CALL; h.n = 0; break;                     /* none */
	case 9: kind = KV_CALL; h.n = 1; len = 64; break;           /* a length of "xxxx" */
	case 10: kind = KV_DEL; h.n = 2; len = 16; break;
	case 11: kind = KV_INCRBY; h.n = 1; len = 12; break;
	case 12: kind = KV_AUTH; h.n = 2000; len = 64; break;
	case 13: kind = KV_PING; h.n = 2000; len = 64; break;
	case 14: flags = FRAME_MORE; len = 0; break;                /* empty part */
	case 15: kind = KV_OK; break;                               /* a reply */
	case 16: h.n = 2; len = 11; break;                          /* more than the key */
	case 17: h.n = 2; h.opt = 1; len = 10; break;               /* GET has no options */
	case 18: kind = KV_EXISTS; h.n = 2; len = 16; break;        /* the 2nd length cut short */
	case 19: kind = KV_PING; len = 9; break;                    /* more than its text */
	case 20: kind = KV_INCRBY; h.n = 1; len = 18; break;        /* more than its key */
	}
	memcpy(at, &h, len < sizeof h ? len : sizeof h);
	if (which == 18)
		memcpy(at + sizeof h, "\2\0\0", 4); /* the 1st string is "xx" */
	ring_commit(&c.tx, len, kind, flags, 1);
	if (which == 14 && ring_claim(&c.tx, 0, &at) == 0)
		ring_commit(&c.tx, 0, kind, 0, 2);
	chan_publish(&c);
	for (i = 0, rc = 0; i < 50 && rc != -EPROTO; i++)
		rc = chan_await(&c, 20);
	if (rc == -EPROTO)
		printf("%d: refused\n", which);
	else
		printf("%d: not refused (%d, channel %u, %d ms)\n", which, rc, c.index,
			(int)(clock_ms() - t0));
	chan_detach(&c);
	region_close(&r);
}

static int bytes(void)
{
	static struct region r;
	static struct chan c;
	uint64_t i, step = draw() % 7 ? 8 : 1;
	uint8_t *req;

	attach_or_exit(&c, &r);
	req = chan_req_ring(c.service, c.index);
	for (i = 0; i + 8 <= c.service->ring_bytes; i += step + draw() % 64) {
		uint64_t v = draw();

		if (draw() % 4 == 0) /* a commit word that is almost right */
			v = (uint64_t)chan_gen16(c.gen) << 48 | (v & 0xff00000000ull) |
				(draw() % 3 ? v & 0x3ffff : (uint32_t)v) | (draw() % 8 ? 0 : (v & 3) << 40);
		memcpy(req + i, &v, 8);
		if (draw() % 16 == 0)
			chan_publish(&c);
	}
	i = (uint64_t)chan_gen16(c.gen) << 48 | (uint64_t)(KV_PING + draw() % 9) << 32 |
		draw() % 200;
	memcpy(req, &i, 8);
	for (i = 0; i < 20; i++)
		chan_publish(&c), usleep(500);
	_exit(0); /* the owner's death is part of it */
}

/* Answered one by one, or, by every second seed, as a stream. */
static int head(uint64_t seed)
{
	static const char ping[] = "PING\r\n";
	static struct region r;
	static struct chan c;
	struct kv_header h = {0, 0, 0};
	bool stream = seed % 2;
	uint32_t len = stream ? sizeof ping - 1 : sizeof h;
	uint8_t *at;
	int i;

	attach_or_exit(&c, &r);
	for (i = 0; i < 3000; i++) {
		shm_store64(&c.shm->rsp_head, draw() >> draw() % 60);
		if (ring_claim(&c.tx, len, &at) == 0) {
			memcpy(at, stream ? (const void *)ping : &h, len);
			ring_commit(&c.tx, len, stream ? KV_STREAM : KV_PING, 0, (uint64_t)i);
		}
		chan_publish(&c);
		if (i % 100 == 0)
			usleep(100);
	}
	_exit(0);
}

static int noread(int ms)
{
	struct cxlring *c = open_or_exit();
	int n = 0;

	while (cxlring_append_get(c, "big", 3) == 0)
		n++;
	cxlring_flush(c);
	usleep((useconds_t)ms * 1000);
	printf("%d asked\n", n);
	while (n > 0) {
		struct cxlring_view v;

		if (cxlring_next(c, &v, -1) || v.type != CXLRING_STRING)
			break;
		n--;
	}
	printf("%d unanswered\n", n);
	cxlring_close(c);
	return n != 0;
}

static uint8_t *race_at;
static volatile int race_on = 1;

static void *flip(void *unused)
{
	while (race_on) {
		memset(race_at, 'A' + (int)(draw() % 26), 4000);
	}
	return unused;
}

static int race(int ms)
{
	static struct region r;
	static struct chan c;
	uint64_t t0 = clock_ms();
	pthread_t t;
	int n = 0;

	attach_or_exit(&c, &r);
	race_at = chan_req_ring(c.service, c.index) + RING_HEADER + KV_HEADER + 4;
	pthread_create(&t, NULL, flip, NULL);
	/* On a busy machine a call may take a slice of each of three threads. */
	while (clock_ms() - t0 < (uint64_t)ms || (n <= 100 && clock_ms() - t0 < 20000)) {
		struct kv_header h = {0, 0, 4};
		uint8_t *at;
		struct frame f;

		/* Always the same place: fill the ring's rest with a second frame. */
		if (ring_claim(&c.tx, KV_HEADER + 4 + 8000, &at))
			break;
		memcpy(at, &h, sizeof h);
		memcpy(at + KV_HEADER, "race", 4);
		ring_commit(&c.tx, KV_HEADER + 4 + 4000, KV_SET, 0, (uint64_t)++n);
		chan_publish(&c);
		while (ring_peek(&c.rx, &f) == -EAGAIN)
			if (chan_await(&c, 100) == -EPROTO)
				exit(1);
		ring_next(&c.rx);
		ring_release(&c.rx);
		race_at = c.tx.data + (c.tx.pos & (c.tx.cap - 1)) + RING_HEADER + KV_HEADER + 4;
		if (race_at + 8100 > c.tx.data + c.tx.cap)
			race_at = c.tx.data + RING_HEADER + KV_HEADER + 4;
	}
	race_on = 0;
	pthread_join(t, NULL);
	printf("%d sets\n", n);
	chan_detach(&c);
	return 0;
}

/*
 * Frames of 64 bytes divide the ring, so each place in it means the same in every lap: what
 * is changed too late is an argument all the same, and no length.
 */
enum { KEY = 4, NUMBER = 4 };

static struct {
	const char *names; /* "hset,hdel": of one length */
	size_t count, len;
	uint8_t *at; /* the name in the frame that is being run */
	int over;
} calls;

static uint8_t *put_string(uint8_t *p, const char *bytes, size_t n)
{
	uint32_t len = (uint32_t)n;

	memcpy(p, &len, sizeof len);
	return (uint8_t *)memcpy(p + sizeof len, bytes, n) + n;
}

static void *change(void *unused)
{
	uint64_t x = 88172645463325252ull;

	while (!__atomic_load_n(&calls.over, __ATOMIC_RELAXED)) {
		uint8_t *p = __atomic_load_n(&calls.at, __ATOMIC_ACQUIRE);

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		memcpy(p, calls.names + (x >> 33) % calls.count * (calls.len + 1), calls.len);
		p += calls.len + 4;
		p[3] = (uint8_t)("kl"[x >> 40 & 1]);
		p[8] = (uint8_t)("fg"[x >> 41 & 1]);
		p[16] = (uint8_t)('0' + (x >> 50) % 10);
	}
	return unused;
}

static int run_calls(const char *names, int ms)
{
	static struct region r;
	static struct chan c;
	uint64_t t0 = clock_ms(), n = 0;
	pthread_t t;
	struct frame f;

	calls.names = names;
	calls.len = strcspn(names, ",");
	calls.count = (strlen(names) + 1) / (calls.len + 1);
	attach_or_exit(&c, &r);
	/* On a busy machine a call may take a slice of each of three threads. */
	while (clock_ms() - t0 < (uint64_t)ms || (n <= 100 && clock_ms() - t0 < 20000)) {
		struct kv_header h = {0, 0, 4};
		uint32_t len = (uint32_t)(sizeof h + 4 * 4 + calls.len + KEY + 1 + NUMBER);
		uint8_t *at, *p;
		/* Many: a difference stays. */
		char key[KEY] = {(char)('a' + calls.len), (char)('a' + n % 26),
			(char)('a' + n / 26 % 26), 'k'};

		if (ring_claim(&c.tx, len, &at))
			return 1;
		memcpy(at, &h, sizeof h);
		p = put_string(at + sizeof h, names, calls.len);
		put_string(put_string(put_string(p, key, KEY), "f", 1), "1000", NUMBER);
		__atomic_store_n(&calls.at, at + sizeof h + 4, __ATOMIC_RELEASE);
		if (n++ == 0 && pthread_create(&t, NULL, change, NULL))
			return 1;
		ring_commit(&c.tx, len, KV_CALL, 0, n);
		chan_publish(&c);
		while (ring_peek(&c.rx, &f) == -EAGAIN)
			if (chan_await(&c, 100) == -EPROTO)
				exit(1);
		ring_next(&c.rx);
		ring_release(&c.rx);
	}
	__atomic_store_n(&calls.over, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	chan_detach(&c);
	puts(n > 100 ? "answered" : "few");
	return 0;
}

static int streams(int n)
{
	struct cxlring_options o = {.region = path, .user = "bob", .password = "pw"};
	struct cxlring **all = calloc((size_t)n, sizeof *all), *c;
	struct cxlring_view v;
	char why[256] = "";
	int i, good = 0, rc = 0;

	for (i = 0; rc == 0 && i < n; i++) { /* none is closed before the end */
		rc = cxlring_open(&c, &o, why, sizeof why);
		if (rc) {
			printf("not connected: %s\n", why);
			break;
		}
		all[i] = c;
		good += cxlring_stream(c) == 0 && cxlring_stream_write(c, "PING\r\n", 6, 5000) == 0 &&
			cxlring_stream_next(c, &v, 5000) == 0 && v.len == 7 && memcmp(v.data, "+PONG\r\n", 7) == 0;
	}
	if (rc == 0) {
		printf("%d of %d\n", good, n);
		fflush(stdout);
		getchar();
	}
	for (i = 0; i < n; i++)
		cxlring_close(all[i]);
	free(all);
	return rc ? 2 : 0;
}

/* Until the server has taken all, for a second. */
static void taken(void)
{
	uint64_t t0 = clock_ms();

	chan_publish(&chan);
	while (shm_load64(&chan.shm->req_head) != chan.tx.pos && clock_ms() - t0 < 1000)
		usleep(1000);
}

static int stray(void)
{
	uint8_t *at;
	int i, rc = 0;

	attach_or_exit(&chan, &region);
	if (ring_claim(&chan.tx, 0, &at))
		return 1;
	ring_commit(&chan.tx, 0, KV_STREAM, 0, 1);
	taken();
	if (!put_frame(KV_GET, 3, "big", 3, 0))
		return 1;
	for (i = 0; i < 50 && rc != -EPROTO; i++) {
		chan_publish(&chan);
		rc = chan_await(&chan, 20);
	}
	puts(rc == -EPROTO ? "refused" : "not refused");
	chan_detach(&chan);
	return 0;
}

static int turncoat(void)
{
	static const char eval[] = "\4\0\0\0eval\21\0\0\0while true do end\1\0\0\0000";
	struct frame f;
	uint8_t *word;
	int i, rc;

	attach_or_exit(&chan, &region);
	word = chan.tx.data + (chan.tx.pos & (chan.tx.cap - 1));
	if (!put_frame(KV_CALL, 3, eval, sizeof eval - 1, 0))
		return 1;
	taken(); /* the script runs, and its frame stays */
	word[4] = KV_STREAM;
	word[5] = FRAME_MORE;
	for (i = 0; i < 200; i++) {
		chan_publish(&chan);
		rc = chan_await(&chan, 50);
		if (rc != -EAGAIN)
			break;
	}
	if (rc == 0 && ring_peek(&chan.rx, &f) == 0)
		printf("%.*s\n", (int)f.len, (const char *)f.data);
	else
		printf("%d\n", rc);
	return 0;
}

static int served_ping(void)
{
	int i, rc = -EAGAIN;

	if (!put_frame(KV_PING, 0, NULL, 0, 0))
		return -1;
	chan_publish(&chan);
	for (i = 0; i < 50 && rc == -EAGAIN; i++)
		rc = chan_await(&chan, 100);
	return rc;
}

static int emigrant(void)
{
	struct frame f;
	int i;

	attach_or_exit(&chan, &region);
	if (served_ping() || ring_peek(&chan.rx, &f))
		return 1;
	ring_next(&chan.rx);
	for (i = 0; i < 100 && chan_await(&chan, 100) == -EAGAIN; i++)
		;
	shm_store64(&chan.shm->host, ~shm_load64(&chan.shm->host));
	if (chan_reopen(&chan))
		return 1;
	puts(served_ping() == 0 ? "served" : "not served");
	fflush(stdout);
	sleep(60);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	const char *arg = argc > 3 ? argv[3] : "1";
	int i, n = argc > 4 ? atoi(argv[4]) : 0;

	if (argc < 2)
		return 2;
	hostile_begin(argv[1], arg);
	if (strcmp(what, "batch") == 0)
		return batch();
	if (strcmp(what, "die") == 0)
		return die(arg, n);
	if (strcmp(what, "check") == 0)
		return check(arg, n);
	if (strcmp(what, "bytes") == 0)
		return bytes();
	if (strcmp(what, "head") == 0)
		return head(strtoull(arg, NULL, 10));
	if (strcmp(what, "noread") == 0)
		return noread(atoi(arg));
	if (strcmp(what, "race") == 0)
		return race(atoi(arg));
	if (strcmp(what, "calls") == 0)
		return run_calls(arg, n);
	if (strcmp(what, "streams") == 0)
		return streams(atoi(arg));
	if (strcmp(what, "stray") == 0)
		return stray();
	if (strcmp(what, "emigrant") == 0)
		return emigrant();
	if (strcmp(what, "turncoat") == 0)
		return turncoat();
	if (strcmp(what, "frames") != 0)
		return 2;
	for (i = 0; i < atoi(arg); i++)
		send_frame(i);
	return 0;
}
