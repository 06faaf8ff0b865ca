/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ring.h - one direction of a channel: one producer, one consumer, frames of bytes.
 *
 *     position p (free-running, 64 bit) lies at data + (p & (cap - 1))
 *
 *     | frame | frame | frame | 0 0 0 0 0 0 | stale bytes of the last lap ... |
 *     ^head           ^first of a batch     ^zeroed up to here
 *
 *     frame, 16-byte aligned, never wraps:
 *     0   u64  commit word: len:32 | kind:8 | flags:8 | generation:16
 *     8   u64  id, chosen by the requester and repeated in the reply
 *     16  len bytes of payload, then up to 15 bytes of nothing
 *
 * A frame is there when its commit word carries the ring's generation. The producer
 * stores that word last, with release, and for a batch only the word of the first
 * frame is held back, so publication is one release store per batch. What follows
 * the batch is zeroed beforehand, and a window of ZEROED bytes beyond it right
 * afterwards, when nobody waits: so bytes of the last lap are never taken for a
 * frame, and the producer already owns the line that it writes next.
 *
 * Why not a shared tail index: the consumer would fetch two lines for each message,
 * index and frame. Measured on two cores, round trip of 48-byte messages: cache-line
 * floor 178 ns, index 257-380 ns, commit word with window 217-243 ns.
 *
 * field     written by   read by    order
 * frame     producer     consumer   R1: commit word by release, pairs with A1 in
 *                                   ring_peek (acquire): payload, id and the frames
 *                                   behind it in the batch are visible with it; lost:
 *                                   torn payload. R2: zeroes before the commit word
 *                                   (same release); lost: a stale frame is executed
 * head      consumer     producer   R3: release in ring_release, pairs with A3 in
 *                                   ring_room (acquire): reading is over before the bytes
 *                                   are overwritten; lost: payload changes under the
 *                                   reader
 *
 * Rules: one thread at a time per handle. Both ends agree on a generation (1..65535)
 * and start at position 0; ring_produce() zeroes the window before the consumer may
 * look (channel.h has the handshake). A producer that dies between claim and publish
 * leaves nothing visible. A late store of an older generation's producer is not a
 * frame, because its generation differs.
 *
 * The peer lies: a head that is ahead of what was published, goes back, or is not a
 * frame's, a length that leaves the ring, an unknown flag, more frames than fit between
 * two releases: -EPROTO from then on. So whoever releases after each batch reads at most
 * a capacity in one turn, whatever the peer does.
 */
#ifndef COMMON_RING_H
#define COMMON_RING_H

#include "barrier.h"
#include "clock.h"
#include "err.h"

struct seal_half; /* seal.h */

enum {
	RING_ALIGN = 16,
	RING_HEADER = 16,
	RING_ZEROED = 256, /* bytes kept zero beyond the tail; a multiple of a line */
	RING_AHEAD = 2 * RING_ZEROED, /* bytes that a reader asks for before it needs them */
	RING_CAP_MIN = 4096,
	RING_CAP_MAX = 1 << 30,
};

enum {
	FRAME_PAD = 1,  /* filler up to the end of the ring, never seen by callers */
	FRAME_MORE = 2, /* the message goes on in the next frame of the same id */
	FRAME_FLAGS = FRAME_PAD | FRAME_MORE,
};

struct frame {
	const uint8_t *data; /* in shared memory: the peer can still change it */
	uint32_t len;
	uint8_t kind;
	uint8_t flags;
	uint64_t id;
};

/* One end. `role` fields are the producer's or the consumer's; never both. */
struct ring {
	uint8_t *data;
	uint64_t *head; /* shared: consumer's position */
	uint64_t cap;
	uint64_t pos;      /* producer: next free byte; consumer: next frame */
	uint64_t limit;    /* producer: cached head + cap */
	uint64_t zeroed;   /* producer: zero or ours up to here */
	uint64_t batch;    /* producer: where the held-back frame starts */
	uint64_t word;     /* producer: its commit word, 0 when none is held back */
	uint64_t dirty;    /* producer: end of the furthest claim since `zeroed` was true */
	uint64_t released; /* consumer: last head that was published */
	uint64_t next;     /* consumer: position after the frame last peeked */
	uint64_t delay;    /* injected latency, ticks */
	uint64_t fetched;  /* consumer with such: waited for up to here */
	uint16_t gen;
	bool broken;
	uint32_t frame_max;
	struct seal_half *seal; /* seal.h: data is private then, and what is shared lies there */
} LINE_PAIR_ALIGNED;

/* Largest payload of one frame: half the ring less its header, so that any frame fits
 * again once the reader has caught up. Longer messages go in parts (FRAME_MORE). */
static inline uint32_t ring_frame_max(const struct ring *r)
{
	return r->frame_max;
}

