/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_keyring.c - scope: common/keyring.h: states of keys and what leads from one to
 * another, the bytes and what is no keyring, the keyed hash, that memory with keys is in
 * no core dump and is wiped. The file is in test_keyfile.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "keyring.h"
#include "../rig.h"

#include <sodium.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint8_t bytes[KEYRING_BYTES_MAX];

static void test_states(void **state)
{
	struct keyring *k = keyring_create();
	struct err_text why = {""};
	uint16_t id = 0, two, three;
	uint8_t key1[32];

	assert_non_null(k);
	assert_int_equal(keyring_active(k), 1);
	assert_int_equal(keyring_info(k, 1).state, KEY_ACTIVE);
	assert_int_equal(keyring_info(k, 2).state, KEY_NONE);
	assert_int_equal(keyring_info(k, 0).state, KEY_NONE);
	memcpy(key1, keyring_data_key(k, 1), 32);
	assert_false(sodium_is_zero(key1, 32));
	/* the active one stays */
	assert_int_equal(keyring_retire(k, 1, &why), -EINVAL);
	assert_non_null(strstr(why.s, "key 1 is active"));
	assert_int_equal(keyring_destroy_key(k, 1, &why), -EINVAL);
	assert_non_null(strstr(why.s, "rotate first"));
	assert_int_equal(keyring_destroy_key(k, 9, &why), -EINVAL);
	assert_non_null(strstr(why.s, "not in the keyring"));
	/* added ones decrypt, until one is rotated to: the newest, or the named one */
	assert_int_equal(keyring_add_key(k, NULL, &two, &why), 0);
	assert_int_equal(keyring_add_key(k, NULL, &three, &why), 0);
	assert_true(two == 2 && three == 3);
	assert_int_equal(keyring_active(k), 1);
	assert_int_equal(keyring_info(k, 2).state, KEY_READY);
	assert_non_null(keyring_data_key(k, 2));
	assert_int_equal(keyring_rotate(k, NULL, &two, &why), 0);
	assert_int_equal(keyring_active(k), 2);
	assert_int_equal(keyring_info(k, 1).state, KEY_RETIRED);
	assert_memory_equal(keyring_data_key(k, 1), key1, 32);
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), 0);
	assert_int_equal(id, 3);
	id = 0;
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), 0);
	assert_int_equal(id, 4); /* drawn, as none was ready */
	/* no way back */
	id = 1;
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), -EINVAL);
	assert_non_null(strstr(why.s, "key 1 is retired"));
	assert_int_equal(keyring_destroy_key(k, 1, &why), 0);
	assert_int_equal(keyring_info(k, 1).state, KEY_DESTROYED);
	assert_null(keyring_data_key(k, 1));
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), -EINVAL);
	assert_int_equal(keyring_retire(k, 1, &why), -EINVAL);
	assert_int_equal(keyring_destroy_key(k, 1, &why), -EINVAL);
	assert_non_null(strstr(why.s, "key 1 is destroyed"));
	/* a ready one that nobody wants */
	assert_int_equal(keyring_add_key(k, NULL, &id, &why), 0);
	assert_int_equal(keyring_retire(k, id, &why), 0);
	assert_int_equal(keyring_info(k, id).state, KEY_RETIRED);
	assert_int_equal(keyring_active(k), 4);
	keyring_destroy(k);
	keyring_destroy(NULL);
}

struct seen {
	uint16_t id[8];
	enum key_state state[8];
	size_t n;
};

static void see(void *arg, const struct key_info *key)
{
	struct seen *s = arg;

	assert_in_range(key->created_s, time(NULL) - 100, time(NULL));
	assert_in_range(key->changed_s, key->created_s, time(NULL));
	s->id[s->n] = key->id;
	s->state[s->n++] = key->state;
}

