/* SPDX-License-Identifier: BSD-3-Clause */
/* Scope: bench_props.h, YCSB's property files; bench_counter.c, who may read a new record;
 * and Java's hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_ycsb.h"

static char why[512];

/* A file with this text. */
static bool load(struct props *p, const char *text)
{
	char path[] = "/tmp/propsXXXXXX";
	int fd = mkstemp(path);
	bool ok;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	props_init(p);
	why[0] = 0;
	ok = props_load(p, path, why, sizeof why);
	unlink(path);
	return ok;
}

static void reads_what_java_reads(void **state)
{
	struct props p;

	assert_true(load(&p, "# a comment\n! another\n\n  recordcount = 7 \r\n"
						 "operationcount:8\nfieldcount 3\n\tscanproportion=0.25\n"
						 "workload=site.ycsb.workloads.CoreWorkload\n"
						 "redis.host=here\nreadallfields=false\nrequestdistribution=latest\n"
						 "insertorder=ordered\nfieldlengthdistribution=zipfian\n"
						 "scanlengthdistribution=zipfian\nfieldnameprefix=f\n"
						 "maxscanlength=9"));
	assert_int_equal(p.records, 7);
	assert_int_equal(p.operations, 8);
	assert_int_equal(p.fields, 3);
	assert_true(p.share[YCSB_SCAN] == 0.25);
	assert_true(p.share[YCSB_READ] == 0.95); /* the default */
	assert_false(p.read_all);
	assert_false(p.hashed);
	assert_int_equal(p.request, DIST_LATEST);
	assert_int_equal(p.field_length, LENGTH_ZIPFIAN);
	assert_int_equal(p.scan_length, LENGTH_ZIPFIAN);
	assert_int_equal(p.scan_max, 9);
	assert_string_equal(p.field_prefix, "f");
	assert_true(props_check(&p, why, sizeof why));
	assert_int_equal(p.insert_count, 7);
}

static void refuses_with_a_sentence(void **state)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{"\nrecordcount=x", "line 2: recordcount takes a whole number from 1"},
		{"recordcount=0", "recordcount takes"},
		{"recordcount=-1", "recordcount takes"},
		{"recordcount=1x", "recordcount takes"},
		{"recordcount=99999999999999999999", "recordcount takes"},
		{"recordcount=", "recordcount takes"},
		{"recordcount", "recordcount takes"},
		{"readproportion=1.1", "readproportion takes a number from 0 to 1, not \"1.1\""},
		{"readproportion=-0.5", "readproportion takes"},
		{"readproportion=nan", "readproportion takes"},
		{"readproportion=1e-3", "readproportion takes"},
		{"readproportion=0x1", "readproportion takes"},
		{"readpropotion=0.5", "no property \"readpropotion\""},
		{"readallfields=yes", "readallfields takes true or false"},
		{"requestdistribution=hotspot", "takes uniform, zipfian or latest"},
		{"requestdistribution=sequential", "takes uniform, zipfian or latest"},
		{"scanlengthdistribution=constant", "takes uniform or zipfian"},
		{"fieldlengthdistribution=histogram", "takes constant, uniform or zipfian"},
		{"insertorder=random", "takes hashed or ordered"},
		{"workload=mine.Workload", "workload takes site.ycsb"},
		{"fieldcount=1001", "fieldcount takes"},
		{"fieldnameprefix=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "up to 31 bytes"},
		{"record\\\ncount=1", "a backslash"},
	};
	struct props p;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (load(&p, bad[i].text))
			fail_msg("accepted: %s", bad[i].text);
		if (!strstr(why, bad[i].sentence))
			fail_msg("%s: \"%s\" without \"%s\"", bad[i].text, why, bad[i].sentence);
	}
	props_init(&p);
	assert_false(props_load(&p, "/nonexistent/file", why, sizeof why));
	assert_non_null(strstr(why, "No such file"));
	assert_false(props_load(&p, "/tmp", why, sizeof why));
	assert_false(props_set(&p, "recordcount", why, sizeof why));
	assert_false(props_set(&p, "=5", why, sizeof why));
	assert_false(props_set(&p, "recordcount=none", why, sizeof why));
	assert_non_null(strstr(why, "-p: recordcount takes"));
	assert_true(props_set(&p, "recordcount=12", why, sizeof why));
	assert_int_equal(p.records, 12);
}

