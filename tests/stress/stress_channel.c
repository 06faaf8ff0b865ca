/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stress_channel.c - clients that come, go, are stopped and are killed at any moment,
 * under a server that is killed and replaced at any moment.
 *
 *     stress_channel [seed [seconds]]
 *
 * More clients than channels. What must hold:
 *   - C1  never two owners of a channel at once: each owner enters itself in a table of
 *         the test's, and nobody who is alive may stand there already; and every request
 *         that the server sees is of the owner that it knows
 *   - O1  the server never executes an earlier owner's bytes: same check, by the token in
 *         the request
 *   - G1  a client never reads a reply of an earlier generation or owner: token and id
 *         in each reply are those of its oldest open request
 *   - D1  every channel comes back, although owners let go while the server is replaced
 *   - nothing hangs: each client makes progress, and the end comes
 */
#include "echo.h"

enum { NCHAN = 4, CLIENTS = 7, PIPELINE = 6, PATIENCE_MS = 60000 };

static const struct service_format format[] = {{"ops", NCHAN, 4096}};
static struct region region;

/* Shared with all children. */
struct score {
	uint64_t owner[NCHAN][16];
	uint64_t answered, attached, reopened, served_by;
	uint32_t stop, bad;
};
static struct score *score;

static uint64_t count(uint64_t *of)
{
	return __atomic_add_fetch(of, 1, __ATOMIC_RELAXED);
}

static void violation(const char *what, uint64_t a, uint64_t b)
{
	fprintf(stderr, "not ok: %s (%llx, %llx) in %d\n", what, (unsigned long long)a,
		(unsigned long long)b, (int)getpid());
	__atomic_store_n(&score->bad, 1, __ATOMIC_RELAXED);
}

static bool stopping(void)
{
	return __atomic_load_n(&score->stop, __ATOMIC_RELAXED) != 0;
}

/* ---- server */

static bool anything(const struct service *s, const struct service_chan *chans)
{
	int i;

	for (i = 0; i < NCHAN; i++)
		if (chans[i].open && ring_waiting(&chans[i].rx))
			return true;
	return service_changed(s);
}

static int serve(void *arg)
{
	static struct service_chan chans[NCHAN];
	struct service_config config = {0};
	struct service s;
	struct err_text e;
	uint64_t reaped = 0;
	int i;

	if (service_take(&s, &region, "ops", chans, &config, &e)) {
		violation(e.s, 0, 0);
		return 1;
	}
	count(&score->served_by);
	service_ready(&s);
	bell_wake(&s.shm->asleep);
	for (;;) {
		if (service_changed(&s))
			service_control(&s);
		if (clock_ms() - reaped > 5) {
			reaped = clock_ms();
			service_beat(&s);
			service_reap(&s, reaped);
		}
		for (i = 0; i < NCHAN; i++) {
			if (!chans[i].open || !service_lock(&chans[i]))
				continue;
			if (!echo_answer(&chans[i], true)) {
				violation("O1: not the owner's request", chans[i].owner,
					chans[i].rx.broken);
				return 1;
			}
			service_unlock(&chans[i]);
		}
		bell_set(&s.shm->asleep, BELL_FUTEX);
		if (!anything(&s, chans))
			bell_sleep(&s.shm->asleep, 5000);
		bell_clear(&s.shm->asleep);
	}
}

/* ---- client */

struct client {
	struct chan c;
	uint64_t seed, token;
	uint64_t first, next; /* ids of open requests: first .. next - 1 */
	uint64_t moved_ms;
};

static void enter(struct client *k)
{
	uint64_t was = __atomic_exchange_n(
		&score->owner[k->c.index][0], k->token, __ATOMIC_SEQ_CST);

	if (was && ident_alive(was))
		violation("C1: two owners of a channel", was, k->token);
}

static void leave(struct client *k)
{
	__atomic_store_n(&score->owner[k->c.index][0], 0, __ATOMIC_SEQ_CST);
	chan_detach(&k->c);
}

/* 0 when attached; otherwise stopping. */
static int come(struct client *k)
{
	const struct chan_config config = {.label = "stress", .spin_ns = 20000};
	struct err_text e;
	int rc = -EAGAIN;

	while (!stopping()) {
		rc = chan_attach(&k->c, &region, "ops", &config, &e);
		if (rc == 0)
			break;
		if (rc != -EUSERS && rc != -EOWNERDEAD) {
			violation(e.s, (uint64_t)-rc, 0);
			return -1;
		}
		usleep((useconds_t)rig_below(&k->seed, 3000));
	}
	if (rc)
		return -1;
	enter(k);
	count(&score->attached);
	k->first = k->next = rig_rand(&k->seed);
	return 0;
}

