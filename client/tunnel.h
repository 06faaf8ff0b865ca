/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tunnel.h - one connection carried through cxl-tunnel: a plain socket at this end, a sealed
 * one to the other end, which has the same.
 *
 *     program -- plain -- [client end] == sealed == [server end] -- plain -- Redis
 *
 * Each connection has a sealed connection of its own, so none holds up another. On that:
 *
 *     client                                          server
 *     first message of noise.h, 96 bytes       ->
 *                                              <-     second message, 48 bytes,
 *                                                     and a stream header, 24
 *     a stream header, 24 bytes, and an        ->
 *     empty record
 *     records                                 <->     records
 *
 *     record:  u16 length, little-endian | that many bytes of
 *              crypto_secretstream_xchacha20poly1305_push()
 *
 * The prologue is "cxl-tunnel 1". Each direction is a secretstream of libsodium's under its
 * key of noise_split(), with a random header. A record has 0 to RECORD_BYTES of plaintext and
 * a tag: MESSAGE; REKEY, after so many bytes or so much time, upon which both ends derive the
 * next key and forget this one; or FINAL, which is the end of that direction. The stream's
 * state chains records, so one that is changed, left out, repeated, moved, or taken from
 * another stream or direction does not open. The length is not authenticated by itself: a
 * wrong one gives a record that does not open, or waits for bytes that never come.
 *
 * Not before the empty record has opened does the server connect to its target: it proves that
 * the client is there now, and that this is no repetition of a first message.
 *
 * Ends: FINAL goes to the plain socket as the end of that direction, the other goes on. If the
 * sealed connection ends without FINAL, or something does not open, the plain one is reset,
 * which a program can tell from an end (over TCP; a unix socket knows no reset and just ends).
 * A plain connection that is reset ends the sealed one without FINAL.
 *
 * Connecting is tried again, later each time, until connect_ms are over: the other end, or the
 * target, may be starting. A connection that has been up and breaks is over, since what of its
 * bytes arrived is not known; the next one of the program is carried anew.
 *
 * Backpressure: nothing is read from a socket while what came from it before is not written,
 * but for TUNNEL_BUFFER bytes in each direction.
 *
 * One thread. Sockets are edge-triggered in the caller's epoll set, where data.ptr is a
 * struct tunnel_end.
 */
#ifndef CLIENT_TUNNEL_H
#define CLIENT_TUNNEL_H

#include <sodium.h>

#include "buffer.h"
#include "dial.h"
#include "life.h"
#include "noise.h"
#include "tunnel_end.h"
#include "tunnel_key.h"

enum {
	RECORD_BYTES = 16 << 10,
	RECORD_EXTRA = 2 + crypto_secretstream_xchacha20poly1305_ABYTES,
	TUNNEL_BUFFER = 64 << 10,
};

struct tunnel_config {
	bool server;
	const char *to;
	const struct noise_pair *keys;
	const struct tunnel_peers *peers; /* of a client: the server alone */
	uint64_t rekey_bytes;
	uint32_t rekey_ms;
	uint32_t connect_ms; /* longest to try to connect, handshake included */
	uint32_t idle_ms;    /* 0: for ever */
	int epoll;
};

enum tunnel_state {
	TUNNEL_WAITING,  /* before the next attempt to connect */
	TUNNEL_DIALING,
	TUNNEL_GREETING, /* handshake: the other end's message is to come */
	TUNNEL_PROVING,  /* server: the client's first record is to come */
	TUNNEL_UP,
	TUNNEL_OVER,
};

struct tunnel {
	struct tunnel *next, *prev; /* cxl_tunnel.c's */
	struct tunnel *next_ready;
	bool ready;
	const struct tunnel_config *config;
	enum tunnel_state state;
	struct tunnel_end plain, sealed;
	struct dial dial;
	const struct tunnel_peer *peer;
	struct noise noise;
	uint8_t rx[NOISE_KEY_BYTES]; /* until the header it needs has come */
	crypto_secretstream_xchacha20poly1305_state push, pull;
	struct life life;    /* that its keys were drawn in */
	struct buffer in;    /* sealed, as it came */
	struct buffer opened; /* plain, to be written */
	struct buffer out;   /* sealed, to be written */
	bool finished;       /* FINAL was opened */
	uint64_t since_rekey;
	uint64_t rekey_at_ms, born_ms, moved_ms, retry_at_ms;
	uint32_t backoff_ms;
	char why[400]; /* it is over, when it did not just end */
};

/* Carry a connection that was accepted; the descriptor is ours, and closed on failure. NULL: no
 * memory. */
struct tunnel *tunnel_create(const struct tunnel_config *c, int fd, uint64_t now_ms);

/* What epoll said of an end: then tunnel_run(). */
void tunnel_heard(struct tunnel_end *e, uint32_t events);

/* Go on. True: there is more to do at once, but others come first. When t->state is
 * TUNNEL_OVER the caller takes it away, with t->why for the log if it has one. */
bool tunnel_run(struct tunnel *t, uint64_t now_ms);

/* Timeouts, and the next attempt; then tunnel_run(). When it has to be called again at the
 * latest: ms from now. */
uint32_t tunnel_tick(struct tunnel *t, uint64_t now_ms);

/* The other side's handshake is not over yet: who it is, nobody knows. */
static inline bool tunnel_unknown(const struct tunnel *t)
{
	return t->config->server && (t->state == TUNNEL_GREETING || t->state == TUNNEL_PROVING);
}

/* End it now, with resets; `why` for t->why, or NULL. */
void tunnel_abort(struct tunnel *t, const char *why);

/* Wipe and free. */
void tunnel_destroy(struct tunnel *t);

#endif
