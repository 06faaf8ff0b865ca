/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy_command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "file.h"
#include "hedbctl.h"
#include "policy.h"
#include "proof.h"

struct words {
	const char *word[2];
	int n;
	const char *key;
};

static bool parse(struct words *w, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--key") == 0 && i + 1 < argc && !w->key)
			w->key = argv[++i];
		else if (strncmp(argv[i], "--", 2) != 0 && w->n < 2)
			w->word[w->n++] = argv[i];
		else
			return false;
	}
	return w->n == 2;
}

static int keygen(const char *path)
{
	struct err_text e = {""};
	int rc = signkey_create(path, &e);

	if (!rc)
		printf("%s signs: keep it away from the machines of the zone; %s.pub is for everybody\n",
			path, path);
	return hedbctl_end(rc, &e);
}

/* The text, and what it says; nothing is signed yet. */
static int read_policy(const char *path, char **text, size_t *len, struct policy **p,
	struct err_text *e)
{
	int rc = policy_read(text, len, path, e);

	if (rc)
		return rc;
	*p = calloc(1, sizeof **p);
	rc = *p ? policy_parse(*p, *text, *len, e) : -ENOMEM;
	if (rc) {
		policy_free(*p);
		free(*text);
	}
	return rc;
}

static int check(const char *path)
{
	struct err_text e = {""};
	struct policy *p;
	char *text;
	size_t len;
	int rc = read_policy(path, &text, &len, &p, &e);

	if (rc)
		return hedbctl_end(rc, &e);
	policy_print(p, stdout);
	policy_free(p);
	free(text);
	return 0;
}

static int write_signature(
	const char *path, const uint8_t sig[SIGNKEY_SIGNATURE], struct err_text *e)
{
	char name[PATH_MAX], hex[2 * SIGNKEY_SIGNATURE + 2];

	if (snprintf(name, sizeof name, "%s.sig", path) >= (int)sizeof name)
		return -ENAMETOOLONG;
	sodium_bin2hex(hex, sizeof hex, sig, SIGNKEY_SIGNATURE);
	hex[2 * SIGNKEY_SIGNATURE] = '\n';
	return file_replace(name, 0644, hex, sizeof hex - 1, e);
}

static int sign(const char *path, const char *key)
{
	uint8_t secret[SIGNKEY_SECRET], sig[SIGNKEY_SIGNATURE];
	struct err_text e = {""};
	struct policy *p;
	char *text;
	size_t len;
	int rc = read_policy(path, &text, &len, &p, &e);

	if (rc)
		return hedbctl_end(rc, &e);
	rc = signkey_read_secret(secret, key, &e);
	if (!rc) {
		policy_sign(sig, text, len, secret);
		rc = write_signature(path, sig, &e);
	}
	if (!rc)
		printf("%s.sig: policy \"%s\" version %llu; give both to ops_server and send it SIGHUP\n",
			path, p->name, (unsigned long long)p->stamp.version);
	sodium_memzero(secret, sizeof secret);
	policy_free(p);
	free(text);
	return hedbctl_end(rc, &e);
}

/* Hexadecimal, for hedb_prove(). Nothing else is signed by that key. */
static int prove(const char *text, const char *key)
{
	uint8_t secret[SIGNKEY_SECRET], sig[SIGNKEY_SIGNATURE];
	char hex[2 * SIGNKEY_SIGNATURE + 1];
	struct err_text e = {""};
	int rc;

	if (!proof_is_text(text)) {
		err_set(&e, "not a text of hedb_challenge()");
		return hedbctl_end(-EINVAL, &e);
	}
	rc = signkey_read_secret(secret, key, &e);
	if (!rc) {
		crypto_sign_detached(sig, NULL, (const uint8_t *)text, strlen(text), secret);
		sodium_bin2hex(hex, sizeof hex, sig, sizeof sig);
		printf("%s\n", hex);
	}
	sodium_memzero(secret, sizeof secret);
	return hedbctl_end(rc, &e);
}

static int show(const char *path, const char *key)
{
	struct err_text e = {""};
	struct policy *p;
	int rc = policy_load(&p, path, key, &e);

	if (!rc) {
		policy_print(p, stdout);
		policy_free(p);
	}
	return hedbctl_end(rc, &e);
}

int policy_command(int argc, char **argv)
{
	struct words w = {.n = 0};

	if (!parse(&w, argc, argv))
		return 2;
	if (strcmp(w.word[0], "keygen") == 0 && !w.key)
		return keygen(w.word[1]);
	if (strcmp(w.word[0], "check") == 0 && !w.key)
		return check(w.word[1]);
	if (strcmp(w.word[0], "sign") == 0 && w.key)
		return sign(w.word[1], w.key);
	if (strcmp(w.word[0], "prove") == 0 && w.key)
		return prove(w.word[1], w.key);
	if (strcmp(w.word[0], "show") == 0 && w.key)
		return show(w.word[1], w.key);
	return 2;
}
