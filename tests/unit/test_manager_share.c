/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager_share.c - scope: who has the places of cxl_sec_mgr when all are taken: a certificate that
 * wants all of them keeps nobody out, gets none by coming again, and is not called a copy for it;
 * an administrator that waits is answered. With a manager that has PLACES of them, and real
 * connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../managedrig.h"

#include "life.h"

enum {
	PLACES = 8,
	REST = PLACES - 2, /* beside ops_server and an administrator */
	SHORT_MS = 1500,   /* for what is not to come; back-off is 1000 */
};

static int fetch_within(struct trust *t, uint64_t ms)
{
	const struct watch_patience p = {.timeout_ms = ms};

	usleep(2000); /* what was asked in this millisecond would do */
	return watch_fetch(t->watch, &p, &err);
}

static void heard(struct trust *t)
{
	if (fetch_within(t, TIMEOUT_MS))
		fail_msg("%s", err.s);
}

static int load_within(const char *name, uint64_t ms, struct trust **t)
{
	const struct watch_patience p = {.timeout_ms = ms};
	struct trust_files files = files_of(name);

	return watch_load(t, &files, called, NULL, &p, &err);
}

static struct trust *load(const char *name)
{
	struct trust *t;

	if (load_within(name, TIMEOUT_MS, &t))
		fail_msg("%s: %s", name, err.s);
	return t;
}

static void turned_away(const char *name)
{
	struct trust *t;
	int rc = load_within(name, SHORT_MS, &t);

	if (rc != -ETIMEDOUT)
		fail_msg("%s: %d, %s", name, rc, err.s);
}

/* Does it still have the connection that it had? */
static bool holds(struct trust *t)
{
	watch_step(t->watch);
	return watch_why(t->watch)[0] == 0;
}

/* How many of that name are connected; none of them has been called a copy. */
static int watching(const char *name)
{
	static char all[16 << 10];
	struct cursor body;
	struct pollfd p;
	uint8_t kind;
	char line[64];
	const char *at;
	int n = 0;

	assert_int_equal(mgrlink_put(&admin, MGR_DO, "status", 6), 0);
	for (;;) {
		assert_int_equal(mgrlink_carry(&admin), 0);
		if (mgrlink_take(&admin, &kind, &body))
			break;
		p = (struct pollfd){.fd = admin.fd, .events = mgrlink_events(&admin)};
		assert_int_equal(poll(&p, 1, TIMEOUT_MS), 1);
	}
	assert_int_equal(cursor_u32(&body), 0);
	snprintf(all, sizeof all, "%.*s", (int)body.left, (const char *)body.p);
	assert_non_null(strstr(all, "copies 0\n"));
	snprintf(line, sizeof line, "watching %s ", name);
	for (at = all; (at = strstr(at, line)) != NULL; at++)
		n++;
	return n;
}

static int logged(const char *what)
{
	static char line[1024];
	FILE *log = fopen(mgr_log, "r");
	int n = 0;

	assert_non_null(log);
	while (fgets(line, sizeof line, log))
		n += strstr(line, what) != NULL;
	fclose(log);
	return n;
}

static void done_by(struct mgrlink *l, const char *line)
{
	struct mgrlink kept = admin;

	admin = *l;
	done(line);
	*l = admin;
	admin = kept;
}

/* ---- tests ---- */

/* a has all that there are; b comes. */
static void test_one_keeps_nobody_out(void **state)
{
	struct trust *a[REST], *b;
	struct life life;
	int i;

	for (i = 0; i < REST; i++)
		a[i] = load("a");
	turned_away("a");
	assert_int_equal(watching("a"), REST);
	for (i = 0; i < REST; i++)
		assert_true(holds(a[i])); /* what it asks for more costs none of its own */
	for (i = 0; i < REST; i++)
		if (i != 2)
			heard(a[i]); /* so 2 is silent longest */
	life_read(&life);
	b = load("b");
	assert_int_equal(watching("a"), REST - 1);
	assert_int_equal(watching("b"), 1);
	assert_int_equal(watching("zone"), 1);
	for (i = 0; i < REST; i++)
		assert_int_equal(holds(a[i]), i != 2);

	assert_int_equal(fetch_within(a[2], SHORT_MS), -ETIMEDOUT); /* again and again */
	for (i = 0; i < REST; i++)
		if (i != 2)
			assert_true(holds(a[i]));
	assert_true(holds(b));
	assert_int_equal(watching("zone"), 1);
	assert_int_equal(logged("places are taken; "), 1);

	trust_drop(a[0]);
	heard(a[2]); /* there is room, and its ticket is still good */
	assert_int_equal(watching("a"), REST - 1);
	assert_true(life_is(&life));
	for (i = 1; i < REST; i++)
		trust_drop(a[i]);
	trust_drop(b);
}

/* Until all have the same: then the newcomer is turned away, whoever it is. */
static void test_shares_are_equal(void **state)
{
	struct trust *a[REST], *b[REST / 2];
	int i;

	for (i = 0; i < REST; i++)
		a[i] = load("a");
	for (i = 0; i < REST / 2; i++)
		b[i] = load("b");
	assert_int_equal(watching("a"), REST / 2);
	assert_int_equal(watching("b"), REST / 2);
	turned_away("b");
	assert_int_equal(watching("a"), REST / 2);
	assert_int_equal(watching("b"), REST / 2);
	assert_int_equal(watching("zone"), 1);
	for (i = 0; i < REST; i++)
		trust_drop(a[i]);
	for (i = 0; i < REST / 2; i++)
		trust_drop(b[i]);
}

/* Administrators have them all. The one that has been silent longest waits for its answer, since a
 * does not take what it is told. */
static void test_who_waits_keeps_its_place(void **state)
{
	struct trust *a = load("a"), *b;
	struct mgrlink held[REST - 1];
	int i;

	for (i = 0; i < REST - 1; i++) {
		held[i] = admin;
		admin = (struct mgrlink){.fd = -1};
		connect_admin();
	}
	assert_int_equal(mgrlink_put(&held[0], MGR_DO, "rotate ra", 9), 0);
	assert_int_equal(mgrlink_carry(&held[0]), 0);
	for (i = 1; i < REST - 1; i++)
		done_by(&held[i], "status");
	done("status");
	b = load("b");
	assert_int_equal(watching("b"), 1);
	done_by(&held[0], "status"); /* takes the answer of the change */
	assert_non_null(strstr(answer, "connected nodes have it"));
	for (i = 0; i < REST - 1; i++)
		mgrlink_close(&held[i]);
	trust_drop(a);
	trust_drop(b);
}

static int begin_full(void **state)
{
	snprintf(mgr_log, sizeof mgr_log, "%s/mgr.log", ca);
	unlink(mgr_log);
	return begin_managed(state);
}

#define FULL(t) cmocka_unit_test_setup_teardown(t, begin_full, end_managed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(test_one_keeps_nobody_out),
		FULL(test_shares_are_equal),
		FULL(test_who_waits_keeps_its_place),
	};
	char places[8];

	if (managed_find())
		return 1;
	snprintf(places, sizeof places, "%d", PLACES);
	connections = places;
	return cmocka_run_group_tests(tests, setup, teardown);
}
