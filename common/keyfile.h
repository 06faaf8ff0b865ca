/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyfile.h - the file that holds a keyring, sealed under a key-encryption key (kek.h).
 *
 *     0   "hedb keyring v2\n", v3 or v4 where domains have names     16
 *    16   source of that key: 0 plain, 1 passphrase, 2 TPM      1
 *    17   zero                                     3
 *    20   length of the source's part, p           4
 *    24   length of the sealed keyring, n          4
 *    28   zero                                     4
 *    32   nonce, random with each change          24
 *    56   check: keyed hash under that key        16
 *    72   the source's part                        p
 *  72+p   the keyring (keyring.h), sealed          n
 *   end   tag                                     16
 *
 * XChaCha20-Poly1305; all bytes before the sealed ones are authenticated with them.
 * Little-endian. docs/keys.md says why each byte is there. A file of version 1, which
 * was not sealed and ended in a checksum, is read as a plain one; the next change makes
 * it one of version 2.
 *
 * Rules
 *   - The file must not be open to group or others, sealed or not.
 *   - A change is written beside the file as FILE.new, flushed, and put in place in one
 *     step; a crash leaves the old file or the new one, and perhaps FILE.new. FILE.new is
 *     also the lock: two writers exclude each other.
 *   - `kek` NULL: the file is plain. `why` may be NULL; else it gets a sentence saying
 *     what to do, on every failure.
 */
#ifndef COMMON_KEYFILE_H
#define COMMON_KEYFILE_H

#include "err.h"
#include "kek.h"
#include "keyring.h"

enum {
	KEYFILE_HEAD_BYTES = 72,
	KEYFILE_TAG_BYTES = 16,
	KEYFILE_BYTES_MAX =
		KEYFILE_HEAD_BYTES + KEK_PART_MAX + KEYRING_BYTES_MAX + KEYFILE_TAG_BYTES,
};

/*
 * keyfile_create - a new keyring, sealed under a new key of that kek.
 *
 * Never overwrites. Returns 0; -EEXIST when `path` or path.new is there already; what
 * kek_draw() returns; or what the kernel said (-ENOSPC, -EACCES, ...), and then no file
 * is left behind.
 */
MUST_CHECK int keyfile_create(const char *path, struct kek *kek, struct err_text *why);

/*
 * keyfile_load - read, unseal and check the file.
 *
 *   out   out: the keyring, frozen; give it to keyring_destroy(); unchanged on error
 *
 * Returns 0; -ENOENT; -EACCES when the file may be used by group or others; -EMEDIUMTYPE
 * when it does not begin as a keyring does; -EBADMSG when it is damaged or cut short
 * after that; -EKEYREJECTED when it is sealed under another key (a wrong passphrase,
 * another TPM, another source than the kek's); what kek_open() returns; -ENOMEM, or what
 * the kernel said.
 */
MUST_CHECK int keyfile_load(
	struct keyring **out, const char *path, struct kek *kek, struct err_text *why);

/*
 * keyfile_change - change the keyring in the file, in one step.
 *
 *   change   what is done to it; not 0: nothing is written, and that is returned
 *
 * The file keeps its owner and its kek. Returns 0, what keyfile_load() or `change` return,
 * -EEXIST when path.new is there (another change runs or was interrupted), or what the
 * kernel said (-ENOSPC, -EFBIG, ...). On every error the old file is as it was, but for
 * one: when only the flush of the directory fails, the new one is there, and a power
 * failure may undo it.
 */
MUST_CHECK int keyfile_change(const char *path, struct kek *kek,
	int (*change)(void *arg, struct keyring *k, struct err_text *why), void *arg,
	struct err_text *why);

/* keyfile_seal - the same keyring under a new key of `to`; `from` opens it. As above. */
MUST_CHECK int keyfile_seal(
	const char *path, struct kek *from, struct kek *to, struct err_text *why);

/*
 * keyfile_decode - the same for bytes: what keyfile_load() does with a file's.
 *
 *   name   of the file, for messages
 */
MUST_CHECK int keyfile_decode(struct keyring **out, const uint8_t *in, size_t len,
	struct kek *kek, const char *name, struct err_text *why);

#endif
