/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_mgr_table.c - scope: ops-server/mgr_table.h: each line that changes the table and each that is
 * refused, which leaves it as it was; the table as lines; keys; random lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sodium.h>

#include "../mgrrig.h"
#include "../rig.h"

static struct err_text err;

static struct table *small_table(void)
{
	struct table *t = table_create();

	rig_linef(t, "node web1 %s", rig_hex('a'));
	rig_linef(t, "range r1 pool 0 4096 kv 0 3 %s", rig_hex('1'));
	rig_line(t, "grant web1 r1 write");
	return t;
}

/* Refused with that, and nothing is changed. */
static void refused(struct table *t, int rc, const char *line)
{
	struct table *before = malloc(sizeof *before);

	memcpy(before, t, sizeof *t);
	if (table_try(t, line, &err) != rc || table_apply(t, line, &err) != rc)
		fail_msg("\"%s\": not %d: %s", line, rc, err.s);
	assert_true(err.s[0] != 0);
	assert_memory_equal(before, t, sizeof *t);
	free(before);
}

static void test_lines(void **state)
{
	struct table *t = small_table();

	assert_int_equal(t->version, 3);
	rig_linef(t, "node web1 %s", rig_hex('b')); /* another certificate */
	rig_linef(t, "rotate r1 %s", rig_hex('2'));
	rig_line(t, "grant web1 r1 read");
	assert_int_equal(t->right[0][0], RIGHT_READ);
	rig_line(t, "revoke web1 r1");
	rig_line(t, "revoke web1 r1"); /* is no error: it has none */
	rig_line(t, "grant web1 r1 write");
	rig_line(t, "revoke web1 *");
	assert_int_equal(t->right[0][0], RIGHT_NONE);
	rig_line(t, "grant web1 r1 write");
	rig_line(t, "drop-range r1");
	assert_int_equal(t->right[0][0], RIGHT_NONE);
	rig_line(t, "drop-node web1");
	assert_int_equal(t->version, 13);
	rig_linef(t, "range r2 pool 0 end * 0 65535 %s", rig_hex('1')); /* has no right of r1's */
	rig_linef(t, "node db %s", rig_hex('b'));
	assert_int_equal(t->right[0][0], RIGHT_NONE);
	table_destroy(t);
}

