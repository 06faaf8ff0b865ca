/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_handshake.c - hostile bytes into either end of a handshake, at any of its flights.
 *
 * The first two bytes say which end is the victim and before which flight it is lied to; the
 * others take the place of that flight, or are xored into it. The victim ends, waits or
 * is done; it is never done with secrets other than its peer's.
 */
#include "ca.h"
#include "handshake.h"
#include "../rig.h"

#include <sodium.h>

static struct trust *client_trust, *server_trust;

static struct trust *load(const char *dir, const char *name)
{
	char pem[128], key[128], ca[128];
	struct trust_files f = {.cert = pem, .key = key, .ca = ca};
	struct err_text e;
	struct trust *t;

	snprintf(pem, sizeof pem, "%s/%s.pem", dir, name);
	snprintf(key, sizeof key, "%s/%s.key", dir, name);
	snprintf(ca, sizeof ca, "%s/ca.pem", dir);
	if (trust_load(&t, &f, &e))
		abort();
	return t;
}

static void set_up(void)
{
	char dir[] = "/tmp/fuzz-ca.XXXXXX", command[64];
	struct err_text e;

	if (sodium_init() < 0 || !mkdtemp(dir) || ca_init(dir, 10, &e) ||
		ca_issue(dir, "zone", "server:ops", 10, &e) || ca_issue(dir, "node", "db", 10, &e))
		abort();
	client_trust = load(dir, "node");
	server_trust = load(dir, "zone");
	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command))
		abort();
}

/* The flight as the liar has it. */
static size_t lie(uint8_t *to, size_t room, const uint8_t *flight, size_t len, const uint8_t *data,
	size_t size, bool replace)
{
	size_t i;

	if (replace || len == 0) {
		size = size < room ? size : room;
		memcpy(to, data, size);
		return size;
	}
	len = len < room ? len : room;
	memcpy(to, flight, len);
	for (i = 0; i + 2 < size; i += 3)
		to[(data[i] | (size_t)data[i + 1] << 8) % len] ^= data[i + 2];
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seal_place place = {"ops", 1, 7};
	static uint8_t bytes[32 << 10];
	uint8_t a[2][SEAL_SECRET], b[2][SEAL_SECRET];
	struct handshake *end[2];
	int rc[2] = {-EAGAIN, -EAGAIN}, turn;

	if (!client_trust)
		set_up();
	if (size < 3)
		return 0;
	end[0] = handshake_create(client_trust, &place, false);
	end[1] = handshake_create(server_trust, &place, true);
	if (!end[0] || !end[1])
		abort();
	for (turn = 0; turn < 5; turn++) {
		struct handshake *from = end[turn % 2], *to = end[1 - turn % 2];
		const uint8_t *p;
		size_t len;

		rc[turn % 2] = handshake_run(from);
		len = handshake_out(from, &p);
		if (turn == data[0] % 4) {
			size_t n = lie(bytes, sizeof bytes, p, len, data + 2, size - 2, data[1] & 1);

			if (handshake_feed(to, bytes, n) && n <= sizeof bytes && rc[1 - turn % 2] == -EAGAIN &&
				n + len < 1000)
				abort(); /* it fits */
		} else if (len && handshake_feed(to, p, len)) {
			handshake_sent(from, len);
			break;
		}
		handshake_sent(from, len);
		if (rc[turn % 2] == -EACCES)
			break;
	}
	if (rc[0] == 0 && rc[1] == 0) {
		handshake_secrets(end[0], a[0], a[1]);
		handshake_secrets(end[1], b[0], b[1]);
		if (memcmp(a, b, sizeof a))
			abort();
	}
	handshake_destroy(end[0]);
	handshake_destroy(end[1]);
	return 0;
}
