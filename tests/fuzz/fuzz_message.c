/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_message.c - any sequence of frames into message_take(): what is put together is
 * the parts and nothing else, never longer than max, and memory comes back. The input
 * gives each frame's length, flags, id and kind; a frame's bytes are its own, on the
 * heap, so that one byte too far is seen.
 */
#include "message.h"
#include "../rig.h"

enum { MAX = 200000, MODEL = 2 * MAX };

static uint64_t held;

static uint8_t *grow(uint8_t *buf, uint64_t cap)
{
	if (cap > 4 * MAX)
		abort();
	held = cap;
	return message_heap(buf, cap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t model[MODEL];
	struct message_in m = {.grow = grow};
	uint64_t len = 0, want = 0;

	if (size == 0)
		return 0;
	m.max = data[0] % 2 ? MAX : 1000;
	for (data++, size--; size >= 4; data += 4, size -= 4) {
		uint32_t n = (data[0] | (uint32_t)data[1] << 8) << data[2] % 3;
		uint8_t *bytes = malloc(n ? n : 1);
		struct frame f = {bytes, n, data[3] & 1, data[2] >> 7 ? FRAME_MORE : 0,
			data[3] >> 1 & 1};
		const uint8_t *got = NULL;
		int rc;

		if (!bytes)
			abort();
		memset(bytes, data[0] ^ data[2], n);
		rc = message_take(&m, &f, &got, &len);
		if (rc == 0 || rc == -EAGAIN) {
			memcpy(model + want, bytes, n);
			want += n;
		}
		if (want > m.max)
			abort();
		if (rc == 0) {
			if (len != want || memcmp(got, model, len))
				abort();
			want = 0;
			if (data[3] & 4)
				message_reset(&m, data[3] & 8 ? 65536 : 0);
		} else if (rc != -EAGAIN) {
			if (rc != -EMSGSIZE && rc != -EPROTO)
				abort();
			message_reset(&m, 65536);
			want = 0;
		}
		free(bytes);
	}
	message_reset(&m, 0);
	if (held)
		abort();
	return 0;
}
