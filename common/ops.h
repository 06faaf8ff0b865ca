/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops.h - the `ops` service as its clients see it: frames, and calling.
 *
 * kind          request                      reply (kind | OPS_REPLY)
 * OPS_EVAL      program.h                    program.h
 * OPS_PING      any bytes                    the same bytes
 * OPS_STATUS    nothing                      text, "name value" lines
 * OPS_HELLO     nothing                      challenge, OPS_CHALLENGE bytes
 * OPS_PROVE     u8 role, MAC of the          nothing: the session has that role
 *               challenge, OPS_MAC bytes
 * any of them may be answered by             OPS_FAIL: u32 errno, text
 *
 * A session starts as role `db`. The MAC is crypto_auth (HMAC-SHA-512-256) of the
 * challenge under the credential, 32 bytes that client and server have in a file; so
 * the credential itself never lies in the region. A challenge serves once.
 *
 * struct ops_client is one thread's way to call: it attaches when needed, sends, waits
 * in slices, and when the server was replaced it sends the request again, because
 * requests are pure. docs/protocol.md has the bytes.
 */
#ifndef COMMON_OPS_H
#define COMMON_OPS_H

#include "channel.h"
#include "message.h"
#include "program.h"

enum ops_kind {
	OPS_EVAL = 1,
	OPS_PING = 2,
	OPS_STATUS = 3,
	OPS_HELLO = 4,
	OPS_PROVE = 5,
	OPS_REPLY = 0x80,
	OPS_FAIL = 0xff,
};

enum {
	OPS_CHALLENGE = 32,
	OPS_MAC = 32,
	OPS_CREDENTIAL = 32,
	OPS_SLICE_MS = 50, /* longest sleep between two calls of idle() */
};

struct ops_client {
	struct chan chan;
	const struct region *region;
	struct chan_config config;
	struct message_in in;      /* .grow and .max are set by ops_client_init() */
	uint8_t *out;              /* a request that does not fit a frame */
	uint64_t out_cap;
	uint64_t wait_channel_ms;  /* how long to wait for a free channel; 0 = fail */
	uint64_t calls, retries;   /* for statistics */
	uint64_t ticks_waiting;
	uint64_t waiting; /* id of the request in progress, 0 when there is none */
	uint8_t credential[OPS_CREDENTIAL];
	enum role role; /* asked for at each (re)attach when not ROLE_DB */
	bool attached;
	bool spoiled; /* a call was left in the middle of a long request: attach anew */
	/* Called between slices; may longjmp away (PostgreSQL's interrupts). */
	void (*idle)(void *ctx);
	void *idle_ctx;
};

/* Write `len` request bytes at `at`; called again for each retry, so it must be able to.
 * It must not fail, block or jump. */
typedef void ops_fill(void *arg, uint8_t *at, uint64_t len);

void ops_client_init(struct ops_client *c, const struct region *r,
	const struct chan_config *config, uint8_t *(*grow)(uint8_t *, uint64_t),
	uint64_t reply_max);
void ops_client_fini(struct ops_client *c);

/*
 * ops_call - one request, one reply.
 *
 *   kind, len, fill, arg   the request
 *   timeout_ms             for all of it, retries included; 0 = for ever
 *   reply, reply_len       out: readable until the next call or ops_done(); in shared
 *                          memory when short: read once
 *
 * Returns 0; -ETIMEDOUT (server stopped, dead without successor, or overloaded), -EUSERS
 * (no free channel within wait_channel_ms), -EPROTO (the server refuses this channel),
 * -ENOMEM, -EMSGSIZE; or the server's own errno from OPS_FAIL. `e` says what to do.
 */
MUST_CHECK int ops_call(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill,
	void *arg, uint64_t timeout_ms, const uint8_t **reply, uint64_t *reply_len,
	struct err_text *e);

/* The caller left a call in the middle (idle() jumped away): tell the server that nobody
 * waits for that answer, so that it may stop working on it. Harmless at other times. */
void ops_give_up(struct ops_client *c);

/* Give the reply's ring space back. */
void ops_done(struct ops_client *c);

/* Give the channel back; the next call attaches anew. */
void ops_release(struct ops_client *c);

/* MAC of a challenge under a credential. */
void ops_prove(uint8_t mac[OPS_MAC], const uint8_t challenge[OPS_CHALLENGE],
	const uint8_t credential[OPS_CREDENTIAL]);

/*
 * ops_credential_read - the 64 hexadecimal digits of a credential file.
 *
 * Returns 0, -EACCES when others may read the file, -EMEDIUMTYPE when it is none, or
 * what the kernel said.
 */
MUST_CHECK int ops_credential_read(
	uint8_t credential[OPS_CREDENTIAL], const char *path, struct err_text *e);

#endif
