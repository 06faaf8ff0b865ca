/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_resp.c - any bytes into resp_parse(): a tree or NULL. Of a tree, every string is
 * read to its end, every child is there, and what it holds came out of the input. A part
 * of a value is no value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

static size_t nodes, bytes;

static void walk(const struct cxlring_reply *r)
{
	size_t i;

	if (!r || r->type < CXLRING_STRING || r->type > CXLRING_VERB || r->type == CXLRING_ATTR)
		abort();
	if (r->str && r->str[r->len])
		abort();
	if (r->elements && r->str)
		abort();
	if (r->type == CXLRING_MAP && r->elements % 2)
		abort();
	nodes++;
	bytes += r->len;
	for (i = 0; i < r->elements; i++)
		walk(r->element[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cxlring_reply *r = resp_parse(data, size);

	if (!r)
		return 0;
	nodes = bytes = 0;
	walk(r);
	if (3 * nodes + bytes > size)
		abort();
	cxlring_free(r);
	if (resp_parse(data, size - 1))
		abort();
	return 0;
}
