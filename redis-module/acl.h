/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * acl.h - whose commands a session's are, and whether they may.
 *
 * A session starts as the default user if that one needs no password, else as nobody
 * until AUTH. Users can change at any time, and no event tells; so a turn looks each
 * session's user up anew before its first command (by name: a deleted user's pointer
 * would dangle). Most users may do everything, which one look at the user's rules
 * tells. For the others each command goes through RM_Call as that user (call.c), which
 * checks the arity first: RM_ACLCheckCommandPermissions() of 7.0 reads past the end of a
 * command that lacks arguments.
 */
#ifndef CXLRING_ACL_H
#define CXLRING_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm.h"

enum acl_state {
	ACL_NOBODY, /* -NOAUTH to everything but AUTH */
	ACL_SOME,   /* each command has to be checked */
	ACL_ALL,
};

struct acl {
	RedisModuleString *user; /* owned; NULL: default, without authentication */
	bool certified;          /* by a certificate: if the user goes, it is nobody */
	uint64_t turn;           /* `state` was found in this turn */
	enum acl_state state;
};

/* What the session's user may do, as of this turn. */
enum acl_state acl_look(struct acl *a, uint64_t turn);

/* Is the user gone who this is? Asked now and then, of those too who say nothing: there may
 * soon be another one of the same name. */
void acl_check(struct acl *a);

/* A ring client has just called ACL. */
void acl_changed(void);

/* The user itself, for RM_SetContextUser(); freed by RM_FreeModuleUser(). NULL: gone. */
RedisModuleUser *acl_user(const struct acl *a);

/* Check the password as AUTH does (ACL LOG included); on success the session is that
 * user's. False: `why` is the text that AUTH would send. */
bool acl_authenticate(RedisModuleCtx *ctx, struct acl *a, const char *user, size_t user_len,
	const char *password, size_t password_len, char *why, size_t len);

/* A certificate says who it is (peer.h). False: there is no such user, or it is off. */
bool acl_certify(struct acl *a, const char *user);

void acl_forget(struct acl *a);

#endif
