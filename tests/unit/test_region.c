/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_region.c - scope: common/region.h: every kind of backing that a plain machine
 * has, formatting and its refusals, and a superblock that is cut, of another version,
 * impossible, or random. Real UIO and PCI devices are not here; a plain file stands in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "barrier.h"
#include "channel.h"
#include "region.h"
#include "../rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static const struct service_format two[] = {{"kv", 4, 4096}, {"ops", 3, 8192}};

/* Superblock fields by offset, as another program would write them. */
enum { VERSION = 8, NSERVICES = 12, SIZE = 16, CHAN_OFF = 8, NCHANNELS = 16, RING = 20 };

static void put32(struct region *r, size_t at, uint32_t v)
{
	memcpy(r->base + at, &v, sizeof v);
}

static void put64(struct region *r, size_t at, uint64_t v)
{
	memcpy(r->base + at, &v, sizeof v);
}

/* A file that goes away with file_close(). */
struct file {
	char dir[64];
	char path[96];
};

static void file_open(struct file *f, const char *name, uint64_t len)
{
	int fd;

	strcpy(f->dir, P_tmpdir "/region-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
	if (!len)
		return;
	fd = open(f->path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	close(fd);
}

static void file_close(struct file *f)
{
	unlink(f->path);
	rmdir(f->dir);
}

static void assert_says(const struct err_text *e, const char *what)
{
	if (!strstr(e->s, what))
		fail_msg("\"%s\" does not say \"%s\"", e->s, what);
}

static void test_file_from_create_to_open(void **state)
{
	struct file f;
	struct region r, again;
	struct err_text e = {""};
	struct stat st;
	const struct service_geometry *kv, *ops;

	file_open(&f, "region", 0);
	assert_int_equal(region_open(&r, f.path, 0, 0, &e), -ENOENT);
	assert_says(&e, "hedbctl region format");
	assert_int_equal(region_map(&r, f.path, 0, 1 << 20, true, &e), 0);
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 1 << 20);
	assert_int_equal(region_check(&r, &e), -EMEDIUMTYPE);
	assert_int_equal(region_format(&r, two, 2, false, &e), 0);
	assert_int_equal(region_open(&again, f.path, 0, 0, &e), 0);
	assert_true(again.format_id == r.format_id && r.format_id != 0);
	assert_int_equal(again.size, region_bytes(two, 2));
	kv = region_service(&again, "kv");
	ops = region_service(&again, "ops");
	assert_non_null(kv);
	assert_non_null(ops);
	assert_null(region_service(&again, "o"));
	assert_null(region_service(&again, "opsx"));
	assert_int_equal(kv->nchannels, 4);
	assert_int_equal(kv->ring_bytes, 4096);
	assert_int_equal(ops->nchannels, 3);
	assert_int_equal(ops->ring_bytes, 8192);
	assert_true(chan_rsp_ring(ops, 2) + 8192 <= again.base + again.size);
	assert_true((uint8_t *)chan_control(ops, 0) >= chan_rsp_ring(kv, 3) + 4096);
	region_close(&again);
	region_close(&r);
	file_close(&f);
}

static void test_map_refuses(void **state)
{
	struct file f;
	struct region r;
	struct err_text e = {""};

	file_open(&f, "region", 65536);
	assert_int_equal(region_map(&r, f.path, 100, 0, false, &e), -EINVAL);
	assert_int_equal(region_map(&r, f.path, 65536, 0, false, &e), -EFBIG);
	assert_int_equal(region_map(&r, f.path, 1ull << 40, 0, false, &e), -EFBIG);
	assert_int_equal(region_map(&r, f.path, 4096, 65536, false, &e), -EFBIG);
	assert_says(&e, "65536");
	assert_int_equal(region_map(&r, f.path, 0, UINT64_MAX, false, &e), -EFBIG);
	assert_int_equal(region_map(&r, f.path, 4096, UINT64_MAX - 100, false, &e), -EFBIG);
	assert_null(r.map);
	assert_int_equal(region_map(&r, f.dir, 0, 0, false, &e), -EISDIR);
	unlink(f.path);
	assert_int_equal(region_map(&r, f.path, 0, 0, true, &e), -EINVAL);
	file_close(&f);
}

static void test_region_behind_an_offset(void **state)
{
	struct file f;
	struct region a, b;
	struct err_text e = {""};

	file_open(&f, "resource2", 1 << 20); /* one BAR that carries two regions */
	assert_int_equal(region_map(&a, f.path, 0, 512 << 10, false, &e), 0);
	assert_int_equal(region_format(&a, two, 2, false, &e), 0);
	assert_int_equal(region_map(&b, f.path, 512 << 10, 0, false, &e), 0);
	assert_int_equal(region_check(&b, &e), -EMEDIUMTYPE);
	assert_int_equal(region_format(&b, two, 1, false, &e), 0);
	assert_int_equal(region_check(&a, &e), 0);
	assert_int_equal(a.nservices, 2);
	region_close(&b);
	assert_int_equal(region_open(&b, f.path, 512 << 10, 0, &e), 0);
	assert_int_equal(b.nservices, 1);
	assert_true(b.format_id != a.format_id);
	region_close(&a);
	region_close(&b);
	file_close(&f);
}

static void test_uio_plain_file(void **state)
{
	struct file f;
	struct region r;
	struct err_text e = {""};
	char spec[128];

	file_open(&f, "registers", 4096);
	snprintf(spec, sizeof spec, "uio:%s", f.path);
	assert_int_equal(region_map(&r, spec, 0, 0, false, &e), -EFBIG);
	assert_says(&e, "resource2");
	assert_says(&e, "4096");
	file_close(&f);
	file_open(&f, "bar", 1 << 20);
	snprintf(spec, sizeof spec, "uio:%s", f.path);
	assert_int_equal(region_map(&r, spec, 8192, 0, false, &e), 0);
	assert_int_equal(r.size, (1 << 20) - 8192);
	assert_int_equal(region_format(&r, two, 2, false, &e), 0);
	region_close(&r);
	assert_int_equal(region_open(&r, f.path, 8192, 0, &e), 0);
	region_close(&r);
	file_close(&f);
}

static void test_memfd_stays_the_callers(void **state)
{
	struct region r;
	struct err_text e = {""};
	char spec[32];
	int fd = memfd_create("region", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(spec, sizeof spec, "fd:%d", fd);
	assert_int_equal(region_map(&r, spec, 0, 1 << 20, true, &e), 0);
	assert_int_equal(region_format(&r, two, 2, false, &e), 0);
	region_close(&r);
	assert_int_equal(region_open(&r, spec, 0, 0, &e), 0);
	region_close(&r);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(region_open(&r, spec, 0, 0, &e), -EBADF);
}

/* Bug: fd:anything was standard input. */
static void test_fd_that_is_no_number_is_einval(void **state)
{
	static const char *const bad[] = {"fd:", "fd:x", "fd:1x", "fd:-1", "fd:99999999999"};
	struct region r;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err_text e = {""};

		assert_int_equal(region_map(&r, bad[i], 0, 0, false, &e), -EINVAL);
		assert_says(&e, bad[i]);
	}
}

/* Bug: the file was made sparse, and a file system too small for it showed as SIGBUS
 * in the middle of formatting. */
static void test_file_too_big_for_its_file_system(void **state)
{
	char path[] = "/dev/shm/region-test-XXXXXX";
	struct statfs fs;
	struct region r;
	struct stat st;
	struct err_text e = {""};
	int fd = -1;

	if (statfs("/dev/shm", &fs) == 0 && fs.f_type == 0x01021994 && fs.f_blocks > 0)
		fd = mkstemp(path);
	if (fd < 0) {
		print_message("no tmpfs with a limit on /dev/shm\n");
		skip();
	}
	assert_int_equal(region_map(&r, path, 0, (fs.f_blocks + 1) * (uint64_t)fs.f_bsize,
		true, &e), -ENOSPC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0); /* as it was, and can be tried again */
	close(fd);
	unlink(path);
}

static void test_bytes_and_format_refuse(void **state)
{
	static const struct service_format bad[] = {
		{"", 1, 4096},
		{"ninechars", 1, 4096},
		{"a", 0, 4096},
		{"a", 65536, 4096},
		{"a", 1, 2048},
		{"a", 1, 4097},
		{"a", 1, 12288},
		{"a", 1, 1u << 31},
		{"a", 1, 0},
	};
	struct service_format many[5] = {
		{"a", 1, 4096}, {"b", 1, 4096}, {"c", 1, 4096}, {"d", 1, 4096}, {"e", 1, 4096}};
	struct region r;
	struct err_text e = {""};
	uint8_t before[REGION_HEAD_BYTES];
	char needed[32];
	size_t i;

	assert_int_equal(rig_region(&r, two, 2), 0);
	memcpy(before, r.base, sizeof before);
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(region_bytes(&bad[i], 1), 0);
		assert_int_equal(region_format(&r, &bad[i], 1, true, &e), -EINVAL);
	}
	assert_int_equal(region_bytes(many, 0), 0);
	assert_int_equal(region_bytes(many, 5), 0);
	assert_true(region_bytes(many, 4) > 0);
	assert_int_equal(region_format(&r, many, 0, true, &e), -EINVAL);
	assert_int_equal(region_format(&r, many, 5, true, &e), -EINVAL);
	many[0].nchannels = 1000;
	assert_int_equal(region_format(&r, many, 1, true, &e), -EFBIG);
	snprintf(needed, sizeof needed, "%llu bytes needed",
		(unsigned long long)region_bytes(many, 1));
	assert_says(&e, needed);
	assert_memory_equal(before, r.base, sizeof before); /* nothing was changed */
	region_close(&r);
}

