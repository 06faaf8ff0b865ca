/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_account.c - scope: ops-server/account.h as the clock goes: what flows into a rate's bucket and when it
 * is full, that what is refused is not counted, sums. With sessions: test_policy_server.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../ops-server/account.h"

#include <stdlib.h>
#include <string.h>

static struct err_text err;
static struct policy *policy;
static struct account account;
static struct account_purse purse[ACCOUNT_ROLES];

static void begin_with(const char *rates)
{
	char text[512];

	snprintf(text, sizeof text, "[policy]\nname = test\nversion = 1\n[role db]\nallow = equality hash\n%s", rates);
	policy_free(policy);
	policy = calloc(1, sizeof *policy);
	if (policy_parse(policy, text, strlen(text), &err))
		fail_msg("%s", err.s);
	account_clear(&account);
	memset(purse, 0, sizeof purse);
}

static int end(void **state)
{
	policy_free(policy);
	policy = NULL;
	return 0;
}

/* So many comparisons and hashes at that time. */
static int tell(uint64_t comparisons, uint64_t hashes, uint64_t now_ms)
{
	const struct policy_role *db = policy_role(policy, "db");
	uint64_t rows[RELEASES] = {0};

	rows[RELEASE_COMPARISONS] = comparisons;
	rows[RELEASE_HASHES] = hashes;
	return account_release(&account, account_fill(purse, db, now_ms), db, rows, now_ms, &err);
}

static void test_flows_in(void **state)
{
	uint64_t ms;

	begin_with("rate.comparisons = 10/s\n");
	assert_int_equal(tell(10, 0, 5000), 0);
	assert_int_equal(tell(1, 0, 5000), -EACCES);
	assert_int_equal(tell(1, 0, 5099), -EACCES);
	assert_int_equal(tell(1, 0, 5100), 0);
	assert_int_equal(tell(1, 0, 5100), -EACCES);
	assert_int_equal(tell(4, 0, 5499), -EACCES);
	assert_int_equal(tell(4, 0, 5500), 0);
	/* who asks all the time has no less of it */
	for (ms = 5501; ms < 5600; ms++)
		assert_int_equal(tell(1, 0, ms), -EACCES);
	assert_int_equal(tell(1, 0, 5600), 0);
	assert_int_equal(account.rows[RELEASE_COMPARISONS], 16); /* nothing of what was refused */
}

/* Nobody saves up more than the amount, however long it is silent. */
static void test_full(void **state)
{
	begin_with("rate.comparisons = 10/s\n");
	assert_int_equal(tell(5, 0, 5000), 0);
	assert_int_equal(tell(11, 0, 5900), -EACCES);
	assert_int_equal(tell(11, 0, 3600 * 1000), -EACCES);
	assert_int_equal(tell(10, 0, 3600 * 1000), 0);
	assert_int_equal(tell(1, 0, 3600 * 1000), -EACCES);
}

/* All of an answer or nothing of it, also when it is refused for one kind alone. */
static void test_kinds(void **state)
{
	begin_with("rate.comparisons = 10/s\nrate.hashes = 2/s\n");
	assert_int_equal(tell(10, 3, 5000), -EACCES);
	assert_int_equal(account.rows[RELEASE_COMPARISONS] + account.rows[RELEASE_HASHES], 0);
	assert_int_equal(tell(10, 2, 5000), 0);
	assert_int_equal(tell(0, 1, 5000), -EACCES);
	assert_non_null(strstr(err.s, "2 hashes in 1000 ms"));
	begin_with(""); /* none: as many as they like, and counted */
	assert_int_equal(tell(1000, 2000, 5000), 0);
	assert_int_equal(account.rows[RELEASE_COMPARISONS], 1000);
	assert_int_equal(account.rows[RELEASE_HASHES], 2000);
}

static void test_sum(void **state)
{
	static struct account sum;
	int i;

	begin_with("");
	for (i = 0; i < 2; i++) {
		account_clear(&account);
		assert_int_equal(tell(3, 4, 5000), 0);
		account_denied(&account);
		account_add(&sum, &account);
	}
	assert_int_equal(sum.rows[RELEASE_COMPARISONS], 6);
	assert_int_equal(sum.rows[RELEASE_HASHES], 8);
	assert_int_equal(account_denials(&sum), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_in),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
