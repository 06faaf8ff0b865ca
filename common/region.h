/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.h - the shared memory, and how it is divided.
 *
 *     0       superblock: magic, version, size, format id, number of services
 *     4096    service 0   4096 bytes each: name, where its channels are, the server's
 *     8192    service 1   lease, its bells
 *     ...     up to SERVICE_MAX
 *     20480   channels of service 0, then of service 1, ...
 *
 *     channel, stride = CHAN_CONTROL + 2 * ring_bytes:
 *     0       control block (channel.h)
 *     576     request ring
 *     576+r   reply ring
 *
 * CHAN_CONTROL is nine lines, so that the polled words of successive channels fall
 * into different cache sets: with a power-of-two stride 128 idle channels thrash
 * one set of the L2.
 *
 * A region is formatted once (`hedbctl region format`, or cxlring.so for a file that is
 * new) and may lie at an offset inside a larger mapping. Everything in shared memory is
 * little-endian and lies at an offset; no pointers.
 *
 * Whoever maps a region can write all of it. region_open() reads the geometry once,
 * checks it against the mapped size and keeps it in private memory; nothing reads it
 * from shared memory again. A file that a neighbour truncates takes its pages with it:
 * give regions to processes that trust each other that far, or use memfd with seals.
 */
#ifndef COMMON_REGION_H
#define COMMON_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	REGION_VERSION = 2,
	SERVICE_MAX = 4,
	SERVICE_OFF = 4096,
	SERVICE_SIZE = 4096,
	REGION_HEAD_BYTES = SERVICE_OFF + SERVICE_MAX * SERVICE_SIZE, /* before the channels */
	SERVICE_NAME = 8,
	SERVICE_CHANNELS_MAX = 65535,
	SERVICE_LANES = 32,
	LANE_CPUS = 256,
	BELL_PATH = 108, /* what sockaddr_un holds */
	CHAN_CONTROL = 576,
};

enum serving {
	SERVING_NONE = 0,
	SERVING_ALL = 1,
	SERVING_OPEN = 2, /* draining: the channels that are open, no new ones */
};

#define REGION_MAGIC 0x4e47525f4c58432eull /* ".CXL_RGN" */

/*
 * field         written by          read by
 * all of it     region_format       everybody, once, at open
 */
struct superblock_shm {
	uint64_t magic;     /* 0 */
	uint32_t version;   /* 8 */
	uint32_t nservices; /* 12 */
	uint64_t size;      /* 16: bytes of the region, superblock included */
	uint64_t format_id; /* 24: random; another one means formatted anew */
};

/* One sleeping place of a server that has a thread for each processor (lane.h). */
struct lane_shm {
	uint32_t asleep;  /* 0: enum bell_state */
	uint32_t cpu;     /* 4: its thread's processor */
	uint32_t channel; /* 8: who rang last: look there first */
	uint32_t rsv[13];
};

/*
 * field          written by        read by
 * line 0         region_format     everybody, once, at open
 * lease          servers, by CAS   servers, clients (is it alive?)
 * line 1, rest   the lease holder  clients
 * control        clients, by add   server: changed = look at owners
 * asleep         server; clients   clients; the server clears it as well (wait.h)
 *                clear it
 * poller         server            clients: with `asleep` = 0, who polls
 * bell_path      the lease holder  clients, once, at attach
 * nlanes,        the lease holder  clients, when they ring
 *   lane_of
 * lane           as `asleep`; channel by who rings
 */
struct service_shm {
	char name[SERVICE_NAME]; /* 0: "kv", "ops" */
	uint64_t chan_off;       /* 8: of channel 0, from region start */
	uint32_t nchannels;      /* 16 */
	uint32_t ring_bytes;     /* 20: of each direction, a power of two */
	uint64_t rsv0[5];
	uint64_t lease;          /* 64: ident token of the server, 0 = none */
	uint64_t host;           /* 72: its full host hash */
	uint64_t heartbeat;      /* 80: counts up, every half second or so */
	uint64_t incarnation;    /* 88: random, new with every take-over */
	uint32_t serving;        /* 96: enum serving */
	uint32_t free_channels;  /* 100: a hint */
	uint64_t rsv1[3];
	uint32_t control;        /* 128 */
	uint32_t rsv2[15];
	uint32_t asleep;         /* 192 */
	uint32_t poller;         /* 196: processor of the thread that polls, plus 1; 0 = none */
	uint32_t rsv3[14];
	char bell_path[BELL_PATH]; /* 256: unix socket that hands out the bell's eventfd */
	uint8_t rsv4[512 - 256 - BELL_PATH];
	uint32_t nlanes; /* 512: 0: it sleeps on `asleep` alone */
	uint32_t rsv5[15];
	uint8_t lane_of[LANE_CPUS];          /* 576: which lane to ring from a processor */
	uint8_t rsv6[1024 - 576 - LANE_CPUS];
	struct lane_shm lane[SERVICE_LANES]; /* 1024 */
	uint8_t rsv7[SERVICE_SIZE - 1024 - 64 * SERVICE_LANES];
};

