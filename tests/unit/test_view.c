/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_view.c - scope: common/view.h: bytes that are a view and bytes that are none, which channel is
 * in which range, members and keys, the lease, and old versions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sodium.h>

#include "../mgrrig.h"
#include "../rig.h"

#include "clock.h"

enum { CHANNELS = 8, RING = 4096, LEASE = 60000 };

static struct region region;
static uint8_t bytes[VIEW_BYTES_MAX];
static const uint8_t master[TABLE_MASTER] = {7};
static struct err_text err;

static struct table *table_of_two(void)
{
	struct table *t = table_create();

	rig_linef(t, "node a %s", rig_hex('a'));
	rig_linef(t, "node b %s", rig_hex('b'));
	rig_linef(t, "node srv %s", rig_hex('c'));
	rig_linef(t, "range ra pool 0 end kv 0 3 %s", rig_hex('1'));
	rig_linef(t, "range rb pool 0 end kv 4 7 %s", rig_hex('2'));
	rig_line(t, "grant a ra write");
	rig_line(t, "grant b rb read");
	rig_line(t, "grant srv ra write");
	rig_line(t, "grant srv rb write");
	return t;
}

static size_t view_for(const struct table *t, char digit, unsigned roles)
{
	struct peer p = rig_peer(digit, roles);
	size_t len = table_view(t, &p, LEASE, master, bytes, sizeof bytes);

	assert_true(len > 0);
	return len;
}

static struct view *view_with(const struct table *t, char digit, unsigned roles)
{
	struct view *v = view_create(VIEW_POOL);
	size_t len = view_for(t, digit, roles);

	assert_int_equal(view_set(v, bytes, len, clock_ms(), &err), 0);
	view_place(v, &region, "kv");
	return v;
}

static void test_own(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'a', PEER_DB);
	struct view_grant g, other;

	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	assert_string_equal(g.range, "ra");
	assert_int_equal(g.right, RIGHT_WRITE);
	assert_int_equal(view_own(v, "kv", 3, &g, &err), 0);
	assert_int_equal(view_own(v, "kv", 4, &other, &err), -EACCES);
	assert_non_null(strstr(err.s, "no right to channel 4"));
	assert_int_equal(view_own(v, "kv", CHANNELS, &other, &err), -EACCES);
	assert_int_equal(view_own(v, "ops", 0, &other, &err), -EACCES);
	assert_true(view_may(v, "kv", 1));
	assert_false(view_may(v, "kv", 5));
	view_drop(v);
	v = view_with(t, 'b', PEER_DB);
	assert_int_equal(view_own(v, "kv", 4, &other, &err), 0);
	assert_int_equal(other.right, RIGHT_READ);
	assert_memory_not_equal(g.key, other.key, VIEW_KEY);
	assert_int_not_equal(g.key_id, other.key_id);
	view_drop(v);
	table_destroy(t);
}

/* After a rotation nobody has the key of before: not who fetches his view, nor who still goes by the old one. */
static void test_rotated(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'c', PEER_SERVES_KV);
	struct view_grant was, now, other;
	enum view_right right;

	assert_int_equal(view_own(v, "kv", 0, &was, &err), 0);
	assert_int_equal(view_own(v, "kv", 4, &other, &err), 0);
	assert_int_equal(view_peer(v, "kv", 0, rig_peer('a', PEER_DB).print, was.key_id, &right, &err), 0);
	rig_linef(t, "rotate ra %s", rig_hex('3'));
	view_drop(v);
	v = view_with(t, 'c', PEER_SERVES_KV);
	assert_int_equal(view_own(v, "kv", 0, &now, &err), 0);
	assert_memory_not_equal(was.key, now.key, VIEW_KEY);
	assert_int_not_equal(was.key_id, now.key_id);
	assert_int_equal(view_peer(v, "kv", 0, rig_peer('a', PEER_DB).print, was.key_id, &right, &err), -ESTALE);
	assert_int_equal(view_own(v, "kv", 4, &now, &err), 0); /* of another range */
	assert_memory_equal(other.key, now.key, VIEW_KEY);
	view_drop(v);
	table_destroy(t);
}

