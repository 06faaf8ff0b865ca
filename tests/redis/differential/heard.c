/* SPDX-License-Identifier: BSD-3-Clause */
#include "heard.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"

void heard_open(struct heard *h, const char *socket)
{
	wire_open(&h->events, socket);
	wire_do(&h->events, "psubscribe", "__key*__:*", NULL);
	wire_open(&h->caches, socket);
	wire_do(&h->caches, "hello", "3", NULL);
	wire_do(&h->caches, "client", "tracking", "on", "bcast", NULL);
}

void heard_close(struct heard *h)
{
	wire_close(&h->events);
	wire_close(&h->caches);
}

static void append(struct value *all, const char *p, size_t len)
{
	all->data = realloc(all->data, all->len + len + 1);
	if (!all->data)
		die(DIE_TROUBLE, "no memory");
	memcpy(all->data + all->len, p, len);
	all->len += len;
	all->data[all->len] = 0;
}

/* What comes before the answer to PING. */
static void take_until(struct wire *w, const char *pong, struct value *all)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n";

	wire_send(w, ping, sizeof ping - 1);
	for (;;) {
		struct value v = wire_take(w);
		bool end = strncmp(v.data, pong, strlen(pong)) == 0;

		if (!end)
			append(all, v.data, v.len);
		value_free(&v);
		if (end)
			return;
	}
}

/* ---- values in a row, in another order ---- */

struct piece {
	const char *p;
	size_t len;
};

static int by_bytes(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return d ? d : (int)(x->len > y->len) - (int)(x->len < y->len);
}

static void sort(struct value *v, bool once)
{
	struct value sorted = value_of("", 0);
	struct piece *e = NULL;
	size_t at, n = 0, i;

	for (at = 0; at < v->len; at += e[n++].len) {
		e = realloc(e, (n + 1) * sizeof *e);
		if (!e)
			die(DIE_TROUBLE, "no memory");
		e[n] = (struct piece){v->data + at, resp_length(v->data + at, v->len - at)};
	}
	if (n)
		qsort(e, n, sizeof *e, by_bytes);
	for (i = 0; i < n; i++)
		if (!once || i == 0 || by_bytes(&e[i - 1], &e[i]) != 0)
			append(&sorted, e[i].p, e[i].len);
	free(e);
	value_free(v);
	*v = sorted;
}

void heard_sort(struct value *events)
{
	sort(events, false);
}

/* ">2 invalidate [key, ...]" each, or nil for all keys: what of them is the list. */
static struct value keys_of(const struct value *pushes)
{
	static const char head[] = ">2\r\n$10\r\ninvalidate\r\n";
	struct value keys = value_of("", 0);
	size_t at = 0;

	while (at < pushes->len) {
		size_t len = resp_length(pushes->data + at, pushes->len - at);
		const char *p = pushes->data + at + sizeof head - 1;

		if (strncmp(pushes->data + at, head, sizeof head - 1) != 0)
			die(DIE_TROUBLE, "a push that is no invalidation: %s", pushes->data + at);
		at += len;
		len -= sizeof head - 1;
		if (*p == '*') { /* the elements, without their number */
			const char *first = strchr(p, '\n') + 1;

			append(&keys, first, len - (size_t)(first - p));
		} else {
			append(&keys, p, len);
		}
	}
	return keys;
}

void heard_take(struct heard *h, struct value *events, struct value *keys)
{
	struct value pushes = value_of("", 0);

	*events = value_of("", 0);
	take_until(&h->events, "*2\r\n$4\r\npong\r\n", events);
	/* They are sent once a turn, maybe before the ring's turn in it: two turns. */
	take_until(&h->caches, "+PONG\r\n", &pushes);
	take_until(&h->caches, "+PONG\r\n", &pushes);
	*keys = keys_of(&pushes);
	sort(keys, true);
	value_free(&pushes);
}
