/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_channel.c - scope: common/channel.h and common/service.h together: attaching and
 * its refusals, requests and replies, both ends asleep, a region formatted anew, the bell
 * socket, injected delay. Owners: test_channel_owner.c; servers: test_channel_server.c.
 */
#include "chanrig.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- attach */

static void test_attach_without_a_server(void **state)
{
	struct chan c;
	struct err_text e;

	assert_int_equal(try_attach(&c, &e), -EOWNERDEAD);
	assert_non_null(strstr(e.s, "start ops_server"));
	server_open();
	shm_store32(&shared()->serving, SERVING_NONE); /* has the lease, not ready yet */
	assert_int_equal(try_attach(&c, &e), -EOWNERDEAD);
	assert_int_equal(chan_attach(&c, &region, "kv", &quick, &e), -EINVAL);
	assert_int_equal(claimed(), 0);
	chan_detach(&c); /* of what was never attached: nothing */
}

static void test_attach_to_a_server_that_was_killed(void **state)
{
	struct chan c;
	struct err_text e;
	pid_t pid = spawn_server();

	rig_kill(pid);
	assert_int_equal(try_attach(&c, &e), -EOWNERDEAD);
}

/* Bug: only the header said that a draining server takes no new channels. */
static void test_draining_refuses_new_and_serves_open(void **state)
{
	struct chan a, b;
	struct err_text e;

	attach(&a);
	service_drain(&server->s);
	assert_int_equal(try_attach(&b, &e), -EOWNERDEAD);
	assert_int_equal(chan_state(&a), 0);
	round_trip(&a, 1);
	chan_detach(&a);
}

static void test_round_trips_on_every_channel(void **state)
{
	struct chan c[NCHAN];
	uint64_t id = 1;
	int i, k;

	for (i = 0; i < NCHAN; i++)
		attach(&c[i]);
	for (k = 0; k < 300; k++) /* some laps of each ring */
		for (i = 0; i < NCHAN; i++)
			round_trip(&c[i], id++);
	assert_int_equal(server->opened, NCHAN);
	assert_int_equal(server->s.nopen, NCHAN);
	assert_int_equal(shm_load32(&shared()->free_channels), 0);
	for (i = 0; i < NCHAN; i++)
		chan_detach(&c[i]);
	server_turn(server);
	assert_int_equal(server->closed, NCHAN);
	assert_int_equal(server->s.nopen, 0);
	assert_int_equal(claimed(), 0);
	assert_int_equal(shm_load32(&shared()->free_channels), NCHAN);
}

static void test_all_channels_taken_is_eusers_and_detach_frees(void **state)
{
	struct chan c[NCHAN], one_more;
	struct err_text e;
	int i;

	for (i = 0; i < NCHAN; i++)
		attach(&c[i]);
	assert_int_equal(try_attach(&one_more, &e), -EUSERS);
	assert_non_null(strstr(e.s, "4"));
	chan_detach(&c[1]);
	assert_int_equal(try_attach(&one_more, &e), -EUSERS); /* the server frees */
	server_turn(server);
	assert_int_equal(try_attach(&one_more, &e), 0);
	server_turn(server);
	round_trip(&one_more, 5);
	chan_detach(&one_more);
	for (i = 0; i < NCHAN; i++)
		chan_detach(&c[i]);
	server_turn(server);
	assert_int_equal(claimed(), 0);
}

static void test_formatted_anew_is_emediumtype(void **state)
{
	struct chan c;
	struct err_text e;
	struct region mine = region;

	attach(&c);
	assert_int_equal(region_format(&mine, format, 1, true, &e), 0);
	assert_int_equal(chan_state(&c), -EOWNERDEAD);
	assert_int_equal(chan_reopen(&c), -EOWNERDEAD);
	/* Bug: what was known of the old layout was used on the new one. */
	assert_int_equal(try_attach(&c, &e), -EMEDIUMTYPE);
	service_drop(&server->s);
	assert_int_equal(server_take(server, &e), -EMEDIUMTYPE);
	region.format_id = mine.format_id;
}

