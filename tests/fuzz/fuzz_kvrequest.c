/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_kvrequest.c - any bytes as a request of service "kv": what is accepted lies within
 * them, and accounts for every one of them.
 */
#include <stdlib.h>

#include "kvrequest.h"

static size_t within(const uint8_t *p, size_t len, const uint8_t *data, size_t size)
{
	if (p < data || len > size || (size_t)(p - data) > size - len)
		abort();
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvrequest q;
	const uint8_t *p = NULL;
	size_t all = KV_HEADER;
	uint32_t n = 0;

	if (size == 0 || kvrequest_read(&q, data[0], data + 1, size - 1))
		return 0;
	data++;
	size--;
	if (q.key)
		all += within(q.key, q.key_len, data, size);
	if (q.value)
		all += within(q.value, q.value_len, data, size);
	all += 8u * (q.verb == KV_INCRBY || (q.verb == KV_SET && q.opt & KV_SET_TIME));
	while (q.nstrings && (p = kvrequest_string(&q, &n)))
		all += 4 + within(p, n, data, size);
	if (all != size && (q.key || p))
		abort();
	return 0;
}
