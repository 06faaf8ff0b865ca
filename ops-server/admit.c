/* SPDX-License-Identifier: BSD-3-Clause */
#include "admit.h"

#include <time.h>

static const char sealed_only[] = "this server takes sealed channels only";

bool admit_objects(const struct admission *a, const struct zone *z, int64_t now_s,
	struct err_text *e)
{
	if (a->sealed)
		return trust_objects(z->trust, &a->peer, now_s, e);
	if (!a->plain || z->mode != TRUST_REQUIRED)
		return false;
	err_set(e, "%s", sealed_only);
	return true;
}

static int shake_hands(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e)
{
	int rc = secure_take(&a->handshake, c, "ops", z->trust, f);

	if (!rc)
		rc = secure_give(a->handshake, c, handshake_run(a->handshake));
	if (rc == -EAGAIN)
		return rc;
	if (rc == 0) {
		/* Not let in yet: its first request is, by what the files say then. */
		a->peer = *handshake_peer(a->handshake);
		a->sealed = true;
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

bool admit_shakes_hands(const struct admission *a, const struct zone *z, const struct frame *f)
{
	return f->kind == SEAL_HELLO && z->mode != TRUST_PLAIN && !a->plain && !a->sealed;
}

int admit(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e)
{
	if (admit_shakes_hands(a, z, f))
		return shake_hands(a, z, c, f, e);
	if (admit_objects(a, z, time(NULL), e))
		return -EACCES;
	if (!a->sealed && (a->handshake || z->mode == TRUST_REQUIRED)) {
		err_set(e, "%s", sealed_only);
		return -EACCES;
	}
	a->plain = !a->sealed;
	a->zone = z->number;
	a->until_s = a->sealed && a->peer.ends_s ? a->peer.ends_s : INT64_MAX;
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
