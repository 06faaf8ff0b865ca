/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool line_init(struct line *q, unsigned depth)
{
	uint32_t n = 1;

	while (n < depth)
		n *= 2;
	*q = (struct line){.v = malloc(n * sizeof *q->v), .mask = n - 1};
	return q->v;
}

bool client_open(struct client *c, const struct target_options *o, unsigned depth,
	char *why, size_t len, bool *full)
{
	unsigned i;

	memset(c, 0, sizeof *c);
	*full = false;
	c->depth = depth;
	c->ops = calloc(depth, sizeof *c->ops);
	if (!c->ops || !line_init(&c->idle, depth) || !line_init(&c->ready, depth) ||
		!line_init(&c->waiting, depth)) {
		snprintf(why, len, "no memory");
		client_close(c, NULL);
		return false;
	}
	for (i = 0; i < depth; i++)
		line_put(&c->idle, i);
	c->t = target_open(o, why, len, full);
	if (!c->t) {
		client_close(c, NULL);
		return false;
	}
	pthread_mutex_init(&c->lock, NULL);
	return true;
}

void client_close(struct client *c, void (*drop)(struct op *))
{
	unsigned i;

	for (i = 0; drop && c->ops && i < c->depth; i++)
		drop(&c->ops[i]);
	if (c->t)
		target_close(c->t);
	free(c->ops);
	free(c->idle.v);
	free(c->ready.v);
	free(c->waiting.v);
	memset(c, 0, sizeof *c);
}
