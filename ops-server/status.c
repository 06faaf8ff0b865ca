/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "session.h"
#include "zone.h"

static void channels_text(FILE *f, const struct server *s)
{
	uint32_t n = s->service.geometry->nchannels, i;

	for (i = service_next_open(&s->service, 0, n); i < n;
		i = service_next_open(&s->service, i + 1, n)) {
		const struct service_chan *c = &s->chans[i];
		char label[CHAN_LABEL + 1] = "";
		uint32_t k;

		/* No session here: another worker may be closing it. The owner wrote the
		 * label: show only what cannot disturb a terminal. */
		for (k = 0; k < CHAN_LABEL; k++) {
			char ch = c->shm->label[k];

			if (!ch)
				break;
			label[k] = ch >= ' ' && ch < 127 ? ch : '?';
		}
		/* Who renews a channel has its lock alone. */
		fprintf(f, "channel %u pid %u generation %u%s", c->index, ident_pid(c->owner),
			__atomic_load_n(&c->gen, __ATOMIC_RELAXED), c->remote ? " remote" : "");
		account_print(&s->accounts[i], f);
		fprintf(f, " label %s\n", label);
	}
}

/* The policy, and what all sessions together were told in clear. */
static void policy_text(FILE *f, struct server *s)
{
	uint32_t n = s->service.geometry->nchannels, i;
	struct account all = {{0}, 0, {0}};

	pthread_mutex_lock(&s->zone_lock); /* it is not replaced meanwhile */
	if (s->zone->policy)
		fprintf(f, "policy %s\npolicy_version %llu\n", s->zone->policy->name,
			(unsigned long long)s->zone->policy->stamp.version);
	pthread_mutex_unlock(&s->zone_lock);
	account_add(&all, s->ended);
	for (i = 0; i < n; i++)
		account_add(&all, &s->accounts[i]);
	account_print_lines(&all, f);
}

static void keys_text(FILE *f, struct server *s)
{
	unsigned d;

	pthread_mutex_lock(&s->zone_lock); /* a reload may free what was the newest zone */
	fprintf(f, "keys_sealed %s\nkey_active %u\n", kek_source_name(s->zone->sealed),
		keyring_active(s->zone->keys));
	for (d = 1; d < keyring_domains(s->zone->keys); d++)
		fprintf(f, "key_domain %s %u\n", keyring_domain_name(s->zone->keys, d),
			keyring_active_in(s->zone->keys, d));
	pthread_mutex_unlock(&s->zone_lock);
}

char *status_text(struct server *s)
{
	static const double points[] = {50, 75, 90, 99, 99.9, 99.99};
	struct hist *all = calloc(1, sizeof *all);
	uint64_t requests = 0, failures = 0, sleeps = 0, in = 0, out = 0, opened = 0,
		 sealed = 0, rows = 0, up;
	char *text = NULL;
	size_t len, i;
	uint32_t k;
	FILE *f;

	if (!all)
		return NULL;
	f = open_memstream(&text, &len);
	if (!f) {
		free(all);
		return NULL;
	}
	for (k = 0; k < s->config.workers; k++) {
		const struct worker *w = &s->workers[k];

		hist_merge(all, &w->service_ns);
		requests += w->requests;
		failures += w->failures;
		sleeps += w->sleeps;
		in += w->bytes_in;
		out += w->bytes_out;
		opened += w->opened;
		sealed += w->sealed;
		rows += w->rows;
	}
	up = clock_ms() - s->started_ms;
	fprintf(f, "pid %d\nuptime_ms %llu\nworkers %u\ncrypto %s\ngeneration %s\n", (int)getpid(),
		(unsigned long long)up, s->config.workers, s->gcm->name,
		life_watched() ? s->config.generation : "none");
	fprintf(f, "channels_open %u\nchannels_sealed %u\nchannels %u\n", s->service.nopen,
		__atomic_load_n(&s->nsealed, __ATOMIC_RELAXED), s->service.geometry->nchannels);
	fprintf(f,
		"requests %llu\nrequests_failed %llu\nrequests_per_s %.1f\nrows %llu\n"
		"values_opened %llu\nvalues_sealed %llu\nbytes_in %llu\nbytes_out %llu\n"
		"sleeps %llu\n",
		(unsigned long long)requests, (unsigned long long)failures,
		up ? (double)requests * 1000.0 / (double)up : 0, (unsigned long long)rows,
		(unsigned long long)opened, (unsigned long long)sealed, (unsigned long long)in,
		(unsigned long long)out, (unsigned long long)sleeps);
	for (i = 0; i < sizeof points / sizeof points[0]; i++)
		fprintf(f, "service_ns_p%g %llu\n", points[i],
			(unsigned long long)hist_percentile(all, points[i]));
	fprintf(f, "service_ns_max %llu\n", (unsigned long long)all->max);
	policy_text(f, s);
	keys_text(f, s);
	channels_text(f, s);
	fclose(f);
	free(all);
	return text;
}
