/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include "roster.h"
#include "serve.h"

enum { UNRUNG = 4 * SERVE_BURST }; /* replies that a client may sleep through */

static struct {
	bool held;
	bool unrung; /* some client was not woken */
} outbox;

void outbox_init(void)
{
	outbox.held = outbox.unrung = false;
}

void outbox_hold(void)
{
	outbox.held = true;
}

bool outbox_holds(void)
{
	return outbox.held;
}

void outbox_publish(struct session *s)
{
	if (outbox.held)
		return;
	s->unpublished = false;
	if (s->unrung && !ring_held(&s->chan->tx))
		service_ring(s->chan);
	service_publish(s->chan);
	s->unrung = 0;
}

void outbox_publish_all(void)
{
	uint32_t i;

	for (i = 0; i < roster.nopen && !outbox.held; i++)
		if (roster.open[i]->unpublished)
			outbox_publish(roster.open[i]);
}

void outbox_release(void)
{
	if (!outbox.held)
		return;
	outbox.held = false;
	outbox_publish_all();
}

void outbox_burst(struct session *s, unsigned n, bool more)
{
	if (outbox.held || (!s->unpublished && !s->unrung))
		return;
	if (!more || s->out || s->unrung >= UNRUNG) {
		outbox_publish(s);
		return;
	}
	s->unpublished = false;
	s->unrung += n;
	outbox.unrung = true;
	ring_publish(&s->chan->tx);
}

void outbox_ring(void)
{
	uint32_t i;

	for (i = 0; outbox.unrung && i < roster.nopen; i++)
		if (roster.open[i]->unrung) {
			service_ring(roster.open[i]->chan);
			roster.open[i]->unrung = 0;
		}
	outbox.unrung = false;
}
