/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_file.c - policies in files, their signatures, and what they say as a person reads it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "hex.h"
#include "policy.h"

/* ---- signatures ---- */

static const char context[] = "hedb policy v1\n";

static void hash_text(crypto_sign_state *s, const char *text, size_t len)
{
	crypto_sign_init(s);
	crypto_sign_update(s, (const uint8_t *)context, sizeof context - 1);
	crypto_sign_update(s, (const uint8_t *)text, len);
}

void policy_sign(uint8_t sig[SIGNKEY_SIGNATURE], const char *text, size_t len,
	const uint8_t secret[SIGNKEY_SECRET])
{
	crypto_sign_state s;

	hash_text(&s, text, len);
	crypto_sign_final_create(&s, sig, NULL, secret);
}

int policy_verify(const uint8_t sig[SIGNKEY_SIGNATURE], const char *text, size_t len,
	const uint8_t owner[SIGNKEY_PUBLIC])
{
	crypto_sign_state s;

	hash_text(&s, text, len);
	return crypto_sign_final_verify(&s, sig, owner) == 0 ? 0 : -EBADMSG;
}

/* ---- files ---- */

/* Up to `cap` bytes of a file; how many there are, or -errno. */
static ssize_t read_some(const char *path, void *to, size_t cap, struct err_text *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 0, got = 0;

	if (fd >= 0)
		while ((size_t)got < cap && (n = read(fd, (char *)to + got, cap - (size_t)got)) > 0)
			got += n;
	if (fd < 0 || n < 0) {
		got = -errno;
		err_set(e, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return got;
}

int policy_read(char **text, size_t *len, const char *path, struct err_text *e)
{
	char *at = malloc(POLICY_TEXT_MAX + 2);
	ssize_t n = at ? read_some(path, at, POLICY_TEXT_MAX + 1, e) : -ENOMEM;

	if (n < 0) {
		free(at);
		return (int)n;
	}
	at[n] = 0;
	*text = at;
	*len = (size_t)n;
	return 0;
}

/* FILE.sig: 128 hexadecimal digits. */
static int check_signature(const char *path, const char *text, size_t len,
	const char *owner_path, struct err_text *e)
{
	char name[4096 + 8], hex[2 * SIGNKEY_SIGNATURE + 2];
	uint8_t owner[SIGNKEY_PUBLIC], sig[SIGNKEY_SIGNATURE];
	ssize_t n;
	int rc = signkey_read_public(owner, owner_path, e);

	if (rc)
		return rc;
	snprintf(name, sizeof name, "%.4096s.sig", path);
	n = read_some(name, hex, sizeof hex, e);
	if (n < 0)
		return (int)n;
	if (n < 2 * SIGNKEY_SIGNATURE || !hex_read(sig, sizeof sig, hex, 2 * SIGNKEY_SIGNATURE)) {
		err_set(e, "%s is no signature: hedbctl policy sign %s", name, path);
		return -EBADMSG;
	}
	rc = policy_verify(sig, text, len, owner);
	if (rc)
		err_set(e, "%s: the signature is not the owner's of this text", path);
	return rc;
}

int policy_load(struct policy **p, const char *path, const char *owner_path,
	struct err_text *e)
{
	struct err_text why = {""};
	struct policy *fresh;
	char *text;
	size_t len;
	int rc = policy_read(&text, &len, path, e);

	if (rc)
		return rc;
	fresh = calloc(1, sizeof *fresh);
	rc = fresh ? check_signature(path, text, len, owner_path, e) : -ENOMEM;
	if (!rc) {
		rc = policy_parse(fresh, text, len, &why);
		if (rc)
			err_set(e, "%.80s: %.170s", path, why.s);
	}
	free(text);
	if (rc) {
		policy_free(fresh);
		return rc;
	}
	*p = fresh;
	return 0;
}

int policy_follows(
	const struct policy *p, const struct policy_stamp *old, struct err_text *e)
{
	if (!old->version || (p && p->stamp.version > old->version))
		return 0;
	if (!p)
		err_set(e, "no policy any more, after version %llu",
			(unsigned long long)old->version);
	else if (p->stamp.version < old->version)
		err_set(e, "version %llu of the policy is older than version %llu, which is in force",
			(unsigned long long)p->stamp.version, (unsigned long long)old->version);
	else if (sodium_memcmp(p->stamp.digest, old->digest, sizeof p->stamp.digest) == 0)
		return 0;
	else
		err_set(e, "another policy of the same version %llu: give it a higher one",
			(unsigned long long)p->stamp.version);
	return -ESTALE;
}

/* ---- showing ---- */

/* "order, and enc_int4_add": a class where all of it is allowed, else the operations. */
static void print_rule(const struct policy_rule *rule, FILE *to)
{
	int c;

	for (c = CLASS_EQUALITY; c < OP_CLASSES; c++) {
		unsigned all = 0, some = 0;
		uint32_t code;

		if (c == CLASS_ENCRYPT) {
			fprintf(to, "%s", rule->encrypt ? " encrypt" : "");
			continue;
		}
		for (code = 0; code < OPTABLE_CODES; code++)
			if (optable_op(code) && opclass_of(optable_op(code)) == (enum op_class)c) {
				all++;
				some += rule->op[code / 64] >> code % 64 & 1;
			}
		if (some && some == all)
			fprintf(to, " %s", opclass_name((enum op_class)c));
		else if (some)
			fprintf(to, " %s(%u of %u)", opclass_name((enum op_class)c), some, all);
	}
	fprintf(to, "%s\n", rule->transfer ? " transfer" : "");
}

void policy_print(const struct policy *p, FILE *to)
{
	unsigned i, d, k;

	fprintf(to, "policy %s version %llu\n", p->name, (unsigned long long)p->stamp.version);
	for (d = 1; d < p->ndomains; d++) {
		fprintf(to, "domain %s keys", p->domain[d].name);
		for (k = 0; k < p->domain[d].nkeys; k++)
			fprintf(to, " %u", p->key[p->domain[d].first + k]);
		for (k = 0; k < p->domain[d].nnamed; k++)
			fprintf(to, " %s", p->named[p->domain[d].first_named + k].name);
		fprintf(to, "%s\n", p->domain[d].nkeys || p->domain[d].nnamed ? "" : " all");
	}
	for (i = 0; i < p->nroles; i++) {
		const struct policy_role *r = &p->role[i];

		fprintf(to, "role %s%s", r->name, r->has_key ? " by key" : "");
		for (k = 0; k < r->npeers; k++)
			fprintf(to, " peer %s", r->peer[k]);
		if (r->home_name[0])
			fprintf(to, " domain %s", r->home_name);
		fprintf(to, " computed %s mixed %s results %s\n", r->computed ? "allow" : "deny",
			r->mixed ? "allow" : "deny", policy_results_names[r->results]);
		fprintf(to, "role %s in %s:", r->name, r->nspecial ? "all others" : "all domains");
		print_rule(&r->rule, to);
		for (k = 0; k < r->nspecial; k++) {
			const struct policy_special *s = &p->special[r->first + k];

			fprintf(to, "role %s in %s:", r->name, p->domain[s->domain].name);
			print_rule(&s->rule, to);
		}
		for (k = 0; k < RELEASES; k++)
			if (r->rate[k].amount)
				fprintf(to, "role %s rate %s %llu in %llu ms\n", r->name, release_names[k],
					(unsigned long long)r->rate[k].amount,
					(unsigned long long)r->rate[k].per_ms);
	}
}
