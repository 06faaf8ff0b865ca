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

#endif