/*
 * ring_produce, ring_consume - make this process one end of the ring.
 *
 *   data    cap bytes in shared memory, 64-byte aligned; cap a power of two,
 *           RING_CAP_MIN .. RING_CAP_MAX
 *   head    the shared head word, already 0 or about to be stored by the consumer
 *   gen     1 .. 65535, the same on both ends
 *   delay   ticks that memory takes longer (0 = none), to stand in for a slower one on
 *           machines that have one NUMA node. The producer waits so long for each batch
 *           that it shows and each look at the head; the consumer for each frame that it
 *           has not asked for yet, which asks for all that lie within RING_AHEAD behind it
 *
 * ring_produce() zeroes the first window.
 */
void ring_produce(struct ring *r, void *data, uint64_t cap, uint64_t *head, uint16_t gen,
	uint64_t delay);
void ring_consume(struct ring *r, void *data, uint64_t cap, uint64_t *head, uint16_t gen,
	uint64_t delay);

/* What the fast paths below leave to ring.c. */
int ring_claim_slow(struct ring *r, uint32_t len, uint8_t **at);
int ring_peek_slow(struct ring *r, uint64_t word, struct frame *f);
void ring_zero_to(struct ring *r, uint64_t to);

/* The same of a ring that is sealed: what each function of ring.h does then. */
int seal_claim(struct ring *r, uint32_t len, uint8_t **at);
void seal_put(struct ring *r, uint8_t *at, const void *p, uint32_t len, uint8_t kind,
	uint8_t flags, uint64_t id);
void seal_show(struct ring *r);
void seal_prepare(struct ring *r);
int seal_peek(struct ring *r, struct frame *f);
bool seal_held(const struct ring *r);
bool seal_waiting(const struct ring *r);
bool seal_drained(const struct ring *r);
const uint64_t *seal_word(const struct ring *r);

/* The caller may now write so far, whether or not a frame comes of it: the furthest
 * claim counts, since a shorter one may follow one that was given up. */
static inline void ring_claimed(struct ring *r, uint32_t len)
{
	uint64_t end = r->pos + RING_HEADER + len;

	if (end > r->dirty)
		r->dirty = end;
}

/*
 * ring_claim - reserve room for one frame.
 *
 *   len   payload bytes, 0 .. ring_frame_max(r)
 *   at    out: len writable bytes in shared memory, valid until ring_commit() or
 *         ring_publish(), which zeroes behind the committed frames; the peer can read
 *         them at once, so no plaintext goes there that it may not see
 *
 * Does not block. Returns 0, -EAGAIN when full (nothing changed; publish what is
 * committed and retry later), -EMSGSIZE when len is out of range, -EPROTO when the
 * consumer's head is impossible (broken for good). An unfinished claim is simply
 * claimed again.
 */
MUST_CHECK static inline int ring_claim(struct ring *r, uint32_t len, uint8_t **at)
{
	uint64_t need = ((uint64_t)len + RING_HEADER + RING_ALIGN - 1) & ~(RING_ALIGN - 1ull);
	uint64_t off = r->pos & (r->cap - 1);

	/* need + window + one line never passes `limit`; cap bounds both sums. */
	if (__builtin_expect(off + need > r->cap ||
				r->pos + need + RING_ZEROED + CACHE_LINE > r->limit ||
				len > ring_frame_max(r),
			0))
		return ring_claim_slow(r, len, at);
	ring_claimed(r, len);
	*at = r->data + off + RING_HEADER;
	return 0;
}

/*
 * ring_commit - finish the claimed frame; it stays invisible until ring_publish().
 *
 *   len   payload bytes really used, 0 .. the claimed number
 *   id    correlates request and reply
 */
static inline void ring_commit(
	struct ring *r, uint32_t len, uint8_t kind, uint8_t flags, uint64_t id)
{
	uint64_t *h = (uint64_t *)(r->data + (r->pos & (r->cap - 1)));
	uint64_t word = (uint64_t)len | (uint64_t)kind << 32 | (uint64_t)flags << 40 |
			(uint64_t)r->gen << 48;

	shm_store64(h + 1, id);
	if (!r->word) {
		r->word = word;
		r->batch = r->pos;
	} else {
		shm_store64(h, word);
	}
	r->pos += ((uint64_t)len + RING_HEADER + RING_ALIGN - 1) & ~(RING_ALIGN - 1ull);
}

/*
 * ring_put - claim, copy and commit in one. Returns as ring_claim; also -EPROTO when the payload was
 * to be sealed at once, and could not be.
 *
 *   p   private memory that nobody writes meanwhile: sealed, a long payload is not copied
 *       first, but sealed from where it lies. Not needed afterwards
 */
MUST_CHECK int ring_put(struct ring *r, const void *p, uint32_t len, uint8_t kind,
	uint8_t flags, uint64_t id);

/*
 * ring_show - make every committed frame visible, with one store.
 * ring_prepare - zero the window behind them, for the next frame.
 * ring_publish - both. A caller with a bell to look at does that in between: its fence
 * then waits for the frame's line alone and not for the window's (a fifth of a round
 * trip). A ring that was not prepared is right as well, only slower.
 */
