/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char prologue[] = "cxl-tunnel 1";

enum {
	HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	SEALED_MAX = RECORD_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES,
	READ_BYTES = 3 * RECORD_BYTES, /* at a time; sealed they fit in TUNNEL_BUFFER */
	TURNS = 16,                    /* before other connections come */
	BACKOFF_MS = 20,
	BACKOFF_MAX_MS = 1000,
	LONG_MS = 3600000,
};

_Static_assert(SEALED_MAX <= UINT16_MAX, "a record's length");
_Static_assert(3 * (RECORD_BYTES + RECORD_EXTRA) <= TUNNEL_BUFFER, "out");

void tunnel_heard(struct tunnel_end *e, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		e->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		e->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		e->hung = true;
	/* Reset, while we do not read yet. */
	if ((events & EPOLLERR) && e->fd >= 0 && e->tunnel->state <= TUNNEL_DIALING)
		tunnel_abort(e->tunnel, NULL);
}

/* ---- ends of it ---- */

void tunnel_abort(struct tunnel *t, const char *why)
{
	if (t->state == TUNNEL_OVER)
		return;
	if (why && why != t->why)
		snprintf(t->why, sizeof t->why, "%s", why);
	dial_close(&t->dial);
	tunnel_end_close(&t->plain, true);
	tunnel_end_close(&t->sealed, true);
	t->state = TUNNEL_OVER;
}

static void broke(struct tunnel *t, const char *what)
{
	char why[sizeof t->why];

	snprintf(why, sizeof why, "%s%s%.350s", t->peer ? t->peer->name : "", t->peer ? ": " : "",
		what);
	tunnel_abort(t, why);
}

/* Both directions ended as they should. */
static void end_well(struct tunnel *t)
{
	tunnel_end_close(&t->plain, false);
	tunnel_end_close(&t->sealed, false);
	t->state = TUNNEL_OVER;
}

/* ---- records ---- */

/* `len` up to RECORD_BYTES onto t->out, which has room or gets it. */
static bool seal(struct tunnel *t, const void *p, size_t len, uint8_t tag)
{
	size_t sealed = len + crypto_secretstream_xchacha20poly1305_ABYTES;
	uint8_t *to = (uint8_t *)buffer_room(&t->out, 2 + sealed);

	if (!to)
		return false;
	if (!life_is(&t->life)) {
		broke(t, "this machine is a copy of another, or the other of this one, which has the same "
			 "keys: connection reset");
		return false;
	}
	to[0] = (uint8_t)sealed;
	to[1] = (uint8_t)(sealed >> 8);
	crypto_secretstream_xchacha20poly1305_push(&t->push, to + 2, NULL, p, len, NULL, 0, tag);
	t->out.end += 2 + sealed;
	t->since_rekey += len;
	return true;
}

/* MESSAGE, or REKEY when it is time. */
static uint8_t next_tag(struct tunnel *t, uint64_t now_ms)
{
	if (t->since_rekey < t->config->rekey_bytes && now_ms < t->rekey_at_ms)
		return crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
	t->since_rekey = 0;
	t->rekey_at_ms = now_ms + t->config->rekey_ms;
	return crypto_secretstream_xchacha20poly1305_TAG_REKEY;
}