/* One key of each state, to bytes and back. */
static size_t one_of_each(void)
{
	struct keyring *k = keyring_create();
	uint16_t id = 0;
	size_t n;

	assert_int_equal(keyring_rotate(k, NULL, &id, NULL), 0);
	id = 0;
	assert_int_equal(keyring_rotate(k, NULL, &id, NULL), 0);
	assert_int_equal(keyring_add_key(k, NULL, &id, NULL), 0);
	assert_int_equal(keyring_destroy_key(k, 1, NULL), 0);
	n = keyring_encode(k, bytes);
	keyring_destroy(k);
	return n;
}

static void test_bytes(void **state)
{
	static const enum key_state states[] = {KEY_DESTROYED, KEY_RETIRED, KEY_ACTIVE, KEY_READY};
	size_t n = one_of_each(), i;
	struct seen seen = {.n = 0};
	uint8_t again[512];
	struct keyring *k;

	assert_int_equal(n, KEYRING_HEAD_BYTES + 4 * KEYRING_ENTRY_BYTES);
	assert_int_equal(keyring_decode(&k, 2, bytes, n), 0);
	keyring_freeze(k);
	keyring_list(k, see, &seen);
	assert_int_equal(seen.n, 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(seen.id[i], i + 1);
		assert_int_equal(seen.state[i], states[i]);
	}
	assert_int_equal(keyring_active(k), 3);
	assert_true(keyring_encode(k, bytes + 1024) == n);
	memcpy(again, bytes + 1024, n);
	assert_memory_equal(again, bytes, n);
	/* nothing of a destroyed key is left */
	assert_true(sodium_is_zero(bytes + KEYRING_HEAD_BYTES + 24, 32));
	keyring_destroy(k);
}

/* Byte `at` becomes `to`: is that a keyring of that version of the file? */
static int decode_with(uint32_t version, size_t n, size_t at, uint8_t to)
{
	uint8_t changed[512];
	struct keyring *k;
	int rc;

	memcpy(changed, bytes, n);
	changed[at] = to;
	rc = keyring_decode(&k, version, changed, n);
	if (rc == 0)
		keyring_destroy(k);
	return rc;
}

static void test_nonsense(void **state)
{
	enum { FIRST = KEYRING_HEAD_BYTES, NEXT = KEYRING_ENTRY_BYTES };
	size_t n = one_of_each(), i;
	struct keyring *k;

	for (i = 0; i < n; i++)
		assert_int_equal(keyring_decode(&k, 2, bytes, i), -EBADMSG);
	assert_int_equal(keyring_decode(&k, 2, bytes, n + 1), -EBADMSG);
	assert_int_equal(decode_with(2, n, 0, 4), 0); /* as it was */
	for (i = 0; i < 256; i++)
		if (i != 4)
			assert_int_equal(decode_with(2, n, 0, (uint8_t)i), -EBADMSG); /* how many */
	for (i = 1; i < 8; i++)
		assert_int_equal(decode_with(2, n, i, 1), -EBADMSG);
	assert_int_equal(decode_with(2, n, FIRST, 0), -EBADMSG);        /* id 0 */
	assert_int_equal(decode_with(2, n, FIRST, 2), -EBADMSG);        /* an id twice */
	assert_int_equal(decode_with(2, n, FIRST, 7), -EBADMSG);        /* descending */
	for (i = 0; i < 256; i++) {                                  /* states */
		assert_int_equal(decode_with(2, n, FIRST + 2, (uint8_t)i), i == 4 ? 0 : -EBADMSG);
		assert_int_equal(decode_with(2, n, FIRST + NEXT + 2, (uint8_t)i),
			i == KEY_READY || i == KEY_RETIRED ? 0 : -EBADMSG); /* two active, or lost */
		assert_int_equal(decode_with(2, n, FIRST + 2 * NEXT + 2, (uint8_t)i),
			i == KEY_ACTIVE ? 0 : -EBADMSG); /* none active */
	}
	for (i = 3; i < 8; i++) /* a domain that is not there; zeroes */
		assert_int_equal(decode_with(2, n, FIRST + i, 1), -EBADMSG);
	assert_int_equal(decode_with(2, n, FIRST + 24, 1), -EBADMSG);   /* a destroyed key with bytes */
}

