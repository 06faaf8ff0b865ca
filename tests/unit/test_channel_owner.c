/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_channel_owner.c - scope: owners of channels (common/channel.h, common/service.h) that are
 * killed (real processes), go, or live on other hosts (their tokens' host bits rewritten), and
 * those that the server refuses or an administrator ends.
 */
#include "chanrig.h"

#include <poll.h>

/* A child that dies between claiming and opening. */
static int claim_and_stay(void *arg)
{
	shm_cas64(&chan_control(region_service(&region, "ops"), 2)->claim, 0,
		ident_self().token);
	for (;;)
		pause();
	return 0;
}

/* ---- owners that go */

static void test_killed_owner_is_noticed_and_freed(void **state)
{
	pid_t pid = rig_spawn(attach_and_stay, NULL, 60);
	struct pollfd p = {.events = POLLIN};
	uint32_t i;

	assert_int_equal(until_claimed(1), 0);
	while (!server->s.nopen)
		server_turn(server);
	for (i = 0; i < NCHAN; i++)
		if (server->chans[i].owner)
			p.fd = server->chans[i].owner_fd;
	service_reap(&server->s, clock_ms());
	assert_int_equal(claimed(), 1); /* alive */
	kill(pid, SIGKILL);
	if (p.fd >= 0)
		assert_int_equal(poll(&p, 1, 10000), 1);
	rig_join(pid);
	service_reap(&server->s, clock_ms());
	assert_int_equal(claimed(), 0);
	assert_int_equal(server->closed, 1);
	assert_int_equal(server->s.nopen, 0);
}

/* Bug: nobody told the server of a claim whose owner died before it could open, and
 * the reaper looked only at owners that it knew: the channel was lost. */
static void test_owner_killed_between_claim_and_open(void **state)
{
	pid_t pid = rig_spawn(claim_and_stay, NULL, 60);

	assert_int_equal(until_claimed(1), 0);
	service_reap(&server->s, clock_ms());
	assert_int_equal(claimed(), 1);
	rig_kill(pid);
	service_reap(&server->s, clock_ms());
	assert_int_equal(claimed(), 0);
	assert_int_equal(server->opened, 0);
}

/* Bug: the same from another host was never judged at all. */
static void test_remote_owner_gone_between_claim_and_open(void **state)
{
	uint64_t token = ident_self().token ^ OTHER_HOST, now = clock_ms();

	shm_store64(&chan_control(region_service(&region, "ops"), 2)->claim, token);
	service_reap(&server->s, now);
	service_reap(&server->s, now + LEASE + 1000);
	assert_int_equal(claimed(), 1);
	service_reap(&server->s, now + LEASE * QUARANTINE + 2000);
	assert_int_equal(claimed(), 0);
}

static void test_detach_before_the_server_looked(void **state)
{
	struct chan c;

	attach(&c);
	chan_detach(&c);
	server_turn(server);
	assert_int_equal(claimed(), 0);
	assert_int_equal(server->opened, server->closed);
}

static void test_reset_waits_for_a_worker(void **state)
{
	struct chan c;
	uint32_t i;

	attach(&c);
	server_turn(server);
	i = c.index;
	assert_true(service_lock(&server->chans[i]));
	assert_false(service_lock(&server->chans[i]));
	chan_detach(&c);
	server_turn(server);
	assert_int_equal(claimed(), 1);
	assert_false(service_changed(&server->s)); /* in vain, as long as it is locked */
	service_unlock(&server->chans[i]);
	assert_true(service_changed(&server->s)); /* come back */
	server_turn(server);
	assert_int_equal(claimed(), 0);
	assert_false(service_changed(&server->s));
}

/* ---- owners elsewhere */

/* As if the owner of `c` lived on another host. */
static void move_away(struct chan *c)
{
	c->self.token ^= OTHER_HOST;
	c->self.host ^= OTHER_HOST;
	shm_store64(&c->shm->claim, c->self.token);
	shm_store64(&c->shm->host, c->self.host);
}

static void test_remote_owner_by_heartbeat(void **state)
{
	struct chan c;
	struct err_text e;
	uint64_t now = clock_ms() + 10, i;
	struct chan_shm *shm;

	attach(&c);
	shm = c.shm;
	move_away(&c);
	server_turn(server);
	assert_true(server->chans[c.index].remote);
	assert_int_equal(server->chans[c.index].owner_fd, -1);
	for (i = 0; i < 50; i++) { /* beating: kept, for many leases */
		chan_beat(&c);
		service_reap(&server->s, now += LEASE - 1);
	}
	assert_int_equal(chan_state(&c), 0);
	service_reap(&server->s, now += LEASE + 1); /* silent: reset, not given away */
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_true(server->chans[c.index].quarantined);
	assert_int_equal(claimed(), 1);
	service_reap(&server->s, now += LEASE); /* still within the quarantine */
	assert_int_equal(claimed(), 1);

	chan_beat(&c); /* it was only paused */
	service_reap(&server->s, now);
	assert_false(server->chans[c.index].quarantined);
	assert_int_equal(chan_reopen(&c), 0);
	server_turn(server);
	round_trip(&c, 3);

	service_reap(&server->s, now += LEASE + 1000);
	assert_int_equal(claimed(), 1);
	service_reap(&server->s, now += LEASE * QUARANTINE);
	assert_int_equal(claimed(), 0);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_int_equal(chan_reopen(&c), -EOWNERDEAD);
	chan_detach(&c); /* not ours any more: leaves the word alone */
	assert_int_equal(shm->claim, 0);
	assert_int_equal(try_attach(&c, &e), 0);
	chan_detach(&c);
}

/* Waiting for a long answer is not silence. */
static void test_remote_owner_beats_while_it_waits(void **state)
{
	uint64_t now = clock_ms() + 10, i;
	struct chan c;

	attach(&c);
	move_away(&c);
	c.server_here = false;
	server_turn(server);
	for (i = 0; i < 20; i++) {
		if (i % 2)
			assert_int_equal(chan_await(&c, 1), -EAGAIN);
		else
			assert_int_equal(chan_await_room(&c), 0);
		service_reap(&server->s, now += LEASE - 1);
	}
	assert_int_equal(chan_state(&c), 0);
	chan_detach(&c);
}

/* What a late owner still publishes under its old generation reaches nobody. */
static void test_late_frames_of_a_lapsed_owner_are_not_served(void **state)
{
	struct chan late, next;
	uint64_t now = clock_ms() + 10;
	uint32_t i;

	attach(&late);
	move_away(&late);
	server_turn(server);
	service_reap(&server->s, now + LEASE + 1);
	service_reap(&server->s, now + LEASE * QUARANTINE + 1);
	assert_int_equal(claimed(), 0);
	do
		attach(&next);
	while (next.index != late.index);
	server_turn(server);
	ask(&late, 66);
	server_turn(server);
	assert_int_equal(chan_await(&next, 1), -EAGAIN);
	i = next.index;
	assert_true(server->chans[i].open);
	assert_false(server->chans[i].rx.broken);
}

/* Bug: two threads of one process share a token; after both lost their channels one
 * could go on in the channel that the other had claimed since. */
static void test_reopen_of_what_another_thread_claimed_since(void **state)
{
	struct chan lost, fresh;
	uint64_t now = clock_ms() + 10;

	attach(&lost);
	move_away(&lost);
	server_turn(server);
	service_reap(&server->s, now + LEASE + 1);
	service_reap(&server->s, now + LEASE * QUARANTINE + 1);
	lost.self = ident_self(); /* the token that both threads have */
	do
		attach(&fresh);
	while (fresh.index != lost.index);
	server_turn(server);
	assert_int_equal(chan_state(&lost), -EOWNERDEAD);
	assert_int_equal(chan_reopen(&lost), -EOWNERDEAD);
	chan_detach(&lost);
	server_turn(server);
	assert_int_equal(chan_state(&fresh), 0);
	round_trip(&fresh, 9);
}

/* ---- refusal */

/* Bug: the next control pass opened a refused channel again, at position 0, and what
 * had been executed was executed again. */
static void test_refused_channel_stays_refused(void **state)
{
	struct chan c, other;
	int opened;

	attach(&c);
	attach(&other);
	server_turn(server);
	round_trip(&c, 1);
	service_refuse(&server->s, &server->chans[c.index]);
	assert_int_equal(chan_state(&c), -EPROTO);
	assert_int_equal(chan_await(&c, 1), -EPROTO);
	assert_int_equal(server->closed, 1);
	opened = server->opened;
	shm_add32(&shared()->control, 1);
	server_turn(server);
	service_control(&server->s);
	assert_int_equal(server->opened, opened);
	assert_false(server->chans[c.index].open);
	round_trip(&other, 2);
	chan_detach(&c);
	server_turn(server);
	assert_int_equal(claimed(), 1);
	attach(&c);
	server_turn(server);
	round_trip(&c, 4); /* a new owner starts afresh */
	chan_detach(&c);
	chan_detach(&other);
}

/* An administrator ends it: void at once, given away when its owner lets go, or does not
 * open it anew for as long as an owner elsewhere would be waited for. */
static void test_killed_channel(void **state)
{
	uint64_t now = clock_ms();
	struct chan c;

	attach(&c);
	server_turn(server);
	round_trip(&c, 1);
	assert_false(chan_killed(&c));
	service_kill(&server->s, &server->chans[c.index]);
	assert_int_equal(server->closed, 1);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_true(chan_killed(&c));
	assert_int_equal(claimed(), 1); /* who knows what its owner is about to write */

	assert_int_equal(chan_reopen(&c), 0); /* it has heard of it, and goes on */
	server_turn(server);
	assert_false(chan_killed(&c));
	round_trip(&c, 2);
	service_reap(&server->s, now + LEASE * (QUARANTINE + 2));
	assert_int_equal(chan_state(&c), 0);

	service_kill(&server->s, &server->chans[c.index]);
	chan_detach(&c); /* or lets go */
	server_turn(server);
	assert_int_equal(claimed(), 0);

	attach(&c);
	server_turn(server);
	service_kill(&server->s, &server->chans[c.index]);
	now = clock_ms();
	service_reap(&server->s, now + LEASE + 1); /* or does neither */
	assert_int_equal(claimed(), 1);
	service_reap(&server->s, now + LEASE * QUARANTINE + 100);
	assert_int_equal(claimed(), 0);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	chan_detach(&c);
	assert_int_equal(claimed(), 0);
}

static void test_broken_ring_is_eproto(void **state)
{
	struct chan c;
	struct frame f;

	attach(&c);
	server_turn(server);
	*(uint64_t *)c.rx.data = (uint64_t)chan_gen16(c.gen) << 48 | UINT32_MAX;
	assert_int_equal(chan_await(&c, 1), 0); /* something is there ... */
	assert_int_equal(ring_peek(&c.rx, &f), -EPROTO);
	assert_int_equal(chan_state(&c), -EPROTO);
	chan_detach(&c);
}

/* A peer that stores over claims cannot take a channel away for good. */
static void test_claim_overwritten_by_a_hostile_peer(void **state)
{
	struct chan c, next;

	attach(&c);
	server_turn(server);
	round_trip(&c, 1);
	shm_store64(&c.shm->claim, 0);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	service_reap(&server->s, clock_ms());
	do
		attach(&next);
	while (next.index != c.index);
	server_turn(server);
	round_trip(&next, 2);

	shm_store64(&next.shm->claim, (uint64_t)getppid() << 42 | (next.self.token & 0xffff));
	assert_int_equal(chan_state(&next), -EOWNERDEAD);
	service_reap(&server->s, clock_ms()); /* nobody's: wrong start time */
	assert_int_equal(shm_load64(&next.shm->claim), 0);
	attach(&c);
	server_turn(server);
	round_trip(&c, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_killed_owner_is_noticed_and_freed),
		WITH(test_owner_killed_between_claim_and_open),
		WITH(test_remote_owner_gone_between_claim_and_open),
		WITH(test_detach_before_the_server_looked),
		WITH(test_reset_waits_for_a_worker),
		WITH(test_remote_owner_by_heartbeat),
		WITH(test_remote_owner_beats_while_it_waits),
		WITH(test_late_frames_of_a_lapsed_owner_are_not_served),
		WITH(test_reopen_of_what_another_thread_claimed_since),
		WITH(test_refused_channel_stays_refused),
		WITH(test_killed_channel),
		WITH(test_broken_ring_is_eproto),
		WITH(test_claim_overwritten_by_a_hostile_peer),
	};

	alarm(250);
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
