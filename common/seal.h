/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.h - a ring whose frames are sealed: AES-256-GCM between the two ends.
 *
 *     who writes          struct ring, private       struct seal_half     shared memory
 *     ring_claim      --> | frame | frame | frame | --ring_show(): one --> | record |
 *     ring_commit         0                       used   GCM operation
 *
 *     who reads           struct ring, private       struct seal_half     shared memory
 *     ring_peek       <-- | frame | frame | frame | <--one GCM operation-- | record |
 *
 * seal_begin() turns a ring that both ends have at the same place into a sealed one. Its
 * users go on as before, by the functions of ring.h: the ring's bytes are private memory
 * from then on, and the ring in shared memory carries records, each of which is what was
 * published at once: one or several frames, headers and all. So a batch costs one
 * operation, lengths and kinds of requests are not readable, and no plaintext is ever
 * written to shared memory. A batch is cut at RECORD_SOFT bytes, at the end of a frame.
 *
 * record, as a frame of the ring in shared memory:
 *     commit word   length; kind SEAL_RECORD or SEAL_LAST; no flags; generation
 *     id            number of the record, from 0 for each direction
 *     payload       frames, encrypted (a multiple of 16), then the tag, GCM_TAG_BYTES
 * Nonce: number of the key (u32), number of the record (u64). Authenticated besides: the
 * service's name (8 bytes), channel (u32), its generation (u32), then commit word and id.
 *
 * Keys. Each direction starts from a secret of its own (handshake.h); its first key and
 * the next secret are HKDF-Expand of it, SHA-384. SEAL_LAST says that the next record is
 * under the next key, and both ends forget the one before: after REKEY_RECORDS, REKEY_BYTES
 * or REKEY_MS, by who writes. So no nonce comes twice; and in a copy of this machine
 * (life.h) whoever would write finds the ring broken.
 *
 * What a neighbour can do who writes into the ring: nothing but end it. A record that is
 * changed, sent again, left out, of another place, of the other direction, channel,
 * service or generation: -EPROTO from then on, and seal_why() says what was seen.
 *
 * The cipher never looks at shared memory: a record is copied and then opened, and sealed
 * before it is copied out. Two of the backends read what they wrote or read input twice.
 * A long payload that ring_put() is given is sealed from where it lies, by way of a window
 * of SEAL_PIECE bytes.
 *
 * Rules: as ring.h's. One thread at a time for each half. After a failure of memory or key
 * the ring is broken.
 */
#ifndef COMMON_SEAL_H
#define COMMON_SEAL_H

#include "gcm.h"
#include "life.h"
#include "ring.h"

enum {
	SEAL_SECRET = 48,
	SEAL_TAG = GCM_TAG_BYTES,
	SEAL_AAD = 32,
	SEAL_NAME = 8, /* of a service, padded with zeroes */
	RECORD_SOFT = 16 << 10,
	SEAL_PIECE = 32 << 10, /* of a longer one, sealed at a time */
	REKEY_RECORDS = 1 << 24,
	REKEY_MS = 3600000,
};

#define REKEY_BYTES (UINT64_C(64) << 30)

/* Kinds of frames; services leave them alone. */
enum seal_kind {
	SEAL_HELLO = 0xf0,  /* of a handshake: secure.h */
	SEAL_RECORD = 0xf1,
	SEAL_LAST = 0xf2,
};

/* Where a channel is. */
struct seal_place {
	char service[SEAL_NAME];
	uint32_t channel;
	uint32_t gen;
};

_Static_assert(sizeof(struct seal_place) == 16, "as it is authenticated");

/* When to take the next key; tests have other numbers. */
struct seal_limits {
	uint64_t records, bytes, ms;
};

struct seal_half {
	struct ring outer; /* in shared memory */
	struct gcm_key key;
	const struct gcm_backend *gcm;
	const char *why;  /* it broke */
	uint8_t *buf;     /* the ring's bytes; owned by struct seal */
	uint8_t *copy;    /* of a record, or a piece of it, as it lies in the ring */
	uint64_t size;    /* of buf */
	uint64_t start;   /* producer: where the record in making starts; consumer: its end */
	uint64_t head;    /* what the private ring takes for its shared word */
	uint64_t number;  /* of the next record */
	uint64_t records, bytes, since_ms; /* under this key */
	struct seal_limits limits;
	uint32_t record_max; /* bytes of frames */
	uint32_t epoch;      /* number of the key */
	struct life life; /* producer: that the secret was made in */
	struct seal_place place;
	uint8_t secret[SEAL_SECRET]; /* of the next key */
} LINE_PAIR_ALIGNED;

struct seal {
	struct seal_half tx, rx;
	size_t len; /* of all of it */
};

/* Both halves and their buffers, for rings of `cap` bytes; NULL: no memory. Kept out of core
 * dumps; wiped by seal_wipe(), which seal_destroy() does as well. */
struct seal *seal_create(uint64_t cap);
void seal_wipe(struct seal *s);
void seal_destroy(struct seal *s);

/*
 * seal_begin - from here on the ring's frames are sealed.
 *
 *   h        a half of seal_create(r->cap), not in use
 *   r        one end, with nothing claimed, committed or peeked at; the other end begins
 *            at the same place
 *   secret   of this direction
 *   life     read before anything was drawn that the secret is made of
 *
 * Returns 0; -ENOMEM, -EINVAL (a ring that is too small): r is as it was.
 */
MUST_CHECK int seal_begin_tx(struct seal_half *h, struct ring *r,
	const struct gcm_backend *gcm, const struct seal_place *place,
	const uint8_t secret[SEAL_SECRET], const struct life *life);
MUST_CHECK int seal_begin_rx(struct seal_half *h, struct ring *r,
	const struct gcm_backend *gcm, const struct seal_place *place,
	const uint8_t secret[SEAL_SECRET]);

/* Why a sealed ring is broken; NULL: it is not, or for a reason of ring.h. */
const char *seal_why(const struct ring *r);

/* Is this process a copy of the one that has the keys, or has been copied? `tx` is a ring to write;
 * one that is not sealed is not. Nothing goes through it any more, and a new handshake is due. */
static inline bool seal_copied(const struct ring *tx)
{
	return tx->seal && !life_is(&tx->seal->life);
}

/* For tests. */
void seal_limit(struct ring *r, const struct seal_limits *limits);

#endif
