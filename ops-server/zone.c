/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone.h"

#include "keyfile.h"

#include <stdlib.h>

#include <sodium.h>

static void zone_wipe(struct zone *z)
{
	sodium_free(z->credential);
	trust_drop(z->trust);
	policy_free(z->policy);
	keyring_destroy(z->keys);
	free(z);
}

static int load_trust(struct zone *z, const struct config *c, struct view *v,
	const struct trust *was, struct err_text *e)
{
	const struct trust_files f = {.cert = c->cert, .key = c->key, .ca = c->ca, .crl = c->crl,
		.psk = c->psk};
	int rc;

	z->mode = c->secure;
	if (z->mode == TRUST_PLAIN)
		return 0;
	rc = trust_renew(&z->trust, was, &f, e);
	if (!rc && v)
		rc = trust_manage(z->trust, v, e);
	if (rc || !z->trust->cert.p || peer_may(&z->trust->self, "ops", true))
		return rc;
	err_set(e, "%s: its roles are not a server's; hedbctl ca issue ... --role server:ops",
		c->cert);
	return -EINVAL;
}

struct zone *zone_load(const struct config *c, struct kek *kek, struct view *v,
	const struct trust *was, struct err_text *e)
{
	static uint64_t loaded;
	struct zone *z = calloc(1, sizeof *z);
	int rc;

	if (!z) {
		err_set(e, "no memory for keys");
		return NULL;
	}
	rc = keyfile_load(&z->keys, c->keys, kek, e);
	z->sealed = kek_source(kek);
	if (!rc && c->credential[0]) {
		z->credential = sodium_malloc(OPS_CREDENTIAL);
		if (!z->credential)
			err_set(e, "no memory for the credential");
		rc = z->credential ? ops_credential_read(z->credential, c->credential, e)
				   : -ENOMEM;
	}
	if (!rc)
		rc = load_trust(z, c, v, was, e);
	if (!rc && c->policy[0])
		rc = policy_load(&z->policy, c->policy, c->policy_key, e);
	if (!rc && z->policy)
		rc = policy_bind(z->policy, z->keys, e);
	if (rc) {
		zone_wipe(z);
		return NULL;
	}
	z->number = ++loaded;
	return z;
}

const struct policy_stamp *zone_stamp(const struct zone *z)
{
	static const struct policy_stamp none;

	return z->policy ? &z->policy->stamp : &none;
}

void zone_free(struct zone *z)
{
	if (z)
		zone_wipe(z);
}

/* Caller holds s->zone_lock. */
static void zone_leave(struct server *s, struct zone *z)
{
	if (z && --z->users == 0 && z != s->zone)
		zone_free(z);
}

struct zone *zone_hold(struct server *s)
{
	struct zone *z;

	pthread_mutex_lock(&s->zone_lock);
	z = s->zone;
	z->users++;
	pthread_mutex_unlock(&s->zone_lock);
	return z;
}

void zone_let_go(struct server *s, struct zone *z)
{
	pthread_mutex_lock(&s->zone_lock);
	zone_leave(s, z);
	pthread_mutex_unlock(&s->zone_lock);
}

void zone_release(struct worker *w)
{
	pthread_mutex_lock(&w->server->zone_lock);
	eval_destroy(w->eval); /* before the keys it points to */
	w->eval = NULL;
	zone_leave(w->server, w->zone);
	w->zone = NULL;
	pthread_mutex_unlock(&w->server->zone_lock);
}

int zone_adopt(struct worker *w)
{
	struct server *s = w->server;
	struct zone *old = w->zone, *newest = zone_hold(s);
	struct eval *ev;

	ev = eval_create(s->gcm, newest->keys);
	if (ev && w->eval) {
		ev->opened = w->eval->opened;
		ev->sealed = w->eval->sealed;
		ev->rows = w->eval->rows;
	}
	pthread_mutex_lock(&s->zone_lock);
	if (!ev) {
		zone_leave(s, newest);
		pthread_mutex_unlock(&s->zone_lock);
		return -ENOMEM;
	}
	eval_destroy(w->eval); /* before the keys it points to */
	w->eval = ev;
	w->zone = newest;
	zone_leave(s, old);
	pthread_mutex_unlock(&s->zone_lock);
	return 0;
}

void zone_replace(struct server *s, struct zone *z)
{
	struct zone *old;

	pthread_mutex_lock(&s->zone_lock);
	old = s->zone;
	__atomic_store_n(&s->zone, z, __ATOMIC_RELEASE);
	if (old->users == 0)
		zone_free(old);
	pthread_mutex_unlock(&s->zone_lock);
}
