/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - a policy as it is held: its roles and domains, which are added while its text is read and
 * found by name, and what its names of domains of keys stand for. Its text is policy_parse.c, files,
 * signatures and showing it policy_file.c; asking it is policy_check.c, which like this file needs neither
 * ini files nor signatures.
 */
#include "policy_build.h"

#include <stdlib.h>
#include <string.h>

const char *const policy_results_names[] = {"marked", "kept", "clean"};

/* ---- adding ---- */

bool policy_room(void **array, unsigned n, size_t each)
{
	size_t had = (size_t)n * each, more = n ? had : 16 * each;
	uint8_t *bigger;

	if (n && (n < 16 || n & (n - 1)))
		return true; /* n is no power of two: it was doubled there */
	bigger = realloc(*array, had + more);
	if (!bigger)
		return false;
	memset(bigger + had, 0, more);
	*array = bigger;
	return true;
}

unsigned policy_find_domain(const struct policy *p, const char *name)
{
	unsigned d;

	for (d = 1; d < p->ndomains; d++)
		if (strcmp(p->domain[d].name, name) == 0)
			break;
	return d;
}

struct policy_role *policy_add_role(struct policy *p, const char *name, unsigned most)
{
	struct policy_role *role = (struct policy_role *)policy_role(p, name);

	if (role || p->nroles >= most || !policy_room((void **)&p->role, p->nroles, sizeof *role))
		return role;
	role = &p->role[p->nroles++];
	strcpy(role->name, name);
	return role;
}

struct policy_rule *policy_add_special(struct policy *p, unsigned role, unsigned domain)
{
	struct policy_special *s = p->special;
	unsigned i;

	for (i = 0; i < p->nspecial; i++)
		if (s[i].role == role && s[i].domain == domain)
			return &s[i].rule;
	if (p->nspecial == POLICY_SPECIAL || !policy_room((void **)&p->special, p->nspecial, sizeof *s))
		return NULL;
	s = &p->special[p->nspecial++];
	s->role = role;
	s->domain = domain;
	return &s->rule;
}

/* ---- when all has been read ---- */

static int by_role_and_domain(const void *a, const void *b)
{
	const struct policy_special *x = a, *y = b;

	return x->role != y->role ? (x->role < y->role ? -1 : 1) : (int)x->domain - (int)y->domain;
}

bool policy_settle(struct policy *p)
{
	static uint64_t ids;
	unsigned i;

	if (!policy_add_role(p, "db", POLICY_ROLES + 2) || !policy_add_role(p, "client", POLICY_ROLES + 2))
		return false;
	if (p->nspecial)
		qsort(p->special, p->nspecial, sizeof *p->special, by_role_and_domain);
	for (i = 0; i < p->nroles; i++) {
		p->role[i].policy = p;
		p->role[i].id = __atomic_add_fetch(&ids, 1, __ATOMIC_RELAXED);
	}
	for (i = p->nspecial; i-- > 0;) {
		p->role[p->special[i].role].first = i;
		p->role[p->special[i].role].nspecial++;
	}
	return true;
}

static bool reveals(const struct policy_rule *rule)
{
	uint32_t code;

	for (code = 0; code < OPTABLE_CODES; code++)
		if (rule->op[code / 64] >> code % 64 & 1 &&
			opclass_of(optable_op(code)) == CLASS_DECRYPT)
			return true;
	return rule->encrypt;
}

const char *policy_wrong(const struct policy *p)
{
	const struct policy_role *db = policy_role(p, "db");
	unsigned i, d;

	if (!p->name[0] || !p->stamp.version)
		return "[policy] needs a name and a version, 1 or more";
	for (i = 0; i < p->nroles; i++) {
		const struct policy_role *role = &p->role[i];
		bool built_in = strcmp(role->name, "db") == 0 || strcmp(role->name, "client") == 0 ||
			strcmp(role->name, "admin") == 0;

		if (built_in && (role->has_key || role->npeers))
			return "db, client and admin have neither key nor peer";
		if (!built_in && role->defined && !role->has_key && !role->npeers)
			return "a role other than db, client and admin needs a key or a peer";
	}
	for (d = 0; d < p->ndomains; d++)
		if (reveals(policy_rule(db, d)))
			return "role db has proved nothing: it cannot encrypt or decrypt";
	return NULL;
}

/* ---- domains of keys ---- */

static int find_named(
	const struct keyring *k, const char *name, unsigned *d, struct err_text *e)
{
	*d = keyring_domain(k, name);
	if (*d < keyring_domains(k))
		return 0;
	err_set(e, "the policy names \"%s\", a domain of keys that the key file has not: "
		"hedbctl key add FILE --domain %s", name, name);
	return -EINVAL;
}

/* Where policy_domain() begins to look. */
static void find_starts(struct policy *p)
{
	unsigned d = p->ndomains, k;

	for (k = 0; k < KEYRING_DOMAINS; k++)
		p->start[k] = (uint16_t)p->ndomains;
	while (--d > 0) { /* the first one is written last */
		const struct policy_domain *of = &p->domain[d];

		if (of->nkeys || !of->nnamed) /* any key may be one of its */
			for (k = 0; k < KEYRING_DOMAINS; k++)
				p->start[k] = (uint16_t)d;
		for (k = 0; k < of->nnamed; k++)
			p->start[p->named[of->first_named + k].keys] = (uint16_t)d;
	}
}

int policy_bind(struct policy *p, const struct keyring *k, struct err_text *e)
{
	unsigned i;
	int rc;

	for (i = 0; i < p->nnamed; i++) {
		rc = find_named(k, p->named[i].name, &p->named[i].keys, e);
		if (rc)
			return rc;
	}
	for (i = 0; i < p->nroles; i++) {
		if (!p->role[i].home_name[0])
			continue;
		rc = find_named(k, p->role[i].home_name, &p->role[i].home, e);
		if (rc)
			return rc;
	}
	find_starts(p);
	p->keys = k;
	return 0;
}

/* ---- finding ---- */

const struct policy_role *policy_role(const struct policy *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->nroles; i++)
		if (strcmp(p->role[i].name, name) == 0)
			return &p->role[i];
	return NULL;
}

const struct policy_role *policy_role_of_peer(const struct policy *p, const char *peer)
{
	unsigned i, k;

	for (i = 0; i < p->nroles; i++)
		for (k = 0; k < p->role[i].npeers; k++)
			if (strcmp(p->role[i].peer[k], peer) == 0)
				return &p->role[i];
	return NULL;
}

/* ---- its end ---- */

void policy_fini(struct policy *p)
{
	free(p->domain);
	free(p->key);
	free(p->named);
	free(p->role);
	free(p->special);
	memset(p, 0, sizeof *p);
}

void policy_free(struct policy *p)
{
	if (p)
		policy_fini(p);
	free(p);
}
