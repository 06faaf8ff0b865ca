/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_manager.c - scope: cxl_sec_mgr, ops_server and clients together: who gets in, revocation and
 * another key while channels are open, leases, what a neighbour in the same region has (ciphertext),
 * what a certificate without the key is worth (nothing), an old table put back. Needs the
 * programs that were built beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../managedrig.h"

#include <sys/syscall.h>

#include "life.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { ROUNDS = 5, TIMED = 0 }; /* of a figure that a sanitizer's time is in anyway */
#else
enum { ROUNDS = 20, TIMED = 1 };
#endif
enum { STRANGERS = 600 /* more than CALLERS */ };

static const char canary[] = "what the other tenant may not read";

static bool readable(const void *what, size_t len)
{
	return memmem(f.r.base, f.r.size, what, len) != NULL;
}

/* ---- tests ---- */

static void test_rights(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT), *b = client_as("b", ROLE_DB), *c;

	assert_int_equal(ask_lt(a), 0);
	assert_true(a->chan.index <= 3);
	assert_int_equal(ask_lt(b), 0);
	assert_true(b->chan.index >= 4);
	c = client_as("b", ROLE_CLIENT); /* its certificate says so, its right does not */
	assert_int_equal(ask_lt(c), -EACCES);
	assert_non_null(strstr(err.s, "right to read alone"));
	leave(c);
	done("grant b rb write");
	c = client_as("b", ROLE_CLIENT);
	assert_int_equal(ask_lt(c), 0);
	leave(c);
	c = client_as("unknown", ROLE_DB);
	assert_int_equal(ask_lt(c), -EACCES);
	assert_non_null(strstr(err.s, "does not know this node's certificate"));
	leave(c);
	leave(a);
	leave(b);
}

static void test_all_channels_taken(void **state)
{
	struct ops_client *a[4], *more = client_as("a", ROLE_DB);
	int i;

	for (i = 0; i < 4; i++) {
		a[i] = client_as("a", ROLE_DB);
		assert_int_equal(ask_lt(a[i]), 0);
	}
	assert_int_equal(ask_lt(more), -EUSERS); /* b's are free */
	for (i = 0; i < 4; i++)
		leave(a[i]);
	leave(more);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Ask, and time how long the open channel of who asks nothing lives after the command. */
static void test_revoked_while_open(void **state)
{
	uint64_t took[ROUNDS], most = 0, sum = 0;
	struct ops_client *b = client_as("b", ROLE_DB);
	int i;

	assert_int_equal(ask_lt(b), 0);
	for (i = 0; i < ROUNDS; i++) {
		struct ops_client *a = client_as("a", ROLE_CLIENT);
		uint64_t t0;

		assert_int_equal(ask(a, OPS_PING, canary, sizeof canary), 0);
		t0 = clock_ticks();
		assert_int_equal(mgrlink_put(&admin, MGR_DO, "revoke a ra", 11), 0);
		assert_int_equal(mgrlink_carry(&admin), 0);
		while (chan_state(&a->chan) == 0)
			assert_true(clock_to_ns(clock_ticks() - t0) / 1000000 < TIMEOUT_MS);
		took[i] = clock_to_ns(clock_ticks() - t0) / 1000;
		sum += took[i];
		most = took[i] > most ? took[i] : most;
		assert_int_equal(chan_state(&a->chan), -EPROTO);
		(void)!command("list"); /* takes the answer of the revocation ... */
		assert_non_null(strstr(answer, "version"));
		(void)!command("list"); /* ... and this its own */
		assert_int_equal(ask_lt(a), -EACCES);
		assert_non_null(strstr(err.s, "no right"));
		assert_int_equal(ask_lt(b), 0);
		leave(a);
		connect_admin();
		done("grant a ra write");
	}
	print_message("an open channel ends %.1f ms after the command, mean; at most %.1f\n",
		(double)sum / ROUNDS / 1000, (double)most / 1000);
	/* Who waited for nodes to ask again, at a quarter of a lease, would need 250 ms. */
	qsort(took, ROUNDS, sizeof took[0], by_size);
	assert_true(!TIMED || took[ROUNDS / 2] < 100000);
	leave(b);
}

/* Less is taken away at once as well. */
static void test_write_to_read(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT);
	struct bytes none = {NULL, 0};
	const uint8_t *got, client = ROLE_CLIENT;
	uint64_t len;

	assert_int_equal(ask_lt(a), 0);
	done("grant a ra read");
	assert_non_null(strstr(answer, " of ")); /* all have it by now */
	assert_int_equal(ops_call(a, OPS_PING, 0, fill, &none, TIMEOUT_MS, &got, &len, &err), 0);
	ops_done(a);
	assert_int_equal(ask(a, OPS_PROVE, &client, 1), -EACCES);
	assert_non_null(strstr(err.s, "right to read alone"));
	ops_release(a);
	assert_int_equal(ask_lt(a), -EACCES);
	leave(a);
}

