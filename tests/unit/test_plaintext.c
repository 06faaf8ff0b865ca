/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: client/plaintext.h and plaintext_time.h: text to bytes and back for each type;
 * what is refused, with PostgreSQL's messages. That PostgreSQL reads the same from the
 * same text, tests/pg asks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "numeric.h"
#include "optable.h"
#include "plaintext.h"

static uint8_t bytes[1 << 16];
static size_t len;
static struct err_text e;

static int parse(const char *type, const char *text)
{
	struct plaintext_type t;

	assert_true(plaintext_find(&t, type));
	assert_true(plaintext_room(strlen(text)) <= sizeof bytes);
	return plaintext_parse(&t, text, strlen(text), bytes, &len, &e);
}

/* In as `text`, out as `wanted`. `type` has a code. */
static void there_and_back(const char *type, const char *text, const char *wanted)
{
	struct plaintext_type t;
	char out[1 << 16];
	int64_t n;

	if (parse(type, text))
		fail_msg("%s '%s': %s", type, text, e.s);
	assert_true(plaintext_find(&t, type));
	n = plaintext_print(t.secret, bytes, len, out, sizeof out);
	assert_true(n >= 0 && n < (int64_t)sizeof out);
	if (strlen(wanted) != (size_t)n || memcmp(out, wanted, (size_t)n) != 0)
		fail_msg("%s '%s' became '%.*s', not '%s'", type, text, (int)n, out, wanted);
	n = plaintext_print(t.secret, bytes, len, out, 1); /* says how much it needs */
	assert_true(n > 1 || (n == 0 && !*wanted));
}

static void refused(const char *type, const char *text, const char *message)
{
	assert_int_equal(parse(type, text), -EINVAL);
	assert_string_equal(e.s, message);
}

static void test_integers(void **state)
{
	there_and_back("enc_int4", " 17 ", "17");
	there_and_back("enc_int4", "-2147483648", "-2147483648");
	there_and_back("enc_int4", "+2147483647", "2147483647");
	there_and_back("enc_int8", "-9223372036854775808", "-9223372036854775808");
	there_and_back("enc_int8", "9223372036854775807", "9223372036854775807");
	refused("enc_int4", "2147483648", "value \"2147483648\" is out of range for type integer");
	refused("enc_int4", "-2147483649", "value \"-2147483649\" is out of range for type integer");
	refused("enc_int8", "9223372036854775808",
		"value \"9223372036854775808\" is out of range for type bigint");
	refused("enc_int4", "", "invalid input syntax for type integer: \"\"");
	refused("enc_int4", "-", "invalid input syntax for type integer: \"-\"");
	refused("enc_int4", "1x", "invalid input syntax for type integer: \"1x\"");
	refused("enc_int4", "1.0", "invalid input syntax for type integer: \"1.0\"");
	refused("int2", "32768", "value \"32768\" is out of range for type smallint");
}

static void test_network_order(void **state)
{
	assert_int_equal(parse("int4", "258"), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "\0\0\1\2", 4);
	assert_int_equal(parse("enc_int4", "258"), 0);
	assert_memory_equal(bytes, "\2\1\0\0", 4);
}

static void test_numeric(void **state)
{
	static const char *const same[] = {"0", "1", "-1", "0.00", "17.00", "10000", "9999.9999",
		"0.0001", "-0.00010", "123456789012345678901234567890.123456789", "1000000000000",
		"0.000000000000000001", "NaN", "Infinity", "-Infinity", "901.00", "0.05"};
	size_t i;

	for (i = 0; i < sizeof same / sizeof *same; i++)
		there_and_back("enc_numeric", same[i], same[i]);
	there_and_back("enc_numeric", " +.5", "0.5");
	there_and_back("enc_numeric", "5.", "5");
	there_and_back("enc_numeric", "-0", "0");
	there_and_back("enc_numeric", "1e3", "1000");
	there_and_back("enc_numeric", "1.5e-3", "0.0015");
	there_and_back("enc_numeric", "1.50e1", "15.0");
	there_and_back("enc_numeric", "12E+2", "1200");
	there_and_back("enc_numeric", "-inf", "-Infinity");
	there_and_back("enc_numeric", "000000000001.10", "1.10");
	refused("enc_numeric", "", "invalid input syntax for type numeric: \"\"");
	refused("enc_numeric", ".", "invalid input syntax for type numeric: \".\"");
	refused("enc_numeric", "1e", "invalid input syntax for type numeric: \"1e\"");
	refused("enc_numeric", "1.2.3", "invalid input syntax for type numeric: \"1.2.3\"");
	refused("enc_numeric", "1e200000", "value overflows numeric format");
	refused("enc_numeric", "1e-20000", "value overflows numeric format");
	assert_int_equal(parse("numeric", "1.5"), 0);
	assert_int_equal(len, 12);
	assert_memory_equal(bytes, "\0\2\0\0\0\0\0\1\0\1\x13\x88", 12);
}

