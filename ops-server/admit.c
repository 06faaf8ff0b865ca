/* SPDX-License-Identifier: BSD-3-Clause */
#include "admit.h"

static int shake_hands(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e)
{
	int rc = secure_take(&a->handshake, c, "ops", z->trust, f);

	if (!rc)
		rc = secure_give(a->handshake, c, handshake_run(a->handshake));
	if (rc == -EAGAIN)
		return rc;
	if (rc == 0) {
		a->peer = *handshake_peer(a->handshake);
		a->sealed = true;
		a->zone = z->number;
		log_line(LOG_DEBUG, "channel %u of pid %u is sealed for \"%s\"", c->index,
			ident_pid(c->owner), a->peer.name);
		rc = -EAGAIN;
	} else if (a->handshake) {
		err_set(e, "no sealed channel: %s",
			handshake_why(a->handshake)[0] ? handshake_why(a->handshake) : err_name(rc));
	}
	admit_end(a);
	return rc;
}

/* Again, under other secrets. */
static int look_again(struct admission *a, const struct zone *z, struct err_text *e)
{
	if (a->sealed && (!z->trust || trust_revoked(z->trust, &a->peer))) {
		err_set(e, z->trust ? "the certificate of \"%s\" is revoked"
				    : "no sealed channels any more, as \"%s\" has one",
			a->peer.name);
		return -EACCES;
	}
	a->zone = z->number;
	return 0;
}

int admit(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e)
{
	if (a->sealed)
		return look_again(a, z, e);
	if (f->kind == SEAL_HELLO && z->mode != TRUST_PLAIN && !a->plain)
		return shake_hands(a, z, c, f, e);
	if (a->handshake || z->mode == TRUST_REQUIRED) {
		err_set(e, "this server takes sealed channels only");
		return -EACCES;
	}
	a->plain = true;
	a->zone = z->number;
	return 0;
}

void admit_end(struct admission *a)
{
	handshake_destroy(a->handshake);
	a->handshake = NULL;
}

bool admit_evaluates(const struct admission *a)
{
	return !a->sealed || a->peer.roles & (PEER_DB | PEER_CLIENT);
}
