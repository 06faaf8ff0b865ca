/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_ring.c - a hostile peer on both ends of a ring. The input is a program: claims,
 * commits, publications, peeks and releases of the honest ends, and between them words
 * of the peer's choice stored over frames and head. Memory is on the heap and exactly as
 * long as the ring, so AddressSanitizer sees one byte too far. Every byte a frame or a
 * claim offers is touched; -EPROTO has to last.
 */
#include "ring.h"
#include "../rig.h"

enum { CAP = RING_CAP_MIN, GEN = 1 };

struct program {
	const uint8_t *p;
	size_t left;
};

static uint64_t take(struct program *g, size_t n)
{
	uint64_t v = 0;

	n = n < g->left ? n : g->left;
	memcpy(&v, g->p, n);
	g->p += n;
	g->left -= n;
	return v;
}

static void touch(const uint8_t *at, uint64_t n)
{
	volatile uint8_t sum;
	uint64_t i;

	for (i = 0; i < n; i++)
		sum = at[i];
	(void)sum;
}

/* A commit word that gets past the generation; the rest is the input's. */
static uint64_t plausible(struct program *g)
{
	uint64_t v = take(g, 4);

	return (v & 0xffff) | (v >> 16 & 7) << 40 | (v >> 19 & 0xff) << 32 | (uint64_t)GEN << 48;
}

static void producer(struct ring *tx, struct program *g, uint64_t *room)
{
	uint64_t v = take(g, 3);
	uint32_t len = (uint32_t)(v >> 4);
	bool broken = tx->broken;
	uint8_t *at = NULL;
	int rc;

	rc = ring_claim(tx, len, &at);
	if (broken && rc != -EPROTO)
		abort();
	if ((rc == 0) != (at != NULL) || (rc == 0 && len > ring_frame_max(tx)))
		abort();
	if (rc == 0) {
		memset(at, (int)v, len);
		*room = len;
		if (v & 1)
			ring_commit(tx, (uint32_t)(v & 2 ? len : len / 2), 1, 0, v);
	}
	if (v & 4)
		ring_publish(tx);
}

static void consumer(struct ring *rx, struct program *g)
{
	uint64_t v = take(g, 1), seen = 0;
	struct frame f;
	int rc = 0;

	do {
		bool broken = rx->broken;

		rc = ring_peek(rx, &f);
		if (broken && rc != -EPROTO)
			abort();
		if (rc)
			break;
		touch(f.data, f.len);
		ring_next(rx);
		seen += f.len + RING_HEADER;
	} while (v-- > 0);
	if (seen > CAP) /* more than a ring's worth between two releases */
		abort();
	ring_release(rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program g = {data, size};
	static struct ring tx, rx;
	uint64_t *head = NULL, room = 0;
	uint8_t *mem = NULL;

	if (posix_memalign((void **)&mem, 64, CAP) || posix_memalign((void **)&head, 64, 8))
		abort();
	memset(mem, size > 3 ? data[3] : 0, CAP);
	*head = 0;
	ring_produce(&tx, mem, CAP, head, GEN, 0);
	ring_consume(&rx, mem, CAP, head, GEN, 0);
	while (g.left > 0) {
		uint64_t op = take(&g, 1);

		switch (op % 8) {
		case 0:
		case 1:
			producer(&tx, &g, &room);
			break;
		case 2:
		case 3:
			consumer(&rx, &g);
			break;
		case 4: /* the head, somewhere near */
			*head = tx.pos - (take(&g, 2) & ~((op >> 3) & 15));
			break;
		case 5: /* the head, anywhere */
			*head = take(&g, 8);
			break;
		case 6: /* the word that the consumer looks at next */
			*(uint64_t *)(mem + (rx.pos & (CAP - 1))) = plausible(&g);
			break;
		default: { /* any word */
			uint64_t at = take(&g, 2) % (CAP / 8);

			((uint64_t *)mem)[at] = op & 8 ? plausible(&g) : take(&g, 8);
		}
		}
	}
	free(mem);
	free(head);
	return 0;
}