/* Who is no server of that service sees no members, whatever its right. */
static void test_members(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'c', PEER_SERVES_KV);
	struct peer a = rig_peer('a', 0), b = rig_peer('b', 0), stranger = rig_peer('d', 0);
	struct view_grant g;
	enum view_right right;

	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	assert_int_equal(view_peer(v, "kv", 0, a.print, 0, &right, &err), 0);
	assert_int_equal(right, RIGHT_WRITE);
	assert_int_equal(view_peer(v, "kv", 0, a.print, g.key_id, &right, &err), 0);
	assert_int_equal(view_peer(v, "kv", 0, a.print, g.key_id + 1, &right, &err), -ESTALE);
	assert_int_equal(view_peer(v, "kv", 0, b.print, 0, &right, &err), -EACCES);
	assert_int_equal(view_peer(v, "kv", 4, b.print, 0, &right, &err), 0);
	assert_int_equal(right, RIGHT_READ);
	assert_int_equal(view_peer(v, "kv", 4, stranger.print, 0, &right, &err), -EACCES);
	assert_non_null(strstr(err.s, "no right to range \"rb\""));
	view_drop(v);
	/* who may only ask serves nobody, whatever they may */
	rig_line(t, "grant srv ra read");
	v = view_with(t, 'c', PEER_SERVES_KV);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	assert_int_equal(view_peer(v, "kv", 0, a.print, 0, &right, &err), -EACCES);
	assert_non_null(strstr(err.s, "no right to write to range \"ra\""));
	assert_int_equal(view_peer(v, "kv", 4, b.print, 0, &right, &err), 0);
	view_drop(v);
	v = view_with(t, 'c', PEER_SERVES_OPS); /* of another service */
	assert_int_equal(view_peer(v, "kv", 0, a.print, 0, &right, &err), -EACCES);
	view_drop(v);
	table_destroy(t);
}

static void test_unknown_certificate(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'd', PEER_DB);
	struct view_grant g;
	struct view_state s;

	assert_int_equal(view_own(v, "kv", 0, &g, &err), -EACCES);
	assert_non_null(strstr(err.s, "does not know this node's certificate"));
	view_state(v, &s);
	assert_false(s.known);
	view_drop(v);
	table_destroy(t);
}

/* By address: a channel is in a range when all of it is. */
static void test_addresses(void **state)
{
	struct table *t = table_create();
	uint64_t stride = region_stride(RING);
	uint64_t first = region.off + (uint64_t)(region_service(&region, "kv")->channels - region.base);
	struct view *v;

	rig_linef(t, "node a %s", rig_hex('a'));
	rig_linef(t, "range low pool 0 %llu * 0 65535 %s", (unsigned long long)(first + 2 * stride), rig_hex('1'));
	rig_linef(t, "range high pool %llu %llu kv 0 65535 %s", (unsigned long long)(first + 2 * stride + 1),
		(unsigned long long)(first + 4 * stride), rig_hex('2'));
	rig_linef(t, "range far other 0 end * 0 65535 %s", rig_hex('3'));
	rig_line(t, "grant a low read");
	rig_line(t, "grant a high read");
	rig_line(t, "grant a far read");
	v = view_with(t, 'a', PEER_DB);
	assert_true(view_may(v, "kv", 0));
	assert_true(view_may(v, "kv", 1));
	assert_false(view_may(v, "kv", 2)); /* its first byte is outside */
	assert_true(view_may(v, "kv", 3));
	assert_false(view_may(v, "kv", 4));
	view_drop(v);
	table_destroy(t);
}

static void test_lease(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_create(VIEW_POOL);
	size_t len = view_for(t, 'a', PEER_DB);
	uint64_t now = clock_ms(), seen;
	struct view_grant g;
	struct view_state s;

	view_place(v, &region, "kv");
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "has not answered"));
	assert_int_equal(view_set(v, bytes, len, 0, &err), 0); /* nobody asked: no lease */
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -ETIMEDOUT);
	assert_int_equal(view_set(v, bytes, len, now - LEASE + 30, &err), 0);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	seen = *view_seen(v);
	view_tick(v, now);
	assert_int_equal(*view_seen(v), seen);
	view_tick(v, now + 30);
	assert_int_not_equal(*view_seen(v), seen);
	seen = *view_seen(v);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "lease has ended"));
	view_state(v, &s);
	assert_false(s.holds);
	view_confirm(v, s.version + 1, now); /* of something else */
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -ETIMEDOUT);
	view_confirm(v, s.version, now);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	assert_int_not_equal(*view_seen(v), seen);
	/* news that nobody asked for say nothing of it: neither that it has ended nor that it goes on */
	view_state(v, &s);
	assert_int_equal(view_set(v, bytes, len, 0, &err), 0);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	now = s.until_ms;
	view_state(v, &s);
	assert_int_equal(s.until_ms, now);
	/* it ends by itself, whether somebody steps or not */
	assert_int_equal(view_set(v, bytes, len, clock_ms() - LEASE + 30, &err), 0);
	usleep(40000);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -ETIMEDOUT);
	assert_false(view_may(v, "kv", 0));
	view_state(v, &s);
	assert_false(s.holds);
	view_drop(v);
	table_destroy(t);
}

