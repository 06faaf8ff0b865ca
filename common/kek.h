/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kek.h - the key-encryption key: what a key file is sealed under, and where it comes
 * from.
 *
 * A file names its source, and has a part that belongs to it:
 *
 *     plain        no part. The key is 32 zero bytes: damage shows, nothing is hidden
 *     passphrase   memory in KiB 4, passes 4, salt 16: argon2id makes the key of these
 *                  and the passphrase (passphrase.h)
 *     tpm          a sealed object (tpm.h): the key was drawn, the TPM gives it back
 *
 * Argon2id's costs are the file's, so that a file of another time can be opened; they
 * are bounded, so that a hostile one takes no more than KEK_MEMORY_MAX_KIB and some 20
 * seconds.
 *
 * A kek remembers the last key and the part that it is the key of. So a file that was
 * changed, but not sealed anew, can be read again when the prompt, the descriptor or the
 * TPM is out of reach. One thread at a time.
 */
#ifndef COMMON_KEK_H
#define COMMON_KEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "tpm.h"

enum {
	KEK_BYTES = 32,
	KEK_CHECK_BYTES = 16,
	KEK_PART_MAX = TPM_BLOB_MAX,
	KEK_MEMORY_MIN_KIB = 8,
	KEK_MEMORY_KIB = 64 << 10, /* for new ones, unless told: some 0.3 s of a core */
	KEK_MEMORY_MAX_KIB = 1 << 20,
	KEK_PASSES = 4,
	KEK_PASSES_MAX = 16,
};

enum kek_source { KEK_PLAIN, KEK_PASSPHRASE, KEK_TPM, KEK_ANY };

/* What the operator says. Whoever made it keeps the text. */
struct kek_spec {
	enum kek_source source; /* KEK_ANY: whatever the file says */
	const char *from;       /* as passphrase.h or tpm.h name it; NULL: prompt, TPM_DEFAULT */
	uint32_t memory_kib, passes; /* of argon2id for a new one; 0: as usual */
};

/* kek_parse - "plain", "passphrase", "passphrase:FROM", "tpm", "tpm:TCTI". 0 or -EINVAL. */
MUST_CHECK int kek_parse(struct kek_spec *s, const char *text);

struct kek;

/* kek_create - nothing is asked yet. NULL: no memory. */
struct kek *kek_create(const struct kek_spec *spec);

/* kek_destroy - wipe and free; NULL is fine. */
void kek_destroy(struct kek *k);

/*
 * kek_draw - a new key, from the source that the spec names; KEK_ANY is plain.
 *
 *   what   whose key, for messages
 *
 * Returns 0, what passphrase_read() or tpm_seal() return, -EINVAL for costs out of
 * bounds, -ENOMEM. The TPM has given the key back once when this returns.
 */
MUST_CHECK int kek_draw(struct kek *k, const char *what, struct err_text *why);

/*
 * kek_open - the key that a file's source and part name.
 *
 * Returns 0, which does not say that it is the right key: see kek_check(); what
 * passphrase_read() or tpm_unseal() return; -EBADMSG for a part that no such source
 * has; -EKEYREJECTED when the spec names another source; -EPERM when it is not the key
 * from before kek_freeze().
 */
MUST_CHECK int kek_open(struct kek *k, uint8_t source, const uint8_t *part, size_t len,
	const char *what, struct err_text *why);

/* kek_forget - it was the wrong one. */
void kek_forget(struct kek *k);

/* kek_freeze - from now on only the key that is there: the process can ask nobody. */
void kek_freeze(struct kek *k);

/* ---- of the last key that was drawn or opened ---- */

const uint8_t *kek_key(const struct kek *k); /* KEK_BYTES */
const uint8_t *kek_part(const struct kek *k, size_t *len);
enum kek_source kek_source(const struct kek *k);

/* What a file keeps to tell a wrong key from a damaged file: a keyed hash of nothing. */
void kek_check(uint8_t out[KEK_CHECK_BYTES], const struct kek *k);

/* "plain", "passphrase", "tpm". */
const char *kek_source_name(enum kek_source s);

#endif
