/* SPDX-License-Identifier: BSD-3-Clause */
#include "standing.h"

#include <string.h>

#include <sodium.h>

#include "cursor.h"
#include "entropy.h"
#include "life.h"

/*
 * A pass, which nobody but this process makes or reads:
 *
 *     0   u64  when it ends, of clock_ms()
 *     8   role, padded with zeroes                24
 *    32   MAC of that, the role's public key     32
 *         and which life (life.h) this is: a copy of this process takes none of ours
 */
enum { PASS_MAC = 32, PASS_MS = 24 * 3600 * 1000 };

_Static_assert(OPS_PASS == PASS_MAC + crypto_auth_BYTES, "a pass");
_Static_assert(POLICY_NAME < 24, "a role's name fits");

static uint8_t pass_secret[crypto_auth_KEYBYTES];

void standing_begin(void)
{
	entropy_fill(pass_secret, sizeof pass_secret);
}

static void pass_mac(uint8_t mac[crypto_auth_BYTES], const uint8_t pass[OPS_PASS],
	const uint8_t key[SIGNKEY_PUBLIC])
{
	struct {
		uint8_t pass[PASS_MAC], key[SIGNKEY_PUBLIC];
		struct life life;
	} all;

	memset(&all, 0, sizeof all);
	memcpy(all.pass, pass, PASS_MAC);
	memcpy(all.key, key, SIGNKEY_PUBLIC);
	life_read(&all.life);
	crypto_auth(mac, (const uint8_t *)&all, sizeof all, pass_secret);
}

static void pass_make(uint8_t pass[OPS_PASS], const struct policy_role *r)
{
	uint64_t ends = clock_ms() + PASS_MS;

	memset(pass, 0, OPS_PASS);
	memcpy(pass, &ends, 8);
	memcpy(pass + 8, r->name, strlen(r->name));
	pass_mac(pass + PASS_MAC, pass, r->key);
}

void standing_reduce(struct standing *st, const struct admission *a)
{
	if (!a->sealed || a->right == RIGHT_WRITE)
		return;
	st->role = ROLE_DB;
	st->name[0] = 0;
}

void standing_challenge(struct standing *st)
{
	entropy_fill(st->challenge, sizeof st->challenge);
	st->challenged = true;
}

/* u8 role, which the certificate names or not. */
static int prove_sealed(struct standing *st, const struct admission *a, const uint8_t *data,
	uint64_t len, struct err_text *e)
{
	if (len != 1 || data[0] != ROLE_CLIENT || !(a->peer.roles & PEER_CLIENT)) {
		err_set(e, "the certificate or key does not name the role client");
		return -EACCES;
	}
	st->role = ROLE_CLIENT;
	return 0;
}

/* u8 role, MAC over the challenge that was given last. */
static int prove_credential(struct standing *st, const struct zone *z, const uint8_t *data,
	uint64_t len, bool challenged, struct err_text *e)
{
	uint8_t proof[1 + OPS_MAC], mac[OPS_MAC];
	bool good = false;

	if (len == sizeof proof && challenged && z->credential) {
		memcpy(proof, data, sizeof proof);
		ops_prove(mac, st->challenge, z->credential);
		good = sodium_memcmp(mac, proof + 1, sizeof mac) == 0 && proof[0] == ROLE_CLIENT;
		sodium_memzero(mac, sizeof mac);
	}
	if (!good) {
		err_set(e, z->credential ? "the credential is not the server's"
								 : "ops_server was started without --credential");
		return -EACCES;
	}
	st->role = ROLE_CLIENT;
	return 0;
}

/* The role of that name that a key can prove. */
static const struct policy_role *keyed_role(const struct zone *z, const char *name)
{
	const struct policy_role *r = z->policy ? policy_role(z->policy, name) : NULL;

	return r && r->has_key ? r : NULL;
}

static void become(struct standing *st, const struct policy_role *r)
{
	strcpy(st->name, r->name);
	memcpy(st->key, r->key, sizeof st->key);
}

/* u8 length, role, signature. */
static int prove_key(struct standing *st, const struct zone *z, struct cursor c,
	bool challenged, uint8_t pass[OPS_PASS], uint64_t *pass_len, struct err_text *e)
{
	uint8_t n = cursor_u8(&c), copy[SIGNKEY_SIGNATURE];
	const uint8_t *name = cursor_bytes(&c, n), *sig = cursor_bytes(&c, SIGNKEY_SIGNATURE);
	char role[POLICY_NAME + 1] = "";
	const struct policy_role *r;

	if (c.bad || c.left || n > POLICY_NAME) {
		err_set(e, "not a proof of a role's key");
		return -EACCES;
	}
	memcpy(role, name, n);
	memcpy(copy, sig, sizeof copy);
	r = keyed_role(z, role);
	if (!r || !challenged || !proof_good(copy, role, st->challenge, r->key)) {
		err_set(e, !r           ? "the policy has no role of that name with a key"
				: !challenged ? "a proof needs a challenge of its own"
							  : "the signature is not that role's key's");
		return -EACCES;
	}
	become(st, r);
	pass_make(pass, r);
	*pass_len = OPS_PASS;
	return 0;
}

static int prove_pass(
	struct standing *st, const struct zone *z, struct cursor c, struct err_text *e)
{
	uint8_t pass[OPS_PASS], mac[crypto_auth_BYTES];
	const uint8_t *bytes = cursor_bytes(&c, OPS_PASS);
	const struct policy_role *r;
	uint64_t ends;

	err_set(e, "the session's proof is not valid any more");
	if (c.bad || c.left)
		return -EACCES;
	memcpy(pass, bytes, sizeof pass);
	memcpy(&ends, pass, 8);
	r = pass[PASS_MAC - 1] ? NULL : keyed_role(z, (const char *)pass + 8);
	if (!r || ends < clock_ms())
		return -EACCES;
	pass_mac(mac, pass, r->key);
	if (sodium_memcmp(mac, pass + PASS_MAC, sizeof mac) != 0)
		return -EACCES;
	become(st, r);
	return 0;
}

int standing_prove(struct standing *st, const struct admission *a, const struct zone *z,
	const uint8_t *data, uint64_t len, uint8_t pass[OPS_PASS], uint64_t *pass_len,
	struct err_text *e)
{
	struct cursor c = cursor_of(data, len);
	bool challenged = st->challenged;
	uint8_t how = cursor_u8(&c);

	*pass_len = 0;
	st->challenged = false;
	if (a->sealed && a->right != RIGHT_WRITE) {
		err_set(e, "the manager gives this node the right to read alone");
		return -EACCES;
	}
	if (how == OPS_BY_KEY)
		return prove_key(st, z, c, challenged, pass, pass_len, e);
	if (how == OPS_BY_PASS)
		return prove_pass(st, z, c, e);
	if (a->sealed)
		return prove_sealed(st, a, data, len, e);
	return prove_credential(st, z, data, len, challenged, e);
}

const struct policy_role *standing_role(
	const struct standing *st, const struct admission *a, const struct policy *p)
{
	const struct policy_role *r = NULL;

	if (!p)
		return NULL;
	if (st->name[0]) {
		r = policy_role(p, st->name);
		if (r && r->has_key && memcmp(r->key, st->key, sizeof st->key) == 0)
			return r;
	}
	/* Before client: who may encrypt for one tenant must not be able to ask for all of them. */
	r = a->sealed ? policy_role_of_peer(p, a->peer.name) : NULL;
	if (r)
		return r;
	return policy_role(p, st->role == ROLE_CLIENT ? "client" : "db");
}