/* ---- domains ---- */

static void test_domains(void **state)
{
	struct keyring *k = keyring_create();
	struct err_text why = {""};
	uint16_t id = 0, pay;

	assert_int_equal(keyring_domains(k), 1);
	assert_string_equal(keyring_domain_name(k, 0), "default");
	assert_int_equal(keyring_domain(k, "default"), 0);
	assert_int_equal(keyring_domain(k, "pay"), 1); /* none */
	assert_int_equal(keyring_version(k), 2);
	/* rotate makes none, so that a slip of the pen is no new tenant */
	assert_int_equal(keyring_rotate(k, "pay", &id, &why), -EINVAL);
	assert_non_null(strstr(why.s, "no domain \"pay\""));
	assert_int_equal(keyring_destroy_domain(k, "pay", &why), -EINVAL);
	assert_int_equal(keyring_add_key(k, "pay", &pay, &why), 0);
	assert_int_equal(pay, 2);
	assert_int_equal(keyring_version(k), 3);
	assert_true(keyring_domains(k) == 2 && keyring_domain(k, "pay") == 1);
	assert_int_equal(keyring_active_in(k, 1), 0);
	assert_true(keyring_domain_of(k, 1) == 0 && keyring_domain_of(k, 2) == 1 &&
		keyring_domain_of(k, 9) == 0);
	/* another domain's ready key is not the default one's to rotate to */
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), 0);
	assert_int_equal(id, 3);
	id = 2;
	assert_int_equal(keyring_rotate(k, "default", &id, &why), -EINVAL);
	assert_non_null(strstr(why.s, "key 2 is of domain pay"));
	assert_int_equal(keyring_rotate(k, NULL, &id, &why), 0); /* by its id it says which */
	assert_true(keyring_active_in(k, 1) == 2 && keyring_active(k) == 3);
	id = 0;
	assert_int_equal(keyring_rotate(k, "pay", &id, &why), 0);
	assert_int_equal(id, 4);
	assert_true(keyring_active_in(k, 1) == 4 && keyring_active(k) == 3);
	assert_int_equal(keyring_info(k, 2).state, KEY_RETIRED);
	assert_int_equal(keyring_destroy_key(k, 4, &why), -EINVAL); /* active */
	/* a tenant that goes: all of its keys and nothing else */
	assert_int_equal(keyring_destroy_domain(k, "default", &why), -EINVAL);
	assert_int_equal(keyring_destroy_domain(k, "pay", &why), 0);
	assert_true(!keyring_data_key(k, 2) && !keyring_data_key(k, 4));
	assert_true(keyring_data_key(k, 1) && keyring_data_key(k, 3));
	assert_true(keyring_active_in(k, 1) == 0 && keyring_active_in(k, 2) == 0);
	assert_int_equal(keyring_domain(k, "pay"), 1);
	assert_int_equal(keyring_rotate(k, "pay", &pay, &why), -EINVAL); /* 2 is destroyed */
	pay = 0;
	assert_int_equal(keyring_rotate(k, "pay", &pay, &why), 0); /* and comes again, with another key */
	assert_int_equal(pay, 5);
	keyring_destroy(k);
}

static void test_domain_names(void **state)
{
	static const char *const bad[] = {"", "4", "4all", "_x", "-x", ".x", "default", "a b", "a\n", "\xc3\xa4",
		"abcdefghijklmnopqrstu"};
	struct keyring *k = keyring_create();
	struct err_text why;
	uint16_t id = 77;
	char name[8];
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(keyring_name_valid(bad[i]));
		if (strcmp(bad[i], "default") != 0)
			assert_int_equal(keyring_add_key(k, bad[i], &id, &why), -EINVAL);
	}
	assert_int_equal(id, 77);
	assert_int_equal(keyring_domains(k), 1);
	assert_true(keyring_name_valid("abcdefghijklmnopqrst") && keyring_name_valid("Z_1-2.3"));
	for (i = 1; i < KEYRING_DOMAINS; i++) {
		snprintf(name, sizeof name, "d%zu", i);
		assert_int_equal(keyring_add_key(k, name, &id, &why), 0);
	}
	assert_int_equal(keyring_add_key(k, "more", &id, &why), -EMSGSIZE);
	assert_non_null(strstr(why.s, "1025 domains"));
	for (i = KEYRING_DOMAINS; i < KEYRING_KEYS_MAX; i++)
		assert_int_equal(keyring_add_key(k, NULL, &id, &why), 0);
	assert_int_equal(keyring_encode(k, bytes), KEYRING_BYTES_MAX);
	keyring_destroy(k);
}

