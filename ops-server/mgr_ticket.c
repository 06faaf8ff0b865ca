/* SPDX-License-Identifier: BSD-3-Clause */
#include "mgr_ticket.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "entropy.h"

enum { CHAIN_ID = 16, MAC = 16 };

/* As it travels; nobody but a manager looks into it. */
struct ticket {
	uint8_t chain[CHAIN_ID];
	uint64_t number;   /* in the chain, from 1 */
	uint64_t given_ms; /* Unix time */
	uint8_t mac[MAC];  /* over all before it, and the certificate's fingerprint */
};

_Static_assert(sizeof(struct ticket) == MGR_TICKET, "on the wire");

struct chain {
	uint8_t id[CHAIN_ID];
	uint64_t last;  /* given, not shown yet; 0: a free place */
	uint64_t shown; /* before that; 0: none */
	uint64_t link;  /* where that was shown */
	uint64_t at_ms;
	bool held;      /* by a connection that is open */
};

void tickets_begin(struct tickets *t, const uint8_t master[TABLE_MASTER], uint64_t lease_ms,
	uint64_t now_ms)
{
	static const char label[] = "cxl_sec_mgr tickets";

	crypto_generichash(t->key, sizeof t->key, (const uint8_t *)label, sizeof label, master,
		TABLE_MASTER);
	t->lease_ms = lease_ms;
	t->started_ms = now_ms;
}

void tickets_end(struct tickets *t)
{
	size_t i;

	for (i = 0; i < TABLE_NODES; i++)
		free(t->of[i]);
	sodium_memzero(t, sizeof *t);
}

static void mac_of(const struct tickets *t, const struct ticket *k, const uint8_t print[PEER_PRINT],
	uint8_t mac[MAC])
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, t->key, sizeof t->key, MAC);
	crypto_generichash_update(&s, print, PEER_PRINT);
	crypto_generichash_update(&s, (const uint8_t *)k, offsetof(struct ticket, mac));
	crypto_generichash_final(&s, mac, MAC);
}

static bool genuine(const struct tickets *t, const struct ticket *k, const uint8_t print[PEER_PRINT])
{
	uint8_t mac[MAC];

	mac_of(t, k, print, mac);
	return sodium_memcmp(mac, k->mac, MAC) == 0;
}

/* NULL: not known. */
static struct chain *find(struct chain *all, const uint8_t id[CHAIN_ID])
{
	size_t i;

	for (i = 0; i < CHAINS; i++)
		if (all[i].last && memcmp(all[i].id, id, CHAIN_ID) == 0)
			return &all[i];
	return NULL;
}

/* A free place, which was last heard of at 0, or that of who has been gone, or silent, longest. */
static struct chain *begin_chain(struct chain *all, const uint8_t id[CHAIN_ID])
{
	struct chain *c = all;
	size_t i;

	for (i = 1; i < CHAINS; i++)
		if (all[i].held < c->held || (all[i].held == c->held && all[i].at_ms < c->at_ms))
			c = &all[i];
	memset(c, 0, sizeof *c);
	memcpy(c->id, id, CHAIN_ID);
	return c;
}

/* Given by the manager that ran here before, to somebody who is still about. */
static bool inherited(const struct tickets *t, const struct ticket *k, uint64_t now_ms, uint64_t unix_ms)
{
	uint64_t up_ms = now_ms - t->started_ms;

	return k->given_ms <= unix_ms - up_ms && unix_ms - k->given_ms < t->lease_ms;
}

/* The chain that goes on from what is shown; NULL: none does. */
static struct chain *follow(const struct tickets *t, struct chain *all, const struct ticket *k,
	uint64_t link, uint64_t now_ms, uint64_t unix_ms)
{
	struct chain *c = find(all, k->chain);

	if (!c && inherited(t, k, now_ms, unix_ms)) {
		c = begin_chain(all, k->chain);
		c->last = k->number;
	}
	if (!c || (k->number != c->last && (k->number != c->shown || link != c->link)))
		return NULL;
	c->shown = k->number;
	c->link = link;
	return c;
}

static struct chain *begin_fresh(struct chain *all)
{
	uint8_t id[CHAIN_ID];

	entropy_fill(id, sizeof id);
	return begin_chain(all, id);
}

void tickets_left(struct tickets *t, uint32_t node, const uint8_t given[MGR_TICKET])
{
	struct chain *c = t->of[node] ? find(t->of[node], given) : NULL;
	uint64_t number;

	memcpy(&number, given + offsetof(struct ticket, number), sizeof number);
	if (c && c->last == number) /* else another connection holds it by now */
		c->held = false;
}

int tickets_take(struct tickets *t, uint32_t node, const uint8_t print[PEER_PRINT],
	uint64_t link, const uint8_t shown[MGR_TICKET], uint64_t now_ms, uint64_t unix_ms, uint8_t given[MGR_TICKET],
	bool *anew)
{
	struct chain *all = t->of[node], *c = NULL;
	struct ticket k;

	if (!all)
		all = t->of[node] = calloc(CHAINS, sizeof *all);
	if (!all)
		return -ENOMEM;
	memcpy(&k, shown, sizeof k);
	if (genuine(t, &k, print))
		c = follow(t, all, &k, link, now_ms, unix_ms);
	*anew = !c && !sodium_is_zero(shown, MGR_TICKET);
	if (!c)
		c = begin_fresh(all);
	c->at_ms = now_ms;
	c->held = true;
	c->last++;
	memcpy(k.chain, c->id, CHAIN_ID);
	k.number = c->last;
	k.given_ms = unix_ms;
	mac_of(t, &k, print, k.mac);
	memcpy(given, &k, sizeof k);
	return 0;
}
