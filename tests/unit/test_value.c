/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_value.c - scope: common/value.h on every usable backend: round trips, every
 * flipped bit, every error of the header, nonces over a run, exhaustion, fork, cache
 * eviction, rotation, and that single, column and cross-backend forms agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../keyrig.h"
#include "value.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TYPE = 5, SMALL = VALUE_COPY_MAX, BIG = 3000, INT4 = 4 + VALUE_OVERHEAD };

static char dir[] = "/tmp/test_value.XXXXXX", path[64];
static struct keyring *ring;

struct fixture {
	struct value_sealer s;
	struct value_opener o;
};

static struct fixture *begin(void **state)
{
	const struct gcm_backend *g = gcm_select(*state);
	struct fixture *f;

	if (!g) {
		print_message("%s: not in this build or not for this CPU\n", (char *)*state);
		skip();
	}
	f = aligned_alloc(64, sizeof *f);
	assert_non_null(f);
	assert_int_equal(value_sealer_init(&f->s, g, ring), 0);
	value_opener_init(&f->o, g, ring);
	return f;
}

static void end(struct fixture *f)
{
	value_sealer_fini(&f->s);
	value_opener_fini(&f->o);
	assert_true(sodium_is_zero((void *)f, sizeof *f));
	free(f);
}

static int open_it(struct fixture *f, const uint8_t *v, size_t len, uint8_t *out)
{
	size_t n = 12345;
	int rc = value_open(&f->o, TYPE, v, len, out, BIG, &n);

	if (rc == 0)
		assert_int_equal(n, len - VALUE_OVERHEAD);
	else
		assert_int_equal(n, 12345);
	return rc;
}

/* Values side by side, until one does not open; how many did. */
static size_t open_all(struct fixture *f, const uint8_t *v, size_t n, size_t count, uint8_t *out)
{
	size_t i, got;

	for (i = 0; i < count; i++)
		if (value_open(&f->o, TYPE, v + i * value_size(n), value_size(n), out + i * n, n,
				&got) ||
			got != n)
			break;
	return i;
}

static void test_roundtrip(void **state)
{
	struct fixture *f = begin(state);
	static uint8_t m[BIG], v[BIG + VALUE_OVERHEAD + 1], out[BIG];
	struct value_header h;
	size_t n, got;

	for (n = 0; n <= BIG; n += n < SMALL + 20 ? 1 : 391) {
		randombytes_buf(m, n);
		v[value_size(n)] = 0xee;
		assert_int_equal(value_seal(&f->s, TYPE, m, n, v), 0);
		assert_int_equal(v[value_size(n)], 0xee);
		memset(out, 0xee, sizeof out);
		assert_int_equal(value_open(&f->o, TYPE, v, value_size(n), out, n, &got), 0);
		assert_int_equal(got, n);
		assert_memory_equal(out, m, n);
		assert_int_equal(value_header_parse(v, value_size(n), &h), 0);
		assert_int_equal(h.type, TYPE);
		assert_int_equal(h.len, n);
		assert_int_equal(h.key_id, keyring_active(ring));
		assert_true(h.incarnation == f->s.incarnation);
	}
	assert_int_equal(f->o.misses, 1);
	assert_int_equal(value_size(4), 32);
	assert_int_equal(value_size(8), 36);
	/* An empty text may come without an address. */
	assert_int_equal(value_seal(&f->s, TYPE, NULL, 0, v), 0);
	assert_int_equal(open_it(f, v, value_size(0), out), 0);
	end(f);
}

/* The layout that docs/values.md promises, taken apart with nothing but the KDF. */
static void test_layout(void **state)
{
	struct fixture *f = begin(state);
	const uint8_t *data_key = keyring_data_key(ring, keyring_active(ring));
	uint8_t v[INT4], subkey[32], out[4];
	uint64_t inc = 0, ctr = 0;
	struct gcm_key k;

	assert_int_equal(value_seal(&f->s, VALUE_TYPE_MAX | VALUE_COMPUTED, "four", 4, v), 0);
	assert_int_equal(v[0], 0x80 | 63);
	assert_int_equal(v[1] | v[2] << 8, keyring_active(ring));
	memcpy(&inc, v + 3, 8);
	memcpy(&ctr, v + 11, 5);
	assert_true(inc == f->s.incarnation);
	assert_true(((ctr + 1) & VALUE_COUNTER_MASK) == f->s.counter);
	crypto_kdf_derive_from_key(subkey, 32, inc, "hedbval2", data_key);
	assert_int_equal(f->s.gcm->key_init(&k, subkey), 0);
	assert_int_equal(f->s.gcm->open(&k, out, v + 16, 4, v + 20, v, 16, v + 4), 0);
	assert_memory_equal(out, "four", 4);
	f->s.gcm->key_wipe(&k);
	end(f);
}

