/* SPDX-License-Identifier: BSD-3-Clause */
#include "secure.h"

#include <string.h>

#include <sodium.h>

#include "watch.h"

static struct seal_place place_of(const char *service, uint32_t channel, uint32_t gen)
{
	struct seal_place p = {.channel = channel, .gen = gen};

	memcpy(p.service, service, strnlen(service, SEAL_NAME));
	return p;
}

/* All that the handshake has to say. There is room: it is all that is in the ring. */
static int send_out(struct handshake *h, struct ring *tx)
{
	const uint8_t *p;
	uint8_t *at;
	size_t len;
	int rc;

	while ((len = handshake_out(h, &p)) > 0) {
		len = len < ring_frame_max(tx) ? len : ring_frame_max(tx);
		rc = ring_claim(tx, (uint32_t)len, &at);
		if (rc)
			return rc == -EAGAIN ? -EMSGSIZE : rc;
		memcpy(at, p, len);
		ring_commit(tx, (uint32_t)len, SEAL_HELLO, 0, 0);
		handshake_sent(h, len);
	}
	return 0;
}

/* Both directions; what was sent plainly has been shown. */
static int begin(const struct handshake *h, struct seal **seal, struct ring *tx, struct ring *rx,
	bool server)
{
	const struct seal_place *place = handshake_place(h);
	uint8_t secret[2][SEAL_SECRET];
	const struct gcm_backend *gcm = gcm_select(NULL);
	int rc;

	if (!*seal)
		*seal = seal_create(tx->cap);
	if (!*seal)
		return -ENOMEM;
	ring_release(rx);
	handshake_secrets(h, secret[0], secret[1]);
	rc = seal_begin_tx(&(*seal)->tx, tx, gcm, place, secret[server], handshake_life(h));
	if (!rc)
		rc = seal_begin_rx(&(*seal)->rx, rx, gcm, place, secret[!server]);
	sodium_memzero(secret, sizeof secret);
	return rc;
}

/* ---- the client's end ---- */

/* What a server answers that does not know, or want, this. */
static int refused(struct err_text *e)
{
	err_set(e, "the server takes no sealed channels");
	return -ECONNREFUSED;
}

static int feed(struct handshake *h, struct chan *c, struct err_text *e)
{
	struct frame f;
	int rc;

	while ((rc = ring_peek(&c->rx, &f)) == 0) {
		rc = f.kind == SEAL_HELLO && !f.flags ? handshake_feed(h, f.data, f.len) : refused(e);
		if (rc)
			return rc;
		ring_next(&c->rx);
	}
	if (rc == -EAGAIN)
		ring_release(&c->rx);
	return rc == -EAGAIN ? 0 : rc;
}

static int step(struct handshake *h, struct chan *c, struct peer *peer, struct err_text *e)
{
	int rc = feed(h, c, e), said;

	if (rc)
		return rc;
	rc = handshake_run(h);
	said = send_out(h, &c->tx);
	chan_publish(c);
	if (rc == -EACCES || rc == -ESTALE)
		err_set(e, "sealed channel: %s", handshake_why(h));
	if (rc || said)
		return rc ? rc : said;
	if (peer)
		*peer = *handshake_peer(h);
	return begin(h, &c->seal, &c->tx, &c->rx, false);
}

int secure_ready(struct trust *t, struct err_text *e)
{
	struct view_state s;

	if (!t || !t->watch)
		return 0;
	watch_step(t->watch);
	view_state(t->view, &s);
	if (s.holds)
		return 0;
	err_set(e, "the manager's lease has ended, and it does not answer: %s", watch_why(t->watch));
	return -EAGAIN;
}

int secure_connect(struct handshake **h, struct chan *c, struct trust *t, struct peer *peer,
	struct err_text *e)
{
	const struct seal_place p = place_of(c->service->name, c->index, c->gen);
	int rc;

	if (!*h) {
		trust_refresh(t);
		rc = secure_ready(t, e);
		if (rc)
			return rc;
		*h = handshake_create(t, &p, false);
	}
	if (!*h)
		return -ENOMEM;
	rc = step(*h, c, peer, e);
	if (rc == -EAGAIN)
		return rc;
	handshake_destroy(*h);
	*h = NULL;
	return rc;
}

/* ---- the server's end ---- */

int secure_take(struct handshake **h, struct service_chan *c, const char *service,
	struct trust *t, const struct frame *f)
{
	const struct seal_place p = place_of(service, c->index, c->gen);
	int rc;

	if (!*h)
		*h = handshake_create(t, &p, true);
	if (!*h)
		return -ENOMEM;
	rc = f->flags ? -EPROTO : handshake_feed(*h, f->data, f->len);
	ring_next(&c->rx);
	return rc;
}

int secure_give(struct handshake *h, struct service_chan *c, int rc)
{
	int said = send_out(h, &c->tx);

	service_publish(c);
	if (rc || said)
		return rc ? rc : said;
	return begin(h, &c->seal, &c->tx, &c->rx, true);
}
