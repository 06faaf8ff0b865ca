/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_cursor.c - scope: common/cursor.h: every width, unaligned, little-endian; the
 * last byte and one more; `bad` stays; alignment; reader and writer agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cursor.h"
#include "../rig.h"

static void test_reads_little_endian_unaligned(void **state)
{
	uint8_t in[16];
	struct cursor c;
	size_t i;

	for (i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i + 1);
	c = cursor_of(in, sizeof in);
	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u16(&c), 0x0302);
	assert_int_equal(cursor_u32(&c), 0x07060504);
	assert_true(cursor_u64(&c) == 0x0f0e0d0c0b0a0908u);
	assert_int_equal(c.left, 1);
	assert_false(c.bad);
}

static void test_read_past_the_end_is_zero_and_stays_bad(void **state)
{
	uint8_t in[7] = {1, 2, 3, 4, 5, 6, 7};
	struct cursor c = cursor_of(in, sizeof in);

	assert_true(cursor_u64(&c) == 0);
	assert_true(c.bad);
	assert_int_equal(c.left, 0); /* nothing more, not even what was there */
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_bytes(&c, 1));
	assert_true(c.bad);
}

static void test_bytes_up_to_the_last_one(void **state)
{
	uint8_t in[4] = {9, 8, 7, 6};
	struct cursor c = cursor_of(in, sizeof in);

	assert_ptr_equal(cursor_bytes(&c, 3), in);
	assert_ptr_equal(cursor_bytes(&c, 1), in + 3);
	assert_false(c.bad);
	assert_non_null(cursor_bytes(&c, 0));
	assert_false(c.bad);
	assert_null(cursor_bytes(&c, SIZE_MAX));
	assert_true(c.bad);
}

static void test_writer_stops_at_the_end(void **state)
{
	uint8_t out[8], untouched[8];
	struct writer w = writer_of(out, 6);

	memset(out, 0xee, sizeof out);
	memset(untouched, 0xee, sizeof untouched);
	writer_u32(&w, 0x04030201);
	assert_memory_equal(out, "\1\2\3\4", 4);
	writer_u32(&w, 5);
	assert_true(w.bad);
	writer_u8(&w, 5); /* would have fitted, but the message is broken */
	writer_bytes(&w, "x", 1);
	assert_null(writer_room(&w, 1));
	assert_memory_equal(out + 4, untouched, 4);
}

/* Random fields, written and read back; then the same through every shorter input. */
static void test_writer_and_cursor_agree(void **state)
{
	uint64_t seed = 11, value[64];
	uint8_t out[1024], kind[64];
	size_t i, n, total, cut;

	for (n = 0; n < 300; n++) {
		struct writer w = writer_of(out, sizeof out);
		struct cursor c;
		size_t fields = 1 + rig_below(&seed, 40);

		for (i = 0; i < fields; i++) {
			value[i] = rig_rand(&seed);
			kind[i] = (uint8_t)rig_below(&seed, 4);
			switch (kind[i]) {
			case 0: writer_u8(&w, (uint8_t)value[i]); break;
			case 1: writer_u16(&w, (uint16_t)value[i]); break;
			case 2: writer_u32(&w, (uint32_t)value[i]); break;
			default: writer_u64(&w, value[i]);
			}
		}
		assert_false(w.bad);
		total = sizeof out - w.left;
		for (cut = 0; cut <= total; cut++) {
			c = cursor_of(out, cut);
			for (i = 0; i < fields; i++) {
				uint64_t got = 0, want = value[i];

				switch (kind[i]) {
				case 0: got = cursor_u8(&c), want = (uint8_t)want; break;
				case 1: got = cursor_u16(&c), want = (uint16_t)want; break;
				case 2: got = cursor_u32(&c), want = (uint32_t)want; break;
				default: got = cursor_u64(&c);
				}
				assert_true(got == (c.bad ? 0 : want));
			}
			assert_int_equal(c.bad, cut < total);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_little_endian_unaligned),
		cmocka_unit_test(test_read_past_the_end_is_zero_and_stays_bad),
		cmocka_unit_test(test_bytes_up_to_the_last_one),
		cmocka_unit_test(test_writer_stops_at_the_end),
		cmocka_unit_test(test_writer_and_cursor_agree),
	};

	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