static inline void ring_show(struct ring *r)
{
	uint64_t *h = (uint64_t *)(r->data + (r->batch & (r->cap - 1)));

	if (__builtin_expect(r->seal != NULL, 0)) {
		seal_show(r);
		return;
	}
	if (!r->word)
		return;
	if (__builtin_expect(r->dirty > r->pos, 0)) {
		r->zeroed = r->pos; /* a claim went further than its frame */
		r->dirty = 0;
	}
	if (r->zeroed < r->pos + RING_ALIGN) /* R2 */
		ring_zero_to(r, r->pos + RING_ALIGN);
	shm_line_flush(h, r->pos - r->batch);
	if (__builtin_expect(r->delay != 0, 0))
		clock_burn(r->delay);
	shm_store_release64(h, r->word); /* R1 (pairs with A1 in ring_peek) */
	shm_line_flush(h, sizeof *h);
	r->word = 0;
}

static inline void ring_prepare(struct ring *r)
{
	/* Room: ring_claim kept window + line. Not within an open batch: its commit word
	 * is still to come. */
	if (r->zeroed < r->pos + RING_ZEROED && !r->word)
		ring_zero_to(r, r->pos + RING_ZEROED);
}

/* Are there committed frames that were not shown? */
static inline bool ring_held(const struct ring *r)
{
	return r->word || (__builtin_expect(r->seal != NULL, 0) && seal_held(r));
}

static inline void ring_publish(struct ring *r)
{
	ring_show(r);
	ring_prepare(r);
}

/*
 * ring_peek - the next frame, in place.
 *
 *   f   out: the frame; f->data stays readable until ring_release() after ring_next().
 *       The peer can still write there: read a byte once, or copy.
 *
 * Returns 0, -EAGAIN when there is none, -EPROTO when the producer wrote an
 * impossible one (broken for good). Peeking again gives the same frame.
 */
MUST_CHECK static inline int ring_peek(struct ring *r, struct frame *f)
{
	const uint64_t *h = (const uint64_t *)(r->data + (r->pos & (r->cap - 1)));
	uint64_t word;

	shm_line_invalidate(h, CACHE_LINE);
	word = shm_load_acquire64(h); /* A1 (pairs with R1 in ring_show) */
	if (word >> 48 != r->gen)
		return __builtin_expect(r->seal != NULL, 0) ? seal_peek(r, f)
			: r->broken				    ? -EPROTO
								: -EAGAIN;
	return ring_peek_slow(r, word, f);
}

/* The commit word that the consumer looks at next. */
static inline const uint64_t *ring_word(const struct ring *r)
{
	if (__builtin_expect(r->seal != NULL, 0))
		return seal_word(r);
	return (const uint64_t *)(r->data + (r->pos & (r->cap - 1)));
}

/* True when a frame (or garbage that ring_peek will refuse) waits. One cached read. */
static inline bool ring_waiting(const struct ring *r)
{
	const uint64_t *h = (const uint64_t *)(r->data + (r->pos & (r->cap - 1)));

	shm_line_invalidate(h, CACHE_LINE);
	if (shm_load64(h) >> 48 == r->gen)
		return !r->broken;
	return __builtin_expect(r->seal != NULL, 0) && seal_waiting(r);
}

/* Has the consumer given bytes back since this producer last looked? One cached read. */
static inline bool ring_drained(const struct ring *r)
{
	if (__builtin_expect(r->seal != NULL, 0))
		return seal_drained(r);
	return shm_load64(r->head) + r->cap != r->limit;
}

/* ring_next - step over the frame last peeked; its bytes stay until ring_release(). */
static inline void ring_next(struct ring *r)
{
	r->pos = r->next;
	/* Past the producer's window, so that a reader that keeps up takes no line away
	 * that is about to be written, and one that lags finds its next ones (64 bytes
	 * one way: 32 -> 41 M/s, in batches 25 -> 34; nearer than the window gains 2 %). */
	__builtin_prefetch(r->data + ((r->pos + RING_AHEAD) & (r->cap - 1)));
}

/* ring_release - give everything stepped over back to the producer, with one store. */
static inline void ring_release(struct ring *r)
{
	if (r->released == r->pos)
		return;
	r->released = r->pos;
	shm_store_release64(r->head, r->pos); /* R3 (pairs with A3 in ring_room) */
	shm_line_flush(r->head, sizeof *r->head);
}

/*
 * ring_release_seldom - for who takes one frame after the other: by the quarter ring, or when
 * nothing more is there. Sealed, each time: that store is to private memory, and what is
 * given back is where the next record goes, while it is in the cache.
 */
static inline void ring_release_seldom(struct ring *r)
{
	if (r->seal || r->pos - r->released > r->cap / 4 || !ring_waiting(r))
		ring_release(r);
}

#endif
