/* SPDX-License-Identifier: BSD-3-Clause */
#include "region.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barrier.h"
#include "entropy.h"
#include "ident.h"
#include "ring.h"

enum {
	PAGE = 4096,
	UIO_REGISTERS = 4096,
	BEATS_MS = 1600, /* three heartbeats of a server */
};

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_uio(const char *spec)
{
	return starts_with(spec, "uio:") || starts_with(spec, "/dev/uio");
}

static int open_inherited(const char *spec, struct err_text *e)
{
	char *end;
	long n = strtol(spec + 3, &end, 10);
	int fd, rc;

	if (spec[3] < '0' || spec[3] > '9' || *end || n > INT_MAX) {
		err_set(e, "%s: a descriptor's number is expected after fd:", spec);
		return -EINVAL;
	}
	fd = fcntl((int)n, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		return fd;
	rc = -errno;
	err_set(e, "%s: %s", spec, strerror(-rc));
	return rc;
}

static int open_backing(const char *spec, bool create, struct err_text *e)
{
	const char *path = starts_with(spec, "uio:") ? spec + 4 : spec;
	int fd, rc;

	if (starts_with(spec, "fd:"))
		return open_inherited(spec, e);
	fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
	if (fd >= 0)
		return fd;
	rc = -errno;
	if (rc == -ENOENT && !create)
		err_set(e, "%s does not exist; make it with: hedbctl region format %s", path,
			path);
	else
		err_set(e, "%s: %s", path, strerror(-rc));
	return rc;
}

/* Make an empty file `len` bytes long, all of them there: a sparse one on a full file
 * system would be a SIGBUS at the first touch. On failure it is empty again. */
static int extend(int fd, uint64_t len)
{
	int rc;

	if (ftruncate(fd, (off_t)len) < 0)
		return -errno;
	if (fallocate(fd, 0, 0, (off_t)len) == 0 || errno == EOPNOTSUPP)
		return 0;
	rc = -errno;
	return ftruncate(fd, 0) < 0 ? -errno : rc;
}

/* Which of a UIO's mappings to use, and how long it is: the largest. Sysfs knows; for a
 * plain file that stands in for a device, the file's size is all there is. */
static uint64_t uio_largest(const char *spec, uint64_t fallback, int *index)
{
	const char *name = strrchr(spec, '/');
	uint64_t best = 0;
	int i;

	*index = 0;
	for (i = 0; name && i < 5; i++) {
		char path[256], text[32] = "";
		FILE *f;

		snprintf(path, sizeof path, "/sys/class/uio%s/maps/map%d/size", name, i);
		f = fopen(path, "re");
		if (!f)
			break;
		if (fgets(text, sizeof text, f) && strtoull(text, NULL, 16) > best) {
			best = strtoull(text, NULL, 16);
			*index = i;
		}
		fclose(f);
	}
	return best ? best : fallback;
}

int region_map(struct region *r, const char *spec, uint64_t off, uint64_t size, bool create,
	struct err_text *e)
{
	struct stat st;
	uint64_t have, map_off = off;
	int fd, uio = 0, rc = 0;

	memset(r, 0, sizeof *r);
	if (off % PAGE) {
		err_set(e, "offset %llu is not a multiple of %d", (unsigned long long)off, PAGE);
		return -EINVAL;
	}
	fd = open_backing(spec, create, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
		goto out;
	}
	have = (uint64_t)st.st_size;
	if (create && have == 0 && S_ISREG(st.st_mode)) {
		rc = size ? extend(fd, off + size) : -EINVAL;
		if (rc) {
			err_set(e, "%s: cannot make it %llu bytes long: %s", spec,
				(unsigned long long)(off + size), strerror(-rc));
			goto out;
		}
		have = off + size;
	}
	if (is_uio(spec)) {
		have = uio_largest(spec, have, &uio);
		if (have <= UIO_REGISTERS) {
			err_set(e,
				"%s exposes only %llu bytes, the register window; map the PCI "
				"device's resource2 instead",
				spec, (unsigned long long)have);
			rc = -EFBIG;
			goto out;
		}
		/* uio: the offset selects the mapping, and each is mapped from its start */
		map_off = 0;
	}
	if (have == 0)
		have = size ? off + size : 0; /* a device file that reports no size */
	if (size == 0 && have > off)
		size = have - off;
	if (size == 0 || off > have || size > have - off) {
		err_set(e, "%s: %llu bytes needed from offset %llu, %llu there", spec,
			(unsigned long long)(size ? size : REGION_HEAD_BYTES),
			(unsigned long long)off, (unsigned long long)have);
		rc = -EFBIG;
		goto out;
	}
	r->map_len = is_uio(spec) ? have : size;
	r->map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		is_uio(spec) ? (off_t)uio * PAGE : (off_t)map_off);
	if (r->map == MAP_FAILED) {
		rc = -errno;
		err_set(e, "%s: mmap: %s", spec, strerror(errno));
		r->map = NULL;
		goto out;
	}
	r->base = (uint8_t *)r->map + (is_uio(spec) ? off : 0);
	r->off = off;
	r->size = size;
out:
	close(fd);
	return rc;
}