/* For a plain column, in PostgreSQL's binary form; plaintext_room() is enough. */
static void test_plain_numeric(void **state)
{
	static const char *const texts[] = {"0", "7", "-1", "0.00", "1e-9", "9999.9999", "NaN",
		"-Infinity", "12345678901234567890.5", "0.000000000000000001", "1e12",
		"123456789012345678901234567890123456789012345678901234567890.123456789"};
	static const char *const shown[] = {"0", "7", "-1", "0.00", "0.000000001", "9999.9999",
		"NaN", "-Infinity", "12345678901234567890.5", "0.000000000000000001",
		"1000000000000",
		"123456789012345678901234567890123456789012345678901234567890.123456789"};
	struct plaintext_type t;
	struct numeric x;
	char text[1024];
	size_t i, n;

	assert_true(plaintext_find(&t, "numeric"));
	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		uint8_t *to = malloc(plaintext_room(strlen(texts[i])));

		assert_int_equal(plaintext_parse(&t, texts[i], strlen(texts[i]), to, &len, &e), 0);
		assert_int_equal(numeric_parse(&x, to, len), 0);
		assert_true(numeric_text_max(&x) <= sizeof text);
		n = numeric_text(text, &x);
		assert_int_equal(n, strlen(shown[i]));
		assert_memory_equal(text, shown[i], n);
		free(to);
	}
	refused("numeric", "1.2.3", "invalid input syntax for type numeric: \"1.2.3\"");
	refused("numeric", "1e200000", "value overflows numeric format");
}

static void test_text(void **state)
{
	there_and_back("enc_text", "", "");
	there_and_back("enc_text", "h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80 and more",
		"h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80 and more");
	refused("enc_text", "\xff", "invalid byte sequence for encoding \"UTF8\": 0xff");
	refused("enc_text", "abcdefgh\xc0\xaf", "invalid byte sequence for encoding \"UTF8\": 0xc0");
	refused("enc_text", "\xed\xa0\x80", "invalid byte sequence for encoding \"UTF8\": 0xed");
	refused("enc_text", "\xe2\x82", "invalid byte sequence for encoding \"UTF8\": 0xe2");
	refused("enc_text", "\xf4\x90\x80\x80", "invalid byte sequence for encoding \"UTF8\": 0xf4");
}

static void test_zero_byte(void **state)
{
	struct plaintext_type t;

	assert_true(plaintext_find(&t, "enc_text"));
	assert_int_equal(plaintext_parse(&t, "abc\0defghijklm", 14, bytes, &len, &e), -EINVAL);
	assert_int_equal(plaintext_parse(&t, "abcdefghijk\0", 12, bytes, &len, &e), -EINVAL);
}

static void test_dates(void **state)
{
	static const char *const same[] = {"2000-01-01", "1999-12-31", "1992-02-29", "1995-06-17",
		"0001-01-01", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31", "1900-02-28", "infinity",
		"-infinity"};
	size_t i;

	for (i = 0; i < sizeof same / sizeof *same; i++)
		there_and_back("enc_date", same[i], same[i]);
	assert_int_equal(parse("enc_date", "2000-01-02"), 0);
	assert_memory_equal(bytes, "\1\0\0\0", 4);
	refused("enc_date", "1900-02-29", "date/time field value out of range: \"1900-02-29\"");
	refused("enc_date", "2001-13-01", "date/time field value out of range: \"2001-13-01\"");
	refused("enc_date", "0000-01-01", "date/time field value out of range: \"0000-01-01\"");
	refused("enc_date", "4714-11-23 BC", "date/time field value out of range: \"4714-11-23 BC\"");
	refused("enc_date", "tomorrow", "invalid input syntax for type date: \"tomorrow\"");
	refused("enc_date", "1/2/2000", "invalid input syntax for type date: \"1/2/2000\"");
	refused("enc_date", "2000-01-01x", "invalid input syntax for type date: \"2000-01-01x\"");
}

