/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_file.c - scope: file.h: what is there afterwards, also when it cannot be written.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

static char dir[] = "/tmp/test_file.XXXXXX";
static struct err_text err;

static const char *at(const char *name)
{
	static char path[2][64];
	static int i;

	i = !i;
	snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
	return path[i];
}

static void assert_file(const char *name, const char *text, mode_t mode)
{
	char got[64] = "";
	struct stat st;
	int fd = open(at(name), O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(read(fd, got, sizeof got), strlen(text));
	assert_memory_equal(got, text, strlen(text));
	assert_int_equal(st.st_mode & 07777, mode);
	close(fd);
}

static int there_is(const char *name)
{
	return access(at(name), F_OK) == 0;
}

static void test_create(void **state)
{
	assert_int_equal(file_create(at("new"), 0600, "one", 3, &err), 0);
	assert_file("new", "one", 0600);
	assert_int_equal(file_create(at("new"), 0600, "other", 5, &err), -EEXIST);
	assert_file("new", "one", 0600);
	assert_non_null(strstr(err.s, "/new: File exists"));
	assert_int_equal(file_create(at("no/new"), 0600, "one", 3, &err), -ENOENT);
}

static void test_replace(void **state)
{
	mode_t before = umask(077);
	char name[PATH_MAX];

	assert_int_equal(file_replace(at("text"), 0644, "one", 3, &err), 0);
	assert_file("text", "one", 0644);
	/* somebody was stopped in the middle */
	assert_int_equal(file_create(at("text.new"), 0600, "half", 4, &err), 0);
	assert_int_equal(file_replace(at("text"), 0600, "two", 3, &err), 0);
	assert_file("text", "two", 0600);
	assert_false(there_is("text.new"));
	assert_int_equal(mkdir(at("place"), 0700), 0);
	assert_int_equal(file_replace(at("place"), 0600, "three", 5, &err), -EISDIR);
	assert_false(there_is("place.new"));
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_int_equal(file_replace(name, 0600, "", 0, &err), -ENAMETOOLONG);
	umask(before);
}

static void test_full(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	assert_int_equal(file_write(fd, "one", 3), -ENOSPC);
	close(fd);
}

static int set_up(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("file", tests, set_up, tear_down);
}
