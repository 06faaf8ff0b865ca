/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_region.c - any bytes as a region: region_check() reads nothing outside of them,
 * and what it accepts lies inside. The input is a mask over a good region's superblock,
 * so that the magic need not be guessed: first two bytes the region's length in pages
 * (less some bytes), then as many bytes as there are, each XORed in.
 */
#include "channel.h"
#include "region.h"
#include "../rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct service_format two[] = {{"kv", 2, 4096}, {"ops", 1, 8192}};
	static struct region good;
	struct region r;
	struct err_text e = {""};
	uint64_t cut;
	size_t i;
	int rc;

	if (!good.base && rig_region(&good, two, 2))
		abort();
	if (size < 2)
		return 0;
	cut = (data[0] | (uint64_t)data[1] << 8) % (good.size + 1);
	memset(&r, 0, sizeof r);
	r.size = good.size - cut;
	if (posix_memalign((void **)&r.base, 64, r.size ? r.size : 1))
		abort();
	memcpy(r.base, good.base, r.size);
	for (i = 2; i < size && i - 2 < r.size; i++)
		r.base[i - 2] ^= data[i];
	rc = region_check(&r, &e);
	if (rc && (!e.s[0] || r.nservices || region_service(&r, "kv")))
		abort();
	for (i = 0; i < r.nservices; i++) {
		const struct service_geometry *g = &r.service[i];

		chan_control(g, 0)->gen++;
		chan_rsp_ring(g, g->nchannels - 1)[g->ring_bytes - 1]++;
	}
	free(r.base);
	return 0;
}