_Static_assert(sizeof(struct service_shm) == SERVICE_SIZE, "service size");
_Static_assert(offsetof(struct service_shm, lease) == 64, "lease line");
_Static_assert(offsetof(struct service_shm, control) == 128, "control line");
_Static_assert(offsetof(struct service_shm, asleep) == 192, "bell line");
_Static_assert(offsetof(struct service_shm, bell_path) == 256, "bell path");
_Static_assert(offsetof(struct service_shm, nlanes) == 512, "lanes");
_Static_assert(offsetof(struct service_shm, lane_of) == 576, "processors");
_Static_assert(offsetof(struct service_shm, lane) == 1024, "first lane");
_Static_assert(sizeof(struct lane_shm) == 64, "a lane is a line");

/* What region_open() found and checked; private. */
struct service_geometry {
	char name[SERVICE_NAME + 1];
	struct service_shm *shm;
	uint8_t *channels;
	uint32_t nchannels;
	uint32_t ring_bytes;
};

struct region {
	uint8_t *base; /* of the region, inside the mapping */
	uint64_t size; /* of the region */
	uint64_t off;  /* where it starts in the file or device */
	uint64_t format_id;
	uint32_t nservices;
	struct service_geometry service[SERVICE_MAX];
	void *map; /* owned: unmapped by region_close() */
	size_t map_len;
};

/* Bytes of one channel: its control block and both rings. */
static inline uint64_t region_stride(uint32_t ring_bytes)
{
	return CHAN_CONTROL + 2ull * ring_bytes;
}

struct service_format {
	const char *name; /* 1 .. SERVICE_NAME bytes */
	uint32_t nchannels;
	uint32_t ring_bytes;
};

/*
 * region_map - map memory without looking at what is in it.
 *
 *   spec    a file, /dev/shm/name; `fd:N`, an open descriptor (memfd) that stays the
 *           caller's; a PCI BAR, .../resource2; a UIO device, /dev/uioN or uio:PATH
 *   off     where the region starts in it, a multiple of 4096
 *   size    bytes to map from there; 0 = all that there is (some device files report
 *           no size: then it must be given)
 *   create  make a regular file that long if it does not exist or is empty (0600), all
 *           its bytes allocated
 *
 * Returns 0, -EINVAL (off, size, fd:), -EFBIG (less there than asked for, or a UIO that
 * exposes only its 4 KiB register window), or what the kernel said; `e` explains.
 */
MUST_CHECK int region_map(struct region *r, const char *spec, uint64_t off, uint64_t size,
	bool create, struct err_text *e);

/* region_bytes - the smallest region that holds these services; 0 if they cannot be. */
uint64_t region_bytes(const struct service_format *f, uint32_t n);

/*
 * region_format - write a new superblock into mapped memory.
 *
 * Refuses (-EBUSY) to format over a region in which a live server holds a lease, unless
 * `force`; a lease from another host is watched for three heartbeats. Returns -EFBIG when
 * the mapping is too small (`e` names the bytes), -EINVAL.
 */
MUST_CHECK int region_format(struct region *r, const struct service_format *f, uint32_t n,
	bool force, struct err_text *e);

/*
 * region_check - read, check and keep the geometry of mapped memory.
 *
 * Returns 0, -EMEDIUMTYPE (no region, or another version: `e` names both), -EFBIG (says
 * how many bytes are needed), -EPROTO (a geometry that cannot be). On an error the
 * region has no services and keeps the size of the mapping.
 */
MUST_CHECK int region_check(struct region *r, struct err_text *e);

/* region_open - region_map() without create, then region_check(). */
MUST_CHECK int region_open(struct region *r, const char *spec, uint64_t off, uint64_t size,
	struct err_text *e);

void region_close(struct region *r);

/* The service of that name, or NULL. */
const struct service_geometry *region_service(const struct region *r, const char *name);

/*
 * region_find - the service of that name, in a region that is still the one opened.
 *
 * Returns 0, -EINVAL (no such service) or -EMEDIUMTYPE (formatted anew since: open it
 * again); `e` says which. *g is unchanged on error.
 */
MUST_CHECK int region_find(const struct region *r, const char *name,
	const struct service_geometry **g, struct err_text *e);

/*
 * Parse "16M", "32K", "1G", "4096". Returns 0, or -EINVAL when it is none of these or does
 * not fit; *bytes is unchanged then.
 */
MUST_CHECK int region_parse_bytes(const char *text, uint64_t *bytes);

#endif
