/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel_time.h - what the kernels of dates and times share: instants and the zone that
 * an operation is computed in. Functions that can fail return a row's state, or 0.
 */
#ifndef COMMON_KERNEL_TIME_H
#define COMMON_KERNEL_TIME_H

#include "calendar.h"
#include "kernel.h"
#include "timezone.h"

/* Row i of argument k. */
#define ARG(k, f) in[k].f[ROW(&in[k], i)]

/* A kernel out of a function of one row, which returns the row's state. */
#define EACH(name, call)                                                               \
	KERNEL(name)                                                                       \
	{                                                                                  \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = call;                                                       \
                                                                                       \
			if (__builtin_expect(fail, 0))                                             \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

/* The same with the zone that the operation is to be computed in, `z`. */
#define EACH_ZONED(name, call)                                                         \
	KERNEL(name)                                                                       \
	{                                                                                  \
		struct timezone_rules z;                                                       \
		uint32_t i;                                                                    \
                                                                                       \
		EACH_ROW(out, n, i)                                                            \
		{                                                                              \
			uint8_t fail = zone_of(&z, op, in, i) ? call : ROW_MALFORMED;              \
                                                                                       \
			if (__builtin_expect(fail, 0))                                             \
				row_fail(out, i, fail);                                                \
		}                                                                              \
	}

/* The zone for row i: the operation's last argument if it has one, else Greenwich.
 * false: its bytes are no zone. */
bool zone_of(
	struct timezone_rules *z, const struct op *op, const struct vec *in, uint32_t i);

/* What the zone's clocks show at t; returns how far east they are, in seconds. */
int32_t moment_at(struct moment *m, int64_t t, const struct timezone_rules *z);

/* The instant at which clocks so far east show it. */
uint8_t stamp_of(int64_t *t, const struct moment *m, int32_t offset);

/* The instant at which the zone's clocks show it. */
uint8_t stamp_in_zone(int64_t *t, const struct moment *m, const struct timezone_rules *z);

/* Midnight of a date in that zone. */
uint8_t stamp_of_date(int64_t *r, int32_t d, const struct timezone_rules *z);

#endif
