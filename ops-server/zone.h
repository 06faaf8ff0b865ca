/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.h - one set of secrets: the keyring, the client credential, and whom sealed
 * channels are for; and the policy for their use.
 *
 * SIGHUP replaces it as a whole: each worker moves to the new one between two requests,
 * and the old one is wiped when the last has moved. server.zone is the newest one,
 * server.zone_lock guards every count of users.
 */
#ifndef OPS_SERVER_ZONE_H
#define OPS_SERVER_ZONE_H

#include "server.h"

struct zone {
	struct keyring *keys;
	enum kek_source sealed; /* what the key file is sealed by */
	uint8_t *credential; /* OPS_CREDENTIAL bytes of sodium_malloc, NULL if there is none */
	struct trust *trust; /* NULL: no sealed channels */
	enum trust_mode mode;
	struct policy *policy; /* NULL: none, everything is allowed */
	uint64_t number;     /* counts zones: who has seen another one looks anew */
	uint32_t users;      /* threads on it; server.zone_lock */
};

/* Load keys, unsealed by `kek`, and credential; NULL with the reason in `e`. `v`: the manager's view,
 * or NULL. `was`: what believes whom until then (trust_renew()), or NULL. */
struct zone *zone_load(const struct config *c, struct kek *kek, struct view *v,
	const struct trust *was, struct err_text *e);

/* Which policy is in it; version 0: none. */
const struct policy_stamp *zone_stamp(const struct zone *z);

/* Wipe one that nobody uses; NULL is fine. */
void zone_free(struct zone *z);

/* Make `z` the newest; the one before goes with its last user. */
void zone_replace(struct server *s, struct zone *z);

/* Move a worker to the newest zone. Returns 0 or -ENOMEM, and then it stays where it is. */
MUST_CHECK int zone_adopt(struct worker *w);

/* The newest, for a while. */
struct zone *zone_hold(struct server *s);
void zone_let_go(struct server *s, struct zone *z);

/* At a worker's end: wipe its evaluator, and its zone if that was an old one's last user. */
void zone_release(struct worker *w);

#endif
