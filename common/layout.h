/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * layout.h - the region that everybody makes who is not told otherwise.
 *
 * cxlring.so makes it for a file that is new, hedbctl for `region format`: services kv
 * and ops, 16 and 128 channels, 10.1 of the 16 MiB that the published two-VM set-up
 * gives a region.
 */
#ifndef COMMON_LAYOUT_H
#define COMMON_LAYOUT_H

#include "region.h"

enum {
	LAYOUT_BYTES = 16 << 20,
	LAYOUT_SERVICES = 2,
	LAYOUT_KV_CHANNELS = 16,
	LAYOUT_KV_RING = 64 << 10,
	LAYOUT_OPS_CHANNELS = 128,
	LAYOUT_OPS_RING = 32 << 10,
};

/* Fills f[LAYOUT_SERVICES]; the caller changes what it was told to, then formats. */
static inline void layout_default(struct service_format f[LAYOUT_SERVICES])
{
	f[0].name = "kv";
	f[0].nchannels = LAYOUT_KV_CHANNELS;
	f[0].ring_bytes = LAYOUT_KV_RING;
	f[1].name = "ops";
	f[1].nchannels = LAYOUT_OPS_CHANNELS;
	f[1].ring_bytes = LAYOUT_OPS_RING;
}

/* Where a server of "kv" finds its region, and how it makes one that is not there. */
struct layout_wish {
	const char *spec;      /* as region_map() */
	uint64_t offset;       /* of the region in it */
	uint64_t map_size;     /* 0: all there is; of a new file what the channels need */
	uint32_t kv_channels;  /* of a region that is made now; 0: the layout's */
	uint32_t kv_ring;
};

/* layout_foreign - does what is mapped hold something, and no region? */
bool layout_foreign(const struct region *r);

/*
 * layout_attach - open the region, or make it where nothing was ever written: a file that
 * does not exist or is empty, memory fresh from a device.
 *
 *   fresh   out: it was made
 *
 * Returns what region_map(), region_format() and region_check() say; nothing is mapped on
 * an error.
 */
MUST_CHECK int layout_attach(
	struct region *r, const struct layout_wish *w, bool *fresh, struct err_text *e);

#endif
