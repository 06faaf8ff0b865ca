/* SPDX-License-Identifier: BSD-3-Clause */
#include "tenure.h"

#include <time.h>

enum { LOOK_NS = 1000000000 };

void tenure_begin(struct tenure *n, const struct trust *t)
{
	n->looked = clock_ticks();
	n->every = clock_from_ns(LOOK_NS);
	n->news = t->news;
}

void tenure_doubt(struct tenure *n)
{
	n->looked = clock_ticks() - n->every;
	n->news = UINT64_MAX; /* no trust has so many */
}

bool tenure_look(struct tenure *n, struct trust *t, struct err_text *e)
{
	int64_t now_s = time(NULL);
	bool same;

	n->looked = clock_ticks();
	trust_refresh(t);
	same = n->news == t->news && (!n->server.ends_s || now_s <= n->server.ends_s);
	n->news = t->news;
	return !same && trust_objects(t, &n->server, now_s, e);
}