static void test_domain_bytes(void **state)
{
	enum { FIRST = KEYRING_HEAD_BYTES, NEXT = KEYRING_ENTRY_BYTES, NAMES = FIRST + 4 * NEXT };
	struct keyring *k = keyring_create();
	uint16_t id;
	size_t n, i;

	assert_int_equal(keyring_add_key(k, "ab", &id, NULL), 0);
	assert_int_equal(keyring_add_key(k, "cd", &id, NULL), 0);
	id = 0;
	assert_int_equal(keyring_rotate(k, "cd", &id, NULL), 0);
	assert_int_equal(keyring_add_key(k, "cd", &id, NULL), 0);
	n = keyring_encode(k, bytes);
	keyring_destroy(k);
	assert_int_equal(n, NAMES + 2 * KEYRING_NAME_BYTES);
	assert_int_equal(keyring_decode(&k, 3, bytes, n), 0);
	assert_true(keyring_domain(k, "ab") == 1 && keyring_domain(k, "cd") == 2);
	assert_true(keyring_active(k) == 1 && keyring_active_in(k, 1) == 0 && keyring_active_in(k, 2) == 3);
	assert_true(keyring_encode(k, bytes + 1024) == n);
	assert_memory_equal(bytes, bytes + 1024, n);
	keyring_destroy(k);
	for (i = 0; i < n; i++)
		assert_int_equal(keyring_decode(&k, 3, bytes, i), -EBADMSG);
	assert_int_equal(keyring_decode(&k, 3, bytes, n + 1), -EBADMSG);
	assert_int_equal(keyring_decode(&k, 2, bytes, n), -EBADMSG);
	for (i = 0; i < 256; i++) {
		assert_int_equal(decode_with(3, n, 2, (uint8_t)i), i == 2 ? 0 : -EBADMSG);
		/* key 2's domain; key 3 is active: another one's, but not the default's */
		assert_int_equal(decode_with(3, n, FIRST + NEXT + 3, (uint8_t)i), i <= 2 ? 0 : -EBADMSG);
		assert_int_equal(decode_with(3, n, FIRST + 2 * NEXT + 3, (uint8_t)i),
			i == 1 || i == 2 ? 0 : -EBADMSG);
	}
	assert_int_equal(decode_with(3, n, FIRST + 3 * NEXT + 2, KEY_ACTIVE), -EBADMSG); /* a second one */
	assert_int_equal(decode_with(3, n, FIRST + 2 * NEXT + 2, KEY_RETIRED), 0); /* a domain of none */
	assert_int_equal(decode_with(3, n, NAMES, 'c'), 0);   /* "cb" */
	assert_int_equal(decode_with(3, n, NAMES, '1'), -EBADMSG);
	assert_int_equal(decode_with(3, n, NAMES, 0), -EBADMSG);
	assert_int_equal(decode_with(3, n, NAMES + 3, 'x'), -EBADMSG);
	assert_int_equal(decode_with(3, n, NAMES + KEYRING_NAME_BYTES - 1, 'x'), -EBADMSG);
	memcpy(bytes + NAMES, "cd", 2);
	assert_int_equal(keyring_decode(&k, 3, bytes, n), -EBADMSG); /* a name twice */
	memcpy(bytes + NAMES, "default", 7);
	assert_int_equal(keyring_decode(&k, 3, bytes, n), -EBADMSG);
}

