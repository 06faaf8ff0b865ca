/* SPDX-License-Identifier: BSD-3-Clause */
#include "tpm.h"

#include <sodium.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

/* What is open; ESYS_TR_NONE: not. */
struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR primary, session, object;
	const char *name;
	struct err_text *why;
};

static const TPM2B_PUBLIC storage_key = {.publicArea = {
	.type = TPM2_ALG_ECC,
	.nameAlg = TPM2_ALG_SHA256,
	.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
		TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
		TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
	.parameters.eccDetail = {
		.symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
		.scheme.scheme = TPM2_ALG_NULL,
		.curveID = TPM2_ECC_NIST_P256,
		.kdf.scheme = TPM2_ALG_NULL,
	},
	.unique.ecc = {.x.size = 32, .y.size = 32},
}};

static const TPM2B_PUBLIC sealed_object = {.publicArea = {
	.type = TPM2_ALG_KEYEDHASH,
	.nameAlg = TPM2_ALG_SHA256,
	.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
	.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
}};

/* The TPM's answer to `doing` as ours. */
static int answer(struct tpm *t, TSS2_RC rc, const char *doing)
{
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	err_set(t->why, "TPM %s cannot %s: %s", t->name, doing, Tss2_RC_Decode(rc));
	return -ENODEV;
}

static int open_session(struct tpm *t)
{
	static const TPMT_SYM_DEF cipher = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	TSS2_RC rc = Esys_StartAuthSession(t->esys, t->primary, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &cipher, TPM2_ALG_SHA256, &t->session);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(t->esys, t->session,
			TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, 0xff);
	return answer(t, rc, "start a session");
}

static int tpm_open(struct tpm *t, const char *tcti, struct err_text *why)
{
	static const TPM2B_SENSITIVE_CREATE nothing;
	static const TPM2B_DATA no_data;
	static const TPML_PCR_SELECTION no_pcrs;
	TSS2_RC rc;
	int err;

	*t = (struct tpm){.primary = ESYS_TR_NONE, .session = ESYS_TR_NONE,
		.object = ESYS_TR_NONE, .name = tcti, .why = why};
	setenv("TSS2_LOG", "all+none", 0); /* it would write to our standard error */
	rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if ((err = answer(t, rc, "be reached")) != 0)
		return err;
	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &nothing, &storage_key, &no_data, &no_pcrs, &t->primary, NULL, NULL,
		NULL, NULL);
	err = answer(t, rc, "make its storage key");
	return err ? err : open_session(t);
}

static void tpm_close(struct tpm *t)
{
	const ESYS_TR open[] = {t->object, t->session, t->primary};
	size_t i;

	for (i = 0; i < sizeof open / sizeof open[0]; i++)
		if (open[i] != ESYS_TR_NONE)
			Esys_FlushContext(t->esys, open[i]);
	if (t->esys)
		Esys_Finalize(&t->esys);
	if (t->tcti)
		Tss2_TctiLdr_Finalize(&t->tcti);
}

static int seal(struct tpm *t, uint8_t blob[TPM_BLOB_MAX], size_t *len,
	const uint8_t secret[TPM_SECRET_BYTES])
{
	static const TPM2B_DATA no_data;
	static const TPML_PCR_SELECTION no_pcrs;
	TPM2B_SENSITIVE_CREATE in = {.sensitive.data.size = TPM_SECRET_BYTES};
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;
	TSS2_RC rc;

	memcpy(in.sensitive.data.buffer, secret, TPM_SECRET_BYTES);
	rc = Esys_Create(t->esys, t->primary, t->session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
		&sealed_object, &no_data, &no_pcrs, &private, &public, NULL, NULL, NULL);
	sodium_memzero(&in, sizeof in);
	*len = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, blob, TPM_BLOB_MAX, len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(private, blob, TPM_BLOB_MAX, len);
	Esys_Free(private);
	Esys_Free(public);
	return answer(t, rc, "seal");
}

int tpm_seal(uint8_t blob[TPM_BLOB_MAX], size_t *len,
	const uint8_t secret[TPM_SECRET_BYTES], const char *tcti, struct err_text *why)
{
	struct tpm t;
	int rc = tpm_open(&t, tcti, why);

	if (rc == 0)
		rc = seal(&t, blob, len, secret);
	tpm_close(&t);
	return rc;
}

/* Not the storage key that it was sealed below? */
static bool is_foreign(TSS2_RC rc)
{
	return (rc & 0xbf) == TPM2_RC_INTEGRITY; /* without which parameter it was */
}

static int load(struct tpm *t, const uint8_t *blob, size_t len)
{
	TPM2B_PUBLIC public = {0};
	TPM2B_PRIVATE private = {0};
	size_t at = 0;
	TSS2_RC rc;

	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob, len, &at, &public) != TSS2_RC_SUCCESS ||
		Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob, len, &at, &private) != TSS2_RC_SUCCESS ||
		at != len) {
		err_set(t->why, "what a TPM is to unseal is no sealed object");
		return -EBADMSG;
	}
	rc = Esys_Load(t->esys, t->primary, t->session, ESYS_TR_NONE, ESYS_TR_NONE, &private,
		&public, &t->object);
	if (!is_foreign(rc))
		return answer(t, rc, "load the sealed object");
	err_set(t->why, "another TPM sealed it, or this one (%s) was cleared since", t->name);
	return -EKEYREJECTED;
}

static int unseal(struct tpm *t, uint8_t secret[TPM_SECRET_BYTES])
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	int rc = answer(t, Esys_Unseal(t->esys, t->object, t->session, ESYS_TR_NONE,
			ESYS_TR_NONE, &data), "unseal");

	if (rc == 0 && data->size != TPM_SECRET_BYTES) {
		err_set(t->why, "what the TPM unsealed is no key");
		rc = -EBADMSG;
	}
	if (rc == 0)
		memcpy(secret, data->buffer, TPM_SECRET_BYTES);
	if (data)
		sodium_memzero(data, sizeof *data);
	Esys_Free(data);
	return rc;
}

int tpm_unseal(uint8_t secret[TPM_SECRET_BYTES], const uint8_t *blob, size_t len,
	const char *tcti, struct err_text *why)
{
	struct tpm t;
	int rc = tpm_open(&t, tcti, why);

	if (rc == 0)
		rc = load(&t, blob, len);
	if (rc == 0)
		rc = unseal(&t, secret);
	tpm_close(&t);
	if (rc)
		sodium_memzero(secret, TPM_SECRET_BYTES);
	return rc;
}
