/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tpm.h - a secret that only one TPM 2.0 can give back.
 *
 * It becomes a sealed object below the owner hierarchy's storage key (ECC P-256, the
 * TCG's template), which is made anew from the TPM's seed each time: nothing is stored
 * in the TPM, the object's two parts are stored by the caller. Another TPM, or this one
 * after it was cleared, refuses them. What crosses the bus is encrypted (a session
 * salted with the storage key).
 *
 * Not bound to PCRs: whoever is root on the machine, in whatever it booted, gets the
 * secret. What is stopped is a disk, or a backup, on another machine.
 *
 * The TPM is named as tpm2-tss names it (TCTI): "device:/dev/tpmrm0", or
 * "swtpm:host=127.0.0.1,port=2321".
 */
#ifndef COMMON_TPM_H
#define COMMON_TPM_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define TPM_DEFAULT "device:/dev/tpmrm0"

enum { TPM_SECRET_BYTES = 32, TPM_BLOB_MAX = 1024 };

/*
 * tpm_seal - the object, TPM_BLOB_MAX bytes at most, of a secret.
 *
 * Returns 0; -ENODEV when there is no such TPM, or it refuses; -EOPNOTSUPP when this
 * build has no tpm2-tss; -ENOMEM.
 */
MUST_CHECK int tpm_seal(uint8_t blob[TPM_BLOB_MAX], size_t *len,
	const uint8_t secret[TPM_SECRET_BYTES], const char *tcti, struct err_text *why);

/* tpm_unseal - the secret of an object. As above; -EKEYREJECTED when another TPM made the
 * object or it is damaged; -EBADMSG when it is no such object. `secret` is then zeroes. */
MUST_CHECK int tpm_unseal(uint8_t secret[TPM_SECRET_BYTES], const uint8_t *blob, size_t len,
	const char *tcti, struct err_text *why);

#endif