static void flip_every_bit(struct fixture *f, uint8_t *v, size_t n)
{
	static uint8_t out[BIG];
	size_t bit;
	int rc;

	for (bit = 0; bit < 8 * value_size(n); bit++) {
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 0xee, n + 1);
		rc = open_it(f, v, value_size(n), out);
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit < 5)
			assert_int_equal(rc, -EINVAL);
		else if (bit == 5) /* VALUE_COMPUTED */
			assert_int_equal(rc, -EBADMSG);
		else if (bit < 8)
			assert_int_equal(rc, -EPROTO);
		else if (bit < 24)
			assert_true(rc == -ENOKEY || rc == -EPROTO || rc == -EBADMSG);
		else
			assert_int_equal(rc, -EBADMSG);
		assert_true(rc != -EBADMSG || sodium_is_zero(out, n));
		assert_int_equal(out[n], 0xee);
	}
	assert_int_equal(open_it(f, v, value_size(n), out), 0);
}

static void test_flipped_bits(void **state)
{
	struct fixture *f = begin(state);
	static uint8_t m[BIG], v[BIG + VALUE_OVERHEAD];
	static const size_t sizes[] = {0, 4, 8, 33, SMALL, SMALL + 1};
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(value_seal(&f->s, TYPE, m, sizes[i], v), 0);
		flip_every_bit(f, v, sizes[i]);
	}
	/* Forged incarnations were tried, and none of them displaced the real one. */
	assert_true(f->o.misses > 6 * 64);
	f->o.misses = 0;
	assert_int_equal(open_it(f, v, value_size(SMALL + 1), m), 0);
	assert_int_equal(f->o.misses, 0);
	end(f);
}

static void test_errors(void **state)
{
	struct fixture *f = begin(state);
	uint8_t m[64] = {1}, v[64 + VALUE_OVERHEAD], out[64], before[64];
	struct value_header h = {.type = 9};
	size_t n = 777;

	memset(out, 0xee, sizeof out);
	memcpy(before, out, sizeof out);
	memset(v, 0xdd, sizeof v);
	assert_int_equal(value_seal(&f->s, 0, m, 4, v), -EINVAL);
	assert_int_equal(value_seal(&f->s, 64, m, 4, v), -EINVAL);
	assert_int_equal(value_seal(&f->s, VALUE_COMPUTED, m, 4, v), -EINVAL);
	assert_int_equal(
		value_seal(&f->s, TYPE, m, (size_t)VALUE_LEN_MAX + 1, v), -EMSGSIZE);
	assert_int_equal(v[0], 0xdd);
	assert_int_equal(value_seal(&f->s, TYPE, m, 64, v), 0);
	assert_int_equal(value_open(&f->o, TYPE + 1, v, sizeof v, out, 64, &n), -EINVAL);
	assert_int_equal(value_open(&f->o, TYPE, v, sizeof v, out, 63, &n), -EMSGSIZE);
	for (n = 0; n < VALUE_OVERHEAD; n++) {
		assert_int_equal(open_it(f, v, n, out), -EPROTO);
		assert_int_equal(value_header_parse(v, n, &h), -EPROTO);
	}
	assert_int_equal(open_it(f, v, (size_t)VALUE_LEN_MAX + VALUE_OVERHEAD + 1, out), -EPROTO);
	assert_int_equal(value_seal_column(&f->s, TYPE, m, SIZE_MAX, 1, v), -EMSGSIZE);
	assert_int_equal(h.type, 9);
	assert_memory_equal(out, before, sizeof out);
	for (n = VALUE_OVERHEAD; n < sizeof v; n++)
		assert_int_equal(open_it(f, v, n, out), -EBADMSG);
	v[1] = v[2] = 0; /* key id 0 marks empty cache slots */
	memset(v + 3, 0, 8);
	assert_int_equal(open_it(f, v, sizeof v, out), -EPROTO);
	v[1] = v[2] = 0xff;
	assert_int_equal(open_it(f, v, sizeof v, out), -ENOKEY);
	end(f);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 13);
}

/* 20,000 values, singly, in columns and after renewals: no two (incarnation, counter)
 * are equal, and types share the count. */
