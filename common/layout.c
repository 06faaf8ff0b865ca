/* SPDX-License-Identifier: BSD-3-Clause */
#include "layout.h"

#include "barrier.h"

/* Nothing was ever written there: a new file, or memory fresh from the device. */
static bool is_blank(const struct region *r)
{
	size_t i, n = r->size < REGION_HEAD_BYTES ? r->size : REGION_HEAD_BYTES;

	for (i = 0; i < n; i++)
		if (r->base[i])
			return false;
	return n > 0;
}

bool layout_foreign(const struct region *r)
{
	const struct superblock_shm *sb = (const struct superblock_shm *)r->base;

	return r->size >= sizeof *sb && shm_load64(&sb->magic) != REGION_MAGIC && !is_blank(r);
}

static void wanted(const struct layout_wish *w, struct service_format f[LAYOUT_SERVICES])
{
	layout_default(f);
	if (w->kv_channels)
		f[0].nchannels = w->kv_channels;
	if (w->kv_ring)
		f[0].ring_bytes = w->kv_ring;
}

int layout_attach(
	struct region *r, const struct layout_wish *w, bool *fresh, struct err_text *e)
{
	struct service_format f[LAYOUT_SERVICES];
	uint64_t bytes;
	int rc = region_map(r, w->spec, w->offset, w->map_size, false, e);

	wanted(w, f);
	bytes = region_bytes(f, LAYOUT_SERVICES);
	bytes = bytes > LAYOUT_BYTES ? bytes : LAYOUT_BYTES;
	/* Only a file that is not there, or is empty, grows. */
	if (rc == -ENOENT || rc == -EFBIG)
		rc = region_map(r, w->spec, w->offset, w->map_size ? w->map_size : bytes, true, e);
	if (rc)
		return rc;
	*fresh = is_blank(r);
	rc = *fresh ? region_format(r, f, LAYOUT_SERVICES, false, e) : region_check(r, e);
	if (rc)
		region_close(r);
	return rc;
}
