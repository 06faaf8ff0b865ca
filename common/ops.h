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
 *               challenge, OPS_MAC bytes;
 *               or as in proof.h             a pass, or nothing
 * OPS_ACCOUNT   nothing                      text, "name value" lines: what this session
 *                                            was told in clear
 * any of them may be answered by             OPS_FAIL: u32 errno, text
 *
 * A session starts as role `db`. The MAC is crypto_auth (HMAC-SHA-512-256) of the
 * challenge under the credential, 32 bytes that client and server have in a file; so
 * the credential itself never lies in the region. A challenge serves once.
 *
 * On a sealed channel (secure.h) certificates say who may be what, and the credential
 * counts for nothing: OPS_PROVE is the role alone, one byte, and is granted when the
 * client's certificate names it.
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
#include "secure.h"
#include "tenure.h"

enum ops_kind {
	OPS_EVAL = 1,
	OPS_PING = 2,
	OPS_STATUS = 3,
	OPS_HELLO = 4,
	OPS_PROVE = 5,
	OPS_ACCOUNT = 6,
	OPS_REPLY = 0x80,
	OPS_FAIL = 0xff,
};

enum {
	OPS_CHALLENGE = 32,
	OPS_MAC = 32,
	OPS_CREDENTIAL = 32,
	OPS_PASS = 64,     /* proof.h */
	OPS_BY_KEY = 16,   /* first byte of OPS_PROVE beside roles: u8 length, role, signature */
	OPS_BY_PASS = 17,  /* a pass */
	OPS_SLICE_MS = 50, /* longest sleep between two calls of idle() */
	OPS_IN_FLIGHT = 4, /* requests without a reply */
	OPS_TICKETS = 64,  /* those, and replies that were not collected */
};

/* Write `len` request bytes at `at`; called again for each retry, so it must be able to.
 * It must not fail, block or jump. */
typedef void ops_fill(void *arg, uint8_t *at, uint64_t len);

/* A request until its reply was taken. */
struct ops_slot {
	struct message_in in; /* its reply, unless that is read in place */
	ops_fill *fill;
	void *arg;
	uint64_t len;
	uint64_t id;     /* on this channel; 0: not sent yet */
	uint64_t ticket; /* number of the one that stands for it */
	const uint8_t *reply;
	uint64_t reply_len;
	int rc;          /* why there is no reply */
	uint8_t kind;
	uint8_t got;     /* kind of the reply */
	uint8_t state;
};

struct ops_client {
	struct chan chan;
	const struct region *region;
	struct chan_config config;
	uint8_t *(*grow)(uint8_t *, uint64_t); /* as in message.h */
	uint64_t reply_max;
	uint8_t *out;              /* a request that does not fit a frame */
	uint64_t out_cap;
	uint64_t wait_channel_ms;  /* how long to wait for a free channel; 0 = fail */
	uint64_t calls, retries;   /* for statistics */
	uint64_t ticks_waiting;
	uint64_t tickets;          /* given out so far */
	struct ops_slot slot[OPS_TICKETS]; /* of ops_submit() */
	struct ops_slot call, hello;       /* of ops_call(), and of gaining a role */
	struct ops_slot *asked[OPS_IN_FLIGHT + 2]; /* without a reply, oldest first */
	uint32_t nasked;
	struct ops_slot *current;  /* being called or submitted; left there: idle() jumped */
	struct ops_slot *read;     /* whose reply the caller has */
	uint8_t credential[OPS_CREDENTIAL];
	enum role role; /* asked for at each (re)attach when not ROLE_DB */
	uint8_t pass[OPS_PASS]; /* shown at each (re)attach, if has_pass and the role is ROLE_DB */
	bool has_pass;
	struct trust *trust;         /* caller's; not NULL: sealed channels and no others */
	struct tenure tenure;        /* of a sealed channel's server */
	struct handshake *handshake; /* under way; left there: idle() jumped */
	bool attached;
	bool spoiled; /* a call was left in the middle of a long request: attach anew */
	/* Called between slices; may longjmp away (PostgreSQL's interrupts). */
	void (*idle)(void *ctx);
	void *idle_ctx;
};

void ops_client_init(struct ops_client *c, const struct region *r,
	const struct chan_config *config, uint8_t *(*grow)(uint8_t *, uint64_t),
	uint64_t reply_max);
void ops_client_fini(struct ops_client *c);

/*
 * ops_call - one request, one reply.
 *
 *   kind, len, fill, arg   the request
 *   timeout_ms             for all of it, retries included; 0 = for ever
 *   reply, reply_len       out: readable until the next call of a function here; in
 *                          shared memory when short: read once
 *
 * Returns 0; -ETIMEDOUT (server stopped, dead without successor, or overloaded), -EUSERS
 * (no free channel within wait_channel_ms), -EPROTO (the server refuses this channel),
 * -ENOMEM, -EMSGSIZE; or the server's own errno from OPS_FAIL. `e` says what to do.
 */
MUST_CHECK int ops_call(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill,
	void *arg, uint64_t timeout_ms, const uint8_t **reply, uint64_t *reply_len,
	struct err_text *e);

/* What stands for a request that was submitted. One of number 0 stands for none. */
struct ops_ticket {
	uint64_t number;
	uint32_t slot;
};

/*
 * ops_submit - one request whose reply is collected later; others may be submitted, called
 * and collected in between, in any order.
 *
 *   fill, arg    must stay until the ticket is collected or dropped: a successor of the
 *                server gets the request again
 *   goes_on      the caller has work until it collects: rings other processors than its own
 *   timeout_ms   to get it on its way; it waits for room, and with OPS_IN_FLIGHT requests
 *                under way for the oldest reply, which is kept
 *   t            out: the ticket
 *
 * Returns as ops_call() but for the server's own errors; -EUSERS also with OPS_TICKETS
 * replies that nobody collected.
 */
MUST_CHECK int ops_submit(struct ops_client *c, uint8_t kind, uint64_t len, ops_fill *fill,
	void *arg, bool goes_on, uint64_t timeout_ms, struct ops_ticket *t, struct err_text *e);

/*
 * ops_collect - wait for the reply of a ticket, which is used up, also by an error.
 *
 * Returns as ops_call(), and -EINVAL for a ticket that was used up or dropped. When idle()
 * jumps out of it, the ticket is as before.
 */
MUST_CHECK int ops_collect(struct ops_client *c, struct ops_ticket *t, uint64_t timeout_ms,
	const uint8_t **reply, uint64_t *reply_len, struct err_text *e);

/* Nobody will collect that ticket. Its number becomes 0. */
void ops_drop(struct ops_client *c, struct ops_ticket *t);

/* Is there a ticket that is to be collected? */
bool ops_holds(const struct ops_client *c);

/* Nobody waits for anything that is under way: drop all tickets, and tell the server, so
 * that it may stop working on them. */
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
