/* SPDX-License-Identifier: BSD-3-Clause */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "counters.h"
#include "setting.h"
#include "stream.h"

struct roster roster;

/* The channel whose request runs is locked, and comes later (run). */
static void on_owner_gone(int fd, void *unused, int mask)
{
	service_reap(&roster.service, clock_ms());
}

static void opened(void *unused, struct service_chan *c)
{
	struct session *s = session_create(c, roster.max_message);

	c->session = s;
	if (!s)
		return; /* served by nobody: the client times out, and may try again */
	s->tally.id = ++roster.last_id;
	s->tally.since = s->tally.seen = clock_ticks();
	s->slot = roster.nopen;
	roster.open[roster.nopen++] = s;
	counters.opened++;
	if (c->owner_fd >= 0)
		RedisModule_EventLoopAdd(
			c->owner_fd, REDISMODULE_EVENTLOOP_READABLE, on_owner_gone, NULL);
}

static void closed(void *unused, struct service_chan *c)
{
	struct session *s = c->session;

	if (!s)
		return;
	roster.open[s->slot] = roster.open[--roster.nopen];
	roster.open[s->slot]->slot = s->slot;
	c->session = NULL;
	batch_forget(s);
	stream_close(s);
	session_destroy(s);
}

/* Not when it closes: the owner of a refused channel is watched until it lets go. */
static void left(void *unused, struct service_chan *c)
{
	RedisModule_EventLoopDel(c->owner_fd, REDISMODULE_EVENTLOOP_READABLE);
}

void roster_refuse_peer(struct session *s, const struct peer *peer, const char *why)
{
	struct service_chan *c = s->chan;
	char more[REFUSAL_MORE];

	if (service_renew_copied(&roster.service, c))
		return;
	why = seal_why(&c->rx) ? seal_why(&c->rx) : seal_why(&c->tx) ? seal_why(&c->tx) : why;
	counters.refused++;
	if (refusals_say(&roster.refusals, peer ? peer->print : NULL, why, clock_ms(), more))
		RedisModule_Log(roster.ctx, "warning", "channel %u of pid %u is refused: %s%s", c->index,
			ident_pid(c->owner), why, more);
	service_refuse(&roster.service, c);
}

void roster_refuse(struct session *s, const char *why)
{
	roster_refuse_peer(s, s->peer, why);
}

void roster_tell(uint64_t now_ms)
{
	char text[REFUSAL_TEXT];

	while (refusals_left(&roster.refusals, now_ms, text))
		RedisModule_Log(roster.ctx, "warning", "%s", text);
}

void roster_doom(struct session *s)
{
	s->tally.killed = roster.kills = true;
}

/* From outside of serving. False: it is being served, and killed soon (roster_sweep). */
static bool lock(struct session *s)
{
	if (s != roster.serving && service_lock(s->chan))
		return true;
	roster_doom(s);
	return false;
}

void roster_end(struct session *s, const char *why)
{
	struct service_chan *c = s->chan;

	if (!lock(s))
		return;
	roster_refuse(s, why);
	service_unlock(c);
}

void roster_renew(struct session *s)
{
	struct service_chan *c = s->chan;

	if (!lock(s))
		return;
	service_renew(&roster.service, c);
	service_unlock(c);
}

void roster_kill(struct session *s)
{
	struct service_chan *c = s->chan;

	counters.killed += !s->tally.killed;
	s->tally.killed = true;
	if (!lock(s))
		return;
	service_kill(&roster.service, c);
	service_unlock(c);
}

void roster_each(void (*f)(struct session *s))
{
	uint32_t i = 0;

	while (i < roster.nopen) {
		struct session *s = roster.open[i];

		f(s);
		if (i < roster.nopen && roster.open[i] == s)
			i++; /* else another has taken its place */
	}
}

static void renew_if_copied(struct session *s)
{
	if (s != roster.serving && seal_copied(&s->chan->tx))
		roster_renew(s);
}

void roster_renew_copied(void)
{
	roster_each(renew_if_copied);
}

static void kill_doomed(struct session *s)
{
	if (s->tally.killed)
		roster_kill(s);
}

void roster_sweep(void)
{
	if (!roster.kills)
		return;
	roster.kills = false;
	roster_each(kill_doomed);
}

void roster_limits(RedisModuleCtx *ctx)
{
	long long bulk = setting_number(ctx, "proto-max-bulk-len", 512ll << 20);

	roster.max_message = (uint64_t)bulk + 65536; /* and a key, and a header */
}

/* ---- life ---- */

int roster_open(RedisModuleCtx *ctx, const struct region *r, const struct service_config *c,
	struct err_text *e)
{
	struct service_config mine = *c;
	const struct service_geometry *g;
	int rc = region_find(r, KV_SERVICE, &g, e);

	if (rc)
		return rc;
	memset(&roster, 0, sizeof roster);
	refusals_init(&roster.refusals);
	if (posix_memalign((void **)&roster.chans, 128, g->nchannels * sizeof *roster.chans))
		return -ENOMEM;
	memset(roster.chans, 0, g->nchannels * sizeof *roster.chans);
	mine.opened = opened;
	mine.closed = closed;
	mine.left = left;
	rc = service_take(&roster.service, r, KV_SERVICE, roster.chans, &mine, e);
	if (rc) {
		free(roster.chans);
		roster.chans = NULL;
		return rc;
	}
	roster.open = RedisModule_Calloc(g->nchannels, sizeof *roster.open);
	roster_limits(ctx);
	roster.ctx = RedisModule_GetDetachedThreadSafeContext(ctx);
	return 0;
}

void roster_close(void)
{
	service_drop(&roster.service);
	roster_tell(clock_ms() + REFUSAL_MS);
	RedisModule_FreeThreadSafeContext(roster.ctx);
	RedisModule_Free(roster.open);
	free(roster.chans);
	roster.ctx = NULL;
	roster.open = NULL;
	roster.chans = NULL;
	roster.nopen = 0;
}
