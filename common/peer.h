/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peer.h - who is at the other end of a sealed channel, and what it may be there.
 *
 * A certificate's subject says it: CN is the node's name, each OU one role; a line of a
 * file of pre-shared keys says the same (trust.h).
 *
 *     db            asks ops_server to compute with encrypted values
 *     client        besides, lets it encrypt and decrypt
 *     admin         asks it how it is; for keys, policy and moves, as they come
 *     kv:USER       is USER of Redis, without a password; the first one named at first,
 *                   the others by AUTH
 *     kv:*          is the default user of Redis, and any other by AUTH and its password
 *     server:ops    serves the "ops" channels
 *     server:kv     serves the "kv" channels
 *     server:mgr    is the manager, cxl_sec_mgr (view.h), for whoever has any role
 *
 * A role that is none of these means nothing, and does no harm.
 */
#ifndef COMMON_PEER_H
#define COMMON_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PEER_NAME = 64,
	PEER_USERS = 8,
	PEER_SERIAL = 20,
	PEER_ROOT = 32,
	PEER_PRINT = 32,
};

enum peer_role {
	PEER_DB = 1,
	PEER_CLIENT = 2,
	PEER_ADMIN = 4,
	PEER_ANY_USER = 8,
	PEER_SERVES_OPS = 16,
	PEER_SERVES_KV = 32,
	PEER_SERVES_MGR = 64,
};

struct peer {
	char name[PEER_NAME + 1];
	unsigned roles; /* enum peer_role, or-ed */
	unsigned nusers;
	char user[PEER_USERS][PEER_NAME + 1]; /* of kv:USER */
	uint8_t serial[PEER_SERIAL]; /* of its certificate */
	size_t serial_len;           /* 0: it has none, but a key */
	uint8_t root[PEER_ROOT]; /* who vouches for it: SHA-256 of its CA's public key, or of its key */
	int64_t ends_s; /* Unix time, the last second: of its certificate, or its CA's if that ends first; 0: never */
	uint8_t print[PEER_PRINT];   /* SHA-256 of its certificate, as DER */
};

/* Names and users: 1 .. PEER_NAME of letters, digits and ._@- only. */
bool peer_name_valid(const char *name, size_t len);

/* Add a role by its text. False: it is none, or one user too many. */
bool peer_add_role(struct peer *p, const char *role, size_t len);

/* The manager's "service", which is no region's. */
#define PEER_MANAGER "mgr"

/* May it be the client, or the server, of this service? */
bool peer_may(const struct peer *p, const char *service, bool as_server);

/* Is it that user of Redis? */
bool peer_is_user(const struct peer *p, const char *user, size_t len);

#endif
