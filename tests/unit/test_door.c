/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_door.c - scope: common/door.h: modes of a server's sockets, and what else stands in their place
 * where somebody else may write to the directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door.h"

static char dir[64], region[80], secret[80];

static void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_modes(void **state)
{
	struct sockaddr_un at;
	int fd = door_open(&at, region, "bell");

	assert_true(fd >= 0);
	assert_int_equal(mode_of(at.sun_path), 0600);
	assert_int_equal(door_share(&at, region), 0);
	assert_int_equal(mode_of(at.sun_path), 0660);
	close(fd);
	unlink(at.sun_path);
}

/* A neighbour who may write there would have opened any file of the server's to himself. */
static void test_link_in_its_place(void **state)
{
	struct sockaddr_un at;
	int fd = door_open(&at, region, "bell"), other;

	assert_true(fd >= 0);
	assert_int_equal(unlink(at.sun_path), 0);
	assert_int_equal(symlink(secret, at.sun_path), 0);
	assert_int_equal(door_share(&at, region), -1);
	assert_int_equal(mode_of(secret), 0600);
	assert_int_equal(unlink(at.sun_path), 0);
	assert_int_equal(link(secret, at.sun_path), 0);
	assert_int_equal(door_share(&at, region), -1);
	assert_int_equal(mode_of(secret), 0600);
	/* one that was there before is none's in whose place a door comes */
	assert_int_equal(unlink(at.sun_path), 0);
	assert_int_equal(symlink(secret, at.sun_path), 0);
	other = door_open(&at, region, "bell");
	assert_true(other >= 0);
	assert_int_equal(mode_of(at.sun_path), 0600);
	close(other);
	close(fd);
	unlink(at.sun_path);
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/door-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(region, sizeof region, "%s/region", dir);
	snprintf(secret, sizeof secret, "%s/secret", dir);
	make_file(region, 0660);
	make_file(secret, 0600);
	return 0;
}

static int teardown(void **state)
{
	unlink(region);
	unlink(secret);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_link_in_its_place),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
