/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_zone.c - scope: redis-module/zone.h with a real ops_server: many jobs under way, of
 * several programs; the server dies, is replaced, is not there; the region is formatted
 * anew, and another one; a thread that does not start; the end with a job under way. The allocator and the event loop are
 * not Redis's. Run under ThreadSanitizer as well.
 */
#include "rm.h" /* defines what Redis would set */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <limits.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <unistd.h>

#include "../rig.h"
#include "config.h"
#include "keyfile.h"
#include "value.h"
#include "zone.h"

enum {
	RING = 32 << 10,
	LIMIT_MS = 60000,
	PLENTY_MS = 50000,
	BURST = 100,
};

struct config config;

static char server_path[PATH_MAX];
static char dir[32], region[64], other[64], keys_path[64];
static struct keyring *keys;
static struct value_sealer *sealer;
static struct value_opener *opener;
static pid_t server;
static int bell = -1;
static bool no_bell;

/* ---- Redis, as far as the zone knows it ---- */

static int add(int fd, int mask, RedisModuleEventLoopFunc f, void *data)
{
	if (no_bell)
		return REDISMODULE_ERR;
	bell = fd;
	return REDISMODULE_OK;
}

static int del(int fd, int mask)
{
	assert_int_equal(fd, bell);
	bell = -1;
	return REDISMODULE_OK;
}

/* ---- a zone ---- */

static void format(const char *path, bool force)
{
	struct service_format f[] = {{"ops", 4, RING}};
	struct err_text e;
	struct region r;

	assert_int_equal(region_map(&r, path, 0, region_bytes(f, 1), true, &e), 0);
	assert_int_equal(region_format(&r, f, 1, force, &e), 0);
	region_close(&r);
}

static void server_start(void)
{
	pid_t parent = getpid();

	fflush(NULL);
	server = fork();
	if (server)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(70);
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	execl(server_path, "ops_server", "--region", region, "--keys", keys_path, NULL);
	_exit(71);
}

static void server_kill(void)
{
	if (server > 0)
		rig_kill(server);
	server = 0;
}

static int begin(void **state)
{
	struct err_text e;

	if (access(server_path, X_OK) < 0) {
		print_message("%s is not there: make ops_server first\n", server_path);
		return -1;
	}
	strcpy(dir, "/tmp/zone-test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(region, sizeof region, "%s/region", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	snprintf(keys_path, sizeof keys_path, "%s/keys", dir);
	format(region, false);
	format(other, false);
	assert_int_equal(keyfile_create(keys_path, NULL, &e), 0);
	assert_int_equal(keyfile_load(&keys, keys_path, NULL, &e), 0);
	sealer = aligned_alloc(64, sizeof *sealer);
	opener = aligned_alloc(64, sizeof *opener);
	assert_int_equal(value_sealer_init(sealer, gcm_select(NULL), keys), 0);
	value_opener_init(opener, gcm_select(NULL), keys);
	strcpy(config.zone_path, region);
	return 0;
}

static int end(void **state)
{
	zone_close();
	server_kill();
	value_sealer_fini(sealer);
	value_opener_fini(opener);
	free(sealer);
	free(opener);
	keyring_destroy(keys);
	unlink(region);
	unlink(other);
	unlink(keys_path);
	return rmdir(dir);
}

/* ---- jobs ---- */

/* a op b; what it should be is in `owner`. */
static struct zone_job *job_of(int32_t a, int32_t b, uint16_t op, intptr_t want, int ms)
{
	struct zone_job *job = zone_job_create(1, clock_ms() + (uint64_t)ms);
	uint8_t bytes[2][32];
	struct zone_bytes v;

	assert_int_equal(value_seal(sealer, T_INT4, &a, 4, bytes[0]), 0);
	assert_int_equal(value_seal(sealer, T_INT4, &b, 4, bytes[1]), 0);
	v = (struct zone_bytes){bytes[0], 32};
	zone_push(job, T_INT4, &v, 1);
	v.p = bytes[1];
	zone_push(job, T_INT4, &v, 1);
	zone_op(job, op);
	job->owner = (void *)want;
	return job;
}

static void submit_some(uint64_t *seed, int n)
{
	while (n--) {
		int32_t a = (int32_t)rig_below(seed, 1000), b = (int32_t)rig_below(seed, 1000);

		switch (rig_below(seed, 3)) {
		case 0:
			zone_submit(job_of(a, b, OP_enc_int4_add, a + b, PLENTY_MS));
			break;
		case 1:
			zone_submit(job_of(a, b, OP_enc_int4_mult, a * b, PLENTY_MS));
			break;
		default:
			zone_submit(job_of(a, b, OP_enc_int4_lt, a < b, PLENTY_MS));
		}
	}
}

static void assert_answer(const struct zone_job *job)
{
	int32_t got = 0;
	size_t len;

	if (job->rc)
		fail_msg("%d: %s", job->rc, job->why.s);
	assert_int_equal(job->nrow, 1);
	assert_int_equal(job->row[0].state, ROW_VALUE);
	if (job->type == T_PUB_BOOL)
		got = job->row[0].value.p[0];
	else
		assert_int_equal(value_open(opener, T_INT4, job->row[0].value.p,
							 job->row[0].value.len, &got, sizeof got, &len), 0);
	assert_int_equal(got, (intptr_t)job->owner);
}

/* At least one, as the event loop waits for them. */
static struct zone_job *await(void)
{
	struct pollfd p = {.fd = bell, .events = POLLIN};
	struct zone_job *done;
	uint64_t n;

	while (!(done = zone_take())) {
		assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
		assert_int_equal(read(bell, &n, sizeof n), sizeof n);
	}
	return done;
}

static int check(struct zone_job *done)
{
	struct zone_job *next;
	int n = 0;

	for (; done; done = next, n++) {
		next = done->next;
		assert_answer(done);
		zone_job_free(done);
	}
	return n;
}

/* ---- tests ---- */

static void test_many(void **state)
{
	uint64_t seed = 1, requests = zone_view().requests;
	int sent = 0, got = 0;

	server_start();
	while (got < 100 * BURST) {
		if (sent < 100 * BURST && sent - got < 5 * BURST) {
			submit_some(&seed, BURST);
			sent += BURST;
			got += check(zone_take());
		} else {
			got += check(await());
		}
	}
	assert_int_equal(got, sent);
	assert_true(zone_view().requests - requests < (uint64_t)sent);
	assert_null(zone_take());
}

static void test_successor(void **state)
{
	uint64_t seed = 2;
	int round, got;

	for (round = 0; round < 5; round++) {
		submit_some(&seed, 5 * BURST);
		server_kill();
		server_start();
		for (got = 0; got < 5 * BURST;)
			got += check(await());
	}
	assert_true(zone_view().retries > 0);
}

/* Each job's own time counts, also when it goes with one that has less. */
static void test_no_server(void **state)
{
	uint64_t t0 = clock_ms();
	struct zone_job *done;

	server_kill();
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, 300));
	zone_submit(job_of(2, 3, OP_enc_int4_add, 5, PLENTY_MS));
	done = await();
	assert_null(done->next);
	assert_int_equal((intptr_t)done->owner, 3);
	assert_int_equal(done->rc, -ETIMEDOUT);
	assert_true(clock_ms() - t0 >= 300);
	assert_non_null(strstr(done->why.s, "no answer from ops_server"));
	zone_job_free(done);
	server_start();
	assert_int_equal(check(await()), 1);
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, -1)); /* too late already */
	done = await();
	assert_int_equal(done->rc, -ETIMEDOUT);
	zone_job_free(done);
}