/* A server that may only ask does not serve: not on channels that are open, nor on others. */
static void test_server_to_read(void **state)
{
	struct ops_client *a = client_as("a", ROLE_DB), *b = client_as("b", ROLE_DB);

	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(ask_lt(b), 0);
	done("grant zone ra read");
	assert_int_equal(ask_lt(a), -EACCES);
	assert_non_null(strstr(err.s, "refused"));
	assert_int_equal(ask_lt(b), 0);
	done("grant zone ra write");
	assert_int_equal(ask_lt(a), 0);
	leave(a);
	leave(b);
}

/* Channels go on, under the new key; nobody notices but the key. */
static void test_rotate(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT), *b = client_as("b", ROLE_DB);
	struct view_grant before, after;
	uint32_t b_gen;
	int i;

	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(ask_lt(b), 0);
	b_gen = b->chan.gen;
	for (i = 0; i < 5; i++) {
		assert_int_equal(view_own(a->trust->view, "ops", 0, &before, &err), 0);
		done("rotate ra");
		if (ask_lt(a))
			fail_msg("%s", err.s);
		assert_true(chan_sealed(&a->chan));
		assert_int_equal(view_own(a->trust->view, "ops", 0, &after, &err), 0);
		assert_int_not_equal(before.key_id, after.key_id);
		assert_memory_not_equal(before.key, after.key, VIEW_KEY);
	}
	assert_int_equal(ask_lt(b), 0);
	assert_int_equal(b->chan.gen, b_gen); /* another range's */
	leave(a);
	leave(b);
}

static void test_manager_dies(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT), *later = client_as("a", ROLE_DB);
	struct trust *t;
	uint64_t t0;
	int rc;

	assert_int_equal(ask_lt(a), 0);
	kill_manager();
	t0 = clock_ms();
	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(ask_lt(later), 0); /* a channel more, by a view that holds */
	while ((rc = ask_soon(a)) == 0)
		assert_true(clock_ms() - t0 < TIMEOUT_MS);
	print_message("%llu ms after its death, of a lease of %d\n",
		(unsigned long long)(clock_ms() - t0), LEASE);
	do /* the client's own lease may be a little longer */
		assert_int_not_equal(ask_soon(a), 0);
	while (!strstr(err.s, "lease has ended") && clock_ms() - t0 < TIMEOUT_MS);
	assert_non_null(strstr(err.s, "lease has ended"));
	assert_int_equal(load_rc("b", &t), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "no answer from the manager"));
	start_manager();
	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(ask_lt(later), 0);
	leave(a);
	leave(later);
}

/* ---- the other tenant ---- */