static int hold_lease(void *region)
{
	struct region *r = region;

	shm_store64(&region_service(r, "ops")->shm->lease, ident_self().token);
	for (;;)
		pause();
	return 0;
}

static void test_format_under_a_live_server_is_ebusy(void **state)
{
	struct region r;
	struct err_text e = {""};
	uint64_t id;
	pid_t pid;

	assert_int_equal(rig_region(&r, two, 2), 0);
	id = r.format_id;
	pid = rig_spawn(hold_lease, &r, 60);
	while (!shm_load64(&region_service(&r, "ops")->shm->lease))
		usleep(1000);
	assert_int_equal(region_format(&r, two, 2, false, &e), -EBUSY);
	assert_int_equal(region_check(&r, &e), 0);
	assert_true(r.format_id == id);
	assert_int_equal(region_format(&r, two, 2, true, &e), 0);
	assert_true(r.format_id != id);
	shm_store64(&region_service(&r, "ops")->shm->lease, (uint64_t)pid << 42 |
		(ident_self().token & 0xffff)); /* right pid, wrong start: not it */
	assert_int_equal(region_format(&r, two, 2, false, &e), 0);
	rig_kill(pid);
	region_close(&r);
}

static int beat_from_elsewhere(void *region)
{
	struct service_shm *s = region_service(region, "kv")->shm;

	for (;;) {
		shm_store64(&s->heartbeat, s->heartbeat + 1);
		usleep(100000);
	}
	return 0;
}

