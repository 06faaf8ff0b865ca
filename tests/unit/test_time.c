/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_time.c - scope: common/kernel_time.c, kernel_field.c, kernel_interval.c and
 * kernel_string.c through eval_run(): batches, one zone or name for many rows, and
 * arguments that nobody honest sends. What the operations mean is tested against
 * PostgreSQL (tests/pg).
 */
#include "ask.h"

#include "calendar.h"
#include "timezone.h"

#define DATE(y, m, d) days_of(y, m, d)
#define STAMP(y, m, d) ((__int128)days_of(y, m, d) * DAY_US)

static struct cell interval(int64_t us, int32_t days, int32_t months)
{
	struct interval v = {us, days, months};
	struct cell c = {0};

	memcpy(&c.i, &v, sizeof v);
	return c;
}

static struct cell name(const char *s)
{
	return (struct cell){.p = (const uint8_t *)s, .len = (uint32_t)strlen(s)};
}

/* A zone `offset` seconds east since ever. */
static struct cell zone(uint8_t bytes[ZONE_HEADER], int32_t offset)
{
	memset(bytes, 0, ZONE_HEADER);
	memcpy(bytes, &offset, 4);
	return (struct cell){.p = bytes, .len = ZONE_HEADER};
}

/* Dates one a row, one number for all; then NULLs and an error among them. */
static void test_batch(void **state)
{
	static struct cell d[100], by = {.i = 31};
	int i;

	for (i = 0; i < 100; i++)
		d[i].i = DATE(2024, 1, 1) + i;
	d[7].state = ROW_NULL;
	d[8].i = INT32_MAX;
	d[9].i = DATE_END - 1;
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({d, T_DATE, ARG_NULLS}, {&by, T_INT4, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_date_pli), 100)), 0);
	assert_int_equal(reply.rows, 100);
	assert_int_equal(reply.cell[7].state, ROW_NULL);
	assert_true(reply.cell[8].i == INT32_MAX);
	assert_int_equal(reply.cell[9].state, ROW_DATE_RANGE);
	for (i = 0; i < 100; i++)
		if (i < 7 || i > 9)
			assert_true(!reply.cell[i].state && reply.cell[i].i == d[i].i + 31);
}

/* A field's name for all rows, or one each; NULL and infinity. */
static void test_fields(void **state)
{
	static const char *const names[] = {"year", "MONTH", "day", "quarter", "fortnight", "hour"};
	struct cell field[6], t[6] = {{.i = STAMP(2024, 8, 29)}};
	int i;

	for (i = 0; i < 6; i++) {
		field[i] = name(names[i]);
		t[i] = t[0];
	}
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({field, T_PUB_TEXT, 0}, {t, T_TIMESTAMP, 0}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamp_part), 6)), 0);
	assert_true(reply.cell[0].i == 2024 && reply.cell[1].i == 8 && reply.cell[2].i == 29 &&
		reply.cell[3].i == 3);
	assert_int_equal(reply.cell[4].state, ROW_FIELD_UNKNOWN);
	assert_true(!reply.cell[5].state && reply.cell[5].i == 0);
	t[1].i = INT64_MAX;
	t[2].state = ROW_NULL;
	t[3].i = INT64_MIN;
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({&field[1], T_PUB_TEXT, ARG_ONE}, {t, T_TIMESTAMP, ARG_NULLS}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamp_part), 6)), 0);
	assert_true(reply.cell[0].i == 8 && reply.cell[4].i == 8 && reply.cell[5].i == 8);
	for (i = 1; i < 4; i++)
		assert_int_equal(reply.cell[i].state, ROW_NULL);
}