/* Take the replies that are there. */
static int read_replies(struct client *k)
{
	struct frame f;
	int rc;

	while ((rc = ring_peek(&k->c.rx, &f)) == 0) {
		if (k->first == k->next || !echo_right(&f, k->token, k->first)) {
			violation("G1: not the reply to our request", f.id, k->first);
			return -1;
		}
		k->first++;
		k->moved_ms = clock_ms();
		count(&score->answered);
		ring_next(&k->c.rx);
	}
	ring_release(&k->c.rx);
	return rc;
}

/* What to do about chan_state(); 0 to go on, 1 to attach anew. */
static int mend(struct client *k, int state)
{
	int rc;

	switch (state) {
	case 0:
		return 0;
	case -EAGAIN: /* no server at the moment */
		usleep(500);
		return 0;
	case -EOWNERDEAD:
		rc = chan_reopen(&k->c);
		if (rc == -EAGAIN)
			usleep(500);
		if (rc == 0) {
			count(&score->reopened);
			k->first = k->next = k->next + 100; /* what was open is lost */
		}
		if (rc == -EOWNERDEAD)
			violation("C1: a live owner lost its channel", k->token, k->c.index);
		return 0;
	default:
		violation("chan_state", (uint64_t)-state, k->c.index);
		return 1;
	}
}

static void use(struct client *k)
{
	uint64_t asks = rig_below(&k->seed, 400);

	while ((asks > 0 || k->first != k->next) && !stopping()) {
		int rc = 0;

		while (asks > 0 && k->next - k->first < PIPELINE && rc == 0) {
			rc = echo_ask(&k->c, k->token, k->next);
			if (rc == 0) {
				k->next++;
				asks--;
			}
		}
		chan_publish(&k->c);
		if (read_replies(k) == -1)
			return;
		rc = chan_await(&k->c, 20);
		if (rc && mend(k, chan_state(&k->c)))
			return;
		if (clock_ms() - k->moved_ms > PATIENCE_MS) {
			violation("no progress", k->first, k->next);
			return;
		}
	}
}

static int be_client(void *arg)
{
	static struct client k;

	k.seed = *(uint64_t *)arg;
	k.token = ident_self().token;
	while (!stopping() && come(&k) == 0) {
		k.moved_ms = clock_ms();
		use(&k);
		leave(&k);
		if (rig_below(&k.seed, 2))
			usleep((useconds_t)rig_below(&k.seed, 1000));
	}
	return 0;
}

/* ---- the hand that kills */

static pid_t start_client(uint64_t *seed)
{
	static uint64_t child_seed;

	child_seed = rig_rand(seed);
	return rig_spawn(be_client, &child_seed, 300);
}

static uint32_t claimed(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < NCHAN; i++)
		n += shm_load64(&chan_control(region_service(&region, "ops"), i)->claim) != 0;
	return n;
}

static bool ended_badly(int status)
{
	return status != 0 && status != 1000 + SIGKILL;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, t0;
	uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 4;
	uint64_t server_kills = 0, client_kills = 0;
	pid_t server, client[CLIENTS];
	int i;

	score = mmap(NULL, sizeof *score, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (score == MAP_FAILED || rig_region(&region, format, 1))
		return 1;
	alarm((unsigned)seconds + 180);
	server = rig_spawn(serve, NULL, 300);
	for (i = 0; i < CLIENTS; i++)
		client[i] = start_client(&seed);
	t0 = clock_ms();
	while (clock_ms() - t0 < seconds * 1000 && !score->bad) {
		uint64_t dice = rig_below(&seed, 10);
		int k = (int)rig_below(&seed, CLIENTS);

		usleep((useconds_t)rig_below(&seed, 8000));
		if (dice < 2) {
			score->bad |= ended_badly(rig_kill(server));
			server = rig_spawn(serve, NULL, 300);
			server_kills++;
		} else if (dice < 7) {
			score->bad |= ended_badly(rig_kill(client[k]));
			client[k] = start_client(&seed);
			client_kills++;
		} else { /* paused for a while, wherever it is */
			kill(client[k], SIGSTOP);
			usleep((useconds_t)rig_below(&seed, 20000));
			kill(client[k], SIGCONT);
		}
	}
	__atomic_store_n(&score->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < CLIENTS; i++)
		score->bad |= rig_join(client[i]) != 0;
	for (i = 0; i < 20000 && claimed() && !score->bad; i++)
		usleep(1000);
	if (claimed())
		violation("D1: channels did not come back", claimed(), 0);
	score->bad |= ended_badly(rig_kill(server));
	if (!score->answered)
		violation("nothing was answered", 0, 0);
	printf("%s stress_channel: %llu answers, %llu attached, %llu reopened, "
		"%llu clients and %llu servers killed\n",
		score->bad ? "not ok" : "ok", (unsigned long long)score->answered,
		(unsigned long long)score->attached, (unsigned long long)score->reopened,
		(unsigned long long)client_kills, (unsigned long long)server_kills);
	return score->bad != 0;
}