/* What a said and was answered lies in the region that b maps: as ciphertext. */
static void test_neighbour_reads_ciphertext(void **state)
{
	struct ops_client *a = client_as("a", ROLE_DB), *b = client_as("b", ROLE_DB);
	const struct service_geometry *g = region_service(&f.r, "ops");
	struct view_grant none;
	const uint8_t *ring;
	unsigned i, bytes = 0;

	for (i = 0; i < 50; i++)
		assert_int_equal(ask(a, OPS_PING, canary, sizeof canary), 0);
	assert_int_equal(ask_lt(b), 0); /* it is in, and maps all of the region */
	ring = chan_req_ring(g, a->chan.index);
	for (i = 0; i < 2 * RING; i++)
		bytes += ring[i] != 0;
	assert_true(bytes > 1000); /* much is there */
	assert_false(readable(canary, sizeof canary - 1));
	assert_false(readable(canary, 8));
	assert_int_equal(view_own(b->trust->view, "ops", a->chan.index, &none, &err), -EACCES);
	leave(a);
	leave(b);
}

/* A view of the attacker's own making: his channel range is whatever he likes. */
static struct view *forged_view(uint64_t key_id, const uint8_t key[VIEW_KEY])
{
	static uint8_t bytes[512];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct view *v = view_create(VIEW_POOL);

	writer_u64(&w, 1000);
	writer_u32(&w, 60000);
	writer_u8(&w, 1);
	writer_u16(&w, 1);
	writer_u8(&w, 2);
	writer_bytes(&w, "ra", 2);
	writer_u8(&w, 4);
	writer_bytes(&w, "pool", 4);
	writer_u64(&w, 0);
	writer_u64(&w, UINT64_MAX);
	writer_u8(&w, 0);
	writer_u32(&w, 0);
	writer_u32(&w, 3);
	writer_u8(&w, RIGHT_WRITE);
	writer_u64(&w, key_id);
	writer_bytes(&w, key, VIEW_KEY);
	writer_u32(&w, 0);
	assert_int_equal(view_set(v, bytes, sizeof bytes - w.left, clock_ms(), &err), 0);
	return v;
}

static struct ops_client *forger(const char *name, uint64_t key_id, const uint8_t key[VIEW_KEY])
{
	struct trust_files files = files_of(name);
	struct ops_client *c = client_open(ROLE_DB, NULL);
	struct view *v = forged_view(key_id, key);

	assert_int_equal(trust_load(&c->trust, &files, &err), 0);
	assert_int_equal(trust_manage(c->trust, v, &err), 0);
	view_drop(v);
	return c;
}

static struct view_grant grant_of(const char *name)
{
	struct ops_client *c = client_as(name, ROLE_DB);
	struct view_grant g;

	view_place(c->trust->view, &f.r, "ops");
	assert_int_equal(view_own(c->trust->view, "ops", 0, &g, &err), 0);
	leave(c);
	return g;
}

/* b on a's channels, though he knew a's key: his certificate has no right there. */
static void test_key_without_right(void **state)
{
	struct view_grant g = grant_of("a");
	struct ops_client *c = forger("b", g.key_id, g.key);

	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -EACCES);
	assert_non_null(strstr(err.s, "the manager gives it no right"));
	assert_false(readable(canary, sizeof canary - 1));
	leave(c);
}

/* a's certificate and right, stolen, and the id of the key; not the key. TLS goes through, and
 * then neither end can read the other. */
static void test_right_without_key(void **state)
{
	struct view_grant g = grant_of("a");
	struct ops_client *c, *a = client_as("a", ROLE_DB);
	struct bytes b = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;
	int rc;

	g.key[5] ^= 1;
	c = forger("a", g.key_id, g.key);
	rc = ops_call(c, OPS_PING, b.len, fill, &b, 1000, &got, &len, &err);
	assert_true(rc == -EPROTO || rc == -ETIMEDOUT);
	assert_false(readable(canary, sizeof canary - 1));
	leave(c);
	assert_int_equal(ask_lt(a), 0); /* the server lives */
	leave(a);
}