static void test_nonces(void **state)
{
	enum { N = 20000 };
	struct fixture *f = begin(state);
	uint8_t *pairs = malloc(N * 13), m[4 * 77] = {0}, v[INT4 * 77];
	size_t i = 0, j;

	while (i < N) {
		size_t some = i % 3 ? 1 : N - i < 77 ? N - i : 77;

		if (i % 5000 == 1)
			assert_int_equal(value_sealer_renew(&f->s), 0);
		assert_int_equal(
			value_seal_column(&f->s, (uint8_t)(1 + i % 63), m, 4, some, v), 0);
		for (j = 0; j < some; j++)
			memcpy(pairs + 13 * i++, v + INT4 * j + 3, 13);
	}
	qsort(pairs, N, 13, by_bytes);
	for (i = 1; i < N; i++)
		assert_true(memcmp(pairs + 13 * (i - 1), pairs + 13 * i, 13) != 0);
	free(pairs);
	end(f);
}

static void test_exhaustion(void **state)
{
	struct fixture *f = begin(state);
	uint8_t m[4 * 100], v[INT4 * 100], out[400];
	struct value_header h;
	uint64_t first = f->s.incarnation, second;
	size_t i, under_first = 0;

	randombytes_buf(m, sizeof m);
	/* 37 left, and the counter wraps from its top to 0 on the way. */
	f->s.left = 37;
	f->s.counter = VALUE_COUNTER_MASK - 10;
	f->s.next[0] = 0; /* have the header built again */
	assert_int_equal(value_seal_column(&f->s, TYPE, m, 4, 100, v), 0);
	second = f->s.incarnation;
	assert_true(second != first);
	assert_true(f->s.left == VALUE_COUNTER_MASK + 1 - 63);
	for (i = 0; i < 100; i++) {
		assert_int_equal(value_header_parse(v + INT4 * i, INT4, &h), 0);
		assert_true(h.incarnation == (i < 37 ? first : second));
		if (i < 37)
			assert_true(
				h.counter == ((VALUE_COUNTER_MASK - 10 + i) & VALUE_COUNTER_MASK));
		under_first += h.incarnation == first;
	}
	assert_int_equal(under_first, 37);
	assert_int_equal(open_all(f, v, 4, 100, out), 100);
	assert_memory_equal(out, m, sizeof m);
	end(f);
}

/* Parent, child and grandchild seal with what they inherited: three incarnations. */
static void test_fork(void **state)
{
	struct fixture *f = begin(state);
	uint8_t v[3][INT4], out[4];
	struct value_header h[3];
	int fd[2], i, status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 2; i++) {
			if (value_seal(&f->s, TYPE, "kid", 4, v[i]) != 0)
				_exit(1);
			if (write(fd[1], v[i], INT4) != INT4)
				_exit(2);
			if (i == 0 && (pid = fork()) != 0)
				_exit(waitpid(pid, &status, 0) == pid ? status != 0 : 3);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(fd[0], v[0], INT4), INT4);
	assert_int_equal(read(fd[0], v[1], INT4), INT4);
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(value_seal(&f->s, TYPE, "dad", 4, v[2]), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(value_header_parse(v[i], INT4, &h[i]), 0);
		assert_int_equal(open_it(f, v[i], INT4, out), 0);
		assert_string_equal((char *)out, i < 2 ? "kid" : "dad");
	}
	assert_true(h[0].incarnation != h[1].incarnation);
	assert_true(h[0].incarnation != h[2].incarnation);
	assert_true(h[1].incarnation != h[2].incarnation);
	end(f);
}

/* Four times as many incarnations as places, over and over: all open, the cache stays
 * within its bounds, and a small working set hits. */
static void test_eviction(void **state)
{
	enum { N = 4 * VALUE_CACHE_SLOTS };
	struct fixture *f = begin(state);
	uint8_t(*v)[INT4] = malloc(N * INT4), out[4];
	uint32_t i, m;
	int round;

	for (i = 0; i < N; i++) {
		assert_int_equal(value_sealer_renew(&f->s), 0);
		assert_int_equal(value_seal(&f->s, TYPE, &i, 4, v[i]), 0);
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < N; i++) {
			assert_int_equal(open_it(f, v[i], INT4, out), 0);
			memcpy(&m, out, 4);
			assert_int_equal(m, i);
		}
	assert_true(f->o.misses > N);
	for (round = 0; round < 3; round++) {
		f->o.misses = 0;
		for (i = 0; i < 4; i++)
			assert_int_equal(open_it(f, v[i], INT4, out), 0);
	}
	assert_int_equal(f->o.misses, 0);
	free(v);
	end(f);
}