/* Bytes of one service's channels, or 0 when it cannot be. Bounds: 65535 channels of
 * 2 GiB and a bit stay under 2^48. */
static uint64_t service_bytes(const struct service_format *f)
{
	size_t name = strlen(f->name);

	if (name == 0 || name > SERVICE_NAME || f->nchannels == 0 ||
		f->nchannels > SERVICE_CHANNELS_MAX || f->ring_bytes < RING_CAP_MIN ||
		f->ring_bytes > RING_CAP_MAX || (f->ring_bytes & (f->ring_bytes - 1)))
		return 0;
	return f->nchannels * region_stride(f->ring_bytes);
}

static uint64_t round_page(uint64_t n)
{
	return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

uint64_t region_bytes(const struct service_format *f, uint32_t n)
{
	uint64_t sum = REGION_HEAD_BYTES, one;
	uint32_t i;

	if (n == 0 || n > SERVICE_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		one = service_bytes(&f[i]);
		if (!one)
			return 0;
		sum += round_page(one);
	}
	return sum;
}

static struct service_shm *service_at(const struct region *r, uint32_t i)
{
	return (struct service_shm *)(r->base + SERVICE_OFF + i * SERVICE_SIZE);
}

/* A live lease in whatever is there now, if it is a region at all. Leases from other
 * hosts are watched for some heartbeats. */
static bool in_use(const struct region *r)
{
	const struct superblock_shm *sb = (const struct superblock_shm *)r->base;
	uint64_t beat[SERVICE_MAX];
	bool elsewhere = false;
	uint32_t i;

	if (r->size < REGION_HEAD_BYTES || shm_load64(&sb->magic) != REGION_MAGIC)
		return false;
	for (i = 0; i < SERVICE_MAX; i++) {
		uint64_t lease = shm_load64(&service_at(r, i)->lease);

		beat[i] = shm_load64(&service_at(r, i)->heartbeat);
		if (lease && !ident_same_host(lease))
			elsewhere = true;
		else if (lease && ident_alive(lease))
			return true;
	}
	if (!elsewhere)
		return false;
	usleep(BEATS_MS * 1000);
	for (i = 0; i < SERVICE_MAX; i++)
		if (shm_load64(&service_at(r, i)->heartbeat) != beat[i])
			return true;
	return false;
}

int region_format(struct region *r, const struct service_format *f, uint32_t n, bool force,
	struct err_text *e)
{
	struct superblock_shm *sb = (struct superblock_shm *)r->base;
	uint64_t need = region_bytes(f, n), off = REGION_HEAD_BYTES;
	uint32_t i;

	if (!need) {
		err_set(e,
			"a region has 1 to %d services of 1 to %d channels, rings are a power of "
			"two from %d to %d bytes",
			SERVICE_MAX, SERVICE_CHANNELS_MAX, RING_CAP_MIN, RING_CAP_MAX);
		return -EINVAL;
	}
	if (r->size < need) {
		err_set(e, "%llu bytes needed, %llu mapped", (unsigned long long)need,
			(unsigned long long)r->size);
		return -EFBIG;
	}
	if (!force && in_use(r)) {
		err_set(e, "a live server is using this region; stop it first, or say --force");
		return -EBUSY;
	}
	shm_store64(&sb->magic, 0);
	shm_fence_full();
	memset(r->base + sizeof sb->magic, 0, need - sizeof sb->magic);
	sb->version = REGION_VERSION;
	sb->nservices = n;
	sb->size = need;
	do
		entropy_fill(&sb->format_id, sizeof sb->format_id);
	while (sb->format_id == 0);
	for (i = 0; i < n; i++) {
		struct service_shm *s = service_at(r, i);

		memcpy(s->name, f[i].name, strlen(f[i].name));
		s->chan_off = off;
		s->nchannels = f[i].nchannels;
		s->ring_bytes = f[i].ring_bytes;
		off += round_page(service_bytes(&f[i]));
	}
	shm_line_flush(r->base, need);
	shm_store_release64(&sb->magic, REGION_MAGIC); /* last: only then is it a region */
	return region_check(r, e);
}

/* One service, from shared memory into `g`, every number checked; `r` says how large
 * the region is. */
static bool check_service(const struct region *r, uint32_t i, struct service_geometry *g)
{
	struct service_shm *s = service_at(r, i);
	uint64_t off = shm_load64(&s->chan_off), bytes;
	struct service_format f;

	memcpy(g->name, s->name, SERVICE_NAME);
	g->name[SERVICE_NAME] = 0;
	f.name = g->name;
	f.nchannels = shm_load32(&s->nchannels);
	f.ring_bytes = shm_load32(&s->ring_bytes);
	bytes = service_bytes(&f);
	if (!bytes || off % CACHE_LINE || off < REGION_HEAD_BYTES || off > r->size ||
		bytes > r->size - off)
		return false;
	g->shm = s;
	g->channels = r->base + off;
	g->nchannels = f.nchannels;
	g->ring_bytes = f.ring_bytes;
	return true;
}

static bool overlap(const struct service_geometry *a, const struct service_geometry *b)
{
	uint64_t alen = a->nchannels * region_stride(a->ring_bytes);
	uint64_t blen = b->nchannels * region_stride(b->ring_bytes);

	return a->channels < b->channels + blen && b->channels < a->channels + alen;
}

int region_check(struct region *r, struct err_text *e)
{
	const struct superblock_shm *sb = (const struct superblock_shm *)r->base;
	struct region found = *r; /* `r` changes only when all is well */
	uint64_t magic, size;
	uint32_t version, n, i, k;

	r->nservices = 0;
	if (r->size < REGION_HEAD_BYTES) {
		err_set(e,
			"no region there: %d bytes needed for the superblock and the services, %llu "
			"mapped; make one with hedbctl region format",
			REGION_HEAD_BYTES, (unsigned long long)r->size);
		return -EFBIG;
	}
	magic = shm_load_acquire64(&sb->magic);
	version = shm_load32(&sb->version);
	n = shm_load32(&sb->nservices);
	size = shm_load64(&sb->size);
	if (magic != REGION_MAGIC) {
		err_set(e,
			"no region there: format %016llx found, %016llx expected; make one with "
			"hedbctl region format",
			(unsigned long long)magic, (unsigned long long)REGION_MAGIC);
		return -EMEDIUMTYPE;
	}
	if (version != REGION_VERSION) {
		err_set(e, "region version %u found, %u expected; format it with this release",
			version, REGION_VERSION);
		return -EMEDIUMTYPE;
	}
	if (size > r->size) {
		err_set(e, "the region has %llu bytes, %llu are mapped",
			(unsigned long long)size, (unsigned long long)r->size);
		return -EFBIG;
	}
	if (n == 0 || n > SERVICE_MAX || size < REGION_HEAD_BYTES)
		goto impossible;
	found.nservices = n;
	found.size = size;
	found.format_id = shm_load64(&sb->format_id);
	for (i = 0; i < n; i++) {
		if (!check_service(&found, i, &found.service[i]))
			goto impossible;
		for (k = 0; k < i; k++)
			if (overlap(&found.service[k], &found.service[i]))
				goto impossible;
	}
	*r = found;
	return 0;
impossible:
	err_set(e, "the superblock is damaged; format the region anew");
	return -EPROTO;
}

int region_open(struct region *r, const char *spec, uint64_t off, uint64_t size,
	struct err_text *e)
{
	int rc = region_map(r, spec, off, size, false, e);

	if (rc)
		return rc;
	rc = region_check(r, e);
	if (rc)
		region_close(r);
	return rc;
}

/* False when the memory was formatted anew since: what is known of it is wrong then. */
static bool is_current(const struct region *r)
{
	const struct superblock_shm *sb = (const struct superblock_shm *)r->base;

	return shm_load_acquire64(&sb->magic) == REGION_MAGIC &&
		shm_load64(&sb->format_id) == r->format_id;
}

void region_close(struct region *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	memset(r, 0, sizeof *r);
}

const struct service_geometry *region_service(const struct region *r, const char *name)
{
	uint32_t i;

	for (i = 0; i < r->nservices; i++)
		if (strcmp(r->service[i].name, name) == 0)
			return &r->service[i];
	return NULL;
}

int region_find(const struct region *r, const char *name,
	const struct service_geometry **g, struct err_text *e)
{
	const struct service_geometry *found = region_service(r, name);

	if (!found) {
		err_set(e, "the region has no service \"%s\"", name);
		return -EINVAL;
	}
	if (!is_current(r)) {
		err_set(e, "the region was formatted anew; open it again");
		return -EMEDIUMTYPE;
	}
	*g = found;
	return 0;
}

int region_parse_bytes(const char *text, uint64_t *bytes)
{
	char *end;
	unsigned long long v;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if ((shift ? end[1] : end[0]) || errno || v > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = v << shift;
	return 0;
}
