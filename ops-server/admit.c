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
		a->right = handshake_right(a->handshake);
		a->key_id = handshake_key_id(a->handshake);
		a->sealed = true;
		log_line(LOG_DEBUG, "channel %u of pid %u is sealed for \"%s\"", c->index,
			ident_pid(c->owner), a->peer.name);
		rc = -EAGAIN;
	} else if (a->handshake) {
		a->peer = *handshake_peer(a->handshake); /* as far as it was heard */
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

int admit_holds(struct admission *a, const struct view *v, uint32_t channel, struct err_text *e)
{
	uint64_t seen = v ? __atomic_load_n(view_seen(v), __ATOMIC_ACQUIRE) : 0;
	struct err_text why;
	int rc = 0;

	if (v && a->sealed && seen != a->seen)
		rc = view_peer(v, "ops", channel, a->peer.print, a->key_id, &a->right, &why);
	if (rc == 0)
		a->seen = seen;
	else
		err_set(e, "\"%s\": %.180s", a->peer.name, why.s);
	return rc;
}

int admit(struct admission *a, const struct zone *z, struct service_chan *c,
	const struct frame *f, struct err_text *e)
{
	int rc;

	if (admit_shakes_hands(a, z, f))
		return shake_hands(a, z, c, f, e);
	if (admit_objects(a, z, time(NULL), e))
		return -EACCES;
	if (!a->sealed && (a->handshake || z->mode == TRUST_REQUIRED)) {
		err_set(e, "%s", sealed_only);
		return -EACCES;
	}
	rc = admit_holds(a, z->trust ? z->trust->view : NULL, c->index, e);
	if (rc)
		return rc;
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
