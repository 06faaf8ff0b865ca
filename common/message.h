/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.h - messages of any length over frames.
 *
 * A message that fits one frame is that frame, in place. A longer one is cut into
 * frames of the same kind and id, all but the last with FRAME_MORE: eighths of the ring,
 * so that one end writes while the other reads (GETs of 64 KiB over rings of that size:
 * 1.8 -> 3.3 GB/s, beside parts of half a ring). So no length limit comes from a ring;
 * the receiver sets one.
 */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include "ring.h"

/* A message on its way out that did not fit at once. */
struct message_out {
	const uint8_t *data; /* caller's, until done */
	uint64_t len;
	uint64_t sent;
	uint64_t id;
	uint8_t kind;
};

/*
 * message_send - commit as much as fits; start with .sent = 0 and repeat.
 *
 * Returns 0 when all is committed, -EAGAIN when the ring is full (what was committed so
 * far has been committed: publish it, wait for room, call again), -EPROTO.
 */
MUST_CHECK int message_send(struct ring *r, struct message_out *m);

/* A message on its way in. All zero to begin with. */
struct message_in {
	uint8_t *buf; /* grown by `grow`, which also frees: grow(buf, 0) gives NULL */
	uint64_t len;
	uint64_t cap;
	uint64_t max; /* longest message to accept */
	uint64_t id;
	uint8_t kind;
	uint8_t *(*grow)(uint8_t *buf, uint64_t cap);
};

/*
 * message_take - add a frame; the caller steps over it (ring_next) afterwards.
 *
 *   data, len   out: the whole message, in the ring (single frame) or in m->buf
 *
 * Returns 0 when it is complete, -EAGAIN when more frames have to come, -EMSGSIZE when
 * it grows past max, -ENOMEM, -EPROTO when a frame of another message is in between.
 */
MUST_CHECK int message_take(
	struct message_in *m, const struct frame *f, const uint8_t **data, uint64_t *len);

/* A `grow` for who has no memory of his own kind: realloc() and free(). */
uint8_t *message_heap(uint8_t *buf, uint64_t cap);

/* Forget a message in the middle, and give memory above `keep` bytes back. */
void message_reset(struct message_in *m, uint64_t keep);

#endif
