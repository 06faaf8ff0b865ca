/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secure_ring.h - what secure_option.h read, for a connection of libcxlring.
 */
#ifndef CLIENT_SECURE_RING_H
#define CLIENT_SECURE_RING_H

#include <stdio.h>
#include <stdlib.h>

#include "cxlring.h"
#include "secure_option.h"

/* Ends the program with status 2 and a sentence when the options make no sense. */
static inline void secure_ring_options(struct cxlring_options *to, struct secure_option *o)
{
	struct err_text e = {""};

	if (secure_option_resolve(o, &e)) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name, e.s);
		exit(2);
	}
	to->secure = o->secure;
	to->cert = o->files.cert;
	to->key = o->files.key;
	to->ca = o->files.ca;
	to->crl = o->files.crl;
	to->psk = o->files.psk;
	to->sec_mgr = o->sec_mgr;
	to->sec_pool = o->sec_pool;
}

#endif
