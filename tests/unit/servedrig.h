/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * servedrig.h - what tests of one ops_server (serverrig.h) share: what it says of itself, and
 * what it uses.
 */
#ifndef TESTS_UNIT_SERVEDRIG_H
#define TESTS_UNIT_SERVEDRIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../serverrig.h"

/* User and system time of the server so far, milliseconds. */
static inline uint64_t cpu_ms(void)
{
	unsigned long user, system;
	char path[64], text[1024] = "", *at;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)f.pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	at = strrchr(text, ')');
	assert_non_null(at);
	assert_int_equal(sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				 &user, &system), 2);
	return (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static inline int ask_decrypt(struct ops_client *c)
{
	struct cell two = {.i = 2};
	struct rig_arg arg = {&two, T_INT4, 0};
	uint16_t code[] = {PUSH, OP_enc_int4_decrypt};
	uint8_t req[128];
	size_t len = rig_request(req, sizeof req, f.s, &arg, 1, code, 2, 1);

	return ask(c, OPS_EVAL, req, len);
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, begin, end)

#endif
