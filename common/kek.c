/* SPDX-License-Identifier: BSD-3-Clause */
#include "kek.h"

#include "cursor.h"
#include "entropy.h"
#include "passphrase.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum { PASSPHRASE_PART = 8 + crypto_pwhash_SALTBYTES };

_Static_assert((int)KEK_BYTES == (int)TPM_SECRET_BYTES, "a TPM seals the key itself");

struct kek {
	uint8_t *key; /* KEK_BYTES of sodium_malloc */
	uint8_t part[KEK_PART_MAX];
	size_t part_len;
	enum kek_source source;
	struct kek_spec spec;
	bool there; /* key, part and source belong together */
	bool frozen;
};

static const char *const names[] = {
	[KEK_PLAIN] = "plain", [KEK_PASSPHRASE] = "passphrase", [KEK_TPM] = "tpm"};

const char *kek_source_name(enum kek_source s)
{
	return names[s];
}

/* How a sentence goes on: "... is sealed by a TPM". */
static const char *sealed_how(enum kek_source s)
{
	return s == KEK_PLAIN ? "not sealed"
		: s == KEK_TPM	  ? "sealed by a TPM"
						  : "sealed under a passphrase";
}

int kek_parse(struct kek_spec *s, const char *text)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	int i;

	for (i = KEK_PLAIN; i <= KEK_TPM; i++)
		if (strlen(names[i]) == len && strncmp(text, names[i], len) == 0)
			break;
	if (i > KEK_TPM || (colon && (i == KEK_PLAIN || !colon[1])))
		return -EINVAL;
	s->source = (enum kek_source)i;
	s->from = colon ? colon + 1 : NULL;
	return 0;
}

struct kek *kek_create(const struct kek_spec *spec)
{
	struct kek *k = calloc(1, sizeof *k);

	if (k && sodium_init() >= 0)
		k->key = sodium_malloc(KEK_BYTES);
	if (!k || !k->key) {
		free(k);
		return NULL;
	}
	k->spec = *spec;
	return k;
}

void kek_destroy(struct kek *k)
{
	if (!k)
		return;
	sodium_free(k->key); /* wipes */
	free(k);
}

void kek_forget(struct kek *k)
{
	sodium_memzero(k->key, KEK_BYTES);
	k->there = false;
}

void kek_freeze(struct kek *k)
{
	k->frozen = true;
}

/* ---- passphrases ---- */

static bool costs_fit(uint32_t memory_kib, uint32_t passes)
{
	return memory_kib >= KEK_MEMORY_MIN_KIB && memory_kib <= KEK_MEMORY_MAX_KIB &&
		   passes >= 1 && passes <= KEK_PASSES_MAX;
}

/* The key of a passphrase and the part's costs and salt. */
static int passphrase_key(struct kek *k, const uint8_t *part, size_t len, bool fresh,
	const char *what, struct err_text *why)
{
	struct cursor c = cursor_of(part, len);
	uint32_t memory_kib = cursor_u32(&c), passes = cursor_u32(&c);
	const uint8_t *salt = cursor_bytes(&c, crypto_pwhash_SALTBYTES);
	char pass[PASSPHRASE_MAX];
	size_t pass_len;
	int rc;

	if (!salt || c.left || !costs_fit(memory_kib, passes)) {
		err_set(why, "%s asks for argon2id with %u KiB and %u passes: this version takes %d to "
			"%d KiB and 1 to %d passes", what, (unsigned)memory_kib, (unsigned)passes,
			KEK_MEMORY_MIN_KIB, KEK_MEMORY_MAX_KIB, KEK_PASSES_MAX);
		return -EBADMSG;
	}
	rc = passphrase_read(pass, &pass_len, k->spec.from ? k->spec.from : "prompt", what, fresh,
		why);
	if (rc == 0 && crypto_pwhash(k->key, KEK_BYTES, pass, pass_len, salt, passes,
					   (size_t)memory_kib << 10, crypto_pwhash_ALG_ARGON2ID13) != 0) {
		err_set(why, "no memory for argon2id of %s: it takes %u KiB", what,
			(unsigned)memory_kib);
		rc = -ENOMEM;
	}
	sodium_memzero(pass, sizeof pass);
	return rc;
}

