/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keyring.h - the data keys, the hash key, and the file that holds them.
 *
 * A keyring has up to 1,024 data keys, each with an id of 16 bits, and one hash key.
 * New values are encrypted under the `current` data key; the others stay so that old
 * values can be read. The hash key is separate and never rotated, because the hashes
 * of all rows ever written must stay comparable; it must be equal on all nodes.
 *
 * The file, little-endian (docs/values.md says why each byte is there):
 *
 *     0   "hedb keyring v1\n"                     16
 *    16   number of data keys, 1 .. 1024           2
 *    18   id of the current one                    2
 *    20   zero                                     4
 *    24   hash key                                16
 *    40   per data key, ids ascending:            48 each
 *           id 2 (never 0), zero 6, created 8 (Unix seconds), key 32
 *   end   BLAKE2b-256 of all bytes before         32
 *
 * The checksum finds damage, not malice: in this version the file's mode (0600) is
 * its only protection, and a file that others may read is refused.
 *
 * Rules
 *   - A loaded keyring is read-only and may be shared by threads; it lies in locked
 *     memory that core dumps leave out. To see a new key, load again.
 *   - A change is written beside the file as FILE.new, flushed, and put in place in
 *     one step; a crash leaves the old file or the new one, and perhaps FILE.new.
 *     FILE.new is also the lock: two writers exclude each other.
 *   - `why` may be NULL; else it gets a sentence saying what to do, on every failure.
 */
#ifndef COMMON_KEYRING_H
#define COMMON_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	KEYRING_KEYS_MAX = 1024,
	KEYRING_KEY_BYTES = 32,
	KEYRING_HASH_KEY_BYTES = 16,
	KEYRING_PRF_BYTES = 16,
};

struct keyring;

/*
 * keyring_create_file - draw a hash key and the first data key (id 1) and write them.
 *
 * Never overwrites. Returns 0; -EEXIST when `path` or path.new is there already; or
 * what the kernel said (-ENOSPC, -EACCES, ...), and then no file is left behind.
 */
MUST_CHECK int keyring_create_file(const char *path, struct err_text *why);

/*
 * keyring_add_key - draw a data key, add it as the current one, replace the file.
 *
 *   id   out: the new key's id; may be NULL
 *
 * The file keeps its owner. Returns 0, what keyring_load() returns, -EEXIST when
 * path.new is there (another change runs or was interrupted), -EMSGSIZE when all
 * 1,024 places or all ids are taken, or what the kernel said (-ENOSPC, -EFBIG, ...). On
 * every error the old file is as it was, but for one: when only the flush of the
 * directory fails, the new key is there, `id` is set, and a power failure may undo it.
 */
MUST_CHECK int keyring_add_key(const char *path, uint16_t *id, struct err_text *why);

/*
 * keyring_load - read and check the file.
 *
 *   out   out: the keyring; give it to keyring_destroy(); unchanged on error
 *
 * Returns 0, -ENOENT, -EACCES when the file may be used by group or others,
 * -EMEDIUMTYPE when it does not begin as a keyring of this version does, -EBADMSG when
 * it is damaged or cut short after that, -ENOMEM, or what the kernel said.
 */
MUST_CHECK int keyring_load(
	struct keyring **out, const char *path, struct err_text *why);

/* keyring_destroy - wipe and free; NULL is fine. */
void keyring_destroy(struct keyring *k);

/* keyring_current - the id of the key that new values are encrypted under. */
uint16_t keyring_current(const struct keyring *k);

/* keyring_data_key - the key's 32 bytes, owned by the keyring; NULL for an unknown id.
 */
const uint8_t *keyring_data_key(const struct keyring *k, uint16_t id);

/* keyring_list - call each(arg, ...) once per data key, ids ascending. */
void keyring_list(const struct keyring *k,
	void (*each)(void *arg, uint16_t id, uint64_t created_s, bool current), void *arg);

/*
 * keyring_prf - keyed hash of `in` under the hash key, for SQL hash functions.
 *
 * SipHash-2-4, 128 bits. The caller makes families (integers, text, ...) distinct by
 * their first byte. Equal input gives equal output on every node with this hash key.
 */
void keyring_prf(uint8_t out[KEYRING_PRF_BYTES], const struct keyring *k, const void *in,
	size_t n);

#endif