/* ---- waiting */

static void test_await_times_out_and_says_state(void **state)
{
	struct chan c;

	attach(&c);
	server_turn(server);
	assert_int_equal(chan_await(&c, 1), -EAGAIN);
	assert_int_equal(chan_await_room(&c), 0);
	shm_store32(&shared()->serving, SERVING_NONE);
	assert_int_equal(chan_state(&c), -EAGAIN);
	assert_int_equal(chan_await(&c, 1), -EAGAIN);
	assert_int_equal(chan_await_room(&c), -EAGAIN);
	shm_store32(&shared()->serving, SERVING_ALL);
	assert_int_equal(chan_state(&c), 0);
	chan_detach(&c);
}

static int answer_by_bell(void *arg)
{
	uint32_t *bell = &shared()->asleep;
	struct err_text e;

	if (posix_memalign((void **)&server, 128, sizeof *server) || server_take(server, &e))
		return 1;
	service_ready(&server->s);
	for (;;) {
		server_turn(server);
		bell_set(bell, BELL_FUTEX);
		if (!service_changed(&server->s) &&
			!(server->chans[0].open && ring_waiting(&server->chans[0].rx)) &&
			!(server->chans[1].open && ring_waiting(&server->chans[1].rx)) &&
			!(server->chans[2].open && ring_waiting(&server->chans[2].rx)) &&
			!(server->chans[3].open && ring_waiting(&server->chans[3].rx)))
			bell_sleep(bell, 20000000);
		bell_clear(bell);
	}
	return 0;
}

/* Both sides sleep at once; a lost wake-up would cost twenty seconds. */
static void test_both_sides_asleep_between_requests(void **state)
{
	const struct chan_config no_spin = {.spin_ns = 0};
	struct err_text e;
	struct chan c;
	uint64_t i, t0;
	pid_t pid = rig_spawn(answer_by_bell, NULL, 100);

	while (shm_load32(&shared()->serving) != SERVING_ALL)
		usleep(1000);
	assert_int_equal(chan_attach(&c, &region, "ops", &no_spin, &e), 0);
	t0 = clock_ms();
	for (i = 1; i <= 3000; i++) {
		int rc;

		ask(&c, i);
		while ((rc = chan_await(&c, 15000)) == -EAGAIN)
			assert_true(clock_ms() - t0 < 14000);
		assert_int_equal(rc, 0);
		check_reply(&c, i);
	}
	assert_true(c.slept > 0);
	assert_true(c.rung > 0);
	chan_detach(&c);
	rig_kill(pid);
}

/* ---- the bell socket */

/* Hand `fd`, `many` times, to the one client that connects. */
static int hand_out(void *arg)
{
	int listener = ((int *)arg)[0], fd[2] = {((int *)arg)[1], ((int *)arg)[1]};
	size_t len = (size_t)((int *)arg)[2] * sizeof *fd;
	int s = accept(listener, NULL, NULL);
	char control[CMSG_SPACE(sizeof fd)] __attribute__((aligned(8))) = {0}, byte = 1;
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = CMSG_SPACE(len)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), fd, len);
	return s >= 0 && sendmsg(s, &m, 0) == 1 ? 0 : 1;
}

