/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.h - which role may run which operation on which column domain, how often, signed by
 * the data owner. docs/policy.md has the language, its reasons and what it does not stop.
 *
 * A policy is a text (policy_parse) and an ed25519 signature over it (policy_verify). Roles
 * are what a session has proved (ops.h): "db" nothing, "client" the credential, others by a
 * key of their own or by the name of their certificate. A domain is a set of data keys and
 * types; what is in none is in domain 0. What is not allowed is denied. Keys are named by their
 * ids, or all at once by their domain in the key file (keyring.h): these names mean nothing until
 * policy_bind() has looked them up.
 *
 * Where values come from. A session whose role has `results = marked` marks what it computes
 * (VALUE_COMPUTED), in the authenticated part of the value; marks spread to whatever is made of
 * marked values, by other roles too. With `computed = deny` a role may pass such values on, but no operation may
 * look into them or go on computing: so nobody can compare a column with a constant that he
 * made of it, nor learn by an error (1 / (x - k)) what a comparison would have said.
 *
 * How it is asked. program_compile() finds which arguments each operation sees, as they came or
 * after computation. When columns have been opened their domains and marks are known, and
 * policy_check() says yes or no for the whole request. The answer is kept beside the compiled
 * program (struct verdict), so that a request costs a comparison for each argument.
 *
 * Threads: a policy is read-only once it is parsed.
 */
#ifndef COMMON_POLICY_H
#define COMMON_POLICY_H

#include <stdio.h>

#include "keyring.h"
#include "opclass.h"
#include "peer.h"
#include "program.h"
#include "release.h"
#include "signkey.h"

enum {
	POLICY_ROLES = 2048, /* "db" and "client" are there without being named */
	POLICY_DOMAINS = 1025, /* "default" included: one for each of the key file's */
	POLICY_SPECIAL = 8192, /* sections of a role in a domain */
	POLICY_KEYS = KEYRING_KEYS_MAX, /* data keys that domains name, in all */
	POLICY_NAMED = 2048, /* domains of keys that are named, in all */
	POLICY_PEERS = 8,  /* certificates that a role names */
	POLICY_NAME = 20,  /* libinih cuts names of sections at 49 */
	POLICY_TEXT_MAX = 1 << 20,
	POLICY_DIGEST = 16,
};

/* Which values that a role's sessions make are marked. */
enum policy_results {
	RESULTS_MARKED, /* what was computed */
	RESULTS_KEPT,   /* what was made of marked ones */
	RESULTS_CLEAN,  /* none */
};

extern const char *const policy_results_names[];

/* One role in one domain. */
struct policy_rule {
	uint64_t op[OPTABLE_CODES / 64];
	bool encrypt;
	bool transfer; /* results may be sealed under a key of another domain */
};

struct policy_role {
	char name[POLICY_NAME + 1];
	uint64_t id;       /* of all roles of all policies that this process has loaded */
	const struct policy *policy;
	bool defined;      /* some line says something of it */
	bool computed;     /* may look at what is marked or was computed in the same program */
	bool mixed;        /* one operation may see several domains */
	enum policy_results results;
	char home_name[KEYRING_DOMAIN_NAME + 1];
	unsigned home;     /* domain of keys of what its sessions make; 0: the default one */
	bool has_key;
	uint8_t key[SIGNKEY_PUBLIC];
	char peer[POLICY_PEERS][PEER_NAME + 1];
	unsigned npeers;
	struct policy_rate {
		uint64_t amount; /* 0: no limit */
		uint64_t per_ms;
	} rate[RELEASES];
	bool rated;        /* some rate is one */
	struct policy_rule rule; /* policy_rule() says where */
	unsigned first, nspecial; /* of policy.special */
};

/* What a role may in a domain that it has a section for. */
struct policy_special {
	unsigned role, domain; /* ascending, once the policy is parsed */
	struct policy_rule rule;
};

struct policy_domain {
	char name[POLICY_NAME + 1];
	uint32_t types; /* bit of each type code; 0: all */
	unsigned nkeys, first; /* of policy.key */
	unsigned nnamed, first_named;
};

/* Which one it is. */
struct policy_stamp {
	uint64_t version;
	uint8_t digest[POLICY_DIGEST]; /* of its text */
};

struct policy {
	char name[POLICY_NAME + 1];
	struct policy_stamp stamp;
	unsigned nroles, ndomains; /* domain 0 included */
	unsigned nkeys, nnamed, nspecial;
	/* As many as there are; owned: */
	struct policy_domain *domain;
	uint16_t *key;
	struct policy_named {
		char name[KEYRING_DOMAIN_NAME + 1];
		unsigned keys; /* the domain of that name, 0: not known; policy_bind() */
	} *named;
	struct policy_role *role;
	struct policy_special *special;
	const struct keyring *keys; /* policy_bind()'s */
	/* By domain of keys: no domain before this one can have a value that is under one of its keys. */
	uint16_t start[KEYRING_DOMAINS];
};