static int draw_passphrase(struct kek *k, const char *what, struct err_text *why)
{
	struct writer w = writer_of(k->part, sizeof k->part);
	uint32_t memory_kib = k->spec.memory_kib ? k->spec.memory_kib : KEK_MEMORY_KIB;
	uint32_t passes = k->spec.passes ? k->spec.passes : KEK_PASSES;

	if (!costs_fit(memory_kib, passes)) {
		err_set(why, "argon2id takes %d to %d KiB and 1 to %d passes", KEK_MEMORY_MIN_KIB,
			KEK_MEMORY_MAX_KIB, KEK_PASSES_MAX);
		return -EINVAL;
	}
	writer_u32(&w, memory_kib);
	writer_u32(&w, passes);
	entropy_fill(writer_room(&w, crypto_pwhash_SALTBYTES), crypto_pwhash_SALTBYTES);
	k->part_len = PASSPHRASE_PART;
	return passphrase_key(k, k->part, k->part_len, true, what, why);
}

/* ---- TPM ---- */

static const char *tcti(const struct kek *k)
{
	return k->spec.from ? k->spec.from : TPM_DEFAULT;
}

/* What it does not give back now it will not give back later. */
static int draw_tpm(struct kek *k, struct err_text *why)
{
	uint8_t *back = sodium_malloc(KEK_BYTES);
	int rc = back ? 0 : -ENOMEM;

	entropy_fill(k->key, KEK_BYTES);
	if (rc == 0)
		rc = tpm_seal(k->part, &k->part_len, k->key, tcti(k), why);
	if (rc == 0)
		rc = tpm_unseal(back, k->part, k->part_len, tcti(k), why);
	if (rc == 0 && sodium_memcmp(back, k->key, KEK_BYTES) != 0) {
		err_set(why, "TPM %s gave another key back than it was given", tcti(k));
		rc = -ENODEV;
	}
	sodium_free(back);
	return rc;
}

/* ---- any ---- */

int kek_draw(struct kek *k, const char *what, struct err_text *why)
{
	int rc = 0;

	kek_forget(k);
	k->source = k->spec.source == KEK_ANY ? KEK_PLAIN : k->spec.source;
	k->part_len = 0;
	if (k->source == KEK_PASSPHRASE)
		rc = draw_passphrase(k, what, why);
	else if (k->source == KEK_TPM)
		rc = draw_tpm(k, why);
	if (rc)
		kek_forget(k);
	k->there = rc == 0;
	return rc;
}

static int derive(struct kek *k, enum kek_source source, const uint8_t *part, size_t len,
	const char *what, struct err_text *why)
{
	if (source == KEK_PASSPHRASE)
		return passphrase_key(k, part, len, false, what, why);
	if (source == KEK_TPM)
		return tpm_unseal(k->key, part, len, tcti(k), why);
	return len == 0 ? 0 : -EBADMSG;
}

int kek_open(struct kek *k, uint8_t source, const uint8_t *part, size_t len,
	const char *what, struct err_text *why)
{
	int rc;

	if (source > KEK_TPM || len > KEK_PART_MAX)
		return -EBADMSG;
	if (k->there && source == k->source && len == k->part_len && memcmp(part, k->part, len) == 0)
		return 0;
	if (k->frozen) {
		err_set(why, "%s was sealed anew since ops_server started: restart it", what);
		return -EPERM;
	}
	if (k->spec.source != KEK_ANY && k->spec.source != source) {
		err_set(why, "%s is %s, but --kek says %s", what, sealed_how((enum kek_source)source),
			names[k->spec.source]);
		return -EKEYREJECTED;
	}
	kek_forget(k);
	rc = derive(k, (enum kek_source)source, part, len, what, why);
	if (rc) {
		kek_forget(k);
		return rc;
	}
	k->source = (enum kek_source)source;
	memcpy(k->part, part, len);
	k->part_len = len;
	k->there = true;
	return 0;
}

const uint8_t *kek_key(const struct kek *k)
{
	return k->key;
}

const uint8_t *kek_part(const struct kek *k, size_t *len)
{
	*len = k->part_len;
	return k->part;
}

enum kek_source kek_source(const struct kek *k)
{
	return k->source;
}

void kek_check(uint8_t out[KEK_CHECK_BYTES], const struct kek *k)
{
	static const char label[] = "hedb key file";

	crypto_generichash(out, KEK_CHECK_BYTES, (const uint8_t *)label, sizeof label - 1, k->key,
		KEK_BYTES);
}
