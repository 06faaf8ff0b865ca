/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "entropy.h"
#include "file.h"
#include "hedbctl.h"
#include "keyfile.h"
#include "ops.h"
#include "option.h"

struct words {
	const char *word[3]; /* command, file, id */
	const char *domain;  /* NULL: not given */
	int n;
	uint16_t id;
	struct kek_spec kek, to; /* to: of seal */
	bool yes;
	bool kek_given, to_given, costs_given;
};

static bool parse_id(uint16_t *id, const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*id = (uint16_t)v;
	return *text >= '0' && *text <= '9' && !*end && v >= 1 && v <= UINT16_MAX;
}

static bool parse_kek(struct kek_spec *s, const char *text)
{
	if (kek_parse(s, text) == 0)
		return true;
	fprintf(stderr, "hedbctl: %s: not plain, passphrase[:FROM] or tpm[:TCTI]\n", text);
	return false;
}

static bool parse(struct words *w, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (w->n == 3)
				return false;
			w->word[w->n++] = argv[i];
		} else if (strcmp(argv[i], "--yes") == 0) {
			w->yes = true;
		} else if (strcmp(argv[i], "--domain") == 0 && i + 1 < argc) {
			w->domain = argv[++i];
		} else if (strcmp(argv[i], "--kek") == 0 && i + 1 < argc) {
			w->kek_given = true;
			if (!parse_kek(&w->kek, argv[++i]))
				return false;
		} else if (strcmp(argv[i], "--new-kek") == 0 && i + 1 < argc) {
			w->to_given = true;
			if (!parse_kek(&w->to, argv[++i]))
				return false;
		} else if (strcmp(argv[i], "--argon2-kib") == 0 && i + 1 < argc) {
			w->costs_given = true;
			w->to.memory_kib = (uint32_t)option_number(
				"--argon2-kib", argv[++i], KEK_MEMORY_MIN_KIB, KEK_MEMORY_MAX_KIB);
		} else if (strcmp(argv[i], "--argon2-passes") == 0 && i + 1 < argc) {
			w->costs_given = true;
			w->to.passes =
				(uint32_t)option_number("--argon2-passes", argv[++i], 1, KEK_PASSES_MAX);
		} else {
			return false;
		}
	}
	return w->n >= 2 && (w->n == 2 || parse_id(&w->id, w->word[2]));
}

/* ---- the file ---- */

static void say_plain(const char *path)
{
	printf("%s is not sealed: whoever reads the file has the keys. For anything but "
		   "development: hedbctl key seal %s --new-kek tpm (or passphrase)\n", path, path);
}

/* As hedbctl_end(), where `s` was to seal a file: a machine without a TPM has another way. */
static int kek_end(const struct kek_spec *s, int rc, const struct err_text *e)
{
	if (rc != -ENODEV || s->source != KEK_TPM)
		return hedbctl_end(rc, e);
	fprintf(stderr, "hedbctl: %s; without a TPM say --kek passphrase\n", e->s);
	return 1;
}

static int create(const struct words *w)
{
	struct kek_spec spec = w->kek;
	struct err_text e = {""};
	struct kek *kek;
	int rc = -ENOMEM;

	spec.memory_kib = w->to.memory_kib;
	spec.passes = w->to.passes;
	kek = kek_create(&spec);
	if (kek)
		rc = keyfile_create(w->word[1], kek, &e);
	if (rc == 0) {
		printf("%s: key 1 is active. Keep a copy of the file where the data is not%s: without "
			   "it all values are lost\n", w->word[1],
			kek_source(kek) == KEK_TPM ? ", and one that is sealed under a passphrase, since "
										 "this one needs this machine" : "");
		if (kek_source(kek) == KEK_PLAIN)
			say_plain(w->word[1]);
	}
	kek_destroy(kek);
	return kek_end(&spec, rc, &e);
}

static int seal(const struct words *w)
{
	struct err_text e = {""};
	struct kek *from = kek_create(&w->kek), *to = kek_create(&w->to);
	int rc = -ENOMEM;

	if (from && to)
		rc = keyfile_seal(w->word[1], from, to, &e);
	if (rc == 0 && w->to.source == KEK_PLAIN)
		say_plain(w->word[1]);
	else if (rc == 0)
		printf("%s: sealed by %s. Copies from before open as before: remove those that must not. "
			   "Restart ops_server\n", w->word[1], kek_source_name(w->to.source));
	kek_destroy(from);
	kek_destroy(to);
	return hedbctl_end(rc, &e);
}

/* ---- its keys ---- */