static void test_dropped_leaves_nothing(void **state)
{
	struct table *t = small_table();

	rig_line(t, "drop-node web1");
	rig_linef(t, "node web2 %s", rig_hex('a'));
	assert_int_equal(t->right[0][0], RIGHT_NONE);
	table_destroy(t);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"", " ", "node", "nodes a b", "node web2", "node web2 12",
		"node  web2 x", "grant web1 r1", "grant web1 r1 none", "grant web1 r1 all", "grant web1 r1 read x",
		" grant web1 r1 read", "grant web1 r1 read ", "grant web1\tr1 read", "rotate r1", "revoke web1",
		"range r2 pool 0 end kv 0 3", "drop-node", "drop-range r1 r2", "grant web1 r1 read\n"};
	struct table *t = small_table();
	char line[TABLE_LINE + 200];
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(t, -EINVAL, bad[i]);
	refused(t, -ENOENT, "grant web2 r1 read");
	refused(t, -ENOENT, "grant web1 r2 read");
	refused(t, -ENOENT, "revoke web2 *");
	refused(t, -ENOENT, "drop-node web2");
	refused(t, -ENOENT, "drop-range r2");
	snprintf(line, sizeof line, "node web2 %s", rig_hex('a'));
	refused(t, -EEXIST, line);
	assert_non_null(strstr(err.s, "web1"));
	snprintf(line, sizeof line, "node web2/ %s", rig_hex('b'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "node web2 %s", rig_hex('A'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "node %0*d %s", VIEW_NAME + 1, 0, rig_hex('b'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "range r1 pool 8192 end kv 0 3 %s", rig_hex('1'));
	refused(t, -EEXIST, line);
	snprintf(line, sizeof line, "range r2 pool 4095 end * 3 9 %s", rig_hex('1'));
	refused(t, -EEXIST, line);
	assert_non_null(strstr(err.s, "r1"));
	snprintf(line, sizeof line, "range r2 pool 9 9 kv 0 3 %s", rig_hex('1'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "range r2 pool 0 end kv 3 2 %s", rig_hex('1'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "range r2 pool -1 end kv 3 4 %s", rig_hex('1'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "range r2 pool 0 18446744073709551616 kv 3 4 %s", rig_hex('1'));
	refused(t, -EINVAL, line);
	snprintf(line, sizeof line, "range r2 pool 0 end kv 0 65536 %s", rig_hex('1'));
	refused(t, -EINVAL, line);
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = 0;
	refused(t, -EINVAL, line);
	table_destroy(t);
}

/* Those that do not meet. */
static void test_neighbours(void **state)
{
	struct table *t = small_table();

	rig_linef(t, "range r2 pool 4096 end kv 0 3 %s", rig_hex('1'));
	rig_linef(t, "range r3 pool 0 4096 kv 4 9 %s", rig_hex('1'));
	rig_linef(t, "range r4 pool 0 4096 ops 0 3 %s", rig_hex('1'));
	rig_linef(t, "range r5 other 0 4096 kv 0 3 %s", rig_hex('1'));
	table_destroy(t);
}

static void test_full(void **state)
{
	struct table *t = table_create();
	char line[TABLE_LINE];
	int i;

	for (i = 0; i < TABLE_NODES; i++)
		rig_linef(t, "node n%d %064x", i, (unsigned)i);
	snprintf(line, sizeof line, "node more %s", rig_hex('f'));
	refused(t, -EUSERS, line);
	for (i = 0; i < TABLE_RANGES; i++)
		rig_linef(t, "range r%d pool %d %d kv 0 3 %s", i, i, i + 1, rig_hex('1'));
	snprintf(line, sizeof line, "range more pool 5000 5001 kv 0 3 %s", rig_hex('f'));
	refused(t, -EUSERS, line);
	for (i = 0; i < TABLE_GRANTS; i++)
		rig_linef(t, "grant n%d r%d write", i / TABLE_RANGES, i % TABLE_RANGES);
	refused(t, -EUSERS, "grant n500 r0 read");
	rig_line(t, "grant n0 r0 read"); /* is none more */
	rig_line(t, "revoke n0 r1");
	rig_line(t, "grant n500 r0 read");
	table_destroy(t);
}

/* The largest view fits. */
static void test_largest_view(void **state)
{
	struct table *t = table_create();
	uint8_t *bytes = malloc(VIEW_BYTES_MAX), master[TABLE_MASTER] = {1};
	struct peer p = {.roles = PEER_SERVES_KV};
	struct view *v = view_create(VIEW_POOL);
	size_t len;
	int i;

	for (i = 0; i < 32; i++)
		rig_linef(t, "node n%d %064x", i, (unsigned)i);
	for (i = 0; i < TABLE_RANGES; i++)
		rig_linef(t, "range %.*s%03d %s %lld %lld kv 0 65535 %s", 29, rig_hex('r'), i, "pppppppppppppppppppppppppppppppp",
			(long long)i, (long long)i + 1, rig_hex('1'));
	for (i = 0; i < TABLE_GRANTS; i++)
		rig_linef(t, "grant n%d %.*s%03d write", i / TABLE_RANGES, 29, rig_hex('r'), i % TABLE_RANGES);
	len = table_view(t, &p, 1000, master, bytes, VIEW_BYTES_MAX);
	assert_true(len > 0);
	print_message("%zu bytes\n", len);
	assert_int_equal(view_set(v, bytes, len, 1, &err), 0);
	assert_int_equal(table_view(t, &p, 1000, master, bytes, len - 1), 0);
	view_drop(v);
	free(bytes);
	table_destroy(t);
}

static int again(void *arg, const char *line)
{
	rig_line(arg, line);
	return 0;
}

static int stop(void *arg, const char *line)
{
	return --*(int *)arg ? 0 : -7;
}

static void test_as_lines(void **state)
{
	struct table *t = small_table(), *copy = table_create();
	int n = 2;

	rig_linef(t, "range r2 pool 4096 end * 0 65535 %s", rig_hex('2'));
	rig_linef(t, "node srv %s", rig_hex('b'));
	rig_line(t, "grant srv r2 read");
	assert_int_equal(table_each(t, again, copy), 0);
	assert_memory_equal(t->node, copy->node, sizeof t->node);
	assert_memory_equal(t->range, copy->range, sizeof t->range);
	assert_memory_equal(t->right, copy->right, sizeof t->right);
	assert_int_equal(table_each(t, stop, &n), -7);
	table_destroy(t);
	table_destroy(copy);
}

static void test_print_has_no_salt(void **state)
{
	struct table *t = small_table();
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	table_print(t, f);
	fclose(f);
	assert_non_null(strstr(text, "range r1 pool 0 4096 kv 0 3 key 1111111111111111\n"));
	assert_null(strstr(text, rig_hex('1')));
	assert_non_null(strstr(text, "grant web1 r1 write\n"));
	free(text);
	table_destroy(t);
}

static void test_keys(void **state)
{
	uint8_t a[TABLE_SALT] = {1}, b[TABLE_SALT] = {2}, master[TABLE_MASTER] = {3}, other[TABLE_MASTER] = {4};
	uint8_t k1[VIEW_KEY], k2[VIEW_KEY];

	table_key(k1, a, master);
	table_key(k2, a, master);
	assert_memory_equal(k1, k2, VIEW_KEY);
	table_key(k2, b, master);
	assert_memory_not_equal(k1, k2, VIEW_KEY);
	table_key(k2, a, other);
	assert_memory_not_equal(k1, k2, VIEW_KEY);
}

/* Whatever comes: it is taken, or nothing has changed; and the table can be told in lines. */
static void test_random_lines(void **state)
{
	static const char *const words[] = {"node", "range", "grant", "revoke", "rotate", "drop-node",
		"drop-range", "a", "b", "r1", "r2", "*", "0", "7", "end", "kv", "ops", "read", "write",
		"1111111111111111111111111111111111111111111111111111111111111111",
		"2222222222222222222222222222222222222222222222222222222222222222", "pool", "\x01", "%s"};
	struct table *t = table_create(), *copy = table_create();
	uint64_t seed = 1, taken = 0;
	int i, k;

	for (i = 0; i < 300000; i++) {
		char line[1000] = "";
		int n = (int)rig_below(&seed, 10);

		for (k = 0; k < n; k++) {
			strcat(line, words[rig_below(&seed, sizeof words / sizeof words[0])]);
			if (k + 1 < n)
				strcat(line, " ");
		}
		/* Half of them make sense. */
		if (i % 2)
			snprintf(line, sizeof line, i % 4 == 1 ? "grant %s %s %s" : i % 8 == 3 ? "revoke %s %s" : "node %s %s%.0s",
				words[7 + rig_below(&seed, 2)], i % 8 == 7 ? words[19 + rig_below(&seed, 2)] : words[9 + rig_below(&seed, 2)],
				words[17 + rig_below(&seed, 2)]);
		if (rig_below(&seed, 50) == 0)
			snprintf(line, sizeof line, "range r%d pool %d end kv 0 9 %s", (int)rig_below(&seed, 3), (int)rig_below(&seed, 3), words[19]);
		taken += table_apply(t, line, &err) == 0;
	}
	print_message("%llu lines taken\n", (unsigned long long)taken);
	assert_true(taken > 1000);
	assert_int_equal(t->version, taken);
	assert_int_equal(table_each(t, again, copy), 0);
	table_destroy(t);
	table_destroy(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_dropped_leaves_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_largest_view),
		cmocka_unit_test(test_as_lines),
		cmocka_unit_test(test_print_has_no_salt),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_random_lines),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