static void test_elsewhere(void **state)
{
	struct zone_job *done;

	snprintf(config.zone_path, sizeof config.zone_path, "%s/none", dir);
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	done = await();
	assert_int_equal(done->rc, -ENOENT);
	zone_job_free(done);
	strcpy(config.zone_path, other);
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, 100));
	done = await();
	assert_int_equal(done->rc, -ETIMEDOUT);
	zone_job_free(done);
	strcpy(config.zone_path, region);
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	assert_int_equal(check(await()), 1);
}

static void test_formatted_anew(void **state)
{
	server_kill();
	format(region, true);
	server_start();
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	assert_int_equal(check(await()), 1);
}

/* Each of several jobs comes back, and the next one is done. */
static void test_no_thread(void **state)
{
	struct zone_job *a = job_of(1, 2, OP_enc_int4_add, 3, LIMIT_MS);
	struct zone_job *b = job_of(3, 4, OP_enc_int4_add, 7, LIMIT_MS), *done;

	zone_close();
	no_bell = true;
	zone_submit(a);
	zone_submit(b);
	no_bell = false;
	done = zone_take();
	assert_ptr_equal(done, a);
	assert_ptr_equal(done->next, b);
	assert_null(b->next);
	assert_int_equal(a->rc, -ENOMEM);
	assert_int_equal(b->rc, -ENOMEM);
	assert_non_null(strstr(a->why.s, "cannot be started"));
	zone_job_free(a);
	zone_job_free(b);
	assert_int_equal(bell, -1);
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	assert_int_equal(check(await()), 1);
}

/* A sanitizer finds what is not freed. */
static void test_end_amid(void **state)
{
	uint64_t t0;

	server_kill();
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	zone_submit(job_of(1, 2, OP_enc_int4_mult, 2, PLENTY_MS));
	usleep(100000);
	t0 = clock_ms();
	zone_close();
	assert_true(clock_ms() - t0 < PLENTY_MS / 2);
	assert_int_equal(bell, -1);
	assert_false(zone_view().running);
	server_start(); /* and once more */
	zone_submit(job_of(1, 2, OP_enc_int4_add, 3, PLENTY_MS));
	assert_int_equal(check(await()), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_many),
		cmocka_unit_test(test_successor), cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_elsewhere), cmocka_unit_test(test_formatted_anew),
		cmocka_unit_test(test_no_thread), cmocka_unit_test(test_end_amid)};
	char *slash;

	snprintf(server_path, sizeof server_path - 32, "%s", argv[0]);
	slash = strrchr(server_path, '/');
	strcpy(slash ? slash + 1 : server_path, "../../ops_server");
	RedisModule_Alloc = malloc;
	RedisModule_Calloc = calloc;
	RedisModule_Free = free;
	RedisModule_EventLoopAdd = add;
	RedisModule_EventLoopDel = del;
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, begin, end);
}
