/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "counters.h"
#include "door.h"
#include "entropy.h"

enum {
	SECRET = 16,
	PIECE = 16 << 10, /* most bytes from the socket in one frame */
	BURST = 64,       /* frames in one go */
	ANSWER = 5,       /* bytes of "+OK\r\n" */
};

struct stream {
	int fd;           /* -1: Redis has closed it */
	uint32_t sent;    /* of the frame that the socket had no room for */
	uint32_t skip;    /* bytes of the answer to CXLRING.BECOME still to come */
	bool full;        /* the socket is: wait until it is writable */
	bool stalled;     /* the ring is: the socket is not watched */
	bool ended;       /* the client has been told */
	uint64_t since;   /* what the next frame says, for stream_sort() */
	RedisModuleString *user; /* to become, until it has; owned */
	char secret[2 * SECRET + 1];
};

static struct {
	struct sockaddr_un at;
	int door;
	void (*published)(struct session *s);
	void (*accept)(void *loop, int fd, void *data, int mask);
	struct session *becoming[64]; /* whose secret is out */
} streams = {.door = -1};

/* ---- CXLRING.BECOME ---- */

/* Put `instead` where `s` is, NULL for a free place. */
static bool expect(struct session *s, struct session *instead)
{
	size_t i;

	for (i = 0; i < sizeof streams.becoming / sizeof *streams.becoming; i++)
		if (streams.becoming[i] == s) {
			streams.becoming[i] = instead;
			return true;
		}
	return false;
}

static struct session *expected(const char *secret, size_t len)
{
	size_t i;

	for (i = 0; len == 2 * SECRET && i < sizeof streams.becoming / sizeof *streams.becoming;
		 i++) {
		struct session *s = streams.becoming[i];

		if (s && sodium_memcmp(s->stream->secret, secret, len) == 0)
			return s;
	}
	return NULL;
}

