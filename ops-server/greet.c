/* SPDX-License-Identifier: BSD-3-Clause */
#include "greet.h"

#include <stdlib.h>

#include "session.h"
#include "thread.h"
#include "worker.h"
#include "zone.h"

enum { NICE = 5 };

struct greeter {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	uint32_t first, n; /* of chan[] */
	bool stop;
	struct service_chan *chan[]; /* as many as there are */
};

/* The longest that waits, or NULL at the end. */
static struct service_chan *next(struct greeter *g, uint32_t size)
{
	struct service_chan *c = NULL;

	pthread_mutex_lock(&g->lock);
	while (!g->n && !g->stop)
		pthread_cond_wait(&g->work, &g->lock);
	if (!g->stop) {
		c = g->chan[g->first];
		g->first = (g->first + 1) % size;
		g->n--;
	}
	pthread_mutex_unlock(&g->lock);
	return c;
}

static void *greet_run(void *arg)
{
	struct server *s = arg;
	struct service_chan *c;
	struct zone *z;

	thread_schedule(0, NICE); /* those who are in go first */
	while ((c = next(s->greeter, s->service.geometry->nchannels))) {
		z = zone_hold(s);
		session_greet(s, z, c);
		zone_let_go(s, z);
		service_unlock(c);
		workers_look(s); /* what came meanwhile rang in vain */
	}
	return NULL;
}

void greet_hand_over(struct server *s, struct service_chan *c)
{
	struct greeter *g = s->greeter;

	/* There is room: who stands there is locked, and so does not come again. */
	pthread_mutex_lock(&g->lock);
	g->chan[(g->first + g->n++) % s->service.geometry->nchannels] = c;
	pthread_cond_signal(&g->work);
	pthread_mutex_unlock(&g->lock);
}

int greet_start(struct server *s)
{
	uint32_t n = s->service.geometry->nchannels;
	struct greeter *g = calloc(1, sizeof *g + n * sizeof *g->chan);

	if (!g)
		return -ENOMEM;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->work, NULL);
	s->greeter = g;
	return thread_start(&g->thread, greet_run, s);
}

void greet_end(struct server *s)
{
	struct greeter *g = s->greeter;

	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_signal(&g->work);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	for (; g->n; g->n--, g->first = (g->first + 1) % s->service.geometry->nchannels)
		service_unlock(g->chan[g->first]);
	free(g);
}
