/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_audit.c - bytes as a segment of an audit log: any, and a good one that was changed, cut
 * or stretched. Nobody but who has the key makes a longer chain with a signed head.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "audit.h"
#include "cursor.h"

enum { ROOM = 1 << 16, LINES = 6 };

static uint8_t key[SIGNKEY_PUBLIC], secret[SIGNKEY_SECRET];
static char good[ROOM];
static size_t good_len;
static struct audit_chain end;

static void make(void)
{
	const uint8_t seed[32] = {21};
	const struct policy_stamp policy = {3, {7}};
	char text[AUDIT_TEXT];
	int i;

	if (sodium_init() < 0)
		abort();
	crypto_sign_seed_keypair(key, secret, seed);
	audit_begin_text(text, &end, 1, &policy);
	good_len = audit_line(good, &end, 1, text);
	for (i = 0; i < LINES; i++) {
		if (i == 3)
			audit_head_text(text, &end, secret);
		else
			strcpy(text, "policy name=x stamp=4:00000000000000000000000000000000");
		good_len += audit_line(good + good_len, &end, 1, text);
	}
}

/* In memory of its own length, for the sanitizer; with the zero that a file gets. */
static int check(struct audit_check *c, const char *bytes, size_t len)
{
	struct err_text e;
	char *copy = malloc(len + 1);
	int rc;

	memcpy(c->key, key, sizeof key);
	memcpy(copy, bytes, len);
	copy[len] = 0;
	rc = audit_check_bytes(c, copy, len, &e);
	free(copy);
	return rc;
}

static void changed(struct cursor *c)
{
	static char v[ROOM];
	struct audit_check k = {.begun = false};
	size_t len = good_len;
	int rc;

	memcpy(v, good, good_len);
	while (c->left) {
		uint8_t what = cursor_u8(c);
		uint16_t at = cursor_u16(c);

		switch (what & 3) {
		case 0:
			v[at % len] ^= (char)(1 << (what >> 2 & 7));
			break;
		case 1:
			len = 1 + at % good_len;
			break;
		case 2:
			memmove(v + at % len, v + at % len + 1, len - at % len - 1);
			break;
		case 3:
			v[at % len] = "\n 0:="[(what >> 2) % 5];
			break;
		}
	}
	rc = check(&k, v, len);
	/* Up to the last signed line it is what it was. */
	if (rc == 0 && k.signed_to && sodium_memcmp(v, good, 4) == 0 && k.chain.number > end.number)
		abort();
	if (rc == 0 && len == good_len && k.chain.number == end.number &&
		sodium_memcmp(v, good, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct audit_check k = {.begun = false};

	if (!good_len)
		make();
	if (cursor_u8(&c) & 1) {
		changed(&c);
	} else if (check(&k, (const char *)data, size) == 0 && k.signed_to) {
		abort();
	}
	return 0;
}
