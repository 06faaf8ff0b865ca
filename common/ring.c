/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring.h"

#include <string.h>

enum { PREFETCHED = 512 };

static void ring_init(struct ring *r, void *data, uint64_t cap, uint64_t *head,
	uint16_t gen, uint64_t delay)
{
	memset(r, 0, sizeof *r);
	r->data = data;
	r->head = head;
	r->cap = cap;
	r->gen = gen;
	r->delay = delay;
	r->frame_max = (uint32_t)(cap / 2 - RING_HEADER - RING_ZEROED);
}

void ring_produce(struct ring *r, void *data, uint64_t cap, uint64_t *head, uint16_t gen,
	uint64_t delay)
{
	ring_init(r, data, cap, head, gen, delay);
	r->limit = cap;
	ring_zero_to(r, RING_ZEROED);
}

void ring_consume(struct ring *r, void *data, uint64_t cap, uint64_t *head, uint16_t gen,
	uint64_t delay)
{
	ring_init(r, data, cap, head, gen, delay);
}

/* Zero from max(pos, zeroed) up to the first line boundary at or after `to`. The
 * caller has made sure that those bytes are free: to <= limit - CACHE_LINE. */
void ring_zero_to(struct ring *r, uint64_t to)
{
	uint64_t p = r->zeroed > r->pos ? r->zeroed : r->pos;

	if (r->seal) {
		seal_prepare(r);
		return;
	}
	to = (to + CACHE_LINE - 1) & ~(CACHE_LINE - 1ull);
	if (p % CACHE_LINE && p < to) {
		memset(r->data + (p & (r->cap - 1)), 0, CACHE_LINE - p % CACHE_LINE);
		p += CACHE_LINE - p % CACHE_LINE;
	}
	/* Whole lines by a constant length: four stores and no call (+13 % one way). */
	for (; p < to; p += CACHE_LINE)
		memset(r->data + (p & (r->cap - 1)), 0, CACHE_LINE);
	r->zeroed = p;
}

/* Room for `need` bytes at pos? Re-reads the head at most once. */
static int ring_room(struct ring *r, uint64_t need)
{
	uint64_t want = r->pos + need + RING_ZEROED + CACHE_LINE, head;
	uint64_t shown = r->word ? r->batch : r->pos; /* the consumer saw no more */

	if (want <= r->limit)
		return 0;
	if (__builtin_expect(r->delay != 0, 0))
		clock_burn(r->delay);
	shm_line_invalidate(r->head, sizeof *r->head);
	head = shm_load_acquire64(r->head); /* A3 (pairs with R3 in ring_release) */
	/* Not before the last head, which is limit - cap and no further back than that
	 * from pos; head + cap does not wrap, since head <= shown. */
	if (head > shown || head + r->cap < r->limit || head % RING_ALIGN) {
		r->broken = true;
		r->limit = 0; /* so that ring_claim always comes here */
		return -EPROTO;
	}
	r->limit = head + r->cap;
	return want <= r->limit ? 0 : -EAGAIN;
}

int ring_claim_slow(struct ring *r, uint32_t len, uint8_t **at)
{
	uint64_t need = ((uint64_t)len + RING_HEADER + RING_ALIGN - 1) & ~(RING_ALIGN - 1ull);
	uint64_t rest = r->cap - (r->pos & (r->cap - 1));
	int rc;

	if (r->seal)
		return seal_claim(r, len, at);
	if (r->broken)
		return -EPROTO;
	if (len > ring_frame_max(r))
		return -EMSGSIZE;
	if (need > rest) {
		/* Pad to the end: a frame never wraps. rest is a multiple of 16, so the
		 * header fits; rest + need < cap, since both are at most half of it. */
		rc = ring_room(r, rest + need);
		if (rc)
			return rc;
		ring_commit(r, (uint32_t)(rest - RING_HEADER), 0, FRAME_PAD, 0);
	} else {
		rc = ring_room(r, need);
		if (rc)
			return rc;
	}
	ring_claimed(r, len);
	*at = r->data + (r->pos & (r->cap - 1)) + RING_HEADER;
	return 0;
}

int ring_put(struct ring *r, const void *p, uint32_t len, uint8_t kind, uint8_t flags,
	uint64_t id)
{
	uint8_t *at;
	int rc = ring_claim(r, len, &at);

	if (rc)
		return rc;
	if (r->seal) {
		seal_put(r, at, p, len, kind, flags, id);
		return r->broken ? -EPROTO : 0;
	}
	if (len)
		memcpy(at, p, len);
	ring_commit(r, len, kind, flags, id);
	return 0;
}

/* Ask for the frame's other lines at once: the parser would come upon them one by one,
 * each 60 to 80 ns away in the producer's cache. Not one line further: that is where the
 * producer writes next. */
static inline void prefetch_frame(const uint8_t *h, uint64_t size)
{
	const uint8_t *end = h + (size < PREFETCHED ? size : PREFETCHED);

	for (h += CACHE_LINE - (uintptr_t)h % CACHE_LINE; h < end; h += CACHE_LINE)
		__builtin_prefetch(h);
}

static uint64_t frame_size(uint64_t word)
{
	return ((uint64_t)(uint32_t)word + RING_HEADER + RING_ALIGN - 1) & ~(RING_ALIGN - 1ull);
}

/* The injected latency: of the next frame, while those behind it that are there already, and
 * that ring_next() asks for, are on their way as well. */
static void await_frame(struct ring *r, uint64_t word)
{
	uint64_t end = r->pos + frame_size(word);

	while (end - r->pos < RING_AHEAD) {
		word = shm_load64((const uint64_t *)(r->data + (end & (r->cap - 1))));
		if (word >> 48 != r->gen)
			break;
		end += frame_size(word);
	}
	clock_burn(r->delay);
	r->fetched = end;
}

/* The commit word is ours by generation; everything else in it is the peer's word. */
int ring_peek_slow(struct ring *r, uint64_t word, struct frame *f)
{
	for (;;) {
		uint64_t off = r->pos & (r->cap - 1);
		uint64_t len = (uint32_t)word;
		uint64_t size = frame_size(word);
		uint8_t flags = (uint8_t)(word >> 40);

		/* A pad is shorter than the frame that did not fit, so frame_max bounds
		 * both; no sum here wraps, since size < 2^33 and pos counts real bytes. */
		if (r->broken || (flags & ~FRAME_FLAGS) || len > ring_frame_max(r) ||
			off + size > r->cap || r->pos + size - r->released > r->cap ||
			((flags & FRAME_PAD) && (off + size != r->cap || off == 0))) {
			r->broken = true;
			return -EPROTO;
		}
		if (__builtin_expect(!(flags & FRAME_PAD), 1)) {
			if (__builtin_expect(r->delay != 0, 0) && r->pos >= r->fetched)
				await_frame(r, word);
			f->data = r->data + off + RING_HEADER;
			f->len = (uint32_t)len;
			f->kind = (uint8_t)(word >> 32);
			f->flags = flags;
			f->id = shm_load64((const uint64_t *)(r->data + off) + 1);
			r->next = r->pos + size;
			prefetch_frame(r->data + off, size);
			return 0;
		}
		/* A pad ends at the ring's end, so the next frame starts at offset 0 and
		 * cannot be a pad again: two turns at most. */
		r->pos += size;
		word = shm_load_acquire64((const uint64_t *)r->data); /* A1 */
		if (word >> 48 != r->gen)
			return -EAGAIN;
	}
}