static void test_zones(void **state)
{
	uint8_t east[ZONE_HEADER], west[ZONE_HEADER];
	struct cell t[2] = {{.i = STAMP(2024, 1, 1)}, {.i = STAMP(2024, 1, 1)}};
	struct cell z[2] = {zone(east, 3600), zone(west, -3600)}, bad;
	size_t len;

	/* one zone for all rows, and one each */
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TIMESTAMPTZ, 0}, {&z[1], T_PUB_ZONE, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamptz_to_date), 2)), 0);
	assert_true(reply.cell[0].i == DATE(2023, 12, 31) && reply.cell[1].i == DATE(2023, 12, 31));
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TIMESTAMPTZ, 0}, {z, T_PUB_ZONE, 0}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamptz_to_timestamp), 2)), 0);
	assert_true(reply.cell[0].i == STAMP(2024, 1, 1) + 3600 * SECOND_US);
	assert_true(reply.cell[1].i == STAMP(2024, 1, 1) - 3600 * SECOND_US);
	/* what is no zone fails its row */
	bad = z[0];
	for (len = 0; len < ZONE_HEADER; len++) {
		bad.len = (uint32_t)len;
		assert_int_equal(apply(OP_enc_timestamptz_to_date,
			(struct cell[]){t[0], bad}).state, ROW_MALFORMED);
	}
	/* absurd offsets are out of range, or a date far away, but no harm */
	bad = zone(east, INT32_MIN);
	assert_int_equal(apply(OP_enc_timestamp_to_timestamptz,
		(struct cell[]){t[0], bad}).state, ROW_VALUE);
	assert_int_equal(apply(OP_enc_timestamptz_to_timestamp,
		(struct cell[]){{.i = STAMP_FIRST}, bad}).state, ROW_TIMESTAMP_RANGE);
	bad = zone(east, INT32_MAX);
	assert_int_equal(apply(OP_enc_timestamptz_to_timestamp,
		(struct cell[]){{.i = STAMP_END - 1}, bad}).state, ROW_TIMESTAMP_RANGE);
}

/* Random bytes as zones, with random instants: any answer, but an answer. */
static void test_hostile_zones(void **state)
{
	static uint8_t bytes[4096];
	uint64_t seed = 3;
	int turn, i;

	for (turn = 0; turn < 3000; turn++) {
		uint16_t n = (uint16_t)rig_below(&seed, 40);
		uint8_t k = (uint8_t)rig_below(&seed, 6);
		uint8_t m = (uint8_t)rig_below(&seed, 4);
		size_t len = ZONE_HEADER + n * (size_t)ZONE_TRANSITION + 14u * k * ZONE_YEARLY +
			(m ? 1u + n + 14u * k + (size_t)m * ZONE_NAME : 0);
		struct cell z = {.p = bytes, .len = (uint32_t)len};
		struct cell t = {.i = (int64_t)rig_rand(&seed)};
		struct cell iv = interval((int64_t)rig_rand(&seed), (int32_t)rig_rand(&seed),
			(int32_t)rig_rand(&seed) >> rig_below(&seed, 32));

		for (i = 0; i < (int)len; i++)
			bytes[i] = (uint8_t)rig_rand(&seed);
		memcpy(bytes + 4, &n, 2);
		bytes[6] = k;
		bytes[7] = m;
		if (turn % 2)
			memset(bytes + 8, 0, 8);
		heap_used = 0;
		apply(OP_enc_timestamptz_pl_interval, (struct cell[]){t, iv, z});
		apply(OP_enc_timestamptz_to_char, (struct cell[]){t, name("TZ OF"), z});
		apply(OP_enc_timestamptz_trunc, (struct cell[]){name("week"), t, z});
		apply(OP_enc_timestamptz_extract, (struct cell[]){name("julian"), t, z});
		apply(OP_enc_timestamptz_age, (struct cell[]){t, {.i = (int64_t)rig_rand(&seed)}, z});
		apply(OP_enc_date_to_timestamptz, (struct cell[]){{.i = (int32_t)rig_rand(&seed)}, z});
		apply(OP_enc_timestamp_timestamptz_lt, (struct cell[]){t, t, z});
		assert_int_equal(k > ZONE_YEARLY_MAX, apply(OP_enc_timestamptz_to_date,
			(struct cell[]){t, z}).state == ROW_MALFORMED);
	}
}

/* Equal values hash alike within a type, and across types they need not. */
static void test_hashes(void **state)
{
	struct cell month = interval(0, 0, 1), days = interval(0, 30, 0), hours = interval(720 * 3600 * SECOND_US, 0, 0);
	struct cell zero = {0};
	__int128 h = apply(OP_enc_interval_hash64, &month).i;

	assert_true(apply(OP_enc_interval_hash64, &days).i == h);
	assert_true(apply(OP_enc_interval_hash64, &hours).i == h);
	assert_true(apply(OP_enc_date_hash64, &zero).i != apply(OP_enc_timestamp_hash64, &zero).i);
	assert_true(apply(OP_enc_timestamp_hash64, &zero).i != apply(OP_enc_timestamptz_hash64, &zero).i);
}