static void test_full(void **state)
{
	enum { N = KEYRING_KEYS_MAX };
	struct keyring *k = keyring_create();
	struct err_text why;
	uint16_t id = 99;
	size_t i, n;

	for (i = 1; i < N; i++)
		assert_int_equal(keyring_add_key(k, NULL, &id, &why), 0);
	assert_int_equal(id, N);
	id = 99;
	assert_int_equal(keyring_add_key(k, NULL, &id, &why), -EMSGSIZE);
	assert_int_equal(id, 99);
	assert_non_null(strstr(why.s, "full"));
	n = keyring_encode(k, bytes);
	assert_int_equal(n, KEYRING_HEAD_BYTES + N * KEYRING_ENTRY_BYTES);
	keyring_destroy(k);
	/* ids need not follow one another, but they end */
	for (i = 0; i < N; i++)
		memcpy(bytes + KEYRING_HEAD_BYTES + i * KEYRING_ENTRY_BYTES,
			&(uint16_t){(uint16_t)(15 * (i + 1))}, 2);
	assert_int_equal(keyring_decode(&k, 4, bytes, n), 0);
	for (i = 0; i < N; i++)
		assert_memory_equal(keyring_data_key(k, (uint16_t)(15 * (i + 1))),
			bytes + KEYRING_HEAD_BYTES + i * KEYRING_ENTRY_BYTES + 24, 32);
	assert_null(keyring_data_key(k, 16));
	assert_null(keyring_data_key(k, UINT16_MAX));
	keyring_destroy(k);
	n = one_of_each();
	memset(bytes + KEYRING_HEAD_BYTES + 3 * KEYRING_ENTRY_BYTES, 0xff, 2);
	assert_int_equal(keyring_decode(&k, 2, bytes, n), 0);
	assert_int_equal(keyring_add_key(k, NULL, &id, &why), -EMSGSIZE);
	keyring_destroy(k);
}

static void test_prf(void **state)
{
	/* SipHash-2-4-128 of 00 01 .. 0e under 00 01 .. 0f: vectors.h of its authors' code */
	static const uint8_t expected[KEYRING_PRF_BYTES] = {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0,
		0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9};
	uint8_t out[KEYRING_PRF_BYTES], in[15];
	size_t n = one_of_each(), i;
	struct keyring *k;

	for (i = 0; i < 16; i++)
		bytes[8 + i] = (uint8_t)i;
	for (i = 0; i < 15; i++)
		in[i] = (uint8_t)i;
	assert_int_equal(keyring_decode(&k, 2, bytes, n), 0);
	keyring_prf(out, k, in, 15);
	assert_memory_equal(out, expected, sizeof out);
	keyring_prf(out, k, in, 14);
	assert_memory_not_equal(out, expected, sizeof out);
	keyring_destroy(k);
}

/* Locked, and left out of core dumps. (ops_server has no core at all: e2e/keys.sh.) */
static void test_memory(void **state)
{
	struct keyring *k = keyring_create();
	const uint8_t *key = keyring_data_key(k, 1);

	assert_true(rig_mapping_is(key, " dd"));
	assert_false(rig_mapping_is(bytes, " dd"));
	if (mlock(bytes, sizeof bytes) == 0) { /* as many as the limit allows */
		munlock(bytes, sizeof bytes);
		assert_true(rig_mapping_is(key, " lo"));
	}
	keyring_destroy(k);
}

/* Destroying a key wipes it where it is, at once. */
static void test_wiped(void **state)
{
	struct keyring *k = keyring_create();
	const uint8_t *key = keyring_data_key(k, 1);
	uint16_t id = 0;

	assert_int_equal(keyring_rotate(k, NULL, &id, NULL), 0);
	assert_false(sodium_is_zero(key, 32));
	assert_int_equal(keyring_destroy_key(k, 1, NULL), 0);
	assert_true(sodium_is_zero(key, 32));
	keyring_destroy(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_domain_names),
		cmocka_unit_test(test_domain_bytes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_prf),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_wiped),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
