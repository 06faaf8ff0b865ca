/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_format.c - scope: common/format*.c and kernel_format.c through eval_run(): batches
 * with one template or many, templates and texts that nobody sane writes. What templates
 * mean is tested against PostgreSQL (tests/pg).
 */
#include "ask.h"

#include "calendar.h"
#include "format.h"
#include "timezone.h"

#define STAMP(y, m, d) ((__int128)days_of(y, m, d) * DAY_US)

static bool is(const struct cell *c, const char *want)
{
	return !c->state && c->len == strlen(want) && memcmp(c->p, want, c->len) == 0;
}

/* Templates one a row, then one for all; NULL and infinity among the values. */
static void test_batch(void **state)
{
	static const char *const templates[] = {"YYYY", "Mon", "DD", "", "HH24:MI"};
	struct cell t[5], f[5];
	int i;

	for (i = 0; i < 5; i++) {
		t[i] = (struct cell){.i = STAMP(2024, 2, 29) + 61 * SECOND_US};
		f[i] = text_cell(templates[i]);
	}
	assert_int_equal(run(ROLE_DB, req, request(ARGS({t, T_TIMESTAMP, 0}, {f, T_PUB_TEXT, 0}),
		CODE(PUSH, PUSH | 1, OP_enc_timestamp_to_char), 5)), 0);
	assert_true(is(&reply.cell[0], "2024") && is(&reply.cell[1], "Feb") &&
		is(&reply.cell[2], "29") && is(&reply.cell[4], "00:01"));
	assert_int_equal(reply.cell[3].state, ROW_NULL);
	t[1].state = ROW_NULL;
	t[2].i = INT64_MAX;
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TIMESTAMP, ARG_NULLS}, {f, T_PUB_TEXT, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamp_to_char), 5)), 0);
	assert_true(is(&reply.cell[0], "2024") && is(&reply.cell[3], "2024"));
	assert_int_equal(reply.cell[1].state, ROW_NULL);
	assert_int_equal(reply.cell[2].state, ROW_NULL);
}

/* A zone that goes from EST to an hour further east at 2000-01-01. */
static size_t zone_bytes(uint8_t *p)
{
	int32_t before = -18000, after = -14400;
	int64_t at = -STAMP_1970 / SECOND_US;

	memset(p, 0, 128);
	memcpy(p, &before, 4);
	p[4] = 1; /* one transition */
	p[7] = 2; /* two names */
	memcpy(p + ZONE_HEADER, &at, 8);
	memcpy(p + ZONE_HEADER + 8, &after, 4);
	p[ZONE_HEADER + ZONE_TRANSITION] = 0;
	p[ZONE_HEADER + ZONE_TRANSITION + 1] = 1;
	memcpy(p + ZONE_HEADER + ZONE_TRANSITION + 2, "EST", 3);
	memcpy(p + ZONE_HEADER + ZONE_TRANSITION + 2 + ZONE_NAME, "EDT-and-more", ZONE_NAME);
	return ZONE_HEADER + ZONE_TRANSITION + 2 + 2 * ZONE_NAME;
}

