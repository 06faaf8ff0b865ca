/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * die.h - the end of a run that cannot go on. (err.h is common/'s here.)
 */
#ifndef DIFFERENTIAL_DIE_H
#define DIFFERENTIAL_DIE_H

enum {
	DIE_TROUBLE = 2, /* a server or the machine */
	DIE_RING = 3,    /* the ring: a fault by itself */
};

__attribute__((noreturn, format(printf, 2, 3))) void die(int status, const char *fmt, ...);

/* Called before the end, to say what was being done. */
extern void (*die_tell)(void);

#endif