/* Attach while the bell socket hands out `fd`, once or twice. */
static void attach_with_bell(struct chan *c, int fd, int many)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char dir[] = P_tmpdir "/channel-test-XXXXXX";
	int arg[3] = {socket(AF_UNIX, SOCK_STREAM, 0), fd, many};
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/bell", dir);
	assert_int_equal(bind(arg[0], (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(arg[0], 1), 0);
	memcpy(shared()->bell_path, sa.sun_path, sizeof sa.sun_path);
	pid = rig_spawn(hand_out, arg, 60);
	attach(c);
	assert_int_equal(rig_join(pid), 0);
	close(arg[0]);
	unlink(sa.sun_path);
	rmdir(dir);
}

static void test_bell_by_eventfd(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n;
	struct chan c;

	attach_with_bell(&c, fd, 1);
	assert_true(c.bell_fd >= 0);
	server_turn(server);
	bell_set(&shared()->asleep, BELL_FD);
	ask(&c, 1);
	assert_int_equal(read(fd, &n, sizeof n), sizeof n);
	assert_int_equal(shared()->asleep, BELL_AWAKE);
	ask(&c, 2); /* awake: no system call */
	assert_int_equal(read(fd, &n, sizeof n), -1);
	chan_detach(&c);
	close(fd);
}

/* Bug: any descriptor was taken for the bell; a write to a full pipe never ends, and one
 * to a pipe that nobody reads kills. */
static void test_bell_that_is_no_eventfd_is_not_used(void **state)
{
	int fd[2];
	struct chan c;

	assert_int_equal(pipe(fd), 0);
	attach_with_bell(&c, fd[1], 1);
	assert_int_equal(c.bell_fd, -1);
	close(fd[0]);
	bell_set(&shared()->asleep, BELL_FD);
	ask(&c, 1);
	chan_detach(&c);
	close(fd[1]);
}

static int open_descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Bug: a second descriptor in the same message was installed and never closed, so who
 * names the socket could use up a client's descriptors, two at each attach. */
static void test_bell_with_two_descriptors_leaks_none(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), before = open_descriptors();
	struct chan c;

	attach_with_bell(&c, fd, 2);
	chan_detach(&c);
	assert_int_equal(open_descriptors(), before);
	close(fd);
}

static void test_bell_path_that_leads_nowhere(void **state)
{
	struct chan c;

	memset(shared()->bell_path, 'x', BELL_PATH); /* not even terminated */
	attach(&c);
	assert_int_equal(c.bell_fd, -1);
	server_turn(server);
	round_trip(&c, 1);
	chan_detach(&c);
}

/* ---- injected delay */

static void test_delay_of_a_round_trip(void **state)
{
	enum { FRAMES = 20 };
	struct chan_config slow = quick;
	struct err_text e;
	struct chan c;
	uint64_t t0, i;

	unsetenv("CXL_SHM_DELAY_NS");
	assert_int_equal(chan_delay_from_env(), 0);
	setenv("CXL_SHM_DELAY_NS", "30000", 1);
	slow.delay_ns = chan_delay_from_env();
	assert_int_equal(slow.delay_ns, 30000);
	assert_int_equal(chan_attach(&c, &region, "ops", &slow, &e), 0);
	server_turn(server);
	t0 = clock_ticks();
	for (i = 0; i < FRAMES; i++)
		round_trip(&c, i);
	/* Once shown and once read by this side; the server has none. */
	assert_true(clock_ticks() - t0 >= 2 * FRAMES * clock_from_ns(30000));
	chan_detach(&c);
}

static void test_generations_as_16_bits(void **state)
{
	uint32_t g;

	for (g = 0; g < 200000; g++) {
		assert_true(chan_gen16(g) != 0);
		assert_true(chan_gen16(g) != chan_gen16(g + 1));
	}
	assert_true(chan_gen16(UINT32_MAX) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(test_attach_without_a_server),
		WITHOUT(test_attach_to_a_server_that_was_killed),
		WITH(test_draining_refuses_new_and_serves_open),
		WITH(test_round_trips_on_every_channel),
		WITH(test_all_channels_taken_is_eusers_and_detach_frees),
		WITH(test_formatted_anew_is_emediumtype),
		WITH(test_await_times_out_and_says_state),
		WITHOUT(test_both_sides_asleep_between_requests),
		WITH(test_bell_by_eventfd),
		WITH(test_bell_that_is_no_eventfd_is_not_used),
		WITH(test_bell_with_two_descriptors_leaks_none),
		WITH(test_bell_path_that_leads_nowhere),
		WITH(test_delay_of_a_round_trip),
		WITHOUT(test_generations_as_16_bits),
	};

	alarm(250);
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