static void test_zone(void **state)
{
	uint8_t bytes[128];
	size_t len = zone_bytes(bytes), i;
	struct cell in[3] = {{.i = -1}, text_cell("HH24 TZ tz OF"), {.p = bytes, .len = (uint32_t)len}};
	struct cell got = apply(OP_enc_timestamptz_to_char, in);

	assert_true(is(&got, "18 EST est -05"));
	in[0].i = 0;
	got = apply(OP_enc_timestamptz_to_char, in);
	assert_true(is(&got, "20 EDT-and-more edt-and-more -04"));
	bytes[ZONE_HEADER + ZONE_TRANSITION + 1] = 2; /* there is no such name */
	got = apply(OP_enc_timestamptz_to_char, in);
	assert_true(is(&got, "20   -04"));
	for (i = 0; i < len; i++) { /* cut anywhere, it is none */
		in[2].len = (uint32_t)i;
		assert_int_equal(apply(OP_enc_timestamptz_to_char, in).state, ROW_MALFORMED);
	}
	in[2].len = (uint32_t)len;
	in[0] = text_cell("1999-12-31 19");
	in[1] = text_cell("YYYY-MM-DD HH24");
	got = apply(OP_enc_text_read_timestamptz, in);
	assert_true(!got.state && got.i == 0);
	in[0] = text_cell("2000-01-01 02 -03:30");
	in[1] = text_cell("YYYY-MM-DD HH24 TZH:TZM");
	got = apply(OP_enc_text_read_timestamptz, in);
	assert_true(!got.state && got.i == (5 * 3600 + 1800) * SECOND_US);
	in[0] = text_cell("2000-01-01 02 +16");
	assert_int_equal(apply(OP_enc_text_read_timestamptz, in).state, ROW_ZONE_OFFSET);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *number, *template, *want;
		uint8_t fail;
	} t[] = {
		{"1234.5", "FM9,999.00", "1,234.50", 0},
		{"-0.1", "99.99", "  -.10", 0},
		{"12345", "999", " ###", 0},
		{"5", "", "", 0},
		{"5", "9.9.9", NULL, ROW_FORMAT_SYNTAX},
		{"5", "SS9", NULL, ROW_FORMAT_SYNTAX},
		{"5", "9PR9", NULL, ROW_FORMAT_SYNTAX},
		{"5", "9EEEE9", NULL, ROW_FORMAT_SYNTAX},
		{"NaN", "999TH", NULL, ROW_NUMERIC_SYNTAX},
		{"3999", "FMRN", "MMMCMXCIX", 0},
		{"99999999999", "RN", NULL, ROW_INT4_RANGE},
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct cell in[2], got;

		heap_used = 0;
		in[0] = decimal(t[i].number);
		in[1] = text_cell(t[i].template);
		got = apply(OP_enc_numeric_to_char, in);
		assert_int_equal(got.state, t[i].fail);
		if (t[i].want && !is(&got, t[i].want))
			fail_msg("%s by %s: %.*s", t[i].number, t[i].template, (int)got.len, got.p);
	}
}

/* Any bytes are a template, and any are a text: every operation that takes one answers. */
static void test_noise(void **state)
{
	static const uint16_t ops[] = {OP_enc_timestamp_to_char, OP_enc_interval_to_char,
		OP_enc_int4_to_char, OP_enc_int8_to_char, OP_enc_numeric_to_char, OP_enc_float4_to_char,
		OP_enc_float8_to_char, OP_enc_text_read_date, OP_enc_text_read_number};
	static const char *const bits[] = {"Y", "YYYY", "Y,YYY", "IDDD", "IYYY", "J", "FM", "TM",
		"TH", "th", "9", "0", ".", ",", "D", "G", "S", "MI", "PR", "RN", "V", "EEEE", "\"", "\\",
		" ", "-", "1", "19", "é", "FX", "Q", "W", "CC", "BC", "\xff", "x", "SG", "PL", "L", "B"};
	uint64_t seed = 5;
	struct interval v = {INT64_MIN, INT32_MIN, INT32_MIN};
	int round;
	size_t k;

	for (round = 0; round < 600; round++) {
		for (k = 0; k < sizeof ops / sizeof ops[0]; k++) {
			const struct op *op = optable_op(ops[k]);
			struct cell in[2] = {{.i = (__int128)(int64_t)rig_below(&seed, UINT64_MAX)}};

			heap_used = 0;
			if (op->args[0] == T_NUMERIC)
				in[0] = decimal(round % 3 ? "-123456789.0123" : "Infinity");
			else if (op->args[0] == T_TEXT)
				in[0] = random_text(&seed, bits, sizeof bits / sizeof bits[0], 12);
			else if (op->args[0] == T_INTERVAL)
				memcpy(&in[0].i, &v, sizeof v);
			else if (op->args[0] == T_TIMESTAMP)
				in[0].i = (__int128)(rig_below(&seed, 1ull << 58));
			in[1] = random_text(&seed, bits, sizeof bits / sizeof bits[0], 10);
			apply(ops[k], in);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