static void test_sums(void **state)
{
	struct cell v[4] = {interval(1, 2, 3), {.state = ROW_NULL}, interval(10, 20, 30),
		interval(0, INT32_MAX, 0)};
	struct cell want = interval(11, 22, 33);

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({v, T_INTERVAL, ARG_NULLS}), CODE(PUSH, OP_enc_interval_sum_bulk), 3)), 0);
	assert_int_equal(reply.cell[0].state, ROW_VALUE);
	assert_memory_equal(reply.cell[0].p, &want.i, 16);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({v, T_INTERVAL, ARG_NULLS}), CODE(PUSH, OP_enc_interval_sum_bulk), 4)), 0);
	assert_int_equal(reply.cell[0].state, ROW_INTERVAL_RANGE);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({&v[1], T_INTERVAL, ARG_NULLS}), CODE(PUSH, OP_enc_interval_sum_bulk), 1)), 0);
	assert_int_equal(reply.cell[0].state, ROW_NULL);
}

/* NULLs are left out, with their separators; none at all make an empty text, and an error
 * is the result. */
static void test_concat(void **state)
{
	struct cell t[4] = {NIL, S("ab"), NIL, S("c")}, by = S(", "), forged = {.state = ROW_FORGED};

	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TEXT, ARG_NULLS}), CODE(PUSH, OP_enc_text_concat_bulk), 4)), 0);
	assert_true(reply.rows == 1 && reply.cell[0].len == 3 && !memcmp(reply.cell[0].p, "abc", 3));
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TEXT, ARG_NULLS}, {&by, T_TEXT, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_text_concat_ws_bulk), 4)), 0);
	assert_true(reply.cell[0].len == 5 && !memcmp(reply.cell[0].p, "ab, c", 5));
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TEXT, ARG_NULLS}), CODE(PUSH, OP_enc_text_concat_bulk), 1)), 0);
	assert_true(!reply.cell[0].state && reply.cell[0].len == 0);
	t[2] = forged;
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TEXT, ARG_NULLS}), CODE(PUSH, OP_enc_text_concat_bulk), 4)), 0);
	assert_int_equal(reply.cell[0].state, ROW_FORGED);
	assert_int_equal(run(ROLE_DB, req,
		request(ARGS({t, T_TEXT, ARG_NULLS}, {&forged, T_TEXT, ARG_ONE}),
			CODE(PUSH, PUSH | 1, OP_enc_text_concat_ws_bulk), 2)), 0);
	assert_int_equal(reply.cell[0].state, ROW_FORGED);
}

/* Text that is no UTF-8 is counted somehow, within its bounds. */
static void test_broken_text(void **state)
{
	static const uint16_t ops[] = {OP_enc_text_strpos, OP_enc_text_btrim_of, OP_enc_text_ltrim_of,
		OP_enc_text_rtrim_of};
	static const char *const bytes[] = {"a", "\303", "\251", "\360\237", "\360", "\200", "\377", "b"};
	struct cell in[3], n;
	uint64_t seed = 9;
	unsigned turn, i;

	for (turn = 0; turn < 2000; turn++) {
		heap_used = 0;
		for (i = 0; i < 3; i++)
			in[i] = random_text(&seed, bytes, 8, 6);
		for (i = 0; i < 4; i++)
			assert_int_equal(apply(ops[i], in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_replace, in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_translate, in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_reverse, in).len, in[0].len);
		assert_int_equal(apply(OP_enc_text_ascii, in).state, ROW_VALUE);
		n = (struct cell){.i = (int)rig_below(&seed, 12) - 4};
		in[1] = n;
		assert_int_equal(apply(OP_enc_text_left, in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_right, in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_lpad_with, in).state, ROW_VALUE);
		assert_int_equal(apply(OP_enc_text_rpad_with, in).state, ROW_VALUE);
	}
}

/* ---- zones that are named instead of brought: kept.h ---- */

/* One timestamptz to a date in that zone, which is kept. */
static size_t keep_request(const struct cell *t, const struct cell *z)
{
	return request(ARGS({t, T_TIMESTAMPTZ, 0}, {z, T_PUB_ZONE, ARG_ONE | ARG_KEEP}),
		CODE(PUSH, PUSH | 1, OP_enc_timestamptz_to_date), 1);
}

/* The same with the zone's digest in place of its column, which is last. */
static size_t kept_request(const struct cell *t, const struct cell *z)
{
	size_t len = keep_request(t, z) - 4 - z->len;

	req[PROGRAM_HEADER + 3] = ARG_ONE | ARG_KEPT;
	kept_digest(req + len, z->p, z->len);
	return len + KEPT_DIGEST;
}