static bool seal_all(struct tunnel *t, const uint8_t *p, size_t len, uint64_t now_ms)
{
	while (len) {
		size_t n = len < RECORD_BYTES ? len : RECORD_BYTES;

		if (!seal(t, p, n, next_tag(t, now_ms)))
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* The next record of t->in: its plaintext after what is in t->opened. Returns 0, -EAGAIN: not
 * all of it is there; -ENOBUFS: no room; -EBADMSG; -ENOMEM. */
static int open_one(struct tunnel *t, uint8_t *tag)
{
	const uint8_t *p = (const uint8_t *)buffer_front(&t->in);
	size_t have = buffer_len(&t->in), sealed;
	unsigned long long len;
	uint8_t *to;

	if (have < 2)
		return -EAGAIN;
	sealed = p[0] | (size_t)p[1] << 8;
	if (sealed < crypto_secretstream_xchacha20poly1305_ABYTES || sealed > SEALED_MAX)
		return -EBADMSG;
	if (have < 2 + sealed)
		return -EAGAIN;
	if (buffer_len(&t->opened) + sealed > TUNNEL_BUFFER)
		return -ENOBUFS;
	/* All of it at once: a buffer that grew would leave plaintext behind. */
	to = (uint8_t *)buffer_room(&t->opened, t->opened.p ? sealed : TUNNEL_BUFFER);
	if (!to)
		return -ENOMEM;
	if (crypto_secretstream_xchacha20poly1305_pull(
			&t->pull, to, &len, tag, p + 2, sealed, NULL, 0) != 0)
		return -EBADMSG;
	t->opened.end += len;
	buffer_drop(&t->in, 2 + sealed);
	return 0;
}

/* As many as there are and have room. False: it broke. */
static bool open_all(struct tunnel *t)
{
	uint8_t tag;
	int rc = 0;

	while (!t->finished && (rc = open_one(t, &tag)) == 0) {
		if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL)
			t->finished = true;
		else if (tag == crypto_secretstream_xchacha20poly1305_TAG_PUSH)
			rc = -EBADMSG; /* nobody writes that */
		if (rc)
			break;
	}
	if (rc == -EBADMSG || (t->finished && buffer_len(&t->in)))
		broke(t, "what came is not what the other end sent: connection reset");
	else if (rc == -ENOMEM)
		broke(t, strerror(ENOMEM));
	return t->state != TUNNEL_OVER;
}

/* ---- handshake ---- */

/* Until t->in has `want` bytes. Returns 0, -EAGAIN, -ENOTCONN when it ended, or errno's. Reads
 * no further, so that it is bounded for strangers. */
static int gather(struct tunnel *t, size_t want)
{
	while (buffer_len(&t->in) < want) {
		size_t miss = want - buffer_len(&t->in);
		char *to = buffer_room(&t->in, miss);
		ssize_t n;

		if (!to)
			return -ENOMEM;
		if (!t->sealed.readable)
			return t->sealed.said_end ? -ENOTCONN : -EAGAIN;
		n = tunnel_end_read(&t->sealed, to, miss);
		if (n < 0)
			return -errno;
		t->in.end += (size_t)n;
	}
	return 0;
}

/* Our direction's stream begins: its header onto t->out. */
static bool begin_push(struct tunnel *t, uint8_t tx[NOISE_KEY_BYTES], uint64_t now_ms)
{
	uint8_t *header = (uint8_t *)buffer_room(&t->out, HEADER);

	t->rekey_at_ms = now_ms + t->config->rekey_ms;
	if (header) {
		crypto_secretstream_xchacha20poly1305_init_push(&t->push, header, tx);
		t->out.end += HEADER;
	}
	sodium_memzero(tx, NOISE_KEY_BYTES);
	return header != NULL;
}

static void begin_pull(struct tunnel *t, const char *header)
{
	/* fails for no header at all */
	(void)crypto_secretstream_xchacha20poly1305_init_pull(
		&t->pull, (const uint8_t *)header, t->rx);
	sodium_memzero(t->rx, sizeof t->rx);
}

static void greet(struct tunnel *t)
{
	bool server = t->config->server;
	uint8_t *to = (uint8_t *)buffer_room(&t->out, NOISE_FIRST_BYTES);

	life_read(&t->life);
	noise_init(&t->noise, t->config->keys, server ? NULL : t->config->peers->peer[0].key,
		prologue, sizeof prologue - 1);
	t->state = TUNNEL_GREETING;
	if (!to)
		broke(t, strerror(ENOMEM));
	else if (server)
		return;
	else if (noise_write_first(&t->noise, to, NULL, 0))
		broke(t, "the server's public key is none");
	else
		t->out.end += NOISE_FIRST_BYTES;
}

/* Client: the second message and the server's header are there. */
static void greeted_by_server(struct tunnel *t, uint64_t now_ms)
{
	const uint8_t *in = (const uint8_t *)buffer_front(&t->in);
	uint8_t tx[NOISE_KEY_BYTES];

	if (noise_read_second(&t->noise, NULL, in, NOISE_SECOND_BYTES)) {
		broke(t, "handshake: the other end does not have the key that --peer names, or "
				 "somebody changed its answer");
		return;
	}
	noise_split(&t->noise, tx, t->rx);
	begin_pull(t, (const char *)in + NOISE_SECOND_BYTES);
	buffer_drop(&t->in, NOISE_SECOND_BYTES + HEADER);
	if (!begin_push(t, tx, now_ms) ||
		!seal(t, NULL, 0, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE))
		broke(t, strerror(ENOMEM));
	else
		t->state = TUNNEL_UP;
}

/* Server: the first message is there. */
static void greeted_by_client(struct tunnel *t, uint64_t now_ms)
{
	uint8_t *to = (uint8_t *)buffer_room(&t->out, NOISE_SECOND_BYTES);
	uint8_t tx[NOISE_KEY_BYTES];
	char text[TUNNEL_KEY_TEXT], why[128];

	if (noise_read_first(&t->noise, NULL, (uint8_t *)buffer_front(&t->in), NOISE_FIRST_BYTES)) {
		broke(t, "handshake: somebody who does not know this end's public key, or other "
				 "than this program");
		return;
	}
	t->peer = tunnel_peers_find(t->config->peers, t->noise.rs);
	if (!t->peer) {
		tunnel_public_text(text, t->noise.rs);
		snprintf(why, sizeof why, "handshake: a key that is not let in: %s", text);
		broke(t, why);
		return;
	}
	if (!to || noise_write_second(&t->noise, to, NULL, 0)) {
		broke(t, "handshake: no answer could be made");
		return;
	}
	t->out.end += NOISE_SECOND_BYTES;
	buffer_drop(&t->in, NOISE_FIRST_BYTES);
	noise_split(&t->noise, tx, t->rx);
	if (begin_push(t, tx, now_ms))
		t->state = TUNNEL_PROVING;
	else
		broke(t, strerror(ENOMEM));
}

static void connect_again(struct tunnel *t, uint64_t now_ms);

/* Server: the empty record is there. */
static void proved(struct tunnel *t, uint64_t now_ms)
{
	uint8_t tag;

	begin_pull(t, buffer_front(&t->in));
	buffer_drop(&t->in, HEADER);
	if (open_one(t, &tag) || buffer_len(&t->opened) ||
		tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE) {
		broke(t, "handshake: a repeated first message, or somebody changed the second");
		return;
	}
	t->backoff_ms = 0;
	t->born_ms = now_ms; /* now the target has its time */
	connect_again(t, now_ms);
}

static void later(struct tunnel *t, uint64_t now_ms)
{
	t->state = TUNNEL_WAITING;
	t->retry_at_ms = now_ms + t->backoff_ms;
}

/* The client's sealed connection did not get as far as a handshake: the server end may be
 * starting, or does not let us in, which it does not say. */
static void greeting_broke(struct tunnel *t, int rc, uint64_t now_ms)
{
	if (t->config->server) {
		broke(t, rc == -ENOTCONN ? "handshake: the connection ended" : strerror(-rc));
		return;
	}
	snprintf(t->dial.why, sizeof t->dial.why,
		"ended during the handshake (%s): is this end's public key let in there?",
		rc == -ENOTCONN ? "closed" : strerror(-rc));
	tunnel_end_close(&t->sealed, false);
	buffer_cut(&t->in, 0);
	buffer_cut(&t->out, 0);
	noise_wipe(&t->noise);
	t->sealed = (struct tunnel_end){.tunnel = t, .fd = -1};
	later(t, now_ms);
}

/* Handshake, as far as it goes. */
static void shake(struct tunnel *t, uint64_t now_ms)
{
	bool server = t->config->server;
	int rc = 0;

	while (rc == 0 && (t->state == TUNNEL_GREETING || t->state == TUNNEL_PROVING)) {
		if (!tunnel_end_write(&t->sealed, &t->out)) {
			greeting_broke(t, -errno, now_ms);
			return;
		}
		if (t->state == TUNNEL_PROVING) {
			rc = gather(t, HEADER + RECORD_EXTRA);
			if (rc == 0)
				proved(t, now_ms);
		} else if (server) {
			rc = gather(t, NOISE_FIRST_BYTES);
			if (rc == 0)
				greeted_by_client(t, now_ms);
		} else {
			rc = gather(t, NOISE_SECOND_BYTES + HEADER);
			if (rc == 0)
				greeted_by_server(t, now_ms);
		}
	}
	if (rc && rc != -EAGAIN)
		greeting_broke(t, rc, now_ms);
}

/* ---- connecting ---- */

/* What we connect to: the other end, or the target. */
static struct tunnel_end *far_end(struct tunnel *t)
{
	return t->config->server ? &t->plain : &t->sealed;
}

static void connect_again(struct tunnel *t, uint64_t now_ms)
{
	uint32_t next = t->backoff_ms ? 2 * t->backoff_ms : BACKOFF_MS;

	t->backoff_ms = next < BACKOFF_MAX_MS ? next : BACKOFF_MAX_MS;
	t->state = TUNNEL_DIALING;
	if (dial_start(&t->dial, t->config->to, t->config->epoll, (uintptr_t)far_end(t)))
		later(t, now_ms);
}

static void dialled(struct tunnel *t, uint64_t now_ms)
{
	int rc = dial_step(&t->dial, t->config->epoll, (uintptr_t)far_end(t));
	int fd = t->dial.fd;

	if (rc == -EAGAIN)
		return;
	if (rc) {
		later(t, now_ms);
		return;
	}
	t->dial.fd = -1;
	if (!tunnel_end_take(far_end(t), fd, EPOLL_CTL_MOD))
		broke(t, strerror(errno));
	else if (t->config->server)
		t->state = TUNNEL_UP;
	else
		greet(t);
}

uint32_t tunnel_tick(struct tunnel *t, uint64_t now_ms)
{
	uint64_t age = now_ms - t->born_ms, quiet = now_ms - t->moved_ms;
	char why[sizeof t->why];

	if (t->state < TUNNEL_UP && age >= t->config->connect_ms) {
		snprintf(why, sizeof why, "%.140s after %u ms%s%.150s",
			t->state == TUNNEL_GREETING || t->state == TUNNEL_PROVING
				? "handshake: nothing came"
				: t->config->to,
			t->config->connect_ms, t->dial.why[0] ? ": " : "", t->dial.why);
		broke(t, why);
		return LONG_MS;
	}
	if (t->state == TUNNEL_WAITING && now_ms >= t->retry_at_ms)
		connect_again(t, now_ms);
	if (t->state == TUNNEL_WAITING)
		return (uint32_t)(t->retry_at_ms - now_ms);
	if (t->state != TUNNEL_UP)
		return (uint32_t)(t->config->connect_ms - age);
	if (!t->config->idle_ms)
		return LONG_MS;
	if (quiet < t->config->idle_ms)
		return (uint32_t)(t->config->idle_ms - quiet);
	broke(t, "idle for longer than --idle-timeout");
	return LONG_MS;
}

/* ---- bytes ---- */

/* A program at the other end that resets its connection is nothing to tell of. */
static void sealed_broke(struct tunnel *t)
{
	if (errno == ECONNRESET || errno == EPIPE)
		tunnel_abort(t, NULL);
	else
		broke(t, strerror(errno));
}

/* Plain to sealed, once. True: something moved. */
static bool carry_out(struct tunnel *t, uint64_t now_ms)
{
	static uint8_t plain[READ_BYTES];
	size_t before = buffer_len(&t->out);
	bool ok = true;
	ssize_t n = 0;

	if (!tunnel_end_write(&t->sealed, &t->out)) {
		sealed_broke(t);
		return false;
	}
	if (buffer_len(&t->out))
		return buffer_len(&t->out) != before;
	if (t->plain.said_end)
		return tunnel_end_tell(&t->sealed);
	if (!t->plain.readable)
		return before > 0;
	n = tunnel_end_read(&t->plain, plain, sizeof plain);
	if (n < 0) {
		tunnel_abort(t, NULL); /* a reset goes on as one */
		return false;
	}
	ok = n ? seal_all(t, plain, (size_t)n, now_ms)
		   : !t->plain.said_end ||
				 seal(t, NULL, 0, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
	sodium_memzero(plain, (size_t)n);
	if (!ok)
		broke(t, strerror(ENOMEM));
	return ok && buffer_len(&t->out);
}

/* More of what is sealed. False: nothing came. */
static bool hear(struct tunnel *t)
{
	size_t room;
	char *to;
	ssize_t n;

	if (!t->sealed.readable || buffer_len(&t->in) >= RECORD_BYTES + RECORD_EXTRA)
		return false;
	room = TUNNEL_BUFFER - buffer_len(&t->in);
	to = buffer_room(&t->in, room);
	n = to ? tunnel_end_read(&t->sealed, to, room) : -1;
	if (n > 0)
		t->in.end += (size_t)n;
	if (n > 0 && t->finished)
		broke(t, "bytes after the end: connection reset");
	else if (n < 0 && !t->finished)
		sealed_broke(t);
	else if (n == 0 && t->sealed.said_end && !t->finished)
		broke(t, "cut off: the sealed connection ended before the stream did");
	return n > 0 && t->state != TUNNEL_OVER;
}

/* Sealed to plain, once. True: something moved. */
static bool carry_in(struct tunnel *t)
{
	size_t before = buffer_len(&t->opened);
	bool heard = hear(t);

	if (t->state == TUNNEL_OVER || !open_all(t))
		return false;
	heard |= buffer_len(&t->opened) > 0;
	if (!tunnel_end_write(&t->plain, &t->opened)) {
		tunnel_abort(t, NULL); /* its program is gone */
		return false;
	}
	if (buffer_len(&t->opened))
		return buffer_len(&t->opened) != before;
	if (t->finished)
		heard |= tunnel_end_tell(&t->plain);
	return heard;
}

static bool carry(struct tunnel *t, uint64_t now_ms)
{
	bool moved;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		moved = carry_out(t, now_ms);
		moved |= t->state == TUNNEL_UP && carry_in(t);
		if (t->state != TUNNEL_UP)
			return false;
		if (t->plain.told_end && t->sealed.told_end) {
			end_well(t);
			return false;
		}
		if (!moved)
			return false;
		t->moved_ms = now_ms;
	}
	return true;
}

bool tunnel_run(struct tunnel *t, uint64_t now_ms)
{
	if (t->state == TUNNEL_DIALING)
		dialled(t, now_ms);
	if (t->state == TUNNEL_GREETING || t->state == TUNNEL_PROVING)
		shake(t, now_ms);
	return t->state == TUNNEL_UP && carry(t, now_ms);
}

/* ---- life ---- */

struct tunnel *tunnel_create(const struct tunnel_config *c, int fd, uint64_t now_ms)
{
	struct tunnel *t = calloc(1, sizeof *t);

	if (!t) {
		close(fd);
		return NULL;
	}
	t->config = c;
	t->born_ms = t->moved_ms = now_ms;
	t->dial.fd = t->plain.fd = t->sealed.fd = -1;
	t->plain.tunnel = t->sealed.tunnel = t;
	if (!tunnel_end_take(c->server ? &t->sealed : &t->plain, fd, EPOLL_CTL_ADD))
		broke(t, strerror(errno));
	else if (c->server)
		greet(t);
	else
		connect_again(t, now_ms);
	return t;
}

void tunnel_destroy(struct tunnel *t)
{
	tunnel_abort(t, NULL);
	buffer_wipe(&t->opened);
	buffer_free(&t->opened);
	buffer_free(&t->in);
	buffer_free(&t->out);
	sodium_memzero(t, sizeof *t);
	free(t);
}
