/* SPDX-License-Identifier: BSD-3-Clause */
#include "life.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Eight bytes, little-endian, that the firmware wrote for QEMU: where the id is. */
#define ACPI_ADDRESS "/sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_addr/raw"
#define MEMORY "/dev/mem"

enum { ID_BYTES = 16 };

static const uint64_t no_id[2];

/* What was said last, and led to something. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char said[PATH_MAX + 32];
static struct err_text missing; /* why "auto" found none */

struct life_now life_now = {.id = no_id};

/* ---- forks ---- */

void life_end(void)
{
	/* Who sees it sees what was added to entropy.h before. */
	__atomic_add_fetch(&life_now.lives, 1, __ATOMIC_RELEASE);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, life_end);
}

void life_read(struct life *g)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint64_t *id = __atomic_load_n(&life_now.id, __ATOMIC_ACQUIRE);

	pthread_once(&once, watch_forks);
	g->lives = __atomic_load_n(&life_now.lives, __ATOMIC_ACQUIRE);
	g->id[0] = __atomic_load_n(&id[0], __ATOMIC_RELAXED);
	g->id[1] = __atomic_load_n(&id[1], __ATOMIC_RELAXED);
}

/* ---- the id ---- */

static void use_id(const uint64_t *id)
{
	__atomic_store_n(&life_now.id, id, __ATOMIC_RELEASE);
}

bool life_watched(void)
{
	return __atomic_load_n(&life_now.id, __ATOMIC_ACQUIRE) != no_id;
}

/* For good: the file need not stay open, and a thread may always be looking. */
static int map_id(const char *path, uint64_t at, struct err_text *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = at & ~(page - 1);
	size_t len = (size_t)(at - from) + ID_BYTES;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	void *p;

	if (fd < 0) {
		rc = -errno;
		err_set(e, "the generation id: %s: %s", path, strerror(-rc));
		return rc;
	}
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)from);
	if (p == MAP_FAILED) {
		rc = -errno;
		err_set(e, "the generation id: %s at 0x%llx cannot be mapped: %s%s", path,
			(unsigned long long)at, strerror(-rc),
			rc == -EPERM ? "; under UEFI the guest's kernel needs iomem=relaxed" : "");
	} else {
		use_id((const uint64_t *)((const uint8_t *)p + (at - from)));
	}
	close(fd);
	return rc;
}

static int watch_acpi(struct err_text *e)
{
	uint64_t at = 0;
	int fd = open(ACPI_ADDRESS, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		int rc = -errno;

		err_set(e, "no generation id: %s: %s; the machine wants QEMU's -device vmgenid, the module "
			"qemu_fw_cfg, and this process root's rights", ACPI_ADDRESS, strerror(-rc));
		return rc;
	}
	n = read(fd, &at, sizeof at);
	close(fd);
	if (n != sizeof at || at == 0 || at % sizeof(uint64_t)) {
		err_set(e, "no generation id: the firmware has given no address for it");
		return -ENODEV;
	}
	return map_id(MEMORY, at, e);
}

/* "/name@OFFSET" to its parts. */
static int watch_file(const char *source, struct err_text *e)
{
	char path[PATH_MAX], *at, *end;
	unsigned long long off = 0;
	struct stat st;

	if (source[0] != '/' || strlen(source) >= sizeof path)
		goto bad;
	strcpy(path, source);
	at = strrchr(path, '@');
	if (at) {
		*at++ = 0;
		off = strtoull(at, &end, 0);
		if (at == end || *end || off % sizeof(uint64_t))
			goto bad;
	}
	/* Past a file's end there is SIGBUS instead of an id. */
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		((uint64_t)st.st_size < ID_BYTES || off > (uint64_t)st.st_size - ID_BYTES)) {
		err_set(e, "the generation id: %s has no 16 bytes at %llu", path, off);
		return -EINVAL;
	}
	return map_id(path, off, e);
bad:
	err_set(e, "a generation id is auto, none, acpi, /FILE or /FILE@OFFSET, and the offset a multiple "
		"of 8; not \"%.60s\"", source);
	return -EINVAL;
}

static int watch(const char *source, struct err_text *e)
{
	int rc;

	use_id(no_id);
	missing.s[0] = 0;
	if (strcmp(source, "none") == 0)
		return 0;
	if (strcmp(source, "auto") == 0)
		return watch_acpi(&missing) == 0;
	rc = strcmp(source, "acpi") == 0 ? watch_acpi(e) : watch_file(source, e);
	return rc ? rc : 1;
}

int life_watch(const char *source, struct err_text *e)
{
	int rc;

	pthread_mutex_lock(&lock);
	if (said[0] && strcmp(source, said) == 0) {
		rc = life_watched();
	} else {
		rc = watch(source, e);
		snprintf(said, sizeof said, "%s", rc < 0 ? "" : source);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int life_watch_env(struct err_text *e)
{
	const char *source = getenv(LIFE_ENV);

	return life_watch(source && source[0] ? source : "auto", e);
}

const char *life_missing(void)
{
	return missing.s;
}
