/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_seal.c - a sealed ring between hostile hands. The first byte chooses:
 *
 *     even   a peer with the keys writes what it likes: the input is the frames of a
 *            record, sealed as they are. The reader gives frames that lie in the record, or
 *            ends; it never reads beyond.
 *     odd    a neighbour: each three bytes of the input change one byte in the shared
 *            ring, while frames go through. What comes out is what went in, in order,
 *            or nothing more.
 */
#include "seal.h"
#include "../rig.h"

enum { CAP = 4096, GEN = 7 };

static uint8_t mem[CAP] __attribute__((aligned(4096)));
static uint64_t head;
static struct seal *from, *to;

static void ends(struct ring *tx, struct ring *rx)
{
	static const struct seal_place place = {"ops", 1, GEN};
	static const uint8_t secret[SEAL_SECRET] = {1};
	struct life life;

	if (!from) {
		from = seal_create(CAP);
		to = seal_create(CAP);
	}
	memset(mem, 0, sizeof mem);
	head = 0;
	seal_wipe(from);
	seal_wipe(to);
	life_read(&life);
	ring_produce(tx, mem, CAP, &head, GEN + 1, 0);
	ring_consume(rx, mem, CAP, &head, GEN + 1, 0);
	if (seal_begin_tx(&from->tx, tx, gcm_select(NULL), &place, secret, &life) ||
		seal_begin_rx(&to->rx, rx, gcm_select(NULL), &place, secret))
		abort();
}

static void read_all(struct ring *rx)
{
	struct frame f;
	volatile uint8_t sum = 0;
	int n = 0;

	while (ring_peek(rx, &f) == 0) {
		uint32_t i;

		if (f.data < to->rx.buf || f.data + f.len > to->rx.buf + to->rx.size)
			abort();
		for (i = 0; i < f.len; i++)
			sum += f.data[i];
		ring_next(rx);
		if (n++ % 3 == 0)
			ring_release(rx);
	}
	ring_release(rx);
}

static void hostile_peer(const uint8_t *data, size_t size)
{
	struct ring tx, rx;
	uint64_t word;

	ends(&tx, &rx);
	while (size >= 16) {
		size_t len = (size < 1024 ? size : 1024) & ~(size_t)15;
		uint8_t *at;

		if (ring_claim(&tx, (uint32_t)len - 16, &at))
			break;
		memcpy(at - 16, data, len);
		memcpy(&word, data, sizeof word);
		if (data[0] % 4) /* mostly of the right generation, else it stops here */
			word = (word & ~(0xffffull << 48)) | (uint64_t)(GEN + 1) << 48;
		ring_commit(&tx, (uint32_t)len - 16, 0, 0, 0);
		memcpy(at - 8, data + 8, 8);
		tx.word = word ? word : 1;
		ring_publish(&tx);
		read_all(&rx);
		data += len;
		size -= len;
	}
}

static void neighbour(const uint8_t *data, size_t size)
{
	struct ring tx, rx;
	struct frame f;
	uint64_t sent = 0, got = 0;
	uint8_t *at;

	ends(&tx, &rx);
	for (; size >= 3; data += 3, size -= 3) {
		uint32_t len = data[2] * 3u;

		if (ring_claim(&tx, len, &at) == 0) {
			memset(at, (int)sent, len);
			ring_commit(&tx, len, (uint8_t)len, 0, sent++);
			if (data[0] & 1)
				ring_publish(&tx);
		}
		if (data[0] & 2)
			mem[(data[1] * 16u + (data[0] >> 4)) % CAP] ^= (uint8_t)(1u << (data[0] >> 2 & 7));
		while (data[0] & 4 && ring_peek(&rx, &f) == 0) {
			if (f.id != got || f.kind != (uint8_t)f.len || (f.len && f.data[f.len - 1] != (uint8_t)got))
				abort();
			got++;
			ring_next(&rx);
		}
		ring_release(&rx);
	}
	if (got > sent)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1)
		(data[0] % 2 ? neighbour : hostile_peer)(data + 1, size - 1);
	return 0;
}
