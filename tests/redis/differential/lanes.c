/* SPDX-License-Identifier: BSD-3-Clause */
#include "lanes.h"

#include <errno.h>

#include "cxlring.h"
#include "die.h"
#include "verb.h"

enum { MOST = 256 };

static struct lane {
	struct cxlring *ring;
	size_t waits[MOST]; /* whose replies are to come, oldest first */
	size_t first, n;
} lanes[LANES];

static void must(const struct lane *l, int rc)
{
	if (rc)
		die(DIE_RING, "the ring failed: %s", cxlring_why(l->ring));
}

void lanes_open(const char *region)
{
	struct cxlring_options o = {.region = region, .timeout_ms = 60000};
	char why[256];
	int i;

	for (i = 0; i < LANES; i++)
		if (cxlring_open(&lanes[i].ring, &o, why, sizeof why))
			die(DIE_TROUBLE, "%s", why);
}

void lanes_close(void)
{
	int i;

	for (i = 0; i < LANES; i++)
		cxlring_close(lanes[i].ring);
}

void lanes_log_in(const char *user, const char *password)
{
	struct cxlring_reply *r;
	int i;

	for (i = 0; i < LANES; i++) {
		must(&lanes[i], cxlring_auth(lanes[i].ring, user, password, &r));
		if (r->type == CXLRING_ERROR)
			die(DIE_TROUBLE, "%s", r->str);
		cxlring_free(r);
	}
}

static void take(struct lane *l, const struct command *c, struct value *out)
{
	size_t i = l->waits[l->first++];
	struct cxlring_view v;

	must(l, cxlring_next(l->ring, &v, -1));
	out[i] = verb_value(&v, c[i].resp3);
}

static void take_all(struct lane *l, const struct command *c, struct value *out)
{
	must(l, cxlring_flush(l->ring));
	while (l->first < l->n)
		take(l, c, out);
}

static void put(struct lane *l, const struct command *c, size_t i, struct value *out)
{
	int rc;

	must(l, cxlring_select(l->ring, c[i].db));
	if (c[i].alone || !verb_appends(&c[i])) {
		take_all(l, c, out);
		out[i] = verb_ask(l->ring, &c[i]);
		return;
	}
	while ((rc = verb_append(l->ring, &c[i])) == -EAGAIN) {
		must(l, cxlring_flush(l->ring));
		take(l, c, out);
	}
	must(l, rc);
	l->waits[l->n++] = i;
}

void lanes_run(const struct command *c, size_t n, struct value *out)
{
	size_t i;

	for (i = 0; i < LANES; i++)
		lanes[i].first = lanes[i].n = 0;
	for (i = 0; i < n; i++)
		put(&lanes[c[i].lane], c, i, out);
	for (i = 0; i < LANES; i++)
		must(&lanes[i], cxlring_flush(lanes[i].ring));
	for (i = 0; i < LANES; i++)
		take_all(&lanes[i], c, out);
}