static void checks_the_whole(void **state)
{
	static const char *const bad[][2] = {
		{"readproportion=0\nupdateproportion=0", "no operation"},
		{"minscanlength=10\nmaxscanlength=9", "minscanlength"},
		{"fieldlengthdistribution=uniform\nminfieldlength=200", "minfieldlength"},
		{"insertstart=1000", "beyond recordcount"},
		{"recordcount=10\ninsertstart=5\ninsertcount=6", "beyond recordcount"},
	};
	struct props p;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_true(load(&p, bad[i][0]));
		assert_false(props_check(&p, why, sizeof why));
		assert_non_null(strstr(why, bad[i][1]));
	}
	assert_true(load(&p, "recordcount=10\ninsertstart=4"));
	assert_true(props_check(&p, why, sizeof why));
	assert_int_equal(p.insert_count, 6);
}

static uint64_t take(struct counter *c)
{
	uint64_t n;

	assert_true(counter_take(c, &n));
	return n;
}

static void counter_waits_for_the_first(void **state)
{
	struct counter *c = counter_new(100);

	assert_int_equal(counter_limit(c), 100);
	assert_int_equal(take(c), 100);
	assert_int_equal(take(c), 101);
	assert_int_equal(take(c), 102);
	counter_ack(c, 102);
	counter_ack(c, 101);
	assert_int_equal(counter_limit(c), 100); /* 100 is still being written */
	counter_ack(c, 100);
	assert_int_equal(counter_limit(c), 103);
	counter_free(c);
}

static void counter_does_not_lap_itself(void **state)
{
	struct counter *c = counter_new(0);
	uint64_t n, i;

	take(c);
	for (i = 1; counter_take(c, &n); i++)
		counter_ack(c, n);
	assert_int_equal(i, 1 << 20);
	assert_int_equal(counter_limit(c), 0);
	counter_ack(c, 0);
	assert_int_equal(counter_limit(c), 1 << 20);
	assert_int_equal(take(c), 1 << 20);
	counter_free(c);
}

static void *acknowledge(void *arg)
{
	struct counter *c = arg;
	uint64_t n;
	int i;

	for (i = 0; i < 200000; i++) {
		if (!counter_take(c, &n) || counter_limit(c) > n)
			return arg;
		counter_ack(c, n);
	}
	return NULL;
}

/* Four threads: none is lost, and none is seen before it was acknowledged. */
static void counter_is_shared(void **state)
{
	struct counter *c = counter_new(0);
	pthread_t t[4];
	void *wrong;
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, acknowledge, c), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(take(c), 800000);
	counter_ack(c, 800000); /* whoever found it locked left it to the next */
	assert_int_equal(counter_limit(c), 800001);
	counter_free(c);
}

/* "".hashCode(), "a", "user6284781860667377211": by the definition s[0] * 31^(n-1) + ... */
static void hash_is_javas(void **state)
{
	assert_int_equal(ycsb_hash("", 0), 0);
	assert_int_equal(ycsb_hash("a", 1), 97);
	assert_int_equal(ycsb_hash("hello", 5), 99162322);
	assert_int_equal(ycsb_hash("polygenelubricants", 18), INT32_MIN); /* known for it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_java_reads),
		cmocka_unit_test(refuses_with_a_sentence),
		cmocka_unit_test(checks_the_whole),
		cmocka_unit_test(counter_waits_for_the_first),
		cmocka_unit_test(counter_does_not_lap_itself),
		cmocka_unit_test(counter_is_shared),
		cmocka_unit_test(hash_is_javas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
