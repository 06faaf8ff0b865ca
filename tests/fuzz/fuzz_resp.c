/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_resp.c - any bytes as a reply of Redis: a tree whose every byte can be read, or
 * NULL. What is one value is none without its last byte, nor with one more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

static size_t walk(const struct cxlring_reply *r)
{
	size_t n = 1, i;

	if (r->str && r->str[r->len] != 0)
		abort();
	for (i = 0; i < r->elements; i++)
		n += walk(r->element[i]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1); /* on the heap: one byte too far is seen */
	struct cxlring_reply *r;

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	bytes = realloc(bytes, size ? size : 1);
	r = resp_parse(bytes, size);
	if (r) {
		if (walk(r) > size)
			abort();
		cxlring_free(r);
		if (resp_parse(bytes, size - 1))
			abort();
		bytes = realloc(bytes, size + 1);
		bytes[size] = '\n';
		if (resp_parse(bytes, size + 1))
			abort();
	}
	free(bytes);
	return 0;
}