static void test_old_table(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'a', PEER_DB);
	static uint8_t before[VIEW_BYTES_MAX];
	size_t len = view_for(t, 'a', PEER_DB);
	struct view_grant g;

	memcpy(before, bytes, len);
	rig_line(t, "revoke a *");
	assert_int_equal(view_set(v, bytes, view_for(t, 'a', PEER_DB), clock_ms(), &err), 0);
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -EACCES);
	assert_int_equal(view_set(v, before, len, clock_ms(), &err), -ESTALE);
	assert_non_null(strstr(err.s, "an old table"));
	assert_int_equal(view_own(v, "kv", 0, &g, &err), -EACCES);
	view_drop(v);
	table_destroy(t);
}

/* What is cut, longer or changed is refused or is another view; nothing is read beyond it. */
static void test_hostile_bytes(void **state)
{
	struct table *t = table_of_two();
	size_t len = view_for(t, 'c', PEER_SERVES_KV), i;
	uint64_t seed = 1, now = clock_ms();
	struct view *v = view_create(VIEW_POOL);
	uint8_t *copy;
	int k;

	view_place(v, &region, "kv");
	for (i = 0; i < len; i++) {
		copy = malloc(i ? i : 1); /* exactly that long: a sanitizer sees the rest */
		memcpy(copy, bytes, i);
		assert_int_equal(view_set(v, copy, i, now, &err), -EPROTO);
		free(copy);
	}
	bytes[len] = 0;
	assert_int_equal(view_set(v, bytes, len + 1, now, &err), -EPROTO);
	for (k = 0; k < 20000; k++) {
		struct view_grant g;
		enum view_right right;
		int rc;

		view_drop(v);
		v = view_create(VIEW_POOL);
		view_place(v, &region, "kv");
		copy = malloc(len);
		memcpy(copy, bytes, len);
		for (i = rig_below(&seed, 4); i < 4; i++)
			copy[rig_below(&seed, len)] = (uint8_t)rig_below(&seed, 256);
		rc = view_set(v, copy, len, now, &err);
		assert_true(rc == 0 || rc == -EPROTO);
		for (i = 0; i < CHANNELS && rc == 0; i++) {
			(void)!view_own(v, "kv", (uint32_t)i, &g, &err);
			(void)!view_peer(v, "kv", (uint32_t)i, master, 0, &right, &err);
		}
		free(view_text(v));
		free(copy);
	}
	view_drop(v);
	table_destroy(t);
}

static void test_text_has_no_key(void **state)
{
	struct table *t = table_of_two();
	struct view *v = view_with(t, 'a', PEER_DB);
	struct view_grant g;
	char hex[2 * VIEW_KEY + 1], *text;

	assert_int_equal(view_own(v, "kv", 0, &g, &err), 0);
	sodium_bin2hex(hex, sizeof hex, g.key, VIEW_KEY);
	text = view_text(v);
	assert_non_null(strstr(text, "range ra pool pool from 0 to end service kv channels 0-3 right write"));
	assert_null(strstr(text, hex));
	hex[16] = 0;
	assert_null(strstr(text, hex));
	free(text);
	view_drop(v);
	table_destroy(t);
}

static int setup(void **state)
{
	struct service_format f = {"kv", CHANNELS, RING};

	if (sodium_init() < 0)
		return 1;
	return rig_region(&region, &f, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_rotated),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_unknown_certificate),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_old_table),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_text_has_no_key),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
