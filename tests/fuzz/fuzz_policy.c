/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_policy.c - any bytes as a policy, alone or behind a good beginning: what is accepted keeps to its limits, gives role db
 * neither encrypt nor decrypt, reads the same a second time, and can be printed.
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static void check_role(const struct policy *p, const struct policy_role *r)
{
	unsigned d;

	if (r->policy != p || !r->id || r->npeers > POLICY_PEERS || strlen(r->name) > POLICY_NAME ||
		policy_role(p, r->name) != r)
		abort();
	for (d = 0; d < p->ndomains; d++)
		if (strcmp(r->name, "db") == 0 &&
			(policy_rule(r, d)->encrypt || policy_rule(r, d)->op[OP_enc_int4_decrypt / 64] >>
					OP_enc_int4_decrypt % 64 & 1))
			abort();
}

/* With a keyring that has the names or has not: a home is one of its domains. */
static void check_bound(struct policy *p)
{
	static struct keyring *k;
	struct err_text e = {""};
	uint16_t id;
	unsigned i;

	if (!k) {
		k = keyring_create();
		if (!k || keyring_add_key(k, "pay", &id, NULL) || keyring_add_key(k, "x", &id, NULL))
			abort();
	}
	if (policy_bind(p, k, &e)) {
		if (!e.s[0])
			abort();
		return;
	}
	for (i = 0; i < p->nroles; i++)
		if (p->role[i].home >= keyring_domains(k))
			abort();
	for (i = 0; i < 4; i++)
		if (policy_domain(&p->role[0], (uint16_t)i, T_INT4) >= p->ndomains)
			abort();
}

static void try(const char *data, size_t size)
{
	static struct policy p, again;
	struct err_text e;
	char *text = NULL;
	size_t len;
	unsigned i;
	FILE *f;

	policy_fini(&p);
	policy_fini(&again);
	if (policy_parse(&p, data, size, &e))
		return;
	if (p.nroles > POLICY_ROLES + 2 || p.ndomains > POLICY_DOMAINS || p.nkeys > POLICY_KEYS || p.nnamed > POLICY_NAMED ||
		!p.stamp.version || !policy_role(&p, "db") || !policy_role(&p, "client"))
		abort();
	for (i = 0; i < p.nroles; i++)
		check_role(&p, &p.role[i]);
	for (i = 0; i < 65536; i += 4095)
		if (policy_domain(&p.role[0], (uint16_t)i, T_INT4) >= p.ndomains)
			abort();
	check_bound(&p);
	if (policy_parse(&again, data, size, &e) || again.nroles != p.nroles ||
		memcmp(&again.stamp, &p.stamp, sizeof p.stamp) != 0)
		abort();
	f = open_memstream(&text, &len);
	if (f) {
		policy_print(&p, f);
		fclose(f);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char begin[] = "[policy]\nname = x\nversion = 1\n[domain d]\nkeys = 1 2 pay\n[role ";
	static char text[1 << 16];

	if (size == 0 || size > sizeof text - sizeof begin)
		return 0;
	memcpy(text, begin, sizeof begin - 1);
	memcpy(text + sizeof begin - 1, data + 1, size - 1);
	if (data[0] & 1)
		try(text, sizeof begin - 1 + size - 1);
	else
		try((const char *)data + 1, size - 1);
	return 0;
}