/* The key before this one: told so, and tried again until the time is up. */
static void test_old_key(void **state)
{
	struct view_grant g = grant_of("a");
	struct ops_client *c;
	struct bytes b = {canary, sizeof canary};
	const uint8_t *got;
	uint64_t len;

	done("rotate ra");
	c = forger("a", g.key_id, g.key);
	assert_int_equal(ops_call(c, OPS_PING, b.len, fill, &b, 1000, &got, &len, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.s, "another key"));
	leave(c);
}

/* No manager at the client's end: told so at the server's, refused at both. */
static void test_client_without_manager(void **state)
{
	struct trust_files files = files_of("a");
	struct ops_client *c = client_open(ROLE_DB, NULL);

	assert_int_equal(trust_load(&c->trust, &files, &err), 0);
	assert_int_equal(ask(c, OPS_PING, canary, sizeof canary), -EACCES);
	assert_non_null(strstr(err.s, "the manager gives it no right"));
	leave(c);
}

/* ---- the manager's door ---- */

static void test_only_admins_change(void **state)
{
	struct trust_files files = files_of("a");
	struct trust *kept = admin_trust;

	assert_int_equal(trust_load(&admin_trust, &files, &err), 0);
	connect_admin();
	assert_int_equal(command("grant a rb write"), -EACCES);
	assert_non_null(strstr(answer, "has not the role admin"));
	assert_int_equal(command("list"), -EACCES);
	assert_int_equal(command("status"), -EACCES);
	trust_drop(admin_trust);
	admin_trust = kept;
	connect_admin();
	done("list");
	assert_null(strstr(answer, "grant a rb"));
}

/* Lines that are none, messages that are none: that caller goes, the others do not notice. */
static void test_hostile_messages(void **state)
{
	uint64_t seed = 1;
	uint8_t bytes[MGR_REQUEST_MAX];
	int i, k, closed = 0;

	for (i = 0; i < 40; i++) {
		size_t len = rig_below(&seed, sizeof bytes);

		for (k = 0; k < (int)len; k++)
			bytes[k] = (uint8_t)rig_below(&seed, 256);
		assert_int_equal(mgrlink_put(&admin, (uint8_t)(i % 4 ? rig_below(&seed, 256) : MGR_DO), bytes, len), 0);
		for (k = 0; k < 20 && mgrlink_carry(&admin) == 0; k++)
			usleep(1000);
		closed += k < 20;
		connect_admin();
	}
	assert_true(closed > 10);
	done("list");
	assert_non_null(strstr(answer, "node a "));
}

/* Strangers without a word, more than there are places. */
static void test_strangers(void **state)
{
	struct sockaddr_storage at[MGR_ADDRESSES];
	socklen_t len[MGR_ADDRESSES];
	struct ops_client *a = client_as("a", ROLE_DB), *late;
	int fd[STRANGERS], i;

	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(mgrlink_resolve(address, at, len, &err), 1);
	for (i = 0; i < STRANGERS; i++)
		fd[i] = mgrlink_dial(&at[0], len[0]);
	done("rotate ra"); /* who is in is heard */
	assert_int_equal(ask_lt(a), 0);
	late = client_as("a", ROLE_DB); /* and a new one finds a place */
	assert_int_equal(ask_lt(late), 0);
	for (i = 0; i < STRANGERS; i++)
		close(fd[i]);
	leave(a);
	leave(late);
}

/* ---- an old table ---- */

static void test_old_table_put_back(void **state)
{
	struct ops_client *a = client_as("a", ROLE_DB);
	char text[256];
	uint64_t t0;

	snprintf(text, sizeof text, "cp -r %s %s.old", store, store);
	assert_int_equal(system(text), 0);
	assert_int_equal(ask_lt(a), 0);
	done("revoke a ra");
	assert_int_not_equal(ask_lt(a), 0);
	kill_manager();
	snprintf(text, sizeof text, "rm -r %s && mv %s.old %s", store, store, store);
	assert_int_equal(system(text), 0);
	start_manager(); /* a has its right there */
	leave(a);
	for (t0 = clock_ms(); clock_ms() - t0 < 2 * LEASE;) {
		a = client_as("a", ROLE_DB);
		assert_int_not_equal(ask_soon(a), 0); /* but the server knows better */
		leave(a);
	}
}