/* Bug: a server on another host did not count, however alive. */
static void test_format_under_a_live_server_elsewhere_is_ebusy(void **state)
{
	struct region r;
	struct err_text e = {""};
	uint64_t remote = ident_self().token ^ 1;
	pid_t pid;

	assert_int_equal(rig_region(&r, two, 2), 0);
	shm_store64(&region_service(&r, "kv")->shm->lease, remote);
	pid = rig_spawn(beat_from_elsewhere, &r, 60);
	assert_int_equal(region_format(&r, two, 2, false, &e), -EBUSY);
	rig_kill(pid);
	assert_int_equal(region_format(&r, two, 2, false, &e), 0); /* silent: gone */
	region_close(&r);
}

/* Exactly n bytes of a region on the heap: one read past them is an error of ASan's. */
static struct region heap_copy(const struct region *r, uint64_t n)
{
	struct region c;

	memset(&c, 0, sizeof c);
	assert_int_equal(posix_memalign((void **)&c.base, 64, n ? n : 1), 0);
	memcpy(c.base, r->base, n);
	c.size = n;
	return c;
}

static void test_every_truncated_size_is_efbig(void **state)
{
	struct region r, c;
	uint64_t n;
	char needed[32], least[32];

	assert_int_equal(rig_region(&r, two, 2), 0);
	snprintf(needed, sizeof needed, "%llu", (unsigned long long)r.size);
	snprintf(least, sizeof least, "%d bytes", REGION_HEAD_BYTES);
	for (n = 0; n < r.size; n += n < REGION_HEAD_BYTES ? 1 : n % 997 + 1) {
		struct err_text e = {""};

		c = heap_copy(&r, n);
		assert_int_equal(region_check(&c, &e), -EFBIG);
		assert_says(&e, n < REGION_HEAD_BYTES ? least : needed);
		assert_int_equal(c.nservices, 0);
		free(c.base);
	}
	region_close(&r);
}

