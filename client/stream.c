/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.c - a connection as bytes both ways. The writer touches the request ring, the
 * reader all the rest.
 */
#include "conn.h"

#include <string.h>

enum {
	PIECE = 16 << 10, /* bytes in one frame */
	SLICE_MS = 100,   /* of a long wait: then see whether the server lives */
};

int cxlring_stream(struct cxlring *c)
{
	uint8_t *at;
	int rc;

	if (c->asked != c->answered)
		return conn_fail(
			c, -EBUSY, "%zu requests are outstanding", cxlring_outstanding(c));
	rc = conn_ready(c);
	if (rc || c->streams)
		return rc;
	rc = ring_claim(&c->chan.tx, 0, &at);
	if (rc)
		return conn_fail(c, rc, "no room for a request");
	ring_commit(&c->chan.tx, 0, KV_STREAM, 0, ++c->asked);
	c->answered = c->dropped = c->asked;
	chan_publish(&c->chan);
	ring_release(&c->chan.rx);
	c->taken = false;
	c->streams = true;
	return 0;
}

/* -EAGAIN from chan_state() is a server that is being replaced: its stream is gone. */
static int state(const struct cxlring *c)
{
	int rc = chan_state(&c->chan);

	return rc == -EAGAIN || rc == -EOWNERDEAD ? -ECONNRESET : rc;
}

int cxlring_stream_write(struct cxlring *c, const void *p, size_t len, int timeout_ms)
{
	struct ring *tx = &c->chan.tx;
	const uint8_t *from = p;
	uint64_t t0 = 0, waited;
	uint8_t *at;
	int rc;

	if (!c->streams)
		return -EINVAL;
	while (len) {
		uint32_t n = ring_frame_max(tx) < PIECE ? ring_frame_max(tx) : PIECE;

		n = len < n ? (uint32_t)len : n;
		rc = ring_claim(tx, n, &at);
		if (rc == 0) {
			memcpy(at, from, n);
			ring_commit(tx, n, KV_STREAM, 0, clock_ticks());
			from += n;
			len -= n;
			continue;
		}
		chan_publish(&c->chan);
		if (rc != -EAGAIN)
			return rc;
		t0 = t0 ? t0 : clock_ms();
		waited = clock_ms() - t0;
		rc = state(c);
		if (rc)
			return rc;
		if (timeout_ms >= 0 && waited >= (uint64_t)timeout_ms)
			return -ETIMEDOUT;
		wait_poll(waited * 1000);
	}
	chan_publish(&c->chan);
	return 0;
}

/* A frame of the stream; its bytes stay until the next call. */
static int take(struct cxlring *c, struct cxlring_view *v)
{
	struct ring *rx = &c->chan.rx;
	struct frame f;
	int rc = ring_peek(rx, &f);

	if (rc)
		return rc;
	if (f.kind == KV_END)
		return -ENODATA; /* it stays there: so it is every time */
	if (f.kind == KV_ERROR)
		return conn_fail(c, -ECONNREFUSED, "%.*s", (int)(f.len < 200 ? f.len : 200),
			(const char *)f.data);
	if (f.kind != KV_BYTES || f.len == 0)
		return conn_fail(c, -EPROTO, "a frame of kind %u in a stream", f.kind);
	ring_next(rx);
	*v = (struct cxlring_view){.type = CXLRING_STRING, .data = (const char *)f.data,
		.len = f.len};
	return 0;
}

/* The next bytes, if there is anybody to have them from. */
static int take_from_server(struct cxlring *c, struct cxlring_view *v)
{
	if (__atomic_load_n(&c->stopped, __ATOMIC_ACQUIRE))
		return -ECANCELED;
	return conn_tenure_over(c) ? -EACCES : take(c, v);
}

int cxlring_stream_next(struct cxlring *c, struct cxlring_view *v, int timeout_ms)
{
	uint64_t t0 = 0, waited = 0, left;
	int rc;

	if (!c->streams)
		return -EINVAL;
	ring_release_seldom(&c->chan.rx);
	while ((rc = take_from_server(c, v)) == -EAGAIN) {
		if (timeout_ms >= 0) {
			t0 = t0 ? t0 : clock_ms();
			waited = clock_ms() - t0;
			if (waited >= (uint64_t)timeout_ms)
				return -EAGAIN;
		}
		left = timeout_ms < 0 ? SLICE_MS : (uint64_t)timeout_ms - waited;
		rc = chan_await(&c->chan, left < SLICE_MS ? (uint32_t)left : SLICE_MS);
		if (rc && rc != -EAGAIN)
			return rc == -EOWNERDEAD ? -ECONNRESET : rc;
		rc = rc ? state(c) : 0;
		if (rc)
			return rc;
	}
	return rc;
}

void cxlring_stream_stop(struct cxlring *c)
{
	__atomic_store_n(&c->stopped, true, __ATOMIC_RELEASE);
	if (c->attached)
		bell_wake(&c->chan.shm->asleep);
}
