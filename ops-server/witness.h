/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness.h - what the audit log says of a session: that it began to compute, as whom; what it was
 * denied, the first time and then each time that their number has doubled; that it decrypts; and
 * once a minute, if there is something new, and at its end what it was told in clear. So a session is
 * a few lines, whatever it asks.
 */
#ifndef OPS_SERVER_WITNESS_H
#define OPS_SERVER_WITNESS_H

#include "account.h"
#include "auditor.h"
#include "peer.h"
#include "service.h"

struct witness {
	struct auditor *log; /* NULL: none */
	bool began, decrypts;
	uint64_t told; /* of all kinds, when that was noted last */
};

/* A session is about to compute. `peer`: NULL on a plain channel. */
void witness_begin(struct witness *t, const struct service_chan *c, const struct account *a,
	const struct peer *peer);

/* It has another role now. */
void witness_proved(struct witness *t, const struct service_chan *c, const struct account *a);

/* It was denied something, which `a` counts already. */
void witness_denied(struct witness *t, const struct service_chan *c, const struct account *a,
	const char *why);

/* It is about to get plaintext. 0; else it must not, and `e` says why. */
MUST_CHECK int witness_decrypt(struct witness *t, const struct service_chan *c,
	const struct account *a, struct err_text *e);

/* It goes on: say what it was told so far, unless that was said. */
void witness_told(struct witness *t, const struct service_chan *c, const struct account *a);

/* It ends. */
void witness_end(struct witness *t, const struct service_chan *c, const struct account *a);

#endif
