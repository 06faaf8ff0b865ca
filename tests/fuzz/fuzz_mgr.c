/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_mgr.c - hostile bytes as a node's view, as lines of the manager's table, and as its journal.
 *
 * The first byte says which. A view that is taken can be asked anything; a line is taken whole or
 * changes nothing, and the table can be told in lines again; a journal's lines have no valid MAC, so
 * none is taken.
 */
#include "../rig.h"

#include <sodium.h>

#include "../../ops-server/mgr_journal.h"
#include "clock.h"

static struct region region;

static void set_up(void)
{
	struct service_format f = {"kv", 8, 4096};

	if (sodium_init() < 0 || rig_region(&region, &f, 1))
		abort();
}

static void as_view(const uint8_t *data, size_t size)
{
	struct view *v = view_create(VIEW_POOL);
	struct err_text e = {""};
	struct view_grant g;
	enum view_right right;
	uint32_t i;
	char *text;

	view_place(v, &region, "kv");
	if (view_set(v, data, size, clock_ms(), &e) == 0) {
		for (i = 0; i < 9; i++) {
			if (view_own(v, "kv", i, &g, &e) == 0 && g.right > RIGHT_WRITE)
				abort();
			if (view_peer(v, "kv", i, data, 0, &right, &e) == 0 && right == RIGHT_NONE)
				abort();
		}
		text = view_text(v);
		free(text);
	}
	view_drop(v);
}

static int again(void *arg, const char *line)
{
	struct err_text e;

	if (table_apply(arg, line, &e))
		abort();
	return 0;
}

static void as_lines(const uint8_t *data, size_t size)
{
	static struct table t, before, copy;
	struct err_text e;
	char line[600];
	size_t at, n;

	memset(&t, 0, sizeof t);
	for (at = 0; at < size; at += n + 1) {
		const uint8_t *end = memchr(data + at, '\n', size - at);

		n = end ? (size_t)(end - data) - at : size - at;
		if (n >= sizeof line)
			break;
		memcpy(line, data + at, n);
		line[n] = 0;
		memcpy(&before, &t, sizeof t);
		if (table_apply(&t, line, &e) && memcmp(&before, &t, sizeof t) != 0)
			abort();
	}
	memset(&copy, 0, sizeof copy);
	(void)!table_each(&t, again, &copy);
}

static void as_journal(const uint8_t *data, size_t size)
{
	static uint8_t key[32];
	static struct table t;
	struct journal j = {.fd = -1, .master = key, .mac_key = key};
	struct err_text e;

	memset(&t, 0, sizeof t);
	if (journal_read(&j, &t, (const char *)data, size, &e) > 0 || t.version != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!region.base)
		set_up();
	if (size < PEER_PRINT)
		return 0;
	if (data[0] % 3 == 0)
		as_view(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		as_lines(data + 1, size - 1);
	else
		as_journal(data + 1, size - 1);
	return 0;
}