static void test_wrong_magic_and_version_name_both(void **state)
{
	struct region r;
	struct err_text e = {""};

	assert_int_equal(rig_region(&r, two, 2), 0);
	put32(&r, VERSION, 77);
	assert_int_equal(region_check(&r, &e), -EMEDIUMTYPE);
	assert_says(&e, "77");
	assert_says(&e, "2 expected");
	put64(&r, 0, 0x1122334455667788);
	assert_int_equal(region_check(&r, &e), -EMEDIUMTYPE);
	assert_says(&e, "1122334455667788");
	assert_says(&e, "4e47525f4c58432e");
	region_close(&r);
}

/* Bug: a refused size stayed in the handle, and formatting anew had too little room. */
static void test_failed_check_changes_nothing(void **state)
{
	struct region r;
	struct err_text e = {""};
	uint64_t size;

	assert_int_equal(rig_region(&r, two, 2), 0);
	size = r.size;
	put64(&r, SIZE, 4096);
	assert_int_equal(region_check(&r, &e), -EPROTO);
	assert_int_equal(r.size, size);
	assert_int_equal(region_format(&r, two, 2, false, &e), 0);
	region_close(&r);
}

static void impossible(size_t at, uint64_t value, size_t width)
{
	struct region r;
	struct err_text e = {""};

	assert_int_equal(rig_region(&r, two, 2), 0);
	memcpy(r.base + at, &value, width);
	assert_int_equal(region_check(&r, &e), -EPROTO);
	assert_says(&e, "damaged");
	assert_int_equal(r.nservices, 0);
	assert_null(region_service(&r, "kv"));
	region_close(&r);
}

static void test_impossible_geometry_is_eproto(void **state)
{
	size_t s0 = SERVICE_OFF, s1 = SERVICE_OFF + SERVICE_SIZE;
	uint64_t size = region_bytes(two, 2);

	impossible(NSERVICES, 0, 4);
	impossible(NSERVICES, SERVICE_MAX + 1, 4);
	impossible(NSERVICES, UINT32_MAX, 4);
	impossible(NSERVICES, 3, 4); /* the third has no name */
	impossible(SIZE, 0, 8);
	impossible(SIZE, 4095, 8);
	impossible(s0, 0, 8);
	impossible(s0 + CHAN_OFF, 0, 8);
	impossible(s0 + CHAN_OFF, 4032, 8);
	impossible(s0 + CHAN_OFF, 4097, 8);
	impossible(s0 + CHAN_OFF, size, 8);
	impossible(s0 + CHAN_OFF, UINT64_MAX - 63, 8);
	impossible(s0 + NCHANNELS, 0, 4);
	impossible(s0 + NCHANNELS, 65536, 4);
	impossible(s0 + NCHANNELS, UINT32_MAX, 4);
	impossible(s0 + RING, 0, 4);
	impossible(s0 + RING, 4096 + 64, 4);
	impossible(s0 + RING, 1u << 31, 4);
	/* Overlap: into the neighbour from below, from above, onto it. */
	impossible(s0 + NCHANNELS, 5, 4);
	impossible(s1 + CHAN_OFF, 4096 + 64, 8);
	impossible(s1 + CHAN_OFF, 4096, 8);
}