static void test_kept_zones(void **state)
{
	uint8_t bytes[KEPT_VALUES + 1][ZONE_HEADER];
	struct cell z[KEPT_VALUES + 1], t = I(0);
	int i;

	for (i = 0; i <= KEPT_VALUES; i++)
		z[i] = zone(bytes[i], i % 2 ? -3600 * (i + 1) : 3600 * (i + 1));
	for (i = 0; i <= KEPT_VALUES; i++) {
		assert_int_equal(run(ROLE_DB, req, kept_request(&t, &z[i])), -ESTALE);
		assert_non_null(strstr(err.s, "not kept here"));
		assert_int_equal(run(ROLE_DB, req, keep_request(&t, &z[i])), 0);
		assert_int_equal(reply.cell[0].i, i % 2 ? -1 : 0);
		assert_int_equal(run(ROLE_DB, req, kept_request(&t, &z[i])), 0);
		assert_int_equal(reply.cell[0].i, i % 2 ? -1 : 0);
	}
	/* The oldest had to go, and none of the others. */
	assert_int_equal(run(ROLE_DB, req, kept_request(&t, &z[0])), -ESTALE);
	for (i = 1; i <= KEPT_VALUES; i++)
		assert_int_equal(run(ROLE_DB, req, kept_request(&t, &z[i])), 0);
}

/* Two arguments: one brings what pushes out the other, after that was used. */
static void test_kept_and_pushed_out(void **state)
{
	uint8_t bytes[KEPT_VALUES][ZONE_HEADER], last[ZONE_HEADER];
	struct cell z[KEPT_VALUES], t = I(0), more = zone(last, -7200);
	size_t len;
	int i;

	for (i = 0; i < KEPT_VALUES; i++) {
		z[i] = zone(bytes[i], 60 * (i + 1));
		assert_int_equal(run(ROLE_DB, req, keep_request(&t, &z[i])), 0);
	}
	for (i = 0; i < KEPT_VALUES; i++) {
		last[4] = 0;
		more = zone(last, -7200 - i);
		len = request(ARGS({&t, T_TIMESTAMPTZ, 0}, {&more, T_PUB_ZONE, ARG_ONE | ARG_KEEP},
				      {&z[i], T_PUB_ZONE, ARG_ONE | ARG_KEEP}),
			CODE(PUSH, PUSH | 1, OP_enc_timestamptz_to_date, PUSH, PUSH | 2,
				OP_enc_timestamptz_to_date, OP_enc_date_lt), 1);
		req[PROGRAM_HEADER + 5] = ARG_ONE | ARG_KEPT;
		len -= 4 + z[i].len;
		kept_digest(req + len, z[i].p, z[i].len);
		assert_int_equal(run(ROLE_DB, req, len + KEPT_DIGEST), 0);
		assert_true(reply.cell[0].i & 1);
		assert_int_equal(run(ROLE_DB, req, kept_request(&t, &z[i])), -ESTALE);
	}
}

/* What may not be kept, and digests that are cut off. */
static void test_kept_refused(void **state)
{
	static const uint8_t bad[] = {ARG_KEEP, ARG_KEPT, ARG_ONE | ARG_KEEP | ARG_KEPT,
		ARG_ONE | ARG_NULLS | ARG_KEPT, ARG_ONE | ARG_CLEAR | ARG_KEEP};
	static uint8_t huge[KEPT_MAX + 1];
	uint8_t bytes[ZONE_HEADER];
	struct cell z = zone(bytes, 3600), t = I(0), a = I(1);
	struct cell large = {.p = huge, .len = sizeof huge};
	size_t len, i;

	for (i = 0; i < sizeof bad; i++) {
		len = keep_request(&t, &z);
		req[PROGRAM_HEADER + 3] = bad[i];
		assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
	}
	len = request(ARGS({&a, T_INT4, ARG_ONE}), CODE(PUSH, OP_enc_int4_um), 1);
	req[PROGRAM_HEADER + 1] = ARG_ONE | ARG_KEEP;
	assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
	req[PROGRAM_HEADER + 1] = ARG_ONE | ARG_KEPT;
	assert_int_equal(run(ROLE_DB, req, len), -EPROTO);
	for (i = 1; i <= KEPT_DIGEST; i++) {
		len = kept_request(&t, &z);
		assert_int_equal(run(ROLE_DB, req, len - i), -EPROTO);
	}
	/* A zone that is none is one row's error, kept or not; one that is too long is not kept. */
	assert_int_equal(run(ROLE_DB, req, keep_request(&t, &large)), 0);
	assert_int_equal(run(ROLE_DB, req, kept_request(&t, &large)), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_hostile_zones),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_concat),
		cmocka_unit_test(test_broken_text),
		cmocka_unit_test(test_kept_zones),
		cmocka_unit_test(test_kept_and_pushed_out),
		cmocka_unit_test(test_kept_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
