/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handshake.h - two ends of a channel prove who they are and agree on secrets: TLS 1.2 by
 * mbedtls, over bytes that somebody else carries (secure.h).
 *
 *     handshake_feed()   bytes from the other end
 *     handshake_run()    think; milliseconds of P-384. On any one thread
 *     handshake_out()    bytes for the other end, which go there also after a failure: they
 *                        say why
 *
 * With certificates: ECDHE-ECDSA-AES256-GCM-SHA384 on P-384, both ends with one of the same
 * CA, no intermediate ones, not revoked, and in a role that goes with the service and the
 * end (peer.h): a client's certificate cannot be a server. With pre-shared keys:
 * ECDHE-PSK-CHACHA20-POLY1305-SHA256 on P-384. Nothing else is offered or taken, no
 * renegotiation, no ticket, no resumption.
 *
 * TLS carries no data here. Each direction's secret is an exporter of the session (RFC
 * 5705) with the labels "EXPORTER-cxl client" and "EXPORTER-cxl server", and the channel's
 * place (seal.h) as context, so that both ends mean the same channel. It is 48 bytes.
 *
 * When run() says 0 to a client, the server has accepted it: its Finished came after that.
 *
 * With a manager (trust->view): the client has a right to the channel's range, and knows its key.
 * Which key, both ends say in ALPN, "cxl/" and the key's id, in 16 hexadecimal digits: another
 * one is -ESTALE. The key goes into both secrets, by HKDF with it as salt and the range's name as
 * info, so that whoever has all but the key has nothing. Each end asks its own view, anew for each
 * handshake.
 *
 * The manager's own connections go on as TLS: handshake_create_stream(), and after run() said
 * 0, handshake_say() and handshake_hear().
 */
#ifndef COMMON_HANDSHAKE_H
#define COMMON_HANDSHAKE_H

#include "seal.h"
#include "trust.h"

struct handshake;

/*
 * handshake_create - begin.
 *
 *   t       held until handshake_destroy()
 *   place   of the channel; the same on both ends
 *
 * Cheap: the certificates are parsed by the first handshake_run(). Returns NULL when there is no memory.
 */
struct handshake *handshake_create(struct trust *t, const struct seal_place *place, bool server);
void handshake_destroy(struct handshake *h);

/* One over TCP, whose data is TLS's: of a client, or of the manager. */
struct handshake *handshake_create_stream(struct trust *t, bool server);

/* -EPROTO: more than a handshake has. */
MUST_CHECK int handshake_feed(struct handshake *h, const void *p, size_t len);

/* Returns 0 when it is done, -EAGAIN when the other end has to say more, -EACCES when one
 * end does not accept the other, -ESTALE when that may pass (with a manager: their views differ in
 * the key, or the server has none that holds): handshake_why(). */
MUST_CHECK int handshake_run(struct handshake *h);
const char *handshake_why(const struct handshake *h);

/* What is to be sent; how much of it was. */
size_t handshake_out(const struct handshake *h, const uint8_t **p);
void handshake_sent(struct handshake *h, size_t len);

const struct seal_place *handshake_place(const struct handshake *h);

/* When it is done: who the other end is, and the secrets. */
const struct peer *handshake_peer(const struct handshake *h);
void handshake_secrets(const struct handshake *h, uint8_t client[SEAL_SECRET],
	uint8_t server[SEAL_SECRET]);

/* The secrets were made in this one, or one that has ended. */
const struct life *handshake_life(const struct handshake *h);

/* Of the channel's range: what the other end may do (a server asks), and under which key that
 * is. Without a manager RIGHT_WRITE and 0. */
enum view_right handshake_right(const struct handshake *h);
uint64_t handshake_key_id(const struct handshake *h);

/* ---- data of a stream ---- */

/* All `len` bytes, 1 .. HANDSHAKE_SAY, as one record, or -EAGAIN: handshake_out() first. -EPROTO. */
enum { HANDSHAKE_SAY = 8 << 10 };
MUST_CHECK int handshake_say(struct handshake *h, const void *p, size_t len);

/* Up to `size` bytes. 0; -EAGAIN: feed it; -ECONNRESET: the other end closed; -EPROTO. */
MUST_CHECK int handshake_hear(struct handshake *h, void *p, size_t size, size_t *got);

#endif
