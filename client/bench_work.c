/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_work.h"

#include <errno.h>
#include <stdio.h>

int work_wrong(struct actor *a, const struct op *op, const struct cxlring_view *v)
{
	bool text = v->data && v->type != CXLRING_STRING && v->len < 120;

	snprintf(a->why, sizeof a->why,
		"%s of key %llu, request %u of it: a wrong reply: type %d, %zu bytes: %.*s",
		a->work->kinds[op->kind], (unsigned long long)op->key, op->step + 1, v->type, v->len,
		text ? (int)v->len : 0, text ? v->data : "");
	return -EBADMSG;
}
