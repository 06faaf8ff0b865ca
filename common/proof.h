/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proof.h - how an application proves to ops_server, through a database that it need not
 * trust, that a session is its own.
 *
 *     application           database                  ops_server
 *         |  hedb_challenge('app')  |   OPS_HELLO            |
 *         |<------------------------|<-----------------------|  32 random bytes, used once
 *         |  text of proof_text()   |                        |
 *         |  signs it (ed25519)     |                        |
 *         |  hedb_prove('app', sig) |   OPS_PROVE            |
 *         |------------------------>|----------------------->|  key of role app: the policy's
 *         |                         |<-----------------------|  pass
 *
 * The pass lets parallel workers and a channel that had to be opened anew be the same role,
 * for as long as that ops_server runs. It is a secret of the database's process.
 */
#ifndef COMMON_PROOF_H
#define COMMON_PROOF_H

#include "err.h"
#include "ops.h"
#include "policy.h"

enum {
	PROOF_TEXT = 23 + POLICY_NAME + 1 + 2 * OPS_CHALLENGE + 1,
};

/* What is to be signed: "hedb session proof v1 ROLE HEX", HEX the challenge. Returns its length;
 * 0 when the role's name is none. */
size_t proof_text(char text[PROOF_TEXT], const char *role, const uint8_t challenge[OPS_CHALLENGE]);

/* May a key of a role sign it? A signer asks before. */
bool proof_is_text(const char *text);

/* Is it that key's signature? */
bool proof_good(const uint8_t sig[SIGNKEY_SIGNATURE], const char *role,
	const uint8_t challenge[OPS_CHALLENGE], const uint8_t key[SIGNKEY_PUBLIC]);

#endif