static int64_t microseconds(const char *type, const char *text)
{
	uint64_t v = 0;
	size_t i;

	assert_int_equal(parse(type, text), 0);
	assert_int_equal(len, 8);
	for (i = 0; i < 8; i++)
		v = v << 8 | bytes[i];
	return (int64_t)v;
}

static void test_timestamps(void **state)
{
	assert_int_equal(microseconds("timestamp", "2000-01-01 00:00:01.5"), 1500000);
	assert_int_equal(microseconds("timestamp", "1999-12-31T23:59:59.999999"), -1);
	assert_int_equal(microseconds("timestamp", "2000-01-02"), INT64_C(86400000000));
	assert_int_equal(microseconds("timestamp", "1999-12-31 24:00"), 0);
	assert_int_equal(microseconds("timestamptz", "2000-01-01 02:00:00+02"), 0);
	assert_int_equal(microseconds("timestamptz", "1999-12-31 18:30:00-05:30"), 0);
	assert_int_equal(microseconds("timestamptz", "2000-01-01T00:00:00Z"), 0);
	assert_int_equal(microseconds("timestamp", "infinity"), INT64_MAX);
	refused("timestamp", "2000-01-01 25:00",
		"date/time field value out of range: \"2000-01-01 25:00\"");
	refused("timestamptz", "2000-01-01 00:00:00",
		"invalid input syntax for type timestamp with time zone: \"2000-01-01 00:00:00\"");
	refused("timestamp", "294277-01-01 00:00:00",
		"date/time field value out of range: \"294277-01-01 00:00:00\"");
}

static void test_intervals(void **state)
{
	static const char *const same[] = {"1 year 2 mons 3 days 04:05:06.7", "00:00:00", "-1 days",
		"1 day", "-1 years -2 mons +3 days -04:05:06", "100:00:00", "-00:00:00.000001", "11 mons",
		"3 days -04:00:00"};
	size_t i;

	for (i = 0; i < sizeof same / sizeof *same; i++)
		there_and_back("enc_interval", same[i], same[i]);
	there_and_back("enc_interval", "2 weeks", "14 days");
	there_and_back("enc_interval", "+13 months 1:02", "1 year 1 mon 01:02:00");
	refused("enc_interval", "", "invalid input syntax for type interval: \"\"");
	refused("enc_interval", "1 fortnight", "invalid input syntax for type interval: \"1 fortnight\"");
	refused("enc_interval", "3000000000 days",
		"interval field value out of range: \"3000000000 days\"");
	assert_int_equal(parse("interval", "1 mon 2 days 00:00:00.000003"), 0);
	assert_memory_equal(bytes, "\0\0\0\0\0\0\0\3\0\0\0\2\0\0\0\1", 16);
}

static void test_others(void **state)
{
	assert_int_equal(parse("bool", "off"), 0);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(parse("bool", " TRUE "), 0);
	assert_int_equal(bytes[0], 1);
	refused("bool", "o", "invalid input syntax for type boolean: \"o\"");
	assert_int_equal(parse("bytea", "\\x00Ff"), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(bytes, "\0\xff", 2);
	assert_int_equal(parse("bytea", "a\\\\\\001"), 0);
	assert_memory_equal(bytes, "a\\\1", 3);
	refused("bytea", "\\xabc", "invalid hexadecimal data: odd number of digits");
	assert_int_equal(parse("uuid", "{00112233-4455-6677-8899-aabbccddeeff}"), 0);
	assert_memory_equal(bytes, "\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
	refused("uuid", "0011", "invalid input syntax for type uuid: \"0011\"");
	assert_int_equal(parse("float8", "1.5"), 0);
	assert_memory_equal(bytes, "\x3f\xf8\0\0\0\0\0\0", 8);
	refused("float8", "0x10", "invalid input syntax for type double precision: \"0x10\"");
	refused("float8", "1e400", "\"1e400\" is out of range for type double precision");
	refused("float4", "1e39", "\"1e39\" is out of range for type real");
}

static void test_unknown(void **state)
{
	struct plaintext_type t;

	assert_false(plaintext_find(&t, "point"));
	assert_false(plaintext_find(&t, "enc_point"));
	assert_int_equal(plaintext_print(T_INT4, bytes, 3, (char *)bytes + 100, 100), -EPROTO);
	assert_int_equal(plaintext_print(T_NUMERIC, (const uint8_t *)"\0\0", 2, (char *)bytes, 100),
		-EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_network_order),
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_plain_numeric),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