static void test_sealed_columns(void **state)
{
	static const size_t sizes[] = {0, 1, 4, 8, 16, 255, SMALL, SMALL + 1, 1000};
	static uint8_t m[1000 * 61], out[1000 * 61 + 1], v[(1000 + VALUE_OVERHEAD) * 61];
	struct fixture *f = begin(state);
	size_t i, n, count;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (count = 0; count <= 61; count += count < 5 ? 1 : 7) {
			n = sizes[i];
			randombytes_buf(m, n * count);
			memset(out, 0xee, n * count + 1);
			assert_int_equal(value_seal_column(&f->s, TYPE, m, n, count, v), 0);
			assert_int_equal(open_all(f, v, n, count, out), count);
			assert_memory_equal(out, m, n * count);
			assert_int_equal(out[n * count], 0xee);
			if (count == 0)
				continue;
			v[(count - 1) * value_size(n) + 20]++;
			assert_int_equal(open_all(f, v, n, count, out), count - 1);
			assert_memory_equal(out, m, n * (count - 1));
			assert_true(sodium_is_zero(out + n * (count - 1), n));
		}
	end(f);
}

/* Values do not depend on the backend that made them. */
static void test_backends_agree(void **state)
{
	struct fixture *f = begin(state);
	static const char *const names[] = {"ipsec-mb", "libsodium", "mbedtls"};
	const struct gcm_backend *g;
	uint8_t v[INT4], out[4];
	struct value_opener *o;
	size_t i, n;

	assert_int_equal(value_seal(&f->s, TYPE, "abc", 4, v), 0);
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		g = gcm_select(names[i]);
		if (!g)
			continue;
		o = aligned_alloc(64, sizeof *o);
		assert_non_null(o);
		value_opener_init(o, g, ring);
		assert_int_equal(value_open(o, TYPE, v, INT4, out, 4, &n), 0);
		assert_string_equal((char *)out, "abc");
		value_opener_fini(o);
		free(o);
	}
	end(f);
}

/* Old values stay readable under a rotated keyring; new ones are not under the old. */
static void test_rotation(void **state)
{
	struct fixture *f = begin(state);
	struct keyring *newer;
	uint8_t old_v[INT4], new_v[INT4], out[4];
	struct value_sealer s __attribute__((aligned(64)));
	uint16_t id;
	size_t n;

	assert_int_equal(value_seal(&f->s, TYPE, "old", 4, old_v), 0);
	assert_int_equal(keyrig_rotate(path, &id, NULL), 0);
	assert_int_equal(keyfile_load(&newer, path, NULL, NULL), 0);
	assert_int_equal(value_sealer_init(&s, f->s.gcm, newer), 0);
	assert_int_equal(value_seal(&s, TYPE, "new", 4, new_v), 0);
	value_sealer_fini(&s);
	assert_int_equal(new_v[1] | new_v[2] << 8, id);
	assert_int_equal(open_it(f, new_v, INT4, out), -ENOKEY);
	value_opener_fini(&f->o);
	value_opener_init(&f->o, f->s.gcm, newer);
	assert_int_equal(open_it(f, old_v, INT4, out), 0);
	assert_string_equal((char *)out, "old");
	assert_int_equal(value_open(&f->o, TYPE, new_v, INT4, out, 4, &n), 0);
	assert_string_equal((char *)out, "new");
	/* The right id with another key's content: moved to id 1, it is a forgery. */
	memcpy(new_v + 1, old_v + 1, 2);
	assert_int_equal(open_it(f, new_v, INT4, out), -EBADMSG);
	end(f);
	keyring_destroy(newer);
}

static int group_setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/keys", dir);
	return keyfile_create(path, NULL, NULL) || keyfile_load(&ring, path, NULL, NULL);
}

static int group_teardown(void **state)
{
	keyring_destroy(ring);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_sealed_columns),
		cmocka_unit_test(test_backends_agree),
		cmocka_unit_test(test_rotation),
	};
	static const char *const names[] = {"ipsec-mb", "libsodium", "mbedtls"};
	enum { NTESTS = sizeof tests / sizeof *tests };
	static struct CMUnitTest all[3 * NTESTS];
	static char title[3 * NTESTS][48];
	size_t i;

	for (i = 0; i < 3 * NTESTS; i++) {
		all[i] = tests[i % NTESTS];
		snprintf(title[i], sizeof title[i], "%s %s", all[i].name + strlen("test_"),
			names[i / NTESTS]);
		all[i].name = title[i];
		all[i].initial_state = (void *)names[i / NTESTS];
	}
	return cmocka_run_group_tests(all, group_setup, group_teardown);
}
