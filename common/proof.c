/* SPDX-License-Identifier: BSD-3-Clause */
#include "proof.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

static const char begin[] = "hedb session proof v1 ";

size_t proof_text(char text[PROOF_TEXT], const char *role, const uint8_t challenge[OPS_CHALLENGE])
{
	size_t n = strlen(role), at = sizeof begin - 1;

	_Static_assert(sizeof begin - 1 + POLICY_NAME + 1 + 2 * OPS_CHALLENGE < PROOF_TEXT, "fits");
	if (n == 0 || n > POLICY_NAME)
		return 0;
	memcpy(text, begin, at);
	memcpy(text + at, role, n);
	text[at + n] = ' ';
	sodium_bin2hex(text + at + n + 1, 2 * OPS_CHALLENGE + 1, challenge, OPS_CHALLENGE);
	return at + n + 1 + 2 * OPS_CHALLENGE;
}

bool proof_is_text(const char *text)
{
	size_t n = strlen(text);

	return strncmp(text, begin, sizeof begin - 1) == 0 && n > sizeof begin + 2 * OPS_CHALLENGE &&
		n < PROOF_TEXT && strspn(text + n - 2 * OPS_CHALLENGE, "0123456789abcdef") == 2 * OPS_CHALLENGE &&
		text[n - 2 * OPS_CHALLENGE - 1] == ' ';
}

bool proof_good(const uint8_t sig[SIGNKEY_SIGNATURE], const char *role,
	const uint8_t challenge[OPS_CHALLENGE], const uint8_t key[SIGNKEY_PUBLIC])
{
	char text[PROOF_TEXT];
	size_t n = proof_text(text, role, challenge);

	return n && crypto_sign_verify_detached(sig, (const uint8_t *)text, n, key) == 0;
}