/* ---- copies ---- */

static int fetch(struct trust *t)
{
	const struct watch_patience p = {.timeout_ms = TIMEOUT_MS};

	usleep(2000); /* what was asked in this millisecond would do */
	return watch_fetch(t->watch, &p, &err);
}

static uint64_t copies(void)
{
	const char *at;

	done("status");
	at = strstr(answer, "copies ");
	assert_non_null(at);
	return strtoull(at + strlen("copies "), NULL, 10);
}

/* A copy of this process that does not know it: past the C library, which would tell it. It asks
 * that many times, by connections of its own. Was it told? */
static bool copy_asks(struct trust *t, int times)
{
	struct life life;
	int status;
	pid_t pid = (pid_t)syscall(SYS_fork);

	assert_true(pid >= 0);
	if (pid == 0) {
		close_range(3, ~0u, 0);
		life_read(&life);
		while (times-- > 0)
			if (fetch(t))
				_exit(2);
		_exit(!life_is(&life));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

static void test_copies_are_told(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT);
	struct life life;

	assert_int_equal(ask_lt(a), 0);
	life_read(&life);
	assert_int_equal(fetch(a->trust), 0);
	assert_int_equal(copies(), 0);
	assert_false(copy_asks(a->trust, 2)); /* it comes first */
	assert_int_equal(fetch(a->trust), 0);
	assert_false(life_is(&life)); /* so we are the other one, and are told */
	connect_admin(); /* for that one it is over as well */
	assert_int_equal(copies(), 1);
	assert_int_equal(ask_lt(a), 0); /* under fresh keys */
	life_read(&life);
	assert_int_equal(fetch(a->trust), 0);
	assert_true(copy_asks(a->trust, 0) == 0); /* one that never asks harms nobody */
	assert_int_equal(fetch(a->trust), 0);
	assert_true(life_is(&life));
	assert_int_equal(copies(), 1);
	leave(a);
}

/* An old copy, from before what its original has asked since. */
static void test_turned_back(void **state)
{
	struct ops_client *a = client_as("a", ROLE_CLIENT);
	int go[2], status;
	char c;
	pid_t pid;

	assert_int_equal(ask_lt(a), 0);
	assert_int_equal(pipe(go), 0);
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0) {
		struct life life;

		close(go[1]);
		(void)!read(go[0], &c, 1); /* until its original has gone on */
		close_range(3, ~0u, 0);
		life_read(&life);
		if (fetch(a->trust) || life_is(&life))
			_exit(1);
		life_read(&life);
		_exit(fetch(a->trust) || !life_is(&life));
	}
	close(go[0]);
	assert_int_equal(fetch(a->trust), 0);
	assert_int_equal(fetch(a->trust), 0);
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(copies(), 1);
	leave(a);
}

#define MANAGED(t) cmocka_unit_test_setup_teardown(t, begin_managed, end_managed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MANAGED(test_rights),
		MANAGED(test_all_channels_taken),
		MANAGED(test_revoked_while_open),
		MANAGED(test_write_to_read),
		MANAGED(test_server_to_read),
		MANAGED(test_rotate),
		MANAGED(test_manager_dies),
		MANAGED(test_neighbour_reads_ciphertext),
		MANAGED(test_key_without_right),
		MANAGED(test_right_without_key),
		MANAGED(test_old_key),
		MANAGED(test_client_without_manager),
		MANAGED(test_only_admins_change),
		MANAGED(test_hostile_messages),
		MANAGED(test_strangers),
		MANAGED(test_old_table_put_back),
		MANAGED(test_copies_are_told),
		MANAGED(test_turned_back),
	};

	if (managed_find())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