/*
 * policy_parse - a policy from its text.
 *
 *   p   zeroed; policy_fini() it, also after an error
 *
 * Returns 0 or -EINVAL with the first thing that is wrong in `e`.
 */
MUST_CHECK int policy_parse(
	struct policy *p, const char *text, size_t len, struct err_text *e);

/*
 * policy_load - a policy file, whose signature is in FILE.sig, by the owner's public key.
 *
 *   p   out: policy_free() it
 *
 * Returns 0, what policy_parse() and policy_verify() do, -ENOMEM, or what the kernel said.
 */
MUST_CHECK int policy_load(struct policy **p, const char *path, const char *owner_path,
	struct err_text *e);
void policy_free(struct policy *p); /* NULL is fine */
void policy_fini(struct policy *p); /* what it owns, and zeroes it */

/*
 * policy_bind - what its names of domains of keys stand for.
 *
 *   k   must stay as long as the policy is asked
 *
 * Returns 0, or -EINVAL: the keyring has not all of them.
 */
MUST_CHECK int policy_bind(struct policy *p, const struct keyring *k, struct err_text *e);

/* Its text alone: malloced, with a zero byte behind. */
MUST_CHECK int policy_read(char **text, size_t *len, const char *path, struct err_text *e);

/* May it (NULL: none) take the place of `old` (version 0: none)? -ESTALE: it is an older one, or
 * another of the same version. */
MUST_CHECK int policy_follows(
	const struct policy *p, const struct policy_stamp *old, struct err_text *e);

/* policy_sign, policy_verify - over the text and what it is a signature of. -EBADMSG: it is
 * not that owner's signature of this text. */
void policy_sign(uint8_t sig[SIGNKEY_SIGNATURE], const char *text, size_t len,
	const uint8_t secret[SIGNKEY_SECRET]);
MUST_CHECK int policy_verify(const uint8_t sig[SIGNKEY_SIGNATURE], const char *text,
	size_t len, const uint8_t owner[SIGNKEY_PUBLIC]);

/* The role of that name, NULL when nothing is said of it. */
const struct policy_role *policy_role(const struct policy *p, const char *name);

/* The role that names that certificate, or NULL. */
const struct policy_role *policy_role_of_peer(const struct policy *p, const char *peer);

/* All of it as a person reads it. */
void policy_print(const struct policy *p, FILE *to);

/* ---- asking; policy_check.c ---- */

/* The domain of a value; 0 without a role. */
unsigned policy_domain(const struct policy_role *r, uint16_t key_id, uint8_t type);

/* What a role may in a domain: as its section for that says, else as the one for all does. */
const struct policy_rule *policy_rule(const struct policy_role *r, unsigned domain);

/* Domains of values. Mostly there is one, so that this is a number of its own: */
enum { POLICY_NONE = 0xffff, POLICY_MANY = 0xfffe /* those of a set */ };

struct policy_set {
	uint64_t bit[(POLICY_DOMAINS + 63) / 64];
};

/* One more: *to is POLICY_NONE to begin with, and `set` is written when there are two. */
void policy_set_add(uint16_t *to, struct policy_set *set, unsigned domain);

/* What was found in the arguments of a request so far. Beyond the program's arguments nothing is
 * written or read. */
struct policy_seen {
	uint16_t domain[PROGRAM_ARGS_MAX]; /* or POLICY_NONE, POLICY_MANY */
	uint16_t keys[PROGRAM_ARGS_MAX];   /* domains of keys, or DOMAINS_SEVERAL (eval.h) */
	const struct policy_set *set;      /* one for each argument; caller's */
	uint64_t computed;                 /* arguments that have a marked value */
	uint16_t key_id;                   /* of the session's domain of keys, or that of `into` */
	bool into;                         /* all results are sealed under that */
};

/* What was allowed before, for one role and program, where no argument was of many domains.
 * Zeroed: nothing. */
struct verdict {
	uint64_t role;
	struct policy_seen seen;
};

/*
 * policy_check - may the role run it on that?
 *
 *   v   remembers; one for each compiled program
 *
 * Returns 0 or -EACCES; `e` names policy, role and operation.
 */
MUST_CHECK int policy_check(const struct policy_role *r, const struct program *p,
	const struct policy_seen *seen, struct verdict *v, struct err_text *e);

#endif
