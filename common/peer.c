/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <string.h>

static const struct {
	const char *text;
	unsigned role;
} words[] = {
	{"db", PEER_DB},
	{"client", PEER_CLIENT},
	{"admin", PEER_ADMIN},
	{"kv:*", PEER_ANY_USER},
	{"server:ops", PEER_SERVES_OPS},
	{"server:kv", PEER_SERVES_KV},
	{"server:mgr", PEER_SERVES_MGR},
};

static const char user_prefix[] = "kv:";

bool peer_name_valid(const char *name, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._@-";
	size_t i;

	for (i = 0; i < len; i++)
		if (!name[i] || !strchr(good, name[i]))
			return false;
	return len > 0 && len <= PEER_NAME;
}

bool peer_add_role(struct peer *p, const char *role, size_t len)
{
	size_t n = sizeof user_prefix - 1, i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (len == strlen(words[i].text) && memcmp(role, words[i].text, len) == 0) {
			p->roles |= words[i].role;
			return true;
		}
	if (len <= n || memcmp(role, user_prefix, n) != 0 ||
		!peer_name_valid(role + n, len - n) || p->nusers == PEER_USERS)
		return false;
	memcpy(p->user[p->nusers], role + n, len - n);
	p->user[p->nusers++][len - n] = 0;
	return true;
}

bool peer_may(const struct peer *p, const char *service, bool as_server)
{
	bool ops = strcmp(service, "ops") == 0;

	if (strcmp(service, PEER_MANAGER) == 0)
		return as_server ? p->roles & PEER_SERVES_MGR : p->roles || p->nusers;
	if (as_server)
		return p->roles & (ops ? PEER_SERVES_OPS : PEER_SERVES_KV);
	return ops ? p->roles & (PEER_DB | PEER_CLIENT | PEER_ADMIN)
		   : p->nusers > 0 || p->roles & PEER_ANY_USER;
}

bool peer_is_user(const struct peer *p, const char *user, size_t len)
{
	unsigned i;

	for (i = 0; i < p->nusers; i++)
		if (strlen(p->user[i]) == len && memcmp(p->user[i], user, len) == 0)
			return true;
	return false;
}
