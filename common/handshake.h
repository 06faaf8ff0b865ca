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

/* -EPROTO: more than a handshake has. */
MUST_CHECK int handshake_feed(struct handshake *h, const void *p, size_t len);

/* Returns 0 when it is done, -EAGAIN when the other end has to say more, -EACCES when one
 * end does not accept the other: handshake_why(). */
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

#endif
