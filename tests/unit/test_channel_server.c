/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_channel_server.c - scope: servers of channels (common/service.h): a second one, one on
 * another host (its token's host bits rewritten), one that is killed (a real process), and
 * what its owners find when another has taken over.
 */
#include "chanrig.h"

/* ---- servers that go */

static void test_second_server_is_ebusy_and_named(void **state)
{
	struct server *second = NULL;
	struct err_text e = {""};
	char pid[16];

	assert_int_equal(posix_memalign((void **)&second, 128, sizeof *second), 0);
	assert_int_equal(server_take(second, &e), -EBUSY);
	snprintf(pid, sizeof pid, "pid %d ", (int)getpid());
	assert_non_null(strstr(e.s, pid));
	service_drop(&second->s); /* of what was not taken: nothing */
	assert_true(service_held(&server->s));
	assert_int_equal(service_take(&second->s, &region, "kv", second->chans,
		&(struct service_config){0}, &e), -EINVAL);
	service_drop(&server->s);
	assert_int_equal(server_take(second, &e), 0);
	service_drop(&second->s);
	free(second);
}

static void test_remote_holder_is_watched(void **state)
{
	struct err_text e = {""};
	uint64_t remote = ident_self().token ^ OTHER_HOST;

	assert_int_equal(posix_memalign((void **)&server, 128, sizeof *server), 0);
	shm_store64(&shared()->lease, remote); /* silent: dead after lease_ms */
	assert_int_equal(server_take(server, &e), 0);
	service_drop(&server->s);
}

static int beat_remotely(void *arg)
{
	for (;;) {
		shm_store64(&shared()->heartbeat, shared()->heartbeat + 1);
		usleep(1000);
	}
	return 0;
}

static void test_remote_holder_that_beats_is_ebusy(void **state)
{
	struct err_text e = {""};
	pid_t pid = rig_spawn(beat_remotely, NULL, 60);

	assert_int_equal(posix_memalign((void **)&server, 128, sizeof *server), 0);
	while (!shm_load64(&shared()->heartbeat))
		usleep(100);
	shm_store64(&shared()->lease, ident_self().token ^ OTHER_HOST);
	assert_int_equal(server_take(server, &e), -EBUSY);
	rig_kill(pid);
}

/* Bug: a server that had been paused while another host took over reset the channels
 * and gave back the lease of its successor. */
static void test_superseded_server_leaves_its_successor_alone(void **state)
{
	struct server *late = server;
	struct err_text e;
	struct chan c;
	uint32_t gen;

	attach(&c);
	server_turn(late);
	shm_store64(&shared()->lease, ident_self().token ^ OTHER_HOST);
	shm_store64(&shared()->host, ident_self().host ^ OTHER_HOST);
	assert_int_equal(posix_memalign((void **)&server, 128, sizeof *server), 0);
	late->s.self.token ^= OTHER_HOST; /* late's lease is the remote one */
	assert_true(service_held(&late->s));
	assert_int_equal(server_take(server, &e), 0);
	service_ready(&server->s);
	assert_false(service_held(&late->s));
	gen = shm_load32(&c.shm->gen);
	service_control(&late->s);
	assert_false(service_changed(&late->s));
	service_reap(&late->s, clock_ms() + 100 * LEASE);
	service_drop(&late->s);
	assert_int_equal(shm_load32(&c.shm->gen), gen);
	assert_int_equal(shm_load32(&shared()->serving), SERVING_ALL);
	assert_true(service_held(&server->s));
	assert_int_equal(chan_reopen(&c), 0);
	server_turn(server);
	round_trip(&c, 1);
	chan_detach(&c);
	free(late);
}

static void test_killed_server_and_its_successor(void **state)
{
	pid_t first = spawn_server(), dead, lives;
	struct chan c;
	uint32_t i;

	attach(&c);
	lives = rig_spawn(attach_and_stay, NULL, 60);
	assert_int_equal(until_claimed(2), 0);
	dead = rig_spawn(attach_and_stay, NULL, 60);
	assert_int_equal(until_claimed(3), 0);
	ask(&c, 1);
	while (chan_await(&c, 100) != 0)
		;
	check_reply(&c, 1);
	rig_kill(first);
	rig_kill(dead);
	assert_int_equal(chan_state(&c), -EAGAIN);
	assert_int_equal(chan_reopen(&c), -EAGAIN);

	server_open();
	assert_int_equal(claimed(), 2); /* the dead one's is free */
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_int_equal(chan_await(&c, 1), -EOWNERDEAD);
	assert_int_equal(chan_reopen(&c), 0);
	assert_int_equal(chan_reopen(&c), -EAGAIN); /* once is enough */
	server_turn(server);
	for (i = 0; i < 200; i++)
		round_trip(&c, i);
	rig_kill(lives);
	service_reap(&server->s, clock_ms());
	assert_int_equal(claimed(), 1);
	chan_detach(&c);
	server_turn(server);
	assert_int_equal(claimed(), 0);
}

static void replace_server(void)
{
	service_drop(&server->s);
	free(server);
	server_open();
}

/* Bug: `closing` under a generation that the server had left behind was ignored, and
 * the channel lost until its process ended. */
static void test_detach_after_the_server_was_replaced(void **state)
{
	struct chan c;

	attach(&c);
	server_turn(server);
	replace_server();
	chan_detach(&c);
	server_turn(server);
	assert_int_equal(claimed(), 0);
}

/* Bug: and so when the server went before it had seen it. */
static void test_detach_before_the_server_is_dropped(void **state)
{
	struct chan a, b;

	attach(&a);
	server_turn(server);
	attach(&b);
	chan_detach(&a);
	chan_detach(&b);
	replace_server();
	assert_int_equal(claimed(), 0);
}

static void test_detach_while_there_is_no_server(void **state)
{
	struct chan c;

	attach(&c);
	server_turn(server);
	service_drop(&server->s);
	chan_detach(&c);
	free(server);
	server_open();
	assert_int_equal(claimed(), 0);
}

/* Bug: the reset zeroed the reply that its owner was reading in place. */
static void test_reset_leaves_the_reply_being_read(void **state)
{
	struct chan c;
	struct frame f;
	uint64_t id = 0x0102030405060708;
	uint8_t want[8], i;

	attach(&c);
	server_turn(server);
	ask(&c, id);
	server_turn(server);
	assert_int_equal(ring_peek(&c.rx, &f), 0);
	replace_server();
	for (i = 0; i < 8; i++)
		want[i] = (uint8_t)(((uint8_t *)&id)[i] + 1);
	assert_memory_equal(f.data, want, 8);
	ring_next(&c.rx);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_int_equal(chan_reopen(&c), 0);
	server_turn(server);
	assert_int_equal(ring_peek(&c.rx, &f), -EAGAIN); /* not again */
	round_trip(&c, 2);
	chan_detach(&c);
}

/* And the next owner sees nothing of it. */
static void test_next_owner_sees_no_old_reply(void **state)
{
	struct chan c, next;
	struct frame f;

	attach(&c);
	server_turn(server);
	ask(&c, 1);
	server_turn(server);
	chan_detach(&c); /* a reply lies there unread */
	server_turn(server);
	do
		attach(&next);
	while (claimed() < NCHAN);
	server_turn(server);
	assert_int_equal(ring_peek(&next.rx, &f), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_second_server_is_ebusy_and_named),
		WITHOUT(test_remote_holder_is_watched),
		WITHOUT(test_remote_holder_that_beats_is_ebusy),
		WITH(test_superseded_server_leaves_its_successor_alone),
		WITHOUT(test_killed_server_and_its_successor),
		WITH(test_detach_after_the_server_was_replaced),
		WITH(test_detach_before_the_server_is_dropped),
		WITH(test_detach_while_there_is_no_server),
		WITH(test_reset_leaves_the_reply_being_read),
		WITH(test_next_owner_sees_no_old_reply),
	};

	alarm(250);
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