static void print_time(const char *what, uint64_t s)
{
	time_t t = (time_t)s;
	char when[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf(" %s %s", what, when);
}

static void print_key(void *arg, const struct key_info *key)
{
	static const char *const states[] = {
		[KEY_ACTIVE] = "active", [KEY_READY] = "ready", [KEY_RETIRED] = "retired",
		[KEY_DESTROYED] = "destroyed"};

	printf("key %u", key->id);
	if (key->domain)
		printf(" domain %s", keyring_domain_name(arg, key->domain));
	print_time("created", key->created_s);
	if (key->state == KEY_ACTIVE || key->state == KEY_READY)
		printf(" %s\n", states[key->state]);
	else {
		print_time(states[key->state], key->changed_s);
		printf("\n");
	}
}

static int list(const struct words *w)
{
	struct err_text e = {""};
	struct kek *kek = kek_create(&w->kek);
	struct keyring *k;
	int rc = kek ? keyfile_load(&k, w->word[1], kek, &e) : -ENOMEM;

	if (rc == 0) {
		keyring_list(k, print_key, k);
		printf("sealed by %s\n", kek_source_name(kek_source(kek)));
		keyring_destroy(k);
	}
	kek_destroy(kek);
	return hedbctl_end(rc, &e);
}

static int add_key(void *arg, struct keyring *k, struct err_text *why)
{
	struct words *w = arg;

	return keyring_add_key(k, w->domain, &w->id, why);
}

static int rotate(void *arg, struct keyring *k, struct err_text *why)
{
	struct words *w = arg;

	return keyring_rotate(k, w->domain, &w->id, why);
}

static int retire(void *arg, struct keyring *k, struct err_text *why)
{
	return keyring_retire(k, ((struct words *)arg)->id, why);
}

static int destroy_key(void *arg, struct keyring *k, struct err_text *why)
{
	return keyring_destroy_key(k, ((struct words *)arg)->id, why);
}

static int destroy_domain(void *arg, struct keyring *k, struct err_text *why)
{
	return keyring_destroy_domain(k, ((struct words *)arg)->domain, why);
}

/* `said`: with the id or the domain, what is so afterwards. */
static int change(struct words *w,
	int (*how)(void *arg, struct keyring *k, struct err_text *why), const char *said)
{
	struct err_text e = {""};
	struct kek *kek = kek_create(&w->kek);
	int rc = kek ? keyfile_change(w->word[1], kek, how, w, &e) : -ENOMEM;

	if (rc == 0 && w->id)
		printf("%s: key %u %s\n", w->word[1], w->id, said);
	else if (rc == 0)
		printf("%s: domain %s %s\n", w->word[1], w->domain, said);
	kek_destroy(kek);
	return hedbctl_end(rc, &e);
}

static int destroy(struct words *w)
{
	static const char lost[] =
		"every value that is still under it: in tables and their indexes (count them in each "
		"database, SELECT * FROM hedb.key_usage()), in Redis, on replicas, in backups and WAL";

	char which[64];

	if (w->id)
		snprintf(which, sizeof which, "key %u", w->id);
	else
		snprintf(which, sizeof which, "all keys of domain %.*s", KEYRING_DOMAIN_NAME, w->domain);
	if (!w->yes) {
		fprintf(stderr, "hedbctl: nothing was done. Destroying %s of %s loses, for ever, %s. "
			"Say --yes if that is meant\n", which, w->word[1], lost);
		return 1;
	}
	return change(w, w->id ? destroy_key : destroy_domain,
		"is destroyed, and with it every value that was still under it. Backups of the key file "
		"still have it: destroy them too. SIGHUP ops_server, which forgets it then");
}

static int credential(const struct words *w)
{
	uint8_t secret[OPS_CREDENTIAL];
	char hex[2 * OPS_CREDENTIAL + 2];
	struct err_text e = {""};
	int rc;

	entropy_fill(secret, sizeof secret);
	sodium_bin2hex(hex, sizeof hex, secret, sizeof secret);
	hex[2 * OPS_CREDENTIAL] = '\n';
	rc = file_create(w->word[1], 0600, hex, sizeof hex - 1, &e);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(hex, sizeof hex);
	if (!rc)
		printf("%s: whoever can read it may encrypt and decrypt\n", w->word[1]);
	return hedbctl_end(rc, &e);
}

static bool is(const struct words *w, const char *command)
{
	return strcmp(w->word[0], command) == 0;
}

int key_command(int argc, char **argv)
{
	struct words w = {.kek.source = KEK_ANY, .to.source = KEK_ANY};
	bool plainly, domained;

	if (!parse(&w, argc, argv))
		return 2;
	plainly = !w.to_given && !w.costs_given;
	domained = is(&w, "add") || is(&w, "rotate") || (is(&w, "destroy") && w.n == 2);
	if (w.domain && !domained)
		return 2;
	if (is(&w, "seal") && w.n == 2 && w.to_given && !w.yes)
		return seal(&w);
	if (is(&w, "create") && w.n == 2 && !w.to_given && !w.yes)
		return create(&w);
	if (is(&w, "destroy") && (w.n == 3) != (w.domain != NULL) && plainly)
		return destroy(&w);
	if (!plainly || w.yes)
		return 2;
	if (is(&w, "list") && w.n == 2)
		return list(&w);
	if (is(&w, "add") && w.n == 2)
		return change(&w, add_key, w.domain
			? "is ready. Give the file to all nodes, SIGHUP ops_server there, then hedbctl "
			  "key rotate with the same --domain"
			: "is ready. Give the file to all nodes, SIGHUP ops_server there, then hedbctl "
			  "key rotate");
	if (is(&w, "rotate"))
		return change(&w, rotate,
			"is active, and the one before, if any, is retired. SIGHUP ops_server");
	if (is(&w, "retire") && w.n == 3)
		return change(&w, retire, "is retired. SIGHUP ops_server");
	if (is(&w, "credential") && w.n == 2 && !w.kek_given)
		return credential(&w);
	return 2;
}
