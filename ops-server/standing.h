/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * standing.h - what a session has proved, and which role of the policy that makes it.
 *
 *     nothing                                                                     db
 *     the credential, or on a sealed channel that its certificate says client     client
 *     a certificate that a role names (peer = ...), whatever else it says         that role
 *     the key of a role (proof.h), or a pass that a session of it was given       that role
 *
 * A proof of a key holds as long as the policy in force has that key for that role.
 */
#ifndef OPS_SERVER_STANDING_H
#define OPS_SERVER_STANDING_H

#include "admit.h"
#include "proof.h"

struct standing {
	enum role role;
	bool challenged;
	uint8_t challenge[OPS_CHALLENGE];
	char name[POLICY_NAME + 1]; /* of the role whose key was proved; "" */
	uint8_t key[SIGNKEY_PUBLIC];
};

/* Once, before any pass is made or read: the secret that they are made with. */
void standing_begin(void);

/* By the manager it may read alone now (admit.h): what it has proved counts for nothing. */
void standing_reduce(struct standing *st, const struct admission *a);

/* A fresh challenge, which serves once. */
void standing_challenge(struct standing *st);

/*
 * standing_prove - OPS_PROVE.
 *
 *   pass   out: what to answer, *pass_len bytes
 *
 * Returns 0, or -EACCES with the reason in `e`; the session is then what it was.
 */
MUST_CHECK int standing_prove(struct standing *st, const struct admission *a,
	const struct zone *z, const uint8_t *data, uint64_t len, uint8_t pass[OPS_PASS],
	uint64_t *pass_len, struct err_text *e);

/* The policy's role for it; NULL without a policy. */
const struct policy_role *standing_role(
	const struct standing *st, const struct admission *a, const struct policy *p);

#endif