/* Whatever the superblock says, what is accepted lies inside. */
static void test_random_mutation_stays_inside(void **state)
{
	uint64_t seed = 21;
	struct region r;
	int i, accepted = 0;

	assert_int_equal(rig_region(&r, two, 2), 0);
	for (i = 0; i < 20000; i++) {
		static const uint8_t sizes[] = {1, 2, 4, 8};
		struct region c = heap_copy(&r, r.size);
		struct err_text e = {""};
		int n = 1 + (int)rig_below(&seed, 4), rc;
		uint32_t k;

		while (n-- > 0) {
			size_t w = sizes[rig_below(&seed, 4)];
			size_t at = rig_below(&seed, 3) ? SERVICE_OFF +
				SERVICE_SIZE * rig_below(&seed, 3) + rig_below(&seed, 32) :
				8 + rig_below(&seed, 32);
			uint64_t v = rig_rand(&seed) >> rig_below(&seed, 64);

			memcpy(c.base + at, &v, w);
		}
		rc = region_check(&c, &e);
		assert_true(rc == 0 || rc == -EMEDIUMTYPE || rc == -EFBIG || rc == -EPROTO);
		assert_true(rc == 0 || e.s[0]);
		for (k = 0; rc == 0 && k < c.nservices; k++) {
			const struct service_geometry *g = &c.service[k];
			uint32_t last = g->nchannels - 1;

			assert_true(strlen(g->name) >= 1 && strlen(g->name) <= SERVICE_NAME);
			chan_control(g, 0)->gen++; /* the first and the last byte of it */
			chan_rsp_ring(g, last)[g->ring_bytes - 1]++;
			accepted++;
		}
		free(c.base);
	}
	assert_true(accepted > 100); /* or nothing was tested */
	region_close(&r);
}

static void parses(const char *text, uint64_t want)
{
	uint64_t v = 1;

	assert_int_equal(region_parse_bytes(text, &v), 0);
	assert_true(v == want);
}

static void parses_not(const char *text)
{
	uint64_t v = 77;

	assert_int_equal(region_parse_bytes(text, &v), -EINVAL);
	assert_int_equal(v, 77);
}

static void test_parse_bytes(void **state)
{
	parses("0", 0);
	parses("00", 0);
	parses("0K", 0);
	parses("4096", 4096);
	parses("32K", 32768);
	parses("16m", 16 << 20);
	parses("1G", 1 << 30);
	parses("18446744073709551615", UINT64_MAX);
	parses_not("");
	parses_not("K");
	parses_not("-1");
	parses_not(" 1");
	parses_not("1T");
	parses_not("1KB");
	parses_not("18446744073709551616");
	parses_not("18446744073709551615K");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_from_create_to_open),
		cmocka_unit_test(test_map_refuses),
		cmocka_unit_test(test_region_behind_an_offset),
		cmocka_unit_test(test_uio_plain_file),
		cmocka_unit_test(test_memfd_stays_the_callers),
		cmocka_unit_test(test_fd_that_is_no_number_is_einval),
		cmocka_unit_test(test_file_too_big_for_its_file_system),
		cmocka_unit_test(test_bytes_and_format_refuse),
		cmocka_unit_test(test_format_under_a_live_server_is_ebusy),
		cmocka_unit_test(test_format_under_a_live_server_elsewhere_is_ebusy),
		cmocka_unit_test(test_every_truncated_size_is_efbig),
		cmocka_unit_test(test_wrong_magic_and_version_name_both),
		cmocka_unit_test(test_failed_check_changes_nothing),
		cmocka_unit_test(test_impossible_geometry_is_eproto),
		cmocka_unit_test(test_random_mutation_stays_inside),
		cmocka_unit_test(test_parse_bytes),
	};

	alarm(200);
	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
