/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * noise.h - two ends that know each other's public keys agree on two keys of a session.
 *
 * It is Noise_IK_25519_ChaChaPoly_SHA512 of the Noise Protocol Framework, revision 34, as the
 * specification has it and as its published vectors check, out of libsodium's functions:
 *
 *     DH        crypto_scalarmult            (X25519)
 *     cipher    crypto_aead_chacha20poly1305_ietf
 *     HASH      crypto_hash_sha512           HKDF on crypto_auth_hmacsha512
 *
 *     IK:
 *       <- s                       the client knows the server's key before
 *       ...
 *       -> e, es, s, ss            96 bytes: e 32, s 32 + 16, payload 0 + 16
 *       <- e, ee, se               48 bytes: e 32, payload 0 + 16
 *
 * What each side knows, and when:
 *   - the server, after the first message: a client with this static key wrote it - or
 *     somebody repeats what that client wrote once. So nothing may happen on the strength of
 *     it alone. The first message of the session that opens proves the client is there.
 *   - the client, after the second: the server has the static key that was expected, and is
 *     there.
 * A key that leaks later opens no session of earlier (both ephemeral keys are gone); the
 * client's static key is hidden from those who listen, though not from who has the server's
 * secret key. The prologue, if it differs, fails the handshake: it carries the version.
 *
 * Rules: noise_init(), then the initiator's write and read, the responder's read and write,
 * in the order of the pattern; then noise_split(), which wipes. A call that fails leaves a
 * state that is good for noise_wipe() alone. Payloads are the caller's, any length.
 */
#ifndef CLIENT_NOISE_H
#define CLIENT_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	NOISE_KEY_BYTES = 32,
	NOISE_TAG_BYTES = 16,
	NOISE_HASH_BYTES = 64,
	/* of a message, over its payload */
	NOISE_FIRST_BYTES = NOISE_KEY_BYTES + NOISE_KEY_BYTES + 2 * NOISE_TAG_BYTES,
	NOISE_SECOND_BYTES = NOISE_KEY_BYTES + NOISE_TAG_BYTES,
};

/* A long-term key pair. Kept by the caller in locked memory. */
struct noise_pair {
	uint8_t secret[NOISE_KEY_BYTES];
	uint8_t public[NOISE_KEY_BYTES];
};

struct noise {
	const struct noise_pair *s; /* the caller's; stays until noise_split() */
	struct noise_pair e;
	uint8_t rs[NOISE_KEY_BYTES]; /* the other's: the responder's after the first message */
	uint8_t re[NOISE_KEY_BYTES];
	uint8_t h[NOISE_HASH_BYTES];
	uint8_t ck[NOISE_HASH_BYTES];
	uint8_t k[NOISE_KEY_BYTES];
	uint64_t n;
	bool initiator;
};

/* A new one: of random bytes that a copy of this machine does not draw. */
void noise_draw_pair(struct noise_pair *p);

/*
 * noise_init - begin, with a fresh ephemeral key.
 *
 *   s    our keys
 *   rs   the responder's public key for the initiator, NULL for the responder
 */
void noise_init(struct noise *x, const struct noise_pair *s,
	const uint8_t rs[NOISE_KEY_BYTES], const void *prologue, size_t len);

/*
 * noise_write - our message; noise_read - the other's.
 *
 *   out       NOISE_FIRST_BYTES or NOISE_SECOND_BYTES, and the payload's length
 *   payload   of reads: room for the message's length less those
 *
 * Return 0; -EBADMSG: the message is not what somebody with the right key wrote; -EMSGSIZE:
 * too short for one. After a failed read the payload's room holds nothing.
 */
MUST_CHECK int noise_write_first(
	struct noise *x, uint8_t *out, const void *payload, size_t len);
MUST_CHECK int noise_read_first(
	struct noise *x, uint8_t *payload, const uint8_t *in, size_t len);
MUST_CHECK int noise_write_second(
	struct noise *x, uint8_t *out, const void *payload, size_t len);
MUST_CHECK int noise_read_second(
	struct noise *x, uint8_t *payload, const uint8_t *in, size_t len);

/* The keys of both directions, ours first; all else is wiped, but x->h, which both ends have
 * alike and nobody else. */
void noise_split(struct noise *x, uint8_t tx[NOISE_KEY_BYTES], uint8_t rx[NOISE_KEY_BYTES]);

void noise_wipe(struct noise *x);

#endif