static int become(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct session *s = NULL;
	RedisModuleUser *u;
	size_t len;
	int rc = REDISMODULE_ERR;

	if (argc == 2) {
		const char *secret = RedisModule_StringPtrLen(argv[1], &len);

		s = expected(secret, len);
	}
	if (!s)
		return RedisModule_ReplyWithError(ctx, "WRONGPASS this is not for you");
	expect(s, NULL);
	u = RedisModule_GetModuleUserFromUserName(s->stream->user);
	if (u) {
		const char *name = RedisModule_StringPtrLen(s->stream->user, &len);

		rc = RedisModule_AuthenticateClientWithACLUser(ctx, name, len, NULL, NULL, NULL);
		RedisModule_FreeModuleUser(u);
	}
	if (rc != REDISMODULE_OK)
		return RedisModule_ReplyWithError(ctx, session_noauth);
	return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* ---- socket to ring ---- */

static void on_readable(int fd, void *session, int mask);
static void on_writable(int fd, void *session, int mask);

static void watch(struct session *s, bool on)
{
	if (on)
		RedisModule_EventLoopAdd(
			s->stream->fd, REDISMODULE_EVENTLOOP_READABLE, on_readable, s);
	else
		RedisModule_EventLoopDel(s->stream->fd, REDISMODULE_EVENTLOOP_READABLE);
}

static void disconnect(struct stream *t)
{
	if (t->fd < 0)
		return;
	RedisModule_EventLoopDel(
		t->fd, REDISMODULE_EVENTLOOP_READABLE | REDISMODULE_EVENTLOOP_WRITABLE);
	close(t->fd);
	t->fd = -1;
	t->full = t->stalled = false;
}

/* The connection is over. Room for that may have to be waited for as well. */
static bool tell_end(struct session *s)
{
	struct stream *t = s->stream;
	uint8_t *at;

	disconnect(t);
	expect(s, NULL); /* nobody will come with its secret: the place is another's */
	if (t->ended || ring_claim(&s->chan->tx, 0, &at) != 0)
		return t->ended;
	ring_commit(&s->chan->tx, 0, KV_END, 0, 0);
	t->ended = true;
	s->unpublished = true;
	return true;
}

/* The answer to CXLRING.BECOME is nobody's business. What is left of `n`; -1: refused. */
static int skip_answer(struct stream *t, uint8_t *p, int n)
{
	static const char good[] = "+OK\r\n";
	int k;

	for (k = 0; t->skip && k < n; k++, t->skip--)
		if (p[k] != good[ANSWER - t->skip])
			return -1;
	memmove(p, p + k, (size_t)(n - k));
	return n - k;
}

/* One frame's worth; 1, 0 (nothing there), or -1 (no room). */
static int pass_in(struct session *s)
{
	struct stream *t = s->stream;
	struct ring *tx = &s->chan->tx;
	uint32_t most = ring_frame_max(tx) < PIECE ? ring_frame_max(tx) : PIECE;
	uint8_t *at;
	ssize_t n;
	int left;

	if (ring_claim(tx, most, &at) != 0)
		return -1;
	n = recv(t->fd, at, most, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : tell_end(s) ? 0 : -1;
	if (n > 0 && t->skip)
		left = skip_answer(t, at, (int)n);
	else
		left = (int)n;
	if (n == 0 || left < 0)
		return tell_end(s) ? 0 : -1;
	if (left > 0) { /* 0: all of it was the answer to be skipped */
		ring_commit(tx, (uint32_t)left, KV_BYTES, 0, 0);
		counters.bytes_out += (uint64_t)left;
		s->unpublished = true;
	}
	return 1;
}

/* All that there is and that has room. True when something went. */
static bool pump_in(struct session *s)
{
	struct stream *t = s->stream;
	int k, rc = 1;

	for (k = 0; k < BURST && t->fd >= 0 && rc > 0; k++)
		rc = pass_in(s);
	if (t->fd >= 0 && t->stalled != (rc < 0)) {
		t->stalled = rc < 0;
		watch(s, !t->stalled);
	}
	return k > 1 || rc > 0;
}

static void on_readable(int fd, void *session, int mask)
{
	struct session *s = session;

	pump_in(s);
	if (s->unpublished)
		streams.published(s);
}

/* ---- ring to socket ---- */

static void on_writable(int fd, void *session, int mask)
{
	struct session *s = session;

	/* The loop is awake: its next turn serves the channel. */
	RedisModule_EventLoopDel(fd, REDISMODULE_EVENTLOOP_WRITABLE);
	s->stream->full = false;
}

/* Nothing goes to Redis that it would do for somebody else: the default user, as long as it
 * has not become the session's, and if it refuses. */
static bool blocked(const struct stream *t)
{
	return t->full || (t->skip && t->fd >= 0);
}

/* The bytes of a frame, from where the last try left off. */
static int pass_out(struct session *s, const uint8_t *p, uint32_t len)
{
	struct stream *t = s->stream;
	ssize_t n;

	if (blocked(t))
		return -EAGAIN;
	if (t->fd < 0)
		return 0; /* over: the client will read so */
	n = send(t->fd, p + t->sent, len - t->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return 0; /* and so will recv() */
	if (n > 0)
		t->sent += (uint32_t)n;
	if (t->sent == len) {
		counters.bytes_in += len;
		t->sent = 0;
		return 0;
	}
	t->full = true;
	RedisModule_EventLoopAdd(t->fd, REDISMODULE_EVENTLOOP_WRITABLE, on_writable, s);
	return -EAGAIN;
}

/* ---- life ---- */

/* What a new connection is told first, when the session has a user. */
static int send_become(struct session *s)
{
	struct stream *t = s->stream;
	uint8_t secret[SECRET];
	char text[128];
	int n;

	t->user = s->acl.user;
	RedisModule_RetainString(NULL, t->user);
	entropy_fill(secret, sizeof secret);
	sodium_bin2hex(t->secret, sizeof t->secret, secret, sizeof secret);
	sodium_memzero(secret, sizeof secret);
	if (!expect(NULL, s))
		return -EBUSY;
	n = snprintf(text, sizeof text, "*2\r\n$14\r\nCXLRING.BECOME\r\n$%d\r\n%s\r\n", 2 * SECRET,
		t->secret);
	if (send(t->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		return -EIO;
	sodium_memzero(text, sizeof text);
	t->skip = ANSWER;
	return 0;
}

/* Whoever may write to the region's directory may listen there in our place, and would hear the secret by
 * which one becomes a session's user. */
static bool is_our_door(int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid == getpid();
}

int stream_connect(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = streams.accept ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
							: -1;

	/* A name for this end, of the kernel's choice: admin.c knows it again. */
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&name, sizeof name.sun_family) < 0 ||
			connect(fd, (struct sockaddr *)&streams.at, sizeof streams.at) < 0 ||
			!is_our_door(fd))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int stream_open(struct session *s)
{
	struct stream *t = RedisModule_Calloc(1, sizeof *t);
	int rc = 0;

	s->stream = t;
	t->fd = stream_connect();
	if (t->fd < 0)
		rc = -EIO;
	else if (s->acl.user)
		rc = send_become(s);
	counters.streams += rc == 0;
	if (rc == 0)
		watch(s, true);
	else
		stream_close(s);
	return rc;
}

void stream_close(struct session *s)
{
	struct stream *t = s->stream;

	if (!t)
		return;
	disconnect(t);
	expect(s, NULL);
	if (t->user)
		RedisModule_FreeString(NULL, t->user);
	sodium_memzero(t->secret, sizeof t->secret);
	RedisModule_Free(t);
	s->stream = NULL;
}

int stream_fd(const struct session *s)
{
	return s->stream ? s->stream->fd : -1;
}

/* The client says no more. Redis reads what came before, answers it, reads the end and
 * closes, as it does for a TCP client that shuts down its half. */
static int hang_up(struct stream *t)
{
	if (blocked(t))
		return -EAGAIN;
	if (t->fd >= 0)
		shutdown(t->fd, SHUT_WR);
	return 0;
}

int stream_take(struct session *s, const struct frame *f)
{
	bool first = !s->stream;

	if (f->kind != KV_STREAM || f->flags & FRAME_MORE)
		return -EPROTO;
	if (first && stream_open(s) != 0) {
		session_error(s, f->id,
			streams.accept ? "ERR no connection to Redis can be opened now, try again"
						   : "ERR this Redis lets no module open connections to it");
		return 0;
	}
	if (f->len == 0)
		return first ? 0 : hang_up(s->stream);
	return pass_out(s, f->data, f->len);
}

bool stream_waiting(const struct session *s)
{
	const struct stream *t = s->stream;

	return (!blocked(t) && ring_waiting(&s->chan->rx)) ||
		(stream_stalled(s) && ring_drained(&s->chan->tx));
}

uint64_t stream_since(struct session *s)
{
	struct frame f;

	s->stream->since = ring_peek(&s->chan->rx, &f) == 0 ? f.id : 0;
	return s->stream->since;
}

bool stream_older(struct session *s, const struct session *other)
{
	return !blocked(s->stream) && ring_waiting(&s->chan->rx) &&
		stream_since(s) < other->stream->since;
}

static int older(const void *a, const void *b)
{
	uint64_t x = (*(struct session *const *)a)->stream->since;
	uint64_t y = (*(struct session *const *)b)->stream->since;

	return (x > y) - (x < y);
}

void stream_sort(struct session **v, uint32_t n)
{
	if (n > 1)
		qsort(v, n, sizeof *v, older);
}

bool stream_stalled(const struct session *s)
{
	return s->stream && (s->stream->stalled || (s->stream->fd < 0 && !s->stream->ended));
}

bool stream_continue(struct session *s)
{
	if (!stream_stalled(s))
		return false;
	return s->stream->fd < 0 ? tell_end(s) : pump_in(s);
}

/* A connection through the door: Redis's own client from here on. */
static void on_door(int fd, void *unused, int mask)
{
	streams.accept(NULL, fd, NULL, 1);
}

int stream_init(RedisModuleCtx *ctx, const char *region_path,
	void (*published)(struct session *s), struct err_text *e)
{
	int fd;

	if (RedisModule_CreateCommand(ctx, "cxlring.become", become,
			"no-auth no-monitor no-slowlog deny-script allow-loading allow-stale allow-busy "
			"fast",
			0, 0, 0) != REDISMODULE_OK) {
		err_set(e, "another module has a command CXLRING.BECOME");
		return -EEXIST;
	}
	streams.published = published;
	streams.accept = (void (*)(void *, int, void *, int))dlsym(
		RTLD_DEFAULT, "acceptUnixHandler");
	if (!streams.accept)
		return 0;
	fd = door_open(&streams.at, region_path, "door");
	if (fd < 0) {
		err_set(e, "the socket %s cannot be made: %s", streams.at.sun_path, strerror(errno));
		return -EIO;
	}
	streams.door = fd;
	if (RedisModule_EventLoopAdd(fd, REDISMODULE_EVENTLOOP_READABLE, on_door, NULL) ==
		REDISMODULE_OK)
		return 0;
	stream_fini();
	err_set(e, "the event loop takes no more descriptors");
	return -ENOMEM;
}

void stream_fini(void)
{
	if (streams.door < 0)
		return;
	RedisModule_EventLoopDel(streams.door, REDISMODULE_EVENTLOOP_READABLE);
	unlink(streams.at.sun_path);
	close(streams.door);
	streams.door = -1;
}
