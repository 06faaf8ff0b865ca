/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_flow.h"

#include <stdlib.h>

static int send_batch(struct load_flow *f, struct load_batch *b)
{
	int rc = load_batch_seal(b, f->ops, f->timeout_ms, &f->e);
	size_t len;
	uint8_t *p;

	if (rc)
		return rc;
	len = load_batch_size(b);
	if (len > f->out_cap) {
		p = realloc(f->out, len + len / 4);
		if (!p)
			return -ENOMEM;
		f->out = p;
		f->out_cap = len + len / 4;
	}
	load_batch_write(b, f->out);
	rc = f->sink.write(f->sink.ctx, f->out, len, &f->e);
	if (!rc)
		f->sent += len;
	return rc;
}

static void *sender(void *arg)
{
	struct load_flow *f = arg;
	int rc;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->full[f->sending] && !f->over)
			pthread_cond_wait(&f->turned, &f->lock);
		if (!f->full[f->sending])
			break;
		pthread_mutex_unlock(&f->lock);
		rc = f->rc ? f->rc : send_batch(f, &f->batch[f->sending]);
		pthread_mutex_lock(&f->lock);
		f->rc = rc;
		f->full[f->sending] = false;
		f->sending = (f->sending + 1) % LOAD_BATCHES;
		pthread_cond_signal(&f->turned);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void release(struct load_flow *f)
{
	int i;

	for (i = 0; i < LOAD_BATCHES; i++)
		load_batch_fini(&f->batch[i]);
	free(f->out);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->turned);
}

int load_flow_begin(struct load_flow *f, const struct load_column *columns, int n,
	struct ops_client *ops, uint64_t timeout_ms, const struct load_sink *sink)
{
	bool ok = true;
	int i;

	*f = (struct load_flow){.ops = ops, .timeout_ms = timeout_ms, .sink = *sink};
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->turned, NULL);
	for (i = 0; i < LOAD_BATCHES; i++)
		ok = ok && load_batch_init(&f->batch[i], columns, n);
	if (ok && pthread_create(&f->sender, NULL, sender, f) == 0)
		return 0;
	release(f);
	return -ENOMEM;
}

struct load_batch *load_flow_batch(struct load_flow *f)
{
	struct load_batch *b = &f->batch[f->filling];
	int rc;

	pthread_mutex_lock(&f->lock);
	while (f->full[f->filling])
		pthread_cond_wait(&f->turned, &f->lock);
	rc = f->rc;
	pthread_mutex_unlock(&f->lock);
	load_batch_clear(b);
	return rc ? NULL : b;
}

void load_flow_give(struct load_flow *f)
{
	pthread_mutex_lock(&f->lock);
	f->full[f->filling] = true;
	f->filling = (f->filling + 1) % LOAD_BATCHES;
	pthread_cond_signal(&f->turned);
	pthread_mutex_unlock(&f->lock);
}

int load_flow_end(struct load_flow *f, struct err_text *e)
{
	int rc;

	pthread_mutex_lock(&f->lock);
	f->over = true;
	pthread_cond_signal(&f->turned);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->sender, NULL);
	rc = f->rc;
	if (rc)
		*e = f->e;
	release(f);
	return rc;
}
