/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tpm_none.c - tpm.h in a build without tpm2-tss: the Makefile takes this file or tpm.c.
 */
#include "tpm.h"

#include <sodium.h>

static int none(struct err_text *why)
{
	err_set(why, "this build has no TPM: it was made without libtss2-dev");
	return -EOPNOTSUPP;
}

int tpm_seal(uint8_t blob[TPM_BLOB_MAX], size_t *len,
	const uint8_t secret[TPM_SECRET_BYTES], const char *tcti, struct err_text *why)
{
	return none(why);
}

int tpm_unseal(uint8_t secret[TPM_SECRET_BYTES], const uint8_t *blob, size_t len,
	const char *tcti, struct err_text *why)
{
	sodium_memzero(secret, TPM_SECRET_BYTES);
	return none(why);
}
